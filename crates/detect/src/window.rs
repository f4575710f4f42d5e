//! One sliding window over event time: the points of one (rule, group).
//!
//! A window of length S that ends at point E holds the points in `(E.at - S, E.at]` up to E in the
//! order of (time, index); the goal is judged at every point as such an end. A point that arrives
//! late, but not later than the lateness allows, is put in its place and all ends that it reaches
//! are judged again, so the set of satisfied ends does not depend on the order of arrival. Points
//! older than that are refused and counted. Times come clamped from the engine, so a forged time
//! in the far future reaches no window.

use std::collections::{HashMap, VecDeque};

use crate::correlation::Goal;

/// One match that counts.
#[derive(Clone, Debug)]
pub(crate) struct Point {
    /// Event time, ns.
    pub(crate) at: i64,
    /// Index of the entry.
    pub(crate) index: u64,
    /// Hash of the value that is counted, or number of the step.
    pub(crate) tag: u64,
    /// Whether the window that ends here has been found satisfied.
    pub(crate) satisfied: bool,
    /// What a correlation below brings along.
    pub(crate) carried: Option<Box<Carried>>,
}

/// What the match of a correlation stands for.
#[derive(Clone, Debug)]
pub(crate) struct Carried {
    /// Time of its first event.
    pub(crate) first: i64,
    /// Entries that show it.
    pub(crate) evidence: Vec<u64>,
}

/// An end at which the goal is reached, newly found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Satisfied {
    /// Time of the end.
    pub(crate) at: i64,
    /// Time of the first point in the window.
    pub(crate) first: i64,
    /// Points or distinct tags in the window.
    pub(crate) count: u64,
    /// Entries that show it, oldest first.
    pub(crate) evidence: Vec<u64>,
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
    points: VecDeque<Point>,
    /// Place of the first point of the window that ends at the newest point.
    start: usize,
    /// Distinct tags in that window with the number of their points.
    distinct: HashMap<u64, u32>,
    /// For sequences: per step, the latest start of a chain that has come so far (ordered) or the
    /// latest point (unordered), over all points ever kept.
    reached: Vec<i64>,
    /// The same over points that were dropped to keep the limit.
    dropped: Vec<i64>,
}

/// No chain has come so far.
const NEVER: i64 = i64::MIN;

impl Window {
    /// Number of points kept.
    pub(crate) fn len(&self) -> usize {
        self.points.len()
    }

    /// Bytes held on the heap, about.
    pub(crate) fn bytes_len(&self) -> usize {
        let carried = |point: &Point| {
            point
                .carried
                .as_ref()
                .map_or(0, |c| 48 + c.evidence.len() * 8)
        };
        self.points.capacity() * size_of::<Point>()
            + self.distinct.capacity() * 20
            + (self.reached.capacity() + self.dropped.capacity()) * 8
            + self.points.back().map_or(0, carried)
    }

    /// Adds `point` and appends the ends that it satisfies to `found`.
    pub(crate) fn insert(
        &mut self,
        terms: Terms<'_>,
        point: Point,
        found: &mut Vec<Satisfied>,
    ) -> Insertion {
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
        if place == self.points.len() {
            self.append(terms, point, found);
        } else {
            self.insert_late(terms, place, point, found);
        }
        if self.points.len() > terms.points_max {
            self.shed(terms);
        }
        Insertion::Counted
    }

    /// Counting goals count an entry once, also when several of their rules match it.
    fn is_known(&self, goal: &Goal, place: usize, point: &Point) -> bool {
        let same = |other: Option<&Point>| {
            other.is_some_and(|other| other.at == point.at && other.index == point.index)
        };
        let exactly = |other: Option<&Point>| {
            same(other) && other.is_some_and(|other| other.tag == point.tag)
        };
        match goal {
            Goal::Steps { .. } => exactly(self.points.get(place)),
            _ => same(self.points.get(place)) || place > 0 && same(self.points.get(place - 1)),
        }
    }

