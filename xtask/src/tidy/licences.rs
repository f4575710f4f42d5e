//! Licences of everything that is linked for this machine, read as SPDX expressions.

use crate::tidy::{Findings, House};

/// Licences that allow what we do with them. Decision 0007.
const ACCEPTED: &[&str] = &[
    "Apache-2.0",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "ISC",
    "MIT",
    "MPL-2.0",
    "Unicode-3.0",
    "Zlib",
];

pub(super) fn check(house: &House, findings: &mut Findings) {
    for borrowed in &house.borrowed {
        if !is_accepted(&borrowed.licence) {
            let message = format!("`{}` has the licence `{}`", borrowed.name, borrowed.licence);
            findings.add("Cargo.lock", 0, message);
        }
    }
}

/// Whether some choice the expression offers is covered by accepted licences. An exception
/// (`WITH`) only gives more rights, and `/` is an old way to write `OR`.
pub(super) fn is_accepted(expression: &str) -> bool {
    let spaced = expression
        .replace('/', " OR ")
        .replace('(', " ( ")
        .replace(')', " ) ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let mut reader = Reader { words: &words };
    reader.any() && reader.words.is_empty()
}

/// What is left of an expression.
struct Reader<'a> {
    words: &'a [&'a str],
}

impl Reader<'_> {
    fn take(&mut self, word: &str) -> bool {
        match self.words.split_first() {
            Some((first, rest)) if *first == word => {
                self.words = rest;
                true
            }
            _ => false,
        }
    }

    /// `a OR b`
    fn any(&mut self) -> bool {
        let mut accepted = self.all();
        while self.take("OR") {
            accepted |= self.all();
        }
        accepted
    }

    /// `a AND b`, which binds tighter than `OR`
    fn all(&mut self) -> bool {
        let mut accepted = self.one();
        while self.take("AND") {
            accepted &= self.one();
        }
        accepted
    }

    fn one(&mut self) -> bool {
        if self.take("(") {
            let accepted = self.any();
            return self.take(")") && accepted;
        }
        let Some((licence, rest)) = self.words.split_first() else {
            return false;
        };
        self.words = rest;
        if self.take("WITH") {
            self.words = self.words.get(1..).unwrap_or_default();
        }
        ACCEPTED.contains(licence)
    }
}
