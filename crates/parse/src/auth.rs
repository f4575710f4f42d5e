//! Lines of the login programs of Unix, by program name.
//!
//! One attempt is one `authn_login_fail`: where a program and PAM both report it, the program's
//! line carries the action and PAM's line only the fields, or thresholds would be met by one
//! honest typo.

mod account;
mod pam;
mod sshd;
mod su;
mod sudo;

use event::{Value, field};

use crate::draft::Draft;

/// Reads `text` as a line of `program`, when we know the program.
pub(crate) fn read(draft: &mut Draft<'_>, program: &str, text: &str) -> bool {
    let program = program.rsplit('/').next().unwrap_or(program);
    draft.put_str(field::PROCESS_NAME, program);
    if pam::is_line(text) {
        draft.format("pam");
        draft.put_str(field::MESSAGE, text);
        pam::read(draft, text);
        return true;
    }
    let (format, read): (_, fn(&mut Draft<'_>, &str)) = match program {
        "sshd" | "sshd-session" | "sshd-auth" => ("sshd", sshd::read),
        "sudo" => ("sudo", sudo::read),
        "su" => ("su", su::read),
        "useradd" | "usermod" | "userdel" | "groupadd" | "groupmod" | "groupdel" | "gpasswd"
        | "passwd" | "chpasswd" | "adduser" => ("account", account::read),
        _ => return false,
    };
    draft.format(format);
    draft.put_str(field::MESSAGE, text);
    read(draft, text);
    true
}

/// Reads `program[pid]: text` without time and host.
pub(crate) fn read_tagged(draft: &mut Draft<'_>, text: &str) -> bool {
    const PROGRAMS: [&str; 9] = [
        "sshd",
        "sshd-session",
        "sudo",
        "su",
        "useradd",
        "usermod",
        "userdel",
        "groupadd",
        "passwd",
    ];
    let name_len = text
        .bytes()
        .take_while(|b| b.is_ascii_lowercase() || *b == b'-')
        .count();
    let (program, rest) = text.split_at(name_len);
    if !PROGRAMS.contains(&program) {
        return false;
    }
    let (pid, rest) = match rest.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((pid, rest)) => (pid, rest),
        None => ("", rest),
    };
    let Some(message) = rest.strip_prefix(": ") else {
        return false;
    };
    draft.put_int(field::PROCESS_PID, pid);
    read(draft, program, message.trim_start())
}

/// What all lines of one kind share.
fn authentication(draft: &mut Draft<'_>, outcome: &str) {
    draft.put_list(field::EVENT_CATEGORY, &["authentication"]);
    draft.put_list(field::EVENT_TYPE, &["info"]);
    draft.put_str(field::EVENT_OUTCOME, outcome);
}

/// Puts `1.2.3.4 port 22 ..`, the way OpenSSH writes a peer.
fn put_peer(draft: &mut Draft<'_>, text: &str) -> bool {
    let mut words = text.split_ascii_whitespace();
    let Some(address) = words.next() else {
        return false;
    };
    draft.put_source(address.trim_end_matches([':', ',']));
    if words.next() == Some("port")
        && let Some(port) = words.next()
    {
        // `port 22:11: Bye` carries the reason of a disconnect behind the number.
        draft.put_int(
            field::SOURCE_PORT,
            port.split([':', ',']).next().unwrap_or(port),
        );
    }
    draft.has(field::SOURCE_IP) || draft.has(field::SOURCE_ADDRESS)
}

/// Takes `user='bob'` or `'bob'` off its quotes.
fn unquoted(text: &str) -> &str {
    text.trim_matches(['\'', '"', '`', '<', '>', ' '])
}

fn count_label(draft: &mut Draft<'_>, name: &str, digits: &str) {
    if let Ok(number) = digits.parse() {
        draft.label(name, Value::Int(number));
    }
}
