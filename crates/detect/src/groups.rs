//! The windows of one rule by group, within a byte budget.
//!
//! When the budget is spent, groups whose windows are over go first, then the group with the least
//! to lose: groups are kept in levels by how far they are on their way to the threshold, and the
//! longest untouched group of the lowest level is given up. A flood of fresh keys therefore only
//! ever pushes out other fresh keys, never a group that is near its threshold. Every group given
//! up is counted.
//!
//! Everything here is a function of the entries seen: a state restored from a snapshot gives up
//! the same groups in the same order as the one it was taken from.

use std::collections::BTreeSet;

use crate::bell::Bell;
use crate::deferred::Deferred;
use crate::goal::Goal;
use crate::hash::{HashedMap, Seed, sip13};
use crate::window::{Terms, Window};

/// Levels of nearness to the threshold.
const LEVELS: usize = 12;
/// The level of groups that wait for the end of their window.
const LEVEL_DEFERRED: usize = LEVELS / 2;
/// No slot.
const NONE: u32 = u32::MAX;
/// Bytes that a group costs beside its key and its points: its slot and its place in the map.
const GROUP_BYTES: usize = size_of::<Option<Slot>>() + 32;

/// State of one group.
#[derive(Debug, Default)]
pub(crate) struct Group {
    pub(crate) store: Store,
    pub(crate) bell: Option<Bell>,
}

/// What a group remembers.
#[derive(Debug)]
pub(crate) enum Store {
    Open(Window),
    Deferred(Box<Deferred>),
}

impl Default for Store {
    fn default() -> Self {
        Self::Open(Window::default())
    }
}

/// A group in its place.
#[derive(Debug)]
pub(crate) struct Slot {
    pub(crate) key: Box<str>,
    pub(crate) group: Group,
    /// When it was touched last, by the ledger's clock.
    pub(crate) touched: i64,
    /// Number of the touch; the order in which groups of one level are given up.
    pub(crate) used: u64,
    /// Number of the group since the engine began; the order of judgement.
    pub(crate) serial: u64,
    hash: u64,
    /// Another group whose key has the same hash.
    same: u32,
    bytes: usize,
    level: usize,
    older: u32,
    newer: u32,
    due: Option<i64>,
}

#[derive(Clone, Copy, Debug)]
struct Level {
    oldest: u32,
    newest: u32,
}

/// What the budget and the clock allow at a touch.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Terrain {
    /// Now, by the ledger's clock, ns.
    pub(crate) now: i64,
    /// How long an untouched group is kept, ns.
    pub(crate) idle: i64,
    /// How long it is kept when room is scarce: its window is over then, ns.
    pub(crate) stale: i64,
    /// Bytes for all groups.
    pub(crate) bytes_max: usize,
}

/// All groups of one rule.
#[derive(Debug)]
pub(crate) struct Groups {
    seed: Seed,
    places: HashedMap<u32>,
    slots: Vec<Option<Slot>>,
    free: Vec<u32>,
    levels: [Level; LEVELS],
    /// (clock at which it is due, serial, place).
    timers: BTreeSet<(i64, u64, u32)>,
    len: usize,
    bytes: usize,
    evictions: u64,
    pub(crate) used: u64,
    pub(crate) serials: u64,
}

impl Groups {
    /// No groups; `seed` keys the hashes of their names.
    pub(crate) fn new(seed: Seed) -> Self {
        Self {
            seed,
            places: HashedMap::default(),
            slots: Vec::new(),
            free: Vec::new(),
            levels: [Level {
                oldest: NONE,
                newest: NONE,
            }; LEVELS],
            timers: BTreeSet::new(),
            len: 0,
            bytes: 0,
            evictions: 0,
            used: 0,
            serials: 0,
        }
    }

    /// Lets `change` work on the group `key`, then brings the state back under its budget and
    /// drops idle groups.
    pub(crate) fn with<T>(
        &mut self,
        key: &str,
        terrain: Terrain,
        terms: Terms<'_>,
        change: impl FnOnce(&mut Group) -> T,
    ) -> T {
        let place = self.place(key);
        self.used += 1;
        let used = self.used;
        let slot = self.slots[place as usize]
            .as_mut()
            .expect("place() returns a filled slot");
        slot.touched = terrain.now;
        slot.used = used;
        let result = change(&mut slot.group);
        self.unlink(place);
        self.settle(place, terms);
        self.link(place);
        self.expire(terrain.now.saturating_sub(terrain.idle));
        if self.bytes > terrain.bytes_max {
            self.make_room(place, terrain);
        }
        result
    }

    /// Groups held.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Bytes held, about.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Groups given up for want of room.
    pub(crate) fn evictions(&self) -> u64 {
        self.evictions
    }

