//! An attack rings at once, everywhere it should, and only once; people work on the alert, and
//! neither a forger nor a power cut changes what they did.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::receiver::{Message, Receiver};
use crate::stand::{OPERATOR, Running, Stand, eventually, ndjson, texts};

/// How soon an alert has to ring on an idle machine, and on one that is not ours alone.
const SOON: Duration = Duration::from_secs(1);
const SOON_UNDER_LOAD: Duration = Duration::from_secs(20);

fn guess(user: &str) -> Value {
    json!({"event.action": "authn_login_fail", "user.name": user, "source.ip": "203.0.113.9",
           "service.name": "shop"})
}

fn guesses(user: &str, count: usize) -> String {
    ndjson((0..count).map(|_| guess(user)))
}

/// A stand that tells the terminal, a file and a receiver.
fn stand(name: &str, receiver: &Receiver) -> Stand {
    let more = format!(
        "[alert.file]\npath = 'DIR/alerts.jsonl'\n{}",
        receiver.table()
    );
    let stand = Stand::new(name, &more);
    stand.write("secret", Receiver::secret().as_bytes());
    stand
}

/// The guesses concern an account and an address: D01 rings for the one, D02, low, for the other.
/// These journeys follow D01.
fn is_d01(told: &Value) -> bool {
    let code = |value: &Value| value["rule"]["code"] == "D01";
    code(told) || code(&told["data"])
}

/// The notices about `user` among lines of JSON.
fn notices(lines: &str, user: &str) -> Vec<Value> {
    let whole = lines
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok());
    let entity = format!("user.name={user}");
    whole
        .filter(|notice: &Value| is_d01(notice) && notice.to_string().contains(&entity))
        .collect()
}

/// What the receiver heard of D01.
fn heard_d01(receiver: &Receiver) -> Vec<Message> {
    let heard = receiver.heard().into_iter();
    heard.filter(|message| is_d01(&message.body())).collect()
}

/// The alerts about `user` on the desk.
fn on_the_desk(stand: &Stand, user: &str) -> Vec<Value> {
    let alerts = stand.json(&["alerts", "list"], 0);
    let entity = format!("user.name={user}");
    let is_about = |alert: &Value| is_d01(alert) && alert["entity"].to_string().contains(&entity);
    alerts.into_iter().filter(is_about).collect()
}

/// Waits until the one alert about `user` rang on the terminal.
fn rings(running: &Running, user: &str) -> Value {
    let notice = eventually("the terminal rings", || {
        notices(&running.data(), user).pop()
    });
    if notice["data"].is_object() {
        notice["data"].clone()
    } else {
        notice
    }
}

#[test]
fn brute_force_rings_everywhere_within_a_second() {
    let receiver = Receiver::start();
    let stand = stand("alerts-ring", &receiver);
    let running = stand.run();
    let token = stand.token("shop");
    let answer = running.post(&token, guesses("bob", 5)).is(200);
    let start = Instant::now();
    let alert = rings(&running, "bob");
    let took = start.elapsed();
    println!("rang after {took:?}");
    assert!(took < SOON_UNDER_LOAD, "rang after {took:?}");
    if took > SOON {
        println!("LOADED MACHINE: the promise is {SOON:?}");
    }
    assert_eq!(alert["rule"]["code"], "D01", "{alert}");
    assert_eq!(alert["entity"], json!(["user.name=bob"]), "{alert}");
    let first = answer["first_index"].as_u64().unwrap();
    let evidence: Vec<u64> = (first..first + 5).collect();
    assert_eq!(alert["evidence"], json!(evidence), "{alert}");

    let filed = eventually("the file is written", || {
        let text = std::fs::read_to_string(stand.path("alerts.jsonl")).ok()?;
        notices(&text, "bob").pop()
    });
    let message = eventually("the receiver hears", || heard_d01(&receiver).pop());
    assert!(message.is_signed && !message.id.is_empty(), "{message:?}");
    let body = message.body();
    assert_eq!(body["type"], "alert.raised", "{body}");
    assert_eq!(body["data"]["id"], alert["id"], "{body}");
    assert!(
        filed.to_string().contains(alert["id"].as_str().unwrap()),
        "{filed}"
    );
    let checkpoint = body["checkpoint"].as_str().unwrap();
    assert!(checkpoint.starts_with("belfry.local/ledger/1\n"), "{body}");
    let shown = &on_the_desk(&stand, "bob")[0];
    assert_eq!(shown["id"], alert["id"]);
    assert_eq!(shown["state"], "open");
    assert_eq!(heard_d01(&receiver).len(), 1);
    running.stop();
    stand.verify();
}

