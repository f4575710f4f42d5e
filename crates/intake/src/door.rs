//! The seam to the pipeline: where batches go, what comes back, and what is noteworthy.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use event::{Defect, FrameBatch, Index, Listener, TreeSize};
use tokio::sync::oneshot;

/// What takes the batches. The application implements it over its pipeline.
pub trait Door: Send + Sync + 'static {
    /// Takes a batch, or hands it back at once when the queue is full; never waits. `reply` is
    /// called from any thread once the batch is durable and indexed, or refused.
    fn submit(&self, batch: FrameBatch, reply: Reply) -> Result<(), Box<Busy>>;

    /// Hears what counters and our own entries are made of. Must not wait and must not submit.
    fn note(&self, occurrence: Occurrence);
}

/// Called exactly once for a batch that was taken.
pub type Reply = Box<dyn FnOnce(Result<Receipt, Refusal>) + Send>;

/// The queue is full: the batch comes back.
#[derive(Debug)]
pub struct Busy {
    /// When another attempt makes sense.
    pub retry_after: Duration,
    /// The batch, untouched.
    pub batch: FrameBatch,
}

/// A batch is durable and indexed.
#[derive(Clone, Debug)]
pub struct Receipt {
    /// Index of the first entry, `None` when nothing was stored.
    pub first: Option<Index>,
    /// Entries stored; their indices are dense.
    pub count: u64,
    /// Size of the ledger that holds them.
    pub tree_size: TreeSize,
    /// The newest checkpoint as a signed note.
    pub checkpoint: Option<Arc<str>>,
    /// Frames of the batch (by position) that parse found something wrong with.
    pub defects: Vec<(usize, Vec<Defect>)>,
}

/// Why a batch that was taken is not stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Refusal {
    /// A sync failed; nothing is stored until the process starts again.
    #[error("the ledger stopped after a failed write")]
    Poisoned,
    /// No space.
    #[error("the disk is full")]
    DiskFull,
    /// The process is on its way down.
    #[error("the server is shutting down")]
    ShuttingDown,
    /// The batch was lost without a word.
    #[error("the batch was not answered")]
    Unanswered,
}

/// Something the application counts or records. Holds no received bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Occurrence {
    /// A listener accepts.
    ListenerStarted {
        /// Which kind.
        listener: Listener,
        /// Where.
        address: SocketAddr,
    },
    /// A listener accepts no more.
    ListenerStopped {
        /// Which kind.
        listener: Listener,
        /// Where.
        address: SocketAddr,
    },
    /// A listener could not accept; it goes on after a pause.
    AcceptFailed {
        /// Which kind.
        listener: Listener,
        /// What the system said.
        error: String,
    },
    /// A connection was closed at once because there are too many.
    ConnectionLimit {
        /// Which kind of listener.
        listener: Listener,
        /// Who.
        peer: SocketAddr,
        /// The limit.
        connections_max: usize,
    },
    /// A connection was closed after silence.
    ConnectionSilent {
        /// Which kind of listener.
        listener: Listener,
        /// Who.
        peer: SocketAddr,
    },
    /// A token was accepted for the first time since the start or since it was loaded.
    TokenFirstUse {
        /// Public id of the token.
        id: Arc<str>,
        /// The source it speaks for.
        source: Arc<str>,
        /// Who used it.
        peer: Option<SocketAddr>,
    },
    /// A request came with an unknown token or with none.
    TokenRefused {
        /// Who.
        peer: Option<SocketAddr>,
        /// Whether a token was there at all.
        presented: bool,
    },
    /// A whole request of an accepted token was refused.
    RequestRefused {
        /// The source of the token.
        source: Arc<str>,
        /// Who.
        peer: Option<SocketAddr>,
        /// HTTP status of the answer.
        status: u16,
        /// Stable name of the reason.
        reason: &'static str,
    },
    /// Records were refused one by one.
    ItemsRefused {
        /// The source.
        source: Arc<str>,
        /// The door.
        listener: Listener,
        /// Who.
        peer: Option<SocketAddr>,
        /// Why.
        reason: ItemRefusal,
        /// How many.
        count: u64,
    },
    /// Records were longer than a frame may be; their first bytes were stored, marked as cut.
    FramesCut {
        /// The source.
        source: Arc<str>,
        /// The door.
        listener: Listener,
        /// How many.
        count: u64,
        /// Bytes that were skipped. May be told after the frames themselves.
        bytes_skipped: u64,
    },
    /// Frames that were received and are not stored, by a sender that does not send again.
    FramesLost {
        /// The source.
        source: Arc<str>,
        /// The door.
        listener: Listener,
        /// Who.
        peer: Option<SocketAddr>,
        /// Why.
        reason: Loss,
        /// How many.
        count: u64,
    },
    /// Something about a followed file.
    File {
        /// The source.
        source: Arc<str>,
        /// The path as configured.
        path: Arc<str>,
        /// What.
        what: FileOccurrence,
    },
    /// The positions of followed files could not be read or saved.
    PositionsFailed {
        /// What the disk said.
        error: String,
    },
}

/// Why one record was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ItemRefusal {
    /// It has no bytes.
    Empty,
    /// It is longer than a frame may be.
    TooLong,
}

impl ItemRefusal {
    /// Stable name, for answers and counters.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::TooLong => "too_long",
        }
    }
}

/// Why frames were lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Loss {
    /// The queue was full and the protocol cannot be told to wait.
    Busy,
    /// The ledger refused.
    Refused(Refusal),
}

impl Loss {
    /// Stable name for counters.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Busy => "busy",
            Self::Refused(Refusal::Poisoned) => "poisoned",
            Self::Refused(Refusal::DiskFull) => "disk_full",
            Self::Refused(Refusal::ShuttingDown) => "shutting_down",
            Self::Refused(Refusal::Unanswered) => "unanswered",
        }
    }
}

/// What happened to a followed file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FileOccurrence {
    /// It is followed from `offset` on.
    Opened {
        /// Byte offset of the first line that is read.
        offset: u64,
    },
    /// Another file took its path; the old one is read to its end.
    Rotated,
    /// It became shorter or its first bytes changed; it is read from its start again.
    Truncated {
        /// How far it had been read.
        offset: u64,
    },
    /// A renamed file was found again after a restart and is read to its end.
    Resumed {
        /// Byte offset of the first line that is read.
        offset: u64,
    },
    /// A file that was being read is gone for good before its end was reached or known.
    Vanished {
        /// How far it had been read.
        offset: u64,
    },
    /// There is nothing at the path.
    Missing,
    /// It cannot be read.
    Unreadable {
        /// What the disk said.
        error: String,
    },
}

impl fmt::Debug for dyn Door {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Door")
    }
}

/// Submits a batch and returns where its answer will arrive.
pub(crate) fn submit(
    door: &dyn Door,
    batch: FrameBatch,
) -> Result<oneshot::Receiver<Result<Receipt, Refusal>>, Box<Busy>> {
    let (sender, receiver) = oneshot::channel();
    // The receiver may be gone: the sender of the request hung up and nobody waits any more.
    let reply: Reply = Box::new(move |answer| drop(sender.send(answer)));
    door.submit(batch, reply)?;
    Ok(receiver)
}
