//! The reference that windows are held against: it re-scans all events for every window.

use proptest::prelude::*;

use crate::deferred::Deferred;
use crate::goal::{Goal, Judgement, Measure, Reading};
use crate::ring::nearest_rank;
use crate::rule::{Comparison, Condition};
use crate::window::{Insertion, Point, Terms, Window};

const SPAN: i64 = 10;
const LATENESS: i64 = 15;

/// (time, index, value or step).
type Seen = (i64, u64, u64);

fn number(measure: Measure, bounds: &[(Comparison, i64)]) -> Goal {
    let bounds = bounds.to_vec();
    Goal::Number { measure, bounds }
}

fn steps(ordered: bool, condition: Option<Condition>) -> Goal {
    let count = 3;
    Goal::Steps {
        count,
        ordered,
        condition,
    }
}

/// All seven types under each judgement that they can have.
fn goals() -> Vec<Goal> {
    use Comparison::{Eq, Gt, Gte, Lt, Lte, Neq};
    use Condition::{All, AtLeast, Not, Selection};
    let million = 1_000_000;
    vec![
        number(Measure::Count, &[(Gte, 4)]),
        number(Measure::Distinct, &[(Gte, 3)]),
        number(Measure::Sum, &[(Gt, 6)]),
        number(Measure::Avg, &[(Gte, 2)]),
        number(Measure::Percentile(75), &[(Gte, 2)]),
        steps(false, None),
        steps(true, None),
        steps(
            false,
            Some(All(vec![
                Selection(0),
                AtLeast(1, vec![Selection(1), Selection(2)]),
            ])),
        ),
        number(Measure::Count, &[(Eq, 3)]),
        number(Measure::Count, &[(Gte, 2), (Lte, 4)]),
        number(Measure::Distinct, &[(Neq, 2)]),
        number(Measure::Sum, &[(Lt, 4)]),
        number(Measure::Avg, &[(Lte, 1)]),
        number(Measure::Percentile(50), &[(Eq, 1), (Lt, million)]),
        steps(
            false,
            Some(All(vec![Selection(0), Not(Box::new(Selection(1)))])),
        ),
        number(Measure::Count, &[(Lt, 3)]),
        number(Measure::Count, &[(Eq, 0)]),
        number(Measure::Distinct, &[(Lte, 1)]),
    ]
}

fn holds(goal: &Goal, inside: &[Seen]) -> bool {
    let micros = |value: u64| i64::try_from(value).unwrap() * crate::goal::MICROS;
    let mut values: Vec<i64> = inside.iter().map(|seen| micros(seen.2)).collect();
    values.sort_unstable();
    let reading = |count: usize, amount: i128| Reading {
        count: count as u64,
        amount,
    };
    let sum = values.iter().map(|value| i128::from(*value)).sum();
    match goal {
        Goal::Number { measure, .. } => goal.holds(match measure {
            Measure::Count => reading(values.len(), 0),
            Measure::Distinct => {
                values.dedup();
                reading(values.len(), 0)
            }
            Measure::Sum | Measure::Avg => reading(values.len(), sum),
            Measure::Percentile(rank) => {
                let place = usize::try_from(nearest_rank(values.len() as u64, *rank)).unwrap();
                let value = values.get(place).copied().unwrap_or(0);
                reading(values.len(), value.into())
            }
        }),
        Goal::Steps { ordered: true, .. } => {
            let last = inside.last().is_some_and(|seen| seen.2 == 2);
            last && inside
                .iter()
                .enumerate()
                .any(|(at, seen)| seen.2 == 0 && inside[at..].iter().any(|later| later.2 == 1))
        }
        Goal::Steps { .. } => {
            goal.holds_steps(inside.iter().fold(0, |mask, seen| mask | 1 << seen.2))
        }
    }
}

/// Ends of satisfied windows among `seen`, which is sorted.
fn rescan(goal: &Goal, seen: &[Seen]) -> Vec<i64> {
    let between = |from: i64, to: i64| -> Vec<Seen> {
        let inside = seen.iter().filter(|other| other.0 > from && other.0 <= to);
        inside.copied().collect()
    };
    let mut ends = Vec::new();
    match goal.judgement() {
        Judgement::Open => {
            for (place, end) in seen.iter().enumerate() {
                let inside = seen[..=place].iter().filter(|other| other.0 > end.0 - SPAN);
                let inside: Vec<Seen> = inside.copied().collect();
                ends.extend(holds(goal, &inside).then_some(end.0));
            }
        }
        Judgement::Finished => {
            let mut from = i64::MIN;
            for start in seen {
                if start.0 < from {
                    continue;
                }
                from = start.0 + SPAN;
                let inside = between(start.0 - 1, from - 1);
                let last = inside.last().unwrap().0;
                ends.extend(holds(goal, &inside).then_some(last));
            }
        }
        Judgement::Absence => {
            for start in seen {
                let inside = between(start.0, start.0 + SPAN);
                ends.extend(holds(goal, &inside).then_some(start.0 + SPAN));
            }
        }
    }
    ends
}

