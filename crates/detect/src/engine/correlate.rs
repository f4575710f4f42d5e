//! Matches on their way through correlations: by group into windows, from windows to the bell and
//! to the correlations above.

use std::sync::Arc;

use event::{Detection, Entry, GroupValue, Index};

use super::sources::Time;
use super::{Engine, State, detection, group_key, value_of};
use crate::bell::{Bell, Ring};
use crate::correlation::{Correlation, Part};
use crate::deferred::{Deferred, Judged};
use crate::goal::{Goal, Judgement, Measure, micros};
use crate::groups::{Group, Store, Terrain};
use crate::hash::sip13;
use crate::limits;
use crate::rule_set::{Kind, Rule, RuleSet, nanos};
use crate::window::{Carried, Insertion, Point, Satisfied, Terms, Window};

/// How long a group is kept beyond its window: entries may be received that much after they
/// happened without their window being forgotten before they arrive.
const IDLE_SLACK_NANOS: i64 = 3_600 * 1_000_000_000;

/// A match on its way into a correlation.
#[derive(Debug)]
pub(super) struct Arrival {
    rule: usize,
    step: usize,
    at: i64,
    /// From a correlation below: its group and what it stands for.
    member: Option<(Vec<GroupValue>, Carried)>,
}

/// A window that a point goes into.
#[derive(Clone, Copy)]
pub(super) struct Target<'a> {
    /// Number of the rule.
    pub(super) place: usize,
    pub(super) rule: &'a Rule,
    pub(super) goal: &'a Goal,
    pub(super) judgement: Judgement,
    /// Length, ns.
    pub(super) span: i64,
}

/// A window found satisfied.
pub(super) struct Struck {
    pub(super) found: Satisfied,
    /// What to say, if anything.
    pub(super) ring: Option<Ring>,
    /// Entries that show it; gathered when they are needed.
    pub(super) evidence: Vec<u64>,
}

impl Engine {
    /// Puts a match of `rule` into the correlations it feeds.
    pub(super) fn feed(&mut self, set: &RuleSet, rule: &Rule, time: Time) {
        for (fed, step) in &rule.feeds {
            if !set.rules[*fed].enabled {
                continue;
            }
            if time.is_late {
                self.states[*fed].dropped_late += 1;
                continue;
            }
            self.pending.push(Arrival {
                rule: *fed,
                step: *step,
                at: time.at,
                member: None,
            });
        }
    }

    /// Works off the pending matches, members before the correlations above them.
    pub(super) fn correlate(
        &mut self,
        set: &RuleSet,
        entry: Option<&Entry>,
        time: Time,
        detections: &mut Vec<Detection>,
    ) {
        while let Some(next) = self.pending.iter().map(|arrival| arrival.rule).min() {
            let at = self.pending.iter().position(|arrival| arrival.rule == next);
            let arrival = self.pending.remove(at.expect("the minimum is among them"));
            let rule = &set.rules[arrival.rule];
            if let Kind::Correlation(correlation) = &rule.kind {
                let target = target(arrival.rule, rule, correlation);
                self.arrive(&arrival, target, correlation, (entry, time), detections);
            }
        }
    }

    fn arrive(
        &mut self,
        arrival: &Arrival,
        target: Target<'_>,
        correlation: &Correlation,
        (entry, time): (Option<&Entry>, Time),
        detections: &mut Vec<Detection>,
    ) {
        if time.is_past && target.judgement == Judgement::Absence {
            return;
        }
        let step = &correlation.steps[arrival.step];
        let member = arrival.member.as_ref();
        let mut key = std::mem::take(&mut self.key);
        key.clear();
        let tag = match target.goal.measure() {
            None => Some(arrival.step as u64),
            Some(Measure::Count) => Some(0),
            Some(measure) => {
                let has_value = push_parts(&mut key, &step.values, entry, member);
                has_value.then(|| self.tag(measure, &key)).flatten()
            }
        };
        let Some(tag) = tag else {
            self.states[target.place].unreadable += u64::from(!key.is_empty());
            self.key = key;
            return;
        };
        let point = Point {
            at: arrival.at,
            index: newest_index(entry, member),
            tag,
            satisfied: false,
            carried: member.map(|(_, carried)| Box::new(carried.clone())),
        };
        group_key::begin(&mut key, time.is_past);
        if push_parts(&mut key, &step.group, entry, member) {
            self.count(target, &key, point.clone(), entry, time, detections);
            for key in further_keys(&step.group, entry, member, time.is_past) {
                self.count(target, &key, point.clone(), entry, time, detections);
            }
        }
        self.key = key;
    }

