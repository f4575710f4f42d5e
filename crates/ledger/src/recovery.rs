//! Reading the segments back when a ledger is opened: what is whole, what was torn, what is
//! damage (docs/format/ledger.md, section 6, "Open").
//!
//! A bad checksum is not always a torn write. A tail is cut only when nothing speaks against its
//! being one: no whole frame after it, no segment after it, nothing signed beyond it.

use std::sync::Arc;

use disk::{Disk, DiskError};
use event::Index;

use crate::catalog::Tail;
use crate::error::OpenError;
use crate::frame::FrameFault;
use crate::identity::Identity;
use crate::integrate::{IntegrateError, Integrator, TileWriter};
use crate::layout::Layout;
use crate::segment::{FIRST_FRAME_OFFSET, FramePlace, SegmentView};
use crate::signed_state::Signed;

/// Zeros written at once over a cut tail.
const ZERO_BYTES: usize = 1024 * 1024;

/// What opening found and did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recovery {
    /// Entries of the ledger, the one about recovery included.
    pub tree_size: u64,
    /// Entries that had to be read again to compute the tree.
    pub replayed: u64,
    /// The torn tail that was cut, if there was one.
    pub cut: Option<Cut>,
}

/// A torn tail: the remains of a write that was never acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cut {
    /// Number of the segment.
    pub segment: u64,
    /// Offset at which a frame should have begun.
    pub offset: u64,
    /// Bytes from there to the last one that was not zero.
    pub bytes: u64,
}

/// A ledger as read back.
#[derive(Debug)]
pub(crate) struct Replayed {
    pub(crate) first_indexes: Vec<u64>,
    pub(crate) active: SegmentView,
    pub(crate) tail: Tail,
    pub(crate) integrator: Integrator,
    pub(crate) cut: Option<Cut>,
    pub(crate) entries_read: u64,
}

/// One pass over the segments.
struct Replay<'a> {
    signed: Signed,
    integrator: Integrator,
    tiles: &'a mut TileWriter,
    entries_read: u64,
}

/// Where reading a segment ended.
struct End {
    offset: u64,
    next_frame: u64,
    fault: FrameFault,
}

/// Reads the segments from where `start` stands.
pub(crate) fn replay(
    disk: &dyn Disk,
    layout: &Layout,
    identity: &Identity,
    signed: Signed,
    start: Integrator,
    tiles: &mut TileWriter,
) -> Result<Replayed, OpenError> {
    let mut segments = open_segments(disk, layout, identity)?;
    let mut replay = Replay {
        signed,
        integrator: start,
        tiles,
        entries_read: 0,
    };
    replay.check_signed()?;
    let first_indexes = segments
        .iter()
        .map(|segment| segment.header.first_index)
        .collect();
    let mut active = segments.pop().ok_or(OpenError::Segment { number: 0 })?;
    for number in 0..segments.len() {
        let next = segments.get(number + 1).unwrap_or(&active).header;
        if next.first_frame <= replay.integrator.next_frame() && next.first_frame != 0 {
            continue;
        }
        let end = replay.read_segment(&mut segments[number])?;
        let continues =
            next.first_frame == end.next_frame && next.first_index == replay.integrator.size();
        if !continues {
            return Err(replay.corrupt(&segments[number], &end));
        }
    }
    let end = replay.read_segment(&mut active)?;
    let cut = replay.judge_tail(&active, &end)?;
    let tail = Tail {
        offset: end.offset,
        next_frame: end.next_frame,
        next_index: replay.integrator.size(),
    };
    let Replay {
        integrator,
        entries_read,
        ..
    } = replay;
    Ok(Replayed {
        first_indexes,
        active,
        tail,
        integrator,
        cut,
        entries_read,
    })
}

/// Opens all segments and checks that each continues the one before by its header.
fn open_segments(
    disk: &dyn Disk,
    layout: &Layout,
    identity: &Identity,
) -> Result<Vec<SegmentView>, OpenError> {
    let ledger_id = identity.ledger_id();
    let mut segments: Vec<SegmentView> = Vec::new();
    for number in layout.segment_numbers(disk)? {
        let expected = segments.len() as u64;
        let segment = SegmentView::open(disk, &layout.segment(number))?;
        let segment = segment.filter(|segment| {
            let header = segment.header;
            let follows = segments.last().is_none_or(|last| {
                last.header.first_index <= header.first_index
                    && last.header.first_frame <= header.first_frame
            });
            header.number == expected && header.ledger_id == ledger_id && follows
        });
        segments.push(segment.ok_or(OpenError::Segment { number: expected })?);
    }
    Ok(segments)
}

