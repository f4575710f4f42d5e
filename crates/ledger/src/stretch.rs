//! Consecutive entries as they come off the disk, with what lies beside them: the common form of a
//! frame and of a sealed block, so that readers need not know which of the two it was.

use crate::frame::{FrameHeader, split_entry};
use crate::leaf::{Content, Leaf, LeafError, SALT_BYTES};

/// Entries read back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Stretch {
    pub(crate) first_index: u64,
    pub(crate) count: u32,
    /// The entries in bundle form, then salts and bodies.
    pub(crate) payload: Vec<u8>,
    pub(crate) entries_len: usize,
    /// Indices whose salt and body are gone, in order.
    pub(crate) absent: Vec<u64>,
    /// False when the bytes disagree with their checksum; each record must then prove itself.
    pub(crate) is_whole: bool,
    /// Sequence number of the frame; a sealed block has none.
    pub(crate) frame_seq: Option<u64>,
}

impl Stretch {
    /// The stretch that a frame is. `payload` is as long as the header says, or it ends early.
    pub(crate) fn of_frame(header: &FrameHeader, payload: Vec<u8>, is_whole: bool) -> Self {
        let entries_len = usize::try_from(header.entries_len).unwrap_or(usize::MAX);
        Self {
            first_index: header.first_index,
            count: header.count,
            entries_len: entries_len.min(payload.len()),
            payload,
            absent: Vec::new(),
            is_whole,
            frame_seq: Some(header.seq),
        }
    }

    /// Whether the entry with this index belongs into the stretch.
    pub(crate) fn holds(&self, index: u64) -> bool {
        self.first_index <= index && index < self.end_index()
    }

    /// The index after the last entry.
    pub(crate) fn end_index(&self) -> u64 {
        self.first_index.saturating_add(u64::from(self.count))
    }

    /// The entries in bundle form: what the tree needs.
    pub(crate) fn entries(&self) -> &[u8] {
        self.payload.get(..self.entries_len).unwrap_or_default()
    }

    /// All records in order.
    pub(crate) fn records(&self) -> Records<'_> {
        let (entries, bodies) = self
            .payload
            .split_at_checked(self.entries_len)
            .unwrap_or_default();
        Records {
            entries,
            bodies,
            next_index: self.first_index,
            absent: &self.absent,
        }
    }

    /// The records from this index on, which must not lie before the stretch.
    pub(crate) fn records_from(&self, index: u64) -> std::iter::Skip<Records<'_>> {
        let before = index.saturating_sub(self.first_index);
        self.records()
            .skip(usize::try_from(before).unwrap_or(usize::MAX))
    }
}

/// One entry with what lies beside it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Record<'a> {
    pub(crate) entry: &'a [u8],
    pub(crate) leaf: Leaf<'a>,
    /// Salt and body as hashed; empty for inline bodies and for absent ones.
    pub(crate) beside: &'a [u8],
    /// The body was removed: only its commitment is left.
    pub(crate) is_absent: bool,
}

impl<'a> Record<'a> {
    /// The body, wherever it lies; empty when it is absent.
    pub(crate) fn body(&self) -> &'a [u8] {
        match self.leaf.content {
            Content::Committed(_) => self.beside.get(SALT_BYTES..).unwrap_or_default(),
            Content::Inline(body) => body,
        }
    }
}

/// Cuts a stretch into its records.
#[derive(Clone, Debug)]
pub(crate) struct Records<'a> {
    entries: &'a [u8],
    bodies: &'a [u8],
    next_index: u64,
    absent: &'a [u64],
}

/// Why a record could not be cut out; the rest of the stretch is then out of reach.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RecordError {
    Truncated,
    Leaf(LeafError),
}

impl<'a> Records<'a> {
    /// True when both parts are used up: after the last record they must be.
    pub(crate) fn is_used_up(&self) -> bool {
        self.entries.is_empty() && self.bodies.is_empty()
    }

    fn cut(&mut self) -> Result<Record<'a>, RecordError> {
        let (entry, rest) = split_entry(self.entries).ok_or_else(|| {
            self.entries = &[];
            RecordError::Truncated
        })?;
        self.entries = rest;
        let leaf = Leaf::parse(entry).map_err(|error| {
            self.entries = &[];
            RecordError::Leaf(error)
        })?;
        let is_absent = self.absent.first() == Some(&self.next_index);
        if is_absent {
            self.absent = &self.absent[1..];
        }
        let beside_len = if is_absent { 0 } else { leaf.beside_len() };
        let (beside, rest) = self.bodies.split_at_checked(beside_len).ok_or_else(|| {
            self.entries = &[];
            RecordError::Truncated
        })?;
        self.bodies = rest;
        self.next_index = self.next_index.saturating_add(1);
        Ok(Record {
            entry,
            leaf,
            beside,
            is_absent,
        })
    }
}

impl<'a> Iterator for Records<'a> {
    type Item = Result<Record<'a>, RecordError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.entries.is_empty() {
            return None;
        }
        Some(self.cut())
    }
}
