//! The windows of one rule by group, within a byte budget.
//!
//! When the budget is spent, the group with the least to lose goes: groups are kept in levels by
//! how many points they hold, and the longest untouched group of the lowest level is given up
//! first. A flood of fresh keys therefore only ever pushes out other fresh keys, never a group
//! that is on its way to its threshold. Every group given up is counted.

use std::collections::HashMap;

use crate::bell::Bell;
use crate::window::Window;

/// Levels of fullness: 1 point, 2-3, 4-7, and so on.
const LEVELS: usize = 12;
/// No slot.
const NONE: u32 = u32::MAX;
/// Bytes that a group costs beside its key and its points.
const GROUP_BYTES: usize = size_of::<Slot>() + 64;

/// State of one group.
#[derive(Debug, Default)]
pub(crate) struct Group {
    pub(crate) window: Window,
    pub(crate) bell: Option<Bell>,
}

#[derive(Debug)]
struct Slot {
    key: Box<str>,
    group: Group,
    bytes: usize,
    /// When it was touched last, by the ledger's clock.
    touched: i64,
    level: usize,
    older: u32,
    newer: u32,
}

#[derive(Clone, Copy, Debug)]
struct Level {
    oldest: u32,
    newest: u32,
}

/// All groups of one rule.
#[derive(Debug)]
pub(crate) struct Groups {
    places: HashMap<Box<str>, u32>,
    slots: Vec<Option<Slot>>,
    free: Vec<u32>,
    levels: [Level; LEVELS],
    bytes: usize,
    evictions: u64,
}

impl Default for Groups {
    fn default() -> Self {
        Self {
            places: HashMap::new(),
            slots: Vec::new(),
            free: Vec::new(),
            levels: [Level {
                oldest: NONE,
                newest: NONE,
            }; LEVELS],
            bytes: 0,
            evictions: 0,
        }
    }
}

impl Groups {
    /// Lets `change` work on the group `key` at `now` (ns, by the ledger's clock), then brings the
    /// state back under `bytes_max` and drops groups untouched for `idle` ns.
    pub(crate) fn with<T>(
        &mut self,
        key: &str,
        now: i64,
        idle: i64,
        bytes_max: usize,
        change: impl FnOnce(&mut Group) -> T,
    ) -> T {
        let place = self.place(key);
        let slot = self.slots[place as usize]
            .as_mut()
            .expect("place() returns a filled slot");
        slot.touched = now;
        let result = change(&mut slot.group);
        let bytes = GROUP_BYTES + key.len() * 2 + slot.group.window.bytes_len();
        let before = std::mem::replace(&mut slot.bytes, bytes);
        let level = level_of(slot.group.window.len());
        self.bytes = self.bytes + bytes - before;
        self.move_to(place, level);
        self.expire(now.saturating_sub(idle));
        while self.bytes > bytes_max && self.places.len() > 1 {
            if !self.evict(place) {
                break;
            }
        }
        result
    }

    /// Groups held.
    pub(crate) fn len(&self) -> usize {
        self.places.len()
    }

    /// Bytes held, about.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Groups given up for want of room.
    pub(crate) fn evictions(&self) -> u64 {
        self.evictions
    }

    fn place(&mut self, key: &str) -> u32 {
        if let Some(place) = self.places.get(key) {
            return *place;
        }
        let slot = Slot {
            key: key.into(),
            group: Group::default(),
            bytes: 0,
            touched: 0,
            level: 0,
            older: NONE,
            newer: NONE,
        };
        let place = if let Some(place) = self.free.pop() {
            self.slots[place as usize] = Some(slot);
            place
        } else {
            self.slots.push(Some(slot));
            // A budget of bytes keeps the number of groups far below 2^32.
            u32::try_from(self.slots.len() - 1).expect("groups fit the byte budget")
        };
        self.places.insert(key.into(), place);
        self.link(place, 0);
        place
    }

    fn move_to(&mut self, place: u32, level: usize) {
        self.unlink(place);
        self.link(place, level);
    }

    fn link(&mut self, place: u32, level: usize) {
        let newest = std::mem::replace(&mut self.levels[level].newest, place);
        if let Some(slot) = self.slot(place) {
            slot.level = level;
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

    /// Drops groups that no event has touched since `since`; their windows have closed.
    fn expire(&mut self, since: i64) {
        for level in 0..LEVELS {
            let oldest = self.levels[level].oldest;
            if self.slot(oldest).is_some_and(|slot| slot.touched < since) {
                self.remove(oldest);
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
        if let Some(slot) = slot {
            self.bytes -= slot.bytes;
            self.places.remove(&slot.key);
            self.free.push(place);
        }
    }
}

fn level_of(points: usize) -> usize {
    let bits = usize::try_from(points.max(1).ilog2()).unwrap_or(LEVELS);
    bits.min(LEVELS - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_of_fresh_keys_spares_the_group_on_its_way() {
        let mut groups = Groups::default();
        let point = |index: u64| crate::window::Point {
            at: i64::try_from(index).unwrap(),
            index,
            tag: 0,
            satisfied: false,
            carried: None,
        };
        let goal = crate::correlation::Goal::Count(vec![]);
        let terms = crate::window::Terms {
            goal: &goal,
            span: 1_000_000_000,
            lateness: 0,
            points_max: 100,
            evidence_max: 1,
        };
        let mut touch = |key: &str, index: u64| {
            groups.with(key, 0, 10, 64 * 1024, |group| {
                group.window.insert(terms, point(index), &mut Vec::new());
                group.window.len()
            })
        };
        touch("victim", 1);
        touch("victim", 2);
        for index in 3..50_000 {
            touch(&format!("fresh{index}"), index);
        }
        assert_eq!(touch("victim", 50_000), 3);
        assert!(groups.evictions() > 40_000);
        assert!(groups.bytes() <= 64 * 1024);
    }

    #[test]
    fn idle_groups_go() {
        let mut groups = Groups::default();
        groups.with("a", 0, 100, usize::MAX, |_| ());
        groups.with("b", 200, 100, usize::MAX, |_| ());
        assert_eq!(groups.len(), 1);
        assert_eq!(groups.evictions(), 0);
    }
}
