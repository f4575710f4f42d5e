//! Secrets come in through every door, and none of them is anywhere afterwards.

use std::collections::BTreeMap;
use std::path::Path;

use base64ct::{Base64UrlUnpadded, Encoding};
use serde_json::json;

use crate::receiver::Receiver;
use crate::stand::{Stand, eventually};

/// Secrets that exist in no file of ours: put together when the journey starts.
fn secrets() -> BTreeMap<&'static str, String> {
    let part = |text: &str| Base64UrlUnpadded::encode_string(text.as_bytes());
    let random: String = "Qk7vXw2Lp9Zr4TyB".chars().rev().collect();
    let jwt = format!(
        "{}.{}.{random}{random}{random}",
        part("{\"alg\":\"HS256\",\"typ\":\"JWT\"}"),
        part("{\"sub\":\"31337\",\"name\":\"ann\"}")
    );
    BTreeMap::from([
        ("password", format!("hunter-{random}")),
        ("card", ["4111", "1111", "1111", "1111"].concat()),
        ("aws", format!("AKIA{}", "IOSFODNN7QXAMPLZ")),
        ("jwt", jwt),
        ("session", format!("s{random}d41d8cd98f00")),
    ])
}

/// One line of free text with all of `secrets`.
fn sentence(secrets: &BTreeMap<&str, String>) -> String {
    format!(
        "login user=ann password={} card {} key {} bearer {} sessionid={} end-of-plant",
        secrets["password"], secrets["card"], secrets["aws"], secrets["jwt"], secrets["session"]
    )
}

/// The same as the event of an application that is careless in every field.
fn event(secrets: &BTreeMap<&str, String>) -> String {
    let url = format!(
        "/pay?card={}&password={}&x=1",
        secrets["card"], secrets["password"]
    );
    json!({
        "event.action": "authn_login_fail", "user.name": "ann", "source.ip": "203.0.113.5",
        "password": secrets["password"], "url.original": url,
        "message": sentence(secrets),
        "http.request.headers.cookie": format!("sessionid={}; theme=dark", secrets["session"]),
        "http.request.headers.authorization": format!("Bearer {}", secrets["jwt"]),
        "nested": {"aws_access_key_id": secrets["aws"], "list": [secrets["jwt"]]},
        "inner": json!({"password": secrets["password"]}).to_string(),
    })
    .to_string()
}

/// No raw value in `text`.
fn check_clean(place: &str, text: &[u8], secrets: &BTreeMap<&str, String>) {
    for (name, secret) in secrets {
        let wanted = secret.as_bytes();
        let is_found = text.windows(wanted.len()).any(|window| window == wanted);
        assert!(!is_found, "the {name} is in {place}");
    }
}

/// The same for every file under `folder`; how many there are.
fn check_folder(folder: &Path, secrets: &BTreeMap<&str, String>) -> usize {
    let mut count = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            count += check_folder(&path, secrets);
        } else {
            let bytes = std::fs::read(&path).unwrap();
            check_clean(&path.display().to_string(), &bytes, secrets);
            count += 1;
        }
    }
    count
}

const DOORS: &str = "[[intake.syslog_tcp]]\nsource = 'tcp'\nlisten = '127.0.0.1:0'\n\
                     [[intake.syslog_udp]]\nsource = 'udp'\nlisten = '127.0.0.1:0'\n\
                     [[intake.file]]\nsource = 'tail'\npath = 'DIR/app.log'\n\
                     [alert.file]\npath = 'DIR/data/alerts.jsonl'\n";

#[test]
fn no_planted_secret_survives_any_door() {
    let secrets = secrets();
    let receiver = Receiver::start();
    let stand = Stand::new("redaction", &format!("{DOORS}{}", receiver.table()));
    stand.write("secret", Receiver::secret().as_bytes());
    let line = sentence(&secrets);
    stand.write(
        "app.log",
        format!("{line}\n{}\n", event(&secrets)).as_bytes(),
    );
    let running = stand.run();
    let token = stand.token("http");
    let body = format!("{}\n", event(&secrets)).repeat(6);
    running
        .post(&token, format!("{body}{line}\n{{\"broken\": \"{line}\n"))
        .is(200);
    let header = "<34>1 2026-01-31T09:15:02Z host app - - - ";
    running.send_tcp(format!("{header}{line}\n<34>Jan 31 09:15:02 host app: {line}\n").as_bytes());
    running.send_udp(format!("{header}{line}").as_bytes());
    running.send_udp(format!("<34>Jan 31 09:15:02 host app: {}", event(&secrets)).as_bytes());
    let file = stand.write(
        "old.log",
        format!("{line}\n{}\n", event(&secrets)).as_bytes(),
    );
    let mut said = vec![stand.belfry(&["ingest", &file, "--source", "bulk"]).ends(0)];
    for (source, count) in [
        ("http", 8),
        ("tcp", 2),
        ("udp", 2),
        ("tail", 2),
        ("bulk", 2),
    ] {
        eventually(source, || {
            let found = stand.search(&format!("belfry.source:{source} AND \"end-of-plant\""));
            (found.len() == count).then_some(())
        });
    }
    let message = eventually("the alert goes out", || receiver.heard().pop());
    assert!(message.is_signed);
    said.push(stand.belfry(&["search", "user.name:ann"]).ends(0));
    said.push(stand.belfry(&["search", "", "--format", "json"]).ends(0));
    said.push(
        stand
            .belfry(&["alerts", "list", "--format", "json"])
            .ends(0),
    );
    let (_, metrics) = running.get("/metrics");
    said.push(running.stop());
    for said in &said {
        check_clean("standard output", said.out.as_bytes(), &secrets);
        check_clean("standard error", said.err.as_bytes(), &secrets);
    }
    check_clean("/metrics", metrics.as_bytes(), &secrets);
    for message in receiver.heard() {
        check_clean("a webhook", message.raw.as_bytes(), &secrets);
    }
    let files = check_folder(&stand.path("data"), &secrets);
    assert!(files > 5, "{files} files looked at");
    let kinds = stand.search("belfry.redaction.kinds:*");
    assert_eq!(
        kinds.len(),
        16 + said_about_redaction(&kinds),
        "each record says what was cut"
    );
}

/// Entries of our own that quote a record and were cut as well.
fn said_about_redaction(found: &[serde_json::Value]) -> usize {
    found
        .iter()
        .filter(|entry| entry["belfry.source"] == "self")
        .count()
}

#[test]
fn a_secret_in_a_query_of_the_operator_is_not_kept() {
    let secrets = secrets();
    let stand = Stand::new("redaction-query", "");
    let running = stand.run();
    let card = &secrets["card"];
    stand.search(card);
    stand.search(&format!("message:\"password={}\"", secrets["password"]));
    running.stop();
    check_folder(&stand.path("data"), &secrets);
}
