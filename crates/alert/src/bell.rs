//! Wakes sleeping couriers: rung when the outbox has news and when the process ends.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Shared by the thread that applies entries and the threads that deliver.
#[derive(Debug, Default)]
pub struct Bell {
    /// Held for a comparison only, never while anything is delivered.
    rung: Mutex<Rung>,
    wake: Condvar,
}

#[derive(Clone, Copy, Debug, Default)]
struct Rung {
    times: u64,
    stopped: bool,
}

impl Bell {
    /// A silent bell.
    pub fn new() -> Self {
        Self::default()
    }

    /// Tells all couriers that there may be work.
    pub fn ring(&self) {
        self.lock().times += 1;
        self.wake.notify_all();
    }

    /// Tells all couriers to end after the message in hand.
    pub fn stop(&self) {
        self.lock().stopped = true;
        self.wake.notify_all();
    }

    /// Whether [`Bell::stop`] was called.
    pub fn is_stopped(&self) -> bool {
        self.lock().stopped
    }

    /// How often it was rung: read before looking for work, given to [`Bell::wait`] after, so
    /// that no ring is lost between the two.
    pub fn times(&self) -> u64 {
        self.lock().times
    }

    /// Sleeps until it was rung more than `heard` times, stopped, or `timeout` is over.
    pub fn wait(&self, heard: u64, timeout: Duration) {
        let asleep = |rung: &mut Rung| rung.times <= heard && !rung.stopped;
        drop(self.wake.wait_timeout_while(self.lock(), timeout, asleep));
    }

    /// A panic elsewhere cannot leave two numbers half written.
    fn lock(&self) -> MutexGuard<'_, Rung> {
        self.rung.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
