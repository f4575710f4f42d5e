//! Classes of names seen before. Shared between threads without a lock; a slot is one number, so a
//! lost race costs a second judgement, never a wrong one.
//!
//! A slot holds the upper 56 bits of a keyed hash of the name beside the class. The key is secret,
//! so nobody can look for a harmless name that shares its hash with a telling one, and by chance a
//! name meets another's hash once in 2^56.

use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::key::Class;
use crate::limits;

#[derive(Debug)]
pub(super) struct Cache {
    seed: u64,
    slots: Box<[AtomicU64]>,
    /// Classes by the number that a slot holds for them, less one. Few, and only added to.
    classes: [std::sync::OnceLock<Class>; CLASSES_MAX],
    adding: Mutex<()>,
}

/// More than the table of names has classes; a class without a place is not remembered.
const CLASSES_MAX: usize = 64;
/// Bits of a slot that name the class.
const CLASS_BITS: u64 = 0xff;
/// The class of a name that says nothing.
const NOTHING: u64 = 0xff;

impl Cache {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            seed: seed | 1,
            slots: (0..limits::NAME_CACHE_SLOTS)
                .map(|_| AtomicU64::new(0))
                .collect(),
            classes: [const { std::sync::OnceLock::new() }; CLASSES_MAX],
            adding: Mutex::new(()),
        }
    }

    /// The class of `name`, from `judge` when it is not remembered.
    #[inline]
    pub(super) fn get(&self, name: &[u8], judge: impl FnOnce() -> Option<Class>) -> Option<Class> {
        if name.len() > limits::NAME_CACHE_BYTES_MAX {
            return judge();
        }
        let hash = self.hash(name);
        let slot = &self.slots[usize::try_from(hash >> 40).unwrap_or(0) % self.slots.len()];
        let held = slot.load(Ordering::Relaxed);
        if held & !CLASS_BITS == hash & !CLASS_BITS && held & CLASS_BITS != 0 {
            return match held & CLASS_BITS {
                NOTHING => None,
                number => self.class(number),
            };
        }
        let class = judge();
        let number = class.map_or(Some(NOTHING), |class| self.number(class));
        if let Some(number) = number {
            slot.store(hash & !CLASS_BITS | number, Ordering::Relaxed);
        }
        class
    }

    fn class(&self, number: u64) -> Option<Class> {
        let place = usize::try_from(number).ok()?.checked_sub(1)?;
        self.classes.get(place)?.get().copied()
    }

    fn number(&self, class: Class) -> Option<u64> {
        let _adding = self.adding.lock().unwrap_or_else(PoisonError::into_inner);
        let place = self
            .classes
            .iter()
            .position(|held| *held.get_or_init(|| class) == class)?;
        u64::try_from(place + 1).ok()
    }

    /// Multiply and fold, eight bytes at a time.
    #[inline]
    fn hash(&self, name: &[u8]) -> u64 {
        let mut state = self.seed ^ (name.len() as u64).wrapping_mul(MIX);
        let (words, rest) = name.as_chunks::<8>();
        for word in words {
            state = fold(state ^ u64::from_le_bytes(*word), MIX);
        }
        let mut last = [0; 8];
        last[..rest.len()].copy_from_slice(rest);
        fold(fold(state ^ u64::from_le_bytes(last), self.seed), MIX)
    }
}

/// An odd number with about as many ones as zeros (the golden ratio's fraction).
const MIX: u64 = 0x9e37_79b9_7f4a_7c15;

#[inline]
fn fold(a: u64, b: u64) -> u64 {
    let wide = u128::from(a) * u128::from(b);
    #[expect(clippy::cast_possible_truncation, reason = "both halves are taken")]
    let folded = wide as u64 ^ (wide >> 64) as u64;
    folded
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kind::Kind;

    #[test]
    fn remembers_and_forgets_nothing_wrongly() {
        let cache = Cache::new(7);
        let names: Vec<String> = (0..20_000).map(|at| format!("name_{at}")).collect();
        let class = |at: usize| match at % 3 {
            0 => None,
            1 => Some(Class::Drop(Kind::Password)),
            _ => Some(Class::Cookie),
        };
        for _ in 0..2 {
            for (at, name) in names.iter().enumerate() {
                assert_eq!(cache.get(name.as_bytes(), || class(at)), class(at));
            }
        }
        let recent = names[19_999].as_bytes();
        assert_eq!(cache.get(recent, || panic!("asked again")), class(19_999));
    }
}
