//! Names of the files of a ledger (docs/format/ledger.md, section 1).

use std::path::{Path, PathBuf};

use disk::{Disk, DiskError};
use tlog::Resource;

/// The folder of a ledger.
#[derive(Clone, Debug)]
pub(crate) struct Layout {
    dir: PathBuf,
}

impl Layout {
    pub(crate) fn new(dir: &Path) -> Self {
        Self {
            dir: dir.to_path_buf(),
        }
    }

    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    pub(crate) fn lock(&self) -> PathBuf {
        self.dir.join("lock")
    }

    pub(crate) fn identity(&self) -> PathBuf {
        self.dir.join("identity")
    }

    pub(crate) fn key(&self) -> PathBuf {
        self.dir.join("key")
    }

    /// The keys of the epoch that runs.
    pub(crate) fn epoch_key(&self) -> PathBuf {
        self.dir.join("epoch.key")
    }

    /// Folder of the seals of epochs that are over.
    pub(crate) fn seals(&self) -> PathBuf {
        self.dir.join("epochs")
    }

    pub(crate) fn seals_file(&self, number: u64) -> PathBuf {
        self.seals().join(format!("{number:08}.notes"))
    }

    pub(crate) fn signed_state(&self) -> PathBuf {
        self.dir.join("signed.state")
    }

    pub(crate) fn resume_state(&self) -> PathBuf {
        self.dir.join("resume.state")
    }

    pub(crate) fn checkpoint(&self) -> PathBuf {
        self.dir.join("checkpoint")
    }

    pub(crate) fn wal(&self) -> PathBuf {
        self.dir.join("wal")
    }

    pub(crate) fn spare(&self) -> PathBuf {
        self.wal().join("spare")
    }

    pub(crate) fn segment(&self, number: u64) -> PathBuf {
        self.wal().join(format!("{number:08}.seg"))
    }

    pub(crate) fn resource(&self, resource: Resource) -> PathBuf {
        self.dir.join(resource.path())
    }

    /// Numbers of the segments on disk, in order.
    pub(crate) fn segment_numbers(&self, disk: &dyn Disk) -> Result<Vec<u64>, DiskError> {
        let mut numbers: Vec<u64> = disk
            .list(&self.wal())?
            .iter()
            .filter_map(|listed| listed.name.to_str()?.strip_suffix(".seg")?.parse().ok())
            .collect();
        numbers.sort_unstable();
        Ok(numbers)
    }

    /// Files whose presence means that a ledger was made here, or began to be.
    pub(crate) fn traces(&self) -> [PathBuf; 5] {
        [
            self.identity(),
            self.key(),
            self.signed_state(),
            self.checkpoint(),
            self.wal(),
        ]
    }
}
