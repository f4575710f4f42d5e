//! Entry bundles of c2sp.org/tlog-tiles, made from the stored entries: they are nobody's truth, so
//! no disk need hold them.

use event::Index;
use tlog::limits::TILE_WIDTH;

use crate::error::ReadError;
use crate::frame::FrameFault;
use crate::reader::Reader;

impl Reader {
    /// Entries `index * 256` and on in bundle form, `width` of them.
    pub(crate) fn bundle(&self, index: u64, width: u16) -> Result<Vec<u8>, ReadError> {
        let mut next = index * u64::from(TILE_WIDTH);
        let end = next + u64::from(width);
        let mut bundle = Vec::new();
        while next < end {
            let stretch = self.stretch_of(next)?;
            for record in stretch.records_from(next) {
                if end <= next {
                    break;
                }
                let corrupt = |reason: String| ReadError::Corrupt {
                    index: Index(next),
                    reason,
                };
                let record = record.map_err(|_| corrupt(FrameFault::Records.to_string()))?;
                tlog::tile::push_entry(&mut bundle, record.entry)
                    .map_err(|error| corrupt(error.to_string()))?;
                next += 1;
            }
        }
        Ok(bundle)
    }
}
