//! Every change behind the ledger's back is found, with the index that it concerns.

use std::path::PathBuf;
use std::sync::Arc;

use disk::{CrashDisk, Disk};
use event::Index;

use super::{House, events, path, signed_size, verified};
use crate::leaf::{COMMITTED_BYTES, SALT_BYTES, commitment};
use crate::{
    Claim, FindingKind, OpenError, ProofError, ReadError, Reader, VerifyError, VerifyOptions,
    VerifyReport, verify, verify_proof,
};

/// A closed ledger of `rounds` times three events, one frame each.
fn small(rounds: usize) -> House {
    let (house, ledger) = House::created();
    for round in 0..rounds {
        ledger
            .appender()
            .append(events("web", round * 3, 3))
            .unwrap();
    }
    signed_size(&ledger.reader());
    ledger.close().unwrap();
    house
}

fn kinds(report: &VerifyReport) -> Vec<FindingKind> {
    report.findings.iter().map(|finding| finding.kind).collect()
}

#[test]
fn an_untouched_ledger_is_clean() {
    let house = small(300);
    let report = verified(&house.disk);
    assert_eq!(report.findings, []);
    assert!(report.is_clean());
    assert_eq!(report.tree_size, 902);
    assert_eq!(report.entries, 902);
    assert_eq!(report.checkpoint_size, Some(902));
}

#[test]
fn a_ledger_in_use_is_clean() {
    let (house, ledger) = House::created();
    let writer = ledger.appender();
    let thread = std::thread::spawn(move || {
        for round in 0..300 {
            writer.append(events("web", round * 20, 20)).unwrap();
        }
    });
    while !thread.is_finished() {
        let report = verified(&house.disk);
        assert_eq!(report.findings, []);
    }
    thread.join().unwrap();
    assert_eq!(verified(&house.disk).tree_size, 6_002);
}

#[test]
fn every_flipped_byte_is_found() {
    let house = small(2);
    for (file, len) in house.disk.files() {
        let name = file.file_name().unwrap().to_str().unwrap().to_owned();
        if matches!(name.as_str(), "lock" | "spare") {
            continue;
        }
        // Partial tiles of earlier checkpoints are nobody's truth any more.
        if file
            .parent()
            .is_some_and(|p| p.extension().is_some_and(|e| e == "p"))
            && name != "8"
        {
            continue;
        }
        let bytes = house.disk.read(&file, len).unwrap();
        // Zeros behind the head of a page are padding, all alike: try some of them.
        let step = |offset: u64| {
            let at = usize::try_from(offset).unwrap();
            if bytes[at] == 0 && 128 < at % 4096 {
                199
            } else {
                1
            }
        };
        let mut offset = 0;
        while offset < len {
            let disk = house.disk.fork();
            disk.flip(&file, offset, 0x10);
            check_flip(&disk, &name, &file, offset);
            offset += step(offset);
        }
    }
}

fn check_flip(disk: &CrashDisk, name: &str, file: &PathBuf, offset: u64) {
    let whole: Arc<dyn Disk> = Arc::new(disk.clone());
    let dir = PathBuf::from(super::DIR);
    let report = match verify(whole, &dir, &VerifyOptions::default(), &mut |_, _| {}) {
        Ok(report) => report,
        // Without an identity there is nothing to compare with, and it says so.
        Err(VerifyError::Identity(_)) if name == "identity" => return,
        Err(error) => panic!("{file:?} {offset}: {error}"),
    };
    if name == "key" {
        let house = House::on(disk.fork());
        let refused = house.open().err();
        let is_refused = matches!(
            refused,
            Some(OpenError::Identity { .. } | OpenError::KeyMismatch { .. })
        );
        // The last character of base64 has bits that mean nothing, and the newline is optional.
        assert!(is_refused, "key {offset}: {refused:?}");
        return;
    }
    if name == "epoch.key" {
        let refused = House::on(disk.fork()).open().err();
        // The second slot is empty in the first epoch: what stands there is no key.
        let is_refused = matches!(refused, Some(OpenError::Epoch { .. }));
        assert_eq!(is_refused, offset < 4096, "epoch.key {offset}: {refused:?}");
        return;
    }
    if name == "identity" {
        // The creation time is said nowhere else; all other bytes are tied to the key.
        let text = String::from_utf8(disk.read(file, 1000).unwrap()).unwrap();
        let created = text.find("created ").unwrap() as u64;
        assert!(!report.is_clean() || created <= offset, "identity {offset}");
        return;
    }
    assert!(!report.is_clean(), "{file:?} {offset}: not found");
    if file.extension().is_some_and(|kind| kind == "seg") && 4096 <= offset {
        // Frames of genesis, of three events with a registration, and of three events.
        let expected = match offset / 4096 {
            1 => 0..=0,
            2 => 1..=4,
            3 => 5..=7,
            _ => 8..=8,
        };
        let found = report.first_bad_index().map(|index| index.0);
        assert!(
            found.is_some_and(|found| expected.contains(&found)),
            "{file:?} {offset}: {:?}",
            report.findings
        );
    }
}

