//! Tokens that carry their maker's prefix, and the other anchors a run of letters can start.

use crate::kind::Kind;
use crate::scan::{ALNUM, Scan, is};
use crate::{checksum, credential, shape};

/// What a token is made of after its prefix.
#[derive(Clone, Copy)]
enum Body {
    /// Letters and digits.
    Alnum,
    /// Letters, digits, `-` and `_`.
    Url,
    /// As [`Body::Url`] with dots.
    Dotted,
    /// Lower-case hexadecimal.
    Hex,
    /// Upper-case letters and digits.
    Upper,
}

impl Body {
    fn has(self, byte: u8) -> bool {
        match self {
            Self::Alnum => byte.is_ascii_alphanumeric(),
            Self::Url => byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'),
            Self::Dotted => byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'),
            Self::Hex => matches!(byte, b'0'..=b'9' | b'a'..=b'f'),
            Self::Upper => byte.is_ascii_uppercase() || byte.is_ascii_digit(),
        }
    }
}

/// One maker's token: prefix, alphabet and length range of the rest.
struct Token {
    prefix: &'static [u8],
    body: Body,
    min: usize,
    max: usize,
    kind: Kind,
}

const fn token(prefix: &'static str, body: Body, min: usize, max: usize, kind: Kind) -> Token {
    Token {
        prefix: prefix.as_bytes(),
        body,
        min,
        max,
        kind,
    }
}

/// Lengths without a published end.
const OPEN: usize = 4096;

/// The makers' published forms; of two prefixes the longer stands first.
static TOKENS: &[Token] = &[
    token("AKIA", Body::Upper, 16, 16, Kind::Aws),
    token("ASIA", Body::Upper, 16, 16, Kind::Aws),
    token("ABIA", Body::Upper, 16, 16, Kind::Aws),
    token("ACCA", Body::Upper, 16, 16, Kind::Aws),
    token("AIza", Body::Url, 35, 35, Kind::Google),
    token("ya29.", Body::Dotted, 20, OPEN, Kind::Google),
    token("GOCSPX-", Body::Url, 28, 28, Kind::Google),
    token("ghp_", Body::Alnum, 36, 255, Kind::Github),
    token("gho_", Body::Alnum, 36, 255, Kind::Github),
    token("ghu_", Body::Alnum, 36, 255, Kind::Github),
    token("ghs_", Body::Alnum, 36, 255, Kind::Github),
    token("ghr_", Body::Alnum, 36, 255, Kind::Github),
    token("github_pat_", Body::Url, 40, 255, Kind::Github),
    token("npm_", Body::Alnum, 36, 36, Kind::Vendor),
    token("glpat-", Body::Dotted, 20, OPEN, Kind::Vendor),
    token("gldt-", Body::Url, 20, OPEN, Kind::Vendor),
    token("glrt-", Body::Url, 20, OPEN, Kind::Vendor),
    token("glcbt-", Body::Url, 20, OPEN, Kind::Vendor),
    token("xoxa-", Body::Url, 10, OPEN, Kind::Slack),
    token("xoxb-", Body::Url, 10, OPEN, Kind::Slack),
    token("xoxe-", Body::Url, 10, OPEN, Kind::Slack),
    token("xoxe.", Body::Dotted, 10, OPEN, Kind::Slack),
    token("xoxo-", Body::Url, 10, OPEN, Kind::Slack),
    token("xoxp-", Body::Url, 10, OPEN, Kind::Slack),
    token("xoxr-", Body::Url, 10, OPEN, Kind::Slack),
    token("xoxs-", Body::Url, 10, OPEN, Kind::Slack),
    token("xapp-", Body::Url, 20, OPEN, Kind::Slack),
    token("sk_live_", Body::Alnum, 16, OPEN, Kind::Stripe),
    token("rk_live_", Body::Alnum, 16, OPEN, Kind::Stripe),
    token("sk_test_", Body::Alnum, 16, OPEN, Kind::Stripe),
    token("whsec_", Body::Url, 24, OPEN, Kind::Stripe),
    token("SG.", Body::Dotted, 40, OPEN, Kind::Vendor),
    token("SK", Body::Hex, 32, 32, Kind::Vendor),
    token("sk-ant-", Body::Url, 20, OPEN, Kind::Vendor),
    token("sk-", Body::Url, 32, OPEN, Kind::Vendor),
    token("hf_", Body::Alnum, 30, 64, Kind::Vendor),
    token("dop_v1_", Body::Hex, 64, 64, Kind::Vendor),
    token("doo_v1_", Body::Hex, 64, 64, Kind::Vendor),
    token("dor_v1_", Body::Hex, 64, 64, Kind::Vendor),
    token("hvs.", Body::Url, 20, OPEN, Kind::Vendor),
    token("hvb.", Body::Url, 20, OPEN, Kind::Vendor),
    token("pypi-", Body::Url, 50, OPEN, Kind::Vendor),
    token("AGE-SECRET-KEY-1", Body::Upper, 58, 58, Kind::PrivateKey),
    token("shpat_", Body::Alnum, 32, 32, Kind::Vendor),
    token("shpss_", Body::Alnum, 32, 32, Kind::Vendor),
    token("shpca_", Body::Alnum, 32, 32, Kind::Vendor),
    token("NRAK-", Body::Upper, 27, 27, Kind::Vendor),
    token("dckr_pat_", Body::Url, 27, OPEN, Kind::Vendor),
];

