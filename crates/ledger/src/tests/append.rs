//! Append, read, follow, prove: the plain life of a ledger.

use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use event::{Entry, Index};

use super::{House, NOON_NS, ORIGIN, PATIENCE, bodies, events, signed_size};
use crate::{
    AppendError, Claim, CreateError, Ledger, OpenError, ProveError, Reader, Refused, verify_proof,
};

#[test]
fn a_batch_is_durable_readable_and_provable() {
    let (_house, ledger) = House::created();
    let reader = ledger.reader();
    let done = ledger.appender().append(events("web", 0, 3)).unwrap();
    // Genesis, registration of the source, then the events.
    assert_eq!((done.first, done.count, done.tree_size.0), (Index(2), 3, 5));
    let bodies = bodies(&reader);
    assert!(
        bodies[0].contains("ledger_created") && bodies[0].contains(ORIGIN),
        "{}",
        bodies[0]
    );
    assert!(
        bodies[1].contains("ledger_source_registered"),
        "{}",
        bodies[1]
    );
    assert!(bodies[4].contains("web-2"), "{}", bodies[4]);
    assert_eq!(reader.entry(Index(4)).unwrap().source(), "web");
    assert_eq!(reader.entry(Index(4)).unwrap().received().0, NOON_NS);
    assert_eq!(signed_size(&reader), 5);

    for index in 0..5 {
        let proof = reader.prove(Index(index)).unwrap();
        let proven = verify_proof(proof.as_bytes(), Claim::InProof, &reader.vkey()).unwrap();
        assert_eq!(proven.index, Index(index));
        assert_eq!(
            proven.body.as_ref(),
            bodies.get(usize::try_from(index).unwrap())
        );
        let bare = reader.prove_without_body(Index(index)).unwrap();
        let entry = reader.entry_bytes(Index(index)).unwrap();
        let claim = Claim::Beside {
            entry: &entry,
            salt_and_body: &[],
        };
        assert!(verify_proof(bare.as_bytes(), claim, &reader.vkey()).is_ok());
    }
    assert!(matches!(
        reader.prove(Index(5)),
        Err(ProveError::NotSignedYet {
            index: Index(5),
            signed: 5
        })
    ));
}

#[test]
fn survives_closing_and_opening() {
    let (house, ledger) = House::created();
    let appender = ledger.appender();
    for round in 0..40 {
        appender.append(events("web", round * 10, 10)).unwrap();
        appender.append(events("ssh", round, 1)).unwrap();
    }
    let before = bodies(&ledger.reader());
    let vkey = ledger.reader().vkey();
    ledger.close().unwrap();
    assert!(matches!(
        appender.submit(Vec::new(), Box::new(|_| {})),
        Err(Refused::Closed)
    ));
    let (ledger, recovery) = house.open().unwrap();
    assert_eq!(recovery.cut, None);
    assert_eq!(recovery.replayed, 0, "a clean end leaves nothing to replay");
    assert_eq!(bodies(&ledger.reader()), before);
    assert_eq!(ledger.reader().vkey(), vkey);
    let more = ledger.appender().append(events("web", 400, 1)).unwrap();
    assert_eq!(
        more.first.0,
        before.len() as u64,
        "the source is known already"
    );
    assert_eq!(signed_size(&ledger.reader()), before.len() as u64 + 1);
}

#[test]
fn large_batches_span_frames_and_segments() {
    let (house, ledger) = House::created();
    let reader = ledger.reader();
    let done = ledger.appender().append(events("web", 0, 70_000)).unwrap();
    assert_eq!(done.count, 70_000);
    assert_eq!(done.tree_size.0, 70_002);
    assert_eq!(signed_size(&reader), 70_002);
    assert!(2 < reader.stats().frames());
    for index in [0, 1, 255, 256, 257, 65_535, 65_536, 70_001] {
        let proof = reader.prove(Index(index)).unwrap();
        verify_proof(proof.as_bytes(), Claim::InProof, &reader.vkey()).unwrap();
    }
    ledger.close().unwrap();
    let (ledger, _) = house.open().unwrap();
    assert!(bodies(&ledger.reader())[70_001].contains("web-69999"));
}