#[test]
fn an_edited_body_is_named_even_with_a_matching_checksum() {
    let house = small(100);
    let segment = path("wal/00000000.seg");
    // The last event of the first frame of events: entry 4.
    change_body(&house.disk, &segment, 8192);
    let report = verified(&house.disk);
    assert_eq!(report.first_bad_index(), Some(Index(4)));
    assert_eq!(kinds(&report), [FindingKind::Edited]);
    assert!(
        report.findings[0].detail.contains("commitment"),
        "{:?}",
        report.findings
    );
}

/// Changes the body of the third event in the frame at an offset, as somebody who knows checksums.
pub(super) fn change_body(disk: &CrashDisk, segment: &std::path::Path, offset: u64) {
    let bytes = disk.read(segment, 1 << 20).unwrap();
    let is_it = |window: &[u8]| window == b"web-2";
    let at = bytes.windows(5).position(is_it).unwrap() as u64;
    disk.flip(segment, at, 1);
    rewrite_checksums(disk, segment, offset);
}

/// Makes the checksums of the frame at an offset agree with its changed content.
fn rewrite_checksums(disk: &CrashDisk, segment: &std::path::Path, offset: u64) {
    let file = disk.open(segment).unwrap();
    let mut header = [0; 64];
    file.read_at(&mut header, offset).unwrap();
    let entries_len = crate::bytes::u32_at(&header, 36) as usize;
    let bodies_len = usize::try_from(crate::bytes::u64_at(&header, 40)).unwrap();
    let mut payload = vec![0; entries_len + bodies_len];
    file.read_at(&mut payload, offset + 64).unwrap();
    crate::bytes::put(&mut header, 56, &crc32c::crc32c(&payload).to_be_bytes());
    let crc = crc32c::crc32c(&header[..60]);
    crate::bytes::put(&mut header, 60, &crc.to_be_bytes());
    file.write_all_at(&header, offset).unwrap();
}

#[test]
fn a_recomputed_commitment_is_found_by_the_tree() {
    let house = small(100);
    let segment = path("wal/00000000.seg");
    let file = house.disk.open(&segment).unwrap();
    // The second frame of events begins at page 3: entries 5, 6, 7, all of one length.
    let offset = 3 * 4096;
    let mut header = [0; 64];
    file.read_at(&mut header, offset).unwrap();
    let entries_len = u64::from(crate::bytes::u32_at(&header, 36));
    let body_len = crate::bytes::u64_at(&header, 40) / 3;
    let beside = offset + 64 + entries_len;
    file.write_all_at(b"x", beside + SALT_BYTES as u64 + 20)
        .unwrap();
    let mut salt_and_body = vec![0; usize::try_from(body_len).unwrap()];
    file.read_at(&mut salt_and_body, beside).unwrap();
    let entry = offset + 64 + 2;
    file.write_all_at(
        &commitment(&salt_and_body),
        entry + COMMITTED_BYTES as u64 - 32,
    )
    .unwrap();
    rewrite_checksums(&house.disk, &segment, offset);
    let report = verified(&house.disk);
    assert_eq!(
        report.first_bad_index(),
        Some(Index(5)),
        "{:?}",
        report.findings
    );
    assert!(
        kinds(&report).contains(&FindingKind::Forked),
        "the root no longer agrees"
    );
    // Nobody can prove the edited entry any more.
    let reader = Reader::open(house.disk(), &house.config.dir).unwrap();
    assert!(matches!(
        reader.prove(Index(5)),
        Err(crate::ProveError::Mismatch { .. })
    ));
    // Its neighbours are none the worse.
    reader.prove(Index(6)).unwrap();
}

