//! Durable frames at the end of the ledger: one owner, one write each, one order.
//!
//! Used by the sequencer for events, by creation for the genesis entry and by recovery for its
//! own; nobody else writes into a segment.

use std::sync::Arc;

use disk::{AlignedBuffer, Disk, DiskError, DiskFile};

use crate::catalog::Tail;
use crate::frame::{FrameHeader, HEADER_BYTES};
use crate::layout::Layout;
use crate::segment::{FIRST_FRAME_OFFSET, SegmentHeader, SegmentView};
use crate::spare;

/// The writing end of the active segment.
#[derive(Debug)]
pub(crate) struct SegmentWriter {
    disk: Arc<dyn Disk>,
    layout: Layout,
    header: SegmentHeader,
    file: Box<dyn DiskFile>,
    tail: Tail,
}

/// A frame laid out in memory: room for the header, then entries, then bodies.
#[derive(Debug)]
pub(crate) struct FrameDraft {
    buffer: AlignedBuffer,
    pub(crate) count: u32,
    /// Length of the entries part, fixed when the first body is added.
    entries_len: usize,
}

impl FrameDraft {
    pub(crate) fn new() -> Self {
        let mut draft = Self {
            buffer: AlignedBuffer::with_capacity(0),
            count: 0,
            entries_len: 0,
        };
        draft.clear();
        draft
    }

    pub(crate) fn clear(&mut self) {
        self.buffer.clear();
        self.buffer.resize(HEADER_BYTES);
        self.count = 0;
        self.entries_len = 0;
    }

    /// Adds bundle records of `count` entries and gives their place, to be filled in.
    pub(crate) fn push_records(&mut self, records: &[u8], count: u32) -> &mut [u8] {
        debug_assert_eq!(self.entries_len, 0, "entries come before bodies");
        let start = self.buffer.len();
        self.buffer.extend_from_slice(records);
        self.count += count;
        &mut self.buffer.as_mut_slice()[start..]
    }

    /// Ends the entries part.
    pub(crate) fn seal_entries(&mut self) {
        self.entries_len = self.buffer.len() - HEADER_BYTES;
    }

    /// Adds salts and bodies of the entries, in their order.
    pub(crate) fn push_bodies(&mut self, bodies: &[u8]) {
        debug_assert!(0 < self.entries_len, "bodies come after entries");
        self.buffer.extend_from_slice(bodies);
    }

    /// The entries part: what the tree needs.
    pub(crate) fn entries(&self) -> &[u8] {
        &self.buffer.as_slice()[HEADER_BYTES..HEADER_BYTES + self.entries_len]
    }

    fn payload(&self) -> &[u8] {
        &self.buffer.as_slice()[HEADER_BYTES..]
    }
}

impl SegmentWriter {
    /// Takes over the active segment at its tail.
    pub(crate) fn open(
        disk: Arc<dyn Disk>,
        layout: Layout,
        header: SegmentHeader,
        tail: Tail,
    ) -> Result<Self, DiskError> {
        let file = disk.open_durable(&layout.segment(header.number))?;
        Ok(Self {
            disk,
            layout,
            header,
            file,
            tail,
        })
    }

    /// Makes the first segment of a ledger. The caller has made the folder.
    pub(crate) fn create(
        disk: Arc<dyn Disk>,
        layout: Layout,
        ledger_id: [u8; 32],
        salt: u64,
        len: u64,
    ) -> Result<Self, DiskError> {
        drop(spare::make(&*disk, &layout, len)?);
        let header = SegmentHeader {
            number: 0,
            first_index: 0,
            first_frame: 0,
            salt,
            ledger_id,
            len,
        };
        let file = begin_segment(&*disk, &layout, &header)?;
        let tail = Tail {
            offset: FIRST_FRAME_OFFSET,
            next_frame: 0,
            next_index: 0,
        };
        Ok(Self {
            disk,
            layout,
            header,
            file,
            tail,
        })
    }

    pub(crate) fn tail(&self) -> Tail {
        self.tail
    }

