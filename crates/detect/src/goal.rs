//! What a window must hold, and when that is judged.
//!
//! - **open**: `gt`, `gte` and sequences. More events can only help, so every match is judged at
//!   once, as the end of the window before it.
//! - **finished**: conditions with an upper bound (`eq`, `neq`, ranges, `not`). They speak about a
//!   whole window: one begins with the first match, and is judged when nothing can come any more.
//! - **absence**: conditions that nothing at all satisfies (`lt`, `lte`, `eq: 0` of events or
//!   values). Every match opens a window right behind itself, judged when that is over.
//!
//! Numbers are counted in millionths, so that sums do not depend on the order of their parts.

use crate::limits;
use crate::rule::{Comparison, Condition};

/// Millionths in a whole.
pub(crate) const MICROS: i64 = 1_000_000;

/// What is measured in a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Measure {
    /// Events.
    Count,
    /// Distinct values.
    Distinct,
    /// Sum of values.
    Sum,
    /// Average of values.
    Avg,
    /// The value below or at which so many of a hundred lie (nearest rank).
    Percentile(u8),
}

/// What a window must hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Goal {
    /// A measure within bounds, all of which must hold.
    Number {
        measure: Measure,
        bounds: Vec<(Comparison, i64)>,
    },
    /// Matches of several rules.
    Steps {
        /// How many rules there are.
        count: usize,
        /// Whether in their order.
        ordered: bool,
        /// Which of them; all when absent.
        condition: Option<Condition>,
    },
}

/// When a goal is judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Judgement {
    Open,
    Finished,
    Absence,
}

/// What was measured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Reading {
    /// Events, or distinct values where those are measured.
    pub(crate) count: u64,
    /// Sum or percentile, millionths.
    pub(crate) amount: i128,
}

impl Goal {
    /// At least `number` events.
    #[cfg(test)]
    pub(crate) fn at_least(measure: Measure, number: i64) -> Self {
        Self::Number {
            measure,
            bounds: vec![(Comparison::Gte, number)],
        }
    }

    /// Whether `reading` is enough.
    pub(crate) fn holds(&self, reading: Reading) -> bool {
        let Self::Number { measure, bounds } = self else {
            return false;
        };
        let count = i128::from(reading.count);
        let (amount, unit) = match measure {
            Measure::Count | Measure::Distinct => (count, 1),
            Measure::Sum | Measure::Percentile(_) => (reading.amount, i128::from(MICROS)),
            Measure::Avg => (reading.amount, i128::from(MICROS) * count),
        };
        bounds.iter().all(|(comparison, number)| {
            comparison.holds(amount.cmp(&(i128::from(*number).saturating_mul(unit))))
        })
    }

    /// Whether the steps in `present` (one bit each) are enough.
    pub(crate) fn holds_steps(&self, present: u32) -> bool {
        match self {
            Self::Number { .. } => false,
            Self::Steps {
                condition: Some(condition),
                ..
            } => steps_hold(condition, present),
            Self::Steps { count, .. } => present.count_ones() as usize == *count,
        }
    }

    /// When it is judged.
    pub(crate) fn judgement(&self) -> Judgement {
        match self {
            Self::Steps { condition, .. } => match condition {
                Some(condition) if negates(condition) => Judgement::Finished,
                _ => Judgement::Open,
            },
            Self::Number { measure, bounds } => {
                let counts = matches!(measure, Measure::Count | Measure::Distinct);
                let opens = |(comparison, number): &(Comparison, i64)| match comparison {
                    Comparison::Gt | Comparison::Gte => true,
                    Comparison::Neq => *number == 0 && counts,
                    _ => false,
                };
                let bounded_above = bounds.iter().any(|(comparison, _)| {
                    matches!(
                        comparison,
                        Comparison::Lt | Comparison::Lte | Comparison::Eq
                    )
                });
                if bounds.iter().all(opens) {
                    Judgement::Open
                } else if counts && bounded_above && self.holds(Reading::default()) {
                    Judgement::Absence
                } else {
                    Judgement::Finished
                }
            }
        }
    }

    /// What is measured, if that is a number.
    pub(crate) fn measure(&self) -> Option<Measure> {
        match self {
            Self::Number { measure, .. } => Some(*measure),
            Self::Steps { .. } => None,
        }
    }

    /// The largest number in the bounds of a count; 1 at least.
    pub(crate) fn threshold(&self) -> u64 {
        match self {
            Self::Number { bounds, .. } => bounds
                .iter()
                .map(|(_, number)| u64::try_from(*number).unwrap_or(0))
                .max()
                .unwrap_or(1)
                .max(1),
            Self::Steps { count, .. } => *count as u64,
        }
    }