#[test]
fn work_on_an_alert_is_written_down_and_stays() {
    let receiver = Receiver::start();
    let stand = stand("alerts-work", &receiver);
    let running = stand.run();
    let token = stand.token("shop");
    running.post(&token, guesses("bob", 5)).is(200);
    let id = rings(&running, "bob")["id"].as_str().unwrap().to_owned();
    stand.belfry(&["alerts", "show", &id]).ends(0);
    let taken = &stand.json(&["alerts", "ack", &id, "--note", "looking, Kim"], 0)[0];
    assert_eq!(taken["state"], "acknowledged", "{taken}");
    running.stop();

    assert_eq!(
        stand.json(&["alerts", "show", &id], 0)[0]["state"],
        "acknowledged"
    );
    let close = [
        "alerts",
        "close",
        &id,
        "--verdict",
        "true-positive",
        "--note",
        "blocked",
    ];
    assert_eq!(
        stand.json(&close, 0)[0]["state"],
        "closed",
        "works without a running process"
    );
    let running = stand.run();
    let shown = &stand.json(&["alerts", "show", &id[..8]], 0)[0];
    assert_eq!(shown["state"], "closed", "{shown}");
    let history = shown["history"].to_string();
    assert!(
        history.contains("looking, Kim") && history.contains("blocked"),
        "{shown}"
    );
    let open = stand.json(&["alerts", "list", "--state", "open"], 0);
    assert!(!open.iter().any(is_d01), "{open:?}");
    for action in ["alert_raised", "alert_acknowledged", "alert_closed"] {
        let found = stand.search(&format!("event.action:{action} AND belfry.alert.id:{id}"));
        assert_eq!(found.len(), 1, "{action}: {found:?}");
        assert_eq!(found[0]["belfry.source"], "self", "{found:?}");
    }
    let closed = &stand.search("event.action:alert_closed")[0];
    assert_eq!(closed["user.name"], OPERATOR, "{closed}");
    let again = &stand.json(&["alerts", "reopen", &id], 0)[0];
    assert_eq!(again["state"], "open", "{again}");
    stand.belfry(&["alerts", "close", &id]).ends(2);
    running.stop();
    stand.verify();
}

#[test]
fn a_desk_that_is_lost_is_made_again_from_the_ledger() {
    let receiver = Receiver::start();
    let stand = stand("alerts-desk", &receiver);
    let running = stand.run();
    let token = stand.token("shop");
    running.post(&token, guesses("bob", 5)).is(200);
    let id = rings(&running, "bob")["id"].as_str().unwrap().to_owned();
    stand.json(&["alerts", "ack", &id, "--note", "mine"], 0);
    running.stop();
    let before = stand.json(&["alerts", "show", &id], 0);
    for file in ["desk.db", "desk.db-wal", "desk.db-shm"] {
        // The side files exist only while somebody has the desk open.
        let _ = std::fs::remove_file(stand.path("data").join(file));
    }
    let running = stand.run();
    eventually("the desk is made again", || {
        let alert = on_the_desk(&stand, "bob").pop()?;
        (alert["state"] == "acknowledged").then_some(())
    });
    assert_eq!(on_the_desk(&stand, "bob").len(), 1);
    let after = stand.json(&["alerts", "show", &id], 0);
    for name in [
        "state",
        "severity",
        "entity",
        "count",
        "evidence",
        "first",
        "raised_at",
    ] {
        assert_eq!(after[0][name], before[0][name], "{name}");
    }
    for step in before[0]["history"].as_array().unwrap() {
        let kept = after[0]["history"].as_array().unwrap().contains(step);
        assert!(kept, "{step}: {after:?}");
    }
    assert_eq!(
        stand
            .search(&format!(
                "event.action:alert_raised AND belfry.alert.id:{id}"
            ))
            .len(),
        1,
        "nothing rings twice"
    );
    running.stop();
}

