//! su of util-linux, shadow and the BSDs: `(to root) alice on pts/0`, `FAILED SU (to root) alice
//! on pts/0`, `Successful su for root by alice`.

use event::field;

use crate::draft::Draft;

pub(super) fn read(draft: &mut Draft<'_>, text: &str) {
    let lower = text.to_ascii_lowercase();
    let failed = lower.starts_with("failed su") || lower.starts_with("bad su");
    let Some((actor, target)) = actor_and_target(text) else {
        return;
    };
    draft.put_str(field::USER_NAME, actor);
    draft.put_str(field::USER_EFFECTIVE_NAME, target);
    if failed {
        draft.act("authn_login_fail", "failure");
    } else {
        draft.act("authn_login_success", "success");
    }
    if let Some((_, tty)) = text.rsplit_once(" on ") {
        draft.put_str(field::PROCESS_TTY, tty.trim());
    }
}

fn actor_and_target(text: &str) -> Option<(&str, &str)> {
    if let Some((_, rest)) = text.split_once("(to ") {
        let (target, rest) = rest.split_once(") ")?;
        let actor = rest.rsplit_once(" on ").map_or(rest, |(actor, _)| actor);
        return Some((actor.trim(), target));
    }
    if let Some((_, rest)) = text.split_once(" su for ").or(text.split_once(" SU for ")) {
        let (target, actor) = rest.split_once(" by ")?;
        return Some((actor.trim(), target));
    }
    if let Some((_, rest)) = text.split_once(" SU ") {
        let (actor, target) = rest.split_once(" to ")?;
        let target = target
            .split_once(" on ")
            .map_or(target, |(target, _)| target);
        return Some((actor.trim(), target.trim()));
    }
    None
}
