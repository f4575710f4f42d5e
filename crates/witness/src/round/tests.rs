//! Rounds over several witnesses, and what their memories say at a start.

use std::sync::Arc;
use std::time::Duration;

use tlog::CosigningKey;

use super::*;
use crate::server::{Alarm, router};
use crate::standing::{self, Standing};
use crate::store::{Conflict, Store, add_log};
use crate::testkit::{DIR, HONEST, TestLog, Tower, log_key, serve};

/// A witness of its own name; `None` for one whose host is down.
fn witness(number: u8, is_up: bool) -> String {
    let key = CosigningKey::from_seed(&format!("w{number}.example"), &[number; 32]).unwrap();
    let vkey = key.cosigner_key();
    let url = if is_up {
        let tower = Tower::new();
        let dir = std::path::Path::new(DIR);
        add_log(&tower.disk, dir, &log_key().verifying_key()).unwrap();
        let clock: Arc<dyn stdx::Clock> = Arc::<stdx::FakeClock>::clone(&tower.clock);
        let store = Store::open(tower.disk(), clock, dir, key).unwrap();
        let alarm: Alarm = Arc::new(|_: &Conflict| {});
        format!("http://{}", serve(router(Arc::new(store), alarm)))
    } else {
        "http://127.0.0.1:1".to_owned()
    };
    format!("witness w{number} {vkey} {url}\n")
}

fn policy(witnesses: &[String], more: &str) -> Policy {
    let log = log_key().verifying_key();
    Policy::parse(&format!("log {log}\n{}{more}", witnesses.concat())).unwrap()
}

fn run(policy: &Policy, log: TestLog, size: u64, memory: &mut Memory) -> Round {
    let client = Client::new(Duration::from_secs(20));
    let proofs = |old: u64, new: u64| log.proof(old, new);
    Round::run(&client, policy, &log.checkpoint(size), memory, &proofs).unwrap()
}

#[test]
fn lines_are_combined_and_the_quorum_decides() {
    let witnesses = [witness(1, true), witness(2, true), witness(3, false)];
    let two = policy(&witnesses, "group g 2 w1 w2 w3\nquorum g\n");
    let mut memory = Memory::default();
    for size in [4, 5, 300] {
        let round = run(&two, HONEST, size, &mut memory);
        assert!(round.is_satisfied, "{:?}", round.answers);
        assert_eq!(round.size, size);
        let note = UnverifiedCheckpoint::parse(round.note.as_bytes()).unwrap();
        assert_eq!(note.note().signatures().len(), 3);
        assert_eq!(two.judge(&note).unwrap().cosignatures().count(), 2);
        let down = &round.answers[2];
        assert_eq!(down.0, "w3");
        assert!(matches!(down.1, Err(Fault::Unreachable(_))), "{down:?}");
    }
    let all = policy(&witnesses, "group g all w1 w2 w3\nquorum g\n");
    assert!(!run(&all, HONEST, 300, &mut memory).is_satisfied);
    // A rewritten log gets no word from anybody.
    let round = run(&two, TestLog { forked_at: 100 }, 400, &mut memory);
    assert!(!round.is_satisfied);
    let tampering = |answer: &Result<u64, Fault>| answer.as_ref().is_err_and(Fault::is_tampering);
    assert!(
        round.answers[..2]
            .iter()
            .all(|(_, answer)| tampering(answer))
    );
}

#[test]
fn witnesses_without_address_or_known_key_are_reported() {
    let unknown = "witness pq pq.example+01020304+BgcH http://127.0.0.1:1\n".to_owned();
    let key = CosigningKey::from_seed("w9", &[9; 32])
        .unwrap()
        .cosigner_key();
    let nowhere = format!("witness nowhere {key}\n");
    let policy = policy(&[unknown, nowhere], "quorum none\n");
    let round = run(&policy, HONEST, 4, &mut Memory::default());
    assert!(round.is_satisfied);
    let said: Vec<String> = round
        .answers
        .iter()
        .map(|(name, answer)| format!("{name} {}", answer.as_ref().unwrap_err()))
        .collect();
    assert_eq!(
        said,
        [
            "pq gave no good answer: its key is of a kind that is not checked here",
            "nowhere cannot be reached: the policy gives no address",
        ]
    );
}

#[test]
fn another_log_is_not_brought_around() {
    let policy = policy(&[], "quorum none\n");
    let client = Client::new(Duration::from_secs(1));
    let proofs = |_: u64, _: u64| Err("not asked".to_owned());
    let mut memory = Memory::default();
    for (text, expected) in [
        (
            HONEST
                .checkpoint(3)
                .replace("log.example/1\n", "log.example/2\n"),
            "no log of origin",
        ),
        (HONEST.checkpoint(3).replace("\n3\n", "\n4\n"), "is bad"),
        ("x".to_owned(), "no blank line"),
    ] {
        let error = Round::run(&client, &policy, &text, &mut memory, &proofs).unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
    }
}

#[test]
fn at_a_start_the_witnesses_know_better() {
    let witnesses = [witness(1, true), witness(2, false), witness(3, true)];
    let policy = policy(&witnesses, "quorum w1\n");
    let client = Client::new(Duration::from_secs(20));
    let check = |log: TestLog, ours: u64, expected: &str, is_tampering: bool| {
        let key = log_key().verifying_key();
        let root_at = |size: u64| Ok(log.root(size));
        let found = standing::ask_all(&client, &policy, &key, ours, &root_at);
        assert_eq!(found.len(), 3);
        assert_eq!(found[0].0, "w1");
        assert!(found[0].1.to_string().contains(expected), "{}", found[0].1);
        assert_eq!(found[0].1.is_tampering(), is_tampering);
        // Who is down says nothing against the log.
        assert!(matches!(
            found[1].1,
            Standing::Unknown(Fault::Unreachable(_))
        ));
        assert!(!found[1].1.is_tampering());
    };
    check(HONEST, 50, "has not seen this log yet", false);
    run(&policy, HONEST, 40, &mut Memory::default());
    check(
        HONEST,
        40,
        "has seen the first 40 entries, and they agree",
        false,
    );
    check(
        HONEST,
        50,
        "has seen the first 40 entries, and they agree",
        false,
    );
    let rolled = "has seen 40 entries under our signature, this ledger has 39: an older copy";
    check(HONEST, 39, rolled, true);
    check(HONEST, 0, "this ledger has 0", true);
    check(
        TestLog { forked_at: 39 },
        40,
        "the root of the first 40 entries was",
        true,
    );
    check(
        TestLog { forked_at: 39 },
        50,
        "has seen another history",
        true,
    );
    check(TestLog { forked_at: 41 }, 50, "and they agree", false);
}
