//! The stored body: one-level JSON with dotted ECS names, keys in a fixed order.
//!
//! Order: the constants of [`field::known`](crate::field) in their order, then all other names by
//! bytes. Strings escape what RFC 8259 asks and in addition every character that
//! [`text::is_unsafe`] names, so that a body printed anywhere is one harmless line. Body bytes are
//! what the ledger commits to; they are written once and never re-encoded for hashing.

use std::fmt::Write as _;

use thiserror::Error;

use crate::field::{self, FieldId};
use crate::{Event, FieldRef, Namer, Timestamp, Value, text};

/// Fields whose text is a point in time.
const TIME_FIELDS: [FieldId; 5] = [
    field::TIMESTAMP,
    field::EVENT_CREATED,
    field::EVENT_INGESTED,
    field::EVENT_START,
    field::EVENT_END,
];

/// Whether `id` holds a point in time.
pub fn is_time(id: FieldId) -> bool {
    TIME_FIELDS.contains(&id)
}

/// The body of `event`.
pub fn encode(event: &Event) -> String {
    let mut fields: Vec<FieldRef<'_>> = event.fields().collect();
    // Stable: members of one list keep their order.
    fields.sort_by(|a, b| rank(a).cmp(&rank(b)).then_with(|| a.name.cmp(b.name)));
    let mut out = String::with_capacity(event.bytes_len() + 64);
    out.push('{');
    for (at, run) in fields.chunk_by(|a, b| a.name == b.name).enumerate() {
        if at > 0 {
            out.push(',');
        }
        push_string(&mut out, run[0].name);
        out.push(':');
        match run {
            [only] if !only.in_list => push_value(&mut out, only.value),
            members => push_list(&mut out, members),
        }
    }
    out.push('}');
    out
}

/// Place of a constant among the constants; all other names come after them.
fn rank(field: &FieldRef<'_>) -> usize {
    field
        .id
        .filter(|id| id.is_known())
        .map_or(usize::MAX, FieldId::slot)
}

fn push_list(out: &mut String, members: &[FieldRef<'_>]) {
    for (at, member) in members.iter().enumerate() {
        out.push(if at == 0 { '[' } else { ',' });
        push_value(out, member.value);
    }
    out.push(']');
}

/// Appends one value as JSON.
pub fn push_value(out: &mut String, value: Value<'_>) {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(true) => out.push_str("true"),
        Value::Bool(false) => out.push_str("false"),
        Value::Int(number) => push_display(out, number),
        Value::Float(number) => push_debug(out, number),
        Value::Str(text) => push_string(out, text),
        Value::Time(time) => {
            out.push('"');
            stdx::calendar::push_rfc3339(out, time.0);
            out.push('"');
        }
    }
}

/// Bytes that stand for themselves in a JSON string: printable ASCII but `"` and `\`.
const PLAIN: [bool; 256] = {
    let mut plain = [false; 256];
    let mut byte = 0x20;
    while byte < 0x7f {
        plain[byte] = byte != b'"' as usize && byte != b'\\' as usize;
        byte += 1;
    }
    plain
};

/// Appends `text` as a JSON string.
pub fn push_string(out: &mut String, text: &str) {
    out.push('"');
    let mut rest = text;
    while let Some(at) = rest.bytes().position(|byte| !PLAIN[usize::from(byte)]) {
        let (plain, tail) = rest.split_at(at);
        out.push_str(plain);
        let mut characters = tail.chars();
        if let Some(c) = characters.next() {
            if matches!(c, '"' | '\\') || text::is_unsafe(c) {
                push_escape(out, c);
            } else {
                out.push(c);
            }
        }
        rest = characters.as_str();
    }
    out.push_str(rest);
    out.push('"');
}

fn push_escape(out: &mut String, c: char) {
    match c {
        '"' => out.push_str("\\\""),
        '\\' => out.push_str("\\\\"),
        '\n' => out.push_str("\\n"),
        '\r' => out.push_str("\\r"),
        '\t' => out.push_str("\\t"),
        c => {
            let mut units = [0; 2];
            for unit in c.encode_utf16(&mut units) {
                write!(out, "\\u{unit:04x}").expect("a String takes any text");
            }
        }
    }
}

fn push_display(out: &mut String, number: i64) {
    write!(out, "{number}").expect("a String takes any text");
}

/// `{:?}` of a finite float is its shortest exact form and always shows that it is a float.
fn push_debug(out: &mut String, number: f64) {
    write!(out, "{number:?}").expect("a String takes any text");
}

/// A stored body that is not one of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("stored body breaks its format at byte {at}: expected {expected}")]
pub struct DecodeError {
    /// Byte offset in the body.
    pub at: usize,
    /// What should stand there.
    pub expected: &'static str,
}

/// Reads a body back into an event.
pub fn decode(body: &str) -> Result<Event, DecodeError> {
    let mut reader = Reader {
        body,
        at: 0,
        scratch: String::new(),
    };
    let mut event = Event::with_capacity(48, body.len());
    let mut name = String::with_capacity(64);
    reader.expect(b'{', "an object")?;
    if reader.take(b'}') {
        return reader.finish(event);
    }
    loop {
        name.clear();
        name.push_str(reader.string()?);
        let id = FieldId::intern(&name, Namer::Event);
        reader.expect(b':', "a colon")?;
        if reader.take(b'[') {
            loop {
                reader.value(&mut event, id, &name, true)?;
                if reader.take(b']') {
                    break;
                }
                reader.expect(b',', "a comma or the end of the list")?;
            }
        } else {
            reader.value(&mut event, id, &name, false)?;
        }
        if reader.take(b'}') {
            return reader.finish(event);
        }
        reader.expect(b',', "a comma or the end of the object")?;
    }
}

