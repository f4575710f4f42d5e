//! What some points of a window amount to, kept up to date as points come and go.

use crate::goal::{Goal, Measure, Reading};
use crate::hash::HashedMap;
use crate::ring;

/// Running amounts of some points.
#[derive(Debug, Default)]
pub(crate) enum Live {
    /// Their number alone.
    #[default]
    Count,
    /// Distinct tags with the number of their points.
    Distinct(HashedMap<u32>),
    /// Sum of values.
    Sum(i128),
    /// Sorted values.
    Values(Vec<i64>),
    /// Per step, the latest start of a chain that has come so far (ordered) or the latest point
    /// (unordered), over all points ever kept.
    Reached(Vec<i64>),
}

/// No chain has come so far.
pub(crate) const NEVER: i64 = i64::MIN;

impl Live {
    /// Of no points.
    pub(crate) fn of(goal: &Goal) -> Self {
        match goal {
            Goal::Number { measure, .. } => match measure {
                Measure::Count => Self::Count,
                Measure::Distinct => Self::Distinct(HashedMap::default()),
                Measure::Sum | Measure::Avg => Self::Sum(0),
                Measure::Percentile(_) => Self::Values(Vec::new()),
            },
            Goal::Steps { count, .. } => Self::Reached(vec![NEVER; *count]),
        }
    }

    /// A point with this tag comes.
    pub(crate) fn add(&mut self, tag: u64) {
        match self {
            Self::Count | Self::Reached(_) => {}
            Self::Distinct(tags) => *tags.entry(tag).or_default() += 1,
            Self::Sum(sum) => *sum += i128::from(tag.cast_signed()),
            Self::Values(values) => {
                let place = values.partition_point(|value| *value < tag.cast_signed());
                values.insert(place, tag.cast_signed());
            }
        }
    }

    /// A point with this tag, which had come, goes.
    pub(crate) fn remove(&mut self, tag: u64) {
        match self {
            Self::Count | Self::Reached(_) => {}
            Self::Distinct(tags) => {
                if let Some(count) = tags.get_mut(&tag) {
                    *count -= 1;
                    if *count == 0 {
                        tags.remove(&tag);
                    }
                }
            }
            Self::Sum(sum) => *sum -= i128::from(tag.cast_signed()),
            Self::Values(values) => {
                let place = values.partition_point(|value| *value < tag.cast_signed());
                values.remove(place);
            }
        }
    }

    /// What `points` points amount to.
    pub(crate) fn reading(&self, goal: &Goal, points: usize) -> Reading {
        let (mut count, mut amount) = (points as u64, 0);
        match self {
            Self::Count | Self::Reached(_) => {}
            Self::Distinct(tags) => count = tags.len() as u64,
            Self::Sum(sum) => amount = *sum,
            Self::Values(values) => {
                if let Some(Measure::Percentile(rank)) = goal.measure() {
                    let place = ring::nearest_rank(values.len() as u64, rank);
                    let value = usize::try_from(place).ok().and_then(|at| values.get(at));
                    amount = i128::from(value.copied().unwrap_or(0));
                }
            }
        }
        Reading { count, amount }
    }

    /// Bytes held on the heap, about; a function of what is held.
    pub(crate) fn bytes_len(&self) -> usize {
        match self {
            Self::Count | Self::Sum(_) => 0,
            Self::Distinct(tags) if tags.is_empty() => 0,
            Self::Distinct(tags) => tags.len().next_power_of_two() * 20,
            Self::Values(values) => values.len() * 8,
            Self::Reached(steps) => steps.len() * 8,
        }
    }
}

/// Takes a point of step `tag` into `reached`. Returns the start of the latest chain that this
/// point completes, which for ordered steps only the last step does.
pub(crate) fn step(reached: &mut [i64], ordered: bool, tag: u64, at: i64) -> Option<i64> {
    let place = usize::try_from(tag)
        .ok()
        .filter(|place| *place < reached.len())?;
    if !ordered {
        reached[place] = reached[place].max(at);
        return None;
    }
    let start = if place == 0 { at } else { reached[place - 1] };
    reached[place] = reached[place].max(start);
    (place + 1 == reached.len() && start != NEVER).then_some(start)
}
