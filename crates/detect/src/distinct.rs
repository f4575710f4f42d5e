//! How many distinct values a sliding window holds, in constant space: HyperLogLog (Flajolet et
//! al. 2007) over time, with Ertl's estimator (2017).
//!
//! Each register keeps the few (time, rank) pairs that can still become its value while the window
//! slides on: a pair that is older and not larger than another never can. Time is counted in
//! 1/64 of the window. 1024 registers give a standard error of about 3 %.

use crate::limits::WINDOW_PARTS;

/// Registers.
const REGISTERS: u16 = 1024;
/// Bits of a hash that choose the register.
const REGISTER_BITS: u32 = REGISTERS.trailing_zeros();
/// Largest rank: the other bits of the hash, and one.
const RANK_MAX: usize = 64 - REGISTER_BITS as usize + 1;
/// Pairs that a register keeps; the oldest goes when there are more.
const PAIRS: usize = 8;
/// Bits of a pair that hold the rank.
const RANK_BITS: u32 = 6;
/// Parts of the window that can be told apart before the whole starts anew: a million windows.
const PARTS_MAX: i64 = 1 << (32 - RANK_BITS);

const _: () = assert!(RANK_MAX < 1 << RANK_BITS);

/// The values seen, by when.
#[derive(Debug)]
pub(crate) struct Distinct {
    /// Part of time that pairs count from.
    base: i64,
    /// Newest part seen.
    newest: i64,
    /// Per register: (part since base + 1) << 6 | rank, oldest first, 0 behind the last.
    pairs: Vec<[u32; PAIRS]>,
    /// Per register its value in the window that ends at the newest part.
    current: Vec<u8>,
    /// Registers by value.
    by_rank: [u16; RANK_MAX + 1],
}

impl Distinct {
    /// Nothing seen; time begins one window before `part`.
    pub(crate) fn new(part: i64) -> Self {
        let mut by_rank = [0; RANK_MAX + 1];
        by_rank[0] = REGISTERS;
        Self {
            base: part.saturating_sub(2 * WINDOW_PARTS),
            newest: part,
            pairs: vec![[0; PAIRS]; usize::from(REGISTERS)],
            current: vec![0; usize::from(REGISTERS)],
            by_rank,
        }
    }

    /// Bytes held on the heap.
    pub(crate) const BYTES: usize = REGISTERS as usize * (PAIRS * 4 + 1) + size_of::<Self>();

    /// Takes a value with this `hash` seen in `part`. False when `part` lies outside what can be
    /// told apart.
    pub(crate) fn add(&mut self, part: i64, hash: u64) -> bool {
        let Some(since) = part.checked_sub(self.base) else {
            return false;
        };
        if !(0..PARTS_MAX - 1).contains(&since) {
            return false;
        }
        if part > self.newest {
            self.newest = part;
            self.sweep();
        }
        let register = usize::try_from(hash & (u64::from(REGISTERS) - 1)).unwrap_or(0);
        let rest = hash >> REGISTER_BITS | 1 << (64 - REGISTER_BITS);
        let rank = rest.trailing_zeros() + 1;
        let pair = u32::try_from(since + 1).unwrap_or(u32::MAX) << RANK_BITS | rank;
        insert(&mut self.pairs[register], pair);
        self.refresh(register);
        true
    }

    /// Distinct values in the window that ends at the newest part, about.
    pub(crate) fn estimate(&self) -> u64 {
        let m = f64::from(REGISTERS);
        let share = |rank: usize| f64::from(self.by_rank[rank]);
        let mut z = m * tau(1.0 - share(RANK_MAX) / m);
        for rank in (1..RANK_MAX).rev() {
            z = 0.5 * (z + share(rank));
        }
        z += m * sigma(share(0) / m);
        let estimate = m * m / (2.0 * std::f64::consts::LN_2 * z);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "an estimate is positive; a cast from float saturates"
        )]
        let whole = estimate.round() as u64;
        whole
    }

    /// The parts of the newest window expire as it moves on.
    fn sweep(&mut self) {
        for register in 0..usize::from(REGISTERS) {
            if self.current[register] != 0 {
                self.refresh(register);
            }
        }
    }

    fn refresh(&mut self, register: usize) {
        let oldest = self.newest - WINDOW_PARTS - self.base + 1;
        let inside = |pair: &&u32| i64::from(**pair >> RANK_BITS) > oldest;
        let pair = self.pairs[register].iter().find(inside).unwrap_or(&0);
        let rank = (pair & ((1 << RANK_BITS) - 1)) as u8;
        let before = std::mem::replace(&mut self.current[register], rank);
        if before != rank {
            self.by_rank[usize::from(before)] -= 1;
            self.by_rank[usize::from(rank)] += 1;
        }
    }

    /// Everything that matters, for a snapshot: (base, newest, pairs).
    pub(crate) fn parts(&self) -> (i64, i64, &[[u32; PAIRS]]) {
        (self.base, self.newest, &self.pairs)
    }

    /// The reverse of [`Distinct::parts`]; `None` when that cannot have been it.
    pub(crate) fn of_parts(base: i64, newest: i64, pairs: Vec<[u32; PAIRS]>) -> Option<Self> {
        let is_rank = |pair: &u32| (pair & ((1 << RANK_BITS) - 1)) as usize <= RANK_MAX;
        let is_sane = pairs.len() == usize::from(REGISTERS)
            && pairs.iter().flatten().all(is_rank)
            && newest
                .checked_sub(base)
                .is_some_and(|since| (0..PARTS_MAX).contains(&since));
        if !is_sane {
            return None;
        }
        let mut distinct = Self::new(newest);
        distinct.base = base;
        distinct.pairs = pairs;
        for register in 0..usize::from(REGISTERS) {
            distinct.refresh(register);
        }
        Some(distinct)
    }
}

