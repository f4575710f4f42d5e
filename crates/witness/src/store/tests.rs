//! What a witness signs, what it refuses and what it remembers, through crashes and races.

use std::sync::Barrier;

use disk::{CrashDisk, Survival};
use tlog::{Note, SigningKey};

use super::*;
use crate::testkit::{DIR, HONEST, NOON_NS, ORIGIN, TestLog, Tower, log_key, witness_key};

const NOON_S: u64 = NOON_NS as u64 / 1_000_000_000;

/// Brings the checkpoint of `size` and expects a good cosignature; its time.
fn cosigned(store: &Store, log: TestLog, old: u64, size: u64) -> u64 {
    let line = store
        .take(log.request(old, size).as_bytes())
        .answer
        .unwrap();
    let line = line.strip_suffix('\n').unwrap().parse().unwrap();
    let key = witness_key().cosigner_key();
    let note = log.foreign(size);
    key.verify(note.note().text(), &line).unwrap().time_s()
}

fn refused(store: &Store, body: &str) -> (String, Option<Conflict>) {
    let taken = store.take(body.as_bytes());
    (taken.answer.unwrap_err().to_string(), taken.conflict)
}

#[test]
fn a_growing_log_is_cosigned_and_remembered() {
    let tower = Tower::new();
    let store = tower.open();
    let hex = origin_hex(ORIGIN);
    assert_eq!(store.checkpoint(&hex).unwrap(), None);
    assert_eq!(store.checkpoint("no such name").unwrap(), None);
    assert_eq!(cosigned(&store, HONEST, 0, 5), NOON_S);
    tower.clock.advance(3_000_000_000);
    assert_eq!(cosigned(&store, HONEST, 5, 9), NOON_S + 3);
    // The same again is a fresh word about the same state, never an older one.
    tower.clock.advance(-60_000_000_000);
    assert_eq!(cosigned(&store, HONEST, 9, 9), NOON_S + 3);
    let note = store.checkpoint(&hex).unwrap().unwrap();
    let note = Note::parse(note.as_bytes()).unwrap();
    assert_eq!(note.text(), HONEST.foreign(9).note().text());
    assert_eq!(note.signatures().len(), 2);
    drop(store);
    // Another process goes on from there.
    let store = tower.open();
    cosigned(&store, HONEST, 9, 70);
    let status = logs(&tower.disk, Path::new(DIR)).unwrap();
    assert_eq!(status.len(), 1);
    assert_eq!((status[0].size, status[0].conflicts), (Some(70), 0));
    assert_eq!(status[0].time_s, Some(NOON_S + 3));
}

#[test]
fn an_empty_log_may_come_first() {
    let store = Tower::new().open();
    cosigned(&store, HONEST, 0, 0);
    cosigned(&store, HONEST, 0, 3);
    assert_eq!(
        refused(&store, &HONEST.request(0, 3)).0,
        "the newest checkpoint that this witness has seen is of size 3"
    );
}

#[test]
fn every_refusal_has_its_reason_and_changes_nothing() {
    let store = Tower::new().open();
    cosigned(&store, HONEST, 0, 5);
    let check = |body: &str, expected: &str| {
        let (message, conflict) = refused(&store, body);
        assert_eq!(message, expected);
        assert_eq!(conflict, None);
        cosigned(&store, HONEST, 5, 5);
    };
    check("", "request has no blank line before its checkpoint");
    let other = HONEST.checkpoint(5).replace(ORIGIN, "log.example/2");
    check(
        &format!("old 0\n\n{other}"),
        "this witness does not know the log \"log.example/2\"",
    );
    let stranger = SigningKey::from_seed(ORIGIN, &[2; 32]).unwrap();
    let root = HONEST.root(6);
    let forged = Checkpoint::new(ORIGIN, 6, root).unwrap().sign(&[&stranger]);
    check(
        &format!("old 5\n\n{}", forged.unwrap()),
        "none of the 1 signatures is by a known key",
    );
    let edited = HONEST.checkpoint(6).replace("\n6\n", "\n7\n");
    let key_id: String = log_key().verifying_key().to_string();
    let key_id = key_id.split('+').nth(1).unwrap();
    check(
        &format!("old 5\n\n{edited}"),
        &format!("signature of known key {ORIGIN} ({key_id}) is bad"),
    );
    check(
        &format!("old 9\n\n{}", HONEST.checkpoint(6)),
        "old size 9 is over the size 6 of the checkpoint",
    );
    for old in [0, 4, 6] {
        check(
            &HONEST.request(old, 6),
            "the newest checkpoint that this witness has seen is of size 5",
        );
    }
}

