//! The thread that turns durable entries into tiles and signed checkpoints.
//!
//! It follows the sequencer and never makes it wait: entries come through a bounded hand-over,
//! and what did not fit is read back from the segment. The order of steps is the contract of
//! docs/format/ledger.md, section 7: tiles, comparison with what was signed, signed state,
//! signature, file, publication.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use disk::{Disk, DiskError};
use tlog::{Checkpoint, Hash, SigningKey};

use crate::epoch::{Epochs, Rotation};
use crate::error::CheckpointError;
use crate::integrate::{IntegrateError, Integrator, TileWriter};
use crate::layout::Layout;
use crate::limits::{HANDOVER_BYTES_MAX, RESUME_WAL_BYTES, SEAL_INTERVAL};
use crate::queue::Queue;
use crate::reader::Shared;
use crate::sealing::Sealing;
use crate::signed_state::SignedState;

/// Entries of durable frames on their way to the checkpointer.
#[derive(Debug, Default)]
pub(crate) struct Handover {
    state: Mutex<State>,
    ready: Condvar,
}

#[derive(Debug, Default)]
struct State {
    frames: VecDeque<Entries>,
    bytes: usize,
    /// Frames were left out because the bytes were over the limit.
    has_gap: bool,
    is_rotation_wanted: bool,
    is_closed: bool,
}

/// The entries part of one frame.
#[derive(Debug)]
struct Entries {
    seq: u64,
    count: u32,
    bytes: Vec<u8>,
}

/// What woke the checkpointer.
struct Wake {
    frames: VecDeque<Entries>,
    is_rotation_wanted: bool,
    is_closed: bool,
}

impl Handover {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Hands over a frame, or leaves it to be read back when too many wait.
    pub(crate) fn push(&self, seq: u64, count: u32, entries: &[u8]) {
        let mut state = self.state();
        if HANDOVER_BYTES_MAX < state.bytes + entries.len() {
            state.has_gap = true;
        } else {
            state.bytes += entries.len();
            state.frames.push_back(Entries {
                seq,
                count,
                bytes: entries.to_vec(),
            });
        }
        drop(state);
        self.ready.notify_one();
    }

    /// Ends the running epoch as soon as possible.
    pub(crate) fn want_rotation(&self) {
        self.state().is_rotation_wanted = true;
        self.ready.notify_all();
    }

    pub(crate) fn close(&self) {
        self.state().is_closed = true;
        self.ready.notify_all();
    }

    fn wait(&self, wait: Duration) -> Wake {
        let idle = |state: &mut State| {
            state.frames.is_empty()
                && !(state.has_gap || state.is_rotation_wanted || state.is_closed)
        };
        let (mut state, _) = self
            .ready
            .wait_timeout_while(self.state(), wait, idle)
            .unwrap_or_else(PoisonError::into_inner);
        state.bytes = 0;
        state.has_gap = false;
        Wake {
            frames: std::mem::take(&mut state.frames),
            is_rotation_wanted: std::mem::take(&mut state.is_rotation_wanted),
            is_closed: state.is_closed,
        }
    }
}

/// Signs the tree; owns all that this needs.
#[derive(Debug)]
pub(crate) struct Notary {
    pub(crate) disk: Arc<dyn Disk>,
    pub(crate) layout: Layout,
    pub(crate) key: SigningKey,
    pub(crate) origin: String,
    pub(crate) signed: SignedState,
    pub(crate) epochs: Epochs,
    /// The end of an epoch that has no seal yet. No checkpoint is signed before it has one.
    pub(crate) unsealed: Option<Rotation>,
    pub(crate) integrator: Integrator,
    pub(crate) tiles: TileWriter,
}

impl Notary {
    /// Seals the epoch if one has ended, signs the tree as it is now and gives the note.
    pub(crate) fn sign(&mut self) -> Result<Arc<str>, CheckpointError> {
        self.seal()?;
        let (size, root) = (self.integrator.size(), self.integrator.root());
        self.tiles.flush()?;
        self.integrator.write_partials(&mut self.tiles)?;
        // A crash before this line: the old checkpoint stands. After it, this size can only
        // ever be signed with this root.
        self.commit_to(size, root, self.integrator.next_frame())?;
        let note = self.note(size, root, &[self.epochs.key()])?;
        self.disk
            .write_atomic(&self.layout.checkpoint(), note.as_bytes())?;
        Ok(Arc::from(note))
    }

