//! What an operator changes about rules without touching their files: thresholds by name, level
//! and run state by rule, and scopes, in which other thresholds hold.
//!
//! A rule names its thresholds (`thresholds: {d01_failures: 5}`); every bound of its condition,
//! and every number its selections compare with, that equals the default is that threshold. The
//! changes are made to the rules as read, before they are compiled, so that the engine knows
//! nothing of them.
//!
//! A scope is a selection of events (a service, a network, an account). Where one gives a
//! threshold of a rule another value, or raises all, the rule is split: a copy with `@scope` behind
//! its id counts the events of the scope, and the rule itself counts the others. So an allow-list
//! raises thresholds and never blinds. An event belongs to the first scope that fits.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use event::Severity;

use crate::limits;
use crate::nearest::nearest;
use crate::predicate::{Number, Op};
use crate::rule::{Body, Clause, Condition, CorrelationKind, Document};
use crate::sigma;

mod split;

/// The operator's changes; the default changes nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tuning {
    /// (name, value) for all events.
    pub thresholds: Vec<(String, u64)>,
    /// Changes of single rules.
    pub overrides: Vec<Override>,
    /// Scopes, the first that fits counts.
    pub scopes: Vec<Scope>,
}

/// A change of the rules of one code, id or name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Override {
    /// Code, id or name.
    pub rule: String,
    /// Whether they run.
    pub enabled: Option<bool>,
    /// Their level.
    pub level: Option<Severity>,
}

/// Events in which other thresholds hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scope {
    /// Stands behind the `@` of the copies' ids.
    pub name: String,
    /// Fields, with Sigma's modifiers, and their values; all fields must fit.
    pub selection: Vec<(String, Vec<String>)>,
    /// (name, value) inside the scope.
    pub thresholds: Vec<(String, u64)>,
    /// By how much every counting threshold is multiplied that has no value of its own here.
    pub raise: Option<u64>,
}

/// A document with the name of its file.
pub(crate) type Placed = (Arc<str>, Document);

impl Tuning {
    /// Changes `documents`; what could not be done, a sentence each.
    pub(crate) fn apply(&self, documents: &mut Vec<Placed>) -> Vec<String> {
        let mut complaints = Vec::new();
        self.override_rules(documents, &mut complaints);
        self.complain_of_names(documents, &mut complaints);
        for (_, document) in documents.iter_mut() {
            for at in 0..document.meta.thresholds.len() {
                let (name, default) = document.meta.thresholds[at].clone();
                if let Some(value) = value_of(&self.thresholds, &name) {
                    replace(&mut document.body, default, value);
                    document.meta.thresholds[at].1 = value;
                }
            }
        }
        if !self.scopes.is_empty() {
            split::split(&self.scopes, documents, &mut complaints);
        }
        complaints
    }

    fn override_rules(&self, documents: &mut [Placed], complaints: &mut Vec<String>) {
        for change in &self.overrides {
            let mut found = false;
            for (_, document) in documents.iter_mut() {
                let meta = &mut document.meta;
                let called = meta.reference.id == change.rule
                    || meta.name.as_deref() == Some(&change.rule)
                    || meta.reference.code.as_deref() == Some(&change.rule);
                if !called {
                    continue;
                }
                found = true;
                meta.enabled = change.enabled.unwrap_or(meta.enabled);
                if let Some(level) = change.level {
                    let mut reference = (*meta.reference).clone();
                    reference.severity = level;
                    meta.reference = Arc::new(reference);
                }
            }
            if !found {
                complaints.push(format!("there is no rule `{}` to change", change.rule));
            }
        }
    }

    fn complain_of_names(&self, documents: &[Placed], complaints: &mut Vec<String>) {
        let known: BTreeSet<&str> = documents
            .iter()
            .flat_map(|(_, document)| &document.meta.thresholds)
            .map(|(name, _)| name.as_str())
            .collect();
        let scoped = self.scopes.iter().flat_map(|scope| &scope.thresholds);
        for (name, value) in self.thresholds.iter().chain(scoped) {
            if !known.contains(name.as_str()) {
                let hint = nearest(name, known.iter().copied())
                    .map_or(String::new(), |near| format!("; did you mean `{near}`?"));
                complaints.push(format!("no rule has a threshold `{name}`{hint}"));
            }
            if *value == 0 || *value > i64::MAX.unsigned_abs() {
                complaints.push(format!("threshold `{name}` of {value} is out of range"));
            }
        }
    }
}

