//! Judgements about one value: made by a machine, a placeholder, or redacted already.

use crate::kind::is_kind_name;
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
    marker_len(value) == Some(value.len())
        || pseudonym::is_pseudonym(value)
        || is_mask(value)
        || is_outline(value)
}

/// Length of the `[REDACTED:kind]` that `value` starts with.
pub(crate) fn marker_len(value: &[u8]) -> Option<usize> {
    let rest = value.strip_prefix(b"[REDACTED:")?;
    let end = rest.iter().position(|b| *b == b']')?;
    is_kind_name(&rest[..end]).then_some(b"[REDACTED:".len() + end + 1)
}

/// Stars before four digits: a shortened card number.
fn is_mask(value: &[u8]) -> bool {
    let stars = value.iter().take_while(|b| **b == b'*').count();
    stars >= 4 && value.len() == stars + 4 && value[stars..].iter().all(u8::is_ascii_digit)
}

/// The last four digits of `value` behind a star for each of the others; `None` when it has too
/// few digits to hide.
pub(crate) fn last_four(value: &[u8]) -> Option<String> {
    let digits = || value.iter().filter(|b| b.is_ascii_digit());
    let hidden = digits()
        .count()
        .checked_sub(4)
        .filter(|hidden| *hidden >= 8)?;
    let mut out = "*".repeat(hidden);
    out.extend(digits().skip(hidden).map(|b| char::from(*b)));
    Some(out)
}

/// `#` for each digit and `x` for each letter: how long it was and where its separators are.
pub(crate) fn outline(value: &[u8]) -> String {
    let outlined = |byte: &u8| match byte {
        b'0'..=b'9' => '#',
        b'-' | b'.' | b' ' | b'/' | b'+' | b'(' | b')' => char::from(*byte),
        _ => 'x',
    };
    value.iter().map(outlined).collect()
}

/// Whether all of `value` is an outline of something.
fn is_outline(value: &[u8]) -> bool {
    value.contains(&b'#') && value.iter().all(|b| b"#x-. /+()".contains(b))
}
