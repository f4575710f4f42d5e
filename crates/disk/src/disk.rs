//! The seam: what the rest of the house may ask of a disk.

use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};

use crate::error::DiskError;

/// A tree of files. All paths are used as given; no call follows a policy of its own.
pub trait Disk: Send + Sync + fmt::Debug {
    /// Creates a file that must not exist yet and opens it for reading and writing, mode 0600.
    /// The name is durable only after [`Disk::sync_dir`] of its folder.
    fn create_new(&self, path: &Path) -> Result<Box<dyn DiskFile>, DiskError>;

    /// Opens an existing file for reading and writing.
    fn open(&self, path: &Path) -> Result<Box<dyn DiskFile>, DiskError>;

    /// Opens an existing file for [`DiskFile::write_durable_at`] with as few system calls as the
    /// platform allows: direct and synchronous where it can, buffered with a data sync where it
    /// cannot. [`DiskFile::write_mode`] states which one it became.
    fn open_durable(&self, path: &Path) -> Result<Box<dyn DiskFile>, DiskError>;

    /// Opens an existing file for reading only. Never waits: not for the writer of a pipe either.
    fn open_read(&self, path: &Path) -> Result<Box<dyn DiskFile>, DiskError>;

    /// Opens an existing regular file for reading only; [`DiskError::NotRegular`] for a folder, a
    /// pipe, a socket or a device. These are not even opened, unless one takes the name between
    /// the look and the opening: a pipe notices its readers, and a device may act on them.
    fn open_regular(&self, path: &Path) -> Result<Box<dyn DiskFile>, DiskError> {
        let not_regular = || DiskError::NotRegular {
            path: path.to_path_buf(),
        };
        if self.stat(path)?.is_some_and(|stat| !stat.is_regular) {
            return Err(not_regular());
        }
        let file = self.open_read(path)?;
        if file.is_regular()? {
            Ok(file)
        } else {
            Err(not_regular())
        }
    }

    /// Opens an existing file, or creates an empty one, for reading and writing.
    fn open_or_create(&self, path: &Path) -> Result<Box<dyn DiskFile>, DiskError> {
        match self.create_new(path) {
            Err(error) if error.is_already_exists() => self.open(path),
            outcome => outcome,
        }
    }

    /// What is at a path, or `None` when nothing is.
    fn stat(&self, path: &Path) -> Result<Option<Stat>, DiskError>;

    /// The entries of a folder in name order.
    fn list(&self, dir: &Path) -> Result<Vec<Listed>, DiskError>;

    /// Creates a folder and its missing parents, mode 0700, and makes their names durable.
    fn create_dir_all(&self, dir: &Path) -> Result<(), DiskError>;

    /// Removes a file.
    fn remove(&self, path: &Path) -> Result<(), DiskError>;

    /// Removes an empty folder.
    fn remove_dir(&self, dir: &Path) -> Result<(), DiskError>;

    /// Renames a file, replacing what is at `to`.
    fn rename(&self, from: &Path, to: &Path) -> Result<(), DiskError>;

    /// Makes the names inside a folder durable.
    fn sync_dir(&self, dir: &Path) -> Result<(), DiskError>;

    /// Makes everything written below a folder before this call durable, names included. Far
    /// cheaper than one sync for each of many small files.
    fn sync_tree(&self, dir: &Path) -> Result<(), DiskError>;

    /// Takes the exclusive lock on a lock file, creating it if needed, without waiting.
    /// [`DiskError::Locked`] when somebody else holds it. The lock ends with the returned value
    /// or with the process, whichever comes first.
    fn lock(&self, path: &Path) -> Result<Box<dyn DiskLock>, DiskError>;

    /// Bytes that an ordinary user may still write below this folder.
    fn free_bytes(&self, dir: &Path) -> Result<u64, DiskError>;

    /// Reads a whole file of at most `bytes_max` bytes.
    fn read(&self, path: &Path, bytes_max: u64) -> Result<Vec<u8>, DiskError> {
        let file = self.open_read(path)?;
        let len = file.len()?;
        let too_long = || DiskError::TooLong {
            path: path.to_path_buf(),
            len,
            bytes_max,
        };
        if bytes_max < len {
            return Err(too_long());
        }
        let mut bytes = vec![0; usize::try_from(len).map_err(|_| too_long())?];
        let filled = file.read_at(&mut bytes, 0)?;
        bytes.truncate(filled);
        Ok(bytes)
    }

