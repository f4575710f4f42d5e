//! Which characters may not reach a terminal, a file or another system as they are, and the text
//! form that shows them safely (one record = one line, reversible).

/// Whether `c` could move a cursor, hide or reorder text, or forge a line: controls, format
/// characters, line and paragraph separators, private use, default-ignorable fillers and
/// non-characters.
pub fn is_unsafe(c: char) -> bool {
    match u32::from(c) {
        0x20..=0x7e => false,
        0..=0x1f | 0x7f..=0x9f => true,
        code => {
            UNSAFE_RANGES
                .iter()
                .any(|(from, to)| (*from..=*to).contains(&code))
                || code & 0xfffe == 0xfffe
        }
    }
}

/// Unicode general categories Cf, Zl, Zp, Co and the default-ignorable fillers, as ranges.
const UNSAFE_RANGES: [(u32, u32); 29] = [
    (0x00ad, 0x00ad),
    (0x034f, 0x034f),
    (0x0600, 0x0605),
    (0x061c, 0x061c),
    (0x06dd, 0x06dd),
    (0x070f, 0x070f),
    (0x0890, 0x0891),
    (0x08e2, 0x08e2),
    (0x115f, 0x1160),
    (0x17b4, 0x17b5),
    (0x180b, 0x180f),
    (0x200b, 0x200f),
    (0x2028, 0x202e),
    (0x2060, 0x206f),
    (0x3164, 0x3164),
    (0xe000, 0xf8ff),
    (0xfdd0, 0xfdef),
    (0xfe00, 0xfe0f),
    (0xfeff, 0xfeff),
    (0xffa0, 0xffa0),
    (0xfff0, 0xfffb),
    (0x110bd, 0x110bd),
    (0x110cd, 0x110cd),
    (0x13430, 0x1343f),
    (0x1bca0, 0x1bca3),
    (0x1d173, 0x1d17a),
    (0xe0000, 0xe0fff),
    (0xf0000, 0xffffd),
    (0x10_0000, 0x10_fffd),
];

/// Appends `text` so that it stays on one line and shows what it holds: `\` as `\\`, LF, CR and
/// TAB as `\n`, `\r`, `\t`, any other unsafe character as `\u{hex}`.
pub fn push_safe(out: &mut String, text: &str) {
    for c in text.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if is_unsafe(c) => {
                out.push_str("\\u{");
                push_hex(out, u32::from(c));
                out.push('}');
            }
            c => out.push(c),
        }
    }
}

/// [`push_safe`] into a new string.
pub fn safe(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    push_safe(&mut out, text);
    out
}

fn push_hex(out: &mut String, code: u32) {
    let digits = 8 - code.leading_zeros() / 4;
    for place in (0..digits.max(1)).rev() {
        out.push(char::from_digit(code >> (place * 4) & 0xf, 16).unwrap_or('0'));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forged_lines_and_terminal_codes_stay_visible() {
        for (input, expected) in [
            ("bob\r\nINFO ok", "bob\\r\\nINFO ok"),
            ("\u{1b}[31mred", "\\u{1b}[31mred"),
            ("C:\\dir\ttab", "C:\\\\dir\\ttab"),
            ("a\u{202e}b\u{200b}\u{85}", "a\\u{202e}b\\u{200b}\\u{85}"),
            ("na\u{ef}ve", "na\u{ef}ve"),
        ] {
            assert_eq!(safe(input), expected);
        }
    }
}
