//! Adds to an event what others know about its client: the real address behind trusted proxies, the
//! country, city and network operator of that address.
//!
//! It runs between parse and redact, so what it adds is stored: databases change from month to
//! month, and a replay must see what was true when the event came.
//!
//! Deliberately absent: files (databases come in as bytes), the network, what is secret.
//!
//! Invariants:
//! - Total: a broken database is refused when it is opened, and one that is broken where opening
//!   did not look gives no answer; nothing panics and nothing loops.
//! - A header of a request changes `source.ip` only when a trusted proxy handed it on; what it says
//!   is kept as `client.claimed_ip` in any case.

mod client;
mod geo;
mod mmdb;

pub mod limits;

#[cfg(test)]
mod tests;

pub use client::TrustedProxies;
pub use geo::{DatabaseKind, Databases};
pub use mmdb::OpenError;

use event::Event;

/// What events are enriched with.
#[derive(Debug, Default)]
pub struct Enricher {
    proxies: TrustedProxies,
    databases: Databases,
}

impl Enricher {
    /// An enricher that believes `proxies` and looks addresses up in `databases`.
    pub fn new(proxies: TrustedProxies, databases: Databases) -> Self {
        Self { proxies, databases }
    }

    /// Adds to `event` what is known.
    pub fn apply(&self, event: &mut Event) {
        self.proxies.apply(event);
        self.databases.apply(event);
    }
}
