//! Credentials that show by their form: JWT, PEM keys, user-info of addresses, HTTP schemes.

use crate::decode;
use crate::kind::Kind;
use crate::scan::Scan;
use crate::shape;

fn is_url64(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'=')
}

fn part_len(text: &[u8]) -> usize {
    text.iter()
        .position(|b| !is_url64(*b))
        .unwrap_or(text.len())
}

/// A JSON web token (RFC 7519) from its header on: the header must decode to JSON with `alg`.
pub(crate) fn jwt(scan: &mut Scan<'_>, text: &[u8], start: usize) {
    let header = part_len(&text[start..]);
    let decoded = decode::base64_bytes(&text[start..start + header]);
    let named = decoded.is_some_and(|json| memchr::memmem::find(&json, b"\"alg\"").is_some());
    if !named {
        return;
    }
    let mut end = start + header;
    // Three parts are signed, five encrypted; a cut token has fewer.
    for _ in 0..4 {
        if text.get(end) != Some(&b'.') {
            break;
        }
        end += 1 + part_len(&text[end + 1..]);
    }
    if end > start + header + 8 {
        scan.add(text, start, end, Kind::Jwt);
    }
}

/// A PEM or PGP private key from its dashes on; without its end line it goes to the end of the
/// text.
pub(crate) fn pem(scan: &mut Scan<'_>, text: &[u8], start: usize) {
    let dashes = text[start..].iter().take_while(|b| **b == b'-').count();
    let begin = start + dashes;
    let title = &text[begin..text.len().min(begin + 64)];
    if !title.starts_with(b"BEGIN ") || memchr::memmem::find(title, b"PRIVATE KEY").is_none() {
        return;
    }
    let end = memchr::memmem::find(&text[begin..], b"-----END").map_or(text.len(), |at| {
        let label = begin + at + b"-----END".len();
        memchr::memmem::find(&text[label..], b"-----").map_or(text.len(), |at| label + at + 5)
    });
    scan.add(text, start, end, Kind::PrivateKey);
}

/// `scheme://user:password@host`, given the colon of the scheme.
pub(crate) fn user_info(scan: &mut Scan<'_>, text: &[u8], colon: usize) {
    let start = colon + 3;
    let rest = text.get(start..).unwrap_or(&[]);
    let len = rest
        .iter()
        .position(|b| b.is_ascii_whitespace() || b"/?#\"'<>`\\,".contains(b))
        .unwrap_or(rest.len());
    let Some(at) = rest[..len].iter().rposition(|b| *b == b'@') else {
        return;
    };
    let user_info = &rest[..at];
    match user_info.iter().position(|b| *b == b':') {
        Some(colon) => {
            let password = &user_info[colon + 1..];
            if !shape::is_placeholder(password) && !shape::is_redacted(password) {
                scan.add(text, start + colon + 1, start + at, Kind::UrlPassword);
            }
        }
        None if shape::is_opaque(user_info) => {
            scan.add(text, start, start + at, Kind::UrlPassword);
        }
        None => {}
    }
}

/// `Basic` and `Bearer` credentials in running text.
pub(crate) fn http_scheme(scan: &mut Scan<'_>, text: &[u8], start: usize) {
    let rest = &text[start..];
    let (word, kind) = match rest.get(..6) {
        Some(word) if word.eq_ignore_ascii_case(b"basic ") => (6, Kind::BasicAuth),
        Some(word) if word.eq_ignore_ascii_case(b"bearer") && rest.get(6) == Some(&b' ') => {
            (7, Kind::Bearer)
        }
        _ => return,
    };
    let blanks = rest[word..].iter().take_while(|b| **b == b' ').count();
    let from = start + word + blanks;
    let value = &text[from..];
    let len = value
        .iter()
        .position(|b| !(is_url64(*b) || b"+/.~".contains(b)))
        .unwrap_or(value.len());
    let value = &value[..len];
    let real = match kind {
        Kind::BasicAuth => is_user_and_password(value),
        _ => len >= 16 && value.iter().any(u8::is_ascii_digit),
    };
    if real && !shape::is_redacted(value) {
        scan.add(text, from, from + len, kind);
    }
}

fn is_user_and_password(value: &[u8]) -> bool {
    value.len() >= 4
        && decode::base64_bytes(value).is_some_and(|bytes| {
            bytes.contains(&b':') && bytes.iter().all(|b| *b >= b' ' && *b != 0x7f)
        })
}

/// An e-mail address around its `@`, hashed in lower case.
pub(crate) fn email(scan: &mut Scan<'_>, text: &[u8], at: usize) {
    let local = |b: &u8| b.is_ascii_alphanumeric() || b"._%+-".contains(b);
    let host = |b: &u8| b.is_ascii_alphanumeric() || b".-".contains(b);
    let start = at
        - text[..at]
            .iter()
            .rev()
            .take(64)
            .take_while(|b| local(b))
            .count();
    let len = text[at + 1..]
        .iter()
        .take(190)
        .take_while(|b| host(b))
        .count();
    let domain = text[at + 1..at + 1 + len].trim_ascii_end();
    let domain = domain.strip_suffix(b".").unwrap_or(domain);
    let top = domain.rsplit(|b| *b == b'.').next().unwrap_or(&[]);
    let named =
        top.len() >= 2 && top.len() < domain.len() && top.iter().all(u8::is_ascii_alphabetic);
    if start < at && named {
        let end = at + 1 + domain.len();
        scan.add(text, start, end, Kind::Email);
    }
}
