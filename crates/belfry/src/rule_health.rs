//! Whether rules live: which fields arrive, which rules match, which cannot.
//!
//! The watch notes what it sees while the process runs; the judgement is made when somebody asks
//! (`belfry rules status`) and once a day, when an entry about ourselves says which rules lost
//! their food or had to give up state (rule D29 rings on it).

use std::collections::{HashMap, HashSet};

use detect::{EngineStats, RuleSet};
use event::{Detection, Entry, FieldId, field};
use serde_json::{Value, json};
use stdx::calendar::{self, SECOND_NANOS};

use crate::self_audit::OwnEvent;

/// How long a field may be away before rules that need it count as starved: what comes daily came.
const STARVED_NANOS: i64 = 26 * 3_600 * SECOND_NANOS;
/// Time between two entries about unhealthy rules.
const DAY_NANOS: i64 = 24 * 3_600 * SECOND_NANOS;
/// Rules that such an entry names.
const NAMED_MAX: usize = 20;

/// What the watch has seen since the process started.
#[derive(Debug, Default)]
pub(crate) struct Observed {
    /// When it began, ns since 1970; 0 before the first entry.
    since: i64,
    /// When each field came last, by the slot of its id; 0 for never.
    fields: Vec<i64>,
    /// When a rule rang last, by its id.
    rang: HashMap<String, i64>,
    /// Rules that could have matched at some time.
    was_fed: HashSet<String>,
    /// The newest figures of the engine.
    pub(crate) stats: Option<EngineStats>,
    /// When the last daily entry was written.
    told: i64,
}

/// The state of one rule.
#[derive(Debug, PartialEq, Eq)]
struct Health {
    id: String,
    code: String,
    title: String,
    state: State,
    matched: u64,
    detections: u64,
    evictions: u64,
    late: u64,
    rang: i64,
}

/// States, the worst first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum State {
    /// Fields it needs came before and come no more.
    Starved,
    /// It gave up groups for want of room, so it may have missed something.
    Degraded,
    /// Fields it needs have not come since the process started.
    Unfed,
    /// It could match and never did.
    Silent,
    /// It matched.
    Alive,
    /// It is switched off.
    Off,
}

impl State {
    fn name(self) -> &'static str {
        match self {
            Self::Starved => "starved",
            Self::Degraded => "degraded",
            Self::Unfed => "unfed",
            Self::Silent => "silent",
            Self::Alive => "alive",
            Self::Off => "off",
        }
    }
}

impl Observed {
    /// Takes note of entries and of what they showed.
    pub(crate) fn note(&mut self, batch: &[Entry], detections: &[Detection]) {
        for entry in batch {
            let at = entry.received().0;
            if self.since == 0 {
                self.since = at;
            }
            for field in entry.event().fields() {
                let Some(slot) = field.id.map(FieldId::slot) else {
                    continue;
                };
                if self.fields.len() <= slot {
                    self.fields.resize(slot + 1, 0);
                }
                self.fields[slot] = at;
            }
        }
        for detection in detections {
            let at = detection.last.0;
            let rang = self.rang.entry(detection.rule.id.clone()).or_default();
            *rang = at.max(*rang);
        }
    }

    fn judged(&mut self, rules: &RuleSet, now: i64) -> Vec<Health> {
        let came = |id: FieldId| self.fields.get(id.slot()).copied().unwrap_or(0);
        let oldest = now.saturating_sub(STARVED_NANOS);
        let fed_now = rules.fed_by(|id| came(id) > oldest);
        let fed_ever = rules.fed_by(|id| came(id) > 0);
        let mut judged = Vec::new();
        for (place, summary) in rules.rules().into_iter().enumerate() {
            let id = summary.rule.id.clone();
            if fed_ever[place] {
                self.was_fed.insert(id.clone());
            }
            if !summary.rings {
                continue;
            }
            let stats = self.stats.as_ref().and_then(|stats| stats.rules.get(place));
            let figure = |of: fn(&detect::RuleStats) -> u64| stats.map_or(0, of);
            let matched = figure(|stats| stats.matched);
            let evictions = figure(|stats| stats.evictions);
            let state = if !summary.enabled {
                State::Off
            } else if !fed_now[place] && self.was_fed.contains(&id) {
                State::Starved
            } else if evictions > 0 {
                State::Degraded
            } else if !fed_now[place] {
                State::Unfed
            } else if matched == 0 {
                State::Silent
            } else {
                State::Alive
            };
            judged.push(Health {
                code: summary.rule.code.clone().unwrap_or_default(),
                title: summary.rule.title.clone(),
                state,
                matched,
                detections: figure(|stats| stats.detections),
                evictions,
                late: figure(|stats| stats.dropped_late),
                rang: self.rang.get(&id).copied().unwrap_or(0),
                id,
            });
        }
        judged.sort_by(|a, b| (a.state, &a.code, &a.id).cmp(&(b.state, &b.code, &b.id)));
        judged
    }

