//! SQL where a value should be: the value is read as it stands, and as if it broke out of a string
//! at each of its quotes; what follows is cut into tokens, and `shape` looks for constructs.

mod shape;
mod word;

use crate::text::{self, Text, is_word};
use crate::{Class, Hits, Place, limits};

pub(crate) use word::Word;

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A number, hexadecimal included.
    Number,
    /// A quoted string.
    Quoted { closed: bool },
    /// A word.
    Word(Word),
    /// `and`, `or`, `xor`, `||` and `&&` between operands, `where`, `having`, `when`.
    Logic,
    /// `=`, `<`, `>`, `<>`, `!=`, `<=`, `>=`, `<=>`
    Compare,
    /// `+ - * / % ^ | & ~ !`
    Sign,
    /// `||`
    Pipes,
    /// `,`
    Comma,
    /// `(`
    Open,
    /// `)`
    Close,
    /// `;`
    Semicolon,
    /// A comment; `ends` when nothing but a word may follow in it.
    Comment { ends: bool },
    /// `.`
    Dot,
    /// `@name`, `@@name`
    Variable,
    /// Anything else.
    Other,
}

/// One token.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Token {
    pub(crate) kind: Kind,
    pub(crate) start: usize,
    pub(crate) end: usize,
}

/// How the value meets the statement it is put into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Context {
    /// It stands for itself, as a number does.
    Bare,
    /// It leaves the string it is put into.
    BrokenOut,
}

/// The buffer of tokens.
#[derive(Debug, Default)]
pub(crate) struct Tokens {
    tokens: Vec<Token>,
    closes: Vec<u32>,
}

impl Tokens {
    /// Looks for SQL in `text`.
    pub(crate) fn look(&mut self, text: &Text<'_>, place: Place, hits: &mut Hits) {
        let scale = |confidence: u8| match place {
            // Long texts in bodies and agents hold quotes and words by chance.
            Place::Body | Place::Agent | Place::Referrer if text.is_prose() => {
                confidence.saturating_sub(if confidence < 90 { 25 } else { 5 })
            }
            _ if text.is_prose() => confidence.saturating_sub(if confidence < 88 { 12 } else { 0 }),
            _ => confidence,
        };
        let marks = text::QUOTE
            | text::PAREN
            | text::SEMICOLON
            | text::EQUAL
            | text::HASH
            | text::STAR
            | text::SPACE
            | text::PIPE
            | text::DASH
            | text::FOREIGN
            | text::ANGLE;
        if !text.has(marks) {
            return;
        }
        let low = text.low;
        self.run(low, 0, Context::Bare, &scale, hits);
        for quote in [b'\'', b'"', b'`'] {
            let mut places = memchr::memchr_iter(quote, low);
            let mut tried = 0;
            // The second quote ends what the first began; each odd one may break out.
            while let Some(at) = places.next() {
                if tried == limits::SQL_BREAKOUTS_MAX {
                    break;
                }
                tried += 1;
                places.next();
                if is_breakout(&low[at + 1..]) {
                    self.run(low, at + 1, Context::BrokenOut, &scale, hits);
                }
            }
        }
    }

    fn run(
        &mut self,
        low: &[u8],
        from: usize,
        context: Context,
        scale: &dyn Fn(u8) -> u8,
        hits: &mut Hits,
    ) {
        self.tokenise(low, from);
        self.pair();
        let shapes = shape::Shapes {
            low,
            from,
            tokens: &self.tokens,
            closes: &self.closes,
            context,
        };
        shapes.find(&mut |construct, confidence| {
            hits.add(Class::Sqli, construct, scale(confidence));
        });
    }

    /// Cuts `low[from..]` into tokens.
    fn tokenise(&mut self, low: &[u8], from: usize) {
        self.tokens.clear();
        let mut at = from;
        while at < low.len() && self.tokens.len() < limits::SQL_TOKENS_MAX {
            let byte = low[at];
            if byte <= b' ' || byte == 0xa0 || byte == 0xc2 && low.get(at + 1) == Some(&0xa0) {
                at += 1;
                continue;
            }
            let (kind, end) = token(low, at, self.tokens.last());
            self.tokens.push(Token {
                kind,
                start: at,
                end,
            });
            at = end;
        }
        self.join(low);
    }

    /// `sel/**/ect`: a comment inside a word does not part it for filters that strip comments.
    fn join(&mut self, low: &[u8]) {
        let mut at = 1;
        while at + 1 < self.tokens.len() {
            let [left, comment, right] =
                [self.tokens[at - 1], self.tokens[at], self.tokens[at + 1]];
            let parts = matches!(
                (left.kind, comment.kind, right.kind),
                (
                    Kind::Word(Word::Plain),
                    Kind::Comment { ends: false },
                    Kind::Word(Word::Plain)
                )
            );
            let glued = parts && left.end == comment.start && comment.end == right.start;
            let word = [&low[left.start..left.end], &low[right.start..right.end]].concat();
            if glued && Word::of(&word) != Word::Plain {
                self.tokens[at - 1].end = right.end;
                self.tokens[at - 1].kind = word_kind(Word::of(&word));
                self.tokens.drain(at..at + 2);
            } else {
                at += 1;
            }
        }
        // Comments that only stand for a space go; one that ends the statement stays.
        self.tokens
            .retain(|token| token.kind != Kind::Comment { ends: false });
    }

