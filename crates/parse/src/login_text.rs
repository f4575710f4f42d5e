//! Sentences about logins, for loggers that know no event names: what happened, who, from where.
//!
//! Only records that name a user or an address become login events: a sentence such as `login page
//! failed to load` is none.

use event::field;

use crate::draft::Draft;
use crate::field_type;

/// Bytes of a sentence that are looked at.
const SENTENCE_BYTES_MAX: usize = 512;

const SUBJECTS: [&str; 22] = [
    "login",
    "log in",
    "logon",
    "log-in",
    "logged in",
    "sign in",
    "sign-in",
    "signin",
    "signed in",
    "authenticat",
    "username or password",
    "invalid credentials",
    "invalid username",
    "auth-error",
    "auth-failure",
    "access denied for user",
    "user credentials",
    "token provided for user",
    "wireguard: ",
    "auth: [smb",
    "htpasswd",
    "getting details for user",
];
const FAILURES: [&str; 19] = [
    "fail",
    "invalid",
    "denied",
    "incorrect",
    "unsuccessful",
    "rejected",
    "wrong",
    "bad password",
    "refused",
    "not found",
    "unauthorized",
    "error",
    "could not",
    "was not found in",
    "not exist",
    "password mismatch",
    "nt_status_no_such_user",
    "nt_status_wrong_password",
    "nt_status_logon_failure",
];
const SUCCESSES: [&str; 6] = [
    "success",
    "succeeded",
    "accepted",
    "logged in",
    "signed in",
    "authenticated",
];

/// Reads the message, and then the error, when the record names no action itself.
pub(crate) fn derive_from_message(draft: &mut Draft<'_>) {
    for id in [field::MESSAGE, field::ERROR_MESSAGE] {
        if !draft.has(field::EVENT_ACTION)
            && let Some(sentence) = draft.text(id)
        {
            let sentence = crate::decode::prefix(sentence, SENTENCE_BYTES_MAX).to_owned();
            derive(draft, &sentence);
        }
    }
}

/// Reads `sentence` when the record names no action itself.
pub(crate) fn derive(draft: &mut Draft<'_>, sentence: &str) {
    if draft.has(field::EVENT_ACTION) {
        return;
    }
    let sentence = crate::decode::prefix(sentence, SENTENCE_BYTES_MAX);
    let lower = sentence.to_ascii_lowercase();
    let has_any = |words: &[&str]| words.iter().any(|word| lower.contains(word));
    if !has_any(&SUBJECTS) {
        return;
    }
    let outcome = match draft.text(field::EVENT_OUTCOME) {
        Some("success") => "success",
        Some("failure") => "failure",
        _ if has_any(&FAILURES) => "failure",
        _ if has_any(&SUCCESSES) => "success",
        _ => return,
    };
    put_user(draft, sentence, &lower);
    put_address(draft, sentence, &lower);
    let ids = [
        field::USER_NAME,
        field::USER_ID,
        field::USER_EMAIL,
        field::SOURCE_IP,
    ];
    if !ids.into_iter().any(|id| draft.has(id)) {
        return;
    }
    let is_failure = outcome == "failure";
    draft.act(
        if is_failure {
            "authn_login_fail"
        } else {
            "authn_login_success"
        },
        outcome,
    );
}

/// `user 'bob'`, `user "bob"`, `user bob from`, `attempt for bob from`.
fn put_user(draft: &mut Draft<'_>, sentence: &str, lower: &str) {
    if draft.has(field::USER_NAME) {
        return;
    }
    for mark in [
        "user '",
        "user \"",
        "account \"",
        "account '",
        "for \"",
        "for '",
        "username: ",
    ] {
        if let Some(at) = lower.find(mark) {
            let rest = &sentence[at + mark.len()..];
            let name = rest.split(['\'', '"', ' ', ',']).next().unwrap_or("");
            return draft.put_str(field::USER_NAME, name);
        }
    }
    for mark in ["for user ", "by user ", "user ", "for "] {
        if let Some(at) = lower.find(mark) {
            let mut words = sentence[at + mark.len()..].split_ascii_whitespace();
            let (name, after) = (words.next().unwrap_or(""), words.next());
            if after == Some("from") || mark.ends_with("user ") && mark != "user " {
                let name = name.trim_end_matches([',', '.', ':', ';']);
                return draft.put_str(field::USER_NAME, name);
            }
        }
    }
}

/// An address behind `from`, `ip` or `address`.
fn put_address(draft: &mut Draft<'_>, sentence: &str, lower: &str) {
    if draft.has(field::SOURCE_IP) {
        return;
    }
    for mark in [
        "remote host [ipv4:",
        "remote host [ipv6:",
        "from ",
        "ip: ",
        "ip-address: ",
        "ip address: ",
        "address ",
        "ip ",
    ] {
        if let Some(at) = lower.rfind(mark) {
            let rest = sentence[at + mark.len()..].trim_start_matches(['"', '\'', '[', '(']);
            let word = rest
                .split([' ', ',', '"', '\'', ')', ']'])
                .next()
                .unwrap_or("");
            let word = word.trim_end_matches(['.', ';', ':']);
            if field_type::endpoint(word).is_some() {
                return draft.put_source(word);
            }
        }
    }
    put_only_address(draft, sentence);
}

/// The one address that a sentence holds; of several, none is known to be the source.
fn put_only_address(draft: &mut Draft<'_>, sentence: &str) {
    let is_border = |c: char| c.is_ascii_whitespace() || ",;|\"'@()<>[]".contains(c);
    let mut only = "";
    for word in sentence.split(is_border) {
        let word = word.trim_end_matches(['.', ':']);
        if field_type::endpoint(word).is_some() && word != only {
            if !only.is_empty() {
                return;
            }
            only = word;
        }
    }
    if !only.is_empty() {
        draft.put_source(only);
    }
}