    /// Seals the epoch that a rotation ended. After a crash this may come late: the tree has
    /// grown since, but the seal is over the rotation's own size and root all the same.
    pub(crate) fn seal(&mut self) -> Result<(), CheckpointError> {
        let Some(rotation) = &self.unsealed else {
            return Ok(());
        };
        if self.epochs.awaits(rotation)? {
            let Rotation {
                size, root, frames, ..
            } = *rotation;
            if self
                .signed
                .newest()
                .is_none_or(|newest| newest.size <= size)
            {
                self.commit_to(size, root, frames)?;
            }
            let note = self.note(size, root, &self.epochs.sealing_keys())?;
            self.epochs.advance(&note)?;
        }
        self.unsealed = None;
        Ok(())
    }

    /// Makes it durable that this size has this root, before any signature says so.
    fn commit_to(&mut self, size: u64, root: Hash, frames: u64) -> Result<(), CheckpointError> {
        if let Some(signed) = self.signed.newest() {
            if size < signed.size {
                return Err(CheckpointError::Shrinks {
                    size,
                    signed: signed.size,
                });
            }
            if size == signed.size && root != signed.root {
                return Err(CheckpointError::Fork {
                    size,
                    signed: signed.root,
                    computed: root,
                });
            }
        }
        Ok(self.signed.advance(size, root, frames)?)
    }

    fn note(
        &self,
        size: u64,
        root: Hash,
        epoch_keys: &[&SigningKey],
    ) -> Result<String, CheckpointError> {
        let keys: Vec<&SigningKey> = [&self.key]
            .into_iter()
            .chain(epoch_keys.iter().copied())
            .collect();
        Checkpoint::new(&self.origin, size, root)
            .map_err(|error| CheckpointError::Note(error.to_string()))?
            .sign(&keys)
            .map_err(|error| CheckpointError::Note(error.to_string()))
    }

    /// Takes in the entries of the next frame.
    pub(crate) fn take_frame(&mut self, entries: &[u8], count: u32) -> Result<(), IntegrateError> {
        self.integrator
            .take_frame(entries, count, &mut self.tiles)?;
        if let Some(rotation) = self.integrator.take_rotation() {
            self.unsealed = Some(rotation);
        }
        Ok(())
    }

    /// Moves the point from which the next opening reads. All that was written so far is made
    /// durable first, since opening will not look at it again.
    pub(crate) fn save_resume_point(&self) -> Result<(), DiskError> {
        self.disk.sync_tree(self.layout.dir())?;
        self.disk
            .write_atomic(&self.layout.resume_state(), &self.integrator.to_bytes())
    }
}

/// The checkpointer thread.
#[derive(Debug)]
pub(crate) struct Checkpointer {
    pub(crate) notary: Notary,
    pub(crate) shared: Arc<Shared>,
    pub(crate) queue: Arc<Queue>,
    pub(crate) handover: Arc<Handover>,
    pub(crate) interval: Duration,
    pub(crate) reserve_bytes: u64,
    /// Who seals what the resume point leaves behind.
    pub(crate) sealing: Arc<Sealing>,
    /// Frame bytes written when the resume point was last moved, and when that was.
    pub(crate) resumed_at_bytes: u64,
    pub(crate) resumed_at: Instant,
}

impl Checkpointer {
    /// The thread: ends when the sequencer has ended and everything is signed.
    pub(crate) fn run(mut self) {
        let _end = End {
            shared: Arc::clone(&self.shared),
            queue: Arc::clone(&self.queue),
        };
        self.follow();
    }

    fn follow(&mut self) {
        let mut last: Option<Instant> = None;
        loop {
            let wait = last.map_or(self.interval, |at| {
                self.interval.saturating_sub(at.elapsed())
            });
            let wake = self.handover.wait(wait);
            if let Err(reason) = self.catch_up(wake.frames) {
                self.queue.poison(&reason);
                return;
            }
            if wake.is_closed && self.queue.poisoned().is_some() {
                return;
            }
            let is_new = self.shared.stats.signed_size() < self.notary.integrator.size();
            let is_due = last.is_none_or(|at| self.interval <= at.elapsed());
            if is_due {
                self.watch_space();
            }
            if let Err(error) = self.turn_epoch(wake.is_rotation_wanted) {
                self.queue.poison(&error.to_string());
                return;
            }
            if is_new && (is_due || wake.is_closed) {
                match self.sign() {
                    Ok(()) => last = Some(Instant::now()),
                    Err(CheckpointError::Disk(error)) if error.is_full() => {
                        self.queue.set_full(Some((0, self.reserve_bytes)));
                        last = Some(Instant::now());
                    }
                    Err(error) => {
                        self.queue.poison(&error.to_string());
                        return;
                    }
                }
            } else if !is_new {
                match self.move_resume_point() {
                    Ok(()) => {}
                    // The old resume point stands; the next look tries again.
                    Err(error) if error.is_full() => {
                        self.queue.set_full(Some((0, self.reserve_bytes)));
                    }
                    Err(error) => {
                        self.queue.poison(&error.to_string());
                        return;
                    }
                }
                // Nothing to sign: sleep a whole interval, so that an idle ledger stays idle.
                last = last.filter(|at| at.elapsed() < self.interval);
            }
            if wake.is_closed {
                self.finish();
                return;
            }
        }
    }

