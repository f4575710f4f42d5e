//! Removing bodies and putting them back: the ground that retention, erasure and repair stand on.
//!
//! Only sealed segments change, and only by being replaced: the new file is whole under its own
//! name before the old one is wiped. Entries, tree and proofs stay what they were; where a body
//! goes, its commitment stays.
//!
//! Whether a removal is authorised is not judged here. A body without an entry that allows its
//! absence is missing, and verification says so.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::{Arc, PoisonError};

use disk::DiskError;
use event::Index;
use thiserror::Error;
use tlog::leaf_hash;

use crate::leaf::{Content, Leaf, commitment};
use crate::prove::TileCache;
use crate::queue::Queue;
use crate::reader::Reader;
use crate::recovery::write_zeros;
use crate::sealed::{SealedView, SealedWriter};
use crate::sealing::{BlockWriter, SealFault, Sealing};
use crate::stretch::{Record, Stretch};

/// The right to remove and restore bodies of an open ledger. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Bodies {
    pub(crate) reader: Reader,
    pub(crate) queue: Arc<Queue>,
    pub(crate) sealing: Arc<Sealing>,
}

/// One change to what lies beside an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Salt and body go; the commitment stays. No change when they are gone already.
    Remove(Index),
    /// Salt and body come back, or the whole record where its block is damaged. Accepted only if
    /// the entry hashes to its leaf in the tiles and the body to the commitment in the entry.
    Restore {
        /// Place of the entry.
        index: Index,
        /// The bytes that were hashed into the tree.
        entry: Vec<u8>,
        /// Salt and body; empty for an entry with its body inline.
        salt_and_body: Vec<u8>,
    },
}

impl Change {
    fn index(&self) -> u64 {
        match self {
            Self::Remove(index) | Self::Restore { index, .. } => index.0,
        }
    }
}

/// What a rewriting did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rewritten {
    /// Bodies removed.
    pub removed: u64,
    /// Records put back.
    pub restored: u64,
    /// Changes that were so already.
    pub unchanged: u64,
    /// Segments replaced.
    pub segments: u64,
}

/// Why bodies were not changed. Segments before the one concerned may have been replaced already;
/// asking for the same again is harmless.
#[derive(Debug, Error)]
pub enum RewriteError {
    /// The entry is not in a sealed segment yet: [`Bodies::seal`] first.
    #[error("entry {index} is not sealed yet")]
    NotSealed {
        /// The entry.
        index: Index,
    },
    /// The body stands in the entry itself, so that it can never be removed.
    #[error("entry {index} holds its body inline, it cannot be removed")]
    Inline {
        /// The entry.
        index: Index,
    },
    /// What should come back is not what was hashed.
    #[error("entry {index} was not restored: {reason}")]
    Refuted {
        /// The entry.
        index: Index,
        /// What differs.
        reason: &'static str,
    },
    /// The block is damaged there, and no record was given to restore it.
    #[error("entry {index} lies in a damaged block: restore it first")]
    Damaged {
        /// The first entry that is lost.
        index: Index,
    },
    /// Sealing has stopped, or the ledger has.
    #[error("{reason}")]
    Stopped {
        /// Why.
        reason: Arc<str>,
    },
    /// Compression, randomness or what was just written failed.
    #[error("{reason}")]
    Sealing {
        /// What failed.
        reason: String,
    },
    /// The disk refused.
    #[error(transparent)]
    Disk(#[from] DiskError),
}

impl From<SealFault> for RewriteError {
    fn from(fault: SealFault) -> Self {
        match fault {
            SealFault::Disk(error) => Self::Disk(error),
            fault => Self::Sealing {
                reason: fault.to_string(),
            },
        }
    }
}

impl Bodies {
    /// Ends the segment in use, if it holds anything, and waits until all entries that are there
    /// now are sealed. Gives the index up to which they are.
    pub fn seal(&self) -> Result<Index, RewriteError> {
        let stopped = |reason| RewriteError::Stopped { reason };
        let (number, end) = self.queue.end_segment().map_err(stopped)?;
        self.sealing
            .wait_for(number, &self.queue)
            .map_err(stopped)?;
        Ok(Index(end))
    }

