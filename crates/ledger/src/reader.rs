//! The reading end: entries by index, the newest checkpoint, followers.

use std::fmt;
use std::ops::Range;
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use disk::{Disk, DiskError};
use event::{Entry, Index, TreeSize};
use tlog::VerifyingKey;

use crate::catalog::{Catalog, Tail};
use crate::error::ReadError;
use crate::follow::Follower;
use crate::frame::FrameFault;
use crate::identity::{Identity, ReadIdentity};
use crate::layout::Layout;
use crate::leaf::Kind;
use crate::limits::TEXT_FILE_BYTES_MAX;
use crate::live::{Live, Pick};
use crate::segment::FIRST_FRAME_OFFSET;
use crate::sequencer::restore;
use crate::stats::Stats;
use crate::stored_segment::StoredSegment;
use crate::stretch::{Record, Stretch};

/// What the writer and all readers of one process share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) disk: Arc<dyn Disk>,
    pub(crate) layout: Layout,
    pub(crate) identity: Identity,
    pub(crate) catalog: Catalog,
    pub(crate) stats: Arc<Stats>,
    /// `None` in a process that only reads.
    live: Option<Live>,
    published: Mutex<Published>,
    signed: Condvar,
}

/// The newest checkpoint of this process.
#[derive(Debug, Default)]
struct Published {
    note: Option<Arc<str>>,
    size: u64,
    /// No more will come: the checkpointer has ended.
    is_final: bool,
}

impl Shared {
    pub(crate) fn new(
        disk: Arc<dyn Disk>,
        layout: Layout,
        identity: Identity,
        catalog: Catalog,
        live: Option<Live>,
    ) -> Self {
        Self {
            disk,
            layout,
            identity,
            catalog,
            stats: Arc::default(),
            live,
            published: Mutex::default(),
            signed: Condvar::new(),
        }
    }

    fn published(&self) -> MutexGuard<'_, Published> {
        self.published
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Shows a checkpoint that is safely on disk.
    pub(crate) fn publish(&self, note: Arc<str>, size: u64) {
        self.stats.checkpoint_signed(size);
        let mut published = self.published();
        assert!(published.size <= size, "a checkpoint never shrinks");
        published.note = Some(note);
        published.size = size;
        drop(published);
        self.signed.notify_all();
    }

    /// The checkpointer has ended: whoever waits for a checkpoint waits in vain.
    pub(crate) fn end_publishing(&self) {
        self.published().is_final = true;
        self.signed.notify_all();
    }

    pub(crate) fn live_push(&self, entries: Vec<Entry>) {
        if let Some(live) = &self.live {
            live.push(entries);
        }
    }

    pub(crate) fn live_forget(&self, end: u64) {
        if let Some(live) = &self.live {
            live.forget(end);
        }
    }

    pub(crate) fn live_close(&self) {
        if let Some(live) = &self.live {
            live.close();
        }
    }

    pub(crate) fn live(&self) -> Option<&Live> {
        self.live.as_ref()
    }
}

/// Reads a ledger. Cheap to clone; holds no lock that a writer waits for.
#[derive(Clone)]
pub struct Reader {
    pub(crate) shared: Arc<Shared>,
}

impl fmt::Debug for Reader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reader")
            .field("dir", &self.shared.layout.dir())
            .finish_non_exhaustive()
    }
}

impl Reader {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    /// Opens a ledger for reading only, while another process may be writing it. Takes no lock
    /// and writes nothing. What it shows is whole on disk; a frame that its writer has not yet
    /// acknowledged may be among it.
    pub fn open(disk: Arc<dyn Disk>, dir: &Path) -> Result<Self, ReadError> {
        let layout = Layout::new(dir);
        let unreadable = |reason: String| ReadError::NoLedger {
            dir: dir.to_path_buf(),
            reason,
        };
        let identity = Identity::read(&*disk, &layout).map_err(|error| match error {
            ReadIdentity::Disk(error) if error.is_not_found() => {
                unreadable("no identity file".to_owned())
            }
            ReadIdentity::Disk(error) => ReadError::Disk(error),
            ReadIdentity::Identity(error) => unreadable(format!("identity: {error}")),
        })?;
        let catalog = open_catalog(&disk, &layout)?;
        catalog.refresh()?;
        Ok(Self::new(Arc::new(Shared::new(
            disk, layout, identity, catalog, None,
        ))))
    }

    /// Entries that are durable and visible.
    pub fn tree_size(&self) -> TreeSize {
        if self.shared.live.is_none() {
            // A disk that cannot be read now shows what was known before.
            let _ = self.shared.catalog.refresh();
        }
        TreeSize(self.shared.catalog.tail().next_index)
    }

