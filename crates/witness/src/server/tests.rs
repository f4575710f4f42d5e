//! The door of a witness under good, bad and hostile requests.

use std::io::Write as _;
use std::net::{SocketAddr, TcpStream};
use std::sync::Mutex;

use super::*;
use crate::limits::COSIGN_BURST;
use crate::store::origin_hex;
use crate::testkit::{HONEST, ORIGIN, TestLog, Tower, exchange, hear_out, request, serve};

/// A witness and the conflicts it rang for.
fn tower(body_time_max: Duration) -> (SocketAddr, Arc<Mutex<Vec<Conflict>>>) {
    let rung: Arc<Mutex<Vec<Conflict>>> = Arc::default();
    let heard = Arc::clone(&rung);
    let alarm: Alarm = Arc::new(move |conflict| heard.lock().unwrap().push(conflict.clone()));
    let store = Arc::new(Tower::new().open());
    (serve(router_within(store, alarm, body_time_max)), rung)
}

#[test]
fn statuses_are_those_of_the_specification() {
    let (address, rung) = tower(BODY_TIME_MAX);
    let check = |body: &str, status: u16, kind: &str, expected: &str| {
        let (found, head, body) = request(address, "POST /add-checkpoint", body);
        assert_eq!(found, status, "{body}");
        assert!(head.contains(&format!("content-type: {kind}")), "{head}");
        assert!(body.starts_with(expected), "{body}");
    };
    let text = "text/plain; charset=utf-8";
    let line = "\u{2014} witness.example/w1 ";
    let monitor = format!("GET /{}/checkpoint", origin_hex(ORIGIN));
    assert_eq!(request(address, &monitor, "").0, 404);
    check("nonsense", 400, text, "request has no blank line");
    check(&HONEST.request(0, 5), 200, text, line);
    check(&HONEST.request(0, 5), 409, "text/x.tlog.size", "5\n");
    check(&HONEST.request(5, 9), 200, text, line);
    let other = HONEST.request(9, 9).replace(ORIGIN, "log.example/9");
    check(&other, 404, text, "this witness does not know the log");
    let edited = HONEST.request(9, 9).replace("\n9\n", "\n10\n");
    check(&edited, 403, text, "signature of known key");
    assert!(rung.lock().unwrap().is_empty());
    let fork = TestLog { forked_at: 6 };
    check(&fork.request(9, 9), 422, text, "root of size 9 is");
    check(&fork.request(9, 12), 422, text, "root of size 9 is");
    let rung: Vec<bool> = rung.lock().unwrap().iter().map(|c| c.is_proven).collect();
    assert_eq!(rung, [true, false]);
    let (status, head, body) = request(address, &monitor, "");
    assert_eq!(status, 200);
    assert!(head.contains(text), "{head}");
    assert!(body.starts_with(&format!("{ORIGIN}\n9\n")), "{body}");
    for line in [
        "GET /add-checkpoint",
        "POST /x",
        "GET /../key",
        "GET /x/checkpoint",
    ] {
        let status = request(address, line, "").0;
        assert!([404, 405].contains(&status), "{line}: {status}");
    }
}

#[test]
fn a_log_that_floods_is_told_to_come_back() {
    let (address, _) = tower(BODY_TIME_MAX);
    let mut statuses = vec![request(address, "POST /add-checkpoint", &HONEST.request(0, 2)).0];
    for _ in 0..COSIGN_BURST {
        let body = HONEST.request(2, 2);
        let (status, head, _) = request(address, "POST /add-checkpoint", &body);
        assert_eq!(status == 429, head.contains("retry-after: 1"), "{head}");
        statuses.push(status);
    }
    assert_eq!(statuses.iter().filter(|status| **status == 429).count(), 1);
}

#[test]
fn oversize_truncated_and_slow_bodies_harm_nobody() {
    let (address, rung) = tower(Duration::from_millis(50));
    let long = "x".repeat(ADD_CHECKPOINT_LEN_BYTES_MAX + 1);
    let (status, _, body) = request(address, "POST /add-checkpoint", &long);
    assert_eq!(
        (status, body.as_str()),
        (413, "the body breaks off or is over 16384 bytes\n")
    );
    // Without a length, piece by piece.
    let head = "POST /add-checkpoint HTTP/1.1\r\nhost: x\r\nconnection: close\r\n";
    let chunk = format!("4000\r\n{}\r\n", "x".repeat(0x4000));
    let chunked = format!("{head}transfer-encoding: chunked\r\n\r\n{chunk}{chunk}0\r\n\r\n");
    assert!(exchange(address, chunked.as_bytes()).starts_with("HTTP/1.1 413"));
    // A body that ends before its length.
    let body = HONEST.request(0, 5);
    let short = format!(
        "{head}content-length: {}\r\n\r\n{}",
        body.len(),
        &body[..40]
    );
    let mut cut = TcpStream::connect(address).unwrap();
    cut.write_all(short.as_bytes()).unwrap();
    cut.shutdown(std::net::Shutdown::Write).unwrap();
    let said = hear_out(cut);
    assert!(said.is_empty() || said.starts_with("HTTP/1.1 4"), "{said}");
    // A sender that never goes on.
    let mut slow = TcpStream::connect(address).unwrap();
    let begun = format!("{head}content-length: 100\r\n\r\nold");
    slow.write_all(begun.as_bytes()).unwrap();
    assert!(hear_out(slow).starts_with("HTTP/1.1 408"));
    assert_eq!(request(address, "POST /add-checkpoint", &body).0, 200);
    assert!(rung.lock().unwrap().is_empty());
}

#[test]
fn many_slow_senders_do_not_keep_a_log_waiting() {
    let (address, _) = tower(BODY_TIME_MAX);
    let begin = |_| {
        let mut slow = TcpStream::connect(address).unwrap();
        let head = "POST /add-checkpoint HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\nold";
        slow.write_all(head.as_bytes()).unwrap();
        slow
    };
    let slow: Vec<TcpStream> = (0..2 * REQUESTS_AT_ONCE_MAX).map(begin).collect();
    assert_eq!(
        request(address, "POST /add-checkpoint", &HONEST.request(0, 5)).0,
        200
    );
    drop(slow);
}
