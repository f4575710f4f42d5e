//! Two nodes watch each other: what is witnessed, what a rollback and a fork come to, and what
//! strangers are served.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::stand::{Running, Stand, eventually};

/// Settings of a node that watches others and goes around often.
const NODE: &str = "[witness]\ninterval = '100ms'\ngrace = '300ms'\ntimeout = '60s'\n\
                    [witness.serve]\nenabled = true\nlisten = '127.0.0.1:0'\n\
                    [publish]\nenabled = true\nlisten = '127.0.0.1:0'\n";

/// The card of a node with the address where its witness answers now.
fn card(stand: &Stand, running: &Running) -> String {
    let shown = stand.json(&["witness", "pair"], 0);
    let card = shown[0]["card"].as_str().unwrap().to_owned();
    let words: Vec<&str> = card.split(' ').collect();
    format!("{} http://{}", words[..3].join(" "), running.witness())
}

fn status(stand: &Stand) -> Value {
    let said = stand.belfry(&["witness", "status", "--format", "json"]);
    assert!([0, 1].contains(&said.code), "{}", said.err);
    said.value()
}

/// Waits until the witnesses have signed at least this many entries.
fn await_witnessed(stand: &Stand, least: u64) -> u64 {
    eventually("the witnesses have seen it", || {
        let size = status(stand)["witnessed_size"].as_u64();
        size.filter(|size| least <= *size)
    })
}

/// Waits for an open alert D28 whose entries speak of `word`.
fn await_alarm(stand: &Stand, word: &str) {
    eventually(&format!("D28 rings for {word}"), || {
        let alerts = stand.json(&["alerts", "list"], 0);
        let rings =
            |alert: &Value| alert["rule"]["code"] == "D28" && alert.to_string().contains(word);
        alerts.into_iter().find(rings)
    });
}

fn copy(from: &Path, to: &Path) {
    let copied = Command::new("cp").arg("-a").arg(from).arg(to).status();
    assert!(copied.unwrap().success());
}

#[test]
fn a_rollback_is_refused_and_a_fork_leaves_evidence() {
    let (a, b) = (Stand::new("witness-a", NODE), Stand::new("witness-b", NODE));
    let (running_a, running_b) = (a.run(), b.run());
    let (card_a, card_b) = (card(&a, &running_a), card(&b, &running_b));
    a.belfry(&["witness", "pair", &card_b]).ends(0);
    b.belfry(&["witness", "pair", &card_a]).ends(0);
    let own_card = a.belfry(&["witness", "pair", &card_a]).ends(2);
    assert!(own_card.err.contains("this very node"), "{}", own_card.err);
    let token = a.token("shop");
    running_a.post(&token, "{\"note\":\"first\"}").is(200);
    let early = await_witnessed(&a, 4);
    await_witnessed(&b, 1);
    running_a.stop();
    // A snapshot of the machine, life going on, and the snapshot put back.
    copy(&a.path("data"), &a.path("snapshot"));
    let running_a = a.run();
    running_a.post(&token, "{\"note\":\"the theft\"}").is(200);
    let late = await_witnessed(&a, early + 2);
    running_a.stop();
    std::fs::rename(a.path("data"), a.path("truth")).unwrap();
    copy(&a.path("snapshot"), &a.path("data"));
    let refused = a.belfry(&["run"]).ends(1);
    for word in ["has seen", "--accept-rollback", "ledger.origin", "evidence"] {
        assert!(refused.err.contains(word), "{word}: {}", refused.err);
    }
    let seen = status(&a);
    let says = seen["witnesses"][0]["says"].as_str().unwrap();
    assert!(says.contains("an older copy is in place"), "{says}");
    assert_eq!(seen["witnesses"][0]["tampering"], true);
    // The truth starts; the snapshot again does not; with open eyes it does.
    std::fs::rename(a.path("data"), a.path("rolled")).unwrap();
    std::fs::rename(a.path("truth"), a.path("data")).unwrap();
    a.run().stop();
    std::fs::rename(a.path("data"), a.path("truth")).unwrap();
    std::fs::rename(a.path("rolled"), a.path("data")).unwrap();
    let forked = a.run_with(&["--accept-rollback"]);
    await_alarm(&a, "Log tampered with");
    let accepted = a.search("event.action:log_integrity_fail");
    let accepted = accepted.iter().filter(|entry| {
        let reason = entry["event.reason"].as_str().unwrap_or_default();
        reason.contains("--accept-rollback")
    });
    assert_eq!(accepted.count(), 1);
    // The other branch outgrows what was seen: the witness rings too, and keeps both.
    for number in 0..late + 8 {
        let event = format!("{{\"note\":\"rewritten {number}\"}}");
        forked.post(&token, event).is(200);
    }
    let watched = eventually("the witness has evidence", || {
        let watched = status(&b)["watched"][0].clone();
        (watched["conflicts"].as_u64()? > 0).then_some(watched)
    });
    assert!(watched["size"].as_u64().unwrap() >= late, "{watched}");
    await_alarm(&b, "Log tampered with");
    b.belfry(&["witness", "status"]).ends(1);
    forked.stop();
    running_b.stop();
}

