//! A decoded value in lower case, with what kinds of bytes it holds.

/// `'` `"` or a backtick.
pub(crate) const QUOTE: u32 = 1;
/// `(` or `)`.
pub(crate) const PAREN: u32 = 1 << 1;
/// `<` or `>`.
pub(crate) const ANGLE: u32 = 1 << 2;
/// `;`
pub(crate) const SEMICOLON: u32 = 1 << 3;
/// `|`
pub(crate) const PIPE: u32 = 1 << 4;
/// `&`
pub(crate) const AMPERSAND: u32 = 1 << 5;
/// `$`
pub(crate) const DOLLAR: u32 = 1 << 6;
/// `{` or `}`
pub(crate) const BRACE: u32 = 1 << 7;
/// `\`
pub(crate) const BACKSLASH: u32 = 1 << 8;
/// A control character.
pub(crate) const CONTROL: u32 = 1 << 9;
/// White space.
pub(crate) const SPACE: u32 = 1 << 10;
/// `=`
pub(crate) const EQUAL: u32 = 1 << 11;
/// `#`
pub(crate) const HASH: u32 = 1 << 12;
/// `*`
pub(crate) const STAR: u32 = 1 << 13;
/// `:`
pub(crate) const COLON: u32 = 1 << 14;
/// `/`
pub(crate) const SLASH: u32 = 1 << 15;
/// Not ASCII.
pub(crate) const FOREIGN: u32 = 1 << 16;
/// `@`
pub(crate) const AT: u32 = 1 << 17;
/// `.`
pub(crate) const DOT: u32 = 1 << 18;
/// `%`
pub(crate) const PERCENT: u32 = 1 << 19;
/// `+`
pub(crate) const PLUS: u32 = 1 << 20;
/// `-`
pub(crate) const DASH: u32 = 1 << 21;
/// Any other mark: `!` `,` `?` `[` `]` `^` `~`
pub(crate) const MARK: u32 = 1 << 22;
/// A line feed or a carriage return.
pub(crate) const BREAK: u32 = 1 << 23;

/// The kind of each byte; letters, digits and `_` have none.
pub(crate) const KINDS: [u32; 256] = kinds();

const fn kinds() -> [u32; 256] {
    let mut kinds = [0; 256];
    let mut at = 0;
    while at < 256 {
        kinds[at] = match at {
            0x0a | 0x0d => BREAK | SPACE,
            0x09 => SPACE | CONTROL,
            0x00..0x20 | 0x7f => CONTROL,
            0x20 => SPACE,
            0x22 | 0x27 | 0x60 => QUOTE,
            0x28 | 0x29 => PAREN,
            0x3c | 0x3e => ANGLE,
            0x3b => SEMICOLON,
            0x7c => PIPE,
            0x26 => AMPERSAND,
            0x24 => DOLLAR,
            0x7b | 0x7d => BRACE,
            0x5c => BACKSLASH,
            0x3d => EQUAL,
            0x23 => HASH,
            0x2a => STAR,
            0x3a => COLON,
            0x2f => SLASH,
            0x40 => AT,
            0x2e => DOT,
            0x25 => PERCENT,
            0x2b => PLUS,
            0x2d => DASH,
            0x21 | 0x2c | 0x3f | 0x5b | 0x5d | 0x5e | 0x7e => MARK,
            0x80..=0xff => FOREIGN,
            _ => 0,
        };
        at += 1;
    }
    kinds
}

/// The kinds of all bytes of `bytes`.
pub(crate) fn kinds_of(bytes: &[u8]) -> u32 {
    bytes
        .iter()
        .fold(0, |kinds, byte| kinds | KINDS[usize::from(*byte)])
}

/// A decoded value.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Text<'t> {
    /// In lower case.
    pub(crate) low: &'t [u8],
    /// Kinds of its bytes.
    pub(crate) kinds: u32,
    /// Whether it read differently before decoding in a way that only evasion needs.
    pub(crate) overlong: bool,
}

impl<'t> Text<'t> {
    pub(crate) fn new(low: &'t [u8]) -> Self {
        Self {
            low,
            kinds: kinds_of(low),
            overlong: false,
        }
    }

    /// Whether any of `kinds` is in it.
    pub(crate) fn has(&self, kinds: u32) -> bool {
        self.kinds & kinds != 0
    }

    /// Whether `needle` is in it.
    pub(crate) fn contains(&self, needle: &str) -> bool {
        memchr::memmem::find(self.low, needle.as_bytes()).is_some()
    }

    /// Whether any of `needles` is in it.
    pub(crate) fn contains_any(&self, needles: &[&str]) -> bool {
        needles.iter().any(|needle| self.contains(needle))
    }

    /// Words with white space between them: prose has many, injected values few.
    pub(crate) fn is_prose(&self) -> bool {
        const WORDS: usize = 6;
        let words = self
            .low
            .split(u8::is_ascii_whitespace)
            .filter(|word| 1 < word.len() && word.iter().all(|b| is_prose_byte(*b)));
        words.take(WORDS).count() == WORDS
    }
}

fn is_prose_byte(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || byte >= 0x80 || matches!(byte, b',' | b'.' | b'?' | b'!' | b'\'')
}

/// Whether a byte belongs to a word.
pub(crate) fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80
}

/// `text` without white space and control characters in front.
pub(crate) fn trim_start(text: &[u8]) -> &[u8] {
    let blank = |byte: &u8| *byte <= b' ';
    let skip = text
        .iter()
        .position(|byte| !blank(byte))
        .unwrap_or(text.len());
    &text[skip..]
}

/// `text` without white space around it.
pub(crate) fn trim(text: &[u8]) -> &[u8] {
    trim_start(text).trim_ascii_end()
}

/// The word (letters, digits, `_`) at the start of `text`.
pub(crate) fn word(text: &[u8]) -> &[u8] {
    let end = text.iter().position(|byte| !is_word(*byte));
    &text[..end.unwrap_or(text.len())]
}

/// Places of `needle` in `text`.
pub(crate) fn find_all<'t>(text: &'t [u8], needle: &'t str) -> impl Iterator<Item = usize> + 't {
    memchr::memmem::find_iter(text, needle.as_bytes())
}
