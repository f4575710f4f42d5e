//! The seam through which time enters: everything under the pipeline takes a [`Clock`], so that a
//! test or a simulation decides what time it is.

use std::fmt;
use std::sync::atomic::{AtomicI64, Ordering};

/// Wall-clock time in nanoseconds since 1970-01-01T00:00:00Z. May jump in both directions.
pub trait Clock: Send + Sync + fmt::Debug {
    /// Now, in nanoseconds since the Unix epoch.
    fn unix_nanos(&self) -> i64;
}

/// A clock that stands still until it is told to move.
#[derive(Debug)]
pub struct FakeClock {
    nanos: AtomicI64,
}

impl FakeClock {
    /// A clock that shows `nanos` since the Unix epoch.
    pub fn at(nanos: i64) -> Self {
        Self {
            nanos: AtomicI64::new(nanos),
        }
    }

    /// Moves the clock by `nanos`, backwards when negative.
    pub fn advance(&self, nanos: i64) {
        self.nanos.fetch_add(nanos, Ordering::SeqCst);
    }

    /// Sets the clock to `nanos` since the Unix epoch.
    pub fn set(&self, nanos: i64) {
        self.nanos.store(nanos, Ordering::SeqCst);
    }
}

impl Clock for FakeClock {
    fn unix_nanos(&self) -> i64 {
        self.nanos.load(Ordering::SeqCst)
    }
}
