//! The detector keeps its word over crashes, silence and a change of its rules, and says
//! beforehand what a rule would have done.

use std::process::Command;

use serde_json::{Value, json};

use crate::stand::{Running, Stand, eventually, ndjson};

const SIX: &str = "
title: Fail
name: fail
logsource: {category: any}
detection: {s: {event.action: authn_login_fail}, condition: s}
---
title: Six fails
id: six-fails
code: X06
level: high
correlation:
  type: event_count
  rules: [fail]
  group-by: [user.name]
  timespan: 10m
  condition: {gte: 6}
tests:
  - name: six
    fires: [X06]
    events: [{times: 6, event.action: authn_login_fail, user.name: bob}]
";

const SILENT: &str = "
title: Beat
name: beat
logsource: {category: any}
detection: {s: {event.action: beat}, condition: s}
---
title: Heart stopped
id: heart-stopped
code: X07
level: high
correlation:
  type: event_count
  rules: [beat]
  group-by: [host.name]
  timespan: 1s
  condition: {lt: 1}
";

/// A stand that runs only the rules in its folder `rules`.
fn stand(name: &str, rules: &str, more: &str) -> Stand {
    let more = format!("[rules]\nshipped = false\ndir = 'DIR/rules'\n{more}");
    let stand = Stand::new(name, &more);
    std::fs::create_dir_all(stand.path("rules")).unwrap();
    stand.write("rules/own.yml", rules.as_bytes());
    stand
}

fn fails(user: &str, times: &[String]) -> String {
    ndjson(
        times.iter().map(
            |at| json!({"@timestamp": at, "event.action": "authn_login_fail", "user.name": user}),
        ),
    )
}

/// Six times the moment at which the program started, by its own clock.
fn moments(stand: &Stand) -> Vec<String> {
    let started = stand.search("event.action:sys_startup");
    let at = started[0]["@timestamp"].as_str().unwrap();
    vec![at.to_owned(); 6]
}

/// The alerts on the desk, once there are any.
fn alerts(stand: &Stand) -> Vec<Value> {
    eventually("an alert is on the desk", || {
        let alerts = stand.json(&["alerts", "list"], 0);
        (!alerts.is_empty()).then_some(alerts)
    })
}

fn told(alerts: &[Value]) -> Vec<(String, u64)> {
    let told = |alert: &Value| {
        let id = alert["id"].as_str().unwrap().to_owned();
        (id, alert["count"].as_u64().unwrap())
    };
    alerts.iter().map(told).collect()
}

/// Waits until the rules have seen all that is stored.
fn settled(running: &Running) {
    eventually("the watch catches up", || {
        let (_, page) = running.get("/metrics");
        page.contains("\nbelfry_watch_lag_entries 0\n")
            .then_some(())
    });
}

#[test]
fn an_attack_over_a_stop_and_a_crash_rings_once_and_as_if_nothing_had_happened() {
    let whole = stand("detector-whole", SIX, "");
    let running = whole.run();
    let times = moments(&whole);
    let token = whole.token("shop");
    running.post(&token, fails("bob", &times)).is(200);
    let expected = told(&alerts(&whole));
    running.stop();

    let broken = stand("detector-broken", SIX, "");
    let running = broken.run();
    let token = broken.token("shop");
    running.post(&token, fails("bob", &times[..2])).is(200);
    running.stop();
    assert!(broken.path("data/detector.state").exists());
    let running = broken.run();
    running.post(&token, fails("bob", &times[2..4])).is(200);
    running.kill();
    // What was kept at the stop is older than what the ledger holds now.
    let running = broken.run();
    running.post(&token, fails("bob", &times[4..])).is(200);
    assert_eq!(told(&alerts(&broken)), expected);
    running.kill();
    broken.write("data/detector.state", b"belfry-detector\x01 not really");
    let running = broken.run();
    settled(&running);
    let talk = eventually("the talk about the state", || {
        let talk = running.talk();
        talk.contains("state is not used").then_some(talk)
    });
    assert!(talk.contains("replaying the ledger"), "{talk}");
    assert_eq!(told(&alerts(&broken)), expected);
    running.stop();
    broken.verify();
}

