//! Paths, growth and bundles.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::hash::leaf_hash;
use crate::tree::Frontier;

#[test]
fn paths_read_and_print_the_same() {
    let check = |path: &str, resource: Resource| {
        assert_eq!(resource.path(), path);
        assert_eq!(Resource::parse_path(path), Ok(resource));
    };
    let tile = |level, index, width| Resource::Tile {
        level,
        index,
        width,
    };
    let entries = |index, width| Resource::Entries { index, width };
    check("checkpoint", Resource::Checkpoint);
    check("tile/0/000", tile(0, 0, 256));
    check("tile/0/x001/x234/067", tile(0, 1_234_067, 256));
    check("tile/0/x001/x234/067.p/8", tile(0, 1_234_067, 8));
    check("tile/1/999", tile(1, 999, 256));
    check("tile/1/x001/000.p/255", tile(1, 1000, 255));
    check("tile/63/000.p/1", tile(63, 0, 1));
    check("tile/entries/000", entries(0, 256));
    check("tile/entries/x001/x234/067.p/8", entries(1_234_067, 8));
    check(
        "tile/entries/x036/x028/x797/x018/x963/967",
        entries(TILE_INDEX_MAX, 256),
    );
}

#[test]
fn other_spellings_of_paths_are_refused() {
    let check = |path: &str, expected: &str| {
        assert_eq!(
            Resource::parse_path(path).unwrap_err().to_string(),
            expected,
            "{path}"
        );
    };
    let shape = "path is neither a checkpoint nor a tile nor an entry bundle";
    let group = "tile index is not in groups of three digits with x before all but the last";
    let level = "tile level is not a plain decimal of at most 63";
    let width = "partial tile width is not a plain decimal from 1 to 255";
    check("", shape);
    check("/checkpoint", shape);
    check("checkpoint/", shape);
    check("tile/", shape);
    check("tile/0", shape);
    check("tiles/0/000", shape);
    check("tile/00/000", level);
    check("tile/64/000", level);
    check("tile/-1/000", level);
    check("tile/data/000", level);
    check("tile/0/", group);
    check("tile/0/0", group);
    check("tile/0/0000", group);
    check("tile/0/x000", group);
    check("tile/0/001/000", group);
    check("tile/0/../000", group);
    check("tile/0/x+01/000", group);
    check("tile/0/000/", group);
    check("tile/0/x000/001", "tile index has leading zeros");
    check(
        "tile/0/x036/x028/x797/x018/x963/968",
        "tile index is over the limit of 36028797018963967",
    );
    check("tile/0/000.p/0", width);
    check("tile/0/000.p/256", width);
    check("tile/0/000.p/08", width);
    check("tile/0/000.p/", width);
    check("tile/0/000.p/8/9", width);
    check(&"x".repeat(65), "path of 65 bytes is over the limit of 64");
}

fn paths(resources: impl Iterator<Item = Resource>) -> String {
    resources
        .map(|resource| resource.path())
        .collect::<Vec<_>>()
        .join(" ")
}

#[test]
fn growth_names_what_to_write() {
    let check = |old, new, tiles: &str, bundles: &str| {
        assert_eq!(
            paths(new_tiles(old, new)),
            tiles,
            "tiles from {old} to {new}"
        );
        assert_eq!(
            paths(new_bundles(old, new)),
            bundles,
            "bundles from {old} to {new}"
        );
    };
    check(0, 0, "", "");
    check(7, 7, "", "");
    check(9, 7, "", "");
    check(0, 1, "tile/0/000.p/1", "tile/entries/000.p/1");
    check(1, 3, "tile/0/000.p/3", "tile/entries/000.p/3");
    check(255, 256, "tile/0/000 tile/1/000.p/1", "tile/entries/000");
    check(256, 257, "tile/0/001.p/1", "tile/entries/001.p/1");
    check(
        250,
        600,
        "tile/0/000 tile/0/001 tile/0/002.p/88 tile/1/000.p/2",
        "tile/entries/000 tile/entries/001 tile/entries/002.p/88",
    );
    check(
        65_535,
        65_536,
        "tile/0/255 tile/1/000 tile/2/000.p/1",
        "tile/entries/255",
    );
    check(512, 768, "tile/0/002 tile/1/000.p/3", "tile/entries/002");
    assert_eq!(new_tiles(0, 1_000_000).count(), 3_907 + 16 + 1);
}

