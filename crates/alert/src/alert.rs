//! What a person is told, and what the desk remembers about it.

use std::collections::BTreeMap;

use event::{Detection, Index, ObservedAt, Severity, Timestamp};

use crate::{AlertId, State, Verdict, limits};

/// Field names with their values as text; lists are joined by `, `.
pub type Facts = BTreeMap<String, String>;

/// An alert as it stands now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alert {
    /// Stable id.
    pub id: AlertId,
    /// Where it stands.
    pub state: State,
    /// What it turned out to be, once closed.
    pub verdict: Option<Verdict>,
    /// How grave.
    pub severity: Severity,
    /// One line about it: the rule's title.
    pub title: String,
    /// The rule behind it.
    pub rule: AlertRule,
    /// ATT&CK tags of the rule.
    pub attack: Vec<String>,
    /// The entity it is about, `field=value` each.
    pub entity: Vec<String>,
    /// Who did it: `user.*`, addresses, agent.
    pub who: Facts,
    /// What was done: action, outcome, request.
    pub what: Facts,
    /// Where it was done: service, host, path, source of the record.
    pub place: Facts,
    /// What was counted so far.
    pub count: u64,
    /// Event time of the first entry counted.
    pub first: Timestamp,
    /// Event time of the last entry counted.
    pub last: Timestamp,
    /// Start of the window it belongs to.
    pub window_start: Timestamp,
    /// When the ledger took the entry that raised it.
    pub raised_at: ObservedAt,
    /// The entry that raised it.
    pub raised_index: Index,
    /// Entries that show it, oldest first, at most [`limits::EVIDENCE_MAX`].
    pub evidence: Vec<Index>,
    /// Newest checkpoint of the ledger when it was raised.
    pub checkpoint: Option<String>,
    /// Everything that happened to it, oldest first.
    pub history: Vec<Step>,
}

/// The rule behind an alert.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AlertRule {
    /// Stable id.
    pub id: String,
    /// Short name such as `D01`.
    pub code: Option<String>,
    /// Why it matters.
    pub description: String,
    /// Where to read what to do.
    pub playbook: Option<String>,
    /// Known harmless causes.
    pub false_positives: Vec<String>,
}

/// One change of an alert.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// The entry that records it.
    pub index: Index,
    /// When the ledger took that entry.
    pub at: ObservedAt,
    /// Its `event.action`.
    pub action: String,
    /// Who did it; `None` for detection.
    pub actor: Option<String>,
    /// What they said.
    pub note: Option<String>,
    /// False for a change that came too late to be legal, as when two people close at once.
    pub took_effect: bool,
}

impl Alert {
    /// Takes in what a later entry of the same alert says. Returns whether the severity rose.
    pub(crate) fn grow(&mut self, later: &Self) -> bool {
        let rose = self.severity < later.severity;
        self.severity = self.severity.max(later.severity);
        self.count = self.count.max(later.count);
        self.first = self.first.min(later.first);
        self.last = self.last.max(later.last);
        self.evidence.extend_from_slice(&later.evidence);
        bound_evidence(&mut self.evidence);
        rose
    }

    /// The newest entry that shows it.
    pub fn newest_evidence(&self) -> Option<Index> {
        self.evidence.last().copied()
    }
}

/// Sorts, removes doubles and keeps the oldest and the newest halves.
pub(crate) fn bound_evidence(evidence: &mut Vec<Index>) {
    evidence.sort_unstable();
    evidence.dedup();
    let over = evidence.len().saturating_sub(limits::EVIDENCE_MAX);
    let from = limits::EVIDENCE_MAX / 2;
    if 0 < over {
        evidence.drain(from..from + over);
    }
}

/// What the desk knows about an alert that a detection belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Known {
    /// Where it stands.
    pub state: State,
    /// How grave it is so far.
    pub severity: Severity,
    /// What was counted so far.
    pub count: u64,
    /// Event time of the last entry counted.
    pub last: Timestamp,
}

impl Known {
    /// Whether `detection` says enough news to be worth another entry: graver, twice as many, or
    /// still going on after [`limits::GROWTH_QUIET_MAX`]. A replayed detection says none.
    pub fn is_outgrown_by(&self, detection: &Detection) -> bool {
        let quiet = i64::try_from(limits::GROWTH_QUIET_MAX.as_nanos()).unwrap_or(i64::MAX);
        self.severity < detection.rule.severity
            || self.count.saturating_mul(limits::GROWTH_FACTOR) <= detection.count
            || self.count < detection.count && self.last.0.saturating_add(quiet) <= detection.last.0
    }
}
