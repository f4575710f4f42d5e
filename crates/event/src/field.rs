//! Field names as small numbers: ECS names that we know are constants, all others are interned
//! once per process within [`limits::EVENT_NAMES_MAX`].
//!
//! One table per process (decision 0008): an id means the same name in every crate without a
//! table being handed around. A name that finds no place is kept inside its event.

use std::cell::RefCell;
use std::collections::HashMap;
use std::fmt;
use std::sync::{OnceLock, RwLock};

use crate::limits;

mod known;

pub use known::*;

/// The number of a field name.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FieldId(u16);

/// Who wants a name interned; each has a share of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Namer {
    /// A record: content of strangers.
    Event,
    /// A rule, a query or another text of the operator.
    Rule,
}

impl FieldId {
    /// The name is kept inside the event; see [`crate::Event::push_named`].
    pub(crate) const INLINE: Self = Self(u16::MAX);

    pub(crate) const fn known(number: u16) -> Self {
        Self(number)
    }

    /// The id of `name` if it is known or interned already.
    pub fn of(name: &str) -> Option<Self> {
        known_id(name).or_else(|| table().read().ok()?.ids.get(name).copied())
    }

    /// The id of `name`, interning it when `namer` has room left; `None` when it has not or the
    /// name is longer than [`limits::NAME_BYTES_MAX`].
    pub fn intern(name: &str, namer: Namer) -> Option<Self> {
        if let Some(id) = recent(name) {
            return Some(id);
        }
        let id = Self::intern_anew(name, namer)?;
        remember(id);
        Some(id)
    }

    fn intern_anew(name: &str, namer: Namer) -> Option<Self> {
        if let Some(id) = Self::of(name) {
            return Some(id);
        }
        if name.len() > limits::NAME_BYTES_MAX {
            return None;
        }
        table().write().ok()?.add(name, namer)
    }

    /// The name.
    pub fn name(self) -> &'static str {
        if let Some(name) = NAMES.get(usize::from(self.0)) {
            return name;
        }
        let offset = usize::from(self.0) - NAMES.len();
        table()
            .read()
            .ok()
            .and_then(|table| table.names.get(offset).copied())
            .unwrap_or("")
    }

    /// Whether it is one of the constants.
    pub fn is_known(self) -> bool {
        usize::from(self.0) < NAMES.len()
    }

    /// A dense number below [`FieldId::count`], for slot arrays.
    pub fn slot(self) -> usize {
        usize::from(self.0)
    }

    /// How many ids exist now; grows only.
    pub fn count() -> usize {
        NAMES.len() + table().read().map_or(0, |table| table.names.len())
    }
}

impl fmt::Debug for FieldId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if *self == Self::INLINE {
            "(inline)"
        } else {
            self.name()
        })
    }
}

/// Names that this thread interned lately, by a cheap hash: the records of a source name the same
/// fields again and again, and an id never changes its name.
const RECENT_SLOTS: usize = 1024;

thread_local! {
    static RECENT: RefCell<[Option<(&'static str, FieldId)>; RECENT_SLOTS]> =
        const { RefCell::new([None; RECENT_SLOTS]) };
}

/// The id of `name` if this thread interned it lately.
fn recent(name: &str) -> Option<FieldId> {
    RECENT.with_borrow(|recent| match recent[recent_slot(name)] {
        Some((known, id)) if known == name => Some(id),
        _ => None,
    })
}

fn remember(id: FieldId) {
    let name = id.name();
    RECENT.with_borrow_mut(|recent| recent[recent_slot(name)] = Some((name, id)));
}

/// Mixes eight bytes at a time; strangers who make names collide only lose the short cut.
fn recent_slot(name: &str) -> usize {
    const MIX: u64 = 0x9e37_79b9_7f4a_7c15;
    let mut hash = name.len() as u64;
    for chunk in name.as_bytes().chunks(8) {
        let word = chunk
            .iter()
            .fold(0, |word, byte| word << 8 | u64::from(*byte));
        hash = (hash ^ word).wrapping_mul(MIX);
    }
    usize::try_from(hash >> 54).unwrap_or(0)
}

const _: () = assert!(RECENT_SLOTS == 1 << (64 - 54));

/// Names beyond the constants.
struct Table {
    ids: HashMap<&'static str, FieldId>,
    names: Vec<&'static str>,
    of_events: usize,
    of_rules: usize,
}

impl Table {
    fn add(&mut self, name: &str, namer: Namer) -> Option<FieldId> {
        if let Some(id) = self.ids.get(name) {
            return Some(*id);
        }
        let (used, max) = match namer {
            Namer::Event => (&mut self.of_events, limits::EVENT_NAMES_MAX),
            Namer::Rule => (&mut self.of_rules, limits::RULE_NAMES_MAX),
        };
        if *used >= max {
            return None;
        }
        *used += 1;
        let number = u16::try_from(NAMES.len() + self.names.len()).ok()?;
        // Names live as long as the process; the limits above bound what this keeps.
        let name: &'static str = Box::leak(name.into());
        self.names.push(name);
        self.ids.insert(name, FieldId(number));
        Some(FieldId(number))
    }
}

fn table() -> &'static RwLock<Table> {
    static TABLE: OnceLock<RwLock<Table>> = OnceLock::new();
    TABLE.get_or_init(|| {
        RwLock::new(Table {
            ids: HashMap::new(),
            names: Vec::new(),
            of_events: 0,
            of_rules: 0,
        })
    })
}

/// Open addressing over the constants: no lock, and strangers cannot add to it.
const KNOWN_SLOTS: usize = 1024;
const _: () = assert!(NAMES.len() * 2 < KNOWN_SLOTS);

fn known_id(name: &str) -> Option<FieldId> {
    static SLOTS: OnceLock<Vec<u16>> = OnceLock::new();
    let slots = SLOTS.get_or_init(|| {
        let mut slots = vec![u16::MAX; KNOWN_SLOTS];
        for (number, name) in (0..).zip(NAMES) {
            let mut at = known_slot(name);
            while slots[at] != u16::MAX {
                at = (at + 1) % KNOWN_SLOTS;
            }
            slots[at] = number;
        }
        slots
    });
    let mut at = known_slot(name);
    while slots[at] != u16::MAX {
        if NAMES[usize::from(slots[at])] == name {
            return Some(FieldId(slots[at]));
        }
        at = (at + 1) % KNOWN_SLOTS;
    }
    None
}

fn known_slot(name: &str) -> usize {
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    for byte in name.bytes() {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    }
    usize::from(u16::try_from((hash ^ (hash >> 32)) & 0xffff).unwrap_or(0)) % KNOWN_SLOTS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_constant_finds_itself() {
        for (number, name) in (0..).zip(NAMES) {
            assert_eq!(FieldId::of(name), Some(FieldId(number)), "{name}");
            assert_eq!(FieldId(number).name(), *name);
        }
        assert_eq!(USER_NAME.name(), "user.name");
    }

    #[test]
    fn unknown_names_intern_once() {
        assert_eq!(FieldId::of("app.custom.thing"), None);
        let id = FieldId::intern("app.custom.thing", Namer::Event);
        assert!(id.is_some());
        assert_eq!(FieldId::intern("app.custom.thing", Namer::Rule), id);
        assert_eq!(id.map(FieldId::name), Some("app.custom.thing"));
        assert_eq!(
            FieldId::intern(&"x".repeat(limits::NAME_BYTES_MAX + 1), Namer::Event),
            None
        );
    }
}
