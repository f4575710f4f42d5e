//! The makers' published forms, as a table.

use crate::kind::Kind;

/// What a token is made of after its prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Body {
    /// Letters and digits.
    Alnum,
    /// Letters, digits, `-` and `_`.
    Url,
    /// As [`Body::Url`] with dots.
    Dotted,
    /// Base64 with padding.
    Base64,
    /// Either alphabet of base64 with padding.
    Base64Url,
    /// Lower-case hexadecimal.
    Hex,
    /// Upper-case letters and digits.
    Upper,
    /// As [`Body::Upper`] with `-`.
    UpperDash,
}

impl Body {
    pub(super) fn has(self, byte: u8) -> bool {
        match self {
            Self::Alnum => byte.is_ascii_alphanumeric(),
            Self::Url => byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'),
            Self::Dotted => byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'),
            Self::Base64 => byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'='),
            Self::Base64Url => Self::Base64.has(byte) || matches!(byte, b'-' | b'_'),
            Self::Hex => matches!(byte, b'0'..=b'9' | b'a'..=b'f'),
            Self::Upper => byte.is_ascii_uppercase() || byte.is_ascii_digit(),
            Self::UpperDash => Self::Upper.has(byte) || byte == b'-',
        }
    }
}

/// One maker's token: prefix, alphabet and length range of the rest.
#[derive(Debug)]
pub(super) struct Token {
    pub(super) prefix: &'static [u8],
    pub(super) body: Body,
    pub(super) min: usize,
    pub(super) max: usize,
    pub(super) kind: Kind,
    /// Prefix and body could be words joined by dashes: a token shows by digits or capitals.
    pub(super) wants_digit: bool,
}

const fn token(prefix: &'static str, body: Body, min: usize, max: usize, kind: Kind) -> Token {
    Token {
        prefix: prefix.as_bytes(),
        body,
        min,
        max,
        kind,
        wants_digit: matches!(body, Body::Url | Body::Dotted | Body::UpperDash),
    }
}

/// Lengths without a published end.
const OPEN: usize = 4096;

