//! The engine: entries in, detections out, in the order of the ledger.
//!
//! Detection is a pure function of the entries: the same entries in the same order give the same
//! detections, live or replayed. Time is the event's own, clamped: a claim that lies further in
//! the future than the skew allowed, or (from a live sender) further in the past, is replaced by
//! the time of receipt and counted as suspect.

use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::time::Duration;

use event::{Detection, Entry, GroupValue, Index, RuleRef, Timestamp, field};

use crate::bell::{Bell, Ring};
use crate::bucket::RuleNumber;
use crate::correlation::{Correlation, Goal, Part};
use crate::groups::Groups;
use crate::limits;
use crate::rule::Comparison;
use crate::rule_set::{Kind, Rule, RuleSet, nanos};
use crate::sieve::Sieve;
use crate::spelling::GroupField;
use crate::window::{Carried, Insertion, Point, Satisfied, Terms};

mod group_key;

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
}

impl Default for EngineConfig {
    fn default() -> Self {
        Self {
            lateness: Duration::from_mins(5),
            skew_future: Duration::from_mins(1),
            skew_past: Duration::from_hours(24),
            state_bytes_max: 16 * 1024 * 1024,
            evidence_max: 20,
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
    /// Hashes of counted values; keyed, so that nobody can prepare values that collide.
    hasher: RandomState,
    each: Goal,
    entries: u64,
    clock_suspect: u64,
    truncated: u64,
}

#[derive(Debug, Default)]
struct State {
    groups: Groups,
    matched: u64,
    detections: u64,
    dropped_late: u64,
}

/// A window that a point goes into.
#[derive(Clone, Copy)]
struct Target<'a> {
    /// Number of the rule.
    place: usize,
    rule: &'a Rule,
    goal: &'a Goal,
    /// Length, ns.
    span: i64,
    /// Its group.
    key: &'a str,
}

/// A match on its way into a correlation.
#[derive(Debug)]
struct Arrival {
    rule: usize,
    step: usize,
    at: i64,
    /// From a correlation below: its group and what it stands for.
    member: Option<(Vec<GroupValue>, Carried)>,
}

impl Engine {
    /// An engine over `set` without state.
    pub fn new(set: Arc<RuleSet>, mut config: EngineConfig) -> Self {
        // A clock that runs ahead within its allowance must not make honest events late.
        config.skew_future = config.skew_future.min(config.lateness);
        let states = set.rules.iter().map(|_| State::default()).collect();
        Self {
            set,
            config,
            sieve: Sieve::default(),
            matched: Vec::new(),
            states,
            pending: Vec::new(),
            hasher: RandomState::new(),
            each: Goal::Count(vec![(Comparison::Gte, 1)]),
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
            rules: rules
                .map(|(rule, state)| RuleStats {
                    rule: Arc::clone(&rule.reference),
                    matched: state.matched,
                    detections: state.detections,
                    evictions: state.groups.evictions(),
                    dropped_late: state.dropped_late,
                    groups: state.groups.len(),
                    state_bytes: state.groups.bytes(),
                })
                .collect(),
        }
    }

    fn apply_one(&mut self, entry: &Entry, detections: &mut Vec<Detection>) {
        self.entries += 1;
        let set = Arc::clone(&self.set);
        let mut matched = std::mem::take(&mut self.matched);
        matched.clear();
        let spent = self.sieve.matches(&set, entry.event(), &mut matched);
        self.truncated += u64::from(spent.is_truncated);
        if !matched.is_empty() {
            let at = self.event_time(entry);
            for number in &matched {
                let place = *number as usize;
                let rule = &set.rules[place];
                self.states[place].matched += 1;
                self.feed(rule, at, None);
                if rule.rings {
                    detections.extend(self.ring_single(place, rule, entry, at));
                }
            }
            self.correlate(&set, entry, detections);
        }
        self.matched = matched;
    }

    /// The time that counts, ns.
    fn event_time(&mut self, entry: &Entry) -> i64 {
        let (claimed, received) = (entry.timestamp().0, entry.received().0);
        let ahead = claimed > received.saturating_add(nanos(self.config.skew_future));
        let behind = claimed < received.saturating_sub(nanos(self.config.skew_past));
        let tells_the_past = matches!(
            entry.event().text(field::BELFRY_LISTENER),
            Some("file" | "ingest")
        );
        if ahead || behind && !tells_the_past {
            self.clock_suspect += 1;
            return received;
        }
        claimed
    }

