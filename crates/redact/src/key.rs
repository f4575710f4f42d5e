//! Key names: what a field or an inner key is called says what its value is.
//!
//! A name is cut at dots and brackets into segments and each segment at case changes and separators
//! into words. Words are compared whole: `passenger`, `tokens_in`, `author` and `monkey` hold no
//! word of the table. A table row counts as a whole segment, or as its last words, or as the last
//! words of the path (`session.id`); a container (`credentials.value`) covers its children.

mod cache;
mod headers;
mod names;

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use crate::kind::Kind;
use crate::limits;

use cache::Cache;

/// The table as text, for the digest of a policy.
pub(crate) fn each_row(mut take: impl FnMut(&str, &str)) {
    for (class, reach, words) in names::ROWS {
        take(&format!("{class:?} {reach:?}"), words);
    }
    for words in [
        names::COMPOUND_ENDINGS,
        names::COUNTING,
        names::DESCRIBING,
        names::HOLDING,
    ] {
        take("words", &words.join(" "));
    }
}

/// What a name says about its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Class {
    /// Gone, whatever it looks like.
    Drop(Kind),
    /// Keyed hash, whatever it looks like.
    Hash(Kind),
    /// A word with other meanings: dropped when the value is unguessable.
    DropOpaque(Kind),
    /// A word with other meanings: hashed when the value is unguessable.
    HashOpaque(Kind),
    /// `code`: hashed where the text speaks of OAuth.
    OauthCode,
    /// Scheme kept, credentials gone.
    Authorization,
    /// Cookie pairs: names kept, values hashed.
    Cookie,
    /// Scheme and host kept.
    Connection,
    /// Masked when it is a card number, gone when it is something else with many digits.
    Card,
    /// Gone when it has three or four digits.
    CardCode,
    /// A header that is not known to be harmless: gone.
    Header,
    /// Gone when the number's own check agrees.
    Checked(Kind, Check),
}

/// A value's own proof that it is what an ambiguous name says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Check {
    Luhn9,
    Aba,
    Npi,
    Nhs,
    Nino,
    Aadhaar,
    Cpf,
    Dni,
    Bsn,
    Imei,
    Tax,
    Passport,
}

impl Class {
    /// Whether the word has other meanings, so that a number behind it makes it another word.
    pub(crate) fn is_weak(self) -> bool {
        matches!(
            self,
            Self::DropOpaque(_) | Self::HashOpaque(_) | Self::OauthCode
        )
    }

    /// Whether an object or a list under this name goes as one.
    pub(crate) fn holds_containers(self) -> bool {
        matches!(self, Self::Drop(_) | Self::Hash(_))
    }

    /// Whether a parent of this class covers children of any name.
    fn covers_children(self) -> bool {
        matches!(
            self,
            Self::Drop(_) | Self::Authorization | Self::Cookie | Self::Connection
        )
    }
}

/// How much of a name must agree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reach {
    /// All words of the last segment.
    Whole,
    /// Its last words are enough.
    Suffix,
}

/// FNV-1a: the rows are fixed before the first stranger's name is looked up, so nobody can crowd a
/// bucket, and the words are short.
#[derive(Debug)]
struct Fnv(u64);

impl Default for Fnv {
    fn default() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
}

impl Hasher for Fnv {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

/// The table of names, with the operator's additions.
#[derive(Debug)]
pub(crate) struct Keys {
    rows: HashMap<Box<str>, (Class, Reach), BuildHasherDefault<Fnv>>,
    public: Vec<String>,
    /// Last three letters of every row, two as place and one as bit: the cheap first question
    /// about any candidate.
    endings: [u32; 1024],
    cache: Cache,
}

impl Keys {
    /// `secret` names are dropped as kind `custom`, `public` names are never secret.
    pub(crate) fn new(secret: &[String], public: &[String], seed: u64) -> Self {
        let mut keys = Self {
            rows: HashMap::default(),
            public: public.iter().map(|name| joined(name)).collect(),
            endings: [0; 1024],
            cache: Cache::new(seed),
        };
        for (class, reach, words) in names::ROWS {
            for word in words.split_whitespace() {
                keys.add(word, *class, *reach);
            }
        }
        for name in secret {
            keys.add(&joined(name), Class::Drop(Kind::Custom), Reach::Suffix);
        }
        keys
    }

