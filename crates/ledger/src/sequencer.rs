//! The one thread that gives indices and writes frames.
//!
//! There is no timer: whatever queued while the last frame was being written becomes the next
//! one, so a lone event is written at once and a flood is written in frames of megabytes.
//!
//! The order of steps for a frame is the contract of docs/format/ledger.md, section 7: lay out,
//! write durably, show to readers, tell the senders, hand to the checkpointer.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use disk::DiskError;
use event::{Entry, Index, ObservedAt, Redacted, TreeSize};
use stdx::Clock;

use crate::checkpointer::Handover;
use crate::epoch::Request;
use crate::error::{AppendError, ReadError};
use crate::frame::FrameHeader;
use crate::leaf::{
    Kind, RECORD_BYTES, SALT_BYTES, inline_record, record_body_len, sequence_record,
};
use crate::limits::{FRAME_PAYLOAD_BYTES_TARGET, SOURCES_MAX};
use crate::queue::{Appended, Done, Ender, Job, Prepared, Queue};
use crate::reader::Shared;
use crate::record_text;
use crate::segment_writer::{FrameDraft, SegmentWriter, fresh_salt};
use crate::sources::Sources;
use crate::spare::Spare;

/// A segment filled faster than this is not worth zeroing the next one: at such rates frames are
/// large and the metadata of a write costs little beside its bytes.
const ZEROING_PAYS_ABOVE: Duration = Duration::from_secs(5);

/// Everything the sequencer thread owns or shares.
#[derive(Debug)]
pub(crate) struct Sequencer {
    // Owned by this thread alone.
    pub(crate) writer: SegmentWriter,
    pub(crate) sources: Sources,
    pub(crate) recv_ns: u64,
    pub(crate) draft: FrameDraft,
    pub(crate) segment_began: Instant,
    // Shared; each is locked for a moment only.
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) shared: Arc<Shared>,
    pub(crate) queue: Arc<Queue>,
    pub(crate) handover: Arc<Handover>,
    pub(crate) spare: Arc<Spare>,
}

/// A job partly written.
struct Work {
    prepared: Prepared,
    events: std::vec::IntoIter<Redacted>,
    done: Done,
    bytes: usize,
    /// Numbers of the sources of its runs, once it has begun.
    numbers: Vec<u32>,
    first: Option<Index>,
    /// Records and body bytes that are in frames already.
    records: usize,
    body_bytes: usize,
    /// Run in work and how much of it is done.
    run: usize,
    run_done: usize,
}

impl Work {
    fn new(mut job: Job) -> Self {
        let events = std::mem::take(&mut job.prepared.events).into_iter();
        Self {
            prepared: job.prepared,
            events,
            done: job.done,
            bytes: job.bytes,
            numbers: Vec::new(),
            first: None,
            records: 0,
            body_bytes: 0,
            run: 0,
            run_done: 0,
        }
    }

    fn count(&self) -> usize {
        self.prepared.records.len() / RECORD_BYTES
    }

    fn is_written(&self) -> bool {
        self.records == self.count()
    }
}

/// What the draft holds: entries of our own with their bodies, and parts of jobs, in order.
enum Part {
    Inline(String),
    /// Events of the job at this place of the work.
    Events {
        work: usize,
        count: usize,
        bodies: Range<usize>,
    },
}

/// What to take back when a frame could not be written because the disk is full.
#[derive(Default)]
struct Undo {
    registrations: usize,
    counters: Vec<(u32, u64)>,
}

impl Sequencer {
    /// The thread: ends when the queue is closed and empty, or poisoned.
    pub(crate) fn run(mut self) {
        let mut alarm = Alarm {
            queue: Arc::clone(&self.queue),
            is_armed: true,
        };
        while let Some(taken) = self.queue.take() {
            let work = taken.jobs.into_iter().map(Work::new).collect();
            if self.commit(work).is_err() {
                break;
            }
            if let Some(request) = taken.rotation
                && self.rotate(request).is_err()
            {
                break;
            }
            if !taken.enders.is_empty() && self.end_segment(taken.enders).is_err() {
                break;
            }
        }
        alarm.is_armed = false;
    }