    /// Puts a match of `rule` into the correlations it feeds.
    fn feed(&mut self, rule: &Rule, at: i64, member: Option<&(Vec<GroupValue>, Carried)>) {
        for (fed, step) in &rule.feeds {
            self.pending.push(Arrival {
                rule: *fed,
                step: *step,
                at,
                member: member.cloned(),
            });
        }
    }

    /// Works off the pending matches, members before the correlations above them.
    fn correlate(&mut self, set: &RuleSet, entry: &Entry, detections: &mut Vec<Detection>) {
        while let Some(next) = self.pending.iter().map(|arrival| arrival.rule).min() {
            let at = self.pending.iter().position(|arrival| arrival.rule == next);
            let arrival = self.pending.remove(at.expect("the minimum is among them"));
            let rule = &set.rules[arrival.rule];
            if let Kind::Correlation(correlation) = &rule.kind {
                self.arrive(&arrival, rule, correlation, entry, detections);
            }
        }
    }

    fn arrive(
        &mut self,
        arrival: &Arrival,
        rule: &Rule,
        correlation: &Correlation,
        entry: &Entry,
        detections: &mut Vec<Detection>,
    ) {
        let step = &correlation.steps[arrival.step];
        let member = arrival.member.as_ref();
        let mut tag = arrival.step as u64;
        if let Goal::Distinct(_) = correlation.goal {
            let mut value = String::new();
            if !push_parts(&mut value, &step.values, entry, member) {
                return;
            }
            tag = self.hasher.hash_one(&value);
        }
        for key in keys(&step.group, entry, member) {
            let point = Point {
                at: arrival.at,
                index: entry.index().0,
                tag,
                satisfied: false,
                carried: member.map(|(_, carried)| Box::new(carried.clone())),
            };
            let target = Target {
                place: arrival.rule,
                rule,
                goal: &correlation.goal,
                span: correlation.timespan_nanos,
                key: &key,
            };
            let group = group_key::values(&key, &correlation.group_names);
            self.count(target, &group, point, entry, detections);
        }
    }

    /// Counts `point`, rings and feeds what stands above.
    fn count(
        &mut self,
        target: Target<'_>,
        group: &[GroupValue],
        point: Point,
        entry: &Entry,
        detections: &mut Vec<Detection>,
    ) {
        let (place, rule) = (target.place, target.rule);
        let struck = self.strike(target, point, entry);
        for (found, ring) in struck {
            self.states[place].matched += 1;
            // A counting correlation above counts windows; a sequence wants every end, so that
            // the one nearest to its next step is among them.
            self.feed_above(rule, &found, ring.is_some_and(|ring| !ring.ongoing), group);
            if let Some(ring) = ring.filter(|_| rule.rings) {
                self.states[place].detections += 1;
                detections.push(detection(rule, group.to_vec(), &found, ring, entry.index()));
            }
        }
    }

    fn feed_above(&mut self, rule: &Rule, found: &Satisfied, fresh: bool, group: &[GroupValue]) {
        for (fed, step) in &rule.feeds {
            let sequence = match &self.set.rules[*fed].kind {
                Kind::Correlation(above) => matches!(above.goal, Goal::Steps { .. }),
                Kind::Detection(_) => false,
            };
            if sequence || fresh {
                let carried = Carried {
                    first: found.first,
                    evidence: found.evidence.clone(),
                };
                self.pending.push(Arrival {
                    rule: *fed,
                    step: *step,
                    at: found.at,
                    member: Some((group.to_vec(), carried)),
                });
            }
        }
    }

    /// Puts `point` into its window and strikes the bell for every end it satisfies.
    fn strike(
        &mut self,
        target: Target<'_>,
        point: Point,
        entry: &Entry,
    ) -> Vec<(Satisfied, Option<Ring>)> {
        let Target {
            place,
            rule,
            goal,
            span,
            key,
        } = target;
        let terms = Terms {
            goal,
            span,
            lateness: nanos(self.config.lateness),
            points_max: goal.points_max(),
            evidence_max: self.config.evidence_max.max(1),
        };
        let state = &mut self.states[place];
        let idle = span
            .saturating_add(rule.period_nanos.saturating_mul(2))
            .saturating_add(terms.lateness)
            .saturating_add(IDLE_SLACK_NANOS);
        let late = &mut state.dropped_late;
        let bytes_max = self.config.state_bytes_max;
        state
            .groups
            .with(key, entry.received().0, idle, bytes_max, |group| {
                let mut found = Vec::new();
                if group.window.insert(terms, point, &mut found) == Insertion::Late {
                    *late += 1;
                }
                let strike = |found: Satisfied| {
                    let ring = Bell::strike(&mut group.bell, rule.period_nanos, goal, &found);
                    (found, ring)
                };
                found.into_iter().map(strike).collect()
            })
    }

