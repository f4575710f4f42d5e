//! Canaries: secrets of every kind, in every notation and place, through every door, while the
//! process is killed, runs out of room or is sent garbage. Afterwards nothing of them is in any
//! file of the data folder, in any answer, on any screen or in what a receiver of alerts heard.

mod needles;

use std::collections::BTreeSet;
use std::io::Write;

use corpus::{Planted, building};
use flate2::Compression;
use flate2::write::GzEncoder;

use self::needles::{Needles, holds};
use crate::receiver::Receiver;
use crate::stand::{Answer, Running, Stand, eventually, post};

/// In each line beside the secret: a search that does not find it is blind.
const CONTROL: &str = "the-canary-stands-here";
/// Seeds after which every kind has met every placement that can hold it.
const SEEDS_MAX: u64 = 12_000;
/// Bytes of a value that are kept.
const VALUE_BYTES_MAX: usize = 64 * 1024;

/// Far more requests than a megabyte of segment has room for.
const POSTS_MAX: usize = 60;

const DOORS: &str = "[[intake.syslog_tcp]]\nsource = 'tcp'\nlisten = '127.0.0.1:0'\n\
                     [[intake.syslog_udp]]\nsource = 'udp'\nlisten = '127.0.0.1:0'\n\
                     [[intake.file]]\nsource = 'tail'\npath = 'DIR/app.log'\n\
                     [alert.file]\npath = 'DIR/data/alerts.jsonl'\n";

/// One line for each kind in each placement.
fn canaries() -> Vec<Planted> {
    let mut seen = BTreeSet::new();
    (0..SEEDS_MAX)
        .map(building::plant)
        .filter(|planted| seen.insert((planted.kind, planted.placement)))
        .collect()
}

fn needles(canaries: &[Planted]) -> Needles {
    let secrets = canaries
        .iter()
        .map(|planted| (planted.kind, planted.core.as_str()));
    Needles::of(secrets)
}

/// All lines with the control in a line of its own before and after, one record each.
fn body(canaries: &[Planted]) -> String {
    let lines: Vec<&str> = canaries
        .iter()
        .map(|planted| planted.line.as_str())
        .collect();
    format!("first {CONTROL}\n{}\nlast {CONTROL}\n", lines.join("\n"))
}

/// Lines that no format allows: cut characters, control bytes, broken JSON around a whole secret.
fn garbage(canaries: &[Planted]) -> Vec<u8> {
    let mut out = Vec::new();
    for planted in canaries.iter().step_by(7) {
        let line = planted.line.as_bytes();
        for (before, after) in [
            (&b"\xff\xfe "[..], &b" \xc3\x28"[..]),
            (b"\x00\x01\x1b[31m ", b" \x00"),
            (b"{\"broken\": ", b" ,,"),
            (b"<999>", b""),
            (b"<34>1 - - - - - [x y=\"1\"] ", b""),
        ] {
            out.extend([before, line, after, b"\n"].concat());
        }
    }
    out
}

/// Values whose secret lies across the place where a value is cut.
fn oversize(canaries: &[Planted]) -> String {
    let mut out = String::new();
    let showing = canaries
        .iter()
        .filter(|planted| planted.placement == "text");
    for (planted, step) in showing.zip((0_usize..).map(|at| at % 5)) {
        let before = planted.line.find(&planted.core).unwrap() + planted.core.len() * step / 5;
        let padding = "z ".repeat((VALUE_BYTES_MAX - before) / 2);
        out.extend([padding.as_str(), &planted.line, " and on\n"]);
    }
    out
}

fn gzip(text: &str) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(text.as_bytes()).unwrap();
    encoder.finish().unwrap()
}

/// Sends `body` through every way over HTTP, and requests that are refused; all answers.
fn through_http(running: &Running, token: &str, body: &str, wild: &[u8]) -> Vec<Answer> {
    let packed = |name, bytes: &[u8]| {
        post(running.http(), token, &[("content-encoding", name)], bytes).unwrap()
    };
    let zstd = zstd::encode_all(body.as_bytes(), 1).unwrap();
    let one = body.lines().find(|line| line.starts_with('{')).unwrap();
    let mut answers = vec![
        running.post(token, body),
        running.post(token, one),
        running.post(token, wild),
        packed("gzip", &gzip(body)),
        packed("zstd", &zstd),
    ];
    for answer in &answers {
        assert_eq!(answer.status, 200, "{}", answer.body);
    }
    answers.push(packed("gzip", body.as_bytes()));
    answers.push(packed("br", body.as_bytes()));
    answers.push(running.post(
        body.lines().nth(1).unwrap_or_default().get(..20).unwrap(),
        body,
    ));
    answers
}

