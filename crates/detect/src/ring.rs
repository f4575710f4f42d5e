//! Sums, counts and percentiles of a sliding window in constant space: the window is cut into 64
//! parts, each with its totals; the whole of the newest window is kept up to date as parts come
//! and go. Percentiles come from a histogram whose bins are 1/32 of their value wide.

use std::collections::VecDeque;

use crate::goal::{Measure, Reading};
use crate::limits::WINDOW_PARTS;

/// Bins of one part; further values go into the nearest bin there is.
const BINS_MAX: usize = 256;
/// Bits of a value, after its highest, that choose its bin.
const BIN_BITS: u32 = 5;
/// Parts kept: the newest window and one before it for late events.
const PARTS_KEPT: i64 = 2 * WINDOW_PARTS;

/// Totals of some values.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) count: u64,
    /// Millionths.
    pub(crate) sum: i128,
    /// (bin, values in it), sorted; only where a percentile is wanted.
    pub(crate) bins: Vec<(i16, u32)>,
}

/// Totals by part of time.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Ring {
    /// (part, totals), oldest first.
    pub(crate) parts: VecDeque<(i64, Tally)>,
    /// The window that ends at the newest part.
    total: Tally,
    /// Place of its first part.
    start: usize,
}

impl Tally {
    /// Takes a value in.
    pub(crate) fn add(&mut self, measure: Measure, value: i64) {
        self.count += 1;
        self.sum += i128::from(value);
        if let Measure::Percentile(_) = measure {
            add_bin(&mut self.bins, bin_of(value), 1);
        }
    }

    /// What was measured.
    pub(crate) fn reading(&self, measure: Measure) -> Reading {
        let amount = match measure {
            Measure::Percentile(rank) => i128::from(self.percentile(rank)),
            _ => self.sum,
        };
        Reading {
            count: self.count,
            amount,
        }
    }

    fn percentile(&self, rank: u8) -> i64 {
        let mut left = nearest_rank(self.count, rank);
        for (bin, count) in &self.bins {
            let count = u64::from(*count);
            if left < count {
                return value_of(*bin);
            }
            left -= count;
        }
        self.bins.last().map_or(0, |(bin, _)| value_of(*bin))
    }
}

impl Ring {
    /// Takes a value of `part` in. False when it lies before everything that is kept.
    pub(crate) fn add(&mut self, measure: Measure, part: i64, value: i64) -> bool {
        let newest = self.newest();
        if newest.is_none_or(|newest| part > newest) {
            self.parts.push_back((part, Tally::default()));
            self.leave(part);
        }
        let newest = newest.unwrap_or(part).max(part);
        if part <= newest - PARTS_KEPT {
            return false;
        }
        let place = self.parts.partition_point(|(other, _)| *other < part);
        if self
            .parts
            .get(place)
            .is_none_or(|(other, _)| *other != part)
        {
            self.parts.insert(place, (part, Tally::default()));
            self.start += usize::from(part <= newest - WINDOW_PARTS);
        }
        self.parts[place].1.add(measure, value);
        if part > newest - WINDOW_PARTS {
            self.total.add(measure, value);
        }
        true
    }

    /// The newest part.
    pub(crate) fn newest(&self) -> Option<i64> {
        self.parts.back().map(|(part, _)| *part)
    }

    /// What the window that ends at the newest part holds.
    pub(crate) fn reading(&self, measure: Measure) -> Reading {
        self.total.reading(measure)
    }

    /// Bytes held on the heap, about.
    pub(crate) fn bytes_len(&self) -> usize {
        let bins = |tally: &Tally| tally.bins.len().next_power_of_two() * 8;
        let parts = self.parts.len().next_power_of_two() * size_of::<(i64, Tally)>();
        parts
            + self
                .parts
                .iter()
                .map(|(_, tally)| bins(tally))
                .sum::<usize>()
            + bins(&self.total)
    }

    /// The totals of the newest window.
    pub(crate) fn total(&self) -> &Tally {
        &self.total
    }

    /// A ring of these parts, whose newest window has this total; their order is checked by the
    /// caller.
    pub(crate) fn of_parts(parts: VecDeque<(i64, Tally)>, total: Tally) -> Self {
        let newest = parts.back().map_or(0, |(part, _)| *part);
        let oldest = newest.saturating_sub(WINDOW_PARTS);
        let start = parts.partition_point(|(part, _)| *part <= oldest);
        Self {
            parts,
            total,
            start,
        }
    }

    /// Takes the parts that lie before the window ending at `newest` out of the whole.
    fn leave(&mut self, newest: i64) {
        while self.parts[self.start].0 <= newest - WINDOW_PARTS {
            let (_, tally) = &self.parts[self.start];
            self.total.count -= tally.count;
            self.total.sum -= tally.sum;
            for (bin, count) in &tally.bins {
                remove_bin(&mut self.total.bins, *bin, *count);
            }
            self.start += 1;
        }
        while self.start > 0 && self.parts[0].0 <= newest - PARTS_KEPT {
            self.parts.pop_front();
            self.start -= 1;
        }
    }
}

