//! A segment in whichever of its two forms it is on disk: frames, or sealed blocks.

use disk::{Disk, DiskError};

use crate::frame::FrameFault;
use crate::layout::Layout;
use crate::sealed::SealedView;
use crate::segment::{FramePlace, SegmentView};
use crate::stretch::Stretch;

/// Attempts at opening a segment that changes its form meanwhile: it does so once in its life.
const OPEN_ATTEMPTS: u32 = 3;

/// An open segment.
#[derive(Clone, Debug)]
pub(crate) enum StoredSegment {
    Frames(SegmentView),
    Sealed(SealedView),
}

impl StoredSegment {
    /// Opens a segment, preferring its sealed form; `None` when it is not there or its header is
    /// damaged.
    pub(crate) fn open(
        disk: &dyn Disk,
        layout: &Layout,
        number: u64,
    ) -> Result<Option<Self>, DiskError> {
        for _ in 0..OPEN_ATTEMPTS {
            match SealedView::open(disk, &layout.sealed(number)) {
                Ok(Some(sealed)) => return Ok(Some(Self::Sealed(sealed))),
                Err(error) if !error.is_not_found() => return Err(error),
                Ok(None) | Err(_) => {}
            }
            match SegmentView::open(disk, &layout.segment(number)) {
                Err(error) if error.is_not_found() => {}
                segment => return Ok(segment?.map(Self::Frames)),
            }
        }
        Ok(None)
    }

    pub(crate) fn number(&self) -> u64 {
        match self {
            Self::Frames(segment) => segment.header.number,
            Self::Sealed(sealed) => sealed.header.number,
        }
    }

    pub(crate) fn first_index(&self) -> u64 {
        match self {
            Self::Frames(segment) => segment.header.first_index,
            Self::Sealed(sealed) => sealed.header.first_index,
        }
    }

    pub(crate) fn first_frame(&self) -> u64 {
        match self {
            Self::Frames(segment) => segment.header.first_frame,
            Self::Sealed(sealed) => sealed.header.first_frame,
        }
    }

    pub(crate) fn ledger_id(&self) -> [u8; 32] {
        match self {
            Self::Frames(segment) => segment.header.ledger_id,
            Self::Sealed(sealed) => sealed.header.ledger_id,
        }
    }

    /// Lists what it holds: see [`SegmentView::scan`] and [`SealedView::scan`].
    pub(crate) fn scan(&mut self) -> Result<(), DiskError> {
        match self {
            Self::Frames(segment) => segment.scan(),
            Self::Sealed(sealed) => sealed.scan(),
        }
    }

    /// Frames or blocks found by [`StoredSegment::scan`].
    pub(crate) fn places(&self) -> &[FramePlace] {
        match self {
            Self::Frames(segment) => &segment.frames,
            Self::Sealed(sealed) => &sealed.blocks,
        }
    }

    /// The place of the frame or block that should hold an index.
    pub(crate) fn place_of(&self, index: u64) -> Option<FramePlace> {
        match self {
            Self::Frames(segment) => segment.place_of(index),
            Self::Sealed(sealed) => sealed.place_of(index),
        }
    }

    /// Reads a frame or block, whether or not its checksum agrees.
    pub(crate) fn read_any(&self, offset: u64) -> Result<Result<Stretch, FrameFault>, DiskError> {
        match self {
            Self::Frames(segment) => {
                Ok(segment.read_any_frame(offset)?.map(|(_, stretch)| stretch))
            }
            Self::Sealed(sealed) => sealed.read_block(offset),
        }
    }

    /// False when the file under its name is another one by now: bodies may be gone from that.
    pub(crate) fn is_current(&self, disk: &dyn Disk, layout: &Layout) -> Result<bool, DiskError> {
        let (path, id) = match self {
            Self::Frames(segment) => (layout.segment(segment.header.number), segment.file.id()?),
            Self::Sealed(sealed) => (layout.sealed(sealed.header.number), sealed.id),
        };
        Ok(disk.stat(&path)?.is_some_and(|stat| stat.id == id))
    }
}