    /// Points that a window keeps exactly: enough to see the threshold crossed in any window that
    /// a late event may still reach.
    pub(crate) fn points_max(&self, span: i64, lateness: i64) -> usize {
        match self {
            Self::Steps { .. } => limits::SEQUENCE_POINTS_MAX,
            Self::Number {
                measure: Measure::Count | Measure::Distinct,
                ..
            } => {
                let windows = 2 + lateness / span.max(1);
                let wanted = self
                    .threshold()
                    .saturating_mul(windows.unsigned_abs())
                    .saturating_mul(2);
                usize::try_from(wanted)
                    .unwrap_or(usize::MAX)
                    .clamp(limits::WINDOW_POINTS_MIN, limits::WINDOW_POINTS_MAX)
            }
            Self::Number { .. } => limits::VALUE_POINTS_MAX,
        }
    }
}

fn steps_hold(condition: &Condition, present: u32) -> bool {
    match condition {
        Condition::All(parts) => parts.iter().all(|part| steps_hold(part, present)),
        Condition::AtLeast(least, parts) => {
            let held = parts.iter().filter(|part| steps_hold(part, present));
            held.count() >= *least
        }
        Condition::Not(part) => !steps_hold(part, present),
        Condition::Selection(step) => *step < 32 && present & 1 << step != 0,
    }
}

fn negates(condition: &Condition) -> bool {
    match condition {
        Condition::All(parts) | Condition::AtLeast(_, parts) => parts.iter().any(negates),
        Condition::Not(_) => true,
        Condition::Selection(_) => false,
    }
}

/// The number that `text` writes, in millionths; numbers beyond 64 bits are cut to the largest.
pub(crate) fn micros(text: &str) -> Option<i64> {
    let text = text.trim();
    if let Ok(whole) = text.parse::<i64>() {
        return Some(whole.saturating_mul(MICROS));
    }
    let number: f64 = text.parse().ok()?;
    #[expect(
        clippy::cast_possible_truncation,
        reason = "a cast from float saturates, which is what is wanted"
    )]
    #[expect(clippy::cast_precision_loss, reason = "a million is exact")]
    let scaled = (number * MICROS as f64).round() as i64;
    number.is_finite().then_some(scaled)
}

#[cfg(test)]
mod tests {
    use super::*;
    use Comparison::{Eq, Gt, Gte, Lt, Lte, Neq};

    fn judged(measure: Measure, bounds: &[(Comparison, i64)]) -> Judgement {
        let bounds = bounds.to_vec();
        Goal::Number { measure, bounds }.judgement()
    }

    #[test]
    fn an_upper_bound_waits_for_the_end_of_the_window() {
        use Judgement::{Absence, Finished, Open};
        use Measure::{Avg, Count, Distinct, Sum};
        assert_eq!(judged(Count, &[(Gte, 3)]), Open);
        assert_eq!(judged(Count, &[(Gt, 0), (Gte, 2)]), Open);
        assert_eq!(judged(Count, &[(Neq, 0)]), Open);
        assert_eq!(judged(Count, &[(Eq, 3)]), Finished);
        assert_eq!(judged(Count, &[(Gte, 3), (Lt, 9)]), Finished);
        assert_eq!(judged(Count, &[(Neq, 3)]), Finished);
        assert_eq!(judged(Count, &[(Lt, 3)]), Absence);
        assert_eq!(judged(Distinct, &[(Lte, 3)]), Absence);
        assert_eq!(judged(Count, &[(Eq, 0)]), Absence);
        assert_eq!(judged(Sum, &[(Lt, 3)]), Finished);
        assert_eq!(judged(Avg, &[(Gt, 3)]), Open);
    }

    #[test]
    fn numbers_are_read_in_millionths() {
        assert_eq!(micros("12"), Some(12_000_000));
        assert_eq!(micros(" -0.25"), Some(-250_000));
        assert_eq!(micros("1e3"), Some(1_000_000_000));
        assert_eq!(micros("9223372036854775807"), Some(i64::MAX));
        assert_eq!(micros("inf"), None);
        assert_eq!(micros("twelve"), None);
    }

    #[test]
    fn averages_need_no_division() {
        let goal = Goal::at_least(Measure::Avg, 3);
        let reading = |count, amount| Reading { count, amount };
        assert!(goal.holds(reading(2, 6_000_000)));
        assert!(!goal.holds(reading(2, 5_999_999)));
    }
}