    /// What a point is told apart or measured by; `None` when the value is no number.
    fn tag(&self, measure: Measure, values: &str) -> Option<u64> {
        match measure {
            Measure::Count => Some(0),
            Measure::Distinct => Some(sip13(self.config.seed, values.as_bytes())),
            Measure::Sum | Measure::Avg | Measure::Percentile(_) => {
                let (_, value) = values.split_once(':')?;
                micros(value).map(i64::cast_unsigned)
            }
        }
    }

    /// Counts `point`, rings and feeds what stands above.
    fn count(
        &mut self,
        target: Target<'_>,
        key: &str,
        point: Point,
        entry: Option<&Entry>,
        time: Time,
        detections: &mut Vec<Detection>,
    ) {
        let struck = self.strike(target, key, point, time);
        let trigger = entry.map(Entry::index);
        for struck in struck {
            self.announce(target, key, struck, trigger, detections);
        }
    }

    /// Rings for a satisfied window and feeds the correlations above.
    fn announce(
        &mut self,
        target: Target<'_>,
        key: &str,
        struck: Struck,
        trigger: Option<Index>,
        detections: &mut Vec<Detection>,
    ) {
        let Struck {
            found,
            ring,
            evidence,
        } = struck;
        let (place, rule) = (target.place, target.rule);
        self.states[place].matched += 1;
        let ring_own = ring.filter(|_| rule.rings);
        if ring_own.is_none() && rule.feeds.is_empty() {
            return;
        }
        let Kind::Correlation(correlation) = &rule.kind else {
            return;
        };
        let group = group_key::values(key, &correlation.group_names);
        // A counting correlation above counts windows; a sequence wants every end, so that the one
        // nearest to its next step is among them.
        let fresh = ring.is_some_and(|ring| !ring.ongoing);
        let set = Arc::clone(&self.set);
        for (fed, step) in &rule.feeds {
            let above = &set.rules[*fed];
            if above.enabled && (fresh || is_sequence(above)) {
                let carried = Carried {
                    first: found.first,
                    evidence: evidence.clone(),
                };
                self.pending.push(Arrival {
                    rule: *fed,
                    step: *step,
                    at: found.at,
                    member: Some((group.clone(), carried)),
                });
            }
        }
        if let Some(ring) = ring_own {
            self.states[place].detections += 1;
            detections.push(detection(rule, group, &found, ring, evidence, trigger));
        }
    }

    /// Puts `point` into its window and strikes the bell for every end it satisfies.
    pub(super) fn strike(
        &mut self,
        target: Target<'_>,
        key: &str,
        point: Point,
        time: Time,
    ) -> Vec<Struck> {
        let terms = self.terms(target);
        let terrain = self.terrain(target, time);
        let wants_all = target
            .rule
            .feeds
            .iter()
            .any(|(fed, _)| is_sequence(&self.set.rules[*fed]));
        let mut found = std::mem::take(&mut self.found);
        found.clear();
        let period = target.rule.period_nanos;
        let judgement = target.judgement;
        let state = &mut self.states[target.place];
        let (insertion, struck) = state.groups.with(key, terrain, terms, |group| {
            if judgement != Judgement::Open {
                let insertion = defer(group, terms, judgement, point, time);
                return (insertion, Vec::new());
            }
            let insertion = put(group, terms, point, time, &mut found);
            let Group { store, bell } = group;
            let struck = found.drain(..).map(|found| {
                let ring = Bell::strike(bell, period, terms.goal, &found);
                let evidence = match store {
                    Store::Open(window) if ring.is_some() || wants_all => {
                        window.evidence(terms, &found)
                    }
                    _ => Vec::new(),
                };
                Struck {
                    found,
                    ring,
                    evidence,
                }
            });
            (insertion, struck.collect())
        });
        self.found = found;
        state.dropped_late += u64::from(insertion == Insertion::Late);
        self.rearm(target.place);
        struck
    }

