//! Which format a text is in, by its first bytes.

use event::{DefectKind, field};

use crate::draft::Draft;
use crate::{access_log, auth, endpoints, error_log, json, key_value, plain, syslog};

/// Reads a frame of unknown format.
pub(crate) fn read(draft: &mut Draft<'_>, text: &str) {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text).trim();
    if text.is_empty() {
        return draft.defect(DefectKind::Empty);
    }
    if syslog::is_header(text) {
        return syslog::read(draft, text);
    }
    body(draft, text, None);
}

/// Reads what stands behind a syslog header, or a frame without one. `program` is the name that
/// the header gave.
pub(crate) fn body(draft: &mut Draft<'_>, text: &str, program: Option<&str>) {
    let text = text.trim();
    if looks_like_json(text) {
        return json_or_message(draft, text);
    }
    let is_read = program.is_some_and(|program| auth::read(draft, program, text))
        || access_log::read(draft, text)
        || error_log::read(draft, text)
        || auth::read_tagged(draft, text);
    if is_read {
        return;
    }
    let rest = plain::header(draft, text);
    let rest = container_stream(rest);
    if looks_like_json(rest) {
        return json_or_message(draft, rest);
    }
    if !key_value::read(draft, rest) {
        draft.put_str(field::MESSAGE, if rest.is_empty() { text } else { rest });
    }
    endpoints::derive(draft, rest);
}

/// Takes off the `stdout F ` of container runtimes.
fn container_stream(text: &str) -> &str {
    ["stdout F ", "stderr F ", "stdout P ", "stderr P "]
        .iter()
        .find_map(|stream| text.strip_prefix(stream))
        .unwrap_or(text)
}

fn looks_like_json(text: &str) -> bool {
    let inside = text.strip_prefix('{').map(str::trim_start);
    inside.is_some_and(|inside| inside.starts_with(['"', '}']))
}

/// Broken JSON is kept whole: half of its fields would mislead more than its text.
fn json_or_message(draft: &mut Draft<'_>, text: &str) {
    if json::object(draft, text) {
        draft.format("json");
    } else {
        draft.put_str(field::MESSAGE, text);
    }
}
