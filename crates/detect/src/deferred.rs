//! Windows that are judged when they are over: conditions with an upper bound, and absence.
//!
//! A window is over when the ledger's clock (the newest time of receipt) has passed its end by the
//! lateness; the clock moves with entries alone, so that a replay judges at the same places.
//!
//! - **finished**: the first match opens a window `[start, start + S)`; the first one behind it
//!   opens the next.
//! - **absence**: every match at `p` opens a window `(p, p + S]`, which does not hold the match
//!   itself: silence begins behind it.
//!
//! Matches that reach us long after they happened (a backlog) are given the lateness, counted from
//! their receipt, to be joined by their neighbours.

use std::collections::VecDeque;

use crate::distinct::Distinct;
use crate::goal::{Goal, Judgement, Measure, Reading};
use crate::ring::{Tally, nearest_rank};
use crate::rule::Comparison;
use crate::window::{Insertion, Point, Satisfied, Terms, gather};

/// Matches of one (rule, group) that wait to be judged.
#[derive(Debug, Default)]
pub(crate) struct Deferred {
    /// Sorted by (time, index, tag).
    pub(crate) points: VecDeque<Point>,
    /// The beginning of the open window, where its points found no room.
    pub(crate) fold: Option<Box<Fold>>,
    /// Everything before this time has been judged.
    pub(crate) judged: Option<i64>,
    /// Nothing is judged before the clock shows this.
    pub(crate) hold: i64,
    /// Whether points of an absence were let go unjudged.
    pub(crate) is_cut: bool,
}

/// Points of a window without their places.
#[derive(Debug, Default)]
pub(crate) struct Fold {
    pub(crate) start: i64,
    pub(crate) tally: Tally,
    pub(crate) distinct: Option<Distinct>,
    /// One bit for each step seen.
    pub(crate) steps: u32,
}

/// A window found satisfied, with the entries that show it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Judged {
    pub(crate) found: Satisfied,
    pub(crate) evidence: Vec<u64>,
}

impl Deferred {
    /// Puts `point`, received at `received`, in its place.
    pub(crate) fn insert(
        &mut self,
        terms: Terms<'_>,
        judgement: Judgement,
        point: Point,
        received: i64,
    ) -> Insertion {
        if self.judged.is_some_and(|judged| point.at < judged)
            || self.fold.as_ref().is_some_and(|fold| point.at < fold.start)
        {
            return Insertion::Late;
        }
        let key = |point: &Point| (point.at, point.index, point.tag);
        let place = self
            .points
            .partition_point(|other| key(other) < key(&point));
        let same = |other: Option<&Point>| {
            other.is_some_and(|other| {
                let exactly = terms.goal.measure().is_some() || other.tag == point.tag;
                other.at == point.at && other.index == point.index && exactly
            })
        };
        if same(self.points.get(place)) || place > 0 && same(self.points.get(place - 1)) {
            return Insertion::Known;
        }
        if point.at.saturating_add(terms.lateness) < received {
            self.hold = self.hold.max(received.saturating_add(terms.lateness));
        }
        self.points.insert(place, point);
        // A steady stream resolves its own past: those need no judgement.
        let over = received.saturating_sub(terms.span.saturating_add(terms.lateness));
        while self.is_resolved(0, terms) && self.points[0].at <= over {
            self.judged = self.points.pop_front().map(|point| point.at);
        }
        while self.points.len() > terms.points_max {
            match judgement {
                Judgement::Absence => self.let_go(terms),
                Judgement::Finished | Judgement::Open => self.fold_front(terms),
            }
        }
        Insertion::Counted
    }

    /// The clock at which the oldest window is judged that may be satisfied; `None` when nothing
    /// waits.
    pub(crate) fn due(&self, terms: Terms<'_>) -> Option<i64> {
        let mut place = 0;
        while self.is_resolved(place, terms) {
            place += 1;
        }
        let start = match self.points.get(place) {
            Some(point) if place > 0 => point.at,
            _ => self.start()?,
        };
        let end = start.saturating_add(terms.span);
        Some(end.saturating_add(terms.lateness).max(self.hold))
    }

