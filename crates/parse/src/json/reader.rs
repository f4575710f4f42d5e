//! The tokens of RFC 8259 over borrowed text.
//!
//! Three leniencies, because a record must not be lost over them: control characters inside
//! strings are taken as they are, half a surrogate pair is kept as the text `\uHHHH`, and `\xHH`
//! (web servers write it, and we write bytes so that are no UTF-8) is kept as it stands. Our own
//! reader rather than a library's: a deep rest is kept as the sender's own text without recursion,
//! and offsets of errors are exact.

use event::Value;

/// Not JSON, at this byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BadJson {
    pub(crate) at: usize,
}

/// A string token.
pub(crate) enum Text<'t> {
    /// Without escapes: a piece of the input.
    Plain(&'t str),
    /// With escapes: in [`Reader::unescaped`].
    Unescaped,
}

/// A place in JSON text.
pub(crate) struct Reader<'t> {
    text: &'t str,
    at: usize,
    unescaped: String,
}

impl<'t> Reader<'t> {
    pub(crate) fn new(text: &'t str) -> Self {
        Self {
            text,
            at: 0,
            unescaped: String::new(),
        }
    }

    /// The last string that had escapes.
    pub(crate) fn unescaped(&self) -> &str {
        &self.unescaped
    }

    pub(crate) fn bad(&self) -> BadJson {
        BadJson { at: self.at }
    }

    pub(crate) fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    pub(crate) fn skip_space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    /// Takes `byte` after white space, if it comes next.
    pub(crate) fn takes(&mut self, byte: u8) -> bool {
        self.skip_space();
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    /// Takes `byte` after white space.
    pub(crate) fn take(&mut self, byte: u8) -> Result<(), BadJson> {
        if self.takes(byte) {
            Ok(())
        } else {
            Err(self.bad())
        }
    }

    /// Only white space is left.
    pub(crate) fn end(&mut self) -> Result<(), BadJson> {
        self.skip_space();
        if self.at == self.text.len() {
            Ok(())
        } else {
            Err(self.bad())
        }
    }

    /// Reads a string; the next byte is its opening quote.
    pub(crate) fn string(&mut self) -> Result<Text<'t>, BadJson> {
        let start = self.at + 1;
        let len = self.to_quote_or_escape(start)?;
        let text = &self.text[start..start + len];
        self.at = start + len;
        if self.peek() == Some(b'"') {
            self.at += 1;
            return Ok(Text::Plain(text));
        }
        self.unescaped.clear();
        self.unescaped.push_str(text);
        self.escaped()?;
        Ok(Text::Unescaped)
    }

    fn to_quote_or_escape(&self, from: usize) -> Result<usize, BadJson> {
        let rest = self.text.as_bytes().get(from..).unwrap_or(&[]);
        // Most strings of a log are short: a plain loop beats the set-up of a vector search.
        let near = rest.iter().take(24).position(|b| matches!(b, b'"' | b'\\'));
        near.or_else(|| {
            let far = rest.get(24..)?;
            memchr::memchr2(b'"', b'\\', far).map(|at| at + 24)
        })
        .ok_or(BadJson {
            at: self.text.len(),
        })
    }

    fn escaped(&mut self) -> Result<(), BadJson> {
        loop {
            let text = self.text;
            if self.peek() == Some(b'"') {
                self.at += 1;
                return Ok(());
            }
            let escape = *text
                .as_bytes()
                .get(self.at + 1)
                .ok_or(BadJson { at: text.len() })?;
            let c = match escape {
                b'"' => '"',
                b'\\' => '\\',
                b'/' => '/',
                b'n' => '\n',
                b'r' => '\r',
                b't' => '\t',
                b'b' => '\u{8}',
                b'f' => '\u{c}',
                b'u' => {
                    self.unicode()?;
                    self.plain_run()?;
                    continue;
                }
                b'x' if self.hex(self.at + 2, 2).is_some() => {
                    self.unescaped.push_str(&text[self.at..self.at + 4]);
                    self.at += 4;
                    self.plain_run()?;
                    continue;
                }
                _ => return Err(self.bad()),
            };
            self.at += 2;
            self.unescaped.push(c);
            self.plain_run()?;
        }
    }