/// In order of their first bytes; of two prefixes where one begins the other the longer stands
/// first.
pub(super) static TOKENS: &[Token] = &[
    token("A3-", Body::UpperDash, 30, 40, Kind::Vendor),
    token("ABIA", Body::Upper, 16, 16, Kind::Aws),
    token("ABSK", Body::Base64, 100, 280, Kind::Aws),
    token("ACCA", Body::Upper, 16, 16, Kind::Aws),
    token("AC", Body::Hex, 32, 32, Kind::Vendor),
    token("AGE-SECRET-KEY-1", Body::Upper, 58, 58, Kind::PrivateKey),
    token("AIza", Body::Url, 35, 35, Kind::Google),
    token("AKCp", Body::Alnum, 60, 80, Kind::Vendor),
    token("AKIA", Body::Upper, 16, 16, Kind::Aws),
    token("AKID", Body::Alnum, 32, 32, Kind::Vendor),
    token("APKA", Body::Upper, 16, 16, Kind::Aws),
    token("ASIA", Body::Upper, 16, 16, Kind::Aws),
    token("ATATT3", Body::Base64Url, 150, 300, Kind::Vendor),
    token("ATBB", Body::Alnum, 24, 40, Kind::Vendor),
    token("ATCTT3", Body::Base64Url, 100, 300, Kind::Vendor),
    token("CFPAT-", Body::Url, 43, 43, Kind::Vendor),
    token("CLOJARS_", Body::Alnum, 60, 60, Kind::Vendor),
    token("EAAA", Body::Url, 56, 64, Kind::Vendor),
    token("EAA", Body::Alnum, 100, OPEN, Kind::Vendor),
    token("EZAK", Body::Alnum, 54, 54, Kind::Vendor),
    token("EZTK", Body::Alnum, 54, 54, Kind::Vendor),
    token("FLWSECK", Body::Url, 18, 60, Kind::Vendor),
    token("GOCSPX-", Body::Url, 28, 28, Kind::Google),
    token("HRKU-", Body::Url, 36, 64, Kind::Vendor),
    token("LTAI", Body::Alnum, 16, 26, Kind::Vendor),
    token("NRAA-", Body::Alnum, 27, 27, Kind::Vendor),
    token("NRAK-", Body::Upper, 27, 27, Kind::Vendor),
    token("NRII-", Body::Url, 32, 32, Kind::Vendor),
    token("NRJS-", Body::Hex, 19, 19, Kind::Vendor),
    token("PMAK-", Body::Url, 59, 59, Kind::Vendor),
    token("SG.", Body::Dotted, 40, OPEN, Kind::Vendor),
    token("SK", Body::Hex, 32, 32, Kind::Vendor),
    token("api_org_", Body::Alnum, 30, 64, Kind::Vendor),
    token("dapi", Body::Hex, 32, 34, Kind::Vendor),
    token("dckr_oat_", Body::Url, 27, OPEN, Kind::Vendor),
    token("dckr_pat_", Body::Url, 27, OPEN, Kind::Vendor),
    token("ddp_", Body::Alnum, 36, 36, Kind::Vendor),
    token("doo_v1_", Body::Hex, 64, 64, Kind::Vendor),
    token("dop_v1_", Body::Hex, 64, 64, Kind::Vendor),
    token("dor_v1_", Body::Hex, 64, 64, Kind::Vendor),
    token("dp.ct.", Body::Alnum, 40, 44, Kind::Vendor),
    token("dp.pt.", Body::Alnum, 40, 44, Kind::Vendor),
    token("dp.st.", Body::Dotted, 40, 64, Kind::Vendor),
    token("dt0c01.", Body::Dotted, 80, 96, Kind::Vendor),
    token("duffel_", Body::Url, 43, 60, Kind::Vendor),
    token("figd_", Body::Url, 36, 64, Kind::Vendor),
    token("flb_live_", Body::Alnum, 20, 64, Kind::Vendor),
    token("fo1_", Body::Url, 43, 43, Kind::Vendor),
    token("gho_", Body::Alnum, 36, 255, Kind::Github),
    token("ghp_", Body::Alnum, 36, 255, Kind::Github),
    token("ghr_", Body::Alnum, 36, 255, Kind::Github),
    token("ghs_", Body::Alnum, 36, 255, Kind::Github),
    token("ghu_", Body::Alnum, 36, 255, Kind::Github),
    token("github_pat_", Body::Url, 40, 255, Kind::Github),
    token("glagent-", Body::Url, 20, OPEN, Kind::Vendor),
    token("glcbt-", Body::Url, 20, OPEN, Kind::Vendor),
    token("glc_", Body::Base64, 32, 400, Kind::Vendor),
    token("gldt-", Body::Url, 20, OPEN, Kind::Vendor),
    token("glffct-", Body::Url, 20, OPEN, Kind::Vendor),
    token("glft-", Body::Url, 20, OPEN, Kind::Vendor),
    token("glimt-", Body::Url, 20, OPEN, Kind::Vendor),
    token("gloas-", Body::Url, 20, OPEN, Kind::Vendor),
    token("glpat-", Body::Dotted, 20, OPEN, Kind::Vendor),
    token("glptt-", Body::Url, 20, OPEN, Kind::Vendor),
    token("glrt-", Body::Url, 20, OPEN, Kind::Vendor),
    token("glsa_", Body::Url, 32, 64, Kind::Vendor),
    token("glsoat-", Body::Url, 20, OPEN, Kind::Vendor),
    token("gsk_", Body::Alnum, 40, 64, Kind::Vendor),
    token("hf_", Body::Alnum, 30, 64, Kind::Vendor),
    token("hvb.", Body::Url, 20, OPEN, Kind::Vendor),
    token("hvr.", Body::Url, 20, OPEN, Kind::Vendor),
    token("hvs.", Body::Url, 20, OPEN, Kind::Vendor),
    token("ico-", Body::Alnum, 32, 32, Kind::Vendor),
    token("key-", Body::Hex, 32, 32, Kind::Vendor),
    token("lin_api_", Body::Alnum, 40, 40, Kind::Vendor),
    token("nfp_", Body::Alnum, 36, 40, Kind::Vendor),
    token("npm_", Body::Alnum, 36, 36, Kind::Vendor),
    token("ntn_", Body::Alnum, 40, 50, Kind::Vendor),
    token("nvapi-", Body::Url, 60, 70, Kind::Vendor),
    token("ops_eyJ", Body::Base64Url, 100, OPEN, Kind::Vendor),
    token("patp_", Body::Alnum, 30, 64, Kind::Vendor),
    token("pnu_", Body::Alnum, 36, 36, Kind::Vendor),
    token("pplx-", Body::Alnum, 48, 48, Kind::Vendor),
    token("pscale_oauth_", Body::Dotted, 32, 64, Kind::Vendor),
    token("pscale_pw_", Body::Dotted, 32, 64, Kind::Vendor),
    token("pscale_tkn_", Body::Dotted, 32, 64, Kind::Vendor),
    token("pul-", Body::Hex, 40, 40, Kind::Vendor),
    token("pypi-", Body::Url, 50, OPEN, Kind::Vendor),
    token("r8_", Body::Alnum, 37, 40, Kind::Vendor),
    token("rdme_", Body::Alnum, 70, 70, Kind::Vendor),
    token("rk_live_", Body::Alnum, 16, OPEN, Kind::Stripe),
    token("rk_test_", Body::Alnum, 16, OPEN, Kind::Stripe),
    token("rubygems_", Body::Hex, 48, 48, Kind::Vendor),
    token("sbp_", Body::Hex, 40, 40, Kind::Vendor),
    token("sha256~", Body::Url, 43, 43, Kind::Vendor),
    token("shippo_live_", Body::Hex, 40, 40, Kind::Vendor),
    token("shippo_test_", Body::Hex, 40, 40, Kind::Vendor),
    token("shpat_", Body::Alnum, 32, 32, Kind::Vendor),
    token("shpca_", Body::Alnum, 32, 32, Kind::Vendor),
    token("shppa_", Body::Alnum, 32, 32, Kind::Vendor),
    token("shpss_", Body::Alnum, 32, 32, Kind::Vendor),
    token("sk-ant-", Body::Url, 20, OPEN, Kind::Vendor),
    token("sk-or-v1-", Body::Hex, 64, 64, Kind::Vendor),
    token("sk-", Body::Url, 32, OPEN, Kind::Vendor),
    token("sk_live_", Body::Alnum, 16, OPEN, Kind::Stripe),
    token("sk_prod_", Body::Alnum, 16, OPEN, Kind::Stripe),
    token("sk_test_", Body::Alnum, 16, OPEN, Kind::Stripe),
    token("sntrys_", Body::Base64, 60, 400, Kind::Vendor),
    token("sntryu_", Body::Hex, 64, 64, Kind::Vendor),
    token("sq0atp-", Body::Url, 22, 60, Kind::Vendor),
    token("sq0csp-", Body::Url, 43, 60, Kind::Vendor),
    token("tfp_", Body::Url, 40, 64, Kind::Vendor),
    token("tskey-", Body::Url, 20, 96, Kind::Vendor),
    token("vercel_", Body::Alnum, 24, 64, Kind::Vendor),
    token("whsec_", Body::Url, 24, OPEN, Kind::Stripe),
    token("xai-", Body::Alnum, 70, 90, Kind::Vendor),
    token("xapp-", Body::Url, 20, OPEN, Kind::Slack),
    token("xkeysib-", Body::Url, 70, 90, Kind::Vendor),
    token("xoxa-", Body::Url, 10, OPEN, Kind::Slack),
    token("xoxb-", Body::Url, 10, OPEN, Kind::Slack),
    token("xoxc-", Body::Url, 10, OPEN, Kind::Slack),
    token("xoxd-", Body::Base64Url, 10, OPEN, Kind::Slack),
    token("xoxe-", Body::Url, 10, OPEN, Kind::Slack),
    token("xoxe.", Body::Dotted, 10, OPEN, Kind::Slack),
    token("xoxo-", Body::Url, 10, OPEN, Kind::Slack),
    token("xoxp-", Body::Url, 10, OPEN, Kind::Slack),
    token("xoxr-", Body::Url, 10, OPEN, Kind::Slack),
    token("xoxs-", Body::Url, 10, OPEN, Kind::Slack),
    token("xprv", Body::Alnum, 100, 112, Kind::Wallet),
    token("ya29.", Body::Dotted, 20, OPEN, Kind::Google),
    token("zprv", Body::Alnum, 100, 112, Kind::Wallet),
];

