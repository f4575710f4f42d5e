//! Each check on a rule that has just this fault.

use super::lint;
use crate::RuleFile;

const GOOD: &str = "title: Login failed often
id: one
description: Somebody guesses.
level: medium
tags: [attack.t1110]
falsepositives: [A typing error]
logsource: {category: any}
detection:
  s: {event.action: authn_login_fail}
  condition: s
";

/// What the linter says, as `line check: message`.
fn check(text: &str, expected: &[&str]) {
    let file = RuleFile {
        name: "r.yml".to_owned(),
        text: text.to_owned(),
    };
    let told: Vec<String> = lint(&[file])
        .iter()
        .map(|finding| {
            let line = finding.line.unwrap_or(0);
            format!("{line} {}: {}", finding.check, finding.message)
        })
        .collect();
    assert_eq!(told, expected);
}

fn with(from: &str, to: &str) -> String {
    assert!(GOOD.contains(from));
    GOOD.replace(from, to)
}

#[test]
fn a_good_rule_is_quiet() {
    check(GOOD, &[]);
}

#[test]
fn what_is_missing_is_named() {
    check(
        &with(
            "description: Somebody guesses.\nlevel: medium\ntags: [attack.t1110]\n\
             falsepositives: [A typing error]\n",
            "",
        ),
        &[
            "1 no-description: Login failed often: no description",
            "1 no-level: Login failed often: no level: it counts as medium",
            "1 no-tags: Login failed often: no tags with an ATT&CK technique",
            "1 no-falsepositives: Login failed often: no falsepositives: \
             whoever is on call needs them",
        ],
    );
}

#[test]
fn a_mistyped_field_has_a_nearest_name() {
    check(
        &with("{event.action: authn", "{event.acton: authn"),
        &["1 unknown-field: unknown field `event.acton`; did you mean `event.action`?"],
    );
    check(
        &with("{event.action: authn", "{event.flavour: authn"),
        &["1 unknown-field: unknown field `event.flavour`: Belfry writes none of that name"],
    );
    check(
        &with("{event.action: authn", "{labels.anything: authn"),
        &[],
    );
}

#[test]
fn the_same_id_twice() {
    let twice = format!("{GOOD}---\n{}", GOOD.replace("often", "more often"));
    check(
        &twice,
        &["12 duplicate-id: Login failed more often: `one` is taken by the rule at r.yml:1"],
    );
}

#[test]
fn a_log_source_nobody_has() {
    check(
        &with("{category: any}", "{product: toaster}"),
        &[
            "1 unreachable: Login failed often: no record is recognised as its log source; \
             a sender must name it",
        ],
    );
}

#[test]
fn expressions_that_cost() {
    let rule = |pattern: &str| {
        with(
            "{event.action: authn_login_fail}",
            &format!("{{message|re: '{pattern}'}}"),
        )
    };
    let told = |reason: &str| {
        format!(
            "1 costly-regex: selection s: the expression on `message` {reason}; \
             put a `contains` beside it that every match must satisfy"
        )
    };
    check(
        &rule("[a-z]+\\d"),
        &[&told("holds no text that every match must have")],
    );
    check(
        &rule("ab.*cd.*ef.*gh.*ijk"),
        &[&told("has more than three open gaps")],
    );
    check(&rule("password.{1,20}"), &[]);
}

#[test]
fn thresholds_and_counts_that_nothing_reaches() {
    let correlation = |kind: &str, condition: &str, more: &str| {
        format!(
            "{GOOD}---\ntitle: Many\nid: 2\ndescription: x\nlevel: high\ntags: [attack.t1110]\n\
             falsepositives: [y]\n{more}correlation:\n  type: {kind}\n  rules: [one]\n  \
             group-by: [user.name]\n  timespan: 1h\n  condition: {condition}\n"
        )
    };
    check(&correlation("event_count", "{gte: 5}", ""), &[]);
    check(
        &correlation("event_count", "{gte: 5, lt: 3}", ""),
        &["12 never-reached: no number is at least 5 and at most 2"],
    );
    check(
        &correlation("value_count", "{gte: 5, field: user.name}", ""),
        &[
            "12 never-reached: counts distinct `user.name` and groups by it: \
             there is never more than one",
        ],
    );
    check(
        &correlation("event_count", "{gte: 5}", "thresholds: {many: 6}\n"),
        &["12 idle-threshold: threshold `many` of 6 stands nowhere in the rule"],
    );
}