    /// Judges every window that is over by the ledger's clock.
    pub(super) fn judge_due(&mut self, set: &RuleSet, detections: &mut Vec<Detection>) {
        while let Some((due, place)) = self.timers.first().copied() {
            if due > self.clock {
                return;
            }
            let rule = &set.rules[place];
            let Kind::Correlation(correlation) = &rule.kind else {
                return;
            };
            let target = target(place, rule, correlation);
            let terms = self.terms(target);
            let clock = self.clock;
            let groups = &mut self.states[place].groups;
            let judged = groups.judge_due(clock, terms, |key, group| {
                let Store::Deferred(deferred) = &mut group.store else {
                    return (key.to_owned(), Vec::new());
                };
                let judged = deferred.judge(terms, target.judgement, clock);
                let bell = &mut group.bell;
                let struck = judged.into_iter().map(|Judged { found, evidence }| {
                    let ring = Bell::strike(bell, rule.period_nanos, terms.goal, &found);
                    Struck {
                        found,
                        ring,
                        evidence,
                    }
                });
                (key.to_owned(), struck.collect())
            });
            self.rearm(place);
            let (key, struck) = judged.unwrap_or_default();
            for struck in struck {
                self.announce(target, &key, struck, None, detections);
            }
            let time = Time {
                at: clock,
                received: clock,
                is_suspect: false,
                is_late: false,
                is_past: group_key::is_past(&key),
            };
            self.correlate(set, None, time, detections);
        }
    }

    /// Brings the rule's timer in line with its groups.
    pub(super) fn rearm(&mut self, place: usize) {
        let State { groups, due, .. } = &mut self.states[place];
        let now = groups.due();
        if now != *due {
            if let Some(before) = *due {
                self.timers.remove(&(before, place));
            }
            if let Some(now) = now {
                self.timers.insert((now, place));
            }
            *due = now;
        }
    }

    pub(super) fn terms<'a>(&self, target: Target<'a>) -> Terms<'a> {
        let lateness = nanos(self.config.lateness);
        Terms {
            goal: target.goal,
            span: target.span,
            lateness,
            points_max: target.goal.points_max(target.span, lateness),
            evidence_max: self.config.evidence_max.max(1),
        }
    }

    fn terrain(&self, target: Target<'_>, time: Time) -> Terrain {
        let stale = target
            .span
            .saturating_add(nanos(self.config.lateness).saturating_mul(2));
        let idle = stale
            .saturating_add(target.rule.period_nanos.saturating_mul(2))
            .saturating_add(IDLE_SLACK_NANOS);
        Terrain {
            now: time.received,
            idle,
            stale,
            bytes_max: self.config.state_bytes_max,
        }
    }

    /// Rings for a rule about one event.
    pub(super) fn ring_single(
        &mut self,
        place: usize,
        rule: &Rule,
        entry: &Entry,
        time: Time,
    ) -> Option<Detection> {
        let group = entity(rule, entry);
        let alone = Satisfied {
            at: time.at,
            first: time.at,
            count: 1,
            approximate: false,
            places: (0, 0),
        };
        let trigger = Some(entry.index());
        if rule.period_nanos == 0 {
            let ring = Ring {
                start: time.at,
                count: 1,
                ongoing: false,
                approximate: false,
            };
            self.states[place].detections += 1;
            return Some(detection(rule, group, &alone, ring, Vec::new(), trigger));
        }
        let mut key = String::new();
        group_key::begin(&mut key, time.is_past);
        for part in &group {
            group_key::push(&mut key, &part.field);
            group_key::push(&mut key, &part.value);
        }
        let point = Point {
            at: time.at,
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
            judgement: Judgement::Open,
            span: rule.period_nanos,
        };
        let struck = self.strike(target, &key, point, time);
        let Some(struck) = struck.into_iter().next() else {
            // Too late for the window of its group, but an event on its own is never too late.
            let ring = Ring {
                start: time.at.div_euclid(rule.period_nanos) * rule.period_nanos,
                count: 1,
                ongoing: false,
                approximate: false,
            };
            self.states[place].detections += 1;
            return Some(detection(rule, group, &alone, ring, Vec::new(), trigger));
        };
        let ring = struck.ring?;
        self.states[place].detections += 1;
        let (found, evidence) = (struck.found, struck.evidence);
        Some(detection(rule, group, &found, ring, evidence, trigger))
    }
}

