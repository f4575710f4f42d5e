//! The writing end that senders hold.

use std::sync::{Arc, mpsc};

use event::Redacted;

use crate::error::{AppendError, Refused};
use crate::queue::{Appended, Done, Prepared, Queue};
use crate::stats::Stats;

/// Appends batches of redacted events. Cheap to clone; every thread may have its own.
#[derive(Clone, Debug)]
pub struct Appender {
    queue: Arc<Queue>,
    stats: Arc<Stats>,
}

impl Appender {
    pub(crate) fn new(queue: Arc<Queue>, stats: Arc<Stats>) -> Self {
        Self { queue, stats }
    }

    /// Queues a batch. `done` is called exactly once if this returns `Ok`: after the batch is
    /// durable and visible to readers, or when it failed. It runs on the sequencer's thread.
    pub fn submit(
        &self,
        batch: Vec<Redacted>,
        done: Box<dyn FnOnce(Result<Appended, AppendError>) + Send>,
    ) -> Result<(), Refused> {
        self.take_in(batch, done)
            .inspect_err(|_| self.stats.batch_refused())
    }

    fn take_in(&self, batch: Vec<Redacted>, done: Done) -> Result<(), Refused> {
        self.queue.check()?;
        self.queue.push(Prepared::new(batch)?, done)
    }

    /// As [`Appender::submit`], but waits for room in the queue, so that it is never refused as
    /// busy: for senders whose own waiting is what holds back those behind them.
    pub fn submit_patiently(
        &self,
        batch: Vec<Redacted>,
        done: Box<dyn FnOnce(Result<Appended, AppendError>) + Send>,
    ) -> Result<(), Refused> {
        let taken = Prepared::new(batch).and_then(|p| self.queue.push_patiently(p, done));
        taken.inspect_err(|_| self.stats.batch_refused())
    }

    /// Appends a batch and waits, for room in the queue first, until it is durable and visible.
    pub fn append(&self, batch: Vec<Redacted>) -> Result<Appended, AppendError> {
        let (sender, outcome) = mpsc::sync_channel(1);
        self.submit_patiently(
            batch,
            Box::new(move |outcome| {
                // Nobody waits any more only if the waiting thread is gone.
                let _ = sender.send(outcome);
            }),
        )?;
        outcome.recv().unwrap_or_else(|_| {
            let reason = self
                .queue
                .poisoned()
                .unwrap_or_else(|| Arc::from("the writer is gone"));
            Err(AppendError::Poisoned { reason })
        })
    }

    /// Bytes of batches waiting or being written.
    pub fn queued_bytes(&self) -> usize {
        self.queue.bytes()
    }
}
