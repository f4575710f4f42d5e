//! Frames: the unit of durability (docs/format/ledger.md, section 4).

use std::fmt;

use disk::PAGE_BYTES;

use crate::bytes::{put, u16_at, u32_at, u64_at};
use crate::limits::FRAME_PAYLOAD_BYTES_MAX;

/// Length of a frame header.
pub(crate) const HEADER_BYTES: usize = 64;

const MAGIC: &[u8; 4] = b"BFRM";
const FORMAT: u16 = 1;
const AT_PAYLOAD_CRC: usize = 56;
const AT_HEADER_CRC: usize = 60;

/// The header of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FrameHeader {
    pub(crate) salt: u64,
    pub(crate) seq: u64,
    pub(crate) first_index: u64,
    pub(crate) count: u32,
    pub(crate) entries_len: u32,
    pub(crate) bodies_len: u64,
    pub(crate) durable_upto: u64,
    pub(crate) payload_crc: u32,
}

impl FrameHeader {
    pub(crate) fn encode(&self) -> [u8; HEADER_BYTES] {
        let mut bytes = [0; HEADER_BYTES];
        put(&mut bytes, 0, MAGIC);
        put(&mut bytes, 4, &FORMAT.to_be_bytes());
        put(&mut bytes, 8, &self.salt.to_be_bytes());
        put(&mut bytes, 16, &self.seq.to_be_bytes());
        put(&mut bytes, 24, &self.first_index.to_be_bytes());
        put(&mut bytes, 32, &self.count.to_be_bytes());
        put(&mut bytes, 36, &self.entries_len.to_be_bytes());
        put(&mut bytes, 40, &self.bodies_len.to_be_bytes());
        put(&mut bytes, 48, &self.durable_upto.to_be_bytes());
        put(&mut bytes, AT_PAYLOAD_CRC, &self.payload_crc.to_be_bytes());
        let crc = crc32c::crc32c(&bytes[..AT_HEADER_CRC]);
        put(&mut bytes, AT_HEADER_CRC, &crc.to_be_bytes());
        bytes
    }

    /// Reads a header of the segment with this salt. The checksum is looked at last, so that
    /// the message names the most telling difference.
    pub(crate) fn parse(bytes: &[u8; HEADER_BYTES], salt: u64) -> Result<Self, FrameFault> {
        if bytes.iter().all(|byte| *byte == 0) {
            return Err(FrameFault::Blank);
        }
        if &bytes[..4] != MAGIC || u16_at(bytes, 4) != FORMAT || u16_at(bytes, 6) != 0 {
            return Err(FrameFault::Magic);
        }
        if u32_at(bytes, AT_HEADER_CRC) != crc32c::crc32c(&bytes[..AT_HEADER_CRC]) {
            return Err(FrameFault::HeaderChecksum);
        }
        let header = Self::fields(bytes);
        if header.salt != salt {
            return Err(FrameFault::Salt);
        }
        if FRAME_PAYLOAD_BYTES_MAX < header.payload_len() || header.count == 0 {
            return Err(FrameFault::Lengths);
        }
        Ok(header)
    }

    /// The fields as they stand, without any check: for naming what a damaged header says.
    fn fields(bytes: &[u8; HEADER_BYTES]) -> Self {
        Self {
            salt: u64_at(bytes, 8),
            seq: u64_at(bytes, 16),
            first_index: u64_at(bytes, 24),
            count: u32_at(bytes, 32),
            entries_len: u32_at(bytes, 36),
            bodies_len: u64_at(bytes, 40),
            durable_upto: u64_at(bytes, 48),
            payload_crc: u32_at(bytes, AT_PAYLOAD_CRC),
        }
    }

    /// Bytes after the header that belong to the frame, padding not counted. A sum that no
    /// memory can hold comes out as the largest number, which every limit refuses.
    pub(crate) fn payload_len(&self) -> usize {
        usize::try_from(u64::from(self.entries_len).saturating_add(self.bodies_len))
            .unwrap_or(usize::MAX)
    }

    /// Bytes of the whole frame on disk.
    pub(crate) fn padded_len(&self) -> usize {
        (HEADER_BYTES + self.payload_len()).next_multiple_of(PAGE_BYTES)
    }

    /// The index after the last entry.
    pub(crate) fn end_index(&self) -> u64 {
        self.first_index.saturating_add(u64::from(self.count))
    }
}

/// Why bytes are not the next frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FrameFault {
    /// Only zeros: the normal end of a segment in use.
    Blank,
    /// The file ends inside it.
    Truncated,
    /// Something else than a frame of format 1.
    Magic,
    /// The checksum of the header does not agree.
    HeaderChecksum,
    /// A frame of another segment.
    Salt,
    /// Lengths that no frame has.
    Lengths,
    /// The checksum of the payload does not agree.
    PayloadChecksum,
    /// A whole frame, but not the one that comes next.
    Order {
        /// Sequence number expected.
        expected: u64,
        /// Sequence number found.
        found: u64,
    },
    /// The entries inside do not add up to the announced count and lengths.
    Records,
    /// A sealed block that cannot be decompressed.
    Compression,
}

impl fmt::Display for FrameFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Blank => f.write_str("zeros instead of a frame"),
            Self::Truncated => f.write_str("the file ends inside the frame"),
            Self::Magic => f.write_str("bytes that do not begin as a frame"),
            Self::HeaderChecksum => f.write_str("the header disagrees with its checksum"),
            Self::Salt => f.write_str("a frame of another segment"),
            Self::Lengths => f.write_str("lengths that no frame has"),
            Self::PayloadChecksum => f.write_str("the payload disagrees with its checksum"),
            Self::Order { expected, found } => {
                write!(f, "frame {found} where frame {expected} belongs")
            }
            Self::Records => f.write_str("entries that do not add up to what is announced"),
            Self::Compression => f.write_str("a sealed block that cannot be decompressed"),
        }
    }
}

/// Takes the next entry off bundle bytes.
pub(crate) fn split_entry(bundle: &[u8]) -> Option<(&[u8], &[u8])> {
    let (len, rest) = bundle.split_first_chunk::<2>()?;
    rest.split_at_checked(usize::from(u16::from_be_bytes(*len)))
}
