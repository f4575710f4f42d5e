//! Markup where a value should be: tags are read with their attributes as a browser reads them, and
//! attributes that break out of a value are read without a tag.

use crate::script;
use crate::text::{self, Text, trim_start};
use crate::{Class, Hits, Place, limits};

/// What the name of a tag says by itself: (name, confidence in a parameter, in rich text).
const TAGS: [(&[u8], u8, u8); 20] = [
    (b"script", 95, 92),
    (b"iframe", 88, 65),
    (b"frame", 80, 65),
    (b"frameset", 80, 65),
    (b"object", 80, 65),
    (b"embed", 82, 65),
    (b"applet", 88, 80),
    (b"meta", 80, 72),
    (b"base", 85, 80),
    (b"link", 80, 72),
    (b"style", 80, 55),
    (b"layer", 75, 70),
    (b"bgsound", 75, 70),
    (b"isindex", 80, 80),
    (b"xml", 75, 60),
    (b"xss", 80, 75),
    (b"svg", 72, 50),
    (b"math", 62, 45),
    (b"noscript", 72, 60),
    (b"body", 62, 45),
];

/// Looks for markup in `text`.
pub(crate) fn look(text: &Text<'_>, place: Place, hits: &mut Hits) {
    if !text.has(text::ANGLE | text::EQUAL | text::QUOTE) && !text.contains("adw-") {
        return;
    }
    // Editors send rich text in bodies; agents and names hold none at all.
    let rich = place == Place::Body;
    let prose = text.is_prose();
    let mut add = |construct, confidence: u8| hits.add(Class::Xss, construct, confidence);
    if text.has(text::ANGLE) {
        for at in memchr::memchr_iter(b'<', text.low).take(limits::TAGS_MAX) {
            tag(&text.low[at + 1..], rich, &mut add);
        }
        probe(text, rich, &mut add);
    }
    if text.has(text::EQUAL) && text.contains("on") {
        loose_handlers(text, rich || prose, &mut add);
    }
    if text.contains("adw-") && text.contains_any(&["adw-script", "adw-/script", "adw-img"]) {
        add("utf7-tag", 88);
    }
    if text.contains("&{") && text.contains("}") {
        add("entity-script", 80);
    }
    if text.contains("expression(") && text.has(text::COLON) && text.has(text::EQUAL) {
        add("style-expression", 82);
    }
}

/// A tag whose `<` was just passed.
fn tag(rest: &[u8], rich: bool, add: &mut impl FnMut(&'static str, u8)) {
    let pick = |plain: u8, in_text: u8| if rich { in_text } else { plain };
    let body = trim_start(rest);
    if let Some(declared) = body.strip_prefix(b"!") {
        return declaration(declared, rich, add);
    }
    if body.starts_with(b"?xml:") || body.starts_with(b"?import") || body.starts_with(b"?php") {
        return add("processing-instruction", 82);
    }
    if let Some(code) = body.strip_prefix(b"?")
        && trim_start(code).starts_with(b"echo")
    {
        return add("processing-instruction", 80);
    }
    let closing = body.first() == Some(&b'/');
    let body = if closing {
        trim_start(&body[1..])
    } else {
        body
    };
    let name_len = body
        .iter()
        .take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b':' | b'-' | b'_'))
        .count();
    let name = &body[..name_len];
    if !name.first().is_some_and(u8::is_ascii_alphabetic) {
        return;
    }
    // `<script` inside a longer word is none: `<scripted`.
    let known = TAGS.iter().find(|(known, _, _)| *known == name);
    let glued = rest.first().is_some_and(|byte| *byte > b' ');
    let ended = body[name_len..].first().is_none_or(|byte| {
        matches!(byte, b'>' | b'/' | b'=' | b'.' | b'"' | b'<') || *byte <= b' '
    });
    if let Some((_, plain, in_text)) = known
        && ended
        && (glued || name == b"script")
    {
        let construct = if name == b"script" {
            "script-tag"
        } else {
            "active-tag"
        };
        add(
            construct,
            pick(*plain, *in_text) - if closing { 6 } else { 0 },
        );
    }
    if glued {
        attributes(&body[name_len..], name, rich, add);
    }
}

