//! Reading on where something is damaged: what still holds is shown, the rest is named.
//!
//! A frame has one checksum, so one wrong byte spoils all of it for the strict way of reading. Here
//! each of its records is judged alone: the entry by its hash in the tiles, the body by the
//! commitment in the entry. Only a record for which both hold is shown.

use std::fmt;
use std::ops::Range;

use event::{Entry, Index};
use tlog::leaf_hash;

use crate::catalog::Found;
use crate::error::ReadError;
use crate::frame::FrameFault;
use crate::leaf::{Content, commitment};
use crate::prove::TileCache;
use crate::reader::Reader;
use crate::sequencer::restore;
use crate::stretch::{Record, Stretch};

/// Neighbouring entries that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damage {
    /// The first of them.
    pub first: Index,
    /// The last of them.
    pub last: Index,
    /// What was found at the first.
    pub detail: String,
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            first,
            last,
            detail,
        } = self;
        if first == last {
            write!(f, "entry {first} is damaged: {detail}")
        } else {
            write!(f, "entries {first} to {last} are damaged: {detail}")
        }
    }
}

/// Neighbouring entries whose bodies were removed. Whether that was authorised is for a
/// verification to say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Absence {
    /// The first of them.
    pub first: Index,
    /// The last of them.
    pub last: Index,
}

/// Adds an index to runs of neighbours.
pub(crate) fn push_absent(absences: &mut Vec<Absence>, index: u64) {
    match absences.last_mut() {
        Some(absence) if absence.last.0 + 1 == index => absence.last = Index(index),
        _ => absences.push(Absence {
            first: Index(index),
            last: Index(index),
        }),
    }
}

/// A stretch of the ledger: each index of it is in `entries`, in `absences` or in `damages`, all
/// in order.
#[derive(Debug)]
pub struct WholeRead {
    /// What can be read.
    pub entries: Vec<Entry>,
    /// What was removed.
    pub absences: Vec<Absence>,
    /// What cannot be read.
    pub damages: Vec<Damage>,
    /// The index after the stretch: where to read on.
    pub next: Index,
}

impl WholeRead {
    fn damaged(&mut self, end: u64, detail: impl FnOnce() -> String) {
        let next = self.next.0;
        match self.damages.last_mut() {
            Some(damage) if damage.last.0 + 1 == next => damage.last = Index(end - 1),
            _ => self.damages.push(Damage {
                first: Index(next),
                last: Index(end - 1),
                detail: detail(),
            }),
        }
        self.next = Index(end);
    }
}

impl Reader {
    /// As [`Reader::read`], but steps over what is damaged and says so. It fails only when the
    /// disk does.
    pub fn read_whole(
        &self,
        range: Range<Index>,
        bytes_max: usize,
    ) -> Result<WholeRead, ReadError> {
        let end = range.end.0.min(self.tree_size().0);
        let tiles = TileCache::new(self, self.signed_size().unwrap_or(0));
        let mut read = WholeRead {
            entries: Vec::new(),
            absences: Vec::new(),
            damages: Vec::new(),
            next: range.start,
        };
        let mut bytes = 0;
        while read.next.0 < end && (read.entries.is_empty() || bytes < bytes_max) {
            match self.shared.catalog.any_stretch_of(read.next.0)? {
                Found::Stretch(stretch) => {
                    bytes = read_stretch(&mut read, &stretch, &tiles, end, bytes, bytes_max);
                }
                Found::Gap { end: gap, reason } => {
                    let gap = gap.clamp(read.next.0 + 1, end);
                    read.damaged(gap, || reason);
                }
            }
        }
        Ok(read)
    }
}

/// Takes what holds of a stretch; gives the bytes of bodies taken so far.
fn read_stretch(
    read: &mut WholeRead,
    stretch: &Stretch,
    tiles: &TileCache<'_>,
    end: u64,
    mut bytes: usize,
    bytes_max: usize,
) -> usize {
    let end = end.min(stretch.end_index());
    let mut records = stretch.records_from(read.next.0);
    while read.next.0 < end && (read.entries.is_empty() || bytes < bytes_max) {
        let index = read.next.0;
        let Some(Ok(record)) = records.next() else {
            // Without this record nobody knows where the next one begins.
            read.damaged(end, || FrameFault::Records.to_string());
            break;
        };
        let tiles = (!stretch.is_whole).then_some(tiles);
        match restore_judged(index, &record, tiles) {
            Ok(Some(entry)) => {
                bytes += record.body().len();
                read.entries.push(entry);
                read.next = Index(index + 1);
            }
            Ok(None) => {
                push_absent(&mut read.absences, index);
                read.next = Index(index + 1);
            }
            Err(reason) => read.damaged(index + 1, || reason),
        }
    }
    bytes
}

/// The entry of a record, `None` when its body was removed. With `tiles` its frame or block is
/// damaged and the record must prove itself.
fn restore_judged(
    index: u64,
    record: &Record<'_>,
    tiles: Option<&TileCache<'_>>,
) -> Result<Option<Entry>, String> {
    if let Some(tiles) = tiles {
        let hash = tiles
            .leaf(index)
            .ok_or("its frame is damaged and no tile holds its hash")?;
        if hash != *leaf_hash(record.entry).as_bytes() {
            return Err("the entry differs from its hash in the tiles".to_owned());
        }
        if let Content::Committed(expected) = record.leaf.content
            && !record.is_absent
            && commitment(record.beside) != expected
        {
            return Err("salt or body differ from the commitment in the entry".to_owned());
        }
    }
    if record.is_absent {
        return Ok(None);
    }
    let entry = restore(index, record.leaf.recv_ns, record.body());
    entry.map(Some).map_err(|error| match error {
        ReadError::Corrupt { reason, .. } => reason,
        error => error.to_string(),
    })
}
