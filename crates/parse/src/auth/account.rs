//! Changes of accounts and groups by the shadow tools: useradd, usermod, userdel, groupadd,
//! gpasswd, passwd.

use event::{Value, field};

use super::unquoted;
use crate::draft::Draft;

/// Groups whose members rule the machine.
const ADMIN_GROUPS: [&str; 6] = ["root", "sudo", "wheel", "admin", "adm", "docker"];

pub(super) fn read(draft: &mut Draft<'_>, text: &str) {
    let is_read = added(draft, text) || grouped(draft, text) || changed(draft, text);
    if !is_read && let Some(user) = text.strip_prefix("password for ") {
        // `password for 'bob' changed by 'root'`
        let (user, actor) = user.split_once(" changed by ").unwrap_or((user, ""));
        draft.put_str(field::USER_TARGET_NAME, unquoted(user));
        draft.put_str(field::USER_NAME, unquoted(actor));
        draft.act("authn_password_change", "success");
    }
}

/// `new user: name=bob, UID=1001, GID=1001, home=/home/bob, shell=/bin/bash, from=/dev/pts/0`
fn added(draft: &mut Draft<'_>, text: &str) -> bool {
    if let Some(pairs) = text.strip_prefix("new user: ") {
        for (name, value) in pairs.split(", ").filter_map(|pair| pair.split_once('=')) {
            match name {
                "name" => draft.put_str(field::USER_TARGET_NAME, value),
                "UID" => draft.put_str(field::USER_TARGET_ID, value),
                "GID" => draft.put_str(field::GROUP_ID, value),
                "home" => draft.label("labels.home", Value::Str(value)),
                "shell" => draft.label("labels.shell", Value::Str(value)),
                "from" => draft.put_str(field::PROCESS_TTY, value),
                _ => {}
            }
        }
        if draft.text(field::USER_TARGET_ID) == Some("0") {
            draft.put_list(field::USER_TARGET_ROLES, &["root"]);
        }
        draft.act("user_created", "success");
        return true;
    }
    if let Some(pairs) = text.strip_prefix("new group: ") {
        for (name, value) in pairs.split(", ").filter_map(|pair| pair.split_once('=')) {
            match name {
                "name" => draft.put_str(field::GROUP_NAME, value),
                "GID" => draft.put_str(field::GROUP_ID, value),
                _ => {}
            }
        }
        draft.put_list(field::EVENT_CATEGORY, &["iam"]);
        draft.put_list(field::EVENT_TYPE, &["group", "creation"]);
        draft.put_str(field::EVENT_OUTCOME, "success");
        return true;
    }
    let Some(rest) = text.strip_prefix("failed adding user ") else {
        return false;
    };
    let user = rest.split_once(',').map_or(rest, |(user, _)| user);
    draft.put_str(field::USER_TARGET_NAME, unquoted(user));
    draft.act("user_created", "failure");
    true
}

/// `add 'bob' to group 'sudo'`, `delete 'bob' from group 'sudo'`, `user bob added by root to group
/// sudo`
fn grouped(draft: &mut Draft<'_>, text: &str) -> bool {
    let plain = text
        .strip_prefix("add ")
        .and_then(|rest| rest.split_once(" to group "));
    let gpasswd = text
        .strip_prefix("user ")
        .and_then(|rest| rest.split_once(" to group "));
    let left = text
        .strip_prefix("delete ")
        .and_then(|rest| rest.split_once(" from group "));
    let Some((user, group)) = plain.or(gpasswd).or(left) else {
        return false;
    };
    let (user, actor) = user.split_once(" added by ").unwrap_or((user, ""));
    let group = unquoted(group);
    draft.put_str(field::USER_TARGET_NAME, unquoted(user));
    draft.put_str(field::USER_NAME, unquoted(actor));
    draft.put_str(field::GROUP_NAME, group);
    if left.is_none() && ADMIN_GROUPS.contains(&group) {
        draft.put_list(field::USER_TARGET_ROLES, &[group]);
    }
    draft.act("authz_change", "success");
    true
}

/// `change user 'bob' shell from ..`, `lock user 'bob' password`, `delete user 'bob'`
fn changed(draft: &mut Draft<'_>, text: &str) -> bool {
    const VERBS: [(&str, &str); 5] = [
        ("delete user ", "user_deleted"),
        ("change user ", "user_updated"),
        ("lock user ", "authn_login_lock"),
        ("unlock user ", "authn_login_unlock"),
        ("changed user ", "user_updated"),
    ];
    let found = VERBS
        .into_iter()
        .find_map(|(verb, action)| Some((text.strip_prefix(verb)?, action)));
    let Some((rest, action)) = found else {
        return false;
    };
    let (user, what) = match rest.strip_prefix('\'') {
        Some(quoted) => quoted.split_once('\'').unwrap_or((quoted, "")),
        None => rest.split_once(' ').unwrap_or((rest, "")),
    };
    draft.put_str(field::USER_TARGET_NAME, unquoted(user));
    let what = what.trim();
    draft.label("labels.change", Value::Str(what));
    if what.starts_with("UID from") && what.ends_with("to '0'") {
        draft.put_list(field::USER_TARGET_ROLES, &["root"]);
    }
    let is_password = action == "user_updated" && what.starts_with("password");
    draft.act(
        if is_password {
            "authn_password_change"
        } else {
            action
        },
        "success",
    );
    true
}
