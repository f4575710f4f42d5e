//! The tree of a verification: computed from the stored entries and compared, tile by tile, with
//! what foreign verifiers would be given.

use disk::DiskError;
use tlog::limits::TILE_WIDTH;
use tlog::{Hash, Resource};

use super::Walk;
use super::report::FindingKind;
use crate::limits::FINDINGS_MAX;

/// Tiles being collected, to be compared when complete.
#[derive(Debug, Default)]
pub(super) struct Tiles {
    levels: Vec<Vec<Hash>>,
}

impl Walk<'_> {
    /// Adds a leaf to the tree and compares every tile that it completes.
    pub(super) fn leaf(&mut self, leaf: Hash) {
        self.next_index += 1;
        if self.is_tree_lost {
            return;
        }
        let levels = &mut self.tiles.levels;
        self.tree.push_visiting(leaf, |subtree, hash| {
            if let Some(slot) = subtree.tile_slot() {
                let level = usize::from(slot.level);
                if levels.len() <= level {
                    levels.resize_with(level + 1, Vec::new);
                }
                levels[level].push(*hash);
            }
        });
        self.note_remembered();
        let size = self.next_index;
        if self
            .claim
            .checkpoint
            .is_some_and(|(claimed, _)| claimed == size)
        {
            self.root_at_claim = Some(self.tree.root());
            if !self.skips_tiles {
                self.compare_partials();
            }
        }
        if size.is_multiple_of(u64::from(TILE_WIDTH)) {
            self.compare_full();
        }
    }

    fn compare_full(&mut self) {
        let width = u64::from(TILE_WIDTH);
        let mut elements = self.next_index;
        // Derived files are certain to be there only below what was signed.
        let is_due = !self.skips_tiles && elements <= self.claim.size_min;
        for level in 0.. {
            let full = self.tiles.levels.get_mut(usize::from(level));
            let Some(hashes) = full.filter(|hashes| hashes.len() == usize::from(TILE_WIDTH)) else {
                break;
            };
            let hashes = std::mem::take(hashes);
            elements /= width;
            if is_due {
                let tile = Resource::Tile {
                    level,
                    index: elements - 1,
                    width: TILE_WIDTH,
                };
                self.compare_tile(tile, &hashes);
            }
        }
    }

    fn compare_partials(&mut self) {
        let width_max = u64::from(TILE_WIDTH);
        let mut size = self.next_index;
        let partial = |size: u64| u16::try_from(size % width_max).expect("below 256");
        // Levels that are just full are compared, and emptied, by `compare_full`.
        for level in 0..u8::try_from(self.tiles.levels.len()).unwrap_or(u8::MAX) {
            let width = partial(size);
            size /= width_max;
            if 0 < width {
                let hashes = std::mem::take(&mut self.tiles.levels[usize::from(level)]);
                self.compare_tile(
                    Resource::Tile {
                        level,
                        index: size,
                        width,
                    },
                    &hashes,
                );
                self.tiles.levels[usize::from(level)] = hashes;
            }
        }
    }

    /// Bytes of a derived file, and whether they are of exactly this width.
    fn read_resource(&mut self, resource: Resource, first: u64) -> Option<(Vec<u8>, bool)> {
        let bytes_max = u64::from(TILE_WIDTH) * 32 * 2;
        let path = self.layout.resource(resource);
        let mut outcome = self.disk.read(&path, bytes_max);
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
        let mut is_exact = true;
        // A partial file gives way to the full one when the ledger grows meanwhile.
        if outcome.as_ref().is_err_and(DiskError::is_not_found) && full != resource {
            outcome = self.disk.read(&self.layout.resource(full), bytes_max);
            is_exact = false;
        }
        match outcome {
            Ok(bytes) => Some((bytes, is_exact)),
            Err(error) => {
                let kind = if error.is_not_found() {
                    FindingKind::Missing
                } else {
                    FindingKind::Unreadable
                };
                self.findings
                    .add(Some(first), kind, || format!("{resource}: {error}"));
                None
            }
        }
    }

    fn compare_tile(&mut self, resource: Resource, hashes: &[Hash]) {
        let Resource::Tile {
            level,
            index,
            width,
        } = resource
        else {
            return;
        };
        let span = 1_u64 << (u32::from(level) * 8);
        let first = index * u64::from(TILE_WIDTH) * span;
        let Some((bytes, is_exact)) = self.read_resource(resource, first) else {
            return;
        };
        let (stored, rest) = bytes.as_chunks::<32>();
        let is_short = stored.len() < usize::from(width);
        let is_long = is_exact && stored.len() != usize::from(width);
        if is_short || is_long || !rest.is_empty() {
            self.findings.add(Some(first), FindingKind::Edited, || {
                format!(
                    "{resource}: {} bytes instead of {}",
                    bytes.len(),
                    32 * u32::from(width)
                )
            });
        }
        for (position, (stored, computed)) in (0..).zip(stored.iter().zip(hashes)) {
            if stored == computed.as_bytes() {
                continue;
            }
            let start = first + position * span;
            let after = self.suspects.partition_point(|suspect| *suspect < start);
            let follows_from_below = self
                .suspects
                .get(after)
                .is_some_and(|at| *at < start + span);
            if follows_from_below {
                continue;
            }
            // Above the leaves a lone difference is in the tile itself: no entry is concerned.
            let entry = (level == 0).then_some(start);
            if level == 0 && self.suspects.len() < FINDINGS_MAX {
                self.suspects.push(start);
            }
            self.findings.add(entry, FindingKind::Edited, || {
                format!("{resource}: hash {position} differs from the stored entries")
            });
        }
    }

    /// Takes leaves that cannot be read from their tiles, so that what follows can still be
    /// checked against the root. Without a tile the tree is lost; the entries are not.
    pub(super) fn fill_from_tiles(&mut self, end: u64) {
        while self.next_index < end {
            let leaf = self
                .leaf_from_tile(self.next_index)
                .filter(|_| !self.is_tree_lost);
            let Some(leaf) = leaf else {
                self.is_tree_lost = true;
                self.next_index = end;
                return;
            };
            self.leaf(leaf);
        }
    }

    fn leaf_from_tile(&self, index: u64) -> Option<Hash> {
        let width = u64::from(TILE_WIDTH);
        let read = |width: u16| {
            let tile = Resource::Tile {
                level: 0,
                index: index / 256,
                width,
            };
            self.disk.read(&self.layout.resource(tile), 32 * 256).ok()
        };
        let (size, _) = self.claim.checkpoint?;
        let partial = u16::try_from(size % width)
            .ok()
            .filter(|partial| 0 < *partial);
        let bytes = read(TILE_WIDTH).or_else(|| read(partial?))?;
        let (hashes, _) = bytes.as_chunks::<32>();
        hashes
            .get(usize::try_from(index % width).ok()?)
            .copied()
            .map(Hash::from_bytes)
    }
}
