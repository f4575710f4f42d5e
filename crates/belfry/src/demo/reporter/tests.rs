//! The reporter against a listener that answers what the test says.

use std::io::{Read, Write};
use std::net::TcpListener;

use super::*;

/// Answers one request per connection with each of `answers` in turn; returns the bodies.
fn receiver(answers: &'static [&'static str]) -> (String, JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/v1/events", listener.local_addr().unwrap());
    let serve = move || {
        answers
            .iter()
            .map(|answer| answer_one(&listener, answer))
            .collect()
    };
    (url, std::thread::spawn(serve))
}

fn answer_one(listener: &TcpListener, answer: &str) -> String {
    let (mut stream, _) = listener.accept().unwrap();
    let mut request = Vec::new();
    let mut chunk = [0; 4096];
    loop {
        let text = String::from_utf8_lossy(&request).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let head = head.to_ascii_lowercase();
            let length = head.split("content-length: ").nth(1).unwrap();
            let length: usize = length.split("\r\n").next().unwrap().parse().unwrap();
            if body.len() >= length {
                assert!(head.contains("authorization: bearer t0ken"), "{head}");
                let end = "content-length: 2\r\nconnection: close\r\n\r\n{}";
                stream
                    .write_all(format!("HTTP/1.1 {answer}\r\n{end}").as_bytes())
                    .unwrap();
                return body.to_owned();
            }
        }
        let read = stream.read(&mut chunk).unwrap();
        assert_ne!(read, 0, "the reporter hung up");
        request.extend_from_slice(&chunk[..read]);
    }
}

fn check(answers: &'static [&'static str], acknowledged: u64, refused: u64, retries: u64) {
    let (url, receiver) = receiver(answers);
    let (reporter, sender) = Reporter::start(url, Secret::new("t0ken".to_owned())).unwrap();
    reporter.report("{\"a\":1}".to_owned());
    reporter.report("{\"a\":2}".to_owned());
    let counts = reporter.flush(Duration::from_secs(20));
    let expected = Counts {
        reported: 2,
        acknowledged,
        refused,
        lost: 0,
        retries,
    };
    assert_eq!(counts, expected, "{answers:?}");
    drop(reporter);
    sender.join().unwrap();
    for body in receiver.join().unwrap() {
        assert_eq!(body, "{\"a\":1}\n{\"a\":2}\n", "{answers:?}");
    }
}

#[test]
fn a_batch_is_repeated_until_it_is_taken_or_refused() {
    check(&["200 OK"], 2, 0, 0);
    check(
        &[
            "503 Busy\r\nretry-after: 0",
            "429 Slow\r\nretry-after: 0",
            "202 Accepted",
        ],
        2,
        0,
        2,
    );
    check(&["500 Oops", "200 OK"], 2, 0, 1);
    check(&["401 No"], 0, 2, 0);
}

#[test]
fn a_pause_is_read_and_bounded() {
    let pause = |text| pause_of(Some(&ureq::http::HeaderValue::from_static(text)));
    assert_eq!(pause("2"), Duration::from_secs(2));
    assert_eq!(pause("3600"), RETRY_PAUSE_MAX);
    assert_eq!(pause("Wed, 21 Oct 2026 07:28:00 GMT"), RETRY_PAUSE);
    assert_eq!(pause_of(None), RETRY_PAUSE);
}
