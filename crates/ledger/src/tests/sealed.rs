//! Sealed segments: the same bytes as before, far smaller, with bodies that can go and come back.

use std::path::Path;
use std::sync::Arc;

use disk::{CrashDisk, Disk};
use event::Index;
use proptest::prelude::*;

use super::{House, bodies, events, path, signed_size, verified};
use crate::frame::FrameFault;
use crate::leaf::{Content, Kind, Leaf, commitment, push_leaf};
use crate::sealed_block::{BlockDraft, BlockHeader, HEADER_BYTES, decode};
use crate::stretch::{Record, Stretch};
use crate::{Change, FindingKind, Ledger, ReadError, Reader, RewriteError, StoredEntry};

/// A ledger of several segments, all but the one in use sealed.
fn sealed() -> (House, Ledger) {
    let (house, ledger) = House::created();
    for round in 0..40 {
        ledger
            .appender()
            .append(events("web", round * 50, 50))
            .unwrap();
    }
    ledger.seal().unwrap();
    (house, ledger)
}

fn stored(reader: &Reader) -> Vec<StoredEntry> {
    let end = reader.tree_size().next_index();
    let entries = reader.read_stored(Index(0)..end, usize::MAX).unwrap();
    assert_eq!(entries.len() as u64, end.0);
    entries
}

fn removed(reader: &Reader) -> Vec<u64> {
    let stored = stored(reader);
    let absent = stored.iter().filter(|entry| entry.is_absent());
    absent.map(|entry| entry.index().0).collect()
}

fn files(house: &House, suffix: &str) -> Vec<(String, u64)> {
    let files = house.disk.files();
    let named = files.iter().filter_map(|(path, len)| {
        let name = path.file_name()?.to_str()?;
        name.ends_with(suffix).then(|| (name.to_owned(), *len))
    });
    named.collect()
}

fn outside(house: &House) -> Reader {
    Reader::open(house.disk(), Path::new(super::DIR)).unwrap()
}

#[test]
fn sealing_changes_no_byte_that_was_hashed() {
    let (house, ledger) = House::created();
    for round in 0..40 {
        let batch = events("web", round * 50, 50);
        ledger.appender().append(batch).unwrap();
    }
    let before = stored(&ledger.reader());
    let frames: u64 = files(&house, ".seg").iter().map(|(_, len)| len).sum();
    let end = ledger.seal().unwrap();
    assert_eq!(end.0, before.len() as u64);
    assert_eq!(ledger.bodies().sealed_end(), end);
    assert_eq!(stored(&ledger.reader()), before);
    assert_eq!(stored(&outside(&house)), before);
    // One segment is left for what comes next.
    assert_eq!(files(&house, ".seg").len(), 1);
    let sealed: u64 = files(&house, ".seal").iter().map(|(_, len)| len).sum();
    assert!(sealed * 5 < frames, "{sealed} bytes instead of {frames}");
    for index in [0, 1, 77, end.0 - 1] {
        signed_size(&ledger.reader());
        ledger.reader().prove(Index(index)).unwrap();
    }
    assert_eq!(ledger.seal_fault(), None);
    ledger.appender().append(events("web", 0, 3)).unwrap();
    ledger.close().unwrap();
    assert_eq!(verified(&house.disk).findings, []);
    let (ledger, recovery) = house.open().unwrap();
    assert_eq!(recovery.tree_size, end.0 + 3);
    assert_eq!(stored(&ledger.reader())[..before.len()], before[..]);
}

#[test]
fn a_sealed_ledger_opens_without_its_resume_point() {
    let (house, ledger) = sealed();
    let before = bodies(&ledger.reader());
    ledger.close().unwrap();
    house.disk.remove(&path("resume.state")).unwrap();
    let (ledger, recovery) = house.open().unwrap();
    assert_eq!(recovery.replayed, before.len() as u64);
    assert_eq!(bodies(&ledger.reader()), before);
    ledger.close().unwrap();
    assert_eq!(verified(&house.disk).findings, []);
}

