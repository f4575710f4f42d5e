//! What a witness has seen: for each log its key, the newest checkpoint, and the conflicts.
//!
//! ```text
//! <dir>/lock, key                       the witness's own key, readable by its owner only
//! <dir>/<sha256 of origin, hex>/log     verifier key of the log
//! <dir>/<sha256 ...>/checkpoint         newest checkpoint with the witness's cosignature
//! <dir>/<sha256 ...>/conflict/<n>.txt   what contradicts it
//! ```
//!
//! The file `checkpoint` is the state: size and root are read from it. It is replaced atomically
//! before a cosignature leaves. A crash between the two costs the log one question more: it is
//! told the size we have seen and proves from there.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use disk::{Disk, DiskError, DiskLock};
use sha2::{Digest as _, Sha256};
use stdx::Clock;
use thiserror::Error;
use tlog::{
    AddCheckpoint, Checkpoint, CosigningKey, Hash, UnverifiedCheckpoint, Verified, VerifyingKey,
};
use zeroize::Zeroizing;

use crate::limits::{
    CONFLICTS_KEPT_MAX, COSIGN_BURST, COSIGN_PAUSE, KEY_FILE_BYTES_MAX, LOGS_MAX,
    NOTE_FILE_BYTES_MAX,
};

const SECOND_NANOS: i64 = stdx::calendar::SECOND_NANOS;

/// The hexadecimal SHA-256 of an origin, as c2sp.org/tlog-witness names logs in paths.
pub fn origin_hex(origin: &str) -> String {
    format!("{:x}", Hash::from_bytes(Sha256::digest(origin).into()))
}

/// The memory of a witness. Cheap to share; every log has a lock of its own.
#[derive(Debug)]
pub struct Store {
    disk: Arc<dyn Disk>,
    clock: Arc<dyn Clock>,
    dir: PathBuf,
    key: CosigningKey,
    /// Held for looking a log up, never while one is decided.
    logs: Mutex<HashMap<String, Arc<Mutex<Log>>>>,
    _lock: Box<dyn DiskLock>,
}

/// One log: its lock is held from reading the state to having stored the next.
#[derive(Debug)]
struct Log {
    key: VerifyingKey,
    /// `None` before the first checkpoint.
    seen: Option<Seen>,
    /// Cosignatures that may be given at once, and when this was counted.
    budget: (u32, i64),
}

/// The newest checkpoint that was cosigned.
#[derive(Clone, Debug)]
struct Seen {
    checkpoint: Verified<Checkpoint>,
    /// The note with the cosignature, as served.
    note: Arc<str>,
    time_s: u64,
}

/// Why a checkpoint gets no cosignature; each is one status of c2sp.org/tlog-witness.
#[derive(Debug, Error)]
pub enum Refusal {
    /// The body is no request (400).
    #[error("{0}")]
    Malformed(String),
    /// The log is not among those watched (404).
    #[error("this witness does not know the log {origin:?}")]
    UnknownLog {
        /// Origin claimed.
        origin: String,
    },
    /// The log's key did not sign it (403).
    #[error("{0}")]
    Signature(String),
    /// The proof starts from another size than the one seen (409).
    #[error("the newest checkpoint that this witness has seen is of size {size}")]
    OtherSize {
        /// Size seen.
        size: u64,
    },
    /// The proof does not connect the checkpoint to what was seen (422).
    #[error("{0}")]
    Proof(String),
    /// The log asks too often (429).
    #[error("more cosignatures than one each {COSIGN_PAUSE:?} on average")]
    TooOften,
    /// The state cannot be read or kept (500).
    #[error("the state of this witness cannot be kept: {0}")]
    State(String),
}

/// A checkpoint with a good signature that contradicts what the witness has seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conflict {
    /// The log.
    pub origin: String,
    /// Size of the newest checkpoint that was cosigned.
    pub seen_size: u64,
    /// Size of the contradicting one.
    pub size: u64,
    /// True for two roots of one size, which proves a fork by itself; false when the proof that
    /// came along does not connect the two, which a sloppy or hostile messenger can cause too.
    pub is_proven: bool,
    /// Where both are kept; `None` when there are too many.
    pub file: Option<PathBuf>,
}

