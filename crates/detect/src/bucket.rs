//! The index over all rules that accept one set of log sources: which rules are worth a look.
//!
//! For every rule a set of *witnesses* is chosen such that the rule can only match when at least
//! one of them shows: a literal in a field, or a field being there at all. Literals of one field
//! are found together, whole values by hash and parts by one automaton. A rule without witness
//! (a bare negation, keywords) is looked at for every event of its log sources.

use std::collections::HashMap;

use aho_corasick::{AhoCorasick, AhoCorasickKind};

use crate::fields::Local;
use crate::log_source::Mask;
use crate::predicate::{Op, Shape, fold, parse_number};
use crate::program::{Node, NodeId, PredicateId, Programs};

/// Number of a rule in its set.
pub(crate) type RuleNumber = u32;

/// The index of one log-source set.
#[derive(Debug, Default)]
pub(crate) struct Bucket {
    /// Per field that witnesses live in.
    pub(crate) fields: Vec<FieldIndex>,
    /// Rules to look at for every event.
    pub(crate) always: Vec<RuleNumber>,
    /// Rules per witness predicate.
    rules: HashMap<PredicateId, Vec<RuleNumber>>,
    /// Predicates that the indexes answer completely: not shown means false.
    covered: Vec<u64>,
}

/// The witnesses of one field.
#[derive(Debug, Default)]
pub(crate) struct FieldIndex {
    /// The field.
    pub(crate) field: Local,
    /// Rules to look at when the field is there.
    pub(crate) presence: Vec<RuleNumber>,
    /// Whole values.
    exact: HashMap<Box<str>, Vec<PredicateId>>,
    /// Parts of values.
    automaton: Option<AhoCorasick>,
    /// For each pattern of the automaton, what it shows.
    patterns: Vec<Vec<(Shape, PredicateId)>>,
}

/// Bytes of literals up to which an automaton is a dense table of about 1 MiB.
const DENSE_BYTES_MAX: usize = 4 * 1024;

/// Something a rule needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Witness {
    Literal(PredicateId),
    Presence(Local),
}

/// How selective the mere presence of a field is.
const PRESENCE: u32 = 2;

/// Candidate witnesses with how selective they look; larger is better, 0 is none at all.
struct Choice {
    score: u32,
    witnesses: Vec<Witness>,
}

impl Bucket {
    /// Indexes the rules given as (number, accepted log sources, program).
    pub(crate) fn build(
        programs: &Programs,
        rules: impl Iterator<Item = (RuleNumber, Mask, NodeId)>,
        mask: Mask,
    ) -> Self {
        let mut bucket = Self {
            covered: vec![0; programs.predicates.len().div_ceil(64)],
            ..Self::default()
        };
        let mut presence: HashMap<Local, Vec<RuleNumber>> = HashMap::new();
        for (rule, accepted, root) in rules {
            if accepted & mask == 0 {
                continue;
            }
            let choice = choose(programs, root);
            if choice.score == 0 {
                bucket.always.push(rule);
                continue;
            }
            for witness in choice.witnesses {
                let of = match witness {
                    Witness::Literal(predicate) => bucket.rules.entry(predicate).or_default(),
                    Witness::Presence(field) => presence.entry(field).or_default(),
                };
                if of.last() != Some(&rule) {
                    of.push(rule);
                }
            }
        }
        bucket.index_fields(programs, presence);
        bucket
    }

    /// Rules that have `predicate` as a witness.
    pub(crate) fn rules_of(&self, predicate: PredicateId) -> &[RuleNumber] {
        self.rules.get(&predicate).map_or(&[], Vec::as_slice)
    }

    /// Whether the indexes answer `predicate` completely.
    pub(crate) fn covers(&self, predicate: PredicateId) -> bool {
        self.covered[predicate as usize / 64] >> (predicate % 64) & 1 == 1
    }

    fn index_fields(&mut self, programs: &Programs, presence: HashMap<Local, Vec<RuleNumber>>) {
        let mut predicates: Vec<PredicateId> = self.rules.keys().copied().collect();
        predicates.sort_unstable();
        let mut fields: HashMap<Local, FieldIndex> = HashMap::new();
        let mut parts: HashMap<Local, Vec<(String, Shape, PredicateId)>> = HashMap::new();
        for id in predicates {
            let predicate = &programs.predicates[id as usize];
            let Some(field) = predicate.field else {
                continue;
            };
            let (shape, text, complete) = literal(&predicate.op);
            if complete {
                self.covered[id as usize / 64] |= 1 << (id % 64);
            }
            if shape == Shape::Exact {
                let exact = &mut fields.entry(field).or_default().exact;
                exact.entry(text.into()).or_default().push(id);
            } else {
                parts.entry(field).or_default().push((text, shape, id));
            }
        }
        for (field, rules) in presence {
            fields.entry(field).or_default().presence = rules;
        }
        for (field, literals) in parts {
            fields.entry(field).or_default().index_parts(literals);
        }
        self.fields = fields
            .into_iter()
            .map(|(field, index)| FieldIndex { field, ..index })
            .collect();
        self.fields.sort_by_key(|index| index.field);
    }
}

