//! sudo: `alice : TTY=pts/1 ; PWD=/ ; USER=root ; COMMAND=/bin/sh`, with a complaint in front of
//! the pairs when the command did not run.

use event::field;

use super::count_label;
use crate::draft::Draft;

pub(super) fn read(draft: &mut Draft<'_>, text: &str) {
    let Some((user, rest)) = text.split_once(" : ") else {
        return;
    };
    draft.put_str(field::USER_NAME, user.trim());
    let mut rest = rest;
    // The command may hold ` ; ` itself: it is always last.
    if let Some((before, command)) = rest.split_once("COMMAND=") {
        draft.put_str(field::LABELS_COMMAND, command.trim());
        draft.put_str(field::PROCESS_COMMAND_LINE, command.trim());
        rest = before;
    }
    let mut complaint = "";
    for part in rest
        .split(" ; ")
        .map(|part| part.trim().trim_end_matches(" ;"))
    {
        match part.split_once('=') {
            Some(("TTY", tty)) => draft.put_str(field::PROCESS_TTY, tty),
            Some(("PWD", folder)) => draft.put_str(field::PROCESS_WORKING_DIRECTORY, folder),
            Some(("USER", target)) => draft.put_str(field::USER_EFFECTIVE_NAME, target),
            Some(("GROUP", group)) => draft.put_str(field::GROUP_NAME, group),
            None if complaint.is_empty() => complaint = part,
            Some(_) | None => {}
        }
    }
    complain(draft, complaint);
}

fn complain(draft: &mut Draft<'_>, complaint: &str) {
    if complaint.is_empty() {
        if draft.has(field::LABELS_COMMAND) {
            draft.act("authz_admin", "success");
        }
        return;
    }
    draft.put_str(field::EVENT_REASON, complaint);
    let is_password =
        complaint.contains("incorrect password") || complaint.contains("password is required");
    if is_password {
        let digits = complaint.split(' ').next().unwrap_or("");
        count_label(draft, "labels.attempts", digits);
        draft.act("authn_login_fail", "failure");
    } else {
        draft.act("authz_fail", "failure");
    }
}
