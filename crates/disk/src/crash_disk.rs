//! The double that crashes: a disk in memory that loses power, fails syncs and runs full on
//! command.
//!
//! How a crash test uses it: run the workload once and ask [`CrashDisk::operations`]; then, for
//! each `k` up to that number, run it again with [`CrashDisk::cut_power_at`], take
//! [`CrashDisk::after_crash`] and see what a restart makes of it.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::crash_image::{Image, Node};
use crate::disk::{Disk, DiskFile, DiskLock, FileId, Listed, Stat, parent_of};
use crate::error::DiskError;

/// Linux error number of an input/output error.
const EIO: i32 = 5;

/// What of the unsynced data survives a power cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Survival {
    /// Nothing: the strictest reading of the promise.
    Lost,
    /// A seeded prefix of the name changes, and of each write a seeded prefix of whole sectors.
    Torn {
        /// Same seed, same outcome.
        seed: u64,
    },
    /// Everything: the process was killed, the machine was not.
    Kept,
}

/// A disk in memory with a live and a durable image. Clones share the disk.
#[derive(Clone, Debug)]
pub struct CrashDisk {
    shared: Arc<Mutex<State>>,
}

#[derive(Debug)]
struct State {
    image: Image,
    locks: BTreeSet<PathBuf>,
    operations: u64,
    cut_at: Option<u64>,
    is_cut: bool,
    syncs: u64,
    fail_sync_at: Option<u64>,
    writes: u64,
    fail_write_at: Option<u64>,
    free_bytes: u64,
}

impl State {
    fn new(image: Image) -> Self {
        Self {
            image,
            locks: BTreeSet::new(),
            operations: 0,
            cut_at: None,
            is_cut: false,
            syncs: 0,
            fail_sync_at: None,
            writes: 0,
            fail_write_at: None,
            free_bytes: u64::MAX,
        }
    }

    /// Refuses everything once the power is gone.
    fn powered(&self, operation: &'static str, path: &Path) -> Result<(), DiskError> {
        if self.is_cut {
            return Err(DiskError::io(
                operation,
                path,
                io::Error::other("power cut"),
            ));
        }
        Ok(())
    }

    /// Counts one mutating operation; the one at the cut still reaches the live image, so that
    /// tearing has something to tear, but its caller never hears of success.
    fn count(&mut self, operation: &'static str, path: &Path) -> Result<(), DiskError> {
        self.powered(operation, path)?;
        self.operations += 1;
        if self.cut_at == Some(self.operations) {
            self.is_cut = true;
        }
        Ok(())
    }

    fn count_sync(&mut self) -> bool {
        self.syncs += 1;
        self.fail_sync_at == Some(self.syncs)
    }

    fn sync(
        &mut self,
        operation: &'static str,
        path: &Path,
        settle: impl FnOnce(&mut Image),
    ) -> Result<(), DiskError> {
        self.count(operation, path)?;
        // A cut during a sync: it did not return, nothing was promised.
        self.powered(operation, path)?;
        if self.count_sync() {
            return Err(DiskError::io(
                operation,
                path,
                io::Error::from_raw_os_error(EIO),
            ));
        }
        settle(&mut self.image);
        Ok(())
    }
}

impl Default for CrashDisk {
    fn default() -> Self {
        Self::new()
    }
}

impl CrashDisk {
    /// An empty disk that tracks what is durable.
    pub fn new() -> Self {
        Self::with_image(Image::tracked())
    }

    /// An empty disk without the second image: fast, for benches and plain tests.
    pub fn memory() -> Self {
        Self::with_image(Image::default())
    }

