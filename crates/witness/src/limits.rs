//! Every bound of this crate, with its reason.

use std::time::Duration;

/// Requests that a witness reads at the same time; more wait in their connections.
pub const REQUESTS_AT_ONCE_MAX: usize = 32;

/// Time for the body of a request: a few kilobytes, also over a slow line.
pub const BODY_TIME_MAX: Duration = Duration::from_secs(10);

/// Cosignatures that a log may ask for in one go, before [`COSIGN_PAUSE`] counts: a start, and
/// catching up after it.
pub const COSIGN_BURST: u32 = 30;

/// Pause between two cosignatures of one log in the long run. Each costs a durable write; a log
/// that asks more often is told to come back.
pub const COSIGN_PAUSE: Duration = Duration::from_millis(500);

/// What a witness that is asked too often says about coming back.
pub const RETRY_AFTER_S: u64 = 1;

/// Conflicts of one log that are kept as evidence. One is enough to show a fork; the others help
/// to understand it. Beyond this they are counted in the alarm only.
pub const CONFLICTS_KEPT_MAX: usize = 64;

/// Logs that one witness watches.
pub const LOGS_MAX: usize = 10_000;

/// Bytes of a stored checkpoint: a note with sixteen lines of the largest known kind.
pub const NOTE_FILE_BYTES_MAX: u64 = 64 * 1024;

/// Bytes of a key file.
pub const KEY_FILE_BYTES_MAX: u64 = 4096;

/// Bytes of an answer that the client of a witness reads.
pub const ANSWER_BYTES_MAX: u64 = 64 * 1024;

/// Bytes of the headers of such an answer.
pub const ANSWER_HEADER_BYTES_MAX: usize = 16 * 1024;

/// Characters of a foreign error text that we repeat.
pub const REPEATED_CHARS_MAX: usize = 200;

/// Longest pause that a witness may ask for and get.
pub const RETRY_AFTER_MAX: Duration = Duration::from_mins(10);

const _: () = assert!(tlog::limits::COSIGNATURES_LEN_BYTES_MAX as u64 <= ANSWER_BYTES_MAX);
const _: () = assert!(tlog::limits::ADD_CHECKPOINT_LEN_BYTES_MAX as u64 <= NOTE_FILE_BYTES_MAX);
