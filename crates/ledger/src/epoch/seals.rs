//! The seals of all epochs that are over: signed notes, one after the other.
//!
//! Truth, not derived: the keys that made them are gone. Appended and synced before the key is
//! erased, cut only where a write was torn.

use std::path::PathBuf;
use std::sync::Arc;

use disk::{Disk, DiskError};

use crate::bytes::Taker;
use crate::layout::Layout;
use crate::limits::{SEAL_BYTES_MAX, SEALS_FILE_BYTES_MAX, SEALS_PER_FILE};

/// Bytes before a note: its length, the epoch, and a checksum over epoch and note.
const HEAD_BYTES: usize = 4 + 8 + 4;

/// The end of one epoch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Seal {
    pub(crate) epoch: u64,
    /// The note: a checkpoint with the signatures of the stable key and both epoch keys.
    pub(crate) note: Vec<u8>,
}

fn encode(epoch: u64, note: &str) -> Vec<u8> {
    let len = u32::try_from(note.len()).expect("a note is far below 32 bits");
    let mut bytes = Vec::with_capacity(HEAD_BYTES + note.len());
    bytes.extend_from_slice(&len.to_be_bytes());
    bytes.extend_from_slice(&epoch.to_be_bytes());
    bytes.extend_from_slice(&checksum(epoch, note.as_bytes()).to_be_bytes());
    bytes.extend_from_slice(note.as_bytes());
    bytes
}

fn checksum(epoch: u64, note: &[u8]) -> u32 {
    crc32c::crc32c_append(crc32c::crc32c(&epoch.to_be_bytes()), note)
}

/// Reads whole seals from the front of a file; stops at the first that is none.
fn parse(bytes: &[u8], first_epoch: u64) -> (Vec<Seal>, usize) {
    let mut seals = Vec::new();
    let mut used = 0;
    let mut taker = Taker::new(bytes);
    while let Some(seal) = take(&mut taker, first_epoch + seals.len() as u64) {
        used += HEAD_BYTES + seal.note.len();
        seals.push(seal);
    }
    (seals, used)
}

fn take(taker: &mut Taker<'_>, expected: u64) -> Option<Seal> {
    let len = taker.len().filter(|len| *len <= SEAL_BYTES_MAX)?;
    let epoch = taker.u64().filter(|epoch| *epoch == expected)?;
    let crc = taker.u32()?;
    let note = taker.bytes(len)?;
    (crc == checksum(epoch, note)).then(|| Seal {
        epoch,
        note: note.to_vec(),
    })
}

/// The writing end.
#[derive(Debug)]
pub(crate) struct Seals {
    disk: Arc<dyn Disk>,
    layout: Layout,
    count: u64,
}

impl Seals {
    /// Makes the folder of a new ledger.
    pub(crate) fn create(disk: Arc<dyn Disk>, layout: Layout) -> Result<Self, DiskError> {
        disk.create_dir_all(&layout.seals())?;
        Ok(Self {
            disk,
            layout,
            count: 0,
        })
    }

    /// Finds the end, and cuts a torn write off it.
    pub(crate) fn open(disk: Arc<dyn Disk>, layout: Layout) -> Result<Self, DiskError> {
        disk.create_dir_all(&layout.seals())?;
        let mut number = 0;
        while disk.stat(&layout.seals_file(number + 1))?.is_some() {
            number += 1;
        }
        let mut count = number * SEALS_PER_FILE;
        let path = layout.seals_file(number);
        if disk.stat(&path)?.is_some() {
            let bytes = disk.read(&path, SEALS_FILE_BYTES_MAX)?;
            let (seals, used) = parse(&bytes, count);
            count += seals.len() as u64;
            if used < bytes.len() {
                let file = disk.open(&path)?;
                file.set_len(used as u64)?;
                file.sync_data()?;
            }
        }
        Ok(Self {
            disk,
            layout,
            count,
        })
    }

    /// Epochs that are sealed: the epoch that runs has this number.
    pub(crate) fn count(&self) -> u64 {
        self.count
    }

    /// Makes the seal of the running epoch durable.
    pub(crate) fn append(&mut self, epoch: u64, note: &str) -> Result<(), DiskError> {
        debug_assert_eq!(epoch, self.count, "seals are dense");
        let path = self.layout.seals_file(epoch / SEALS_PER_FILE);
        self.disk.append(&path, &encode(epoch, note))?;
        self.count = epoch + 1;
        Ok(())
    }
}

/// The reading end: all seals in order, file by file.
#[derive(Debug)]
pub(crate) struct SealReader<'a> {
    disk: &'a dyn Disk,
    layout: &'a Layout,
    file: u64,
    seals: std::vec::IntoIter<Seal>,
    /// Where a file holds something else than seals.
    pub(crate) damaged: Option<(PathBuf, usize)>,
}

impl<'a> SealReader<'a> {
    pub(crate) fn new(disk: &'a dyn Disk, layout: &'a Layout) -> Self {
        Self {
            disk,
            layout,
            file: 0,
            seals: Vec::new().into_iter(),
            damaged: None,
        }
    }

    /// The next seal, or `None` at the end or at the first damage.
    pub(crate) fn next(&mut self) -> Result<Option<Seal>, DiskError> {
        loop {
            if let Some(seal) = self.seals.next() {
                return Ok(Some(seal));
            }
            let path = self.layout.seals_file(self.file);
            if self.damaged.is_some() || self.disk.stat(&path)?.is_none() {
                return Ok(None);
            }
            let bytes = self.disk.read(&path, SEALS_FILE_BYTES_MAX)?;
            let (seals, used) = parse(&bytes, self.file * SEALS_PER_FILE);
            if used < bytes.len() {
                self.damaged = Some((path, used));
            }
            self.file += 1;
            self.seals = seals.into_iter();
            if self.seals.len() == 0 {
                return Ok(None);
            }
        }
    }
}