    fn with_image(image: Image) -> Self {
        Self {
            shared: Arc::new(Mutex::new(State::new(image))),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Mutating operations so far.
    pub fn operations(&self) -> u64 {
        self.state().operations
    }

    /// Syncs so far, of files, folders and trees.
    pub fn syncs(&self) -> u64 {
        self.state().syncs
    }

    /// Writes so far, resizes included.
    pub fn writes(&self) -> u64 {
        self.state().writes
    }

    /// The `k`-th mutating operation from now (1 is the next one) is the last; it and all later
    /// ones fail.
    pub fn cut_power_at(&self, k: u64) {
        let mut state = self.state();
        state.cut_at = Some(state.operations + k);
    }

    /// The `n`-th sync from now fails with EIO; what it should have made durable is lost.
    pub fn fail_sync_at(&self, n: u64) {
        let mut state = self.state();
        state.fail_sync_at = Some(state.syncs + n);
    }

    /// The `n`-th write from now fails with "no space left"; nothing of it is written.
    pub fn fail_write_at(&self, n: u64) {
        let mut state = self.state();
        state.fail_write_at = Some(state.writes + n);
    }

    /// What [`Disk::free_bytes`] answers from now on.
    pub fn set_free_bytes(&self, free_bytes: u64) {
        self.state().free_bytes = free_bytes;
    }

    /// The disk as a restart finds it: a new one, powered, without locks and faults.
    #[must_use]
    pub fn after_crash(&self, survival: Survival) -> Self {
        Self::with_image(self.state().image.after_crash(survival))
    }

    /// A copy of the disk as it is, for trying something on it.
    #[must_use]
    pub fn fork(&self) -> Self {
        Self::with_image(self.state().image.clone())
    }

    /// All files with their lengths, in path order.
    pub fn files(&self) -> Vec<(PathBuf, u64)> {
        let state = self.state();
        let len = |file: usize| state.image.contents[file].live.len() as u64;
        let file_of = |(path, node): (&PathBuf, &Node)| match node {
            Node::File(file) => Some((path.clone(), len(*file))),
            Node::Dir => None,
        };
        state.image.names.iter().filter_map(file_of).collect()
    }

    /// Flips bits of one byte behind everybody's back, as an attacker or a bad disk does.
    pub fn flip(&self, path: &Path, offset: u64, bits: u8) {
        let mut state = self.state();
        if let Some(Node::File(file)) = state.image.names.get(path).copied() {
            let mut byte = [0];
            let at = position(offset);
            if let Some(old) = state.image.contents[file].live.get(at) {
                byte[0] = old ^ bits;
                state.image.write(file, &byte, at);
                state.image.contents[file].settle();
            }
        }
    }

    fn file_handle(&self, file: usize, path: &Path) -> Box<dyn DiskFile> {
        Box::new(CrashFile {
            disk: self.clone(),
            file,
            path: path.to_path_buf(),
        })
    }
}

impl Disk for CrashDisk {
    fn create_new(&self, path: &Path) -> Result<Box<dyn DiskFile>, DiskError> {
        let mut state = self.state();
        state.count("create", path)?;
        if state.image.names.contains_key(path) {
            let error = io::Error::from(io::ErrorKind::AlreadyExists);
            return Err(DiskError::io("create", path, error));
        }
        let parent = parent_of(path);
        if parent != Path::new(".") && state.image.names.get(parent) != Some(&Node::Dir) {
            return Err(not_found("create", path));
        }
        let file = state.image.new_file(path);
        state.powered("create", path)?;
        drop(state);
        Ok(self.file_handle(file, path))
    }

    fn open(&self, path: &Path) -> Result<Box<dyn DiskFile>, DiskError> {
        let state = self.state();
        state.powered("open", path)?;
        match state.image.names.get(path) {
            Some(Node::File(file)) => Ok(self.file_handle(*file, path)),
            Some(Node::Dir) | None => Err(not_found("open", path)),
        }
    }

    fn open_durable(&self, path: &Path) -> Result<Box<dyn DiskFile>, DiskError> {
        self.open(path)
    }

    fn open_read(&self, path: &Path) -> Result<Box<dyn DiskFile>, DiskError> {
        self.open(path)
    }

    fn stat(&self, path: &Path) -> Result<Option<Stat>, DiskError> {
        let state = self.state();
        state.powered("stat", path)?;
        Ok(state.image.names.get(path).map(|node| match node {
            Node::Dir => Stat {
                id: file_id(u64::MAX),
                len: 0,
                is_dir: true,
                is_regular: false,
            },
            Node::File(file) => Stat {
                id: file_id(*file as u64),
                len: state.image.contents[*file].live.len() as u64,
                is_dir: false,
                is_regular: true,
            },
        }))
    }

    fn list(&self, dir: &Path) -> Result<Vec<Listed>, DiskError> {
        let state = self.state();
        state.powered("list", dir)?;
        if state.image.names.get(dir) != Some(&Node::Dir) {
            return Err(not_found("list", dir));
        }
        let children = state
            .image
            .names
            .iter()
            .filter(|(path, _)| path.parent() == Some(dir));
        Ok(children
            .map(|(path, node)| Listed {
                name: path.file_name().unwrap_or_default().to_os_string(),
                is_dir: *node == Node::Dir,
            })
            .collect())
    }

    fn create_dir_all(&self, dir: &Path) -> Result<(), DiskError> {
        let mut missing = Vec::new();
        {
            let state = self.state();
            state.powered("create folder", dir)?;
            for ancestor in dir.ancestors() {
                let is_known = state.image.names.contains_key(ancestor);
                if ancestor.as_os_str().is_empty() || is_known {
                    break;
                }
                missing.push(ancestor);
            }
        }
        for folder in missing.into_iter().rev() {
            let mut state = self.state();
            state.count("create folder", folder)?;
            state.image.set_name(folder, Some(Node::Dir));
            state.powered("create folder", folder)?;
            drop(state);
            self.sync_dir(parent_of(folder))?;
        }
        Ok(())
    }

    fn remove(&self, path: &Path) -> Result<(), DiskError> {
        let mut state = self.state();
        state.powered("remove", path)?;
        if !matches!(state.image.names.get(path), Some(Node::File(_))) {
            return Err(not_found("remove", path));
        }
        state.count("remove", path)?;
        state.image.set_name(path, None);
        state.powered("remove", path)
    }

    fn remove_dir(&self, dir: &Path) -> Result<(), DiskError> {
        if !self.list(dir)?.is_empty() {
            let error = io::Error::from(io::ErrorKind::DirectoryNotEmpty);
            return Err(DiskError::io("remove folder", dir, error));
        }
        let mut state = self.state();
        state.count("remove folder", dir)?;
        state.image.set_name(dir, None);
        state.powered("remove folder", dir)
    }

    fn rename(&self, from: &Path, to: &Path) -> Result<(), DiskError> {
        let mut state = self.state();
        state.powered("rename", from)?;
        let Some(node) = state.image.names.get(from).copied() else {
            return Err(not_found("rename", from));
        };
        state.count("rename", from)?;
        // New name first: a torn prefix then leaves two names, never none.
        state.image.set_name(to, Some(node));
        state.image.set_name(from, None);
        state.powered("rename", from)
    }

    fn sync_dir(&self, dir: &Path) -> Result<(), DiskError> {
        self.state()
            .sync("sync folder", dir, |image| image.sync_dir(dir))
    }

    fn sync_tree(&self, dir: &Path) -> Result<(), DiskError> {
        self.state()
            .sync("sync tree", dir, |image| image.sync_tree(dir))
    }

    fn lock(&self, path: &Path) -> Result<Box<dyn DiskLock>, DiskError> {
        self.open_or_create(path)?;
        if !self.state().locks.insert(path.to_path_buf()) {
            return Err(DiskError::Locked {
                path: path.to_path_buf(),
            });
        }
        Ok(Box::new(CrashLock {
            disk: self.clone(),
            path: path.to_path_buf(),
        }))
    }

    fn free_bytes(&self, dir: &Path) -> Result<u64, DiskError> {
        let state = self.state();
        state.powered("read free space of", dir)?;
        Ok(state.free_bytes)
    }
}

#[derive(Debug)]
struct CrashLock {
    disk: CrashDisk,
    path: PathBuf,
}

impl DiskLock for CrashLock {}

impl Drop for CrashLock {
    fn drop(&mut self) {
        self.disk.state().locks.remove(&self.path);
    }
}

#[derive(Debug)]
struct CrashFile {
    disk: CrashDisk,
    file: usize,
    path: PathBuf,
}

impl DiskFile for CrashFile {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> Result<usize, DiskError> {
        let state = self.disk.state();
        state.powered("read", &self.path)?;
        let live = &state.image.contents[self.file].live;
        let start = position(offset).min(live.len());
        let count = buffer.len().min(live.len() - start);
        buffer[..count].copy_from_slice(&live[start..start + count]);
        Ok(count)
    }

    fn write_all_at(&self, bytes: &[u8], offset: u64) -> Result<(), DiskError> {
        let mut state = self.disk.state();
        state.count("write", &self.path)?;
        state.writes += 1;
        if state.fail_write_at == Some(state.writes) {
            let error = io::Error::from(io::ErrorKind::StorageFull);
            return Err(DiskError::io("write", &self.path, error));
        }
        state.image.write(self.file, bytes, position(offset));
        state.powered("write", &self.path)
    }

    fn sync_data(&self) -> Result<(), DiskError> {
        let mut state = self.disk.state();
        let file = self.file;
        let outcome = state.sync("sync", &self.path, |image| image.contents[file].settle());
        if outcome.is_err() && !state.is_cut {
            state.image.contents[file].forget();
        }
        outcome
    }

    fn len(&self) -> Result<u64, DiskError> {
        let state = self.disk.state();
        state.powered("stat", &self.path)?;
        Ok(state.image.contents[self.file].live.len() as u64)
    }

    fn set_len(&self, len: u64) -> Result<(), DiskError> {
        let mut state = self.disk.state();
        state.count("resize", &self.path)?;
        state.writes += 1;
        if state.fail_write_at == Some(state.writes) {
            let error = io::Error::from(io::ErrorKind::StorageFull);
            return Err(DiskError::io("resize", &self.path, error));
        }
        state.image.set_len(self.file, position(len));
        state.powered("resize", &self.path)
    }

    fn id(&self) -> Result<FileId, DiskError> {
        Ok(file_id(self.file as u64))
    }
}

fn file_id(inode: u64) -> FileId {
    FileId { device: 0, inode }
}

fn position(offset: u64) -> usize {
    usize::try_from(offset).expect("a memory disk is smaller than the address space")
}

fn not_found(operation: &'static str, path: &Path) -> DiskError {
    DiskError::io(operation, path, io::Error::from(io::ErrorKind::NotFound))
}

#[cfg(test)]
mod tests;
