//! The fields that the rules of one set name, numbered densely.

use std::collections::HashMap;

use event::{FieldId, Namer};

use crate::derived::Derived;

/// Number of a field within one rule set.
pub(crate) type Local = u16;

/// No rule names this field.
const NONE: Local = Local::MAX;

/// The fields of a rule set.
#[derive(Debug, Default)]
pub(crate) struct Fields {
    numbers: HashMap<String, Local>,
    ids: Vec<FieldId>,
    derived: Vec<(Derived, Local)>,
    by_slot: Vec<Local>,
}

impl Fields {
    /// The number of `name`, interned as a rule's word.
    pub(crate) fn number(&mut self, name: &str) -> Result<Local, String> {
        if let Some(number) = self.numbers.get(name) {
            return Ok(*number);
        }
        let derived = Derived::of_name(name);
        let id = match derived {
            Some(derived) => derived.id(),
            None => FieldId::intern(name, Namer::Rule),
        };
        let id = id.ok_or_else(|| format!("field name `{name}` finds no place"))?;
        let number = Local::try_from(self.ids.len())
            .ok()
            .filter(|number| *number != NONE)
            .ok_or("rules name too many fields")?;
        self.ids.push(id);
        self.numbers.insert(name.to_owned(), number);
        if let Some(derived) = derived {
            self.derived.push((derived, number));
        }
        if self.by_slot.len() <= id.slot() {
            self.by_slot.resize(id.slot() + 1, NONE);
        }
        self.by_slot[id.slot()] = number;
        Ok(number)
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.ids.len()
    }

    /// The derived ones.
    pub(crate) fn derived(&self) -> &[(Derived, Local)] {
        &self.derived
    }

    /// The number of an event's field, if a rule names it. A name that found no place in the
    /// table when its event was made is looked up by text.
    pub(crate) fn of_event(&self, id: Option<FieldId>, name: &str) -> Option<Local> {
        let number = match id {
            Some(id) => *self.by_slot.get(id.slot())?,
            None => *self.numbers.get(name)?,
        };
        (number != NONE).then_some(number)
    }
}
