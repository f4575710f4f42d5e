//! The write path: five hands from raw bytes to a durable entry, then the answer to the sender.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use enrich::Enricher;
use event::{Defect, DefectKind, Frame, FrameBatch, Listener, Redacted};
use intake::{Busy, Door, Occurrence, Receipt, Refusal, Reply};
use ledger::{AppendError, Appended, Appender, Refused};
use redact::Policy;

use crate::accounts::Accounts;
use crate::heads::Heads;
use crate::occurrences::{self, Notebook};
use crate::self_audit::SelfAudit;

/// How long a sender is told to wait when the queue is full: about what it takes to drain it.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// Stands for a record that could not be read.
const UNREADABLE: &[u8] = b"(Belfry could not read this record: please report it)";

/// The write path, shared by all doors.
pub(crate) struct Pipeline {
    queue: Queue,
    enricher: Enricher,
    policy: Arc<Policy>,
    appender: Appender,
    heads: Arc<Heads>,
    accounts: Arc<Accounts>,
    notebook: Notebook,
    own: SelfAudit,
}

impl std::fmt::Debug for Pipeline {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Pipeline")
    }
}

struct Job {
    batch: FrameBatch,
    reply: Reply,
}

impl Pipeline {
    pub(crate) fn new(
        queue_bytes_max: u64,
        enricher: Enricher,
        policy: Arc<Policy>,
        appender: Appender,
        heads: Arc<Heads>,
        accounts: Arc<Accounts>,
        own: SelfAudit,
    ) -> Arc<Self> {
        let queue = Queue::new(usize::try_from(queue_bytes_max).unwrap_or(usize::MAX));
        let notebook = Notebook::default();
        Arc::new(Self {
            queue,
            enricher,
            policy,
            appender,
            heads,
            accounts,
            notebook,
            own,
        })
    }

    /// Starts `count` workers; they end when [`Pipeline::close`] was called and the queue is empty.
    pub(crate) fn start(self: &Arc<Self>, count: usize) -> std::io::Result<Vec<JoinHandle<()>>> {
        let spawn = |at: usize| {
            let pipeline = Arc::clone(self);
            let work = move || {
                while let Some(job) = pipeline.queue.take() {
                    pipeline.carry(job);
                }
            };
            std::thread::Builder::new()
                .name(format!("pipeline-{at}"))
                .spawn(work)
        };
        (0..count).map(spawn).collect()
    }

    /// Takes no more; what waits is still carried through.
    pub(crate) fn close(&self) {
        self.queue.close();
    }

    /// Bytes that wait to be parsed.
    pub(crate) fn queued_bytes(&self) -> usize {
        self.queue.bytes()
    }

    /// One frame to its certified event. A record that makes our own code panic must neither end
    /// the process nor get lost: what can be said of it without its text is stored in its place.
    fn read(&self, frame: &Frame<'_>) -> (Redacted, Vec<Defect>) {
        let work = AssertUnwindSafe(|| {
            let mut parsed = parse::event(frame);
            self.enricher.apply(&mut parsed.event);
            (self.policy.apply(parsed.event), parsed.defects)
        });
        catch_unwind(work).unwrap_or_else(|_| {
            self.accounts.count("record_panicked", 1);
            let empty = Frame {
                bytes: UNREADABLE,
                ..*frame
            };
            let parsed = parse::event(&empty);
            (
                self.policy.apply(parsed.event),
                vec![DefectKind::Unreadable.into()],
            )
        })
    }

    /// Frames to events to redacted to entries, then the receipt.
    fn carry(&self, Job { batch, reply }: Job) {
        let mut redacted = Vec::with_capacity(batch.len());
        let mut defects: Vec<(usize, Vec<Defect>)> = Vec::new();
        let mut defective = 0;
        for (at, frame) in batch.frames().enumerate() {
            let (certified, found) = self.read(&frame);
            defective += u64::from(found.iter().any(is_unsound));
            if !found.is_empty() {
                defects.push((at, found));
            }
            redacted.push(certified);
        }
        let source = Arc::clone(&batch.origin.source);
        let received = redacted.len() as u64;
        let heads = Arc::clone(&self.heads);
        // An import tells the past of a source; it does not make it one that must keep talking.
        let is_live = batch.origin.listener != Listener::Ingest;
        let heard_at = batch.origin.observed_at.0;
        let reply = Answer::new(reply);
        let on_refusal = reply.clone();
        let (books, name) = (Arc::clone(&self.accounts), Arc::clone(&source));
        let done = move |appended: Result<Appended, AppendError>| {
            books.book(&name, |account| {
                account.received += received;
                account.defective += defective;
                if is_live {
                    account.heard_at = heard_at;
                }
                match appended {
                    Ok(_) => account.stored += received,
                    Err(_) => account.refused += received,
                }
            });
            reply.give(answer(appended, &heads, defects));
        };
        // A worker that waits here lets the queue before it fill up, and senders are told.
        if let Err(refused) = self.appender.submit_patiently(redacted, Box::new(done)) {
            self.accounts.refuse(&source, "ledger_refused", received);
            on_refusal.give(Err(refusal(&refused)));
        }
    }
}

