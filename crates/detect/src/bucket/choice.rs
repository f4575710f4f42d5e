//! Which witnesses a rule is indexed by.
//!
//! Every witness is worth so many bits: how rarely it is expected to show, or how rarely it did
//! among the events seen so far. Of the parts of an `and` the best one will do; of an `or` all are
//! needed. A negation shows nothing.

use std::collections::HashMap;

use crate::fields::Local;
use crate::predicate::{Op, Shape, parse_number};
use crate::program::{Node, NodeId, PredicateId, Programs};

/// Something a rule needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Witness {
    /// A literal of a predicate.
    Literal(PredicateId),
    /// A field being there.
    Presence(Local),
}

/// How often witnesses showed.
#[derive(Debug, Default)]
pub(crate) struct Knowledge {
    seen: HashMap<Witness, (u64, u64)>,
}

impl Knowledge {
    /// Adds `hits` of `witness` in `events` events.
    pub(crate) fn learn(&mut self, witness: Witness, hits: u32, events: u32) {
        let (known_hits, known_events) = self.seen.entry(witness).or_default();
        *known_hits += u64::from(hits);
        *known_events += u64::from(events);
    }

    #[expect(
        clippy::cast_precision_loss,
        reason = "an estimate of how rare something is"
    )]
    fn bits(&self, witness: Witness) -> Option<f64> {
        let (hits, events) = self.seen.get(&witness)?;
        Some(
            ((*events as f64 + 1.0) / (*hits as f64 + 0.5))
                .log2()
                .max(0.1),
        )
    }
}

/// Witnesses of which one shows whenever the program holds.
pub(super) struct Choice {
    bits: f64,
    pub(super) witnesses: Vec<Witness>,
}

/// Bits of a field being there, when nothing is known.
const PRESENCE_BITS: f64 = 1.0;
/// Bits of a number as a whole value: few event codes and ports fill most logs.
const NUMBER_BITS: f64 = 4.0;
/// Bits of a whole value and of a part, before their length counts.
const WHOLE_BITS: f64 = 8.0;
const PART_BITS: f64 = 3.0;
/// Bits for each byte of a literal, up to a length beyond which it hardly gets rarer.
const BYTE_BITS: f64 = 0.5;
const BYTES_MAX: usize = 20;

/// The best witnesses of the program at `node`; none when it can hold without anything showing.
pub(super) fn choose(programs: &Programs, node: NodeId, known: &Knowledge) -> Option<Choice> {
    match &programs.nodes[node as usize] {
        Node::Test(predicate) => choose_test(programs, *predicate, known),
        Node::Not(_) | Node::AtLeast(0, _) => None,
        Node::All(parts) => parts
            .iter()
            .filter_map(|part| choose(programs, *part, known))
            .max_by(|a, b| a.bits.total_cmp(&b.bits)),
        Node::AtLeast(_, parts) if parts.is_empty() => None,
        Node::AtLeast(_, parts) => {
            let mut witnesses = Vec::new();
            let mut odds = 0.0;
            for part in parts {
                let choice = choose(programs, *part, known)?;
                odds += (-choice.bits).exp2();
                witnesses.extend(choice.witnesses);
            }
            witnesses.sort_unstable();
            witnesses.dedup();
            Some(Choice {
                bits: -odds.log2(),
                witnesses,
            })
        }
    }
}

fn choose_test(programs: &Programs, id: PredicateId, known: &Knowledge) -> Option<Choice> {
    let predicate = &programs.predicates[id as usize];
    let literal = match &predicate.op {
        Op::Null => return None,
        Op::Text { text, .. } if text.is_empty() => None,
        Op::Text {
            shape: Shape::Exact,
            text,
            ..
        } if parse_number(text).is_some() => Some(NUMBER_BITS),
        Op::Text {
            shape: Shape::Exact,
            text,
            ..
        } => Some(WHOLE_BITS + length_bits(text)),
        Op::Text { text, .. } => Some(PART_BITS + length_bits(text)),
        Op::Glob { glob, .. } => glob
            .required()
            .filter(|text| !text.is_empty())
            .map(|text| PART_BITS + length_bits(text)),
        Op::Regex(expression) => expression
            .literals
            .iter()
            .map(|text| PART_BITS + length_bits(text))
            .min_by(f64::total_cmp),
        _ => None,
    };
    let (witness, guess) = match (literal, predicate.field) {
        (Some(bits), Some(_)) => (Witness::Literal(id), bits),
        (None, Some(field)) => (Witness::Presence(field), PRESENCE_BITS),
        // Keywords are found in any field, so only parts of text are indexed.
        (Some(bits), None) if is_part(&predicate.op) => (Witness::Literal(id), bits),
        (_, None) => return None,
    };
    Some(Choice {
        bits: known.bits(witness).unwrap_or(guess),
        witnesses: vec![witness],
    })
}

/// Whether the literals of `op` may stand anywhere, and never across two values.
fn is_part(op: &Op) -> bool {
    match op {
        Op::Text { shape, text, .. } => *shape == Shape::Contains && !text.contains('\0'),
        Op::Glob { glob, .. } => glob.required().is_some_and(|text| !text.contains('\0')),
        Op::Regex(expression) => !expression.literals.iter().any(|text| text.contains('\0')),
        _ => false,
    }
}

#[expect(clippy::cast_precision_loss, reason = "at most BYTES_MAX")]
fn length_bits(text: &str) -> f64 {
    text.len().min(BYTES_MAX) as f64 * BYTE_BITS
}
