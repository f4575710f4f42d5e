//! Followers: everybody who consumes the ledger, each at its own pace.

use std::thread;
use std::time::Duration;

use event::{EntryBatch, Index};

use crate::damage::Damage;
use crate::error::ReadError;
use crate::limits::FOLLOW_READ_BYTES_MAX;
use crate::live::Pick;
use crate::reader::Reader;

/// How often a follower in another process looks at the files.
const POLL_INTERVAL: Duration = Duration::from_millis(100);

/// Reads the ledger in order from a cursor on. At the head it shares the batches in memory with
/// all others; behind, it reads from disk. It never makes the writer wait.
#[derive(Debug)]
pub struct Follower {
    reader: Reader,
    cursor: u64,
}

impl Follower {
    pub(crate) fn new(reader: Reader, cursor: Index) -> Self {
        Self {
            reader,
            cursor: cursor.0,
        }
    }

    /// The index of the entry that comes next: what to store once its predecessors are done.
    pub fn cursor(&self) -> Index {
        Index(self.cursor)
    }

    /// Entries that are there and not yet taken.
    pub fn lag(&self) -> u64 {
        self.reader.tree_size().0.saturating_sub(self.cursor)
    }

    /// The next entries, never empty; `None` when none came within `wait`, or at once when the
    /// writer of this process is closed and all is taken (see [`Reader::is_closed`]). After an
    /// error the cursor is where it was; all that can be read before a damaged entry comes first,
    /// and [`Follower::skip_damage`] steps over it.
    pub fn next(&mut self, wait: Duration) -> Result<Option<EntryBatch>, ReadError> {
        match self.reader.pick(self.cursor, wait) {
            Some(Pick::Batch(batch)) => Ok(self.advance(batch)),
            Some(Pick::OnDisk { end }) => self.read(end),
            Some(Pick::Head | Pick::Closed) => Ok(None),
            None => self.poll(wait),
        }
    }

    /// Reads from disk up to `end`; what was removed is passed over.
    fn read(&mut self, end: u64) -> Result<Option<EntryBatch>, ReadError> {
        while self.cursor < end {
            let range = Index(self.cursor)..Index(end);
            let mut read = self.reader.read_whole(range, FOLLOW_READ_BYTES_MAX)?;
            let mut next = read.next;
            if let Some(damage) = read.damages.into_iter().next() {
                next = damage.first;
                read.entries.retain(|entry| entry.index() < next);
                if next.0 == self.cursor {
                    return Err(ReadError::Corrupt {
                        index: damage.first,
                        reason: damage.detail,
                    });
                }
            }
            self.cursor = next.0;
            if !read.entries.is_empty() {
                return Ok(Some(EntryBatch::from(read.entries)));
            }
        }
        Ok(None)
    }

    /// Steps over what made [`Follower::next`] fail with [`ReadError::Corrupt`], and says what it
    /// was; `None` when the next entry can be read.
    pub fn skip_damage(&mut self) -> Result<Option<Damage>, ReadError> {
        let range = Index(self.cursor)..self.reader.tree_size().next_index();
        let read = self.reader.read_whole(range, 1)?;
        let first = read.damages.into_iter().next();
        let damage = first.filter(|damage| damage.first.0 == self.cursor);
        if let Some(damage) = &damage {
            self.cursor = damage.last.0 + 1;
        }
        Ok(damage)
    }

    fn advance(&mut self, batch: EntryBatch) -> Option<EntryBatch> {
        let last = batch.last()?;
        self.cursor = last.index().0 + 1;
        Some(batch)
    }

    fn poll(&mut self, wait: Duration) -> Result<Option<EntryBatch>, ReadError> {
        let mut left = wait;
        loop {
            let size = self.reader.tree_size().0;
            if self.cursor < size {
                return self.read(size);
            }
            if left.is_zero() {
                return Ok(None);
            }
            let pause = left.min(POLL_INTERVAL);
            thread::sleep(pause);
            left -= pause;
        }
    }
}
