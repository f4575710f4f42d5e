//! The witnesses of one field.

use std::collections::HashMap;

use daachorse::DoubleArrayAhoCorasick;

use super::ShowId;
use super::trie::Trie;
use crate::fields::Local;
use crate::limits;
use crate::predicate::Shape;

/// The witnesses of one field.
pub(crate) struct FieldIndex {
    /// The field.
    pub(crate) field: Local,
    /// What its being there shows.
    pub(crate) presence: Vec<ShowId>,
    /// Whole values.
    exact: ExactMap,
    prefixes: Trie,
    /// Ends, stored backwards.
    suffixes: Trie,
    /// Parts of values.
    parts: Option<DoubleArrayAhoCorasick<u32>>,
    /// What each literal shows: runs of `shows`.
    groups: Vec<(u32, u32)>,
    shows: Vec<ShowId>,
}

impl std::fmt::Debug for FieldIndex {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FieldIndex")
            .field("field", &self.field)
            .field("literals", &self.groups.len())
            .finish_non_exhaustive()
    }
}

impl FieldIndex {
    /// Whether the text of the field's values must be looked at.
    pub(crate) fn reads_text(&self) -> bool {
        !self.groups.is_empty()
    }

    /// Calls `show` for every witness that `folded` shows.
    pub(crate) fn scan(&self, folded: &str, mut show: impl FnMut(ShowId)) {
        let mut found = |group: u32| {
            let (start, end) = self.groups[group as usize];
            for id in &self.shows[start as usize..end as usize] {
                show(*id);
            }
        };
        if let Some(group) = self.exact.get(folded) {
            found(group);
        }
        if !self.prefixes.is_empty() {
            self.prefixes.walk(folded.bytes(), &mut found);
        }
        if !self.suffixes.is_empty() {
            self.suffixes.walk(folded.bytes().rev(), &mut found);
        }
        if let Some(parts) = &self.parts {
            for part in parts.find_overlapping_iter(folded) {
                found(part.value());
            }
        }
    }
}

/// A field's index in the making.
#[derive(Debug, Default)]
pub(super) struct Builder {
    pub(super) presence: Vec<ShowId>,
    literals: HashMap<(ShapeOrder, String), Vec<ShowId>>,
}

/// Shapes in a fixed order, so that an index is built the same way every time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum ShapeOrder {
    Exact,
    Prefix,
    Suffix,
    Contains,
}

impl Builder {
    /// Adds the literals that show `id`.
    pub(super) fn add(&mut self, literals: Vec<(Shape, String)>, id: ShowId) {
        for (shape, text) in literals {
            // A trie recurses to the length of its texts, so a very long one is looked for as a
            // part: that shows too often, never too seldom.
            let order = match shape {
                Shape::Exact => ShapeOrder::Exact,
                Shape::Prefix if text.len() <= limits::TRIE_BYTES_MAX => ShapeOrder::Prefix,
                Shape::Suffix if text.len() <= limits::TRIE_BYTES_MAX => ShapeOrder::Suffix,
                _ => ShapeOrder::Contains,
            };
            let shows = self.literals.entry((order, text)).or_default();
            if shows.last() != Some(&id) {
                shows.push(id);
            }
        }
    }

    /// The index.
    pub(super) fn build(self, field: Local) -> FieldIndex {
        let mut literals: Vec<_> = self.literals.into_iter().collect();
        literals.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
        let mut index = FieldIndex {
            field,
            presence: self.presence,
            exact: ExactMap::default(),
            prefixes: Trie::default(),
            suffixes: Trie::default(),
            parts: None,
            groups: Vec::new(),
            shows: Vec::new(),
        };
        let (mut exact, mut prefixes, mut suffixes, mut parts) =
            (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for ((order, text), shows) in literals {
            let group = place(index.groups.len());
            let start = place(index.shows.len());
            index.shows.extend(shows);
            index.groups.push((start, place(index.shows.len())));
            match order {
                ShapeOrder::Exact => exact.push((text, group)),
                ShapeOrder::Prefix => prefixes.push((text.into_bytes(), group)),
                ShapeOrder::Suffix => suffixes.push((text.bytes().rev().collect(), group)),
                ShapeOrder::Contains => parts.push((text, group)),
            }
        }
        suffixes.sort_unstable();
        index.exact = ExactMap::build(exact);
        index.prefixes = Trie::build(&prefixes);
        index.suffixes = Trie::build(&suffixes);
        if !parts.is_empty() {
            let parts = DoubleArrayAhoCorasick::with_values(parts);
            index.parts = Some(parts.expect("literals are distinct, not empty and bounded"));
        }
        index
    }
}

fn place(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

/// A hash table of texts that is made once. Its hash is a plain mixing function: the texts are the
/// operator's, so a stranger can at most make one look-up walk a longer run of them.
#[derive(Debug, Default)]
struct ExactMap {
    /// Slots hold a place in `texts` plus one.
    slots: Vec<u32>,
    texts: Vec<(Box<str>, u32)>,
    bytes_max: usize,
}

impl ExactMap {
    fn build(texts: Vec<(String, u32)>) -> Self {
        let mut map = Self {
            slots: vec![0; (texts.len() * 2).next_power_of_two()],
            bytes_max: texts.iter().map(|(text, _)| text.len()).max().unwrap_or(0),
            texts: texts
                .into_iter()
                .map(|(text, group)| (text.into_boxed_str(), group))
                .collect(),
        };
        if map.texts.is_empty() {
            return Self::default();
        }
        for (at, (text, _)) in map.texts.iter().enumerate() {
            let mut slot = hash(text.as_bytes()) & (map.slots.len() - 1);
            while map.slots[slot] != 0 {
                slot = (slot + 1) & (map.slots.len() - 1);
            }
            map.slots[slot] = place(at + 1);
        }
        map
    }

    #[inline]
    fn get(&self, text: &str) -> Option<u32> {
        if self.slots.is_empty() || text.len() > self.bytes_max {
            return None;
        }
        let mut slot = hash(text.as_bytes()) & (self.slots.len() - 1);
        loop {
            let at = self.slots[slot].checked_sub(1)?;
            let (known, group) = &self.texts[at as usize];
            if &**known == text {
                return Some(*group);
            }
            slot = (slot + 1) & (self.slots.len() - 1);
        }
    }
}

#[inline]
#[expect(clippy::cast_possible_truncation, reason = "a hash")]
fn hash(bytes: &[u8]) -> usize {
    const MIX: u64 = 0x9e37_79b9_7f4a_7c15;
    let mut hash = bytes.len() as u64;
    let mut chunks = bytes.chunks_exact(8);
    for chunk in &mut chunks {
        let mut word = [0; 8];
        word.copy_from_slice(chunk);
        hash = (hash.rotate_left(23) ^ u64::from_le_bytes(word)).wrapping_mul(MIX);
    }
    for byte in chunks.remainder() {
        hash = (hash.rotate_left(9) ^ u64::from(*byte)).wrapping_mul(MIX);
    }
    (hash ^ hash >> 32) as usize
}
