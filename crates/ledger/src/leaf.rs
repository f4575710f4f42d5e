//! Entry bytes, version 1: the leaf of the tree (docs/format/ledger.md, section 2).
//!
//! A leaf says that something was received and commits to what; the body lies beside it.

use std::fmt;

use sha2::{Digest, Sha256};

use crate::bytes::{array, put, u16_at, u32_at, u64_at};

/// Length of the salt beside each body.
pub(crate) const SALT_BYTES: usize = 16;
/// Length of the part all leaves share.
pub(crate) const HEAD_BYTES: usize = 34;
/// Length of a leaf that commits to its body.
pub(crate) const COMMITTED_BYTES: usize = HEAD_BYTES + 32;
/// Length of such a leaf inside a bundle, with the two bytes of its length.
pub(crate) const RECORD_BYTES: usize = 2 + COMMITTED_BYTES;

const VERSION: u8 = 1;
const FLAG_COMMITTED: u16 = 1;
const COMMITMENT_CONTEXT: &[u8] = b"belfry/body/v1\0";

const AT_KIND: usize = 1;
const AT_FLAGS: usize = 2;
const AT_RECV: usize = 4;
const AT_TENANT: usize = 12;
const AT_SOURCE: usize = 16;
const AT_SOURCE_SEQ: usize = 20;
const AT_CLASS: usize = 28;
const AT_BODY_LEN: usize = 30;
const AT_CONTENT: usize = HEAD_BYTES;

/// What an entry is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A redacted event of a source.
    Event,
    /// The first entry: names the log and its key.
    Genesis,
    /// A new epoch key.
    KeyRotation,
    /// A sign of life.
    Heartbeat,
    /// Bodies were deleted under a retention policy.
    RetentionTombstone,
    /// A legal hold was placed or lifted.
    Hold,
    /// Bodies were erased on request.
    Erasure,
    /// The configuration changed.
    ConfigChange,
    /// Opening found a torn tail and cut it.
    Recovery,
    /// A receipt of an outside witness.
    AnchorReceipt,
    /// A source got its number.
    SourceRegistered,
}

const KINDS: [Kind; 11] = [
    Kind::Event,
    Kind::Genesis,
    Kind::KeyRotation,
    Kind::Heartbeat,
    Kind::RetentionTombstone,
    Kind::Hold,
    Kind::Erasure,
    Kind::ConfigChange,
    Kind::Recovery,
    Kind::AnchorReceipt,
    Kind::SourceRegistered,
];

impl Kind {
    pub(crate) fn number(self) -> u8 {
        self as u8
    }

    pub(crate) fn from_number(number: u8) -> Option<Self> {
        KINDS.get(usize::from(number)).copied()
    }
}

/// The parts of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Leaf<'a> {
    /// What it is about.
    pub(crate) kind: Kind,
    /// Our receive time, nanoseconds since 1970 UTC.
    pub(crate) recv_ns: u64,
    /// Number of the tenant.
    pub(crate) tenant: u32,
    /// Number of the source; 0 for entries of the ledger itself.
    pub(crate) source: u32,
    /// Place among the events of that source, from 0.
    pub(crate) source_seq: u64,
    /// Class that decides how long the body is kept.
    pub(crate) retention_class: u16,
    /// Length of the body.
    pub(crate) body_len: u32,
    /// The body or what stands for it.
    pub(crate) content: Content<'a>,
}

/// The body of an entry, or the commitment to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Content<'a> {
    /// `SHA-256(context || salt || body)`; salt and body lie beside the entry.
    Committed([u8; 32]),
    /// The body itself.
    Inline(&'a [u8]),
}

impl<'a> Leaf<'a> {
    /// Reads entry bytes exactly: nothing missing, nothing left over.
    pub(crate) fn parse(bytes: &'a [u8]) -> Result<Self, LeafError> {
        if bytes.len() < HEAD_BYTES {
            return Err(LeafError::Truncated { len: bytes.len() });
        }
        if bytes[0] != VERSION {
            return Err(LeafError::Version { version: bytes[0] });
        }
        let number = bytes[AT_KIND];
        let kind = Kind::from_number(number).ok_or(LeafError::Kind { kind: number })?;
        let flags = u16_at(bytes, AT_FLAGS);
        let body_len = u32_at(bytes, AT_BODY_LEN);
        let rest = &bytes[AT_CONTENT..];
        let content = match (kind, flags) {
            (Kind::Event, FLAG_COMMITTED) if rest.len() == 32 => Content::Committed(array(rest, 0)),
            (Kind::Event, FLAG_COMMITTED) => return Err(LeafError::Length { len: bytes.len() }),
            (Kind::Event, flags) => return Err(LeafError::Flags { flags }),
            (_, 0) if u64::from(body_len) == rest.len() as u64 => Content::Inline(rest),
            (_, 0) => return Err(LeafError::Length { len: bytes.len() }),
            (_, flags) => return Err(LeafError::Flags { flags }),
        };
        Ok(Self {
            kind,
            recv_ns: u64_at(bytes, AT_RECV),
            tenant: u32_at(bytes, AT_TENANT),
            source: u32_at(bytes, AT_SOURCE),
            source_seq: u64_at(bytes, AT_SOURCE_SEQ),
            retention_class: u16_at(bytes, AT_CLASS),
            body_len,
            content,
        })
    }

