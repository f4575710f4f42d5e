//! What the desk owes to its sinks: messages with fixed text, written in the transaction of the
//! change they tell about, within each rule's hourly budget.

use event::{Index, ObservedAt};
use rusqlite::{Connection, params};

use crate::sink::{Format, Route};
use crate::{Alert, render};

const HOUR_NANOS: i64 = 3_600_000_000_000;

/// What a message tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A new alert.
    Raised,
    /// It became graver.
    Updated,
    /// A person moved it on; for sinks that want the whole life.
    Moved(&'static str),
}

impl Kind {
    const fn name(self) -> &'static str {
        match self {
            Self::Raised => "alert.raised",
            Self::Updated => "alert.updated",
            Self::Moved(name) => name,
        }
    }

    fn is_wanted_by(self, route: &Route, alert: &Alert) -> bool {
        let of_detection = matches!(self, Self::Raised | Self::Updated);
        route.severity_min <= alert.severity && (of_detection || route.lifecycle)
    }
}

/// The change that a message tells about.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cause {
    pub(super) kind: Kind,
    pub(super) index: Index,
    pub(super) at: ObservedAt,
}

/// Puts messages about `alert` into the outbox, one for each route that wants it.
pub(super) fn enqueue(
    connection: &Connection,
    routes: &[Route],
    cause: Cause,
    alert: &Alert,
) -> rusqlite::Result<()> {
    for route in routes {
        if !cause.kind.is_wanted_by(route, alert) {
            continue;
        }
        let is_budgeted = !matches!(cause.kind, Kind::Moved(_));
        let spent = if is_budgeted {
            spend(connection, route, cause.at, alert)?
        } else {
            0
        };
        let max = i64::from(route.rule_hourly_max);
        if spent <= max {
            let message = format!("{}.{}", alert.id, cause.index);
            let payload = payload_of(route, cause, alert);
            insert(connection, route, &message, alert, &payload, cause.at)?;
        } else if spent == max + 1 {
            let message = format!("{}.{}.summary", alert.id, cause.index);
            let payload = summary_of(route, cause.at, alert);
            insert(connection, route, &message, alert, &payload, cause.at)?;
        }
    }
    Ok(())
}

/// Counts one more message of the alert's rule in this hour; returns the count with it.
fn spend(
    connection: &Connection,
    route: &Route,
    at: ObservedAt,
    alert: &Alert,
) -> rusqlite::Result<i64> {
    connection.query_row(
        "INSERT INTO budget(sink, rule, hour, messages) VALUES (?1, ?2, ?3, 1)
         ON CONFLICT(sink, rule, hour) DO UPDATE SET messages = messages + 1
         RETURNING messages",
        params![route.sink, alert.rule.id, at.0.div_euclid(HOUR_NANOS)],
        |row| row.get(0),
    )
}

fn payload_of(route: &Route, cause: Cause, alert: &Alert) -> String {
    match route.format {
        Format::Pretty { color } => render::pretty(alert, color),
        Format::JsonLine => render::notice_json(cause.kind.name(), cause.at, alert),
    }
}

fn summary_of(route: &Route, at: ObservedAt, alert: &Alert) -> String {
    let hour = ObservedAt(at.0 - at.0.rem_euclid(HOUR_NANOS));
    match route.format {
        Format::Pretty { color } => {
            render::summary_pretty(hour, route.rule_hourly_max, alert, color)
        }
        Format::JsonLine => render::summary_json(at, hour, route.rule_hourly_max, alert),
    }
}

fn insert(
    connection: &Connection,
    route: &Route,
    message: &str,
    alert: &Alert,
    payload: &str,
    at: ObservedAt,
) -> rusqlite::Result<()> {
    connection.execute(
        "INSERT INTO outbox(sink, message, alert, payload, due_at) VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT(sink, message) DO NOTHING",
        params![route.sink, message, alert.id.as_str(), payload, at.0],
    )?;
    Ok(())
}
