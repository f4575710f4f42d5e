//! What happens to Belfry itself is in the log, and the figures say the same.

use crate::stand::{OPERATOR, Stand, eventually};

/// Waits until `query` finds exactly `count` entries of our own.
fn check_entries(stand: &Stand, query: &str, count: usize) {
    let query = format!("belfry.source:self AND {query}");
    let found = eventually(&query, || {
        let found = stand.search(&query);
        (found.len() >= count).then_some(found)
    });
    assert_eq!(found.len(), count, "{query}: {found:?}");
    assert!(
        found.iter().all(|entry| entry["belfry.listener"] == "self"),
        "{found:?}"
    );
}

#[test]
fn start_stop_tokens_and_looks_are_entries() {
    let stand = Stand::new("self-audit", "");
    let running = stand.run();
    check_entries(&stand, "event.action:sys_startup", 1);
    let token = stand.token("shop");
    check_entries(
        &stand,
        "event.action:authn_token_created AND belfry.target_source:shop",
        1,
    );
    for _ in 0..3 {
        running.post(&token, "{\"user.name\":\"ann\"}").is(200);
    }
    check_entries(
        &stand,
        "event.action:authn_token_used AND source.ip:127.0.0.1",
        1,
    );
    for _ in 0..3 {
        running.post("bf_0000_wrong", "{}").is(401);
    }
    check_entries(
        &stand,
        "event.action:authn_token_invalid AND event.outcome:failure",
        1,
    );
    running.post(&token, "[{").is(400);
    check_entries(
        &stand,
        "event.action:log_input_refused AND event.reason:array_malformed",
        1,
    );
    stand.belfry(&["search", "user.name:ann"]).ends(0);
    let mine = format!("event.action:log_accessed AND user.name:{OPERATOR}");
    check_entries(
        &stand,
        &format!("{mine} AND belfry.query:\"user.name:ann\""),
        1,
    );
    stand.belfry(&["show", "0"]).ends(0);
    check_entries(&stand, &format!("{mine} AND belfry.access:show"), 1);
    let id = stand.json(&["token", "list"], 0)[0]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    stand.json(&["token", "revoke", &id], 0);
    check_entries(&stand, "event.action:authn_token_revoked", 1);
    running.stop();
    check_entries(
        &stand,
        "event.action:sys_shutdown AND event.reason:SIGTERM",
        1,
    );
    // A search beside no process is written down as well, and starts nothing.
    check_entries(&stand, "event.action:sys_startup", 1);
    stand.verify();
}

/// Turns one bit of the first place in the file at `path` where `word` stands.
fn forge(path: &std::path::Path, word: &str) {
    use std::os::unix::fs::FileExt as _;
    let bytes = std::fs::read(path).unwrap();
    let mut places = bytes.windows(word.len());
    let at = places
        .position(|place| place == word.as_bytes())
        .expect("the word is stored");
    let file = std::fs::OpenOptions::new().write(true).open(path).unwrap();
    file.write_all_at(&[bytes[at] ^ 1], at as u64).unwrap();
}

#[test]
fn tampering_that_is_found_rings() {
    let stand = Stand::new("self-tampered", "");
    let running = stand.run();
    let token = stand.token("shop");
    running.post(&token, "{\"note\":\"paid-in-full\"}").is(200);
    // What was acknowledged is settled: nothing the process still does writes over the forgery.
    // The checkpoint would not do, the process replaces it whenever the ledger grows.
    forge(&stand.path("data/ledger/wal/00000000.seg"), "paid-in-full");
    stand.belfry(&["verify"]).ends(1);
    let alert = eventually("D28 rings", || {
        let alerts = stand.json(&["alerts", "list"], 0);
        alerts
            .into_iter()
            .find(|alert| alert["rule"]["code"] == "D28")
    });
    assert_eq!(alert["state"], "open");
    check_entries(&stand, "event.action:log_integrity_fail", 1);
    running.stop();
}

#[test]
fn health_and_figures() {
    let stand = Stand::new("self-figures", "");
    let running = stand.run();
    assert_eq!(running.get("/livez"), (200, "ok\n".to_owned()));
    assert_eq!(running.get("/readyz"), (200, "ready\n".to_owned()));
    assert_eq!(running.get("/v1/operate").0, 405);
    let token = stand.token("shop");
    running
        .post(&token, "{\"a\":1}\n{\"a\":2}\n{\"broken\n")
        .is(200);
    running.post(&token, "[{").is(400);
    running.post("", "{}").is(401);
    let (status, metrics) = running.get("/metrics");
    assert_eq!(status, 200);
    for line in [
        "belfry_records_received_total{source=\"shop\"} 3",
        "belfry_records_stored_total{source=\"shop\"} 3",
        "belfry_records_refused_total{source=\"shop\"} 0",
        "belfry_records_defective_total{source=\"shop\"} 1",
        "belfry_refusals_total{reason=\"array_malformed\"} 1",
        "belfry_refusals_total{reason=\"token_refused\"} 1",
        "belfry_up 1",
        "# TYPE belfry_ledger_entries gauge",
        "# TYPE belfry_watch_lag_entries gauge",
        "# TYPE belfry_alerts_drafted_total counter",
    ] {
        assert!(
            metrics.lines().any(|found| found == line),
            "{line}: {metrics}"
        );
    }
    let said = running.stop();
    assert!(said.err.contains("stopping: SIGTERM"), "{}", said.err);
}

#[test]
fn a_second_process_is_refused() {
    let stand = Stand::new("self-second", "");
    let running = stand.run();
    let second = stand.belfry(&["run"]);
    assert_ne!(second.code, 0);
    assert!(
        second.err.contains("lock") || second.err.contains("another"),
        "{}",
        second.err
    );
    assert_eq!(running.get("/readyz").0, 200);
    running.stop();
    stand.run().stop();
}