#[test]
fn followers_see_everything_once_in_order() {
    let (_house, ledger) = House::created();
    let appender = ledger.appender();
    let follow = |reader: Reader, from: u64| {
        thread::spawn(move || {
            let mut follower = reader.follow(Index(from));
            let mut seen = Vec::new();
            while follower.cursor() < Index(2_002) {
                if let Some(batch) = follower.next(PATIENCE).unwrap() {
                    seen.extend(batch.iter().map(Entry::index));
                }
            }
            assert_eq!(follower.lag(), 0);
            seen
        })
    };
    let early = follow(ledger.reader(), 0);
    for round in 0..200 {
        appender.append(events("web", round * 10, 10)).unwrap();
    }
    let late = follow(ledger.reader(), 7);
    let all: Vec<Index> = (0..2_002).map(Index).collect();
    assert_eq!(early.join().unwrap(), all);
    assert_eq!(late.join().unwrap(), all[7..]);
    let mut idle = ledger.reader().follow(Index(2_002));
    assert!(idle.next(Duration::from_millis(5)).unwrap().is_none());
}

#[test]
fn a_follower_that_falls_behind_reads_from_disk() {
    let house = House::new();
    house.create().unwrap();
    let mut config = house.config.clone();
    config.live_bytes_max = 1000;
    let (ledger, _) = crate::Ledger::open(house.disk(), house.clock(), &config).unwrap();
    for round in 0..50 {
        ledger
            .appender()
            .append(events("web", round * 10, 10))
            .unwrap();
    }
    let mut follower = ledger.reader().follow(Index(0));
    let mut next = 0;
    while let Some(batch) = follower.next(Duration::ZERO).unwrap() {
        for entry in batch.iter() {
            assert_eq!(entry.index().0, next);
            next += 1;
        }
    }
    assert_eq!(next, 502);
}

#[test]
fn many_senders_share_frames() {
    let (_house, ledger) = House::created();
    let threads: Vec<_> = (0..4)
        .map(|sender| {
            let appender = ledger.appender();
            thread::spawn(move || {
                for number in 0..50 {
                    let done = appender
                        .append(events(&format!("s{sender}"), number, 1))
                        .unwrap();
                    assert!(done.first < done.tree_size.next_index());
                }
            })
        })
        .collect();
    for thread in threads {
        thread.join().unwrap();
    }
    assert_eq!(bodies(&ledger.reader()).len(), 1 + 4 + 200);
}

#[test]
fn the_queue_is_bounded() {
    let house = House::new();
    house.create().unwrap();
    let mut config = house.config.clone();
    config.queue_bytes_max = 10_000;
    let (ledger, _) = crate::Ledger::open(house.disk(), house.clock(), &config).unwrap();
    let appender = ledger.appender();
    let (hold, held) = mpsc::channel::<()>();
    // The first batch holds the sequencer in its callback, so that the queue fills.
    appender
        .submit(events("web", 0, 1), Box::new(move |_| held.recv().unwrap()))
        .unwrap();
    let refused = (0..10_000).find_map(|number| {
        appender
            .submit(events("web", number, 1), Box::new(|_| {}))
            .err()
    });
    assert!(
        matches!(
            refused,
            Some(Refused::Busy {
                queue_bytes_max: 10_000,
                ..
            })
        ),
        "{refused:?}"
    );
    assert!(appender.queued_bytes() <= 10_000);
    assert_eq!(ledger.reader().stats().refused(), 1);
    hold.send(()).unwrap();
    ledger.close().unwrap();
    assert_eq!(appender.queued_bytes(), 0);
}

#[test]
fn a_clock_that_goes_back_does_not() {
    let (house, ledger) = House::created();
    let received = |index: u64| ledger.reader().entry(Index(index)).unwrap().received().0;
    ledger.appender().append(events("web", 0, 1)).unwrap();
    house.clock.advance(-3_600_000_000_000);
    ledger.appender().append(events("web", 1, 1)).unwrap();
    house.clock.set(-5);
    ledger.appender().append(events("web", 2, 1)).unwrap();
    assert_eq!([received(2), received(3), received(4)], [NOON_NS; 3]);
    ledger.close().unwrap();
    let (ledger, _) = house.open().unwrap();
    ledger.appender().append(events("web", 3, 1)).unwrap();
    assert_eq!(
        ledger.reader().entry(Index(5)).unwrap().received().0,
        NOON_NS
    );
}

#[test]
fn there_is_one_writer_and_many_readers() {
    let (house, ledger) = House::created();
    assert!(matches!(house.open(), Err(OpenError::InUse { .. })));
    assert!(matches!(house.create(), Err(CreateError::Exists { .. })));
    let foreign = Reader::open(house.disk(), &house.config.dir).unwrap();
    assert_eq!(foreign.tree_size().0, 1);
    let mut follower = foreign.follow(Index(0));
    for round in 0..300 {
        ledger.appender().append(events("web", round, 1)).unwrap();
    }
    assert_eq!(foreign.tree_size().0, 302);
    assert_eq!(bodies(&foreign), bodies(&ledger.reader()));
    assert_eq!(follower.next(Duration::ZERO).unwrap().unwrap().len(), 302);
    assert_eq!(signed_size(&ledger.reader()), 302);
    assert_eq!(foreign.checkpoint(), ledger.reader().checkpoint());
    let proof = foreign.prove(Index(300)).unwrap();
    verify_proof(proof.as_bytes(), Claim::InProof, &foreign.vkey()).unwrap();
    drop(ledger);
    house.open().unwrap();
}

