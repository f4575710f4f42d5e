//! Tokens of the common vendors in their published forms, drawn anew each time.

use crate::encode::base64;
use crate::number::crc32;
use crate::numbers::{BASE32, Numbers, UPPER, URL64};

/// Six base62 characters of the CRC-32 of `body`, as GitHub and npm end their tokens.
fn base62_crc(body: &str) -> String {
    const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let mut rest = crc32(body.as_bytes());
    let mut out = [b'0'; 6];
    for place in out.iter_mut().rev() {
        *place = ALPHABET[usize::try_from(rest % 62).unwrap_or(0)];
        rest /= 62;
    }
    out.iter().map(|b| char::from(*b)).collect()
}

/// A GitHub token of the classic kinds, with its checksum.
pub(crate) fn github(numbers: &mut Numbers) -> String {
    let body = numbers.alnum(30);
    let kind = numbers.pick(&["p", "o", "u", "s", "r"]);
    format!("gh{kind}_{body}{}", base62_crc(&body))
}

/// A fine-grained GitHub token.
pub(crate) fn github_fine(numbers: &mut Numbers) -> String {
    format!("github_pat_{}_{}", numbers.alnum(22), numbers.alnum(59))
}

/// An npm token, with its checksum.
pub(crate) fn npm(numbers: &mut Numbers) -> String {
    let body = numbers.alnum(30);
    format!("npm_{body}{}", base62_crc(&body))
}

/// An AWS access key id, long-lived or temporary.
pub(crate) fn aws_id(numbers: &mut Numbers) -> String {
    let kind = numbers.pick(&["AK", "AS"]);
    format!("{kind}IA{}", numbers.text(BASE32, 16))
}

/// A signed JSON web token (RFC 7519) with plausible claims.
pub(crate) fn jwt(numbers: &mut Numbers) -> String {
    let algorithm = numbers.pick(&["HS256", "RS256", "ES256"]);
    let header = match numbers.below(3) {
        0 => format!("{{\"alg\":\"{algorithm}\",\"typ\":\"JWT\"}}"),
        1 => format!("{{\"typ\":\"JWT\",\"alg\":\"{algorithm}\"}}"),
        _ => format!("{{\"alg\":\"{algorithm}\",\"kid\":\"{}\"}}", numbers.hex(8)),
    };
    let claims = format!(
        "{{\"sub\":\"{}\",\"iat\":17{},\"role\":\"user\"}}",
        numbers.digits(7),
        numbers.digits(8)
    );
    let (header, claims) = (
        base64(header.as_bytes(), true),
        base64(claims.as_bytes(), true),
    );
    format!("{header}.{claims}.{}", numbers.text(URL64, 43))
}

/// A private key in PEM lines.
pub(crate) fn pem(numbers: &mut Numbers) -> String {
    let title = numbers.pick(&[
        "RSA PRIVATE KEY",
        "EC PRIVATE KEY",
        "PRIVATE KEY",
        "OPENSSH PRIVATE KEY",
    ]);
    let lines: Vec<String> = (0..numbers.between(3, 6))
        .map(|_| numbers.alnum(64))
        .collect();
    format!(
        "-----BEGIN {title}-----\n{}\n-----END {title}-----",
        lines.join("\n")
    )
}

/// One of the tokens that a prefix gives away, with the name of its kind.
pub(crate) fn prefixed(kind: &str, numbers: &mut Numbers) -> String {
    match kind {
        "gitlab" => format!("glpat-{}", numbers.text(URL64, 20)),
        "slack" => {
            let maker = numbers.pick(&["xoxb", "xoxp"]);
            format!(
                "{maker}-{}-{}-{}",
                numbers.digits(12),
                numbers.digits(12),
                numbers.alnum(24)
            )
        }
        "slack_hook" => format!(
            "https://hooks.slack.com/services/T{}/B{}/{}",
            numbers.text(UPPER, 8),
            numbers.text(UPPER, 10),
            numbers.alnum(24)
        ),
        "stripe" => {
            let maker = numbers.pick(&["sk", "rk"]);
            format!("{maker}_live_{}", numbers.alnum(24))
        }
        "stripe_hook" => format!("whsec_{}", numbers.alnum(32)),
        "google_key" => format!("AIza{}", numbers.text(URL64, 35)),
        "google_oauth" => format!("ya29.{}", numbers.text(URL64, 60)),
        "sendgrid" => format!("SG.{}.{}", numbers.text(URL64, 22), numbers.text(URL64, 43)),
        "twilio" => format!("SK{}", numbers.hex(32)),
        "openai" => format!("sk-proj-{}", numbers.alnum(48)),
        "anthropic" => format!("sk-ant-api03-{}", numbers.text(URL64, 80)),
        "hugging_face" => format!("hf_{}", numbers.alnum(34)),
        "digital_ocean" => format!("dop_v1_{}", numbers.hex(64)),
        "vault" => format!("hvs.{}", numbers.text(URL64, 90)),
        "pypi" => format!("pypi-AgEIcHlwaS5vcmc{}", numbers.text(URL64, 90)),
        "telegram" => format!("{}:AA{}", numbers.digits(9), numbers.text(URL64, 33)),
        "age" => format!(
            "AGE-SECRET-KEY-1{}",
            numbers.text("QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L", 58)
        ),
        "shopify" => format!("shpat_{}", numbers.hex(32)),
        "new_relic" => format!("NRAK-{}", numbers.text(UPPER, 27)),
        "docker" => format!("dckr_pat_{}", numbers.text(URL64, 27)),
        other => unreachable!("no vendor `{other}`"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// GitHub's published example.
    #[test]
    fn the_checksum_of_a_published_token() {
        assert_eq!(base62_crc("M7H4jxUDDWHP4kZ6A4dxlQYsQIWJuq"), "11T4V4");
    }
}
