//! The engine: entries in, detections out, in the order of the ledger.
//!
//! Detection is a pure function of the entries: the same entries in the same order give the same
//! detections, live, replayed or continued from a snapshot. Time is the event's own, clamped: a
//! claim that lies further in the future than the skew allowed, or (from a live sender) further in
//! the past, is replaced by the time of receipt and counted as suspect. Windows that must be over
//! before they are judged are judged by the ledger's clock, which is the newest time of receipt.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use event::{Detection, Entry, GroupValue, Index, ObservedAt, RuleRef, Timestamp};

use crate::bell::Ring;
use crate::bucket::RuleNumber;
use crate::goal::{Goal, Measure};
use crate::groups::Groups;
use crate::hash::Seed;
use crate::rule::Comparison;
use crate::rule_set::{Kind, Rule, RuleSet};
use crate::sieve::Sieve;
use crate::spelling::GroupField;
use crate::window::Satisfied;

mod correlate;
mod group_key;
mod sources;
mod state;

pub use state::SnapshotError;

use correlate::{Arrival, Target};
use sources::{Sources, Time};

/// Limits of an engine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EngineConfig {
    /// How far behind the newest event of its window a late event still counts.
    pub lateness: Duration,
    /// How far an event's time may lie after its receipt; at most `lateness` is used.
    pub skew_future: Duration,
    /// How far the time of an event from a live sender may lie before its receipt. Tailed files
    /// and bulk imports tell the past, so for them there is no such bound.
    pub skew_past: Duration,
    /// Bytes of window state per rule.
    pub state_bytes_max: usize,
    /// Entries that one detection cites.
    pub evidence_max: usize,
    /// Key of the hashes of counted values and group names. Estimates of distinct values depend on
    /// it, so it must stay the same as long as a ledger does, and be known to nobody who sends.
    pub seed: [u64; 2],
}

impl Default for EngineConfig {
    fn default() -> Self {
        Self {
            lateness: Duration::from_mins(5),
            skew_future: Duration::from_mins(1),
            skew_past: Duration::from_hours(24),
            state_bytes_max: 16 * 1024 * 1024,
            evidence_max: 20,
            seed: [0x0062_656c_6672_7921, 1],
        }
    }
}

/// What one rule has done since the engine was made.
#[derive(Clone, Debug)]
pub struct RuleStats {
    /// The rule.
    pub rule: Arc<RuleRef>,
    /// Events (for a correlation: satisfied windows) that matched.
    pub matched: u64,
    /// Detections raised, updates included.
    pub detections: u64,
    /// Groups given up because the state budget was spent: detection was degraded.
    pub evictions: u64,
    /// Matches too late to count.
    pub dropped_late: u64,
    /// Matches whose value to measure is no number.
    pub unreadable: u64,
    /// Groups with state now.
    pub groups: usize,
    /// Bytes of state now, about.
    pub state_bytes: usize,
}

/// What an engine has done since it was made.
#[derive(Clone, Debug)]
pub struct EngineStats {
    /// Entries seen.
    pub entries: u64,
    /// Entries whose claimed time was replaced by the time of receipt.
    pub clock_suspect: u64,
    /// Entries of which rules could not look at everything: more bytes, fields or steps than the
    /// limits allow.
    pub truncated: u64,
    /// Per rule, in the order of [`RuleSet::rules`].
    pub rules: Vec<RuleStats>,
    /// Per exception, in the order of [`RuleSet::exceptions`].
    pub exceptions: Vec<ExceptionStats>,
}

/// What one exception has done since the engine was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExceptionStats {
    /// Its name.
    pub name: String,
    /// Matches that it took away.
    pub suppressed: u64,
}

/// Rules at work, with the state of their windows.
#[derive(Debug)]
pub struct Engine {
    set: Arc<RuleSet>,
    config: EngineConfig,
    sieve: Sieve,
    matched: Vec<RuleNumber>,
    states: Vec<State>,
    pending: Vec<Arrival>,
    found: Vec<Satisfied>,
    key: String,
    sources: Sources,
    /// (clock, rule) of the first group of each rule that waits for the end of its window.
    timers: BTreeSet<(i64, usize)>,
    /// Newest time of receipt, ns.
    clock: i64,
    /// Index of the entry that comes next.
    next: u64,
    each: Goal,
    entries: u64,
    clock_suspect: u64,
    truncated: u64,
}

#[derive(Debug)]
struct State {
    groups: Groups,
    /// Its entry in [`Engine::timers`].
    due: Option<i64>,
    matched: u64,
    detections: u64,
    dropped_late: u64,
    unreadable: u64,
}

impl State {
    fn new(seed: Seed) -> Self {
        Self {
            groups: Groups::new(seed),
            due: None,
            matched: 0,
            detections: 0,
            dropped_late: 0,
            unreadable: 0,
        }
    }
}

impl Engine {
    /// An engine over `set` without state.
    pub fn new(set: Arc<RuleSet>, mut config: EngineConfig) -> Self {
        // A clock that runs ahead within its allowance must not make honest events late.
        config.skew_future = config.skew_future.min(config.lateness);
        let states = set.rules.iter().map(|_| State::new(config.seed)).collect();
        Self {
            set,
            config,
            sieve: Sieve::default(),
            matched: Vec::new(),
            states,
            pending: Vec::new(),
            found: Vec::new(),
            key: String::new(),
            sources: Sources::default(),
            timers: BTreeSet::new(),
            clock: i64::MIN,
            next: 0,
            each: Goal::Number {
                measure: Measure::Count,
                bounds: vec![(Comparison::Gte, 1)],
            },
            entries: 0,
            clock_suspect: 0,
            truncated: 0,
        }
    }

