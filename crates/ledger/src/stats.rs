//! Counters of a running ledger, read by whoever shows them.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Counters since opening. Each is exact; taken together they are of no single moment.
#[derive(Debug, Default)]
pub struct Stats {
    entries: AtomicU64,
    frames: AtomicU64,
    bytes: AtomicU64,
    write_nanos: AtomicU64,
    checkpoints: AtomicU64,
    refused: AtomicU64,
    signed_size: AtomicU64,
    epoch: AtomicU64,
    sealed: AtomicU64,
    seal_faults: AtomicU64,
}

impl Stats {
    /// Entries made durable.
    pub fn entries(&self) -> u64 {
        self.entries.load(Ordering::Relaxed)
    }

    /// Frames written: one durable write each.
    pub fn frames(&self) -> u64 {
        self.frames.load(Ordering::Relaxed)
    }

    /// Bytes of these frames, padding included.
    pub fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Time spent in durable writes.
    pub fn write_time(&self) -> Duration {
        Duration::from_nanos(self.write_nanos.load(Ordering::Relaxed))
    }

    /// Checkpoints signed.
    pub fn checkpoints(&self) -> u64 {
        self.checkpoints.load(Ordering::Relaxed)
    }

    /// Batches not taken into the queue.
    pub fn refused(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }

    /// Entries under the newest checkpoint.
    pub fn signed_size(&self) -> u64 {
        self.signed_size.load(Ordering::Relaxed)
    }

    /// Number of the epoch whose key signs now.
    pub fn epoch(&self) -> u64 {
        self.epoch.load(Ordering::Relaxed)
    }

    pub(crate) fn set_epoch(&self, epoch: u64) {
        self.epoch.store(epoch, Ordering::Relaxed);
    }

    /// Segments sealed.
    pub fn segments_sealed(&self) -> u64 {
        self.sealed.load(Ordering::Relaxed)
    }

    /// Whether sealing has stopped at something damaged: 0 or 1. Disk use then grows.
    pub fn seal_faults(&self) -> u64 {
        self.seal_faults.load(Ordering::Relaxed)
    }

    pub(crate) fn segment_sealed(&self) {
        self.sealed.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn sealing_failed(&self) {
        self.seal_faults.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn frame_written(&self, entries: u32, bytes: usize, time: Duration) {
        self.entries
            .fetch_add(u64::from(entries), Ordering::Relaxed);
        self.frames.fetch_add(1, Ordering::Relaxed);
        self.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
        let nanos = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        self.write_nanos.fetch_add(nanos, Ordering::Relaxed);
    }

    pub(crate) fn checkpoint_signed(&self, size: u64) {
        self.checkpoints.fetch_add(1, Ordering::Relaxed);
        self.signed_size.store(size, Ordering::Relaxed);
    }

    pub(crate) fn batch_refused(&self) {
        self.refused.fetch_add(1, Ordering::Relaxed);
    }
}
