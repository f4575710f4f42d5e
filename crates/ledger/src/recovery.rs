//! Reading the segments back when a ledger is opened: what is whole, what was torn, what is
//! damage (docs/format/ledger.md, section 7, "Open").
//!
//! A bad checksum is not always a torn write. A tail is cut only when nothing speaks against its
//! being one: no whole frame after it, no segment after it, nothing signed beyond it.

use std::sync::Arc;

use disk::{Disk, DiskError, DiskFile};
use event::Index;

use crate::catalog::Tail;
use crate::error::OpenError;
use crate::frame::{FrameFault, split_entry};
use crate::identity::Identity;
use crate::integrate::{IntegrateError, Integrator, TileWriter};
use crate::layout::Layout;
use crate::sealed::SealedView;
use crate::segment::{FIRST_FRAME_OFFSET, FramePlace, SegmentView};
use crate::signed_state::Signed;
use crate::stored_segment::StoredSegment;
use crate::stretch::Stretch;

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
    /// Entries under the resume point from which reading began.
    pub(crate) resume_size: u64,
    /// Number of the first segment that is not sealed.
    pub(crate) first_unsealed: u64,
    /// Segments of which the frames are still there although they were sealed: a crash came
    /// between.
    pub(crate) leftovers: Vec<u64>,
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

/// The segments of a ledger: all but the last are finished.
struct Segments {
    finished: Vec<StoredSegment>,
    active: SegmentView,
    leftovers: Vec<u64>,
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
    let Segments {
        mut finished,
        mut active,
        leftovers,
    } = open_segments(disk, layout, identity)?;
    let resume_size = start.size();
    let is_sealed = |segment: &StoredSegment| matches!(segment, StoredSegment::Sealed(_));
    let first_unsealed = finished.iter().take_while(|s| is_sealed(s)).count() as u64;
    let mut replay = Replay {
        signed,
        integrator: start,
        tiles,
        entries_read: 0,
    };
    replay.check_signed()?;
    let mut first_indexes: Vec<u64> = finished.iter().map(StoredSegment::first_index).collect();
    first_indexes.push(active.header.first_index);
    let header = active.header;
    for number in 0..finished.len() {
        let (next_frame, next_index) = finished
            .get(number + 1)
            .map_or((header.first_frame, header.first_index), |next| {
                (next.first_frame(), next.first_index())
            });
        if next_frame <= replay.integrator.next_frame() && next_frame != 0 {
            continue;
        }
        let end = match &mut finished[number] {
            StoredSegment::Frames(segment) => replay.read_segment(segment)?,
            StoredSegment::Sealed(sealed) => replay.read_sealed(sealed)?,
        };
        if next_frame != end.next_frame || next_index != replay.integrator.size() {
            return Err(replay.corrupt(number as u64, &end));
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
        resume_size,
        first_unsealed,
        leftovers,
    })
}

