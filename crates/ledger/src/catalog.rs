//! Where each entry lies: the segments, and the frames of those in use.
//!
//! The writer adds to it after each durable frame; a reader in another process finds the same
//! by looking at the files. Frames of finished segments are listed on demand and kept in a small
//! table, so that memory does not grow with the ledger.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use disk::{Disk, DiskError};

use crate::frame::{FrameFault, FrameHeader};
use crate::layout::Layout;
use crate::limits::SEGMENT_TABLES_MAX;
use crate::segment::{FIRST_FRAME_OFFSET, FramePlace, SegmentView};
use crate::stored_segment::StoredSegment;
use crate::stretch::Stretch;

/// What lies where an entry belongs.
#[derive(Debug)]
pub(crate) enum Found {
    /// Its frame or block, perhaps with a damaged payload.
    Stretch(Arc<Stretch>),
    /// Neither up to this index, and why.
    Gap { end: u64, reason: String },
}

/// The end of what is durable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Tail {
    /// Offset in the active segment where the next frame goes.
    pub(crate) offset: u64,
    pub(crate) next_frame: u64,
    pub(crate) next_index: u64,
}

#[derive(Debug)]
pub(crate) struct Catalog {
    disk: Arc<dyn Disk>,
    layout: Layout,
    /// Held for a look-up or one insertion, never during disk access.
    state: Mutex<State>,
    /// Finished segments, most recently used last.
    tables: Mutex<VecDeque<Arc<StoredSegment>>>,
    /// What was read last: neighbours are asked for one after the other.
    last: Mutex<Option<Last>>,
}

/// A stretch kept in memory, and the segment that it came from.
#[derive(Clone, Debug)]
struct Last {
    stretch: Arc<Stretch>,
    segment: Arc<StoredSegment>,
}

#[derive(Debug)]
struct State {
    /// First index of each segment; the position is the number.
    first_indexes: Vec<u64>,
    active: SegmentView,
    tail: Tail,
}