/// Ends of satisfied windows as our windows find them, in order.
fn streamed(goal: &Goal, points_max: usize, arriving: &[(i64, Seen)]) -> Vec<i64> {
    let terms = Terms {
        goal,
        span: SPAN,
        lateness: LATENESS,
        points_max,
        evidence_max: 3,
    };
    let is_value = matches!(
        goal.measure(),
        Some(Measure::Sum | Measure::Avg | Measure::Percentile(_))
    );
    let point = |seen: &Seen| Point {
        at: seen.0,
        index: seen.1,
        tag: if is_value { seen.2 * 1_000_000 } else { seen.2 },
        satisfied: false,
        carried: None,
    };
    let mut ends = Vec::new();
    if goal.judgement() == Judgement::Open {
        let mut window = Window::default();
        let mut found = Vec::new();
        for (_, seen) in arriving {
            let inserted = window.insert(terms, point(seen), &mut found);
            assert_eq!(inserted, Insertion::Counted, "{seen:?}");
        }
        ends.extend(found.iter().map(|found| found.at));
    } else {
        let mut deferred = Deferred::default();
        for (clock, seen) in arriving {
            let judged = deferred.judge(terms, goal.judgement(), *clock);
            ends.extend(judged.iter().map(|judged| judged.found.at));
            let inserted = deferred.insert(terms, goal.judgement(), point(seen), *clock);
            assert_eq!(inserted, Insertion::Counted, "{seen:?}");
        }
        let judged = deferred.judge(terms, goal.judgement(), i64::MAX);
        ends.extend(judged.iter().map(|judged| judged.found.at));
        assert_eq!(deferred.due(terms), None);
    }
    ends.sort_unstable();
    ends
}

/// Arrival is by time plus a delay below the lateness; indices follow arrival.
fn arriving(raw: &[(i64, u64, i64)]) -> (Vec<(i64, Seen)>, Vec<Seen>) {
    let mut order: Vec<(i64, i64, u64)> = raw
        .iter()
        .map(|(at, value, delay)| (at + delay, *at, *value))
        .collect();
    order.sort_unstable();
    let arriving: Vec<(i64, Seen)> = (0..)
        .zip(&order)
        .map(|(index, (clock, at, value))| (*clock, (*at, index, *value)))
        .collect();
    let mut seen: Vec<Seen> = arriving.iter().map(|(_, seen)| *seen).collect();
    seen.sort_unstable();
    (arriving, seen)
}

/// Whether more events never undo what holds.
fn is_monotone(goal: &Goal) -> bool {
    let is_mean = matches!(goal.measure(), Some(Measure::Avg | Measure::Percentile(_)));
    goal.judgement() != Judgement::Open || !is_mean
}

proptest! {
    #[test]
    fn windows_agree_with_a_rescan_in_any_order_within_lateness(
        raw in prop::collection::vec((0_i64..80, 0_u64..3, 0..LATENESS), 1..60),
        place in 0_usize..18,
    ) {
        let goal = &goals()[place];
        let (arriving, seen) = arriving(&raw);
        let expected = {
            let mut ends = rescan(goal, &seen);
            ends.sort_unstable();
            ends
        };
        let streamed = streamed(goal, 1000, &arriving);
        if is_monotone(goal) {
            prop_assert_eq!(streamed, expected, "{:?}", goal);
        } else {
            // What is judged as it comes may be unsaid by an event that comes late, but not unrung.
            let missed = expected.iter().find(|end| !streamed.contains(end));
            prop_assert_eq!(missed, None, "{:?}", goal);
        }
    }

    #[test]
    fn windows_agree_with_a_rescan_in_order(
        raw in prop::collection::vec((0_i64..80, 0_u64..3), 1..60),
        place in 0_usize..18,
    ) {
        let goal = &goals()[place];
        let raw: Vec<(i64, u64, i64)> = raw.iter().map(|(at, value)| (*at, *value, 0)).collect();
        let (arriving, seen) = arriving(&raw);
        let mut expected = rescan(goal, &seen);
        expected.sort_unstable();
        prop_assert_eq!(streamed(goal, 1000, &arriving), expected, "{:?}", goal);
    }

    /// What is told in constant space may not be told wrongly when events come in order and the
    /// threshold lies below what is kept exactly.
    #[test]
    fn a_window_that_overflows_still_finds_every_count_in_order(
        raw in prop::collection::vec((0_i64..80, 0_u64..3), 1..120),
    ) {
        let raw: Vec<(i64, u64, i64)> = raw.iter().map(|(at, value)| (*at, *value, 0)).collect();
        let (arriving, seen) = arriving(&raw);
        let goal = &goals()[0];
        prop_assert_eq!(streamed(goal, 8, &arriving), rescan(goal, &seen));
    }
}

#[test]
fn every_goal_is_found_at_least_once() {
    let mut raw: Vec<(i64, u64, i64)> = Vec::new();
    for (at, value) in [
        (0, 0),
        (1, 1),
        (2, 2),
        (3, 2),
        (4, 2),
        (30, 0),
        (60, 1),
        (61, 1),
        (62, 1),
        (90, 2),
    ] {
        raw.push((at, value, 0));
    }
    let (arriving, seen) = arriving(&raw);
    for goal in goals() {
        let ends = rescan(&goal, &seen);
        assert!(!ends.is_empty(), "{goal:?}");
        let mut expected = ends;
        expected.sort_unstable();
        assert_eq!(streamed(&goal, 1000, &arriving), expected, "{goal:?}");
    }
}
