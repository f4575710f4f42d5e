//! Segments: pre-allocated files of frames (docs/format/ledger.md, section 3).

use std::path::Path;
use std::sync::Arc;

use disk::{Disk, DiskError, DiskFile, PAGE_BYTES};

use crate::bytes::{array, put, u32_at, u64_at};
use crate::frame::{FrameFault, FrameHeader, HEADER_BYTES};
use crate::stretch::Stretch;

const MAGIC: &[u8; 8] = b"BFRYSEG1";
const FORMAT: u32 = 1;
const AT_CRC: usize = PAGE_BYTES - 4;
/// Offset of the first frame.
pub(crate) const FIRST_FRAME_OFFSET: u64 = PAGE_BYTES as u64;
/// Bytes looked through at once when searching a segment.
const SEARCH_BYTES: usize = 1024 * 1024;

/// The header page of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SegmentHeader {
    pub(crate) number: u64,
    pub(crate) first_index: u64,
    pub(crate) first_frame: u64,
    pub(crate) salt: u64,
    pub(crate) ledger_id: [u8; 32],
    pub(crate) len: u64,
}

impl SegmentHeader {
    pub(crate) fn encode(&self) -> [u8; PAGE_BYTES] {
        let mut page = [0; PAGE_BYTES];
        put(&mut page, 0, MAGIC);
        put(&mut page, 8, &FORMAT.to_be_bytes());
        put(&mut page, 16, &self.number.to_be_bytes());
        put(&mut page, 24, &self.first_index.to_be_bytes());
        put(&mut page, 32, &self.first_frame.to_be_bytes());
        put(&mut page, 40, &self.salt.to_be_bytes());
        put(&mut page, 48, &self.ledger_id);
        put(&mut page, 80, &self.len.to_be_bytes());
        let crc = crc32c::crc32c(&page[..AT_CRC]);
        put(&mut page, AT_CRC, &crc.to_be_bytes());
        page
    }

    /// Reads a header page; `None` when it is not a whole header of format 1.
    pub(crate) fn parse(page: &[u8; PAGE_BYTES]) -> Option<Self> {
        let is_whole = &page[..8] == MAGIC
            && u32_at(page, 8) == FORMAT
            && u32_at(page, AT_CRC) == crc32c::crc32c(&page[..AT_CRC]);
        is_whole.then(|| Self {
            number: u64_at(page, 16),
            first_index: u64_at(page, 24),
            first_frame: u64_at(page, 32),
            salt: u64_at(page, 40),
            ledger_id: array(page, 48),
            len: u64_at(page, 80),
        })
    }

    /// Reads the header of an open segment; `None` as for [`SegmentHeader::parse`].
    pub(crate) fn read(file: &dyn DiskFile) -> Result<Option<Self>, DiskError> {
        let mut page = [0; PAGE_BYTES];
        let filled = file.read_at(&mut page, 0)?;
        Ok(if filled == PAGE_BYTES {
            Self::parse(&page)
        } else {
            None
        })
    }
}

/// Where a frame lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FramePlace {
    pub(crate) first_index: u64,
    pub(crate) offset: u64,
}

/// An open segment with what is known of its frames.
#[derive(Clone, Debug)]
pub(crate) struct SegmentView {
    pub(crate) header: SegmentHeader,
    pub(crate) file: Arc<dyn DiskFile>,
    pub(crate) frames: Vec<FramePlace>,
}

impl SegmentView {
    /// Opens a segment for reading without looking at its frames.
    pub(crate) fn open(disk: &dyn Disk, path: &Path) -> Result<Option<Self>, DiskError> {
        let file: Arc<dyn DiskFile> = Arc::from(disk.open_read(path)?);
        let header = SegmentHeader::read(&*file)?;
        Ok(header.map(|header| Self {
            header,
            file,
            frames: Vec::new(),
        }))
    }

    /// The same open file without the list of frames.
    pub(crate) fn without_frames(&self) -> Self {
        Self {
            header: self.header,
            file: Arc::clone(&self.file),
            frames: Vec::new(),
        }
    }

