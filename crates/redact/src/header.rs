//! Values of `Authorization`, `Cookie` and `Set-Cookie`: the frame stays, the secret goes.

use crate::kind::{Kind, Why};
use crate::pair::{self, Span};
use crate::scan::Scan;
use crate::shape;

/// Schemes of the IANA registry and of common practice; `true` where more than one word follows.
const SCHEMES: [(&str, bool); 14] = [
    ("basic", false),
    ("bearer", false),
    ("token", false),
    ("negotiate", false),
    ("ntlm", false),
    ("apikey", false),
    ("dpop", false),
    ("digest", true),
    ("hawk", true),
    ("oauth", true),
    ("aws4-hmac-sha256", true),
    ("signature", true),
    ("hoba", true),
    ("mutual", true),
];

/// Attributes of `Set-Cookie` (RFC 6265), which are no cookies.
const ATTRIBUTES: [&str; 8] = [
    "path", "domain", "expires", "max-age", "samesite", "priority", "version", "comment",
];

fn scheme(value: &[u8]) -> Option<(usize, bool)> {
    let len = value.iter().position(|b| *b == b' ')?;
    SCHEMES
        .iter()
        .find(|(name, _)| value[..len].eq_ignore_ascii_case(name.as_bytes()))
        .map(|(_, long)| (len, *long))
}

/// Where an unquoted header value ends: at the line, or at a quote that held the header.
pub(crate) fn line_end(text: &[u8], start: usize) -> usize {
    let rest = &text[start..];
    let len = rest.iter().enumerate().position(|(at, byte)| match byte {
        b'\n' | b'\r' | b'"' | b'\'' | b'`' => true,
        b'\\' => matches!(rest.get(at + 1), Some(b'"' | b'n' | b'r')),
        _ => false,
    });
    start + len.unwrap_or(rest.len())
}

/// Where unquoted credentials end: one word after most schemes, the line after the others.
pub(crate) fn authorization_end(text: &[u8], start: usize) -> usize {
    let end = line_end(text, start);
    let value = &text[start..end];
    let from = match scheme(value) {
        Some((_, true)) => {
            let line = &text[start..];
            let len = line.iter().position(|b| matches!(b, b'\n' | b'\r'));
            return start + len.unwrap_or(line.len());
        }
        Some((len, false)) => len + value[len..].iter().take_while(|b| **b == b' ').count(),
        None => 0,
    };
    let word = value[from..]
        .iter()
        .position(|b| b.is_ascii_whitespace() || matches!(b, b',' | b';' | b'&'));
    start + from + word.unwrap_or(value.len() - from)
}

/// Keeps the scheme, drops the credentials.
pub(crate) fn authorization(scan: &mut Scan<'_>, text: &[u8], span: Span) {
    let value = &text[span.start..span.end];
    let len = scheme(value).map_or(0, |(len, _)| len);
    let blanks = value[len..].iter().take_while(|b| **b == b' ').count();
    let rest = &value[len + blanks..];
    if rest.is_empty() || shape::is_placeholder(rest) || shape::is_redacted(rest) {
        return;
    }
    let prose = span.prose && len == 0 && !shape::is_tokenish(rest);
    if !prose {
        let start = span.start + len + blanks;
        pair::replace(scan, text, Span { start, ..span }, Kind::Authorization);
    }
}

/// Keeps the names of cookies, hashes their values.
pub(crate) fn cookies(scan: &mut Scan<'_>, text: &[u8], span: Span) {
    let mut start = span.start;
    for pair in text[span.start..span.end].split(|b| *b == b';') {
        let from = start;
        start += pair.len() + 1;
        let blanks = pair.iter().take_while(|b| b.is_ascii_whitespace()).count();
        let pair = &pair[blanks..];
        let equals = pair.iter().position(|b| *b == b'=');
        let name = &pair[..equals.unwrap_or(0)];
        if ATTRIBUTES
            .iter()
            .any(|known| name.eq_ignore_ascii_case(known.as_bytes()))
        {
            continue;
        }
        let offset = equals.map_or(0, |at| at + 1);
        let value = &pair[offset..];
        let len = value
            .iter()
            .position(u8::is_ascii_whitespace)
            .unwrap_or(value.len());
        let known = shape::is_placeholder(&value[..len]) || shape::is_redacted(&value[..len]);
        let bare = &value[..len];
        let flag = equals.is_none()
            && (!shape::is_tokenish(bare) || bare.eq_ignore_ascii_case(b"httponly"));
        let at = from + blanks + offset;
        if !known && !flag {
            scan.report(text, at..at + len, Kind::Session, Why::Name, false);
        }
        scan.covered = at + len;
        if len < value.len() && span.prose {
            return; // The header's line goes on with something else.
        }
    }
}
