//! From [`Detection`](event::Detection) to what a person is told: alerts with a life, and their
//! delivery.
//!
//! Every change of an alert is first an entry of the ledger (source `self`), written by the
//! application from the events that [`occurrence`] makes. The [`Desk`] is a projection of those
//! entries in SQLite: it may be deleted and comes back the same. The [`Courier`] carries what the
//! desk put into its outbox to one sink, at least once.
//!
//! Deliberately absent: the rule language, the ledger, redaction, async.
//!
//! The nouns:
//! - [`AlertId`]: made from rule, window and entity, so that a replay raises the same alert.
//! - [`Alert`] with [`State`], [`Verdict`] and its history of [`Step`]s.
//! - [`Desk`]: [`Desk::apply`] entries, [`Desk::list`] and [`Desk::show`] alerts.
//! - [`SinkConfig`] and [`Courier`]: terminal, file, signed webhook.
//! - [`render`]: the same alert for people and for machines.
//!
//! Invariants:
//! - Only entries whose listener and source are both `self` count: a sender cannot forge, close or
//!   alter an alert.
//! - Alert, history, outbox and cursor change in one transaction, so a batch may be repeated.
//! - The text of a message is fixed when it enters the outbox: every attempt sends the same bytes
//!   under the same id.
//! - No text of a stranger reaches a terminal unescaped; no secret reaches a formatter.
//!
//! Start at [`Desk::apply`].

mod alert;
mod backoff;
mod bell;
mod courier;
mod desk;
mod identity;
mod lifecycle;
mod signature;
mod sink;
#[cfg(test)]
mod testkit;
mod webhook;
mod wire;

pub mod limits;
pub mod occurrence;
pub mod render;

pub use alert::{Alert, AlertRule, Facts, Known, Step};
pub use backoff::RetryPolicy;
pub use bell::Bell;
pub use courier::{Courier, CourierError, Report};
pub use desk::{
    ApplyError, Change, ChangeKind, Delivery, Desk, DeskConfig, DeskError, Filter, OpenError,
    OutboxCounts,
};
pub use identity::{AlertId, alert_id};
pub use lifecycle::{State, Transition, TransitionError, Verdict};
pub use occurrence::{delivery_fail_event, raised_event, transition_event};
pub use signature::{SecretError, secret_of_text, signature};
pub use sink::{Format, Route, SinkConfig, Target, WebhookConfig};
pub use webhook::{DeliveryFault, SinkError};
