//! Bytes to text without losing any: a byte that is not UTF-8 is written as `\xHH`.

use std::borrow::Cow;

/// The text of a frame.
pub(crate) struct Decoded<'a> {
    pub(crate) text: Cow<'a, str>,
    /// Offset of the first byte that is not UTF-8.
    pub(crate) invalid_at: Option<usize>,
    /// Whether values must be looked through for forged records and terminal codes.
    pub(crate) has_controls: bool,
}

/// Decodes `bytes`.
pub(crate) fn text(bytes: &[u8]) -> Decoded<'_> {
    // Without an early exit the compiler turns this into vector code.
    let has_controls = bytes
        .iter()
        .fold(0, |found, b| found | u8::from(is_suspicious(*b)))
        != 0;
    match std::str::from_utf8(bytes) {
        Ok(text) => Decoded {
            text: Cow::Borrowed(text),
            invalid_at: None,
            has_controls,
        },
        Err(error) => Decoded {
            text: Cow::Owned(marked(bytes)),
            invalid_at: Some(error.valid_up_to()),
            has_controls,
        },
    }
}

/// Control characters but TAB, and the byte that C1 controls start with in UTF-8; a false positive
/// only costs the closer look.
const fn is_suspicious(byte: u8) -> bool {
    matches!(byte, 0..=8 | 10..=31 | 0xc2)
}

fn marked(bytes: &[u8]) -> String {
    const DIGITS: [char; 16] = [
        '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f',
    ];
    let mut out = String::with_capacity(bytes.len() + 64);
    for chunk in bytes.utf8_chunks() {
        out.push_str(chunk.valid());
        for byte in chunk.invalid() {
            out.push_str(r"\x");
            out.push(DIGITS[usize::from(byte >> 4)]);
            out.push(DIGITS[usize::from(byte & 15)]);
        }
    }
    out
}

/// Bytes behind a line end that are looked at: indentation, then the longest start of a record we
/// know. A bound, or a text of line ends alone would cost its length squared.
const RECORD_START_BYTES: usize = 64;

/// The longest prefix of `text` of at most `max` bytes that ends at a character.
pub(crate) fn prefix(text: &str, max: usize) -> &str {
    &text[..text.floor_char_boundary(max)]
}

/// Bytes at a cut that are looked through for the start of what it split: longer than any token.
const SPLIT_BYTES_MAX: usize = 4096;
/// Groups that one number is written in.
const SPLIT_GROUPS_MAX: usize = 10;
/// Characters of such a group.
const SPLIT_GROUP_CHARS_MAX: usize = 6;

/// `bytes` that end at a cut, without the word or the grouped number that the cut may have split:
/// half a token passes every check for a whole one, and would be stored.
pub(crate) fn without_split_word(bytes: &[u8]) -> &[u8] {
    let floor = bytes.len().saturating_sub(SPLIT_BYTES_MAX);
    let ends = |b: &u8| b.is_ascii_whitespace() || b"\"',;&|<>(){}[]".contains(b);
    let word = bytes[floor..].iter().rposition(ends);
    let mut kept = &bytes[..word.map_or(floor, |at| floor + at + 1)];
    for _ in 0..SPLIT_GROUPS_MAX {
        let Some((b' ' | b'-' | b'+', before)) = kept.split_last() else {
            break;
        };
        let group = |b: &&u8| b.is_ascii_uppercase() || b.is_ascii_digit();
        let len = before.iter().rev().take_while(group).count();
        if len == 0 || len > SPLIT_GROUP_CHARS_MAX {
            break;
        }
        kept = &before[..before.len() - len];
    }
    kept
}

/// The longest prefix of `text` of at most `max` bytes without a split word at its end.
pub(crate) fn cut(text: &str, max: usize) -> &str {
    let text = prefix(text, max);
    // It ends behind an ASCII character or at the floor, which may lie inside one.
    prefix(text, without_split_word(text.as_bytes()).len())
}

/// Whether `text` holds what looks like a second record or a terminal code: an escape character,
/// or a line end followed by the start of a record.
pub(crate) fn suspects_injection(text: &str) -> bool {
    let bytes = text.as_bytes();
    if memchr::memchr(0x1b, bytes).is_some() || text.contains('\u{9b}') {
        return true;
    }
    memchr::memchr2_iter(b'\r', b'\n', bytes).any(|at| {
        // Of a run of line ends the last one decides.
        let ends_run = !matches!(bytes.get(at + 1), Some(b'\r' | b'\n'));
        let end = bytes.len().min(at + 1 + RECORD_START_BYTES);
        ends_run && starts_record(bytes[at + 1..end].trim_ascii_start())
    })
}

fn starts_record(rest: &[u8]) -> bool {
    let digits = rest.iter().take_while(|b| b.is_ascii_digit()).count();
    match rest.first() {
        Some(b'<') => rest.get(1).is_some_and(u8::is_ascii_digit),
        Some(b'{') => rest.get(1) == Some(&b'"'),
        Some(b'[') => starts_level(&rest[1..]) || starts_with_year(&rest[1..]),
        Some(b'0'..=b'9') => starts_with_year(rest) || digits <= 3 && starts_access_line(rest),
        _ => {
            rest.starts_with(b"CEF:")
                || rest.starts_with(b"LEEF:")
                || starts_level(rest)
                || rest.get(..3).is_some_and(|month| {
                    stdx::calendar::month_of_name(month).is_some() && rest.get(3) == Some(&b' ')
                })
        }
    }
}

fn starts_with_year(rest: &[u8]) -> bool {
    stdx::calendar::digits(rest, 0, 4).is_some() && matches!(rest.get(4), Some(b'-' | b'/'))
}

fn starts_level(rest: &[u8]) -> bool {
    const LEVELS: [&[u8]; 8] = [
        b"INFO",
        b"WARN",
        b"ERROR",
        b"DEBUG",
        b"CRITICAL",
        b"FATAL",
        b"TRACE",
        b"NOTICE",
    ];
    LEVELS.iter().any(|level| {
        rest.get(..level.len())
            .is_some_and(|word| word.eq_ignore_ascii_case(level))
            && matches!(
                rest.get(level.len()),
                None | Some(b' ' | b':' | b']' | b'I')
            )
    })
}

/// `1.2.3.4 - `: a client address and the dash of a web server log.
fn starts_access_line(rest: &[u8]) -> bool {
    let end = rest.iter().position(|b| *b == b' ').unwrap_or(rest.len());
    let address = std::str::from_utf8(&rest[..end]).unwrap_or("");
    address.parse::<std::net::Ipv4Addr>().is_ok() && rest[end..].starts_with(b" - ")
}
