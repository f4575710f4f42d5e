//! Durable, ordered, tamper-evident storage of redacted events: append, read, follow, prove,
//! verify.
//!
//! The ledger is the only queue and the only truth of the house. Writers hand in batches of
//! [`event::Redacted`] and are told when these are durable; everybody else follows, from memory
//! at the head and from disk when behind. What lies on disk is in docs/format/ledger.md.
//!
//! Deliberately absent: parsing, rules, network. The ledger never looks inside a body, except
//! into those of its own making.
//!
//! The nouns: [`Ledger`] (the one writer, open), [`Appender`] (its writing end), [`Reader`] (the
//! reading end), [`Follower`] (a reader with a cursor), checkpoint (a signed size and root),
//! proof ([`Reader::prove`], [`verify_proof`]).
//!
//! Invariants:
//! - A sender hears of success only after its batch is durable and readers see it.
//! - Indices are dense; receive times never decrease; no index is ever given twice.
//! - A size that was signed is never signed again with another root, and nothing below a signed
//!   size is ever cut. Both hold across crashes because the signed state is durable before a
//!   checkpoint leaves.
//! - After a failed write or sync nothing is written any more ([`Ledger::fault`]).
//! - Nothing but a certified [`event::Redacted`] can be appended:
//!
//! ```compile_fail
//! fn append_unredacted(appender: &ledger::Appender, event: event::Event) {
//!     let _ = appender.append(vec![event]);
//! }
//! ```
//!
//! ```compile_fail
//! fn append_bytes(appender: &ledger::Appender, bytes: Vec<u8>) {
//!     let _ = appender.append(vec![bytes]);
//! }
//! ```
//!
//! while this is fine:
//!
//! ```
//! fn append(appender: &ledger::Appender, event: event::Redacted) -> bool {
//!     appender.append(vec![event]).is_ok()
//! }
//! ```
//!
//! Start reading at [`Ledger::open`], then the module `sequencer`, then `checkpointer`.

mod appender;
mod bodies;
mod bundles;
mod bytes;
mod catalog;
mod checkpointer;
mod config;
mod damage;
mod epoch;
mod error;
mod fingerprint;
mod follow;
mod frame;
mod identity;
mod integrate;
mod layout;
mod leaf;
mod ledger;
pub mod limits;
mod live;
mod prove;
mod queue;
mod reader;
mod record_text;
mod recovery;
mod recovery_key;
mod seal_proof;
mod sealed;
mod sealed_block;
mod sealing;
mod segment;
mod segment_writer;
mod sequencer;
mod signed_state;
mod sources;
mod spare;
mod stats;
mod stored_segment;
mod stretch;
mod verify;

#[cfg(test)]
mod tests;

pub use crate::appender::Appender;
pub use crate::bodies::{Bodies, Change, RewriteError, Rewritten};
pub use crate::config::Config;
pub use crate::damage::{Absence, Damage, WholeRead};
pub use crate::error::{
    AppendError, CheckpointError, ConfigError, CreateError, EpochFault, IdentityError, OpenError,
    ProveError, ReadError, RecoveryKeyError, Refused,
};
pub use crate::fingerprint::fingerprint_words;
pub use crate::follow::Follower;
pub use crate::frame::FrameFault;
pub use crate::leaf::{Kind, LeafError};
pub use crate::ledger::Ledger;
pub use crate::prove::{Claim, ProofError, ProvenRecord, verify_proof};
pub use crate::queue::Appended;
pub use crate::reader::{Reader, StoredEntry};
pub use crate::recovery::{Cut, Recovery};
pub use crate::recovery_key::RecoveryKey;
pub use crate::seal_proof::{SealProof, SealProofError, SealedEpoch, verify_seal};
pub use crate::stats::Stats;
pub use crate::verify::{Finding, FindingKind, VerifyError, VerifyOptions, VerifyReport, verify};
