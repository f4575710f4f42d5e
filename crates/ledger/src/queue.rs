//! Batches on their way to the sequencer: prepared by the sender's thread, bounded in bytes.
//!
//! Salts and commitments are made before a batch is queued, on the thread that brings it, so
//! that hashing uses as many cores as there are senders and the one sequencer only copies.

use std::fmt;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, mpsc};

use event::{Index, Redacted, TreeSize};

use crate::epoch::Request;
use crate::error::{AppendError, Refused};
use crate::leaf::{RECORD_BYTES, SALT_BYTES, commitment, push_event_template};
use crate::limits::{BODY_BYTES_MAX, SOURCE_NAME_BYTES_MAX};

/// What a sender is told when its batch is durable and visible.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Appended {
    /// Index of the first event of the batch; the others follow without gap.
    pub first: Index,
    /// Events of the batch.
    pub count: u64,
    /// Entries of the ledger with this batch in it.
    pub tree_size: TreeSize,
}

/// Told once about the outcome, on the sequencer's thread: it must be quick.
pub(crate) type Done = Box<dyn FnOnce(Result<Appended, AppendError>) + Send>;

/// A batch with everything computed that does not depend on its place in the ledger.
pub(crate) struct Prepared {
    pub(crate) events: Vec<Redacted>,
    /// One template record of [`RECORD_BYTES`] for each event.
    pub(crate) records: Vec<u8>,
    /// Salt and body of each event.
    pub(crate) bodies: Vec<u8>,
    /// Neighbouring events of one source, with their number.
    pub(crate) runs: Vec<(String, usize)>,
}

impl Prepared {
    pub(crate) fn new(events: Vec<Redacted>) -> Result<Self, Refused> {
        let mut salts = vec![0; events.len() * SALT_BYTES];
        getrandom::fill(&mut salts).map_err(|_| Refused::Random)?;
        let body_bytes: usize = events.iter().map(|event| event.body().len()).sum();
        let mut records = Vec::with_capacity(events.len() * RECORD_BYTES);
        let mut bodies = Vec::with_capacity(salts.len() + body_bytes);
        let mut runs: Vec<(String, usize)> = Vec::new();
        let (salts, _) = salts.as_chunks::<SALT_BYTES>();
        for (position, (event, salt)) in events.iter().zip(salts).enumerate() {
            let body = event.body().as_bytes();
            let too_long = Refused::BodyTooLong {
                position,
                bytes: body.len(),
                bytes_max: BODY_BYTES_MAX,
            };
            if BODY_BYTES_MAX < body.len() {
                return Err(too_long);
            }
            let start = bodies.len();
            bodies.extend_from_slice(salt);
            bodies.extend_from_slice(body);
            let body_len = u32::try_from(body.len()).map_err(|_| too_long)?;
            push_event_template(&mut records, body_len, &commitment(&bodies[start..]));
            let source = source_name(event.source());
            match runs.last_mut() {
                Some((last, count)) if last == source => *count += 1,
                _ => runs.push((source.to_owned(), 1)),
            }
        }
        Ok(Self {
            events,
            records,
            bodies,
            runs,
        })
    }

    pub(crate) fn len(&self) -> usize {
        self.events.len()
    }

    fn bytes_len(&self) -> usize {
        let events: usize = self.events.iter().map(Redacted::bytes_len).sum();
        self.records.len() + self.bodies.len() + events
    }
}

/// A source name as it is registered: never empty, never too long.
fn source_name(name: &str) -> &str {
    if name.is_empty() {
        return "unnamed";
    }
    &name[..name.floor_char_boundary(SOURCE_NAME_BYTES_MAX)]
}

/// A batch in the hands of the sequencer.
pub(crate) struct Job {
    pub(crate) prepared: Prepared,
    pub(crate) done: Done,
    pub(crate) bytes: usize,
}

impl fmt::Debug for Job {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Job")
            .field("events", &self.prepared.len())
            .finish_non_exhaustive()
    }
}

/// The queue between senders and the sequencer.
#[derive(Debug)]
pub(crate) struct Queue {
    state: Mutex<State>,
    /// Rung when a batch was queued or the end has come: the sequencer waits here.
    ready: Condvar,
    /// Rung when a job gave back its bytes or the end has come: patient senders wait here.
    room: Condvar,
    bytes_max: usize,
}

#[derive(Debug, Default)]
struct State {
    jobs: Vec<Job>,
    /// Bytes of queued jobs and of those the sequencer works on.
    bytes: usize,
    /// Free bytes and reserve, while the disk is too full.
    full: Option<(u64, u64)>,
    poisoned: Option<Arc<str>>,
    /// The end of an epoch, to be written after the batches that wait.
    rotation: Option<Request>,
    is_closed: bool,
    /// Who waits for the segment in use to be ended.
    enders: Vec<Ender>,
}

/// Told the number of the first segment and the first index after the ended one.
pub(crate) type Ender = mpsc::SyncSender<(u64, u64)>;

/// What the sequencer has to do next.
#[derive(Debug)]
pub(crate) struct Taken {
    pub(crate) jobs: Vec<Job>,
    pub(crate) rotation: Option<Request>,
    pub(crate) enders: Vec<Ender>,
}

impl State {
    fn refusal(&self) -> Option<Refused> {
        if let Some(reason) = &self.poisoned {
            return Some(Refused::Poisoned {
                reason: Arc::clone(reason),
            });
        }
        if self.is_closed {
            return Some(Refused::Closed);
        }
        let (free_bytes, reserve_bytes) = self.full?;
        Some(Refused::DiskFull {
            free_bytes,
            reserve_bytes,
        })
    }
}