/// Growing in arbitrary steps must write each tile at each width that a checkpoint needs, and
/// the reader must find every hash in the widest of them.
#[test]
fn growth_in_steps_fills_the_tiles_of_the_whole() {
    let mut frontier = Frontier::new();
    let mut widest: BTreeMap<(u8, u64), u16> = BTreeMap::new();
    for step in [1, 1, 254, 1, 300, 3, 700, 65_000] {
        let old = frontier.size();
        for _ in 0..step {
            frontier.push(leaf_hash(b"same"));
        }
        for resource in new_tiles(old, frontier.size()) {
            let Resource::Tile {
                level,
                index,
                width,
            } = resource
            else {
                panic!("only tiles are asked for");
            };
            let before = widest.insert((level, index), width);
            assert!(before.is_none_or(|before| before < width));
        }
        let whole: BTreeMap<(u8, u64), u16> = new_tiles(0, frontier.size())
            .map(|resource| match resource {
                Resource::Tile {
                    level,
                    index,
                    width,
                } => ((level, index), width),
                other => panic!("{other} is no tile"),
            })
            .collect();
        assert_eq!(widest, whole);
    }
}

#[test]
fn hashes_that_a_tile_does_not_have_are_missing() {
    let tile = [7; HASH_LEN_BYTES * 3 + 5];
    let reader = subtree_reader(|level, index| (level == 0 && index == 0).then_some(tile));
    let at = |level, index| reader(Subtree { level, index });
    assert_eq!(at(0, 2), Some(Hash::from_bytes([7; HASH_LEN_BYTES])));
    assert_eq!(at(0, 3), None);
    assert!(at(1, 0).is_some());
    assert_eq!(at(1, 1), None);
    assert_eq!(at(2, 0), None);
    assert_eq!(at(0, 256), None);
    assert_eq!(at(8, 0), None);
    assert_eq!(at(63, u64::MAX), None);
    assert_eq!(parse_tile(&tile[..96], 3).unwrap().len(), 3);
    assert_eq!(
        parse_tile(&tile, 3),
        Err(TileError::Length {
            width: 3,
            len_bytes: 101
        })
    );
}

#[test]
fn bundles_read_and_print_the_same() {
    let longest = vec![9; ENTRY_LEN_BYTES_MAX];
    let entries: [&[u8]; 3] = [b"first", b"", &longest];
    let mut bundle = Vec::new();
    for entry in entries {
        push_entry(&mut bundle, entry).unwrap();
    }
    assert_eq!(&bundle[..9], b"\x00\x05first\x00\x00");
    assert_eq!(parse_bundle(&bundle, 3).unwrap(), entries);

    let mut untouched = bundle.clone();
    let error = push_entry(&mut untouched, &vec![0; ENTRY_LEN_BYTES_MAX + 1]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "entry of 65536 bytes is over the limit of 65535"
    );
    assert_eq!(untouched, bundle);
}

#[test]
fn broken_bundles_are_refused() {
    let check = |bytes: &[u8], width, expected: &str| {
        assert_eq!(
            parse_bundle(bytes, width).unwrap_err().to_string(),
            expected
        );
    };
    check(b"\x00", 1, "bundle ends inside the length of entry 0");
    check(b"\x00\x03ab", 1, "entry 0 of the bundle has 2 bytes of 3");
    check(
        b"\x00\x00\x00\x02a",
        2,
        "entry 1 of the bundle has 1 bytes of 2",
    );
    check(b"\x00\x00", 2, "bundle has 1 entries instead of 2");
    check(b"", 1, "bundle has 0 entries instead of 1");
    check(
        b"\x00\x00\x00\x00",
        1,
        "bundle of width 1 has 2 bytes after its last entry",
    );
    check(b"", 0, "bundle width 0 is not from 1 to 256");
    check(b"", 257, "bundle width 257 is not from 1 to 256");
    let oversized = vec![0; BUNDLE_LEN_BYTES_MAX + 1];
    check(
        &oversized,
        256,
        "bundle of 16777473 bytes is over the limit of 16777472",
    );
}

proptest! {
    #[test]
    fn accepted_paths_print_back(path in "(tile/(entries|[0-9]{1,2})/(x[0-9]{3}/){0,6}\
                                           [0-9]{2,3}(\\.p/[0-9]{1,3})?|\\PC{0,30})") {
        if let Ok(resource) = Resource::parse_path(&path) {
            prop_assert_eq!(resource.path(), path);
        }
    }

    #[test]
    fn printed_paths_read_back(
        level in 0..=TILE_LEVEL_MAX,
        index in (0..=TILE_INDEX_MAX, 0..56_u32).prop_map(|(bits, shift)| bits >> shift),
        width in 1..=TILE_WIDTH,
    ) {
        for resource in [Resource::Tile { level, index, width }, Resource::Entries { index, width }]
        {
            let path = resource.path();
            prop_assert!(path.len() <= PATH_LEN_BYTES_MAX);
            prop_assert_eq!(Resource::parse_path(&path), Ok(resource));
        }
    }

    #[test]
    fn bundles_are_read_exactly(
        bytes in prop::collection::vec(prop_oneof![Just(0_u8), Just(1), any::<u8>()], 0..64),
        width in 0..300_u16,
    ) {
        if let Ok(entries) = parse_bundle(&bytes, width) {
            let mut printed = Vec::new();
            for entry in entries {
                push_entry(&mut printed, entry).unwrap();
            }
            prop_assert_eq!(printed, bytes);
        }
    }
}
