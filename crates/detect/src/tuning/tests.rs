//! Tuning on three small rules: what rings before and after.

use std::sync::Arc;

use event::{Entry, Index, ObservedAt, Severity};

use super::{Override, Scope, Tuning};
use crate::{Engine, EngineConfig, RuleFile, RuleSet};

const RULES: &str = "
title: Failed login
id: fail
name: fail
logsource: {category: any}
detection:
  s: {event.action: authn_login_fail}
  condition: s
level: low
---
title: Brute force
id: brute
code: D01
level: medium
thresholds: {failures: 3}
correlation:
  type: event_count
  rules: [fail]
  group-by: [user.name]
  timespan: 10m
  condition: {gte: 3}
---
title: Large amount
id: large
code: D15
level: high
thresholds: {amount: 1000}
logsource: {category: any}
detection:
  up: {txn.amount|gte: 1000}
  down: {txn.amount|lte: -1000}
  condition: up or down
";

fn load(tuning: &Tuning) -> (Arc<RuleSet>, Vec<String>) {
    let file = RuleFile {
        name: "rules.yml".to_owned(),
        text: RULES.to_owned(),
    };
    let (set, problems) = RuleSet::load_tuned(&[file], tuning, "tuning.toml");
    let messages = problems.into_iter().map(|problem| {
        assert_eq!(problem.file, "tuning.toml");
        problem.message
    });
    (Arc::new(set), messages.collect())
}

/// What rings, as `id/level`, when each of `bodies` comes `times` times.
fn rings(tuning: &Tuning, bodies: &[(usize, &str)]) -> Vec<String> {
    let (set, problems) = load(tuning);
    assert_eq!(problems, [""; 0]);
    let mut engine = Engine::new(set, EngineConfig::default());
    let mut entries = Vec::new();
    for (times, body) in bodies {
        for _ in 0..*times {
            let at = i64::try_from(entries.len()).unwrap() * 1_000_000_000;
            let index = Index(entries.len() as u64);
            entries.push(Entry::restored(index, ObservedAt(at), body).unwrap());
        }
    }
    let found = engine.apply(&entries);
    let rang = found.iter().filter(|found| !found.ongoing);
    rang.map(|found| format!("{}/{}", found.rule.id, found.rule.severity))
        .collect()
}

const FAIL: &str = r#"{"event.action":"authn_login_fail","user.name":"bob","service.name":"shop"}"#;
const AMOUNT: &str = r#"{"txn.amount":-1500,"service.name":"shop"}"#;

fn thresholds(values: &[(&str, u64)]) -> Vec<(String, u64)> {
    let owned = |(name, value): &(&str, u64)| ((*name).to_owned(), *value);
    values.iter().map(owned).collect()
}

fn shop(values: &[(&str, u64)], raise: Option<u64>) -> Scope {
    Scope {
        name: "shop".to_owned(),
        selection: vec![("service.name".to_owned(), vec!["shop".to_owned()])],
        thresholds: thresholds(values),
        raise,
    }
}

#[test]
fn a_threshold_moves_everywhere() {
    let mut tuning = Tuning::default();
    assert_eq!(
        rings(&tuning, &[(3, FAIL), (1, AMOUNT)]),
        ["brute/medium", "large/high"]
    );
    tuning.thresholds = thresholds(&[("failures", 5), ("amount", 2000)]);
    assert_eq!(rings(&tuning, &[(4, FAIL), (1, AMOUNT)]), [""; 0]);
    assert_eq!(rings(&tuning, &[(5, FAIL)]), ["brute/medium"]);
}

#[test]
fn a_scope_has_thresholds_of_its_own_and_blinds_nobody() {
    let tuning = Tuning {
        scopes: vec![shop(&[("failures", 6), ("amount", 2000)], None)],
        ..Tuning::default()
    };
    assert_eq!(rings(&tuning, &[(5, FAIL), (1, AMOUNT)]), [""; 0]);
    assert_eq!(rings(&tuning, &[(6, FAIL)]), ["brute@shop/medium"]);
    let elsewhere = FAIL.replace("shop", "bank");
    assert_eq!(rings(&tuning, &[(3, &elsewhere)]), ["brute/medium"]);
    let (amount, bare) = (AMOUNT.replace("1500", "2500"), r#"{"txn.amount":1000}"#);
    assert_eq!(
        rings(&tuning, &[(1, &amount), (1, bare)]),
        ["large@shop/high", "large/high"]
    );
}

#[test]
fn raising_multiplies_what_is_counted() {
    let tuning = Tuning {
        scopes: vec![shop(&[], Some(2))],
        ..Tuning::default()
    };
    assert_eq!(rings(&tuning, &[(5, FAIL)]), [""; 0]);
    assert_eq!(
        rings(&tuning, &[(6, FAIL), (1, AMOUNT)]),
        ["brute@shop/medium", "large/high"]
    );
}

#[test]
fn level_and_run_state_by_code() {
    let change = |rule: &str, enabled, level| Override {
        rule: rule.to_owned(),
        enabled,
        level,
    };
    let tuning = Tuning {
        overrides: vec![
            change("D01", None, Some(Severity::Critical)),
            change("large", Some(false), None),
        ],
        ..Tuning::default()
    };
    assert_eq!(
        rings(&tuning, &[(3, FAIL), (1, AMOUNT)]),
        ["brute/critical"]
    );
}

#[test]
fn mistakes_are_told_with_the_nearest_name() {
    let tuning = Tuning {
        thresholds: thresholds(&[("failure", 5)]),
        overrides: vec![Override {
            rule: "D99".to_owned(),
            ..Override::default()
        }],
        scopes: vec![Scope {
            name: "nowhere".to_owned(),
            raise: Some(2),
            ..Scope::default()
        }],
    };
    let (set, problems) = load(&tuning);
    assert_eq!(
        problems,
        [
            "there is no rule `D99` to change",
            "no rule has a threshold `failure`; did you mean `failures`?",
            "scope `nowhere` selects nothing",
        ]
    );
    assert_eq!(set.rules().len(), 3);
}
