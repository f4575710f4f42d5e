//! What strangers get: tiles, entries, roots and consistency proofs up to the signed size.

use tlog::Resource;

use super::{House, events, signed_size};
use crate::{ProveError, Reader};

/// Checks everything that a log of `size` serves against its root, with tree mathematics only.
fn check_published(reader: &Reader, size: u64) {
    let mut tree = tlog::Frontier::new();
    for resource in tlog::tile::new_bundles(0, size) {
        let Resource::Entries { width, .. } = resource else {
            unreachable!("bundles are entries")
        };
        let bytes = reader.resource(resource).unwrap().unwrap();
        for entry in tlog::tile::parse_bundle(&bytes, width).unwrap() {
            tree.push(tlog::leaf_hash(entry));
        }
    }
    assert_eq!(tree.size(), size);
    assert_eq!(reader.root_at(size).unwrap(), tree.root());
    for resource in tlog::tile::new_tiles(0, size) {
        let bytes = reader.resource(resource).unwrap();
        assert!(bytes.is_some(), "{resource} of {size}");
    }
}

#[test]
fn all_that_a_checkpoint_covers_is_published_and_nothing_more() {
    let (house, ledger) = House::created();
    let (appender, reader) = (ledger.appender(), ledger.reader());
    let mut sizes = Vec::new();
    for (from, count) in [(0, 3), (3, 251), (254, 2), (256, 300), (556, 44)] {
        appender.append(events("shop", from, count)).unwrap();
        sizes.push(signed_size(&reader));
    }
    let size = *sizes.last().unwrap();
    // In the process of the writer, and beside it.
    let beside = Reader::open(house.disk(), &house.config.dir).unwrap();
    for reader in [&reader, &beside] {
        for size in 0..=size {
            if sizes.contains(&size) || size % 97 == 0 {
                check_published(reader, size);
            }
        }
        let resource = |path: &str| {
            let resource = Resource::parse_path(path).unwrap();
            reader.resource(resource).unwrap()
        };
        assert!((600..712).contains(&size), "600 events and our own entries");
        assert_eq!(resource("tile/0/000").map(|tile| tile.len()), Some(8192));
        assert_eq!(resource("tile/0/000.p/7").map(|tile| tile.len()), Some(224));
        assert_eq!(resource("tile/1/000.p/2").map(|tile| tile.len()), Some(64));
        for missing in [
            "tile/0/002.p/200",
            "tile/0/002",
            "tile/0/003.p/1",
            "tile/1/000.p/3",
            "tile/8/000.p/1",
            "tile/63/000",
            "tile/entries/002.p/200",
            "tile/entries/x999/x999/999",
        ] {
            assert_eq!(resource(missing), None, "{missing}");
        }
        let note = reader.checkpoint().unwrap();
        assert_eq!(resource("checkpoint").unwrap(), note.as_bytes());
    }
}

#[test]
fn every_older_size_is_extended_by_the_newest() {
    let (_house, ledger) = House::created();
    let (appender, reader) = (ledger.appender(), ledger.reader());
    appender.append(events("shop", 0, 529)).unwrap();
    let size = signed_size(&reader);
    let root = reader.root_at(size).unwrap();
    for old in [0, 1, 2, 255, 256, 257, 400, 512, 529, size] {
        let proof = reader.consistency_proof(old, size).unwrap();
        let old_root = reader.root_at(old).unwrap();
        tlog::tree::verify_consistency(old, size, &old_root, &root, &proof).unwrap();
    }
    assert!(matches!(
        reader.root_at(size + 1),
        Err(ProveError::NotSignedYet { signed, .. }) if signed == size
    ));
    assert!(reader.consistency_proof(3, size + 1).is_err());
    assert!(reader.consistency_proof(size, size - 1).is_err());
}
