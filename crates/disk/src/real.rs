//! The disk of the operating system.
//!
//! Remaining hole, tolerated: between the check and the use of a path another process of the
//! same user can swap it. Our data folder is 0700, so such a process already owns the data.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt, FileExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use crate::aligned::{AlignedBuffer, PAGE_BYTES, is_aligned};
use crate::disk::{Disk, DiskFile, DiskLock, FileId, Listed, Stat, WriteMode, parent_of};
use crate::error::DiskError;

const FILE_MODE: u32 = 0o600;
const DIR_MODE: u32 = 0o700;

/// The file system of this machine.
#[derive(Clone, Debug, Default)]
pub struct RealDisk {
    buffered_only: bool,
}

impl RealDisk {
    /// The file system, with direct writes where the platform allows them.
    pub fn new() -> Self {
        Self::default()
    }

    /// The file system, never with direct writes.
    pub fn buffered() -> Self {
        Self {
            buffered_only: true,
        }
    }

    fn open_with(
        operation: &'static str,
        path: &Path,
        options: &OpenOptions,
        mode: WriteMode,
    ) -> Result<Box<dyn DiskFile>, DiskError> {
        let file = options
            .open(path)
            .map_err(|e| DiskError::io(operation, path, e))?;
        Ok(Box::new(RealFile {
            file,
            path: path.to_path_buf(),
            mode,
        }))
    }
}

impl Disk for RealDisk {
    fn create_new(&self, path: &Path) -> Result<Box<dyn DiskFile>, DiskError> {
        let mut options = OpenOptions::new();
        options
            .read(true)
            .write(true)
            .create_new(true)
            .mode(FILE_MODE);
        Self::open_with("create", path, &options, WriteMode::Buffered)
    }

    fn open(&self, path: &Path) -> Result<Box<dyn DiskFile>, DiskError> {
        let mut options = OpenOptions::new();
        options.read(true).write(true);
        Self::open_with("open", path, &options, WriteMode::Buffered)
    }

    fn open_durable(&self, path: &Path) -> Result<Box<dyn DiskFile>, DiskError> {
        if !self.buffered_only
            && let Some(file) = open_direct(path)
        {
            return Ok(file);
        }
        self.open(path)
    }

    fn open_read(&self, path: &Path) -> Result<Box<dyn DiskFile>, DiskError> {
        let mut options = OpenOptions::new();
        options.read(true).custom_flags(read_flags());
        Self::open_with("open", path, &options, WriteMode::Buffered)
    }

    fn stat(&self, path: &Path) -> Result<Option<Stat>, DiskError> {
        match fs::metadata(path) {
            Ok(metadata) => Ok(Some(Stat {
                id: FileId {
                    device: metadata.dev(),
                    inode: metadata.ino(),
                },
                len: metadata.len(),
                is_dir: metadata.is_dir(),
                is_regular: metadata.is_file(),
            })),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(DiskError::io("stat", path, error)),
        }
    }

    fn list(&self, dir: &Path) -> Result<Vec<Listed>, DiskError> {
        let failed = |e| DiskError::io("list", dir, e);
        let mut listed = Vec::new();
        for entry in fs::read_dir(dir).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let is_dir = entry.file_type().map_err(failed)?.is_dir();
            listed.push(Listed {
                name: entry.file_name(),
                is_dir,
            });
        }
        listed.sort();
        Ok(listed)
    }

    fn create_dir_all(&self, dir: &Path) -> Result<(), DiskError> {
        if dir.as_os_str().is_empty() || self.stat(dir)?.is_some_and(|stat| stat.is_dir) {
            return Ok(());
        }
        let parent = parent_of(dir);
        if parent != dir {
            self.create_dir_all(parent)?;
        }
        match DirBuilder::new().mode(DIR_MODE).create(dir) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                return Err(DiskError::io("create folder", dir, error));
            }
            _ => {}
        }
        self.sync_dir(parent)
    }

    fn remove(&self, path: &Path) -> Result<(), DiskError> {
        fs::remove_file(path).map_err(|e| DiskError::io("remove", path, e))
    }

    fn remove_dir(&self, dir: &Path) -> Result<(), DiskError> {
        fs::remove_dir(dir).map_err(|e| DiskError::io("remove folder", dir, e))
    }

    fn rename(&self, from: &Path, to: &Path) -> Result<(), DiskError> {
        fs::rename(from, to).map_err(|e| DiskError::io("rename", from, e))
    }

    fn sync_dir(&self, dir: &Path) -> Result<(), DiskError> {
        let failed = |e| DiskError::io("sync folder", dir, e);
        File::open(dir)
            .and_then(|folder| folder.sync_all())
            .map_err(failed)
    }

    fn sync_tree(&self, dir: &Path) -> Result<(), DiskError> {
        let failed = |e| DiskError::io("sync tree", dir, e);
        let folder = File::open(dir).map_err(failed)?;
        // Since Linux 5.8 syncfs also reports write-back errors of the whole file system.
        #[cfg(target_os = "linux")]
        let outcome = rustix::fs::syncfs(&folder).map_err(io::Error::from);
        #[cfg(not(target_os = "linux"))]
        let outcome = sync_each(&folder, dir);
        outcome.map_err(failed)
    }

    fn lock(&self, path: &Path) -> Result<Box<dyn DiskLock>, DiskError> {
        let mut options = OpenOptions::new();
        options
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(FILE_MODE);
        let file = options
            .open(path)
            .map_err(|e| DiskError::io("open", path, e))?;
        match file.try_lock() {
            Ok(()) => Ok(Box::new(RealLock { _file: file })),
            Err(TryLockError::WouldBlock) => Err(DiskError::Locked {
                path: path.to_path_buf(),
            }),
            Err(TryLockError::Error(error)) => Err(DiskError::io("lock", path, error)),
        }
    }

    fn free_bytes(&self, dir: &Path) -> Result<u64, DiskError> {
        let stat = rustix::fs::statvfs(dir)
            .map_err(|e| DiskError::io("read free space of", dir, e.into()))?;
        Ok(stat.f_bavail.saturating_mul(stat.f_frsize))
    }
}

