//! Samples that come with a rule file: events that must, or must not, make its rules ring.
//!
//! ```yaml
//! tests:
//!   - name: five wrong passwords in a minute
//!     fires: [D01]              # codes, ids or titles, optionally `D01/high`; [] for none
//!     events:
//!       - {at: +0s, times: 5, every: 10s, event.action: authn_login_fail, user.name: bob}
//!       - '{"event.action":"authn_login_success","user.name":"bob"}'
//! ```
//!
//! `at` is an offset from the start of the sample (default: one second after the event before),
//! `times` repeats the event `every` so often (default 1s), and `{n}` in a text becomes the number
//! of the repetition, starting at 1. A file is tested alone, so its correlations find their rules
//! in it.

use std::sync::Arc;
use std::time::Duration;

use event::{Detection, Entry, Index, ObservedAt, Timestamp};
use serde_json::{Map, Value};

use crate::engine::{Engine, EngineConfig};
use crate::limits;
use crate::rule_set::{RuleFile, RuleSet, nanos};
use crate::sigma;

/// One sample of a rule.
#[derive(Clone, Debug)]
pub(crate) struct Sample {
    name: String,
    /// What must ring, sorted; empty for nothing.
    fires: Vec<String>,
    /// (ns after the start, flat JSON body).
    events: Vec<(i64, String)>,
}

/// What became of one sample.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TestOutcome {
    /// Name of the rule file.
    pub file: String,
    /// Code or title of the rule that carries the sample.
    pub rule: String,
    /// Name of the sample.
    pub name: String,
    /// Whether exactly the rules rang that must.
    pub passed: bool,
    /// What rang instead, empty when passed.
    pub message: String,
}

/// Samples happen on 2026-01-01T00:00:00Z.
const START_NANOS: i64 = 1_767_225_600_000_000_000;

/// Reads the value of a `tests` key.
pub(crate) fn read(value: &Value) -> Result<Vec<Sample>, String> {
    let samples = value.as_array().ok_or("tests is not a list")?;
    samples.iter().map(read_sample).collect()
}

fn read_sample(value: &Value) -> Result<Sample, String> {
    let name = value["name"]
        .as_str()
        .ok_or("a test has no name")?
        .to_owned();
    let mut fires = Vec::new();
    match &value["fires"] {
        Value::Null => return Err(format!("test `{name}` does not say what fires")),
        Value::String(text) if text == "none" => {}
        Value::String(text) => fires.push(text.clone()),
        Value::Array(items) => {
            for item in items {
                let item = item
                    .as_str()
                    .ok_or(format!("test `{name}`: fires is not text"))?;
                fires.push(item.to_owned());
            }
        }
        _ => return Err(format!("test `{name}`: fires is no list of codes")),
    }
    fires.retain(|code| code != "none");
    fires.sort();
    fires.dedup();
    let listed = value["events"]
        .as_array()
        .ok_or(format!("test `{name}` has no events"))?;
    let mut events = Vec::new();
    let mut clock = -1_000_000_000;
    for event in listed {
        read_event(event, &mut clock, &mut events)
            .map_err(|message| format!("test `{name}`: {message}"))?;
        if events.len() > limits::SAMPLE_EVENTS_MAX {
            let max = limits::SAMPLE_EVENTS_MAX;
            return Err(format!("test `{name}` has more than {max} events"));
        }
    }
    Ok(Sample {
        name,
        fires,
        events,
    })
}

fn read_event(
    value: &Value,
    clock: &mut i64,
    events: &mut Vec<(i64, String)>,
) -> Result<(), String> {
    let mut fields = match value {
        Value::Object(fields) => fields.clone(),
        Value::String(text) => serde_json::from_str(text)
            .map_err(|error| format!("an event is not a JSON object: {error}"))?,
        _ => return Err("an event is neither a map nor a line of JSON".into()),
    };
    let at = match fields.remove("at") {
        Some(at) => duration(&at)?,
        None => *clock + 1_000_000_000,
    };
    let times = fields
        .remove("times")
        .map_or(Some(1), |times| times.as_u64());
    let times = times.ok_or("times is not a number")?;
    let every = fields
        .remove("every")
        .as_ref()
        .map_or(Ok(1_000_000_000), duration)?;
    if let Some((name, _)) = fields.iter().find(|(_, value)| value.is_object()) {
        return Err(format!("field {name} is nested; write dotted names"));
    }
    for n in 1..=times.min(limits::SAMPLE_EVENTS_MAX as u64 + 1) {
        let place = i64::try_from(n - 1).unwrap_or(i64::MAX);
        *clock = at.saturating_add(every.saturating_mul(place));
        events.push((*clock, body(&fields, n, START_NANOS.saturating_add(*clock))));
    }
    Ok(())
}

