//! Epoch keys: each epoch is sealed by its own key, which is gone afterwards.

use std::sync::Arc;
use std::time::Instant;

use disk::{CrashDisk, Disk};
use event::Index;
use tlog::{Checkpoint, SigningKey, UnverifiedCheckpoint};

use super::{DIR, House, ORIGIN, PATIENCE, bodies, events, path, signed_size, verified};
use crate::{
    EpochFault, FindingKind, Ledger, OpenError, Reader, RecoveryKey, SealProof, VerifyError,
    VerifyOptions, verify, verify_seal,
};

const SEALS: &str = "epochs/00000000.notes";

/// Ends the epoch and waits until the next one signs.
fn rotate(ledger: &Ledger) {
    let stats = ledger.reader();
    let before = stats.stats().epoch();
    ledger.rotate_epoch();
    let start = Instant::now();
    while stats.stats().epoch() == before {
        assert!(start.elapsed() < PATIENCE, "epoch {before} does not end");
        std::thread::yield_now();
    }
}

/// A closed ledger with three events in each of four epochs, three of them over.
fn sealed() -> House {
    let (house, ledger) = House::created();
    for epoch in 0..4 {
        ledger
            .appender()
            .append(events("web", epoch * 3, 3))
            .unwrap();
        if epoch < 3 {
            rotate(&ledger);
        }
    }
    signed_size(&ledger.reader());
    ledger.close().unwrap();
    house
}

fn read(disk: &CrashDisk, name: &str) -> Vec<u8> {
    disk.read(&path(name), 1 << 30).unwrap()
}

fn kinds(disk: &CrashDisk) -> Vec<FindingKind> {
    let report = verified(disk);
    report.findings.iter().map(|found| found.kind).collect()
}

/// The notes in the seal file, without their heads.
fn notes(disk: &CrashDisk) -> Vec<Vec<u8>> {
    let bytes = read(disk, SEALS);
    let mut notes = Vec::new();
    let mut rest = bytes.as_slice();
    while let Some((len, after)) = rest.split_first_chunk::<4>() {
        let len = u32::from_be_bytes(*len) as usize;
        notes.push(after[12..12 + len].to_vec());
        rest = &after[12 + len..];
    }
    notes
}

/// Writes a seal file as an attacker would, with right checksums.
fn put_notes(disk: &CrashDisk, notes: &[Vec<u8>]) {
    let mut bytes = Vec::new();
    for (epoch, note) in (0_u64..).zip(notes) {
        let crc = crc32c::crc32c_append(crc32c::crc32c(&epoch.to_be_bytes()), note);
        bytes.extend_from_slice(&u32::try_from(note.len()).unwrap().to_be_bytes());
        bytes.extend_from_slice(&epoch.to_be_bytes());
        bytes.extend_from_slice(&crc.to_be_bytes());
        bytes.extend_from_slice(note);
    }
    disk.write_atomic(&path(SEALS), &bytes).unwrap();
}

/// The stable key, which a thief of the machine holds.
fn stolen_key(disk: &CrashDisk) -> SigningKey {
    let text = String::from_utf8(read(disk, "key")).unwrap();
    SigningKey::parse(text.trim()).unwrap()
}

/// The key of the running epoch, which he holds as well: the only whole slot.
fn stolen_epoch_key(disk: &CrashDisk) -> SigningKey {
    let bytes = read(disk, "epoch.key");
    let slots: Vec<&[u8]> = bytes
        .chunks(4096)
        .filter(|slot| slot.iter().any(|byte| *byte != 0))
        .collect();
    assert_eq!(slots.len(), 1, "one key at rest");
    let seed: [u8; 32] = slots[0][24..56].try_into().unwrap();
    SigningKey::from_seed(&format!("{ORIGIN}/epoch"), &seed).unwrap()
}

