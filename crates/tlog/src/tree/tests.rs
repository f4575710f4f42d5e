//! Trees and proofs against known vectors, against a literal reading of RFC 6962, and against
//! every single flipped bit.

use std::cell::RefCell;
use std::collections::HashMap;

use proptest::prelude::*;

use super::*;
use crate::hash::leaf_hash;
use crate::tile::subtree_reader;

/// Entries of the reference tree that certificate-transparency implementations share.
const REFERENCE_ENTRIES: [&[u8]; 8] = [
    b"",
    b"\x00",
    b"\x10",
    b"\x20\x21",
    b"\x30\x31",
    b"\x40\x41\x42\x43",
    b"\x50\x51\x52\x53\x54\x55\x56\x57",
    b"\x60\x61\x62\x63\x64\x65\x66\x67\x68\x69\x6a\x6b\x6c\x6d\x6e\x6f",
];

const REFERENCE_ROOTS: [&str; 8] = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
];

/// A log kept as level-indexed tiles, the way a store on disk has it.
struct TiledLog {
    leaves: Vec<Hash>,
    frontier: Frontier,
    tiles: HashMap<(u8, u64), Vec<u8>>,
}

impl TiledLog {
    fn of(leaves: Vec<Hash>) -> Self {
        let mut frontier = Frontier::new();
        let mut tiles: HashMap<(u8, u64), Vec<u8>> = HashMap::new();
        for leaf in &leaves {
            frontier.push_visiting(*leaf, |subtree, hash| {
                if let Some(slot) = subtree.tile_slot() {
                    let tile = tiles.entry((slot.level, slot.index)).or_default();
                    assert_eq!(tile.len(), usize::from(slot.position) * HASH_LEN_BYTES);
                    tile.extend_from_slice(hash.as_bytes());
                }
            });
        }
        Self {
            leaves,
            frontier,
            tiles,
        }
    }

    fn counting(size: u64) -> Self {
        Self::of(
            (0..size)
                .map(|index| leaf_hash(&index.to_be_bytes()))
                .collect(),
        )
    }

    fn reader(&self) -> impl Fn(Subtree) -> Option<Hash> {
        subtree_reader(|level, index| self.tiles.get(&(level, index)))
    }
}

/// RFC 6962 section 2.1 word for word, remembering what it computed.
struct Naive<'a> {
    leaves: &'a [Hash],
    known: RefCell<HashMap<(usize, usize), Hash>>,
}

impl<'a> Naive<'a> {
    fn of(leaves: &'a [Hash]) -> Self {
        Self {
            leaves,
            known: RefCell::default(),
        }
    }

    fn split(start: usize, end: usize) -> usize {
        let mut k = 1;
        while k * 2 < end - start {
            k *= 2;
        }
        start + k
    }

    fn root(&self, start: usize, end: usize) -> Hash {
        if end == start {
            return EMPTY_ROOT;
        }
        if end - start == 1 {
            return self.leaves[start];
        }
        if let Some(hash) = self.known.borrow().get(&(start, end)) {
            return *hash;
        }
        let k = Self::split(start, end);
        let hash = node_hash(&self.root(start, k), &self.root(k, end));
        self.known.borrow_mut().insert((start, end), hash);
        hash
    }

    fn path(&self, index: usize, start: usize, end: usize) -> Vec<Hash> {
        if end - start == 1 {
            return Vec::new();
        }
        let k = Self::split(start, end);
        let (mut path, sibling) = if index < k {
            (self.path(index, start, k), self.root(k, end))
        } else {
            (self.path(index, k, end), self.root(start, k))
        };
        path.push(sibling);
        path
    }

    fn subproof(&self, old: usize, start: usize, end: usize, known: bool) -> Vec<Hash> {
        if old == end {
            return if known {
                Vec::new()
            } else {
                vec![self.root(start, end)]
            };
        }
        let k = Self::split(start, end);
        let (mut proof, sibling) = if old <= k {
            (self.subproof(old, start, k, known), self.root(k, end))
        } else {
            (self.subproof(old, k, end, false), self.root(start, k))
        };
        proof.push(sibling);
        proof
    }
}

fn reference_log() -> TiledLog {
    TiledLog::of(
        REFERENCE_ENTRIES
            .iter()
            .map(|entry| leaf_hash(entry))
            .collect(),
    )
}

