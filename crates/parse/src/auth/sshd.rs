//! OpenSSH server. The user name is the stranger's text and may hold ` from 10.0.0.1 port 22`;
//! the address that sshd itself wrote is always the last one, so lines are cut from the right.

use event::field;

use super::{authentication, count_label, put_peer};
use crate::draft::Draft;

pub(super) fn read(draft: &mut Draft<'_>, text: &str) {
    let text = match repeated(text) {
        Some((count, inner)) => {
            count_label(draft, "labels.repeated", count);
            inner
        }
        None => text,
    };
    let text = text.strip_prefix("error: ").unwrap_or(text);
    let is_read = failed(draft, text) || accepted(draft, text) || refused(draft, text);
    if !is_read {
        connection(draft, text);
    }
}

/// `message repeated 5 times: [ Failed password .. ]`
fn repeated(text: &str) -> Option<(&str, &str)> {
    let rest = text.strip_prefix("message repeated ")?;
    let (count, rest) = rest.split_once(" times: [")?;
    Some((count, rest.trim_end_matches(']').trim()))
}

/// `Failed password for [invalid user] bob from 1.2.3.4 port 22 ssh2`
fn failed(draft: &mut Draft<'_>, text: &str) -> bool {
    if let Some((method, rest)) = text
        .strip_prefix("Failed ")
        .and_then(|rest| rest.split_once(" for "))
    {
        draft.act("authn_login_fail", "failure");
        draft.put_str(field::AUTH_METHOD, method);
        user_from_peer(draft, rest);
        return true;
    }
    if let Some(rest) = text
        .strip_prefix("Invalid user ")
        .or(text.strip_prefix("Illegal user "))
    {
        draft.act("authn_login_fail", "failure");
        draft.put_str(field::EVENT_REASON, "invalid user");
        if !user_from_peer(draft, rest) {
            draft.put_str(field::USER_NAME, rest.trim());
        }
        return true;
    }
    let limit = text.strip_prefix("maximum authentication attempts exceeded for ");
    if let Some(rest) = limit {
        draft.act("authn_login_fail_max", "failure");
        user_from_peer(draft, rest);
        return true;
    }
    let pam = text
        .strip_prefix("PAM: Authentication failure for ")
        .or_else(|| {
            text.strip_prefix("PAM: User not known to the underlying authentication module for ")
        });
    if let Some(rest) = pam {
        draft.act("authn_login_fail", "failure");
        user_from_peer(draft, rest);
        return true;
    }
    false
}

/// `Accepted publickey for git from 1.2.3.4 port 40001 ssh2: ED25519 SHA256:..`
fn accepted(draft: &mut Draft<'_>, text: &str) -> bool {
    let Some((method, rest)) = text
        .strip_prefix("Accepted ")
        .and_then(|rest| rest.split_once(" for "))
    else {
        return false;
    };
    draft.act("authn_login_success", "success");
    draft.put_str(field::AUTH_METHOD, method);
    if let Some((_, key)) = rest.split_once(" ssh2: ") {
        draft.label("labels.key", event::Value::Str(key));
    }
    user_from_peer(draft, rest);
    true
}

fn refused(draft: &mut Draft<'_>, text: &str) -> bool {
    if let Some(rest) = text.strip_prefix("refused connect from ") {
        draft.act("authz_fail", "failure");
        let address = rest.split_once('(').map_or(rest, |(_, inner)| inner);
        draft.put_source(address.trim_end_matches(')').trim());
        return true;
    }
    let Some((user, reason)) = text
        .strip_prefix("User ")
        .and_then(|rest| rest.split_once(" not allowed because "))
    else {
        return false;
    };
    draft.act("authz_fail", "failure");
    draft.put_str(field::EVENT_REASON, reason);
    if !user_from_peer(draft, user) {
        draft.put_str(field::USER_NAME, user);
    }
    true
}

/// Comings and goings: fields without an action.
fn connection(draft: &mut Draft<'_>, text: &str) {
    const STARTS: [&str; 8] = [
        "Connection closed by ",
        "Connection reset by ",
        "Disconnected from ",
        "Disconnecting ",
        "Received disconnect from ",
        "Did not receive identification string from ",
        "Unable to negotiate with ",
        "Connection from ",
    ];
    const STATES: [(&str, &str); 3] = [
        ("authenticating user ", "failure"),
        ("invalid user ", "failure"),
        ("user ", "unknown"),
    ];
    let Some(mut rest) = STARTS.iter().find_map(|start| text.strip_prefix(start)) else {
        if let Some((_, peer)) = text.rsplit_once(" from ") {
            let word = peer.split_ascii_whitespace().next().unwrap_or("");
            if crate::field_type::endpoint(word).is_some() {
                put_peer(draft, peer);
            }
        }
        return;
    };
    for (state, outcome) in STATES {
        if let Some(after) = rest.strip_prefix(state) {
            authentication(draft, outcome);
            rest = after;
            if let Some((before, _)) = after.rsplit_once(" port ")
                && let Some((user, address)) = before.rsplit_once(' ')
            {
                draft.put_str(field::USER_NAME, user);
                rest = &after[before.len() - address.len()..];
            }
            break;
        }
    }
    put_peer(draft, rest);
}

/// `[invalid user ]bob from 1.2.3.4 port 22 ..`, cut at the last ` from `.
fn user_from_peer(draft: &mut Draft<'_>, text: &str) -> bool {
    let (text, is_invalid) = match ["invalid user ", "illegal user "]
        .iter()
        .find_map(|mark| text.strip_prefix(mark))
    {
        Some(rest) => (rest, true),
        None => (text, false),
    };
    let (user, peer) = match text.rsplit_once(" from ") {
        Some(parts) => parts,
        // An empty name leaves only one space.
        None => match text.strip_prefix("from ") {
            Some(peer) => ("", peer),
            None => return false,
        },
    };
    if is_invalid {
        draft.put_str(field::EVENT_REASON, "invalid user");
    }
    draft.put_str(field::USER_NAME, user);
    put_peer(draft, peer)
}
