//! What a log serves: tiles, entry bundles and the checkpoint, with their paths
//! (c2sp.org/tlog-tiles).
//!
//! A tile of level `L` holds the hashes of up to 256 complete subtrees of tree level `8 * L`.
//! A full tile or bundle never changes; a partial one carries its width in its path and is
//! replaced by wider ones as the log grows.

use std::fmt;

use thiserror::Error;

use crate::encoding::from_decimal;
use crate::hash::{Hash, node_hash};
use crate::limits::{
    BUNDLE_LEN_BYTES_MAX, ENTRY_LEN_BYTES_MAX, HASH_LEN_BYTES, PATH_LEN_BYTES_MAX, TILE_HEIGHT,
    TILE_INDEX_MAX, TILE_LEVEL_MAX, TILE_WIDTH, TREE_SIZE_MAX,
};
use crate::tree::Subtree;

/// One thing a log serves under a fixed path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Resource {
    /// Hashes of `width` subtrees of tree level `8 * level`, `32 * width` bytes.
    Tile {
        /// Tile level, 0 for leaf hashes.
        level: u8,
        /// Position inside the level, counted in full tiles.
        index: u64,
        /// Hashes in it, 1 to 256.
        width: u16,
    },
    /// `width` entries from leaf `256 * index` on.
    Entries {
        /// Position counted in full bundles.
        index: u64,
        /// Entries in it, 1 to 256.
        width: u16,
    },
    /// The newest signed checkpoint.
    Checkpoint,
}

impl Resource {
    /// Path below the log's prefix, without a leading slash.
    pub fn path(&self) -> String {
        self.to_string()
    }

    /// Reads a path as `path` writes it; every other spelling is refused.
    pub fn parse_path(path: &str) -> Result<Self, PathError> {
        if path.len() > PATH_LEN_BYTES_MAX {
            return Err(PathError::TooLong {
                len_bytes: path.len(),
                len_bytes_max: PATH_LEN_BYTES_MAX,
            });
        }
        if path == "checkpoint" {
            return Ok(Self::Checkpoint);
        }
        let (kind, rest) = path
            .strip_prefix("tile/")
            .and_then(|rest| rest.split_once('/'))
            .ok_or(PathError::UnknownShape)?;
        let (groups, width) = match rest.split_once(".p/") {
            Some((groups, width)) => (groups, parse_width(width)?),
            None => (rest, TILE_WIDTH),
        };
        let index = parse_index(groups)?;
        if kind == "entries" {
            return Ok(Self::Entries { index, width });
        }
        let level = from_decimal(kind)
            .and_then(|level| u8::try_from(level).ok())
            .filter(|level| *level <= TILE_LEVEL_MAX)
            .ok_or(PathError::Level {
                level_max: TILE_LEVEL_MAX,
            })?;
        Ok(Self::Tile {
            level,
            index,
            width,
        })
    }
}

impl fmt::Display for Resource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (index, width) = match self {
            Self::Checkpoint => return f.write_str("checkpoint"),
            Self::Tile {
                level,
                index,
                width,
            } => {
                write!(f, "tile/{level}/")?;
                (*index, *width)
            }
            Self::Entries { index, width } => {
                f.write_str("tile/entries/")?;
                (*index, *width)
            }
        };
        write_index(f, index)?;
        if width == TILE_WIDTH {
            Ok(())
        } else {
            write!(f, ".p/{width}")
        }
    }
}

/// Writes an index as groups of three digits, all but the last marked with `x`.
fn write_index(f: &mut fmt::Formatter<'_>, index: u64) -> fmt::Result {
    let mut divisor = 1;
    while index / divisor >= 1000 {
        divisor *= 1000;
    }
    while divisor > 1 {
        write!(f, "x{:03}/", index / divisor % 1000)?;
        divisor /= 1000;
    }
    write!(f, "{:03}", index % 1000)
}

fn parse_index(groups: &str) -> Result<u64, PathError> {
    let mut index: u64 = 0;
    let mut groups = groups.split('/').peekable();
    let mut first = true;
    while let Some(group) = groups.next() {
        let last = groups.peek().is_none();
        let digits = if last {
            Some(group)
        } else {
            group.strip_prefix('x')
        };
        let digits = digits
            .filter(|digits| digits.len() == 3 && digits.bytes().all(|b| b.is_ascii_digit()))
            .ok_or(PathError::IndexGroup)?;
        if first && !last && digits == "000" {
            return Err(PathError::IndexLeadingZeros);
        }
        let value = digits.parse::<u64>().map_err(|_| PathError::IndexGroup)?;
        index = index
            .checked_mul(1000)
            .and_then(|index| index.checked_add(value))
            .filter(|index| *index <= TILE_INDEX_MAX)
            .ok_or(PathError::IndexTooLarge {
                index_max: TILE_INDEX_MAX,
            })?;
        first = false;
    }
    Ok(index)
}

fn parse_width(text: &str) -> Result<u16, PathError> {
    from_decimal(text)
        .and_then(|width| u16::try_from(width).ok())
        .filter(|width| (1..TILE_WIDTH).contains(width))
        .ok_or(PathError::Width {
            width_max: TILE_WIDTH - 1,
        })
}

