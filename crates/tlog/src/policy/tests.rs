//! Policies: what satisfies them, what is wrong with them and in which line.

use std::fmt::Write as _;

use proptest::prelude::*;

use super::*;
use crate::{CosigningKey, EMPTY_ROOT, Note, SigningKey};

const ORIGIN: &str = "log.example/1";

fn log() -> SigningKey {
    SigningKey::from_seed(ORIGIN, &[1; 32]).unwrap()
}

fn cosigner(number: u8) -> CosigningKey {
    CosigningKey::from_seed(&format!("w{number}.example"), &[number; 32]).unwrap()
}

/// A policy of one log and witnesses a, b, c, d, followed by `more`.
fn policy(more: &str) -> Result<Policy, PolicyError> {
    let mut text = format!("# who must have looked\nlog {}\n", log().verifying_key());
    for (name, number) in [("a", 11), ("b", 12), ("c", 13), ("d", 14)] {
        let key = cosigner(number).cosigner_key();
        writeln!(text, "witness {name} {key} https://{name}.example/").unwrap();
    }
    Policy::parse(&(text + more))
}

#[test]
fn quorums() {
    let check = |more: &str, signed: &str, expected: bool| {
        let policy = policy(more).unwrap();
        let found = policy.is_satisfied(|witness| signed.contains(&witness.name));
        assert_eq!(found, expected, "{more} with {signed:?}");
        assert_eq!(Policy::parse(&policy.to_string()).unwrap(), policy);
    };
    check("quorum none", "", true);
    check("quorum b", "b", true);
    check("quorum b", "acd", false);
    check("group g any a b\nquorum g", "b", true);
    check("group g any a b\nquorum g", "cd", false);
    check("group g all a b c\nquorum g", "ab", false);
    check("group g all a b c\nquorum g", "abc", true);
    check(
        "group g 2 a b c # two of three\n\n  quorum  g  ",
        "ac",
        true,
    );
    check("group g 2 a b c\nquorum g", "ad", false);
    let nested = "group x any a b\ngroup y 2 b c d\ngroup both all x y\nquorum both";
    check(nested, "acd", true);
    check(nested, "bc", true);
    check(nested, "ab", false);
    check(nested, "cd", false);
}

#[test]
fn a_bad_policy_names_its_line() {
    let check = |more: &str, expected: &str| {
        assert_eq!(policy(more).unwrap_err().to_string(), expected, "{more}");
    };
    check(
        "",
        "policy has no line `quorum <name>`; `quorum none` asks for no witness",
    );
    check(
        "quorum nobody",
        "policy line 7: no line before defines `nobody`",
    );
    check(
        "quorum a\nquorum b",
        "policy line 8: there is a quorum already",
    );
    check(
        "quorum",
        "policy line 7: `quorum` does not have the words it needs",
    );
    check(
        "quorum a b",
        "policy line 7: `quorum` does not have the words it needs",
    );
    check(
        "quorun a",
        "policy line 7: `quorun` is none of log, witness, group, quorum",
    );
    check(
        "witness a",
        "policy line 7: `witness` does not have the words it needs",
    );
    check(
        "group g any\nquorum g",
        "policy line 7: the threshold must be any, all, or a number from 1 to the 0 members",
    );
    for threshold in ["0", "3", "-1", "most", "99999999999999999999"] {
        check(
            &format!("group g {threshold} a b"),
            "policy line 7: the threshold must be any, all, or a number from 1 to the 2 members",
        );
    }
    check("group g any a a", "policy line 7: `a` is listed twice");
    check(
        "group g any a g",
        "policy line 7: no line before defines `g`",
    );
    check("group a any b", "policy line 7: the name `a` is taken");
    check(
        "group none any b",
        "policy line 7: the name `none` is taken",
    );
}

#[test]
fn a_bad_key_or_too_much_of_it_names_its_line() {
    let check = |more: &str, expected: &str| {
        assert_eq!(policy(more).unwrap_err().to_string(), expected, "{more}");
    };
    let key = cosigner(11).cosigner_key();
    check(
        &format!("witness e {key}"),
        "policy line 7: this witness key is named twice",
    );
    let key = cosigner(15).cosigner_key();
    check(
        &format!("witness e {key} ftp://x"),
        "policy line 7: the address does not begin with https:// or http://",
    );
    check(
        &format!("witness e {key} http://x y"),
        "policy line 7: `y` follows where the line should end",
    );
    check(
        &format!("log {}", log().verifying_key()),
        "policy line 7: this log is named twice",
    );
    check(
        "log x",
        "policy line 7: public key does not have the parts name, key id and key",
    );
    check(
        &format!("log {key}"),
        "policy line 7: public key algorithm 0x04 is not Ed25519 (0x01)",
    );
    let none = Policy::parse("quorum none\n").unwrap_err();
    assert_eq!(none.to_string(), "policy has no line `log <vkey>`");
    let long = Policy::parse(&" ".repeat(POLICY_LEN_BYTES_MAX + 1)).unwrap_err();
    assert_eq!(
        long.to_string(),
        "policy of 262145 bytes is over the limit of 262144"
    );
    let mut many = String::new();
    for number in 0..POLICY_MEMBERS_MAX {
        writeln!(many, "group g{number} any a").unwrap();
    }
    check(&many, "policy line 515: more than 512 witnesses and groups");
}