    /// Bytes held on the heap, about; a function of what is held.
    pub(crate) fn bytes_len(&self) -> usize {
        let fold = self.fold.as_ref().map_or(0, |fold| {
            let distinct = fold.distinct.as_ref().map_or(0, |_| Distinct::BYTES);
            size_of::<Fold>() + fold.tally.bins.len().next_power_of_two() * 8 + distinct
        });
        size_of::<Self>() + self.points.len().next_power_of_two().max(4) * size_of::<Point>() + fold
    }

    /// Judges all windows that are over at `clock`.
    pub(crate) fn judge(
        &mut self,
        terms: Terms<'_>,
        judgement: Judgement,
        clock: i64,
    ) -> Vec<Judged> {
        let mut judged = Vec::new();
        while self.due(terms).is_some_and(|due| due <= clock) {
            while self.is_resolved(0, terms) {
                self.judged = self.points.pop_front().map(|point| point.at);
            }
            judged.extend(match judgement {
                Judgement::Absence => self.judge_absence(terms),
                Judgement::Finished | Judgement::Open => self.judge_finished(terms),
            });
        }
        judged
    }

    /// Whether enough has come behind the match at `place` for nothing to be absent there.
    fn is_resolved(&self, place: usize, terms: Terms<'_>) -> bool {
        if terms.goal.judgement() != Judgement::Absence {
            return false;
        }
        let Some(opener) = self.points.get(place) else {
            return false;
        };
        let end = opener.at.saturating_add(terms.span);
        let from = self.points.partition_point(|point| point.at <= opener.at);
        let enough = enough(terms.goal).and_then(|enough| self.points.get(from + enough - 1));
        enough.is_some_and(|point| point.at <= end)
    }

    fn start(&self) -> Option<i64> {
        let first = self.points.front().map(|point| point.at);
        self.fold.as_ref().map(|fold| fold.start).or(first)
    }

    fn judge_finished(&mut self, terms: Terms<'_>) -> Option<Judged> {
        let start = self.start()?;
        let end = start.saturating_add(terms.span);
        let len = self.points.partition_point(|point| point.at < end);
        let points: Vec<Point> = self.points.drain(..len).collect();
        let mut fold = self.fold.take();
        self.judged = Some(end);
        let at = points.last().map_or(end - 1, |point| point.at);
        let holds = match terms.goal {
            Goal::Number { measure, .. } => {
                let reading = match &mut fold {
                    Some(fold) => fold.reading(terms.goal, *measure, &points),
                    None => measured(*measure, points.iter()),
                };
                terms.goal.holds(reading).then_some(reading.count)
            }
            Goal::Steps { .. } => {
                let before = fold.as_ref().map_or(0, |fold| fold.steps);
                let present = points
                    .iter()
                    .fold(before, |mask, point| mask | bit(point.tag));
                let count = points.len() as u64 + fold.as_ref().map_or(0, |fold| fold.tally.count);
                terms.goal.holds_steps(present).then_some(count)
            }
        };
        let newest = points.len().saturating_sub(terms.evidence_max);
        holds.map(|count| Judged {
            found: Satisfied {
                at,
                first: start,
                count,
                approximate: fold.is_some() && is_estimate(terms.goal),
                places: (0, 0),
            },
            evidence: gather(points[newest..].iter(), terms.evidence_max),
        })
    }

    fn judge_absence(&mut self, terms: Terms<'_>) -> Option<Judged> {
        let opener = self.points.pop_front()?;
        self.judged = Some(opener.at);
        let end = opener.at.saturating_add(terms.span);
        let from = self.points.partition_point(|point| point.at <= opener.at);
        let to = self.points.partition_point(|point| point.at <= end);
        let inside = self.points.range(from..to);
        let reading = measured(terms.goal.measure()?, inside);
        terms.goal.holds(reading).then(|| Judged {
            found: Satisfied {
                at: end,
                first: opener.at,
                count: reading.count,
                approximate: self.is_cut,
                places: (0, 0),
            },
            evidence: gather(std::iter::once(&opener), terms.evidence_max),
        })
    }