    /// Entries below this index are sealed and can be changed.
    pub fn sealed_end(&self) -> Index {
        let next = self.sealing.next();
        let catalog = &self.reader.shared.catalog;
        let end = next
            .checked_sub(1)
            .and_then(|number| catalog.end_of(number));
        Index(end.unwrap_or(0))
    }

    /// Makes changes durable, each segment at once and whole.
    pub fn rewrite(&self, changes: &[Change]) -> Result<Rewritten, RewriteError> {
        let mut by_segment: BTreeMap<u64, BTreeMap<u64, &Change>> = BTreeMap::new();
        for change in changes {
            let index = change.index();
            let sealed = self.sealing.next();
            let number = self.reader.shared.catalog.finished_of(index);
            let number =
                number
                    .filter(|number| *number < sealed)
                    .ok_or(RewriteError::NotSealed {
                        index: Index(index),
                    })?;
            by_segment.entry(number).or_default().insert(index, change);
        }
        let _turn = self
            .sealing
            .turn
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let mut done = Rewritten::default();
        for (number, changes) in by_segment {
            if self.sealing.is_closed() {
                let reason = Arc::from("the ledger is closed");
                return Err(RewriteError::Stopped { reason });
            }
            if let Some(reason) = self.queue.poisoned() {
                return Err(RewriteError::Stopped { reason });
            }
            let outcome = self.rewrite_segment(number, &changes, &mut done);
            if let Err(RewriteError::Disk(error)) = &outcome
                && !error.is_full()
            {
                self.queue.poison(&error.to_string());
            }
            outcome?;
        }
        Ok(done)
    }

    fn rewrite_segment(
        &self,
        number: u64,
        changes: &BTreeMap<u64, &Change>,
        done: &mut Rewritten,
    ) -> Result<(), RewriteError> {
        let shared = &self.reader.shared;
        let path = shared.layout.sealed(number);
        let lost = || RewriteError::Damaged {
            index: Index(changes.keys().next().copied().unwrap_or(0)),
        };
        let mut sealed = SealedView::open(&*shared.disk, &path)?.ok_or_else(lost)?;
        sealed.scan()?;
        let mut header = sealed.header;
        header.rewrites += 1;
        let mut writer =
            SealedWriter::begin(Arc::clone(&shared.disk), shared.layout.clone(), header)?;
        let tiles = TileCache::new(&self.reader, self.reader.signed_size().unwrap_or(0));
        let mut made = Rewritten::default();
        let outcome = spans(&sealed).into_iter().try_for_each(|span| {
            let span = Span {
                changes: changes
                    .range(span.0.clone())
                    .map(|(k, v)| (*k, *v))
                    .collect(),
                range: span.0,
                offset: span.1,
            };
            span.write(&sealed, &tiles, &mut writer, &mut made)
        });
        if outcome.is_err() || (made.removed == 0 && made.restored == 0) {
            writer.abandon();
            outcome?;
            done.unchanged += made.unchanged;
            return Ok(());
        }
        let old = shared.disk.open(&path)?;
        writer.finish()?;
        // From here on the new file counts. A crash before the wiping leaves the old bytes in
        // blocks that the file system has given up.
        shared.catalog.forget(number);
        shared.live_forget(sealed.header.end_index);
        write_zeros(&*old, 0, old.len()?)?;
        done.removed += made.removed;
        done.restored += made.restored;
        done.unchanged += made.unchanged;
        done.segments += 1;
        Ok(())
    }
}

/// All indices of a sealed segment, block by block; those of a block whose header is damaged have
/// no offset.
fn spans(sealed: &SealedView) -> Vec<(Range<u64>, Option<u64>)> {
    let mut spans = Vec::new();
    let mut next = sealed.header.first_index;
    let starts = sealed.blocks.iter().skip(1).map(|place| place.first_index);
    let ends = starts.chain([sealed.header.end_index]);
    for (place, end) in sealed.blocks.iter().zip(ends) {
        if next < place.first_index {
            spans.push((next..place.first_index, None));
        }
        spans.push((place.first_index..end, Some(place.offset)));
        next = end;
    }
    if next < sealed.header.end_index {
        spans.push((next..sealed.header.end_index, None));
    }
    spans
}

/// A block and what is to change in it.
struct Span<'a> {
    range: Range<u64>,
    offset: Option<u64>,
    changes: BTreeMap<u64, &'a Change>,
}

