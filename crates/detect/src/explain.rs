//! Why a rule did, or did not, match an entry: the answer of every selection and of every test in
//! it, with what the entry holds there.

use event::{Entry, FieldId, Value};

use crate::derived::Derived;
use crate::fields::Local;
use crate::log_source::Sorter;
use crate::matcher::{Matcher, Scratch};
use crate::predicate::{Op, Shape, raw_text};
use crate::program::{Node, NodeId, Programs};
use crate::rule_set::{Kind, RuleSet};

/// What a rule sees in an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// Id of the rule.
    pub id: String,
    /// Its title.
    pub title: String,
    /// Whether one of the entry's log sources is one the rule is written for.
    pub log_source: bool,
    /// Whether the condition as a whole holds, log source aside.
    pub condition: bool,
    /// Names of the exceptions that would take it away, whatever their date.
    pub exceptions: Vec<String>,
    /// Every selection, in order of their names.
    pub selections: Vec<Selection>,
}

/// What a selection sees in an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selection {
    /// Its name.
    pub name: String,
    /// Whether it holds.
    pub holds: bool,
    /// Its parts, from the top, each behind what it is part of.
    pub steps: Vec<Step>,
}

/// One part of a selection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// How many parts it is inside of.
    pub depth: usize,
    /// What is asked, such as `all of` or `user.name is "bob"`.
    pub asked: String,
    /// Whether it holds.
    pub holds: bool,
    /// What the entry has in the field asked about; empty when the part asks about none.
    pub found: Vec<Found>,
}

/// A value of an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Bytes of its text.
    pub bytes: usize,
    /// The beginning of its text with control characters escaped; none when something was redacted
    /// in it.
    pub text: Option<String>,
}

/// Characters of a value or literal that are shown.
const SHOWN_CHARS_MAX: usize = 60;
/// Values of a field that are shown.
const VALUES_MAX: usize = 4;
/// Tests of one list that are shown one by one; of more, only those that hold.
const TESTS_SHOWN_MAX: usize = 6;
/// Parts of one selection that are shown.
const STEPS_MAX: usize = 200;
/// How redaction begins what it leaves in place of a value.
const REDACTED: &str = "[REDACTED";

/// What every rule about single events with the id, name or code `rule` sees in `entry`, in the
/// order of the set: several rules may share a code. Empty when there is none.
pub fn explain(set: &RuleSet, rule: &str, entry: &Entry) -> Vec<Explanation> {
    let mut explanations = Vec::new();
    let belongs = set.log_sources.of(entry.event(), &mut Sorter::default());
    for known in &set.rules {
        let called = known.reference.id == rule
            || known.name.as_deref() == Some(rule)
            || known.reference.code.as_deref() == Some(rule);
        let Kind::Detection(detector) = &known.kind else {
            continue;
        };
        if !called {
            continue;
        }
        let mut scratch = Scratch::default();
        let mut matcher = Matcher::plain(&set.programs, entry.event(), &mut scratch);
        let condition = matcher.holds(detector.root);
        let exceptions = detector.exceptions.iter();
        let exceptions = exceptions
            .filter(|exception| !matcher.holds(exception.root))
            .map(|exception| set.exceptions()[exception.number as usize].name.clone())
            .collect();
        let mut selections = Vec::with_capacity(detector.selections.len());
        for (name, root) in &detector.selections {
            let mut walk = Walk {
                programs: &set.programs,
                matcher: &mut matcher,
                entry,
                steps: Vec::new(),
            };
            walk.step(*root, 0);
            selections.push(Selection {
                name: name.clone(),
                holds: walk.matcher.holds(*root),
                steps: walk.steps,
            });
        }
        explanations.push(Explanation {
            id: known.reference.id.clone(),
            title: known.reference.title.clone(),
            log_source: belongs.has(detector.place),
            condition,
            exceptions,
            selections,
        });
    }
    explanations
}

struct Walk<'w, 's, 'e> {
    programs: &'s Programs,
    matcher: &'w mut Matcher<'s, 'e>,
    entry: &'e Entry,
    steps: Vec<Step>,
}

