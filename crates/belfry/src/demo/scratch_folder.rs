//! Folders of the demo below the system's temporary folder: made for the owner alone, removed at
//! the end unless somebody wants to look around in them.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context;
use disk::{Disk, DiskError};

use crate::{keys, talk};

/// Bytes of randomness in the name: nobody guesses it beforehand.
const NAME_BYTES: usize = 8;
/// Largest file that is copied or searched: far above a segment of the demo.
const FILE_BYTES_MAX: u64 = 256 << 20;

/// A folder that goes when its value goes.
#[derive(Debug)]
pub(crate) struct ScratchFolder {
    disk: Arc<dyn Disk>,
    path: PathBuf,
    is_kept: bool,
}

impl ScratchFolder {
    /// Makes an empty folder whose name begins with `prefix`, mode 0700.
    pub(crate) fn make(disk: Arc<dyn Disk>, prefix: &str) -> anyhow::Result<Self> {
        let mut bytes = [0; NAME_BYTES];
        keys::random(&mut bytes)?;
        let path = std::env::temp_dir().join(format!("{prefix}-{}", keys::hex(&bytes)));
        disk.create_dir_all(&path)
            .with_context(|| format!("creating {}", path.display()))?;
        Ok(Self {
            disk,
            path,
            is_kept: false,
        })
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Lets the folder stay.
    pub(crate) fn keep(&mut self) {
        self.is_kept = true;
    }
}

impl Drop for ScratchFolder {
    fn drop(&mut self) {
        if self.is_kept {
            return;
        }
        if let Err(error) = remove_tree(self.disk.as_ref(), &self.path) {
            talk::say(&format!(
                "could not remove {}: {error}",
                self.path.display()
            ));
        }
    }
}

fn remove_tree(disk: &dyn Disk, dir: &Path) -> Result<(), DiskError> {
    for item in disk.list(dir)? {
        let path = dir.join(&item.name);
        if item.is_dir {
            remove_tree(disk, &path)?;
        } else {
            match disk.remove(&path) {
                // Somebody else, such as SQLite, tidied up in the meantime.
                Err(error) if error.is_not_found() => {}
                outcome => outcome?,
            }
        }
    }
    disk.remove_dir(dir)
}

/// Every file below `dir` with its bytes, one after the other.
pub(crate) fn for_each_file(
    disk: &dyn Disk,
    dir: &Path,
    visit: &mut dyn FnMut(&Path, &[u8]) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let shown = dir.display();
    for item in disk.list(dir).with_context(|| format!("listing {shown}"))? {
        let path = dir.join(&item.name);
        if item.is_dir {
            for_each_file(disk, &path, visit)?;
            continue;
        }
        match disk.read(&path, FILE_BYTES_MAX) {
            Ok(bytes) => visit(&path, &bytes)?,
            // Temporary files of atomic writes come and go.
            Err(error) if error.is_not_found() => {}
            Err(error) => return Err(error).context(format!("reading {}", path.display())),
        }
    }
    Ok(())
}
