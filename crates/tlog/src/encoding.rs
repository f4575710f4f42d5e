//! The two text encodings that all C2SP formats share: strict base64 and canonical decimals.
//!
//! Both accept exactly one spelling of each value, so that parsing and printing are inverse.

use base64ct::{Base64, Encoding as _};

use crate::limits::TREE_SIZE_MAX;

/// Standard base64 with padding (RFC 4648 section 4).
pub(crate) fn base64(bytes: &[u8]) -> String {
    Base64::encode_string(bytes)
}

/// Reads standard base64; refuses white space, missing padding and stray trailing bits.
pub(crate) fn from_base64(text: &str) -> Option<Vec<u8>> {
    Base64::decode_vec(text).ok()
}

/// Reads an ASCII decimal without sign or leading zeros, at most [`TREE_SIZE_MAX`].
pub(crate) fn from_decimal(text: &str) -> Option<u64> {
    let digits_only = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let canonical = text == "0" || !text.starts_with('0');
    if !digits_only || !canonical {
        return None;
    }
    text.parse().ok().filter(|value| *value <= TREE_SIZE_MAX)
}

/// Lower-case hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes
        .iter()
        .fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
            write!(text, "{byte:02x}").expect("writing into a String cannot fail");
            text
        })
}