    /// Begins a new segment unless the one in use is still empty. An error means that the ledger
    /// is poisoned; on a full disk those who wait are merely let go.
    fn end_segment(&mut self, enders: Vec<Ender>) -> Result<(), ()> {
        let (_, first_index) = self.shared.catalog.active();
        if first_index < self.writer.tail().next_index {
            self.draft.clear();
            match self.roll() {
                Ok(()) => {}
                Err(error) if error.is_full() => return Ok(()),
                Err(error) => {
                    self.poison(&mut VecDeque::new(), &error);
                    return Err(());
                }
            }
        }
        for ender in enders {
            // Whoever no longer waits need not hear it.
            let _ = ender.send(self.shared.catalog.active());
        }
        Ok(())
    }

    /// Writes jobs frame by frame. An error means that the ledger is poisoned.
    fn commit(&mut self, mut work: VecDeque<Work>) -> Result<(), ()> {
        while !work.is_empty() {
            self.finish_written(&mut work);
            if work.is_empty() {
                break;
            }
            let mut undo = Undo::default();
            let parts = self.lay_out(&mut work, &mut undo);
            if self.draft.count == 0 {
                continue;
            }
            match self.write_frame() {
                Ok(header) => self.show(&header, parts, &mut work),
                Err(error) if error.is_full() => {
                    self.take_back(undo);
                    self.refuse_all(&mut work, &error);
                }
                Err(error) => {
                    self.poison(&mut work, &error);
                    return Err(());
                }
            }
        }
        Ok(())
    }

    /// Writes the entry that ends an epoch, alone in its frame, so that the seal over it covers
    /// nothing of the next epoch. An error means that the ledger is poisoned.
    fn rotate(&mut self, request: Request) -> Result<(), ()> {
        let now = u64::try_from(self.clock.unix_nanos()).unwrap_or(0);
        self.recv_ns = self.recv_ns.max(now);
        self.draft.clear();
        let record = inline_record(Kind::KeyRotation, self.recv_ns, &request.body);
        self.draft.push_records(&record, 1);
        self.draft.seal_entries();
        match self.write_frame() {
            Ok(header) => {
                let parts = vec![Part::Inline(request.body)];
                self.show(&header, parts, &mut VecDeque::new());
                Ok(())
            }
            Err(error) if error.is_full() => {
                request.is_refused.store(true, Ordering::Release);
                Ok(())
            }
            Err(error) => {
                self.poison(&mut VecDeque::new(), &error);
                Err(())
            }
        }
    }

    /// Fills the draft from the front of the work.
    fn lay_out(&mut self, work: &mut VecDeque<Work>, undo: &mut Undo) -> Vec<Part> {
        let now = u64::try_from(self.clock.unix_nanos()).unwrap_or(0);
        // A clock that was set back must not make time run backwards in the ledger.
        self.recv_ns = self.recv_ns.max(now);
        self.draft.clear();
        let mut parts = Vec::new();
        let mut payload = 0;
        let mut at = 0;
        while at < work.len() && payload < FRAME_PAYLOAD_BYTES_TARGET {
            if work[at].first.is_none() && !self.begin(&mut work[at], &mut parts, undo) {
                let refused = work.remove(at).expect("at is below the length");
                self.queue.release(refused.bytes);
                (refused.done)(Err(AppendError::TooManySources {
                    sources_max: SOURCES_MAX,
                }));
                continue;
            }
            let (count, bodies) = self.push_events(&mut work[at], &mut payload, undo);
            parts.push(Part::Events {
                work: at,
                count,
                bodies,
            });
            at += 1;
        }
        if 0 < self.draft.count {
            self.draft.seal_entries();
        }
        for part in &parts {
            if let Part::Events {
                work: at, bodies, ..
            } = part
                && !bodies.is_empty()
            {
                self.draft
                    .push_bodies(&work[*at].prepared.bodies[bodies.clone()]);
            }
        }
        parts
    }

