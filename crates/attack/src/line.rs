//! Text that forges records or drives a terminal: control characters where a name or a parameter
//! should be, and what stands behind them; ends of fields of the usual formats; characters that
//! people do not see.

use crate::text::{self, Text, is_word};
use crate::{Class, Hits, Place};

/// Looks for such text in `text`.
pub(crate) fn look(text: &Text<'_>, place: Place, hits: &mut Hits) {
    let mut add = |construct, confidence: u8| hits.add(Class::LogInjection, construct, confidence);
    let low = text.low;
    let body = place == Place::Body;
    if text.has(text::BREAK) {
        breaks(low, place, &mut add);
    }
    if text.has(text::CONTROL) {
        controls(low, body, &mut add);
    }
    if text.has(text::FOREIGN) {
        unseen(text, body, &mut add);
    }
    if body {
        return;
    }
    if text.has(text::QUOTE) {
        fields(low, &mut add);
    }
    if text.has(text::PIPE | text::ANGLE | text::SPACE) {
        records(low, place, &mut add);
    }
    marks(text, place, &mut add);
}

/// Line ends: how sure depends on what the next line pretends to be.
fn breaks(low: &[u8], place: Place, add: &mut impl FnMut(&'static str, u8)) {
    let body = place == Place::Body;
    for line in low.split(|byte| matches!(byte, b'\n' | b'\r')).skip(1) {
        let line = text::trim_start(line);
        if is_header(line) && !body {
            add("header-split", 94);
        }
        if is_record(line) {
            add("forged-record", if body { 50 } else { 92 });
        }
    }
    let inner = text::trim(low)
        .iter()
        .any(|byte| matches!(byte, b'\n' | b'\r'));
    let sure = match place {
        Place::Name | Place::Agent | Place::Header => 85,
        Place::Path | Place::Referrer => 78,
        // A text area in a form that is sent by GET.
        Place::Query => 55,
        Place::Body => return,
    };
    add("line-end", if inner { sure } else { sure - 15 });
}

/// `set-cookie: a=b`, `http/1.1 200`
fn is_header(line: &[u8]) -> bool {
    const NAMES: [&str; 11] = [
        "set-cookie",
        "location",
        "content-type",
        "content-length",
        "host",
        "transfer-encoding",
        "refresh",
        "access-control-allow-origin",
        "cookie",
        "bcc",
        "to",
    ];
    let name = line.split(|byte| *byte == b':').next().unwrap_or(line);
    line.starts_with(b"http/1.")
        || name.len() < line.len()
            && (NAMES.iter().any(|known| known.as_bytes() == name) || name.starts_with(b"x-"))
}

/// Whether a line begins as log records do: a date, a level, a priority.
fn is_record(line: &[u8]) -> bool {
    const LEVELS: [&str; 9] = [
        "info", "warn", "error", "debug", "fatal", "notice", "crit", "trace", "alert",
    ];
    let line = line.strip_prefix(b"[").unwrap_or(line);
    let digits = |part: &[u8]| part.iter().all(u8::is_ascii_digit);
    let dated = line.len() >= 10
        && line[4] == b'-'
        && line[7] == b'-'
        && digits(&line[..4])
        && digits(&line[5..7]);
    let month = line.len() > 6
        && [
            "jan ", "feb ", "mar ", "apr ", "may ", "jun ", "jul ", "aug ", "sep ", "oct ", "nov ",
            "dec ",
        ]
        .iter()
        .any(|month| line.starts_with(month.as_bytes()))
        && line[4..6].iter().any(u8::is_ascii_digit);
    let word = text::word(line);
    let level = LEVELS.iter().any(|level| level.as_bytes() == word) && word.len() < line.len();
    let priority = line.first() == Some(&b'<')
        && line.iter().skip(1).take(4).any(|byte| *byte == b'>')
        && line.get(1).is_some_and(u8::is_ascii_digit);
    dated || month || level || priority || line.starts_with(b"cef:0")
}

fn controls(low: &[u8], body: bool, add: &mut impl FnMut(&'static str, u8)) {
    if memchr::memmem::find(low, b"\x1b[").is_some()
        || memchr::memmem::find(low, b"\x1b]").is_some()
    {
        add("terminal-sequence", if body { 72 } else { 95 });
    }
    if body {
        return;
    }
    if low.iter().any(|byte| matches!(byte, 0x08 | 0x7f | 0x1b)) {
        add("terminal-control", 86);
    }
    if low
        .iter()
        .any(|byte| matches!(byte, 0x0b | 0x0c | 0x1c..=0x1f))
    {
        add("line-end", 78);
    }
    if low.contains(&0) {
        add("null", 80);
    }
}

/// Characters that hide, turn round or overlay others; bytes that are no text.
fn unseen(text: &Text<'_>, body: bool, add: &mut impl FnMut(&'static str, u8)) {
    let mut marks = 0;
    let drop = if body { 20 } else { 0 };
    let mut before = ' ';
    for chunk in text.low.utf8_chunks() {
        for c in chunk.valid().chars() {
            match c {
                '\u{85}' | '\u{2028}' | '\u{2029}' => add("line-end", 80 - drop),
                '\u{80}'..='\u{9f}' => add("terminal-control", 86 - drop),
                '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
                    add("text-direction", 84 - drop);
                }
                '\u{200b}' | '\u{2060}' | '\u{feff}' | '\u{ad}'
                    if before.is_ascii_alphanumeric() =>
                {
                    add("hidden-character", 75 - drop);
                }
                '\u{e0000}'..='\u{e007f}' => add("hidden-character", 86 - drop),
                _ => {}
            }
            marks = if ('\u{300}'..='\u{36f}').contains(&c) {
                marks + 1
            } else {
                0
            };
            if marks == 9 {
                add("mark-flood", 78 - drop);
            }
            let mixed = is_lookalike(c) && before.is_ascii_lowercase()
                || c.is_ascii_lowercase() && is_lookalike(before);
            if mixed && !body {
                add("mixed-script", 72);
            }
            before = c;
        }
    }
    // Other bytes that are no UTF-8 are mostly text in an old code page.
    for bytes in text.low.windows(3) {
        match bytes {
            [before, 0x9b, b'0'..=b'9' | b'['] if *before < 0x80 => {
                add("terminal-control", 80 - drop);
            }
            [0x9b, b'0'..=b'9' | b'[', _] if text.low.first() == Some(&0x9b) => {
                add("terminal-control", 80 - drop);
            }
            [0xed, 0xa0..=0xbf, 0x80..=0xbf] => add("invalid-text", 75 - drop),
            [before, 0xc0 | 0xc1, 0x80..=0xbf] if *before < 0x80 => add("invalid-text", 82 - drop),
            _ => {}
        }
    }
    if text.overlong && !body {
        add("invalid-text", 82);
    }
}