    fn add(&mut self, word: &str, class: Class, reach: Reach) {
        let bare = word
            .trim_end_matches(|c: char| c.is_ascii_digit())
            .as_bytes();
        match bare {
            [.., third, a, b] => self.endings[ending(*a, *b)] |= 1 << (third & 31),
            [a, b] => self.endings[ending(*a, *b)] = u32::MAX,
            _ => {}
        }
        self.rows.insert(word.into(), (class, reach));
    }

    /// What the whole name of a field says: as [`Keys::classify`], and unknown headers.
    pub(crate) fn classify_field(&self, name: &[u8]) -> Option<Class> {
        let class = self.classify(name);
        let public = || !self.public.is_empty() && self.is_public_name(name);
        class.or_else(|| (headers::is_unknown(name) && !public()).then_some(Class::Header))
    }

    fn is_public_name(&self, name: &[u8]) -> bool {
        let mut words = [Word::default(); WORDS_MAX];
        let mut text = [0; limits::KEY_BYTES_MAX];
        let (words, len) = split(name, &mut words, &mut text);
        let text = std::str::from_utf8(&text[..len]).unwrap_or("");
        let last = words.last().map_or(0, |word| word.segment);
        let own = words.partition_point(|word| word.segment < last);
        own < words.len() && self.is_public(text, words, own)
    }

    /// Whether a name that ends in `last` can be in the table: one look at three letters.
    #[inline]
    pub(crate) fn may_end(&self, last: &[u8]) -> bool {
        if let [.., third, a, b] = last
            && third.is_ascii_alphabetic()
            && a.is_ascii_alphabetic()
            && b.is_ascii_alphabetic()
        {
            return self.endings[ending(*a, *b)] & 1 << (third & 31) != 0;
        }
        self.may_end_apart(last)
    }

    /// As [`Keys::may_end`] for names that end in digits or separators.
    fn may_end_apart(&self, last: &[u8]) -> bool {
        let mut letters = last
            .iter()
            .rev()
            .skip_while(|b| b.is_ascii_digit())
            .filter(|b| b.is_ascii_alphanumeric());
        match (letters.next(), letters.next()) {
            (Some(b), Some(a)) => {
                let third = letters.next().copied().unwrap_or(0);
                self.endings[ending(*a, *b)] & 1 << (third & 31) != 0
            }
            _ => false,
        }
    }

    /// What `name` says, if anything; known names cost one look.
    pub(crate) fn classify(&self, name: &[u8]) -> Option<Class> {
        self.cache.get(name, || self.judge(name))
    }

    fn judge(&self, name: &[u8]) -> Option<Class> {
        let mut words = [Word::default(); WORDS_MAX];
        let mut text = [0; limits::KEY_BYTES_MAX];
        let (words, len) = split(name, &mut words, &mut text);
        let text = std::str::from_utf8(&text[..len]).unwrap_or("");
        let last_segment = words.last()?.segment;
        let own = words.partition_point(|word| word.segment < last_segment);
        if !self.public.is_empty() && self.is_public(text, words, own) {
            return None;
        }
        self.own_class(text, words, own)
            .or_else(|| self.parent_class(text, words, own))
    }

    fn is_public(&self, text: &str, words: &[Word], own: usize) -> bool {
        let segment = &text[words[own].start..];
        self.public
            .iter()
            .any(|name| name == segment || name == text)
    }

