//! Keyed hashes: the same value stays joinable, nobody without the key can guess it back.
//!
//! Form: `h1:<keyid>:<32 hex>`, the first 16 bytes of HMAC-SHA-256(key, kind || 0x00 || value). The
//! kind separates domains: an e-mail and a session id of equal text have different pseudonyms.

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use stdx::Secret;

use crate::limits;

/// Makes pseudonyms under one key.
#[derive(Clone)]
pub(crate) struct Pseudonymizer {
    /// The key, taken in already: half of the hashing is done once.
    mac: Hmac<Sha256>,
    key_id: String,
}

impl Pseudonymizer {
    /// `key_id` is public; what does not fit the form is left out of it.
    pub(crate) fn new(key: &Secret<[u8; 32]>, key_id: &str) -> Self {
        let mut key_id: String = key_id
            .chars()
            .filter(|c| is_key_id_char(*c))
            .take(limits::KEY_ID_BYTES_MAX)
            .collect();
        if key_id.is_empty() {
            key_id.push('0');
        }
        let mac = Hmac::<Sha256>::new_from_slice(key.expose());
        Self {
            mac: mac.expect("HMAC takes keys of any length"),
            key_id,
        }
    }

    /// The pseudonym of `value` within the domain `kind`.
    pub(crate) fn of(&self, kind: &str, value: &[u8]) -> String {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let mut mac = self.mac.clone();
        mac.update(kind.as_bytes());
        mac.update(&[0]);
        mac.update(value);
        let mut out = String::with_capacity(4 + self.key_id.len() + 32);
        out.push_str("h1:");
        out.push_str(&self.key_id);
        out.push(':');
        for byte in mac.finalize().into_bytes().iter().take(16) {
            out.push(char::from(DIGITS[usize::from(byte >> 4)]));
            out.push(char::from(DIGITS[usize::from(byte & 15)]));
        }
        out
    }
}

/// The present key and those before it.
pub(crate) struct Pseudonyms {
    present: Pseudonymizer,
    past: Vec<Pseudonymizer>,
}

impl Pseudonyms {
    pub(crate) fn new(present: Pseudonymizer, past: Vec<Pseudonymizer>) -> Self {
        Self { present, past }
    }

    /// The pseudonym under the present key.
    pub(crate) fn of(&self, kind: &str, value: &[u8]) -> String {
        self.present.of(kind, value)
    }

    /// A number that nobody without the key can guess, for tables that strangers fill.
    pub(crate) fn seed(&self, purpose: &str) -> u64 {
        let mut mac = self.present.mac.clone();
        mac.update(b"seed\0");
        mac.update(purpose.as_bytes());
        let bytes = mac.finalize().into_bytes();
        bytes
            .iter()
            .take(8)
            .fold(0, |seed, b| seed << 8 | u64::from(*b))
    }

    /// The pseudonyms under every key, the present first.
    pub(crate) fn all(&self, kind: &str, value: &[u8]) -> Vec<String> {
        let keys = std::iter::once(&self.present).chain(&self.past);
        keys.map(|key| key.of(kind, value)).collect()
    }
}

impl fmt::Debug for Pseudonyms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let past = self.past.iter().map(|key| key.key_id.as_str());
        let ids: Vec<_> = std::iter::once(self.present.key_id.as_str())
            .chain(past)
            .collect();
        write!(f, "Pseudonyms({})", ids.join(", "))
    }
}

fn is_key_id_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '-' | '_')
}

/// Whether all of `value` is a pseudonym, under whichever key.
pub(crate) fn is_pseudonym(value: &[u8]) -> bool {
    let Some(rest) = value.strip_prefix(b"h1:") else {
        return false;
    };
    let Some(colon) = rest.iter().position(|b| *b == b':') else {
        return false;
    };
    let (key_id, hash) = (&rest[..colon], &rest[colon + 1..]);
    !key_id.is_empty()
        && key_id.len() <= limits::KEY_ID_BYTES_MAX
        && key_id.iter().all(|b| is_key_id_char(char::from(*b)))
        && hash.len() == 32
        && hash.iter().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_vector_holds() {
        let key = Secret::new(*b"test-key-not-for-production-0001");
        let made = Pseudonymizer::new(&key, "k1").of("email", b"alice@example.com");
        assert_eq!(made, "h1:k1:42348dad8de8e7c331cfa9e6883a1199");
        assert!(is_pseudonym(made.as_bytes()));
        assert!(!is_pseudonym(b"h1:k1:42348dad8de8e7c331cfa9e6883a119"));
    }
}