/// Opening a pipe waits for its other end and a terminal may become ours, unless told not to. For
/// regular files both flags mean nothing.
fn read_flags() -> i32 {
    use rustix::fs::OFlags;
    let flags = OFlags::NONBLOCK | OFlags::NOCTTY;
    i32::try_from(flags.bits()).expect("open flags are small constants")
}

#[cfg(target_os = "linux")]
fn open_direct(path: &Path) -> Option<Box<dyn DiskFile>> {
    use rustix::fs::OFlags;
    let flags = i32::try_from((OFlags::DIRECT | OFlags::DSYNC).bits()).ok()?;
    let mut options = OpenOptions::new();
    options.read(true).write(true).custom_flags(flags);
    // tmpfs before Linux 6.6 and some network file systems refuse the flag; any refusal means
    // the buffered way, whose own error then names the path.
    RealDisk::open_with("open", path, &options, WriteMode::Direct).ok()
}

#[cfg(not(target_os = "linux"))]
fn open_direct(_path: &Path) -> Option<Box<dyn DiskFile>> {
    None
}

#[cfg(not(target_os = "linux"))]
fn sync_each(folder: &File, dir: &Path) -> io::Result<()> {
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        let file = File::open(&path)?;
        if file.metadata()?.is_dir() {
            sync_each(&file, &path)?;
        } else {
            file.sync_all()?;
        }
    }
    folder.sync_all()
}

#[derive(Debug)]
struct RealLock {
    _file: File,
}

impl DiskLock for RealLock {}

#[derive(Debug)]
struct RealFile {
    file: File,
    path: PathBuf,
    mode: WriteMode,
}

impl RealFile {
    fn failed(&self, operation: &'static str) -> impl Fn(io::Error) -> DiskError {
        move |source| DiskError::io(operation, &self.path, source)
    }

    /// One page-aligned read into an aligned copy: what a file in direct mode insists on.
    fn read_direct(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let page = PAGE_BYTES as u64;
        let start = offset / page * page;
        let skip = usize::try_from(offset - start).expect("less than a page");
        let mut aligned = AlignedBuffer::with_capacity(0);
        aligned.resize((skip + buffer.len()).next_multiple_of(PAGE_BYTES));
        let filled = read_full(&self.file, aligned.as_mut_slice(), start)?;
        let available = filled.saturating_sub(skip).min(buffer.len());
        buffer[..available].copy_from_slice(&aligned.as_slice()[skip..skip + available]);
        Ok(available)
    }
}

impl DiskFile for RealFile {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> Result<usize, DiskError> {
        match self.mode {
            WriteMode::Buffered => read_full(&self.file, buffer, offset),
            WriteMode::Direct => self.read_direct(buffer, offset),
        }
        .map_err(self.failed("read"))
    }

    fn write_all_at(&self, bytes: &[u8], offset: u64) -> Result<(), DiskError> {
        if self.mode == WriteMode::Direct && !is_aligned(bytes) {
            let mut aligned = AlignedBuffer::with_capacity(bytes.len());
            aligned.extend_from_slice(bytes);
            return self
                .file
                .write_all_at(aligned.as_slice(), offset)
                .map_err(self.failed("write"));
        }
        self.file
            .write_all_at(bytes, offset)
            .map_err(self.failed("write"))
    }

    fn write_durable_at(&self, bytes: &[u8], offset: u64) -> Result<(), DiskError> {
        self.write_all_at(bytes, offset)?;
        match self.mode {
            // O_DSYNC: the write returned, so the bytes are on the disk.
            WriteMode::Direct => Ok(()),
            WriteMode::Buffered => self.sync_data(),
        }
    }

    fn sync_data(&self) -> Result<(), DiskError> {
        self.file.sync_data().map_err(self.failed("sync"))
    }

    fn len(&self) -> Result<u64, DiskError> {
        Ok(self.file.metadata().map_err(self.failed("stat"))?.len())
    }

    fn set_len(&self, len: u64) -> Result<(), DiskError> {
        self.file.set_len(len).map_err(self.failed("resize"))
    }

    fn allocate(&self, len: u64) -> Result<(), DiskError> {
        #[cfg(target_os = "linux")]
        {
            use rustix::fs::{FallocateFlags, fallocate};
            use rustix::io::Errno;
            match fallocate(&self.file, FallocateFlags::empty(), 0, len) {
                Ok(()) => return Ok(()),
                // Not every file system can reserve; then the length alone must do.
                Err(Errno::OPNOTSUPP | Errno::NOSYS | Errno::INVAL) => {}
                Err(error) => return Err(self.failed("allocate")(error.into())),
            }
        }
        self.set_len(len)
    }

    fn id(&self) -> Result<FileId, DiskError> {
        let metadata = self.file.metadata().map_err(self.failed("stat"))?;
        Ok(FileId {
            device: metadata.dev(),
            inode: metadata.ino(),
        })
    }

    fn is_regular(&self) -> Result<bool, DiskError> {
        let metadata = self.file.metadata().map_err(self.failed("stat"))?;
        Ok(metadata.is_file())
    }

    fn write_mode(&self) -> WriteMode {
        self.mode
    }
}

fn read_full(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match file.read_at(&mut buffer[filled..], offset + filled as u64) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}