#[test]
fn readers_follow_through_sealing() {
    let (house, ledger) = House::created();
    let reader = outside(&house);
    let mut follower = reader.follow(Index(0));
    let mut seen = 0;
    for round in 0..12 {
        ledger
            .appender()
            .append(events("web", round * 50, 50))
            .unwrap();
        if round % 3 == 2 {
            ledger.seal().unwrap();
        }
        if round % 2 == 1 {
            while let Some(batch) = follower.next(std::time::Duration::ZERO).unwrap() {
                for entry in batch.iter() {
                    assert_eq!(entry.index().0, seen);
                    seen += 1;
                }
            }
            assert_eq!(seen, ledger.reader().tree_size().0);
        }
    }
}

#[test]
fn bundles_of_sealed_entries_are_what_they_were() {
    let (_, ledger) = House::created();
    ledger.appender().append(events("web", 0, 700)).unwrap();
    let size = signed_size(&ledger.reader());
    let bundles = || -> Vec<_> {
        let resources = tlog::tile::new_bundles(0, size);
        let reader = ledger.reader();
        resources
            .map(|r| reader.resource(r).unwrap().unwrap())
            .collect()
    };
    let before = bundles();
    ledger.seal().unwrap();
    assert_eq!(bundles(), before);
}

#[test]
fn a_removed_body_leaves_its_hash_and_its_proof() {
    let (house, ledger) = sealed();
    let before = stored(&ledger.reader());
    let (warm, bodies) = (outside(&house), ledger.bodies());
    assert_eq!(stored(&warm), before);
    let gone = [5, 6, 7, 900];
    let changes = gone.map(|index| Change::Remove(Index(index)));
    let done = bodies.rewrite(&changes).unwrap();
    assert_eq!((done.removed, done.restored, done.unchanged), (4, 0, 0));
    for reader in [ledger.reader(), warm, outside(&house)] {
        assert_eq!(removed(&reader), gone);
        for (old, new) in before.iter().zip(stored(&reader)) {
            assert_eq!(old.entry(), new.entry());
            assert!(new.is_absent() || *old == new);
        }
        let missing = reader.entry(Index(6)).unwrap_err();
        assert!(matches!(missing, ReadError::Absent { index: Index(6) }));
        let whole = reader.read_whole(Index(4)..Index(10), usize::MAX).unwrap();
        assert_eq!((whole.absences.len(), whole.damages.len()), (1, 0));
        assert_eq!(whole.absences[0].first, Index(5));
        assert_eq!(whole.absences[0].last, Index(7));
        assert_eq!(whole.next, Index(10));
        let mut follower = reader.follow(Index(5));
        let batch = follower.next(super::PATIENCE).unwrap().unwrap();
        assert_eq!(batch[0].index(), Index(8));
    }
    let proof = ledger.reader().prove(Index(6)).unwrap();
    let key = ledger.reader().vkey();
    let proven = crate::verify_proof(proof.as_bytes(), crate::Claim::InProof, &key).unwrap();
    assert_eq!((proven.index, proven.body), (Index(6), None));
    let again = bodies.rewrite(&changes).unwrap();
    assert_eq!((again.removed, again.unchanged, again.segments), (0, 4, 0));
    ledger.close().unwrap();
    let report = verified(&house.disk);
    let kinds: Vec<_> = report.findings.iter().map(|f| f.kind).collect();
    assert_eq!(kinds, [FindingKind::Missing, FindingKind::Missing]);
    assert_eq!(report.absences.len(), 2);
    check_gone(&house.disk, &before[6]);
    restore(&house, &before);
}

/// The body is in no file of the disk, compressed or not.
fn check_gone(disk: &CrashDisk, gone: &StoredEntry) {
    let salt = &gone.salt_and_body()[..16];
    for (file, len) in disk.files() {
        let bytes = disk.read(&file, len).unwrap();
        let found = bytes.windows(16).any(|window| window == salt);
        assert!(!found, "{} still holds the salt", file.display());
    }
}

fn restore(house: &House, before: &[StoredEntry]) {
    let (ledger, _) = house.open().unwrap();
    let bodies = ledger.bodies();
    let change = |index: usize, beside: &[u8]| Change::Restore {
        index: Index(index as u64),
        entry: before[index].entry().to_vec(),
        salt_and_body: beside.to_vec(),
    };
    let wrong = change(5, before[6].salt_and_body());
    let refused = bodies.rewrite(&[wrong]).unwrap_err();
    assert!(matches!(refused, RewriteError::Refuted { .. }), "{refused}");
    let back = [5, 6, 7, 900].map(|index| change(index, before[index].salt_and_body()));
    let done = bodies.rewrite(&back).unwrap();
    assert_eq!((done.restored, done.unchanged), (4, 0));
    assert_eq!(stored(&ledger.reader())[..before.len()], *before);
    ledger.close().unwrap();
    assert_eq!(verified(&house.disk).findings, []);
}

