//! Detection semantics: a selection in Sigma against events in text.

use std::sync::Arc;

use event::testkit;

use crate::{Engine, EngineConfig, RuleFile, RuleSet};

fn load(text: &str) -> (RuleSet, Vec<String>) {
    let file = RuleFile {
        name: "t.yml".into(),
        text: text.into(),
    };
    let (set, problems) = RuleSet::load(&[file]);
    let problems = problems
        .into_iter()
        .map(|problem| format!("{}: {}", problem.line.unwrap_or(0), problem.message));
    (set, problems.collect())
}

/// Checks `detection` (YAML of the detection section, one line) against (event, matches) pairs.
fn check(detection: &str, events: &[(&str, bool)]) {
    let text = format!("title: T\nlogsource: {{category: any}}\ndetection: {detection}\n");
    let (set, problems) = load(&text);
    assert!(problems.is_empty(), "{problems:?}");
    let set = Arc::new(set);
    for (line, expected) in events {
        let mut engine = Engine::new(Arc::clone(&set), EngineConfig::default());
        let rang = !engine.apply(&testkit::entries(line)).is_empty();
        assert_eq!(rang, *expected, "{detection} on {line}");
        // The program alone, without index, says the same.
        let entries = testkit::entries(line);
        let explained = &crate::explain(&set, "T", &entries[0])[0];
        assert_eq!(
            explained.condition, *expected,
            "{detection} unindexed on {line}"
        );
    }
}

#[test]
fn literals_fold_case_and_numbers_meet_text() {
    check(
        "{s: {a: Foo}, condition: s}",
        &[
            ("a=foo", true),
            ("a=FOO", true),
            ("a=foobar", false),
            ("b=foo", false),
        ],
    );
    check(
        "{s: {a: 404}, condition: s}",
        &[("a=404", true), ("a=\"404\"", true), ("a=40", false)],
    );
    check("{s: {a: '404'}, condition: s}", &[("a=404", true)]);
    check(
        "{s: {a: [x, y]}, condition: s}",
        &[("a=[z,y]", true), ("a=[z,w]", false)],
    );
    check(
        "{s: {a|cased: Foo}, condition: s}",
        &[("a=Foo", true), ("a=foo", false)],
    );
    check(
        "{s: {a: \"\\xC9t\\xE9\"}, condition: s}",
        &[("a=\u{e9}T\u{c9}", true)],
    );
}

#[test]
fn parts_wildcards_and_escapes() {
    check(
        "{s: {a|contains: Oo}, condition: s}",
        &[("a=fOOd", true), ("a=fod", false)],
    );
    check(
        "{s: {a|startswith: fo}, condition: s}",
        &[("a=Food", true), ("a=afo", false)],
    );
    check(
        "{s: {a|endswith: od}, condition: s}",
        &[("a=foOD", true), ("a=odd", false)],
    );
    check(
        "{s: {a|contains|all: [ab, cd]}, condition: s}",
        &[("a=cdab", true), ("a=abc", false)],
    );
    check(
        "{s: {a: 'f*d?r'}, condition: s}",
        &[("a=foodar", true), ("a=foodr", false)],
    );
    check(
        "{s: {a: 'f\\*d'}, condition: s}",
        &[("a=f*d", true), ("a=food", false)],
    );
    check(
        "{s: {a: 'c:\\\\dir\\*'}, condition: s}",
        &[("a=c:\\dir*", true)],
    );
    check(
        "{s: {a: '*'}, condition: s}",
        &[("a=x", true), ("b=x", false)],
    );
    check(
        "{s: {a: ''}, condition: s}",
        &[("a=\"\"", true), ("a=x", false), ("b=x", false)],
    );
}