#[test]
fn two_roots_of_one_size_are_evidence() {
    let tower = Tower::new();
    let store = tower.open();
    cosigned(&store, HONEST, 0, 5);
    let fork = TestLog { forked_at: 3 };
    let (_, conflict) = refused(&store, &fork.request(5, 5));
    let conflict = conflict.unwrap();
    assert!(conflict.is_proven);
    assert_eq!((conflict.seen_size, conflict.size), (5, 5));
    let file = tower.disk.read(&conflict.file.unwrap(), 1 << 16).unwrap();
    let file = String::from_utf8(file).unwrap();
    assert!(file.contains(&HONEST.root(5).to_string()), "{file}");
    assert!(file.contains(&fork.checkpoint(5)), "{file}");
    // The same contradiction rings once, another one again.
    assert_eq!(refused(&store, &fork.request(5, 5)).1, None);
    let (message, conflict) = refused(&store, &fork.request(5, 8));
    assert!(message.starts_with("root of size 5 is"), "{message}");
    assert!(!conflict.unwrap().is_proven);
    // A cut-off proof for the true history does not harm it.
    let body = format!("old 5\n\n{}", HONEST.checkpoint(8));
    assert!(!refused(&store, &body).1.unwrap().is_proven);
    cosigned(&store, HONEST, 5, 8);
    assert_eq!(logs(&tower.disk, Path::new(DIR)).unwrap()[0].conflicts, 3);
}

#[test]
fn evidence_has_a_limit() {
    let tower = Tower::new();
    let store = tower.open();
    cosigned(&store, HONEST, 0, 2);
    for size in 2..(CONFLICTS_KEPT_MAX as u64 + 2) {
        let (_, conflict) = refused(&store, &TestLog { forked_at: 1 }.request(2, size));
        assert!(conflict.unwrap().file.is_some());
    }
    let (_, conflict) = refused(&store, &TestLog { forked_at: 0 }.request(2, 2));
    assert_eq!(conflict.unwrap().file, None);
    let kept = logs(&tower.disk, Path::new(DIR)).unwrap()[0].conflicts;
    assert_eq!(kept, CONFLICTS_KEPT_MAX);
}

#[test]
fn of_two_forks_at_once_exactly_one_wins() {
    for round in 0..20 {
        let tower = Tower::on(CrashDisk::memory());
        let store = tower.open();
        cosigned(&store, HONEST, 0, 5);
        let fork = TestLog { forked_at: 6 };
        let start = Barrier::new(2);
        let bring = |log: TestLog| {
            start.wait();
            store.take(log.request(5, 9).as_bytes()).answer.is_ok()
        };
        let (honest, forked) = std::thread::scope(|scope| {
            let honest = scope.spawn(|| bring(HONEST));
            let forked = scope.spawn(|| bring(fork));
            (honest.join().unwrap(), forked.join().unwrap())
        });
        assert!(honest != forked, "round {round}: both or none was signed");
        let loser = if honest { fork } else { HONEST };
        assert_eq!(
            refused(&store, &loser.request(5, 9)).0,
            "the newest checkpoint that this witness has seen is of size 9"
        );
        assert!(refused(&store, &loser.request(9, 9)).1.unwrap().is_proven);
    }
}

