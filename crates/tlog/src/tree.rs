//! The Merkle tree of RFC 6962: growing it, and making and checking its two proofs.
//!
//! A tree is never held in memory. Growing needs only the [`Frontier`]; proofs and old roots
//! read the hashes of complete subtrees through a closure `Fn(Subtree) -> Option<Hash>`, which
//! [`crate::tile::subtree_reader`] makes from tiles.
//!
//! Invariant of the frontier: it holds one hash per set bit of the size, the largest subtree
//! first; a push merges exactly as many of them as the size has trailing one bits.

use thiserror::Error;

use crate::hash::{EMPTY_ROOT, Hash, node_hash};
use crate::limits::{HASH_LEN_BYTES, TREE_SIZE_MAX};

/// A complete subtree: the `2^level` leaves from `index << level` on.
///
/// Its hash never changes once its last leaf is there, which is why it can be stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Subtree {
    /// Height above the leaves; a leaf has level 0.
    pub level: u8,
    /// Position among the subtrees of its level, from the left, counted from 0.
    pub index: u64,
}

/// The compact form of a tree: enough to append leaves and to know the root, nothing more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frontier {
    size: u64,
    /// Roots of the complete subtrees that tile the leaves from the left, largest first.
    peaks: Vec<Hash>,
}

/// Peaks a frontier can have: one per bit of the largest size.
const PEAKS_MAX: usize = 63;

impl Default for Frontier {
    fn default() -> Self {
        Self::new()
    }
}

impl Frontier {
    /// The tree without leaves.
    pub fn new() -> Self {
        Self {
            size: 0,
            peaks: Vec::with_capacity(PEAKS_MAX),
        }
    }

    /// Rebuilds the frontier of the first `size` leaves from stored subtree hashes.
    pub fn from_subtrees(
        size: u64,
        reader: impl Fn(Subtree) -> Option<Hash>,
    ) -> Result<Self, TreeError> {
        check_size(size)?;
        let mut peaks = Vec::with_capacity(PEAKS_MAX);
        for subtree in complete_subtrees(0, size) {
            peaks.push(read(&reader, subtree)?);
        }
        Ok(Self { size, peaks })
    }

    /// Number of leaves.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Roots of the complete subtrees from the left, largest first: one per set bit of the size.
    pub fn peaks(&self) -> &[Hash] {
        &self.peaks
    }

    /// Appends a leaf and returns its index.
    ///
    /// # Panics
    /// When the tree already has [`TREE_SIZE_MAX`] leaves, which no disk can hold.
    pub fn push(&mut self, leaf: Hash) -> u64 {
        self.push_visiting(leaf, |_, _| {})
    }

    /// Appends a leaf, shows every subtree that it completes (itself first, then upwards), and
    /// returns its index. Those of a level divisible by eight belong into tiles, see
    /// [`Subtree::tile_slot`].
    ///
    /// # Panics
    /// As [`Frontier::push`].
    pub fn push_visiting(&mut self, leaf: Hash, mut visit: impl FnMut(Subtree, &Hash)) -> u64 {
        assert!(
            self.size < TREE_SIZE_MAX,
            "a tree of {TREE_SIZE_MAX} leaves cannot grow"
        );
        let index = self.size;
        let mut hash = leaf;
        visit(Subtree { level: 0, index }, &hash);
        let merges = index.trailing_ones();
        for merged in 0..merges {
            let left = self
                .peaks
                .pop()
                .expect("each one bit of the size has a peak");
            hash = node_hash(&left, &hash);
            let level = u8::try_from(merged + 1).expect("a u64 has at most 64 one bits");
            visit(
                Subtree {
                    level,
                    index: index >> level,
                },
                &hash,
            );
        }
        self.peaks.push(hash);
        self.size += 1;
        debug_assert_eq!(self.peaks.len(), self.size.count_ones() as usize);
        index
    }

    /// Root over all leaves so far.
    pub fn root(&self) -> Hash {
        fold_peaks(&self.peaks)
    }

