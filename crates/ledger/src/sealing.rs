//! Turning finished segments into their sealed form, and replacing sealed ones.
//!
//! A segment is sealed when nothing needs its frames any more: it is finished, a signed checkpoint
//! covers it, and the resume point lies behind it, so that its tiles are durable. The order of
//! steps is the contract of docs/format/ledger.md, section 7: write the sealed form, read it back,
//! name it, and only then let the frames go.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use disk::{Disk, DiskError};
use thiserror::Error;

use crate::frame::FrameFault;
use crate::layout::Layout;
use crate::limits::{SEAL_BACKLOG_SEGMENTS, SEAL_BREATH};
use crate::queue::Queue;
use crate::reader::Shared;
use crate::recovery::write_zeros;
use crate::sealed::{SealedHeader, SealedWriter};
use crate::sealed_block::{BlockDraft, BlockHeader, HEADER_BYTES, decode};
use crate::segment::SegmentView;
use crate::segment_writer::fresh_salt;
use crate::spare::Spare;
use crate::stored_segment::StoredSegment;
use crate::stretch::Record;

/// Pause before another attempt after the disk was full.
const FULL_PAUSE: Duration = Duration::from_secs(1);

/// What the checkpointer, the sealer and those who wait for it tell each other.
#[derive(Debug)]
pub(crate) struct Sealing {
    state: Mutex<State>,
    changed: Condvar,
    /// Held by whoever writes into the folder of sealed segments.
    pub(crate) turn: Mutex<()>,
    is_closed: AtomicBool,
}

#[derive(Debug)]
struct State {
    /// All segments before this one are sealed.
    next: u64,
    /// Entries under the resume point: their tiles are durable.
    resume_size: u64,
    /// Somebody waits, so the resume point is to be moved without delay.
    is_urgent: bool,
    /// Why sealing has stopped.
    fault: Option<Arc<str>>,
}