/// Anchors handled by `credential`.
const OTHERS: [&str; 6] = [
    "eyJ",
    "BEGIN ",
    "Basic",
    "Bearer",
    "hooks.",
    "PuTTY-User-Key-File",
];

/// First two bytes of every anchor: one look-up tells that a run starts none.
static PAIRS: [u64; 1024] = {
    let mut pairs = [0; 1024];
    let mut at = 0;
    while at < TOKENS.len() {
        set(&mut pairs, TOKENS[at].prefix);
        at += 1;
    }
    at = 0;
    while at < OTHERS.len() {
        set(&mut pairs, OTHERS[at].as_bytes());
        at += 1;
    }
    set(&mut pairs, b"ba");
    set(&mut pairs, b"be");
    set(&mut pairs, b"BA");
    set(&mut pairs, b"BE");
    pairs
};

const fn set(pairs: &mut [u64; 1024], anchor: &[u8]) {
    let pair = (anchor[0] as usize) << 8 | anchor[1] as usize;
    pairs[pair / 64] |= 1 << (pair % 64);
}

/// Offers the run of letters and digits that starts at `start`.
pub(crate) fn at(scan: &mut Scan<'_>, text: &[u8], start: usize) {
    let [a, b, ..] = text[start..] else {
        return;
    };
    let pair = usize::from(a) << 8 | usize::from(b);
    if PAIRS[pair / 64] & 1 << (pair % 64) == 0 {
        return;
    }
    let rest = &text[start..];
    match a {
        b'e' if rest.starts_with(b"eyJ") => credential::jwt(scan, text, start),
        b'B' if rest.starts_with(b"BEGIN ") => credential::pem(scan, text, start),
        b'P' if rest.starts_with(b"PuTTY-User-Key-File") => {
            scan.add(text, start, text.len(), Kind::PrivateKey);
        }
        b'h' if rest.starts_with(b"hooks.slack.com/services/") => slack_hook(scan, text, start),
        b'b' | b'B' => credential::http_scheme(scan, text, start),
        _ => maker(scan, text, start),
    }
}

fn maker(scan: &mut Scan<'_>, text: &[u8], start: usize) {
    let rest = &text[start..];
    let Some(token) = TOKENS.iter().find(|token| rest.starts_with(token.prefix)) else {
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
    let whole = &text[start..end];
    let filler = shape::entropy(&body[..len]) < 2.0;
    let unchecked = token.kind == Kind::Github
        && token.prefix.len() == 4
        && len == 36
        && !checksum::github(whole);
    if !filler && !unchecked {
        scan.add(text, start, end, token.kind);
    }
}

fn slack_hook(scan: &mut Scan<'_>, text: &[u8], start: usize) {
    let from = start + b"hooks.slack.com/services/".len();
    let len = text[from..]
        .iter()
        .take_while(|b| b.is_ascii_alphanumeric() || **b == b'/')
        .count();
    if len >= 20 {
        scan.add(text, from, from + len, Kind::Slack);
    }
}