#[test]
fn power_cuts_do_not_double_alerts() {
    let receiver = Receiver::start();
    let stand = stand("alerts-cut", &receiver);
    let running = stand.run();
    let token = stand.token("shop");
    running.post(&token, guesses("early", 5)).is(200);
    rings(&running, "early");
    running.kill();
    for round in 0..4 {
        let running = stand.run();
        // The cut comes while the rules look at these or just after, as chance has it.
        running
            .post(&token, guesses(&format!("user{round}"), 5))
            .is(200);
        running.kill();
    }
    let running = stand.run();
    for user in ["early", "user0", "user1", "user2", "user3"] {
        let alert = eventually("the desk has it", || on_the_desk(&stand, user).pop());
        assert_eq!(on_the_desk(&stand, user).len(), 1, "{user}");
        let id = alert["id"].as_str().unwrap();
        let raised = format!("event.action:alert_raised AND belfry.alert.id:{id}");
        assert_eq!(stand.search(&raised).len(), 1, "{user}");
        eventually("the receiver hears", || {
            let mut heard = receiver.heard().into_iter();
            heard.find(|message| message.raw.contains(id))
        });
    }
    let about_users: Vec<String> = receiver
        .heard()
        .into_iter()
        .filter(|message| message.raw.contains("user.name="))
        .map(|message| message.id)
        .collect();
    let mut different = about_users.clone();
    different.sort();
    different.dedup();
    assert_eq!(
        different.len(),
        5,
        "the same message has the same id: {about_users:?}"
    );
    running.stop();
    stand.verify();
}

#[test]
fn forgers_change_nothing() {
    let receiver = Receiver::start();
    let stand = stand("alerts-forged", &receiver);
    let running = stand.run();
    let token = stand.token("shop");
    running.post(&token, guesses("bob", 5)).is(200);
    let id = rings(&running, "bob")["id"].as_str().unwrap().to_owned();
    let forged = ["alert_closed", "alert_acknowledged"].map(|action| {
        json!({"event.action": action, "belfry.alert.id": id, "belfry.source": "self",
               "belfry.listener": "self", "belfry.alert.state": "closed",
               "belfry.alert.verdict": "false_positive", "user.name": OPERATOR,
               "event.ingested": "2001-01-01T00:00:00Z", "log.source.address": "192.0.2.1:1"})
    });
    let answer = running.post(&token, ndjson(forged)).is(200);
    assert!(
        answer["defects"].to_string().contains("reserved_field"),
        "{answer}"
    );
    // Whatever was to happen to the alert has happened when a later alert rings.
    running.post(&token, guesses("carl", 5)).is(200);
    rings(&running, "carl");
    assert_eq!(stand.json(&["alerts", "show", &id], 0)[0]["state"], "open");

    let found = stand.search("belfry.source:shop AND event.action:alert_*");
    assert_eq!(found.len(), 2, "{found:?}");
    for entry in &found {
        assert_eq!(entry["belfry.source"], "shop", "{entry}");
        assert_eq!(entry["belfry.listener"], "http", "{entry}");
        assert_eq!(entry["labels.claimed.belfry.source"], "self", "{entry}");
        assert_eq!(
            entry["labels.claimed.belfry.alert.id"],
            id.as_str(),
            "{entry}"
        );
        assert!(entry.get("belfry.alert.id").is_none(), "{entry}");
        assert!(
            !entry["event.ingested"]
                .as_str()
                .unwrap()
                .starts_with("2001"),
            "{entry}"
        );
        assert!(
            entry["log.source.address"]
                .as_str()
                .unwrap()
                .starts_with("127."),
            "{entry}"
        );
    }
    let real = stand.search("belfry.alert.id:*");
    assert!(
        texts(&real, "belfry.source")
            .iter()
            .all(|source| *source == "self"),
        "{real:?}"
    );
    running.stop();
    assert_eq!(stand.json(&["alerts", "show", &id], 0)[0]["state"], "open");
}
