//! One sliding window over event time: the points of one (rule, group) under an open goal.
//!
//! A window of length S that ends at point E holds the points in `(E.at - S, E.at]` up to E in the
//! order of (time, index); the goal is judged at every point as such an end. A point that arrives
//! late, but not later than the lateness allows, is put in its place and all ends that it reaches
//! are judged again, so the set of satisfied ends does not depend on the order of arrival. Points
//! older than that are refused and counted. Times come clamped from the engine, so a forged time
//! in the far future reaches no window.
//!
//! Points are kept exactly up to [`Terms::points_max`], which lies above the threshold. Beyond it
//! the window is told in constant space ([`Rough`]), and what it finds is called approximate, or,
//! where the newest points are enough to judge, the oldest are let go.

use std::collections::VecDeque;

use crate::goal::{Goal, Measure};
use crate::hash::HashedMap;
use crate::live::{Live, NEVER, step};
use crate::rough::Rough;

/// One match that counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Point {
    /// Event time, ns.
    pub(crate) at: i64,
    /// Index of the entry.
    pub(crate) index: u64,
    /// Hash of the value that is counted, its millionths, or number of the step.
    pub(crate) tag: u64,
    /// Whether the window that ends here has been found satisfied.
    pub(crate) satisfied: bool,
    /// What a correlation below brings along.
    pub(crate) carried: Option<Box<Carried>>,
}

/// What the match of a correlation stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Carried {
    /// Time of its first event.
    pub(crate) first: i64,
    /// Entries that show it.
    pub(crate) evidence: Vec<u64>,
}

/// A window in which the goal is reached, newly found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Satisfied {
    /// Time of the end.
    pub(crate) at: i64,
    /// Time of the first point in the window.
    pub(crate) first: i64,
    /// Points or distinct tags in the window.
    pub(crate) count: u64,
    /// Whether `count` is an estimate, or at least that much.
    pub(crate) approximate: bool,
    /// Places of its first and last point; of no meaning after the next insertion.
    pub(crate) places: (usize, usize),
}

/// What became of a point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Insertion {
    /// It counts.
    Counted,
    /// It is older than lateness allows.
    Late,
    /// The entry was counted before.
    Known,
}

/// How a window is judged.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Terms<'a> {
    pub(crate) goal: &'a Goal,
    /// Length, ns.
    pub(crate) span: i64,
    /// How far behind the newest point a late one still counts, ns.
    pub(crate) lateness: i64,
    pub(crate) points_max: usize,
    pub(crate) evidence_max: usize,
}

/// Points of one (rule, group).
#[derive(Debug, Default)]
pub(crate) struct Window {
    pub(crate) points: VecDeque<Point>,
    /// Place of the first point of the window that ends at the newest point.
    start: usize,
    /// What that window amounts to.
    live: Live,
    /// Time of the newest point that was let go to keep the limit.
    pub(crate) cut_at: Option<i64>,
    /// For sequences: what points that were let go had reached.
    pub(crate) dropped: Vec<i64>,
    pub(crate) rough: Option<Box<Rough>>,
}

impl Window {
    /// How far the group is on its way to its threshold, in hundredths: what is kept longest when
    /// room is scarce.
    pub(crate) fn progress(&self, goal: &Goal) -> u64 {
        if self.rough.is_some() {
            return 100;
        }
        let points = (self.points.len() - self.start) as u64;
        match (goal, &self.live) {
            (Goal::Steps { count, .. }, Live::Reached(reached)) => {
                let came = reached.iter().filter(|at| **at != NEVER).count();
                came as u64 * 100 / (*count as u64).max(1)
            }
            (_, Live::Distinct(tags)) => tags.len() as u64 * 100 / goal.threshold(),
            (_, Live::Count) => points * 100 / goal.threshold(),
            // A single value may be the whole sum: what has more events is better known.
            _ => points.min(100),
        }
    }

