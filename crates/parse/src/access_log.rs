//! Access logs of nginx and apache: common and combined format, with a virtual host in front and
//! further fields behind.

use event::{DefectKind, Value, field};

use crate::draft::Draft;
use crate::{field_type, time, url};

/// Bytes in front of the time: virtual host, client, identity, user.
const HEAD_BYTES_MAX: usize = 1024;

/// Reads `text` when it is an access log line.
pub(crate) fn read(draft: &mut Draft<'_>, text: &str) -> bool {
    let window = &text.as_bytes()[..text.len().min(HEAD_BYTES_MAX)];
    let found = memchr::memchr_iter(b'[', window)
        .find_map(|at| Some((at, time::common_log(&text.as_bytes()[at + 1..])?)));
    let Some((bracket, (read, used))) = found else {
        return false;
    };
    let head = text[..bracket].trim_end();
    let Some(rest) = text[bracket + 1 + used..].strip_prefix(']') else {
        return false;
    };
    let Some(rest) = rest.trim_start().strip_prefix('"') else {
        return false;
    };
    let Some((request, rest)) = quoted(rest) else {
        return false;
    };
    draft.format("access_log");
    draft.header_time(read);
    put_head(draft, head);
    put_request(draft, request);
    put_answer(draft, rest.trim_start());
    draft.put_list(field::EVENT_CATEGORY, &["web"]);
    draft.put_list(field::EVENT_TYPE, &["access"]);
    draft.put_str(field::EVENT_ACTION, "api_access");
    true
}

/// Text up to the closing quote, which no backslash precedes, and what follows. A quote inside a
/// request that nobody escaped does not end it: a space or the end of line follows the real one.
fn quoted(text: &str) -> Option<(&str, &str)> {
    let bytes = text.as_bytes();
    let mut from = 0;
    while let Some(at) = memchr::memchr2(b'"', b'\\', &bytes[from..]).map(|at| at + from) {
        if bytes[at] == b'\\' {
            from = (at + 2).min(bytes.len());
        } else if matches!(bytes.get(at + 1), None | Some(b' ' | b'\t')) {
            return Some((&text[..at], &text[at + 1..]));
        } else {
            from = at + 1;
        }
    }
    None
}

/// `[vhost] client identity user`
fn put_head(draft: &mut Draft<'_>, head: &str) {
    let (first, rest) = head.split_once(' ').unwrap_or((head, ""));
    let second = rest.split(' ').next().unwrap_or("");
    let has_vhost = !is_address(first) && (is_address(second) || rest.split(' ').count() > 2);
    let (client, rest) = if has_vhost {
        let (name, port) = match first.rsplit_once(':') {
            Some((name, port)) if port.parse::<u16>().is_ok() => (name, port),
            _ => (first, ""),
        };
        draft.put_str(field::URL_DOMAIN, name);
        draft.put_int(field::SERVER_PORT, port);
        rest.split_once(' ').unwrap_or((rest, ""))
    } else {
        (first, rest)
    };
    draft.put_source(client);
    // Identity is one word, the user may hold spaces.
    let user = rest.split_once(' ').map_or("", |(_, user)| user);
    let user = user.strip_suffix(" -").unwrap_or(user).trim();
    draft.put_str(field::USER_NAME, user.trim_matches('"'));
}

fn is_address(word: &str) -> bool {
    field_type::endpoint(word).is_some()
}

/// `GET /path?query HTTP/1.1`; anything else is kept whole with a defect.
fn put_request(draft: &mut Draft<'_>, request: &str) {
    if matches!(request, "" | "-") {
        return;
    }
    let (word, rest) = request.split_once(' ').unwrap_or(("", request));
    let method = url::method(word).filter(|known| *known == word);
    let (target, version) = match rest.rsplit_once(" HTTP/") {
        Some((target, version)) => (target, version),
        None => (rest, ""),
    };
    let is_version =
        version.len() <= 3 && version.bytes().next().is_some_and(|b| b.is_ascii_digit());
    match method {
        Some(method) if is_version => {
            draft.put_str(field::HTTP_REQUEST_METHOD, method);
            draft.put_str(field::HTTP_VERSION, version);
            draft.put_str(field::URL_ORIGINAL, target);
        }
        Some(method) if version.is_empty() && rest.starts_with('/') => {
            draft.defect(DefectKind::TypeConflict);
            draft.put_str(field::HTTP_REQUEST_METHOD, method);
            draft.put_str(field::URL_ORIGINAL, rest);
        }
        _ => {
            let is_token = (1..=32).contains(&word.len())
                && word
                    .bytes()
                    .all(|b| b.is_ascii_uppercase() || matches!(b, b'_' | b'-'));
            if is_version && is_token {
                // A method that we do not know but that reads like one: kept, it may be a probe.
                draft.put_str(field::HTTP_REQUEST_METHOD, word);
                draft.put_str(field::HTTP_VERSION, version);
                draft.put_str(field::URL_ORIGINAL, target);
            } else {
                draft.defect(DefectKind::TypeConflict);
                draft.put_str(field::URL_ORIGINAL, request);
            }
        }
    }
}

/// `200 203023 "referrer" "agent" rest`
fn put_answer(draft: &mut Draft<'_>, rest: &str) {
    let (status, rest) = word(rest);
    let (bytes, rest) = word(rest);
    draft.put_int(field::HTTP_RESPONSE_STATUS_CODE, status);
    draft.put_int(field::HTTP_RESPONSE_BODY_BYTES, bytes);
    let mut rest = rest;
    for id in [field::HTTP_REQUEST_REFERRER, field::USER_AGENT_ORIGINAL] {
        let Some((value, after)) = rest.strip_prefix('"').and_then(quoted) else {
            break;
        };
        draft.put_str(id, value);
        rest = after.trim_start();
    }
    draft.label("labels.extra", Value::Str(rest.trim_end()));
}

fn word(text: &str) -> (&str, &str) {
    // A quoted field here means that the number in front of it is missing.
    if text.starts_with('"') {
        return ("", text);
    }
    text.split_once(' ')
        .map_or((text, ""), |(word, rest)| (word, rest.trim_start()))
}