/// What became of a request.
#[derive(Debug)]
pub struct Taken {
    /// The signature line for the log, with its newline, or the refusal.
    pub answer: Result<String, Refusal>,
    /// Set once for each different contradiction.
    pub conflict: Option<Conflict>,
}

/// One watched log as people are shown it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogStatus {
    /// Name of the log.
    pub origin: String,
    /// Size of the newest checkpoint seen; `None` before the first.
    pub size: Option<u64>,
    /// When it was cosigned, seconds since 1970 UTC.
    pub time_s: Option<u64>,
    /// Contradictions kept.
    pub conflicts: usize,
}

/// Why a witness cannot work on its folder.
#[derive(Debug, Error)]
pub enum StoreError {
    /// The disk refused.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// A file does not hold what it should.
    #[error("{}: {reason}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A log of this name with another key is watched already.
    #[error(
        "the log {origin} is watched already under another key ({known}); a new key means a new \
         log: give it a new origin"
    )]
    OtherKey {
        /// Name of the log.
        origin: String,
        /// Key that is watched.
        known: String,
    },
    /// As many logs as there is room for.
    #[error("{logs_max} logs are watched already")]
    TooManyLogs {
        /// Most logs.
        logs_max: usize,
    },
}

/// Reads the key of the witness in `dir`; on first use makes it from `name` and `seed`.
pub fn key_of(
    disk: &dyn Disk,
    dir: &Path,
    name: &str,
    seed: &[u8; 32],
) -> Result<CosigningKey, StoreError> {
    let path = dir.join("key");
    let fault = |reason: String| StoreError::File {
        path: path.clone(),
        reason,
    };
    if disk.stat(&path)?.is_none() {
        disk.create_dir_all(dir)?;
        let key = CosigningKey::from_seed(name, seed).map_err(|error| fault(error.to_string()))?;
        let text = key.to_private_text();
        let mut line = Zeroizing::new(Vec::with_capacity(text.len() + 1));
        line.extend_from_slice(text.as_bytes());
        line.push(b'\n');
        disk.write_atomic(&path, &line)?;
    }
    let bytes = Zeroizing::new(disk.read(&path, KEY_FILE_BYTES_MAX)?);
    let text = std::str::from_utf8(&bytes).map_err(|_| fault("is no text".to_owned()))?;
    CosigningKey::parse(text.trim_end()).map_err(|error| fault(error.to_string()))
}

/// Lets the witness in `dir` watch one more log, also while it runs.
pub fn add_log(disk: &dyn Disk, dir: &Path, key: &VerifyingKey) -> Result<(), StoreError> {
    let folder = dir.join(origin_hex(key.name()));
    let path = folder.join("log");
    if disk.stat(&path)?.is_some() {
        let known = read_log_key(disk, &folder)?;
        if known == *key {
            return Ok(());
        }
        return Err(StoreError::OtherKey {
            origin: key.name().to_owned(),
            known: known.to_string(),
        });
    }
    if disk.stat(dir)?.is_some() && LOGS_MAX <= disk.list(dir)?.len() {
        return Err(StoreError::TooManyLogs { logs_max: LOGS_MAX });
    }
    disk.create_dir_all(&folder)?;
    disk.write_atomic(&path, format!("{key}\n").as_bytes())?;
    Ok(())
}

