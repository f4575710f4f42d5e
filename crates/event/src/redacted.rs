//! The proof that a redaction policy has seen an event.

use std::fmt;

use crate::{Event, encoding, field};

/// Version of the redaction policy that certified an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PolicyVersion(pub u32);

/// An event certified by a redaction policy, with its stored body.
///
/// There is one constructor and one crate that may call it (`redact`; tidy looks for a second
/// caller). Whatever writes to a disk, a screen or a peer takes this type or an [`crate::Entry`].
pub struct Redacted {
    event: Event,
    body: String,
    policy: PolicyVersion,
}

impl Redacted {
    /// Seals `event`: to be called only by code that has just applied the policy `policy` to it.
    /// The body is encoded here, once.
    pub fn certified(event: Event, policy: PolicyVersion) -> Self {
        let body = encoding::encode(&event);
        Self {
            event,
            body,
            policy,
        }
    }

    /// The event.
    pub fn event(&self) -> &Event {
        &self.event
    }

    /// The stored body: one-level JSON with dotted ECS names in a fixed order.
    pub fn body(&self) -> &str {
        &self.body
    }

    /// Name of the source, from `belfry.source`.
    pub fn source(&self) -> &str {
        self.event.text(field::BELFRY_SOURCE).unwrap_or("")
    }

    /// Which policy certified it.
    pub fn policy(&self) -> PolicyVersion {
        self.policy
    }

    /// Bytes held: what a queue must account for.
    pub fn bytes_len(&self) -> usize {
        self.body.len() + self.event.bytes_len()
    }

    /// Gives up the body and keeps the event.
    pub fn into_event(self) -> Event {
        self.event
    }
}

impl fmt::Debug for Redacted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.body)
    }
}