#[test]
fn power_may_fail_at_every_operation() {
    let count = {
        let tower = Tower::new();
        let store = tower.open();
        cosigned(&store, HONEST, 0, 5);
        let before = tower.disk.operations();
        cosigned(&store, HONEST, 5, 9);
        tower.disk.operations() - before
    };
    assert!(0 < count);
    for cut in 1..=count {
        for survival in [Survival::Lost, Survival::Torn { seed: cut }, Survival::Kept] {
            let tower = Tower::new();
            let store = tower.open();
            cosigned(&store, HONEST, 0, 5);
            tower.disk.cut_power_at(cut);
            let answer = store.take(HONEST.request(5, 9).as_bytes()).answer;
            drop(store);
            let after = Tower::on(tower.disk.after_crash(survival));
            let store = after.open();
            let seen = logs(&after.disk, Path::new(DIR)).unwrap()[0].size.unwrap();
            // What was promised is remembered; what was not promised may be.
            assert!(
                seen == 9 || (seen == 5 && answer.is_err()),
                "cut {cut}: {seen}"
            );
            // The log asks again and is told from where, and no fork gets in between.
            let fork = TestLog { forked_at: 7 };
            if seen == 9 {
                assert!(refused(&store, &fork.request(9, 9)).1.unwrap().is_proven);
            }
            cosigned(&store, HONEST, seen, 12);
        }
    }
}

#[test]
fn a_state_that_was_touched_is_not_believed() {
    let tower = Tower::new();
    let store = tower.open();
    cosigned(&store, HONEST, 0, 5);
    drop(store);
    let path = Path::new(DIR).join(origin_hex(ORIGIN)).join("checkpoint");
    let state = String::from_utf8(tower.disk.read(&path, 1 << 16).unwrap()).unwrap();
    let check = |text: &str, expected: &str| {
        tower.disk.write_atomic(&path, text.as_bytes()).unwrap();
        let store = tower.open();
        let (message, _) = refused(&store, &HONEST.request(0, 5));
        assert!(message.contains(expected), "{message}");
    };
    check(&state.replace("\n5\n", "\n4\n"), "signature of known key");
    check(&HONEST.checkpoint(3), "does not hold our own cosignature");
    check("", "note has no blank line");
}

#[test]
fn a_log_that_asks_too_often_waits() {
    let tower = Tower::on(CrashDisk::memory());
    let store = tower.open();
    cosigned(&store, HONEST, 0, 5);
    for _ in 1..COSIGN_BURST {
        cosigned(&store, HONEST, 5, 5);
    }
    let body = HONEST.request(5, 6);
    assert!(
        refused(&store, &body)
            .0
            .starts_with("more cosignatures than")
    );
    tower
        .clock
        .advance(i64::try_from(COSIGN_PAUSE.as_nanos()).unwrap());
    cosigned(&store, HONEST, 5, 6);
    assert!(
        refused(&store, &HONEST.request(6, 7))
            .0
            .starts_with("more cosig")
    );
    // A clock that was set back does not lock the log out for as long.
    tower.clock.advance(-3_600_000_000_000);
    assert!(
        refused(&store, &HONEST.request(6, 7))
            .0
            .starts_with("more cosig")
    );
    tower
        .clock
        .advance(i64::try_from(COSIGN_PAUSE.as_nanos()).unwrap());
    cosigned(&store, HONEST, 6, 7);
}

#[test]
fn keys_and_logs_are_kept() {
    let tower = Tower::new();
    let dir = Path::new(DIR);
    let first = key_of(&tower.disk, dir, "w", &[3; 32]).unwrap();
    let again = key_of(&tower.disk, dir, "other", &[4; 32]).unwrap();
    assert_eq!(first.cosigner_key(), again.cosigner_key());
    let _store = tower.open();
    let other = SigningKey::from_seed(ORIGIN, &[5; 32]).unwrap();
    let error = add_log(&tower.disk, dir, &other.verifying_key()).unwrap_err();
    assert!(
        error.to_string().contains("give it a new origin"),
        "{error}"
    );
    // One folder, one process.
    let clock: Arc<dyn Clock> = Arc::<stdx::FakeClock>::clone(&tower.clock);
    assert!(Store::open(tower.disk(), clock, dir, witness_key()).is_err());
    assert_eq!(logs(&tower.disk, Path::new("/nowhere")).unwrap(), []);
}
