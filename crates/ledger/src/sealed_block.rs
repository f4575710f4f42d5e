//! Sealed blocks: a few thousand entries, compressed (docs/format/ledger.md, section 5).
//!
//! What can be computed again is not stored: the commitment of a body that is there, the fixed
//! fields of an entry, its length. Decoding gives back the very bytes that were hashed.

use std::collections::HashMap;

use disk::PAGE_BYTES;

use crate::bytes::{put, u16_at, u32_at, u64_at};
use crate::frame::FrameFault;
use crate::leaf::{
    COMMITTED_BYTES, Content, HEAD_BYTES, Kind, Leaf, SALT_BYTES, commitment, push_leaf,
};
use crate::limits::{
    BODY_BYTES_MAX, SEALED_BLOCK_BODIES_BYTES_MAX, SEALED_BLOCK_BODIES_BYTES_TARGET,
    SEALED_BLOCK_ENTRIES_MAX, SEALED_BLOCK_ENVELOPES_BYTES_MAX,
};
use crate::stretch::{Record, Stretch};

/// Length of a block header.
pub(crate) const HEADER_BYTES: usize = 64;

const MAGIC: &[u8; 4] = b"BFRB";
const FORMAT: u16 = 1;
const AT_PAYLOAD_CRC: usize = 56;
const AT_HEADER_CRC: usize = 60;
/// Marks an absent body in the column of kinds.
const ABSENT_BIT: u8 = 0x80;
/// Bodies are written once and read often; higher levels cost several times the work for a few
/// percent, which the writer of a busy ledger does not have.
const ZSTD_LEVEL: i32 = 3;

/// The header of a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BlockHeader {
    pub(crate) salt: u64,
    pub(crate) first_index: u64,
    pub(crate) count: u32,
    pub(crate) absent: u32,
    pub(crate) envelopes_len: u32,
    pub(crate) envelopes_raw_len: u32,
    pub(crate) salts_len: u32,
    pub(crate) bodies_len: u32,
    pub(crate) bodies_raw_len: u32,
    pub(crate) payload_crc: u32,
}

impl BlockHeader {
    pub(crate) fn encode(&self) -> [u8; HEADER_BYTES] {
        let mut bytes = [0; HEADER_BYTES];
        put(&mut bytes, 0, MAGIC);
        put(&mut bytes, 4, &FORMAT.to_be_bytes());
        put(&mut bytes, 8, &self.salt.to_be_bytes());
        put(&mut bytes, 16, &self.first_index.to_be_bytes());
        let fields = [
            self.count,
            self.absent,
            self.envelopes_len,
            self.envelopes_raw_len,
            self.salts_len,
            self.bodies_len,
            self.bodies_raw_len,
        ];
        for (position, field) in fields.iter().enumerate() {
            put(&mut bytes, 24 + 4 * position, &field.to_be_bytes());
        }
        put(&mut bytes, AT_PAYLOAD_CRC, &self.payload_crc.to_be_bytes());
        let crc = crc32c::crc32c(&bytes[..AT_HEADER_CRC]);
        put(&mut bytes, AT_HEADER_CRC, &crc.to_be_bytes());
        bytes
    }

    /// Reads a header of the sealed segment with this salt.
    pub(crate) fn parse(bytes: &[u8; HEADER_BYTES], salt: u64) -> Result<Self, FrameFault> {
        if &bytes[..4] != MAGIC || u16_at(bytes, 4) != FORMAT || u16_at(bytes, 6) != 0 {
            return Err(FrameFault::Magic);
        }
        if u32_at(bytes, AT_HEADER_CRC) != crc32c::crc32c(&bytes[..AT_HEADER_CRC])
            || u32_at(bytes, 52) != 0
        {
            return Err(FrameFault::HeaderChecksum);
        }
        let header = Self {
            salt: u64_at(bytes, 8),
            first_index: u64_at(bytes, 16),
            count: u32_at(bytes, 24),
            absent: u32_at(bytes, 28),
            envelopes_len: u32_at(bytes, 32),
            envelopes_raw_len: u32_at(bytes, 36),
            salts_len: u32_at(bytes, 40),
            bodies_len: u32_at(bytes, 44),
            bodies_raw_len: u32_at(bytes, 48),
            payload_crc: u32_at(bytes, AT_PAYLOAD_CRC),
        };
        if header.salt != salt {
            return Err(FrameFault::Salt);
        }
        if header.has_fitting_lengths() {
            Ok(header)
        } else {
            Err(FrameFault::Lengths)
        }
    }