    /// Takes entries in the order of the ledger; what they show.
    pub fn apply(&mut self, entries: &[Entry]) -> Vec<Detection> {
        let mut detections = Vec::new();
        for entry in entries {
            self.apply_one(entry, &mut detections);
        }
        detections
    }

    /// How far back entries matter: replaying everything received within this time before a
    /// cursor rebuilds the state that matters after it.
    pub fn window_max(&self) -> Duration {
        let mut reach = vec![0_u64; self.set.rules.len()];
        let mut feeds = vec![0_u64; self.set.rules.len()];
        for (place, rule) in self.set.rules.iter().enumerate() {
            let span = match &rule.kind {
                Kind::Correlation(correlation) => correlation.timespan_nanos,
                Kind::Detection(_) => 0,
            };
            let own = span.saturating_add(rule.period_nanos.saturating_mul(2));
            reach[place] = own.unsigned_abs().saturating_add(feeds[place]);
            for (fed, _) in &rule.feeds {
                feeds[*fed] = feeds[*fed].max(reach[place]);
            }
        }
        let longest = Duration::from_nanos(reach.into_iter().max().unwrap_or(0));
        longest.saturating_add(self.config.lateness)
    }

    /// What has been done so far.
    pub fn stats(&self) -> EngineStats {
        let rules = self.set.rules.iter().zip(&self.states);
        EngineStats {
            entries: self.entries,
            clock_suspect: self.clock_suspect,
            truncated: self.truncated,
            exceptions: self.exception_stats(),
            rules: rules
                .map(|(rule, state)| RuleStats {
                    rule: Arc::clone(&rule.reference),
                    matched: state.matched,
                    detections: state.detections,
                    evictions: state.groups.evictions(),
                    dropped_late: state.dropped_late,
                    unreadable: state.unreadable,
                    groups: state.groups.len(),
                    state_bytes: state.groups.bytes(),
                })
                .collect(),
        }
    }

    /// Matches so far of the rules that ring: events, or satisfied windows of correlations.
    pub fn matched(&self) -> u64 {
        let rules = self.set.rules.iter().zip(&self.states);
        rules
            .filter(|(rule, _)| rule.rings && rule.enabled)
            .map(|(_, state)| state.matched)
            .sum()
    }

    /// The clock at which a window must be judged although nothing may come: an entry received at
    /// or after it makes the engine judge. `None` when nothing waits.
    pub fn due(&self) -> Option<ObservedAt> {
        let (due, _) = self.timers.first()?;
        Some(ObservedAt(*due))
    }

    /// Index of the entry that comes next.
    pub fn next(&self) -> Index {
        Index(self.next)
    }

    /// Sources heard so far with the time of the newest receipt, sorted by name. An import tells
    /// the past and does not count as hearing.
    pub fn heard(&self) -> Vec<(&str, ObservedAt)> {
        self.sources.heard()
    }

    fn exception_stats(&self) -> Vec<ExceptionStats> {
        let suppressed = self.sieve.suppressed();
        let exceptions = self.set.exceptions().iter().enumerate();
        exceptions
            .map(|(at, exception)| ExceptionStats {
                name: exception.name.clone(),
                suppressed: suppressed.get(at).copied().unwrap_or(0),
            })
            .collect()
    }

    fn apply_one(&mut self, entry: &Entry, detections: &mut Vec<Detection>) {
        self.entries += 1;
        self.next = entry.index().0 + 1;
        self.clock = self.clock.max(entry.received().0);
        let set = Arc::clone(&self.set);
        self.judge_due(&set, detections);
        let mut matched = std::mem::take(&mut self.matched);
        matched.clear();
        let spent = self
            .sieve
            .matches(&set, entry.event(), entry.received().0, &mut matched);
        self.truncated += u64::from(spent.is_truncated);
        let time = self.event_time(entry);
        for number in &matched {
            let place = *number as usize;
            let rule = &set.rules[place];
            self.states[place].matched += 1;
            self.feed(&set, rule, time);
            if rule.rings {
                detections.extend(self.ring_single(place, rule, entry, time));
            }
        }
        if !self.pending.is_empty() {
            self.correlate(&set, Some(entry), time, detections);
        }
        self.matched = matched;
    }

    /// When the entry counts, and whether it still does.
    fn event_time(&mut self, entry: &Entry) -> Time {
        let time = self.sources.time_of(entry, &self.config);
        self.clock_suspect += u64::from(time.is_suspect);
        time
    }
}

fn value_of(field: &GroupField, entry: &Entry) -> Option<GroupValue> {
    let mut value = String::new();
    field
        .push_value(entry.event(), &mut value)
        .then(|| GroupValue {
            field: field.name.clone(),
            value,
        })
}

fn detection(
    rule: &Rule,
    group: Vec<GroupValue>,
    found: &Satisfied,
    ring: Ring,
    mut evidence: Vec<u64>,
    trigger: Option<Index>,
) -> Detection {
    if let Some(trigger) = trigger {
        evidence.retain(|index| *index != trigger.0);
        evidence.push(trigger.0);
    }
    let newest = evidence.last().copied().unwrap_or(0);
    Detection {
        rule: Arc::clone(&rule.reference),
        group,
        first: Timestamp(found.first),
        last: Timestamp(found.at),
        window_start: Timestamp(ring.start),
        count: ring.count,
        approximate: ring.approximate,
        evidence: evidence.into_iter().map(Index).collect(),
        trigger: Index(newest),
        ongoing: ring.ongoing,
    }
}

#[cfg(test)]
mod tests;
