//! Sealed segments: files of compressed blocks that replace finished segments
//! (docs/format/ledger.md, section 5).
//!
//! A sealed file is written whole under a temporary name and then renamed, so there is never half
//! a one. It changes only by being replaced.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use disk::{Disk, DiskError, DiskFile, FileId};

use crate::bytes::{array, put, u32_at, u64_at};
use crate::frame::FrameFault;
use crate::layout::Layout;
use crate::sealed_block::{BlockHeader, HEADER_BYTES as BLOCK_HEADER_BYTES, decode};
use crate::segment::FramePlace;
use crate::stretch::Stretch;

const MAGIC: &[u8; 8] = b"BFRYSEAL";
const FORMAT: u32 = 1;
/// Length of the file header, and so the offset of the first block.
pub(crate) const HEADER_BYTES: usize = 128;
const AT_CRC: usize = HEADER_BYTES - 4;
/// Bytes looked through at once when a damaged block header hides what follows.
const SEARCH_BYTES: usize = 1024 * 1024;

/// The header of a sealed segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SealedHeader {
    pub(crate) blocks: u32,
    pub(crate) number: u64,
    pub(crate) first_index: u64,
    pub(crate) end_index: u64,
    pub(crate) first_frame: u64,
    pub(crate) end_frame: u64,
    pub(crate) salt: u64,
    pub(crate) ledger_id: [u8; 32],
    pub(crate) len: u64,
    pub(crate) absent: u64,
    pub(crate) rewrites: u64,
}

impl SealedHeader {
    pub(crate) fn encode(&self) -> [u8; HEADER_BYTES] {
        let mut bytes = [0; HEADER_BYTES];
        put(&mut bytes, 0, MAGIC);
        put(&mut bytes, 8, &FORMAT.to_be_bytes());
        put(&mut bytes, 12, &self.blocks.to_be_bytes());
        put(&mut bytes, 16, &self.number.to_be_bytes());
        put(&mut bytes, 24, &self.first_index.to_be_bytes());
        put(&mut bytes, 32, &self.end_index.to_be_bytes());
        put(&mut bytes, 40, &self.first_frame.to_be_bytes());
        put(&mut bytes, 48, &self.end_frame.to_be_bytes());
        put(&mut bytes, 56, &self.salt.to_be_bytes());
        put(&mut bytes, 64, &self.ledger_id);
        put(&mut bytes, 96, &self.len.to_be_bytes());
        put(&mut bytes, 104, &self.absent.to_be_bytes());
        put(&mut bytes, 112, &self.rewrites.to_be_bytes());
        let crc = crc32c::crc32c(&bytes[..AT_CRC]);
        put(&mut bytes, AT_CRC, &crc.to_be_bytes());
        bytes
    }

    /// Reads a header; `None` when it is not a whole one of format 1.
    pub(crate) fn parse(bytes: &[u8; HEADER_BYTES]) -> Option<Self> {
        let is_whole = &bytes[..8] == MAGIC
            && u32_at(bytes, 8) == FORMAT
            && u32_at(bytes, 120) == 0
            && u32_at(bytes, AT_CRC) == crc32c::crc32c(&bytes[..AT_CRC]);
        let header = Self {
            blocks: u32_at(bytes, 12),
            number: u64_at(bytes, 16),
            first_index: u64_at(bytes, 24),
            end_index: u64_at(bytes, 32),
            first_frame: u64_at(bytes, 40),
            end_frame: u64_at(bytes, 48),
            salt: u64_at(bytes, 56),
            ledger_id: array(bytes, 64),
            len: u64_at(bytes, 96),
            absent: u64_at(bytes, 104),
            rewrites: u64_at(bytes, 112),
        };
        (is_whole && header.first_index < header.end_index).then_some(header)
    }
}

/// An open sealed segment and where its blocks lie.
#[derive(Clone, Debug)]
pub(crate) struct SealedView {
    pub(crate) header: SealedHeader,
    pub(crate) file: Arc<dyn DiskFile>,
    /// Tells a replaced file from the one that is open.
    pub(crate) id: FileId,
    pub(crate) blocks: Vec<FramePlace>,
}

impl SealedView {
    /// Opens a sealed segment without looking at its blocks; `None` when its header is damaged.
    pub(crate) fn open(disk: &dyn Disk, path: &Path) -> Result<Option<Self>, DiskError> {
        let file: Arc<dyn DiskFile> = Arc::from(disk.open_read(path)?);
        let mut bytes = [0; HEADER_BYTES];
        let filled = file.read_at(&mut bytes, 0)?;
        let Some(header) = SealedHeader::parse(&bytes).filter(|_| filled == HEADER_BYTES) else {
            return Ok(None);
        };
        let id = file.id()?;
        Ok(Some(Self {
            header,
            file,
            id,
            blocks: Vec::new(),
        }))
    }

    /// Lists the blocks by their headers. A damaged header hides its own block only.
    pub(crate) fn scan(&mut self) -> Result<(), DiskError> {
        let mut offset = HEADER_BYTES as u64;
        let mut next_index = self.header.first_index;
        self.blocks.clear();
        while next_index < self.header.end_index {
            let header = match self.read_header(offset)? {
                Ok(header) if header.first_index == next_index => header,
                Ok(_) | Err(_) => match self.search(offset + 1, next_index)? {
                    Some((found, header)) => {
                        offset = found;
                        header
                    }
                    None => return Ok(()),
                },
            };
            self.blocks.push(FramePlace {
                first_index: header.first_index,
                offset,
            });
            offset += (BLOCK_HEADER_BYTES + header.payload_len()) as u64;
            next_index = header.end_index();
        }
        Ok(())
    }