/// Why a path names no resource.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum PathError {
    /// Longer than any path can be.
    #[error("path of {len_bytes} bytes is over the limit of {len_bytes_max}")]
    TooLong {
        /// Length found.
        len_bytes: usize,
        /// Longest path.
        len_bytes_max: usize,
    },
    /// Neither `checkpoint` nor `tile/<level or entries>/<index>`.
    #[error("path is neither a checkpoint nor a tile nor an entry bundle")]
    UnknownShape,
    /// The level is no canonical decimal in range.
    #[error("tile level is not a plain decimal of at most {level_max}")]
    Level {
        /// Highest level.
        level_max: u8,
    },
    /// A part of the index is not three digits, or its `x` is missing or misplaced.
    #[error("tile index is not in groups of three digits with x before all but the last")]
    IndexGroup,
    /// The index has a group of zeros in front.
    #[error("tile index has leading zeros")]
    IndexLeadingZeros,
    /// The index lies beyond the largest tree.
    #[error("tile index is over the limit of {index_max}")]
    IndexTooLarge {
        /// Highest index.
        index_max: u64,
    },
    /// The partial width is no canonical decimal in range.
    #[error("partial tile width is not a plain decimal from 1 to {width_max}")]
    Width {
        /// Widest partial tile.
        width_max: u16,
    },
}

/// Entry bundles to write when a log grows: new full ones, and the partial one at the new edge.
/// With `old_size` 0, all bundles that a log of `new_size` serves. Empty if it does not grow.
pub fn new_bundles(old_size: u64, new_size: u64) -> impl Iterator<Item = Resource> {
    slots(old_size, new_size).map(|(index, width)| Resource::Entries { index, width })
}

/// Tiles to write when a log grows, level by level upwards: new full ones, and per level the
/// partial one at the new edge. With `old_size` 0, all tiles that a log of `new_size` serves.
pub fn new_tiles(old_size: u64, new_size: u64) -> impl Iterator<Item = Resource> {
    let levels = 0..u64::BITS.div_ceil(u32::from(TILE_HEIGHT));
    levels.flat_map(move |level| {
        let shift = level * u32::from(TILE_HEIGHT);
        let level = u8::try_from(level).expect("eight levels of eight cover 64 bits");
        slots(old_size >> shift, new_size >> shift).map(move |(index, width)| Resource::Tile {
            level,
            index,
            width,
        })
    })
}

/// Full and partial slots of 256 that change when a row grows from `old` to `new` elements.
fn slots(old: u64, new: u64) -> impl Iterator<Item = (u64, u16)> {
    let width_max = u64::from(TILE_WIDTH);
    let end = if new > old {
        new.div_ceil(width_max)
    } else {
        0
    };
    (old / width_max..end).map(move |index| {
        let width = (new - index * width_max).min(width_max);
        (
            index,
            u16::try_from(width).expect("limited to 256 by the line above"),
        )
    })
}

/// Place of a stored subtree hash inside its tile.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TileSlot {
    /// Tile level.
    pub level: u8,
    /// Tile index inside the level.
    pub index: u64,
    /// Position of the hash inside the tile, 0 to 255.
    pub position: u8,
}

impl Subtree {
    /// Where the hash of this subtree is stored; `None` for levels between those of tiles,
    /// which are computed from the tile below (see [`subtree_reader`]).
    pub fn tile_slot(&self) -> Option<TileSlot> {
        if !self.level.is_multiple_of(TILE_HEIGHT) {
            return None;
        }
        let [.., position] = self.index.to_be_bytes();
        Some(TileSlot {
            level: self.level / TILE_HEIGHT,
            index: self.index >> TILE_HEIGHT,
            position,
        })
    }
}

/// Makes the reader that proofs ask for from a way to load tiles.
///
/// `tile(level, index)` gives the bytes of that tile, as wide as they are known: full, or the
/// partial one of the tree in question. Bytes beyond the wanted hashes are never looked at, and
/// hashes that are not there count as missing.
pub fn subtree_reader<T: AsRef<[u8]>>(
    tile: impl Fn(u8, u64) -> Option<T>,
) -> impl Fn(Subtree) -> Option<Hash> {
    move |subtree| {
        let inner = subtree.level % TILE_HEIGHT;
        let first = subtree.index.checked_shl(u32::from(inner))?;
        let bytes = tile(subtree.level / TILE_HEIGHT, first >> TILE_HEIGHT)?;
        let [.., position] = first.to_be_bytes();
        hash_in_tile(bytes.as_ref(), position, inner)
    }
}

/// Root over the `2^height` neighbouring hashes of a tile from `position` on.
fn hash_in_tile(tile: &[u8], position: u8, height: u8) -> Option<Hash> {
    let start = usize::from(position) * HASH_LEN_BYTES;
    let bytes = tile.get(start..start + (HASH_LEN_BYTES << height))?;
    let (chunks, _) = bytes.as_chunks::<HASH_LEN_BYTES>();
    let mut row: Vec<Hash> = chunks.iter().copied().map(Hash::from_bytes).collect();
    while row.len() > 1 {
        row = row
            .chunks_exact(2)
            .map(|pair| node_hash(&pair[0], &pair[1]))
            .collect();
    }
    row.pop()
}

