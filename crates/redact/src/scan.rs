//! The scan of one text: what it has found, the decoded views it has looked into, its limits.
//!
//! `sweep` names the candidates of one view, the detectors judge them and report here. Findings are
//! spans of the text given; those of a decoded view are carried back to the encoded span.

use std::cmp::Reverse;
use std::ops::Range;

use crate::actions::Actions;
use crate::classes::Classifier;
use crate::decode;
use crate::key::{Class, Keys};
use crate::kind::{Action, Kind, Why};
use crate::limits;
use crate::pair;
use crate::pseudonym::Pseudonyms;
use crate::shape;
use crate::sweep;
use crate::vendor;

/// One span that must go, and what takes its place.
#[derive(Clone, Debug)]
pub(crate) struct Cut {
    pub(crate) start: usize,
    pub(crate) end: usize,
    pub(crate) kind: Kind,
    pub(crate) action: Action,
    pub(crate) why: Why,
    /// `None` stands for `[REDACTED:kind]`.
    pub(crate) text: Option<String>,
}

/// What a scan needs to know.
#[derive(Debug)]
pub(crate) struct Rules {
    pub(crate) keys: Keys,
    pub(crate) pseudonyms: Pseudonyms,
    pub(crate) allowed: Vec<String>,
    pub(crate) actions: Actions,
    pub(crate) find_emails: bool,
    pub(crate) find_phones: bool,
    pub(crate) classifier: Classifier,
}

/// A scan under way. `Vec::new` does not allocate: a clean text costs no memory.
pub(crate) struct Scan<'r> {
    pub(crate) rules: &'r Rules,
    pub(crate) found: Vec<Cut>,
    /// Names before this offset of the present view lie in a value that was dealt with: nested
    /// names must not make the scan quadratic.
    pub(crate) covered: usize,
    /// How often the present view was unescaped from JSON: quotes we add must carry as many levels.
    pub(crate) escapes: u8,
    depth: u8,
    in_base64: bool,
    decoded: usize,
    /// Set when a limit cut the scan with a candidate left.
    pub(crate) incomplete: bool,
}

pub(crate) const ALNUM: u8 = 1;
/// Letters, digits and what keys are written with.
pub(crate) const IDENT: u8 = 8;
/// Both alphabets of base64 without the padding.
const BASE64: u8 = 16;

/// What each byte can be part of.
pub(crate) static CLASS: [u8; 256] = {
    let mut table = [0; 256];
    let mut at = 0_u8;
    loop {
        if at.is_ascii_alphanumeric() {
            table[at as usize] = ALNUM | IDENT | BASE64;
        }
        if matches!(at, b'_' | b'-' | b'.' | b'$' | b'%' | b'[' | b']') {
            table[at as usize] |= IDENT;
        }
        if matches!(at, b'+' | b'/' | b'-' | b'_') {
            table[at as usize] |= BASE64;
        }
        if at == u8::MAX {
            break;
        }
        at += 1;
    }
    table
};

pub(crate) fn is(byte: u8, class: u8) -> bool {
    CLASS[usize::from(byte)] & class != 0
}

/// The first position from `at` on whose byte is not of `class`.
pub(crate) fn run_end(text: &[u8], at: usize, class: u8) -> usize {
    let rest = text.get(at..).unwrap_or(&[]);
    let len = rest.iter().position(|b| !is(*b, class));
    at + len.unwrap_or(rest.len())
}

/// The start of the run of `class` that ends before `at`, looking back `max` bytes at most.
pub(crate) fn run_start(text: &[u8], at: usize, class: u8, max: usize) -> usize {
    let back = text[..at].iter().rev().take(max);
    at - back.take_while(|b| is(**b, class)).count()
}

impl<'r> Scan<'r> {
    pub(crate) fn new(rules: &'r Rules) -> Self {
        Self {
            rules,
            found: Vec::new(),
            covered: 0,
            escapes: 0,
            depth: 0,
            in_base64: false,
            decoded: 0,
            incomplete: false,
        }
    }

    /// Scans the value of a field whose name says `class`.
    pub(crate) fn value(&mut self, class: Option<Class>, text: &[u8]) {
        if text.len() > limits::SCAN_BYTES_MAX {
            self.incomplete = true;
            return;
        }
        if let Some(class) = class {
            pair::act(self, class, text, pair::Span::whole(text));
            self.covered = 0;
        }
        self.text(text);
    }

    fn text(&mut self, text: &[u8]) {
        let escapes = sweep::text(self, text);
        if escapes.percent {
            self.view(text, decode::percent, 0);
        }
        if escapes.json {
            self.view(text, decode::json, 1);
        }
    }

    /// Scans a decoded view of `text` and carries its findings back.
    fn view(&mut self, text: &[u8], decode: fn(&[u8]) -> decode::View, escapes: u8) {
        if self.decoded > limits::DECODED_BYTES_MAX {
            self.incomplete = true;
            return;
        }
        let view = decode(text);
        if *view.bytes == text {
            return;
        }
        if self.depth >= limits::DECODE_DEPTH_MAX {
            self.incomplete = true;
            return;
        }
        self.decoded += view.bytes.len();
        let outer = std::mem::take(&mut self.found);
        let covered = std::mem::take(&mut self.covered);
        self.depth += 1;
        self.escapes += escapes;
        self.text(&view.bytes);
        self.depth -= 1;
        self.escapes -= escapes;
        let inner = std::mem::replace(&mut self.found, outer);
        self.covered = covered;
        self.found.extend(inner.into_iter().map(|finding| Cut {
            start: view.source(finding.start),
            end: view.source(finding.end),
            ..finding
        }));
    }

