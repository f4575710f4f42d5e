//! What can go wrong with a file, always with the path and the operation.
//!
//! A message says its cause itself, because many callers keep nothing but the text; it therefore
//! names no [`std::error::Error::source`], and a printed chain of causes says everything once.

use std::io;
use std::path::{Path, PathBuf};

/// A file operation that did not succeed.
#[derive(Debug, thiserror::Error)]
pub enum DiskError {
    /// The operating system refused.
    #[error("{operation} {}: {cause}", path.display())]
    Io {
        /// What was attempted: `open`, `write`, `sync`, ...
        operation: &'static str,
        /// On which path.
        path: PathBuf,
        /// Why it failed.
        cause: io::Error,
    },
    /// A file is larger than the caller is prepared to hold in memory.
    #[error("read {}: {len} bytes exceed the limit of {bytes_max}", path.display())]
    TooLong {
        /// The file.
        path: PathBuf,
        /// Its length.
        len: u64,
        /// The caller's limit.
        bytes_max: u64,
    },
    /// Neither a file nor something that reads like one.
    #[error("open {}: not a regular file", path.display())]
    NotRegular {
        /// The path.
        path: PathBuf,
    },
    /// Another process (or another part of this one) holds the exclusive lock.
    #[error("lock {}: held by another process", path.display())]
    Locked {
        /// The lock file.
        path: PathBuf,
    },
}

impl DiskError {
    /// Wraps an operating system error with what was attempted and where.
    pub fn io(operation: &'static str, path: &Path, cause: io::Error) -> Self {
        Self::Io {
            operation,
            path: path.to_path_buf(),
            cause,
        }
    }

    /// The path the operation was about.
    pub fn path(&self) -> &Path {
        match self {
            Self::Io { path, .. }
            | Self::TooLong { path, .. }
            | Self::NotRegular { path }
            | Self::Locked { path } => path,
        }
    }

    /// True when the file or folder does not exist.
    pub fn is_not_found(&self) -> bool {
        self.io_kind() == Some(io::ErrorKind::NotFound)
    }

    /// True when the file exists although it must not.
    pub fn is_already_exists(&self) -> bool {
        self.io_kind() == Some(io::ErrorKind::AlreadyExists)
    }

    /// True when the disk (or the quota) is full.
    pub fn is_full(&self) -> bool {
        matches!(
            self.io_kind(),
            Some(io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
        )
    }

    fn io_kind(&self) -> Option<io::ErrorKind> {
        match self {
            Self::Io { cause, .. } => Some(cause.kind()),
            Self::TooLong { .. } | Self::NotRegular { .. } | Self::Locked { .. } => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::error::Error as _;

    use super::*;

    #[test]
    fn a_message_says_its_cause_and_a_chain_does_not_repeat_it() {
        let full = io::Error::from(io::ErrorKind::StorageFull);
        let error = DiskError::io("write", Path::new("/a"), full);
        assert_eq!(error.to_string(), "write /a: no storage space");
        assert!(error.source().is_none());
        assert!(error.is_full());
    }
}
