//! Power cuts, failing syncs and full disks at every place where they can strike.
//!
//! What must hold afterwards, always: every acknowledged event is at its index with its body,
//! indices are dense, no size that was signed is lost or gets another root, the next opening
//! succeeds, and the one after finds nothing left to repair.

use disk::{CrashDisk, Survival};
use event::{Index, Redacted};

use super::{House, bodies, events, signed_size, verified};
use crate::{AppendError, CreateError, Ledger, OpenError};

/// What the world outside knows after a run.
#[derive(Debug, Default)]
struct Witness {
    /// Acknowledged bodies and their indices.
    acked: Vec<(u64, String)>,
    /// The newest checkpoint that was handed out.
    signed: u64,
    note: Option<String>,
}

impl Witness {
    fn append(&mut self, ledger: &Ledger, batch: Vec<Redacted>) -> Result<(), AppendError> {
        let sent: Vec<String> = batch.iter().map(|event| event.body().to_owned()).collect();
        let done = ledger.appender().append(batch)?;
        assert_eq!(done.count, sent.len() as u64);
        self.acked.extend((done.first.0..).zip(sent));
        Ok(())
    }

    fn look(&mut self, ledger: &Ledger) {
        if let Some(note) = ledger.reader().checkpoint() {
            let size = note.lines().nth(1).unwrap().parse().unwrap();
            assert!(self.signed <= size, "a published size never shrinks");
            self.signed = size;
            self.note = Some(note.to_string());
        }
    }

    /// Opens what is left and holds it against what was promised.
    fn check(&self, disk: &CrashDisk, what: &str) {
        let house = House::on(disk.clone());
        let (ledger, recovery) = house
            .open()
            .unwrap_or_else(|error| panic!("{what}: {error}"));
        let bodies = bodies(&ledger.reader());
        for (index, body) in &self.acked {
            let found = bodies.get(usize::try_from(*index).unwrap());
            assert_eq!(found, Some(body), "{what}: acknowledged entry {index}");
        }
        assert_eq!(recovery.tree_size, bodies.len() as u64, "{what}");
        let is_recorded = bodies
            .last()
            .is_some_and(|body| body.contains("ledger_recovered"));
        assert!(
            recovery.cut.is_none() || is_recorded,
            "{what}: {recovery:?}"
        );
        let size = signed_size(&ledger.reader());
        assert!(
            self.signed <= size,
            "{what}: {size} of {} signed",
            self.signed
        );
        self.check_consistent(&ledger, what);
        ledger.appender().append(events("after", 0, 1)).unwrap();
        ledger.close().unwrap();
        let report = verified(disk);
        assert_eq!(report.findings, [], "{what}");
        let (ledger, recovery) = house.open().unwrap();
        assert_eq!(
            recovery.cut, None,
            "{what}: the second opening repairs nothing"
        );
        drop(ledger);
    }

    /// The newest note that left before the crash is of the same tree.
    fn check_consistent(&self, ledger: &Ledger, what: &str) {
        let Some(note) = &self.note else { return };
        let root = note.lines().nth(2).unwrap();
        let reader = ledger.reader();
        let mut tree = tlog::Frontier::new();
        for index in 0..self.signed {
            tree.push(tlog::leaf_hash(&reader.entry_bytes(Index(index)).unwrap()));
        }
        assert_eq!(
            tree.root().to_string(),
            root,
            "{what}: root of size {}",
            self.signed
        );
    }
}

/// A life from opening to closing, as far as the disk lets it.
fn live(house: &House) -> Witness {
    let mut witness = Witness::default();
    let Ok((ledger, _)) = house.open() else {
        return witness;
    };
    for round in 0..8 {
        let batches = [events("web", round * 40, 40), events("ssh", round, 1)];
        for batch in batches {
            if witness.append(&ledger, batch).is_err() {
                witness.look(&ledger);
                return witness;
            }
        }
        if round % 4 == 1 {
            ledger.rotate_epoch();
        }
        if round % 3 == 0 {
            ledger
                .reader()
                .await_checkpoint(ledger.reader().tree_size(), super::PATIENCE);
        }
        witness.look(&ledger);
    }
    let _ = ledger.close();
    witness
}

