//! Shared allowances: memory of all bodies, and requests of one source at a time.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// Bytes that all holders together may use.
#[derive(Debug)]
pub(crate) struct Budget {
    used: AtomicUsize,
    bytes_max: usize,
}

impl Budget {
    pub(crate) fn new(bytes_max: usize) -> Arc<Self> {
        Arc::new(Self {
            used: AtomicUsize::new(0),
            bytes_max,
        })
    }

    /// A share of nothing yet.
    pub(crate) fn share(self: &Arc<Self>) -> Share {
        Share {
            budget: Arc::clone(self),
            bytes: 0,
        }
    }
}

/// What one holder uses; given back when dropped.
#[derive(Debug)]
pub(crate) struct Share {
    budget: Arc<Budget>,
    bytes: usize,
}

impl Share {
    /// Takes `bytes` more, or nothing and false when they are not there.
    #[must_use]
    pub(crate) fn grow(&mut self, bytes: usize) -> bool {
        let bytes_max = self.budget.bytes_max;
        let taken = self
            .budget
            .used
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |used| {
                used.checked_add(bytes).filter(|sum| *sum <= bytes_max)
            });
        if taken.is_ok() {
            self.bytes += bytes;
        }
        taken.is_ok()
    }
}

impl Share {
    /// Moves everything taken so far into a share of its own and leaves nothing.
    pub(crate) fn split_off(&mut self) -> Self {
        Self {
            budget: Arc::clone(&self.budget),
            bytes: std::mem::take(&mut self.bytes),
        }
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.budget.used.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

/// Requests in progress, by source.
#[derive(Debug)]
pub(crate) struct Seats {
    // Held for one look-up only, never across an await.
    taken: Mutex<HashMap<Arc<str>, usize>>,
    per_source_max: usize,
}

impl Seats {
    pub(crate) fn new(per_source_max: usize) -> Arc<Self> {
        Arc::new(Self {
            taken: Mutex::default(),
            per_source_max,
        })
    }

    /// A seat for one request of `source`, `None` when all of its seats are taken.
    pub(crate) fn take(self: &Arc<Self>, source: &Arc<str>) -> Option<Seat> {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let count = taken.entry(Arc::clone(source)).or_insert(0);
        if *count == self.per_source_max {
            return None;
        }
        *count += 1;
        Some(Seat {
            seats: Arc::clone(self),
            source: Arc::clone(source),
        })
    }
}

/// One request in progress.
#[derive(Debug)]
pub(crate) struct Seat {
    seats: Arc<Seats>,
    source: Arc<str>,
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut taken = self
            .seats
            .taken
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = taken.get_mut(&self.source) {
            *count -= 1;
            if *count == 0 {
                taken.remove(&self.source);
            }
        }
    }
}
