//! Every kind of secret that a redactor is asked to find, valid by its own rules.
//!
//! Kinds that the shipped policy leaves to the operator (e-mail and IP addresses, telephone
//! numbers, dates of birth, public wallet addresses) are not here.

use crate::encode::base64;
use crate::number;
use crate::numbers::{Numbers, URL64};
use crate::vendor;

/// A secret, ready to be planted.
#[derive(Clone, Debug)]
pub struct Secret {
    /// Name of the kind.
    pub kind: &'static str,
    /// The text that is written.
    pub text: String,
    /// The part of it that must not survive.
    pub core: String,
    /// Names that give the value away; empty when it shows by itself.
    pub names: &'static [&'static str],
    /// Whether it is one run of characters that no notation quotes or cuts.
    pub is_token: bool,
}

impl Secret {
    /// Whether it can stand without quotes in running text.
    pub fn is_bare(&self) -> bool {
        !self
            .text
            .bytes()
            .any(|b| b <= b' ' || b"\"'`\\&;,|#{}[]()<>".contains(&b))
    }
}

/// Kinds that show by themselves, by prefix, structure or check digits.
pub const SHOWING: &[&str] = &[
    "pan",
    "pan_grouped",
    "track",
    "iban",
    "iban_grouped",
    "ssn",
    "itin",
    "cpf",
    "mrz",
    "jwt",
    "pem",
    "url_password",
    "basic",
    "bearer",
    "aws_id",
    "github",
    "github_fine",
    "npm",
    "gitlab",
    "slack",
    "slack_hook",
    "stripe",
    "stripe_hook",
    "google_key",
    "google_oauth",
    "sendgrid",
    "twilio",
    "openai",
    "anthropic",
    "hugging_face",
    "digital_ocean",
    "vault",
    "pypi",
    "telegram",
    "age",
    "shopify",
    "new_relic",
    "docker",
];

/// Kinds that only a name gives away.
pub const NAMED: &[&str] = &[
    "password",
    "passphrase",
    "otp",
    "token",
    "session",
    "api_key",
    "client_secret",
    "aws_secret",
    "azure_key",
    "hex_secret",
    "mnemonic",
    "cvv",
    "account_number",
    "ssn_plain",
    "nhs",
    "nino",
    "aba",
    "dni",
    "bsn",
    "aadhaar",
];

/// Draws a secret of `kind`, one of [`SHOWING`] or [`NAMED`].
pub fn draw(kind: &'static str, numbers: &mut Numbers) -> Secret {
    if NAMED.contains(&kind) {
        return named(kind, numbers);
    }
    let (text, core) = match kind {
        "pan" => whole(number::card(numbers).0),
        "pan_grouped" => {
            let (card, groups) = number::card(numbers);
            let separator = numbers.pick(&[" ", "-"]);
            whole(number::grouped(&card, groups, separator))
        }
        "track" => {
            let card = number::card(numbers).0;
            let track = format!(";{card}=2912{}?", numbers.digits(13));
            (track, card)
        }
        "iban" => whole(number::iban(numbers)),
        "iban_grouped" => {
            let iban = number::iban(numbers);
            whole(number::grouped(&iban, &[4; 8], " ").trim().to_owned())
        }
        "ssn" => whole(number::ssn(numbers)),
        "itin" => whole(number::itin(numbers)),
        "cpf" => whole(number::cpf(numbers)),
        "mrz" => whole(number::mrz(numbers)),
        "jwt" => after_first(vendor::jwt(numbers), '.'),
        "pem" => {
            let text = vendor::pem(numbers);
            let core = text.lines().nth(1).unwrap_or_default().to_owned();
            (text, core)
        }
        "url_password" => url_password(numbers),
        "basic" => {
            let user = numbers.text("abcdefghijklmnopqrstuvwxyz", 5);
            let pair = format!("{user}:{}", numbers.alnum(12));
            after_first(format!("Basic {}", base64(pair.as_bytes(), false)), ' ')
        }
        "bearer" => after_first(format!("Bearer {}", numbers.text(URL64, 40)), ' '),
        "aws_id" => whole(vendor::aws_id(numbers)),
        "github" => whole(vendor::github(numbers)),
        "github_fine" => whole(vendor::github_fine(numbers)),
        "npm" => whole(vendor::npm(numbers)),
        "slack_hook" => {
            let text = vendor::prefixed(kind, numbers);
            let core = text.rsplit('/').next().unwrap_or_default().to_owned();
            (text, core)
        }
        "telegram" => after_first(vendor::prefixed(kind, numbers), ':'),
        _ => whole(vendor::prefixed(kind, numbers)),
    };
    let is_token = text
        .bytes()
        .all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b));
    Secret {
        kind,
        text,
        core,
        names: &[],
        is_token,
    }
}

fn whole(text: String) -> (String, String) {
    (text.clone(), text)
}

fn after_first(text: String, separator: char) -> (String, String) {
    let core = text
        .split_once(separator)
        .map_or("", |(_, core)| core)
        .to_owned();
    (text, core)
}

fn url_password(numbers: &mut Numbers) -> (String, String) {
    let scheme = numbers.pick(&[
        "postgres",
        "mysql",
        "redis",
        "amqp",
        "mongodb+srv",
        "https",
        "ftp",
        "smtp",
    ]);
    let password = numbers.alnum(14);
    let host = numbers.pick(&["db.internal:5432", "10.0.4.7", "cache", "mail.example.org"]);
    let path = numbers.pick(&["/shop", "/0", "", "/app?sslmode=require"]);
    (format!("{scheme}://app:{password}@{host}{path}"), password)
}

