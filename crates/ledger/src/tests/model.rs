//! Random lives of a ledger against the simplest thing that could be one: a list of bodies.

use std::time::Duration;

use disk::Survival;
use event::Index;
use proptest::prelude::*;

use super::{House, bodies, events, signed_size, verified};

#[derive(Clone, Debug)]
enum Step {
    Append {
        source: u8,
        count: usize,
    },
    Read {
        from: u64,
        count: u64,
        bytes_max: usize,
    },
    Follow {
        from: u64,
    },
    Sign,
    Close,
    Kill,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        6 => (0..4_u8, 0..60_usize).prop_map(|(source, count)| Step::Append { source, count }),
        2 => (0..300_u64, 0..100_u64, 0..5000_usize)
            .prop_map(|(from, count, bytes_max)| Step::Read { from, count, bytes_max }),
        1 => (0..300_u64).prop_map(|from| Step::Follow { from }),
        1 => Just(Step::Sign),
        1 => Just(Step::Close),
        1 => Just(Step::Kill),
    ];
    proptest::collection::vec(step, 1..25)
}

fn check(steps: &[Step]) {
    let mut house = House::new();
    house.create().unwrap();
    let (mut ledger, _) = house.open().unwrap();
    let mut model = bodies(&ledger.reader());
    let mut sent = 0;
    for step in steps {
        let reader = ledger.reader();
        match *step {
            Step::Append { source, count } => {
                let batch = events(&format!("s{source}"), sent, count);
                sent += count;
                let texts: Vec<String> = batch.iter().map(|e| e.body().to_owned()).collect();
                let done = ledger.appender().append(batch).unwrap();
                for index in model.len() as u64..done.first.0 {
                    model.push(reader.entry(Index(index)).unwrap().body());
                }
                model.extend(texts);
                assert_eq!(done.tree_size.0, model.len() as u64);
            }
            Step::Read {
                from,
                count,
                bytes_max,
            } => {
                let entries = reader
                    .read(Index(from)..Index(from + count), bytes_max)
                    .unwrap();
                let end = (from + count).min(model.len() as u64);
                assert_eq!(entries.is_empty(), end <= from);
                for (index, entry) in (from..).zip(&entries) {
                    assert_eq!(entry.index(), Index(index));
                    assert_eq!(entry.body(), model[usize::try_from(index).unwrap()]);
                }
            }
            Step::Follow { from } => {
                let mut follower = reader.follow(Index(from));
                let mut next = from;
                while let Some(batch) = follower.next(Duration::ZERO).unwrap() {
                    for entry in batch.iter() {
                        assert_eq!(entry.body(), model[usize::try_from(next).unwrap()]);
                        next += 1;
                    }
                }
                assert_eq!(next, from.max(model.len() as u64));
            }
            Step::Sign => assert_eq!(signed_size(&reader), model.len() as u64),
            Step::Close => {
                ledger.close().unwrap();
                ledger = house.open().unwrap().0;
            }
            Step::Kill => {
                let disk = house.disk.after_crash(Survival::Lost);
                drop(ledger);
                house = House::on(disk);
                ledger = house.open().unwrap().0;
            }
        }
        assert_eq!(ledger.reader().tree_size().0, model.len() as u64);
    }
    assert_eq!(bodies(&ledger.reader()), model);
    ledger.close().unwrap();
    assert_eq!(verified(&house.disk).findings, []);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn behaves_like_a_list(steps in steps()) {
        check(&steps);
    }
}