/// The watched logs in the folder of a witness, by name.
pub fn logs(disk: &dyn Disk, dir: &Path) -> Result<Vec<LogStatus>, StoreError> {
    let mut logs = Vec::new();
    if disk.stat(dir)?.is_none() {
        return Ok(logs);
    }
    for listed in disk.list(dir)? {
        let folder = dir.join(&listed.name);
        if !listed.is_dir || disk.stat(&folder.join("log"))?.is_none() {
            continue;
        }
        let key = read_log_key(disk, &folder)?;
        let seen = read_seen(disk, &folder, &key, None)?;
        logs.push(LogStatus {
            origin: key.name().to_owned(),
            size: seen.as_ref().map(|seen| seen.checkpoint.size()),
            time_s: seen.as_ref().map(|seen| seen.time_s),
            conflicts: conflict_files(disk, &folder)?.len(),
        });
    }
    logs.sort_by(|a, b| a.origin.cmp(&b.origin));
    Ok(logs)
}

impl Store {
    /// Opens the folder of a witness, which no other process may have open.
    pub fn open(
        disk: Arc<dyn Disk>,
        clock: Arc<dyn Clock>,
        dir: &Path,
        key: CosigningKey,
    ) -> Result<Self, StoreError> {
        disk.create_dir_all(dir)?;
        let lock = disk.lock(&dir.join("lock"))?;
        Ok(Self {
            disk,
            clock,
            dir: dir.to_path_buf(),
            key,
            logs: Mutex::default(),
            _lock: lock,
        })
    }

    /// The key that cosigns, for those who shall believe it.
    pub fn vkey(&self) -> String {
        self.key.cosigner_key().to_string()
    }

    /// Decides an `add-checkpoint` request: checks in the order of c2sp.org/tlog-witness, makes
    /// the new state durable, then gives the cosignature.
    pub fn take(&self, body: &[u8]) -> Taken {
        let mut conflict = None;
        let answer = self.decide(body, &mut conflict);
        Taken { answer, conflict }
    }

    /// The newest checkpoint of a log by the hexadecimal SHA-256 of its origin, with our
    /// cosignature; `None` when none was seen.
    pub fn checkpoint(&self, origin_hex: &str) -> Result<Option<Arc<str>>, StoreError> {
        let Some(log) = self.log(origin_hex)? else {
            return Ok(None);
        };
        let log = locked(&log);
        Ok(log.seen.as_ref().map(|seen| Arc::clone(&seen.note)))
    }

    fn decide(&self, body: &[u8], conflict: &mut Option<Conflict>) -> Result<String, Refusal> {
        let request =
            AddCheckpoint::parse(body).map_err(|error| Refusal::Malformed(error.to_string()))?;
        let foreign = request.checkpoint();
        let origin = foreign.claimed_origin();
        let unknown = || Refusal::UnknownLog {
            origin: origin.to_owned(),
        };
        let log = self
            .log(&origin_hex(origin))
            .map_err(|error| Refusal::State(error.to_string()))?
            .ok_or_else(unknown)?;
        let mut log = locked(&log);
        let checkpoint = foreign
            .verify(&log.key, log.key.name())
            .map_err(|error| Refusal::Signature(error.to_string()))?;
        let old = request.old_size();
        if checkpoint.size() < old {
            return Err(Refusal::Malformed(format!(
                "old size {old} is over the size {} of the checkpoint",
                checkpoint.size()
            )));
        }
        let seen_size = log.seen.as_ref().map_or(0, |seen| seen.checkpoint.size());
        if old != seen_size {
            return Err(Refusal::OtherSize { size: seen_size });
        }
        if let Err(refusal) = connect(&log, &request, &checkpoint) {
            *conflict = self.keep_conflict(&log, &request, &checkpoint);
            return Err(refusal);
        }
        self.cosign(&mut log, foreign, checkpoint)
    }