    /// The state of every rule that may ring, the worst first.
    pub(crate) fn report(&mut self, rules: &RuleSet, now: i64) -> Value {
        let time = |at: i64| (at > 0).then(|| calendar::format_rfc3339(at));
        let since = time(self.since);
        let judged = self.judged(rules, now).into_iter().map(|health| {
            json!({
                "id": health.id, "code": health.code, "title": health.title,
                "state": health.state.name(), "matched": health.matched,
                "detections": health.detections, "evictions": health.evictions,
                "late": health.late, "rang": time(health.rang),
            })
        });
        let rules: Vec<Value> = judged.collect();
        json!({ "since": since, "rules": rules })
    }

    /// The daily entry, when it is due and there is something to say.
    pub(crate) fn daily(&mut self, rules: &RuleSet, now: i64) -> Option<OwnEvent> {
        let begin = if self.told == 0 {
            self.since
        } else {
            self.told
        };
        if begin == 0 || now.saturating_sub(begin) < DAY_NANOS {
            return None;
        }
        self.told = now;
        let mut sick = self.judged(rules, now);
        sick.retain(|health| matches!(health.state, State::Starved | State::Degraded));
        if sick.is_empty() {
            return None;
        }
        let name = |health: &Health| {
            let code = if health.code.is_empty() {
                &health.id
            } else {
                &health.code
            };
            format!("{code} {}", health.state.name())
        };
        let mut names: Vec<String> = sick.iter().map(name).collect();
        names.dedup();
        names.truncate(NAMED_MAX);
        let own = OwnEvent::new("rule_unhealthy", "configuration", "info", "failure")
            .text(field::LABELS_TARGET_TYPE, "rules")
            .text(field::EVENT_REASON, &names.join(", "))
            .count(sick.len() as u64);
        Some(own)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use detect::RuleFile;
    use event::{Index, ObservedAt};

    const RULES: &str = "title: a\nid: a\nlogsource: {category: any}\n\
        detection:\n  s: {user.name: bob}\n  condition: s\n---\n\
        title: b\nid: b\nlogsource: {category: any}\n\
        detection:\n  s: {source.ip: 192.0.2.1}\n  condition: s\n";

    fn states(observed: &mut Observed, rules: &RuleSet, now: i64) -> Vec<String> {
        let judged = observed.judged(rules, now);
        let told = judged.iter();
        told.map(|health| format!("{} {}", health.id, health.state.name()))
            .collect()
    }

    #[test]
    fn a_field_that_stays_away_starves_its_rules() {
        let file = RuleFile {
            name: "r.yml".to_owned(),
            text: RULES.to_owned(),
        };
        let (rules, problems) = RuleSet::load(&[file]);
        assert_eq!(problems, []);
        let start = 1_790_000_000 * SECOND_NANOS;
        let body = r#"{"user.name":"eve","belfry.source":"shop"}"#;
        let entry = Entry::restored(Index(0), ObservedAt(start), body).unwrap();
        let mut observed = Observed::default();
        observed.note(&[entry], &[]);
        assert_eq!(
            states(&mut observed, &rules, start),
            ["b unfed", "a silent"]
        );
        assert!(observed.daily(&rules, start + DAY_NANOS - 1).is_none());
        assert!(observed.daily(&rules, start + DAY_NANOS).is_none());
        let later = start + 3 * DAY_NANOS;
        assert_eq!(
            states(&mut observed, &rules, later),
            ["a starved", "b unfed"]
        );
        assert!(observed.daily(&rules, later).is_some());
        assert!(observed.daily(&rules, later + 1).is_none());
    }
}