#[test]
fn each_epoch_ends_with_an_entry_and_a_seal() {
    let house = sealed();
    let report = verified(&house.disk);
    assert_eq!(report.findings, []);
    assert_eq!(report.epochs, 3);
    // Genesis, a registration, twelve events, three rotations.
    assert_eq!(report.tree_size, 17);
    let reader = Reader::open(house.disk(), &house.config.dir).unwrap();
    let rotation = &bodies(&reader)[5];
    assert!(rotation.contains("ledger_epoch_began"), "{rotation}");
    let note = UnverifiedCheckpoint::parse(&notes(&house.disk)[0]).unwrap();
    assert_eq!(note.note().signatures().len(), 3);
    let stable = reader.vkey().parse().unwrap();
    assert_eq!(note.verify(&stable, ORIGIN).unwrap().size(), 6);
}

#[test]
fn an_ended_epoch_leaves_no_key_behind() {
    let (house, ledger) = House::created();
    let mut seeds = Vec::new();
    for _ in 0..4 {
        seeds.push(stolen_epoch_key(&house.disk).to_seed());
        rotate(&ledger);
    }
    ledger.close().unwrap();
    for (file, len) in house.disk.files() {
        let bytes = house.disk.read(&file, len).unwrap();
        for (epoch, seed) in seeds.iter().enumerate() {
            let found = bytes.windows(32).any(|window| window == &seed[..]);
            assert!(!found, "key of epoch {epoch} in {}", file.display());
        }
    }
}

