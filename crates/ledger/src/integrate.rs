//! Extending the tree: entries in, frontier and finished tiles out.
//!
//! The checkpointer and recovery drive the same value, so the code that a crash needs runs on
//! every frame of every day.

use std::collections::HashMap;
use std::path::PathBuf;

use disk::{Disk, DiskError};
use tlog::limits::TILE_WIDTH;
use tlog::{Frontier, Hash, Resource, leaf_hash};

use crate::bytes::Taker;
use crate::epoch::Rotation;
use crate::frame::split_entry;
use crate::layout::Layout;
use crate::leaf::{Kind, Leaf};
use crate::record_text;
use crate::sources::Sources;

const MAGIC: &[u8; 8] = b"BFRYRESM";
const FORMAT: u32 = 1;
const WIDTH: usize = TILE_WIDTH as usize;
/// Tile levels that a tree of 2^63 leaves has.
const LEVELS_MAX: usize = 8;

/// The tree so far and the parts of it that are not in finished files yet.
#[derive(Clone, Debug, Default)]
pub(crate) struct Integrator {
    frontier: Frontier,
    /// Hashes of the unfinished tile of each level.
    unfinished: Vec<Vec<Hash>>,
    sources: Sources,
    recv_ns: u64,
    /// Sequence number of the frame that comes next.
    next_frame: u64,
    /// The newest rotation since this value was made, with the tree at the end of its frame.
    /// Not part of the resume point: that is written after every seal.
    rotation: Option<Rotation>,
}

/// Entries that do not continue the ledger.
#[derive(Debug)]
pub(crate) enum IntegrateError {
    /// The bytes are no entries, or not as many as announced.
    Entries {
        index: u64,
    },
    Disk(DiskError),
}

impl Integrator {
    pub(crate) fn size(&self) -> u64 {
        self.frontier.size()
    }

    pub(crate) fn root(&self) -> Hash {
        self.frontier.root()
    }

    pub(crate) fn next_frame(&self) -> u64 {
        self.next_frame
    }

    pub(crate) fn recv_ns(&self) -> u64 {
        self.recv_ns
    }

    pub(crate) fn sources(&self) -> &Sources {
        &self.sources
    }

    /// Takes in the entries of the next frame and writes the tiles they finish.
    pub(crate) fn take_frame(
        &mut self,
        entries: &[u8],
        count: u32,
        tiles: &mut TileWriter,
    ) -> Result<(), IntegrateError> {
        self.take_entries(entries, count, tiles)?;
        self.next_frame += 1;
        Ok(())
    }

    /// Steps over the frames of a sealed segment, which has none any more.
    pub(crate) fn pass_frames(&mut self, end_frame: u64) {
        self.next_frame = self.next_frame.max(end_frame);
    }

    /// Takes in entries in bundle form and writes the tiles they finish.
    pub(crate) fn take_entries(
        &mut self,
        entries: &[u8],
        count: u32,
        tiles: &mut TileWriter,
    ) -> Result<(), IntegrateError> {
        let end = self.size() + u64::from(count);
        let mut rest = entries;
        while !rest.is_empty() {
            let broken = IntegrateError::Entries { index: self.size() };
            let Some((entry, after)) = split_entry(rest) else {
                return Err(broken);
            };
            rest = after;
            let Ok(leaf) = Leaf::parse(entry) else {
                return Err(broken);
            };
            self.note_source(&leaf);
            self.recv_ns = leaf.recv_ns;
            self.take_entry(entry, tiles)
                .map_err(IntegrateError::Disk)?;
            self.note_rotation(&leaf);
        }
        if self.size() != end {
            return Err(IntegrateError::Entries { index: self.size() });
        }
        Ok(())
    }

    fn take_entry(&mut self, entry: &[u8], tiles: &mut TileWriter) -> Result<(), DiskError> {
        let unfinished = &mut self.unfinished;
        let index = self
            .frontier
            .push_visiting(leaf_hash(entry), |subtree, hash| {
                if let Some(slot) = subtree.tile_slot() {
                    let level = usize::from(slot.level);
                    if unfinished.len() <= level {
                        unfinished.resize_with(level + 1, || Vec::with_capacity(WIDTH));
                    }
                    unfinished[level].push(*hash);
                }
            });
        if !(index + 1).is_multiple_of(WIDTH as u64) {
            return Ok(());
        }
        let mut elements = index + 1;
        for (level, hashes) in (0..).zip(&mut self.unfinished) {
            if hashes.len() < WIDTH {
                break;
            }
            elements /= WIDTH as u64;
            let tile = Resource::Tile {
                level,
                index: elements - 1,
                width: TILE_WIDTH,
            };
            tiles.write_full(tile, &tile_bytes(hashes))?;
            hashes.clear();
        }
        Ok(())
    }