/// Puts `pair` among the pairs of a register, oldest first, without those that it makes useless.
fn insert(pairs: &mut [u32; PAIRS], pair: u32) {
    let rank = |pair: u32| pair & ((1 << RANK_BITS) - 1);
    let part = |pair: u32| pair >> RANK_BITS;
    let mut kept = [0; PAIRS + 1];
    let mut len = 0;
    let mut is_placed = false;
    for &other in pairs.iter().filter(|other| **other != 0) {
        if part(other) >= part(pair) && rank(other) >= rank(pair) {
            return;
        }
        if part(other) <= part(pair) && rank(other) <= rank(pair) {
            continue;
        }
        if !is_placed && part(other) > part(pair) {
            kept[len] = pair;
            len += 1;
            is_placed = true;
        }
        kept[len] = other;
        len += 1;
    }
    if !is_placed {
        kept[len] = pair;
        len += 1;
    }
    let from = usize::from(len > PAIRS);
    pairs.copy_from_slice(&kept[from..from + PAIRS]);
}

fn sigma(mut x: f64) -> f64 {
    if x >= 1.0 {
        return f64::INFINITY;
    }
    let (mut y, mut z) = (1.0, x);
    loop {
        x *= x;
        let before = z;
        z += x * y;
        y += y;
        if z <= before {
            return z;
        }
    }
}

fn tau(mut x: f64) -> f64 {
    if x <= 0.0 || x >= 1.0 {
        return 0.0;
    }
    let (mut y, mut z) = (1.0, 1.0 - x);
    loop {
        x = x.sqrt();
        let before = z;
        y *= 0.5;
        z -= (1.0 - x) * (1.0 - x) * y;
        if z >= before {
            return z / 3.0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hash::sip13;

    fn check(count: u64, per_part: u64) -> (u64, u64) {
        let mut distinct = Distinct::new(0);
        for n in 0..count {
            let part = i64::try_from(n / per_part).unwrap();
            assert!(distinct.add(part, sip13([7, 7], &n.to_le_bytes())));
        }
        (distinct.estimate(), count.min(per_part * 64))
    }

    #[test]
    fn estimates_lie_within_a_tenth() {
        for (count, per_part) in [(10, 10), (1_000, 1_000), (5_000, 500), (300_000, 1_000)] {
            let (estimate, real) = check(count, per_part);
            let off = estimate.abs_diff(real) * 10;
            assert!(off <= real, "{estimate} for {real}");
        }
    }

    #[test]
    fn repeats_do_not_count_and_silence_empties_the_window() {
        let mut distinct = Distinct::new(0);
        for n in 0..10_000_u64 {
            distinct.add(0, sip13([1, 2], &(n % 50).to_le_bytes()));
        }
        assert!(
            distinct.estimate().abs_diff(50) <= 3,
            "{}",
            distinct.estimate()
        );
        assert!(distinct.add(1_000, 12_345));
        assert_eq!(distinct.estimate(), 1);
    }

    #[test]
    fn late_values_count_where_they_belong() {
        let (mut in_order, mut shuffled) = (Distinct::new(0), Distinct::new(0));
        let value = |n: u64| {
            (
                i64::try_from(n / 100).unwrap(),
                sip13([3, 4], &n.to_le_bytes()),
            )
        };
        for n in 0..4_000 {
            let (part, hash) = value(n);
            in_order.add(part, hash);
            // Neighbours change places over up to 1,000 values, that is ten parts.
            let (part, hash) = value(n / 1_000 * 1_000 + (n * 7 + 3) % 1_000);
            shuffled.add(part, hash);
        }
        assert_eq!(in_order.estimate(), shuffled.estimate());
    }

    #[test]
    fn comes_back_from_its_parts() {
        let mut distinct = Distinct::new(5);
        for n in 0..2_000_u64 {
            distinct.add(
                5 + i64::try_from(n / 30).unwrap(),
                sip13([9, 9], &n.to_le_bytes()),
            );
        }
        let (base, newest, pairs) = distinct.parts();
        let restored = Distinct::of_parts(base, newest, pairs.to_vec()).unwrap();
        assert_eq!(restored.estimate(), distinct.estimate());
        assert!(Distinct::of_parts(base, newest, vec![[0; PAIRS]; 3]).is_none());
        assert!(Distinct::of_parts(0, -1, pairs.to_vec()).is_none());
    }
}
