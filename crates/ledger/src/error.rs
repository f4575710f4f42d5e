//! What can go wrong, one enum for each operation.
//!
//! A message says its cause itself and then names no [`std::error::Error::source`], so that a
//! printed chain of causes says everything once.

use std::path::PathBuf;
use std::sync::Arc;

use disk::DiskError;
use event::Index;
use thiserror::Error;
use tlog::Hash;

use crate::frame::FrameFault;

/// Why a ledger was not made.
#[derive(Debug, Error)]
pub enum CreateError {
    /// Something of a ledger is there already; it is never overwritten.
    #[error("a ledger exists at {}", path.display())]
    Exists {
        /// The file that was found.
        path: PathBuf,
    },
    /// There is no identity, and yet more than a creation that broke off leaves behind. Nothing
    /// was touched.
    #[error(
        "{} holds parts of a ledger without its identity file: restore that file, nothing was \
         changed",
        dir.display()
    )]
    Unfinished {
        /// The folder.
        dir: PathBuf,
    },
    /// Another process is making it or has it open.
    #[error("the ledger at {} is in use by another process", dir.display())]
    InUse {
        /// The folder.
        dir: PathBuf,
    },
    /// The configuration cannot work.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The operating system gave no random bytes.
    #[error("no random bytes from the operating system: {reason}")]
    Random {
        /// What it said.
        reason: String,
    },
    /// The disk refused.
    #[error(transparent)]
    Disk(#[from] DiskError),
}

impl CreateError {
    /// True when another process is making the ledger or has it open: trying again may help.
    pub fn is_locked(&self) -> bool {
        matches!(self, Self::InUse { .. })
    }
}

/// A configuration that cannot work.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ConfigError {
    /// Not a name that a note key may have.
    #[error("ledger origin {origin:?} is empty or holds white space, a control character or '+'")]
    Origin {
        /// The name.
        origin: String,
    },
    /// An epoch shorter than the floor.
    #[error("an epoch of {length:?} is shorter than {length_min:?}")]
    Epoch {
        /// Length asked for.
        length: std::time::Duration,
        /// Shortest.
        length_min: std::time::Duration,
    },
    /// The recovery key is no verifier key.
    #[error("recovery key: {0}")]
    RecoveryKey(tlog::note::VerifyingKeyParseError),
    /// A segment size out of range.
    #[error("segment size of {bytes} bytes is not between {bytes_min} and {bytes_max}")]
    SegmentBytes {
        /// Size asked for.
        bytes: u64,
        /// Smallest.
        bytes_min: u64,
        /// Largest.
        bytes_max: u64,
    },
}

/// Why a recovery key could not be made, written or read.
#[derive(Debug, Error)]
pub enum RecoveryKeyError {
    /// The operating system gave no random bytes.
    #[error("no random bytes from the operating system: {reason}")]
    Random {
        /// What it said.
        reason: String,
    },
    /// Not a name that a key may have.
    #[error("{origin:?} is no name for a key")]
    Origin {
        /// The name.
        origin: String,
    },
    /// A file is there already; a key is never overwritten.
    #[error("{} exists already, and a key is never overwritten", path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// The file holds no key.
    #[error("{}: {cause}", path.display())]
    Key {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        cause: IdentityError,
    },
    /// The disk refused.
    #[error(transparent)]
    Disk(#[from] DiskError),
}

/// Why the keys of the running epoch and the ledger do not belong together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum EpochFault {
    /// The key is gone, and nobody can make it again.
    #[error(
        "the key of epoch {epoch} is lost: bring it back from nowhere but this machine, or go on \
         with the offline recovery key (`belfry keys recover --recovery-key FILE`)"
    )]
    KeyLost {
        /// The epoch that runs.
        epoch: u64,
    },
    /// Key and seals are of different times: one of them was replaced or brought back.
    #[error(
        "epoch.key holds the key of epoch {key}, but {sealed} epochs are sealed: one of both was \
         replaced or restored from another time"
    )]
    OutOfStep {
        /// Epoch of the key.
        key: u64,
        /// Seals found.
        sealed: u64,
    },
    /// The ledger names a key for an epoch that we do not hold.
    #[error("the ledger names a key of epoch {epoch} that epoch.key does not hold")]
    Unknown {
        /// The epoch.
        epoch: u64,
    },
}