#[test]
fn a_witness_of_an_unknown_kind_never_counts() {
    let unknown = "pq.example+01020304+BgcH";
    let policy = policy(&format!("witness pq {unknown}\nquorum pq")).unwrap();
    assert_eq!(policy.witnesses()[4].key, None);
    let foreign = cosigned(&[11, 12, 13, 14]);
    let judged = policy.judge(&foreign).unwrap();
    assert!(!judged.is_satisfied());
    assert_eq!(judged.cosignatures().count(), 4);
}

/// A checkpoint with the cosignatures of these witnesses.
fn cosigned(numbers: &[u8]) -> UnverifiedCheckpoint {
    let checkpoint = Checkpoint::new(ORIGIN, 0, EMPTY_ROOT).unwrap();
    let mut note = Note::new(&checkpoint.to_string()).unwrap();
    note.sign(&log());
    for number in numbers {
        let line = cosigner(*number).cosign(note.text(), 100 + u64::from(*number));
        note.add_signature(line.unwrap());
    }
    UnverifiedCheckpoint::parse(note.to_string().as_bytes()).unwrap()
}

#[test]
fn checkpoints_are_judged() {
    let policy = policy("group g 2 a b c\nquorum g").unwrap();
    let check = |numbers: &[u8], times: &[u64], is_satisfied: bool| {
        let judged = policy.judge(&cosigned(numbers)).unwrap();
        let found: Vec<u64> = judged.cosignatures().map(Cosignature::time_s).collect();
        assert_eq!(found, times);
        assert_eq!(judged.is_satisfied(), is_satisfied);
        assert_eq!(judged.checkpoint().size(), 0);
    };
    check(&[], &[], false);
    check(&[11, 14], &[111, 114], false);
    check(&[13, 11, 99], &[111, 113], true);
    // Twenty signature lines are no problem.
    check(&(11..31).collect::<Vec<u8>>(), &[111, 112, 113, 114], true);
}

#[test]
fn forged_checkpoints_are_refused() {
    let policy = policy("quorum none").unwrap();
    let good = cosigned(&[11]).to_string();
    let check = |text: &str, expected: &str| {
        let foreign = UnverifiedCheckpoint::parse(text.as_bytes()).unwrap();
        assert_eq!(policy.judge(&foreign).unwrap_err().to_string(), expected);
    };
    check(
        &good.replace("log.example/1\n0", "log.example/2\n0"),
        "policy has no log of origin \"log.example/2\"",
    );
    // A word about something else, by a witness of the policy.
    let elsewhere = cosigner(12).cosign("another text\n", 5).unwrap();
    let error = {
        let foreign = format!("{good}{elsewhere}\n");
        let foreign = UnverifiedCheckpoint::parse(foreign.as_bytes()).unwrap();
        policy.judge(&foreign).unwrap_err()
    };
    assert!(
        error
            .to_string()
            .starts_with("cosignature of w12.example ("),
        "{error}"
    );
    let stranger = cosigner(99).cosign("another text\n", 5).unwrap();
    let foreign = format!("{good}{stranger}\n");
    let foreign = UnverifiedCheckpoint::parse(foreign.as_bytes()).unwrap();
    assert!(policy.judge(&foreign).is_ok());
}

proptest! {
    #[test]
    fn foreign_policies_never_panic_and_print_back(
        lines in prop::collection::vec("(log|witness|group|quorum|#) ?[a-d g0-9+ ]{0,20}", 0..8),
        text in ".{0,200}",
    ) {
        for text in [lines.join("\n"), text] {
            if let Ok(read) = Policy::parse(&text) {
                prop_assert_eq!(Policy::parse(&read.to_string()).unwrap(), read);
            }
        }
        if let Ok(read) = policy(&lines.join("\n")) {
            prop_assert_eq!(Policy::parse(&read.to_string()).unwrap(), read);
        }
    }
}
