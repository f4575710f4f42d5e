//! The shipped pack and the figures it must reach.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use event::{Entry, Event, Index, ObservedAt, Value, encoding, field};

use crate::{Engine, EngineConfig, RuleFile, RuleSet};

mod community;

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn read_folder(folder: &Path, files: &mut Vec<RuleFile>) {
    let mut paths: Vec<PathBuf> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    paths.sort();
    for path in paths {
        if path.is_dir() {
            read_folder(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "yml") {
            files.push(RuleFile {
                name: path.file_name().unwrap().to_string_lossy().into_owned(),
                text: std::fs::read_to_string(&path).unwrap(),
            });
        }
    }
}

fn pack() -> Vec<RuleFile> {
    let mut files = Vec::new();
    read_folder(&repository().join("rules"), &mut files);
    files
}

fn pack_set() -> Arc<RuleSet> {
    let (set, problems) = RuleSet::load(&pack());
    assert_eq!(problems, []);
    Arc::new(set)
}

#[test]
fn every_rule_of_the_pack_loads_and_passes_its_samples() {
    let set = pack_set();
    let outcomes = set.run_tests();
    let failed: Vec<String> = outcomes
        .iter()
        .filter(|outcome| !outcome.passed)
        .map(|outcome| format!("{} {}: {}", outcome.file, outcome.name, outcome.message))
        .collect();
    assert!(failed.is_empty(), "{failed:#?}");
    for rule in set.rules() {
        let code = rule.rule.code.as_deref();
        if rule.rings {
            assert!(rule.file.starts_with(code.unwrap()), "{}: code", rule.file);
            let playbook = repository().join(rule.rule.playbook.as_deref().unwrap());
            assert!(playbook.exists(), "{}: playbook", rule.file);
            assert!(!rule.rule.attack.is_empty(), "{}: ATT&CK", rule.file);
            assert!(
                !rule.rule.false_positives.is_empty(),
                "{}: false positives",
                rule.file
            );
        }
        assert!(
            rule.reachable && !rule.rule.description.is_empty(),
            "{}",
            rule.file
        );
        let tested = outcomes.iter().any(|outcome| *outcome.file == *rule.file);
        assert!(tested, "{} has no sample", rule.file);
    }
}

/// The fields that rules look at, from a line in the combined format.
fn access_event(line: &str) -> Option<Event> {
    let mut event = Event::new();
    let (head, rest) = line.split_once(" [")?;
    let (time, rest) = rest.split_once("] \"")?;
    let (request, rest) = rest.split_once(" HTTP/")?;
    let (method, target) = request.split_once(' ')?;
    let mut quoted = rest.split('"');
    let status = quoted.nth(1)?.split_ascii_whitespace().next()?;
    let referrer = quoted.next()?;
    let agent = quoted.nth(1)?;
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    event.push(
        field::TIMESTAMP,
        Value::Time(event::Timestamp(access_time(time)?)),
    );
    event.push_str(field::EVENT_ACTION, "api_access");
    event.push_item(field::EVENT_CATEGORY, Value::Str("web"));
    event.push_str(field::SOURCE_IP, head.split(' ').next()?);
    event.push_str(field::USER_AGENT_ORIGINAL, agent);
    event.push_str(field::HTTP_REQUEST_METHOD, method);
    event.push_str(field::HTTP_REQUEST_REFERRER, referrer);
    event.push(
        field::HTTP_RESPONSE_STATUS_CODE,
        Value::Int(status.parse().ok()?),
    );
    event.push_str(field::URL_ORIGINAL, target);
    event.push_str(field::URL_PATH, path);
    event.push_str(field::URL_QUERY, query);
    event.push_str(field::BELFRY_SOURCE, "web");
    event.push_str(field::BELFRY_LISTENER, "ingest");
    event.push_str(field::BELFRY_FORMAT, "access_log");
    Some(event)
}

/// `17/May/2015:10:05:03 +0000`
fn access_time(text: &str) -> Option<i64> {
    const MONTHS: [&str; 12] = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ];
    let mut parts = text.split(['/', ':', ' ']);
    let day = parts.next()?;
    let name = parts.next()?;
    let month = MONTHS.iter().position(|month| *month == name)? + 1;
    let (year, hour) = (parts.next()?, parts.next()?);
    let (minute, second) = (parts.next()?, parts.next()?);
    let text = format!("{year}-{month:02}-{day}T{hour}:{minute}:{second}Z");
    Some(stdx::calendar::parse_rfc3339(&text)?.unix_nanos)
}

