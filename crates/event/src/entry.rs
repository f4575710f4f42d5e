//! A redacted event with its place in the ledger: what every follower reads.

use std::sync::Arc;

use crate::encoding::DecodeError;
use crate::{Event, Index, ObservedAt, Redacted, Timestamp, encoding, field};

/// A redacted event at its index in the ledger. Only the ledger makes these.
#[derive(Debug)]
pub struct Entry {
    index: Index,
    received: ObservedAt,
    event: Event,
}

/// Consecutive entries, shared by all followers.
pub type EntryBatch = Arc<[Entry]>;

impl Entry {
    /// What `redacted` becomes when the ledger has given it `index`.
    pub fn sequenced(index: Index, received: ObservedAt, redacted: Redacted) -> Self {
        Self {
            index,
            received,
            event: redacted.into_event(),
        }
    }

    /// An entry read back from its stored `body`.
    pub fn restored(index: Index, received: ObservedAt, body: &str) -> Result<Self, DecodeError> {
        Ok(Self {
            index,
            received,
            event: encoding::decode(body)?,
        })
    }

    /// Its place in the ledger.
    pub fn index(&self) -> Index {
        self.index
    }

    /// When the ledger received it, by our clock; never decreases with the index.
    pub fn received(&self) -> ObservedAt {
        self.received
    }

    /// The redacted event.
    pub fn event(&self) -> &Event {
        &self.event
    }

    /// The event's own time, or ours where it claims none.
    pub fn timestamp(&self) -> Timestamp {
        self.event
            .timestamp()
            .unwrap_or(self.received.as_timestamp())
    }

    /// Name of the source it came from.
    pub fn source(&self) -> &str {
        self.event.text(field::BELFRY_SOURCE).unwrap_or("")
    }

    /// The body as it is stored: one-level JSON with dotted ECS names.
    pub fn body(&self) -> String {
        encoding::encode(&self.event)
    }

    /// Bytes held: what a queue must account for.
    pub fn bytes_len(&self) -> usize {
        size_of::<Self>() + self.event.bytes_len()
    }
}