    /// Bytes that lie beside the entry: salt and body, or nothing.
    pub(crate) fn beside_len(&self) -> usize {
        match self.content {
            Content::Committed(_) => {
                SALT_BYTES + usize::try_from(self.body_len).expect("32 bits fit a usize")
            }
            Content::Inline(_) => 0,
        }
    }
}

/// Why bytes are not an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LeafError {
    /// Shorter than the fixed part.
    Truncated {
        /// Length found.
        len: usize,
    },
    /// Another version than 1.
    Version {
        /// Version found.
        version: u8,
    },
    /// A kind that version 1 does not have.
    Kind {
        /// Kind found.
        kind: u8,
    },
    /// Flags that do not belong to the kind.
    Flags {
        /// Flags found.
        flags: u16,
    },
    /// A length that does not belong to the kind or to the announced body.
    Length {
        /// Length found.
        len: usize,
    },
}

impl std::error::Error for LeafError {}

impl fmt::Display for LeafError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Truncated { len } => write!(f, "entry of {len} bytes is below {HEAD_BYTES}"),
            Self::Version { version } => write!(f, "entry version {version} is not {VERSION}"),
            Self::Kind { kind } => write!(f, "entry kind {kind} is above {}", KINDS.len() - 1),
            Self::Flags { flags } => write!(f, "entry flags {flags:#06x} do not fit its kind"),
            Self::Length { len } => write!(f, "entry length {len} does not fit its kind"),
        }
    }
}

/// The commitment to a body: what a leaf holds instead of it.
pub(crate) fn commitment(salt_and_body: &[u8]) -> [u8; 32] {
    Sha256::new()
        .chain_update(COMMITMENT_CONTEXT)
        .chain_update(salt_and_body)
        .finalize()
        .into()
}

/// Appends the bundle record of an event to be sequenced later: receive time, source and
/// sequence are still zero.
pub(crate) fn push_event_template(records: &mut Vec<u8>, body_len: u32, commitment: &[u8; 32]) {
    let start = records.len();
    records.resize(start + RECORD_BYTES, 0);
    let record = &mut records[start..];
    let len = u16::try_from(COMMITTED_BYTES).expect("a constant below 16 bits");
    put(record, 0, &len.to_be_bytes());
    let leaf = &mut record[2..];
    leaf[0] = VERSION;
    leaf[AT_KIND] = Kind::Event.number();
    put(leaf, AT_FLAGS, &FLAG_COMMITTED.to_be_bytes());
    put(leaf, AT_BODY_LEN, &body_len.to_be_bytes());
    put(leaf, AT_CONTENT, commitment);
}

/// Appends the bundle record of a leaf that fits an entry.
pub(crate) fn push_leaf(records: &mut Vec<u8>, leaf: &Leaf<'_>) {
    let (flags, content): (u16, &[u8]) = match &leaf.content {
        Content::Committed(commitment) => (FLAG_COMMITTED, commitment),
        Content::Inline(body) => (0, body),
    };
    let len = u16::try_from(HEAD_BYTES + content.len()).expect("the caller checked the length");
    records.extend_from_slice(&len.to_be_bytes());
    records.extend_from_slice(&[VERSION, leaf.kind.number()]);
    records.extend_from_slice(&flags.to_be_bytes());
    records.extend_from_slice(&leaf.recv_ns.to_be_bytes());
    records.extend_from_slice(&leaf.tenant.to_be_bytes());
    records.extend_from_slice(&leaf.source.to_be_bytes());
    records.extend_from_slice(&leaf.source_seq.to_be_bytes());
    records.extend_from_slice(&leaf.retention_class.to_be_bytes());
    records.extend_from_slice(&leaf.body_len.to_be_bytes());
    records.extend_from_slice(content);
}

/// Fills in what only the sequencer knows.
pub(crate) fn sequence_record(record: &mut [u8], recv_ns: u64, source: u32, source_seq: u64) {
    let leaf = &mut record[2..];
    put(leaf, AT_RECV, &recv_ns.to_be_bytes());
    put(leaf, AT_SOURCE, &source.to_be_bytes());
    put(leaf, AT_SOURCE_SEQ, &source_seq.to_be_bytes());
}

/// Length of the body that a template record announces.
pub(crate) fn record_body_len(record: &[u8]) -> usize {
    usize::try_from(u32_at(record, 2 + AT_BODY_LEN)).expect("32 bits fit a usize")
}

/// The bundle record of an entry that the ledger itself makes.
pub(crate) fn inline_record(kind: Kind, recv_ns: u64, body: &str) -> Vec<u8> {
    let len = HEAD_BYTES + body.len();
    let len_bytes = u16::try_from(len).expect("inline bodies are short by construction");
    let mut record = vec![0; 2 + len];
    put(&mut record, 0, &len_bytes.to_be_bytes());
    let leaf = &mut record[2..];
    leaf[0] = VERSION;
    leaf[AT_KIND] = kind.number();
    put(leaf, AT_RECV, &recv_ns.to_be_bytes());
    let body_len = u32::from(len_bytes) - u32::try_from(HEAD_BYTES).expect("a small constant");
    put(leaf, AT_BODY_LEN, &body_len.to_be_bytes());
    put(leaf, AT_CONTENT, body.as_bytes());
    record
}
