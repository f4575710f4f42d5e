//! Sockets and files to frames, with acknowledgement.
//!
//! Everything that Belfry receives comes in here as bytes and leaves as [`event::FrameBatch`]es
//! through one [`Door`], with the peer address, the file and the time as *we* saw them. Each
//! protocol answers its sender only after the door said that the batch is durable; where a
//! protocol has no answer, a loss is noted with its count.
//!
//! Deliberately absent: what a record means (parse), what may be kept (redact), where it goes
//! (ledger), configuration files. Received bytes are never printed or noted.
//!
//! The nouns:
//! - [`Door`], [`Receipt`], [`Refusal`], [`Busy`], [`Occurrence`]: the seam to the pipeline.
//! - [`TokenBook`]: who may send over HTTP, replaceable while running.
//! - [`http`]: `POST /v1/events`.
//! - [`syslog`]: RFC 5424 and 3164 over UDP and TCP.
//! - [`tail`]: files that grow, rotate and are cut.
//! - [`chunk`]: bulk reading for `belfry ingest`.
//!
//! Invariants:
//! - Memory is bounded by [`limits`] whatever peers send.
//! - Received = handed to the door + refused, cut or lost with an [`Occurrence`].
//! - No position of a file is saved before the lines up to it are durable.
//!
//! Start reading at [`Door`], then [`http::router`].

mod accept;
mod budget;
mod door;
mod gather;
mod scan;
mod split;
mod token;
mod unpack;
mod wire;

pub mod chunk;
pub mod http;
pub mod limits;
pub mod syslog;
pub mod tail;

#[cfg(test)]
mod testkit;

pub use door::{
    Busy, Door, FileOccurrence, ItemRefusal, Loss, Occurrence, Receipt, Refusal, Reply,
};
pub use token::{
    Bearer, MintError, Minted, TOKEN_ID_CHARS_MAX, TOKEN_RANDOM_BYTES, TokenBook, TokenRecord, mint,
};