    /// Brings the tree up to all that is durable, from the hand-over and from the segment.
    fn catch_up(&mut self, frames: VecDeque<Entries>) -> Result<(), String> {
        for frame in frames {
            self.read_back_to(frame.seq)?;
            if frame.seq == self.notary.integrator.next_frame() {
                self.take_frame(&frame.bytes, frame.count)?;
            }
        }
        let tail = self.shared.catalog.tail();
        self.read_back_to(tail.next_frame)
    }

    /// Reads frames from the segment up to the one with this sequence number.
    fn read_back_to(&mut self, seq: u64) -> Result<(), String> {
        while self.notary.integrator.next_frame() < seq {
            let index = self.notary.integrator.size();
            let frame = self
                .shared
                .catalog
                .stretch_of(index)
                .map_err(|e| e.to_string())?;
            let frame = frame.ok_or_else(|| format!("entry {index} cannot be read back"))?;
            if frame.frame_seq != Some(self.notary.integrator.next_frame()) {
                return Err(format!(
                    "entry {index} is not in the frame where it belongs"
                ));
            }
            self.take_frame(frame.entries(), frame.count)?;
        }
        Ok(())
    }

    fn take_frame(&mut self, entries: &[u8], count: u32) -> Result<(), String> {
        self.notary
            .take_frame(entries, count)
            .map_err(|error| match error {
                IntegrateError::Entries { index } => format!("entry {index} is no entry"),
                IntegrateError::Disk(error) => error.to_string(),
            })
    }

    /// Asks for the entry that ends the epoch, when its time has come. A full disk keeps the
    /// epoch running: its key stays in force until the next one is durable.
    fn turn_epoch(&mut self, now: bool) -> Result<(), DiskError> {
        match self.notary.epochs.request(now) {
            Ok(Some(request)) => self.queue.rotate(request),
            Ok(None) => {}
            Err(error) if error.is_full() => {}
            Err(error) => return Err(error),
        }
        Ok(())
    }

    fn sign(&mut self) -> Result<(), CheckpointError> {
        let note = self.notary.sign()?;
        let size = self.notary.integrator.size();
        self.shared.stats.set_epoch(self.notary.epochs.epoch());
        self.shared.publish(note, size);
        Ok(self.move_resume_point()?)
    }

    /// Moves the resume point behind the tree that was just signed, when enough was written since
    /// or a finished segment waits for it.
    fn move_resume_point(&mut self) -> Result<(), DiskError> {
        let bytes = self.shared.stats.bytes();
        let size = self.notary.integrator.size();
        let (_, finished) = self.shared.catalog.active();
        let is_old = SEAL_INTERVAL <= self.resumed_at.elapsed();
        if RESUME_WAL_BYTES <= bytes - self.resumed_at_bytes
            || self.sealing.wants_resume(size, finished, is_old)
        {
            self.notary.save_resume_point()?;
            self.resumed_at_bytes = bytes;
            self.resumed_at = Instant::now();
            self.sealing.resumed(size);
        }
        Ok(())
    }

    /// Refuses batches while the free space is below the reserve.
    fn watch_space(&self) {
        let Ok(free_bytes) = self.notary.disk.free_bytes(self.notary.layout.dir()) else {
            return;
        };
        let is_low = free_bytes < self.reserve_bytes;
        self.queue
            .set_full(is_low.then_some((free_bytes, self.reserve_bytes)));
    }

    /// A clean end: the next opening starts here. Failing changes nothing but its speed.
    fn finish(&mut self) {
        let is_signed = self.shared.stats.signed_size() == self.notary.integrator.size();
        if is_signed && self.queue.poisoned().is_none() {
            let _ = self.notary.save_resume_point();
        }
    }
}

/// Runs when the thread ends, however it ends.
struct End {
    shared: Arc<Shared>,
    queue: Arc<Queue>,
}

impl Drop for End {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.queue.poison("the checkpointer panicked");
        }
        self.shared.end_publishing();
    }
}
