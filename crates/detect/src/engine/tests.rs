//! Correlations on event time: the eight defects of other engines, chains, and a brute-force
//! reference under shuffled arrival.

use event::testkit;
use event::{Entry, ObservedAt, Timestamp};
use proptest::prelude::*;

use super::*;
use crate::RuleFile;

/// Base rules `fail` and `ok` per user, before the correlation under test.
const BASE: &str = "
title: Fail
name: fail
logsource: {category: any}
detection: {s: {event.action: fail}, condition: s}
---
title: Ok
name: ok
logsource: {category: any}
detection: {s: {event.action: ok}, condition: s}
---
title: Denied
name: denied
logsource: {category: any}
detection: {s: {event.action: denied}, condition: s}
";

fn set(correlation: &str) -> Arc<RuleSet> {
    let text = format!("{BASE}---\n{correlation}");
    let file = RuleFile {
        name: "test.yml".into(),
        text,
    };
    let (set, problems) = RuleSet::load(&[file]);
    assert_eq!(problems, [], "the rules of a test load");
    Arc::new(set)
}

fn engine(correlation: &str) -> Engine {
    Engine::new(set(correlation), EngineConfig::default())
}

/// `ongoing` is shown as `+`, the group's values are joined by `,`.
fn show(detections: &[Detection]) -> Vec<String> {
    let show = |found: &Detection| {
        let group: Vec<&str> = found.group.iter().map(|part| part.value.as_str()).collect();
        let plus = if found.ongoing { "+" } else { "" };
        format!(
            "{}{plus} {} x{} @{}..{}",
            found.rule.title,
            group.join(","),
            found.count,
            found.first.0 / 1_000_000_000,
            found.last.0 / 1_000_000_000,
        )
    };
    detections.iter().map(show).collect()
}

fn check(correlation: &str, lines: &str, expected: &[&str]) {
    let detections = engine(correlation).apply(&testkit::entries(lines));
    let shown: Vec<String> = show(&detections)
        .into_iter()
        .filter(|shown| own(shown))
        .collect();
    assert_eq!(shown, expected, "on {lines}");
}

/// Base rules that no correlation under test refers to ring for themselves.
fn own(shown: &str) -> bool {
    !["Fail", "Ok", "Denied"]
        .iter()
        .any(|base| shown.starts_with(base))
}

const THREE_FAILS: &str = "
title: Three
correlation:
  type: event_count
  rules: [fail]
  group-by: [user.name]
  timespan: 60s
  condition: {gte: 3}
";

fn fails(user: &str, seconds: &[i64]) -> String {
    let line = |at: &i64| format!("event.action=fail user.name={user} @t={at}s\n");
    seconds.iter().map(line).collect()
}

#[test]
fn events_older_than_the_window_do_not_count() {
    check(THREE_FAILS, &fails("bob", &[0, 700, 710]), &[]);
    check(THREE_FAILS, &fails("bob", &[700, 100, 710]), &[]);
    check(THREE_FAILS, &fails("bob", &[0, 30, 60]), &[]);
    check(
        THREE_FAILS,
        &fails("bob", &[0, 30, 59]),
        &["Three bob x3 @0..59"],
    );
}

#[test]
fn a_time_in_the_far_future_neither_wipes_nor_fires() {
    let mut entries = testkit::entries(&fails("bob", &[100, 110, 2_000_000_000, 120]));
    let forged = entries.remove(2);
    let body = forged.body();
    let received = ObservedAt(115_000_000_000);
    entries.insert(2, Entry::restored(forged.index(), received, &body).unwrap());
    let mut engine = engine(THREE_FAILS);
    let detections = engine.apply(&entries);
    // The forged one counts at the time it was received.
    assert_eq!(show(&detections), ["Three bob x3 @100..115"]);
    assert_eq!(engine.stats().clock_suspect, 1);
}

#[test]
fn order_is_by_time_and_not_by_arrival_or_second() {
    const CHAIN: &str = "
title: Chain
correlation:
  type: temporal_ordered
  rules: [fail, ok]
  group-by: [user.name]
  timespan: 60s
";
    let at = |action: &str, at: &str| format!("event.action={action} user.name=bob @t={at}s\n");
    let before = at("ok", "10.1") + &at("fail", "10.7");
    check(CHAIN, &before, &[]);
    let after = at("fail", "10.1") + &at("ok", "10.7");
    check(CHAIN, &after, &["Chain bob x2 @10..10"]);
    let late = at("ok", "10.7") + &at("fail", "10.1");
    check(CHAIN, &late, &["Chain bob x2 @10..10"]);
    let apart = at("fail", "10") + &at("ok", "70");
    check(CHAIN, &apart, &[]);
}