    /// The newest signed checkpoint, a note of c2sp.org/tlog-checkpoint.
    pub fn checkpoint(&self) -> Option<Arc<str>> {
        if self.shared.live.is_some() {
            return self.shared.published().note.clone();
        }
        let path = self.shared.layout.checkpoint();
        let bytes = self.shared.disk.read(&path, TEXT_FILE_BYTES_MAX).ok()?;
        String::from_utf8(bytes).ok().map(Arc::from)
    }

    /// Waits until a checkpoint covers `size` entries. False when the time was not enough. In a
    /// process that only reads, it looks once.
    pub fn await_checkpoint(&self, size: TreeSize, wait: Duration) -> bool {
        if self.shared.live.is_none() {
            return self.signed_size().is_some_and(|signed| size.0 <= signed);
        }
        let behind = |published: &mut Published| published.size < size.0 && !published.is_final;
        let (published, _) = self
            .shared
            .signed
            .wait_timeout_while(self.shared.published(), wait, behind)
            .unwrap_or_else(PoisonError::into_inner);
        size.0 <= published.size
    }

    /// Entries under the newest checkpoint; `None` before the first one.
    pub fn signed_size(&self) -> Option<u64> {
        let note = self.checkpoint()?;
        note.lines().nth(1)?.parse().ok()
    }

    /// The verifier key of the checkpoints (c2sp.org/signed-note): what others must pin.
    pub fn vkey(&self) -> String {
        self.shared.identity.vkey.to_string()
    }

    /// Name of the log in its checkpoints.
    pub fn origin(&self) -> &str {
        &self.shared.identity.origin
    }

    pub(crate) fn verifying_key(&self) -> &VerifyingKey {
        &self.shared.identity.vkey
    }

    /// Counters since opening; all zero in a process that only reads.
    pub fn stats(&self) -> &Stats {
        &self.shared.stats
    }

    /// Entries from `range.start` on: as many as there are before `range.end`, and no more than
    /// about `bytes_max` bytes of bodies, but at least one. Entries whose body was removed are left
    /// out. Empty when nothing readable is in the range.
    pub fn read(&self, range: Range<Index>, bytes_max: usize) -> Result<Vec<Entry>, ReadError> {
        let end = range.end.0.min(self.tree_size().0);
        let mut next = range.start.0;
        let mut entries = Vec::new();
        let mut bytes = 0;
        while next < end && (entries.is_empty() || bytes < bytes_max) {
            let stretch = self.stretch_of(next)?;
            for record in records_from(&stretch, next) {
                let record = record?;
                if end <= next || (!entries.is_empty() && bytes_max <= bytes) {
                    break;
                }
                if !record.is_absent {
                    entries.push(restore(next, record.leaf.recv_ns, record.body())?);
                }
                bytes += record.body().len();
                next += 1;
            }
        }
        Ok(entries)
    }

    /// One entry; [`ReadError::Absent`] when its body was removed.
    pub fn entry(&self, index: Index) -> Result<Entry, ReadError> {
        self.with_record(index, |record| {
            if record.is_absent {
                return Err(ReadError::Absent { index });
            }
            restore(index.0, record.leaf.recv_ns, record.body())
        })?
    }

    /// The bytes of an entry as hashed into the tree, without its body.
    pub fn entry_bytes(&self, index: Index) -> Result<Vec<u8>, ReadError> {
        self.with_record(index, |record| record.entry.to_vec())
    }

    /// An entry exactly as stored, its body present or not.
    pub fn stored(&self, index: Index) -> Result<StoredEntry, ReadError> {
        self.with_record(index, |record| StoredEntry::new(index, record))
    }

    /// Entries exactly as stored from `range.start` on, each index of it: as many as there are
    /// before `range.end`, and no more than about `bytes_max` bytes, but at least one. For mirrors
    /// and evidence.
    pub fn read_stored(
        &self,
        range: Range<Index>,
        bytes_max: usize,
    ) -> Result<Vec<StoredEntry>, ReadError> {
        let end = range.end.0.min(self.tree_size().0);
        let mut next = range.start.0;
        let mut entries: Vec<StoredEntry> = Vec::new();
        let mut bytes = 0;
        while next < end && (entries.is_empty() || bytes < bytes_max) {
            let stretch = self.stretch_of(next)?;
            for record in records_from(&stretch, next) {
                let record = record?;
                if end <= next || (!entries.is_empty() && bytes_max <= bytes) {
                    break;
                }
                entries.push(StoredEntry::new(Index(next), &record));
                bytes += record.entry.len() + record.beside.len();
                next += 1;
            }
        }
        Ok(entries)
    }

