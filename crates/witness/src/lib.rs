//! Both ends of the protocols by which strangers watch a log over HTTP: the client and the server
//! of c2sp.org/tlog-witness, and what a log serves to everybody (c2sp.org/tlog-tiles).
//!
//! A crate of its own because it reads foreign bytes from the network on both ends, and because
//! it must not know the ledger: what it needs of a log comes in as bytes and closures, so that a
//! witness is no part of what it watches.
//!
//! The nouns: [`Store`] (what a witness has seen, one state per log), [`server::router`] (its
//! door), [`Client`] (asks witnesses), [`Round`] (one checkpoint, all witnesses of a policy),
//! [`Standing`] (what a witness's memory says about our own log), [`log_server::router`] (tiles,
//! entries and checkpoint for everybody).
//!
//! Invariants:
//! - A cosignature leaves the process only after the state it promises is durable.
//! - The state of a log never goes back: for one origin one request is decided at a time.
//! - A checkpoint with a good signature that contradicts what was seen is kept as evidence.
//! - What another machine says is believed after its signature was checked, never before.
//!
//! Start reading at [`Store::take`].

pub mod card;
pub mod client;
pub mod limits;
pub mod log_server;
pub mod round;
pub mod server;
pub mod standing;
pub mod store;
#[cfg(test)]
mod testkit;

pub use card::Card;
pub use client::{Client, Fault};
pub use round::Round;
pub use standing::Standing;
pub use store::{Conflict, Refusal, Store};
/// What a caller hands over and gets back, so that it needs no tree mathematics of its own.
pub use tlog::{CosigningKey, Policy};