    /// The last step: state, then word. A crash before the write leaves everything as it was; a
    /// crash after it makes the log ask again.
    fn cosign(
        &self,
        log: &mut Log,
        foreign: &UnverifiedCheckpoint,
        checkpoint: Verified<Checkpoint>,
    ) -> Result<String, Refusal> {
        self.spend(log)?;
        let now_s = u64::try_from(self.clock.unix_nanos() / SECOND_NANOS).unwrap_or(0);
        // Our word never says an earlier time than before, whatever the clock does.
        let time_s = now_s.max(log.seen.as_ref().map_or(0, |seen| seen.time_s));
        let line = self
            .key
            .cosign(foreign.note().text(), time_s)
            .map_err(|error| Refusal::State(error.to_string()))?;
        let mut note = foreign.note().with_lines(|line| log.key.knows(line));
        note.add_signature(line.clone());
        let note = note.to_string();
        let folder = self.dir.join(origin_hex(checkpoint.origin()));
        self.disk
            .write_atomic(&folder.join("checkpoint"), note.as_bytes())
            .map_err(|error| Refusal::State(error.to_string()))?;
        log.seen = Some(Seen {
            checkpoint,
            note: Arc::from(note),
            time_s,
        });
        Ok(format!("{line}\n"))
    }

    /// Takes one cosignature from the budget of a log.
    fn spend(&self, log: &mut Log) -> Result<(), Refusal> {
        let now = self.clock.unix_nanos();
        let (left, counted_at) = log.budget;
        let pause = i64::try_from(COSIGN_PAUSE.as_nanos()).unwrap_or(i64::MAX);
        let gained = now.saturating_sub(counted_at).max(0) / pause;
        let left = left.saturating_add(u32::try_from(gained).unwrap_or(COSIGN_BURST));
        let left = left.min(COSIGN_BURST);
        // What is left of a pause counts on; a clock that was set back starts anew.
        let counted_at = if left == COSIGN_BURST || now < counted_at {
            now
        } else {
            counted_at.saturating_add(gained * pause)
        };
        log.budget = (left.saturating_sub(1), counted_at);
        if left == 0 {
            Err(Refusal::TooOften)
        } else {
            Ok(())
        }
    }

    /// Writes both checkpoints and the proof into a file; `None` when this very contradiction is
    /// known already.
    fn keep_conflict(
        &self,
        log: &Log,
        request: &AddCheckpoint,
        checkpoint: &Checkpoint,
    ) -> Option<Conflict> {
        let seen = log.seen.as_ref()?;
        let folder = self.dir.join(origin_hex(checkpoint.origin()));
        let root: String = format!("{:x}", checkpoint.root())
            .chars()
            .take(16)
            .collect();
        let path = folder.join(CONFLICTS).join(format!(
            "{}-against-{}-{root}.txt",
            checkpoint.size(),
            seen.checkpoint.size()
        ));
        let mut conflict = Conflict {
            origin: checkpoint.origin().to_owned(),
            seen_size: seen.checkpoint.size(),
            size: checkpoint.size(),
            is_proven: seen.checkpoint.size() == checkpoint.size(),
            file: None,
        };
        match self.disk.stat(&path) {
            Ok(Some(_)) => return None,
            Ok(None) => {}
            Err(_) => return Some(conflict),
        }
        let kept = conflict_files(self.disk.as_ref(), &folder).unwrap_or_default();
        if kept.len() < CONFLICTS_KEPT_MAX {
            let text = format!("{}\n--- came as\n{request}", seen.note);
            let written = self
                .disk
                .create_dir_all(&folder.join(CONFLICTS))
                .and_then(|()| self.disk.write_atomic(&path, text.as_bytes()));
            conflict.file = written.is_ok().then_some(path);
        }
        Some(conflict)
    }

    /// The log in the folder of this name, read from disk on first use, so that logs can be added
    /// while the witness runs.
    fn log(&self, origin_hex: &str) -> Result<Option<Arc<Mutex<Log>>>, StoreError> {
        let is_name = origin_hex.len() == 64
            && origin_hex
                .bytes()
                .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        if !is_name {
            return Ok(None);
        }
        let mut logs = self.logs.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = logs.get(origin_hex) {
            return Ok(Some(Arc::clone(known)));
        }
        let folder = self.dir.join(origin_hex);
        let disk = self.disk.as_ref();
        if disk.stat(&folder.join("log"))?.is_none() {
            return Ok(None);
        }
        let key = read_log_key(disk, &folder)?;
        let seen = read_seen(disk, &folder, &key, Some(&self.key))?;
        let log = Arc::new(Mutex::new(Log {
            key,
            seen,
            budget: (COSIGN_BURST, self.clock.unix_nanos()),
        }));
        logs.insert(origin_hex.to_owned(), Arc::clone(&log));
        Ok(Some(log))
    }
}

