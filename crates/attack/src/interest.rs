//! The cheap look: whether a value may hold anything at all.
//!
//! Most paths and parameters are letters, digits and a few marks that no construct can be made of.
//! What could still be hidden in them are names of files and commands, so the words that those
//! begin with are looked for in the same pass.

use crate::text::{self, KINDS};
use crate::{Place, decode};

/// Kinds that no construct of a short value is made of by itself.
const DULL: u32 = text::SLASH
    | text::DOT
    | text::DASH
    | text::EQUAL
    | text::AMPERSAND
    | text::MARK
    | text::COLON
    | text::AT
    | text::PLUS;

/// Kinds that stand in every browser's user agent.
const DULL_IN_AGENTS: u32 = DULL | text::PAREN | text::SEMICOLON | text::SPACE;

/// Four bytes of each name that a plain value is looked at for: files of systems, folders of
/// commands, schemes with their colon.
const WORDS: [[u8; 4]; 24] = [
    *b"etc/", *b"etcp", *b"roc/", *b"bin/", *b"-inf", *b"oot.", *b"win.", *b"ows/", *b"swin",
    *b"nnt/", *b"tpub", *b"al.a", *b"em32", *b"m.in", *b"ile:", *b"php:", *b"ata:", *b"ipt:",
    *b"her:", *b"ict:", *b"dap:", *b"0x2e", *b"id_r", *b"ssh/",
];

/// Whether the whole target (path and query) may hold anything.
pub(crate) fn target(target: &[u8]) -> bool {
    may_hold(target, DULL) || has_run(target)
}

/// Whether there is a run of letters and digits that may be base64.
fn has_run(target: &[u8]) -> bool {
    let mut runs = target.split(|byte| KINDS[usize::from(*byte)] != 0);
    runs.any(|run| run.len() >= RUN_MIN && decode::may_be_base64(run))
}

/// Whether a value may hold anything.
pub(crate) fn value(value: &[u8], place: Place) -> bool {
    match place {
        Place::Agent => agent(value),
        // An ampersand inside a value has been encoded on purpose.
        Place::Query | Place::Body | Place::Header if decode::may_be_base64(value) => true,
        _ => may_hold(value, DULL & !text::AMPERSAND),
    }
}

/// A user agent is full of parentheses and semicolons; only other marks are of interest.
fn agent(value: &[u8]) -> bool {
    let kinds = text::kinds_of(value);
    if kinds & !DULL_IN_AGENTS != 0 {
        return true;
    }
    // `() {` needs a brace, `sleep(5)` a parenthesis behind a letter.
    let calls = value
        .windows(2)
        .any(|pair| pair[1] == b'(' && text::is_word(pair[0]));
    calls
        || memchr::memmem::find(value, b"../").is_some()
        || memchr::memmem::find(value, b"--").is_some()
}

fn may_hold(value: &[u8], dull: u32) -> bool {
    let mut kinds = 0;
    let mut before = b'/';
    let mut last = 0_u32;
    let mut found = false;
    for byte in value {
        let kind = KINDS[usize::from(*byte)];
        kinds |= kind;
        last = last << 8 | u32::from(*byte | 0x20);
        found |=
            *byte == b'.' && before == b'.' || WANTED[usize::from(byte | 0x20)] && is_wanted(last);
        before = *byte;
    }
    found
        || kinds & !dull != 0 && (kinds & !dull != text::SPACE || has_statement(value))
        || kinds & text::PLUS != 0 && has_statement(value)
        || value.len() < 3 && kinds & !dull != 0
}

/// Last bytes of [`WORDS`] and of the short signs.
const WANTED: [bool; 256] = wanted();

const fn wanted() -> [bool; 256] {
    let mut wanted = [false; 256];
    let mut at = 0;
    while at < WORDS.len() {
        wanted[(WORDS[at][3] | 0x20) as usize] = true;
        at += 1;
    }
    wanted
}

/// The words as numbers, ascending.
const NUMBERS: [u32; WORDS.len()] = {
    let mut numbers = [0; WORDS.len()];
    let mut at = 0;
    while at < WORDS.len() {
        let [a, b, c, d] = WORDS[at];
        numbers[at] = u32::from_be_bytes([a | 0x20, b | 0x20, c | 0x20, d | 0x20]);
        // Insertion keeps them in order.
        let mut place = at;
        while place > 0 && numbers[place - 1] > numbers[place] {
            let larger = numbers[place - 1];
            numbers[place - 1] = numbers[place];
            numbers[place] = larger;
            place -= 1;
        }
        at += 1;
    }
    numbers
};

/// `/./`
const SELF_SEGMENT: u32 = 0x002f_2e2f;
/// `://`
const AUTHORITY: u32 = 0x003a_2f2f;
/// `=//`
const HOST_AFTER_EQUAL: u32 = 0x003d_2f2f;
/// `//` at the start
const HOST: u32 = 0x2f2f;
/// Letters and digits in a row from which a whole target is looked at for base64.
const RUN_MIN: usize = 16;

fn is_wanted(last: u32) -> bool {
    let short = last & 0x00ff_ffff;
    short == AUTHORITY
        || short == SELF_SEGMENT
        || short == HOST_AFTER_EQUAL
        || last == HOST
        || NUMBERS.binary_search(&last).is_ok()
}

/// Whether words with spaces between them may be a statement: `union select`, `order by`, a
/// command with its argument.
fn has_statement(value: &[u8]) -> bool {
    const STARTS: [&[u8]; 14] = [
        b"union",
        b"select",
        b"order",
        b"waitfor",
        b"where",
        b"having",
        b"or",
        b"and",
        b"rlike",
        b"xor",
        b"ping",
        b"cat",
        b"dir",
        b"procedure",
    ];
    value
        .split(|byte| !text::is_word(*byte))
        .any(|word| STARTS.iter().any(|start| start.eq_ignore_ascii_case(word)))
}