/// The window that matches of `rule` go into.
pub(super) fn target<'a>(place: usize, rule: &'a Rule, correlation: &'a Correlation) -> Target<'a> {
    Target {
        place,
        rule,
        goal: &correlation.goal,
        judgement: correlation.judgement,
        span: correlation.timespan_nanos,
    }
}

/// Puts `point` into an open window. An import that goes back in time starts its window anew.
fn put(
    group: &mut Group,
    terms: Terms<'_>,
    point: Point,
    time: Time,
    found: &mut Vec<Satisfied>,
) -> Insertion {
    let Store::Open(window) = &mut group.store else {
        return Insertion::Known;
    };
    if !time.is_past {
        return window.insert(terms, point, found);
    }
    let newest = window.newest().unwrap_or(i64::MIN);
    if point.at < newest.saturating_sub(terms.lateness) {
        *window = Window::default();
        group.bell = None;
    }
    window.insert(terms, point, found)
}

fn defer(
    group: &mut Group,
    terms: Terms<'_>,
    judgement: Judgement,
    point: Point,
    time: Time,
) -> Insertion {
    if let Store::Open(_) = group.store {
        group.store = Store::Deferred(Box::<Deferred>::default());
    }
    match &mut group.store {
        Store::Deferred(deferred) => deferred.insert(terms, judgement, point, time.received),
        Store::Open(_) => Insertion::Known,
    }
}

fn is_sequence(rule: &Rule) -> bool {
    match &rule.kind {
        Kind::Correlation(above) => above.goal.measure().is_none(),
        Kind::Detection(_) => false,
    }
}

/// The entity of a rule about one event.
fn entity(rule: &Rule, entry: &Entry) -> Vec<GroupValue> {
    let mut group: Vec<GroupValue> = rule
        .entity
        .iter()
        .filter_map(|field| value_of(field, entry))
        .collect();
    if group.is_empty() {
        let mut else_fields = rule.entity_else.iter();
        group.extend(else_fields.find_map(|field| value_of(field, entry)));
    }
    group
}

/// The entry that a match stands for.
fn newest_index(entry: Option<&Entry>, member: Option<&(Vec<GroupValue>, Carried)>) -> u64 {
    match (entry, member) {
        (Some(entry), _) => entry.index().0,
        (None, Some((_, carried))) => carried.evidence.last().copied().unwrap_or(0),
        (None, None) => 0,
    }
}

/// The other groups of an entry that has a list where a window is kept by: one for each value
/// behind the first.
fn further_keys(
    parts: &[Part],
    entry: Option<&Entry>,
    member: Option<&(Vec<GroupValue>, Carried)>,
    is_past: bool,
) -> Vec<String> {
    let Some(entry) = entry else {
        return Vec::new();
    };
    let list = parts
        .iter()
        .enumerate()
        .find_map(|(place, part)| match part {
            Part::Event(field) if field.is_list(entry.event()) => Some((place, field)),
            _ => None,
        });
    let Some((place, field)) = list else {
        return Vec::new();
    };
    let mut values: Vec<String> = field
        .values(entry.event())
        .take(limits::LIST_GROUPS_MAX)
        .collect();
    let first = values.first().cloned().unwrap_or_default();
    values.sort();
    values.dedup();
    values.retain(|value| *value != first);
    let mut keys = Vec::with_capacity(values.len());
    for value in values {
        let mut key = String::new();
        group_key::begin(&mut key, is_past);
        let before = push_parts(&mut key, &parts[..place], Some(entry), member);
        group_key::push(&mut key, &value);
        if before && push_parts(&mut key, &parts[place + 1..], Some(entry), member) {
            keys.push(key);
        }
    }
    keys
}

/// Appends the values of `parts`; `false` when one is missing.
fn push_parts(
    key: &mut String,
    parts: &[Part],
    entry: Option<&Entry>,
    member: Option<&(Vec<GroupValue>, Carried)>,
) -> bool {
    for part in parts {
        let is_present = match part {
            Part::Event(field) => entry.is_some_and(|entry| {
                group_key::push_with(key, |value| field.push_value(entry.event(), value))
            }),
            Part::Member(place) => {
                let group = member.and_then(|(group, _)| group.get(*place));
                let value = group.map_or("", |group| &group.value);
                group_key::push(key, value);
                !value.is_empty()
            }
        };
        if !is_present {
            return false;
        }
    }
    true
}