    /// Numbers the sources of a job and gives it its first index. False when a source finds no
    /// number any more.
    fn begin(&mut self, work: &mut Work, parts: &mut Vec<Part>, undo: &mut Undo) -> bool {
        let mut numbers = Vec::with_capacity(work.prepared.runs.len());
        for (name, _) in &work.prepared.runs {
            let number = self.sources.number(name).or_else(|| {
                self.sources.has_room().then(|| {
                    let number = self.sources.register(name, 0);
                    undo.registrations += 1;
                    let body = record_text::source_registered(name, number);
                    let record = inline_record(Kind::SourceRegistered, self.recv_ns, &body);
                    self.draft.push_records(&record, 1);
                    parts.push(Part::Inline(body));
                    number
                })
            });
            match number {
                Some(number) => numbers.push(number),
                None => return false,
            }
        }
        work.numbers = numbers;
        work.first = Some(Index(
            self.writer.tail().next_index + u64::from(self.draft.count),
        ));
        true
    }

    /// Copies records of a job into the draft until the job or the frame is full.
    fn push_events(
        &mut self,
        work: &mut Work,
        payload: &mut usize,
        undo: &mut Undo,
    ) -> (usize, Range<usize>) {
        let start = work.records;
        let bodies_start = work.body_bytes;
        while work.records < work.count() && *payload < FRAME_PAYLOAD_BYTES_TARGET {
            let number = work.numbers[work.run];
            let run_len = work.prepared.runs[work.run].1;
            let run_left = run_len - work.run_done;
            let from = work.records * RECORD_BYTES;
            let mut count = 0;
            let mut body_bytes = 0;
            for record in work.prepared.records[from..]
                .chunks_exact(RECORD_BYTES)
                .take(run_left)
            {
                let beside = SALT_BYTES + record_body_len(record);
                count += 1;
                body_bytes += beside;
                *payload += RECORD_BYTES + beside;
                if FRAME_PAYLOAD_BYTES_TARGET <= *payload {
                    break;
                }
            }
            let records = &work.prepared.records[from..from + count * RECORD_BYTES];
            let count_32 = u32::try_from(count).expect("bounded by the frame payload");
            let next_seq = self
                .sources
                .next_seq_mut(number)
                .expect("numbered when begun");
            undo.counters.push((number, *next_seq));
            for record in self
                .draft
                .push_records(records, count_32)
                .chunks_exact_mut(RECORD_BYTES)
            {
                sequence_record(record, self.recv_ns, number, *next_seq);
                *next_seq += 1;
            }
            work.records += count;
            work.body_bytes += body_bytes;
            work.run_done += count;
            if work.run_done == run_len {
                work.run += 1;
                work.run_done = 0;
            }
        }
        (work.records - start, bodies_start..work.body_bytes)
    }

    /// Makes the draft durable, in a fresh segment if the active one has no room.
    fn write_frame(&mut self) -> Result<FrameHeader, DiskError> {
        if !self.writer.has_room(&self.draft) {
            self.roll()?;
        }
        let began = Instant::now();
        let header = self.writer.write(&mut self.draft)?;
        // From here on the entries are durable, whatever happens to us.
        self.shared
            .stats
            .frame_written(header.count, header.padded_len(), began.elapsed());
        if self.writer.is_half_full() {
            self.spare
                .want(ZEROING_PAYS_ABOVE < self.segment_began.elapsed());
        }
        Ok(header)
    }

    fn roll(&mut self) -> Result<(), DiskError> {
        let spare_len = self
            .spare
            .take(SegmentWriter::segment_len_for(&self.draft))?;
        let salt = fresh_salt().map_err(|error| {
            let source = std::io::Error::other(error.to_string());
            DiskError::io("random", self.shared.layout.dir(), source)
        })?;
        let segment = self.writer.roll(spare_len, salt)?;
        self.segment_began = Instant::now();
        self.shared.catalog.roll(segment);
        Ok(())
    }

