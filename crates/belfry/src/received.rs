//! Finds entries by when they were received: receive times never decrease with the index, so a
//! binary search over the ledger is exact. Damaged entries are stepped over.

use event::Index;
use ledger::{ReadError, Reader};

/// The first entry received at or after `since` (nanoseconds since 1970), or the tree's end.
/// Damaged entries right before it count as received after.
pub(crate) fn first_since(reader: &Reader, since: i64) -> Result<Index, ReadError> {
    let (mut low, mut high) = (0, reader.tree_size().0);
    while low < high {
        let middle = low + (high - low) / 2;
        let read = reader.read_whole(Index(middle)..Index(high), 1)?;
        match read.entries.first() {
            Some(entry) if entry.received().0 < since => low = entry.index().0 + 1,
            _ => high = middle,
        }
    }
    Ok(Index(low))
}
