//! Names of the files of a ledger (docs/format/ledger.md, section 1).

use std::collections::BTreeMap;
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

    pub(crate) fn sealed_dir(&self) -> PathBuf {
        self.dir.join("sealed")
    }

    pub(crate) fn sealed(&self, number: u64) -> PathBuf {
        self.sealed_dir().join(format!("{number:08}.seal"))
    }

    /// Where the one sealed segment that is being written has its bytes.
    pub(crate) fn sealed_temporary(&self) -> PathBuf {
        self.sealed_dir().join("next.tmp")
    }

    /// A segment that its sealed form has replaced, until its bytes are wiped.
    pub(crate) fn retired(&self) -> PathBuf {
        self.wal().join("retired")
    }

    /// The segments on disk in order of their numbers.
    pub(crate) fn segments(&self, disk: &dyn Disk) -> Result<Vec<SegmentFiles>, DiskError> {
        let mut found: BTreeMap<u64, SegmentFiles> = BTreeMap::new();
        // The sealed ones last: a segment that is sealed meanwhile is then seen twice, not never.
        let folders = [(self.wal(), ".seg"), (self.sealed_dir(), ".seal")];
        for (folder, suffix) in folders {
            let listed = match disk.list(&folder) {
                Err(error) if error.is_not_found() && suffix == ".seal" => continue,
                listed => listed?,
            };
            let numbers = listed
                .iter()
                .filter_map(|listed| listed.name.to_str()?.strip_suffix(suffix)?.parse().ok());
            for number in numbers {
                let files = found.entry(number).or_insert(SegmentFiles {
                    number,
                    is_sealed: false,
                    has_frames: false,
                });
                files.is_sealed |= suffix == ".seal";
                files.has_frames |= suffix == ".seg";
            }
        }
        Ok(found.into_values().collect())
    }

    /// Files whose presence means that a ledger was made here, or began to be.
    pub(crate) fn traces(&self) -> [PathBuf; 6] {
        [
            self.identity(),
            self.key(),
            self.signed_state(),
            self.checkpoint(),
            self.wal(),
            self.sealed_dir(),
        ]
    }
}

/// In which forms a segment is on disk. Both, when a crash struck between the writing of the sealed
/// form and the removal of the frames: the sealed one counts then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SegmentFiles {
    pub(crate) number: u64,
    pub(crate) is_sealed: bool,
    pub(crate) has_frames: bool,
}
