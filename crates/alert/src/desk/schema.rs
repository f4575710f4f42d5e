//! The desk's tables. There is no migration: a desk of another version is deleted and comes back
//! from the ledger.

use std::path::{Path, PathBuf};

use disk::{Disk, DiskError, RealDisk};
use rusqlite::Connection;
use thiserror::Error;

use crate::limits;

/// Kept in `user_version`.
const SCHEMA_VERSION: i64 = 1;

const TABLES: &str = "
CREATE TABLE meta(
    name TEXT PRIMARY KEY,
    value INTEGER NOT NULL
) STRICT;
CREATE TABLE alert(
    id TEXT PRIMARY KEY,
    state TEXT NOT NULL,
    severity INTEGER NOT NULL,
    raised_at INTEGER NOT NULL,
    raised_index INTEGER NOT NULL,
    body TEXT NOT NULL
) STRICT;
CREATE INDEX alert_by_age ON alert(raised_index);
CREATE TABLE step(
    alert TEXT NOT NULL,
    entry INTEGER NOT NULL,
    at INTEGER NOT NULL,
    action TEXT NOT NULL,
    actor TEXT,
    note TEXT,
    took_effect INTEGER NOT NULL,
    PRIMARY KEY(alert, entry)
) STRICT;
CREATE TABLE budget(
    sink TEXT NOT NULL,
    rule TEXT NOT NULL,
    hour INTEGER NOT NULL,
    messages INTEGER NOT NULL,
    PRIMARY KEY(sink, rule, hour)
) STRICT;
CREATE TABLE outbox(
    number INTEGER PRIMARY KEY,
    sink TEXT NOT NULL,
    message TEXT NOT NULL,
    alert TEXT NOT NULL,
    payload TEXT NOT NULL,
    state TEXT NOT NULL DEFAULT 'due',
    attempts INTEGER NOT NULL DEFAULT 0,
    due_at INTEGER NOT NULL,
    ended_at INTEGER,
    reason TEXT,
    UNIQUE(sink, message)
) STRICT;
CREATE INDEX outbox_due ON outbox(sink, due_at) WHERE state = 'due';
CREATE INDEX outbox_by_alert ON outbox(alert);
CREATE TABLE sink(
    name TEXT PRIMARY KEY,
    address TEXT NOT NULL,
    disabled_at INTEGER
) STRICT;
";

/// The desk's file could not be opened.
#[derive(Debug, Error)]
pub enum OpenError {
    /// The file could not be made.
    #[error("desk: {source}")]
    Disk {
        /// Why.
        #[from]
        source: DiskError,
    },
    /// SQLite refused.
    #[error("open desk {}: {source}", path.display())]
    Store {
        /// The file.
        path: PathBuf,
        /// Why.
        source: rusqlite::Error,
    },
    /// Written by another version of Belfry.
    #[error(
        "desk {} has schema version {found}, this version reads {supported}: delete the file, it \
         is rebuilt from the ledger",
        path.display()
    )]
    SchemaVersion {
        /// The file.
        path: PathBuf,
        /// Version in the file.
        found: i64,
        /// Version of this program.
        supported: i64,
    },
}

/// Opens the desk at `path`, creating it when it is missing or empty. `on_create` runs in the
/// transaction that makes the tables.
pub(super) fn open(
    path: &Path,
    on_create: impl FnOnce(&Connection) -> rusqlite::Result<()>,
) -> Result<Connection, OpenError> {
    // SQLite gives its journal files the mode of the main file, so making that one first with
    // mode 0600 keeps all of them private.
    drop(RealDisk::buffered().open_or_create(path)?);
    let store = |source| OpenError::Store {
        path: path.to_path_buf(),
        source,
    };
    let connection = connect(path).map_err(store)?;
    let found = version(&connection).map_err(store)?;
    if found == 0 {
        create(&connection, on_create).map_err(store)?;
    } else if found != SCHEMA_VERSION {
        return Err(OpenError::SchemaVersion {
            path: path.to_path_buf(),
            found,
            supported: SCHEMA_VERSION,
        });
    }
    Ok(connection)
}

/// Opens the desk at `path`, which must exist.
pub(crate) fn open_existing(path: &Path) -> rusqlite::Result<Connection> {
    connect(path)
}

fn connect(path: &Path) -> rusqlite::Result<Connection> {
    let flags = rusqlite::OpenFlags::SQLITE_OPEN_READ_WRITE
        | rusqlite::OpenFlags::SQLITE_OPEN_NO_MUTEX
        | rusqlite::OpenFlags::SQLITE_OPEN_NOFOLLOW;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(limits::STORE_BUSY_MAX)?;
    // A power cut may take the newest transactions but never half of one: the entries are applied
    // again from the older cursor, and a delivery that was forgotten is made again under its id.
    connection.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA trusted_schema = OFF;",
    )?;
    Ok(connection)
}

fn version(connection: &Connection) -> rusqlite::Result<i64> {
    connection.query_row("PRAGMA user_version", [], |row| row.get(0))
}

/// Two processes may open a new desk at once; the second finds the work done.
fn create(
    connection: &Connection,
    on_create: impl FnOnce(&Connection) -> rusqlite::Result<()>,
) -> rusqlite::Result<()> {
    connection.execute_batch("BEGIN IMMEDIATE")?;
    let made = version(connection).and_then(|found| {
        if found == 0 {
            connection.execute_batch(TABLES)?;
            on_create(connection)?;
            connection.execute_batch(&format!("PRAGMA user_version = {SCHEMA_VERSION}"))?;
        }
        Ok(())
    });
    let end = if made.is_ok() { "COMMIT" } else { "ROLLBACK" };
    made.and(connection.execute_batch(end))
}
