//! A developer sends events over HTTP, finds them again and proves one of them to a stranger.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};

use crate::stand::{Stand, ndjson, post, texts};

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn login(user: &str) -> Value {
    json!({"event.action": "authn_login_success", "user.name": user, "source.ip": "192.0.2.7"})
}

/// Every answer that promises something has these fields.
fn check_answer(answer: &Value, received: u64, stored: u64) {
    let figure = |name: &str| {
        answer[name]
            .as_u64()
            .unwrap_or_else(|| panic!("{name}: {answer}"))
    };
    assert_eq!(figure("received"), received, "{answer}");
    assert_eq!(figure("stored"), stored, "{answer}");
    assert_eq!(figure("refused"), received - stored, "{answer}");
    assert_eq!(
        figure("last_index") - figure("first_index") + 1,
        stored,
        "{answer}"
    );
    assert!(figure("tree_size") > figure("last_index"), "{answer}");
}

#[test]
fn sent_in_every_shape_found_and_whole() {
    let stand = Stand::new("http-shapes", "");
    let running = stand.run();
    let token = stand.token("shop");
    check_answer(
        &running.post(&token, login("ann").to_string()).is(200),
        1,
        1,
    );
    let array =
        json!([login("ben"), {"user": {"name": "cleo"}, "event": {"action": "api_access"}}]);
    check_answer(&running.post(&token, array.to_string()).is(200), 2, 2);
    let lines = ndjson([login("dora"), login("emil"), login("fred")]);
    check_answer(&running.post(&token, &lines).is(200), 3, 3);
    let packed = gzip(ndjson([login("gina"), login("hugo")]).as_bytes());
    let gzipped = [("content-encoding", "gzip")];
    let answer = post(running.http(), &token, &gzipped, &packed)
        .unwrap()
        .is(200);
    check_answer(&answer, 2, 2);

    let found = stand.search("belfry.source:shop");
    let names = texts(&found, "user.name");
    assert_eq!(
        names,
        ["ann", "ben", "cleo", "dora", "emil", "fred", "gina", "hugo"]
    );
    for entry in &found {
        assert_eq!(entry["belfry.listener"], "http", "{entry}");
        let peer = entry["log.source.address"].as_str().unwrap();
        assert!(peer.starts_with("127.0.0.1"), "{entry}");
        assert!(entry["event.ingested"].is_string() && entry["@timestamp"].is_string());
    }
    let hit = stand.search("user.name:gina AND event.outcome:success");
    assert_eq!(hit.len(), 1);
    assert_eq!(hit[0]["belfry.index"], answer["first_index"]);
    assert!(stand.verify() >= 8);
    running.stop();
    assert!(stand.verify() >= 8);
}

#[test]
fn broken_items_are_kept_and_named() {
    let stand = Stand::new("http-broken", "");
    let running = stand.run();
    let token = stand.token("shop");
    let body = format!(
        "{}\n{{\"user.name\": \"broken\n\n{}\n",
        login("ann"),
        login("ben")
    );
    let answer = running.post(&token, body).is(200);
    check_answer(&answer, 3, 3);
    let defects = answer["defects"].as_array().unwrap();
    assert_eq!(defects.len(), 1, "{answer}");
    assert_eq!(defects[0]["item"], 1, "{answer}");
    let found = stand.search("belfry.defects:*");
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].to_string().contains("broken"), "{found:?}");

    let long = json!({"message": "x".repeat(300 << 10)}).to_string();
    let answer = running
        .post(&token, format!("{}\n{long}\n", login("cleo")))
        .is(200);
    check_answer(&answer, 2, 1);
    assert_eq!(answer["errors"][0]["item"], 1, "{answer}");
    let reason = answer["errors"][0]["error"].as_str().unwrap();
    assert!(reason.starts_with("too_long"), "{answer}");
    let answer = running.post(&token, format!("[{long}]")).is(400);
    assert_eq!(
        (&answer["stored"], &answer["refused"]),
        (&json!(0), &json!(1)),
        "{answer}"
    );
    assert_eq!(
        running.post(&token, "[{\"a\":1},").is(400)["error"],
        "array_malformed"
    );
    assert_eq!(running.post(&token, "").is(400)["error"], "body_empty");
    running.stop();
}

