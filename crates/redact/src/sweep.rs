//! Stage two: from bitmaps to candidates. Most texts have none, and this is all that they cost.
//!
//! A candidate is a place where a detector could start, told from the classes of its neighbours
//! alone: a token long enough for a maker's prefix, digits in a number that carries a check, a `=`
//! or `:` behind a name. The detectors do the reading.

use crate::classes::{self, BLOCK, Block};
use crate::credential;
use crate::number;
use crate::pair;
use crate::scan::Scan;
use crate::vendor;

/// Blocks made at a time; one more is looked ahead. 512 bytes stay in the nearest cache.
const STRIDE: usize = 8;

/// Encodings that a text shows.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Escapes {
    pub(crate) percent: bool,
    pub(crate) json: bool,
}

/// Last bits of the block before.
#[derive(Clone, Copy, Debug)]
struct Carry {
    alnum: u64,
    digit: u64,
    dash: u64,
    opener: u64,
    base64: u64,
}

impl Carry {
    /// Before the text: nothing, and a word may start.
    const START: Self = Self {
        alnum: 0,
        digit: 0,
        dash: 0,
        opener: 1,
        base64: 0,
    };
}

/// Where in a block which detector could start.
#[derive(Clone, Copy, Debug)]
struct Candidates {
    /// A long token: a maker's prefix may open it.
    vendor: u64,
    /// `Basic` or `Bearer`.
    scheme: u64,
    /// Five dashes: a PEM line.
    pem: u64,
    /// Three digits or more.
    number: u64,
    /// One capital or two before digits: IBAN and its like.
    letters: u64,
    /// Twelve digits behind a letter.
    labelled: u64,
    /// A token that could be encoded text.
    long: u64,
    /// `=` or `:` behind a name.
    pair: u64,
    /// `/` before a long token.
    segment: u64,
    /// `-` where a word may start.
    flag: u64,
    rare: u64,
}

/// Hands every candidate of `text` to its detector.
pub(crate) fn text(scan: &mut Scan<'_>, text: &[u8]) -> Escapes {
    let mut escapes = Escapes::default();
    if text.len() <= BLOCK {
        let mut block = [Block::default()];
        scan.rules.classifier.fill(text, &mut block);
        let [block] = block;
        let mut carry = Carry::START;
        let found = candidates(&block, &Block::default(), &mut carry);
        judge(scan, text, 0, &block, &found, &mut escapes);
        return escapes;
    }
    let mut blocks = [Block::default(); STRIDE + 1];
    let mut carry = Carry::START;
    let count = classes::count(text.len());
    let (mut base, mut made) = (0, 0);
    while base < count {
        let wanted = (count - base).min(STRIDE + 1);
        let from = (base + made) * BLOCK;
        if made < wanted {
            let to = text.len().min((base + wanted) * BLOCK);
            let target = &mut blocks[made..wanted];
            scan.rules.classifier.fill(&text[from..to], target);
        }
        let last = wanted == count - base;
        let done = if last { wanted } else { STRIDE };
        for at in 0..done {
            let next = blocks.get(at + 1).filter(|_| at + 1 < wanted);
            let next = next.copied().unwrap_or_default();
            let found = candidates(&blocks[at], &next, &mut carry);
            judge(
                scan,
                text,
                (base + at) * BLOCK,
                &blocks[at],
                &found,
                &mut escapes,
            );
        }
        blocks[0] = blocks[STRIDE];
        made = 1;
        base += done;
    }
    escapes
}

#[inline]
fn candidates(here: &Block, next: &Block, carry: &mut Carry) -> Candidates {
    let before_alnum = here.alnum << 1 | carry.alnum;
    let before_opener = here.opener << 1 | carry.opener;
    let starts = here.alnum & !before_alnum;
    let token = here.alnum | here.joint | here.stop;
    let (token8, token8_next) = classes::runs(token, next.alnum | next.joint | next.stop, 3);
    let token15 = token8 & classes::down(token8, token8_next, 7);
    let base64 = here.alnum | here.joint | here.slash;
    let (base64_8, base64_8_next) = classes::runs(base64, next.alnum | next.joint | next.slash, 3);
    let base64_20 = base64_8
        & classes::down(base64_8, base64_8_next, 8)
        & classes::down(base64_8, base64_8_next, 12);
    let digit_down = |by| classes::down(here.digit, next.digit, by);
    let upper2 = here.upper & classes::down(here.upper, next.upper, 1);
    let (digit4, digit4_next) = classes::runs(here.digit, next.digit, 2);
    let digit12 =
        digit4 & classes::down(digit4, digit4_next, 4) & classes::down(digit4, digit4_next, 8);
    let before_digit = here.digit << 1 | carry.digit;
    let before_dash = here.dash << 1 | carry.dash;
    let (dash4, dash4_next) = classes::runs(here.dash, next.dash, 2);
    let found = Candidates {
        vendor: starts & token15,
        scheme: starts & here.b,
        pem: dash4 & classes::down(dash4, dash4_next, 1) & !before_dash,
        number: starts & here.digit & digit_down(1) & digit_down(2),
        letters: starts & here.upper & (upper2 | digit_down(1)) & digit_down(2) & digit_down(3),
        labelled: digit12 & !before_digit & before_alnum,
        long: base64_20 & !(base64 << 1 | carry.base64),
        pair: here.pair & (before_alnum | before_opener),
        segment: here.slash & before_alnum & classes::down(token15, next.alnum, 1),
        flag: here.dash & before_opener,
        rare: here.rare,
    };
    *carry = Carry {
        alnum: here.alnum >> 63,
        digit: here.digit >> 63,
        dash: here.dash >> 63,
        opener: here.opener >> 63,
        base64: base64 >> 63,
    };
    found
}