impl Span<'_> {
    fn write(
        &self,
        sealed: &SealedView,
        tiles: &TileCache<'_>,
        writer: &mut SealedWriter,
        made: &mut Rewritten,
    ) -> Result<(), RewriteError> {
        let raw = match self.offset {
            Some(offset) => sealed.read_raw(offset)?.ok(),
            None => None,
        };
        let raw = raw.filter(|(header, _)| header.end_index() == self.range.end);
        if let (Some((header, payload)), true) = (&raw, self.changes.is_empty()) {
            let block = [&header.encode()[..], payload].concat();
            writer.push(&block, header.count, header.absent)?;
            return Ok(());
        }
        let stretch =
            raw.and_then(|(header, payload)| crate::sealed_block::decode(&header, &payload).ok());
        let mut blocks = BlockWriter::new(writer);
        let mut stored = stretch.as_ref().map(Stretch::records);
        for index in self.range.clone() {
            let record = stored.as_mut().and_then(|records| records.next()?.ok());
            // A block that is not whole is believed only where the tree agrees.
            let is_whole = stretch.as_ref().is_some_and(|stretch| stretch.is_whole);
            let record = record.filter(|record| is_whole || is_leaf(tiles, index, record.entry));
            let change = self.changes.get(&index).copied();
            blocks.push(&changed(index, record, change, tiles, made)?)?;
        }
        Ok(blocks.finish()?)
    }
}

fn is_leaf(tiles: &TileCache<'_>, index: u64, entry: &[u8]) -> bool {
    tiles.leaf(index) == Some(*leaf_hash(entry).as_bytes())
}

/// The record of an index as it will be.
fn changed<'a>(
    index: u64,
    record: Option<Record<'a>>,
    change: Option<&'a Change>,
    tiles: &TileCache<'_>,
    made: &mut Rewritten,
) -> Result<Record<'a>, RewriteError> {
    let damaged = RewriteError::Damaged {
        index: Index(index),
    };
    match change {
        None => record.ok_or(damaged),
        Some(Change::Remove(_)) => {
            let record = record.ok_or(damaged)?;
            if !matches!(record.leaf.content, Content::Committed(_)) {
                let index = Index(index);
                return Err(RewriteError::Inline { index });
            }
            made.removed += u64::from(!record.is_absent);
            made.unchanged += u64::from(record.is_absent);
            Ok(Record {
                beside: &[],
                is_absent: true,
                ..record
            })
        }
        Some(Change::Restore {
            entry,
            salt_and_body,
            ..
        }) => {
            if let Some(record) = record.filter(|record| !record.is_absent) {
                made.unchanged += 1;
                return Ok(record);
            }
            made.restored += 1;
            restored(index, entry, salt_and_body, tiles)
        }
    }
}

/// A record from outside, accepted only if it is what was hashed.
fn restored<'a>(
    index: u64,
    entry: &'a [u8],
    beside: &'a [u8],
    tiles: &TileCache<'_>,
) -> Result<Record<'a>, RewriteError> {
    let refuted = |reason| RewriteError::Refuted {
        index: Index(index),
        reason,
    };
    if !is_leaf(tiles, index, entry) {
        return Err(refuted("the entry does not hash to its leaf in the tiles"));
    }
    let leaf = Leaf::parse(entry).map_err(|_| refuted("it is no entry of version 1"))?;
    let is_committed = match leaf.content {
        Content::Committed(expected) => {
            beside.len() == leaf.beside_len() && commitment(beside) == expected
        }
        Content::Inline(_) => beside.is_empty(),
    };
    if !is_committed {
        return Err(refuted("salt and body do not hash to the commitment"));
    }
    Ok(Record {
        entry,
        leaf,
        beside,
        is_absent: false,
    })
}