#[test]
fn silence_rings_although_nothing_comes() {
    let more = "[detect]\nlateness = '1s'\n";
    let stand = stand("detector-silence", SILENT, more);
    let running = stand.run();
    let token = stand.token("shop");
    let beat = json!({"event.action": "beat", "host.name": "db1"});
    running.post(&token, beat.to_string()).is(200);
    let alerts = alerts(&stand);
    assert_eq!(alerts[0]["title"], "Heart stopped", "{alerts:?}");
    assert!(
        alerts[0]["entity"].to_string().contains("db1"),
        "{alerts:?}"
    );
    running.stop();
}

#[test]
fn rules_are_exchanged_without_a_restart_and_only_for_better_ones() {
    let stand = stand("detector-reload", SIX, "");
    let running = stand.run();
    let token = stand.token("shop");
    let times = moments(&stand);
    running.post(&token, fails("bob", &times[..2])).is(200);
    stand.write(
        "rules/own.yml",
        SIX.replace("times: 6", "times: 5").as_bytes(),
    );
    let said = stand.belfry(&["rules", "reload"]).ends(2);
    assert!(said.err.contains("did not ring"), "{}", said.err);
    stand.write("rules/own.yml", b"title: [");
    stand.belfry(&["rules", "reload"]).ends(2);
    let failures = stand.search("event.action:rules_reloaded AND event.outcome:failure");
    assert_eq!(failures.len(), 2, "{failures:?}");

    stand.write("rules/own.yml", SIX.as_bytes());
    stand.write("rules/silent.yml", SILENT.as_bytes());
    stand.belfry(&["rules", "reload"]).ends(0);
    eventually("the watch says so", || {
        running.talk().contains("rules exchanged").then_some(())
    });
    // The two fails from before still count: their rule is the same.
    running.post(&token, fails("bob", &times[2..])).is(200);
    assert_eq!(alerts(&stand)[0]["title"], "Six fails");

    let id = running.id().to_string();
    assert!(
        Command::new("kill")
            .args(["-HUP", &id])
            .status()
            .unwrap()
            .success()
    );
    eventually("the signal is noted", || {
        let noted = stand.search("event.action:rules_reloaded AND user.name:SIGHUP");
        (!noted.is_empty()).then_some(())
    });
    running.stop();
}

#[test]
fn a_rule_tells_beforehand_what_it_would_have_found() {
    let stand = stand("detector-backtest", SILENT, "");
    let running = stand.run();
    let token = stand.token("shop");
    let times = moments(&stand);
    running.post(&token, fails("bob", &times)).is(200);
    running.post(&token, fails("eve", &times[..2])).is(200);
    let file = stand.write("six.yml", SIX.as_bytes());
    let report = stand.json(
        &["rules", "backtest", &file, "--since", "1d", "--hits", "5"],
        1,
    );
    let report = &report[0];
    assert_eq!(report["total"]["alerts"], 1, "{report}");
    assert_eq!(report["groups"][0]["group"], "user.name=bob", "{report}");
    assert_eq!(report["found"][0]["evidence"].as_array().unwrap().len(), 6);
    let none = stand.json(&["rules", "backtest", "X07", "--since", "1d"], 0);
    assert_eq!(none[0]["total"]["hits"], 0, "{none:?}");
    stand.belfry(&["rules", "backtest", "X99"]).ends(2);
    let looked = stand.search("event.action:log_accessed AND belfry.access:backtest");
    assert_eq!(
        looked.len(),
        2,
        "a look into the past is an entry: {looked:?}"
    );
    running.stop();
}

#[test]
fn a_source_that_spoke_before_the_restart_is_missed_after_it() {
    let stand = Stand::new("detector-heard", "[watch]\nsilence = '2s'\n");
    let running = stand.run();
    let token = stand.token("shop");
    running
        .post(&token, fails("bob", &moments(&stand)[..1]))
        .is(200);
    running.stop();
    let running = stand.run();
    let before = stand.verify();
    eventually("somebody notices", || {
        let noted = stand.search("event.action:log_source_silent AND labels.target_id:shop");
        let after = |entry: &Value| entry["belfry.index"].as_u64().unwrap() >= before;
        noted.iter().any(after).then_some(())
    });
    running.stop();
}
