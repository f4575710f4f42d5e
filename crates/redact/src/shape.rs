//! Judgements about one value: made by a machine, a placeholder, or redacted already.

use crate::limits;
use crate::pseudonym;

/// Bits per byte of the value's own byte frequencies.
pub(crate) fn entropy(value: &[u8]) -> f32 {
    let mut counts = [0_u16; 256];
    let value = &value[..value.len().min(1024)];
    for byte in value {
        counts[usize::from(*byte)] += 1;
    }
    let len = f32::from(u16::try_from(value.len()).unwrap_or(u16::MAX));
    counts
        .iter()
        .filter(|count| **count > 0)
        .map(|count| {
            let share = f32::from(*count) / len;
            -share * share.log2()
        })
        .sum()
}

/// Whether `value` looks made by a machine to be unguessable: one long token, mixed, not a UUID.
pub(crate) fn is_opaque(value: &[u8]) -> bool {
    let token = value
        .iter()
        .all(|b| b.is_ascii_alphanumeric() || b"-_~+/=%".contains(b));
    let slashes = memchr::memchr_iter(b'/', value).count();
    let hex = value.iter().all(u8::is_ascii_hexdigit);
    token
        && slashes * 12 <= value.len()
        && value.len() >= limits::OPAQUE_BYTES_MIN
        && value.iter().any(u8::is_ascii_digit)
        && value.iter().any(u8::is_ascii_alphabetic)
        && !is_uuid(value)
        && entropy(value) > if hex { 3.0 } else { 3.5 }
}

/// Whether prose would hold `value` only as a token: long enough and not a plain word.
pub(crate) fn is_tokenish(value: &[u8]) -> bool {
    let mixed =
        value.iter().any(u8::is_ascii_uppercase) && value.iter().any(u8::is_ascii_lowercase);
    let inner_upper = value.iter().skip(1).any(u8::is_ascii_uppercase);
    value.len() >= 6 && (value.iter().any(u8::is_ascii_digit) || mixed && inner_upper)
}

/// 8-4-4-4-12 hexadecimal digits.
pub(crate) fn is_uuid(value: &[u8]) -> bool {
    value.len() == 36
        && value.iter().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => *byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

/// Whether `value` stands for a secret without being one: nothing, a variable, a filler.
pub(crate) fn is_placeholder(value: &[u8]) -> bool {
    const WORDS: [&[u8]; 13] = [
        b"null",
        b"nil",
        b"none",
        b"true",
        b"false",
        b"undefined",
        b"changeme",
        b"redacted",
        b"filtered",
        b"[filtered]",
        b"<redacted>",
        b"[redacted]",
        b"(null)",
    ];
    value.is_empty()
        || value.iter().all(|b| b"*.-_?<>[](){}".contains(b))
        || value.iter().all(|b| matches!(b, b'x' | b'X' | b'*'))
        || value.starts_with(b"${") && value.ends_with(b"}")
        || WORDS.iter().any(|word| value.eq_ignore_ascii_case(word))
}

/// Whether prose after `password:` says what is wrong with it rather than what it is.
pub(crate) fn is_complaint(value: &[u8]) -> bool {
    const WORDS: [&[u8]; 12] = [
        b"required",
        b"incorrect",
        b"invalid",
        b"missing",
        b"expired",
        b"mismatch",
        b"wrong",
        b"failed",
        b"rejected",
        b"changed",
        b"unchanged",
        b"weak",
    ];
    let value = value.strip_suffix(b".").unwrap_or(value);
    WORDS.iter().any(|word| value.eq_ignore_ascii_case(word))
}

/// Whether all of `value` is what a redaction leaves behind.
pub(crate) fn is_redacted(value: &[u8]) -> bool {
    marker_len(value) == Some(value.len()) || pseudonym::is_pseudonym(value) || is_mask(value)
}

/// Length of the `[REDACTED:kind]` that `value` starts with.
pub(crate) fn marker_len(value: &[u8]) -> Option<usize> {
    let rest = value.strip_prefix(b"[REDACTED:")?;
    let end = rest.iter().position(|b| *b == b']')?;
    let name = rest[..end]
        .iter()
        .all(|b| b.is_ascii_lowercase() || *b == b'_');
    name.then_some(b"[REDACTED:".len() + end + 1)
}

/// Two to six characters, stars, four characters: a masked card or account number.
fn is_mask(value: &[u8]) -> bool {
    let Some(first) = value.iter().position(|b| *b == b'*') else {
        return false;
    };
    let stars = value[first..].iter().take_while(|b| **b == b'*').count();
    let shown = |part: &[u8]| part.iter().all(u8::is_ascii_alphanumeric);
    (2..=6).contains(&first)
        && stars >= 4
        && value.len() == first + stars + 4
        && shown(&value[..first])
        && shown(&value[first + stars..])
}

/// First `head` and last four characters of `value`, stars between.
pub(crate) fn mask(value: &[u8], head: usize) -> String {
    let hidden = value.len().saturating_sub(head + 4).max(4);
    let mut out = String::with_capacity(value.len());
    out.extend(value.iter().take(head).map(|b| char::from(*b)));
    out.extend(std::iter::repeat_n('*', hidden));
    out.extend(value.iter().skip(value.len() - 4).map(|b| char::from(*b)));
    out
}