    /// Every length within the limits, so that no damaged one makes a reader allocate more.
    fn has_fitting_lengths(&self) -> bool {
        let fits = |len: u32, max: usize| usize::try_from(len).is_ok_and(|len| len <= max);
        // Compression may add a little to what cannot be compressed.
        let packed = |max: usize| max + max / 128 + PAGE_BYTES;
        0 < self.count
            && fits(self.count, SEALED_BLOCK_ENTRIES_MAX)
            && self.absent <= self.count
            && fits(self.envelopes_raw_len, SEALED_BLOCK_ENVELOPES_BYTES_MAX)
            && fits(self.envelopes_len, packed(SEALED_BLOCK_ENVELOPES_BYTES_MAX))
            && fits(self.salts_len, SEALED_BLOCK_ENTRIES_MAX * SALT_BYTES)
            && fits(self.bodies_raw_len, SEALED_BLOCK_BODIES_BYTES_MAX)
            && fits(self.bodies_len, packed(SEALED_BLOCK_BODIES_BYTES_MAX))
    }

    pub(crate) fn payload_len(&self) -> usize {
        [self.envelopes_len, self.salts_len, self.bodies_len]
            .iter()
            .map(|len| usize::try_from(*len).unwrap_or(usize::MAX / 4))
            .sum()
    }

    pub(crate) fn end_index(&self) -> u64 {
        self.first_index.saturating_add(u64::from(self.count))
    }
}

/// Collects records until a block is full.
#[derive(Debug, Default)]
pub(crate) struct BlockDraft {
    kinds: Vec<u8>,
    times: Vec<u8>,
    tenants: Vec<u8>,
    sources: Vec<u8>,
    sequences: Vec<u8>,
    classes: Vec<u8>,
    lengths: Vec<u8>,
    commitments: Vec<u8>,
    salts: Vec<u8>,
    bodies: Vec<u8>,
    absent: u32,
    last_recv_ns: u64,
    next_seqs: HashMap<u32, u64>,
}

impl BlockDraft {
    pub(crate) fn count(&self) -> usize {
        self.kinds.len()
    }

    /// True when the next record begins a new block.
    pub(crate) fn is_full(&self) -> bool {
        SEALED_BLOCK_ENTRIES_MAX <= self.count()
            || SEALED_BLOCK_BODIES_BYTES_TARGET <= self.bodies.len()
    }

    pub(crate) fn push(&mut self, record: &Record<'_>) {
        let leaf = &record.leaf;
        let absent = if record.is_absent { ABSENT_BIT } else { 0 };
        self.kinds.push(leaf.kind.number() | absent);
        let time = leaf.recv_ns.wrapping_sub(self.last_recv_ns);
        self.last_recv_ns = leaf.recv_ns;
        push_varint(&mut self.times, time);
        push_varint(&mut self.tenants, u64::from(leaf.tenant));
        push_varint(&mut self.sources, u64::from(leaf.source));
        let expected = self.next_seqs.entry(leaf.source).or_default();
        push_varint(&mut self.sequences, leaf.source_seq.wrapping_sub(*expected));
        *expected = leaf.source_seq.wrapping_add(1);
        push_varint(&mut self.classes, u64::from(leaf.retention_class));
        push_varint(&mut self.lengths, u64::from(leaf.body_len));
        match leaf.content {
            Content::Committed(commitment) if record.is_absent => {
                self.absent += 1;
                self.commitments.extend_from_slice(&commitment);
            }
            Content::Committed(_) => {
                let (salt, body) = record.beside.split_at(SALT_BYTES.min(record.beside.len()));
                self.salts.extend_from_slice(salt);
                self.bodies.extend_from_slice(body);
            }
            Content::Inline(body) => self.bodies.extend_from_slice(body),
        }
    }

