//! Text of no particular format: a time and a level at its start are read, the rest is message.

use event::{Value, field};

use crate::draft::Draft;
use crate::time;

/// Words for levels, with the spelling we store.
const LEVELS: [(&str, &str); 21] = [
    ("TRACE", "trace"),
    ("DEBUG", "debug"),
    ("DBG", "debug"),
    ("INFO", "info"),
    ("INF", "info"),
    ("I", "info"),
    ("NOTICE", "notice"),
    ("WARN", "warn"),
    ("WARNING", "warn"),
    ("WRN", "warn"),
    ("W", "warn"),
    ("ERROR", "error"),
    ("ERR", "error"),
    ("E", "error"),
    ("CRITICAL", "critical"),
    ("CRIT", "critical"),
    ("ALERT", "alert"),
    ("FATAL", "fatal"),
    ("PANIC", "emergency"),
    ("EMERG", "emergency"),
    ("SEVERE", "error"),
];

/// Takes time and level from the start of `text`, in either order, bare or in brackets; returns
/// the rest.
pub(crate) fn header<'t>(draft: &mut Draft<'_>, text: &'t str) -> &'t str {
    let mut rest = text;
    for _ in 0..2 {
        rest = take_time(draft, rest).unwrap_or(rest);
        rest = take_level(draft, rest).unwrap_or(rest);
    }
    rest
}

fn take_time<'t>(draft: &mut Draft<'_>, text: &'t str) -> Option<&'t str> {
    let bracketed = text.strip_prefix('[');
    let (read, used) = time::prefix(bracketed.unwrap_or(text), draft.observed())?;
    let rest = &bracketed.unwrap_or(text)[used..];
    let rest = match bracketed {
        Some(_) => rest.split_once(']')?.1,
        None if rest.is_empty() || rest.starts_with([' ', ':', ',', '|', '\t', ']']) => rest,
        None => return None,
    };
    draft.header_time(read);
    Some(rest.trim_start_matches([' ', ':', ',', '|', '\t', '-']))
}

fn take_level<'t>(draft: &mut Draft<'_>, text: &'t str) -> Option<&'t str> {
    let bracketed = text.strip_prefix('[');
    let start = bracketed.unwrap_or(text);
    let len = start.bytes().take_while(u8::is_ascii_alphabetic).count();
    let (word, rest) = start.split_at(len);
    let known = LEVELS
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case(word))?;
    let is_marked = word.bytes().all(|b| b.is_ascii_uppercase()) && len > 1;
    let rest = match bracketed {
        Some(_) => rest.strip_prefix(']')?,
        None => rest
            .strip_prefix(':')
            .or_else(|| rest.strip_prefix(" - "))
            .or_else(|| rest.strip_prefix([' ', '\t', '|']).filter(|_| is_marked))?,
    };
    draft.put(field::LOG_LEVEL, Value::Str(known.1));
    Some(rest.trim_start_matches([' ', ':', '|', '\t']))
}
