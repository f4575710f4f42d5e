//! Expressions for template engines: a delimiter with an expression inside, not with a bare name,
//! because templates and documentation are full of those.

use crate::text::{self, Text, is_word};
use crate::{Class, Hits, Place, limits};

/// Opening and closing delimiters.
const DELIMITERS: [(&str, &str); 9] = [
    ("{{", "}}"),
    ("${", "}"),
    ("#{", "}"),
    ("<%", "%>"),
    ("{%", "%}"),
    ("*{", "}"),
    ("@(", ")"),
    ("[[", "]]"),
    ("{php}", "{/php}"),
];

/// What only an attack says inside.
const TELLING: [&str; 22] = [
    "__class__",
    "__mro__",
    "__subclasses__",
    "__globals__",
    "__builtins__",
    "__import__",
    "__init__",
    "constructor",
    "getclass",
    "forname",
    "java.lang",
    "java.util",
    "runtime",
    "freemarker",
    "?new()",
    "popen(",
    "system(",
    "exec(",
    "file.read",
    "registerundefined",
    "lipsum",
    "processbuilder",
];

/// Objects of engines that probes print.
const OBJECTS: [&str; 9] = [
    "config",
    "self",
    "request.",
    "settings.",
    "_self.",
    "app.request",
    "smarty",
    "class.",
    "session",
];

/// Looks for expressions in `text`.
pub(crate) fn look(text: &Text<'_>, place: Place, hits: &mut Hits) {
    if !text.has(text::BRACE | text::ANGLE | text::AT | text::STAR) && !text.contains("[[") {
        return;
    }
    let mut add = |construct, confidence: u8| hits.add(Class::Template, construct, confidence);
    let prose = text.is_prose();
    if text.contains("?new()") {
        add("template-object-walk", 94);
    } else if text.contains_any(&["<#assign ", "<#include ", "<#list ", "#set(", "#set ($"]) {
        add("template-statement", if prose { 60 } else { 80 });
    }
    for (open, close) in DELIMITERS {
        for at in text::find_all(text.low, open).take(limits::TAGS_MAX) {
            let inside = &text.low[at + open.len()..];
            let inside = &inside[..inside.len().min(limits::EXPRESSION_BYTES_MAX)];
            let Some(end) = memchr::memmem::find(inside, close.as_bytes()) else {
                continue;
            };
            if let Some((construct, sure)) = expression(&inside[..end], open) {
                let cost = if prose || place == Place::Body && sure < 90 {
                    20
                } else {
                    0
                };
                add(construct, sure - cost);
            }
        }
    }
}

/// How sure an expression is an attack.
fn expression(inside: &[u8], open: &str) -> Option<(&'static str, u8)> {
    let inside = text::trim(inside);
    let has = |needle: &str| memchr::memmem::find(inside, needle.as_bytes()).is_some();
    if TELLING.iter().any(|word| has(word)) {
        return Some(("template-object-walk", 95));
    }
    if is_arithmetic(inside) {
        let weak = matches!(open, "@(" | "[[" | "*{");
        return Some(("template-arithmetic", if weak { 75 } else { 95 }));
    }
    if has("t(java") || has("''.class") || has("\"\".class") {
        return Some(("template-object-walk", 95));
    }
    let call = inside.iter().position(|byte| *byte == b'(');
    let literal_method = matches!(inside.first(), Some(b'\'' | b'"')) && has(".") && call.is_some();
    if literal_method {
        return Some(("template-call", 84));
    }
    match open {
        "{{" | "{%" | "#{" | "<%" => {
            let object = OBJECTS
                .iter()
                .any(|object| inside.starts_with(object.as_bytes()));
            let called = call.is_some_and(|at| at > 0 && is_word(inside[at - 1]));
            match (object, called) {
                (true, true) => Some(("template-call", 88)),
                (true, false) if open == "{{" && !has(" ") => Some(("template-object", 72)),
                (false, true) if open == "<%" => Some(("template-call", 80)),
                (false, true) => Some(("template-call", 66)),
                _ if open == "{%" && (has("import") || has("include")) => {
                    Some(("template-statement", 78))
                }
                _ if open == "<%" && inside.starts_with(b"=") => Some(("template-expression", 72)),
                _ => None,
            }
        }
        "{php}" => Some(("template-code", 90)),
        _ => None,
    }
}

/// `7*7`, `=7*'7'`, `9999+1`: literals with an operator between them.
fn is_arithmetic(inside: &[u8]) -> bool {
    let inside = inside.strip_prefix(b"=").unwrap_or(inside);
    let digits = |part: &[u8]| {
        let part = text::trim(part);
        let bare = part
            .iter()
            .filter(|byte| !matches!(byte, b'\'' | b'"' | b'(' | b')'))
            .count();
        bare > 0
            && part.iter().all(|byte| {
                byte.is_ascii_digit() || matches!(byte, b'\'' | b'"' | b'(' | b')' | b'.')
            })
    };
    let operator = inside
        .iter()
        .position(|byte| matches!(byte, b'*' | b'+' | b'-' | b'/' | b'^'));
    operator.is_some_and(|at| {
        at > 0
            && digits(&inside[..at])
            && inside[at + 1..]
                .split(|byte| matches!(byte, b'*' | b'+' | b'-' | b'/'))
                .all(digits)
    })
}