/// A ledger with a past, closed without a clean end so that opening has work to do.
fn prepared() -> House {
    let (house, ledger) = House::created();
    ledger.appender().append(events("web", 1000, 30)).unwrap();
    let disk = house.disk.after_crash(Survival::Kept);
    drop(ledger);
    House::on(disk)
}

#[test]
fn a_power_cut_anywhere_loses_nothing_promised() {
    let origin = prepared();
    for k in 1.. {
        let house = House::on(origin.disk.fork());
        house.disk.cut_power_at(k);
        let before = house.disk.operations();
        let witness = live(&house);
        for survival in [Survival::Lost, Survival::Torn { seed: k }, Survival::Kept] {
            let disk = house.disk.after_crash(survival);
            witness.check(&disk, &format!("cut {k} {survival:?}"));
        }
        if house.disk.operations() - before < k {
            assert!(100 < k, "the run is long enough to mean something");
            return;
        }
    }
}

#[test]
fn a_power_cut_during_recovery_is_recovered_from() {
    // Find a cut that leaves a torn tail, then cut its recovery everywhere.
    let origin = prepared();
    let torn = (1..400).find_map(|k| {
        let house = House::on(origin.disk.fork());
        house.disk.cut_power_at(k);
        let witness = live(&house);
        let disk = house.disk.after_crash(Survival::Torn { seed: k });
        let (ledger, recovery) = House::on(disk.fork()).open().unwrap();
        drop(ledger);
        recovery.cut.map(|_| (witness, disk))
    });
    let (witness, torn) = torn.expect("some cut of some write tears a frame");
    for k in 1.. {
        let disk = torn.fork();
        disk.cut_power_at(k);
        let before = disk.operations();
        drop(House::on(disk.clone()).open());
        let is_done = disk.operations() - before < k;
        for survival in [Survival::Lost, Survival::Torn { seed: k }, Survival::Kept] {
            let what = format!("recovery cut {k} {survival:?}");
            witness.check(&disk.after_crash(survival), &what);
        }
        if is_done {
            return;
        }
    }
}

#[test]
fn a_power_cut_during_creation_leaves_a_ledger_or_none() {
    for k in 1.. {
        let house = House::new();
        house.disk.cut_power_at(k);
        let outcome = house.create();
        for survival in [Survival::Lost, Survival::Torn { seed: k }, Survival::Kept] {
            let after = House::on(house.disk.after_crash(survival));
            let what = format!("cut {k} {survival:?}");
            let again = House::on(after.disk.fork());
            match again.create() {
                Ok(()) => assert!(outcome.is_err(), "{what}: creation had succeeded"),
                Err(error) => assert!(matches!(error, CreateError::Exists { .. }), "{what}"),
            }
            let (ledger, _) = again.open().unwrap();
            ledger.appender().append(events("web", 0, 1)).unwrap();
            ledger.close().unwrap();
            assert_eq!(super::verified(&again.disk).findings, [], "{what}");
            match after.open() {
                Ok((ledger, _)) => {
                    assert_eq!(ledger.reader().tree_size().0, 1, "{what}");
                    assert!(after.create().is_err(), "{what}");
                }
                Err(OpenError::Missing { .. }) => {
                    assert!(outcome.is_err(), "{what}: creation had succeeded");
                }
                Err(error) => panic!("{what}: {error}"),
            }
        }
        if outcome.is_ok() {
            return;
        }
    }
}