#[test]
fn what_cannot_be_changed_says_why() {
    let (_, ledger) = sealed();
    let bodies = ledger.bodies();
    let inline = bodies.rewrite(&[Change::Remove(Index(0))]).unwrap_err();
    assert_eq!(
        inline.to_string(),
        "entry 0 holds its body inline, it cannot be removed"
    );
    let done = ledger.appender().append(events("web", 0, 1)).unwrap();
    let early = bodies.rewrite(&[Change::Remove(done.first)]).unwrap_err();
    assert!(matches!(early, RewriteError::NotSealed { .. }), "{early}");
    ledger.close().unwrap();
    let late = bodies.rewrite(&[Change::Remove(Index(5))]).unwrap_err();
    assert!(matches!(late, RewriteError::Stopped { .. }), "{late}");
    assert!(matches!(bodies.seal(), Err(RewriteError::Stopped { .. })));
}

#[test]
fn damage_in_a_sealed_segment_is_found_and_healed() {
    let (house, ledger) = sealed();
    let before = stored(&ledger.reader());
    ledger.close().unwrap();
    let (name, len) = files(&house, ".seal").remove(1);
    let file = path("sealed").join(name);
    for offset in (0..len).step_by(97) {
        let disk = house.disk.fork();
        disk.flip(&file, offset, 0x04);
        let report = verified(&disk);
        assert!(!report.is_clean(), "byte {offset} of {}", file.display());
        if offset < 128 {
            // Without the header of a segment nobody knows which entries it holds.
            let refused = Reader::open(Arc::new(disk), Path::new(super::DIR)).unwrap_err();
            assert!(matches!(refused, ReadError::NoLedger { .. }), "{refused}");
            continue;
        }
        let reader = outside(&House::on(disk.clone()));
        let end = reader.tree_size().next_index();
        let read = reader.read_whole(Index(0)..end, usize::MAX).unwrap();
        for entry in &read.entries {
            let index = usize::try_from(entry.index().0).unwrap();
            let body = entry.body();
            assert!(before[index].salt_and_body().ends_with(body.as_bytes()) || index <= 1);
        }
        if offset % 5 == 0 {
            heal(&House::on(disk), &before, &read);
        }
    }
}

fn heal(house: &House, before: &[StoredEntry], read: &crate::WholeRead) {
    let (ledger, _) = house.open().unwrap();
    let bad = read.damages.iter().flat_map(|d| d.first.0..=d.last.0);
    let changes: Vec<Change> = bad
        .map(|index| {
            let whole = &before[usize::try_from(index).unwrap()];
            Change::Restore {
                index: Index(index),
                entry: whole.entry().to_vec(),
                salt_and_body: whole.salt_and_body().to_vec(),
            }
        })
        .collect();
    let done = ledger.bodies().rewrite(&changes).unwrap();
    assert_eq!(done.restored, changes.len() as u64);
    assert_eq!(stored(&ledger.reader())[..before.len()], *before);
    ledger.close().unwrap();
    if !changes.is_empty() {
        assert_eq!(verified(&house.disk).findings, []);
    }
}

#[derive(Clone, Debug)]
struct Draw {
    kind: u8,
    numbers: (u64, u32, u32, u64, u16),
    salt: [u8; 16],
    body: Vec<u8>,
    is_absent: bool,
}

fn draws() -> impl Strategy<Value = Vec<Draw>> {
    let numbers = (
        any::<u64>(),
        any::<u32>(),
        0..4_u32,
        any::<u64>(),
        any::<u16>(),
    );
    let body = proptest::collection::vec(any::<u8>(), 0..200);
    let draw = (0..11_u8, numbers, any::<[u8; 16]>(), body, any::<bool>());
    let draw = draw.prop_map(|(kind, numbers, salt, body, is_absent)| Draw {
        kind: if kind < 5 { 0 } else { kind },
        numbers,
        salt,
        body,
        is_absent,
    });
    proptest::collection::vec(draw, 1..60)
}

