//! The name of an alert, made from what it is about and not from when it was noticed.

use std::fmt;

use event::Detection;
use sha2::{Digest, Sha256};

/// Hex digits of the hash that an id shows: 64 bits, so that two of a billion alerts meet with a
/// chance below one in thirty.
const HEX_DIGITS: usize = 16;
const PREFIX: &str = "a-";

/// Stable id of an alert: `a-` and 16 hex digits.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AlertId(String);

impl AlertId {
    /// Reads an id as it is stored; `None` for any other text.
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix(PREFIX)?;
        let well_formed = digits.len() == HEX_DIGITS && digits.bytes().all(is_hex);
        well_formed.then(|| Self(text.to_owned()))
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for AlertId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// Lower-case hex, as ids are written.
pub(crate) fn is_hex(byte: u8) -> bool {
    matches!(byte, b'0'..=b'9' | b'a'..=b'f')
}

/// The digits of an id or of the beginning of one, with or without its `a-`.
pub(crate) fn prefix_of(text: &str) -> Option<String> {
    let digits = text.strip_prefix(PREFIX).unwrap_or(text);
    let fits = (crate::limits::ID_PREFIX_DIGITS_MIN..=HEX_DIGITS).contains(&digits.len());
    (fits && digits.bytes().all(is_hex)).then(|| format!("{PREFIX}{digits}"))
}

/// The id of the alert that `detection` belongs to: SHA-256 over rule id, window start and the
/// group's pairs in name order, each part with its length before it.
pub fn alert_id(detection: &Detection) -> AlertId {
    let mut pairs: Vec<(&str, &str)> = detection
        .group
        .iter()
        .map(|part| (part.field.as_str(), part.value.as_str()))
        .collect();
    pairs.sort_unstable();
    let mut hash = Sha256::new();
    hash.update(b"belfry alert id v1\n");
    add_text(&mut hash, &detection.rule.id);
    hash.update(detection.window_start.0.to_be_bytes());
    for (field, value) in pairs {
        add_text(&mut hash, field);
        add_text(&mut hash, value);
    }
    AlertId(format!("{PREFIX}{}", &hex(&hash.finalize())[..HEX_DIGITS]))
}

fn add_text(hash: &mut Sha256, text: &str) {
    hash.update((text.len() as u64).to_be_bytes());
    hash.update(text.as_bytes());
}

/// Lower-case hex of `bytes`.
pub(crate) fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |nibble: u8| char::from(DIGITS[usize::from(nibble & 0xf)]);
    bytes
        .iter()
        .flat_map(|byte| [digit(byte >> 4), digit(*byte)])
        .collect()
}

#[cfg(test)]
mod tests;
