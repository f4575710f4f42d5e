//! Filters against rules and events in text.

use std::sync::Arc;

use event::testkit;

use crate::{Engine, EngineConfig, RuleFile, RuleSet};

const RULE: &str = "title: T\nid: r1\nname: one\nlogsource: {category: any}\n\
                    detection: {s: {a: x}, condition: s}\n";

fn load(filter: &str) -> (Arc<RuleSet>, Vec<String>) {
    let file = RuleFile {
        name: "t.yml".into(),
        text: format!("{RULE}---\n{filter}"),
    };
    let (set, problems) = RuleSet::load(&[file]);
    assert_eq!(problems, [], "{filter}");
    let notes = set.notes().iter().map(|note| note.message.clone());
    let notes = notes.collect();
    (Arc::new(set), notes)
}

/// Checks whether the rule rings for `line` beside `filter`, and how often the filter took it away.
fn check(filter: &str, line: &str, rings: bool, suppressed: u64) {
    let (set, _) = load(filter);
    let mut engine = Engine::new(set, EngineConfig::default());
    let rang = !engine.apply(&testkit::entries(line)).is_empty();
    let counted: u64 = engine.stats().exceptions.iter().map(|e| e.suppressed).sum();
    assert_eq!((rang, counted), (rings, suppressed), "{filter} on {line}");
}

fn filter(rules: &str, condition: &str, more: &str) -> String {
    format!(
        "title: F\nlogsource: {{category: any}}\nfilter: {{rules: {rules}, known: {{b: y}}, \
         condition: {condition}}}\n{more}"
    )
}

#[test]
fn a_filter_takes_away_and_is_counted() {
    for rules in ["any", "[r1]", "[one]"] {
        check(&filter(rules, "not known", ""), "a=x b=y", false, 1);
        check(&filter(rules, "not known", ""), "a=x b=z", true, 0);
        check(&filter(rules, "not known", ""), "a=w b=y", false, 0);
    }
    check(&filter("[other]", "not known", ""), "a=x b=y", true, 0);
    // Without `not` it keeps what it selects.
    check(&filter("any", "known", ""), "a=x b=y", true, 0);
    check(&filter("any", "known", ""), "a=x b=z", false, 1);
}

#[test]
fn a_filter_ends_after_its_day() {
    let until = filter("any", "not known", "expires: 1970-01-02\n");
    check(&until, "a=x b=y @t=172799s", false, 1);
    check(&until, "a=x b=y @t=172800s", true, 0);
}

#[test]
fn a_filter_is_for_its_log_source() {
    let other = filter("any", "not known", "").replace("category: any", "product: linux");
    check(&other, "a=x b=y", true, 0);
}

#[test]
fn what_looks_wrong_is_noted() {
    for (filter, expected) in [
        (
            filter("any", "known", "owner: me\nreason: r\n"),
            "keeps only what it selects",
        ),
        (
            filter("[gone]", "not known", "owner: me\nreason: r\n"),
            "narrows no rule",
        ),
        (filter("any", "not known", "reason: r\n"), "owner"),
    ] {
        let (_, notes) = load(&filter);
        assert!(
            notes.iter().any(|note| note.contains(expected)),
            "{expected}: {notes:?}"
        );
    }
    let (set, notes) = load(&filter(
        "any",
        "not known",
        "owner: me\nreason: r\nexpires: 2030-01-01\n",
    ));
    assert_eq!(notes, [""; 0]);
    let exception = &set.exceptions()[0];
    assert_eq!(exception.owner.as_deref(), Some("me"));
    assert_eq!(exception.rules, ["r1"]);
}

#[test]
fn a_date_that_is_none_is_refused() {
    let file = RuleFile {
        name: "t.yml".into(),
        text: filter("any", "not known", "expires: soon\n"),
    };
    let (_, problems) = RuleSet::load(&[file]);
    assert!(problems[0].message.contains("not a date"), "{problems:?}");
}