    fn note_source(&mut self, leaf: &Leaf<'_>) {
        match (leaf.kind, leaf.content) {
            (Kind::Event, _) => {
                if let Some(next_seq) = self.sources.next_seq_mut(leaf.source) {
                    *next_seq = leaf.source_seq + 1;
                }
            }
            (Kind::SourceRegistered, crate::leaf::Content::Inline(body)) => {
                if let Some((name, _)) = record_text::read_source_registered(body) {
                    self.sources.register(&name, 0);
                }
            }
            _ => {}
        }
    }

    /// Keeps a rotation together with the tree that ends with it.
    fn note_rotation(&mut self, leaf: &Leaf<'_>) {
        let (Kind::KeyRotation, crate::leaf::Content::Inline(body)) = (leaf.kind, leaf.content)
        else {
            return;
        };
        if let Some((epoch, vkey, is_recovery)) = record_text::read_rotation(body) {
            self.rotation = Some(Rotation {
                epoch,
                vkey,
                is_recovery,
                size: self.size(),
                root: self.root(),
                frames: self.next_frame + 1,
            });
        }
    }

    /// The newest rotation that nobody has asked for yet.
    pub(crate) fn take_rotation(&mut self) -> Option<Rotation> {
        self.rotation.take()
    }

    /// Writes the partial tiles of the current size.
    pub(crate) fn write_partials(&self, tiles: &mut TileWriter) -> Result<(), DiskError> {
        let mut size = self.size();
        for (level, hashes) in (0..).zip(&self.unfinished) {
            let width = partial_width(size);
            let index = size / WIDTH as u64;
            if 0 < width {
                let tile = Resource::Tile {
                    level,
                    index,
                    width,
                };
                tiles.write_partial(tile, &tile_bytes(hashes))?;
            }
            size = index;
        }
        Ok(())
    }

    /// Everything needed to go on from here.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        let put_len = |bytes: &mut Vec<u8>, len: usize| {
            let len = u32::try_from(len).expect("parts are bounded far below 32 bits");
            bytes.extend_from_slice(&len.to_be_bytes());
        };
        bytes.extend_from_slice(MAGIC);
        bytes.extend_from_slice(&FORMAT.to_be_bytes());
        bytes.extend_from_slice(&[0; 4]);
        let frontier = self.frontier.to_bytes();
        put_len(&mut bytes, frontier.len());
        bytes.extend_from_slice(&frontier);
        bytes.extend_from_slice(&self.next_frame.to_be_bytes());
        bytes.extend_from_slice(&self.recv_ns.to_be_bytes());
        put_len(&mut bytes, self.sources.rows().len());
        for source in self.sources.rows() {
            bytes.extend_from_slice(&source.next_seq.to_be_bytes());
            put_len(&mut bytes, source.name.len());
            bytes.extend_from_slice(source.name.as_bytes());
        }
        put_len(&mut bytes, self.unfinished.len());
        for hashes in &self.unfinished {
            put_len(&mut bytes, hashes.len());
            for hash in hashes {
                bytes.extend_from_slice(hash.as_bytes());
            }
        }
        let crc = crc32c::crc32c(&bytes);
        bytes.extend_from_slice(&crc.to_be_bytes());
        bytes
    }

    /// Reads what [`Integrator::to_bytes`] wrote; `None` for anything else.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (content, crc) = bytes.split_last_chunk::<4>()?;
        if u32::from_be_bytes(*crc) != crc32c::crc32c(content) {
            return None;
        }
        let mut taker = Taker::new(content);
        if taker.bytes(8)? != MAGIC || taker.u32()? != FORMAT || taker.u32()? != 0 {
            return None;
        }
        let len = taker.len()?;
        let frontier = Frontier::from_bytes(taker.bytes(len)?).ok()?;
        let (next_frame, recv_ns) = (taker.u64()?, taker.u64()?);
        let mut sources = Sources::default();
        for _ in 0..taker.len()? {
            let next_seq = taker.u64()?;
            let len = taker.len()?;
            sources.register(str::from_utf8(taker.bytes(len)?).ok()?, next_seq);
        }
        let levels = taker.len().filter(|levels| *levels <= LEVELS_MAX)?;
        let mut unfinished = Vec::with_capacity(levels);
        let mut size = frontier.size();
        for _ in 0..levels {
            let count = taker
                .len()
                .filter(|count| *count == usize::from(partial_width(size)))?;
            size /= WIDTH as u64;
            let mut hashes = Vec::with_capacity(WIDTH);
            for _ in 0..count {
                hashes.push(Hash::from_bytes(taker.array()?));
            }
            unfinished.push(hashes);
        }
        taker.is_empty().then_some(Self {
            frontier,
            unfinished,
            sources,
            recv_ns,
            next_frame,
            rotation: None,
        })
    }
}

