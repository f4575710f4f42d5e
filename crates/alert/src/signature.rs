//! Standard Webhooks 1.0, symmetric signatures: `v1,` and the base64 of HMAC-SHA256 over
//! `id.timestamp.body`.

use base64ct::{Base64, Encoding};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use stdx::Secret;
use thiserror::Error;

use crate::limits;

/// Mark of a secret in the notation of the specification.
const SECRET_PREFIX: &str = "whsec_";

/// The value of `webhook-signature` for one message; `timestamp` is in seconds since 1970.
pub fn signature(secret: &Secret<Vec<u8>>, id: &str, timestamp: i64, body: &[u8]) -> String {
    let mut mac =
        Hmac::<Sha256>::new_from_slice(secret.expose()).expect("HMAC takes keys of any length");
    mac.update(id.as_bytes());
    mac.update(b".");
    mac.update(timestamp.to_string().as_bytes());
    mac.update(b".");
    mac.update(body);
    let tag = mac.finalize().into_bytes();
    format!("v1,{}", Base64::encode_string(&tag))
}

/// Reads a signing secret: `whsec_` and base64, or the bytes of the text itself. Blanks around it
/// do not count, so that it may come from a file.
pub fn secret_of_text(text: &Secret<String>) -> Result<Secret<Vec<u8>>, SecretError> {
    let text = text.expose().trim();
    let bytes = match text.strip_prefix(SECRET_PREFIX) {
        Some(encoded) => Base64::decode_vec(encoded).map_err(|_| SecretError::Encoding)?,
        None => text.as_bytes().to_vec(),
    };
    let secret = Secret::new(bytes);
    let len = secret.expose().len();
    if (limits::SECRET_BYTES_MIN..=limits::SECRET_BYTES_MAX).contains(&len) {
        Ok(secret)
    } else {
        Err(SecretError::Length { len })
    }
}

/// A text that is no signing secret. Says nothing about its content.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum SecretError {
    /// Marked as base64 and is not.
    #[error("webhook secret after `whsec_` is not base64")]
    Encoding,
    /// Too weak, or not a secret at all.
    #[error(
        "webhook secret has {len} bytes, must have {} to {}",
        limits::SECRET_BYTES_MIN,
        limits::SECRET_BYTES_MAX
    )]
    Length {
        /// Bytes given.
        len: usize,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str) -> Result<usize, String> {
        secret_of_text(&Secret::new(text.to_owned()))
            .map(|secret| secret.expose().len())
            .map_err(|error| error.to_string())
    }

    #[test]
    fn secrets_are_read_in_both_notations() {
        assert_eq!(check(" whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYX\n"), Ok(24));
        assert_eq!(check(&"k".repeat(32)), Ok(32));
        let short = "webhook secret has 5 bytes, must have 24 to 64";
        assert_eq!(check("short"), Err(short.to_owned()));
        assert!(check("whsec_***").is_err_and(|text| !text.contains('*')));
    }

    /// HMAC key and message in the shape of the specification; the expected value was computed
    /// with another implementation (`openssl dgst -sha256 -mac HMAC`).
    #[test]
    fn signature_is_the_one_of_the_specification() {
        let secret = Secret::new((0..24).collect());
        let value = signature(&secret, "msg_1", 1_700_000_000, b"{\"a\":1}");
        assert_eq!(value, EXPECTED_SIGNATURE);
    }

    const EXPECTED_SIGNATURE: &str = "v1,YOREwC5BRUvI4ezImQEgEteB7JbPr/Iy2YCZe049/5g=";
}
