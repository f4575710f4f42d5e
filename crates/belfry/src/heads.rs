//! The checkpoints this process hands out: the newest it signed, and the newest that the witnesses
//! of its policy have seen, which survives a restart in a file beside the ledger.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use disk::Disk;
use ledger::Reader;
use stdx::Clock;

/// File in the data folder.
const FILE: &str = "checkpoint.cosigned";
/// Bytes of that file.
const FILE_BYTES_MAX: u64 = 64 * 1024;

/// Both kinds of newest checkpoint.
#[derive(Debug)]
pub(crate) struct Heads {
    reader: Reader,
    clock: Arc<dyn Clock>,
    disk: Arc<dyn Disk>,
    path: PathBuf,
    grace: Duration,
    witnessed: Mutex<Option<Witnessed>>,
}

/// A checkpoint that satisfied the policy.
#[derive(Clone, Debug)]
struct Witnessed {
    note: Arc<str>,
    size: u64,
    /// By our clock.
    at: i64,
}

impl Heads {
    /// Reads what the last process left.
    pub(crate) fn load(
        disk: Arc<dyn Disk>,
        clock: Arc<dyn Clock>,
        data: &Path,
        reader: Reader,
        grace: Duration,
    ) -> Self {
        let path = data.join(FILE);
        let note = read(disk.as_ref(), data);
        let witnessed = note.and_then(|note| {
            let size = size_of(&note)?;
            // Of what is older than this process only the size is sure.
            (size <= reader.tree_size().0).then_some(Witnessed { note, size, at: 0 })
        });
        Self {
            reader,
            clock,
            disk,
            path,
            grace,
            witnessed: Mutex::new(witnessed),
        }
    }

    /// Remembers a checkpoint that satisfied the policy, durably.
    pub(crate) fn witnessed(&self, note: &str, size: u64) -> anyhow::Result<()> {
        self.disk.write_atomic(&self.path, note.as_bytes())?;
        *self.lock() = Some(Witnessed {
            note: Arc::from(note),
            size,
            at: self.clock.unix_nanos(),
        });
        Ok(())
    }

    /// The newest checkpoint we signed, with the cosignatures if it has them.
    pub(crate) fn newest(&self) -> Option<Arc<str>> {
        let signed = self.reader.checkpoint()?;
        let witnessed = self.lock().clone();
        let same = witnessed.filter(|known| Some(known.size) == size_of(&signed));
        Some(same.map_or(signed, |known| known.note))
    }

    /// Entries under the newest checkpoint that satisfied the policy.
    pub(crate) fn witnessed_size(&self) -> u64 {
        self.lock().as_ref().map_or(0, |known| known.size)
    }

    /// What strangers are served: the newest witnessed one while the witnesses are there, then the
    /// newest we signed.
    pub(crate) fn published(&self) -> Option<Arc<str>> {
        let grace = i64::try_from(self.grace.as_nanos()).unwrap_or(i64::MAX);
        let now = self.clock.unix_nanos();
        let fresh = self
            .lock()
            .clone()
            .filter(|known| now.saturating_sub(known.at) <= grace);
        match fresh {
            Some(known) => Some(known.note),
            None => self.newest(),
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Witnessed>> {
        self.witnessed
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// The witnessed checkpoint in the data folder `data`.
pub(crate) fn read(disk: &dyn Disk, data: &Path) -> Option<Arc<str>> {
    let bytes = disk.read(&data.join(FILE), FILE_BYTES_MAX).ok()?;
    String::from_utf8(bytes).ok().map(Arc::from)
}

/// The second line of a checkpoint is its size (C2SP tlog-checkpoint).
pub(crate) fn size_of(note: &str) -> Option<u64> {
    note.lines().nth(1)?.parse().ok()
}