#[test]
fn a_failed_sync_ends_the_writing_and_not_the_reading() {
    let origin = prepared();
    let mut poisoned = 0;
    for n in 1.. {
        let house = House::on(origin.disk.fork());
        house.disk.fail_sync_at(n);
        let before = house.disk.syncs();
        if let Ok((ledger, _)) = house.open() {
            let mut witness = Witness::default();
            let failed = (0..60).find_map(|round| {
                witness.look(&ledger);
                witness.append(&ledger, events("web", round * 40, 40)).err()
            });
            if let Some(error) = failed {
                assert!(matches!(
                    error,
                    AppendError::Poisoned { .. }
                        | AppendError::Refused(crate::Refused::Poisoned { .. })
                ));
                assert!(ledger.fault().is_some());
                let again = ledger.appender().append(events("web", 0, 1));
                assert!(again.is_err(), "poison stays");
                // Readers go on, and see all that was acknowledged.
                let size = bodies(&ledger.reader()).len() as u64;
                assert!(witness.acked.iter().all(|(index, _)| *index < size));
                poisoned += 1;
            }
            drop(ledger);
            witness.check(
                &house.disk.after_crash(Survival::Lost),
                &format!("sync {n} lost"),
            );
            witness.check(
                &house.disk.after_crash(Survival::Kept),
                &format!("sync {n} kept"),
            );
        }
        if house.disk.syncs() - before < n {
            break;
        }
    }
    assert!(10 < poisoned, "{poisoned} failed syncs were noticed");
}

#[test]
fn a_full_disk_refuses_and_recovers() {
    let origin = prepared();
    for n in 1.. {
        let house = House::on(origin.disk.fork());
        house.disk.fail_write_at(n);
        let before = house.disk.writes();
        if let Ok((ledger, _)) = house.open() {
            let mut witness = Witness::default();
            for round in 0..20 {
                // The disk is full for one write: a second or third attempt succeeds.
                let batch = || events("web", round * 40, 40);
                let stored = (0..1000).any(|_| {
                    let outcome = witness.append(&ledger, batch());
                    if outcome.is_err() {
                        std::thread::sleep(std::time::Duration::from_millis(2));
                    }
                    outcome.is_ok()
                });
                assert!(stored, "write {n}: {:?}", ledger.fault());
            }
            assert_eq!(ledger.fault(), None, "write {n}");
            witness.look(&ledger);
            drop(ledger);
            // The copy has no fault left in wait.
            witness.check(&house.disk.fork(), &format!("write {n}"));
        }
        if house.disk.writes() - before < n {
            return;
        }
    }
}

#[test]
fn the_reserve_is_never_touched() {
    let mut house = House::new();
    house.config.reserve_bytes = 1_000_000;
    house.create().unwrap();
    let (ledger, _) = house.open().unwrap();
    ledger.appender().append(events("web", 0, 1)).unwrap();
    house.disk.set_free_bytes(999_999);
    let refused = (0..10_000).find_map(|number| {
        std::thread::sleep(std::time::Duration::from_millis(1));
        ledger.appender().append(events("web", number, 1)).err()
    });
    let expected = crate::Refused::DiskFull {
        free_bytes: 999_999,
        reserve_bytes: 1_000_000,
    };
    assert_eq!(refused, Some(AppendError::Refused(expected)));
    house.disk.set_free_bytes(2_000_000);
    let stored = (0..10_000).any(|number| {
        std::thread::sleep(std::time::Duration::from_millis(1));
        ledger.appender().append(events("web", number, 1)).is_ok()
    });
    assert!(stored, "accepted again once there is room");
    assert_eq!(ledger.fault(), None);
}

#[test]
fn damage_to_what_was_promised_is_never_cut() {
    let (house, ledger) = House::created();
    for round in 0..10 {
        ledger
            .appender()
            .append(events("web", round * 3, 3))
            .unwrap();
    }
    signed_size(&ledger.reader());
    ledger.close().unwrap();
    let segment = super::path("wal/00000000.seg");
    let files = house.disk.files();
    for page in 1..11 {
        for at in [0, 9, 20, 70, 100] {
            let disk = house.disk.fork();
            disk.flip(&segment, page * 4096 + at, 0xff);
            // Without the resume point every frame is read again.
            disk::Disk::remove(&disk, &super::path("resume.state")).unwrap();
            let refused = House::on(disk.clone()).open().err();
            assert!(
                matches!(
                    &refused,
                    Some(OpenError::Corrupt { .. } | OpenError::Root { .. })
                ),
                "page {page} byte {at}: {refused:?}"
            );
            assert_eq!(disk.files().len() + 1, files.len(), "nothing was written");
        }
    }
}
