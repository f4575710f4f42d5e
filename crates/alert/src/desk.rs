//! The projection of Belfry's own entries that people ask: which alerts there are, how they stand,
//! and what is still to be told to whom.

mod outbox;
mod schema;

use std::path::Path;

use event::{Entry, Index, ObservedAt, Severity, TreeSize};
use rusqlite::{Connection, OptionalExtension, Row, TransactionBehavior, params};
use thiserror::Error;

use crate::occurrence::{self, Occurrence};
use crate::sink::Route;
use crate::{Alert, AlertId, Known, State, Step, Transition, identity, limits, render};
use outbox::{Cause, Kind};

pub use schema::OpenError;
pub(crate) use schema::open_existing;

/// How a desk is set up.
#[derive(Clone, Debug)]
pub struct DeskConfig {
    /// The sinks that want to hear, see [`crate::SinkConfig::route`].
    pub routes: Vec<Route>,
    /// Size of the ledger now. Read only when the desk is made anew: entries below it are history
    /// then, shown on the desk but told to nobody a second time.
    pub ledger_size: TreeSize,
}

/// The alert desk: one connection to its file. Several may be open, in several processes; only
/// one applies entries.
#[derive(Debug)]
pub struct Desk {
    connection: Connection,
    routes: Vec<Route>,
    /// Entries below this index ring nobody.
    quiet_below: Index,
}

/// What to list.
#[derive(Clone, Copy, Debug, Default)]
pub struct Filter {
    /// In this state only.
    pub state: Option<State>,
    /// At least this grave.
    pub severity_min: Option<Severity>,
    /// Raised at or after this.
    pub since: Option<ObservedAt>,
    /// At most so many, newest first; `None` and more than [`limits::LIST_MAX`] mean that limit.
    pub limit: Option<usize>,
}

/// One change that [`Desk::apply`] made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The alert.
    pub id: AlertId,
    /// The entry that changed it.
    pub index: Index,
    /// What happened.
    pub kind: ChangeKind,
}

/// What happened to an alert.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChangeKind {
    /// It is new.
    Raised(Severity),
    /// It grew.
    Updated,
    /// Somebody moved it here.
    Moved(State),
    /// A move that was not legal any more; kept in the history.
    Refused(Transition),
}

/// How the messages about one alert fared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// Name of the sink.
    pub sink: String,
    /// Id of the message.
    pub message: String,
    /// `due`, `delivered` or `dead`.
    pub state: String,
    /// Attempts so far.
    pub attempts: u32,
    /// When it was delivered or given up.
    pub ended_at: Option<ObservedAt>,
    /// Why the newest attempt failed.
    pub reason: Option<String>,
}

/// Messages of all sinks by state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OutboxCounts {
    /// Waiting for an attempt.
    pub due: u64,
    /// Done.
    pub delivered: u64,
    /// Given up.
    pub dead: u64,
}

/// The desk could not be read.
#[derive(Debug, Error)]
pub enum DeskError {
    /// SQLite refused.
    #[error("read desk: {source}")]
    Store {
        /// Why.
        #[from]
        source: rusqlite::Error,
    },
    /// A row that this program did not write.
    #[error("desk holds a damaged alert {id}: delete the desk, it is rebuilt from the ledger")]
    Damaged {
        /// As stored.
        id: String,
    },
    /// The beginning of an id that several alerts share.
    #[error("alert id {prefix} is ambiguous: {count} alerts start so")]
    Ambiguous {
        /// What was asked for.
        prefix: String,
        /// How many alerts start with it.
        count: u64,
    },
}

/// A batch could not be applied; nothing of it was.
#[derive(Debug, Error)]
#[error("apply entries to the desk: {source}")]
pub struct ApplyError {
    /// Why.
    #[from]
    source: DeskError,
}

impl From<rusqlite::Error> for ApplyError {
    fn from(source: rusqlite::Error) -> Self {
        Self {
            source: source.into(),
        }
    }
}

