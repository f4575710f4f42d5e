//! Tokens that show by themselves: their maker's prefix, or a structure nothing else has.

use crate::kind::Kind;
use crate::scan::{ALNUM, Scan, is, run_end};
use crate::{checksum, credential, shape};

mod makers;

use makers::{BY_FIRST, Body, PAIRS, TOKENS};

/// Offers the long token that starts at `start`, where a run of letters and digits starts.
pub(crate) fn at(scan: &mut Scan<'_>, text: &[u8], start: usize) {
    let rest = &text[start..];
    let [a, b, _, _, e, f, ..] = *rest else {
        return;
    };
    if e == b'Q' && f == b'~' {
        azure_secret(scan, text, start + 1);
    } else if rest.get(3..5) == Some(b"Q~") {
        azure_secret(scan, text, start);
    }
    let pair = usize::from(a) << 8 | usize::from(b);
    if PAIRS[pair / 64] & 1 << (pair % 64) == 0 {
        return;
    }
    match a {
        b'e' if rest.starts_with(b"eyJ") => credential::jwt(scan, text, start),
        b'P' if rest.starts_with(b"PuTTY-User-Key-File") => {
            scan.add(text, start, text.len(), Kind::PrivateKey);
        }
        b'h' if rest.starts_with(b"hooks.slack.com/services/") => {
            webhook(
                scan,
                text,
                start + b"hooks.slack.com/services/".len(),
                Kind::Slack,
            );
        }
        b'd' if rest.starts_with(b"discord") => discord_hook(scan, text, start),
        b'0' if b == b'x' => ethereum(scan, text, start),
        b'1' if rest.starts_with(b"1//0") => google_refresh(scan, text, start),
        b'M' | b'N' | b'O' => discord(scan, text, start),
        _ => {}
    }
    maker(scan, text, start);
}

fn maker(scan: &mut Scan<'_>, text: &[u8], start: usize) {
    let rest = &text[start..];
    let (from, to) = BY_FIRST[usize::from(rest[0])];
    let group = &TOKENS[usize::from(from)..usize::from(to)];
    let Some(token) = group.iter().find(|token| rest.starts_with(token.prefix)) else {
        return;
    };
    let body = &rest[token.prefix.len()..];
    let len = body
        .iter()
        .position(|b| !token.body.has(*b))
        .unwrap_or(body.len());
    // A fixed length must end there: a longer run of the same letters is something else.
    let ended = body.get(len).is_none_or(|b| !is(*b, ALNUM));
    if len < token.min || len > token.max || !ended {
        return;
    }
    let end = start + token.prefix.len() + len;
    let bits = shape::entropy(&body[..len]);
    // Words behind a short prefix repeat letters; a proven checksum outweighs it.
    let filler = if token.kind == Kind::Github {
        bits < 3.0 && !checksum::github(&text[start..end])
    } else {
        bits < if token.prefix.len() < 4 { 3.0 } else { 2.0 }
    };
    // One random token in thirty has no digit; words behind a prefix have no capitals either.
    let has_capitals = token.body != Body::UpperDash;
    let is_random = |b: &u8| b.is_ascii_digit() || has_capitals && b.is_ascii_uppercase();
    let words = token.wants_digit && !body[..len].iter().any(is_random);
    if !filler && !words {
        scan.add(text, start, end, token.kind);
    }
}

/// The secret part of an address that whoever knows it may post to.
fn webhook(scan: &mut Scan<'_>, text: &[u8], from: usize, kind: Kind) {
    let part = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'/' | b'-' | b'_');
    let len = text[from..].iter().take_while(|b| part(b)).count();
    if len >= 20 {
        scan.add(text, from, from + len, kind);
    }
}

fn discord_hook(scan: &mut Scan<'_>, text: &[u8], start: usize) {
    const PATH: &[u8] = b".com/api/webhooks/";
    let near = &text[start..text.len().min(start + 40)];
    if let Some(at) = memchr::memmem::find(near, PATH) {
        webhook(scan, text, start + at + PATH.len(), Kind::Vendor);
    }
}

/// A bot's id in base64, a time, a signature: three parts of known length.
fn discord(scan: &mut Scan<'_>, text: &[u8], start: usize) {
    let part = |from: usize| {
        let rest = text.get(from..).unwrap_or(&[]);
        let len = rest
            .iter()
            .position(|b| !Body::Url.has(*b))
            .unwrap_or(rest.len());
        (len, from + len)
    };
    let dot = |at: usize| text.get(at) == Some(&b'.');
    let (id, first) = part(start);
    if !(24..=28).contains(&id) || !dot(first) {
        return;
    }
    let (time, second) = part(first + 1);
    if time != 6 || !dot(second) {
        return;
    }
    let (signature, end) = part(second + 1);
    if (27..=38).contains(&signature) {
        scan.add(text, start, end, Kind::Vendor);
    }
}

/// Entra ID client secrets hold `Q~` after a digit at their fourth place.
fn azure_secret(scan: &mut Scan<'_>, text: &[u8], start: usize) {
    let rest = &text[start..];
    let part = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b'~');
    let len = rest.iter().take_while(|b| part(b)).count();
    if rest[2].is_ascii_digit() && (36..=40).contains(&len) {
        scan.add(text, start, start + len, Kind::Azure);
    }
}

/// An address (40 digits) or, too long to be one, a key or hash, which only a name can tell.
fn ethereum(scan: &mut Scan<'_>, text: &[u8], start: usize) {
    let end = run_end(text, start, ALNUM);
    let digits = &text[start + 2..end];
    if digits.len() == 40
        && digits.iter().all(u8::is_ascii_hexdigit)
        && shape::entropy(digits) > 3.0
    {
        scan.add(text, start, end, Kind::Wallet);
    }
}

fn google_refresh(scan: &mut Scan<'_>, text: &[u8], start: usize) {
    let body = &text[start + 4..];
    let len = body.iter().take_while(|b| Body::Url.has(**b)).count();
    if len >= 40 {
        scan.add(text, start, start + 4 + len, Kind::Google);
    }
}

/// Long tokens without a prefix: proven by a checksum, or of a length nothing else has.
pub(crate) fn unmarked(scan: &mut Scan<'_>, text: &[u8], start: usize, end: usize) {
    let token = &text[start..end];
    let plain = || token.iter().all(u8::is_ascii_alphanumeric);
    match token.len() {
        // Storage and other 64-byte keys of Azure, in base64 with padding.
        86 if text[end..].starts_with(b"==") && shape::entropy(token) > 4.5 => {
            scan.add(text, start, end + 2, Kind::Azure);
        }
        26..=35 if b"13".contains(&token[0]) && plain() && checksum::base58(token, 25) => {
            scan.add(text, start, end, Kind::Wallet);
        }
        51 | 52
            if b"5KL".contains(&token[0])
                && plain()
                && (checksum::base58(token, 37) || checksum::base58(token, 38)) =>
        {
            scan.add(text, start, end, Kind::Wallet);
        }
        _ => {}
    }
}