fn entry(index: u64, received: ObservedAt, event: &Event) -> Entry {
    Entry::restored(Index(index), received, &encoding::encode(event)).unwrap()
}

fn access_entries() -> Vec<Entry> {
    let log = repository().join("fixtures/logs/apache_benign_5k.log");
    let text = String::from_utf8_lossy(&std::fs::read(log).unwrap()).into_owned();
    let events: Vec<Event> = text.lines().filter_map(access_event).collect();
    let received = |index| ObservedAt(1_790_000_000_000_000_000 + i64::try_from(index).unwrap());
    (0..)
        .zip(events)
        .map(|(index, event)| entry(index, received(index), &event))
        .collect()
}

#[test]
fn honest_web_traffic_stays_quiet() {
    let entries = access_entries();
    assert!(entries.len() > 4_900, "{}", entries.len());
    let mut engine = Engine::new(pack_set(), EngineConfig::default());
    let rang: Vec<String> = engine
        .apply(&entries)
        .iter()
        .filter(|found| !found.ongoing)
        .map(|found| {
            format!(
                "{} {:?}",
                found.rule.code.as_deref().unwrap_or(""),
                found.group
            )
        })
        .collect();
    println!("{rang:#?}");
    assert!(rang.len() <= 5, "{rang:#?}");
    assert!(
        !rang.iter().any(|rang| rang.starts_with("D18")),
        "{rang:#?}"
    );
}

/// Not part of a clone: where larger corpora lie, named by the environment.
fn corpora() -> Option<PathBuf> {
    std::env::var_os("BELFRY_CORPORA").map(PathBuf::from)
}

#[test]
fn attack_strings_are_recalled_without_false_alarms() {
    let Some(folder) = corpora() else {
        return;
    };
    let text = std::fs::read_to_string(folder.join("http_params.jsonl")).unwrap();
    let set = pack_set();
    let mut tally = std::collections::BTreeMap::<String, (u32, u32)>::new();
    for line in text.lines() {
        let row: serde_json::Value = serde_json::from_str(line).unwrap();
        let mut url = String::from("/search?q=");
        for byte in row["payload"].as_str().unwrap().bytes() {
            write!(url, "%{byte:02x}").unwrap();
        }
        let mut event = Event::new();
        event.push_item(field::EVENT_CATEGORY, Value::Str("web"));
        event.push_str(field::URL_ORIGINAL, &url);
        event.push_str(field::SOURCE_IP, "203.0.113.9");
        let entry = entry(0, ObservedAt(0), &event);
        let mut engine = Engine::new(Arc::clone(&set), EngineConfig::default());
        let found = engine.apply(&[entry]);
        let rang = found
            .iter()
            .any(|found| found.rule.code.as_deref() == Some("D18"));
        let tally = tally.entry(row["attack_type"].to_string()).or_default();
        tally.0 += u32::from(rang);
        tally.1 += 1;
    }
    println!("D18: {tally:?}");
    assert_eq!(tally["\"norm\""].0, 0);
    for (kind, (rang, all)) in tally.iter().filter(|(kind, _)| *kind != "\"norm\"") {
        assert!(rang * 100 >= all * 80, "{kind}: {rang} of {all}");
    }
}

#[test]
fn community_rules_load() {
    let Some(folder) = corpora() else {
        return;
    };
    let mut files = Vec::new();
    read_folder(&folder.join("sigma"), &mut files);
    let (set, problems) = RuleSet::load(&files);
    let loaded = set.rules().len();
    let reachable = set.rules().iter().filter(|rule| rule.reachable).count();
    println!(
        "{} files, {loaded} rules, {reachable} reachable",
        files.len()
    );
    for problem in problems.iter().take(20) {
        println!("{problem:?}");
    }
    println!("{} problems", problems.len());
    assert!(loaded * 100 >= files.len() * 99);
}

#[test]
fn cost_per_event() {
    let Some(_) = corpora() else {
        return;
    };
    let entries = access_entries();
    let mut engine = Engine::new(pack_set(), EngineConfig::default());
    engine.apply(&entries);
    let round = |engine: &mut Engine| {
        let start = std::time::Instant::now();
        engine.apply(&entries);
        start.elapsed().as_nanos() / entries.len() as u128
    };
    let nanos = (0..30).map(|_| round(&mut engine)).min().unwrap();
    println!("{nanos} ns per access-log event");
}