/// Why a segment was not sealed.
#[derive(Debug, Error)]
pub(crate) enum SealFault {
    #[error("entry {index} cannot be sealed: {fault}")]
    Damaged { index: u64, fault: FrameFault },
    #[error("sealed entries from {index} on do not read back as they were")]
    Mismatch { index: u64 },
    #[error("compression failed: {0}")]
    Compression(std::io::Error),
    #[error("no random bytes from the operating system: {0}")]
    Random(getrandom::Error),
    #[error("the ledger is closing")]
    Closed,
    #[error(transparent)]
    Disk(#[from] DiskError),
}

impl Sealing {
    /// `next` is the first segment that is not sealed.
    pub(crate) fn new(next: u64, resume_size: u64) -> Self {
        Self {
            state: Mutex::new(State {
                next,
                resume_size,
                is_urgent: false,
                fault: None,
            }),
            changed: Condvar::new(),
            turn: Mutex::new(()),
            is_closed: AtomicBool::new(false),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The resume point was moved.
    pub(crate) fn resumed(&self, size: u64) {
        let mut state = self.state();
        state.resume_size = size;
        state.is_urgent = false;
        drop(state);
        self.changed.notify_all();
    }

    /// Whether the resume point holds sealing back: a finished segment ends behind it. `size` is
    /// what was signed, `finished` the index after the last finished segment.
    pub(crate) fn wants_resume(&self, size: u64, finished: u64, is_due: bool) -> bool {
        let state = self.state();
        state.resume_size < finished && finished <= size && (is_due || state.is_urgent)
    }

    pub(crate) fn close(&self) {
        {
            // Under the lock, or somebody who has just looked would wait for ever.
            let _state = self.state();
            self.is_closed.store(true, Ordering::Release);
        }
        self.changed.notify_all();
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.is_closed.load(Ordering::Acquire)
    }

    /// Number of the first segment that is not sealed.
    pub(crate) fn next(&self) -> u64 {
        self.state().next
    }

    /// Why sealing has stopped, if it has.
    pub(crate) fn fault(&self) -> Option<Arc<str>> {
        self.state().fault.clone()
    }

    /// Waits until all segments before `number` are sealed.
    pub(crate) fn wait_for(&self, number: u64, queue: &Queue) -> Result<(), Arc<str>> {
        let mut state = self.state();
        loop {
            if number <= state.next {
                return Ok(());
            }
            if let Some(fault) = &state.fault {
                return Err(Arc::clone(fault));
            }
            if let Some(reason) = queue.poisoned() {
                return Err(reason);
            }
            if self.is_closed() {
                return Err(Arc::from("the ledger is closed"));
            }
            state.is_urgent = true;
            // A poisoned ledger does not ring here, so look now and then.
            let waited = self.changed.wait_timeout(state, SEAL_BREATH);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

/// The sealer: its thread, and the hands of whoever rewrites what is sealed.
#[derive(Debug)]
pub(crate) struct Sealer {
    pub(crate) disk: Arc<dyn Disk>,
    pub(crate) layout: Layout,
    pub(crate) shared: Arc<Shared>,
    pub(crate) queue: Arc<Queue>,
    pub(crate) spare: Arc<Spare>,
    pub(crate) sealing: Arc<Sealing>,
}

impl Sealer {
    /// The thread: seals whatever becomes ready until it is closed.
    pub(crate) fn run(self) {
        while let Some(number) = self.next_ready() {
            let _turn = self
                .sealing
                .turn
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            let outcome = self.seal(number);
            let mut state = self.sealing.state();
            match outcome {
                Ok(()) => state.next = number + 1,
                Err(SealFault::Closed) => return,
                Err(SealFault::Disk(error)) if error.is_full() => {
                    let waited = self.sealing.changed.wait_timeout(state, FULL_PAUSE);
                    drop(waited);
                    continue;
                }
                Err(SealFault::Disk(error)) => {
                    // What a failing disk did with the bytes is unknown: nobody may go on writing.
                    state.fault = Some(Arc::from(error.to_string()));
                    drop(state);
                    self.queue.poison(&error.to_string());
                    self.sealing.changed.notify_all();
                    return;
                }
                Err(fault) => {
                    state.fault = Some(Arc::from(fault.to_string()));
                    drop(state);
                    self.shared.stats.sealing_failed();
                    self.sealing.changed.notify_all();
                    return;
                }
            }
            drop(state);
            self.sealing.changed.notify_all();
        }
    }

    /// Waits for a segment that may be sealed; `None` when closed.
    fn next_ready(&self) -> Option<u64> {
        let mut state = self.sealing.state();
        loop {
            if self.sealing.is_closed() || self.queue.poisoned().is_some() {
                return None;
            }
            let (active, _) = self.shared.catalog.active();
            let end = self.shared.catalog.end_of(state.next);
            if state.next < active && end.is_some_and(|end| end <= state.resume_size) {
                return Some(state.next);
            }
            let waited = self.sealing.changed.wait_timeout(state, FULL_PAUSE);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Writes the sealed form of a segment and lets its frames go.
    fn seal(&self, number: u64) -> Result<(), SealFault> {
        let segment = StoredSegment::open(&*self.disk, &self.layout, number)?;
        if let Some(StoredSegment::Frames(mut segment)) = segment {
            segment.scan()?;
            let end = self.shared.catalog.end_of(number);
            if !segment.frames.is_empty() {
                self.write(&segment, end.unwrap_or(segment.header.first_index))?;
                self.shared.catalog.forget(number);
                self.shared.stats.segment_sealed();
                self.retire(number, segment.header.len)?;
            }
        }
        Ok(())
    }

    fn write(&self, segment: &SegmentView, end_index: u64) -> Result<(), SealFault> {
        let header = segment.header;
        let mut writer = SealedWriter::begin(
            Arc::clone(&self.disk),
            self.layout.clone(),
            SealedHeader {
                blocks: 0,
                number: header.number,
                first_index: header.first_index,
                end_index: header.first_index,
                first_frame: header.first_frame,
                end_frame: header.first_frame + segment.frames.len() as u64,
                salt: fresh_salt().map_err(SealFault::Random)?,
                ledger_id: header.ledger_id,
                len: 0,
                absent: 0,
                rewrites: 0,
            },
        )?;
        match self.write_blocks(segment, &mut writer) {
            Ok(()) if writer.next_index() == end_index => {
                writer.finish()?;
                Ok(())
            }
            Ok(()) => {
                let index = writer.next_index();
                writer.abandon();
                let fault = FrameFault::Records;
                Err(SealFault::Damaged { index, fault })
            }
            Err(error) => {
                writer.abandon();
                Err(error)
            }
        }
    }

    fn write_blocks(
        &self,
        segment: &SegmentView,
        writer: &mut SealedWriter,
    ) -> Result<(), SealFault> {
        let mut blocks = BlockWriter::new(writer);
        for place in &segment.frames {
            if self.sealing.is_closed() {
                return Err(SealFault::Closed);
            }
            let damaged = |index, fault| SealFault::Damaged { index, fault };
            let frame = segment
                .read_frame(place.offset)?
                .map_err(|fault| damaged(place.first_index, fault))?;
            let first = blocks.next_index();
            if frame.first_index != first {
                return Err(damaged(first, FrameFault::Records));
            }
            for (index, record) in (first..).zip(frame.records()) {
                let record = record.map_err(|_| damaged(index, FrameFault::Records))?;
                if blocks.push(&record)? {
                    self.breathe();
                }
            }
        }
        blocks.finish()
    }

    /// Lets senders go first while there is time: sealing can wait, they cannot.
    fn breathe(&self) {
        let (active, _) = self.shared.catalog.active();
        let is_behind = SEAL_BACKLOG_SEGMENTS < active - self.sealing.next().min(active);
        if 0 < self.queue.bytes() && !is_behind && !self.sealing.state().is_urgent {
            std::thread::sleep(SEAL_BREATH);
        }
    }

    /// Takes a sealed segment's frames out of the ledger, wipes them, and keeps the file as the
    /// next spare if there is need of one.
    fn retire(&self, number: u64, len: u64) -> Result<(), SealFault> {
        take_out(&*self.disk, &self.layout, number)?;
        wipe(&*self.disk, &self.layout)?;
        if !self.spare.adopt(len)? {
            self.disk.remove(&self.layout.retired())?;
        }
        Ok(())
    }
}

/// Removes the name of a segment whose sealed form is durable. A crash before: both forms are there
/// and the sealed one counts.
fn take_out(disk: &dyn Disk, layout: &Layout, number: u64) -> Result<(), DiskError> {
    disk.rename(&layout.segment(number), &layout.retired())?;
    disk.sync_dir(&layout.wal())
}

/// Overwrites what was taken out: bodies that are erased later must not live on in free blocks.
fn wipe(disk: &dyn Disk, layout: &Layout) -> Result<(), DiskError> {
    let file = disk.open(&layout.retired())?;
    write_zeros(&*file, 0, file.len()?)
}

/// Finishes at opening what a crash kept a sealer from finishing.
pub(crate) fn clear_leftovers(
    disk: &dyn Disk,
    layout: &Layout,
    leftovers: &[u64],
) -> Result<(), DiskError> {
    let remove_retired = || {
        if disk.stat(&layout.retired())?.is_some() {
            wipe(disk, layout)?;
            disk.remove(&layout.retired())?;
        }
        Ok::<_, DiskError>(())
    };
    remove_retired()?;
    for number in leftovers {
        take_out(disk, layout, *number)?;
        remove_retired()?;
    }
    match disk.remove(&layout.sealed_temporary()) {
        Err(error) if !error.is_not_found() => Err(error),
        _ => Ok(()),
    }
}

/// Cuts records into blocks, and proves each block before it is written.
pub(crate) struct BlockWriter<'a> {
    writer: &'a mut SealedWriter,
    draft: BlockDraft,
    /// Entries of the draft in bundle form, and what lies beside them: what must read back.
    entries: Vec<u8>,
    beside: Vec<u8>,
}

impl<'a> BlockWriter<'a> {
    pub(crate) fn new(writer: &'a mut SealedWriter) -> Self {
        Self {
            writer,
            draft: BlockDraft::default(),
            entries: Vec::new(),
            beside: Vec::new(),
        }
    }

    /// Index of the record that comes next.
    pub(crate) fn next_index(&self) -> u64 {
        self.writer.next_index() + self.draft.count() as u64
    }

    /// Adds a record; true when a block was written.
    pub(crate) fn push(&mut self, record: &Record<'_>) -> Result<bool, SealFault> {
        let is_full = self.draft.is_full();
        if is_full {
            self.flush()?;
        }
        self.draft.push(record);
        let len = u16::try_from(record.entry.len()).unwrap_or(u16::MAX);
        self.entries.extend_from_slice(&len.to_be_bytes());
        self.entries.extend_from_slice(record.entry);
        self.beside.extend_from_slice(record.beside);
        Ok(is_full)
    }

    /// Writes the last block.
    pub(crate) fn finish(mut self) -> Result<(), SealFault> {
        self.flush()
    }

    /// Writes the draft, after reading it back: the frames are about to be let go, so nothing but
    /// the same bytes will do. Commitments are computed again on the way, so a body that differs
    /// from its own is not sealed.
    pub(crate) fn flush(&mut self) -> Result<(), SealFault> {
        if self.draft.count() == 0 {
            return Ok(());
        }
        let index = self.writer.next_index();
        let mismatch = || SealFault::Mismatch { index };
        let salt = self.writer.salt();
        let block = self
            .draft
            .finish(salt, index)
            .map_err(SealFault::Compression)?;
        let head = block.first_chunk::<HEADER_BYTES>().ok_or_else(mismatch)?;
        let header = BlockHeader::parse(head, salt).map_err(|_| mismatch())?;
        let stretch = decode(&header, &block[HEADER_BYTES..]).map_err(|_| mismatch())?;
        let is_same = stretch.is_whole
            && stretch.entries() == self.entries
            && stretch.payload[stretch.entries_len..] == self.beside;
        if !is_same {
            return Err(mismatch());
        }
        self.writer.push(&block, header.count, header.absent)?;
        self.entries.clear();
        self.beside.clear();
        Ok(())
    }
}
