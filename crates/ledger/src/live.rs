//! The newest entries in memory, shared by all followers at the head.
//!
//! A batch is one allocation that every follower borrows; the ring drops the oldest batches when
//! it holds too many bytes, and a follower who still needed them reads from disk. Nobody can make
//! the writer wait.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use event::{Entry, EntryBatch};

/// Ring of recent batches.
#[derive(Debug)]
pub(crate) struct Live {
    /// Held for pushing or picking one batch.
    state: Mutex<State>,
    grown: Condvar,
    bytes_max: usize,
}

#[derive(Debug)]
struct State {
    batches: VecDeque<(EntryBatch, usize)>,
    bytes: usize,
    next_index: u64,
    is_closed: bool,
}

/// What the ring has for a cursor.
#[derive(Debug)]
pub(crate) enum Pick {
    /// The batch that begins there.
    Batch(EntryBatch),
    /// It is not in memory (any more): read it from disk, up to this index.
    OnDisk { end: u64 },
    /// Nothing is there yet.
    Head,
    /// Nothing is there and nothing will come.
    Closed,
}

impl Live {
    pub(crate) fn new(next_index: u64, bytes_max: usize) -> Self {
        let state = State {
            batches: VecDeque::new(),
            bytes: 0,
            next_index,
            is_closed: false,
        };
        Self {
            state: Mutex::new(state),
            grown: Condvar::new(),
            bytes_max,
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Shows durable entries to everybody.
    pub(crate) fn push(&self, entries: Vec<Entry>) {
        let Some(last) = entries.last() else { return };
        let end = last.index().0 + 1;
        let bytes = entries.iter().map(Entry::bytes_len).sum();
        let batch = EntryBatch::from(entries);
        let mut dropped = Vec::new();
        let mut state = self.state();
        state.next_index = end;
        state.bytes += bytes;
        state.batches.push_back((batch, bytes));
        while self.bytes_max < state.bytes
            && let Some((oldest, bytes)) = state.batches.pop_front()
        {
            state.bytes -= bytes;
            dropped.push(oldest);
        }
        drop(state);
        self.grown.notify_all();
        // Freed here, outside the lock.
        drop(dropped);
    }

    /// Drops the entries below an index: what was removed from the disk must not live on here.
    pub(crate) fn forget(&self, end: u64) {
        let mut state = self.state();
        let begins_before = |(batch, _): &(EntryBatch, usize)| {
            batch.first().is_some_and(|first| first.index().0 < end)
        };
        while state.batches.front().is_some_and(begins_before) {
            let bytes = state.batches.pop_front().map_or(0, |(_, bytes)| bytes);
            state.bytes -= bytes;
        }
    }

    /// No more entries will come.
    pub(crate) fn close(&self) {
        self.state().is_closed = true;
        self.grown.notify_all();
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.state().is_closed
    }

    /// Looks up a cursor, waiting up to `wait` at the head.
    pub(crate) fn pick(&self, cursor: u64, wait: Duration) -> Pick {
        let state = self.state();
        let at_head = |state: &mut State| state.next_index <= cursor && !state.is_closed;
        let (state, _) = self
            .grown
            .wait_timeout_while(state, wait, at_head)
            .unwrap_or_else(PoisonError::into_inner);
        if state.next_index <= cursor {
            return if state.is_closed {
                Pick::Closed
            } else {
                Pick::Head
            };
        }
        let first_of = |batch: &(EntryBatch, usize)| batch.0.first().map_or(0, |e| e.index().0);
        let after = state
            .batches
            .partition_point(|batch| first_of(batch) <= cursor);
        let Some(at) = after.checked_sub(1) else {
            let end = state.batches.front().map_or(state.next_index, first_of);
            return Pick::OnDisk { end };
        };
        let batch = &state.batches[at];
        if first_of(batch) == cursor {
            return Pick::Batch(EntryBatch::clone(&batch.0));
        }
        Pick::OnDisk {
            end: state.batches.get(after).map_or(state.next_index, first_of),
        }
    }
}