    /// Bytes held on the heap, about: a function of what is held, not of how it came about, so
    /// that a restored state is as large as the one it was taken from.
    pub(crate) fn bytes_len(&self) -> usize {
        let carried = self.points.back().and_then(|point| point.carried.as_ref());
        let carried = carried.map_or(0, |c| (48 + c.evidence.len() * 8) * self.points.len());
        let rough = self.rough.as_ref().map_or(0, |rough| rough.bytes_len());
        self.points.len().next_power_of_two().max(4) * size_of::<Point>()
            + self.live.bytes_len()
            + self.dropped.len() * 8
            + carried
            + rough
    }

    /// Time of the newest point.
    pub(crate) fn newest(&self) -> Option<i64> {
        match &self.rough {
            Some(rough) => Some(rough.newest),
            None => self.points.back().map(|point| point.at),
        }
    }

    /// Adds `point` and appends the ends that it satisfies to `found`.
    pub(crate) fn insert(
        &mut self,
        terms: Terms<'_>,
        point: Point,
        found: &mut Vec<Satisfied>,
    ) -> Insertion {
        if let Some(insertion) = self.insert_rough(terms, &point, found) {
            return insertion;
        }
        if self.points.is_empty() {
            self.live = Live::of(terms.goal);
            self.start = 0;
        }
        let key = |point: &Point| (point.at, point.index, point.tag);
        let place = match self.points.back() {
            Some(last) if key(last) >= key(&point) => {
                if point.at < last.at.saturating_sub(terms.lateness) {
                    return Insertion::Late;
                }
                self.points
                    .partition_point(|other| key(other) < key(&point))
            }
            _ => self.points.len(),
        };
        if self.is_known(terms.goal, place, &point) {
            return Insertion::Known;
        }
        if self.points.len() >= terms.points_max {
            self.shed(terms);
            return self.insert(terms, point, found);
        }
        if place == self.points.len() {
            self.append(terms, point, found);
        } else {
            self.insert_late(terms, place, point, found);
        }
        Insertion::Counted
    }

    /// Counting goals count an entry once, also when several of their rules match it.
    fn is_known(&self, goal: &Goal, place: usize, point: &Point) -> bool {
        let same = |other: Option<&Point>| {
            other.is_some_and(|other| other.at == point.at && other.index == point.index)
        };
        let here = self.points.get(place);
        match goal {
            Goal::Steps { .. } => same(here) && here.is_some_and(|other| other.tag == point.tag),
            Goal::Number { .. } => same(here) || place > 0 && same(self.points.get(place - 1)),
        }
    }

    fn append(&mut self, terms: Terms<'_>, point: Point, found: &mut Vec<Satisfied>) {
        let (at, tag) = (point.at, point.tag);
        self.points.push_back(point);
        while self.points[self.start].at <= at.saturating_sub(terms.span) {
            self.live.remove(self.points[self.start].tag);
            self.start += 1;
        }
        let oldest = at.saturating_sub(terms.span).saturating_sub(terms.lateness);
        while self.points.front().is_some_and(|front| front.at <= oldest) {
            self.drop_front(terms.goal);
        }
        self.live.add(tag);
        let last = self.points.len() - 1;
        if let (Goal::Steps { ordered, .. }, Live::Reached(reached)) = (terms.goal, &mut self.live)
        {
            let held = step(reached, *ordered, tag, at);
            if holds_steps(terms, held, reached, at) {
                self.satisfy(terms, last, self.start, None, found);
            }
            return;
        }
        let reading = self
            .live
            .reading(terms.goal, self.points.len() - self.start);
        if terms.goal.holds(reading) {
            self.satisfy(terms, last, self.start, Some(reading.count), found);
        }
    }

    fn insert_late(
        &mut self,
        terms: Terms<'_>,
        place: usize,
        point: Point,
        found: &mut Vec<Satisfied>,
    ) {
        let (at, tag) = (point.at, point.tag);
        let newest = self.points[self.points.len() - 1].at;
        self.points.insert(place, point);
        if at <= newest.saturating_sub(terms.span) {
            self.start += 1;
        } else {
            self.live.add(tag);
        }
        let end = at.saturating_add(terms.span);
        match terms.goal {
            Goal::Number { .. } => self.judge_numbers(terms, place, end, found),
            Goal::Steps { ordered, .. } => self.judge_steps(terms, *ordered, place, end, found),
        }
    }

