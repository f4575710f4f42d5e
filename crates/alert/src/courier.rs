//! Carries the outbox of one sink: each sink has its own courier and thread, so that a slow
//! receiver delays nobody else.
//!
//! At least once: a message is marked delivered after the sink took it, so a crash between the two
//! sends it again, the same bytes under the same id.

use std::fmt;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use disk::Disk;
use event::ObservedAt;
use rusqlite::{Connection, OptionalExtension, params};
use stdx::Clock;
use thiserror::Error;

use crate::sink::{SinkConfig, Target};
use crate::webhook::Webhook;
use crate::{Bell, DeliveryFault, SinkError, desk, identity, limits};

/// What became of a message; the application counts these and writes
/// [`crate::delivery_fail_event`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Report {
    /// The sink took it.
    Delivered {
        /// Name of the sink.
        sink: String,
        /// Id of the message.
        message: String,
        /// Attempts with this one.
        attempts: u32,
    },
    /// It will be tried again.
    Retrying {
        /// Name of the sink.
        sink: String,
        /// Id of the message.
        message: String,
        /// Attempts so far.
        attempts: u32,
        /// Until the next attempt.
        wait: Duration,
        /// Why it failed.
        reason: DeliveryFault,
    },
    /// It stays in the outbox as dead.
    GaveUp {
        /// Name of the sink.
        sink: String,
        /// Id of the message.
        message: String,
        /// Attempts made.
        attempts: u32,
        /// Why the last one failed.
        reason: DeliveryFault,
    },
    /// The receiver wants nothing more; every message for it is dead until its address changes.
    Disabled {
        /// Name of the sink.
        sink: String,
    },
}

/// A courier could not work on its outbox.
#[derive(Debug, Error)]
pub enum CourierError {
    /// The sink is not usable.
    #[error(transparent)]
    Sink(#[from] SinkError),
    /// The desk's file could not be read or written.
    #[error("outbox of sink {sink}: {source}")]
    Store {
        /// Name of the sink.
        sink: String,
        /// Why.
        source: rusqlite::Error,
    },
}

/// Delivers the messages of one sink.
pub struct Courier {
    connection: Connection,
    config: SinkConfig,
    door: Door,
    disabled: bool,
    /// The receiver asked for peace, or failed just now.
    rests_until: ObservedAt,
    observe: Box<dyn FnMut(&Report) + Send>,
}

/// The way out, ready to use.
enum Door {
    Writer(Box<dyn Write + Send>),
    File { disk: Arc<dyn Disk>, path: PathBuf },
    Webhook(Box<Webhook>),
}

/// One row of the outbox.
struct Due {
    number: i64,
    message: String,
    payload: String,
    attempts: u32,
}

impl fmt::Debug for Courier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Courier")
            .field("config", &self.config)
            .field("disabled", &self.disabled)
            .finish_non_exhaustive()
    }
}

impl Courier {
    /// A courier for `config`, working on the outbox of the desk at `desk`, which exists. `output`
    /// is what a stdout sink writes to. `observe` hears every report before the outbox records it,
    /// so a crash may repeat a report but never swallow one.
    pub fn open(
        desk: &Path,
        config: SinkConfig,
        disk: Arc<dyn Disk>,
        output: Box<dyn Write + Send>,
        observe: Box<dyn FnMut(&Report) + Send>,
    ) -> Result<Self, CourierError> {
        let address = address_of(&config);
        let door = open_door(&config, disk, output)?;
        let store = |source| CourierError::Store {
            sink: config.name.clone(),
            source,
        };
        let connection = desk::open_existing(desk).map_err(store)?;
        let disabled = register(&connection, &config.name, &address).map_err(store)?;
        Ok(Self {
            connection,
            config,
            door,
            disabled,
            rests_until: ObservedAt(i64::MIN),
            observe,
        })
    }

    /// Works until the bell is stopped. A fault of the store is waited out: the outbox is durable.
    pub fn run(&mut self, bell: &Bell, clock: &dyn Clock) {
        while !bell.is_stopped() {
            let heard = bell.times();
            let now = ObservedAt(clock.unix_nanos());
            let wait = self.step(now).unwrap_or(limits::STORE_FAULT_WAIT);
            if !wait.is_zero() {
                bell.wait(heard, wait.min(limits::IDLE_WAIT_MAX));
            }
        }
    }