    /// The clock at which the next group must be judged.
    pub(crate) fn due(&self) -> Option<i64> {
        self.timers.first().map(|(due, _, _)| *due)
    }

    /// Lets `judge` work on the group that is due first, if one is due at `clock`.
    pub(crate) fn judge_due<T>(
        &mut self,
        clock: i64,
        terms: Terms<'_>,
        judge: impl FnOnce(&str, &mut Group) -> T,
    ) -> Option<T> {
        let (due, _, place) = *self.timers.first()?;
        if due > clock {
            return None;
        }
        let slot = self.slots.get_mut(place as usize)?.as_mut()?;
        let result = judge(&slot.key, &mut slot.group);
        self.settle(place, terms);
        Some(result)
    }

    /// All groups by serial, for a snapshot.
    pub(crate) fn slots(&self) -> Vec<&Slot> {
        let mut slots: Vec<&Slot> = self.slots.iter().flatten().collect();
        slots.sort_unstable_by_key(|slot| slot.serial);
        slots
    }

    /// Puts groups of a snapshot back.
    pub(crate) fn restore(
        &mut self,
        mut slots: Vec<(Box<str>, i64, u64, u64, Group)>,
        terms: Terms<'_>,
    ) {
        slots.sort_unstable_by_key(|(_, _, used, _, _)| *used);
        for (key, touched, used, serial, group) in slots {
            let place = self.place(&key);
            self.unlink(place);
            if let Some(slot) = self.slot(place) {
                slot.touched = touched;
                slot.used = used;
                slot.serial = serial;
                slot.group = group;
            }
            self.settle(place, terms);
            self.link(place);
        }
    }

    /// Brings size, level and timer of a group in line with what it holds.
    fn settle(&mut self, place: u32, terms: Terms<'_>) {
        let Some(slot) = self.slots.get_mut(place as usize).and_then(Option::as_mut) else {
            return;
        };
        let (held, level, due) = match &slot.group.store {
            Store::Open(window) => (window.bytes_len(), level_of(window, terms.goal), None),
            Store::Deferred(deferred) => {
                (deferred.bytes_len(), LEVEL_DEFERRED, deferred.due(terms))
            }
        };
        slot.level = level;
        let bytes = GROUP_BYTES + slot.key.len() + held;
        let before = std::mem::replace(&mut slot.bytes, bytes);
        let due_before = std::mem::replace(&mut slot.due, due);
        let serial = slot.serial;
        self.bytes = self.bytes + bytes - before;
        if due != due_before {
            if let Some(due) = due_before {
                self.timers.remove(&(due, serial, place));
            }
            if let Some(due) = due {
                self.timers.insert((due, serial, place));
            }
        }
    }

    fn place(&mut self, key: &str) -> u32 {
        let hash = sip13(self.seed, key.as_bytes());
        let first = self.places.get(&hash).copied().unwrap_or(NONE);
        let mut at = first;
        while let Some(slot) = self.slots.get(at as usize).and_then(Option::as_ref) {
            if *slot.key == *key {
                return at;
            }
            at = slot.same;
        }
        self.serials += 1;
        let slot = Slot {
            key: key.into(),
            group: Group::default(),
            touched: 0,
            used: 0,
            serial: self.serials,
            hash,
            same: first,
            bytes: 0,
            level: 0,
            older: NONE,
            newer: NONE,
            due: None,
        };
        let place = if let Some(place) = self.free.pop() {
            self.slots[place as usize] = Some(slot);
            place
        } else {
            self.slots.push(Some(slot));
            // A budget of bytes keeps the number of groups far below 2^32.
            u32::try_from(self.slots.len() - 1).expect("groups fit the byte budget")
        };
        self.places.insert(hash, place);
        self.len += 1;
        self.link(place);
        place
    }

    /// Makes `place` the newest of its level.
    fn link(&mut self, place: u32) {
        let Some(level) = self.slot(place).map(|slot| slot.level) else {
            return;
        };
        let newest = std::mem::replace(&mut self.levels[level].newest, place);
        if let Some(slot) = self.slot(place) {
            slot.older = newest;
            slot.newer = NONE;
        }
        match self.slot(newest) {
            Some(before) => before.newer = place,
            None => self.levels[level].oldest = place,
        }
    }

    fn unlink(&mut self, place: u32) {
        let Some(slot) = self.slot(place) else {
            return;
        };
        let (level, older, newer) = (slot.level, slot.older, slot.newer);
        match self.slot(older) {
            Some(slot) => slot.newer = newer,
            None => self.levels[level].oldest = newer,
        }
        match self.slot(newer) {
            Some(slot) => slot.older = older,
            None => self.levels[level].newest = older,
        }
    }