    /// For each opening parenthesis, the place of the closing one.
    fn pair(&mut self) {
        self.closes.clear();
        self.closes.resize(self.tokens.len(), u32::MAX);
        let mut open = Vec::new();
        for (at, token) in self.tokens.iter().enumerate() {
            match token.kind {
                Kind::Open => open.push(at),
                Kind::Close => {
                    if let Some(from) = open.pop() {
                        self.closes[from] = u32::try_from(at).unwrap_or(u32::MAX);
                    }
                }
                _ => {}
            }
        }
    }
}

/// Whether what follows a quote reads like the end of a string rather than like an apostrophe.
fn is_breakout(rest: &[u8]) -> bool {
    let glued = rest.first().is_some_and(|byte| is_word(*byte));
    if !glued {
        return true;
    }
    // `'or 1=1` and `'union select` are glued all the same.
    let word = text::word(rest);
    let spaced = rest.get(word.len()).is_some_and(|byte| !is_word(*byte));
    spaced && Word::of(word).continues_statement()
}

fn token(low: &[u8], at: usize, before: Option<&Token>) -> (Kind, usize) {
    let rest = &low[at..];
    let next = rest.get(1).copied().unwrap_or(0);
    match rest[0] {
        b'\'' | b'"' | b'`' => quoted(low, at),
        b'0'..=b'9' => (Kind::Number, at + number(rest)),
        b'.' if next.is_ascii_digit() && before.is_none_or(|b| b.end != at) => {
            (Kind::Number, at + 1 + number(&rest[1..]))
        }
        b'.' => (Kind::Dot, at + 1),
        b',' => (Kind::Comma, at + 1),
        b'(' => (Kind::Open, at + 1),
        b')' => (Kind::Close, at + 1),
        b';' => (Kind::Semicolon, at + 1),
        b'@' => (Kind::Variable, at + variable(rest)),
        b'-' if next == b'-' => dashes(low, at),
        b'#' => (
            Kind::Comment {
                ends: is_tail(&rest[1..]),
            },
            low.len(),
        ),
        b'/' if next == b'*' => comment(low, at),
        b'*' if next == b'/' => (Kind::Comment { ends: false }, at + 2),
        b'|' if next == b'|' => (Kind::Pipes, at + 2),
        b'&' if next == b'&' => (Kind::Logic, at + 2),
        b'<' | b'>' | b'=' => {
            let len = rest.iter().take_while(|b| matches!(b, b'<' | b'>' | b'='));
            (Kind::Compare, at + len.count().min(3))
        }
        b'!' if next == b'=' => (Kind::Compare, at + 2),
        b'+' | b'-' | b'*' | b'/' | b'%' | b'^' | b'|' | b'&' | b'~' | b'!' => (Kind::Sign, at + 1),
        byte if is_word(byte) || byte == b'$' => {
            let word = word::spelled(rest);
            (word_kind(Word::of(word)), at + word.len().max(1))
        }
        _ => (Kind::Other, at + 1),
    }
}

fn word_kind(word: Word) -> Kind {
    match word {
        Word::Logic => Kind::Logic,
        word => Kind::Word(word),
    }
}

/// A quoted string; a doubled quote and a backslash keep it open.
fn quoted(low: &[u8], at: usize) -> (Kind, usize) {
    let quote = low[at];
    let mut end = at + 1;
    while let Some(byte) = low.get(end) {
        if *byte == b'\\' {
            end += 2;
        } else if *byte != quote {
            end += 1;
        } else if low.get(end + 1) == Some(&quote) && end > at + 1 {
            end += 2;
        } else {
            return (Kind::Quoted { closed: true }, end + 1);
        }
    }
    (Kind::Quoted { closed: false }, low.len())
}

fn number(rest: &[u8]) -> usize {
    if rest.starts_with(b"0x") {
        let digits = rest[2..].iter().take_while(|b| b.is_ascii_hexdigit());
        return 2 + digits.count();
    }
    let digits = rest
        .iter()
        .take_while(|b| b.is_ascii_digit() || **b == b'.');
    digits.count()
}

fn variable(rest: &[u8]) -> usize {
    let marks = rest.iter().take_while(|byte| **byte == b'@').count();
    marks + text::word(&rest[marks..]).len()
}

/// `--` begins a comment to the end; only when little follows does it end an injected value.
fn dashes(low: &[u8], at: usize) -> (Kind, usize) {
    let rest = &low[at + 2..];
    if rest.first().is_none_or(|byte| !is_word(*byte)) {
        return (
            Kind::Comment {
                ends: is_tail(rest),
            },
            low.len(),
        );
    }
    (Kind::Sign, at + 1)
}

/// What may follow a comment sign that ends an injected value: nothing, marks, or one word.
fn is_tail(rest: &[u8]) -> bool {
    const WORD_MAX: usize = 12;
    let rest = text::trim(rest);
    let marks = rest
        .iter()
        .take_while(|byte| matches!(byte, b'-' | b'+' | b' ' | b'/' | b'*'))
        .count();
    let rest = &rest[marks..];
    rest.len() <= WORD_MAX && rest.iter().all(|byte| is_word(*byte))
}

/// `/* .. */`; the inside of `/*! .. */` is read, because MySQL reads it.
fn comment(low: &[u8], at: usize) -> (Kind, usize) {
    let rest = &low[at + 2..];
    if let Some(version) = rest.strip_prefix(b"!") {
        let digits = version.iter().take_while(|b| b.is_ascii_digit()).count();
        return (Kind::Comment { ends: false }, at + 3 + digits);
    }
    match memchr::memmem::find(rest, b"*/") {
        Some(end) => (Kind::Comment { ends: false }, at + 2 + end + 2),
        None => (
            Kind::Comment {
                ends: is_tail(rest),
            },
            low.len(),
        ),
    }
}