fn add_bin(bins: &mut Vec<(i16, u32)>, bin: i16, count: u32) {
    match bins.binary_search_by_key(&bin, |(bin, _)| *bin) {
        Ok(place) => bins[place].1 = bins[place].1.saturating_add(count),
        Err(place) if bins.len() < BINS_MAX => bins.insert(place, (bin, count)),
        Err(place) => {
            let place = place.min(bins.len() - 1);
            bins[place].1 = bins[place].1.saturating_add(count);
        }
    }
}

/// Bins that were merged for want of room leave what is left of them behind; the nearest one pays.
fn remove_bin(bins: &mut Vec<(i16, u32)>, bin: i16, mut count: u32) {
    while count > 0 && !bins.is_empty() {
        let place = bins.partition_point(|(other, _)| *other < bin);
        let place = place.min(bins.len() - 1);
        let taken = bins[place].1.min(count);
        bins[place].1 -= taken;
        count -= taken;
        if bins[place].1 == 0 {
            bins.remove(place);
        }
    }
}

/// Place, among `count` sorted values, of the percentile `rank` by nearest rank.
pub(crate) fn nearest_rank(count: u64, rank: u8) -> u64 {
    let above = (count.saturating_mul(u64::from(rank))).div_ceil(100);
    above.saturating_sub(1)
}

fn bin_of(value: i64) -> i16 {
    let size = value.unsigned_abs();
    if size == 0 {
        return 0;
    }
    let high = size.ilog2();
    let next = if high >= BIN_BITS {
        size >> (high - BIN_BITS)
    } else {
        size << (BIN_BITS - high)
    };
    let low = i16::try_from(next & ((1 << BIN_BITS) - 1)).unwrap_or(0);
    let bin = 1 + i16::try_from(high << BIN_BITS).unwrap_or(0) + low;
    if value < 0 { -bin } else { bin }
}

/// The middle of a bin.
fn value_of(bin: i16) -> i64 {
    if bin == 0 {
        return 0;
    }
    let number = u32::from(bin.unsigned_abs() - 1);
    let (high, low) = (number >> BIN_BITS, number & ((1 << BIN_BITS) - 1));
    let whole = u128::from((1 << BIN_BITS) + low) * 2 + 1;
    let size = (whole << high) >> (BIN_BITS + 1);
    let size = i64::try_from(size).unwrap_or(i64::MAX);
    if bin < 0 { -size } else { size }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_comes_back_within_a_thirtieth() {
        for value in [1, 2, 31, 32, 33, 1_000, 999_999, 123_456_789_012, i64::MAX] {
            let back = value_of(bin_of(value));
            assert!(
                back.abs_diff(value) <= value.unsigned_abs() / 30,
                "{value}: {back}"
            );
            assert_eq!(value_of(bin_of(-value)), -back);
        }
        assert_eq!(value_of(bin_of(0)), 0);
    }

    /// The newest window by adding up its parts.
    fn whole(ring: &Ring) -> Tally {
        let oldest = ring.newest().unwrap_or(0) - WINDOW_PARTS;
        let mut whole = Tally::default();
        for (_, tally) in ring.parts.iter().filter(|(part, _)| *part > oldest) {
            whole.count += tally.count;
            whole.sum += tally.sum;
            for (bin, count) in &tally.bins {
                add_bin(&mut whole.bins, *bin, *count);
            }
        }
        whole
    }

    #[test]
    fn the_newest_window_is_whole_in_order_and_late() {
        for measure in [Measure::Sum, Measure::Percentile(90)] {
            let mut ring = Ring::default();
            for n in 0..1_000_i64 {
                let part = if n % 3 == 0 { n - 20 } else { n };
                assert!(ring.add(measure, part, n % 17));
                let again = Ring::of_parts(ring.parts.clone(), whole(&ring));
                assert_eq!(again, ring, "at {n}");
            }
        }
        let mut ring = Ring::default();
        ring.add(Measure::Count, 1_000, 0);
        assert!(!ring.add(Measure::Count, 800, 0));
        assert_eq!(ring.reading(Measure::Count).count, 1);
    }

    #[test]
    fn percentiles_are_by_nearest_rank() {
        assert_eq!(nearest_rank(100, 95), 94);
        assert_eq!(nearest_rank(10, 50), 4);
        assert_eq!(nearest_rank(1, 99), 0);
        assert_eq!(nearest_rank(7, 0), 0);
        let mut tally = Tally::default();
        for value in 1..=1_000 {
            tally.add(Measure::Percentile(95), value);
        }
        let found = tally.reading(Measure::Percentile(95)).amount;
        assert!((920..=980).contains(&found), "{found}");
    }
}