/// The stretch that records of any content make, and the block of it.
fn drawn(draws: &[Draw]) -> (Stretch, Vec<u8>) {
    let (mut entries, mut beside, mut absent) = (Vec::new(), Vec::new(), Vec::new());
    let mut draft = BlockDraft::default();
    for (index, draw) in (7..).zip(draws) {
        let salted = [&draw.salt[..], &draw.body].concat();
        let kind = Kind::from_number(draw.kind).unwrap();
        let is_event = kind == Kind::Event;
        let (recv_ns, tenant, source, source_seq, retention_class) = draw.numbers;
        let leaf = Leaf {
            kind,
            recv_ns,
            tenant,
            source,
            source_seq,
            retention_class,
            body_len: u32::try_from(draw.body.len()).unwrap(),
            content: if is_event {
                Content::Committed(commitment(&salted))
            } else {
                Content::Inline(&draw.body)
            },
        };
        let start = entries.len();
        push_leaf(&mut entries, &leaf);
        let is_absent = is_event && draw.is_absent;
        let shown = if is_event && !is_absent {
            &salted[..]
        } else {
            &[]
        };
        beside.extend_from_slice(shown);
        if is_absent {
            absent.push(index);
        }
        draft.push(&Record {
            entry: &entries[start + 2..],
            leaf,
            beside: shown,
            is_absent,
        });
    }
    let entries_len = entries.len();
    entries.extend_from_slice(&beside);
    let stretch = Stretch {
        first_index: 7,
        count: u32::try_from(draws.len()).unwrap(),
        payload: entries,
        entries_len,
        absent,
        is_whole: true,
        frame_seq: None,
    };
    (stretch, draft.finish(0x5a17, 7).unwrap())
}

fn parse(block: &[u8]) -> Result<Stretch, FrameFault> {
    let header = BlockHeader::parse(block.first_chunk().unwrap(), 0x5a17)?;
    decode(&header, &block[HEADER_BYTES..])
}

proptest! {
    #[test]
    fn a_block_gives_back_what_went_in(draws in draws()) {
        let (stretch, block) = drawn(&draws);
        prop_assert_eq!(parse(&block), Ok(stretch));
    }

    #[test]
    fn a_damaged_block_never_panics_and_is_never_whole(
        draws in draws(),
        at in any::<prop::sample::Index>(),
        bits in 1..=255_u8,
    ) {
        let (stretch, mut block) = drawn(&draws);
        let at = at.index(block.len());
        block[at] ^= bits;
        let parsed = parse(&block);
        prop_assert!(parsed.as_ref() != Ok(&stretch) && !parsed.is_ok_and(|s| s.is_whole));
    }

    /// A checksum that agrees does not make content trustworthy.
    #[test]
    fn a_block_with_right_checksums_never_panics(
        draws in draws(),
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let (_, mut block) = drawn(&draws);
        for (at, byte) in changes {
            let at = at.index(block.len());
            block[at] = byte;
        }
        if let Ok(mut header) = BlockHeader::parse(block.first_chunk().unwrap(), 0x5a17) {
            header.payload_crc = crc32c::crc32c(&block[HEADER_BYTES..]);
            if let Ok(stretch) = decode(&header, &block[HEADER_BYTES..]) {
                prop_assert!(stretch.records().count() <= stretch.count as usize);
            }
        }
    }
}

#[test]
fn sealing_stops_at_a_body_that_differs_from_its_commitment() {
    let (house, ledger) = House::created();
    ledger.appender().append(events("web", 0, 5)).unwrap();
    // Entry 4, in the second page of frames; with a matching checksum, as an attacker leaves it.
    super::tamper::change_body(&house.disk, &path("wal/00000000.seg"), 2 * 4096);
    let error = ledger.seal().unwrap_err();
    assert!(matches!(error, RewriteError::Stopped { .. }), "{error}");
    assert_eq!(
        ledger.seal_fault().as_deref(),
        Some("sealed entries from 0 on do not read back as they were")
    );
    assert_eq!(ledger.reader().stats().seal_faults(), 1);
    assert!(files(&house, ".seal").is_empty());
    ledger.appender().append(events("web", 5, 5)).unwrap();
}