    /// Judges a long token: a wallet, a key of fixed length, base64 of a text.
    pub(crate) fn long_token(&mut self, text: &[u8], start: usize) {
        let end = run_end(text, start, BASE64);
        vendor::unmarked(self, text, start, end);
        if self.in_base64 {
            return;
        }
        self.base64_token(text, start, end);
        let mut from = start;
        for part in text[start..end].split(|b| *b == b'/') {
            if part.len() >= limits::BASE64_BYTES_MIN && part.len() < end - start {
                self.base64_token(text, from, from + part.len());
            }
            from += part.len() + 1;
        }
    }

    fn base64_token(&mut self, text: &[u8], start: usize, end: usize) {
        let Some(bytes) = decode::base64(&text[start..end]) else {
            return;
        };
        if self.decoded > limits::DECODED_BYTES_MAX {
            self.incomplete = true;
            return;
        }
        self.decoded += bytes.len();
        let outer = std::mem::take(&mut self.found);
        let covered = std::mem::take(&mut self.covered);
        self.in_base64 = true;
        self.depth += 1;
        self.text(&bytes);
        self.depth -= 1;
        self.in_base64 = false;
        let inner = std::mem::replace(&mut self.found, outer);
        self.covered = covered;
        let padding = text[end..]
            .iter()
            .take(2)
            .take_while(|b| **b == b'=')
            .count();
        if let Some(finding) = inner.into_iter().next() {
            self.cover(text, start, end + padding, &finding);
        }
    }

    /// Adds what shows by its own form.
    pub(crate) fn add(&mut self, text: &[u8], start: usize, end: usize, kind: Kind) {
        self.report(text, start..end, kind, Why::Form, false);
    }

    /// Adds a finding, unless the operator allowed exactly this value. `bare` says that the value
    /// stood in JSON without quotes, so that its replacement must bring them.
    pub(crate) fn report(
        &mut self,
        text: &[u8],
        span: Range<usize>,
        kind: Kind,
        why: Why,
        bare: bool,
    ) {
        let value = &text[span.clone()];
        let allowed = &self.rules.allowed;
        if value.is_empty() || allowed.iter().any(|allowed| allowed.as_bytes() == value) {
            return;
        }
        let action = self.rules.actions.of(kind);
        let plain = replacement(self.rules, kind, action, value);
        let text = if bare {
            let escapes = (1_usize << self.escapes.min(8)) - 1;
            let quote = format!("{}\"", "\\".repeat(escapes));
            let inner = plain.unwrap_or_else(|| format!("[REDACTED:{}]", kind.name()));
            Some(format!("{quote}{inner}{quote}"))
        } else {
            plain
        };
        self.found.push(Cut {
            start: span.start,
            end: span.end,
            kind,
            action,
            why,
            text,
        });
    }

    /// An encoded text goes whole for what was found inside it.
    fn cover(&mut self, text: &[u8], start: usize, end: usize, inner: &Cut) {
        let allowed = &self.rules.allowed;
        let value = &text[start..end];
        if !allowed.iter().any(|allowed| allowed.as_bytes() == value) {
            let action = match inner.action {
                Action::Drop => Action::Drop,
                _ => Action::Mask,
            };
            self.found.push(Cut {
                start,
                end,
                text: None,
                action,
                why: inner.why,
                kind: inner.kind,
            });
        }
    }

    /// The findings in order, overlapping ones made one: the outer keeps its replacement, of equal
    /// ones the strictest, of two that merely overlap nothing is kept.
    pub(crate) fn into_cuts(self) -> Vec<Cut> {
        let mut found = self.found;
        if found.is_empty() {
            return found;
        }
        found.sort_by_key(|cut| (cut.start, Reverse(cut.end), cut.action, cut.why));
        let mut cuts: Vec<Cut> = Vec::with_capacity(found.len());
        for finding in found {
            match cuts.last_mut() {
                Some(last) if finding.start < last.end => {
                    if finding.end > last.end {
                        last.end = finding.end;
                        last.text = None;
                        last.action = last.action.min(Action::Mask);
                    }
                }
                _ => cuts.push(finding),
            }
        }
        cuts
    }
}

/// `text` with `spans` replaced.
pub(crate) fn rewrite(text: &str, spans: &[Cut]) -> String {
    let mut out = String::with_capacity(text.len() + spans.len() * 16);
    let mut from = 0;
    for span in spans {
        let start = text.floor_char_boundary(span.start).max(from);
        out.push_str(&text[from..start]);
        match &span.text {
            Some(replacement) => out.push_str(replacement),
            None => push_marker(&mut out, span.kind),
        }
        from = text.ceil_char_boundary(span.end).max(start);
    }
    out.push_str(&text[from..]);
    out
}

/// What stands for `value`; `None` for the marker.
fn replacement(rules: &Rules, kind: Kind, action: Action, value: &[u8]) -> Option<String> {
    match action {
        Action::Drop | Action::Mask | Action::Rename => None,
        Action::LastFour => shape::last_four(value),
        Action::Digits => Some(shape::outline(value)),
        Action::Hash if kind == Kind::Email => {
            let lower = value.to_ascii_lowercase();
            Some(rules.pseudonyms.of(kind.name(), &lower))
        }
        Action::Hash => Some(rules.pseudonyms.of(kind.name(), value)),
    }
}

/// Appends `[REDACTED:kind]`.
pub(crate) fn push_marker(out: &mut String, kind: Kind) {
    out.push_str("[REDACTED:");
    out.push_str(kind.name());
    out.push(']');
}
