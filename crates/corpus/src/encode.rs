//! Encodings that a value meets on its way into a log, and what a few of its bytes become in them.

use std::fmt::Write as _;

/// One encoding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Form {
    /// Inside a JSON string: `"`, `\` and controls escaped.
    Json,
    /// The same as some encoders do it: `<`, `>`, `&` as `\u0026` too.
    JsonHtml,
    /// Percent (RFC 3986), everything but the unreserved characters.
    Percent,
    /// The same with lower-case digits and `+` for a blank, as browsers send forms.
    FormUrl,
    /// Percent, also of letters and digits.
    PercentAll,
    /// Base64 (RFC 4648) with padding.
    Base64,
    /// Base64url without padding.
    Base64Url,
    /// An XML attribute or text.
    Xml,
    /// A quoted SQL literal: `'` doubled.
    Sql,
    /// In double quotes: `"` and `\` escaped.
    Quoted,
}

impl Form {
    /// A short name for tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::JsonHtml => "json-html",
            Self::Percent => "percent",
            Self::FormUrl => "form",
            Self::PercentAll => "percent-all",
            Self::Base64 => "base64",
            Self::Base64Url => "base64url",
            Self::Xml => "xml",
            Self::Sql => "sql",
            Self::Quoted => "quoted",
        }
    }

    /// `text` in this encoding.
    pub fn encode(self, text: &str) -> String {
        match self {
            Self::Json => json(text, false),
            Self::JsonHtml => json(text, true),
            Self::Percent => percent(text, |b| b.is_ascii_alphanumeric() || b"-_.~".contains(&b)),
            Self::FormUrl => form(text),
            Self::PercentAll => percent(text, |_| false),
            Self::Base64 => base64(text.as_bytes(), false),
            Self::Base64Url => base64(text.as_bytes(), true),
            Self::Xml => xml(text),
            Self::Sql => text.replace('\'', "''"),
            Self::Quoted => text.replace('\\', "\\\\").replace('"', "\\\""),
        }
    }

    /// What `part` of a longer text can look like once the whole is encoded: one text for
    /// encodings that go byte by byte, one for each alignment in base64.
    pub fn traces(self, part: &str) -> Vec<String> {
        match self {
            Self::Base64 | Self::Base64Url => (0..3)
                .map(|before| base64_inside(part.as_bytes(), before, self == Self::Base64Url))
                .collect(),
            _ => vec![self.encode(part)],
        }
    }
}

fn push(out: &mut String, escape: std::fmt::Arguments<'_>) {
    // Writing to a string cannot fail.
    let _ = out.write_fmt(escape);
}

fn json(text: &str, html: bool) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '<' | '>' | '&' if html => push(&mut out, format_args!("\\u{:04x}", u32::from(c))),
            c if c < ' ' => push(&mut out, format_args!("\\u{:04x}", u32::from(c))),
            c => out.push(c),
        }
    }
    out
}

fn percent(text: &str, stays: fn(u8) -> bool) -> String {
    let mut out = String::with_capacity(text.len() * 3);
    for byte in text.bytes() {
        if stays(byte) {
            out.push(char::from(byte));
        } else {
            push(&mut out, format_args!("%{byte:02X}"));
        }
    }
    out
}

fn form(text: &str) -> String {
    let mut out = String::with_capacity(text.len() * 3);
    for byte in text.bytes() {
        match byte {
            b' ' => out.push('+'),
            b if b.is_ascii_alphanumeric() || b"-_.*".contains(&b) => out.push(char::from(b)),
            b => push(&mut out, format_args!("%{b:02x}")),
        }
    }
    out
}

fn xml(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

fn letter(value: u8, url: bool) -> char {
    const LETTERS: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    match (value, url) {
        (62, false) => '+',
        (63, false) => '/',
        (62, true) => '-',
        (63, true) => '_',
        _ => char::from(LETTERS[usize::from(value)]),
    }
}

/// Lower-case hexadecimal digits of `bytes`.
pub fn hex(bytes: &[u8]) -> String {
    let digit = |value: u8| char::from_digit(u32::from(value), 16).unwrap_or('0');
    let digits = bytes
        .iter()
        .flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]);
    digits.collect()
}

/// Base64 of `bytes`; `url` means the other alphabet and no padding.
pub fn base64(bytes: &[u8], url: bool) -> String {
    let mut out = String::with_capacity(bytes.len() * 4 / 3 + 4);
    for chunk in bytes.chunks(3) {
        let byte = |at: usize| u32::from(chunk.get(at).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for place in 0..=chunk.len() {
            let value = bits >> (18 - 6 * place) & 63;
            out.push(letter(u8::try_from(value).unwrap_or(0), url));
        }
    }
    if !url {
        out.push_str(&"=".repeat((4 - out.len() % 4) % 4));
    }
    out
}

/// The characters that `bytes` alone decide when `before` other bytes (modulo 3) stand before them.
pub fn base64_inside(bytes: &[u8], before: usize, url: bool) -> String {
    let bit = |at: usize| bytes[at / 8 - before] >> (7 - at % 8) & 1;
    let first = (before * 8).div_ceil(6);
    let end = (before + bytes.len()) * 8 / 6;
    (first..end)
        .map(|at| {
            letter(
                (at * 6..at * 6 + 6).fold(0, |value, at| value << 1 | bit(at)),
                url,
            )
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_texts() {
        let check = |form: Form, text: &str, expected: &str| {
            assert_eq!(form.encode(text), expected, "{}", form.name());
        };
        check(Form::Json, "a\"\\\n\u{1}<", "a\\\"\\\\\\n\\u0001<");
        check(Form::JsonHtml, "<&>", "\\u003c\\u0026\\u003e");
        check(Form::Percent, "a b/c~", "a%20b%2Fc~");
        check(Form::FormUrl, "a b/c~", "a+b%2fc%7e");
        check(Form::PercentAll, "aZ", "%61%5A");
        check(Form::Base64, "foob", "Zm9vYg==");
        check(Form::Base64Url, "fo?>", "Zm8_Pg");
        check(Form::Xml, "<\"&", "&lt;&quot;&amp;");
        check(Form::Sql, "o'b", "o''b");
        check(Form::Quoted, "\"\\", "\\\"\\\\");
    }

    #[test]
    fn traces_are_in_the_whole() {
        for form in [Form::Base64, Form::Base64Url, Form::Percent, Form::JsonHtml] {
            for before in ["", "x", "xy", "xyz"] {
                let whole = form.encode(&format!("{before}se<cr>et?~{before}"));
                let traces = form.traces("se<cr>et?~");
                assert!(
                    traces.iter().any(|trace| whole.contains(trace)),
                    "{whole} {traces:?}"
                );
            }
        }
    }
}