/// Opens all segments and checks that each continues the one before by its header. The last must
/// have its frames: it is in use.
fn open_segments(
    disk: &dyn Disk,
    layout: &Layout,
    identity: &Identity,
) -> Result<Segments, OpenError> {
    let ledger_id = identity.ledger_id();
    let mut segments: Vec<StoredSegment> = Vec::new();
    let mut leftovers = Vec::new();
    for files in layout.segments(disk)? {
        let expected = segments.len() as u64;
        let segment = StoredSegment::open(disk, layout, files.number)?;
        let segment = segment.filter(|segment| {
            let follows = segments.last().is_none_or(|last| {
                last.first_index() <= segment.first_index()
                    && last.first_frame() <= segment.first_frame()
            });
            let is_named = files.number == expected && segment.number() == expected;
            is_named && segment.ledger_id() == ledger_id && follows
        });
        let segment = segment.ok_or(OpenError::Segment { number: expected })?;
        if matches!(segment, StoredSegment::Sealed(_)) && files.has_frames {
            leftovers.push(files.number);
        }
        segments.push(segment);
    }
    let number = segments.len() as u64;
    match segments.pop() {
        Some(StoredSegment::Frames(active)) => Ok(Segments {
            finished: segments,
            active,
            leftovers,
        }),
        _ => Err(OpenError::Segment { number }),
    }
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

    /// Reads the blocks of a sealed segment, those before the starting point by their headers only.
    fn read_sealed(&mut self, sealed: &mut SealedView) -> Result<End, OpenError> {
        sealed.scan()?;
        let header = sealed.header;
        let mut end = End {
            offset: 0,
            next_frame: header.first_frame,
            fault: FrameFault::Records,
        };
        for place in &sealed.blocks {
            end.offset = place.offset;
            let block = match sealed.read_header(place.offset)? {
                Ok(block) if block.end_index() <= self.integrator.size() => continue,
                Ok(block) => block,
                Err(fault) => return Ok(End { fault, ..end }),
            };
            let stretch = match sealed.read_block(place.offset)? {
                Ok(stretch) if stretch.is_whole => stretch,
                Ok(_) => {
                    let fault = FrameFault::PayloadChecksum;
                    return Ok(End { fault, ..end });
                }
                Err(fault) => return Ok(End { fault, ..end }),
            };
            if let Err(fault) = self.take_block(&stretch, block.end_index())? {
                return Ok(End { fault, ..end });
            }
        }
        if self.integrator.size() == header.end_index {
            self.integrator.pass_frames(header.end_frame);
            end.next_frame = header.end_frame;
        }
        Ok(end)
    }

    /// Takes the entries of a block that the tree does not have yet. It halts at the signed size,
    /// which need not end a block, to compare the root there.
    fn take_block(
        &mut self,
        stretch: &Stretch,
        end_index: u64,
    ) -> Result<Result<(), FrameFault>, OpenError> {
        let mut entries = stretch.entries();
        let mut at = stretch.first_index;
        for stop in [self.integrator.size(), self.signed.size, end_index] {
            let stop = stop.clamp(at, end_index);
            let mut rest = entries;
            for _ in at..stop {
                match split_entry(rest) {
                    Some((_, after)) => rest = after,
                    None => return Ok(Err(FrameFault::Records)),
                }
            }
            let (taken, rest) = entries.split_at(entries.len() - rest.len());
            if at < stop && at == self.integrator.size() {
                let count = u32::try_from(stop - at).unwrap_or(u32::MAX);
                match self.integrator.take_entries(taken, count, self.tiles) {
                    Ok(()) => {}
                    Err(IntegrateError::Entries { .. }) => return Ok(Err(FrameFault::Records)),
                    Err(IntegrateError::Disk(error)) => return Err(error.into()),
                }
                self.entries_read += u64::from(count);
                self.check_signed()?;
            }
            (entries, at) = (rest, stop);
        }
        Ok(if self.integrator.size() == end_index {
            Ok(())
        } else {
            Err(FrameFault::Records)
        })
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
        if frame.first_index != self.integrator.size() {
            return Ok(Err(FrameFault::Records));
        }
        match self
            .integrator
            .take_frame(frame.entries(), frame.count, self.tiles)
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
        self.entries_read += u64::from(frame.count);
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
            return Err(self.corrupt(segment.header.number, end));
        }
        Ok(search.dirty.map(|(_, last)| Cut {
            segment: segment.header.number,
            offset: end.offset,
            bytes: last - end.offset,
        }))
    }

    fn corrupt(&self, segment: u64, end: &End) -> OpenError {
        OpenError::Corrupt {
            segment,
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
    write_zeros(&*file, cut.offset, cut.offset + cut.bytes)
}

/// Overwrites bytes with zeros, durably.
pub(crate) fn write_zeros(file: &dyn DiskFile, from: u64, end: u64) -> Result<(), DiskError> {
    let zeros = vec![0; ZERO_BYTES];
    let mut at = from;
    while at < end {
        let len = usize::try_from(end - at).map_or(ZERO_BYTES, |left| left.min(ZERO_BYTES));
        file.write_all_at(&zeros[..len], at)?;
        at += len as u64;
    }
    file.sync_data()
}
