//! The event API over a real socket: requests as text, answers as text.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use event::limits::FRAME_BYTES_MAX;
use stdx::{FakeClock, Secret};
use tokio::runtime::Runtime;
use tokio::sync::watch;

use super::*;
use crate::door::Refusal;
use crate::testkit::{FakeDoor, Mood};
use crate::token::mint;

/// Requests of the rate test.
const REQUESTS: usize = 500;
const TOKEN: &str = "blf_web_BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc";

struct House {
    door: Arc<FakeDoor>,
    address: SocketAddr,
    stop: watch::Sender<bool>,
    runtime: Runtime,
}

fn small() -> HttpConfig {
    HttpConfig {
        body_sent_bytes_max: 4_000,
        body_bytes_max: 600_000,
        bodies_bytes_max: 1_000_000,
        items_max: 5,
        source_requests_max: 2,
        body_pause_max: Duration::from_secs(1),
        body_time_max: Duration::from_millis(2500),
        reply_time_max: Duration::from_millis(500),
    }
}

impl House {
    fn open(connections_max: usize) -> Self {
        Self::with(small(), connections_max)
    }

    fn with(config: HttpConfig, connections_max: usize) -> Self {
        let door = FakeDoor::open();
        let minted = mint("web", "shop", &Secret::new([7; 32])).unwrap();
        assert_eq!(minted.text.expose(), TOKEN);
        let tokens = Arc::new(TokenBook::new(vec![minted.record]));
        let runtime = Runtime::new().unwrap();
        let (stop, stopped) = watch::channel(false);
        let api = router(
            config,
            Arc::clone(&door) as _,
            tokens,
            Arc::new(FakeClock::at(5)),
        );
        let serving = ServeConfig {
            connections_max,
            headers_time_max: Duration::from_millis(400),
            drain_time_max: Duration::from_secs(2),
            ..ServeConfig::standard()
        };
        let listener = runtime
            .block_on(tokio::net::TcpListener::bind("127.0.0.1:0"))
            .unwrap();
        let address = listener.local_addr().unwrap();
        runtime.spawn(serve(
            listener,
            api,
            serving,
            Arc::clone(&door) as _,
            stopped,
        ));
        Self {
            door,
            address,
            stop,
            runtime,
        }
    }

    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(10)))
            .unwrap();
        stream
    }

    fn send(&self, request: &[u8]) -> String {
        let mut stream = self.connect();
        // The server may answer and close before it has read everything.
        let _ = stream.write_all(request);
        answer(&mut stream)
    }

    fn post(&self, headers: &str, body: &[u8]) -> String {
        let mut request = format!(
            "POST /v1/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\n\
             Connection: close\r\nContent-Length: {}\r\n{headers}\r\n",
            body.len()
        )
        .into_bytes();
        request.extend_from_slice(body);
        self.send(&request)
    }

    /// Status line, headers of interest and body in one text.
    fn check(&self, headers: &str, body: &[u8], expected: &str) {
        assert_eq!(self.post(headers, body), expected);
    }
}