    /// The block as it goes to disk. The draft is empty afterwards.
    pub(crate) fn finish(&mut self, salt: u64, first_index: u64) -> std::io::Result<Vec<u8>> {
        let draft = std::mem::take(self);
        let columns = [
            &draft.kinds,
            &draft.times,
            &draft.tenants,
            &draft.sources,
            &draft.sequences,
            &draft.classes,
            &draft.lengths,
            &draft.commitments,
        ];
        let envelopes_raw: Vec<u8> = columns.into_iter().flatten().copied().collect();
        let envelopes = zstd::bulk::compress(&envelopes_raw, ZSTD_LEVEL)?;
        let bodies = zstd::bulk::compress(&draft.bodies, ZSTD_LEVEL)?;
        let mut block = vec![0; HEADER_BYTES];
        block.extend_from_slice(&envelopes);
        block.extend_from_slice(&draft.salts);
        block.extend_from_slice(&bodies);
        let len = |part: &[u8]| u32::try_from(part.len()).expect("parts are bounded by the limits");
        let header = BlockHeader {
            salt,
            first_index,
            count: len(&draft.kinds),
            absent: draft.absent,
            envelopes_len: len(&envelopes),
            envelopes_raw_len: len(&envelopes_raw),
            salts_len: len(&draft.salts),
            bodies_len: len(&bodies),
            bodies_raw_len: len(&draft.bodies),
            payload_crc: crc32c::crc32c(&block[HEADER_BYTES..]),
        };
        block[..HEADER_BYTES].copy_from_slice(&header.encode());
        Ok(block)
    }
}

/// Reads the payload of a block back into entries. A wrong checksum alone is no fault: the stretch
/// then says that it is not whole.
pub(crate) fn decode(header: &BlockHeader, payload: &[u8]) -> Result<Stretch, FrameFault> {
    let is_whole = crc32c::crc32c(payload) == header.payload_crc;
    let len = |len: u32| usize::try_from(len).unwrap_or(usize::MAX);
    let (envelopes, rest) = payload
        .split_at_checked(len(header.envelopes_len))
        .ok_or(FrameFault::Truncated)?;
    let (salts, bodies) = rest
        .split_at_checked(len(header.salts_len))
        .filter(|(_, bodies)| bodies.len() == len(header.bodies_len))
        .ok_or(FrameFault::Truncated)?;
    let envelopes = decompress(envelopes, len(header.envelopes_raw_len))?;
    let bodies = decompress(bodies, len(header.bodies_raw_len))?;
    let mut decoder = Decoder::new(header, &envelopes, salts, &bodies)?;
    for position in 0..len(header.count) {
        decoder.entry(position).ok_or(FrameFault::Records)?;
    }
    let is_used_up = decoder.salts.is_empty()
        && decoder.bodies.is_empty()
        && decoder.commitments.is_empty()
        && decoder.absent.len() == len(header.absent);
    if !is_used_up {
        return Err(FrameFault::Records);
    }
    let Decoder {
        mut entries,
        beside,
        absent,
        ..
    } = decoder;
    let entries_len = entries.len();
    entries.extend_from_slice(&beside);
    Ok(Stretch {
        first_index: header.first_index,
        count: header.count,
        payload: entries,
        entries_len,
        absent,
        is_whole,
        frame_seq: None,
    })
}

fn decompress(packed: &[u8], raw_len: usize) -> Result<Vec<u8>, FrameFault> {
    zstd::bulk::decompress(packed, raw_len)
        .ok()
        .filter(|raw| raw.len() == raw_len)
        .ok_or(FrameFault::Compression)
}

/// Columns being read, and the entries made of them.
struct Decoder<'a> {
    kinds: &'a [u8],
    columns: [Vec<u64>; 6],
    commitments: &'a [u8],
    salts: &'a [u8],
    bodies: &'a [u8],
    first_index: u64,
    recv_ns: u64,
    next_seqs: HashMap<u32, u64>,
    entries: Vec<u8>,
    beside: Vec<u8>,
    absent: Vec<u64>,
}

