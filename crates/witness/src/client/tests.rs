//! The client against our own witness, and against witnesses that answer otherwise.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};

use super::*;
use crate::server::{Alarm, router};
use crate::store::Conflict;
use crate::testkit::{HONEST, TestLog, Tower, log_key, serve, witness_key};

const PATIENCE: Duration = Duration::from_mins(1);

fn submit(url: &str, log: TestLog, hint: u64, size: u64) -> Result<u64, Fault> {
    let key = witness_key().cosigner_key();
    let witness = Address { url, key: &key };
    let proofs = |old: u64, new: u64| log.proof(old, new);
    let client = Client::new(PATIENCE);
    let cosigned = client.submit(witness, &log.foreign(size), hint, &proofs)?;
    Ok(cosigned.time_s)
}

/// A witness that gives these answers one after another and tells what it was asked.
fn canned(answers: &[&str]) -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let asked: Arc<Mutex<Vec<String>>> = Arc::default();
    let (heard, answers) = (Arc::clone(&asked), answers.iter());
    let answers: Vec<String> = answers.map(|&answer| answer.to_owned()).collect();
    std::thread::spawn(move || {
        for answer in answers {
            let (mut stream, _) = listener.accept().unwrap();
            let mut reader = BufReader::new(stream.try_clone().unwrap());
            let mut length = 0;
            loop {
                let mut line = String::new();
                reader.read_line(&mut line).unwrap();
                let line = line.trim_end().to_ascii_lowercase();
                if let Some(value) = line.strip_prefix("content-length: ") {
                    length = value.parse().unwrap();
                }
                if line.is_empty() {
                    break;
                }
            }
            let mut body = vec![0; length];
            reader.read_exact(&mut body).unwrap();
            heard.lock().unwrap().push(String::from_utf8(body).unwrap());
            let (status, body) = answer.split_once(' ').unwrap();
            let (headers, body) = body.split_once('|').unwrap_or(("", body));
            let length = body.len();
            let text = format!(
                "HTTP/1.1 {status} x\r\nconnection: close\r\n{headers}\
                 content-length: {length}\r\n\r\n{body}"
            );
            stream.write_all(text.as_bytes()).unwrap();
        }
    });
    (url, asked)
}

#[test]
fn a_witness_is_found_wherever_it_stands() {
    let alarm: Alarm = Arc::new(|_: &Conflict| {});
    let url = format!(
        "http://{}",
        serve(router(Arc::new(Tower::new().open()), alarm))
    );
    let key = log_key().verifying_key();
    let client = Client::new(PATIENCE);
    assert_eq!(client.newest_seen(&url, &key), Ok(None));
    submit(&url, HONEST, 0, 5).unwrap();
    submit(&url, HONEST, 5, 7).unwrap();
    // Forgotten, or remembered wrongly: asked again from where it stands.
    submit(&url, HONEST, 0, 20).unwrap();
    submit(&url, HONEST, 3, 20).unwrap();
    submit(&url, HONEST, 99, 21).unwrap();
    let seen = client.newest_seen(&url, &key).unwrap().unwrap();
    assert_eq!((seen.size(), *seen.root()), (21, HONEST.root(21)));
    // Rolled back, and forked at once or later.
    let check = |log: TestLog, size: u64, expected: &str| {
        let fault = submit(&url, log, 0, size).unwrap_err();
        assert!(fault.is_tampering(), "{fault:?}");
        assert!(fault.to_string().contains(expected), "{fault}");
    };
    check(
        HONEST,
        20,
        "has seen 21 entries under our signature, this ledger has 20",
    );
    let fork = TestLog { forked_at: 10 };
    check(fork, 21, "another history");
    check(fork, 30, "another history");
    submit(&url, HONEST, 21, 30).unwrap();
    let other = tlog::SigningKey::from_seed("log.example/1", &[8; 32]).unwrap();
    let fault = client
        .newest_seen(&url, &other.verifying_key())
        .unwrap_err();
    assert!(matches!(fault, Fault::Answer(_)), "{fault:?}");
}

/// What the client makes of these answers when it believes the witness to have seen 3 of 9.
fn check(answers: &[&str], expected: Result<u64, &str>, olds: &[&str]) {
    let (url, asked) = canned(answers);
    let found = submit(&url, HONEST, 3, 9);
    match expected {
        Ok(time_s) => assert_eq!(found, Ok(time_s)),
        Err(message) => assert_eq!(found.unwrap_err().to_string(), message),
    }
    let asked = asked.lock().unwrap();
    let first_lines: Vec<&str> = asked
        .iter()
        .filter_map(|body| body.lines().next())
        .collect();
    assert_eq!(first_lines, olds);
}

