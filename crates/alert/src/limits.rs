//! Named limits of alerts and their delivery.

use std::time::Duration;

/// Bytes of one value copied from the triggering entry into an alert. Enough for any name, address
/// or path; the entry itself keeps the rest.
pub const COPIED_VALUE_BYTES_MAX: usize = 1024;
/// Bytes of a checkpoint that travels with an alert: a note with the signatures of dozens of
/// witnesses.
pub const CHECKPOINT_BYTES_MAX: usize = 16 * 1024;
/// Members of one list copied into an alert (roles, false positives, tags).
pub const COPIED_ITEMS_MAX: usize = 32;
/// Evidence indices that an alert keeps: the oldest half and the newest half of what it saw.
pub const EVIDENCE_MAX: usize = 64;
/// Bytes of a note that a person adds to a change.
pub const NOTE_BYTES_MAX: usize = 4096;
/// Bytes of an actor's name.
pub const ACTOR_BYTES_MAX: usize = 256;
/// Alerts that one question to the desk may return.
pub const LIST_MAX: usize = 10_000;
/// Fewest hex digits of an id that [`crate::Desk::show`] takes as a prefix.
pub const ID_PREFIX_DIGITS_MIN: usize = 2;

/// How much an ongoing detection must grow before it is worth another entry: twice the count.
pub const GROWTH_FACTOR: u64 = 2;
/// Or, if it merely goes on, how long the last entry about it must be past.
pub const GROWTH_QUIET_MAX: Duration = Duration::from_mins(5);

/// Messages that one sink gets from one rule in one hour; one summary says that more came
/// (reference: alert hygiene of OWASP A09:2025).
pub const RULE_HOURLY_MAX: u32 = 20;
/// Messages that one [`crate::Courier::step`] delivers before it looks at its stop sign.
pub const STEP_DELIVERIES_MAX: usize = 64;
/// How long a courier with nothing to do waits for its bell.
pub const IDLE_WAIT_MAX: Duration = Duration::from_secs(30);
/// How long a courier rests after its store could not be read.
pub const STORE_FAULT_WAIT: Duration = Duration::from_secs(1);
/// Bytes of a webhook's reply that are read; the rest is not waited for.
pub const REPLY_BYTES_MAX: u64 = 16 * 1024;
/// Bytes of the headers of a webhook's reply.
pub const REPLY_HEADER_BYTES_MAX: usize = 16 * 1024;
/// Longest wait that a receiver may ask for with `Retry-After`.
pub const RETRY_AFTER_MAX: Duration = Duration::from_hours(1);
/// Bytes of a file with certificate authorities.
pub const CA_FILE_BYTES_MAX: u64 = 1024 * 1024;
/// Bytes of a webhook secret, shortest and longest (Standard Webhooks 1.0, symmetric keys).
pub const SECRET_BYTES_MIN: usize = 24;
/// See [`SECRET_BYTES_MIN`].
pub const SECRET_BYTES_MAX: usize = 64;
/// How long SQLite waits for another connection's write.
pub const STORE_BUSY_MAX: Duration = Duration::from_secs(10);

const _: () = assert!(COPIED_VALUE_BYTES_MAX <= event::limits::VALUE_BYTES_MAX);
const _: () = assert!(CHECKPOINT_BYTES_MAX <= event::limits::VALUE_BYTES_MAX);
const _: () = assert!(NOTE_BYTES_MAX <= event::limits::VALUE_BYTES_MAX);
const _: () = assert!(EVIDENCE_MAX + 4 * COPIED_ITEMS_MAX + 64 <= event::limits::FIELDS_MAX);
const _: () = assert!(SECRET_BYTES_MIN <= SECRET_BYTES_MAX);
