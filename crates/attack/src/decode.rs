//! Bounded decoding: what a server, a browser or an interpreter behind it may read.
//!
//! A value is looked at in up to four views: percent-decoded until nothing changes; then with HTML
//! entities, JSON and script escapes and full-width forms read; then, if the whole looks like it,
//! base64. A view that reads like the one before it is left out.

use crate::Place;
use crate::limits;
use crate::text::{self, Text};

/// Buffers of the decoder, and where it stands with the value at hand.
#[derive(Debug, Default)]
pub(crate) struct Decoder {
    place: Option<Place>,
    /// Percent-decoded, case kept.
    plain: Vec<u8>,
    next: Vec<u8>,
    low: Vec<u8>,
    rounds: usize,
    overlong: bool,
    step: u8,
}

/// A value as one reader sees it.
#[derive(Debug)]
pub(crate) struct View<'d> {
    pub(crate) text: Text<'d>,
    /// How much surer the disguise makes whatever is found.
    pub(crate) raise: u8,
}

impl Decoder {
    /// Takes a value.
    pub(crate) fn start(&mut self, value: &[u8], place: Place) {
        self.place = Some(place);
        self.plain.clear();
        self.plain.extend_from_slice(value);
        self.rounds = 0;
        self.overlong = false;
        self.step = 0;
        let plus = matches!(place, Place::Query | Place::Referrer | Place::Path);
        if plus && memchr::memchr(b'+', value).is_some() {
            for byte in &mut self.plain {
                if *byte == b'+' {
                    *byte = b' ';
                }
            }
        }
        while self.rounds < limits::DECODE_ROUNDS_MAX
            && memchr::memchr(b'%', &self.plain).is_some()
            && self.round()
        {
            self.rounds += 1;
        }
    }

    /// The next view, in lower case.
    pub(crate) fn next_view(&mut self) -> Option<View<'_>> {
        loop {
            self.step += 1;
            let found = match self.step {
                1 => {
                    self.next.clear();
                    self.next.extend_from_slice(&self.plain);
                    true
                }
                2 => self.escapes(),
                3 => self.base64(),
                _ => return None,
            };
            if !found {
                continue;
            }
            std::mem::swap(&mut self.low, &mut self.next);
            self.low.make_ascii_lowercase();
            let mut text = Text::new(&self.low);
            text.overlong = self.overlong;
            let raise = match self.step {
                1 if self.rounds > 1 || self.overlong => 5,
                _ => 0,
            };
            return Some(View { text, raise });
        }
    }

    /// One round of percent-decoding; whether it changed anything.
    fn round(&mut self) -> bool {
        self.next.clear();
        let input = &self.plain;
        let mut at = 0;
        let mut changed = false;
        while at < input.len() {
            let rest = &input[at..];
            if let Some(byte) = percent(rest) {
                changed = true;
                at += 3;
                if let (0xc0 | 0xc1, Some(second @ 0x80..=0xbf)) = (byte, percent(&input[at..])) {
                    self.next.push((byte & 1) << 6 | second & 0x3f);
                    self.overlong = true;
                    at += 3;
                } else {
                    self.next.push(byte);
                }
            } else if let Some(c) = percent_u(rest) {
                changed = true;
                push_char(&mut self.next, c);
                at += 6;
            } else {
                self.next.push(rest[0]);
                at += 1;
            }
        }
        std::mem::swap(&mut self.plain, &mut self.next);
        changed
    }

    /// Entities, escapes and full-width forms, into `next`; whether there were any.
    fn escapes(&mut self) -> bool {
        let input = &self.plain;
        if !input
            .iter()
            .any(|byte| matches!(byte, b'&' | b'\\' | 0xc0 | 0xc1 | 0xe5 | 0xef))
        {
            return false;
        }
        self.next.clear();
        let mut at = 0;
        let mut changed = false;
        while at < input.len() {
            let rest = &input[at..];
            let read = match rest[0] {
                b'&' => entity(rest),
                b'\\' => escape(rest),
                0xe5 | 0xef => full_width(rest),
                0xc0 | 0xc1 if rest.get(1).is_some_and(|byte| byte & 0xc0 == 0x80) => {
                    self.overlong = true;
                    Some((char::from((rest[0] & 1) << 6 | rest[1] & 0x3f), 2))
                }
                _ => None,
            };
            if let Some((c, used)) = read {
                changed = true;
                push_char(&mut self.next, c);
                at += used;
            } else {
                self.next.push(rest[0]);
                at += 1;
            }
        }
        changed
    }

    /// The bytes behind base64, into `next`, if the whole value is that and reads like text.
    fn base64(&mut self) -> bool {
        let wanted = matches!(self.place, Some(Place::Query | Place::Body | Place::Header));
        let input = &self.plain[..];
        if !wanted || !may_be_base64(input) {
            return false;
        }
        self.next.clear();
        let (mut bits, mut count) = (0_u32, 0);
        for byte in input.iter().take_while(|byte| **byte != b'=') {
            let Some(value) = base64_value(*byte) else {
                return false;
            };
            bits = bits << 6 | value;
            count += 6;
            if count >= 8 {
                count -= 8;
                let [.., low] = (bits >> count).to_be_bytes();
                self.next.push(low);
            }
        }
        let readable = |byte: &u8| matches!(byte, b' '..=b'~' | b'\n' | b'\r' | b'\t');
        self.next.iter().all(readable) && text::kinds_of(&self.next) != 0
    }
}

/// Whether a value may be base64 of text: long enough, letters of both cases.
pub(crate) fn may_be_base64(value: &[u8]) -> bool {
    const MIN: usize = 16;
    value.len() >= MIN
        && value.iter().any(u8::is_ascii_uppercase)
        && value.iter().any(u8::is_ascii_lowercase)
        && value
            .iter()
            .all(|byte| *byte == b'=' || base64_value(*byte).is_some())
}