#[test]
fn a_window_rings_once_and_at_each_doubling() {
    let seconds: Vec<i64> = (0..20).collect();
    check(
        THREE_FAILS,
        &fails("bob", &seconds),
        &[
            "Three bob x3 @0..2",
            "Three+ bob x6 @0..5",
            "Three+ bob x12 @0..11",
        ],
    );
}

#[test]
fn groups_are_apart_and_a_missing_key_does_not_count() {
    let lines = fails("bob", &[0, 1]) + &fails("eve", &[2, 3]) + "event.action=fail @t=4s\n";
    check(THREE_FAILS, &lines, &[]);
    check(
        THREE_FAILS,
        &fails("Bob", &[0, 1]).repeat(2),
        &["Three bob x3 @0..1"],
    );
}

#[test]
fn a_key_flood_does_not_evict_a_group_on_its_way() {
    const HOUR: &str = "
title: Three
correlation:
  type: event_count
  rules: [fail]
  group-by: [user.name]
  timespan: 1h
  condition: {gte: 3}
";
    let mut lines = fails("victim", &[0, 1]);
    for n in 0..5_000 {
        lines += &fails(&format!("fresh{n}"), &[2 + n / 10]);
    }
    lines += &fails("victim", &[1_000]);
    let config = EngineConfig {
        state_bytes_max: 256 * 1024,
        ..EngineConfig::default()
    };
    let mut engine = Engine::new(set(HOUR), config);
    let detections = engine.apply(&testkit::entries(&lines));
    assert_eq!(show(&detections).len(), 1);
    let stats = engine.stats();
    let rule = stats.rules.last().unwrap();
    assert!(
        rule.evictions > 0 && rule.state_bytes <= 256 * 1024,
        "{rule:?}"
    );
}

#[test]
fn distinct_values_survive_a_flood_of_one() {
    const SPRAY: &str = "
title: Spray
correlation:
  type: value_count
  rules: [fail]
  group-by: [source.ip]
  timespan: 1h
  condition: {gte: 4, field: user.name}
";
    let line = |user: &str, at: usize| {
        format!("event.action=fail source.ip=\"2001:db8::{at}\" user.name={user} @t={at}s\n")
    };
    let mut lines = line("a", 0) + &line("b", 1) + &line("c", 2);
    for at in 3..3_000 {
        lines += &line("a", at);
    }
    lines += &line("d", 3_000);
    check(SPRAY, &lines, &["Spray 2001:db8::/64 x4 @1..3000"]);
}

#[test]
fn a_correlation_may_stand_on_another() {
    const TAKEN: &str = "
title: Several
name: several
correlation:
  type: event_count
  rules: [fail]
  group-by: [user.name]
  timespan: 10m
  condition: {gte: 3}
---
title: Taken
correlation:
  type: temporal_ordered
  rules: [several, ok]
  group-by: [who]
  timespan: 10m
  aliases:
    who: {several: user.name, ok: user.name}
";
    let ok = "event.action=ok user.name=bob @t=200s\n";
    let lines = fails("bob", &[0, 1, 2]) + ok;
    check(TAKEN, &lines, &["Taken bob x2 @0..200"]);
    check(TAKEN, &(fails("bob", &[0, 1]) + ok), &[]);
    check(TAKEN, &(fails("eve", &[0, 1, 2]) + ok), &[]);
    let detections = engine(TAKEN).apply(&testkit::entries(&lines));
    let evidence: Vec<u64> = detections[0].evidence.iter().map(|index| index.0).collect();
    assert_eq!(evidence, [0, 1, 2, 3]);
}

#[test]
fn generate_lets_members_ring_too() {
    let rule = THREE_FAILS.to_owned() + "generate: true\n";
    let detections = engine(&rule).apply(&testkit::entries(&fails("bob", &[0, 1, 2])));
    assert_eq!(detections.len(), 4);
    let quiet = engine(THREE_FAILS).apply(&testkit::entries(&fails("bob", &[0, 1])));
    assert!(quiet.is_empty());
}

