//! Every bound of the ledger, with its reason.

use std::time::Duration;

/// Largest stored body. Intake cuts raw records at 256 KiB; escaping can make six bytes of one,
/// and the raw text may be kept beside the parsed fields.
pub const BODY_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Payload at which a frame is closed and the next one begun: large enough to use the full
/// bandwidth of a disk, small enough that reading one entry reads no more than this.
pub const FRAME_PAYLOAD_BYTES_TARGET: usize = 4 * 1024 * 1024;

/// Largest payload a frame can have: one record more than the target. What claims more is not
/// a frame, so a damaged length never makes a reader allocate more than this.
pub const FRAME_PAYLOAD_BYTES_MAX: usize =
    FRAME_PAYLOAD_BYTES_TARGET + BODY_BYTES_MAX + 2 * tlog::limits::ENTRY_LEN_BYTES_MAX;

/// Smallest useful segment: the header page and one page of frame. Tests use such.
pub const SEGMENT_BYTES_MIN: u64 = 2 * disk::PAGE_BYTES as u64;

/// Largest segment: offsets inside one stay far below 32 bits, and one scan stays below a
/// second.
pub const SEGMENT_BYTES_MAX: u64 = 1024 * 1024 * 1024;

/// Entries of a sealed block: enough that compression finds what repeats, few enough that reading
/// one of them takes about a millisecond.
pub const SEALED_BLOCK_ENTRIES_MAX: usize = 4096;

/// Bytes of bodies at which a sealed block is closed and the next one begun, for the same reasons.
pub const SEALED_BLOCK_BODIES_BYTES_TARGET: usize = 1024 * 1024;

/// Largest bodies part of a sealed block: one body more than the target.
pub const SEALED_BLOCK_BODIES_BYTES_MAX: usize = SEALED_BLOCK_BODIES_BYTES_TARGET + BODY_BYTES_MAX;

/// Largest envelope part of a sealed block before compression: a kind, six numbers of at most ten
/// bytes and a commitment for each entry.
pub const SEALED_BLOCK_ENVELOPES_BYTES_MAX: usize = SEALED_BLOCK_ENTRIES_MAX * (1 + 6 * 10 + 32);

/// Finished segments that may wait to be sealed while senders are busy. Beyond this sealing no
/// longer gives way to them: the disk must not fill up with what could be a quarter of its size.
pub const SEAL_BACKLOG_SEGMENTS: u64 = 16;

/// Pause of the sealer after each block while senders are busy: it then takes about half of its
/// time for itself.
pub const SEAL_BREATH: Duration = Duration::from_millis(20);

/// Age at which a finished segment moves the resume point, so that it can be sealed: often enough
/// that a quiet ledger is sealed soon, seldom enough that a busy one does not sync all the time.
pub const SEAL_INTERVAL: Duration = Duration::from_secs(10);

/// Longest name of a source that is registered as it is; longer ones are cut by their first
/// bytes, because a name must fit an inline entry many times over.
pub const SOURCE_NAME_BYTES_MAX: usize = 1024;

/// Sources a ledger can number. Each costs memory in the writer for ever.
pub const SOURCES_MAX: u32 = 1_000_000;

/// Bytes of committed frames waiting for the checkpointer. Beyond this it reads them back from
/// the segment instead, so that the sequencer neither waits nor hoards.
pub const HANDOVER_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Bytes of frames after which the resume point is moved, so that opening after a crash reads
/// no more than this twice over: below a second on the slowest disk we care for.
pub const RESUME_WAL_BYTES: u64 = 256 * 1024 * 1024;

/// Bytes that a follower who is behind reads at once.
pub const FOLLOW_READ_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Frame tables of finished segments kept in memory by a reader.
pub const SEGMENT_TABLES_MAX: usize = 16;

/// Seals in one file: opening reads the last file only, some megabytes.
pub const SEALS_PER_FILE: u64 = 8192;

/// Longest seal: a note with few signature lines.
pub const SEAL_BYTES_MAX: usize = 16 * 1024;

/// Longest file of seals.
pub const SEALS_FILE_BYTES_MAX: u64 = SEALS_PER_FILE * (SEAL_BYTES_MAX as u64 + 16);

/// Pause before a rotation that met a full disk is asked for again.
pub const EPOCH_RETRY: std::time::Duration = std::time::Duration::from_secs(5);

/// Shortest epoch: each one costs an entry, a seal and three durable writes.
pub const EPOCH_MIN: std::time::Duration = std::time::Duration::from_secs(1);

/// Findings that a verification lists; the count goes on.
pub const FINDINGS_MAX: usize = 1000;

/// Longest identity or key file.
pub const TEXT_FILE_BYTES_MAX: u64 = 64 * 1024;

/// Largest `resume.state`: all sources with long names, and the unfinished tiles.
pub const RESUME_BYTES_MAX: u64 = 2 * 1024 * 1024 * 1024;

const _: () = assert!(FRAME_PAYLOAD_BYTES_MAX as u64 * 4 < SEGMENT_BYTES_MAX);
const _: () = assert!(SOURCE_NAME_BYTES_MAX * 16 < tlog::limits::ENTRY_LEN_BYTES_MAX);
const _: () = assert!(FRAME_PAYLOAD_BYTES_MAX < u32::MAX as usize);