/// A password as people and generators make them; every fourth holds what notations quote.
fn password(numbers: &mut Numbers) -> String {
    const WORDS: [&str; 8] = [
        "Gull", "harbour", "Tide", "lantern", "Copper", "anchor", "Birch", "ferry",
    ];
    let (one, two) = (numbers.pick(&WORDS), numbers.pick(&WORDS));
    let digits = numbers.digits(3);
    let len = numbers.place(8) + 8;
    match numbers.below(8) {
        0..3 => format!("{one}{two}{digits}"),
        3..5 => numbers.alnum(len),
        5 => format!("{one}-{two}!{digits}"),
        6 => format!("{one}&{two}\"{digits}{}", numbers.alnum(4)),
        _ => format!("{one} {two}'{digits}\\{}", numbers.alnum(4)),
    }
}

fn named(kind: &'static str, numbers: &mut Numbers) -> Secret {
    let names: &'static [&'static str] = names(kind);
    let text = match kind {
        "password" => password(numbers),
        "passphrase" => format!(
            "{} {} {}",
            numbers.alnum(6),
            numbers.alnum(7),
            numbers.alnum(5)
        ),
        "otp" => numbers.between(100_000, 999_999).to_string(),
        "token" => numbers.alnum(32),
        "session" => numbers.text("abcdefghijklmnopqrstuvwxyz0123456789", 26),
        "api_key" => numbers.alnum(28),
        "client_secret" => numbers.text(URL64, 40),
        "aws_secret" => numbers.text(&format!("{}+/", &URL64[..62]), 40),
        "azure_key" => format!("{}==", numbers.alnum(86)),
        "hex_secret" => numbers.hex(40),
        "mnemonic" => {
            let words = [
                "abandon", "gravity", "lemon", "orbit", "pencil", "quantum", "river", "saddle",
                "tunnel", "velvet",
            ];
            (0..12)
                .map(|_| numbers.pick(&words))
                .collect::<Vec<_>>()
                .join(" ")
        }
        "cvv" => numbers.between(100, 999).to_string(),
        "account_number" => numbers.digits(10),
        "ssn_plain" => number::ssn(numbers).replace('-', ""),
        "nhs" => number::nhs(numbers),
        "nino" => number::nino(numbers),
        "aba" => number::aba(numbers),
        "dni" => number::dni(numbers),
        "bsn" => number::bsn(numbers),
        _ => number::aadhaar(numbers),
    };
    let is_token = matches!(kind, "token" | "session" | "api_key" | "hex_secret");
    Secret {
        kind,
        core: text.clone(),
        text,
        names,
        is_token,
    }
}

/// Names under which applications log each kind, in the spellings of several languages.
fn names(kind: &str) -> &'static [&'static str] {
    match kind {
        "password" => &[
            "password",
            "passwd",
            "pwd",
            "userPassword",
            "user_password",
            "new-password",
            "DB_PASSWORD",
            "Password",
            "smtp_password",
        ],
        "passphrase" => &["passphrase", "keyPassphrase", "ssh_passphrase"],
        "otp" => &["otp", "totp", "mfa_code", "smsCode", "verification_code"],
        "token" => &[
            "token",
            "access_token",
            "refreshToken",
            "id_token",
            "reset_token",
            "csrfToken",
            "auth_token",
            "X-Auth-Token",
        ],
        "session" => &[
            "session_id",
            "sessionid",
            "JSESSIONID",
            "PHPSESSID",
            "sessionId",
        ],
        "api_key" => &["api_key", "apiKey", "X-Api-Key", "apikey", "STRIPE_API_KEY"],
        "client_secret" => &[
            "client_secret",
            "clientSecret",
            "consumer_secret",
            "app_secret",
        ],
        "aws_secret" => &[
            "aws_secret_access_key",
            "secretAccessKey",
            "AWS_SECRET_ACCESS_KEY",
        ],
        "azure_key" => &["AccountKey", "account_key", "storage_key"],
        "hex_secret" => &[
            "secret",
            "jwt_secret",
            "signing_key",
            "encryptionKey",
            "SECRET_KEY",
        ],
        "mnemonic" => &["mnemonic", "seed_phrase", "recoveryPhrase"],
        "cvv" => &["cvv", "cvc", "cvv2"],
        "account_number" => &["account_number", "accountNumber", "bank_account"],
        "ssn_plain" => &["ssn", "social_security_number"],
        "nhs" => &["nhs_number", "nhsNumber"],
        "nino" => &["nino", "national_insurance_number"],
        "aba" => &["routing_number", "routingNumber"],
        "dni" => &["dni"],
        "bsn" => &["bsn"],
        _ => &["aadhaar", "aadhaar_number"],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_can_be_drawn_and_holds_its_core() {
        let mut numbers = Numbers::new(7);
        for kind in SHOWING.iter().chain(NAMED) {
            for _ in 0..20 {
                let secret = draw(kind, &mut numbers);
                assert!(secret.text.contains(&secret.core), "{kind}");
                assert!(secret.core.len() >= 3, "{kind}");
                assert_eq!(secret.names.is_empty(), SHOWING.contains(kind), "{kind}");
            }
        }
    }

    #[test]
    fn equal_seeds_draw_equal_secrets() {
        let text = |seed| draw("jwt", &mut Numbers::new(seed)).text;
        assert_eq!(text(3), text(3));
        assert_ne!(text(3), text(4));
    }
}