fn value_of(values: &[(String, u64)], name: &str) -> Option<u64> {
    let found = values.iter().rev().find(|(known, _)| known == name);
    found.map(|(_, value)| *value).filter(|value| *value > 0)
}

/// Replaces the number `from` by `to` in bounds and comparisons; a negative one keeps its sign.
/// Whether there was one.
pub(crate) fn replace(body: &mut Body, from: u64, to: u64) -> bool {
    let mut found = false;
    match body {
        Body::Detection(rule) => {
            for (_, clause) in &mut rule.selections {
                replace_in_clause(clause, from, to, &mut found);
            }
        }
        Body::Correlation(rule) => match &mut rule.kind {
            CorrelationKind::EventCount(bounds) | CorrelationKind::ValueCount(_, bounds) => {
                for (_, bound) in bounds.iter_mut().filter(|(_, bound)| *bound == from) {
                    found = true;
                    *bound = to.min(limits::THRESHOLD_MAX);
                }
            }
            CorrelationKind::ValueSum(_, bounds)
            | CorrelationKind::ValueAvg(_, bounds)
            | CorrelationKind::ValuePercentile(_, _, bounds) => {
                for (_, bound) in bounds.iter_mut() {
                    if bound.unsigned_abs() == from {
                        found = true;
                        *bound = signed(to, *bound < 0);
                    }
                }
            }
            CorrelationKind::Temporal(..) | CorrelationKind::TemporalOrdered(..) => {}
        },
    }
    found
}

fn replace_in_clause(clause: &mut Clause, from: u64, to: u64, found: &mut bool) {
    match clause {
        Clause::All(parts) | Clause::Any(parts) => {
            for part in parts {
                replace_in_clause(part, from, to, found);
            }
        }
        Clause::Not(inner) => replace_in_clause(inner, from, to, found),
        Clause::Test(test) => {
            if let Op::Number(_, Number::Int(number)) = &mut test.op
                && number.unsigned_abs() == from
            {
                *found = true;
                *number = signed(to, *number < 0);
            }
        }
    }
}

fn signed(number: u64, negative: bool) -> i64 {
    let number = i64::try_from(number).unwrap_or(i64::MAX);
    if negative { -number } else { number }
}

/// The clause of a scope's selection.
fn clause_of(scope: &Scope) -> Result<Clause, String> {
    if scope.selection.is_empty() {
        return Err(format!("scope `{}` selects nothing", scope.name));
    }
    sigma::selection(&scope.selection)
        .map_err(|message| format!("scope `{}`: {message}", scope.name))
}

/// `condition` and `clause`, or and not `clause`, which becomes a selection called `name`.
fn narrow(document: &mut Document, name: &str, clause: Clause, inside: bool) {
    let Body::Detection(rule) = &mut document.body else {
        return;
    };
    let place = rule.selections.len();
    rule.selections.push((name.to_owned(), clause));
    let chosen = Condition::Selection(place);
    let chosen = if inside {
        chosen
    } else {
        Condition::Not(Box::new(chosen))
    };
    let before = std::mem::replace(&mut rule.condition, Condition::All(Vec::new()));
    rule.condition = Condition::All(vec![before, chosen]);
}

/// Places of the rules by id and by name.
fn places(documents: &[Placed]) -> HashMap<String, usize> {
    let mut places = HashMap::new();
    for (place, (_, document)) in documents.iter().enumerate() {
        places
            .entry(document.meta.reference.id.clone())
            .or_insert(place);
        if let Some(name) = &document.meta.name {
            places.entry(name.clone()).or_insert(place);
        }
    }
    places
}

#[cfg(test)]
mod tests;