    /// By the last segment, or by the last words of the path.
    fn own_class(&self, text: &str, words: &[Word], own: usize) -> Option<Class> {
        let whole = &text[words[own].start..];
        match self.row(whole) {
            // `country.code` and its like are everywhere; a grant's code comes as `code` alone.
            Some((Class::OauthCode, _)) if own > 0 => {}
            Some((class, _)) => return Some(class),
            None => {}
        }
        if whole.starts_with(is_not_letter) {
            return None;
        }
        let exempt = words.len().checked_sub(2).map(|at| words[at].of(text));
        if exempt.is_some_and(|word| names::COUNTING.contains(&word)) {
            return None;
        }
        let from = words.len().saturating_sub(4);
        let by_words = (from..words.len())
            .filter_map(|at| self.row(&text[words[at].start..]).map(|row| (at, row)))
            .find(|(at, (_, reach))| *at < own || *reach == Reach::Suffix)
            .map(|(_, (class, _))| class);
        by_words.or_else(|| {
            let last = words.last().map_or("", |word| word.of(text));
            let compound = names::COMPOUND_ENDINGS
                .iter()
                .find(|end| last.ends_with(**end))?;
            self.row(compound).map(|(class, _)| class)
        })
    }

    /// By a container above, unless the child only describes the secret.
    fn parent_class(&self, text: &str, words: &[Word], own: usize) -> Option<Class> {
        let child = &text[words[own].start..];
        if own == 0 || names::DESCRIBING.contains(&child) {
            return None;
        }
        let mut end = own;
        while end > 0 {
            let segment = words[end - 1].segment;
            let start = words[..end].partition_point(|word| word.segment < segment);
            let text = &text[..words[end - 1].end];
            let class = self.own_class(text, &words[..end], start);
            if let Some(class) = class.filter(|class| class.covers_children()) {
                return Some(class);
            }
            if let Some(Class::Hash(kind)) = class
                && names::HOLDING.contains(&child)
            {
                return Some(Class::Hash(kind));
            }
            end = start;
        }
        None
    }

    fn row(&self, word: &str) -> Option<(Class, Reach)> {
        if !self.may_end(word.as_bytes()) {
            return None;
        }
        self.rows.get(word).copied().or_else(|| {
            let bare = word.trim_end_matches(|c: char| c.is_ascii_digit());
            let numbered = bare.len() < word.len() && word.len() - bare.len() <= 2;
            let row = self.rows.get(bare).copied().filter(|_| numbered);
            row.filter(|(class, _)| !class.is_weak())
        })
    }
}

fn is_not_letter(c: char) -> bool {
    !c.is_ascii_alphabetic()
}

fn ending(a: u8, b: u8) -> usize {
    usize::from(a & 31) << 5 | usize::from(b & 31)
}

/// Words of one name that are told apart; a name with more keeps its last ones.
const WORDS_MAX: usize = 24;

#[derive(Clone, Copy, Debug, Default)]
struct Word {
    start: usize,
    end: usize,
    segment: u16,
}

impl Word {
    fn of(self, text: &str) -> &str {
        &text[self.start..self.end]
    }
}

/// Cuts `name` into words whose lower-case letters lie one after the other in `text`.
fn split<'a>(
    name: &[u8],
    words: &'a mut [Word; WORDS_MAX],
    text: &mut [u8; limits::KEY_BYTES_MAX],
) -> (&'a [Word], usize) {
    let bytes = &name[name.len().saturating_sub(limits::KEY_BYTES_MAX)..];
    let (mut count, mut len, mut segment, mut fresh) = (0, 0, 0, true);
    for (at, byte) in bytes.iter().enumerate() {
        if !byte.is_ascii_alphanumeric() {
            segment += u16::from(matches!(byte, b'.' | b'[' | b'/'));
            fresh = true;
            continue;
        }
        let before = at.checked_sub(1).map_or(0, |before| bytes[before]);
        let after = bytes.get(at + 1).copied().unwrap_or(0);
        let hump = byte.is_ascii_uppercase()
            && (before.is_ascii_lowercase()
                || before.is_ascii_uppercase() && after.is_ascii_lowercase());
        if fresh || hump {
            if count == WORDS_MAX {
                words.copy_within(1.., 0);
                count -= 1;
            }
            words[count] = Word {
                start: len,
                end: len,
                segment,
            };
            count += 1;
            fresh = false;
        }
        text[len] = byte.to_ascii_lowercase();
        len += 1;
        words[count - 1].end = len;
    }
    (&words[..count], len)
}

fn joined(name: &str) -> String {
    name.chars()
        .filter(char::is_ascii_alphanumeric)
        .map(|c| c.to_ascii_lowercase())
        .collect()
}

#[cfg(test)]
mod tests;