    /// Delivers what is due at `now`, up to [`limits::STEP_DELIVERIES_MAX`] messages and not past
    /// the first failure. Returns how long to wait before the next step; zero when more is due.
    pub fn step(&mut self, now: ObservedAt) -> Result<Duration, CourierError> {
        self.step_inner(now).map_err(|source| CourierError::Store {
            sink: self.config.name.clone(),
            source,
        })
    }

    fn step_inner(&mut self, now: ObservedAt) -> rusqlite::Result<Duration> {
        if now < self.rests_until {
            return Ok(between(now, self.rests_until));
        }
        for _ in 0..limits::STEP_DELIVERIES_MAX {
            let Some(due) = self.next_due(now)? else {
                return self.wait_for_next(now);
            };
            if self.disabled {
                self.bury(&due, now, DeliveryFault::Gone)?;
                continue;
            }
            match self.door.deliver(&due, now) {
                Ok(()) => self.settle(&due, now)?,
                Err(DeliveryFault::Gone) => self.disable(&due, now)?,
                Err(fault) => return self.put_off(&due, now, fault),
            }
        }
        Ok(Duration::ZERO)
    }

    fn next_due(&self, now: ObservedAt) -> rusqlite::Result<Option<Due>> {
        self.connection
            .query_row(
                "SELECT number, message, payload, attempts FROM outbox
                 WHERE sink = ?1 AND state = 'due' AND due_at <= ?2 ORDER BY number LIMIT 1",
                params![self.config.name, now.0],
                |row| {
                    Ok(Due {
                        number: row.get(0)?,
                        message: row.get(1)?,
                        payload: row.get(2)?,
                        attempts: row.get(3)?,
                    })
                },
            )
            .optional()
    }

    fn wait_for_next(&self, now: ObservedAt) -> rusqlite::Result<Duration> {
        let next: Option<i64> = self.connection.query_row(
            "SELECT min(due_at) FROM outbox WHERE sink = ?1 AND state = 'due'",
            [&self.config.name],
            |row| row.get(0),
        )?;
        Ok(next.map_or(limits::IDLE_WAIT_MAX, |at| between(now, ObservedAt(at))))
    }

    /// Delivered: the text goes, the row stays as proof.
    fn settle(&mut self, due: &Due, now: ObservedAt) -> rusqlite::Result<()> {
        (self.observe)(&Report::Delivered {
            sink: self.config.name.clone(),
            message: due.message.clone(),
            attempts: due.attempts + 1,
        });
        // If we die here the message is sent again under the same id.
        self.connection.execute(
            "UPDATE outbox SET state = 'delivered', payload = '', attempts = ?2, ended_at = ?3,
                 reason = NULL
             WHERE number = ?1",
            params![due.number, due.attempts + 1, now.0],
        )?;
        Ok(())
    }

    fn disable(&mut self, due: &Due, now: ObservedAt) -> rusqlite::Result<()> {
        (self.observe)(&Report::Disabled {
            sink: self.config.name.clone(),
        });
        self.connection.execute(
            "UPDATE sink SET disabled_at = ?2 WHERE name = ?1",
            params![self.config.name, now.0],
        )?;
        self.disabled = true;
        self.bury(due, now, DeliveryFault::Gone)
    }

    /// Tries later, or never again. The whole sink rests meanwhile for as long as its receiver
    /// asked, and at least a moment, so that a dead receiver is not hammered with every message.
    fn put_off(
        &mut self,
        due: &Due,
        now: ObservedAt,
        fault: DeliveryFault,
    ) -> rusqlite::Result<Duration> {
        let attempts = due.attempts + 1;
        let retry = self.config.retry;
        let wait = retry.wait(&due.message, attempts, fault.retry_after());
        let asked = fault.retry_after().unwrap_or(Duration::ZERO);
        let rest = asked.min(limits::RETRY_AFTER_MAX).max(retry.wait_first / 2);
        self.rests_until = after(now, rest);
        if retry.attempts_max <= attempts {
            self.bury(due, now, fault)?;
            return Ok(rest);
        }
        self.connection.execute(
            "UPDATE outbox SET attempts = ?2, due_at = ?3, reason = ?4 WHERE number = ?1",
            params![due.number, attempts, after(now, wait).0, fault.to_string()],
        )?;
        (self.observe)(&Report::Retrying {
            sink: self.config.name.clone(),
            message: due.message.clone(),
            attempts,
            wait,
            reason: fault,
        });
        Ok(rest.min(wait))
    }

