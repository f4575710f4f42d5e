//! What Belfry does is written into its own ledger, through the same redaction as everything else.
//!
//! These entries carry the source `self`, which no sender can claim, and writing them is not
//! itself an occurrence, so there is no echo.

use std::sync::Arc;

use event::{Event, Listener, Redacted, Value, field};
use ledger::{Appended, Appender};
use redact::Policy;
use stdx::Clock;

use crate::config::OWN_SOURCE;

/// An event about ourselves, with everything but its time.
#[derive(Debug)]
pub(crate) struct OwnEvent {
    event: Event,
}

impl OwnEvent {
    /// `action` is a name of the event vocabulary, such as `sys_startup`.
    pub(crate) fn new(action: &str, category: &str, kind: &str, outcome: &str) -> Self {
        let mut event = Event::with_capacity(16, 256);
        event.push_str(field::EVENT_ACTION, action);
        event.push_item(field::EVENT_CATEGORY, Value::Str(category));
        event.push_item(field::EVENT_TYPE, Value::Str(kind));
        event.push_str(field::EVENT_KIND, "event");
        event.push_str(field::EVENT_OUTCOME, outcome);
        event.push_str(field::SERVICE_NAME, "belfry");
        Self { event }
    }

    /// Adds text under a known field.
    pub(crate) fn text(mut self, id: event::FieldId, text: &str) -> Self {
        self.event.push_str(id, text);
        self
    }

    /// Adds text under `name`.
    pub(crate) fn named(mut self, name: &str, text: &str) -> Self {
        self.event.push_named(name, Value::Str(text), false);
        self
    }

    /// Adds a number.
    pub(crate) fn count(mut self, count: u64) -> Self {
        let count = i64::try_from(count).unwrap_or(i64::MAX);
        self.event.push(field::BELFRY_COUNT, Value::Int(count));
        self
    }
}

/// The pen for entries about ourselves.
#[derive(Clone, Debug)]
pub(crate) struct SelfAudit {
    policy: Arc<Policy>,
    appender: Appender,
    clock: Arc<dyn Clock>,
}

impl SelfAudit {
    pub(crate) fn new(policy: Arc<Policy>, appender: Appender, clock: Arc<dyn Clock>) -> Self {
        Self {
            policy,
            appender,
            clock,
        }
    }

    /// Now, by our clock, in nanoseconds since 1970.
    pub(crate) fn now(&self) -> i64 {
        self.clock.unix_nanos()
    }

    /// Certifies `own` with its time and source.
    pub(crate) fn seal(&self, own: OwnEvent) -> Redacted {
        self.seal_event(own.event)
    }

    /// Certifies an event about ourselves that another crate drafted (alerts).
    pub(crate) fn seal_event(&self, mut event: Event) -> Redacted {
        let now = event::ObservedAt(self.clock.unix_nanos());
        if event.timestamp().is_none() {
            event.push(field::TIMESTAMP, Value::Time(now.as_timestamp()));
        }
        event.set(field::EVENT_INGESTED, Value::Time(now.as_timestamp()));
        event.set(field::BELFRY_SOURCE, Value::Str(OWN_SOURCE));
        event.set(field::BELFRY_LISTENER, Value::Str(Listener::Own.name()));
        self.policy.apply(event)
    }

    /// Writes `own` and waits until it is durable.
    pub(crate) fn record(&self, own: OwnEvent) -> Result<Appended, ledger::AppendError> {
        self.appender.append(vec![self.seal(own)])
    }

    /// Writes sealed entries and waits until they are durable.
    pub(crate) fn append(&self, batch: Vec<Redacted>) -> Result<Appended, ledger::AppendError> {
        self.appender.append(batch)
    }

    /// Writes `own` without waiting; an entry that finds no room is counted by the caller.
    pub(crate) fn record_soon(&self, own: OwnEvent) -> bool {
        self.record_event_soon(own.event)
    }

    /// The same for an event that another crate drafted.
    pub(crate) fn record_event_soon(&self, event: Event) -> bool {
        self.appender
            .submit(vec![self.seal_event(event)], Box::new(|_| {}))
            .is_ok()
    }
}
