//! Cosignatures: a witness's word that it saw a checkpoint at a time, and that this checkpoint
//! extends all it saw before (c2sp.org/tlog-cosignature, version 1 with Ed25519, type 0x04).
//!
//! A cosignature stands in the note of the checkpoint as one more signature line. What is signed
//! is not the note alone but `cosignature/v1`, the time and the note; the Ed25519 form does not
//! name the cosigner, so each cosigner must have a key of its own. Lines of other types, such as
//! 0x06 (ML-DSA-44), are carried along and never believed.

use std::fmt;
use std::str::FromStr;

use ed25519_dalek::Signer as _;
use thiserror::Error;
use zeroize::Zeroizing;

use crate::encoding::hex;
use crate::limits::COSIGNATURE_TIME_MAX_S;
use crate::note::{
    KeyId, KeyNameError, NamedPoint, Note, SEED_LEN_BYTES, SIGNATURE_LEN_BYTES, SignatureLine,
    SigningKeyParseError, VerifyingKeyParseError, check_private_id, is_key_name, key_id,
    parse_private, private_text, public_text,
};
use crate::verified::Verified;

/// Algorithm byte of Ed25519 cosignatures in key texts and key ids.
const ALGORITHM_COSIGNATURE: u8 = 0x04;
const TIME_LEN_BYTES: usize = 8;

/// What a witness signs: two lines, then the text of the note.
fn message(time_s: u64, text: &str) -> String {
    format!("cosignature/v1\ntime {time_s}\n{text}")
}

/// A named Ed25519 key that cosigns checkpoints. Wiped from memory when dropped; `Debug` shows
/// the name and key id only.
#[derive(Clone)]
pub struct CosigningKey {
    name: String,
    key_id: KeyId,
    /// Wipes itself when dropped.
    secret: ed25519_dalek::SigningKey,
}

impl CosigningKey {
    /// Makes the key with this name from 32 secret bytes (the seed of RFC 8032).
    pub fn from_seed(name: &str, seed: &[u8; SEED_LEN_BYTES]) -> Result<Self, KeyNameError> {
        if !is_key_name(name) {
            return Err(KeyNameError {
                name: name.to_owned(),
            });
        }
        let secret = ed25519_dalek::SigningKey::from_bytes(seed);
        let public = secret.verifying_key();
        Ok(Self {
            name: name.to_owned(),
            key_id: key_id(name, ALGORITHM_COSIGNATURE, public.as_bytes()),
            secret,
        })
    }

    /// Reads `PRIVATE+KEY+<name>+<key id>+<base64(0x04 || seed)>`.
    pub fn parse(text: &str) -> Result<Self, SigningKeyParseError> {
        let (name, id, seed) = parse_private(text, ALGORITHM_COSIGNATURE)?;
        let parsed = Self::from_seed(name, &seed).map_err(SigningKeyParseError::Name)?;
        check_private_id(id, parsed.key_id)?;
        Ok(parsed)
    }

    /// Writes the text that [`CosigningKey::parse`] reads; wiped when dropped.
    pub fn to_private_text(&self) -> Zeroizing<String> {
        private_text(&self.name, self.key_id, ALGORITHM_COSIGNATURE, &self.secret)
    }

    /// Name that stands in signature lines.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The public half.
    pub fn cosigner_key(&self) -> CosignerKey {
        CosignerKey {
            name: self.name.clone(),
            key_id: self.key_id,
            public: self.secret.verifying_key(),
        }
    }

    /// The line that says: this text was seen at this time, seconds since 1970 UTC.
    ///
    /// Whoever calls this promises that the text extends every one it was called with before.
    pub fn cosign(&self, text: &str, time_s: u64) -> Result<SignatureLine, CosignatureTimeError> {
        if COSIGNATURE_TIME_MAX_S < time_s {
            return Err(CosignatureTimeError {
                time_s,
                time_max_s: COSIGNATURE_TIME_MAX_S,
            });
        }
        let signature = self.secret.sign(message(time_s, text).as_bytes());
        Ok(SignatureLine {
            name: self.name.clone(),
            key_id: self.key_id,
            signature: [&time_s.to_be_bytes()[..], &signature.to_bytes()].concat(),
        })
    }
}

impl fmt::Debug for CosigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CosigningKey")
            .field("name", &self.name)
            .field("key_id", &hex(&self.key_id))
            .finish_non_exhaustive()
    }
}

/// A time that other implementations could not read.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("time {time_s} of a cosignature is over the limit of {time_max_s}")]
pub struct CosignatureTimeError {
    /// Time given.
    pub time_s: u64,
    /// Latest time.
    pub time_max_s: u64,
}