    /// The size as eight big-endian bytes, then the peaks, largest first.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(8 + self.peaks.len() * HASH_LEN_BYTES);
        bytes.extend_from_slice(&self.size.to_be_bytes());
        for peak in &self.peaks {
            bytes.extend_from_slice(peak.as_bytes());
        }
        bytes
    }

    /// Restores what [`Frontier::to_bytes`] wrote. The hashes are taken on trust: compare
    /// [`Frontier::root`] with a verified checkpoint of that size.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, FrontierParseError> {
        let (size, rest) =
            bytes
                .split_first_chunk::<8>()
                .ok_or(FrontierParseError::SizeTruncated {
                    len_bytes: bytes.len(),
                })?;
        let size = u64::from_be_bytes(*size);
        if size > TREE_SIZE_MAX {
            return Err(FrontierParseError::SizeTooLarge {
                size,
                size_max: TREE_SIZE_MAX,
            });
        }
        let (chunks, remainder) = rest.as_chunks::<HASH_LEN_BYTES>();
        if !remainder.is_empty() || chunks.len() != size.count_ones() as usize {
            return Err(FrontierParseError::Peaks {
                size,
                len_bytes_expected: size.count_ones() as usize * HASH_LEN_BYTES,
                len_bytes: rest.len(),
            });
        }
        let mut peaks = Vec::with_capacity(PEAKS_MAX);
        peaks.extend(chunks.iter().copied().map(Hash::from_bytes));
        Ok(Self { size, peaks })
    }
}

/// Why bytes are not a stored frontier.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum FrontierParseError {
    /// Fewer than the eight bytes of the size.
    #[error("frontier of {len_bytes} bytes has no complete size")]
    SizeTruncated {
        /// Length found.
        len_bytes: usize,
    },
    /// A size that no tree may have.
    #[error("frontier size {size} is over the limit of {size_max}")]
    SizeTooLarge {
        /// Size found.
        size: u64,
        /// Largest size.
        size_max: u64,
    },
    /// The number of hashes does not belong to the size.
    #[error(
        "frontier of size {size} has {len_bytes} bytes of peaks instead of {len_bytes_expected}"
    )]
    Peaks {
        /// Size found.
        size: u64,
        /// Bytes the peaks of this size take.
        len_bytes_expected: usize,
        /// Bytes found.
        len_bytes: usize,
    },
}

/// Root of the first `size` leaves, from stored subtree hashes.
pub fn root(size: u64, reader: impl Fn(Subtree) -> Option<Hash>) -> Result<Hash, TreeError> {
    check_size(size)?;
    range_root(0, size, &reader)
}

/// Inclusion proof of leaf `index` in the tree of the first `size` leaves
/// (RFC 6962 section 2.1.1), lowest hash first.
pub fn inclusion_proof(
    index: u64,
    size: u64,
    reader: impl Fn(Subtree) -> Option<Hash>,
) -> Result<Vec<Hash>, TreeError> {
    check_size(size)?;
    if index >= size {
        return Err(TreeError::IndexOutOfRange { index, size });
    }
    let mut proof = Vec::new();
    let (mut start, mut end) = (0, size);
    while end - start > 1 {
        let middle = start + largest_power_of_two_below(end - start);
        if index < middle {
            proof.push(range_root(middle, end, &reader)?);
            end = middle;
        } else {
            proof.push(range_root(start, middle, &reader)?);
            start = middle;
        }
    }
    proof.reverse();
    Ok(proof)
}

/// Consistency proof between the trees of `old_size` and `new_size` leaves
/// (RFC 6962 section 2.1.2), lowest hash first. Empty for equal sizes and for an empty old tree.
pub fn consistency_proof(
    old_size: u64,
    new_size: u64,
    reader: impl Fn(Subtree) -> Option<Hash>,
) -> Result<Vec<Hash>, TreeError> {
    check_size(new_size)?;
    if old_size > new_size {
        return Err(TreeError::SizeShrinks { old_size, new_size });
    }
    let mut proof = Vec::new();
    if old_size == 0 {
        return Ok(proof);
    }
    let (mut start, mut end) = (0, new_size);
    while end != old_size {
        let middle = start + largest_power_of_two_below(end - start);
        if old_size <= middle {
            proof.push(range_root(middle, end, &reader)?);
            end = middle;
        } else {
            proof.push(range_root(start, middle, &reader)?);
            start = middle;
        }
    }
    // A verifier knows the old root; any smaller subtree at the old edge it must be told.
    if start != 0 {
        proof.push(range_root(start, end, &reader)?);
    }
    proof.reverse();
    Ok(proof)
}

