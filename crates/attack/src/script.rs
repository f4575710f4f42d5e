//! Script where a value should be: calls that do something, behind what ends a string or a
//! statement; URLs that are script.

use crate::text::{self, Text, is_word, trim_start};
use crate::{Class, Hits, Place, limits};

/// Functions that probes call, and those that run or steal.
const SINKS: [&str; 14] = [
    "alert",
    "prompt",
    "confirm",
    "eval",
    "settimeout",
    "setinterval",
    "atob",
    "fetch",
    "msgbox",
    "string.fromcharcode",
    "document.write",
    "print",
    "write",
    "constructor",
];

/// Objects that only stealing script names.
const OBJECTS: [&str; 8] = [
    "document.cookie",
    "document.location",
    "document.domain",
    "window.location",
    "window.open",
    "localstorage.",
    "document.getelementbyid",
    ".innerhtml",
];

/// Looks for script in `text`.
pub(crate) fn look(text: &Text<'_>, place: Place, hits: &mut Hits) {
    let mut add = |construct, confidence: u8| hits.add(Class::Xss, construct, confidence);
    let prose = text.is_prose();
    if text.has(text::COLON) {
        let sure = scheme(text.low);
        if sure > 0 && place != Place::Agent {
            add("script-url", sure);
        }
        for at in text::find_all(text.low, "](").take(limits::URLS_MAX) {
            if scheme(&text.low[at + 2..]) > 0 {
                add("script-url", 90);
            }
        }
        for at in text::find_all(text.low, "=javascript:").take(limits::URLS_MAX) {
            let sure = scheme(&text.low[at + 1..]);
            add("script-url", sure.max(72));
        }
        if !prose && text.low.len() > 11 && text.contains("\"javascript:") {
            add("script-url", 82);
        }
    }
    let cost = if prose {
        22
    } else if place == Place::Body {
        16
    } else {
        0
    };
    if text.has(text::PAREN | text::QUOTE) {
        for sink in SINKS {
            for at in text::find_all(text.low, sink).take(limits::TAGS_MAX) {
                if let Some(sure) = sink_at(text.low, at, sink.len()) {
                    add("script-call", sure - cost.min(sure));
                }
            }
        }
    }
    if text.has(text::DOT) {
        for object in OBJECTS {
            let assigned = text::find_all(text.low, object).any(|at| {
                let after = trim_start(&text.low[at + object.len()..]);
                matches!(
                    after.first(),
                    Some(b'=' | b';' | b'(' | b'+' | b'}' | b'>' | b'[' | b')')
                )
            });
            if assigned {
                add("script-object", 78 - cost);
            }
        }
    }
    if text.contains_any(&["\\u003c", "\\x3c"])
        && text.contains_any(&["script", "onerror", "onload"])
    {
        add("escaped-tag", 82);
    }
}

/// How sure a call of a sink at `at` is an injection.
fn sink_at(low: &[u8], at: usize, len: usize) -> Option<u8> {
    let name = &low[at..at + len];
    let after = trim_start(&low[at + len..]);
    let open = after.first()?;
    let indirect = after.starts_with(b"._(")
        || after.starts_with(b".constructor")
        || after.starts_with(b".call(");
    if !matches!(open, b'(' | b'`') && !indirect {
        return None;
    }
    let lead = low[..at].trim_ascii_end();
    let spaced = lead.len() < at;
    let loud = matches!(
        name,
        b"alert"
            | b"prompt"
            | b"confirm"
            | b"eval"
            | b"msgbox"
            | b"string.fromcharcode"
            | b"document.write"
    );
    // Arguments of a probe: a number, a string, a regular expression, or an object of the page.
    let argument = after.get(1).copied().unwrap_or(0);
    let probing = argument.is_ascii_digit()
        || matches!(argument, b'\'' | b'"' | b'/' | b'`' | b')')
        || after[1..].starts_with(b"document.")
        || after[1..].starts_with(b"string.")
        || text::word(&after[1..]).len() + 1 < after.len() && loud;
    let sure =
        match lead.last() {
            None if loud && probing => 80,
            None if probing && name == b"write" => 72,
            Some(b'"' | b'\'' | b'`') if !spaced => 92,
            Some(b';' | b'{' | b'}') if loud => 88,
            Some(b';') => 75,
            Some(b'>' | b':' | b'=') if loud => 86,
            Some(
                b'(' | b'[' | b',' | b'+' | b'-' | b'*' | b'|' | b'&' | b'?' | b'!' | b'/' | b')',
            ) if loud => 84,
            Some(b']' | b'.') if name == b"constructor" => 88,
            Some(byte) if is_word(*byte) && !spaced && lead.ends_with(b"script") => 81,
            Some(_) if spaced && loud && probing => 66,
            _ => return None,
        };
    Some(if lead.len() == low.len() {
        sure - 10
    } else {
        sure
    })
}

/// Whether a value of an event handler runs something.
pub(crate) fn calls(value: &[u8]) -> bool {
    let value = &value[..value.len().min(limits::EXPRESSION_BYTES_MAX)];
    value.iter().any(|byte| matches!(byte, b'(' | b'`' | b'='))
}

/// How sure `value` is a URL that runs script; 0 for none. Blanks and control characters inside the
/// scheme do not count, as browsers have it.
pub(crate) fn scheme(value: &[u8]) -> u8 {
    const SCRIPTS: [&[u8]; 4] = [b"javascript", b"vbscript", b"livescript", b"mocha"];
    const HEAD_MAX: usize = 64;
    let head = &value[..value.len().min(HEAD_MAX)];
    let Some(colon) = head.iter().position(|byte| matches!(byte, b':' | b'#')) else {
        return 0;
    };
    let squeezed: Vec<u8> = head[..colon]
        .iter()
        .copied()
        .filter(|byte| *byte > b' ' && !matches!(byte, b'"' | b'\''))
        .collect();
    let after = &value[colon + 1..];
    if squeezed == b"data" {
        let html = after.starts_with(b"text/html") || after.starts_with(b"image/svg");
        let script = memchr::memmem::find(after, b"script").is_some()
            || memchr::memmem::find(after, b"base64").is_some();
        return if html && script { 90 } else { 0 };
    }
    if !SCRIPTS.iter().any(|name| *name == squeezed) {
        return 0;
    }
    let runs = after
        .iter()
        .take(limits::EXPRESSION_BYTES_MAX)
        .any(|byte| matches!(byte, b'(' | b'=' | b'`' | b'[' | b'{'));
    let harmless = after.starts_with(b"void")
        || after.is_empty()
        || after.starts_with(b";")
        || after.starts_with(b"history");
    match (runs, harmless) {
        (_, true) => 60,
        (true, _) => 92,
        _ if after.starts_with(b"//") => 82,
        _ if after.first().is_some_and(|byte| *byte <= b' ') => 0,
        _ => 72,
    }
}