fn declaration(declared: &[u8], rich: bool, add: &mut impl FnMut(&'static str, u8)) {
    if declared.starts_with(b"--#") {
        return add("server-side-include", 90);
    }
    if declared.starts_with(b"entity") || declared.starts_with(b"[cdata[<") {
        return add("markup-declaration", 80);
    }
    if declared.starts_with(b"[cdata[") || declared.starts_with(b"doctype") {
        return add("markup-declaration", 60);
    }
    if declared.starts_with(b"--") {
        add("comment", if rich { 40 } else { 72 });
    }
}

/// The attributes of a tag up to its `>`.
fn attributes(mut rest: &[u8], tag: &[u8], rich: bool, add: &mut impl FnMut(&'static str, u8)) {
    let mut count = 0;
    let mut external = false;
    while count < limits::ATTRIBUTES_MAX {
        let skip = rest
            .iter()
            .take_while(|byte| matches!(byte, b'/' | b'"' | b'\'' | b'.' | b';') || **byte <= b' ')
            .count();
        rest = &rest[skip..];
        if rest.first().is_none_or(|byte| *byte == b'>') {
            break;
        }
        count += 1;
        let name_len = rest
            .iter()
            .take_while(|byte| !matches!(byte, b'=' | b'>' | b'/') && **byte > b' ')
            .count();
        let name = &rest[..name_len];
        rest = &rest[name_len..];
        let after = trim_start(rest);
        let Some(value) = after.strip_prefix(b"=") else {
            if name_len == 0 {
                rest = &rest[rest.len().min(1)..];
            }
            continue;
        };
        let (value, next) = attribute_value(trim_start(value));
        rest = next;
        external |= attribute(name, value, rich, add);
    }
    if external
        && matches!(
            tag,
            b"img" | b"image" | b"input" | b"table" | b"td" | b"a" | b"form"
        )
        && !rich
    {
        add("external-reference", if tag == b"a" { 72 } else { 76 });
    }
    if matches!(tag, b"iframe" | b"object" | b"embed" | b"link" | b"frame") && external {
        add("external-reference", if rich { 60 } else { 90 });
    }
}

/// The value at the start of `rest`, and what follows.
fn attribute_value(rest: &[u8]) -> (&[u8], &[u8]) {
    if let Some(quote @ (b'"' | b'\'' | b'`')) = rest.first() {
        let end = memchr::memchr(*quote, &rest[1..]).map_or(rest.len(), |end| end + 1);
        return (&rest[1..end], &rest[(end + 1).min(rest.len())..]);
    }
    let end = rest.iter().position(|byte| *byte == b'>' || *byte <= b' ');
    rest.split_at(end.unwrap_or(rest.len()))
}

/// One attribute; whether it points to somewhere else.
fn attribute(
    name: &[u8],
    value: &[u8],
    rich: bool,
    add: &mut impl FnMut(&'static str, u8),
) -> bool {
    let name = name.strip_prefix(b"xlink:").unwrap_or(name);
    if is_handler(name) {
        add("event-handler", 96);
        return false;
    }
    if name == b"style" {
        let risky = [
            "expression(",
            "expr/",
            "-moz-binding",
            "behavio",
            "binding:",
            "javascript:",
            "background-image",
        ];
        for (place, sign) in risky.iter().enumerate() {
            if memchr::memmem::find(value, sign.as_bytes()).is_some() {
                let weak = place == risky.len() - 1;
                add(
                    "style-script",
                    if weak { if rich { 40 } else { 72 } } else { 90 },
                );
            }
        }
        return false;
    }
    if matches!(name, b"datasrc" | b"datafld" | b"dataformatas") {
        add("data-binding", 75);
    }
    let scheme = script::scheme(value);
    if scheme > 0 {
        add("script-url", scheme);
    }
    if value.starts_with(b"&{") {
        add("entity-script", 85);
    }
    let links = matches!(
        name,
        b"src" | b"href" | b"data" | b"background" | b"code" | b"codebase" | b"action" | b"lowsrc"
    );
    links && (memchr::memmem::find(value, b"//").is_some() || value.starts_with(b"#"))
}

/// Names of event handlers begin so behind their `on`.
const EVENTS: [&[u8]; 42] = [
    b"abort",
    b"activate",
    b"after",
    b"animation",
    b"auxclick",
    b"before",
    b"begin",
    b"blur",
    b"bounce",
    b"can",
    b"change",
    b"click",
    b"close",
    b"contextmenu",
    b"copy",
    b"cut",
    b"dblclick",
    b"drag",
    b"drop",
    b"end",
    b"error",
    b"filterchange",
    b"finish",
    b"focus",
    b"full",
    b"gotpointer",
    b"hashchange",
    b"input",
    b"invalid",
    b"key",
    b"load",
    b"message",
    b"mouse",
    b"page",
    b"paste",
    b"play",
    b"pointer",
    b"pop",
    b"propertychange",
    b"ready",
    b"repeat",
    b"reset",
];
const MORE_EVENTS: [&[u8]; 15] = [
    b"resize",
    b"scroll",
    b"search",
    b"select",
    b"show",
    b"start",
    b"submit",
    b"toggle",
    b"touch",
    b"transition",
    b"unload",
    b"wheel",
    b"webkit",
    b"seek",
    b"time",
];

/// Whether an attribute of this name runs script.
fn is_handler(name: &[u8]) -> bool {
    let Some(event) = name.strip_prefix(b"on") else {
        return false;
    };
    let letters = event
        .iter()
        .take_while(|byte| byte.is_ascii_lowercase())
        .count();
    (3..=24).contains(&letters)
        && EVENTS
            .iter()
            .chain(&MORE_EVENTS)
            .any(|known| event.starts_with(known))
}

/// `" onmouseover=alert(1)`: a handler behind a quote, a blank or a slash, with no tag around it.
fn loose_handlers(text: &Text<'_>, prose: bool, add: &mut impl FnMut(&'static str, u8)) {
    for at in text::find_all(text.low, "on").take(limits::TAGS_MAX) {
        let before = at.checked_sub(1).map(|before| text.low[before]);
        let led = before.is_none_or(|byte| {
            byte <= b' ' || matches!(byte, b'"' | b'\'' | b'/' | b'`' | b';' | b'.')
        });
        if !led {
            continue;
        }
        let rest = &text.low[at..];
        let name = text::word(rest);
        let after = trim_start(&rest[name.len()..]);
        // Marks between name and sign are what browsers of old let pass.
        let marks = after
            .iter()
            .take(40)
            .take_while(|byte| !byte.is_ascii_alphanumeric() && **byte != b'=')
            .count();
        let Some(value) = after[marks..].strip_prefix(b"=") else {
            continue;
        };
        if !is_handler(name) || value.first() == Some(&b'=') {
            continue;
        }
        let quoted = text.has(text::QUOTE) && at > 0;
        let runs = script::calls(value);
        match (runs, quoted, prose) {
            (true, _, false) => add("event-handler", 92),
            (true, _, true) => add("event-handler", 74),
            (false, true, false) if value.len() < 80 && marks == 0 => add("event-handler", 76),
            _ => {}
        }
    }
}

/// `">`, `'>`, `<'"`: closing a value and its tag, as probes do.
fn probe(text: &Text<'_>, rich: bool, add: &mut impl FnMut(&'static str, u8)) {
    if rich {
        return;
    }
    let closes = ["\">", "'>", "<'\"", "<\"'"].iter().any(|sign| {
        text::find_all(text.low, sign).any(|at| {
            let next = text.low.get(at + sign.len());
            let opens_before = memchr::memchr(b'<', &text.low[..at]).is_some();
            sign.starts_with('<')
                || !opens_before && next.is_none_or(|byte| *byte != b'=' && *byte != b'>')
        })
    });
    if closes && text.low.len() > 2 {
        add("attribute-end", 74);
    }
}