    /// Writes a whole file without any sync: for derived data that can be made again. The
    /// folder must exist. A crash may leave it missing, empty, short or mixed with what it was.
    ///
    /// An existing file is overwritten in place and not emptied first: several file systems take
    /// emptying as a sign of carelessness and then write the file to disk when it is closed.
    fn write_derived(&self, path: &Path, bytes: &[u8]) -> Result<(), DiskError> {
        let file = self.open_or_create(path)?;
        file.write_all_at(bytes, 0)?;
        if file.len()? != bytes.len() as u64 {
            file.set_len(bytes.len() as u64)?;
        }
        Ok(())
    }

    /// Writes a whole file so that after a crash either the old or the new content is there:
    /// temporary name, write, sync, rename, sync of the folder.
    fn write_atomic(&self, path: &Path, bytes: &[u8]) -> Result<(), DiskError> {
        let temporary = temporary_beside(path);
        match self.remove(&temporary) {
            Err(error) if !error.is_not_found() => return Err(error),
            _ => {}
        }
        let file = self.create_new(&temporary)?;
        file.write_all_at(bytes, 0)?;
        file.sync_data()?;
        // A crash up to here leaves a stray temporary, which the next call removes.
        self.rename(&temporary, path)?;
        self.sync_dir(parent_of(path))
    }

    /// Appends bytes at the end of a file, creating it if needed, and makes them durable.
    fn append(&self, path: &Path, bytes: &[u8]) -> Result<(), DiskError> {
        let is_new = self.stat(path)?.is_none();
        let file = self.open_or_create(path)?;
        file.write_all_at(bytes, file.len()?)?;
        file.sync_data()?;
        if is_new {
            self.sync_dir(parent_of(path))?;
        }
        Ok(())
    }
}

/// One open file.
pub trait DiskFile: Send + Sync + fmt::Debug {
    /// Reads until the buffer is full or the file ends; returns how many bytes were read.
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> Result<usize, DiskError>;

    /// Writes all bytes at an offset, growing the file as needed. Not durable yet.
    fn write_all_at(&self, bytes: &[u8], offset: u64) -> Result<(), DiskError>;

    /// Writes all bytes at an offset and returns when they are durable. On a file of
    /// [`Disk::open_durable`] this may be one system call; offset and length must then be
    /// multiples of [`crate::PAGE_BYTES`], and an [`crate::AlignedBuffer`] avoids a copy.
    fn write_durable_at(&self, bytes: &[u8], offset: u64) -> Result<(), DiskError> {
        self.write_all_at(bytes, offset)?;
        self.sync_data()
    }

    /// Makes the bytes of the file durable, and its length as far as needed to read them.
    fn sync_data(&self) -> Result<(), DiskError>;

    /// Current length in bytes.
    fn len(&self) -> Result<u64, DiskError>;

    /// True when the file holds no byte.
    fn is_empty(&self) -> Result<bool, DiskError> {
        Ok(self.len()? == 0)
    }

    /// Cuts or extends the file; an extension reads as zeros.
    fn set_len(&self, len: u64) -> Result<(), DiskError>;

    /// Extends the file to `len` bytes that read as zeros and, where the platform can, reserves
    /// the space for them, so that writing them later cannot meet a full disk.
    fn allocate(&self, len: u64) -> Result<(), DiskError> {
        self.set_len(len)
    }

    /// The identity of the open file, which survives renames: how a tail notices rotation.
    fn id(&self) -> Result<FileId, DiskError>;

    /// True for an ordinary file, false for a folder, a pipe, a socket or a device.
    fn is_regular(&self) -> Result<bool, DiskError> {
        Ok(true)
    }

    /// How durable writes reach the disk.
    fn write_mode(&self) -> WriteMode {
        WriteMode::Buffered
    }
}

/// An exclusive lock, held until dropped.
pub trait DiskLock: Send + Sync + fmt::Debug {}

/// How durable writes reach the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WriteMode {
    /// Through the page cache, followed by a data sync.
    Buffered,
    /// Past the page cache, synchronous (`O_DIRECT | O_DSYNC`).
    Direct,
}

/// Identity of a file inside one machine: device and inode.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FileId {
    /// Device number.
    pub device: u64,
    /// Inode number.
    pub inode: u64,
}

/// What is at a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stat {
    /// Identity.
    pub id: FileId,
    /// Length in bytes; of no meaning for folders.
    pub len: u64,
    /// True for a folder.
    pub is_dir: bool,
    /// True for an ordinary file; a pipe, a socket or a device is neither this nor a folder.
    pub is_regular: bool,
}

/// One entry of a folder.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Listed {
    /// Name without the folder.
    pub name: OsString,
    /// True for a folder.
    pub is_dir: bool,
}

/// The folder that holds a path; the current one for a bare name.
pub(crate) fn parent_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

fn temporary_beside(path: &Path) -> PathBuf {
    let mut name = OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(".tmp");
    path.with_file_name(name)
}
