//! The index never changes what matches, and hostile events and rules stay within their limits.

use event::{Event, Value, testkit};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use super::*;
use crate::RuleFile;

fn load(rules: &[String]) -> RuleSet {
    let files: Vec<RuleFile> = (0..)
        .zip(rules)
        .map(|(at, detection)| RuleFile {
            name: format!("{at}.yml"),
            text: format!("title: R{at}\nlogsource: {{category: any}}\ndetection: {detection}\n"),
        })
        .collect();
    let (set, problems) = RuleSet::load(&files);
    assert_eq!(problems, []);
    set
}

/// Every rule whose program holds, found without any index.
fn full_scan(set: &RuleSet, event: &Event) -> Vec<RuleNumber> {
    let mut scratch = Scratch::default();
    let mut matcher = Matcher::plain(&set.programs, event, &mut scratch);
    (0..)
        .zip(&set.rules)
        .map(|(number, _)| number)
        .filter(|number| matcher.holds(set.root(*number)))
        .collect()
}

const MODIFIERS: [&str; 14] = [
    "",
    "",
    "|contains",
    "|contains",
    "|startswith",
    "|endswith",
    "|contains|all",
    "|cased",
    "|contains|cased",
    "|endswith|cased",
    "|re",
    "|re|i",
    "|exists",
    "|neq",
];

fn value() -> impl Strategy<Value = &'static str> {
    select(vec![
        "ab", "abc", "Bc", "a*c", "*b?", "cab", "xyz", "\u{e9}", "\u{c9}", "\u{17f}", "S",
        "\u{130}", "1", "12", "a b", "ca", "b", "", "K", "zz9",
    ])
}

/// One detection item as YAML.
fn item() -> impl Strategy<Value = String> {
    (
        select(vec!["f", "g", "h"]),
        select(MODIFIERS.to_vec()),
        vec(value(), 1..4),
    )
        .prop_map(|(field, modifiers, values)| {
            if modifiers == "|exists" {
                return format!("'{field}|exists': {}", values[0] != "ab");
            }
            let literal = |value: &&str| match modifiers {
                "|re" | "|re|i" => format!("'{}b+x?'", value.replace(['*', '?', ' '], "b")),
                _ => format!("'{value}'"),
            };
            let values: Vec<String> = values.iter().map(literal).collect();
            format!("'{field}{modifiers}': [{}]", values.join(", "))
        })
}

fn rule() -> impl Strategy<Value = String> {
    let keywords = vec(select(vec!["ab", "Bc", "zz", "\u{e9} b", "k"]), 1..3);
    let condition = select(vec![
        "s",
        "s and t",
        "s or t",
        "s and not t",
        "1 of them",
        "all of them",
        "k",
        "k and s",
        "not s",
        "t and (s or k)",
        "k and not t",
        "2 of them",
    ]);
    (vec(item(), 1..3), vec(item(), 1..3), keywords, condition).prop_map(
        |(mut s, mut t, keywords, condition)| {
            for items in [&mut s, &mut t] {
                items.sort();
                items.dedup_by(|a, b| a.split(':').next() == b.split(':').next());
            }
            let keywords: Vec<String> = keywords.iter().map(|word| format!("'{word}'")).collect();
            let keywords = keywords.join(", ");
            format!(
                "{{s: {{{}}}, t: [{{{}}}], k: [{keywords}], condition: {condition}}}",
                s.join(", "),
                t.join("}, {")
            )
        },
    )
}

fn event() -> impl Strategy<Value = Event> {
    let text = vec(value(), 0..4).prop_map(|parts| parts.concat());
    let field = (select(vec!["f", "g", "h", "z"]), text, 0..8_u8);
    vec(field, 0..6).prop_map(|fields| {
        let mut event = Event::new();
        for (name, text, kind) in fields {
            match kind {
                0 => event.push_named(name, Value::Null, false),
                1 => event.push_named(name, Value::Int(12), false),
                2 => event.push_named(name, Value::Str(&text), true),
                _ => event.push_named(name, Value::Str(&text), false),
            }
        }
        event
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn the_index_finds_what_a_full_scan_finds(
        rules in vec(rule(), 1..24),
        events in vec(event(), 1..40),
    ) {
        let set = load(&rules);
        let mut sieve = Sieve::default();
        let mut matched = Vec::new();
        let expected: Vec<_> = events.iter().map(|event| full_scan(&set, event)).collect();
        // Often enough that the bucket is built anew from what it learned.
        for _ in 0..(2 * LESSON_FIRST as usize / events.len()) {
            for (event, expected) in events.iter().zip(&expected) {
                matched.clear();
                sieve.matches(&set, event, 0, &mut matched);
                let shown: Vec<_> = event.fields().collect();
                prop_assert_eq!(&matched, expected, "{:?} {:?}", rules, shown);
            }
        }
    }

    #[test]
    fn any_text_is_read_or_refused(text in "(title: T\n)?(detection:\n)?[ -~\n]{0,200}") {
        let (set, problems) = RuleSet::load(&[RuleFile { name: "t.yml".into(), text }]);
        prop_assert!(set.rules().is_empty() || problems.is_empty());
    }
}

fn everything() -> RuleSet {
    load(&[
        "{s: {f: '*'}, condition: s}".to_owned(),
        "{s: {f|contains: needle}, condition: s}".to_owned(),
        "{k: [needle], condition: k}".to_owned(),
        "{s: {f|re: '(a|b)*c'}, condition: s}".to_owned(),
        "{s: {f: x}, condition: not s}".to_owned(),
    ])
}

/// Checks which rules match and whether something was not looked at.
fn check(event: &Event, expected: &[RuleNumber], is_truncated: bool) {
    let mut matched = Vec::new();
    let spent = Sieve::default().matches(&everything(), event, 0, &mut matched);
    assert_eq!(matched, expected);
    assert_eq!(spent.is_truncated, is_truncated);
}

#[test]
fn a_value_of_ten_megabytes_is_cut_and_said() {
    let mut event = Event::new();
    let text = "a".repeat(10 * 1024 * 1024) + "needle";
    event.push_named("f", Value::Str(&text), false);
    check(&event, &[0, 4], true);
    let mut event = Event::new();
    event.push_named("f", Value::Str("needle"), false);
    check(&event, &[0, 1, 2, 4], false);
}

#[test]
fn an_event_of_a_hundred_thousand_fields_is_cut_and_said() {
    let mut event = Event::new();
    for _ in 0..100_000 {
        event.push_named("f", Value::Str("x"), true);
    }
    event.push_named("f", Value::Str("needle"), true);
    let mut matched = Vec::new();
    let spent = Sieve::default().matches(&everything(), &event, 0, &mut matched);
    assert!(spent.is_truncated);
    assert_eq!(matched, [0, 2]);
}

#[test]
fn an_own_entry_meets_its_own_rules_only() {
    let set = load(&["{s: {f: x}, condition: s}".to_owned()]);
    let mut matched = Vec::new();
    let mut sieve = Sieve::default();
    let event = testkit::event("belfry.source=self f=x");
    sieve.matches(&set, &event, 0, &mut matched);
    assert_eq!(matched, [0]);
}