/// Whether a defect means that the record could not be read as what it claims to be. A missing
/// year or zone is how many sources write, and a suspicion is about content, not form.
fn is_unsound(defect: &Defect) -> bool {
    !matches!(
        defect.kind,
        DefectKind::TimeUncertain | DefectKind::SuspectInjection | DefectKind::ReservedField
    )
}

/// A reply that is given once, by whoever learns the outcome.
#[derive(Clone)]
struct Answer(Arc<Mutex<Option<Reply>>>);

impl Answer {
    fn new(reply: Reply) -> Self {
        Self(Arc::new(Mutex::new(Some(reply))))
    }

    fn give(&self, outcome: Result<Receipt, Refusal>) {
        let reply = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(reply) = reply {
            reply(outcome);
        }
    }
}

fn answer(
    appended: Result<Appended, AppendError>,
    heads: &Heads,
    defects: Vec<(usize, Vec<Defect>)>,
) -> Result<Receipt, Refusal> {
    match appended {
        Ok(appended) => Ok(Receipt {
            first: Some(appended.first),
            count: appended.count,
            tree_size: appended.tree_size,
            checkpoint: heads.newest(),
            defects,
        }),
        Err(AppendError::DiskFull { .. }) => Err(Refusal::DiskFull),
        Err(AppendError::Refused(refused)) => Err(refusal(&refused)),
        Err(_) => Err(Refusal::Poisoned),
    }
}

fn refusal(refused: &Refused) -> Refusal {
    match refused {
        Refused::DiskFull { .. } => Refusal::DiskFull,
        Refused::Closed => Refusal::ShuttingDown,
        _ => Refusal::Poisoned,
    }
}

impl Door for Pipeline {
    fn submit(&self, batch: FrameBatch, reply: Reply) -> Result<(), Box<Busy>> {
        let put = self.queue.put(Job { batch, reply });
        put.map_err(|job| {
            let batch = job.batch;
            Box::new(Busy {
                retry_after: RETRY_AFTER,
                batch,
            })
        })
    }

    fn note(&self, occurrence: Occurrence) {
        let now = self.own.now();
        occurrences::note(&occurrence, &self.accounts, &self.notebook, &self.own, now);
    }
}

/// Batches that wait for a worker, bounded by their bytes.
struct Queue {
    bytes_max: usize,
    state: Mutex<Waiting>,
    changed: Condvar,
}

#[derive(Default)]
struct Waiting {
    jobs: VecDeque<Job>,
    bytes: usize,
    is_closed: bool,
}

impl Queue {
    fn new(bytes_max: usize) -> Self {
        Self {
            bytes_max,
            state: Mutex::default(),
            changed: Condvar::new(),
        }
    }

    /// Gives the job back when there is no room; a single job always fits into an empty queue.
    fn put(&self, job: Job) -> Result<(), Box<Job>> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let bytes = job.batch.bytes_len();
        let is_full = state.bytes > 0 && state.bytes + bytes > self.bytes_max;
        if is_full || state.is_closed {
            return Err(Box::new(job));
        }
        state.bytes += bytes;
        state.jobs.push_back(job);
        drop(state);
        self.changed.notify_one();
        Ok(())
    }

    fn take(&self) -> Option<Job> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if let Some(job) = state.jobs.pop_front() {
                state.bytes -= job.batch.bytes_len();
                return Some(job);
            }
            if state.is_closed {
                return None;
            }
            state = self
                .changed
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn close(&self) {
        self.state
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .is_closed = true;
        self.changed.notify_all();
    }

    fn bytes(&self) -> usize {
        self.state
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .bytes
    }
}
