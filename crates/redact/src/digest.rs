//! The digest of a policy: equal digests, equal treatment of every event.

use sha2::{Digest, Sha256};

use crate::key;
use crate::kind::Kind;
use crate::scan::Rules;

/// Grows with every change of what the built-in detectors find or of the form of what they leave.
const DETECTORS_VERSION: u32 = 2;

/// Allowed values may be guessable numbers, so they enter as keyed hashes; keys do not enter.
pub(crate) fn of(rules: &Rules, secret_names: &[String], public_names: &[String]) -> [u8; 32] {
    let mut digest = Sha256::new();
    let mut add = |label: &str, text: &str| {
        for part in [label, text] {
            digest.update((part.len() as u64).to_be_bytes());
            digest.update(part);
        }
    };
    add("belfry redaction policy", &DETECTORS_VERSION.to_string());
    key::each_row(|class, words| add(class, words));
    for kind in Kind::ALL {
        add(kind.name(), rules.actions.of(*kind).name());
    }
    for (kind, action) in rules.actions.chosen() {
        add(kind.name(), action.name());
    }
    for name in secret_names {
        add("secret name", name);
    }
    for name in public_names {
        add("public name", name);
    }
    for value in &rules.allowed {
        let hash = rules.pseudonyms.of("allowed", value.as_bytes());
        add("allowed", &hash);
    }
    add("find e-mails", &rules.find_emails.to_string());
    add("find phones", &rules.find_phones.to_string());
    digest.finalize().into()
}
