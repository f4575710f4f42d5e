//! Literals that any text matching a regular expression must hold, in lower case.
//!
//! With them a rule about a regular expression is only looked at when one of its literals shows.
//! Sound by construction: lower-casing goes character by character, so a text that holds a literal
//! holds the lower-cased literal when itself lower-cased; a class of characters counts as a literal
//! only when all of them fold to the same text.

use regex_syntax::ParserBuilder;
use regex_syntax::hir::{Class, Hir, HirKind};

use crate::predicate::fold;

/// Alternatives beyond which the bare presence of the field is the better sign.
const LITERALS_MAX: usize = 64;
/// Bytes below which a literal shows in nearly every text.
const BYTES_MIN: usize = 3;
/// Characters of a class that are looked at.
const CLASS_MAX: usize = 8;

/// Flags of a regular expression.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Flags {
    /// `i`
    pub(crate) ignore_case: bool,
    /// `m`
    pub(crate) multi_line: bool,
    /// `s`
    pub(crate) dot_all: bool,
}

/// Literals of which any match holds at least one; empty when nothing is known.
pub(crate) fn required(pattern: &str, flags: Flags) -> Vec<String> {
    let hir = ParserBuilder::new()
        .case_insensitive(flags.ignore_case)
        .multi_line(flags.multi_line)
        .dot_matches_new_line(flags.dot_all)
        .build()
        .parse(pattern);
    let set = hir.ok().and_then(|hir| any_of(&hir));
    set.filter(|set| score(set) >= BYTES_MIN)
        .unwrap_or_default()
}

/// A set is as good as its shortest literal.
fn score(set: &[String]) -> usize {
    set.iter().map(String::len).min().unwrap_or(0)
}

fn any_of(hir: &Hir) -> Option<Vec<String>> {
    if let Some(text) = single(hir) {
        return Some(vec![text]);
    }
    match hir.kind() {
        HirKind::Capture(capture) => any_of(&capture.sub),
        HirKind::Repetition(repetition) if repetition.min > 0 => any_of(&repetition.sub),
        HirKind::Alternation(parts) => {
            let mut union = Vec::new();
            for part in parts {
                union.extend(any_of(part)?);
                if union.len() > LITERALS_MAX {
                    return None;
                }
            }
            union.sort();
            union.dedup();
            Some(union)
        }
        HirKind::Concat(parts) => best_of(parts),
        _ => None,
    }
}

/// The best set among runs of literals and among the parts between them.
fn best_of(parts: &[Hir]) -> Option<Vec<String>> {
    let mut best: Option<Vec<String>> = None;
    let mut offer = |set: Vec<String>| {
        let beats = |known: &Vec<String>| {
            (score(&set), usize::MAX - set.len()) > (score(known), usize::MAX - known.len())
        };
        if best.as_ref().is_none_or(beats) {
            best = Some(set);
        }
    };
    let mut run = String::new();
    for part in parts {
        if matches!(part.kind(), HirKind::Look(_) | HirKind::Empty) {
            continue;
        }
        if let Some(text) = single(part) {
            run.push_str(&text);
            continue;
        }
        if !run.is_empty() {
            offer(vec![std::mem::take(&mut run)]);
        }
        if let Some(set) = any_of(part) {
            offer(set);
        }
    }
    if !run.is_empty() {
        offer(vec![run]);
    }
    best
}

/// The one text that `hir` stands for after folding.
fn single(hir: &Hir) -> Option<String> {
    match hir.kind() {
        HirKind::Literal(literal) => std::str::from_utf8(&literal.0).ok().map(fold),
        HirKind::Class(Class::Unicode(class)) => {
            let mut members = class.iter().flat_map(|range| range.start()..=range.end());
            let first = fold(members.next()?.encode_utf8(&mut [0; 4]));
            let mut seen = 1;
            for member in members {
                seen += 1;
                if seen > CLASS_MAX || fold(member.encode_utf8(&mut [0; 4])) != first {
                    return None;
                }
            }
            Some(first)
        }
        HirKind::Capture(capture) => single(&capture.sub),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(pattern: &str, expected: &[&str]) {
        let flags = Flags::default();
        assert_eq!(required(pattern, flags), expected, "{pattern}");
    }

    #[test]
    fn literals_that_must_show() {
        check(r"powershell\.exe\s+-enc", &["powershell.exe"]);
        check("(?i)Password=", &["password="]);
        check("a|b", &[]);
        check("(foo1|BAR22)x", &["bar22", "foo1"]);
        check(r"^\w+$", &[]);
        check("(?:abc){2,}", &["abc"]);
        check("(?:abc)?defg", &["defg"]);
        check(r"user\b-agent", &["user-agent"]);
        check("(?i)kiss", &["kiss"]);
        check("x{0,3}", &[]);
        check("(", &[]);
    }
}