#[test]
fn cut_swapped_and_missing_parts_are_found() {
    let house = small(100);
    let segment = path("wal/00000001.seg");
    let size = verified(&house.disk).tree_size;

    let truncated = house.disk.fork();
    let last = truncated
        .files()
        .iter()
        .filter(|(p, _)| p.extension().is_some_and(|e| e == "seg"))
        .count()
        - 1;
    truncated
        .remove(&path(&format!("wal/{last:08}.seg")))
        .unwrap();
    let report = verified(&truncated);
    assert!(
        kinds(&report).contains(&FindingKind::Truncated),
        "{:?}",
        report.findings
    );
    assert!(report.tree_size < size);
    assert!(matches!(
        House::on(truncated).open(),
        Err(OpenError::Corrupt { .. } | OpenError::Short { .. })
    ));

    let missing = house.disk.fork();
    missing.remove(&segment).unwrap();
    let report = verified(&missing);
    assert!(
        kinds(&report).contains(&FindingKind::Missing),
        "{:?}",
        report.findings
    );
    assert!(matches!(
        House::on(missing).open(),
        Err(OpenError::Segment { number: 1 })
    ));

    let swapped = house.disk.fork();
    let pages = |disk: &CrashDisk, offset| {
        let mut page = vec![0; 4096];
        disk.open(&segment)
            .unwrap()
            .read_at(&mut page, offset)
            .unwrap();
        page
    };
    let (first, second) = (pages(&swapped, 4096), pages(&swapped, 8192));
    let file = swapped.open(&segment).unwrap();
    file.write_all_at(&second, 4096).unwrap();
    file.write_all_at(&first, 8192).unwrap();
    let report = verified(&swapped);
    assert!(
        kinds(&report).contains(&FindingKind::Missing),
        "{:?}",
        report.findings
    );
    assert!(
        kinds(&report).contains(&FindingKind::Reordered),
        "{:?}",
        report.findings
    );

    let unsigned = house.disk.fork();
    unsigned.remove(&path("checkpoint")).unwrap();
    assert_eq!(kinds(&verified(&unsigned)), [FindingKind::Unsigned]);
}

#[test]
fn a_pinned_key_and_a_remembered_size_are_held_against_the_ledger() {
    let house = small(5);
    let other = small(5);
    let vkey = Reader::open(house.disk(), &house.config.dir)
        .unwrap()
        .vkey();
    let check = |disk: Arc<dyn Disk>, size_min| {
        let options = VerifyOptions {
            vkey: Some(vkey.clone()),
            size_min,
            ..VerifyOptions::default()
        };
        let dir = PathBuf::from(super::DIR);
        kinds(&verify(disk, &dir, &options, &mut |_, _| {}).unwrap())
    };
    assert_eq!(check(house.disk(), 17), []);
    assert_eq!(check(house.disk(), 18), [FindingKind::Truncated]);
    assert_eq!(
        check(other.disk(), 0),
        [FindingKind::Unsigned, FindingKind::Unsigned]
    );
}

#[test]
fn a_proof_holds_in_every_bit() {
    let house = small(10);
    let reader = Reader::open(house.disk(), &house.config.dir).unwrap();
    let proof = reader.prove(Index(9)).unwrap();
    let vkey = reader.vkey();
    let proven = verify_proof(proof.as_bytes(), Claim::InProof, &vkey).unwrap();
    assert!(proven.body.unwrap().contains("web-7"));
    let epoch_line = proof.find("\u{2014} log.example/test/1/epoch").unwrap()..proof.len();
    for position in 0..proof.len() {
        let mut bytes = proof.clone().into_bytes();
        bytes[position] ^= 1;
        let outcome = verify_proof(&bytes, Claim::InProof, &vkey);
        // Lines of keys that the caller did not pin say nothing, so they may say anything.
        let is_foreign = epoch_line.contains(&position) && bytes[position] != b'\n';
        assert!(
            outcome.is_err() || is_foreign,
            "byte {position}: {:?}",
            outcome.unwrap()
        );
    }
    let bare = reader.prove_without_body(Index(9)).unwrap();
    let outcome = verify_proof(bare.as_bytes(), Claim::InProof, &vkey);
    assert_eq!(outcome, Err(ProofError::NoRecord));
    let other = Reader::open(small(10).disk(), &house.config.dir)
        .unwrap()
        .vkey();
    assert!(matches!(
        verify_proof(proof.as_bytes(), Claim::InProof, &other),
        Err(ProofError::Refuted(_))
    ));
}

