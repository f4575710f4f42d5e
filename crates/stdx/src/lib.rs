//! What the standard library lacks, for every other crate: a clock that can be replaced, calendar
//! arithmetic for timestamps, human units for sizes and durations, and a wrapper for secrets.
//!
//! Deliberately absent: events, files, sockets, threads. The real clock lives in the binary.
//!
//! - [`Clock`] and [`FakeClock`]: where time comes from.
//! - [`calendar`]: nanoseconds since 1970 to RFC 3339 text and back.
//! - [`units`]: `64MiB`, `200ms`.
//! - [`Secret`]: a value that no formatter prints.

mod clock;
mod secret;

pub mod calendar;
pub mod units;

pub use clock::{Clock, FakeClock};
pub use secret::Secret;
