//! Requests: methods, and the parts of a URL.

use event::Value;
use event::field;

use crate::draft::Draft;

/// The request method that `text` spells, in upper case.
pub(crate) fn method(text: &str) -> Option<&'static str> {
    const METHODS: [&str; 17] = [
        "GET",
        "POST",
        "PUT",
        "DELETE",
        "HEAD",
        "OPTIONS",
        "PATCH",
        "CONNECT",
        "TRACE",
        "PROPFIND",
        "PROPPATCH",
        "MKCOL",
        "COPY",
        "MOVE",
        "LOCK",
        "UNLOCK",
        "SEARCH",
    ];
    METHODS
        .into_iter()
        .find(|known| known.eq_ignore_ascii_case(text))
}

/// Method, target and version of a well-formed `GET /path HTTP/1.1`.
pub(crate) fn request_line(text: &str) -> Option<(&'static str, &str, &str)> {
    let (word, rest) = text.split_once(' ')?;
    let (target, version) = rest.rsplit_once(" HTTP/")?;
    let is_version = version.len() <= 3 && version.starts_with(|c: char| c.is_ascii_digit());
    let method = method(word).filter(|known| *known == word && is_version)?;
    Some((method, target, version))
}

/// Adds path, query, scheme and host where the record names only the whole URL.
pub(crate) fn derive(draft: &mut Draft<'_>) {
    if draft.has(field::URL_PATH) || !draft.has(field::URL_ORIGINAL) && !draft.has(field::URL_FULL)
    {
        return;
    }
    let url = draft
        .text(field::URL_ORIGINAL)
        .or_else(|| draft.text(field::URL_FULL));
    let Some(url) = url.map(str::to_owned) else {
        return;
    };
    let mut rest = url.as_str();
    if let Some((scheme, after)) = rest.split_once("://")
        && !scheme.is_empty()
        && scheme.bytes().all(|b| b.is_ascii_alphanumeric())
    {
        let end = after.find(['/', '?', '#']).unwrap_or(after.len());
        let authority = &after[..end];
        let host = authority
            .rsplit_once('@')
            .map_or(authority, |(_, host)| host);
        let name = match host.rsplit_once(':') {
            Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) => {
                draft.put_int(field::URL_PORT, port);
                name
            }
            _ => host,
        };
        draft.put_str(field::URL_SCHEME, scheme);
        draft.put_str(field::URL_DOMAIN, name);
        rest = if end == after.len() {
            "/"
        } else {
            &after[end..]
        };
    } else if !rest.starts_with('/') {
        return;
    }
    let rest = rest.split_once('#').map_or(rest, |(before, _)| before);
    let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
    draft.put(field::URL_PATH, Value::Str(path));
    draft.put_str(field::URL_QUERY, query);
}