/// Reads the bytes of a tile as its hashes; `width` comes from its [`Resource`].
pub fn parse_tile(bytes: &[u8], width: u16) -> Result<Vec<Hash>, TileError> {
    let (chunks, remainder) = bytes.as_chunks::<HASH_LEN_BYTES>();
    if !remainder.is_empty() || chunks.len() != usize::from(width) {
        return Err(TileError::Length {
            width,
            len_bytes: bytes.len(),
        });
    }
    Ok(chunks.iter().copied().map(Hash::from_bytes).collect())
}

/// Why bytes are not a tile.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum TileError {
    /// Not 32 bytes for each hash.
    #[error("tile of width {width} has {len_bytes} bytes")]
    Length {
        /// Hashes expected.
        width: u16,
        /// Bytes found.
        len_bytes: usize,
    },
}

/// Appends an entry to a bundle: its length as two big-endian bytes, then the entry.
pub fn push_entry(bundle: &mut Vec<u8>, entry: &[u8]) -> Result<(), EntryTooLong> {
    let length = u16::try_from(entry.len()).map_err(|_| EntryTooLong {
        len_bytes: entry.len(),
        len_bytes_max: ENTRY_LEN_BYTES_MAX,
    })?;
    bundle.extend_from_slice(&length.to_be_bytes());
    bundle.extend_from_slice(entry);
    Ok(())
}

/// An entry that no bundle can hold.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("entry of {len_bytes} bytes is over the limit of {len_bytes_max}")]
pub struct EntryTooLong {
    /// Length of the entry.
    pub len_bytes: usize,
    /// Longest entry.
    pub len_bytes_max: usize,
}

/// Cuts a bundle into its entries; `width` comes from its [`Resource`].
pub fn parse_bundle(bytes: &[u8], width: u16) -> Result<Vec<&[u8]>, BundleError> {
    if width == 0 || width > TILE_WIDTH {
        return Err(BundleError::Width {
            width,
            width_max: TILE_WIDTH,
        });
    }
    if bytes.len() > BUNDLE_LEN_BYTES_MAX {
        return Err(BundleError::TooLong {
            len_bytes: bytes.len(),
            len_bytes_max: BUNDLE_LEN_BYTES_MAX,
        });
    }
    let mut entries = Vec::with_capacity(usize::from(width));
    let mut rest = bytes;
    while !rest.is_empty() {
        let entry_number = entries.len();
        if entry_number == usize::from(width) {
            return Err(BundleError::TrailingBytes {
                width,
                len_bytes: rest.len(),
            });
        }
        let (length, after) = rest
            .split_first_chunk::<2>()
            .ok_or(BundleError::LengthTruncated { entry_number })?;
        let length = usize::from(u16::from_be_bytes(*length));
        let (entry, after) = after
            .split_at_checked(length)
            .ok_or(BundleError::EntryTruncated {
                entry_number,
                len_bytes_expected: length,
                len_bytes: after.len(),
            })?;
        entries.push(entry);
        rest = after;
    }
    if entries.len() != usize::from(width) {
        return Err(BundleError::TooFewEntries {
            width,
            entries: entries.len(),
        });
    }
    Ok(entries)
}

/// Why bytes are not an entry bundle of the expected width.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum BundleError {
    /// A width that no bundle has.
    #[error("bundle width {width} is not from 1 to {width_max}")]
    Width {
        /// Width asked for.
        width: u16,
        /// Widest bundle.
        width_max: u16,
    },
    /// More bytes than the largest bundle.
    #[error("bundle of {len_bytes} bytes is over the limit of {len_bytes_max}")]
    TooLong {
        /// Length found.
        len_bytes: usize,
        /// Longest bundle.
        len_bytes_max: usize,
    },
    /// The bytes end inside a length.
    #[error("bundle ends inside the length of entry {entry_number}")]
    LengthTruncated {
        /// Position of the entry in the bundle.
        entry_number: usize,
    },
    /// The bytes end inside an entry.
    #[error("entry {entry_number} of the bundle has {len_bytes} bytes of {len_bytes_expected}")]
    EntryTruncated {
        /// Position of the entry in the bundle.
        entry_number: usize,
        /// Announced length.
        len_bytes_expected: usize,
        /// Bytes left.
        len_bytes: usize,
    },
    /// The bytes end before the last expected entry.
    #[error("bundle has {entries} entries instead of {width}")]
    TooFewEntries {
        /// Entries expected.
        width: u16,
        /// Entries found.
        entries: usize,
    },
    /// The bytes go on after the last expected entry.
    #[error("bundle of width {width} has {len_bytes} bytes after its last entry")]
    TrailingBytes {
        /// Entries expected.
        width: u16,
        /// Bytes left over.
        len_bytes: usize,
    },
}

// The multiplications of slots and paths stay inside u64.
const _: () = assert!(TILE_INDEX_MAX <= TREE_SIZE_MAX / TILE_WIDTH as u64);

#[cfg(test)]
mod tests;