fn hashes(text: &str) -> Vec<Hash> {
    text.split_whitespace()
        .map(|hex| Hash::from_hex(hex).unwrap())
        .collect()
}

#[test]
fn reference_tree_has_the_known_roots() {
    let log = reference_log();
    let mut frontier = Frontier::new();
    assert_eq!(frontier.root(), EMPTY_ROOT);
    for (leaf, expected) in log.leaves.iter().zip(REFERENCE_ROOTS) {
        frontier.push(*leaf);
        assert_eq!(format!("{:x}", frontier.root()), expected);
        assert_eq!(
            format!("{:x}", root(frontier.size(), log.reader()).unwrap()),
            expected
        );
    }
}

#[test]
fn reference_tree_has_the_known_inclusion_paths() {
    let log = reference_log();
    let check = |index, size, expected: &str| {
        assert_eq!(
            inclusion_proof(index, size, log.reader()).unwrap(),
            hashes(expected)
        );
    };
    check(0, 1, "");
    check(
        0,
        8,
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7
         5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e
         6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    );
    check(
        5,
        8,
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b
         ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0
         d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    );
    check(
        2,
        3,
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    );
    check(
        1,
        5,
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d
         5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e
         bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    );
}

#[test]
fn reference_tree_has_the_known_consistency_proofs() {
    let log = reference_log();
    let check = |old, new, expected: &str| {
        assert_eq!(
            consistency_proof(old, new, log.reader()).unwrap(),
            hashes(expected)
        );
    };
    check(1, 1, "");
    check(
        1,
        8,
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7
         5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e
         6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    );
    check(
        6,
        8,
        "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a
         ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0
         d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    );
    check(
        2,
        5,
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e
         bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    );
}

#[test]
fn every_inclusion_up_to_300_leaves_agrees_with_the_rfc() {
    let log = TiledLog::counting(300);
    let naive = Naive::of(&log.leaves);
    // Complete subtrees never change, so each is computed from its tile only once.
    let (tiles, known) = (log.reader(), RefCell::<HashMap<Subtree, Hash>>::default());
    let reader = |subtree: Subtree| {
        let known_hash = known.borrow().get(&subtree).copied();
        known_hash.or_else(|| {
            let hash = tiles(subtree)?;
            known.borrow_mut().insert(subtree, hash);
            Some(hash)
        })
    };
    for size in 1..=300 {
        let expected_root = naive.root(0, size);
        assert_eq!(root(size as u64, reader).unwrap(), expected_root);
        for index in 0..size {
            let proof = inclusion_proof(index as u64, size as u64, reader).unwrap();
            assert_eq!(proof, naive.path(index, 0, size), "index {index} of {size}");
            let leaf = &log.leaves[index];
            verify_inclusion(leaf, index as u64, size as u64, &proof, &expected_root).unwrap();
        }
    }
}

#[test]
fn every_consistency_up_to_130_leaves_agrees_with_the_rfc() {
    let log = TiledLog::counting(130);
    let naive = Naive::of(&log.leaves);
    for new in 0..=130 {
        let new_root = naive.root(0, new);
        for old in 0..=new {
            let proof = consistency_proof(old as u64, new as u64, log.reader()).unwrap();
            let expected = if old == 0 {
                Vec::new()
            } else {
                naive.subproof(old, 0, new, true)
            };
            assert_eq!(proof, expected, "from {old} to {new}");
            let old_root = naive.root(0, old);
            verify_consistency(old as u64, new as u64, &old_root, &new_root, &proof).unwrap();
        }
    }
}

#[test]
fn proofs_across_three_tile_levels_verify() {
    let log = TiledLog::counting(70_000);
    let reader = log.reader();
    let full_root = log.frontier.root();
    assert_eq!(root(70_000, &reader).unwrap(), full_root);
    let sizes = [
        1, 255, 256, 257, 511, 65_535, 65_536, 65_537, 69_999, 70_000,
    ];
    for size in sizes {
        let size_root = root(size, &reader).unwrap();
        let restored = Frontier::from_subtrees(size, &reader).unwrap();
        assert_eq!(restored.root(), size_root);
        for index in [0, 1, size / 3, size / 2, size - 1] {
            let index = index.min(size - 1);
            let proof = inclusion_proof(index, size, &reader).unwrap();
            let leaf = &log.leaves[usize::try_from(index).unwrap()];
            verify_inclusion(leaf, index, size, &proof, &size_root).unwrap();
        }
        let proof = consistency_proof(size, 70_000, &reader).unwrap();
        verify_consistency(size, 70_000, &size_root, &full_root, &proof).unwrap();
    }
}