    /// Rings for a rule about one event.
    fn ring_single(
        &mut self,
        place: usize,
        rule: &Rule,
        entry: &Entry,
        at: i64,
    ) -> Option<Detection> {
        let mut group: Vec<GroupValue> = rule
            .entity
            .iter()
            .filter_map(|field| value_of(field, entry))
            .collect();
        if group.is_empty() {
            group.extend(
                rule.entity_else
                    .iter()
                    .find_map(|field| value_of(field, entry)),
            );
        }
        let alone = Satisfied {
            at,
            first: at,
            count: 1,
            evidence: vec![entry.index().0],
        };
        if rule.period_nanos == 0 {
            let ring = Ring {
                start: at,
                count: 1,
                ongoing: false,
            };
            self.states[place].detections += 1;
            return Some(detection(rule, group, &alone, ring, entry.index()));
        }
        let mut key = String::new();
        for part in &group {
            group_key::push(&mut key, &part.field);
            group_key::push(&mut key, &part.value);
        }
        let point = Point {
            at,
            index: entry.index().0,
            tag: 0,
            satisfied: false,
            carried: None,
        };
        let each = self.each.clone();
        let target = Target {
            place,
            rule,
            goal: &each,
            span: rule.period_nanos,
            key: &key,
        };
        let struck = self.strike(target, point, entry);
        let (found, ring) = struck.into_iter().next()?;
        let ring = ring?;
        self.states[place].detections += 1;
        Some(detection(rule, group, &found, ring, entry.index()))
    }
}

/// How long a group is kept beyond its window: entries may be received that much after they
/// happened without their window being forgotten before they arrive.
const IDLE_SLACK_NANOS: i64 = 3_600 * 1_000_000_000;

fn value_of(field: &GroupField, entry: &Entry) -> Option<GroupValue> {
    let mut value = String::new();
    field
        .push_value(entry.event(), &mut value)
        .then(|| GroupValue {
            field: field.name.clone(),
            value,
        })
}

/// The groups an entry belongs to: one, or one for each value of a list. None when a part is
/// missing.
fn keys(parts: &[Part], entry: &Entry, member: Option<&(Vec<GroupValue>, Carried)>) -> Vec<String> {
    let mut key = String::new();
    if !push_parts(&mut key, parts, entry, member) {
        return Vec::new();
    }
    let mut keys = vec![key];
    let list = parts
        .iter()
        .enumerate()
        .find_map(|(place, part)| match part {
            Part::Event(field) if field.is_list(entry.event()) => Some((place, field)),
            _ => None,
        });
    let Some((place, field)) = list else {
        return keys;
    };
    for value in field
        .values(entry.event())
        .skip(1)
        .take(limits::LIST_GROUPS_MAX - 1)
    {
        let mut key = String::new();
        push_parts(&mut key, &parts[..place], entry, member);
        group_key::push(&mut key, &value);
        if push_parts(&mut key, &parts[place + 1..], entry, member) {
            keys.push(key);
        }
    }
    keys.dedup();
    keys
}

/// Appends the values of `parts`; `false` when one is missing.
fn push_parts(
    key: &mut String,
    parts: &[Part],
    entry: &Entry,
    member: Option<&(Vec<GroupValue>, Carried)>,
) -> bool {
    let mut value = String::new();
    for part in parts {
        value.clear();
        let present = match part {
            Part::Event(field) => field.push_value(entry.event(), &mut value),
            Part::Member(place) => {
                let group = member.and_then(|(group, _)| group.get(*place));
                value.push_str(group.map_or("", |group| &group.value));
                !value.is_empty()
            }
        };
        if !present {
            return false;
        }
        group_key::push(key, &value);
    }
    true
}

fn detection(
    rule: &Rule,
    group: Vec<GroupValue>,
    found: &Satisfied,
    ring: Ring,
    trigger: Index,
) -> Detection {
    let mut evidence: Vec<Index> = found.evidence.iter().copied().map(Index).collect();
    evidence.retain(|index| *index != trigger);
    evidence.push(trigger);
    Detection {
        rule: Arc::clone(&rule.reference),
        group,
        first: Timestamp(found.first),
        last: Timestamp(found.at),
        window_start: Timestamp(ring.start),
        count: ring.count,
        evidence,
        trigger,
        ongoing: ring.ongoing,
    }
}

#[cfg(test)]
mod tests;