#[test]
fn other_modifiers() {
    check(
        "{s: {a|re: 'fo+$'}, condition: s}",
        &[("a=foo", true), ("a=FOO", false)],
    );
    check("{s: {a|re|i: 'fo+$'}, condition: s}", &[("a=FOO", true)]);
    check(
        "{s: {a|cidr: 10.0.0.0/8}, condition: s}",
        &[
            ("a=10.2.3.4", true),
            ("a=11.2.3.4", false),
            ("a=::ffff:10.1.1.1", true),
        ],
    );
    check(
        "{s: {a|gte: 10}, condition: s}",
        &[
            ("a=10", true),
            ("a=9", false),
            ("a=\"12.5\"", true),
            ("a=x", false),
            ("b=1", false),
        ],
    );
    check(
        "{s: {a|exists: true}, condition: s}",
        &[("a=x", true), ("b=x", false)],
    );
    check(
        "{s: {a|exists: false}, condition: s}",
        &[("a=x", false), ("b=x", true)],
    );
    check(
        "{s: {a: null}, condition: s}",
        &[("a=x", false), ("b=x", true)],
    );
    check(
        "{s: {a|neq: x}, condition: s}",
        &[("a=x", false), ("a=y", true), ("b=x", true)],
    );
    check(
        "{s: {a|fieldref: b}, condition: s}",
        &[("a=x b=X", true), ("a=x b=y", false)],
    );
    check(
        "{s: {a|windash|contains: ' -x'}, condition: s}",
        &[("a=\"cmd /x\"", true), ("a=\"cmd x\"", false)],
    );
    check(
        "{s: {a|base64offset|contains: foobar}, condition: s}",
        &[("a=xZvb2Jhcy", true)],
    );
    check(
        "{s: {'@timestamp|hour': 1}, condition: s}",
        &[("a=1 @t=3700s", true), ("a=1 @t=10s", false)],
    );
}

#[test]
fn weeks_are_those_of_iso_8601() {
    // 1970-01-01 was a Thursday; 1972-12-31 was the Sunday of week 52, 1977-01-01 lies in week 53.
    for (seconds, week) in [
        (10, 1),
        (4 * 86_400, 2),
        (94_608_000, 52),
        (220_924_800, 53),
    ] {
        check(
            &format!("{{s: {{'@timestamp|week': {week}}}, condition: s}}"),
            &[(&format!("a=1 @t={seconds}s"), true)],
        );
    }
}

#[test]
fn placeholders_stand_beside_the_rules() {
    let rule = "title: T\nlogsource: {category: any}\n\
                detection: {s: {a|expand: 'x-%Who%'}, condition: s}\n";
    let values = "# ours\nplaceholders:\n  Who: [bob, 'k*']\n";
    let file = |text: &str| RuleFile {
        name: "t.yml".into(),
        text: text.into(),
    };
    let (set, problems) = RuleSet::load(&[file(rule), file(values)]);
    assert_eq!(problems, []);
    assert_eq!(set.notes(), []);
    let mut engine = Engine::new(Arc::new(set), EngineConfig::default());
    for (line, rings) in [("a=x-bob", 1), ("a=x-kim", 1), ("a=x-ann", 0)] {
        assert_eq!(engine.apply(&testkit::entries(line)).len(), rings, "{line}");
    }
    let (set, _) = RuleSet::load(&[file(rule)]);
    assert!(set.notes()[0].message.contains("`%Who%` has no values"));
    let mut engine = Engine::new(Arc::new(set), EngineConfig::default());
    assert!(engine.apply(&testkit::entries("a=x-%Who%")).is_empty());
    let (_, problems) = RuleSet::load(&[file("placeholders: [a]\n")]);
    assert!(problems[0].message.contains("not a map"));
}

#[test]
fn conditions() {
    let three = "{sel_a: {a: x}, sel_b: {b: x}, fil: {c: x}, condition: ";
    let with = |condition: &str| format!("{three}{condition}}}");
    check(&with("1 of sel_*"), &[("b=x", true), ("c=x", false)]);
    check(&with("all of sel_*"), &[("a=x b=x", true), ("a=x", false)]);
    check(
        &with("all of them"),
        &[("a=x b=x c=x", true), ("a=x b=x", false)],
    );
    check(
        &with("sel_a and not fil"),
        &[("a=x", true), ("a=x c=x", false)],
    );
    check(&with("not fil"), &[("a=y", true), ("c=x", false)]);
    check(
        &with("(sel_a or sel_b) and not (fil and sel_a)"),
        &[("b=x c=x", true), ("a=x c=x", false)],
    );
    check(&with("2 of sel_*"), &[("a=x b=x", true), ("b=x", false)]);
}