    fn append(&mut self, terms: Terms<'_>, point: Point, found: &mut Vec<Satisfied>) {
        let (at, tag) = (point.at, point.tag);
        self.points.push_back(point);
        while self.points[self.start].at <= at.saturating_sub(terms.span) {
            self.forget(self.points[self.start].tag, terms.goal);
            self.start += 1;
        }
        let oldest = at.saturating_sub(terms.span).saturating_sub(terms.lateness);
        while self.points.front().is_some_and(|front| front.at <= oldest) {
            self.drop_front(terms.goal);
        }
        let last = self.points.len() - 1;
        let count = match terms.goal {
            Goal::Count(_) => self.points.len() - self.start,
            Goal::Distinct(_) => {
                *self.distinct.entry(tag).or_default() += 1;
                self.distinct.len()
            }
            Goal::Steps { count, ordered } => {
                self.reached.resize(*count, NEVER);
                let reached = step(&mut self.reached, *ordered, tag, at);
                if reached.is_some_and(|start| start > at.saturating_sub(terms.span)) {
                    self.satisfy(
                        terms,
                        last,
                        self.start,
                        self.points.len() - self.start,
                        found,
                    );
                }
                return;
            }
        };
        if terms.goal.holds(count as u64) {
            self.satisfy(terms, last, self.start, count, found);
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
        } else if let Goal::Distinct(_) = terms.goal {
            *self.distinct.entry(tag).or_default() += 1;
        }
        let end = at.saturating_add(terms.span);
        let reaches = |points: &VecDeque<Point>, e: usize| e < points.len() && points[e].at < end;
        match terms.goal {
            Goal::Count(_) => {
                let mut low = 0;
                let mut e = place;
                while reaches(&self.points, e) {
                    low = self.first_within(low, e, terms.span);
                    if terms.goal.holds((e - low + 1) as u64) {
                        self.satisfy(terms, e, low, e - low + 1, found);
                    }
                    e += 1;
                }
            }
            Goal::Distinct(_) => self.judge_distinct(terms, place, end, found),
            Goal::Steps { count, ordered } => {
                self.judge_steps(terms, *count, *ordered, place, end, found);
            }
        }
    }

    /// Judges all ends from `place` on that lie before `end` by sliding over them.
    fn judge_distinct(
        &mut self,
        terms: Terms<'_>,
        place: usize,
        end: i64,
        found: &mut Vec<Satisfied>,
    ) {
        let mut low = self.first_within(0, place, terms.span);
        let mut tags: HashMap<u64, u32> = HashMap::new();
        for point in self.points.range(low..place) {
            *tags.entry(point.tag).or_default() += 1;
        }
        let mut e = place;
        while e < self.points.len() && self.points[e].at < end {
            *tags.entry(self.points[e].tag).or_default() += 1;
            let next = self.first_within(low, e, terms.span);
            for point in self.points.range(low..next) {
                leave(&mut tags, point.tag);
            }
            low = next;
            if terms.goal.holds(tags.len() as u64) {
                self.satisfy(terms, e, low, tags.len(), found);
            }
            e += 1;
        }
    }

    /// Runs the whole sequence again and judges the ends from `place` on that lie before `end`.
    fn judge_steps(
        &mut self,
        terms: Terms<'_>,
        count: usize,
        ordered: bool,
        place: usize,
        end: i64,
        found: &mut Vec<Satisfied>,
    ) {
        let mut reached = self.dropped.clone();
        reached.resize(count, NEVER);
        for e in 0..self.points.len() {
            let Point { at, tag, .. } = self.points[e];
            let start = step(&mut reached, ordered, tag, at);
            let holds = start.is_some_and(|start| start > at.saturating_sub(terms.span));
            if holds && e >= place && at < end {
                let low = self.first_within(0, e, terms.span);
                self.satisfy(terms, e, low, e - low + 1, found);
            }
        }
        self.reached = reached;
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
        count: usize,
        found: &mut Vec<Satisfied>,
    ) {
        if std::mem::replace(&mut self.points[end].satisfied, true) {
            return;
        }
        let first = &self.points[low];
        found.push(Satisfied {
            at: self.points[end].at,
            first: first
                .carried
                .as_ref()
                .map_or(first.at, |carried| carried.first.min(first.at)),
            count: count as u64,
            evidence: self.evidence(terms, low, end),
        });
    }