/// Cyrillic and Greek letters that look like Latin ones.
fn is_lookalike(c: char) -> bool {
    matches!(
        c,
        // In the order of a, e, o, r, s, u, kh, i, dze, je; omicron, alpha, nu.
        '\u{430}'
            | '\u{435}'
            | '\u{43e}'
            | '\u{440}'
            | '\u{441}'
            | '\u{443}'
            | '\u{445}'
            | '\u{456}'
            | '\u{455}'
            | '\u{458}'
            | '\u{3bf}'
            | '\u{3b1}'
            | '\u{3bd}'
    )
}

/// `x" outcome="success`: the end of a field and the beginning of another.
fn fields(low: &[u8], add: &mut impl FnMut(&'static str, u8)) {
    for at in memchr::memchr_iter(b'"', low).take(32) {
        let rest = &low[at + 1..];
        if rest.starts_with(b"] [") || rest.starts_with(b"][") {
            add("field-end", 86);
        }
        if rest.starts_with(b",\"=") {
            add("cell-end", 78);
        }
        let Some(next) = rest.strip_prefix(b" ").or_else(|| rest.strip_prefix(b", ")) else {
            continue;
        };
        let key = next
            .iter()
            .take_while(|byte| is_word(**byte) || matches!(byte, b'.' | b'-'))
            .count();
        // Handlers of markup are told elsewhere.
        if key > 2
            && !next.starts_with(b"on")
            && next[key..].starts_with(b"=\"")
            && is_single(low, at)
        {
            add("field-end", 82);
        }
    }
}

/// Whether the quote at `at` closes something that nothing before it opened.
fn is_single(low: &[u8], at: usize) -> bool {
    memchr::memchr_iter(b'"', &low[..at])
        .count()
        .is_multiple_of(2)
        && memchr::memchr(b'<', &low[..at]).is_none()
        && memchr::memchr(b'=', &low[..at]).is_none()
}

/// Delimiters and headers of record formats.
fn records(low: &[u8], place: Place, add: &mut impl FnMut(&'static str, u8)) {
    let pipes = memchr::memchr_iter(b'|', low).take(2).count();
    let keyed = ["|src=", "|dst=", "|act=", "|suser=", "|usrname="]
        .iter()
        .any(|key| memchr::memmem::find(low, key.as_bytes()).is_some());
    if pipes > 1 && keyed {
        add("record-delimiter", 80);
    }
    let tabbed = memchr::memchr_iter(b'\t', low).any(|at| {
        let key = text::word(&low[at + 1..]);
        key.len() > 1 && low.get(at + 1 + key.len()) == Some(&b'=')
    });
    if tabbed {
        add("record-delimiter", 80);
    }
    if place != Place::Query && low.starts_with(b"<") && is_record(low) || low.starts_with(b"<0>1 ")
    {
        add("forged-record", 82);
    }
}

/// Formulas of spreadsheets, format strings, mentions of chat programs.
fn marks(text: &Text<'_>, place: Place, add: &mut impl FnMut(&'static str, u8)) {
    let start = text.low;
    let skip = start
        .iter()
        .take_while(|byte| **byte <= b' ' || matches!(byte, b'"' | b'\''))
        .count();
    if let Some((b'=' | b'@' | b'+' | b'-', rest)) = start[skip..].split_first() {
        let name = text::word(rest);
        let called =
            rest.get(name.len()) == Some(&b'(') && name.len() > 1 && !name.starts_with(b"_");
        let piped = rest.get(name.len()) == Some(&b'|') && text.contains("!");
        let summed = start[skip] == b'='
            && text.has(text::PLUS)
            && name.iter().all(u8::is_ascii_digit)
            && !name.is_empty();
        if called && matches!(start[skip], b'=' | b'@') || piped || summed && skip > 0 {
            add("formula", 76);
        }
    }
    if text.contains("%n") && text.contains_any(&["%s%", "%x%", "%n%", "%x{"]) {
        add("format-string", 78);
    }
    if text.has(text::ANGLE) && text.contains_any(&["<!channel>", "<!here>", "<!everyone>"])
        || place == Place::Name && text.contains_any(&["@everyone", "@here"])
    {
        add("mention", 74);
    }
    if text.has(text::BACKSLASH) && text.contains_any(&["\\n", "\\r"]) && place == Place::Name {
        add("fake-escape", 40);
    }
}