#[test]
fn the_time_ends_an_epoch_too() {
    let mut house = House::new();
    house.config.epoch = crate::limits::EPOCH_MIN;
    house.create().unwrap();
    let (ledger, _) = house.open().unwrap();
    let reader = ledger.reader();
    let start = Instant::now();
    while reader.stats().epoch() < 2 {
        assert!(start.elapsed() < PATIENCE, "epochs do not end");
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    ledger.close().unwrap();
    assert_eq!(verified(&house.disk).findings, []);
}

#[test]
fn a_later_key_cannot_seal_an_earlier_epoch() {
    let house = sealed();
    let disk = &house.disk;
    let (stable, epoch) = (stolen_key(disk), stolen_epoch_key(disk));
    let origin = notes(disk);
    for forged in 0..origin.len() {
        let mut notes = origin.clone();
        let seal = UnverifiedCheckpoint::parse(&notes[forged]).unwrap();
        let seal = seal.verify(&stable.verifying_key(), ORIGIN).unwrap();
        let claim = Checkpoint::new(ORIGIN, seal.size(), *seal.root()).unwrap();
        notes[forged] = claim.sign(&[&stable, &epoch]).unwrap().into_bytes();
        let disk = disk.fork();
        put_notes(&disk, &notes);
        assert_eq!(kinds(&disk), [FindingKind::WrongEpochKey], "seal {forged}");
    }
}

#[test]
fn seals_are_continuous_and_complete() {
    let house = sealed();
    let origin = notes(&house.disk);
    let check = |notes: &[Vec<u8>], expected: &[FindingKind]| {
        let disk = house.disk.fork();
        put_notes(&disk, notes);
        assert_eq!(kinds(&disk), expected, "{} seals", notes.len());
    };
    check(&origin, &[]);
    // Without its seal an ended epoch is anybody's.
    let (missing, wrong_key) = (FindingKind::Missing, FindingKind::WrongEpochKey);
    check(&origin[..2], &[missing, wrong_key]);
    check(&[], &[missing, missing, missing, wrong_key]);
    let mut swapped = origin.clone();
    swapped.swap(0, 1);
    check(&swapped, &[FindingKind::WrongEpochKey; 2]);
    let mut repeated = origin.clone();
    repeated.push(origin[2].clone());
    check(&repeated, &[FindingKind::Truncated]);
    let disk = house.disk.fork();
    disk.flip(&path(SEALS), 100, 1);
    assert!(kinds(&disk).contains(&FindingKind::Edited));
}

#[test]
fn a_checkpoint_needs_the_key_of_its_epoch() {
    let house = sealed();
    let disk = &house.disk;
    let stable = stolen_key(disk);
    let note = UnverifiedCheckpoint::parse(&read(disk, "checkpoint")).unwrap();
    let claim = note.verify(&stable.verifying_key(), ORIGIN).unwrap();
    let forged = claim.sign(&[&stable]).unwrap();
    disk.write_atomic(&path("checkpoint"), forged.as_bytes())
        .unwrap();
    assert_eq!(kinds(disk), [FindingKind::WrongEpochKey]);
}

#[test]
fn silence_is_stale() {
    let house = sealed();
    let report = verified(&house.disk);
    let check = |since: u64, expected: &[FindingKind]| {
        let options = VerifyOptions {
            alive_since_ns: Some(since),
            ..VerifyOptions::default()
        };
        let disk = Arc::new(house.disk.clone());
        let report = verify(disk, DIR.as_ref(), &options, &mut |_, _| {}).unwrap();
        let kinds: Vec<FindingKind> = report.findings.iter().map(|found| found.kind).collect();
        assert_eq!(kinds, expected);
    };
    check(report.alive_at_ns, &[]);
    check(report.alive_at_ns + 1, &[FindingKind::Stale]);
}

#[test]
fn keys_of_another_time_are_refused() {
    let house = sealed();
    let early = House::created();
    early.1.close().unwrap();
    let disk = house.disk.fork();
    let old = read(&early.0.disk, "epoch.key");
    disk.write_atomic(&path("epoch.key"), &old).unwrap();
    let outcome = House::on(disk).open().unwrap_err();
    let OpenError::Epoch { fault, .. } = outcome else {
        panic!("{outcome}");
    };
    assert_eq!(fault, EpochFault::OutOfStep { key: 0, sealed: 3 });
}

#[test]
fn the_recovery_key_goes_on_after_a_loss() {
    let recovery = RecoveryKey::fresh(ORIGIN).unwrap();
    let mut house = House::new();
    house.config.recovery_vkey = Some(recovery.vkey());
    house.create().unwrap();
    let (ledger, _) = house.open().unwrap();
    ledger.appender().append(events("web", 0, 3)).unwrap();
    rotate(&ledger);
    ledger.appender().append(events("web", 3, 3)).unwrap();
    ledger.close().unwrap();
    house.disk.remove(&path("epoch.key")).unwrap();
    let outcome = house.open().unwrap_err();
    let OpenError::Epoch { fault, .. } = outcome else {
        panic!("{outcome}");
    };
    assert_eq!(fault, EpochFault::KeyLost { epoch: 1 });
    let recover = |key: &RecoveryKey| {
        Ledger::recover_epoch_key(&house.disk(), &*house.clock(), &house.config, key)
    };
    let other = RecoveryKey::fresh(ORIGIN).unwrap();
    assert!(matches!(
        recover(&other),
        Err(OpenError::RecoveryKey { named: Some(_) })
    ));
    // The way it takes in life: out of the safe, from a file.
    let file = std::path::Path::new("/safe.key");
    recovery.write_new(&house.disk, file).unwrap();
    assert!(recovery.write_new(&house.disk, file).is_err());
    recover(&RecoveryKey::read(&house.disk, file).unwrap()).unwrap();
    let report = verified(&house.disk);
    assert_eq!((report.findings, report.epochs), (vec![], 2));
    let (ledger, _) = house.open().unwrap();
    rotate(&ledger);
    ledger.appender().append(events("web", 6, 3)).unwrap();
    assert!(bodies(&ledger.reader())[9].contains("epoch_recovered"));
    assert!(ledger.reader().entry(Index(10)).is_ok());
    ledger.close().unwrap();
    assert_eq!(verified(&house.disk).findings, []);
}

#[test]
fn without_a_recovery_key_a_loss_is_final() {
    let house = sealed();
    house.disk.remove(&path("epoch.key")).unwrap();
    let key = RecoveryKey::fresh("anybody").unwrap();
    let outcome = Ledger::recover_epoch_key(&house.disk(), &*house.clock(), &house.config, &key);
    assert!(matches!(
        outcome,
        Err(OpenError::RecoveryKey { named: None })
    ));
}

#[test]
fn a_seal_is_proven_offline() {
    let house = sealed();
    let reader = Reader::open(house.disk(), &house.config.dir).unwrap();
    let note = reader.checkpoint().unwrap().to_string();
    let vkey = reader.vkey();
    // Entries 0 to 5 are of epoch 0, 6 to 9 of epoch 1, 10 to 13 of epoch 2.
    for (index, epoch, size) in [(0, 0, 6), (5, 0, 6), (6, 1, 10), (13, 2, 14)] {
        let proof = reader.prove_seal(Index(index), &note).unwrap().unwrap();
        let sealed = verify_seal(&proof, &note, &vkey).unwrap();
        assert_eq!((sealed.epoch, sealed.size), (epoch, size), "entry {index}");
    }
    assert_eq!(reader.prove_seal(Index(14), &note).unwrap(), None);
    let proof = reader.prove_seal(Index(6), &note).unwrap().unwrap();
    let other = reader.prove_seal(Index(13), &note).unwrap().unwrap();
    let check = |change: fn(&mut SealProof, SealProof)| {
        let mut forged = proof.clone();
        change(&mut forged, other.clone());
        verify_seal(&forged, &note, &vkey).unwrap_err();
    };
    check(|forged, other| forged.note = other.note);
    check(|forged, other| forged.begins = other.begins);
    check(|forged, other| forged.ends = other.ends);
    check(|forged, other| forged.consistency = other.consistency);
    check(|forged, _| forged.note.truncate(forged.note.len() - 110));
}

#[test]
fn a_remembered_checkpoint_shows_a_rollback_and_a_fork() {
    let (house, ledger) = House::created();
    ledger.appender().append(events("web", 0, 3)).unwrap();
    let early = signed_size(&ledger.reader());
    let note = ledger.reader().checkpoint().unwrap().to_string();
    rotate(&ledger);
    ledger.close().unwrap();
    let backup = house.disk.fork();
    let (ledger, _) = house.open().unwrap();
    ledger.appender().append(events("web", 3, 3)).unwrap();
    signed_size(&ledger.reader());
    let late = ledger.reader().checkpoint().unwrap().to_string();
    ledger.close().unwrap();
    let kinds = |disk: &CrashDisk, note: &str| {
        let options = VerifyOptions {
            remembered: Some(note.to_owned()),
            ..VerifyOptions::default()
        };
        let report = verify(
            Arc::new(disk.clone()),
            DIR.as_ref(),
            &options,
            &mut |_, _| {},
        );
        let findings = report.unwrap().findings;
        findings.iter().map(|found| found.kind).collect::<Vec<_>>()
    };
    assert_eq!(early, 5);
    assert_eq!(kinds(&house.disk, &note), []);
    assert_eq!(kinds(&house.disk, &late), []);
    // The whole folder was brought back from a backup: nothing inside it can tell.
    assert_eq!(verified(&backup).findings, []);
    assert_eq!(kinds(&backup, &note), []);
    assert_eq!(kinds(&backup, &late), [FindingKind::RolledBack]);
    // The same keys went on from the backup in another way: two histories under one name.
    let fork = House::on(backup);
    let (ledger, _) = fork.open().unwrap();
    ledger.appender().append(events("web", 700, 9)).unwrap();
    ledger.close().unwrap();
    assert_eq!(verified(&fork.disk).findings, []);
    assert_eq!(kinds(&fork.disk, &note), []);
    assert_eq!(kinds(&fork.disk, &late), [FindingKind::Forked]);
    let other = sealed();
    let note = Reader::open(other.disk(), &other.config.dir).unwrap();
    let options = VerifyOptions {
        remembered: Some(note.checkpoint().unwrap().to_string()),
        ..VerifyOptions::default()
    };
    let report = verify(house.disk(), DIR.as_ref(), &options, &mut |_, _| {});
    assert!(matches!(report, Err(VerifyError::Remembered(_))));
}
