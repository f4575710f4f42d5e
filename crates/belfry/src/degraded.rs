//! What the detector had to give up becomes an entry (rule B01 rings on it): evicted groups,
//! matches too late, times not believed. Told at most once an hour for each rule and reason.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use detect::{EngineStats, RuleStats};
use event::field;

use crate::self_audit::{OwnEvent, SelfAudit};

/// Shortest time between two entries on the same rule and reason.
const TELL_PAUSE: Duration = Duration::from_hours(1);
/// Pairs of rule and reason remembered; further ones are counted in the metrics only.
const TOLD_MAX: usize = 1024;

/// A figure of one rule.
type Figure = fn(&RuleStats) -> u64;

/// What can be given up: name of the reason, how it is read.
const REASONS: [(&str, &str, Figure); 3] = [
    ("evicted", "groups were given up for want of room", |rule| {
        rule.evictions
    }),
    ("late", "matches came too late to count", |rule| {
        rule.dropped_late
    }),
    ("unreadable", "matches held no number to measure", |rule| {
        rule.unreadable
    }),
];

/// What was told when.
#[derive(Debug, Default)]
pub(crate) struct Degraded {
    told: HashMap<(String, &'static str), Told>,
}

#[derive(Clone, Copy, Debug)]
struct Told {
    count: u64,
    at: Instant,
}

impl Degraded {
    /// Looks at the figures and writes down what is new among them.
    pub(crate) fn look(&mut self, stats: &EngineStats, own: &SelfAudit) {
        for rule in &stats.rules {
            for (reason, words, figure) in REASONS {
                let name = rule.rule.code.as_ref().unwrap_or(&rule.rule.id);
                let count = figure(rule);
                if let Some(new) = self.news(name, reason, count) {
                    let message = format!("{new} {words} under rule {}", rule.rule.title);
                    tell(own, name, reason, &message, new);
                }
            }
        }
        if let Some(new) = self.news("", "clock", stats.clock_suspect) {
            let message = format!("the time of {new} entries was not believed");
            tell(own, "all", "clock", &message, new);
        }
    }

    /// How much `count` has grown since it was told, when it is time to tell again.
    fn news(&mut self, rule: &str, reason: &'static str, count: u64) -> Option<u64> {
        if count == 0 {
            return None;
        }
        let key = (rule.to_owned(), reason);
        let now = Instant::now();
        let before = self.told.get(&key).copied();
        let is_told = |told: Told| told.count >= count || now - told.at < TELL_PAUSE;
        if before.is_some_and(is_told) || before.is_none() && self.told.len() >= TOLD_MAX {
            return None;
        }
        self.told.insert(key, Told { count, at: now });
        Some(count - before.map_or(0, |told| told.count))
    }

    /// The counters begin anew: the rules were exchanged.
    pub(crate) fn forget(&mut self) {
        for told in self.told.values_mut() {
            told.count = 0;
        }
    }
}

fn tell(own: &SelfAudit, rule: &str, reason: &str, message: &str, count: u64) {
    let category = "intrusion_detection";
    let own_event = OwnEvent::new("detection_degraded", category, "info", "failure")
        .text(field::LABELS_TARGET_TYPE, "rule")
        .text(field::LABELS_TARGET_ID, rule)
        .named("belfry.reason", reason)
        .text(field::EVENT_REASON, message)
        .count(count);
    // An entry that finds no room is still in the metrics.
    let _ = own.record_soon(own_event);
}