impl FieldIndex {
    /// Whether the text of the field's values must be looked at.
    pub(crate) fn reads_text(&self) -> bool {
        self.automaton.is_some() || !self.exact.is_empty()
    }

    /// Calls `show` for every witness that `folded` shows.
    pub(crate) fn scan(&self, folded: &str, mut show: impl FnMut(PredicateId)) {
        if let Some(predicates) = self.exact.get(folded) {
            for id in predicates {
                show(*id);
            }
        }
        let Some(automaton) = &self.automaton else {
            return;
        };
        for found in automaton.find_overlapping_iter(folded) {
            for (shape, id) in &self.patterns[found.pattern().as_usize()] {
                let shown = match shape {
                    Shape::Contains => true,
                    Shape::Prefix => found.start() == 0,
                    Shape::Suffix => found.end() == folded.len(),
                    Shape::Exact => found.start() == 0 && found.end() == folded.len(),
                };
                if shown {
                    show(*id);
                }
            }
        }
    }

    fn index_parts(&mut self, literals: Vec<(String, Shape, PredicateId)>) {
        let mut numbers: HashMap<String, usize> = HashMap::new();
        let mut texts: Vec<String> = Vec::new();
        for (text, shape, id) in literals {
            let number = *numbers.entry(text).or_insert_with_key(|text| {
                texts.push(text.clone());
                texts.len() - 1
            });
            if self.patterns.len() == number {
                self.patterns.push(Vec::new());
            }
            self.patterns[number].push((shape, id));
        }
        let bytes: usize = texts.iter().map(String::len).sum();
        // A dense table is twice as fast and affordable for few literals.
        let kind = (bytes <= DENSE_BYTES_MAX).then_some(AhoCorasickKind::DFA);
        let automaton = AhoCorasick::builder().kind(kind).build(&texts);
        self.automaton = Some(automaton.expect("rule files are bounded, so automata are"));
    }
}

/// The folded literal that shows an indexable predicate, and whether it is the whole truth.
fn literal(op: &Op) -> (Shape, String, bool) {
    match op {
        Op::Text { shape, text, cased } => (*shape, fold(text), !cased),
        Op::Glob { glob, .. } => {
            let required = glob.required().unwrap_or_default();
            (Shape::Contains, fold(required), false)
        }
        _ => unreachable!("only texts and patterns are chosen as literal witnesses"),
    }
}

fn choose(programs: &Programs, node: NodeId) -> Choice {
    match &programs.nodes[node as usize] {
        Node::Test(predicate) => choose_test(programs, *predicate),
        Node::Not(_) | Node::AtLeast(0, _) => Choice::none(),
        Node::All(parts) => parts
            .iter()
            .map(|part| choose(programs, *part))
            .max_by_key(|choice| choice.score)
            .unwrap_or_else(Choice::none),
        Node::AtLeast(_, parts) => {
            let mut union = Choice {
                score: u32::MAX,
                witnesses: Vec::new(),
            };
            for part in parts {
                let choice = choose(programs, *part);
                if choice.score == 0 {
                    return choice;
                }
                union.score = union.score.min(choice.score);
                union.witnesses.extend(choice.witnesses);
            }
            if parts.is_empty() {
                return Choice::none();
            }
            union.witnesses.sort_unstable();
            union.witnesses.dedup();
            // Many witnesses are more likely to show than few, yet rarer than a bare field.
            let many = u32::try_from(union.witnesses.len() / 16).unwrap_or(u32::MAX);
            let least = union.score.min(PRESENCE + 1);
            union.score = union.score.saturating_sub(many).max(least);
            union
        }
    }
}

fn choose_test(programs: &Programs, id: PredicateId) -> Choice {
    const NUMBER: u32 = 4;
    const PART: u32 = 10;
    const WHOLE: u32 = 100;
    let predicate = &programs.predicates[id as usize];
    let Some(field) = predicate.field else {
        return Choice::none();
    };
    let bytes = |text: &str| u32::try_from(text.len()).unwrap_or(u32::MAX).min(64);
    let (score, witness) = match &predicate.op {
        Op::Null => return Choice::none(),
        // Status codes, ports and flags are in every second event.
        Op::Text {
            shape: Shape::Exact,
            text,
            ..
        } if parse_number(text).is_some() => (NUMBER, Witness::Literal(id)),
        Op::Text {
            shape: Shape::Exact,
            text,
            ..
        } => (WHOLE + bytes(text), Witness::Literal(id)),
        Op::Text { text, .. } if !text.is_empty() => (PART + bytes(text), Witness::Literal(id)),
        Op::Glob { glob, .. } if glob.required().is_some_and(|text| !text.is_empty()) => (
            PART + bytes(glob.required().unwrap_or_default()),
            Witness::Literal(id),
        ),
        _ => (PRESENCE, Witness::Presence(field)),
    };
    Choice {
        score,
        witnesses: vec![witness],
    }
}

impl Choice {
    fn none() -> Self {
        Self {
            score: 0,
            witnesses: Vec::new(),
        }
    }
}