    /// Length of a segment that could hold this draft, header page included.
    pub(crate) fn segment_len_for(draft: &FrameDraft) -> u64 {
        let padded = (draft.buffer.len() as u64).next_multiple_of(FIRST_FRAME_OFFSET);
        FIRST_FRAME_OFFSET + padded
    }

    /// True when the draft fits behind the tail of the active segment.
    pub(crate) fn has_room(&self, draft: &FrameDraft) -> bool {
        let padded = Self::segment_len_for(draft) - FIRST_FRAME_OFFSET;
        self.tail.offset + padded <= self.header.len
    }

    /// True when less than half of the active segment is left.
    pub(crate) fn is_half_full(&self) -> bool {
        self.header.len / 2 < self.tail.offset
    }

    /// Turns the spare of this length into the active segment.
    pub(crate) fn roll(&mut self, spare_len: u64, salt: u64) -> Result<SegmentView, DiskError> {
        let header = SegmentHeader {
            number: self.header.number + 1,
            first_index: self.tail.next_index,
            first_frame: self.tail.next_frame,
            salt,
            ledger_id: self.header.ledger_id,
            len: spare_len,
        };
        self.file = begin_segment(&*self.disk, &self.layout, &header)?;
        self.header = header;
        self.tail.offset = FIRST_FRAME_OFFSET;
        self.view()
    }

    /// The active segment for readers.
    pub(crate) fn view(&self) -> Result<SegmentView, DiskError> {
        let path = self.layout.segment(self.header.number);
        let file = Arc::from(self.disk.open_read(&path)?);
        Ok(SegmentView {
            header: self.header,
            file,
            frames: Vec::new(),
        })
    }

    /// Writes the draft behind the tail; when this returns, it is durable. On an error nothing
    /// is known about these bytes and the tail stays where it was.
    pub(crate) fn write(&mut self, draft: &mut FrameDraft) -> Result<FrameHeader, DiskError> {
        assert!(self.has_room(draft), "the caller rolls before it writes");
        assert!(0 < draft.count, "a frame holds an entry");
        let entries_len =
            u32::try_from(draft.entries_len).expect("limited by the frame payload limit");
        let header = FrameHeader {
            salt: self.header.salt,
            seq: self.tail.next_frame,
            first_index: self.tail.next_index,
            count: draft.count,
            entries_len,
            bodies_len: (draft.payload().len() - draft.entries_len) as u64,
            // One writer, one write at a time: all frames before this one are durable.
            durable_upto: self.tail.next_frame,
            payload_crc: crc32c::crc32c(draft.payload()),
        };
        draft.buffer.as_mut_slice()[..HEADER_BYTES].copy_from_slice(&header.encode());
        draft.buffer.pad_to_page();
        debug_assert_eq!(draft.buffer.len(), header.padded_len());
        self.file
            .write_durable_at(draft.buffer.as_slice(), self.tail.offset)?;
        self.tail.offset += header.padded_len() as u64;
        self.tail.next_frame += 1;
        self.tail.next_index = header.end_index();
        Ok(header)
    }
}

/// Gives the spare its header and its name. A crash before the rename leaves a spare without
/// meaning; after it, an empty segment that continues the one before.
fn begin_segment(
    disk: &dyn Disk,
    layout: &Layout,
    header: &SegmentHeader,
) -> Result<Box<dyn DiskFile>, DiskError> {
    let mut page = AlignedBuffer::with_capacity(disk::PAGE_BYTES);
    page.extend_from_slice(&header.encode());
    disk.open_durable(&layout.spare())?
        .write_durable_at(page.as_slice(), 0)?;
    let path = layout.segment(header.number);
    disk.rename(&layout.spare(), &path)?;
    disk.sync_dir(&layout.wal())?;
    disk.open_durable(&path)
}

/// A random salt for a segment.
pub(crate) fn fresh_salt() -> Result<u64, getrandom::Error> {
    let mut bytes = [0; 8];
    getrandom::fill(&mut bytes)?;
    Ok(u64::from_be_bytes(bytes))
}
