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
use crate::segment::{FIRST_FRAME_OFFSET, Frame, FramePlace, SegmentHeader, SegmentView};

/// What lies where an entry belongs.
#[derive(Debug)]
pub(crate) enum Found {
    /// Its frame, perhaps with a damaged payload.
    Frame(Arc<Frame>),
    /// No frame up to this index, and why.
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
    tables: Mutex<VecDeque<Arc<SegmentView>>>,
    /// The frame read last: neighbours are asked for one after the other.
    last_frame: Mutex<Option<Arc<Frame>>>,
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
            last_frame: Mutex::new(None),
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
        self.keep_table(Arc::new(finished));
    }

    fn keep_table(&self, table: Arc<SegmentView>) {
        let mut tables = self.tables.lock().unwrap_or_else(PoisonError::into_inner);
        tables.push_back(table);
        if SEGMENT_TABLES_MAX < tables.len() {
            tables.pop_front();
        }
    }

    fn table(&self, number: u64) -> Result<Option<Arc<SegmentView>>, DiskError> {
        {
            let mut tables = self.tables.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(at) = tables
                .iter()
                .position(|table| table.header.number == number)
            {
                let table = tables.remove(at).expect("position of this very queue");
                tables.push_back(Arc::clone(&table));
                return Ok(Some(table));
            }
        }
        let path = self.layout.segment(number);
        let Some(mut segment) = SegmentView::open(&*self.disk, &path)? else {
            return Ok(None);
        };
        segment.scan()?;
        let table = Arc::new(segment);
        self.keep_table(Arc::clone(&table));
        Ok(Some(table))
    }

    /// Reads the frame that holds an index below the tail; `None` when it is not there or not
    /// whole.
    pub(crate) fn frame_of(&self, index: u64) -> Result<Option<Arc<Frame>>, DiskError> {
        let holds = |frame: &Frame| frame.header.holds(index);
        let last = self
            .last_frame
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        if let Some(frame) = last.filter(|frame| holds(frame)) {
            return Ok(Some(frame));
        }
        let Some((segment, place)) = self.locate(index)? else {
            return Ok(None);
        };
        let Ok(frame) = segment.read_frame(place.offset)? else {
            return Ok(None);
        };
        let frame = Arc::new(frame);
        if !holds(&frame) {
            return Ok(None);
        }
        let kept = Some(Arc::clone(&frame));
        *self
            .last_frame
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = kept;
        Ok(Some(frame))
    }

    /// As [`Catalog::frame_of`], but also a frame whose payload is damaged, and where there is none
    /// at all, how far it is to the next one.
    pub(crate) fn any_frame_of(&self, index: u64) -> Result<Found, DiskError> {
        if let Some(frame) = self.frame_of(index)? {
            return Ok(Found::Frame(frame));
        }
        let fault = match self.locate(index)? {
            None => "its segment or its frame is damaged".to_owned(),
            Some((segment, place)) => match segment.read_any_frame(place.offset)? {
                Ok(frame) if frame.header.holds(index) => {
                    return Ok(Found::Frame(Arc::new(frame)));
                }
                Ok(_) => "its frame is damaged".to_owned(),
                Err(fault) => fault.to_string(),
            },
        };
        let end = self.next_place(index)?;
        Ok(Found::Gap { end, reason: fault })
    }

    /// The first index behind `index` at which a known frame or segment begins, or the end.
    fn next_place(&self, index: u64) -> Result<u64, DiskError> {
        let behind = |view: &SegmentView| {
            let after = view.frames.partition_point(|p| p.first_index <= index);
            view.frames.get(after).map(|place| place.first_index)
        };
        let (number, end) = {
            let state = self.state();
            if state.active.header.first_index <= index {
                return Ok(behind(&state.active).unwrap_or(state.tail.next_index));
            }
            let after = state.first_indexes.partition_point(|first| *first <= index);
            let end = state.first_indexes.get(after).copied();
            (
                after.saturating_sub(1),
                end.unwrap_or(state.tail.next_index),
            )
        };
        let table = self.table(number as u64)?;
        Ok(table.and_then(|table| behind(&table)).unwrap_or(end))
    }

    fn locate(&self, index: u64) -> Result<Option<(Arc<SegmentView>, FramePlace)>, DiskError> {
        let number = {
            let state = self.state();
            if state.tail.next_index <= index {
                return Ok(None);
            }
            if state.active.header.first_index <= index {
                let Some(place) = state.active.place_of(index) else {
                    return Ok(None);
                };
                let view = SegmentView {
                    header: state.active.header,
                    file: Arc::clone(&state.active.file),
                    frames: Vec::new(),
                };
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
                let view = SegmentView {
                    header: state.active.header,
                    file: Arc::clone(&state.active.file),
                    frames: Vec::new(),
                };
                (view, state.tail)
            };
            let next = self.next_segment(&segment, tail)?;
            match segment.read_any_frame(tail.offset)? {
                Ok(frame)
                    if frame.header.seq == tail.next_frame
                        && frame.header.first_index == tail.next_index =>
                {
                    // A frame that is still being written fails its checksum and is found next
                    // time. One that others follow is not being written: it is damaged.
                    let follower = tail.offset + frame.header.padded_len() as u64;
                    let is_followed = next.is_some()
                        || segment
                            .read_header(follower)?
                            .is_ok_and(|header| header.seq == tail.next_frame + 1);
                    if !frame.is_whole && !is_followed {
                        return Ok(());
                    }
                    if self.tail() == tail {
                        self.push_frame(&frame.header);
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
            let Some(next) = next else {
                return Ok(());
            };
            let SegmentHeader {
                first_frame,
                first_index,
                ..
            } = next.header;
            if self.step_over(tail, tail.offset, first_frame, first_index) {
                self.roll(next);
            }
        }
    }

    /// Moves the tail over what is damaged, unless somebody else has moved it since.
    fn step_over(&self, from: Tail, offset: u64, next_frame: u64, next_index: u64) -> bool {
        let mut state = self.state();
        let is_ours = state.tail == from;
        if is_ours {
            state.tail = Tail {
                offset,
                next_frame,
                next_index,
            };
        }
        is_ours
    }

    /// The segment after this one, if it is there and its frames come at or behind the tail.
    fn next_segment(
        &self,
        segment: &SegmentView,
        tail: Tail,
    ) -> Result<Option<SegmentView>, DiskError> {
        let path = self.layout.segment(segment.header.number + 1);
        if self.disk.stat(&path)?.is_none() {
            return Ok(None);
        }
        let next = SegmentView::open(&*self.disk, &path)?;
        Ok(next.filter(|next| tail.next_frame <= next.header.first_frame))
    }
}