#[test]
fn nothing_is_made_by_opening() {
    let house = House::new();
    assert!(matches!(house.open(), Err(OpenError::Missing { .. })));
    assert!(house.disk.files().is_empty());
    let mut other = House::on(house.disk.clone());
    house.create().unwrap();
    other.config.origin = "log.example/other/1".to_owned();
    assert!(matches!(other.open(), Err(OpenError::Origin { .. })));
    other.config.dir = "/data/second".into();
    other.config.origin = "has space".to_owned();
    assert!(matches!(other.create(), Err(CreateError::Config(_))));
}

#[test]
fn a_panic_in_the_sequencer_poisons_and_closing_still_ends() {
    let (house, ledger) = House::created();
    let appender = ledger.appender();
    let reader = ledger.reader();
    appender
        .submit(
            events("web", 0, 1),
            Box::new(|_| panic!("a broken callback")),
        )
        .unwrap();
    let refused = (0..).find_map(|number| appender.append(events("web", number, 1)).err());
    let is_poisoned = matches!(
        refused,
        Some(AppendError::Poisoned { .. } | AppendError::Refused(Refused::Poisoned { .. }))
    );
    assert!(is_poisoned, "{refused:?}");
    assert!(ledger.close().is_err());
    assert!(reader.is_closed());
    let durable = bodies(&reader);
    assert!(3 <= durable.len(), "what was durable stays readable");
    let (ledger, _) = house.open().unwrap();
    assert_eq!(bodies(&ledger.reader()), durable);
}

#[test]
fn first_starts_at_once_make_one_ledger() {
    let house = House::new();
    let start = |number: usize| {
        let (disk, clock, config) = (house.disk(), house.clock(), house.config.clone());
        std::thread::spawn(move || {
            let end = std::time::Instant::now() + PATIENCE;
            loop {
                assert!(
                    std::time::Instant::now() < end,
                    "start {number} waits in vain"
                );
                std::thread::yield_now();
                match Ledger::create(Arc::clone(&disk), Arc::clone(&clock), &config) {
                    Ok(()) | Err(CreateError::Exists { .. }) => {}
                    Err(error) if error.is_locked() => continue,
                    Err(error) => panic!("{error}"),
                }
                match Ledger::open(Arc::clone(&disk), Arc::clone(&clock), &config) {
                    Ok((ledger, _)) => {
                        ledger.appender().append(events("web", number, 1)).unwrap();
                        return ledger.reader().vkey();
                    }
                    Err(error) => assert!(error.is_locked(), "{error}"),
                }
            }
        })
    };
    let starts: Vec<_> = (0..4).map(start).collect();
    let keys: Vec<String> = starts
        .into_iter()
        .map(|start| start.join().unwrap())
        .collect();
    assert!(keys.iter().all(|key| *key == keys[0]), "{keys:?}");
    let report = super::verified(&house.disk);
    assert_eq!((report.findings, report.tree_size), (Vec::new(), 6));
}

#[test]
fn a_ledger_that_lost_its_identity_is_not_touched() {
    let (house, ledger) = House::created();
    ledger.appender().append(events("web", 0, 3)).unwrap();
    ledger.close().unwrap();
    for lost in [
        &["identity"][..],
        &["identity", "signed.state"],
        &["identity", "signed.state", "checkpoint", "resume.state"],
        &["identity", "signed.state", "wal/00000000.seg"],
    ] {
        let house = House::on(house.disk.fork());
        for name in lost {
            disk::Disk::remove(&house.disk, &super::path(name)).unwrap();
        }
        let before = house.disk.files();
        let created = house.create();
        assert!(
            matches!(created, Err(CreateError::Unfinished { .. })),
            "{lost:?}"
        );
        let opened = house.open().err();
        assert!(
            matches!(opened, Some(OpenError::Unfinished { .. })),
            "{lost:?}"
        );
        assert_eq!(house.disk.files(), before, "{lost:?}");
    }
}

#[test]
fn a_printed_chain_of_causes_repeats_nothing() {
    let (house, ledger) = House::created();
    ledger.close().unwrap();
    house.disk.flip(&super::path("identity"), 0, 1);
    let error = house.open().unwrap_err();
    assert!(error.to_string().contains("does not begin with"), "{error}");
    assert!(std::error::Error::source(&error).is_none(), "{error:?}");
}
