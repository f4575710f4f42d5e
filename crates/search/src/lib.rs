//! Answer questions about entries.
//!
//! Today: the query language and its exact evaluation on one entry; `belfry search` scans the
//! ledger with it. The index of later days answers the same [`Query`] faster and falls back to
//! this evaluation for what it cannot answer, so both always agree.
//!
//! Deliberately absent: the ledger, HTTP, rules.
//!
//! - [`Query`]: a parsed filter, `user.name:bob AND event.outcome:failure`.
//! - [`QueryError`]: what was wrong and where.

mod matching;
mod query;

pub use query::{Query, QueryError};