    /// Shows a durable frame to readers, then tells the senders, then the checkpointer.
    fn show(&mut self, header: &FrameHeader, parts: Vec<Part>, work: &mut VecDeque<Work>) {
        self.shared.catalog.push_frame(header);
        let mut entries = Vec::with_capacity(header.count as usize);
        let received = ObservedAt(i64::try_from(self.recv_ns).unwrap_or(i64::MAX));
        let mut index = Index(header.first_index);
        for part in parts {
            match part {
                Part::Inline(body) => {
                    let entry = Entry::restored(index, received, &body);
                    entries.push(entry.expect("a body that this crate encoded just now"));
                    index = index.next();
                }
                Part::Events {
                    work: at, count, ..
                } => {
                    for event in work[at].events.by_ref().take(count) {
                        entries.push(Entry::sequenced(index, received, event));
                        index = index.next();
                    }
                }
            }
        }
        debug_assert_eq!(index.0, header.end_index());
        self.shared.live_push(entries);
        self.finish_written(work);
        self.handover
            .push(header.seq, header.count, self.draft.entries());
    }

    /// Tells the senders whose batches are completely durable and visible.
    fn finish_written(&self, work: &mut VecDeque<Work>) {
        let size = self.writer.tail().next_index;
        while work.front().is_some_and(Work::is_written)
            && let Some(written) = work.pop_front()
        {
            let first = written.first.unwrap_or(Index(size));
            let count = written.count() as u64;
            self.queue.release(written.bytes);
            (written.done)(Ok(Appended {
                first,
                count,
                tree_size: TreeSize(size),
            }));
        }
    }

    fn take_back(&mut self, undo: Undo) {
        for (number, next_seq) in undo.counters.into_iter().rev() {
            if let Some(counter) = self.sources.next_seq_mut(number) {
                *counter = next_seq;
            }
        }
        for _ in 0..undo.registrations {
            self.sources.unregister_last();
        }
    }

    fn refuse_all(&self, work: &mut VecDeque<Work>, error: &DiskError) {
        let reason: Arc<str> = Arc::from(error.to_string());
        for refused in work.drain(..) {
            self.queue.release(refused.bytes);
            (refused.done)(Err(AppendError::DiskFull {
                reason: Arc::clone(&reason),
            }));
        }
    }

    fn poison(&self, work: &mut VecDeque<Work>, error: &DiskError) {
        self.queue.poison(&error.to_string());
        let reason = self
            .queue
            .poisoned()
            .unwrap_or_else(|| Arc::from("write failed"));
        for failed in work.drain(..) {
            (failed.done)(Err(AppendError::Poisoned {
                reason: Arc::clone(&reason),
            }));
        }
    }
}

impl Drop for Sequencer {
    /// However the sequencer ends, and even if its thread never began: no more entries come.
    fn drop(&mut self) {
        self.shared.live_close();
        self.handover.close();
    }
}

/// Poisons the ledger if the sequencer's thread ends by a panic.
struct Alarm {
    queue: Arc<Queue>,
    is_armed: bool,
}

impl Drop for Alarm {
    fn drop(&mut self) {
        if !self.is_armed {
            return;
        }
        self.queue.poison("the sequencer panicked");
    }
}

/// Entries of a frame as readers get them.
pub(crate) fn restore(index: u64, recv_ns: u64, body: &[u8]) -> Result<Entry, ReadError> {
    let index = Index(index);
    let corrupt = |reason: String| ReadError::Corrupt { index, reason };
    let body = str::from_utf8(body).map_err(|error| corrupt(error.to_string()))?;
    let received = ObservedAt(i64::try_from(recv_ns).unwrap_or(i64::MAX));
    Entry::restored(index, received, body).map_err(|error| corrupt(error.to_string()))
}