fn push_char(out: &mut Vec<u8>, c: char) {
    let mut utf8 = [0; 4];
    out.extend_from_slice(c.encode_utf8(&mut utf8).as_bytes());
}

fn percent(text: &[u8]) -> Option<u8> {
    match text {
        [b'%', high, low, ..] => Some(hex(*high)? << 4 | hex(*low)?),
        _ => None,
    }
}

fn percent_u(text: &[u8]) -> Option<char> {
    match text {
        [b'%', b'u' | b'U', digits @ ..] => digits_of(digits, 4, 16).map(|(c, _)| c),
        _ => None,
    }
}

/// A character written with up to `max` digits of `radix`, and how many there were.
fn digits_of(text: &[u8], max: usize, radix: u32) -> Option<(char, usize)> {
    let count = text
        .iter()
        .take(max)
        .take_while(|byte| char::from(**byte).is_digit(radix))
        .count();
    let code = text[..count].iter().fold(0_u32, |code, byte| {
        code.saturating_mul(radix)
            .saturating_add(char::from(*byte).to_digit(radix).unwrap_or(0))
    });
    (count > 0).then_some(())?;
    Some((narrow(char::from_u32(code)?), count))
}

/// The ASCII character that a full-width one, or one cut to its low byte, is taken for.
fn narrow(c: char) -> char {
    match u32::from(c) {
        code @ 0xff01..=0xff5e => char::from_u32(code - 0xfee0).unwrap_or(c),
        0x560a => '\n',
        0x560d => '\r',
        0x2018 | 0x2019 | 0x02b9 | 0x02bc => '\'',
        _ => c,
    }
}

fn full_width(text: &[u8]) -> Option<(char, usize)> {
    let c = std::str::from_utf8(text.get(..3)?).ok()?.chars().next()?;
    let narrow = narrow(c);
    (narrow != c).then_some((narrow, 3))
}

/// `&lt;`, `&#60;`, `&#x3c;`, the semicolon optional for numbers as browsers have it.
fn entity(text: &[u8]) -> Option<(char, usize)> {
    const NAMED: [(&[u8], char); 16] = [
        (b"lt", '<'),
        (b"gt", '>'),
        (b"amp", '&'),
        (b"quot", '"'),
        (b"apos", '\''),
        (b"colon", ':'),
        (b"semi", ';'),
        (b"lpar", '('),
        (b"rpar", ')'),
        (b"sol", '/'),
        (b"bsol", '\\'),
        (b"equals", '='),
        (b"tab", '\t'),
        (b"newline", '\n'),
        (b"grave", '`'),
        (b"lbrace", '{'),
    ];
    let rest = &text[1..];
    if let Some(number) = rest.strip_prefix(b"#") {
        let (c, used) = match number {
            [b'x' | b'X', digits @ ..] => {
                digits_of(digits, 8, 16).map(|(c, count)| (c, count + 1))?
            }
            digits => digits_of(digits, 8, 10)?,
        };
        let semicolon = usize::from(number.get(used) == Some(&b';'));
        return Some((c, 2 + used + semicolon));
    }
    let end = rest.iter().take(9).position(|byte| *byte == b';')?;
    let found = NAMED
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case(&rest[..end]))?;
    Some((found.1, end + 2))
}

/// `\u003c`, `\u{3c}`, `\x3c`, `\/`, `\"`, `\'`
fn escape(text: &[u8]) -> Option<(char, usize)> {
    match text.get(1..)? {
        [b'u' | b'U', b'{', digits @ ..] => {
            let (c, used) = digits_of(digits, 6, 16)?;
            (digits.get(used) == Some(&b'}')).then_some((c, used + 4))
        }
        [b'u' | b'U', digits @ ..] => {
            let (c, used) = digits_of(digits, 4, 16)?;
            (used == 4).then_some((c, 6))
        }
        [b'x' | b'X', digits @ ..] => {
            let (c, used) = digits_of(digits, 2, 16)?;
            (used == 2).then_some((c, 4))
        }
        [c @ (b'/' | b'"' | b'\''), ..] => Some((char::from(*c), 2)),
        _ => None,
    }
}

fn base64_value(byte: u8) -> Option<u32> {
    Some(u32::from(match byte {
        b'A'..=b'Z' => byte - b'A',
        b'a'..=b'z' => byte - b'a' + 26,
        b'0'..=b'9' => byte - b'0' + 52,
        b'+' | b'-' | b' ' => 62,
        b'/' | b'_' => 63,
        _ => return None,
    }))
}

fn hex(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All views of a query value, one a line.
    fn check(value: &str, expected: &str) {
        let mut decoder = Decoder::default();
        decoder.start(value.as_bytes(), Place::Query);
        let mut views = Vec::new();
        while let Some(view) = decoder.next_view() {
            views.push(String::from_utf8_lossy(view.text.low).into_owned());
        }
        assert_eq!(views.join("\n"), expected, "{value}");
    }

    #[test]
    fn views_are_bounded_and_total() {
        check("Red+Shoes", "red shoes");
        check("%2527%252e%25252e", "'..");
        check("%25252525252e", "%252e");
        check("%c0%ae%c0%af", "./");
        check("%u0027%uff07", "''");
        check("&lt;b&#x3E;&#62", "&lt;b&#x3e;&#62\n<b>>");
        check("\\u003cB\\x3e\\/", "\\u003cb\\x3e\\/\n<b>/");
        check(
            "PHNjcmlwdD4xPC9zY3JpcHQ+",
            "phnjcmlwdd4xpc9zy3jpchq \n<script>1</script>",
        );
        check("%zz%4", "%zz%4");
    }
}
