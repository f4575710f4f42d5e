//! Correlations on event time: the eight defects of other engines, chains, the clocks.

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

/// Defect 1 of other engines: an event older than the window was counted.
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

/// Defect 2: one forged timestamp wiped the window of its group.
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

/// Defect 3: order was told in whole seconds.
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

/// Defect 4: twenty events over a threshold of three rang eighteen times.
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

/// Defect 6: fresh keys pushed out a group that was one event short of its threshold.
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

const PORTS: &str = "
title: Ports
correlation:
  type: value_count
  rules: [fail]
  group-by: [source.ip]
  timespan: 1h
  condition: {gte: 100, field: destination.port}
";

/// Defect 5: a scan of many ports cost time in proportion to the ports already seen. State and
/// estimate are what a test can hold still: the one is bounded, the other near the truth.
#[test]
fn a_scan_of_many_ports_is_told_in_constant_space() {
    let mut lines = String::new();
    for port in 1..=20_000 {
        let at = port / 10;
        let line = format!("event.action=fail source.ip=10.0.0.9 destination.port={port} @t={at}s");
        lines.push_str(&line);
        lines.push('\n');
    }
    let mut engine = engine(PORTS);
    let detections = engine.apply(&testkit::entries(&lines));
    let last = detections.last().unwrap();
    assert_eq!(
        (detections[0].count, detections[0].approximate),
        (100, false)
    );
    assert!(last.approximate && last.ongoing, "{last:?}");
    assert!((11_000..22_000).contains(&last.count), "{last:?}");
    let bytes = engine.stats().rules.last().unwrap().state_bytes;
    assert!(bytes < 64 * 1024, "{bytes}");
}

const SILENCE: &str = "
title: Silence
correlation:
  type: event_count
  rules: [ok]
  group-by: [host.name]
  timespan: 10m
  condition: {lt: 1}
";

/// Defect 7: a condition below a bound was judged when events came, never when none came.
#[test]
fn absence_rings_without_an_event_of_the_group() {
    let beat = |host: &str, at: i64| format!("event.action=ok host.name={host} @t={at}s\n");
    let mut lines = String::new();
    for at in 0..10 {
        lines += &beat("a", at * 300);
        lines += &beat("b", at * 300 + 1);
    }
    for at in 10..20 {
        lines += &beat("b", at * 300);
    }
    // `a` was seen last at 2700; its ten minutes are over at 3300, known at 3600.
    check(SILENCE, &lines, &["Silence a x0 @2700..3300"]);
}

#[test]
fn the_clock_of_the_ledger_is_enough_to_notice_silence() {
    let lines = "event.action=ok host.name=a @t=0s\n";
    let mut engine = engine(SILENCE);
    assert!(engine.apply(&testkit::entries(lines)).is_empty());
    assert_eq!(engine.due(), Some(ObservedAt(900_000_000_000)));
    let tick = testkit::entries("\nevent.action=tick @t=899s\nevent.action=tick @t=900s");
    assert!(engine.apply(&tick[..1]).is_empty());
    let found = engine.apply(&tick[1..]);
    assert_eq!(show(&found), ["Silence a x0 @0..600"]);
    assert_eq!(found[0].trigger, Index(0), "the last sign of life");
    assert_eq!(engine.due(), None);
}

#[test]
fn a_range_is_judged_when_the_window_is_over() {
    const RANGE: &str = "
title: Few
correlation:
  type: event_count
  rules: [fail]
  group-by: [user.name]
  timespan: 60s
  condition: {gte: 2, lte: 3}
";
    let later = "event.action=tick @t=1000s\n";
    check(
        RANGE,
        &(fails("bob", &[0, 10]) + later),
        &["Few bob x2 @0..10"],
    );
    check(RANGE, &(fails("bob", &[0, 10, 20, 30]) + later), &[]);
    check(RANGE, &fails("bob", &[0, 10]), &[]);
}

#[test]
fn one_rule_without_the_other_is_judged_when_the_window_is_over() {
    const WITHOUT: &str = "
title: Without
correlation:
  type: temporal
  rules: [fail, denied]
  group-by: [user.name]
  timespan: 60s
  condition: fail and not denied
";
    let later = "event.action=tick @t=1000s\n";
    let denied = "event.action=denied user.name=bob @t=30s\n";
    check(
        WITHOUT,
        &(fails("bob", &[0]) + later),
        &["Without bob x1 @0..0"],
    );
    check(WITHOUT, &(fails("bob", &[0]) + denied + later), &[]);
}

#[test]
fn some_of_several_rules_are_enough_where_the_condition_says_so() {
    const EITHER: &str = "
title: Either
correlation:
  type: temporal
  rules: [fail, ok, denied]
  group-by: [user.name]
  timespan: 60s
  condition: fail and (ok or denied)
";
    let denied = "event.action=denied user.name=bob @t=30s\n";
    check(EITHER, &fails("bob", &[0, 10]), &[]);
    check(
        EITHER,
        &(fails("bob", &[0]) + denied),
        &["Either bob x2 @0..30"],
    );
}