#[test]
fn strangers_and_giants_are_refused() {
    let stand = Stand::new("http-refused", "");
    let running = stand.run();
    let token = stand.token("shop");
    let http = running.http();
    assert_eq!(running.post("", "{}").is(401)["error"], "unauthorized");
    assert_eq!(
        running.post("bf_0000_wrong", "{}").is(401)["error"],
        "unauthorized"
    );
    let wrong = token.chars().rev().collect::<String>();
    assert_eq!(running.post(&wrong, "{}").is(401)["error"], "unauthorized");

    assert_eq!(announced(http, &token, 33 << 20), 413);
    let bomb = gzip(&vec![b' '; 33 << 20]);
    let gzipped = [("content-encoding", "gzip")];
    let answer = post(http, &token, &gzipped, &bomb).unwrap().is(413);
    assert_eq!(answer["error"], "decompressed_too_long");
    let many = format!("[{}1]", "1,".repeat(50_000));
    assert_eq!(
        running.post(&token, many).is(413)["error"],
        "too_many_items"
    );
    let foreign = [("content-encoding", "br")];
    let answer = post(http, &token, &foreign, b"{}").unwrap().is(415);
    assert_eq!(answer["error"], "encoding_unknown");
    assert_eq!(stand.search("belfry.source:shop").len(), 0);

    let id = stand.json(&["token", "list"], 0)[0]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    running.post(&token, "{}").is(200);
    stand.json(&["token", "revoke", &id], 0);
    running.post(&token, "{}").is(401);
    assert!(stand.json(&["token", "list"], 0).is_empty());
    running.stop();
}

/// The status for a body of which only the length was said.
fn announced(http: SocketAddr, token: &str, length: usize) -> u16 {
    let mut stream = TcpStream::connect(http).unwrap();
    let head = format!(
        "POST /v1/events HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\n\
         content-length: {length}\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).unwrap();
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).unwrap();
    String::from_utf8_lossy(&answer)[9..].parse().unwrap()
}

#[test]
fn one_entry_is_proven_to_a_stranger() {
    let stand = Stand::new("http-proof", "");
    let running = stand.run();
    let token = stand.token("shop");
    let answer = running.post(&token, login("ann").to_string()).is(200);
    running.post(&token, login("ben").to_string()).is(200);
    let index = answer["first_index"].to_string();
    running.stop();

    let proof = stand.belfry(&["prove", &index]).ends(0).out;
    let file = stand.write("entry.proof", proof.as_bytes());
    let told = stand.json(&["prove", &index], 0);
    let vkey = told[0]["vkey"].as_str().unwrap();
    let proven = stand.json(&["verify", "--proof", &file, "--vkey", vkey], 0);
    assert_eq!(proven[0]["index"].to_string(), index);
    stand.belfry(&["verify", "--proof", &file]).ends(0);

    let middle = proof.len() / 3;
    let other = if proof.as_bytes()[middle] == b'A' {
        "B"
    } else {
        "A"
    };
    for (from, forged) in [
        ("index", proof.replacen("index ", "index 1", 1)),
        ("origin", proof.replacen("\nbelfry", "\nbelfrz", 1)),
        (
            "record",
            format!("{}{other}{}", &proof[..middle], &proof[middle + 1..]),
        ),
    ] {
        assert_ne!(forged, proof, "{from}");
        let file = stand.write("forged.proof", forged.as_bytes());
        let report = stand.json(&["verify", "--proof", &file, "--vkey", vkey], 1);
        assert_eq!(report[0]["ok"], false, "{from}");
        stand
            .belfry(&["verify", "--proof", &file, "--vkey", vkey])
            .ends(1);
    }
    let stranger = Stand::new("http-proof-stranger", "");
    stranger.run().stop();
    let other = stranger.json(&["prove", "0"], 0)[0]["vkey"].clone();
    stand
        .belfry(&[
            "verify",
            "--proof",
            &file,
            "--vkey",
            other.as_str().unwrap(),
        ])
        .ends(1);
    stand
        .belfry(&["verify", "--proof", &file, "--vkey", "nonsense"])
        .ends(2);
}