impl Desk {
    /// Opens the desk at `path`, making it when it is missing. The folder must exist.
    pub fn open(path: &Path, config: DeskConfig) -> Result<Self, OpenError> {
        let size = to_sql(config.ledger_size.0);
        let connection = schema::open(path, |fresh| save_number(fresh, QUIET_BELOW, size))?;
        let quiet_below = number(&connection, QUIET_BELOW).map_err(|source| OpenError::Store {
            path: path.to_path_buf(),
            source,
        })?;
        Ok(Self {
            connection,
            routes: config.routes,
            quiet_below: Index(of_sql(quiet_below.unwrap_or(0))),
        })
    }

    /// The newest entry applied; `None` before the first.
    pub fn cursor(&self) -> Result<Option<Index>, DeskError> {
        let cursor = number(&self.connection, CURSOR)?;
        Ok(cursor.map(|index| Index(of_sql(index))))
    }

    /// What is known about the alert `id`: whether a detection must be raised, told as an update
    /// ([`Known::is_outgrown_by`]) or is no news.
    pub fn knows(&self, id: &AlertId) -> Result<Option<Known>, DeskError> {
        let alert = load(&self.connection, id)?;
        Ok(alert.map(|alert| Known {
            state: alert.state,
            severity: alert.severity,
            count: alert.count,
            last: alert.last,
        }))
    }

    /// Takes in consecutive entries; those at or below the cursor are passed over, so a batch may
    /// come again after a crash. Everything of a batch, the cursor included, is one transaction.
    pub fn apply(&mut self, entries: &[Entry]) -> Result<Vec<Change>, ApplyError> {
        let Some(newest) = entries.last().map(Entry::index) else {
            return Ok(Vec::new());
        };
        let behavior = TransactionBehavior::Immediate;
        let transaction = self.connection.transaction_with_behavior(behavior)?;
        let cursor = number(&transaction, CURSOR)?;
        if cursor.is_some_and(|cursor| newest.0 <= of_sql(cursor)) {
            return Ok(Vec::new());
        }
        let is_new = |entry: &&Entry| cursor.is_none_or(|at| of_sql(at) < entry.index().0);
        let mut changes = Vec::new();
        for entry in entries.iter().filter(is_new) {
            let Some(occurrence) = occurrence::read(entry) else {
                continue;
            };
            // History that is read again rings nobody.
            let routes: &[Route] = if entry.index() < self.quiet_below {
                &[]
            } else {
                &self.routes
            };
            changes.extend(project(&transaction, routes, entry, occurrence)?);
        }
        save_number(&transaction, CURSOR, to_sql(newest.0))?;
        // Before this line nothing of the batch happened, after it all of it did.
        transaction.commit()?;
        Ok(changes)
    }

    /// Alerts that `filter` names, newest first, without their history.
    pub fn list(&self, filter: &Filter) -> Result<Vec<Alert>, DeskError> {
        let limit = filter
            .limit
            .map_or(limits::LIST_MAX, |limit| limit.min(limits::LIST_MAX));
        let mut statement = self.connection.prepare(
            "SELECT id, body FROM alert
             WHERE (?1 IS NULL OR state = ?1) AND severity >= ?2 AND raised_at >= ?3
             ORDER BY raised_index DESC LIMIT ?4",
        )?;
        let rows = statement.query_map(
            params![
                filter.state.map(State::name),
                filter.severity_min.map_or(0, Severity::number),
                filter.since.map_or(i64::MIN, |since| since.0),
                to_sql(limit as u64),
            ],
            stored,
        )?;
        rows.map(|row| decode(row?)).collect()
    }

    /// The alert with this id, or the only one whose id starts so (with or without `a-`, at least
    /// [`limits::ID_PREFIX_DIGITS_MIN`] digits), with its history.
    pub fn show(&self, id_or_prefix: &str) -> Result<Option<Alert>, DeskError> {
        let Some(prefix) = identity::prefix_of(id_or_prefix.trim()) else {
            return Ok(None);
        };
        // Ids are `a-` and hex digits, all of which sort below `g`.
        let end = format!("{prefix}g");
        let matching = "FROM alert WHERE ?1 <= id AND id < ?2";
        let count = self.connection.query_row(
            &format!("SELECT count(*) {matching}"),
            [&prefix, &end],
            |row| row.get::<_, i64>(0),
        )?;
        match count {
            0 => return Ok(None),
            1 => {}
            _ => {
                let count = of_sql(count);
                return Err(DeskError::Ambiguous { prefix, count });
            }
        }
        let sql = format!("SELECT id, body {matching}");
        let row = self.connection.query_row(&sql, [&prefix, &end], stored)?;
        let mut alert = decode(row)?;
        alert.history = history(&self.connection, &alert.id)?;
        Ok(Some(alert))
    }

