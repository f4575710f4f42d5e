//! The share of labelled attacks that is recognised, and how many honest values ring.

use std::collections::BTreeMap;
use std::io::Read as _;

use super::{encode, fixture, surest};
use crate::REPORT_MIN;

#[test]
fn labelled_parameters_are_told_apart() {
    let packed = std::fs::File::open(fixture("http_params.jsonl.gz")).unwrap();
    let mut rows = String::new();
    flate2::read::GzDecoder::new(packed)
        .read_to_string(&mut rows)
        .unwrap();
    let mut tally = BTreeMap::<String, (usize, usize)>::new();
    for row in rows.lines() {
        let row: serde_json::Value = serde_json::from_str(row).unwrap();
        let payload = row["payload"].as_str().unwrap();
        let kind = row["attack_type"].as_str().unwrap().to_owned();
        let found = surest("raw", &encode(payload));
        let rang = found
            .as_ref()
            .is_some_and(|(_, hit)| hit.confidence >= REPORT_MIN);
        if rang == (kind == "norm") {
            println!("{kind} {payload:?} {found:?}");
        }
        let tally = tally.entry(kind).or_default();
        tally.0 += usize::from(rang);
        tally.1 += 1;
    }
    println!("{tally:?}");
    let share = |kind: &str| {
        let (rang, all) = tally[kind];
        rang * 1000 / all
    };
    let attacks = tally.iter().filter(|(kind, _)| *kind != "norm");
    let (rang, all) = attacks.fold((0, 0), |sum, (_, one)| (sum.0 + one.0, sum.1 + one.1));
    assert_eq!(tally["norm"], (0, 12_870));
    assert!(rang * 1000 >= all * 985, "{tally:?}");
    for (kind, least) in [
        ("sqli", 985),
        ("xss", 960),
        ("path-traversal", 900),
        ("cmdi", 900),
    ] {
        assert!(share(kind) >= least, "{kind}: {tally:?}");
    }
}
