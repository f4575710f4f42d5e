//! SHA-256 values of the tree and the two ways to make one (RFC 6962 section 2.1).
//!
//! Leaves and inner nodes are hashed with different first bytes, so that no inner node can be
//! presented as an entry or the other way round.

use std::fmt;
use std::str::FromStr;

use sha2::{Digest as _, Sha256};
use thiserror::Error;

use crate::encoding;
use crate::limits::HASH_LEN_BYTES;

const LEAF_PREFIX: u8 = 0x00;
const NODE_PREFIX: u8 = 0x01;

/// Root of the tree without leaves: SHA-256 of nothing.
pub const EMPTY_ROOT: Hash = Hash([
    0xe3, 0xb0, 0xc4, 0x42, 0x98, 0xfc, 0x1c, 0x14, 0x9a, 0xfb, 0xf4, 0xc8, 0x99, 0x6f, 0xb9, 0x24,
    0x27, 0xae, 0x41, 0xe4, 0x64, 0x9b, 0x93, 0x4c, 0xa4, 0x95, 0x99, 0x1b, 0x78, 0x52, 0xb8, 0x55,
]);

/// One SHA-256 value: a leaf, an inner node or a root.
///
/// `Display` and `FromStr` speak base64 as checkpoints and proofs do; `{:x}` and
/// [`Hash::from_hex`] speak hexadecimal.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hash([u8; HASH_LEN_BYTES]);

impl Hash {
    /// Wraps bytes that are known to be a SHA-256 value.
    pub const fn from_bytes(bytes: [u8; HASH_LEN_BYTES]) -> Self {
        Self(bytes)
    }

    /// The 32 bytes.
    pub const fn as_bytes(&self) -> &[u8; HASH_LEN_BYTES] {
        &self.0
    }

    /// Reads 64 hexadecimal digits of either case.
    pub fn from_hex(text: &str) -> Result<Self, HashParseError> {
        let digits = text.as_bytes();
        if digits.len() != HASH_LEN_BYTES * 2 {
            return Err(HashParseError::HexLength {
                digits: digits.len(),
            });
        }
        let mut bytes = [0; HASH_LEN_BYTES];
        for (position, pair) in digits.chunks_exact(2).enumerate() {
            let high = nibble(pair[0]).ok_or(HashParseError::HexDigit {
                position: position * 2,
            })?;
            let low = nibble(pair[1]).ok_or(HashParseError::HexDigit {
                position: position * 2 + 1,
            })?;
            bytes[position] = high << 4 | low;
        }
        Ok(Self(bytes))
    }
}

fn nibble(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}

/// Hash of an entry as a leaf: `SHA-256(0x00 || entry)`.
pub fn leaf_hash(entry: &[u8]) -> Hash {
    let digest = Sha256::new()
        .chain_update([LEAF_PREFIX])
        .chain_update(entry)
        .finalize();
    Hash(digest.into())
}

/// Hash of an inner node: `SHA-256(0x01 || left || right)`.
pub fn node_hash(left: &Hash, right: &Hash) -> Hash {
    let mut input = [NODE_PREFIX; 1 + 2 * HASH_LEN_BYTES];
    input[1..=HASH_LEN_BYTES].copy_from_slice(&left.0);
    input[1 + HASH_LEN_BYTES..].copy_from_slice(&right.0);
    Hash(Sha256::digest(input).into())
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&encoding::base64(&self.0))
    }
}

impl fmt::LowerHex for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Hash({self:x})")
    }
}

impl FromStr for Hash {
    type Err = HashParseError;

    /// Reads the 44 base64 characters of a hash.
    fn from_str(text: &str) -> Result<Self, HashParseError> {
        let bytes = encoding::from_base64(text).ok_or(HashParseError::Base64)?;
        let length = bytes.len();
        let bytes = bytes
            .try_into()
            .map_err(|_| HashParseError::Length { len_bytes: length })?;
        Ok(Self(bytes))
    }
}

/// Why a text is not a hash.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum HashParseError {
    /// Not standard padded base64.
    #[error("a hash is not standard base64 with padding")]
    Base64,
    /// Good base64 of something else.
    #[error("a hash has {len_bytes} bytes instead of 32")]
    Length {
        /// Decoded length.
        len_bytes: usize,
    },
    /// Not 64 hexadecimal digits.
    #[error("a hash has {digits} hexadecimal digits instead of 64")]
    HexLength {
        /// Length of the text.
        digits: usize,
    },
    /// A character that is no hexadecimal digit.
    #[error("a hash has no hexadecimal digit at position {position}")]
    HexDigit {
        /// Position counted from zero.
        position: usize,
    },
}

#[cfg(test)]
mod tests;