/// What is wrong with the files that say who a ledger is.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum IdentityError {
    /// Not UTF-8.
    #[error("not text")]
    NotText,
    /// Another format than ours.
    #[error("does not begin with the line {expected}")]
    Format {
        /// The line.
        expected: &'static str,
    },
    /// A line is missing or not as written by us.
    #[error("the line {name} is missing or malformed")]
    Line {
        /// Its first word.
        name: &'static str,
    },
    /// Lines after the last one, or other spacing than ours.
    #[error("holds more than its four lines")]
    Trailing,
    /// The verifier key is malformed.
    #[error("verifier key: {cause}")]
    Key {
        /// What is wrong with it.
        cause: tlog::note::VerifyingKeyParseError,
    },
    /// The signing key is malformed.
    #[error("signing key: {cause}")]
    SigningKey {
        /// What is wrong with it.
        cause: tlog::note::SigningKeyParseError,
    },
    /// The key bears another name than the log.
    #[error("the key is named {name}, the log {origin}")]
    KeyName {
        /// Name of the key.
        name: String,
        /// Name of the log.
        origin: String,
    },
}

/// Why a ledger was not opened. Nothing was changed on disk, except where recovery itself failed
/// half-way, which the next opening repeats.
#[derive(Debug, Error)]
pub enum OpenError {
    /// No ledger is there.
    #[error("no ledger at {}", dir.display())]
    Missing {
        /// The folder.
        dir: PathBuf,
    },
    /// There is no identity, and yet more than a creation that broke off leaves behind. Nothing
    /// was touched.
    #[error(
        "{} holds parts of a ledger without its identity file: restore that file, nothing was \
         changed",
        dir.display()
    )]
    Unfinished {
        /// The folder.
        dir: PathBuf,
    },
    /// Another process is making it or has it open.
    #[error("the ledger at {} is in use by another process", dir.display())]
    InUse {
        /// The folder.
        dir: PathBuf,
    },
    /// The configuration cannot work.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// Epoch keys, seals and entries do not belong together. Nothing was touched.
    #[error("{}: {fault}", path.display())]
    Epoch {
        /// The key file.
        path: PathBuf,
        /// What does not fit.
        fault: EpochFault,
    },
    /// The key offered is not the one that the ledger names.
    #[error(
        "not the recovery key of this ledger, which names {}",
        named.as_deref().unwrap_or("none")
    )]
    RecoveryKey {
        /// What the genesis entry names.
        named: Option<String>,
    },
    /// An identity or key file is damaged.
    #[error("{}: {cause}", path.display())]
    Identity {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        cause: IdentityError,
    },
    /// The ledger belongs to another log than configured.
    #[error("the ledger is of origin {stored}, the configuration says {configured}")]
    Origin {
        /// Origin on disk.
        stored: String,
        /// Origin in the configuration.
        configured: String,
    },
    /// The signing key is not the one that the identity names.
    #[error("the signing key at {} is not the key of the ledger", path.display())]
    KeyMismatch {
        /// The key file.
        path: PathBuf,
    },
    /// Neither slot of the signed state is whole.
    #[error("{} holds no whole slot: what was signed is unknown", path.display())]
    SignedStateLost {
        /// The file.
        path: PathBuf,
    },
    /// A segment is missing, or its header is damaged or does not continue the one before.
    #[error("segment {number} is missing, damaged or does not continue the one before it")]
    Segment {
        /// Its number.
        number: u64,
    },
    /// Damage to entries that were acknowledged or signed. Cutting them off would lose them.
    #[error(
        "segment {segment} is damaged at byte {offset}, where entry {index} belongs: {fault}; \
         entries were acknowledged or signed beyond it, so nothing was cut"
    )]
    Corrupt {
        /// Number of the segment.
        segment: u64,
        /// Offset in it.
        offset: u64,
        /// Index of the first entry that cannot be read.
        index: Index,
        /// What was found.
        fault: FrameFault,
    },
    /// The entries do not lead to the root that was signed for them.
    #[error("the first {size} entries have root {computed}, signed was {signed}")]
    Root {
        /// Number of entries.
        size: u64,
        /// Root that was signed.
        signed: Hash,
        /// Root of what is stored.
        computed: Hash,
    },
    /// More was signed than is stored.
    #[error("{stored} entries are stored, {signed} were signed")]
    Short {
        /// Entries stored.
        stored: u64,
        /// Entries signed.
        signed: u64,
    },
    /// An unfinished ledger was found and could not be made anew.
    #[error("make the unfinished ledger anew: {0}")]
    Create(Box<CreateError>),
    /// The first checkpoint could not be signed.
    #[error("checkpoint: {0}")]
    Checkpoint(CheckpointError),
    /// A thread of the ledger could not be started.
    #[error("thread not started: {0}")]
    Thread(std::io::Error),
    /// The disk refused.
    #[error(transparent)]
    Disk(#[from] DiskError),
}

impl OpenError {
    /// True when another process is making the ledger or has it open: trying again may help.
    pub fn is_locked(&self) -> bool {
        matches!(self, Self::InUse { .. })
    }
}

impl From<CheckpointError> for OpenError {
    fn from(error: CheckpointError) -> Self {
        Self::Checkpoint(error)
    }
}