impl<'s> Walk<'_, 's, '_> {
    fn step(&mut self, node: NodeId, depth: usize) {
        if self.steps.len() >= STEPS_MAX {
            return;
        }
        let holds = self.matcher.holds(node);
        match &self.programs.nodes[node as usize] {
            Node::Test(predicate) => {
                let predicate = &self.programs.predicates[*predicate as usize];
                let field = predicate.field.map_or("any text", |field| self.name(field));
                let mut asked = format!("{field} {}", described(&predicate.op));
                if let Some(other) = predicate.other {
                    asked.push(' ');
                    asked.push_str(self.name(other));
                }
                let found = predicate
                    .field
                    .map_or(Vec::new(), |field| self.found(field));
                self.push(depth, asked, holds, found);
            }
            Node::Not(inner) => {
                self.push(depth, "not".to_owned(), holds, Vec::new());
                self.step(*inner, depth + 1);
            }
            Node::All(parts) => {
                self.push(depth, format!("all of {}", parts.len()), holds, Vec::new());
                for part in parts {
                    self.step(*part, depth + 1);
                }
            }
            Node::AtLeast(count, parts) => {
                let few = parts.len() <= TESTS_SHOWN_MAX;
                let mut asked = format!("at least {count} of {}", parts.len());
                if !few {
                    asked.push_str(", shown are those that hold");
                }
                let found = if few { Vec::new() } else { self.common(parts) };
                self.push(depth, asked, holds, found);
                for part in parts {
                    if few || self.matcher.holds(*part) {
                        self.step(*part, depth + 1);
                    }
                }
            }
        }
    }

    fn push(&mut self, depth: usize, asked: String, holds: bool, found: Vec<Found>) {
        self.steps.push(Step {
            depth,
            asked,
            holds,
            found,
        });
    }

    /// The name under which the entry has a field, or the best one.
    fn name(&self, field: Local) -> &'s str {
        let names = self.programs.fields.names(field);
        let event = self.entry.event();
        let has = |name: &&String| FieldId::of(name).is_some_and(|id| event.has(id));
        let name = names.iter().find(has).or(names.first());
        name.map_or("", String::as_str)
    }

    /// What the entry has in the field that all of `parts` ask about, if it is one field.
    fn common(&self, parts: &[NodeId]) -> Vec<Found> {
        let field = |part: &NodeId| match &self.programs.nodes[*part as usize] {
            Node::Test(predicate) => self.programs.predicates[*predicate as usize].field,
            _ => None,
        };
        match parts.first().and_then(field) {
            Some(first) if parts.iter().all(|part| field(part) == Some(first)) => self.found(first),
            _ => Vec::new(),
        }
    }

    fn found(&self, field: Local) -> Vec<Found> {
        let name = self.name(field);
        if let Some(derived) = Derived::of_name(name) {
            let mut text = String::new();
            let has = derived.push_first(self.entry.event(), &mut text);
            return has.then(|| shown(&text)).into_iter().collect();
        }
        let Some(id) = FieldId::of(name) else {
            return Vec::new();
        };
        let values = self.entry.event().values(id).take(VALUES_MAX);
        values
            .map(|value| match value {
                Value::Null => shown("null"),
                value => shown(&raw_text(value)),
            })
            .collect()
    }
}

fn shown(text: &str) -> Found {
    Found {
        bytes: text.len(),
        text: (!text.contains(REDACTED)).then(|| clipped(text)),
    }
}

/// The beginning of `text`, quoted and escaped.
fn clipped(text: &str) -> String {
    let end = text.char_indices().nth(SHOWN_CHARS_MAX);
    match end {
        Some((end, _)) => format!("{:?}...", &text[..end]),
        None => format!("{text:?}"),
    }
}

fn described(op: &Op) -> String {
    let shape = |shape: &Shape| match shape {
        Shape::Exact => "is",
        Shape::Prefix => "starts with",
        Shape::Suffix => "ends with",
        Shape::Contains => "contains",
    };
    match op {
        Op::Present => "is there".to_owned(),
        Op::NotNull => "has a value".to_owned(),
        Op::Null => "is missing or null".to_owned(),
        Op::Text {
            shape: place, text, ..
        } => format!("{} {}", shape(place), clipped(text)),
        Op::Regex(regex) => format!("matches {}", clipped(regex.matcher.as_str())),
        Op::Net(net) => format!("lies in {net}"),
        Op::Number(comparison, number) => {
            let number = format!("{number:?}");
            let digits = number.split(['(', ')']).nth(1).unwrap_or("").to_owned();
            format!("is {comparison:?} {digits}").to_lowercase()
        }
        Op::OtherField { shape: place, .. } => format!("{} the text of", shape(place)),
        other => clipped(&format!("{other:?}")),
    }
}

#[cfg(test)]
mod tests;
