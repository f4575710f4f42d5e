//! The newest size and root that were ever signed, in two slots
//! (docs/format/ledger.md, section 6).

use disk::{AlignedBuffer, Disk, DiskError, DiskFile, PAGE_BYTES};
use tlog::Hash;

use crate::bytes::{array, put, u32_at, u64_at};
use crate::layout::Layout;

const MAGIC: &[u8; 8] = b"BFRYSIGN";
const FORMAT: u32 = 1;
const AT_CRC: usize = PAGE_BYTES - 4;

/// A size and root that left the process under our signature, or were about to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Signed {
    pub(crate) seq: u64,
    pub(crate) size: u64,
    pub(crate) root: Hash,
    /// Frames that the size covers.
    pub(crate) frames: u64,
}

impl Signed {
    fn encode(&self) -> [u8; PAGE_BYTES] {
        let mut page = [0; PAGE_BYTES];
        put(&mut page, 0, MAGIC);
        put(&mut page, 8, &FORMAT.to_be_bytes());
        put(&mut page, 16, &self.seq.to_be_bytes());
        put(&mut page, 24, &self.size.to_be_bytes());
        put(&mut page, 32, self.root.as_bytes());
        put(&mut page, 64, &self.frames.to_be_bytes());
        let crc = crc32c::crc32c(&page[..AT_CRC]);
        put(&mut page, AT_CRC, &crc.to_be_bytes());
        page
    }

    fn parse(page: &[u8]) -> Option<Self> {
        let is_whole = page.len() == PAGE_BYTES
            && &page[..8] == MAGIC
            && u32_at(page, 8) == FORMAT
            && u32_at(page, AT_CRC) == crc32c::crc32c(&page[..AT_CRC]);
        is_whole.then(|| Self {
            seq: u64_at(page, 16),
            size: u64_at(page, 24),
            root: Hash::from_bytes(array(page, 32)),
            frames: u64_at(page, 64),
        })
    }
}

/// The open state file.
#[derive(Debug)]
pub(crate) struct SignedState {
    file: Box<dyn DiskFile>,
    newest: Option<Signed>,
}

/// What the slots hold: the newest whole one, and how many are damaged. A slot of zeros was
/// never written.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Slots {
    pub(crate) newest: Option<Signed>,
    pub(crate) damaged: u32,
}

impl SignedState {
    /// Makes the file with two blank slots; the caller makes its name durable.
    pub(crate) fn create(disk: &dyn Disk, layout: &Layout) -> Result<Self, DiskError> {
        let path = layout.signed_state();
        disk.create_new(&path)?
            .write_durable_at(&[0; 2 * PAGE_BYTES], 0)?;
        Ok(Self {
            file: disk.open_durable(&path)?,
            newest: None,
        })
    }

    pub(crate) fn open(disk: &dyn Disk, layout: &Layout) -> Result<Self, DiskError> {
        let newest = Self::read(disk, layout)?.newest;
        Ok(Self {
            file: disk.open_durable(&layout.signed_state())?,
            newest,
        })
    }

    /// Reads without the intent to write.
    pub(crate) fn read(disk: &dyn Disk, layout: &Layout) -> Result<Slots, DiskError> {
        let file = disk.open_read(&layout.signed_state())?;
        let mut bytes = [0; 2 * PAGE_BYTES];
        file.read_at(&mut bytes, 0)?;
        let mut slots = Slots {
            newest: None,
            damaged: 0,
        };
        for page in bytes.chunks(PAGE_BYTES) {
            match Signed::parse(page) {
                Some(signed) if slots.newest.is_none_or(|newest| newest.seq < signed.seq) => {
                    slots.newest = Some(signed);
                }
                Some(_) => {}
                None if page.iter().all(|byte| *byte == 0) => {}
                None => slots.damaged += 1,
            }
        }
        Ok(slots)
    }

    pub(crate) fn newest(&self) -> Option<Signed> {
        self.newest
    }

    /// Makes a new size and root durable, in the slot that does not hold the newest.
    pub(crate) fn advance(&mut self, size: u64, root: Hash, frames: u64) -> Result<(), DiskError> {
        let seq = self.newest.map_or(0, |newest| newest.seq + 1);
        let signed = Signed {
            seq,
            size,
            root,
            frames,
        };
        let mut page = AlignedBuffer::with_capacity(PAGE_BYTES);
        page.extend_from_slice(&signed.encode());
        self.file
            .write_durable_at(page.as_slice(), seq % 2 * PAGE_BYTES as u64)?;
        self.newest = Some(signed);
        Ok(())
    }
}