/// Beginnings that `vendor` judges by code.
const OTHERS: [&str; 5] = ["eyJ", "PuTTY", "hooks.", "discord", "1//0"];

/// Rows of each first byte in [`TOKENS`].
pub(super) static BY_FIRST: [(u8, u8); 256] = {
    let mut rows = [(0, 0); 256];
    let mut at = 0;
    while at < TOKENS.len() {
        let first = TOKENS[at].prefix[0] as usize;
        #[expect(
            clippy::cast_possible_truncation,
            reason = "the table is shorter than 256"
        )]
        let place = at as u8;
        if rows[first].1 == 0 {
            rows[first].0 = place;
        }
        rows[first].1 = place + 1;
        at += 1;
    }
    rows
};
const _: () = assert!(TOKENS.len() < 255);

/// First two bytes of every beginning: one look-up tells that a token starts with none.
pub(super) static PAIRS: [u64; 1024] = {
    let mut pairs = [0; 1024];
    let mut at = 0;
    while at < TOKENS.len() {
        let prefix = TOKENS[at].prefix;
        set(&mut pairs, prefix[0], prefix[1]);
        at += 1;
    }
    at = 0;
    while at < OTHERS.len() {
        let prefix = OTHERS[at].as_bytes();
        set(&mut pairs, prefix[0], prefix[1]);
        at += 1;
    }
    set(&mut pairs, b'0', b'x');
    // Discord's tokens open with a number in base64: a capital and a letter or digit.
    at = 0;
    while at < 128 {
        #[expect(clippy::cast_possible_truncation, reason = "below 128")]
        let second = at as u8;
        if second.is_ascii_alphanumeric() {
            set(&mut pairs, b'M', second);
            set(&mut pairs, b'N', second);
            set(&mut pairs, b'O', second);
        }
        at += 1;
    }
    pairs
};

const fn set(pairs: &mut [u64; 1024], first: u8, second: u8) {
    let pair = (first as usize) << 8 | second as usize;
    pairs[pair / 64] |= 1 << (pair % 64);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A prefix hidden behind a shorter one, or outside its group, would never be found.
    #[test]
    fn the_table_is_in_order() {
        for pair in TOKENS.windows(2) {
            assert!(pair[0].prefix[0] <= pair[1].prefix[0]);
        }
        for (at, token) in TOKENS.iter().enumerate() {
            let hidden = TOKENS[..at]
                .iter()
                .find(|earlier| token.prefix.starts_with(earlier.prefix));
            assert!(hidden.is_none(), "{hidden:?} hides {token:?}");
            assert!(token.prefix.len() + token.min >= 15, "{token:?}");
        }
    }
}
