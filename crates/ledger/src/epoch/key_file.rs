//! The file that holds epoch keys: two slots, written and wiped in place.
//!
//! In place, because a renamed file leaves the old blocks and with them the old key behind. Where
//! the medium itself keeps old blocks (flash, copy-on-write, snapshots) wiping is out of reach;
//! docs/guide/limits.md says so.

use std::fmt;

use disk::{AlignedBuffer, Disk, DiskError, DiskFile, PAGE_BYTES};
use tlog::SigningKey;
use zeroize::{Zeroize as _, Zeroizing};

use crate::bytes::{put, u32_at, u64_at};
use crate::epoch::key_name;
use crate::layout::Layout;

const MAGIC: &[u8; 8] = b"BFRYEPOC";
const FORMAT: u32 = 1;
const SEED_BYTES: usize = 32;
const AT_EPOCH: usize = 16;
const AT_SEED: usize = 24;
const AT_CRC: usize = PAGE_BYTES - 4;
const SLOTS: u64 = 2;

/// The key of one epoch.
#[derive(Debug)]
pub(crate) struct EpochKey {
    pub(crate) epoch: u64,
    pub(crate) key: SigningKey,
}

impl EpochKey {
    /// A new key from the randomness of the operating system.
    pub(crate) fn fresh(origin: &str, epoch: u64) -> Result<Self, getrandom::Error> {
        let seed = fresh_seed()?;
        Ok(Self::from_seed(origin, epoch, &seed).expect("an origin is a key name"))
    }

    fn from_seed(origin: &str, epoch: u64, seed: &[u8; SEED_BYTES]) -> Option<Self> {
        let key = SigningKey::from_seed(&key_name(origin), seed).ok()?;
        Some(Self { epoch, key })
    }
}

/// 32 random bytes, wiped when dropped.
fn fresh_seed() -> Result<Zeroizing<[u8; SEED_BYTES]>, getrandom::Error> {
    let mut seed = Zeroizing::new([0; SEED_BYTES]);
    getrandom::fill(&mut seed[..])?;
    Ok(seed)
}

/// The open file.
pub(crate) struct KeyFile {
    file: Box<dyn DiskFile>,
    path: std::path::PathBuf,
}

impl fmt::Debug for KeyFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyFile")
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

impl KeyFile {
    /// Makes the file with one key in it; mode 0600 like all our files.
    pub(crate) fn create(
        disk: &dyn Disk,
        layout: &Layout,
        key: &EpochKey,
    ) -> Result<Self, DiskError> {
        let path = layout.epoch_key();
        disk.write_atomic(&path, &[0; PAGE_BYTES * 2])?;
        let mut made = Self {
            file: disk.open_durable(&path)?,
            path,
        };
        made.put(key)?;
        Ok(made)
    }

    /// Opens the file and reads its whole slots, older epoch first. Without a file there are no
    /// keys and nothing to write to, which the caller finds out by the missing key.
    pub(crate) fn open(
        disk: &dyn Disk,
        layout: &Layout,
        origin: &str,
    ) -> Result<(Self, Vec<EpochKey>), DiskError> {
        let path = layout.epoch_key();
        if disk.stat(&path)?.is_none() {
            disk.write_atomic(&path, &[0; PAGE_BYTES * 2])?;
        }
        let file = disk.open_durable(&path)?;
        let mut bytes = Zeroizing::new([0; PAGE_BYTES * 2]);
        file.read_at(&mut bytes[..], 0)?;
        let mut keys: Vec<EpochKey> = bytes
            .chunks(PAGE_BYTES)
            .filter_map(|page| parse(page, origin))
            .collect();
        keys.sort_by_key(|key| key.epoch);
        Ok((Self { file, path }, keys))
    }

    /// Makes a key durable in its slot, which holds no key in force.
    pub(crate) fn put(&mut self, key: &EpochKey) -> Result<(), DiskError> {
        let mut page = Zeroizing::new([0; PAGE_BYTES]);
        put(&mut page[..], 0, MAGIC);
        put(&mut page[..], 8, &FORMAT.to_be_bytes());
        put(&mut page[..], AT_EPOCH, &key.epoch.to_be_bytes());
        let seed = key.key.to_seed();
        put(&mut page[..], AT_SEED, &seed[..]);
        let crc = crc32c::crc32c(&page[..AT_CRC]);
        put(&mut page[..], AT_CRC, &crc.to_be_bytes());
        self.write(key.epoch, &page[..])
    }

    /// Overwrites the slot of an epoch with zeros.
    pub(crate) fn erase(&mut self, epoch: u64) -> Result<(), DiskError> {
        self.write(epoch, &[0; PAGE_BYTES])
    }

    fn write(&mut self, epoch: u64, page: &[u8]) -> Result<(), DiskError> {
        let mut buffer = AlignedBuffer::with_capacity(PAGE_BYTES);
        buffer.extend_from_slice(page);
        let outcome = self
            .file
            .write_durable_at(buffer.as_slice(), epoch % SLOTS * PAGE_BYTES as u64);
        buffer.as_mut_slice().zeroize();
        outcome
    }

    pub(crate) fn no_random(&self, error: getrandom::Error) -> DiskError {
        let source = std::io::Error::other(error.to_string());
        DiskError::io("random", &self.path, source)
    }
}

fn parse(page: &[u8], origin: &str) -> Option<EpochKey> {
    let is_whole = page.len() == PAGE_BYTES
        && &page[..8] == MAGIC
        && u32_at(page, 8) == FORMAT
        && u32_at(page, AT_CRC) == crc32c::crc32c(&page[..AT_CRC]);
    if !is_whole {
        return None;
    }
    let mut seed = Zeroizing::new([0; SEED_BYTES]);
    seed.copy_from_slice(&page[AT_SEED..AT_SEED + SEED_BYTES]);
    EpochKey::from_seed(origin, u64_at(page, AT_EPOCH), &seed)
}
