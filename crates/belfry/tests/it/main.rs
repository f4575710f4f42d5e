//! Journeys of users through the real program: each starts it in a folder of its own on free
//! ports of loopback, speaks to it as a person or a sender would and looks at what it says.
//!
//! `RUN_SLOW_TESTS=1` makes the journeys through crashes and garbage long ones.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "the whole crate is a test, which clippy sees in functions marked as tests only"
)]

mod alerts;
mod canary;
mod check;
mod demo;
mod detector;
mod evidence;
mod garbage;
mod http;
mod independent;
mod ingest;
mod kill;
mod memory;
mod peer;
mod receiver;
mod redact_command;
mod redaction;
mod self_audit;
mod stand;
mod tail;
mod witness;

/// Whether somebody has time for the long journeys.
pub(crate) fn is_slow() -> bool {
    std::env::var_os("RUN_SLOW_TESTS").is_some()
}
