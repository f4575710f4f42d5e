//! Error logs of nginx and apache: level, process, client and message.

use event::{Value, field};

use crate::draft::Draft;
use crate::{login_text, time};

/// Reads `text` when it is an error log line.
pub(crate) fn read(draft: &mut Draft<'_>, text: &str) -> bool {
    match text.as_bytes().first() {
        Some(b'[') => apache(draft, text),
        Some(b'0'..=b'9') => nginx(draft, text),
        _ => false,
    }
}

/// `2021/11/18 08:34:27 [error] 865#866: *1083 open() failed, client: 1.2.3.4, server: x, request:
/// "GET / HTTP/1.1", host: "y"`
fn nginx(draft: &mut Draft<'_>, text: &str) -> bool {
    if text.as_bytes().get(4) != Some(&b'/') {
        return false;
    }
    let Some((read, used)) = time::prefix(text, draft.observed()) else {
        return false;
    };
    let Some((level, rest)) = text[used..]
        .strip_prefix(" [")
        .and_then(|t| t.split_once("] "))
    else {
        return false;
    };
    let Some((process, rest)) = rest.split_once(": ").filter(|(p, _)| p.contains('#')) else {
        return false;
    };
    draft.format("nginx_error");
    draft.header_time(read);
    draft.put_str(field::LOG_LEVEL, level);
    draft.put_int(field::PROCESS_PID, process.split('#').next().unwrap_or(""));
    let message = match rest.strip_prefix('*').and_then(|rest| rest.split_once(' ')) {
        Some((connection, message)) => {
            draft.label("labels.connection", Value::Str(connection));
            message
        }
        None => rest,
    };
    draft.put_str(field::MESSAGE, message);
    // From the right: the message in front may quote the request of a stranger.
    if let Some((_, rest)) = message.rsplit_once(", client: ") {
        draft.put_source(rest.split(',').next().unwrap_or(rest));
        nginx_pairs(draft, rest);
    }
    // Other messages quote what a stranger asked for, which may speak of logins too.
    if message.starts_with("user \"") || message.starts_with("client login failed") {
        login_text::derive(draft, message);
    }
    true
}

fn nginx_pairs(draft: &mut Draft<'_>, rest: &str) {
    if let Some(server) = between(rest, ", server: ", ",") {
        draft.label("labels.server", Value::Str(server));
    }
    if let Some(host) = between(rest, ", host: \"", "\"") {
        draft.put_str(field::URL_DOMAIN, host);
    }
    if let Some(login) = between(rest, ", login: \"", "\"") {
        draft.put_str(field::USER_NAME, login);
    }
    if let Some(request) = between(rest, ", request: \"", "\"")
        && let Some((method, target)) = request.split_once(' ')
        && let Some(method) = crate::url::method(method)
    {
        let target = target
            .rsplit_once(" HTTP/")
            .map_or(target, |(target, _)| target);
        draft.put_str(field::HTTP_REQUEST_METHOD, method);
        draft.put_str(field::URL_ORIGINAL, target);
    }
}

fn between<'t>(text: &'t str, start: &str, end: &str) -> Option<&'t str> {
    let (_, rest) = text.split_once(start)?;
    Some(rest.split_once(end).map_or(rest, |(inside, _)| inside))
}

/// `[Fri Sep 09 10:42:29.902022 2011] [core:error] [pid 35708:tid 43286] [client 1.2.3.4:80] text`
fn apache(draft: &mut Draft<'_>, text: &str) -> bool {
    let Some((stamp, mut rest)) = text[1..].split_once("] ") else {
        return false;
    };
    // The weekday tells this line from others that start with a bracketed time.
    if !stamp.bytes().next().is_some_and(|b| b.is_ascii_uppercase()) {
        return false;
    }
    let Some(read) = time::of_text(stamp, draft.observed()) else {
        return false;
    };
    draft.format("apache_error");
    draft.header_time(read);
    while let Some((inside, after)) = rest.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        if let Some(process) = inside.strip_prefix("pid ") {
            draft.put_int(field::PROCESS_PID, process.split(':').next().unwrap_or(""));
        } else if let Some(client) = inside
            .strip_prefix("client ")
            .or_else(|| inside.strip_prefix("remote "))
        {
            draft.put_source(client);
        } else if !draft.has(field::LOG_LEVEL) {
            let (module, level) = inside.rsplit_once(':').unwrap_or(("", inside));
            draft.put_str(field::LOG_LEVEL, level);
            draft.put_str(field::LOG_LOGGER, module);
        } else {
            break;
        }
        rest = after.trim_start();
    }
    draft.put_str(field::MESSAGE, rest);
    true
}