    /// Entries of the window, oldest first. Of a sequence the latest point of each step comes
    /// before all others.
    fn evidence(&self, terms: Terms<'_>, low: usize, end: usize) -> Vec<u64> {
        let mut places: Vec<usize> = Vec::with_capacity(terms.evidence_max);
        if let Goal::Steps { count, .. } = terms.goal {
            for wanted in 0..*count as u64 {
                let latest = (low..=end).rev().find(|at| self.points[*at].tag == wanted);
                places.extend(latest);
            }
        }
        let newest = (low..=end).rev().take(terms.evidence_max);
        for place in newest {
            if places.len() < terms.evidence_max && !places.contains(&place) {
                places.push(place);
            }
        }
        let mut evidence: Vec<u64> = Vec::with_capacity(places.len());
        for place in places {
            let point = &self.points[place];
            evidence.push(point.index);
            if let Some(carried) = &point.carried {
                evidence.extend(&carried.evidence);
            }
        }
        evidence.sort_unstable();
        evidence.dedup();
        let surplus = evidence.len().saturating_sub(terms.evidence_max);
        evidence.drain(..surplus);
        evidence
    }

    fn forget(&mut self, tag: u64, goal: &Goal) {
        if let Goal::Distinct(_) = goal {
            leave(&mut self.distinct, tag);
        }
    }

    fn drop_front(&mut self, goal: &Goal) {
        let Some(front) = self.points.pop_front() else {
            return;
        };
        if self.start > 0 {
            self.start -= 1;
        } else {
            self.forget(front.tag, goal);
        }
        if let Goal::Steps { count, ordered } = goal {
            self.dropped.resize(*count, NEVER);
            step(&mut self.dropped, *ordered, front.tag, front.at);
        }
    }

    /// Makes room: of distinct tags older points of the same tag go first, so that repeating one
    /// value cannot push others out; then the oldest points go.
    fn shed(&mut self, terms: Terms<'_>) {
        if let Goal::Distinct(_) = terms.goal {
            let mut newest: HashMap<u64, usize> = HashMap::new();
            for (place, point) in self.points.iter().enumerate() {
                newest.insert(point.tag, place);
            }
            let mut place = 0;
            let (mut kept_before, start) = (0, self.start);
            self.points.retain(|point| {
                let keep = newest.get(&point.tag) == Some(&place);
                kept_before += usize::from(keep && place < start);
                place += 1;
                keep
            });
            self.start = kept_before;
            self.distinct.clear();
            for point in self.points.range(self.start..) {
                self.distinct.insert(point.tag, 1);
            }
            // Half is left free, so that this scan happens once in many points.
            while self.points.len() > terms.points_max / 2 {
                self.drop_front(terms.goal);
            }
        }
        while self.points.len() > terms.points_max {
            self.drop_front(terms.goal);
        }
    }
}

fn leave(tags: &mut HashMap<u64, u32>, tag: u64) {
    if let Some(count) = tags.get_mut(&tag) {
        *count -= 1;
        if *count == 0 {
            tags.remove(&tag);
        }
    }
}

/// Takes a point of step `tag` into `reached`. Returns the start of the latest chain that this
/// point completes: for ordered steps only the last step completes one, for unordered ones any.
fn step(reached: &mut [i64], ordered: bool, tag: u64, at: i64) -> Option<i64> {
    let place = usize::try_from(tag)
        .ok()
        .filter(|place| *place < reached.len())?;
    if !ordered {
        reached[place] = reached[place].max(at);
        return reached
            .iter()
            .copied()
            .min()
            .filter(|start| *start != NEVER);
    }
    let start = if place == 0 { at } else { reached[place - 1] };
    reached[place] = reached[place].max(start);
    (place + 1 == reached.len() && start != NEVER).then_some(start)
}