    /// The place of the block that should hold an index.
    pub(crate) fn place_of(&self, index: u64) -> Option<FramePlace> {
        let after = self
            .blocks
            .partition_point(|place| place.first_index <= index);
        self.blocks.get(after.checked_sub(1)?).copied()
    }

    pub(crate) fn read_header(
        &self,
        offset: u64,
    ) -> Result<Result<BlockHeader, FrameFault>, DiskError> {
        let mut bytes = [0; BLOCK_HEADER_BYTES];
        let filled = self.file.read_at(&mut bytes, offset)?;
        if filled < BLOCK_HEADER_BYTES {
            return Ok(Err(FrameFault::Truncated));
        }
        Ok(BlockHeader::parse(&bytes, self.header.salt))
    }

    /// Reads and decodes a block. One that disagrees with its checksum and can be decoded all the
    /// same says so ([`Stretch::is_whole`]).
    pub(crate) fn read_block(&self, offset: u64) -> Result<Result<Stretch, FrameFault>, DiskError> {
        let (header, payload) = match self.read_raw(offset)? {
            Ok(raw) => raw,
            Err(fault) => return Ok(Err(fault)),
        };
        Ok(decode(&header, &payload))
    }

    /// Reads a block as it is stored.
    pub(crate) fn read_raw(
        &self,
        offset: u64,
    ) -> Result<Result<(BlockHeader, Vec<u8>), FrameFault>, DiskError> {
        let header = match self.read_header(offset)? {
            Ok(header) => header,
            Err(fault) => return Ok(Err(fault)),
        };
        let mut payload = vec![0; header.payload_len()];
        let start = offset + BLOCK_HEADER_BYTES as u64;
        if self.file.read_at(&mut payload, start)? < payload.len() {
            return Ok(Err(FrameFault::Truncated));
        }
        Ok(Ok((header, payload)))
    }

    /// The next block header behind a damaged one, by its magic and checksum.
    fn search(&self, from: u64, after: u64) -> Result<Option<(u64, BlockHeader)>, DiskError> {
        let mut chunk = vec![0; SEARCH_BYTES + BLOCK_HEADER_BYTES];
        let mut at = from;
        loop {
            let filled = self.file.read_at(&mut chunk, at)?;
            for (position, window) in chunk[..filled].windows(BLOCK_HEADER_BYTES).enumerate() {
                let Some(bytes) = window.first_chunk::<BLOCK_HEADER_BYTES>() else {
                    continue;
                };
                if window[0] == b'B'
                    && let Ok(header) = BlockHeader::parse(bytes, self.header.salt)
                    && after < header.first_index
                {
                    return Ok(Some((at + position as u64, header)));
                }
            }
            if filled < chunk.len() {
                return Ok(None);
            }
            at += SEARCH_BYTES as u64;
        }
    }
}

/// A sealed segment being written under its temporary name.
#[derive(Debug)]
pub(crate) struct SealedWriter {
    disk: Arc<dyn Disk>,
    layout: Layout,
    temporary: PathBuf,
    file: Box<dyn DiskFile>,
    header: SealedHeader,
}

impl SealedWriter {
    /// Begins a file. Of the header, what only the blocks can tell is filled in by them.
    pub(crate) fn begin(
        disk: Arc<dyn Disk>,
        layout: Layout,
        header: SealedHeader,
    ) -> Result<Self, DiskError> {
        disk.create_dir_all(&layout.sealed_dir())?;
        let temporary = layout.sealed_temporary();
        match disk.remove(&temporary) {
            Err(error) if !error.is_not_found() => return Err(error),
            _ => {}
        }
        let file = disk.create_new(&temporary)?;
        Ok(Self {
            disk,
            layout,
            temporary,
            file,
            header: SealedHeader {
                blocks: 0,
                end_index: header.first_index,
                len: HEADER_BYTES as u64,
                absent: 0,
                ..header
            },
        })
    }

    pub(crate) fn salt(&self) -> u64 {
        self.header.salt
    }

    pub(crate) fn next_index(&self) -> u64 {
        self.header.end_index
    }

    /// Adds an encoded block.
    pub(crate) fn push(&mut self, block: &[u8], count: u32, absent: u32) -> Result<(), DiskError> {
        self.file.write_all_at(block, self.header.len)?;
        self.header.len += block.len() as u64;
        self.header.blocks += 1;
        self.header.end_index += u64::from(count);
        self.header.absent += u64::from(absent);
        Ok(())
    }

    /// Makes the file durable and gives it its name, replacing an earlier one. A crash before the
    /// rename leaves a temporary file without meaning; after it, the new file counts.
    pub(crate) fn finish(self) -> Result<SealedHeader, DiskError> {
        self.file.write_all_at(&self.header.encode(), 0)?;
        self.file.sync_data()?;
        let path = self.layout.sealed(self.header.number);
        self.disk.rename(&self.temporary, &path)?;
        self.disk.sync_dir(&self.layout.sealed_dir())?;
        Ok(self.header)
    }

    /// Gives the file up.
    pub(crate) fn abandon(self) {
        // A stray temporary is removed by whoever writes the next one.
        let _ = self.disk.remove(&self.temporary);
    }
}