    fn slot(&mut self, place: u32) -> Option<&mut Slot> {
        self.slots.get_mut(place as usize)?.as_mut()
    }

    /// Drops groups that no event has touched since `since`; whether there was one.
    fn expire(&mut self, since: i64) -> bool {
        let mut has_expired = false;
        for level in 0..LEVELS {
            let oldest = self.levels[level].oldest;
            if self.slot(oldest).is_some_and(|slot| slot.touched < since) {
                self.remove(oldest);
                has_expired = true;
            }
        }
        has_expired
    }

    /// Brings the state under its budget, sparing `spared`.
    fn make_room(&mut self, spared: u32, terrain: Terrain) {
        while self.bytes > terrain.bytes_max && self.len > 1 {
            let is_over = terrain.now.saturating_sub(terrain.stale);
            if !self.expire(is_over) && !self.evict(spared) {
                break;
            }
        }
    }

    /// Gives up the group with the least to lose, sparing `spared`. Whether there was one.
    fn evict(&mut self, spared: u32) -> bool {
        for level in 0..LEVELS {
            let mut oldest = self.levels[level].oldest;
            if oldest == spared {
                oldest = self.slot(oldest).map_or(NONE, |slot| slot.newer);
            }
            if oldest != NONE {
                self.remove(oldest);
                self.evictions += 1;
                return true;
            }
        }
        false
    }

    fn remove(&mut self, place: u32) {
        self.unlink(place);
        let slot = self.slots.get_mut(place as usize).and_then(Option::take);
        let Some(slot) = slot else {
            return;
        };
        self.bytes -= slot.bytes;
        self.len -= 1;
        self.free.push(place);
        if let Some(due) = slot.due {
            self.timers.remove(&(due, slot.serial, place));
        }
        let first = self.places.get(&slot.hash).copied().unwrap_or(NONE);
        if first == place {
            if slot.same == NONE {
                self.places.remove(&slot.hash);
            } else {
                self.places.insert(slot.hash, slot.same);
            }
            return;
        }
        let mut at = first;
        while let Some(other) = self.slot(at) {
            if other.same == place {
                other.same = slot.same;
                return;
            }
            at = other.same;
        }
    }
}

fn level_of(window: &Window, goal: &Goal) -> usize {
    let progress = usize::try_from(window.progress(goal).min(100)).unwrap_or(100);
    progress * (LEVELS - 1) / 100
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::goal::Measure;
    use crate::window::Point;

    const BYTES_MAX: usize = 64 * 1024;

    fn terms(goal: &Goal) -> Terms<'_> {
        Terms {
            goal,
            span: 1_000_000_000,
            lateness: 0,
            points_max: 100,
            evidence_max: 1,
        }
    }

    fn terrain(now: i64, idle: i64) -> Terrain {
        Terrain {
            now,
            idle,
            stale: idle,
            bytes_max: BYTES_MAX,
        }
    }

    #[test]
    fn a_flood_of_fresh_keys_spares_the_group_on_its_way() {
        let goal = Goal::at_least(Measure::Count, 5);
        let mut groups = Groups::new([0, 0]);
        let mut touch = |key: &str, index: u64| {
            groups.with(key, terrain(0, 10), terms(&goal), |group| {
                let Store::Open(window) = &mut group.store else {
                    panic!("an open goal keeps a window");
                };
                let at = i64::try_from(index).unwrap();
                let point = Point {
                    at,
                    index,
                    tag: 0,
                    satisfied: false,
                    carried: None,
                };
                window.insert(terms(&goal), point, &mut Vec::new());
                window.points.len()
            })
        };
        touch("victim", 1);
        touch("victim", 2);
        for index in 3..50_000 {
            touch(&format!("fresh{index}"), index);
        }
        assert_eq!(touch("victim", 50_000), 3);
        assert!(groups.evictions() > 40_000);
        assert!(groups.bytes() <= BYTES_MAX);
    }

    #[test]
    fn idle_groups_go_and_are_no_loss() {
        let goal = Goal::at_least(Measure::Count, 5);
        let mut groups = Groups::new([0, 0]);
        groups.with("a", terrain(0, 100), terms(&goal), |_| ());
        groups.with("b", terrain(200, 100), terms(&goal), |_| ());
        assert_eq!(groups.len(), 1);
        for n in 0..50_000 {
            let scarce = Terrain {
                idle: i64::MAX,
                ..terrain(1_000 + n * 1_000, 100)
            };
            groups.with(&n.to_string(), scarce, terms(&goal), |_| ());
        }
        assert_eq!(groups.evictions(), 0);
        assert!(groups.bytes() <= BYTES_MAX);
    }
}
