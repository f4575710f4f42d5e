//! Correlations by themselves: events per second of processor time and bytes held, from ten to a
//! million distinct values in a window, and from ten to a million groups.
//!
//! Time is that of the processor, not of the wall: the machine may be busy with something else, and
//! making the events is not part of the figure.

use std::sync::Arc;
use std::time::{Duration, Instant};

use detect::{Engine, EngineConfig, RuleFile, RuleSet};
use event::{Entry, Event, Index, ObservedAt, Timestamp, Value, field};
use redact::Policy;

use crate::{Asked, Figure};

/// Events of one figure; enough to fill a window with a million values.
const EVENTS: u64 = 1_500_000;
/// The same where the window holds less and the time is short.
const EVENTS_QUICK: u64 = 300_000;
/// Events made, then measured, at once.
const CHUNK: u64 = 10_000;
/// The first event, ns.
const START: i64 = 1_795_255_200_000_000_000;
/// Between two events, ns: all of them lie within the hour of the windows.
const STEP: i64 = 2_000_000;

const RULES: &str = "
title: Fail
name: fail
logsource: {category: any}
detection: {s: {event.action: fail}, condition: s}
---
title: Correlation
correlation:
  rules: [fail]
  group-by: [source.ip]
  timespan: 1h
  ";

/// A shape of load: name, type and condition, whether the number is of values or of groups.
const SHAPES: [(&str, &str, bool); 4] = [
    (
        "value_count",
        "type: value_count\n  condition: {gte: 100, field: user.name}",
        true,
    ),
    (
        "event_count",
        "type: event_count\n  condition: {gte: 100}",
        false,
    ),
    (
        "value_sum",
        "type: value_sum\n  condition: {gte: 1000000000, field: txn.amount}",
        false,
    ),
    ("absence", "type: event_count\n  condition: {lt: 1}", false),
];

/// All figures.
pub(crate) fn figures(asked: &Asked, policy: &Policy) -> anyhow::Result<Vec<Figure>> {
    let mut figures = Vec::new();
    for (kind, rule, by_value) in SHAPES {
        for number in [10, 1_000, 100_000, 1_000_000] {
            let what = if by_value { "values" } else { "groups" };
            let name = format!("correlate: {kind}, {number} {what}");
            if asked.wants(&name) {
                figures.push(figure(asked, policy, name, rule, by_value, number)?);
            }
        }
    }
    Ok(figures)
}

fn figure(
    asked: &Asked,
    policy: &Policy,
    name: String,
    rule: &str,
    by_value: bool,
    number: u64,
) -> anyhow::Result<Figure> {
    let file = RuleFile {
        name: "bench.yml".to_owned(),
        text: format!("{RULES}{rule}\n"),
    };
    let (set, problems) = RuleSet::load(&[file]);
    anyhow::ensure!(problems.is_empty(), "the bench's rule: {problems:?}");
    let mut engine = Engine::new(Arc::new(set), EngineConfig::default());
    let is_long = asked.measure >= Duration::from_secs(1) || number > EVENTS_QUICK;
    let count = if is_long { EVENTS } else { EVENTS_QUICK };
    let mut elapsed = Duration::ZERO;
    for from in (0..count).step_by(usize::try_from(CHUNK)?) {
        let of_chunk = from..(from + CHUNK).min(count);
        let entries: Vec<Entry> = of_chunk
            .map(|n| entry(policy, n, if by_value { 0 } else { n % number }, n % number))
            .collect();
        let before = spent();
        std::hint::black_box(engine.apply(&entries));
        elapsed += spent().saturating_sub(before);
    }
    let stats = engine.stats();
    let held = stats.rules.last().map_or((0, 0, 0), |rule| {
        (rule.state_bytes as u64, rule.groups as u64, rule.evictions)
    });
    tell(&name, held);
    Ok(Figure {
        name: name.leak(),
        count,
        bytes: 0,
        elapsed,
    })
}

#[expect(clippy::print_stdout, reason = "a bench speaks to people")]
fn tell(name: &str, (bytes, groups, evictions): (u64, u64, u64)) {
    println!("# {name}: {bytes} bytes held, {groups} groups, {evictions} given up");
}

fn entry(policy: &Policy, n: u64, group: u64, value: u64) -> Entry {
    let at = START + i64::try_from(n).unwrap_or(0) * STEP;
    let mut event = Event::with_capacity(8, 128);
    event.push(field::TIMESTAMP, Value::Time(Timestamp(at)));
    event.push_str(field::EVENT_ACTION, "fail");
    event.push_str(field::BELFRY_SOURCE, "bench");
    let [_, a, b, c] = u32::try_from(group).unwrap_or(0).to_be_bytes();
    event.push_str(field::SOURCE_IP, &format!("10.{a}.{b}.{c}"));
    event.push_str(field::USER_NAME, &format!("user{value}"));
    event.push_named(
        "txn.amount",
        Value::Int(i64::try_from(value % 100).unwrap_or(0)),
        false,
    );
    Entry::sequenced(Index(n), ObservedAt(at), policy.apply(event))
}

/// Processor time of this thread so far; wall time where the system does not tell it.
fn spent() -> Duration {
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").ok();
    let nanos = told.and_then(|text| text.split(' ').next()?.parse().ok());
    nanos.map_or_else(wall, Duration::from_nanos)
}

fn wall() -> Duration {
    static START: std::sync::OnceLock<Instant> = std::sync::OnceLock::new();
    START.get_or_init(Instant::now).elapsed()
}
