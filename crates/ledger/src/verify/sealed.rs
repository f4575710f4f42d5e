//! Verifying sealed segments: each block is decoded, which computes the commitments of its bodies
//! again, and its entries go the same way as those of frames.

use disk::DiskError;

use super::Walk;
use super::report::FindingKind;
use crate::frame::FrameFault;
use crate::sealed::{HEADER_BYTES, SealedView};
use crate::sealed_block::HEADER_BYTES as BLOCK_HEADER_BYTES;

impl Walk<'_> {
    pub(super) fn sealed(
        &mut self,
        mut sealed: SealedView,
        progress: &mut dyn FnMut(u64, u64),
    ) -> Result<(), DiskError> {
        sealed.scan()?;
        let header = sealed.header;
        let number = header.number;
        if header.first_index != self.next_index || header.first_frame != self.next_frame {
            let index = self.next_index;
            let kind = if index < header.first_index {
                FindingKind::Missing
            } else {
                FindingKind::Reordered
            };
            self.findings.add(Some(index), kind, || {
                format!(
                    "sealed segment {number} begins at entry {}, expected {index}",
                    header.first_index
                )
            });
            self.fill_from_tiles(header.first_index);
        }
        let mut offset = HEADER_BYTES as u64;
        for at in 0..sealed.blocks.len() {
            let place = sealed.blocks[at];
            self.block_gap(&sealed, place.first_index, offset);
            if place.first_index < self.next_index {
                continue;
            }
            offset = self.block(&mut sealed, at)?;
            progress(self.next_index, self.claim.size_min.max(self.next_index));
        }
        self.block_gap(&sealed, header.end_index, offset);
        if sealed.file.len()? != offset || header.len != offset {
            let index = header.first_index;
            self.findings.add(Some(index), FindingKind::Edited, || {
                format!("sealed segment {number}: bytes after its blocks, or too few")
            });
        }
        self.next_frame = header.end_frame;
        Ok(())
    }

    /// Entries before the next whole block header.
    fn block_gap(&mut self, sealed: &SealedView, end: u64, offset: u64) {
        let (index, number) = (self.next_index, sealed.header.number);
        if end <= index {
            return;
        }
        self.findings.add(Some(index), FindingKind::Edited, || {
            let last = end - 1;
            format!(
                "sealed segment {number}, byte {offset}: {}; entries {index} to {last} unreadable",
                FrameFault::HeaderChecksum
            )
        });
        self.fill_from_tiles(end);
    }

    /// One block; gives the offset behind it.
    fn block(&mut self, sealed: &mut SealedView, at: usize) -> Result<u64, DiskError> {
        let place = sealed.blocks[at];
        let mut outcome = sealed.read_block(place.offset)?;
        if !matches!(&outcome, Ok(stretch) if stretch.is_whole) {
            // A living writer may have replaced the file, and wiped this one.
            let path = self.layout.sealed(sealed.header.number);
            if let Some(mut fresh) = SealedView::open(self.disk, &path)?
                && fresh.id != sealed.id
            {
                fresh.scan()?;
                *sealed = fresh;
                outcome = match sealed.place_of(place.first_index) {
                    Some(place) => sealed.read_block(place.offset)?,
                    None => outcome,
                };
            }
        }
        let number = sealed.header.number;
        let offset = sealed.place_of(place.first_index).unwrap_or(place).offset;
        let (end, len) = match sealed.read_header(offset)? {
            Ok(block) => (block.end_index(), block.payload_len()),
            Err(_) => (place.first_index, 0),
        };
        let len = (BLOCK_HEADER_BYTES + len) as u64;
        self.bytes += len;
        match outcome {
            Ok(stretch) => {
                self.stretch(&stretch, &format!("sealed segment {number}, byte {offset}"));
            }
            Err(fault) => {
                let index = place.first_index;
                self.findings.add(Some(index), FindingKind::Edited, || {
                    let last = end.saturating_sub(1);
                    format!(
                        "sealed segment {number}, byte {offset}: {fault}; entries {index} to \
                         {last} unreadable"
                    )
                });
                self.fill_from_tiles(end);
            }
        }
        Ok(offset + len)
    }
}