    /// Makes room: the oldest match goes, if possible one whose window holds enough already.
    fn let_go(&mut self, terms: Terms<'_>) {
        let is_resolved = self.is_resolved(0, terms);
        if let Some(opener) = self.points.pop_front() {
            self.judged = Some(opener.at);
            self.is_cut |= !is_resolved;
        }
    }

    fn fold_front(&mut self, terms: Terms<'_>) {
        let Some(point) = self.points.pop_front() else {
            return;
        };
        let fold = self.fold.get_or_insert_with(|| {
            let start = point.at;
            Box::new(Fold {
                start,
                ..Fold::default()
            })
        });
        fold.take(terms.goal, &point);
    }
}

impl Fold {
    fn take(&mut self, goal: &Goal, point: &Point) {
        match goal.measure() {
            Some(Measure::Distinct) => {
                let distinct = self.distinct.get_or_insert_with(|| Distinct::new(0));
                distinct.add(0, point.tag);
                self.tally.count += 1;
            }
            Some(measure) => self.tally.add(measure, point.tag.cast_signed()),
            None => {
                self.steps |= bit(point.tag);
                self.tally.count += 1;
            }
        }
    }

    /// What this and `points` amount to.
    fn reading(&mut self, goal: &Goal, measure: Measure, points: &[Point]) -> Reading {
        for point in points {
            self.take(goal, point);
        }
        match &self.distinct {
            Some(distinct) => Reading {
                count: distinct.estimate(),
                amount: 0,
            },
            None => self.tally.reading(measure),
        }
    }
}

/// Whether folded points can be measured in parts only.
fn is_estimate(goal: &Goal) -> bool {
    matches!(
        goal.measure(),
        Some(Measure::Distinct | Measure::Percentile(_))
    )
}

fn bit(step: u64) -> u32 {
    1_u32
        .checked_shl(u32::try_from(step).unwrap_or(u32::MAX))
        .unwrap_or(0)
}

/// Exact measure of some points.
fn measured<'a>(measure: Measure, points: impl Iterator<Item = &'a Point>) -> Reading {
    let mut count = 0;
    let mut sum = 0;
    let mut tags = Vec::new();
    let mut values = Vec::new();
    for point in points {
        count += 1;
        match measure {
            Measure::Count => {}
            Measure::Distinct => tags.push(point.tag),
            Measure::Sum | Measure::Avg => sum += i128::from(point.tag.cast_signed()),
            Measure::Percentile(_) => values.push(point.tag.cast_signed()),
        }
    }
    match measure {
        Measure::Distinct => {
            tags.sort_unstable();
            tags.dedup();
            count = tags.len() as u64;
        }
        Measure::Percentile(rank) => {
            values.sort_unstable();
            let place = usize::try_from(nearest_rank(count, rank)).unwrap_or(usize::MAX);
            sum = values.get(place).copied().map_or(0, i128::from);
        }
        _ => {}
    }
    Reading { count, amount: sum }
}

/// How many events behind a match mean that nothing is absent; `None` when that cannot be said.
fn enough(goal: &Goal) -> Option<usize> {
    let Goal::Number {
        measure: Measure::Count,
        bounds,
    } = goal
    else {
        return None;
    };
    let least = bounds.iter().filter_map(|(comparison, number)| {
        let number = usize::try_from(*number).ok()?;
        match comparison {
            Comparison::Lt => Some(number),
            Comparison::Lte | Comparison::Eq => Some(number + 1),
            _ => None,
        }
    });
    least.min().filter(|enough| *enough > 0)
}