#[test]
fn missing_witnesses_ring_and_nobody_waits_for_them() {
    let (a, b) = (Stand::new("alone-a", NODE), Stand::new("alone-b", NODE));
    let (running_a, running_b) = (a.run(), b.run());
    a.belfry(&["witness", "pair", &card(&b, &running_b)])
        .ends(0);
    let token = a.token("shop");
    // Paired one way only: the other does not watch us yet.
    await_alarm(&a, "Ledger not witnessed");
    running_a
        .post(&token, "{\"note\":\"taken in all the same\"}")
        .is(200);
    b.belfry(&["witness", "pair", &card(&a, &running_a)])
        .ends(0);
    await_witnessed(&a, 1);
    eventually("the return is an entry", || {
        a.search("event.action:log_witnessed").pop()
    });
    running_b.stop();
    running_a
        .post(&token, "{\"note\":\"still taken in\"}")
        .is(200);
    eventually("the absence is an entry", || {
        let entries = a.search("event.action:log_unwitnessed");
        (1 < entries.len()).then_some(())
    });
    let running_a = {
        running_a.stop();
        // A witness that is down keeps nobody from starting.
        a.run()
    };
    assert!(
        running_a.talk().contains("cannot be reached"),
        "{}",
        running_a.talk()
    );
    running_a.stop();
}

#[test]
fn strangers_are_served_commitments_only() {
    let stand = Stand::new("publish", NODE);
    let running = stand.run();
    let token = stand.token("shop");
    let answer = running.post(&token, "{\"note\":\"paid-in-full\"}").is(200);
    let size = answer["tree_size"].as_u64().unwrap();
    let note = eventually("the checkpoint covers it", || {
        let (status, note) = running.published("/checkpoint");
        assert_eq!(status, 200);
        let covered: u64 = note.lines().nth(1)?.parse().ok()?;
        (size <= covered).then_some(note)
    });
    let size: u64 = note.lines().nth(1).unwrap().parse().unwrap();
    let (status, tile) = running.published(&format!("/tile/0/000.p/{size}"));
    assert_eq!((status, tile.is_empty()), (200, false));
    let (status, entries) = running.published(&format!("/tile/entries/000.p/{size}"));
    assert_eq!(status, 200);
    assert!(!entries.contains("paid-in-full"), "a body was served");
    for path in [
        "/tile/0/000",
        "/tile/0/000.p/999",
        "/key",
        "/ledger/key",
        "/tile/../key",
    ] {
        assert_eq!(running.published(path).0, 404, "{path}");
    }
    running.stop();
}

#[test]
fn a_witness_alone_serves_and_stops() {
    let (a, tower) = (Stand::new("tower-a", NODE), Stand::new("tower-w", NODE));
    let running = a.run();
    let card = card(&a, &running);
    let vkey = card.split(' ').nth(1).unwrap();
    tower.belfry(&["witness", "add-log", vkey]).ends(0);
    let serving = tower.serve_witness();
    let key = serving.talk();
    let key = key
        .lines()
        .find(|line| line.contains("witness key"))
        .unwrap();
    let key = key.split_whitespace().last().unwrap();
    let policy = format!(
        "log {vkey}\nwitness tower {key} http://{}\nquorum tower\n",
        serving.witness()
    );
    std::fs::create_dir_all(a.path("data/witness")).unwrap();
    a.write("data/witness/policy", policy.as_bytes());
    await_witnessed(&a, 1);
    running.stop();
    let said = serving.stop();
    assert!(said.err.contains("stopping: SIGTERM"), "{}", said.err);
    // It remembers: the next process of it knows the same log.
    let watched = status(&tower)["watched"][0].clone();
    assert!(watched["size"].as_u64().unwrap() > 0, "{watched}");
}