    /// Lists the frames of a finished segment by their headers. A damaged header hides its own
    /// frame only.
    pub(crate) fn scan(&mut self) -> Result<(), DiskError> {
        let mut offset = FIRST_FRAME_OFFSET;
        let mut seq = self.header.first_frame;
        self.frames.clear();
        loop {
            let header = match self.read_header(offset)? {
                Ok(header) if header.seq == seq => header,
                Err(FrameFault::Blank) => return Ok(()),
                Ok(_) | Err(_) => match self.search(offset)?.next_frame {
                    Some((found, header)) if seq < header.seq => {
                        offset = found;
                        seq = header.seq;
                        header
                    }
                    _ => return Ok(()),
                },
            };
            self.frames.push(FramePlace {
                first_index: header.first_index,
                offset,
            });
            offset += header.padded_len() as u64;
            seq += 1;
        }
    }

    /// The place of the frame that should hold an index.
    pub(crate) fn place_of(&self, index: u64) -> Option<FramePlace> {
        let after = self
            .frames
            .partition_point(|place| place.first_index <= index);
        self.frames.get(after.checked_sub(1)?).copied()
    }

    pub(crate) fn read_header(
        &self,
        offset: u64,
    ) -> Result<Result<FrameHeader, FrameFault>, DiskError> {
        let mut bytes = [0; HEADER_BYTES];
        let filled = self.file.read_at(&mut bytes, offset)?;
        if filled < HEADER_BYTES {
            let is_end = filled == 0;
            return Ok(Err(if is_end {
                FrameFault::Blank
            } else {
                FrameFault::Truncated
            }));
        }
        Ok(FrameHeader::parse(&bytes, self.header.salt))
    }

    /// Reads a frame; a payload that disagrees with its checksum is a fault.
    pub(crate) fn read_frame(&self, offset: u64) -> Result<Result<Stretch, FrameFault>, DiskError> {
        Ok(self.read_any_frame(offset)?.and_then(|(_, stretch)| {
            if stretch.is_whole {
                Ok(stretch)
            } else {
                Err(FrameFault::PayloadChecksum)
            }
        }))
    }

    /// Reads a frame whose header is whole, whatever its payload.
    pub(crate) fn read_any_frame(
        &self,
        offset: u64,
    ) -> Result<Result<(FrameHeader, Stretch), FrameFault>, DiskError> {
        let header = match self.read_header(offset)? {
            Ok(header) => header,
            Err(fault) => return Ok(Err(fault)),
        };
        let mut payload = vec![0; header.payload_len()];
        let filled = self
            .file
            .read_at(&mut payload, offset + HEADER_BYTES as u64)?;
        if filled < payload.len() {
            return Ok(Err(FrameFault::Truncated));
        }
        let is_whole = crc32c::crc32c(&payload) == header.payload_crc;
        let stretch = Stretch::of_frame(&header, payload, is_whole);
        Ok(Ok((header, stretch)))
    }

    /// Looks through everything from `offset` on: where the next whole frame header behind it
    /// is, and where the bytes that are not zero lie.
    pub(crate) fn search(&self, offset: u64) -> Result<Search, DiskError> {
        let mut found = Search {
            next_frame: None,
            dirty: None,
        };
        let mut chunk = vec![0; SEARCH_BYTES];
        let mut at = offset;
        loop {
            let filled = self.file.read_at(&mut chunk, at)?;
            if filled == 0 {
                return Ok(found);
            }
            for (page_number, page) in chunk[..filled].chunks(PAGE_BYTES).enumerate() {
                if page.iter().all(|byte| *byte == 0) {
                    continue;
                }
                let page_offset = at + (page_number * PAGE_BYTES) as u64;
                let start = found.dirty.map_or(page_offset, |(start, _)| start);
                found.dirty = Some((start, page_offset + page.len() as u64));
                if found.next_frame.is_none()
                    && offset < page_offset
                    && let Some(bytes) = page.first_chunk::<HEADER_BYTES>()
                    && let Ok(header) = FrameHeader::parse(bytes, self.header.salt)
                {
                    found.next_frame = Some((page_offset, header));
                }
            }
            at += filled as u64;
        }
    }
}

/// What lies after the last good frame.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Search {
    /// The first whole frame header behind the place in question, and its offset.
    pub(crate) next_frame: Option<(u64, FrameHeader)>,
    /// From the first to after the last page that holds something else than zeros.
    pub(crate) dirty: Option<(u64, u64)>,
}