/// Checks that `leaf` stands at `index` in the tree of `size` leaves with this root.
/// All arguments may be foreign; the work is bounded by the height of the tree.
pub fn verify_inclusion(
    leaf: &Hash,
    index: u64,
    size: u64,
    proof: &[Hash],
    root: &Hash,
) -> Result<(), TreeVerifyError> {
    if index >= size {
        return Err(TreeVerifyError::IndexOutOfRange { index, size });
    }
    // The path of the leaf and of the last leaf, shortened level by level (RFC 9162 2.1.3.2).
    let (mut node, mut last) = (index, size - 1);
    let mut computed = *leaf;
    for sibling in proof {
        if last == 0 {
            return Err(TreeVerifyError::ProofTooLong {
                hashes: proof.len(),
            });
        }
        if node & 1 == 1 || node == last {
            computed = node_hash(sibling, &computed);
            (node, last) = skip_levels_without_sibling(node, last);
        } else {
            computed = node_hash(&computed, sibling);
        }
        node >>= 1;
        last >>= 1;
    }
    if last != 0 {
        return Err(TreeVerifyError::ProofTooShort {
            hashes: proof.len(),
        });
    }
    compare_root(size, root, &computed)
}

/// Checks that the tree of `new_size` leaves with `new_root` extends the one of `old_size` with
/// `old_root`. All arguments may be foreign; the work is bounded by the height of the tree.
pub fn verify_consistency(
    old_size: u64,
    new_size: u64,
    old_root: &Hash,
    new_root: &Hash,
    proof: &[Hash],
) -> Result<(), TreeVerifyError> {
    if old_size > new_size {
        return Err(TreeVerifyError::SizeShrinks { old_size, new_size });
    }
    if old_size == 0 || old_size == new_size {
        if !proof.is_empty() {
            return Err(TreeVerifyError::ProofTooLong {
                hashes: proof.len(),
            });
        }
        let expected = if old_size == new_size {
            *new_root
        } else {
            EMPTY_ROOT
        };
        return compare_root(old_size, old_root, &expected);
    }
    // An old tree that is one complete subtree needs no hash of its own in the proof.
    let (seed, rest) = if old_size.is_power_of_two() {
        (*old_root, proof)
    } else {
        let (seed, rest) = proof
            .split_first()
            .ok_or(TreeVerifyError::ProofTooShort { hashes: 0 })?;
        (*seed, rest)
    };
    let (mut node, mut last) = (old_size - 1, new_size - 1);
    let shift = node.trailing_ones();
    node >>= shift;
    last >>= shift;
    let (mut old_computed, mut new_computed) = (seed, seed);
    for hash in rest {
        if last == 0 {
            return Err(TreeVerifyError::ProofTooLong {
                hashes: proof.len(),
            });
        }
        if node & 1 == 1 || node == last {
            old_computed = node_hash(hash, &old_computed);
            new_computed = node_hash(hash, &new_computed);
            (node, last) = skip_levels_without_sibling(node, last);
        } else {
            new_computed = node_hash(&new_computed, hash);
        }
        node >>= 1;
        last >>= 1;
    }
    if last != 0 {
        return Err(TreeVerifyError::ProofTooShort {
            hashes: proof.len(),
        });
    }
    compare_root(old_size, old_root, &old_computed)?;
    compare_root(new_size, new_root, &new_computed)
}

/// On the right edge, moves up to the first level where the node has a sibling on its left.
/// `node` is not zero there: it is odd, or equal to a last node that is not the root.
fn skip_levels_without_sibling(node: u64, last: u64) -> (u64, u64) {
    let shift = node.trailing_zeros();
    (node >> shift, last >> shift)
}

fn compare_root(size: u64, expected: &Hash, computed: &Hash) -> Result<(), TreeVerifyError> {
    if expected == computed {
        return Ok(());
    }
    Err(TreeVerifyError::RootMismatch {
        size,
        expected: *expected,
        computed: *computed,
    })
}

fn check_size(size: u64) -> Result<(), TreeError> {
    if size > TREE_SIZE_MAX {
        return Err(TreeError::SizeTooLarge {
            size,
            size_max: TREE_SIZE_MAX,
        });
    }
    Ok(())
}