/// Why a checkpoint was not made. All but a full disk end the ledger.
#[derive(Debug, Error)]
pub enum CheckpointError {
    /// The tree is smaller than what was signed before.
    #[error("tree of {size} entries is smaller than the {signed} that were signed")]
    Shrinks {
        /// Entries now.
        size: u64,
        /// Entries signed before.
        signed: u64,
    },
    /// The same size has another root than the one that was signed for it.
    #[error("tree of {size} entries has root {computed}, signed was {signed}")]
    Fork {
        /// Number of entries.
        size: u64,
        /// Root that was signed.
        signed: Hash,
        /// Root computed now.
        computed: Hash,
    },
    /// The note could not be written.
    #[error("note: {0}")]
    Note(String),
    /// The keys of the epoch and the ledger do not agree.
    #[error(transparent)]
    Epoch(#[from] EpochFault),
    /// The disk refused.
    #[error(transparent)]
    Disk(#[from] DiskError),
}

/// Why a batch was not taken into the queue. Nothing of it will be stored.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Refused {
    /// Too much is waiting; try again shortly.
    #[error("{queued_bytes} bytes are waiting, the limit is {queue_bytes_max}")]
    Busy {
        /// Bytes waiting.
        queued_bytes: usize,
        /// The limit.
        queue_bytes_max: usize,
    },
    /// A body that no frame can hold.
    #[error("body {position} of the batch has {bytes} bytes, the limit is {bytes_max}")]
    BodyTooLong {
        /// Place in the batch, from 0.
        position: usize,
        /// Length of the body.
        bytes: usize,
        /// The limit.
        bytes_max: usize,
    },
    /// The free space is down to the reserve.
    #[error("{free_bytes} bytes are free on disk, the reserve is {reserve_bytes}")]
    DiskFull {
        /// Bytes free when last looked at.
        free_bytes: u64,
        /// Bytes kept free.
        reserve_bytes: u64,
    },
    /// The operating system gave no random bytes for salts.
    #[error("no random bytes from the operating system")]
    Random,
    /// An earlier write failed; the process must end.
    #[error("the ledger stopped: {reason}")]
    Poisoned {
        /// What failed.
        reason: Arc<str>,
    },
    /// The ledger was closed.
    #[error("the ledger is closed")]
    Closed,
}

/// Why a batch was not stored.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum AppendError {
    /// It was not taken at all.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// The disk ran full before it was written; nothing of it is stored.
    #[error("disk full: {reason}")]
    DiskFull {
        /// What the disk said.
        reason: Arc<str>,
    },
    /// No more sources can be numbered.
    #[error("{sources_max} sources are known, no more can be added")]
    TooManySources {
        /// The limit.
        sources_max: u32,
    },
    /// A write or sync failed: whether it is stored is known only after the next opening.
    #[error("the ledger stopped: {reason}")]
    Poisoned {
        /// What failed.
        reason: Arc<str>,
    },
}

/// Why entries could not be read.
#[derive(Debug, Error)]
pub enum ReadError {
    /// The index is not in the ledger (yet).
    #[error("entry {index} is beyond the {size} entries of the ledger")]
    OutOfRange {
        /// Index asked for.
        index: Index,
        /// Entries there are.
        size: u64,
    },
    /// The body was removed; its commitment and all proofs are still there.
    #[error("the body of entry {index} was removed")]
    Absent {
        /// The index.
        index: Index,
    },
    /// What is stored there is no whole entry.
    #[error("entry {index} is damaged: {reason}")]
    Corrupt {
        /// The index.
        index: Index,
        /// What was found.
        reason: String,
    },
    /// No ledger is there, or none that can be read.
    #[error("no readable ledger at {}: {reason}", dir.display())]
    NoLedger {
        /// The folder.
        dir: PathBuf,
        /// What is missing.
        reason: String,
    },
    /// The disk refused.
    #[error(transparent)]
    Disk(#[from] DiskError),
}

/// Why an entry could not be proven.
#[derive(Debug, Error)]
pub enum ProveError {
    /// The newest checkpoint does not cover the entry yet; it will within the interval.
    #[error("entry {index} is not under a checkpoint yet, the newest covers {signed}")]
    NotSignedYet {
        /// Index asked for.
        index: Index,
        /// Entries under the newest checkpoint.
        signed: u64,
    },
    /// The stored checkpoint is not one of this ledger.
    #[error("checkpoint: {0}")]
    Checkpoint(String),
    /// A tile is missing or damaged.
    #[error("tiles: {0}")]
    Tiles(String),
    /// The stored entry and the tiles do not lead to the signed root.
    #[error("entry {index} does not lead to the signed root: {reason}")]
    Mismatch {
        /// The index.
        index: Index,
        /// What differs.
        reason: String,
    },
    /// The entry could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
}