/// Elements in the unfinished tile of a row of this many.
fn partial_width(elements: u64) -> u16 {
    u16::try_from(elements % WIDTH as u64).expect("below 256")
}

fn tile_bytes(hashes: &[Hash]) -> Vec<u8> {
    hashes.iter().flat_map(|hash| *hash.as_bytes()).collect()
}

/// Puts tiles under their C2SP paths. Entry bundles are made when somebody asks for them.
///
/// They are derived from the frames, so nothing is synced here; a file is replaced by rename
/// where a reader may be looking at it.
#[derive(Debug)]
pub(crate) struct TileWriter {
    disk: std::sync::Arc<dyn Disk>,
    layout: Layout,
    /// The folder last written to, for each level, so that it is made once.
    folders: HashMap<u8, PathBuf>,
    /// Full files that met a full disk; no checkpoint leaves before they are written.
    deferred: Vec<(Resource, Vec<u8>)>,
}

/// Slot of what is no tile among the folders; tile levels are far below it.
const OTHER_FOLDER: u8 = u8::MAX;

impl TileWriter {
    pub(crate) fn new(disk: std::sync::Arc<dyn Disk>, layout: Layout) -> Self {
        Self {
            disk,
            layout,
            folders: HashMap::new(),
            deferred: Vec::new(),
        }
    }

    /// Writes a full tile and removes the partial ones that it replaces. On a full
    /// disk it is kept for [`TileWriter::flush`]: the tree must not stop half-way in a frame.
    fn write_full(&mut self, resource: Resource, bytes: &[u8]) -> Result<(), DiskError> {
        match self.replace_partials(resource, bytes) {
            Err(error) if error.is_full() => {
                self.deferred.push((resource, bytes.to_vec()));
                Ok(())
            }
            outcome => outcome,
        }
    }

    /// Writes what met a full disk before. Needed before the tree is signed.
    pub(crate) fn flush(&mut self) -> Result<(), DiskError> {
        while let Some((resource, bytes)) = self.deferred.pop() {
            if let Err(error) = self.replace_partials(resource, &bytes) {
                self.deferred.push((resource, bytes));
                return Err(error);
            }
        }
        Ok(())
    }

    fn replace_partials(&mut self, resource: Resource, bytes: &[u8]) -> Result<(), DiskError> {
        self.write(resource, bytes)?;
        let partials = partial_folder(&self.layout, resource);
        if self.disk.stat(&partials)?.is_none() {
            return Ok(());
        }
        for listed in self.disk.list(&partials)? {
            self.disk.remove(&partials.join(listed.name))?;
        }
        self.disk.remove_dir(&partials)
    }

    /// Writes a partial tile. Earlier ones stay until the full one is there, because
    /// a reader may still hold the checkpoint they belong to.
    fn write_partial(&mut self, resource: Resource, bytes: &[u8]) -> Result<(), DiskError> {
        self.disk
            .create_dir_all(&partial_folder(&self.layout, resource))?;
        self.disk
            .write_derived(&self.layout.resource(resource), bytes)
    }

    fn write(&mut self, resource: Resource, bytes: &[u8]) -> Result<(), DiskError> {
        let path = self.layout.resource(resource);
        let level = match resource {
            Resource::Tile { level, .. } => level,
            Resource::Entries { .. } | Resource::Checkpoint => OTHER_FOLDER,
        };
        let folder = path
            .parent()
            .expect("resources lie below the folder of the ledger");
        if self.folders.get(&level).is_none_or(|known| known != folder) {
            self.disk.create_dir_all(folder)?;
            self.folders.insert(level, folder.to_path_buf());
        }
        self.disk.write_derived(&path, bytes)
    }
}

/// The folder `<N>.p` beside the full tile.
fn partial_folder(layout: &Layout, resource: Resource) -> PathBuf {
    let full = match resource {
        Resource::Tile { level, index, .. } => Resource::Tile {
            level,
            index,
            width: TILE_WIDTH,
        },
        Resource::Entries { index, .. } => Resource::Entries {
            index,
            width: TILE_WIDTH,
        },
        Resource::Checkpoint => Resource::Checkpoint,
    };
    layout.resource(full).with_extension("p")
}