impl Queue {
    pub(crate) fn new(bytes_max: usize) -> Self {
        Self {
            state: Mutex::default(),
            ready: Condvar::new(),
            room: Condvar::new(),
            bytes_max,
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Refuses early, before the work of preparing a batch.
    pub(crate) fn check(&self) -> Result<(), Refused> {
        let state = self.state();
        match state.refusal() {
            Some(refused) => Err(refused),
            None if self.bytes_max <= state.bytes => Err(self.busy(&state)),
            None => Ok(()),
        }
    }

    fn busy(&self, state: &State) -> Refused {
        Refused::Busy {
            queued_bytes: state.bytes,
            queue_bytes_max: self.bytes_max,
        }
    }

    /// Queues a batch. One that alone is larger than the limit is taken when nothing waits,
    /// since it would never fit otherwise.
    pub(crate) fn push(&self, prepared: Prepared, done: Done) -> Result<(), Refused> {
        let bytes = prepared.bytes_len();
        let state = self.state();
        if let Some(refused) = state.refusal() {
            return Err(refused);
        }
        if self.lacks_room(&state, bytes) {
            return Err(self.busy(&state));
        }
        self.add(state, prepared, done, bytes);
        Ok(())
    }

    /// As [`Queue::push`], but waits for room instead of refusing for the lack of it.
    pub(crate) fn push_patiently(&self, prepared: Prepared, done: Done) -> Result<(), Refused> {
        let bytes = prepared.bytes_len();
        let waits = |state: &mut State| state.refusal().is_none() && self.lacks_room(state, bytes);
        let state = self.room.wait_while(self.state(), waits);
        let state = state.unwrap_or_else(PoisonError::into_inner);
        if let Some(refused) = state.refusal() {
            return Err(refused);
        }
        self.add(state, prepared, done, bytes);
        Ok(())
    }

    fn lacks_room(&self, state: &State, bytes: usize) -> bool {
        0 < state.bytes && self.bytes_max < state.bytes + bytes
    }

    fn add(&self, mut state: MutexGuard<'_, State>, prepared: Prepared, done: Done, bytes: usize) {
        state.bytes += bytes;
        state.jobs.push(Job {
            prepared,
            done,
            bytes,
        });
        drop(state);
        self.ready.notify_one();
    }

    /// Asks for the entry that ends an epoch. Once the queue is closed no more is written.
    pub(crate) fn rotate(&self, request: Request) {
        let mut state = self.state();
        if state.is_closed {
            return;
        }
        state.rotation = Some(request);
        drop(state);
        self.ready.notify_one();
    }

    /// Everything that waits, as soon as something does; `None` when closed and empty.
    pub(crate) fn take(&self) -> Option<Taken> {
        let is_idle = |state: &State| {
            state.jobs.is_empty() && state.rotation.is_none() && state.enders.is_empty()
        };
        let waits = |state: &mut State| is_idle(state) && !state.is_closed;
        let mut state = self
            .ready
            .wait_while(self.state(), waits)
            .unwrap_or_else(PoisonError::into_inner);
        if is_idle(&state) {
            return None;
        }
        Some(Taken {
            jobs: std::mem::take(&mut state.jobs),
            rotation: state.rotation.take(),
            enders: std::mem::take(&mut state.enders),
        })
    }

    /// Has the segment in use ended, if it holds anything. Gives the number of the first segment
    /// and the first index after what is finished then.
    pub(crate) fn end_segment(&self) -> Result<(u64, u64), Arc<str>> {
        let (sender, ended) = mpsc::sync_channel(1);
        {
            let mut state = self.state();
            if let Some(reason) = &state.poisoned {
                return Err(Arc::clone(reason));
            }
            if state.is_closed {
                return Err(Arc::from("the ledger is closed"));
            }
            state.enders.push(sender);
        }
        self.ready.notify_one();
        let gone = || {
            let reason = self.poisoned();
            reason.unwrap_or_else(|| Arc::from("no new segment could be begun"))
        };
        ended.recv().map_err(|_| gone())
    }

    /// Gives back the room of a finished job.
    pub(crate) fn release(&self, bytes: usize) {
        self.state().bytes -= bytes;
        self.room.notify_all();
    }

    /// Bytes waiting or in work.
    pub(crate) fn bytes(&self) -> usize {
        self.state().bytes
    }

    /// Refuses batches while the disk is too full.
    pub(crate) fn set_full(&self, full: Option<(u64, u64)>) {
        self.state().full = full;
        self.room.notify_all();
    }

    /// No more batches; what waits is still written.
    pub(crate) fn close(&self) {
        self.state().is_closed = true;
        self.ready.notify_all();
        self.room.notify_all();
    }

    /// Ends the ledger: all that waits and all that comes fails with the first reason.
    pub(crate) fn poison(&self, reason: &str) {
        let mut state = self.state();
        let reason = Arc::clone(state.poisoned.get_or_insert_with(|| Arc::from(reason)));
        state.is_closed = true;
        let jobs = std::mem::take(&mut state.jobs);
        state.enders.clear();
        drop(state);
        self.ready.notify_all();
        self.room.notify_all();
        for job in jobs {
            (job.done)(Err(AppendError::Poisoned {
                reason: Arc::clone(&reason),
            }));
        }
    }

    pub(crate) fn poisoned(&self) -> Option<Arc<str>> {
        self.state().poisoned.clone()
    }
}