    /// Judges all ends from `place` on that lie before `end` by sliding over them.
    fn judge_numbers(
        &mut self,
        terms: Terms<'_>,
        place: usize,
        end: i64,
        found: &mut Vec<Satisfied>,
    ) {
        let mut low = self.first_within(0, place, terms.span);
        let mut live = Live::of(terms.goal);
        for point in self.points.range(low..place) {
            live.add(point.tag);
        }
        let mut e = place;
        while e < self.points.len() && self.points[e].at < end {
            live.add(self.points[e].tag);
            let next = self.first_within(low, e, terms.span);
            for point in self.points.range(low..next) {
                live.remove(point.tag);
            }
            low = next;
            let reading = live.reading(terms.goal, e - low + 1);
            if terms.goal.holds(reading) {
                self.satisfy(terms, e, low, Some(reading.count), found);
            }
            e += 1;
        }
    }

    /// Runs the whole sequence again and judges the ends from `place` on that lie before `end`.
    fn judge_steps(
        &mut self,
        terms: Terms<'_>,
        ordered: bool,
        place: usize,
        end: i64,
        found: &mut Vec<Satisfied>,
    ) {
        let mut reached = self.reached_before(terms.goal);
        for e in 0..self.points.len() {
            let Point { at, tag, .. } = self.points[e];
            let held = step(&mut reached, ordered, tag, at);
            if e >= place && at < end && holds_steps(terms, held, &reached, at) {
                let low = self.first_within(0, e, terms.span);
                self.satisfy(terms, e, low, None, found);
            }
        }
        self.live = Live::Reached(reached);
    }

    /// What points that were let go had reached.
    fn reached_before(&self, goal: &Goal) -> Vec<i64> {
        let mut reached = self.dropped.clone();
        if let Goal::Steps { count, .. } = goal {
            reached.resize(*count, NEVER);
        }
        reached
    }

    /// The first place from `low` on whose point lies inside the window ending at `e`.
    fn first_within(&self, mut low: usize, e: usize, span: i64) -> usize {
        let oldest = self.points[e].at.saturating_sub(span);
        while self.points[low].at <= oldest {
            low += 1;
        }
        low
    }

    fn satisfy(
        &mut self,
        terms: Terms<'_>,
        end: usize,
        low: usize,
        count: Option<u64>,
        found: &mut Vec<Satisfied>,
    ) {
        if std::mem::replace(&mut self.points[end].satisfied, true) {
            return;
        }
        let at = self.points[end].at;
        let first = &self.points[low];
        let oldest = at.saturating_sub(terms.span);
        let is_number = terms.goal.measure().is_some();
        found.push(Satisfied {
            at,
            first: first
                .carried
                .as_ref()
                .map_or(first.at, |carried| carried.first.min(first.at)),
            count: count.unwrap_or((end - low + 1) as u64),
            approximate: is_number && self.cut_at.is_some_and(|cut| cut > oldest),
            places: (low, end),
        });
    }

    /// Entries of a satisfied window, oldest first. Of a sequence the latest point of each step
    /// comes before all others.
    pub(crate) fn evidence(&self, terms: Terms<'_>, found: &Satisfied) -> Vec<u64> {
        if let Some(rough) = &self.rough {
            let mut recent: Vec<u64> = rough.recent.iter().copied().collect();
            recent.sort_unstable();
            return recent;
        }
        let (low, end) = found.places;
        let end = end.min(self.points.len().saturating_sub(1));
        let mut places: Vec<usize> = Vec::with_capacity(terms.evidence_max);
        if let Goal::Steps { count, .. } = terms.goal {
            for wanted in 0..*count as u64 {
                let latest = (low..=end).rev().find(|at| self.points[*at].tag == wanted);
                places.extend(latest);
            }
        }
        for place in (low..=end).rev().take(terms.evidence_max) {
            if places.len() < terms.evidence_max && !places.contains(&place) {
                places.push(place);
            }
        }
        let points = places.iter().map(|place| &self.points[*place]);
        gather(points, terms.evidence_max)
    }

