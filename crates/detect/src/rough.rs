//! A window told in constant space: distinct values by a sketch, amounts by a ring of parts.
//!
//! A window overflows into this when more points fall into it than are kept exactly. Its end is
//! known to 1/64 of its length, and events before its beginning never count.

use std::collections::VecDeque;

use crate::distinct::Distinct;
use crate::goal::{Measure, Reading};
use crate::limits::WINDOW_PARTS;
use crate::ring::Ring;
use crate::window::{Insertion, Point, Satisfied, Terms};

/// The points of one (rule, group) without their places.
#[derive(Debug)]
pub(crate) struct Rough {
    pub(crate) by: By,
    /// Time of the newest point.
    pub(crate) newest: i64,
    /// Time of the first point there ever was.
    pub(crate) first: i64,
    /// The entries taken last.
    pub(crate) recent: VecDeque<u64>,
}

/// How it is told.
#[derive(Debug)]
pub(crate) enum By {
    Ring(Ring),
    Distinct(Distinct),
}

impl Rough {
    /// Of these points, sorted by time.
    pub(crate) fn of(terms: Terms<'_>, measure: Measure, points: &VecDeque<Point>) -> Self {
        let first = points.front().map_or(0, |point| point.at);
        let by = if measure == Measure::Distinct {
            By::Distinct(Distinct::new(part(terms, first)))
        } else {
            By::Ring(Ring::default())
        };
        let mut rough = Self {
            by,
            newest: first,
            first,
            recent: VecDeque::new(),
        };
        for point in points {
            rough.take(terms, measure, point);
        }
        rough
    }

    /// Takes `point` and judges the window that ends at the newest.
    pub(crate) fn insert(
        &mut self,
        terms: Terms<'_>,
        point: &Point,
        found: &mut Vec<Satisfied>,
    ) -> Insertion {
        let Some(measure) = terms.goal.measure() else {
            return Insertion::Known;
        };
        if self.recent.back() == Some(&point.index) {
            return Insertion::Known;
        }
        let is_late = point.at < self.newest.saturating_sub(terms.lateness);
        if is_late || !self.take(terms, measure, point) {
            return Insertion::Late;
        }
        if point.at <= self.newest.saturating_sub(terms.span) {
            return Insertion::Counted;
        }
        let reading = match &self.by {
            By::Ring(ring) => ring.reading(measure),
            By::Distinct(distinct) => Reading {
                count: distinct.estimate(),
                amount: 0,
            },
        };
        if terms.goal.holds(reading) {
            let oldest = self.newest.saturating_sub(terms.span);
            found.push(Satisfied {
                at: self.newest,
                first: oldest.max(self.first),
                count: reading.count,
                approximate: true,
                places: (0, 0),
            });
        }
        Insertion::Counted
    }

    /// Bytes held, about; a function of what is held.
    pub(crate) fn bytes_len(&self) -> usize {
        let by = match &self.by {
            By::Ring(ring) => ring.bytes_len(),
            By::Distinct(_) => Distinct::BYTES,
        };
        by + size_of::<Self>() + self.recent.len().next_power_of_two() * 8
    }

    fn take(&mut self, terms: Terms<'_>, measure: Measure, point: &Point) -> bool {
        let part = part(terms, point.at);
        let is_taken = match &mut self.by {
            By::Ring(ring) => ring.add(measure, part, point.tag.cast_signed()),
            By::Distinct(distinct) => distinct.add(part, point.tag),
        };
        if is_taken {
            self.newest = self.newest.max(point.at);
            if self.recent.len() >= terms.evidence_max {
                self.recent.pop_front();
            }
            self.recent.push_back(point.index);
        }
        is_taken
    }
}

/// The part of time that `at` lies in. 64 of them are at most as long as the window.
fn part(terms: Terms<'_>, at: i64) -> i64 {
    at.div_euclid((terms.span / WINDOW_PARTS).max(1))
}