    pub(crate) fn with_record<T>(
        &self,
        index: Index,
        visit: impl FnOnce(&Record<'_>) -> T,
    ) -> Result<T, ReadError> {
        let stretch = self.stretch_of(index.0)?;
        let record = records_from(&stretch, index.0).next();
        let record = record.unwrap_or_else(|| {
            Err(ReadError::Corrupt {
                index,
                reason: FrameFault::Records.to_string(),
            })
        })?;
        Ok(visit(&record))
    }

    pub(crate) fn stretch_of(&self, index: u64) -> Result<Arc<Stretch>, ReadError> {
        if let Some(stretch) = self.shared.catalog.stretch_of(index)? {
            return Ok(stretch);
        }
        let size = self.tree_size().0;
        if size <= index {
            return Err(ReadError::OutOfRange {
                index: Index(index),
                size,
            });
        }
        let retried: Result<_, DiskError> = self.shared.catalog.stretch_of(index);
        retried?.ok_or_else(|| ReadError::Corrupt {
            index: Index(index),
            reason: "its frame is damaged".to_owned(),
        })
    }

    /// Follows the ledger from a cursor on: the index of the first entry wanted.
    pub fn follow(&self, cursor: Index) -> Follower {
        Follower::new(self.clone(), cursor)
    }

    /// True when the writer of this process was closed or stopped; what it made durable can
    /// still be read.
    pub fn is_closed(&self) -> bool {
        self.shared.live.as_ref().is_some_and(Live::is_closed)
    }

    pub(crate) fn pick(&self, cursor: u64, wait: Duration) -> Option<Pick> {
        self.shared.live().map(|live| live.pick(cursor, wait))
    }
}

/// Attempts at listing segments of which one may be sealed meanwhile.
const LIST_ATTEMPTS: u32 = 3;

/// Lists the segments of a ledger that another process may be writing.
fn open_catalog(disk: &Arc<dyn Disk>, layout: &Layout) -> Result<Catalog, ReadError> {
    let mut reason = "no segment".to_owned();
    for _ in 0..LIST_ATTEMPTS {
        let mut first_indexes = Vec::new();
        let mut active = None;
        for files in layout.segments(&**disk)? {
            let number = files.number;
            let segment = StoredSegment::open(&**disk, layout, number)?;
            let segment = segment.filter(|s| s.number() == first_indexes.len() as u64);
            let Some(segment) = segment else {
                reason = format!("segment {number} is damaged or misplaced");
                active = None;
                break;
            };
            first_indexes.push(segment.first_index());
            active = Some(segment);
        }
        match active {
            Some(StoredSegment::Frames(active)) => {
                let tail = Tail {
                    offset: FIRST_FRAME_OFFSET,
                    next_frame: active.header.first_frame,
                    next_index: active.header.first_index,
                };
                let disk = Arc::clone(disk);
                return Ok(Catalog::new(
                    disk,
                    layout.clone(),
                    first_indexes,
                    active,
                    tail,
                ));
            }
            // The last segment was sealed after it was listed: there is a newer one by now.
            Some(StoredSegment::Sealed(_)) => "the last segment is missing".clone_into(&mut reason),
            None => {}
        }
    }
    Err(ReadError::NoLedger {
        dir: layout.dir().to_path_buf(),
        reason,
    })
}

/// The records of a stretch from this index on.
fn records_from(
    stretch: &Stretch,
    index: u64,
) -> impl Iterator<Item = Result<Record<'_>, ReadError>> {
    let damaged = |at: u64| ReadError::Corrupt {
        index: Index(at),
        reason: FrameFault::Records.to_string(),
    };
    (index..)
        .zip(stretch.records_from(index))
        .map(move |(at, record)| record.map_err(|_| damaged(at)))
}

/// An entry exactly as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredEntry {
    index: Index,
    entry: Vec<u8>,
    kind: Kind,
    recv_ns: u64,
    beside: Vec<u8>,
    is_absent: bool,
}

impl StoredEntry {
    fn new(index: Index, record: &Record<'_>) -> Self {
        Self {
            index,
            entry: record.entry.to_vec(),
            kind: record.leaf.kind,
            recv_ns: record.leaf.recv_ns,
            beside: record.beside.to_vec(),
            is_absent: record.is_absent,
        }
    }

    /// Its place in the ledger.
    pub fn index(&self) -> Index {
        self.index
    }

    /// The bytes that are hashed into the tree.
    pub fn entry(&self) -> &[u8] {
        &self.entry
    }

    /// What it is about.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Our receive time, nanoseconds since 1970 UTC.
    pub fn recv_ns(&self) -> u64 {
        self.recv_ns
    }

    /// Salt and body as committed to; empty when the body is inline or absent.
    pub fn salt_and_body(&self) -> &[u8] {
        &self.beside
    }

    /// True when salt and body were removed and only their commitment is left.
    pub fn is_absent(&self) -> bool {
        self.is_absent
    }
}
