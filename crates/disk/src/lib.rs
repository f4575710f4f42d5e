//! Durable file operations behind one small seam, with the double that crashes.
//!
//! This is the only crate that touches the file system. It knows paths, bytes and what the
//! operating system promises about them after a power cut; it never knows what is written.
//!
//! The nouns:
//! - [`Disk`]: a tree of files; [`RealDisk`] is the operating system's, [`CrashDisk`] (feature
//!   `testkit`) keeps a live and a durable image in memory and can lose power at any operation.
//! - [`DiskFile`]: one open file with positioned reads and writes.
//! - [`AlignedBuffer`]: bytes that start on a page, as direct writes need them.
//!
//! Invariants:
//! - Nothing is durable before a sync returned without error: file bytes through
//!   [`DiskFile::sync_data`] (or [`DiskFile::write_durable_at`]), names through
//!   [`Disk::sync_dir`].
//! - After a failed sync the bytes in question are in an unknown state; calling sync again
//!   proves nothing, because the kernel may have marked the pages clean. Callers stop.
//! - New files are readable by their owner only (0600), new folders 0700.
//!
//! Start reading at [`Disk`].

mod aligned;
#[cfg(any(test, feature = "testkit"))]
mod crash_disk;
#[cfg(any(test, feature = "testkit"))]
mod crash_image;
mod disk;
mod error;
mod real;

pub use crate::aligned::{AlignedBuffer, PAGE_BYTES};
#[cfg(any(test, feature = "testkit"))]
pub use crate::crash_disk::{CrashDisk, Survival};
pub use crate::disk::{Disk, DiskFile, DiskLock, FileId, Listed, Stat, WriteMode};
pub use crate::error::DiskError;
pub use crate::real::RealDisk;