#[test]
fn keywords_look_everywhere() {
    check(
        "{k: [Needle, hay], condition: k}",
        &[("z=aNEEDLEb", true), ("z=no", false)],
    );
    check(
        "{k: {'|all': [ab, cd]}, condition: k}",
        &[("x=ab y=cd", true), ("x=ab", false)],
    );
}

#[test]
fn derived_fields_read_like_any_other() {
    check(
        "{s: {url.decoded|contains: '<script'}, condition: s}",
        &[
            ("url.original=/?q=%253CScRipt%3E", true),
            ("url.path=/a", false),
        ],
    );
}

#[test]
fn community_web_rules_read_our_fields() {
    let text = "title: T\nlogsource: {category: webserver}\ndetection: {s: {cs-method: GET, \
                cs-uri-query|contains: /bin/sh, sc-status: 200}, condition: s}\n";
    let (set, problems) = load(text);
    assert!(problems.is_empty(), "{problems:?}");
    let mut engine = Engine::new(Arc::new(set), EngineConfig::default());
    let line = "http.request.method=GET url.original=/a?b=/bin/sh url.path=/a \
                http.response.status_code=200";
    assert_eq!(engine.apply(&testkit::entries(line)).len(), 1);
    let elsewhere = line
        .replace("url.path=/a", "")
        .replace("url.original", "note");
    assert_eq!(engine.apply(&testkit::entries(&elsewhere)).len(), 0);
}

#[test]
fn a_bad_document_is_listed_and_its_neighbours_load() {
    let good = "title: Good\nlogsource: {category: any}\ndetection: {s: {a: b}, condition: s}\n";
    let text = format!(
        "{good}---\ntitle: [broken\n---\n\ntitle: No condition\nlogsource: {{category: any}}\n\
         detection: {{s: {{a: b}}}}\n---\n{}---\ntitle: Lost\ncorrelation: {{type: event_count, \
         rules: [nobody], timespan: 1m, condition: {{gte: 1}}}}\n---\n{}",
        good.replace("Good", "Good too")
            .replace("a: b", "a|re: '('"),
        good.replace("Good", "Last")
    );
    let (set, problems) = load(&text);
    let titles: Vec<String> = set
        .rules()
        .iter()
        .map(|rule| rule.rule.title.clone())
        .collect();
    assert_eq!(titles, ["Good", "Last"]);
    let lines: Vec<&str> = problems
        .iter()
        .map(|p| p.split(':').next().unwrap())
        .collect();
    assert_eq!(lines, ["6", "8", "12", "16"], "{problems:#?}");
}

#[test]
fn refusals_name_the_reason() {
    let rule = |detection: &str| {
        format!("title: T\nlogsource: {{category: any}}\ndetection: {detection}\n")
    };
    let deep = format!("{}s{}", "(".repeat(10_000), ")".repeat(10_000));
    let bomb = "{s: {a|re: '((a{1000}){1000}){1000}'}, condition: s}";
    for (text, reason) in [
        (rule("{s: {a: b}, condition: t}"), "no selection"),
        (
            rule(&format!("{{s: {{a: b}}, condition: '{deep}'}}")),
            "Condition parse error",
        ),
        (rule(bomb), "regular expression"),
        (rule("{s: {a|cidr: x}, condition: s}"), "not a network"),
        (rule("{s: {a|gt: x}, condition: s}"), "not a number"),
        (rule("{s: {a|bogus: x}, condition: s}"), "bogus"),
        (
            rule(&format!(
                "{{s: {{a|windash: '{}'}}, condition: s}}",
                " -x".repeat(20)
            )),
            "more than",
        ),
        ("\u{0}\u{1}".to_owned(), ""),
        ("- a\n- b\n".to_owned(), "mapping"),
        (format!("title: T\nx: {}", "[".repeat(5_000)), ""),
    ] {
        let (set, problems) = load(&text);
        assert!(set.rules().is_empty());
        assert!(
            problems.iter().any(|p| p.contains(reason)),
            "{reason}: {problems:?}"
        );
    }
}
