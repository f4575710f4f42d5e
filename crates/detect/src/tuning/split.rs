//! Splits rules by scope: copies for the events of each scope, the rule itself for the rest.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use super::{Placed, Scope, clause_of, narrow, places, replace, value_of};
use crate::rule::{Body, Clause, Document};

/// Which events a copy is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Part {
    /// Those of a scope, by its place.
    Inside(usize),
    /// Those of no scope that matters to the rule.
    Rest,
}

/// The scopes that matter to a rule, by place.
type Relevant = BTreeSet<usize>;

struct Splitter<'a> {
    scopes: &'a [Scope],
    clauses: Vec<Clause>,
    originals: Vec<Placed>,
    places: HashMap<String, usize>,
    /// Copies made so far, by what they are copies of and for.
    made: HashMap<(usize, Part, Relevant), String>,
    copies: Vec<Placed>,
}

/// Splits those of `documents` that a scope gives other thresholds.
pub(super) fn split(scopes: &[Scope], documents: &mut Vec<Placed>, complaints: &mut Vec<String>) {
    let mut clauses = Vec::with_capacity(scopes.len());
    for scope in scopes {
        match clause_of(scope) {
            Ok(clause) => clauses.push(clause),
            Err(message) => return complaints.push(message),
        }
    }
    let was_fed = referred_to(documents);
    let mut splitter = Splitter {
        scopes,
        clauses,
        originals: documents.clone(),
        places: places(documents),
        made: HashMap::new(),
        copies: Vec::new(),
    };
    let mut generates = BTreeSet::new();
    for (place, (_, document)) in documents.iter_mut().enumerate() {
        // What feeds another rule is copied with that rule.
        let feeds = was_fed.contains(&place);
        let relevant = splitter.relevant(place, 0);
        if relevant.is_empty() || feeds && !splitter.rings_beside(place) {
            continue;
        }
        for scope in &relevant {
            splitter.copy(place, Part::Inside(*scope), &relevant);
        }
        if let Body::Correlation(rule) = &mut document.body {
            if rule.generate {
                generates.extend(splitter.members(place));
            }
            rule.generate = false;
        }
        splitter.restrict(document, place, Part::Rest, &relevant);
    }
    // What fed only rules that were split would ring for itself now.
    documents.extend(splitter.copies);
    let is_fed = referred_to(documents);
    let mut place = 0;
    documents.retain(|_| {
        let keep =
            !was_fed.contains(&place) || is_fed.contains(&place) || generates.contains(&place);
        place += 1;
        keep
    });
}

/// Places of the rules that correlations refer to.
fn referred_to(documents: &[Placed]) -> BTreeSet<usize> {
    let places = places(documents);
    let rules = documents
        .iter()
        .filter_map(|(_, document)| match &document.body {
            Body::Correlation(rule) => Some(&rule.rules),
            Body::Detection(_) => None,
        });
    rules
        .flatten()
        .filter_map(|name| places.get(name).copied())
        .collect()
}

impl Splitter<'_> {
    fn members(&self, place: usize) -> Vec<usize> {
        match &self.originals[place].1.body {
            Body::Correlation(rule) => {
                let places = rule.rules.iter().map(|name| self.places.get(name).copied());
                places.flatten().collect()
            }
            Body::Detection(_) => Vec::new(),
        }
    }

    /// Whether a rule that feeds others has a threshold of its own and rings beside them.
    fn rings_beside(&self, place: usize) -> bool {
        let generating = self
            .originals
            .iter()
            .enumerate()
            .any(|(of, (_, document))| {
                let generates = matches!(&document.body, Body::Correlation(rule) if rule.generate);
                generates && self.members(of).contains(&place)
            });
        generating && !self.originals[place].1.meta.thresholds.is_empty()
    }

    /// Scopes that change a threshold of the rule or of one that feeds it.
    fn relevant(&self, place: usize, depth: usize) -> Relevant {
        let document = &self.originals[place].1;
        let counts = matches!(document.body, Body::Correlation(_));
        let mut relevant = Relevant::new();
        for (at, scope) in self.scopes.iter().enumerate() {
            let changes = document.meta.thresholds.iter().any(|(name, _)| {
                value_of(&scope.thresholds, name).is_some() || counts && scope.raise.is_some()
            });
            if changes {
                relevant.insert(at);
            }
        }
        if depth < crate::limits::CHAIN_DEPTH_MAX {
            for member in self.members(place) {
                relevant.extend(self.relevant(member, depth + 1));
            }
        }
        relevant
    }

    /// The name of the copy of a rule for `part`, made when there is none yet.
    fn copy(&mut self, place: usize, part: Part, relevant: &Relevant) -> String {
        let key = (place, part, relevant.clone());
        if let Some(name) = self.made.get(&key) {
            return name.clone();
        }
        let (file, mut document) = self.originals[place].clone();
        let label = self.label(part, relevant);
        let mut reference = (*document.meta.reference).clone();
        reference.id = format!("{}@{label}", reference.id);
        let name = reference.id.clone();
        if let Part::Inside(scope) = part {
            reference.title = format!("{} ({})", reference.title, self.scopes[scope].name);
        }
        document.meta.reference = Arc::new(reference);
        document.meta.name = document.meta.name.map(|name| format!("{name}@{label}"));
        document.samples = Vec::new();
        if let Body::Correlation(rule) = &mut document.body {
            rule.generate = false;
        }
        // Before the members, so that a ring of rules ends; the loader refuses it later.
        self.made.insert(key, name.clone());
        self.restrict(&mut document, place, part, relevant);
        self.copies.push((file, document));
        name
    }

    fn label(&self, part: Part, relevant: &Relevant) -> String {
        match part {
            Part::Inside(scope) => self.scopes[scope].name.clone(),
            Part::Rest => {
                let names = relevant
                    .iter()
                    .map(|scope| self.scopes[*scope].name.as_str());
                format!("not-{}", names.collect::<Vec<_>>().join("-"))
            }
        }
    }

    /// Makes `document`, a copy of the rule at `place` or that rule itself, look at `part` only.
    fn restrict(&mut self, document: &mut Document, place: usize, part: Part, relevant: &Relevant) {
        if let Part::Inside(scope) = part {
            let scope = &self.scopes[scope];
            let counts = matches!(document.body, Body::Correlation(_));
            for (name, default) in &mut document.meta.thresholds {
                let raised = scope.raise.filter(|_| counts);
                let raised = raised.map(|raise| default.saturating_mul(raise));
                if let Some(value) = value_of(&scope.thresholds, name).or(raised) {
                    replace(&mut document.body, *default, value);
                    *default = value;
                }
            }
        }
        if let Body::Correlation(_) = document.body {
            let members = self.members(place);
            let names: Vec<String> = members
                .iter()
                .map(|member| self.copy(*member, part, relevant))
                .collect();
            let Body::Correlation(rule) = &mut document.body else {
                return;
            };
            // A member that does not exist stays, for the loader to complain of.
            if names.len() == rule.rules.len() {
                rule.rename_members(&names);
            }
            return;
        }
        for scope in relevant {
            let inside = part == Part::Inside(*scope);
            let name = format!("scope {}", self.scopes[*scope].name);
            narrow(document, &name, self.clauses[*scope].clone(), inside);
            if inside {
                break;
            }
        }
    }
}
