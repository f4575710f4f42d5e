//! Sigma rules and correlations compiled to programs; entries in, [`Detection`](event::Detection)s
//! out.
//!
//! [`RuleSet::load`] reads rule files, [`Engine::apply`] runs them over entries of the ledger in
//! order. The journey of a rule: `sigma` (text to our nouns, the only module that knows the
//! borrowed parser) -> `program` (boolean programs over shared predicates) -> `bucket` (an index
//! per log-source set that proposes candidates) -> `matcher` (one event against them). Matches go
//! to `correlation` windows by group (`window`, `groups`), and what they satisfy rings (`bell`).
//!
//! Deliberately absent: files, clocks, threads, where detections go.
//!
//! Invariants:
//! - The time that counts is the event's, clamped around its receipt; the same entries in the same
//!   order give the same detections, live or replayed.
//! - One bad rule never stops another; everything wrong is listed with file and line.
//! - A rule matches only events of the log sources it names.
//! - State per rule is bounded; what is given up is counted in [`EngineStats`].

pub mod attack;
mod backtest;
mod bell;
mod bucket;
mod bytes;
mod correlation;
mod deferred;
mod derived;
mod digest;
mod distinct;
mod engine;
mod exception;
mod explain;
mod fields;
mod glob;
mod goal;
mod groups;
mod hash;
mod health;
mod lint;
mod literals;
mod live;
mod log_source;
mod matcher;
mod nearest;
mod placeholder;
mod predicate;
mod program;
mod ring;
mod rough;
mod rule;
mod rule_set;
mod sample;
mod sieve;
mod sigma;
mod snapshot;
mod spelling;
mod tuning;
mod window;

pub mod limits;

#[cfg(test)]
mod brute_force;
#[cfg(test)]
mod tests;

pub use backtest::{Backtest, BacktestReport, Tally};
pub use derived::attacks;
pub use engine::{Engine, EngineConfig, EngineStats, ExceptionStats, RuleStats, SnapshotError};
pub use exception::ExceptionSummary;
pub use explain::{Explanation, Found, Selection, Step, explain};
pub use lint::{Finding, lint};
pub use log_source::Reach;
pub use rule::LogSource;
pub use rule_set::{Problem, RuleFile, RuleKind, RuleSet, RuleSummary};
pub use sample::TestOutcome;
pub use tuning::{Override, Scope, Tuning};