#[test]
fn answers_of_other_witnesses_are_understood() {
    let text = HONEST.foreign(9);
    let line = witness_key().cosign(text.note().text(), 77).unwrap();
    let good = format!("200 {line}\n");
    check(&[&good], Ok(77), &["old 3"]);
    check(&["409 5\n", &good], Ok(77), &["old 3", "old 5"]);
    // Some answer with the newest checkpoint instead of its size.
    let whole = format!("409 {}", HONEST.checkpoint(6));
    check(&[&whole, &good], Ok(77), &["old 3", "old 6"]);
    // Lines of others stand beside the one that counts.
    let stranger = tlog::CosigningKey::from_seed("w2", &[7; 32]).unwrap();
    let stranger = stranger.cosign(text.note().text(), 5).unwrap();
    check(&[&format!("200 {stranger}\n{line}\n")], Ok(77), &["old 3"]);
}

#[test]
fn refusals_and_nonsense_are_told_apart() {
    let fork = "has seen another history of this log: another root at size";
    check(&["409 3\n"], Err(&format!("{fork} 3")), &["old 3"]);
    check(
        &["409 5\n", "409 5\n"],
        Err(&format!("{fork} 5")),
        &["old 3", "old 5"],
    );
    let busy = "asks to come back in 1 s";
    check(&["409 5\n", "409 6\n"], Err(busy), &["old 3", "old 5"]);
    let ahead = "has seen 10 entries under our signature, this ledger has 9: rolled back or run \
                 twice";
    check(&["409 10\n"], Err(ahead), &["old 3"]);
    check(&["409 5\n", "409 10\n"], Err(ahead), &["old 3", "old 5"]);
    check(&["409 what"], Err("answered 409: what"), &["old 3"]);
    check(
        &["422 no\u{1b}[31m"],
        Err("has seen another history of this log: no[31m"),
        &["old 3"],
    );
    let unknown = "does not watch this log; on its host: belfry witness add-log VKEY";
    check(&["404 "], Err(unknown), &["old 3"]);
    let other_key = "knows this log under another key and refuses the signature";
    check(&["403 "], Err(other_key), &["old 3"]);
    check(
        &["429 retry-after: 7\r\n|"],
        Err("asks to come back in 7 s"),
        &["old 3"],
    );
    check(&["429 "], Err(busy), &["old 3"]);
    check(&["503 later"], Err("answered 503: later"), &["old 3"]);
    check(
        &["302 location: http://127.0.0.1:1/\r\n|"],
        Err("answered 302: "),
        &["old 3"],
    );
    check(
        &["200 hello\n"],
        Err(
            "gave no good answer: line 0 of the answer: signature line does not begin with an em \
             dash and a space",
        ),
        &["old 3"],
    );
    let stranger = tlog::CosigningKey::from_seed("w2", &[7; 32]).unwrap();
    let line = stranger.cosign("x\n", 5).unwrap();
    check(
        &[&format!("200 {line}\n")],
        Err("gave no good answer: no line of witness.example/w1"),
        &["old 3"],
    );
    let elsewhere = witness_key().cosign("x\n", 5).unwrap();
    let (url, _) = canned(&[&format!("200 {elsewhere}\n")]);
    let fault = submit(&url, HONEST, 3, 9).unwrap_err().to_string();
    assert!(
        fault.contains("cosignature of witness.example/w1"),
        "{fault}"
    );
    let long = format!("200 {}", "x".repeat(70_000));
    check(
        &[&long],
        Err("gave no good answer: the answer is too long"),
        &["old 3"],
    );
}

#[test]
fn who_is_not_there_is_unreachable() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let client = Client::new(Duration::from_millis(50));
    let key = log_key().verifying_key();
    // It listens and never answers.
    let silent = client.newest_seen(&url, &key).unwrap_err();
    assert_eq!(silent.to_string(), "cannot be reached: no answer in time");
    drop(listener);
    let gone = submit(&url, HONEST, 0, 3).unwrap_err();
    assert!(matches!(gone, Fault::Unreachable(_)), "{gone:?}");
    assert!(!gone.is_tampering());
}