/// The whole ledger as far as it can be read, with each damaged index.
fn readable(reader: &Reader) -> (Vec<u64>, Vec<u64>) {
    let all = Index(0)..reader.tree_size().next_index();
    let read = reader.read_whole(all, usize::MAX).unwrap();
    let entries = read.entries.iter().map(|entry| entry.index().0).collect();
    let damaged = read.damages.iter().flat_map(|d| d.first.0..=d.last.0);
    (entries, damaged.collect())
}

/// What a follower that steps over damage comes to see.
fn followed(reader: &Reader) -> (Vec<u64>, Vec<u64>) {
    let mut follower = reader.follow(Index(0));
    let (mut entries, mut damaged) = (Vec::new(), Vec::new());
    loop {
        match follower.next(std::time::Duration::ZERO) {
            Ok(Some(batch)) => entries.extend(batch.iter().map(|entry| entry.index().0)),
            Ok(None) => return (entries, damaged),
            Err(ReadError::Corrupt { index, .. }) => {
                let damage = follower.skip_damage().unwrap().unwrap();
                assert_eq!(damage.first, index);
                damaged.extend(damage.first.0..=damage.last.0);
            }
            Err(error) => panic!("{error}"),
        }
    }
}

fn check_readable(disk: &CrashDisk, offset: u64, expected: &[u64]) {
    let disk = disk.fork();
    disk.flip(&path("wal/00000000.seg"), offset, 0x10);
    let reader = Reader::open(Arc::new(disk), std::path::Path::new(super::DIR)).unwrap();
    let whole: Vec<u64> = (0..11).filter(|index| !expected.contains(index)).collect();
    let wanted = (whole, expected.to_vec());
    assert_eq!(readable(&reader), wanted, "{offset}");
    assert_eq!(followed(&reader), wanted, "{offset}");
    let strict = reader.read(Index(0)..Index(11), usize::MAX);
    assert!(strict.is_err(), "{offset}");
}

#[test]
fn one_wrong_byte_costs_one_entry() {
    let house = small(3);
    let disk = &house.disk;
    let segment = disk.read(&path("wal/00000000.seg"), 1 << 20).unwrap();
    // Pages: header, genesis, then entries 1 (a registration) to 4, 5 to 7, 8 to 10.
    let body = |page: usize, text: &str| {
        let bytes = &segment[page * 4096..(page + 1) * 4096];
        let found = bytes.windows(text.len()).position(|w| w == text.as_bytes());
        (page * 4096 + found.unwrap()) as u64
    };
    check_readable(disk, body(3, "web-4"), &[6]);
    check_readable(disk, body(3, "web-3"), &[5]);
    check_readable(disk, body(2, "web-2"), &[4]);
    // The receive time of the second entry of a frame: only the tiles know better.
    check_readable(disk, 3 * 4096 + 64 + 68 + 2 + 4, &[6]);
    // The length of that entry: where the third begins is unknown.
    check_readable(disk, 3 * 4096 + 64 + 68, &[6, 7]);
    // The header of a frame.
    check_readable(disk, 3 * 4096 + 20, &[5, 6, 7]);
}

#[test]
fn damage_in_finished_segments_is_stepped_over() {
    let house = small(300);
    let disk = house.disk.fork();
    for page in [4, 15] {
        disk.flip(&path("wal/00000001.seg"), page * 4096 + 20, 1);
    }
    let reader = Reader::open(Arc::new(disk), std::path::Path::new(super::DIR)).unwrap();
    let (entries, damaged) = readable(&reader);
    assert_eq!(entries.len() + damaged.len(), 902);
    assert_eq!(damaged.len(), 6, "{damaged:?}");
    assert_eq!(followed(&reader), (entries, damaged));
}
