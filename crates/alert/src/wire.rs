//! The outer shape of alerts and messages: stable JSON, pinned by golden tests, and the form in
//! which the desk keeps an alert's body.

use event::{Index, ObservedAt, Severity, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{Alert, AlertId, AlertRule, Facts, State, Step, Verdict};

/// An alert as JSON.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct AlertWire {
    id: String,
    state: String,
    verdict: Option<String>,
    severity: String,
    title: String,
    rule: RuleWire,
    attack: Vec<String>,
    entity: Vec<String>,
    who: Facts,
    what: Facts,
    #[serde(rename = "where")]
    place: Facts,
    count: u64,
    first: String,
    last: String,
    window_start: String,
    raised_at: String,
    raised_index: u64,
    evidence: Vec<u64>,
    checkpoint: Option<String>,
    history: Vec<StepWire>,
}

#[derive(Debug, Serialize, Deserialize)]
struct RuleWire {
    id: String,
    code: Option<String>,
    description: String,
    playbook: Option<String>,
    false_positives: Vec<String>,
}

#[derive(Debug, Serialize, Deserialize)]
struct StepWire {
    index: u64,
    at: String,
    action: String,
    actor: Option<String>,
    note: Option<String>,
    took_effect: bool,
}

/// A message about an alert.
#[derive(Debug, Serialize)]
pub(crate) struct NoticeWire<'a> {
    #[serde(rename = "type")]
    pub(crate) kind: &'a str,
    pub(crate) timestamp: String,
    pub(crate) checkpoint: Option<&'a str>,
    pub(crate) data: AlertWire,
}

/// A message that says that more alerts came than the budget lets through.
#[derive(Debug, Serialize)]
pub(crate) struct SummaryWire<'a> {
    #[serde(rename = "type")]
    pub(crate) kind: &'a str,
    pub(crate) timestamp: String,
    pub(crate) checkpoint: Option<&'a str>,
    pub(crate) data: SummaryDataWire<'a>,
}

#[derive(Debug, Serialize)]
pub(crate) struct SummaryDataWire<'a> {
    pub(crate) rule_id: &'a str,
    pub(crate) title: &'a str,
    pub(crate) severity: &'a str,
    pub(crate) hour: String,
    pub(crate) messages_max: u32,
}

impl AlertWire {
    pub(crate) fn of(alert: &Alert) -> Self {
        Self {
            id: alert.id.to_string(),
            state: alert.state.name().to_owned(),
            verdict: alert.verdict.map(|verdict| verdict.name().to_owned()),
            severity: alert.severity.name().to_owned(),
            title: alert.title.clone(),
            rule: RuleWire {
                id: alert.rule.id.clone(),
                code: alert.rule.code.clone(),
                description: alert.rule.description.clone(),
                playbook: alert.rule.playbook.clone(),
                false_positives: alert.rule.false_positives.clone(),
            },
            attack: alert.attack.clone(),
            entity: alert.entity.clone(),
            who: alert.who.clone(),
            what: alert.what.clone(),
            place: alert.place.clone(),
            count: alert.count,
            first: alert.first.to_string(),
            last: alert.last.to_string(),
            window_start: alert.window_start.to_string(),
            raised_at: alert.raised_at.to_string(),
            raised_index: alert.raised_index.0,
            evidence: alert.evidence.iter().map(|index| index.0).collect(),
            checkpoint: alert.checkpoint.clone(),
            history: alert.history.iter().map(StepWire::of).collect(),
        }
    }

    /// The alert; `None` when a part is not what [`AlertWire::of`] writes.
    pub(crate) fn into_alert(self) -> Option<Alert> {
        Some(Alert {
            id: AlertId::parse(&self.id)?,
            state: State::of_name(&self.state)?,
            verdict: match self.verdict {
                Some(name) => Some(Verdict::of_name(&name)?),
                None => None,
            },
            severity: Severity::of_name(&self.severity)?,
            title: self.title,
            rule: AlertRule {
                id: self.rule.id,
                code: self.rule.code,
                description: self.rule.description,
                playbook: self.rule.playbook,
                false_positives: self.rule.false_positives,
            },
            attack: self.attack,
            entity: self.entity,
            who: self.who,
            what: self.what,
            place: self.place,
            count: self.count,
            first: Timestamp(nanos(&self.first)?),
            last: Timestamp(nanos(&self.last)?),
            window_start: Timestamp(nanos(&self.window_start)?),
            raised_at: ObservedAt(nanos(&self.raised_at)?),
            raised_index: Index(self.raised_index),
            evidence: self.evidence.into_iter().map(Index).collect(),
            checkpoint: self.checkpoint,
            history: self
                .history
                .into_iter()
                .map(StepWire::into_step)
                .collect::<Option<_>>()?,
        })
    }
}

impl StepWire {
    fn of(step: &Step) -> Self {
        Self {
            index: step.index.0,
            at: step.at.to_string(),
            action: step.action.clone(),
            actor: step.actor.clone(),
            note: step.note.clone(),
            took_effect: step.took_effect,
        }
    }

    fn into_step(self) -> Option<Step> {
        Some(Step {
            index: Index(self.index),
            at: ObservedAt(nanos(&self.at)?),
            action: self.action,
            actor: self.actor,
            note: self.note,
            took_effect: self.took_effect,
        })
    }
}

fn nanos(text: &str) -> Option<i64> {
    stdx::calendar::parse_rfc3339(text).map(|parsed| parsed.unix_nanos)
}