#[test]
fn amounts_are_measured() {
    let rule = |kind: &str, condition: &str| {
        format!(
            "title: Amount\ncorrelation:\n  type: {kind}\n  rules: [ok]\n  group-by: \
             [user.name]\n  timespan: 60s\n  condition: {{field: txn.amount, {condition}}}\n"
        )
    };
    let pay = |amount: &str, at: i64| {
        format!("event.action=ok user.name=bob txn.amount={amount} @t={at}s\n")
    };
    let lines = pay("40", 0) + &pay("\"2.5\"", 1) + &pay("none", 2) + &pay("60", 3);
    check(
        &rule("value_sum", "gte: 100"),
        &lines,
        &["Amount bob x3 @0..3"],
    );
    check(&rule("value_sum", "gt: 103"), &lines, &[]);
    check(
        &rule("value_avg", "gt: 35"),
        &lines,
        &["Amount bob x1 @0..0"],
    );
    check(
        &rule("value_percentile", "percentile: 50, lt: 41"),
        &lines,
        &[],
    );
    let later = lines.clone() + "event.action=tick @t=1000s\n";
    let half = rule("value_percentile", "percentile: 50, lt: 41");
    check(&half, &later, &["Amount bob x3 @0..3"]);
    let mut engine = engine(&rule("value_sum", "gte: 100"));
    engine.apply(&testkit::entries(&lines));
    assert_eq!(engine.stats().rules.last().unwrap().unreadable, 1);
}

#[test]
fn a_source_far_behind_another_is_not_late_but_one_behind_itself_is() {
    let line = |source: &str, at: i64| {
        format!("belfry.source={source} event.action=fail user.name={source} @t={at}s\n")
    };
    let mut lines = line("fast", 10_000);
    lines += &(line("slow", 1_000) + &line("slow", 1_010) + &line("slow", 1_020));
    check(THREE_FAILS, &lines, &["Three slow x3 @1000..1020"]);
    lines = line("one", 10_000) + &line("one", 9_000) + &line("one", 9_010) + &line("one", 9_020);
    check(THREE_FAILS, &lines, &[]);
    let mut engine = engine(THREE_FAILS);
    engine.apply(&testkit::entries(&lines));
    assert_eq!(engine.stats().rules.last().unwrap().dropped_late, 3);
}

#[test]
fn an_import_of_the_past_counts_in_windows_of_its_own() {
    let now = 1_000_000;
    let mut entries = testkit::entries(&fails("bob", &[now, now + 1]));
    let old = "belfry.listener=ingest event.action=fail user.name=bob";
    for (index, at) in [(2, 1100), (3, 1110), (4, 1120), (5, 10), (6, 20), (7, 30)] {
        let event = testkit::redacted(&format!("{old} @t={at}s"));
        let received = ObservedAt((now + 2) * 1_000_000_000);
        entries.push(Entry::sequenced(Index(index), received, event));
    }
    entries.extend(testkit::entries(
        &("\n".repeat(8) + &fails("bob", &[now + 3])),
    ));
    let detections = engine(THREE_FAILS).apply(&entries);
    let expected = [
        "Three bob x3 @1100..1120",
        "Three bob x3 @10..30",
        "Three bob x3 @1000000..1000003",
    ];
    assert_eq!(show(&detections), expected);
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
    // One that comes far too late is still an event that the rule describes.
    check(
        SINGLE,
        &lines(&[2_000, 100]),
        &[
            "Single 10.0.0.1 x1 @2000..2000",
            "Single 10.0.0.1 x1 @100..100",
        ],
    );
}

#[test]
fn the_window_to_replay_covers_chains() {
    let span = engine(THREE_FAILS).window_max();
    assert_eq!(span, Duration::from_mins(1 + 2 + 5));
}

/// Correlations of every kind over the base rules, to be broken off anywhere.
const MIXED: &str = "
title: Counted
name: counted
correlation:
  type: event_count
  rules: [fail]
  group-by: [user.name]
  timespan: 60s
  condition: {gte: 3}
generate: true
---
title: Spread
correlation:
  type: value_count
  rules: [fail, denied]
  group-by: [event.action]
  timespan: 100s
  condition: {gte: 2, field: user.name}
---
title: Summed
correlation:
  type: value_sum
  rules: [ok]
  group-by: [user.name]
  timespan: 60s
  condition: {gte: 5, field: txn.amount}
---
title: Quiet
correlation:
  type: event_count
  rules: [ok]
  group-by: [user.name]
  timespan: 30s
  condition: {lt: 2}
---
title: Exactly
correlation:
  type: event_count
  rules: [denied]
  group-by: [user.name]
  timespan: 30s
  condition: {eq: 2}
---
title: Taken
correlation:
  type: temporal_ordered
  rules: [counted, ok]
  group-by: [user.name]
  timespan: 60s
---
title: Single
cooldown: 60s
logsource: {category: any}
detection: {s: {event.action: denied}, condition: s}
";

const LEDGER: [u8; 32] = [7; 32];

fn small() -> EngineConfig {
    EngineConfig {
        lateness: Duration::from_secs(20),
        // Small enough for groups to be given up now and then.
        state_bytes_max: 2048,
        ..EngineConfig::default()
    }
}