    /// Copies up to the next quote or escape.
    fn plain_run(&mut self) -> Result<(), BadJson> {
        let len = self.to_quote_or_escape(self.at)?;
        self.unescaped.push_str(&self.text[self.at..self.at + len]);
        self.at += len;
        Ok(())
    }

    fn unicode(&mut self) -> Result<(), BadJson> {
        let high = self.unit(self.at)?;
        if let Some(c) = char::from_u32(high) {
            self.at += 6;
            self.unescaped.push(c);
            return Ok(());
        }
        if high < 0xdc00
            && let Ok(low @ 0xdc00..0xe000) = self.unit(self.at + 6)
            && let Some(c) = char::from_u32(0x1_0000 + ((high - 0xd800) << 10) + (low - 0xdc00))
        {
            self.at += 12;
            self.unescaped.push(c);
            return Ok(());
        }
        self.unescaped.push_str(&self.text[self.at..self.at + 6]);
        self.at += 6;
        Ok(())
    }

    /// The code unit of `\uHHHH` at `at`.
    fn unit(&self, at: usize) -> Result<u32, BadJson> {
        let escape = self.text.as_bytes().get(at..at + 2);
        let unit = escape
            .filter(|escape| *escape == b"\\u")
            .and_then(|_| self.hex(at + 2, 4));
        unit.ok_or(BadJson { at })
    }

    /// The number in `width` hex digits at `at`.
    fn hex(&self, at: usize, width: usize) -> Option<u32> {
        let digits = self.text.as_bytes().get(at..at + width)?;
        digits.iter().try_fold(0, |number, byte| {
            Some(number * 16 + char::from(*byte).to_digit(16)?)
        })
    }

    /// Reads `null`, a truth value or a number. A number that neither an `i64` nor a finite
    /// double holds stays text.
    pub(crate) fn scalar(&mut self) -> Result<Value<'t>, BadJson> {
        let literals = [
            ("null", Value::Null),
            ("true", Value::Bool(true)),
            ("false", Value::Bool(false)),
        ];
        let rest = &self.text[self.at..];
        if let Some((word, value)) = literals
            .into_iter()
            .find(|(word, _)| rest.starts_with(word))
        {
            self.at += word.len();
            return Ok(value);
        }
        let (len, is_whole) = number_len(rest.as_bytes()).ok_or(self.bad())?;
        let text = &rest[..len];
        self.at += len;
        let value = if is_whole {
            text.parse().ok().map(Value::Int)
        } else {
            text.parse()
                .ok()
                .filter(|n: &f64| n.is_finite())
                .map(Value::Float)
        };
        Ok(value.unwrap_or(Value::Str(text)))
    }

    /// Skips an object or array of any depth without recursion and returns its text. Its inside is
    /// only looked at for strings and brackets.
    pub(crate) fn skip_value(&mut self) -> Result<&'t str, BadJson> {
        let start = self.at;
        let mut open = 0usize;
        while let Some(byte) = self.peek() {
            match byte {
                b'{' | b'[' => open += 1,
                b'}' | b']' => open = open.saturating_sub(1),
                b'"' => {
                    self.string()?;
                    continue;
                }
                _ => {}
            }
            self.at += 1;
            if open == 0 {
                return Ok(&self.text[start..self.at]);
            }
        }
        Err(self.bad())
    }
}

/// Length of the number at the start of `bytes` and whether it is written without fraction and
/// exponent.
fn number_len(bytes: &[u8]) -> Option<(usize, bool)> {
    let digits = |from: usize| {
        let rest = bytes.get(from..).unwrap_or(&[]);
        rest.iter().take_while(|b| b.is_ascii_digit()).count()
    };
    let mut at = usize::from(bytes.first() == Some(&b'-'));
    let whole = digits(at);
    if whole == 0 || whole > 1 && bytes[at] == b'0' {
        return None;
    }
    at += whole;
    let mut is_whole = true;
    if bytes.get(at) == Some(&b'.') {
        let fraction = digits(at + 1);
        if fraction == 0 {
            return None;
        }
        at += 1 + fraction;
        is_whole = false;
    }
    if matches!(bytes.get(at), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(bytes.get(at + 1), Some(b'+' | b'-')));
        let exponent = digits(at + 1 + sign);
        if exponent == 0 {
            return None;
        }
        at += 1 + sign + exponent;
        is_whole = false;
    }
    Some((at, is_whole))
}