impl Replay<'_> {
    /// Reads the frames of a segment, those before the starting point by their headers only.
    fn read_segment(&mut self, segment: &mut SegmentView) -> Result<End, OpenError> {
        let mut offset = FIRST_FRAME_OFFSET;
        let mut seq = segment.header.first_frame;
        loop {
            let header = segment.read_header(offset)?;
            let header = match header {
                Ok(header) if header.seq == seq => header,
                Ok(header) => {
                    let fault = FrameFault::Order {
                        expected: seq,
                        found: header.seq,
                    };
                    return Ok(End {
                        offset,
                        next_frame: seq,
                        fault,
                    });
                }
                Err(fault) => {
                    return Ok(End {
                        offset,
                        next_frame: seq,
                        fault,
                    });
                }
            };
            if self.integrator.next_frame() <= seq
                && let Err(fault) = self.read_frame(segment, offset)?
            {
                return Ok(End {
                    offset,
                    next_frame: seq,
                    fault,
                });
            }
            segment.frames.push(FramePlace {
                first_index: header.first_index,
                offset,
            });
            offset += header.padded_len() as u64;
            seq += 1;
        }
    }

    fn read_frame(
        &mut self,
        segment: &SegmentView,
        offset: u64,
    ) -> Result<Result<(), FrameFault>, OpenError> {
        let frame = match segment.read_frame(offset)? {
            Ok(frame) => frame,
            Err(fault) => return Ok(Err(fault)),
        };
        let entries_len = usize::try_from(frame.header.entries_len).unwrap_or(usize::MAX);
        let (Some(entries), true) = (
            frame.payload.get(..entries_len),
            frame.header.first_index == self.integrator.size(),
        ) else {
            return Ok(Err(FrameFault::Records));
        };
        match self
            .integrator
            .take_frame(entries, frame.header.count, self.tiles)
        {
            Ok(()) => {}
            // The checksum agreed, so these bytes were written like this: no torn tail.
            Err(IntegrateError::Entries { index }) => {
                return Err(OpenError::Corrupt {
                    segment: segment.header.number,
                    offset,
                    index: Index(index),
                    fault: FrameFault::Records,
                });
            }
            Err(IntegrateError::Disk(error)) => return Err(error.into()),
        }
        self.entries_read += u64::from(frame.header.count);
        self.check_signed()?;
        Ok(Ok(()))
    }

    /// The tree of the signed size must have the signed root. Signed sizes end on frames.
    fn check_signed(&self) -> Result<(), OpenError> {
        let Signed { size, root, .. } = self.signed;
        let computed = self.integrator.root();
        if self.integrator.size() == size && computed != root {
            return Err(OpenError::Root {
                size,
                signed: root,
                computed,
            });
        }
        Ok(())
    }

    /// Decides whether what follows the last whole frame is a torn write or damage.
    fn judge_tail(&self, segment: &SegmentView, end: &End) -> Result<Option<Cut>, OpenError> {
        let reached = self.integrator.size();
        let behind_start = end.next_frame < self.integrator.next_frame();
        let search = segment.search(end.offset)?;
        if reached < self.signed.size || behind_start || search.next_frame.is_some() {
            if search.dirty.is_none() && reached < self.signed.size {
                return Err(OpenError::Short {
                    stored: reached,
                    signed: self.signed.size,
                });
            }
            return Err(self.corrupt(segment, end));
        }
        Ok(search.dirty.map(|(_, last)| Cut {
            segment: segment.header.number,
            offset: end.offset,
            bytes: last - end.offset,
        }))
    }

    fn corrupt(&self, segment: &SegmentView, end: &End) -> OpenError {
        OpenError::Corrupt {
            segment: segment.header.number,
            offset: end.offset,
            index: Index(self.integrator.size()),
            fault: end.fault,
        }
    }
}

/// Overwrites a torn tail with zeros. A crash in between leaves a shorter torn tail.
pub(crate) fn erase_tail(
    disk: &Arc<dyn Disk>,
    layout: &Layout,
    cut: &Cut,
) -> Result<(), DiskError> {
    let file = disk.open(&layout.segment(cut.segment))?;
    let zeros = vec![0; ZERO_BYTES];
    let end = cut.offset + cut.bytes;
    let mut at = cut.offset;
    while at < end {
        let len = usize::try_from(end - at).map_or(ZERO_BYTES, |left| left.min(ZERO_BYTES));
        file.write_all_at(&zeros[..len], at)?;
        at += len as u64;
    }
    file.sync_data()
}