fn told(found: &[Detection]) -> Vec<String> {
    found.iter().map(|found| format!("{found:?}")).collect()
}

fn arrivals(raw: &[(i64, i64, usize, usize)]) -> Vec<Entry> {
    let (mut clock, mut entries) = (0, Vec::new());
    for (index, (step, back, action, user)) in (0..).zip(raw) {
        clock += step;
        let action = ["fail", "ok", "denied"][*action];
        let at = clock - back;
        let line = format!("event.action={action} user.name=u{user} txn.amount={user} @t={at}s");
        let received = ObservedAt(clock * 1_000_000_000);
        entries.push(Entry::sequenced(
            Index(index),
            received,
            testkit::redacted(&line),
        ));
    }
    entries
}

proptest! {
    /// Detection is a function of the entries: broken off anywhere and gone on with from a
    /// snapshot, it says the same to the byte, and remembers the same to the byte.
    #[test]
    fn a_restored_engine_goes_on_as_if_nothing_had_happened(
        raw in prop::collection::vec((0_i64..12, 0_i64..25, 0_usize..3, 0_usize..6), 2..150),
        cut in 0_usize..149,
    ) {
        let entries = arrivals(&raw);
        let cut = cut % entries.len();
        let set = set(MIXED);
        let mut whole = Engine::new(Arc::clone(&set), small());
        let mut expected = whole.apply(&entries[..cut]);
        let snapshot = whole.snapshot(&LEDGER).unwrap();
        let before = expected.len();
        expected.extend(whole.apply(&entries[cut..]));
        let (mut restored, next) = Engine::restored(set, small(), &LEDGER, &snapshot).unwrap();
        prop_assert_eq!(next, Index(cut as u64));
        prop_assert_eq!(restored.snapshot(&LEDGER).unwrap(), snapshot);
        let rest = restored.apply(&entries[cut..]);
        prop_assert_eq!(told(&rest), told(&expected[before..]));
        prop_assert_eq!(restored.snapshot(&LEDGER), whole.snapshot(&LEDGER));
        prop_assert_eq!(restored.due(), whole.due());
    }
}

#[test]
fn a_snapshot_that_does_not_fit_is_refused() {
    let set_of_mixed = set(MIXED);
    let mut engine = Engine::new(Arc::clone(&set_of_mixed), small());
    engine.apply(&arrivals(&[(1, 0, 0, 1), (2, 1, 1, 2), (3, 0, 2, 3)]));
    let good = engine.snapshot(&LEDGER).unwrap();
    let open = |set: &Arc<RuleSet>, config, ledger: &[u8; 32], bytes: &[u8]| {
        Engine::restored(Arc::clone(set), config, ledger, bytes).map(|(_, next)| next)
    };
    let set = &set_of_mixed;
    assert_eq!(open(set, small(), &LEDGER, &good), Ok(Index(3)));
    for place in [0, 20, 100, good.len() / 2, good.len() - 1] {
        let mut bad = good.clone();
        bad[place] ^= 1;
        assert!(open(set, small(), &LEDGER, &bad).is_err(), "byte {place}");
    }
    for len in [0, 10, 40, good.len() - 1] {
        assert!(
            open(set, small(), &LEDGER, &good[..len]).is_err(),
            "{len} bytes"
        );
    }
    let other = open(set, small(), &[8; 32], &good);
    assert_eq!(other, Err(SnapshotError::OtherLedger));
    let seed = EngineConfig {
        seed: [1, 2],
        ..small()
    };
    assert_eq!(
        open(set, seed, &LEDGER, &good),
        Err(SnapshotError::OtherRules)
    );
    let rules = super::tests::set(&MIXED.replace("gte: 3", "gte: 4"));
    assert_eq!(
        open(&rules, small(), &LEDGER, &good),
        Err(SnapshotError::OtherRules)
    );
}

#[test]
fn rules_that_stay_the_same_keep_their_windows_over_a_reload() {
    let mut engine = engine(THREE_FAILS);
    assert!(
        engine
            .apply(&testkit::entries(&fails("bob", &[0, 1])))
            .is_empty()
    );
    let wider = THREE_FAILS.replace("title: Three", "title: Wider") + "level: high\n";
    // Another title is another id; the rule itself is named here so that it stays the same.
    let named = |text: &str| text.replace("correlation:", "id: three\ncorrelation:");
    let mut other = Engine::new(set(&named(THREE_FAILS)), EngineConfig::default());
    other.apply(&testkit::entries(&fails("bob", &[0, 1])));
    assert_eq!(other.reload(set(&named(&wider))), 4);
    let third = testkit::entries(&("\n".to_owned() + &fails("bob", &[2])));
    assert_eq!(show(&other.apply(&third)), ["Wider bob x3 @0..2"]);
    let stricter = THREE_FAILS.replace("gte: 3", "gte: 2");
    assert_eq!(engine.reload(set(&stricter)), 3);
    assert!(
        engine.apply(&third).is_empty(),
        "a changed rule begins anew"
    );
}

proptest! {
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
