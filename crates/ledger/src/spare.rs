//! The next segment, made ahead on a thread of its own.
//!
//! Its space is reserved and, when there is time, written with zeros: then a durable write into
//! it changes no metadata, which makes it several times faster on most file systems.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use disk::{AlignedBuffer, Disk, DiskError, DiskFile};

use crate::layout::Layout;

/// Bytes written at once when zeroing, so that closing need not wait long.
const ZERO_BYTES: usize = 1024 * 1024;

/// The spare segment and the wish for it.
#[derive(Debug)]
pub(crate) struct Spare {
    disk: Arc<dyn Disk>,
    layout: Layout,
    len: u64,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug)]
enum State {
    Idle,
    Wanted { zeroed: bool },
    Making,
    Ready,
    Failed(DiskError),
    Closed,
}

impl Spare {
    pub(crate) fn new(disk: Arc<dyn Disk>, layout: Layout, len: u64) -> Self {
        Self {
            disk,
            layout,
            len,
            state: Mutex::new(State::Idle),
            changed: Condvar::new(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks for a spare if there is none. With `zeroed` it may take its time.
    pub(crate) fn want(&self, zeroed: bool) {
        let mut state = self.state();
        if matches!(*state, State::Idle) {
            *state = State::Wanted { zeroed };
            self.changed.notify_all();
        }
    }

    /// Waits for the spare of at least `len` bytes, ready to be renamed, and gives its length.
    pub(crate) fn take(&self, len: u64) -> Result<u64, DiskError> {
        self.want(false);
        let pending = |state: &mut State| matches!(state, State::Wanted { .. } | State::Making);
        let mut state = self
            .changed
            .wait_while(self.state(), pending)
            .unwrap_or_else(PoisonError::into_inner);
        match std::mem::replace(&mut *state, State::Idle) {
            State::Failed(error) => return Err(error),
            State::Closed => *state = State::Closed,
            _ => {}
        }
        drop(state);
        if self.len < len || self.disk.stat(&self.layout.spare())?.is_none() {
            let len = self.len.max(len);
            make(&*self.disk, &self.layout, len)?;
            return Ok(len);
        }
        Ok(self.len)
    }

    /// The thread: makes a spare whenever one is wanted.
    pub(crate) fn run(&self) {
        loop {
            let waits = |state: &mut State| !matches!(state, State::Wanted { .. } | State::Closed);
            let mut state = self
                .changed
                .wait_while(self.state(), waits)
                .unwrap_or_else(PoisonError::into_inner);
            let State::Wanted { zeroed } = *state else {
                return;
            };
            *state = State::Making;
            drop(state);
            let outcome = make(&*self.disk, &self.layout, self.len)
                .and_then(|file| if zeroed { self.zero(&*file) } else { Ok(()) });
            let mut state = self.state();
            if matches!(*state, State::Making) {
                *state = outcome.map_or_else(State::Failed, |()| State::Ready);
            }
            self.changed.notify_all();
        }
    }

    fn zero(&self, file: &dyn DiskFile) -> Result<(), DiskError> {
        let mut zeros = AlignedBuffer::with_capacity(ZERO_BYTES);
        zeros.resize(ZERO_BYTES);
        let mut offset = 0;
        while offset < self.len {
            if matches!(*self.state(), State::Closed) {
                return Ok(());
            }
            let len = usize::try_from(self.len - offset).map_or(ZERO_BYTES, |n| n.min(ZERO_BYTES));
            file.write_all_at(&zeros.as_slice()[..len], offset)?;
            offset += len as u64;
        }
        file.sync_data()
    }

    /// Takes a wiped segment of this length as the spare, unless there is one or one is being
    /// made. False when it was not taken.
    pub(crate) fn adopt(&self, len: u64) -> Result<bool, DiskError> {
        let mut state = self.state();
        let is_free = matches!(*state, State::Idle);
        if !is_free || len != self.len || self.disk.stat(&self.layout.spare())?.is_some() {
            return Ok(false);
        }
        self.disk
            .rename(&self.layout.retired(), &self.layout.spare())?;
        *state = State::Ready;
        drop(state);
        self.changed.notify_all();
        Ok(true)
    }

    pub(crate) fn close(&self) {
        *self.state() = State::Closed;
        self.changed.notify_all();
    }
}

/// Makes the file with its space reserved. A spare left by an earlier run is made again, since
/// nobody knows how far it came.
pub(crate) fn make(
    disk: &dyn Disk,
    layout: &Layout,
    len: u64,
) -> Result<Box<dyn DiskFile>, DiskError> {
    let path = layout.spare();
    match disk.remove(&path) {
        Err(error) if !error.is_not_found() => return Err(error),
        _ => {}
    }
    let file = disk.create_new(&path)?;
    file.allocate(len)?;
    file.sync_data()?;
    Ok(file)
}
