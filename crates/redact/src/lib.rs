//! Turns an [`event::Event`] into an [`event::Redacted`] by policy: the only crate that certifies.
//!
//! Three layers look at every event: names of fields, names inside values, and detectors that prove
//! a value by its own check digits or form, through percent, JSON and base64 encodings. A finding
//! is cut exactly, the rest of the value keeps its meaning; what cannot be scanned within the
//! limits is replaced whole.
//!
//! Deliberately absent: input and output, where events come from or go, the parsing of records.
//!
//! Invariants:
//! - A changed value scans clean under the policy that changed it: `apply` twice is `apply` once.
//! - Notes (`belfry.redaction.*`) hold names, kinds and counts, never a value.
//! - A pseudonym is keyed; there is no unkeyed hash of a value anywhere.
//!
//! Start at [`Policy::apply`]. One text goes through `classes` (bytes to bitmaps), `sweep` (bitmaps
//! to candidates) and the detectors (`pair`, `vendor`, `number`, `credential`), which report to
//! `scan`.

mod actions;
mod checksum;
mod classes;
mod command;
mod credential;
mod decode;
mod digest;
mod header;
mod key;
mod kind;
mod limits;
mod notes;
mod number;
mod pair;
mod policy;
mod pseudonym;
mod scan;
mod shape;
mod sweep;
mod vendor;

#[cfg(test)]
mod tests;

pub use kind::{Action, Kind, KindName, Why};
pub use policy::{Finding, Policy, PolicyConfig, PseudonymKey};