#[test]
fn a_changed_byte_is_named() {
    let stand = Stand::new("http-tampered", "");
    let running = stand.run();
    let token = stand.token("shop");
    let lines = ndjson((0..5).map(|n| login(&format!("marker{n}x"))));
    let first = running.post(&token, lines).is(200)["first_index"]
        .as_u64()
        .unwrap();
    running.stop();
    let segment = stand.path("data/ledger/wal/00000000.seg");
    let mut bytes = std::fs::read(&segment).unwrap();
    let at = find(&bytes, b"marker3x").expect("bodies are stored as they are");
    bytes[at] = b'M';
    std::fs::write(&segment, bytes).unwrap();
    let report = stand.json(&["verify"], 1);
    assert_eq!(report[0]["ok"], false);
    assert_eq!(report[0]["findings"][0]["index"], first + 3, "{report:?}");
    assert_eq!(report[0]["findings"][0]["kind"], "edited", "{report:?}");
    let said = stand.belfry(&["verify"]).ends(1);
    assert!(said.out.starts_with("NOT WHOLE"), "{}", said.out);
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes
        .windows(wanted.len())
        .position(|window| window == wanted)
}

/// One command line, how it ends and a word it must say.
fn check_exit(stand: &Stand, line: &str, code: i32, says: &str) {
    let arguments: Vec<&str> = line.split('|').collect();
    let said = stand.belfry(&arguments).ends(code);
    let all = format!("{}{}", said.out, said.err);
    assert!(all.contains(says), "{line}: {all}");
}

#[test]
fn exit_codes_and_json_everywhere() {
    let stand = Stand::new("http-exits", "");
    check_exit(&stand, "search", 2, "there is no ledger");
    check_exit(&stand, "verify", 2, "there is no ledger");
    let running = stand.run();
    let token = stand.token("shop");
    running.post(&token, login("ann").to_string()).is(200);
    for (line, code, says) in [
        ("search|user.name:ann", 0, "user.name=ann"),
        ("search|(user.name:ann", 2, ""),
        ("search|--since|yesterday", 2, "`yesterday` is neither"),
        ("search|--since|1h|user.name:ann", 0, "user.name=ann"),
        ("search|--until|2001-01-01|user.name:ann", 0, "0 hit(s)"),
        ("tail|-n|1", 0, "log_accessed"),
        ("show|0", 0, "ledger_created"),
        ("show|99999", 2, "does not exist"),
        ("prove|99999", 2, "does not exist"),
        ("alerts|list", 0, "0 alert(s)"),
        ("alerts|show|a-00", 2, "there is no alert"),
        ("alerts|ack|a-00", 2, "there is no alert"),
        ("rules|list", 0, "D01"),
        ("rules|explain|D99|0", 2, "there is no rule"),
        ("token|revoke|nobody", 2, "there is no token"),
        ("token|create|not a name", 2, "cannot name a source"),
        ("ingest|no-such-file", 2, "does not exist"),
        ("verify|--proof|no-such-file", 2, "no-such-file"),
        ("sing", 2, "unrecognized subcommand"),
        ("check|--config|no.toml", 1, "no.toml"),
        ("search|--config|no.toml", 2, "no.toml"),
    ] {
        check_exit(&stand, line, code, says);
    }
    for line in [
        "search",
        "tail",
        "show|0|1",
        "prove|0",
        "alerts|list",
        "rules|list",
        "token|list",
        "rules|explain|D28|0",
        "rules|test|D01",
        "verify",
        "check",
        "ingest|-",
    ] {
        let arguments: Vec<&str> = line.split('|').collect();
        let values = stand.json(&arguments, 0);
        assert!(values.iter().all(Value::is_object), "{line}: {values:?}");
    }
    let said = stand.belfry(&["doctor", "--format", "json"]);
    assert!(
        said.values()
            .iter()
            .all(|finding| finding["ok"].is_boolean())
    );
    running.stop();
}