impl Catalog {
    /// `active` is the last segment with its frames listed; `first_indexes` those of all
    /// segments, it included.
    pub(crate) fn new(
        disk: Arc<dyn Disk>,
        layout: Layout,
        first_indexes: Vec<u64>,
        active: SegmentView,
        tail: Tail,
    ) -> Self {
        Self {
            disk,
            layout,
            state: Mutex::new(State {
                first_indexes,
                active,
                tail,
            }),
            tables: Mutex::new(VecDeque::new()),
            last: Mutex::new(None),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn tail(&self) -> Tail {
        self.state().tail
    }

    /// Adds the frame that was just made durable at the tail.
    pub(crate) fn push_frame(&self, header: &FrameHeader) {
        let mut state = self.state();
        let place = FramePlace {
            first_index: header.first_index,
            offset: state.tail.offset,
        };
        assert_eq!(state.tail.next_frame, header.seq, "frames are dense");
        assert_eq!(
            state.tail.next_index, header.first_index,
            "indices are dense"
        );
        state.active.frames.push(place);
        state.tail.offset += header.padded_len() as u64;
        state.tail.next_frame += 1;
        state.tail.next_index = header.end_index();
    }

    /// Makes a fresh segment the active one.
    pub(crate) fn roll(&self, segment: SegmentView) {
        let mut state = self.state();
        assert_eq!(
            segment.header.number,
            state.first_indexes.len() as u64,
            "numbers are dense"
        );
        state.first_indexes.push(segment.header.first_index);
        let finished = std::mem::replace(&mut state.active, segment);
        state.tail.offset = FIRST_FRAME_OFFSET;
        drop(state);
        self.keep_table(Arc::new(StoredSegment::Frames(finished)));
    }

    /// Number and first index of the segment in use: all before it are finished.
    pub(crate) fn active(&self) -> (u64, u64) {
        let header = self.state().active.header;
        (header.number, header.first_index)
    }

    /// The index after the last entry of a finished segment.
    pub(crate) fn end_of(&self, number: u64) -> Option<u64> {
        let next = usize::try_from(number).ok()?.checked_add(1)?;
        self.state().first_indexes.get(next).copied()
    }

    /// Number of the finished segment that holds an index below the one in use.
    pub(crate) fn finished_of(&self, index: u64) -> Option<u64> {
        let state = self.state();
        let after = state.first_indexes.partition_point(|first| *first <= index);
        let is_finished = index < state.active.header.first_index;
        is_finished.then(|| after.saturating_sub(1) as u64)
    }

    /// Forgets what is known of a finished segment, because its file was replaced.
    pub(crate) fn forget(&self, number: u64) {
        self.tables().retain(|table| table.number() != number);
        *self.last() = None;
    }

    fn tables(&self) -> MutexGuard<'_, VecDeque<Arc<StoredSegment>>> {
        self.tables.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn last(&self) -> MutexGuard<'_, Option<Last>> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn keep_table(&self, table: Arc<StoredSegment>) {
        let mut tables = self.tables();
        tables.push_back(table);
        if SEGMENT_TABLES_MAX < tables.len() {
            tables.pop_front();
        }
    }

    /// An open finished segment; one whose file was replaced meanwhile is opened anew.
    fn table(&self, number: u64) -> Result<Option<Arc<StoredSegment>>, DiskError> {
        let kept = {
            let mut tables = self.tables();
            let at = tables.iter().position(|table| table.number() == number);
            at.and_then(|at| tables.remove(at))
        };
        if let Some(table) = kept
            && table.is_current(&*self.disk, &self.layout)?
        {
            self.keep_table(Arc::clone(&table));
            return Ok(Some(table));
        }
        let Some(mut segment) = StoredSegment::open(&*self.disk, &self.layout, number)? else {
            return Ok(None);
        };
        segment.scan()?;
        let table = Arc::new(segment);
        self.keep_table(Arc::clone(&table));
        Ok(Some(table))
    }

    /// Reads the frame or block that holds an index below the tail; `None` when it is not there or
    /// not whole.
    pub(crate) fn stretch_of(&self, index: u64) -> Result<Option<Arc<Stretch>>, DiskError> {
        Ok(match self.any_stretch_of(index)? {
            Found::Stretch(stretch) if stretch.is_whole => Some(stretch),
            Found::Stretch(_) | Found::Gap { .. } => None,
        })
    }

    /// As [`Catalog::stretch_of`], but also one whose payload is damaged, and where there is none
    /// at all, how far it is to the next one.
    pub(crate) fn any_stretch_of(&self, index: u64) -> Result<Found, DiskError> {
        if let Some(stretch) = self.kept_stretch(index)? {
            return Ok(Found::Stretch(stretch));
        }
        let mut found = self.read_stretch(index)?;
        if matches!(&found, Ok(stretch) if stretch.is_whole) {
            return Ok(found.map_or_else(|gap| gap, Found::Stretch));
        }
        // The segment may have been replaced while it was being read.
        found = self.read_stretch(index)?;
        Ok(found.map_or_else(|gap| gap, Found::Stretch))
    }

    /// The stretch read last, if it holds the index and its file is still the one that counts.
    fn kept_stretch(&self, index: u64) -> Result<Option<Arc<Stretch>>, DiskError> {
        let Some(last) = self.last().clone() else {
            return Ok(None);
        };
        let is_good =
            last.stretch.holds(index) && last.segment.is_current(&*self.disk, &self.layout)?;
        Ok(is_good.then_some(last.stretch))
    }

    /// Reads from the disk; the gap says how far it is to the next frame or block.
    fn read_stretch(&self, index: u64) -> Result<Result<Arc<Stretch>, Found>, DiskError> {
        let reason = match self.locate(index)? {
            None => "its segment or its frame is damaged".to_owned(),
            Some((segment, place)) => match segment.read_any(place.offset)? {
                Ok(stretch) if stretch.holds(index) => {
                    let stretch = Arc::new(stretch);
                    if stretch.is_whole {
                        *self.last() = Some(Last {
                            stretch: Arc::clone(&stretch),
                            segment,
                        });
                    }
                    return Ok(Ok(stretch));
                }
                Ok(_) => "its frame is damaged".to_owned(),
                Err(fault) => fault.to_string(),
            },
        };
        let end = self.next_place(index)?;
        Ok(Err(Found::Gap { end, reason }))
    }

    /// The first index behind `index` at which a known frame or segment begins, or the end.
    fn next_place(&self, index: u64) -> Result<u64, DiskError> {
        let behind = |places: &[FramePlace]| {
            let after = places.partition_point(|place| place.first_index <= index);
            places.get(after).map(|place| place.first_index)
        };
        let (number, end) = {
            let state = self.state();
            if state.active.header.first_index <= index {
                return Ok(behind(&state.active.frames).unwrap_or(state.tail.next_index));
            }
            let after = state.first_indexes.partition_point(|first| *first <= index);
            let end = state.first_indexes.get(after).copied();
            (
                after.saturating_sub(1),
                end.unwrap_or(state.tail.next_index),
            )
        };
        let table = self.table(number as u64)?;
        Ok(table
            .and_then(|table| behind(table.places()))
            .unwrap_or(end))
    }

    fn locate(&self, index: u64) -> Result<Option<(Arc<StoredSegment>, FramePlace)>, DiskError> {
        let number = {
            let state = self.state();
            if state.tail.next_index <= index {
                return Ok(None);
            }
            if state.active.header.first_index <= index {
                let Some(place) = state.active.place_of(index) else {
                    return Ok(None);
                };
                let view = StoredSegment::Frames(state.active.without_frames());
                return Ok(Some((Arc::new(view), place)));
            }
            // An empty segment shares its first index with the one after it: take the last.
            state.first_indexes.partition_point(|first| *first <= index) - 1
        };
        let Some(table) = self.table(number as u64)? else {
            return Ok(None);
        };
        Ok(table.place_of(index).map(|place| (table, place)))
    }

    /// Finds what another process has added since.
    pub(crate) fn refresh(&self) -> Result<(), DiskError> {
        loop {
            let (segment, tail) = {
                let state = self.state();
                (state.active.without_frames(), state.tail)
            };
            let next = self.next_segment(&segment, tail)?;
            match segment.read_any_frame(tail.offset)? {
                Ok((header, frame))
                    if header.seq == tail.next_frame && header.first_index == tail.next_index =>
                {
                    // A frame that is still being written fails its checksum and is found next
                    // time. One that others follow is not being written: it is damaged.
                    let follower = tail.offset + header.padded_len() as u64;
                    let is_followed = next.is_some()
                        || segment
                            .read_header(follower)?
                            .is_ok_and(|header| header.seq == tail.next_frame + 1);
                    if !frame.is_whole && !is_followed {
                        return Ok(());
                    }
                    if self.tail() == tail {
                        self.push_frame(&header);
                    }
                    continue;
                }
                Err(FrameFault::Blank) => {}
                Ok(_) | Err(_) => {
                    let found = segment.search(tail.offset)?.next_frame;
                    if let Some((offset, header)) = found.filter(|(_, found)| {
                        tail.next_frame < found.seq && tail.next_index < found.first_index
                    }) {
                        self.step_over(tail, offset, header.seq, header.first_index);
                        continue;
                    }
                }
            }
            let Some((sealed, next)) = next else {
                return Ok(());
            };
            self.step_to(tail, &sealed, next);
        }
    }

    /// Moves the tail over what is damaged, unless somebody else has moved it since.
    fn step_over(&self, from: Tail, offset: u64, next_frame: u64, next_index: u64) {
        let mut state = self.state();
        if state.tail == from {
            state.tail = Tail {
                offset,
                next_frame,
                next_index,
            };
        }
    }

    /// Makes `next` the active segment, with those between that were sealed already, unless
    /// somebody else has moved the tail since.
    fn step_to(&self, from: Tail, sealed: &[u64], next: SegmentView) {
        let mut state = self.state();
        if state.tail != from {
            return;
        }
        state.first_indexes.extend_from_slice(sealed);
        state.tail = Tail {
            offset: from.offset,
            next_frame: next.header.first_frame,
            next_index: next.header.first_index,
        };
        drop(state);
        self.roll(next);
    }

    /// The next segment that has frames, if it comes at or behind the tail, and the first indexes
    /// of those between, which are sealed already.
    fn next_segment(
        &self,
        segment: &SegmentView,
        tail: Tail,
    ) -> Result<Option<(Vec<u64>, SegmentView)>, DiskError> {
        let mut sealed = Vec::new();
        for number in segment.header.number + 1.. {
            match StoredSegment::open(&*self.disk, &self.layout, number)? {
                Some(StoredSegment::Sealed(next)) => sealed.push(next.header.first_index),
                Some(StoredSegment::Frames(next)) => {
                    let is_behind = tail.next_frame <= next.header.first_frame;
                    return Ok(is_behind.then_some((sealed, next)));
                }
                None => break,
            }
        }
        Ok(None)
    }
}
