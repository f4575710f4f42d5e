//! Why a rule did, or did not, match an entry: the answer of every selection.

use event::Entry;

use crate::log_source::Sorter;
use crate::matcher::{Matcher, Scratch};
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
    /// Every selection by name, and whether it holds.
    pub selections: Vec<(String, bool)>,
}

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
        let selections = detector.selections.iter();
        let selections = selections
            .map(|(name, root)| (name.clone(), matcher.holds(*root)))
            .collect();
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
