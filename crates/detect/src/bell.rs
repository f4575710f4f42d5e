//! When a group rings: once per period, with an update each time its count has doubled.
//!
//! The first period of an attack starts at the first event of the window that rang. While the
//! attack goes on, further periods start on the fixed grid of multiples of the period, so that a
//! detector rebuilt from the middle of a long attack finds the same starts, and with them the
//! same alert identities, as one that saw all of it.

use crate::goal::{Goal, Measure};
use crate::window::Satisfied;

/// The state of a group that has rung.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bell {
    pub(crate) start: i64,
    pub(crate) end: i64,
    /// Counted since the start.
    pub(crate) count: u64,
    /// What was told last.
    pub(crate) told: u64,
}

/// What to say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ring {
    /// Start of the period, ns.
    pub(crate) start: i64,
    /// Counted so far.
    pub(crate) count: u64,
    /// Whether the period has rung before.
    pub(crate) ongoing: bool,
    /// Whether the count is an estimate.
    pub(crate) approximate: bool,
}

impl Bell {
    /// Takes the satisfied end `found` into `bell`; what to say, if anything. A period of 0 rings
    /// for every end.
    pub(crate) fn strike(
        bell: &mut Option<Self>,
        period: i64,
        goal: &Goal,
        found: &Satisfied,
    ) -> Option<Ring> {
        let start = match bell {
            Some(rung) if found.at < rung.end => {
                rung.count = match goal.measure() {
                    Some(Measure::Distinct) => rung.count.max(found.count),
                    _ => rung.count + 1,
                };
                if rung.count < rung.told.saturating_mul(2) {
                    return None;
                }
                rung.told = rung.count;
                return Some(Ring {
                    start: rung.start,
                    count: rung.count,
                    ongoing: true,
                    approximate: found.approximate,
                });
            }
            Some(rung) if found.at < rung.end.saturating_add(period) => {
                found.at.div_euclid(period.max(1)) * period
            }
            _ => found.first,
        };
        *bell = Some(Self {
            start,
            end: start.saturating_add(period),
            count: found.count,
            told: found.count,
        });
        Some(Ring {
            start,
            count: found.count,
            ongoing: false,
            approximate: found.approximate,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rings(period: i64, ats: &[i64]) -> Vec<(i64, bool)> {
        let goal = Goal::at_least(Measure::Count, 1);
        let mut bell = None;
        let strike = |at: &i64| {
            let found = Satisfied {
                at: *at,
                first: *at,
                count: 1,
                approximate: false,
                places: (0, 0),
            };
            Bell::strike(&mut bell, period, &goal, &found).map(|ring| (ring.start, ring.ongoing))
        };
        ats.iter().filter_map(strike).collect()
    }

    #[test]
    fn once_a_period_and_at_each_doubling() {
        let ats: Vec<i64> = (0..9).collect();
        assert_eq!(
            rings(100, &ats),
            [(0, false), (0, true), (0, true), (0, true)]
        );
    }

    #[test]
    fn a_detector_that_missed_the_beginning_agrees_later() {
        let long: Vec<i64> = (7..1000).collect();
        let whole = rings(100, &long);
        let rebuilt = rings(100, &long[150..]);
        let starts = |rings: &[(i64, bool)]| -> Vec<i64> {
            let late = rings
                .iter()
                .filter(|(start, ongoing)| !ongoing && *start > 300);
            late.map(|(start, _)| *start).collect()
        };
        assert_eq!(starts(&whole), starts(&rebuilt));
        assert_eq!(starts(&whole), [400, 500, 600, 700, 800, 900]);
    }

    #[test]
    fn quiet_in_between_starts_afresh() {
        assert_eq!(
            rings(100, &[5, 333, 1005]),
            [(5, false), (333, false), (1005, false)]
        );
        assert_eq!(rings(0, &[5, 5, 6]), [(5, false), (5, false), (6, false)]);
    }
}
