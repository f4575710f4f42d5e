//! `name=value` pairs, logfmt or in a sentence: quoted values with escapes, separated by spaces,
//! commas or semicolons.

use event::{Value, field};

use crate::draft::Draft;
use crate::login_text;

/// Pairs of one line that are read; the rest of a longer line stays in the message.
const PAIRS_MAX: usize = 256;
/// Bytes of a name.
const NAME_BYTES_MAX: usize = 64;

/// Reads `text` when it holds pairs. What stands before the first pair is the message, all of the
/// text when words stand between pairs.
pub(crate) fn read(draft: &mut Draft<'_>, text: &str) -> bool {
    let mut pairs = Pairs { text, at: 0 };
    let Some(first) = pairs.next_pair() else {
        login_text::derive(draft, text);
        return false;
    };
    let sentence = text[..first.start]
        .trim_end()
        .trim_end_matches([':', ',', ';', '-'])
        .trim_end();
    let mut loose = 0;
    let mut end = first.end;
    let mut found = vec![first];
    while found.len() < PAIRS_MAX
        && let Some(pair) = pairs.next_pair()
    {
        loose += words_between(&text[end..pair.start]);
        end = pair.end;
        found.push(pair);
    }
    loose += words_between(&text[end..]);
    // A lone `=` in a sentence is no record of pairs.
    if loose > 0 && (found.len() < 2 || !sentence.is_empty() && loose > found.len() * 2) {
        login_text::derive(draft, text);
        return false;
    }
    draft.format(if sentence.is_empty() && loose == 0 {
        "logfmt"
    } else {
        "key_value"
    });
    let mut scratch = String::new();
    for pair in &found {
        let name = &text[pair.start..pair.name_end];
        let raw = &text[pair.value_start..pair.value_end];
        let value = if pair.is_quoted && raw.contains('\\') {
            unescape(raw, &mut scratch);
            draft.inspect(&scratch);
            scratch.as_str()
        } else {
            raw
        };
        draft.claim(name, typed(value, pair.is_quoted), false);
    }
    let message = if loose > 0 { text } else { sentence };
    draft.put_str(field::MESSAGE, message);
    login_text::derive_from_message(draft);
    true
}

/// Whole numbers are numbers, as the writer of an unquoted value meant them.
fn typed(value: &str, is_quoted: bool) -> Value<'_> {
    if is_quoted || value.len() > 18 || value.len() > 1 && value.starts_with(['0', '+']) {
        return Value::Str(value);
    }
    match value {
        "null" => Value::Null,
        "true" => Value::Bool(true),
        "false" => Value::Bool(false),
        _ => value.parse().map_or(Value::Str(value), Value::Int),
    }
}

fn words_between(gap: &str) -> usize {
    gap.split([' ', ',', ';', '\t', '|', '&', ']', ')', '.', '}'])
        .filter(|word| !word.is_empty())
        .count()
}

/// Places of one pair in the text.
struct Pair {
    start: usize,
    name_end: usize,
    value_start: usize,
    value_end: usize,
    end: usize,
    is_quoted: bool,
}

struct Pairs<'t> {
    text: &'t str,
    at: usize,
}

impl Pairs<'_> {
    /// The next pair: a name directly before `=`, at the start of a word.
    fn next_pair(&mut self) -> Option<Pair> {
        let bytes = self.text.as_bytes();
        loop {
            let equals = self.at + memchr::memchr(b'=', bytes.get(self.at..)?)?;
            let name_len = bytes[self.at..equals]
                .iter()
                .rev()
                .take(NAME_BYTES_MAX + 1)
                .take_while(|b| {
                    b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.' | b'@' | b'$')
                })
                .count();
            let start = equals - name_len;
            let before = start.checked_sub(1).map(|at| bytes[at]);
            let is_word = matches!(
                before,
                None | Some(b' ' | b',' | b';' | b'\t' | b'(' | b'[' | b'|' | b'&' | b'{')
            );
            let is_name = (1..=NAME_BYTES_MAX).contains(&name_len)
                && !bytes[start].is_ascii_digit()
                && bytes.get(equals + 1) != Some(&b'=');
            if !is_word || !is_name {
                self.at = equals + 1;
                continue;
            }
            let pair = self.value(start, equals);
            self.at = pair.end;
            return Some(pair);
        }
    }

    fn value(&self, start: usize, equals: usize) -> Pair {
        let bytes = self.text.as_bytes();
        let from = equals + 1;
        let quote = bytes
            .get(from)
            .copied()
            .filter(|b| matches!(b, b'"' | b'\''));
        if let Some(quote) = quote
            && let Some(close) = closing(bytes, from + 1, quote)
        {
            return Pair {
                start,
                name_end: equals,
                value_start: from + 1,
                value_end: close,
                end: close + 1,
                is_quoted: true,
            };
        }
        let len = bytes[from..]
            .iter()
            .position(|b| matches!(b, b' ' | b'\t' | b',' | b';' | b'|' | b'\n' | b'\r'));
        let end = len.map_or(bytes.len(), |len| from + len);
        Pair {
            start,
            name_end: equals,
            value_start: from,
            value_end: end,
            end,
            is_quoted: false,
        }
    }
}

fn closing(bytes: &[u8], from: usize, quote: u8) -> Option<usize> {
    let mut at = from;
    loop {
        at += memchr::memchr2(quote, b'\\', bytes.get(at..)?)?;
        if bytes[at] == quote {
            return Some(at);
        }
        at += 2;
    }
}

fn unescape(raw: &str, out: &mut String) {
    out.clear();
    let mut chars = raw.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        match chars.next() {
            Some('n') => out.push('\n'),
            Some('r') => out.push('\r'),
            Some('t') => out.push('\t'),
            Some(c @ ('"' | '\'' | '\\')) => out.push(c),
            Some(other) => {
                out.push('\\');
                out.push(other);
            }
            None => out.push('\\'),
        }
    }
}
