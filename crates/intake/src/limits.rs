//! Named limits of everything that comes in, each with its reason. Configuration may lower most of
//! them; what is derived here keeps the worst case of the whole crate well under 300 MB.

use std::time::Duration;

use event::limits::FRAME_BYTES_MAX;

/// Bytes of one HTTP body as sent. Senders that batch stay far below; a larger body is split.
pub const BODY_SENT_BYTES_MAX: usize = 8 * 1024 * 1024;
/// Bytes of one HTTP body after decompression: a bomb is refused here, whatever its ratio.
pub const BODY_BYTES_MAX: usize = 32 * 1024 * 1024;
/// Bytes of all HTTP bodies that are held at the same time, as sent and decompressed together.
pub const BODIES_BYTES_MAX: usize = 96 * 1024 * 1024;
/// Items of one request: bounds the spans (40 bytes each) beside the body.
pub const ITEMS_MAX: usize = 50_000;
/// Errors and defective items that one answer tells; the rest is only counted.
pub const ANSWER_NOTES_MAX: usize = 100;
/// Requests of one source that are worked on at the same time.
pub const SOURCE_REQUESTS_MAX: usize = 16;
/// Compressed bodies up to this length are unpacked on the thread that read them.
pub const UNPACK_INLINE_BYTES_MAX: usize = 4 * 1024;
/// Plain bodies up to this length are split on the thread that read them: well under 1 ms.
pub const SPLIT_INLINE_BYTES_MAX: usize = 256 * 1024;
/// Base-two logarithm of the zstd window we allocate for a sender: 8 MiB, what level 19 uses.
pub const ZSTD_WINDOW_LOG_MAX: u32 = 23;
/// Bytes of the request line and all headers.
pub const HEADERS_BYTES_MAX: usize = 32 * 1024;
/// Headers of one request.
pub const HEADERS_MAX: usize = 64;
/// HTTP connections at the same time.
pub const HTTP_CONNECTIONS_MAX: usize = 1024;
/// From the first byte of a request (or the end of the last one) to the end of its headers.
pub const HEADERS_TIME_MAX: Duration = Duration::from_secs(15);
/// Between two pieces of a body.
pub const BODY_PAUSE_MAX: Duration = Duration::from_secs(10);
/// For a whole body.
pub const BODY_TIME_MAX: Duration = Duration::from_mins(1);
/// For the answer of the door, which follows a sync of the disk.
pub const REPLY_TIME_MAX: Duration = Duration::from_mins(1);
/// What a sender is told to wait when we do not know better.
pub const RETRY_AFTER: Duration = Duration::from_secs(1);

/// Bytes that a stream (file, connection) gathers before it hands them to the door.
pub const BATCH_BYTES_MAX: usize = 1024 * 1024;
/// Frames that a stream gathers before it hands them to the door: bounds the spans beside the
/// bytes when a stream consists of tiny lines.
pub const BATCH_FRAMES_MAX: usize = 8 * 1024;
/// Bytes that one read of a file asks for.
pub const FILE_READ_BYTES: usize = 256 * 1024;
/// Bytes that one read of a connection asks for.
pub const STREAM_READ_BYTES: usize = 64 * 1024;

/// Connections of one syslog listener at the same time; each holds at most about 640 KiB.
pub const SYSLOG_CONNECTIONS_MAX: usize = 256;
/// Bytes that one syslog connection gathers before it hands them to the door.
pub const SYSLOG_BATCH_BYTES_MAX: usize = 256 * 1024;
/// Silence after which a syslog connection is closed. Long, because a sender over plain TCP
/// loses the message that it writes into a connection we have closed.
pub const SYSLOG_SILENCE_MAX: Duration = Duration::from_hours(1);
/// Digits of an octet count (RFC 6587 3.4.1) that are believed: up to 99,999,999 bytes.
pub const OCTET_COUNT_DIGITS_MAX: usize = 8;
/// Longest pause between two attempts to hand a batch to a busy door.
pub const BUSY_PAUSE_MAX: Duration = Duration::from_secs(2);

/// Bytes of a datagram; UDP over IPv4 and IPv6 without jumbograms cannot carry more.
pub const DATAGRAM_BYTES_MAX: usize = 64 * 1024;
/// Datagrams that are taken from the socket before they are handed to the door.
pub const DATAGRAMS_PER_BATCH_MAX: usize = 2048;
/// Bytes of datagrams that are taken from the socket before they are handed to the door.
pub const DATAGRAM_BATCH_BYTES_MAX: usize = 1024 * 1024;
/// How long a first datagram waits for company.
pub const DATAGRAM_LINGER: Duration = Duration::from_millis(2);
/// Receive buffer that we ask the system for: a burst of about 10,000 short messages. The system
/// may grant less (`net.core.rmem_max`).
pub const DATAGRAM_SOCKET_BYTES: usize = 4 * 1024 * 1024;

/// How often a followed file is looked at.
pub const TAIL_POLL: Duration = Duration::from_millis(200);
/// Batches that one followed file hands over before the next file has its turn.
pub const TURN_BATCHES_MAX: usize = 16;
/// First bytes of a file that tell it from its successor in the same inode.
pub const FINGERPRINT_BYTES_MAX: usize = 256;
/// How long a renamed file is still read: a daemon writes to it until it reopens its log.
pub const RETIRED_TIME: Duration = Duration::from_mins(1);
/// Renamed files of one path that are still read at the same time.
pub const RETIRED_FILES_MAX: usize = 4;
/// How far the saved positions may lag behind what is durable while lines keep coming: after a
/// crash at most the lines of this time are read a second time.
pub const POSITION_SAVE_PAUSE: Duration = Duration::from_millis(500);
/// Bytes of the file of positions that are read at start.
pub const POSITIONS_BYTES_MAX: u64 = 4 * 1024 * 1024;
/// Files of a folder that are looked at when a renamed file is searched.
pub const FOLDER_ENTRIES_MAX: usize = 4096;

const _: () = assert!(BODY_SENT_BYTES_MAX <= BODY_BYTES_MAX);
const _: () = assert!(BODY_SENT_BYTES_MAX + BODY_BYTES_MAX <= BODIES_BYTES_MAX);
const _: () = assert!(UNPACK_INLINE_BYTES_MAX <= SPLIT_INLINE_BYTES_MAX);
const _: () = assert!(FRAME_BYTES_MAX <= SYSLOG_BATCH_BYTES_MAX);
const _: () = assert!(SYSLOG_BATCH_BYTES_MAX <= BATCH_BYTES_MAX);
const _: () = assert!(DATAGRAM_BYTES_MAX <= FRAME_BYTES_MAX);