impl<'a> Decoder<'a> {
    fn new(
        header: &BlockHeader,
        envelopes: &'a [u8],
        salts: &'a [u8],
        bodies: &'a [u8],
    ) -> Result<Self, FrameFault> {
        let count = usize::try_from(header.count).unwrap_or(usize::MAX);
        let (kinds, mut rest) = envelopes
            .split_at_checked(count)
            .ok_or(FrameFault::Records)?;
        let mut columns: [Vec<u64>; 6] = Default::default();
        for column in &mut columns {
            column.reserve_exact(count);
            for _ in 0..count {
                let (value, after) = take_varint(rest).ok_or(FrameFault::Records)?;
                column.push(value);
                rest = after;
            }
        }
        Ok(Self {
            kinds,
            columns,
            commitments: rest,
            salts,
            bodies,
            first_index: header.first_index,
            recv_ns: 0,
            next_seqs: HashMap::new(),
            entries: Vec::with_capacity(count * (2 + COMMITTED_BYTES)),
            beside: Vec::with_capacity(salts.len() + bodies.len()),
            absent: Vec::new(),
        })
    }

    fn entry(&mut self, position: usize) -> Option<()> {
        let [time, tenant, source, sequence, class, length] =
            self.columns.each_ref().map(|column| column[position]);
        let kind = Kind::from_number(self.kinds[position] & !ABSENT_BIT)?;
        let is_absent = self.kinds[position] & ABSENT_BIT != 0;
        self.recv_ns = self.recv_ns.wrapping_add(time);
        let source = u32::try_from(source).ok()?;
        let expected = self.next_seqs.entry(source).or_default();
        let source_seq = expected.wrapping_add(sequence);
        *expected = source_seq.wrapping_add(1);
        let body_len = u32::try_from(length).ok()?;
        let len = usize::try_from(body_len).ok()?;
        let mut leaf = Leaf {
            kind,
            recv_ns: self.recv_ns,
            tenant: u32::try_from(tenant).ok()?,
            source,
            source_seq,
            retention_class: u16::try_from(class).ok()?,
            body_len,
            content: Content::Inline(&[]),
        };
        if is_absent {
            let (commitment, rest) = self.commitments.split_first_chunk::<32>()?;
            self.commitments = rest;
            self.absent.push(self.first_index + position as u64);
            leaf.content = Content::Committed(*commitment);
        } else {
            let (body, rest) = self.bodies.split_at_checked(len)?;
            self.bodies = rest;
            leaf.content = Content::Inline(body);
            if kind == Kind::Event {
                let (salt, rest) = self.salts.split_at_checked(SALT_BYTES)?;
                self.salts = rest;
                let start = self.beside.len();
                self.beside.extend_from_slice(salt);
                self.beside.extend_from_slice(body);
                leaf.content = Content::Committed(commitment(&self.beside[start..]));
            }
        }
        // Only events have a body beside them, and an inline one must fit an entry.
        let is_inline = kind != Kind::Event;
        let fits = if is_inline {
            !is_absent && u16::try_from(HEAD_BYTES + len).is_ok()
        } else {
            len <= BODY_BYTES_MAX
        };
        fits.then(|| push_leaf(&mut self.entries, &leaf))
    }
}

fn push_varint(bytes: &mut Vec<u8>, mut value: u64) {
    while 0x80 <= value {
        bytes.push(0x80 | u8::try_from(value & 0x7f).expect("seven bits"));
        value >>= 7;
    }
    bytes.push(u8::try_from(value).expect("seven bits"));
}

/// The number at the front: seven bits a byte, the lowest first, at most ten bytes.
fn take_varint(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let mut value = 0_u64;
    for (position, byte) in bytes.iter().enumerate().take(10) {
        let bits = u64::from(byte & 0x7f);
        let shift = 7 * u32::try_from(position).ok()?;
        if 63 <= shift && 1 < bits {
            return None;
        }
        value |= bits << shift;
        if byte & 0x80 == 0 {
            return Some((value, &bytes[position + 1..]));
        }
    }
    None
}