fn through_syslog(running: &Running, canaries: &[Planted], wild: &[u8]) {
    let framed = |line: &str| format!("<34>1 2026-01-31T09:15:02Z host app - - - {line}");
    let mut stream = String::new();
    for planted in canaries {
        stream.push_str(&framed(&planted.line));
        stream.push('\n');
    }
    stream.push_str(&framed(&format!("last {CONTROL}\n")));
    running.send_tcp(stream.as_bytes());
    running.send_tcp(wild);
    for planted in canaries.iter().step_by(5) {
        running.send_udp(framed(&planted.line).as_bytes());
    }
    running.send_udp(framed(&format!("last {CONTROL}")).as_bytes());
}

/// The controls have arrived through every door.
fn wait_for_all(stand: &Stand) {
    for (source, count) in [
        ("http", 6),
        ("tcp", 1),
        ("udp", 1),
        ("tail", 2),
        ("file", 2),
    ] {
        eventually(source, || {
            let query = format!("belfry.source:{source} AND \"{CONTROL}\"");
            (stand.search(&query).len() == count).then_some(())
        });
    }
}

/// What is under way when the power goes is the last chance for a file that should not be. What it
/// wrote to standard output.
fn kill_under_load(running: Running, token: &str, body: &str) -> String {
    let (http, load, bearer) = (running.http(), body.to_owned(), token.to_owned());
    let sender = std::thread::spawn(move || post(http, &bearer, &[], load.as_bytes()));
    let out = running.kill();
    // It was answered or cut off; either is fine.
    drop(sender.join().unwrap());
    out
}

#[test]
fn no_canary_survives_any_door() {
    let canaries = canaries();
    let needles = needles(&canaries);
    assert!(
        canaries.len() > 350 && needles.len() > 5_000,
        "{}",
        canaries.len()
    );
    let receiver = Receiver::start();
    let stand = Stand::new("canary", &format!("{DOORS}{}", receiver.table()));
    stand.write("secret", Receiver::secret().as_bytes());
    let (body, wild) = (body(&canaries), garbage(&canaries));
    let oversize = oversize(&canaries);
    let file = [body.as_bytes(), &wild, oversize.as_bytes()].concat();
    stand.write("app.log", &file);
    let running = stand.run();
    let token = stand.token("http");
    let answers = through_http(&running, &token, &body, &wild);
    through_syslog(&running, &canaries, &wild);
    let file = stand.write("old.log", &file);
    let mut said = vec![
        stand.belfry(&["ingest", &file, "--source", "file"]).ends(0),
        stand
            .belfry_fed(
                &["ingest", "-", "--source", "stdin"],
                body.clone().into_bytes(),
            )
            .ends(0),
    ];
    wait_for_all(&stand);
    let heard = eventually("an alert goes out", || receiver.heard().pop());
    assert!(heard.is_signed);
    said.push(stand.belfry(&["search", "", "--limit", "100000"]).ends(0));
    said.push(
        stand
            .belfry(&["alerts", "list", "--format", "json"])
            .ends(0),
    );
    said.push(stand.belfry(&["redact", "explain", &file]).ends(0));
    let (_, metrics) = running.get("/metrics");
    let talk = running.talk();
    said.push(stand.belfry(&["search", CONTROL]).ends(0));
    let out = kill_under_load(running, &token, &body);
    for said in &said {
        needles.check("what a command said", said.out.as_bytes());
        needles.check("the talk of a command", said.err.as_bytes());
    }
    for answer in &answers {
        needles.check("an answer", answer.body.to_string().as_bytes());
    }
    for (place, text) in [
        ("/metrics", metrics),
        ("the talk", talk),
        ("the alerts", out),
    ] {
        needles.check(place, text.as_bytes());
    }
    for message in receiver.heard() {
        needles.check("a webhook", message.raw.as_bytes());
    }
    let (with_control, files) = needles.check_folder(&stand.path("data"), CONTROL.as_bytes());
    assert!(
        with_control > 0 && files > 5,
        "{with_control} of {files} files hold the control"
    );
    assert!(holds(said[2].out.as_bytes(), CONTROL.as_bytes()));
}

/// No file may grow past a limit of the system: a disk that fills up in the middle of a batch.
#[test]
fn no_canary_is_left_by_a_full_disk() {
    let canaries = canaries();
    let needles = needles(&canaries);
    let stand = Stand::new("canary-full", "[ledger]\nsegment_size_max = '4MiB'\n");
    // The first segment is laid out while there is room.
    stand.run().stop();
    let token = stand.token("http");
    let running = stand.run_after("trap '' XFSZ; ulimit -f 2000");
    let body = body(&canaries);
    let answer = (0..POSTS_MAX)
        .map(|_| post(running.http(), &token, &[], body.as_bytes()))
        .find(|answer| !matches!(answer, Ok(answer) if answer.status == 200))
        .expect("a write fails");
    if let Ok(answer) = answer {
        needles.check("the refusal", answer.body.to_string().as_bytes());
    }
    let talk = running.talk();
    let out = running.kill();
    needles.check("the talk", talk.as_bytes());
    needles.check("the alerts", out.as_bytes());
    let (with_control, _) = needles.check_folder(&stand.path("data"), CONTROL.as_bytes());
    assert!(with_control > 0, "the search is blind");
}
