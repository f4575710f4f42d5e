//! Ids name the matter, not the moment.

use super::*;
use crate::testkit::{detection, rule};
use event::{GroupValue, RuleRef, Timestamp};
use std::sync::Arc;

#[test]
fn an_id_depends_on_rule_window_and_group_only() {
    let base = detection("bob", 5, 4);
    let id = alert_id(&base);
    assert_eq!(id.as_str(), "a-7e32694e46fdaed7", "golden: ids are stored");

    let mut later = detection("bob", 500, 900);
    later.ongoing = true;
    assert_eq!(alert_id(&later), id, "growth is the same alert");

    let mut other_window = base.clone();
    other_window.window_start = Timestamp(0);
    let mut other_rule = base.clone();
    other_rule.rule = Arc::new(RuleRef {
        id: "rule-2".to_owned(),
        ..rule()
    });
    let ids = [detection("eve", 5, 4), other_window, other_rule].map(|d| alert_id(&d));
    assert!(ids.iter().all(|other| *other != id));
    assert_ne!(ids[0], ids[1]);
}

#[test]
fn group_pairs_cannot_run_into_each_other() {
    let with = |pairs: &[(&str, &str)]| {
        let mut detection = detection("bob", 5, 4);
        detection.group = pairs
            .iter()
            .map(|(field, value)| GroupValue {
                field: (*field).to_owned(),
                value: (*value).to_owned(),
            })
            .collect();
        alert_id(&detection)
    };
    assert_ne!(with(&[("a", "bc")]), with(&[("ab", "c")]));
    assert_ne!(with(&[("a", "b"), ("c", "d")]), with(&[("a", "bcd")]));
    assert_eq!(
        with(&[("a", "b"), ("c", "d")]),
        with(&[("c", "d"), ("a", "b")])
    );
}

#[test]
fn texts_are_ids_prefixes_or_nothing() {
    let id = "a-0123456789abcdef";
    assert_eq!(AlertId::parse(id).unwrap().to_string(), id);
    for wrong in ["", "a-", "0123456789abcdef", "a-0123456789ABCDEF", "a-0"] {
        assert_eq!(AlertId::parse(wrong), None, "{wrong}");
    }
    assert_eq!(prefix_of("a-01").as_deref(), Some("a-01"));
    assert_eq!(prefix_of("01").as_deref(), Some("a-01"));
    for wrong in ["a", "a-%", "a-0", "zz", "a-0123456789abcdef0"] {
        assert_eq!(prefix_of(wrong), None, "{wrong}");
    }
}
