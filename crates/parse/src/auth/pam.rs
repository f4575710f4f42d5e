//! PAM modules speaking through any program: `pam_unix(sshd:auth): authentication failure; ..`.

use event::field;

use super::{authentication, unquoted};
use crate::draft::Draft;

/// Services whose own program reports the same attempt.
const REPORTS_ITSELF: [&str; 5] = ["sshd", "su", "su-l", "sudo", "sudo-i"];

pub(super) fn is_line(text: &str) -> bool {
    text.starts_with("pam_") && text.contains("): ")
        || text.starts_with("PAM ") && text.contains("authentication failure")
}

pub(super) fn read(draft: &mut Draft<'_>, text: &str) {
    let (head, message) = text.split_once("): ").unwrap_or(("", text));
    let inside = head.split_once('(').map_or("", |(_, inside)| inside);
    let service = inside.split(':').next().unwrap_or("");
    draft.put_str(field::SERVICE_TYPE, service);
    if let Some((_, pairs)) = message.split_once("authentication failure") {
        put_pairs(draft, pairs);
        // `PAM 2 more authentication failures` sums up what was reported one by one.
        if REPORTS_ITSELF.contains(&service) || service.is_empty() {
            return authentication(draft, "failure");
        }
        return draft.act("authn_login_fail", "failure");
    }
    if let Some(rest) = message.strip_prefix("session opened for user ") {
        put_session(draft, rest);
        return draft.act("session_created", "success");
    }
    if let Some(rest) = message.strip_prefix("session closed for user ") {
        put_session(draft, rest);
        return draft.act("session_logout", "success");
    }
    if let Some(user) = message.strip_prefix("password changed for ") {
        draft.put_str(field::USER_NAME, unquoted(user));
        return draft.act("authn_password_change", "success");
    }
    if message.starts_with("check pass; user unknown") {
        draft.put_str(field::EVENT_REASON, "user unknown");
        return authentication(draft, "failure");
    }
    if let Some((_, user)) = message
        .rsplit_once("account temporarily locked")
        .or_else(|| message.split_once("has been locked"))
    {
        draft.put_str(
            field::USER_NAME,
            unquoted(user.trim_start_matches(" for user")),
        );
        draft.act("authn_login_lock", "success");
    }
}

/// `; logname= uid=0 euid=0 tty=ssh ruser= rhost=1.2.3.4  user=root`
fn put_pairs(draft: &mut Draft<'_>, pairs: &str) {
    for (name, value) in pairs
        .split([' ', ';'])
        .filter_map(|pair| pair.split_once('='))
    {
        match name {
            "rhost" if !value.is_empty() => draft.put_source(value),
            "user" => draft.put_str(field::USER_NAME, value),
            "tty" => draft.put_str(field::PROCESS_TTY, value),
            "ruser" | "logname" if !value.is_empty() => {
                draft.label("labels.remote_user", event::Value::Str(value));
            }
            _ => {}
        }
    }
}

/// `root(uid=0) by alice(uid=1000)`: who the session is for, and who opened it.
fn put_session(draft: &mut Draft<'_>, text: &str) {
    let (user, by) = text.split_once(" by ").unwrap_or((text, ""));
    let name = |text: &str| text.split(['(', ' ']).next().unwrap_or("").to_owned();
    let (user, by) = (name(user), name(by));
    if by.is_empty() {
        draft.put_str(field::USER_NAME, &user);
    } else {
        draft.put_str(field::USER_NAME, &by);
        draft.put_str(field::USER_EFFECTIVE_NAME, &user);
    }
}