/// Split point of RFC 6962 for `count >= 2` leaves.
fn largest_power_of_two_below(count: u64) -> u64 {
    debug_assert!(count >= 2, "a single leaf is not split");
    1 << (count - 1).ilog2()
}

/// Complete subtrees that tile the leaves `start..end` from the left, largest first.
/// `start` must be aligned to the first of them, as every RFC 6962 split is.
fn complete_subtrees(start: u64, end: u64) -> impl Iterator<Item = Subtree> {
    let mut next = start;
    std::iter::from_fn(move || {
        let remaining = end - next;
        let level = remaining.checked_ilog2()?;
        debug_assert_eq!(next & ((1 << level) - 1), 0, "splits are aligned");
        let subtree = Subtree {
            level: u8::try_from(level).expect("a u64 has at most 64 bits"),
            index: next >> level,
        };
        next += 1 << level;
        Some(subtree)
    })
}

fn range_root(
    start: u64,
    end: u64,
    reader: &impl Fn(Subtree) -> Option<Hash>,
) -> Result<Hash, TreeError> {
    let mut peaks = [EMPTY_ROOT; PEAKS_MAX];
    let mut count = 0;
    for subtree in complete_subtrees(start, end) {
        peaks[count] = read(reader, subtree)?;
        count += 1;
    }
    Ok(fold_peaks(&peaks[..count]))
}

fn read(reader: &impl Fn(Subtree) -> Option<Hash>, subtree: Subtree) -> Result<Hash, TreeError> {
    reader(subtree).ok_or(TreeError::HashMissing {
        level: subtree.level,
        index: subtree.index,
    })
}

fn fold_peaks(peaks: &[Hash]) -> Hash {
    let Some((smallest, larger)) = peaks.split_last() else {
        return EMPTY_ROOT;
    };
    larger
        .iter()
        .rev()
        .fold(*smallest, |right, left| node_hash(left, &right))
}

/// Why a root or proof could not be made.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum TreeError {
    /// The asked leaf is not in the tree.
    #[error("index {index} is outside the tree of {size} leaves")]
    IndexOutOfRange {
        /// Index asked for.
        index: u64,
        /// Leaves of the tree.
        size: u64,
    },
    /// The new tree is smaller than the old one.
    #[error("new tree of {new_size} leaves is smaller than the old one of {old_size}")]
    SizeShrinks {
        /// Leaves of the old tree.
        old_size: u64,
        /// Leaves of the new tree.
        new_size: u64,
    },
    /// A size that no tree may have.
    #[error("tree size {size} is over the limit of {size_max}")]
    SizeTooLarge {
        /// Size asked for.
        size: u64,
        /// Largest size.
        size_max: u64,
    },
    /// The reader does not have a subtree that the tree of this size must have.
    #[error("hash of subtree {index} at level {level} is missing")]
    HashMissing {
        /// Level of the subtree.
        level: u8,
        /// Index inside the level.
        index: u64,
    },
}

/// Why a proof does not prove.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum TreeVerifyError {
    /// The claimed leaf cannot be in a tree of this size.
    #[error("index {index} is outside the tree of {size} leaves")]
    IndexOutOfRange {
        /// Index claimed.
        index: u64,
        /// Leaves of the tree.
        size: u64,
    },
    /// The new tree is smaller than the old one.
    #[error("new tree of {new_size} leaves is smaller than the old one of {old_size}")]
    SizeShrinks {
        /// Leaves of the old tree.
        old_size: u64,
        /// Leaves of the new tree.
        new_size: u64,
    },
    /// Fewer hashes than the path has.
    #[error("proof of {hashes} hashes ends before the root")]
    ProofTooShort {
        /// Hashes given.
        hashes: usize,
    },
    /// More hashes than the path has.
    #[error("proof of {hashes} hashes goes beyond the root")]
    ProofTooLong {
        /// Hashes given.
        hashes: usize,
    },
    /// The hashes lead to another root: something was altered.
    #[error("root of size {size} is {computed} instead of {expected}")]
    RootMismatch {
        /// Tree size whose root differs.
        size: u64,
        /// Root that was claimed.
        expected: Hash,
        /// Root that the proof leads to.
        computed: Hash,
    },
}

#[cfg(test)]
mod tests;