/// Reads until the server closes; keeps the status, a few headers and the body.
fn answer(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    let mut piece = [0; 4096];
    while let Ok(count) = stream.read(&mut piece) {
        if count == 0 {
            break;
        }
        bytes.extend_from_slice(&piece[..count]);
    }
    let text = String::from_utf8(bytes).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
    let mut lines = head.lines();
    let mut out = lines
        .next()
        .unwrap_or("")
        .split(' ')
        .nth(1)
        .unwrap_or("closed")
        .to_owned();
    for line in lines {
        let is_of_interest = [
            "retry-after",
            "www-authenticate",
            "allow",
            "accept-encoding",
        ]
        .iter()
        .any(|name| line.starts_with(name));
        if is_of_interest {
            out.extend([" ", line]);
        }
    }
    format!("{out}\n{body}").trim_end().to_owned()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn bodies_of_all_shapes_and_encodings() {
    let house = House::open(9);
    let stored = |n: u64, first: u64| {
        format!(
            "200\n{{\"received\":{n},\"stored\":{n},\"refused\":0,\"first_index\":{first},\
             \"last_index\":{},\"tree_size\":{},\"checkpoint\":\"note\",\"errors\":[],\
             \"defects\":[]}}",
            first + n - 1,
            first + n
        )
    };
    house.check("", b"{\"a\":1}", &stored(1, 0));
    house.check(
        "Content-Type: application/json\r\n",
        b"[{\"b\":1}, {\"b\":2}]",
        &stored(2, 1),
    );
    house.check("", b"{\"c\":1}\n{\"c\":2}\n", &stored(2, 3));
    let packed = gzip(b"{\"d\":1}\n{\"d\":2}\n");
    house.check("Content-Encoding: gzip\r\n", &packed, &stored(2, 5));
    let packed = zstd::encode_all(&b"[{\"e\":1}]"[..], 3).unwrap();
    house.check("Content-Encoding: ZSTD\r\n", &packed, &stored(1, 7));
    house.check(
        "Content-Type: text/plain\r\n",
        b"a plain line\n",
        &stored(1, 8),
    );
    let texts = house.door.texts();
    assert_eq!(texts[1..3], ["{\"b\":1}", "{\"b\":2}"]);
    assert_eq!(
        texts[5..],
        ["{\"d\":1}", "{\"d\":2}", "{\"e\":1}", "a plain line"]
    );
    let frames = house.door.frames.lock().unwrap();
    assert!(frames.iter().all(|got| &*got.source == "shop" && !got.cut));
}

#[test]
fn items_are_refused_one_by_one() {
    let house = House::open(9);
    let long = format!("{{\"a\":\"{}\"}}", "x".repeat(FRAME_BYTES_MAX));
    let body = format!("[{{\"a\":1}},,{long},{{\"b\":2,]");
    assert!(house.post("", body.as_bytes()).contains("array_malformed"));
    let body = format!("[{{\"a\":1}},,{long},17]");
    house.check(
        "",
        body.as_bytes(),
        "200\n{\"received\":4,\"stored\":2,\"refused\":2,\"first_index\":0,\"last_index\":1,\
         \"tree_size\":2,\"checkpoint\":\"note\",\"errors\":[{\"item\":1,\"error\":\"empty\"},\
         {\"item\":2,\"error\":\"too_long: more than 262144 bytes\"}],\
         \"defects\":[{\"item\":3,\"defects\":[\"json_malformed at byte 0\"]}]}",
    );
    house.check(
        "",
        b"[,]",
        "400\n{\"received\":2,\"stored\":0,\"refused\":2,\
         \"errors\":[{\"item\":0,\"error\":\"empty\"},{\"item\":1,\"error\":\"empty\"}],\
         \"defects\":[]}",
    );
    house.check(
        "",
        b"[]",
        "200\n{\"received\":0,\"stored\":0,\"refused\":0,\"errors\":[],\"defects\":[]}",
    );
    let refused = |reason, count| Occurrence::ItemsRefused {
        source: "shop".into(),
        listener: Listener::Http,
        peer: None,
        reason,
        count,
    };
    let mut notes = house.door.notes();
    for note in &mut notes {
        if let Occurrence::ItemsRefused { peer, .. } = note {
            assert!(peer.take().is_some());
        }
    }
    assert!(notes.contains(&refused(ItemRefusal::TooLong, 1)));
    assert!(notes.contains(&refused(ItemRefusal::Empty, 2)));
}

#[test]
fn bodies_that_are_refused() {
    let house = House::open(9);
    let check = |headers: &str, body: &[u8], expected: &str| {
        let answer = house.post(headers, body);
        assert!(
            answer.starts_with(expected),
            "{answer} instead of {expected}"
        );
    };
    check("", b" \n", "400\n{\"error\":\"body_empty\"");
    check("", b"[{\"a\":1}", "400\n{\"error\":\"array_malformed\"");
    check(
        "",
        b"[1,2,3,4,5,6]",
        "413\n{\"error\":\"too_many_items\",\"message\":\"more than 5 items",
    );
    check(
        "Content-Encoding: gzip\r\n",
        b"no gzip",
        "400\n{\"error\":\"encoding_malformed\"",
    );
    check(
        "Content-Encoding: br\r\n",
        b"x",
        "415 accept-encoding: gzip, zstd\n{",
    );
    check("Content-Encoding: gzip, zstd\r\n", b"x", "415");
    check(
        "",
        &vec![b'x'; 600_001],
        "413\n{\"error\":\"body_too_long\"",
    );
    check(
        "Content-Encoding: gzip\r\n",
        &[0; 4001],
        "413\n{\"error\":\"body_too_long\"",
    );
    let bomb = gzip(&vec![b' '; 2_000_000]);
    assert!(bomb.len() < 4000);
    let expected = "413\n{\"error\":\"decompressed_too_long\",\"message\":\"the decompressed body \
                    exceeds 600000 bytes\"}";
    check("Content-Encoding: gzip\r\n", &bomb, expected);
    assert!(house.door.texts().is_empty());
    let reasons: Vec<_> = house
        .door
        .notes()
        .into_iter()
        .filter_map(|note| match note {
            Occurrence::RequestRefused { reason, status, .. } => Some((reason, status)),
            _ => None,
        })
        .collect();
    assert_eq!(reasons.len(), 9);
    assert!(reasons.contains(&("decompressed_too_long", 413)));
}

#[test]
fn who_may_send_and_how() {
    let house = House::open(9);
    let check = |request: &str, expected: &str| {
        let answer = house.send(request.replace('\n', "\r\n").as_bytes());
        assert!(
            answer.starts_with(expected),
            "{answer} instead of {expected}"
        );
    };
    let unauthorized = "401 www-authenticate: Bearer realm=\"belfry\"\n{\"error\":\"unauthorized\"";
    let post = "POST /v1/events HTTP/1.1\nHost: x\nConnection: close\nContent-Length: 2\n";
    check(&format!("{post}\n{{}}"), unauthorized);
    check(
        &format!("{post}Authorization: Bearer blf_web_wrong\n\n{{}}"),
        unauthorized,
    );
    check(
        &format!("{post}Authorization: Basic {TOKEN}\n\n{{}}"),
        unauthorized,
    );
    check(
        &format!("{post}authorization: bearer {TOKEN}\n\n{{}}"),
        "200",
    );
    let close = format!("Host: x\nConnection: close\nAuthorization: Bearer {TOKEN}\n\n");
    check(
        &format!("GET /v1/events HTTP/1.1\n{close}"),
        "405 allow: POST",
    );
    check(&format!("GET /v1/alerts HTTP/1.1\n{close}"), "404");
    check(
        &format!("POST /v1/events HTTP/1.1\n{close}"),
        "411\n{\"error\":\"length_required\"",
    );
    check(
        &format!("GET / HTTP/1.1\nX: {}\n{close}", "y".repeat(40_000)),
        "431",
    );
    check("garbage\n\n", "400");
    let chunked = format!(
        "POST /v1/events HTTP/1.1\nHost: x\nConnection: close\nAuthorization: Bearer {TOKEN}\n\
         Transfer-Encoding: chunked\n\n3\n{{\"a\n4\n\":1}}\n0\n\n"
    );
    check(&chunked, "200\n{\"received\":1,\"stored\":1");
    let notes = house.door.notes();
    let refused = |wanted| {
        let is_wanted = |note: &&Occurrence| match note {
            Occurrence::TokenRefused { presented, .. } => *presented == wanted,
            _ => false,
        };
        notes.iter().filter(is_wanted).count()
    };
    assert_eq!((refused(false), refused(true)), (1, 2));
    let first_use = |note: &&Occurrence| matches!(note, Occurrence::TokenFirstUse { .. });
    assert_eq!(notes.iter().filter(first_use).count(), 1);
    assert!(!format!("{notes:?}").contains("BwcHBw"));
}

#[test]
fn the_door_decides() {
    let house = House::open(9);
    let check = |mood, expected: &str| {
        house.door.be(mood);
        let answer = house.post("", b"{}");
        assert!(
            answer.starts_with(expected),
            "{answer} instead of {expected}"
        );
    };
    check(
        Mood::Busy(Duration::from_millis(2_100)),
        "503 retry-after: 3\n{\"error\":\"busy\"",
    );
    check(
        Mood::Refuse(Refusal::DiskFull),
        "503 retry-after: 1\n{\"error\":\"disk_full\"",
    );
    check(
        Mood::Refuse(Refusal::Poisoned),
        "503 retry-after: 1\n{\"error\":\"not_stored\"",
    );
    check(
        Mood::Silent,
        "503 retry-after: 1\n{\"error\":\"not_stored\"",
    );
}

#[test]
fn one_source_has_so_many_requests_at_a_time() {
    let house = House::open(9);
    let half = format!(
        "POST /v1/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\n\
         Content-Length: 9\r\n\r\n{{"
    );
    let mut waiting: Vec<TcpStream> = (0..2).map(|_| house.connect()).collect();
    for stream in &mut waiting {
        stream.write_all(half.as_bytes()).unwrap();
    }
    std::thread::sleep(Duration::from_millis(100));
    let answer = house.post("", b"{}");
    assert!(
        answer.starts_with("429 retry-after: 1\n{\"error\":\"too_many_requests\""),
        "{answer}"
    );
    // The half bodies time out, and the seats are free again.
    for stream in &mut waiting {
        let slow = super::tests::answer(stream);
        assert!(slow.starts_with("408\n{\"error\":\"body_slow\""), "{slow}");
    }
    assert!(house.post("", b"{}").starts_with("200"));
}

#[test]
fn a_body_that_drips_is_cut_off_as_a_whole() {
    let house = House::open(9);
    let mut stream = house.connect();
    let head = format!(
        "POST /v1/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\n\
         Content-Length: 99\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).unwrap();
    let started = Instant::now();
    let mut writer = stream.try_clone().unwrap();
    let dripping = std::thread::spawn(move || {
        while writer.write_all(b"x").is_ok() && started.elapsed() < Duration::from_secs(8) {
            std::thread::sleep(Duration::from_millis(100));
        }
    });
    assert!(answer(&mut stream).starts_with("408"));
    assert!(started.elapsed() < Duration::from_secs(6));
    drop(stream);
    dripping.join().unwrap();
}

#[test]
fn headers_that_never_end_and_too_many_connections() {
    let house = House::open(1);
    let mut slow = house.connect();
    slow.write_all(b"POST /v1/events HTTP/1.1\r\nHost:")
        .unwrap();
    std::thread::sleep(Duration::from_millis(50));
    assert_eq!(house.send(b"GET / HTTP/1.1\r\n\r\n"), "closed");
    let started = Instant::now();
    answer(&mut slow);
    assert!(started.elapsed() < Duration::from_secs(3));
    house.door.wait_until(|door| {
        let is_limit = |note: &Occurrence| {
            matches!(
                note,
                Occurrence::ConnectionLimit {
                    connections_max: 1,
                    ..
                }
            )
        };
        door.notes().iter().any(is_limit)
    });
}

#[test]
fn an_order_to_stop_lets_a_request_finish() {
    let house = House::open(9);
    let mut stream = house.connect();
    let head = format!(
        "POST /v1/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\n\
         Content-Length: 2\r\n\r\n{{"
    );
    stream.write_all(head.as_bytes()).unwrap();
    std::thread::sleep(Duration::from_millis(50));
    house.stop.send(true).unwrap();
    std::thread::sleep(Duration::from_millis(50));
    stream.write_all(b"}").unwrap();
    assert!(answer(&mut stream).starts_with("200"));
    house.door.wait_until(|door| {
        let is_stop = |note: &Occurrence| matches!(note, Occurrence::ListenerStopped { .. });
        door.notes().iter().any(is_stop)
    });
    assert!(TcpStream::connect(house.address).is_err());
    house.runtime.shutdown_timeout(Duration::from_secs(1));
}

#[test]
fn one_connection_carries_many_requests() {
    let house = House::open(9);
    let mut stream = house.connect();
    let request = |last: &str, body: &str| {
        format!(
            "POST /v1/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\n\
             {last}Content-Length: {}\r\n\r\n{body}",
            body.len()
        )
    };
    let mut requests = String::new();
    for n in 0..50 {
        requests.push_str(&request("", &format!("{{\"n\":{n}}}")));
    }
    requests.push_str(&request("Connection: close\r\n", "{\"n\":50}"));
    stream.write_all(requests.as_bytes()).unwrap();
    let answers = answer(&mut stream);
    assert_eq!(answers.matches("\"stored\":1").count(), 51);
    assert_eq!(house.door.texts()[50], "{\"n\":50}");
}

/// Set `RUN_SLOW_TESTS` and build with optimisation to see the rate of the rim alone: one
/// connection, 1000 events a request, a door that only keeps a copy.
#[test]
fn rate_over_a_socket() {
    if std::env::var_os("RUN_SLOW_TESTS").is_none() {
        return;
    }
    let house = House::with(HttpConfig::standard(), 9);
    let line = format!(
        "{{\"message\":\"{}\",\"n\":{{\"a\":[1,2]}}}}\n",
        "y".repeat(310)
    );
    let array = format!("[{}]", vec![line.trim_end(); 1000].join(","));
    for (name, body) in [("lines", line.repeat(1000)), ("array", array)] {
        let mut stream = house.connect();
        let head = format!(
            "POST /v1/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\n\
             Content-Length: {}\r\n\r\n",
            body.len()
        );
        let started = Instant::now();
        let mut piece = [0; 4096];
        for _ in 0..REQUESTS {
            stream.write_all(head.as_bytes()).unwrap();
            stream.write_all(body.as_bytes()).unwrap();
            assert!(stream.read(&mut piece).unwrap() < piece.len());
            house.door.frames.lock().unwrap().clear();
        }
        let micros = usize::try_from(started.elapsed().as_micros()).unwrap();
        let events = REQUESTS * 1000;
        println!(
            "{name}: {} events/s, {} MB/s",
            events * 1_000_000 / micros,
            body.len() * REQUESTS / micros
        );
    }
}