fn flip(hash: &Hash, bit: usize) -> Hash {
    let mut bytes = *hash.as_bytes();
    bytes[bit / 8] ^= 1 << (bit % 8);
    Hash::from_bytes(bytes)
}

#[test]
fn every_flipped_bit_of_an_inclusion_is_rejected() {
    let log = TiledLog::counting(21);
    for (index, size) in [
        (0, 1),
        (0, 2),
        (6, 7),
        (3, 8),
        (4, 13),
        (12, 13),
        (20, 21),
        (16, 20),
    ] {
        let tree_root = root(size, log.reader()).unwrap();
        let proof = inclusion_proof(index, size, log.reader()).unwrap();
        let leaf = log.leaves[usize::try_from(index).unwrap()];
        let check = |leaf: &Hash, index, proof: &[Hash], tree_root: &Hash| {
            verify_inclusion(leaf, index, size, proof, tree_root).unwrap_err();
        };
        for bit in 0..256 {
            check(&flip(&leaf, bit), index, &proof, &tree_root);
            check(&leaf, index, &proof, &flip(&tree_root, bit));
            for position in 0..proof.len() {
                let mut altered = proof.clone();
                altered[position] = flip(&altered[position], bit);
                check(&leaf, index, &altered, &tree_root);
            }
        }
        for other in (0..size + 2).filter(|other| *other != index) {
            check(&leaf, other, &proof, &tree_root);
        }
        for shorter in 0..proof.len() {
            check(&leaf, index, &proof[..shorter], &tree_root);
        }
        check(
            &leaf,
            index,
            &[&proof[..], &[tree_root]].concat(),
            &tree_root,
        );
    }
}

#[test]
fn every_flipped_bit_of_a_consistency_is_rejected() {
    let log = TiledLog::counting(21);
    for (old, new) in [
        (0, 0),
        (0, 5),
        (1, 2),
        (4, 8),
        (5, 5),
        (6, 8),
        (7, 21),
        (16, 21),
        (20, 21),
    ] {
        let (old_root, new_root) = (
            root(old, log.reader()).unwrap(),
            root(new, log.reader()).unwrap(),
        );
        let proof = consistency_proof(old, new, log.reader()).unwrap();
        let check = |old_root: &Hash, new_root: &Hash, proof: &[Hash]| {
            verify_consistency(old, new, old_root, new_root, proof).unwrap_err();
        };
        for bit in 0..256 {
            check(&flip(&old_root, bit), &new_root, &proof);
            // An empty old tree says nothing about the new one.
            if old != 0 || new == 0 {
                check(&old_root, &flip(&new_root, bit), &proof);
            }
            for position in 0..proof.len() {
                let mut altered = proof.clone();
                altered[position] = flip(&altered[position], bit);
                check(&old_root, &new_root, &altered);
            }
        }
        for shorter in 0..proof.len() {
            check(&old_root, &new_root, &proof[..shorter]);
        }
        check(&old_root, &new_root, &[&proof[..], &[new_root]].concat());
    }
}

#[test]
fn refusals_name_their_numbers() {
    let log = TiledLog::counting(5);
    let check = |error: &dyn std::error::Error, expected: &str| {
        assert_eq!(error.to_string(), expected);
    };
    let reader = log.reader();
    check(
        &inclusion_proof(5, 5, &reader).unwrap_err(),
        "index 5 is outside the tree of 5 leaves",
    );
    check(
        &inclusion_proof(1, 6, &reader).unwrap_err(),
        "hash of subtree 2 at level 1 is missing",
    );
    check(
        &consistency_proof(3, 2, &reader).unwrap_err(),
        "new tree of 2 leaves is smaller than the old one of 3",
    );
    check(
        &root(u64::MAX, &reader).unwrap_err(),
        "tree size 18446744073709551615 is over the limit of 9223372036854775807",
    );
    check(
        &verify_inclusion(&EMPTY_ROOT, 0, 2, &[], &EMPTY_ROOT).unwrap_err(),
        "proof of 0 hashes ends before the root",
    );
    check(
        &verify_inclusion(&EMPTY_ROOT, 0, 1, &[EMPTY_ROOT], &EMPTY_ROOT).unwrap_err(),
        "proof of 1 hashes goes beyond the root",
    );
    check(
        &Frontier::from_bytes(&[0; 3]).unwrap_err(),
        "frontier of 3 bytes has no complete size",
    );
    check(
        &Frontier::from_bytes(&[0, 0, 0, 0, 0, 0, 0, 3, 9]).unwrap_err(),
        "frontier of size 3 has 1 bytes of peaks instead of 64",
    );
    check(
        &Frontier::from_bytes(&[255; 8]).unwrap_err(),
        "frontier size 18446744073709551615 is over the limit of 9223372036854775807",
    );
}