/// A named Ed25519 key that checks cosignatures. `Display` and `FromStr` speak the text form
/// `<name>+<key id>+<base64(0x04 || public key)>`.
#[derive(Clone, PartialEq, Eq)]
pub struct CosignerKey {
    name: String,
    key_id: KeyId,
    public: ed25519_dalek::VerifyingKey,
}

impl CosignerKey {
    /// Name that stands in signature lines.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether the line claims to be by this key. Says nothing of its signature.
    pub fn knows(&self, line: &SignatureLine) -> bool {
        self.key_id == line.key_id && self.name == line.name
    }

    /// Checks one line over the text of a note.
    pub fn verify(
        &self,
        text: &str,
        line: &SignatureLine,
    ) -> Result<Verified<Cosignature>, CosignatureError> {
        if !self.knows(line) {
            return Err(CosignatureError::OtherKey {
                name: line.name.clone(),
                key_id: hex(&line.key_id),
                expected: self.to_string(),
            });
        }
        let length = CosignatureError::Length {
            len_bytes: line.signature.len(),
        };
        let Some((time, signature)) = line.signature.split_first_chunk::<TIME_LEN_BYTES>() else {
            return Err(length);
        };
        let Ok(signature) = <[u8; SIGNATURE_LEN_BYTES]>::try_from(signature) else {
            return Err(length);
        };
        let time_s = u64::from_be_bytes(*time);
        let signature = ed25519_dalek::Signature::from_bytes(&signature);
        let is_good = time_s <= COSIGNATURE_TIME_MAX_S
            && self
                .public
                .verify_strict(message(time_s, text).as_bytes(), &signature)
                .is_ok();
        if !is_good {
            return Err(CosignatureError::Bad {
                name: self.name.clone(),
                key_id: hex(&self.key_id),
            });
        }
        Ok(Verified::certified(Cosignature {
            cosigner: self.name.clone(),
            time_s,
        }))
    }

    /// The newest cosignature by this key in a note, if there is one. One bad line of this key
    /// condemns the note, as for every known key (c2sp.org/signed-note).
    pub fn find_in(&self, note: &Note) -> Result<Option<Verified<Cosignature>>, CosignatureError> {
        let mut newest: Option<Verified<Cosignature>> = None;
        for line in note.signatures().iter().filter(|line| self.knows(line)) {
            let found = self.verify(note.text(), line)?;
            if newest
                .as_ref()
                .is_none_or(|known| known.time_s < found.time_s)
            {
                newest = Some(found);
            }
        }
        Ok(newest)
    }
}

impl fmt::Display for CosignerKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let algorithm = ALGORITHM_COSIGNATURE;
        f.write_str(&public_text(
            &self.name,
            self.key_id,
            algorithm,
            &self.public,
        ))
    }
}

impl fmt::Debug for CosignerKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CosignerKey({self})")
    }
}

impl FromStr for CosignerKey {
    type Err = VerifyingKeyParseError;

    fn from_str(text: &str) -> Result<Self, VerifyingKeyParseError> {
        let named = NamedPoint::parse(text, ALGORITHM_COSIGNATURE)?;
        Ok(Self {
            name: named.name,
            key_id: named.key_id,
            public: named.public,
        })
    }
}

/// Who cosigned and when; inside [`Verified`] the signature was checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cosignature {
    cosigner: String,
    time_s: u64,
}

impl Cosignature {
    /// Name of the key that cosigned.
    pub fn cosigner(&self) -> &str {
        &self.cosigner
    }

    /// When, by the cosigner's clock: seconds since 1970 UTC.
    pub fn time_s(&self) -> u64 {
        self.time_s
    }
}

/// Why a line is no cosignature of a key.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum CosignatureError {
    /// The line is by somebody else.
    #[error("signature line of {name} ({key_id}) is not by {expected}")]
    OtherKey {
        /// Name in the line.
        name: String,
        /// Key id in the line, in hexadecimal.
        key_id: String,
        /// Key asked for.
        expected: String,
    },
    /// Not eight bytes of time and 64 of signature.
    #[error("cosignature has {len_bytes} bytes instead of 72")]
    Length {
        /// Length found.
        len_bytes: usize,
    },
    /// The signature does not belong to time and text.
    #[error("cosignature of {name} ({key_id}) is bad")]
    Bad {
        /// Name of the key.
        name: String,
        /// Key id in hexadecimal.
        key_id: String,
    },
}

#[cfg(test)]
mod tests;
