//! One parsed log occurrence: a flat list of (field, value) over one byte arena.
//!
//! Content is untrusted and may hold secrets until redaction: `Debug` prints the shape only.
//! Lists are runs of fields with the same id marked as list members, so `["a","b"]` is two fields
//! and matching "any of" is a plain scan.

use std::fmt;

use crate::field::{self, FieldId, Namer};
use crate::{Timestamp, limits};

/// A field's value, borrowed from the event.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value<'a> {
    /// JSON null.
    Null,
    /// A truth value.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A number with a fraction; never NaN or infinite.
    Float(f64),
    /// Text.
    Str(&'a str),
    /// A point in time; stored as RFC 3339.
    Time(Timestamp),
}

/// One field of an event.
#[derive(Clone, Copy, Debug)]
pub struct FieldRef<'a> {
    /// Place in the event, for [`Event::replace`] and [`Event::remove`].
    pub position: usize,
    /// Interned id; `None` when the name found no place in the table.
    pub id: Option<FieldId>,
    /// Name.
    pub name: &'a str,
    /// Value.
    pub value: Value<'a>,
    /// Whether it is a member of a list.
    pub in_list: bool,
}

/// One field of an event without its name; see [`Event::leaf`].
#[derive(Clone, Copy)]
pub struct Leaf<'a> {
    /// Interned id; `None` when the name found no place in the table.
    pub id: Option<FieldId>,
    /// Value.
    pub value: Value<'a>,
    /// Whether it is a member of a list.
    pub in_list: bool,
}

impl fmt::Debug for Leaf<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Leaf({:?})", self.id)
    }
}

#[derive(Clone, Copy)]
enum Slot {
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    Str { start: u32, len: u32 },
    Time(i64),
}

#[derive(Clone, Copy)]
struct Field {
    id: FieldId,
    in_list: bool,
    slot: Slot,
}

/// One parsed log occurrence.
#[derive(Clone, Default)]
pub struct Event {
    arena: String,
    fields: Vec<Field>,
    /// Names that found no place in the table: (position, start, len in the arena), by position.
    inline_names: Vec<(u32, u32, u32)>,
}

impl Event {
    /// An empty event.
    pub fn new() -> Self {
        Self::default()
    }

    /// An empty event with room for `fields` fields and `bytes` bytes of values.
    pub fn with_capacity(fields: usize, bytes: usize) -> Self {
        Self {
            arena: String::with_capacity(bytes),
            fields: Vec::with_capacity(fields),
            inline_names: Vec::new(),
        }
    }

    /// Number of fields, list members counted one by one.
    pub fn len(&self) -> usize {
        self.fields.len()
    }