struct Reader<'a> {
    body: &'a str,
    at: usize,
    scratch: String,
}

impl Reader<'_> {
    fn peek(&self) -> Option<u8> {
        self.body.as_bytes().get(self.at).copied()
    }

    fn take(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    fn expect(&mut self, byte: u8, expected: &'static str) -> Result<(), DecodeError> {
        if self.take(byte) {
            Ok(())
        } else {
            Err(self.error(expected))
        }
    }

    fn error(&self, expected: &'static str) -> DecodeError {
        DecodeError {
            at: self.at,
            expected,
        }
    }

    fn finish(self, event: Event) -> Result<Event, DecodeError> {
        if self.at == self.body.len() {
            Ok(event)
        } else {
            Err(self.error("the end"))
        }
    }

    fn value(
        &mut self,
        event: &mut Event,
        id: Option<FieldId>,
        name: &str,
        in_list: bool,
    ) -> Result<(), DecodeError> {
        let mut push = |value: Value<'_>| match (id, in_list) {
            (Some(id), true) => event.push_item(id, value),
            (Some(id), false) => event.push(id, value),
            (None, _) => event.push_named(name, value, in_list),
        };
        let literal = |text: &str| self.body[self.at..].starts_with(text);
        let (value, len) = match self.peek() {
            Some(b'"') => {
                let text = self.string()?;
                let time = id
                    .filter(|id| is_time(*id))
                    .and_then(|_| stdx::calendar::parse_rfc3339(text))
                    .map(|parsed| Timestamp(parsed.unix_nanos))
                    .filter(|time| time.to_string() == text);
                push(time.map_or(Value::Str(text), Value::Time));
                return Ok(());
            }
            Some(b'n') if literal("null") => (Value::Null, 4),
            Some(b't') if literal("true") => (Value::Bool(true), 4),
            Some(b'f') if literal("false") => (Value::Bool(false), 5),
            _ => self.number()?,
        };
        self.at += len;
        push(value);
        Ok(())
    }

    fn number(&self) -> Result<(Value<'static>, usize), DecodeError> {
        let rest = &self.body[self.at..];
        let end = rest.find(|c: char| !matches!(c, '0'..='9' | '-' | '+' | '.' | 'e' | 'E'));
        let text = &rest[..end.unwrap_or(rest.len())];
        let value = if text.contains(['.', 'e', 'E']) {
            text.parse()
                .ok()
                .filter(|number: &f64| number.is_finite())
                .map(Value::Float)
        } else {
            text.parse().ok().map(Value::Int)
        };
        value
            .map(|value| (value, text.len()))
            .ok_or_else(|| self.error("a value"))
    }

    fn string(&mut self) -> Result<&str, DecodeError> {
        self.expect(b'"', "a string")?;
        let body = self.body;
        let start = self.at;
        let Some(len) = memchr::memchr2(b'"', b'\\', &body.as_bytes()[start..]) else {
            return Err(self.error("the end of a string"));
        };
        if body.as_bytes()[start + len] == b'"' {
            self.at = start + len + 1;
            return Ok(&body[start..start + len]);
        }
        self.scratch.clear();
        self.scratch.push_str(&body[start..start + len]);
        self.at = start + len;
        self.escaped()?;
        Ok(&self.scratch)
    }

    /// Reads the rest of a string that holds escapes into the scratch text.
    fn escaped(&mut self) -> Result<(), DecodeError> {
        loop {
            let rest = &self.body[self.at..];
            let len = memchr::memchr2(b'"', b'\\', rest.as_bytes());
            let len = len.ok_or_else(|| self.error("the end of a string"))?;
            self.scratch.push_str(&rest[..len]);
            self.at += len + 1;
            if rest.as_bytes()[len] == b'"' {
                return Ok(());
            }
            let escape = self.peek().ok_or_else(|| self.error("an escape"))?;
            self.at += 1;
            let c = match escape {
                b'"' => '"',
                b'\\' => '\\',
                b'/' => '/',
                b'n' => '\n',
                b'r' => '\r',
                b't' => '\t',
                b'b' => '\u{8}',
                b'f' => '\u{c}',
                b'u' => self.unicode()?,
                _ => return Err(self.error("a known escape")),
            };
            self.scratch.push(c);
        }
    }

    fn unicode(&mut self) -> Result<char, DecodeError> {
        let high = self.unit()?;
        if let Some(c) = char::from_u32(high) {
            return Ok(c);
        }
        if !self.body[self.at..].starts_with("\\u") {
            return Err(self.error("a second surrogate"));
        }
        self.at += 2;
        let low = self.unit()?;
        let pair = [high, low].map(|unit| u16::try_from(unit).unwrap_or(0));
        match char::decode_utf16(pair).next() {
            Some(Ok(c)) => Ok(c),
            _ => Err(self.error("a surrogate pair")),
        }
    }

    fn unit(&mut self) -> Result<u32, DecodeError> {
        let digits = self.body.get(self.at..self.at + 4);
        let unit = digits.filter(|text| text.bytes().all(|b| b.is_ascii_hexdigit()));
        let unit = unit.and_then(|text| u32::from_str_radix(text, 16).ok());
        self.at += 4;
        unit.ok_or_else(|| DecodeError {
            at: self.at - 4,
            expected: "four hex digits",
        })
    }
}

#[cfg(test)]
mod tests;