/// Folder of the contradictions of a log.
const CONFLICTS: &str = "conflict";

/// A log whose decision panicked was not changed: the state is replaced in one assignment.
fn locked(log: &Mutex<Log>) -> MutexGuard<'_, Log> {
    log.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Whether the checkpoint extends what was seen.
fn connect(log: &Log, request: &AddCheckpoint, checkpoint: &Checkpoint) -> Result<(), Refusal> {
    let (seen_size, seen_root) = match &log.seen {
        Some(seen) => (seen.checkpoint.size(), *seen.checkpoint.root()),
        None => (0, tlog::EMPTY_ROOT),
    };
    let proven = tlog::tree::verify_consistency(
        seen_size,
        checkpoint.size(),
        &seen_root,
        checkpoint.root(),
        request.hashes(),
    );
    proven.map_err(|error| Refusal::Proof(error.to_string()))
}

fn read_log_key(disk: &dyn Disk, folder: &Path) -> Result<VerifyingKey, StoreError> {
    let path = folder.join("log");
    let bytes = disk.read(&path, KEY_FILE_BYTES_MAX)?;
    let text = String::from_utf8_lossy(&bytes);
    let key = text.trim_end().parse();
    key.map_err(
        |error: tlog::note::VerifyingKeyParseError| StoreError::File {
            path,
            reason: error.to_string(),
        },
    )
}

/// The state of a log. It must hold what we would sign today: a file that was tampered with makes
/// the witness refuse that log instead of starting over.
fn read_seen(
    disk: &dyn Disk,
    folder: &Path,
    key: &VerifyingKey,
    ours: Option<&CosigningKey>,
) -> Result<Option<Seen>, StoreError> {
    let path = folder.join("checkpoint");
    if disk.stat(&path)?.is_none() {
        return Ok(None);
    }
    let bytes = disk.read(&path, NOTE_FILE_BYTES_MAX)?;
    let fault = |reason: String| StoreError::File {
        path: path.clone(),
        reason,
    };
    let foreign = UnverifiedCheckpoint::parse(&bytes).map_err(|error| fault(error.to_string()))?;
    let checkpoint = foreign
        .verify(key, key.name())
        .map_err(|error| fault(error.to_string()))?;
    let time_s = match ours {
        Some(ours) => ours
            .cosigner_key()
            .find_in(foreign.note())
            .map_err(|error| fault(error.to_string()))?
            .map(|found| found.time_s())
            .ok_or_else(|| fault("does not hold our own cosignature".to_owned()))?,
        None => claimed_time_s(&foreign).unwrap_or(0),
    };
    Ok(Some(Seen {
        checkpoint,
        note: Arc::from(foreign.to_string()),
        time_s,
    }))
}

/// The time in the last line, for showing only.
fn claimed_time_s(foreign: &UnverifiedCheckpoint) -> Option<u64> {
    let line = foreign.note().signatures().last()?;
    let (time, _) = line.signature().split_first_chunk::<8>()?;
    Some(u64::from_be_bytes(*time))
}

fn conflict_files(disk: &dyn Disk, folder: &Path) -> Result<Vec<PathBuf>, DiskError> {
    let conflicts = folder.join(CONFLICTS);
    if disk.stat(&conflicts)?.is_none() {
        return Ok(Vec::new());
    }
    let listed = disk.list(&conflicts)?.into_iter();
    let is_kept =
        |name: &std::ffi::OsString| Path::new(name).extension().is_some_and(|e| e == "txt");
    Ok(listed
        .filter(|item| is_kept(&item.name))
        .map(|item| conflicts.join(item.name))
        .collect())
}

#[cfg(test)]
mod tests;
