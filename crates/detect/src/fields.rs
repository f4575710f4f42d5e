//! The fields that the rules of one set name, numbered densely, and where events hold them.
//!
//! A field of a rule has one or more names; the first of them that an event has is read, so that
//! a record which spells one thing twice does not count twice. One field of an event may be read
//! under several numbers, because rules for different log sources mean different things by a name.

use std::collections::HashMap;

use event::{Event, FieldId, Namer};

use crate::derived::Derived;

/// Number of a field within one rule set.
pub(crate) type Local = u16;

/// The fields of a rule set.
#[derive(Debug, Default)]
pub(crate) struct Fields {
    numbers: HashMap<Vec<String>, Local>,
    /// Names, best first.
    names: Vec<Vec<String>>,
    derived: Vec<(Derived, Local)>,
}

impl Fields {
    /// The number of the field with `names`, interned as a rule's words.
    pub(crate) fn number(&mut self, names: &[String]) -> Result<Local, String> {
        if let Some(number) = self.numbers.get(names) {
            return Ok(*number);
        }
        let derived = names.iter().find_map(|name| Derived::of_name(name));
        for name in names {
            FieldId::intern(name, Namer::Rule)
                .ok_or_else(|| format!("field name `{name}` finds no place"))?;
        }
        let number = Local::try_from(self.names.len())
            .ok()
            .filter(|number| *number < Local::MAX)
            .ok_or("rules name too many fields")?;
        self.names.push(names.to_vec());
        self.numbers.insert(names.to_vec(), number);
        if let Some(derived) = derived {
            self.derived.push((derived, number));
        }
        Ok(number)
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.names.len()
    }

    /// The names of a field, best first.
    pub(crate) fn names(&self, number: Local) -> &[String] {
        self.names
            .get(usize::from(number))
            .map_or(&[], Vec::as_slice)
    }

    /// Where events hold the fields that `wanted` asks for.
    pub(crate) fn layout(&self, wanted: impl Fn(Local) -> bool) -> Layout {
        let mut layout = Layout {
            derived: self.derived.clone(),
            ..Layout::default()
        };
        layout.derived.retain(|(_, number)| wanted(*number));
        let mut readers: HashMap<&str, Vec<Reader>> = HashMap::new();
        for (number, names) in (0..).zip(&self.names) {
            if !wanted(number) {
                continue;
            }
            for (rank, name) in (0..).zip(names) {
                readers
                    .entry(name)
                    .or_default()
                    .push(Reader { number, rank });
            }
        }
        for (name, readers) in readers {
            let start = layout.readers.len();
            layout.readers.extend(readers);
            // A rule set has fewer readers than fields times names; see `limits`.
            let run = (to_u32(start), to_u32(layout.readers.len()));
            if let Some(slot) = FieldId::of(name).map(FieldId::slot) {
                if layout.by_slot.len() <= slot {
                    layout.by_slot.resize(slot + 1, (0, 0));
                }
                layout.by_slot[slot] = run;
            }
            layout.by_name.insert(name.to_owned(), run);
        }
        layout
    }
}

fn to_u32(value: usize) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}

/// Who reads a field of an event.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reader {
    /// The field of the rules.
    pub(crate) number: Local,
    /// Place of the name among its names; the lowest present one is read.
    pub(crate) rank: u8,
}

/// Where events hold the fields that some rules read.
#[derive(Debug, Default)]
pub(crate) struct Layout {
    /// Per slot of a field id: a run of `readers`.
    by_slot: Vec<(u32, u32)>,
    /// For names that found no place in the table when their event was made.
    by_name: HashMap<String, (u32, u32)>,
    readers: Vec<Reader>,
    derived: Vec<(Derived, Local)>,
}

impl Layout {
    /// Who reads the field at `position` of `event`, whose id is `id`.
    #[inline]
    pub(crate) fn readers(&self, event: &Event, position: usize, id: Option<FieldId>) -> &[Reader] {
        let run = match id {
            Some(id) => self.by_slot.get(id.slot()),
            None => self.by_name.get(event.field(position).name),
        };
        run.map_or(&[], |(start, end)| {
            &self.readers[*start as usize..*end as usize]
        })
    }

    /// The derived ones.
    pub(crate) fn derived(&self) -> &[(Derived, Local)] {
        &self.derived
    }
}