#[test]
fn one_event_may_ring_once_per_cooldown() {
    const SINGLE: &str = "
title: Single
cooldown: 10m
logsource: {category: any}
detection: {s: {event.action: upload}, condition: s}
";
    let lines = |ats: &[i64]| -> String {
        let line = |at: &i64| format!("event.action=upload source.ip=\"10.0.0.1\" @t={at}s\n");
        ats.iter().map(line).collect()
    };
    check(
        SINGLE,
        &lines(&[0, 10, 20, 2_000]),
        &[
            "Single 10.0.0.1 x1 @0..0",
            "Single+ 10.0.0.1 x2 @0..10",
            "Single 10.0.0.1 x1 @2000..2000",
        ],
    );
}

#[test]
fn the_window_to_replay_covers_chains() {
    let span = engine(THREE_FAILS).window_max();
    assert_eq!(span, Duration::from_mins(1 + 2 + 5));
}

/// Satisfied ends by re-scanning everything for every end.
fn naive(kind: usize, points: &[(i64, u64, usize)], span: i64) -> Vec<(i64, u64)> {
    let mut sorted = points.to_vec();
    sorted.sort_unstable();
    let mut ends = Vec::new();
    for (place, end) in sorted.iter().enumerate() {
        let inside: Vec<&(i64, u64, usize)> = sorted[..=place]
            .iter()
            .filter(|point| point.0 > end.0 - span)
            .collect();
        let tags = |wanted: usize| inside.iter().any(|point| point.2 == wanted);
        let holds = match kind {
            0 => inside.len() >= 4,
            1 => (0..3).filter(|tag| tags(*tag)).count() >= 3,
            2 => tags(0) && tags(1) && tags(2),
            _ => {
                end.2 == 2
                    && inside.iter().enumerate().any(|(at, point)| {
                        point.2 == 0 && inside[at..].iter().any(|later| later.2 == 1)
                    })
            }
        };
        if holds {
            ends.push((end.0, end.1));
        }
    }
    ends
}

fn goals() -> [Goal; 4] {
    [
        Goal::Count(vec![(Comparison::Gte, 4)]),
        Goal::Distinct(vec![(Comparison::Gte, 3)]),
        Goal::Steps {
            count: 3,
            ordered: false,
        },
        Goal::Steps {
            count: 3,
            ordered: true,
        },
    ]
}

proptest! {
    #[test]
    fn windows_agree_with_a_rescan_in_any_order_within_lateness(
        raw in prop::collection::vec((0_i64..60, 0_usize..3, 0_i64..15), 1..60),
        kind in 0_usize..4,
    ) {
        // Arrival is by time plus a delay below the lateness; indices follow arrival.
        let mut arriving: Vec<(i64, i64, usize)> =
            raw.iter().map(|(at, tag, delay)| (at + delay, *at, *tag)).collect();
        arriving.sort_unstable();
        let points: Vec<(i64, u64, usize)> =
            (0..).zip(&arriving).map(|(index, (_, at, tag))| (*at, index, *tag)).collect();
        let goal = &goals()[kind];
        let span = 10;
        let terms = Terms { goal, span, lateness: 15, points_max: 1000, evidence_max: 3 };
        let mut window = crate::window::Window::default();
        let mut found = Vec::new();
        for (at, index, tag) in &points {
            let point = Point {
                at: *at, index: *index, tag: *tag as u64, satisfied: false, carried: None,
            };
            prop_assert_eq!(window.insert(terms, point, &mut found), Insertion::Counted);
        }
        let mut ends: Vec<i64> = found.iter().map(|found| found.at).collect();
        ends.sort_unstable();
        let expected: Vec<i64> = naive(kind, &points, span).iter().map(|end| end.0).collect();
        prop_assert_eq!(ends, expected);
    }

    #[test]
    fn live_and_batched_replay_agree(
        raw in prop::collection::vec((0_i64..400, 0_usize..3, 0_usize..3), 1..120),
        cut in 1_usize..119,
    ) {
        let mut lines = String::new();
        for (at, action, user) in &raw {
            let action = ["fail", "ok", "denied"][*action];
            let line = format!("event.action={action} user.name=u{user} @t={at}s\n");
            lines.push_str(&line);
        }
        let entries = testkit::entries(&lines);
        let whole = engine(THREE_FAILS).apply(&entries);
        let mut engine = engine(THREE_FAILS);
        let mut pieces = Vec::new();
        for batch in entries.chunks(cut) {
            pieces.extend(engine.apply(batch));
        }
        let ids = |found: &[Detection]| -> Vec<(String, Timestamp, Index, bool)> {
            found
                .iter()
                .map(|found| {
                    let title = found.rule.title.clone();
                    (title, found.window_start, found.trigger, found.ongoing)
                })
                .collect()
        };
        prop_assert_eq!(ids(&whole), ids(&pieces));
    }
}
