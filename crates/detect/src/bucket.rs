//! The index over all rules that accept one set of log sources: which rules are worth a look.
//!
//! For every rule a set of *witnesses* is chosen such that the rule can only match when at least
//! one of them shows: a literal in a field, or a field being there at all. Whole values are found
//! by hash, beginnings and ends by tries, parts by one automaton a field, keywords by one automaton
//! over all text. A rule without witness (a bare negation) is looked at for every event of its log
//! sources. Which witness of a rule is the rarest is learned from the events themselves; that
//! changes what is looked at, never what matches.

use std::collections::HashMap;

use crate::exception::Exception;
use crate::fields::{Layout, Local};
use crate::limits;
use crate::predicate::{Op, Shape, fold};
use crate::program::{Node, NodeId, PredicateId, Programs};

mod choice;
mod field_index;
mod keywords;
mod trie;

pub(crate) use choice::Knowledge;
use choice::{Witness, choose};
pub(crate) use field_index::FieldIndex;
pub(crate) use keywords::Keywords;

/// Number of a rule in its set.
pub(crate) type RuleNumber = u32;
/// Place of a witness in its bucket.
pub(crate) type ShowId = u32;

/// The index of one log-source set.
#[derive(Debug, Default)]
pub(crate) struct Bucket {
    /// Where events hold the fields that its rules read.
    pub(crate) layout: Layout,
    /// Per field that witnesses live in.
    pub(crate) fields: Vec<FieldIndex>,
    /// Keywords among the witnesses.
    pub(crate) keywords: Option<Keywords>,
    /// Rules to look at for every event.
    pub(crate) always: Vec<RuleNumber>,
    shows: Vec<Show>,
    rules: Vec<RuleNumber>,
    /// Predicates that the indexes answer completely: not shown means false.
    covered: Vec<u64>,
}

/// A witness that can show.
#[derive(Debug)]
pub(crate) struct Show {
    witness: Witness,
    /// The predicate it proves.
    pub(crate) proves: Option<PredicateId>,
    /// Its rules: a run of [`Bucket::rules`].
    rules: (u32, u32),
}

impl Bucket {
    /// Indexes the rules given as (number, program, exceptions), with what earlier events taught.
    pub(crate) fn build<'r>(
        programs: &Programs,
        rules: impl Iterator<Item = (RuleNumber, NodeId, &'r [Exception])>,
        knowledge: &Knowledge,
    ) -> Self {
        let mut bucket = Self {
            covered: vec![0; programs.predicates.len().div_ceil(64)],
            ..Self::default()
        };
        let mut reads = vec![false; programs.fields.len()];
        let mut of_witness: HashMap<Witness, Vec<RuleNumber>> = HashMap::new();
        for (rule, root, exceptions) in rules {
            fields_of(programs, root, &mut reads);
            for exception in exceptions {
                fields_of(programs, exception.root, &mut reads);
            }
            match choose(programs, root, knowledge) {
                None => bucket.always.push(rule),
                Some(choice) => {
                    for witness in choice.witnesses {
                        of_witness.entry(witness).or_default().push(rule);
                    }
                }
            }
        }
        bucket.layout = programs.fields.layout(|field| reads[usize::from(field)]);
        let mut of_witness: Vec<_> = of_witness.into_iter().collect();
        of_witness.sort_unstable_by_key(|(witness, _)| *witness);
        bucket.index(programs, of_witness);
        bucket
    }

    /// What `show` is.
    pub(crate) fn show(&self, show: ShowId) -> &Show {
        &self.shows[show as usize]
    }

    /// Rules that have `show` as a witness.
    pub(crate) fn rules_of(&self, show: &Show) -> &[RuleNumber] {
        &self.rules[show.rules.0 as usize..show.rules.1 as usize]
    }

    /// How many witnesses there are.
    pub(crate) fn shows(&self) -> usize {
        self.shows.len()
    }

    /// Whether the indexes answer `predicate` completely.
    pub(crate) fn covers(&self, predicate: PredicateId) -> bool {
        self.covered[predicate as usize / 64] >> (predicate % 64) & 1 == 1
    }

    /// Adds to `knowledge` how often each witness showed in `events` events.
    pub(crate) fn teach(&self, knowledge: &mut Knowledge, hits: &[u32], events: u32) {
        for (show, hits) in self.shows.iter().zip(hits) {
            knowledge.learn(show.witness, *hits, events);
        }
    }

    fn index(&mut self, programs: &Programs, of_witness: Vec<(Witness, Vec<RuleNumber>)>) {
        let mut fields: HashMap<Local, field_index::Builder> = HashMap::new();
        let mut keywords = Vec::new();
        for (witness, rules) in of_witness {
            // Places fit: predicates and rules are counted in 32 bits already.
            let id = ShowId::try_from(self.shows.len()).unwrap_or(ShowId::MAX);
            let start = self.rules.len();
            self.rules.extend(rules);
            let run = [start, self.rules.len()].map(|at| u32::try_from(at).unwrap_or(u32::MAX));
            let mut show = Show {
                witness,
                proves: None,
                rules: (run[0], run[1]),
            };
            match witness {
                Witness::Presence(field) => fields.entry(field).or_default().presence.push(id),
                Witness::Literal(predicate) => {
                    let (literals, complete) = literals(programs, predicate);
                    if complete {
                        show.proves = Some(predicate);
                        self.covered[predicate as usize / 64] |= 1 << (predicate % 64);
                    }
                    match programs.predicates[predicate as usize].field {
                        Some(field) => fields.entry(field).or_default().add(literals, id),
                        None => keywords.extend(literals.into_iter().map(|(_, text)| (text, id))),
                    }
                }
            }
            self.shows.push(show);
        }
        self.fields = fields
            .into_iter()
            .map(|(field, builder)| builder.build(field))
            .collect();
        self.fields.sort_by_key(|index| index.field);
        self.keywords = Keywords::build(keywords);
    }
}

/// The folded literals of which one shows whenever the predicate holds, and whether that is the
/// whole truth.
fn literals(programs: &Programs, predicate: PredicateId) -> (Vec<(Shape, String)>, bool) {
    match &programs.predicates[predicate as usize].op {
        Op::Text { shape, text, cased } => {
            // Ends too long for a trie are looked for as parts, which says less.
            let is_end = matches!(shape, Shape::Prefix | Shape::Suffix);
            let is_long = is_end && text.len() > limits::TRIE_BYTES_MAX;
            (vec![(*shape, fold(text))], !cased && !is_long)
        }
        Op::Glob { glob, .. } => {
            let required = glob.required().unwrap_or_default();
            (vec![(Shape::Contains, fold(required))], false)
        }
        Op::Regex(expression) => {
            let literals = expression.literals.iter();
            let contains = |text: &String| (Shape::Contains, text.clone());
            (literals.map(contains).collect(), false)
        }
        _ => unreachable!("only texts, patterns and expressions are chosen as literal witnesses"),
    }
}

/// Marks the fields that the program at `node` reads.
fn fields_of(programs: &Programs, node: NodeId, reads: &mut [bool]) {
    match &programs.nodes[node as usize] {
        Node::Test(predicate) => {
            let predicate = &programs.predicates[*predicate as usize];
            for field in predicate.field.iter().chain(&predicate.other) {
                reads[usize::from(*field)] = true;
            }
        }
        Node::Not(inner) => fields_of(programs, *inner, reads),
        Node::All(parts) | Node::AtLeast(_, parts) => {
            for part in parts {
                fields_of(programs, *part, reads);
            }
        }
    }
}