    fn bury(&mut self, due: &Due, now: ObservedAt, fault: DeliveryFault) -> rusqlite::Result<()> {
        let reason = fault.to_string();
        (self.observe)(&Report::GaveUp {
            sink: self.config.name.clone(),
            message: due.message.clone(),
            attempts: due.attempts + 1,
            reason: fault,
        });
        self.connection.execute(
            "UPDATE outbox SET state = 'dead', attempts = ?2, ended_at = ?3, reason = ?4
             WHERE number = ?1",
            params![due.number, due.attempts + 1, now.0, reason],
        )?;
        Ok(())
    }
}

impl Door {
    fn deliver(&mut self, due: &Due, now: ObservedAt) -> Result<(), DeliveryFault> {
        match self {
            Self::Writer(writer) => {
                let text = with_line_feed(&due.payload);
                let written = writer
                    .write_all(text.as_bytes())
                    .and_then(|()| writer.flush());
                written.map_err(|error| DeliveryFault::Output { kind: error.kind() })
            }
            Self::File { disk, path } => disk
                .append(path, with_line_feed(&due.payload).as_bytes())
                .map_err(|error| DeliveryFault::File {
                    reason: error.to_string(),
                }),
            Self::Webhook(webhook) => webhook.send(&due.message, &due.payload, now),
        }
    }
}

fn open_door(
    config: &SinkConfig,
    disk: Arc<dyn Disk>,
    output: Box<dyn Write + Send>,
) -> Result<Door, SinkError> {
    match &config.target {
        Target::Stdout { .. } => Ok(Door::Writer(output)),
        Target::Webhook(webhook) => {
            let webhook = Webhook::new(&config.name, webhook.clone(), &*disk)?;
            Ok(Door::Webhook(Box::new(webhook)))
        }
        Target::File { path } => {
            end_torn_line(&*disk, path).map_err(|source| SinkError::File {
                sink: config.name.clone(),
                source,
            })?;
            let path = path.clone();
            Ok(Door::File { disk, path })
        }
    }
}

/// A crash may have left half a line; the next one must not continue it.
fn end_torn_line(disk: &dyn Disk, path: &Path) -> Result<(), disk::DiskError> {
    let Some(len) = disk.stat(path)?.map(|stat| stat.len) else {
        return Ok(());
    };
    let Some(last) = len.checked_sub(1) else {
        return Ok(());
    };
    let mut byte = [0];
    disk.open_read(path)?.read_at(&mut byte, last)?;
    if byte == *b"\n" {
        Ok(())
    } else {
        disk.append(path, b"\n")
    }
}

/// Notes the sink and its address; returns whether its receiver has said that it wants nothing
/// more. A new address is a new receiver.
fn register(connection: &Connection, name: &str, address: &str) -> rusqlite::Result<bool> {
    connection.execute(
        "INSERT INTO sink(name, address) VALUES (?1, ?2)
         ON CONFLICT(name) DO UPDATE SET
             disabled_at = CASE WHEN address = excluded.address THEN disabled_at END,
             address = excluded.address",
        params![name, address],
    )?;
    connection.query_row(
        "SELECT disabled_at IS NOT NULL FROM sink WHERE name = ?1",
        [name],
        |row| row.get(0),
    )
}

/// A fingerprint, because an address may hold a token and the desk is a plain file.
fn address_of(config: &SinkConfig) -> String {
    match &config.target {
        Target::Webhook(webhook) => {
            use sha2::Digest as _;
            identity::hex(&sha2::Sha256::digest(webhook.url.expose().as_bytes()))
        }
        Target::Stdout { .. } | Target::File { .. } => String::new(),
    }
}

fn with_line_feed(payload: &str) -> String {
    if payload.ends_with('\n') {
        payload.to_owned()
    } else {
        format!("{payload}\n")
    }
}

fn between(now: ObservedAt, then: ObservedAt) -> Duration {
    Duration::from_nanos(u64::try_from(then.0.saturating_sub(now.0)).unwrap_or(0))
}

fn after(now: ObservedAt, wait: Duration) -> ObservedAt {
    let nanos = i64::try_from(wait.as_nanos()).unwrap_or(i64::MAX);
    ObservedAt(now.0.saturating_add(nanos))
}

#[cfg(test)]
mod tests;