fn judge(
    scan: &mut Scan<'_>,
    text: &[u8],
    base: usize,
    block: &Block,
    found: &Candidates,
    escapes: &mut Escapes,
) {
    let names = names(scan, text, base, block, found.pair);
    let seldom = found.scheme | found.pem | found.letters | found.labelled | found.segment;
    let often = found.vendor | found.number | found.long | names | found.flag | found.rare;
    if seldom | often == 0 {
        return;
    }
    for at in places(found.vendor, base) {
        vendor::at(scan, text, at);
    }
    for at in places(found.number, base) {
        number::digits(scan, text, at);
    }
    for at in places(found.long, base) {
        scan.long_token(text, at);
    }
    if seldom != 0 {
        judge_seldom(scan, text, base, found);
    }
    for at in places(names, base) {
        if text[at..].starts_with(b"://") {
            credential::user_info(scan, text, at);
        }
        pair::at(scan, text, at);
    }
    for at in places(found.flag, base) {
        pair::flag(scan, text, at);
    }
    for at in places(found.rare, base) {
        rare(scan, text, at, escapes);
    }
}

fn judge_seldom(scan: &mut Scan<'_>, text: &[u8], base: usize, found: &Candidates) {
    for at in places(found.scheme, base) {
        credential::http_scheme(scan, text, at);
    }
    for at in places(found.pem, base) {
        credential::pem(scan, text, at);
    }
    for at in places(found.letters, base) {
        number::letters(scan, text, at);
    }
    for at in places(found.labelled, base) {
        number::labelled(scan, text, at);
    }
    for at in places(found.segment, base) {
        pair::path_segment(scan, text, at);
    }
}

/// The `=` and `:` of `pairs` that may follow a telling name. Most names fall here: they lie in
/// this block whole, hold no separator of paths and end in letters that no row of the table ends
/// in. What cannot be told so cheaply stays.
#[inline]
fn names(scan: &Scan<'_>, text: &[u8], base: usize, block: &Block, pairs: u64) -> u64 {
    let (mut rest, mut kept) = (pairs, 0);
    while rest != 0 {
        let at = rest.trailing_zeros();
        let bit = rest & rest.wrapping_neg();
        rest ^= bit;
        let quoted = at > 0 && matches!(text[base + at as usize - 1], b'"' | b'\'');
        let end = at - u32::from(quoted);
        if end == 0 {
            kept |= bit;
            continue;
        }
        let plain = block.alnum | block.joint;
        let len = (plain << (64 - end)).leading_ones();
        let before = end - len;
        let from = base + before as usize;
        // A name that reaches back to the block's start, or on over a dot, a bracket or a percent
        // escape, is longer than what is seen here.
        let whole = before > 0 && !matches!(text[from - 1], b'.' | b'$' | b'%' | b'[' | b']');
        let name = &text[from..base + end as usize];
        let telling = !whole || name.is_empty() || scan.rules.keys.may_end(name);
        let scheme = block.slash >> at & 2 != 0 || at == 63;
        if telling || scheme {
            kept |= bit;
        }
    }
    kept
}

fn rare(scan: &mut Scan<'_>, text: &[u8], at: usize, escapes: &mut Escapes) {
    match text[at] {
        b'%' => escapes.percent |= crate::decode::is_percent(text, at),
        b'\\' => escapes.json = true,
        b'>' => pair::at(scan, text, at),
        b'<' if text[at + 1..].first() == Some(&b'<') => number::mrz(scan, text, at),
        b'@' if scan.rules.find_emails => credential::email(scan, text, at),
        b'+' if scan.rules.find_phones => number::phone(scan, text, at),
        _ => {}
    }
}

/// The positions of the set bits.
#[inline]
fn places(mut bits: u64, base: usize) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let at = bits.trailing_zeros() as usize;
        let rest = bits.checked_sub(1)?;
        bits &= rest;
        Some(base + at)
    })
}