#[test]
fn a_frontier_survives_its_bytes_at_every_size() {
    let mut frontier = Frontier::new();
    for index in 0..600_u64 {
        assert_eq!(
            Frontier::from_bytes(&frontier.to_bytes()).unwrap(),
            frontier
        );
        assert_eq!(
            frontier.peaks().len(),
            frontier.size().count_ones() as usize
        );
        assert_eq!(frontier.push(leaf_hash(&index.to_be_bytes())), index);
    }
}

#[test]
fn a_push_never_grows_the_memory_of_the_peaks() {
    let mut frontier = Frontier::new();
    let capacity = frontier.peaks.capacity();
    for _ in 0..5_000 {
        frontier.push(EMPTY_ROOT);
    }
    assert_eq!(frontier.peaks.capacity(), capacity);
    let restored = Frontier::from_bytes(&frontier.to_bytes()).unwrap();
    assert_eq!(restored.peaks.capacity(), capacity);
}

#[test]
fn the_largest_trees_overflow_nothing() {
    // All leaves are alike, so each level has one hash.
    let mut levels = vec![EMPTY_ROOT];
    for level in 0..63 {
        levels.push(node_hash(&levels[level], &levels[level]));
    }
    let same = |subtree: Subtree| levels.get(usize::from(subtree.level)).copied();
    for size in [TREE_SIZE_MAX, TREE_SIZE_MAX - 1, 1 << 62, (1 << 62) + 1] {
        let tree_root = root(size, same).unwrap();
        for index in [0, 1, size / 2, size - 2, size - 1] {
            let proof = inclusion_proof(index, size, same).unwrap();
            assert!(proof.len() <= crate::limits::INCLUSION_HASHES_MAX);
            verify_inclusion(&EMPTY_ROOT, index, size, &proof, &tree_root).unwrap();
            let old = index + 1;
            let proof = consistency_proof(old, size, same).unwrap();
            assert!(proof.len() <= crate::limits::CONSISTENCY_HASHES_MAX);
            let old_root = root(old, same).unwrap();
            verify_consistency(old, size, &old_root, &tree_root, &proof).unwrap();
        }
    }
}

fn any_hash() -> impl Strategy<Value = Hash> {
    any::<[u8; 32]>().prop_map(Hash::from_bytes)
}

/// Small and huge numbers alike, since their mixture is what breaks shifts.
fn any_size() -> impl Strategy<Value = u64> {
    (any::<u64>(), 0..64_u32).prop_map(|(bits, shift)| bits >> shift)
}

proptest! {
    #[test]
    fn foreign_proofs_never_panic_and_never_verify(
        (first, second) in (any_size(), any_size()),
        proof in prop::collection::vec(any_hash(), 0..70),
        (leaf, tree_root) in (any_hash(), any_hash()),
    ) {
        prop_assert!(verify_inclusion(&leaf, first, second, &proof, &tree_root).is_err());
        prop_assert!(verify_consistency(first, second, &leaf, &tree_root, &proof).is_err());
    }

    #[test]
    fn any_reader_is_survived((first, second) in (any_size(), any_size()), holes in any::<u64>()) {
        let reader = |subtree: Subtree| {
            (holes >> (subtree.level % 64) & 1 == 0).then_some(EMPTY_ROOT)
        };
        let _ = inclusion_proof(first, second, reader);
        let _ = consistency_proof(first, second, reader);
        let _ = Frontier::from_subtrees(first, reader);
    }

    #[test]
    fn stored_frontiers_are_read_exactly(bytes in prop::collection::vec(any::<u8>(), 0..120)) {
        if let Ok(frontier) = Frontier::from_bytes(&bytes) {
            prop_assert_eq!(frontier.to_bytes(), bytes);
        }
    }
}
