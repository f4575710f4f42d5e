//! What a rule says about entries: the noun that travels from detection to the alert desk.

use std::sync::Arc;

use crate::{Index, Severity, Timestamp};

/// A tag of MITRE ATT&CK on a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attack {
    /// Technique or tactic, as tagged: `T1110.003`, `TA0006`, `credential-access`.
    pub id: String,
}

/// The rule behind a detection, as people and machines refer to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleRef {
    /// Stable id (UUID of the Sigma file or its `name`).
    pub id: String,
    /// Short name such as `D01`, where the rule has one.
    pub code: Option<String>,
    /// Title.
    pub title: String,
    /// Why it matters, from the rule's description.
    pub description: String,
    /// How grave.
    pub severity: Severity,
    /// ATT&CK tags.
    pub attack: Vec<Attack>,
    /// Where to read what to do.
    pub playbook: Option<String>,
    /// Known harmless causes.
    pub false_positives: Vec<String>,
}

/// One part of the key a correlation groups by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupValue {
    /// Field name.
    pub field: String,
    /// Its value.
    pub value: String,
}

/// A rule matched these entries.
#[derive(Clone, Debug)]
pub struct Detection {
    /// The rule.
    pub rule: Arc<RuleRef>,
    /// The entity it is about: the group-by values, or for a single-event rule the fields that
    /// name its actor. Never empty strings.
    pub group: Vec<GroupValue>,
    /// Event time of the first entry counted.
    pub first: Timestamp,
    /// Event time of the last entry counted.
    pub last: Timestamp,
    /// Start of the window the detection belongs to: with rule and group it makes the alert's
    /// identity, so that a replay raises the same alert and not a second one.
    pub window_start: Timestamp,
    /// What was counted: events, distinct values or steps.
    pub count: u64,
    /// Whether the count is an estimate, or at least that much: the window held more than is kept
    /// exactly.
    pub approximate: bool,
    /// Indices of entries that show it, oldest first, bounded; the newest is the trigger.
    pub evidence: Vec<Index>,
    /// The entry that completed it.
    pub trigger: Index,
    /// Whether this continues a window that has rung already.
    pub ongoing: bool,
}