    /// Whether it has no field.
    pub fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }

    /// Whether another field fits ([`limits::FIELDS_MAX`]).
    pub fn has_room(&self) -> bool {
        self.fields.len() < limits::FIELDS_MAX
    }

    /// Bytes held: what a queue must account for.
    pub fn bytes_len(&self) -> usize {
        self.arena.len() + self.fields.len() * size_of::<Field>()
    }

    /// Adds a field. The caller keeps to [`limits`].
    pub fn push(&mut self, id: FieldId, value: Value<'_>) {
        let slot = self.store(value);
        self.fields.push(Field {
            id,
            in_list: false,
            slot,
        });
    }

    /// Adds text.
    pub fn push_str(&mut self, id: FieldId, text: &str) {
        self.push(id, Value::Str(text));
    }

    /// Adds a member to the list `id`. Members of one list are pushed one after the other.
    pub fn push_item(&mut self, id: FieldId, value: Value<'_>) {
        let slot = self.store(value);
        self.fields.push(Field {
            id,
            in_list: true,
            slot,
        });
    }

    /// Adds a field by name, interning the name for events or keeping it inside the event.
    pub fn push_named(&mut self, name: &str, value: Value<'_>, in_list: bool) {
        let id = FieldId::intern(name, Namer::Event).unwrap_or(FieldId::INLINE);
        if id == FieldId::INLINE {
            let (start, len) = self.append(name);
            self.inline_names
                .push((to_u32(self.fields.len()), start, len));
        }
        let slot = self.store(value);
        self.fields.push(Field { id, in_list, slot });
    }

    /// Replaces every value of `id` by `value`, or adds it.
    pub fn set(&mut self, id: FieldId, value: Value<'_>) {
        let mut positions = self.positions(id);
        let Some(first) = positions.next() else {
            drop(positions);
            return self.push(id, value);
        };
        let rest: Vec<usize> = positions.collect();
        for position in rest.into_iter().rev() {
            self.remove(position);
        }
        self.replace(first, value);
        self.fields[first].in_list = false;
    }

    /// Replaces the value at `position` (from [`FieldRef::position`]) and wipes the old text.
    pub fn replace(&mut self, position: usize, value: Value<'_>) {
        let slot = self.store(value);
        if let Some(field) = self.fields.get_mut(position) {
            let old = std::mem::replace(&mut field.slot, slot);
            self.wipe(old);
        }
    }

    /// Removes the field at `position` and wipes its text; later positions move down by one.
    pub fn remove(&mut self, position: usize) {
        if position < self.fields.len() {
            let old = self.fields.remove(position);
            self.wipe(old.slot);
            let at = to_u32(position);
            self.inline_names.retain(|(of, _, _)| *of != at);
            for (of, _, _) in &mut self.inline_names {
                if *of > at {
                    *of -= 1;
                }
            }
        }
    }

    /// Moves the field at `position` to another name, value kept.
    pub fn rename(&mut self, position: usize, name: &str) {
        if position >= self.fields.len() {
            return;
        }
        let at = to_u32(position);
        self.inline_names.retain(|(of, _, _)| *of != at);
        let id = FieldId::intern(name, Namer::Event).unwrap_or(FieldId::INLINE);
        if id == FieldId::INLINE {
            let (start, len) = self.append(name);
            let place = self.inline_names.partition_point(|(of, _, _)| *of < at);
            self.inline_names.insert(place, (at, start, len));
        }
        self.fields[position].id = id;
    }

    /// The first value of `id`.
    pub fn value(&self, id: FieldId) -> Option<Value<'_>> {
        self.fields
            .iter()
            .find(|field| field.id == id)
            .map(|field| self.read(field.slot))
    }

    /// All values of `id`.
    pub fn values(&self, id: FieldId) -> impl Iterator<Item = Value<'_>> {
        self.fields
            .iter()
            .filter(move |field| field.id == id)
            .map(|field| self.read(field.slot))
    }

    /// The first value of `id` if it is text.
    pub fn text(&self, id: FieldId) -> Option<&str> {
        match self.value(id) {
            Some(Value::Str(text)) => Some(text),
            _ => None,
        }
    }

    /// The first value of `id` if it is a whole number.
    pub fn int(&self, id: FieldId) -> Option<i64> {
        match self.value(id) {
            Some(Value::Int(number)) => Some(number),
            _ => None,
        }
    }

    /// Whether `id` is present.
    pub fn has(&self, id: FieldId) -> bool {
        self.fields.iter().any(|field| field.id == id)
    }

    /// The event's own time.
    pub fn timestamp(&self) -> Option<Timestamp> {
        match self.value(field::TIMESTAMP) {
            Some(Value::Time(time)) => Some(time),
            _ => None,
        }
    }

    /// All fields in the order they were added.
    pub fn fields(&self) -> impl Iterator<Item = FieldRef<'_>> {
        (0..self.fields.len()).map(|position| self.field(position))
    }

    /// Ids and values of all fields in the order they were added, without looking up names: what
    /// the hot path of a reader wants.
    pub fn slots(&self) -> impl Iterator<Item = (Option<FieldId>, Value<'_>)> {
        let id = |field: &Field| (field.id != FieldId::INLINE).then_some(field.id);
        self.fields
            .iter()
            .map(move |field| (id(field), self.read(field.slot)))
    }

    /// The field at `position`; positions are `0..len()`.
    pub fn field(&self, position: usize) -> FieldRef<'_> {
        let field = &self.fields[position];
        FieldRef {
            position,
            id: (field.id != FieldId::INLINE).then_some(field.id),
            name: self.name(position, field.id),
            value: self.read(field.slot),
            in_list: field.in_list,
        }
    }

    /// The field at `position` without its name, whose look-up costs more than all the rest.
    pub fn leaf(&self, position: usize) -> Leaf<'_> {
        let field = &self.fields[position];
        Leaf {
            id: (field.id != FieldId::INLINE).then_some(field.id),
            value: self.read(field.slot),
            in_list: field.in_list,
        }
    }

    fn positions(&self, id: FieldId) -> impl Iterator<Item = usize> {
        self.fields
            .iter()
            .enumerate()
            .filter(move |(_, f)| f.id == id)
            .map(|(at, _)| at)
    }

    fn name(&self, position: usize, id: FieldId) -> &str {
        if id != FieldId::INLINE {
            return id.name();
        }
        let found = self
            .inline_names
            .binary_search_by_key(&to_u32(position), |(of, _, _)| *of);
        let (_, start, len) = self.inline_names[found.expect("an inline id comes with its name")];
        self.span(start, len)
    }

    fn store(&mut self, value: Value<'_>) -> Slot {
        match value {
            Value::Bool(truth) => Slot::Bool(truth),
            Value::Int(number) => Slot::Int(number),
            Value::Float(number) if number.is_finite() => Slot::Float(number),
            Value::Float(_) | Value::Null => Slot::Null,
            Value::Str(text) => {
                let (start, len) = self.append(text);
                Slot::Str { start, len }
            }
            Value::Time(time) => Slot::Time(time.0),
        }
    }

    fn read(&self, slot: Slot) -> Value<'_> {
        match slot {
            Slot::Null => Value::Null,
            Slot::Bool(truth) => Value::Bool(truth),
            Slot::Int(number) => Value::Int(number),
            Slot::Float(number) => Value::Float(number),
            Slot::Str { start, len } => Value::Str(self.span(start, len)),
            Slot::Time(nanos) => Value::Time(Timestamp(nanos)),
        }
    }

    fn append(&mut self, text: &str) -> (u32, u32) {
        let start = self.arena.len();
        self.arena.push_str(text);
        (to_u32(start), to_u32(text.len()))
    }

    fn span(&self, start: u32, len: u32) -> &str {
        let start = start as usize;
        &self.arena[start..start + len as usize]
    }

    /// Overwrites replaced text, so that a redacted secret does not live on in the arena.
    fn wipe(&mut self, slot: Slot) {
        if let Slot::Str { start, len } = slot {
            let mut bytes = std::mem::take(&mut self.arena).into_bytes();
            bytes[start as usize..(start + len) as usize].fill(b'*');
            self.arena = String::from_utf8(bytes).expect("a whole value became ASCII");
        }
    }
}

impl fmt::Debug for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Event({} fields, {} bytes:",
            self.fields.len(),
            self.arena.len()
        )?;
        for field in self.fields() {
            write!(f, " {}", field.name)?;
        }
        f.write_str(")")
    }
}

/// Arena offsets fit: [`limits`] keep an event far below 4 GiB, and a hostile caller that ignores
/// them is stopped here rather than corrupted.
fn to_u32(value: usize) -> u32 {
    u32::try_from(value).expect("an event's arena stays below 4 GiB")
}

const _: () = assert!(limits::FRAME_BYTES_MAX * 16 < u32::MAX as usize);

#[cfg(test)]
mod tests;