    fn drop_front(&mut self, goal: &Goal) {
        let Some(front) = self.points.pop_front() else {
            return;
        };
        if self.start > 0 {
            self.start -= 1;
        } else {
            self.live.remove(front.tag);
        }
        if let Goal::Steps { ordered, .. } = goal {
            self.dropped = self.reached_before(goal);
            step(&mut self.dropped, *ordered, front.tag, front.at);
        }
    }

    /// Makes room for one more point. Of distinct tags older points of the same tag go first, so
    /// that repeating one value cannot push others out.
    fn shed(&mut self, terms: Terms<'_>) {
        let measure = terms.goal.measure();
        if measure == Some(Measure::Distinct) {
            self.shed_repeats(terms);
        }
        match measure {
            // Half is left free, so that this is seldom.
            Some(Measure::Distinct) if self.points.len() <= terms.points_max / 2 => {}
            Some(Measure::Count) if terms.goal.threshold() < terms.points_max as u64 => {
                self.cut_at = self.points.front().map(|point| point.at);
                self.drop_front(terms.goal);
            }
            None => self.drop_front(terms.goal),
            Some(measure) => {
                let rough = Rough::of(terms, measure, &self.points);
                *self = Self {
                    rough: Some(Box::new(rough)),
                    ..Self::default()
                };
            }
        }
    }

    fn shed_repeats(&mut self, terms: Terms<'_>) {
        let mut newest: HashedMap<usize> = HashedMap::default();
        for (place, point) in self.points.iter().enumerate() {
            newest.insert(point.tag, place);
        }
        let mut place = 0;
        self.points.retain(|point| {
            place += 1;
            newest.get(&point.tag) == Some(&(place - 1))
        });
        self.recount(terms);
    }

    /// Finds start and running amounts again from the points.
    pub(crate) fn recount(&mut self, terms: Terms<'_>) {
        let newest = self.points.back().map_or(0, |point| point.at);
        let oldest = newest.saturating_sub(terms.span);
        self.start = self.points.partition_point(|point| point.at <= oldest);
        if let Goal::Steps { ordered, .. } = terms.goal {
            let mut reached = self.reached_before(terms.goal);
            for point in &self.points {
                step(&mut reached, *ordered, point.tag, point.at);
            }
            self.live = Live::Reached(reached);
            return;
        }
        self.live = Live::of(terms.goal);
        for point in self.points.range(self.start..) {
            self.live.add(point.tag);
        }
    }

    /// Takes the point into the rough telling, if that is how the window is told.
    fn insert_rough(
        &mut self,
        terms: Terms<'_>,
        point: &Point,
        found: &mut Vec<Satisfied>,
    ) -> Option<Insertion> {
        let rough = self.rough.as_mut()?;
        let reach = terms.span.saturating_add(terms.lateness);
        if point.at > rough.newest.saturating_add(reach) {
            // Everything told so far lies behind: count exactly again.
            *self = Self::default();
            return None;
        }
        Some(rough.insert(terms, point, found))
    }
}

/// The entries of `points` with what they carry, oldest first, the newest `max`.
pub(crate) fn gather<'a>(points: impl Iterator<Item = &'a Point>, max: usize) -> Vec<u64> {
    let mut evidence: Vec<u64> = Vec::with_capacity(max);
    for point in points {
        evidence.push(point.index);
        if let Some(carried) = &point.carried {
            evidence.extend(&carried.evidence);
        }
    }
    evidence.sort_unstable();
    evidence.dedup();
    let surplus = evidence.len().saturating_sub(max);
    evidence.drain(..surplus);
    evidence
}

/// Whether the sequence is complete at `at`, after a point that completed a chain begun at `held`.
fn holds_steps(terms: Terms<'_>, held: Option<i64>, reached: &[i64], at: i64) -> bool {
    let oldest = at.saturating_sub(terms.span);
    match terms.goal {
        Goal::Steps { ordered: true, .. } => held.is_some_and(|start| start > oldest),
        goal @ Goal::Steps { .. } => {
            let present = (0..).zip(reached).filter(|(_, start)| **start > oldest);
            let present = present.fold(0, |mask, (place, _)| mask | 1_u32 << place);
            goal.holds_steps(present)
        }
        Goal::Number { .. } => false,
    }
}