fn duration(value: &Value) -> Result<i64, String> {
    let text = value.as_str().ok_or("a time is not text such as +30s")?;
    let parsed: Option<Duration> = stdx::units::parse_duration(text.trim_start_matches('+'));
    parsed
        .map(nanos)
        .ok_or_else(|| format!("`{text}` is not a time such as +30s"))
}

fn body(fields: &Map<String, Value>, n: u64, at: i64) -> String {
    let mut body = Map::new();
    body.insert("@timestamp".into(), Timestamp(at).to_string().into());
    body.insert("belfry.source".into(), "test".into());
    for (name, value) in fields {
        body.insert(name.clone(), numbered(value, n));
    }
    Value::Object(body).to_string()
}

fn numbered(value: &Value, n: u64) -> Value {
    match value {
        Value::String(text) => text.replace("{n}", &n.to_string()).into(),
        Value::Array(items) => items.iter().map(|item| numbered(item, n)).collect(),
        other => other.clone(),
    }
}

/// Runs all samples of `file`, with the placeholders of the `whole` set.
pub(crate) fn run(whole: &RuleSet, file: &RuleFile) -> Vec<TestOutcome> {
    let set = Arc::new(whole.load_alone(file));
    let mut outcomes = Vec::new();
    for document in sigma::read(&file.text).documents {
        let reference = &document.meta.reference;
        let rule = reference.code.as_ref().unwrap_or(&reference.title);
        for sample in &document.samples {
            let result = run_sample(&set, sample);
            outcomes.push(TestOutcome {
                file: file.name.clone(),
                rule: rule.clone(),
                name: sample.name.clone(),
                passed: result.is_ok(),
                message: result.err().unwrap_or_default(),
            });
        }
    }
    outcomes
}

fn run_sample(set: &Arc<RuleSet>, sample: &Sample) -> Result<(), String> {
    let mut entries = Vec::with_capacity(sample.events.len());
    for (index, (at, body)) in (0..).zip(&sample.events) {
        let received = ObservedAt(START_NANOS.saturating_add(*at));
        let entry = Entry::restored(Index(index), received, body);
        entries.push(entry.map_err(|error| format!("event {index}: {error}"))?);
    }
    let mut engine = Engine::new(Arc::clone(set), EngineConfig::default());
    let detections = engine.apply(&entries);
    let rang: Vec<&Detection> = detections.iter().filter(|found| !found.ongoing).collect();
    let missing: Vec<&str> = sample
        .fires
        .iter()
        .filter(|code| !rang.iter().any(|found| is_called(found, code)))
        .map(String::as_str)
        .collect();
    let mut surplus: Vec<String> = rang
        .iter()
        .filter(|found| !sample.fires.iter().any(|code| is_called(found, code)))
        .map(|found| format!("{}/{}", name(found), found.rule.severity))
        .collect();
    surplus.dedup();
    if missing.is_empty() && surplus.is_empty() {
        return Ok(());
    }
    Err(format!(
        "did not ring: [{}]; rang without being asked: [{}]",
        missing.join(", "),
        surplus.join(", ")
    ))
}

fn name(detection: &Detection) -> &str {
    detection
        .rule
        .code
        .as_ref()
        .unwrap_or(&detection.rule.title)
}

/// Whether `expected` (`D01`, `D01/high`, an id or a title) means this detection.
fn is_called(detection: &Detection, expected: &str) -> bool {
    let (called, severity) = match expected.split_once('/') {
        Some((called, severity)) => (called, Some(severity)),
        None => (expected, None),
    };
    let rule = &detection.rule;
    let named = rule.code.as_deref() == Some(called) || rule.id == called || rule.title == called;
    named && severity.is_none_or(|severity| severity == rule.severity.name())
}