    /// How the messages about one alert fared, oldest first.
    pub fn deliveries(&self, id: &AlertId) -> Result<Vec<Delivery>, DeskError> {
        let mut statement = self.connection.prepare(
            "SELECT sink, message, state, attempts, ended_at, reason FROM outbox
             WHERE alert = ?1 ORDER BY number",
        )?;
        let rows = statement.query_map([id.as_str()], |row| {
            Ok(Delivery {
                sink: row.get(0)?,
                message: row.get(1)?,
                state: row.get(2)?,
                attempts: row.get(3)?,
                ended_at: row.get::<_, Option<i64>>(4)?.map(ObservedAt),
                reason: row.get(5)?,
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Messages of all sinks by state.
    pub fn outbox_counts(&self) -> Result<OutboxCounts, DeskError> {
        let mut statement = self
            .connection
            .prepare("SELECT state, count(*) FROM outbox GROUP BY state")?;
        let mut counts = OutboxCounts::default();
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
        for row in rows {
            let (state, count): (String, i64) = row?;
            match state.as_str() {
                "due" => counts.due = of_sql(count),
                "delivered" => counts.delivered = of_sql(count),
                _ => counts.dead = of_sql(count),
            }
        }
        Ok(counts)
    }
}

/// Names in the table of numbers.
const CURSOR: &str = "cursor";
const QUIET_BELOW: &str = "quiet_below";

fn project(
    connection: &Connection,
    routes: &[Route],
    entry: &Entry,
    occurrence: Occurrence,
) -> Result<Option<Change>, DeskError> {
    match occurrence {
        Occurrence::Detected(detected) => detect(connection, routes, entry, *detected).map(Some),
        Occurrence::Moved {
            id,
            transition,
            actor,
            note,
        } => {
            // A move of an alert that was never raised moves nothing.
            let Some(alert) = load(connection, &id)? else {
                return Ok(None);
            };
            let step = Step {
                index: entry.index(),
                at: entry.received(),
                action: transition.action().to_owned(),
                actor,
                note,
                took_effect: alert.state.after(transition).is_some(),
            };
            shift(connection, routes, transition, alert, &step).map(Some)
        }
    }
}

fn detect(
    connection: &Connection,
    routes: &[Route],
    entry: &Entry,
    detected: Alert,
) -> Result<Change, DeskError> {
    let id = detected.id.clone();
    let known = load(connection, &id)?;
    let (alert, kind, told) = match known {
        None => {
            let kind = ChangeKind::Raised(detected.severity);
            (detected, kind, Some(Kind::Raised))
        }
        Some(mut alert) => {
            let rose = alert.grow(&detected);
            (alert, ChangeKind::Updated, rose.then_some(Kind::Updated))
        }
    };
    save(connection, &alert)?;
    let is_raised = matches!(kind, ChangeKind::Raised(_));
    let step = Step {
        index: entry.index(),
        at: entry.received(),
        action: if is_raised {
            "alert_raised"
        } else {
            "alert_updated"
        }
        .to_owned(),
        actor: None,
        note: None,
        took_effect: true,
    };
    save_step(connection, &id, &step)?;
    if let Some(told) = told {
        let cause = Cause {
            kind: told,
            index: step.index,
            at: step.at,
        };
        outbox::enqueue(connection, routes, cause, &alert)?;
    }
    Ok(Change {
        id,
        index: step.index,
        kind,
    })
}

/// Moves `alert` if its life still allows it; what came too late stays in the history.
fn shift(
    connection: &Connection,
    routes: &[Route],
    transition: Transition,
    mut alert: Alert,
    step: &Step,
) -> Result<Change, DeskError> {
    save_step(connection, &alert.id, step)?;
    let change = |kind| Change {
        id: alert.id.clone(),
        index: step.index,
        kind,
    };
    let Some(state) = alert.state.after(transition) else {
        return Ok(change(ChangeKind::Refused(transition)));
    };
    let change = change(ChangeKind::Moved(state));
    alert.state = state;
    alert.verdict = match transition {
        Transition::Close(verdict) => Some(verdict),
        Transition::Acknowledge | Transition::Reopen => None,
    };
    save(connection, &alert)?;
    // The message shows what was done and said.
    alert.history = history(connection, &alert.id)?;
    let told = match transition {
        Transition::Acknowledge => "alert.acknowledged",
        Transition::Close(_) => "alert.closed",
        Transition::Reopen => "alert.reopened",
    };
    let cause = Cause {
        kind: Kind::Moved(told),
        index: step.index,
        at: step.at,
    };
    outbox::enqueue(connection, routes, cause, &alert)?;
    Ok(change)
}

fn load(connection: &Connection, id: &AlertId) -> Result<Option<Alert>, DeskError> {
    let row = connection
        .query_row(
            "SELECT id, body FROM alert WHERE id = ?1",
            [id.as_str()],
            stored,
        )
        .optional()?;
    row.map(decode).transpose()
}

fn save(connection: &Connection, alert: &Alert) -> Result<(), DeskError> {
    connection.execute(
        "INSERT INTO alert(id, state, severity, raised_at, raised_index, body)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)
         ON CONFLICT(id) DO UPDATE SET
             state = excluded.state, severity = excluded.severity, body = excluded.body",
        params![
            alert.id.as_str(),
            alert.state.name(),
            alert.severity.number(),
            alert.raised_at.0,
            to_sql(alert.raised_index.0),
            render::json(alert),
        ],
    )?;
    Ok(())
}

fn save_step(connection: &Connection, id: &AlertId, step: &Step) -> Result<(), DeskError> {
    connection.execute(
        "INSERT INTO step(alert, entry, at, action, actor, note, took_effect)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT(alert, entry) DO NOTHING",
        params![
            id.as_str(),
            to_sql(step.index.0),
            step.at.0,
            step.action,
            step.actor,
            step.note,
            step.took_effect,
        ],
    )?;
    Ok(())
}

fn history(connection: &Connection, id: &AlertId) -> Result<Vec<Step>, DeskError> {
    let mut statement = connection.prepare(
        "SELECT entry, at, action, actor, note, took_effect FROM step
         WHERE alert = ?1 ORDER BY entry",
    )?;
    let rows = statement.query_map([id.as_str()], |row| {
        Ok(Step {
            index: Index(of_sql(row.get(0)?)),
            at: ObservedAt(row.get(1)?),
            action: row.get(2)?,
            actor: row.get(3)?,
            note: row.get(4)?,
            took_effect: row.get(5)?,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn stored(row: &Row<'_>) -> rusqlite::Result<(String, String)> {
    Ok((row.get(0)?, row.get(1)?))
}

fn decode((id, body): (String, String)) -> Result<Alert, DeskError> {
    render::alert_of_json(&body).ok_or(DeskError::Damaged { id })
}

fn number(connection: &Connection, name: &str) -> rusqlite::Result<Option<i64>> {
    connection
        .query_row("SELECT value FROM meta WHERE name = ?1", [name], |row| {
            row.get(0)
        })
        .optional()
}

fn save_number(connection: &Connection, name: &str, value: i64) -> rusqlite::Result<()> {
    connection.execute(
        "INSERT INTO meta(name, value) VALUES (?1, ?2)
         ON CONFLICT(name) DO UPDATE SET value = excluded.value",
        params![name, value],
    )?;
    Ok(())
}

/// SQLite counts in `i64`; no ledger reaches its end.
fn to_sql(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

fn of_sql(count: i64) -> u64 {
    u64::try_from(count).unwrap_or(0)
}

#[cfg(test)]
mod tests;
