//! Deliveries against a real HTTP server on loopback, and to a file and a writer.

use std::io::{BufRead as _, BufReader, Read as _};
use std::net::TcpListener;
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Mutex, PoisonError};
use std::thread;

use disk::RealDisk;
use event::{Entry, Severity, field};
use stdx::{FakeClock, Secret};

use super::*;
use crate::sink::{Format, WebhookConfig};
use crate::testkit::{Folder, NOON, SECOND, open, raised};
use crate::{Desk, RetryPolicy, delivery_fail_event, signature};

const SECRET: &[u8] = b"0123456789abcdef01234567";

/// One request as the server saw it: header lines in lower case, and the body.
#[derive(Debug)]
struct Request {
    head: Vec<String>,
    body: String,
}

impl Request {
    fn header(&self, name: &str) -> &str {
        let start = format!("{name}: ");
        let mut found = self
            .head
            .iter()
            .filter_map(|line| line.strip_prefix(&start));
        found
            .next()
            .unwrap_or_else(|| panic!("no {name} in {:?}", self.head))
    }
}

/// A receiver that gives the answers in turn, one connection each, and hands over what it read.
fn receiver(answers: &[&str]) -> (String, Receiver<Request>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!(
        "http://{}/hook?token=s3cret",
        listener.local_addr().unwrap()
    );
    let answers: Vec<String> = answers.iter().map(ToString::to_string).collect();
    let (sender, requests) = channel();
    thread::spawn(move || {
        for answer in answers {
            let (mut socket, _) = listener.accept().unwrap();
            sender.send(read_request(&mut socket)).unwrap();
            let head =
                format!("HTTP/1.1 {answer}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n");
            socket.write_all(head.as_bytes()).unwrap();
        }
    });
    (url, requests)
}

fn read_request(socket: &mut std::net::TcpStream) -> Request {
    let mut reader = BufReader::new(socket);
    let mut head = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        let line = line.trim_end();
        if line.is_empty() {
            break;
        }
        let (name, value) = line.split_once(": ").unwrap_or((line, ""));
        head.push(format!("{}: {value}", name.to_ascii_lowercase()));
    }
    let mut request = Request {
        head,
        body: String::new(),
    };
    let len = request.header("content-length").parse().unwrap();
    let mut body = vec![0; len];
    reader.read_exact(&mut body).unwrap();
    request.body = String::from_utf8(body).unwrap();
    request
}

fn webhook(url: &str) -> SinkConfig {
    let target = Target::Webhook(WebhookConfig {
        url: Secret::new(url.to_owned()),
        secret: Secret::new(SECRET.to_vec()),
        timeout: Duration::from_secs(5),
        ca_file: None,
        allow_plain_http: false,
    });
    let mut config = SinkConfig::new("ops", target);
    config.retry = RetryPolicy {
        wait_first: Duration::from_secs(10),
        wait_max: Duration::from_mins(10),
        attempts_max: 3,
    };
    config
}

/// A desk with alerts about `users`, and the courier of `config` with what it reported and wrote.
struct Scene {
    folder: Folder,
    desk: Desk,
    courier: Courier,
    reports: Arc<Mutex<Vec<Report>>>,
    written: Shared,
}

#[derive(Clone, Default)]
struct Shared(Arc<Mutex<Vec<u8>>>);

impl Shared {
    fn text(&self) -> String {
        let bytes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8(bytes.clone()).unwrap()
    }
}

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Scene {
    fn new(config: &SinkConfig, users: &[&str]) -> Self {
        let folder = Folder::new();
        let mut desk = open(&folder, &[config.route()], 0);
        let entries: Vec<Entry> = (0..)
            .zip(users)
            .map(|(at, user)| raised(at, user))
            .collect();
        desk.apply(&entries).unwrap();
        let reports = Arc::default();
        let written = Shared::default();
        let courier = courier(&folder, config, &reports, &written);
        Self {
            folder,
            desk,
            courier,
            reports,
            written,
        }
    }

    fn step(&mut self, seconds: i64) -> Duration {
        self.courier.step(at(seconds)).unwrap()
    }

    fn last_report(&self) -> Report {
        self.reports.lock().unwrap().last().unwrap().clone()
    }

    fn counts(&self) -> (u64, u64, u64) {
        let counts = self.desk.outbox_counts().unwrap();
        (counts.due, counts.delivered, counts.dead)
    }
}

fn courier(
    folder: &Folder,
    config: &SinkConfig,
    reports: &Arc<Mutex<Vec<Report>>>,
    written: &Shared,
) -> Courier {
    let reports = Arc::clone(reports);
    Courier::open(
        &folder.file("desk.sqlite"),
        config.clone(),
        Arc::new(RealDisk::buffered()),
        Box::new(written.clone()),
        Box::new(move |report| reports.lock().unwrap().push(report.clone())),
    )
    .unwrap()
}

fn at(seconds: i64) -> ObservedAt {
    ObservedAt(NOON + seconds * SECOND)
}

#[test]
fn a_receiver_can_verify_what_it_gets() {
    let (url, requests) = receiver(&["200 OK"]);
    let mut scene = Scene::new(&webhook(&url), &["bob"]);
    assert_eq!(scene.step(100), limits::IDLE_WAIT_MAX);
    let request = requests.recv().unwrap();
    let first = "post /hook?token=s3cret http/1.1: ";
    assert!(request.head[0].eq_ignore_ascii_case(first));
    assert_eq!(request.header("content-type"), "application/json");
    let id = request.header("webhook-id");
    let timestamp = request.header("webhook-timestamp");
    assert_eq!(timestamp, (at(100).0 / SECOND).to_string());
    let secret = Secret::new(SECRET.to_vec());
    let expected = signature(
        &secret,
        id,
        timestamp.parse().unwrap(),
        request.body.as_bytes(),
    );
    assert_eq!(request.header("webhook-signature"), expected);
    assert!(request.body.starts_with(r#"{"type":"alert.raised","#));
    assert!(
        request
            .body
            .contains(r#""checkpoint":"belfry.test/log\n5\n"#)
    );
    assert_eq!(scene.counts(), (0, 1, 0));
    assert!(matches!(
        scene.last_report(),
        Report::Delivered { attempts: 1, .. }
    ));
}

#[test]
fn a_failed_message_comes_again_the_same() {
    let (url, requests) = receiver(&["500 Oops", "302 Found\r\nlocation: /elsewhere", "204 Fine"]);
    let mut scene = Scene::new(&webhook(&url), &["bob"]);
    let wait = scene.step(100);
    assert!((Duration::from_secs(5)..=Duration::from_secs(10)).contains(&wait));
    let Report::Retrying { wait, reason, .. } = scene.last_report() else {
        panic!("{:?}", scene.last_report());
    };
    assert_eq!(reason.to_string(), "receiver answered 500");
    assert!(Duration::from_secs(5) <= wait);
    scene.step(101);
    assert_eq!(scene.counts(), (1, 0, 0), "not before its time");
    scene.step(111);
    let Report::Retrying { reason, .. } = scene.last_report() else {
        panic!("{:?}", scene.last_report());
    };
    assert_eq!(reason.to_string(), "receiver answered 302", "not followed");
    scene.step(140);
    assert_eq!(scene.counts(), (0, 1, 0));
    let seen: Vec<Request> = requests.iter().take(3).collect();
    for request in &seen {
        assert_eq!(request.body, seen[0].body);
        assert_eq!(request.header("webhook-id"), seen[0].header("webhook-id"));
    }
    assert_ne!(
        seen[0].header("webhook-timestamp"),
        seen[2].header("webhook-timestamp")
    );
}

#[test]
fn a_busy_receiver_is_left_alone_as_long_as_it_asks() {
    let busy = "429 Busy\r\nretry-after: 90";
    let (url, requests) = receiver(&[busy, "200 OK", "200 OK"]);
    let mut scene = Scene::new(&webhook(&url), &["bob", "eve"]);
    assert_eq!(scene.step(100), Duration::from_secs(90));
    assert_eq!(scene.step(189), Duration::from_secs(1), "for all messages");
    assert_eq!(requests.try_iter().count(), 1);
    scene.step(190);
    assert_eq!(scene.counts(), (0, 2, 0));
}

#[test]
fn a_message_that_never_arrives_is_kept_and_reported() {
    let (url, _requests) = receiver(&["500 Oops", "503 Oops", "500 Oops"]);
    let mut scene = Scene::new(&webhook(&url), &["bob"]);
    for seconds in [100, 200, 300] {
        scene.step(seconds);
    }
    assert_eq!(scene.counts(), (0, 0, 1));
    let report = scene.last_report();
    assert!(matches!(&report, Report::GaveUp { attempts: 3, .. }));
    let event = delivery_fail_event(&report, at(300)).unwrap();
    assert_eq!(event.text(field::EVENT_ACTION), Some("alert_delivery_fail"));
    assert_eq!(
        event.text(field::EVENT_REASON),
        Some("receiver answered 500")
    );
    assert!(event.text(field::BELFRY_ALERT_ID).is_some());
    let id = scene.desk.list(&crate::Filter::default()).unwrap()[0]
        .id
        .clone();
    let delivery = &scene.desk.deliveries(&id).unwrap()[0];
    assert_eq!((delivery.state.as_str(), delivery.attempts), ("dead", 3));
}

#[test]
fn a_receiver_that_is_gone_stays_gone_until_its_address_changes() {
    let (url, requests) = receiver(&["410 Gone"]);
    let config = webhook(&url);
    let mut scene = Scene::new(&config, &["bob", "eve"]);
    scene.step(100);
    assert_eq!(scene.counts(), (0, 0, 2));
    let disabled = Report::Disabled {
        sink: "ops".to_owned(),
    };
    assert_eq!(scene.reports.lock().unwrap()[0], disabled);
    assert!(delivery_fail_event(&disabled, at(0)).is_some());
    scene.desk.apply(&[raised(5, "mallory")]).unwrap();
    let mut again = courier(&scene.folder, &config, &scene.reports, &scene.written);
    again.step(at(200)).unwrap();
    assert_eq!(scene.counts(), (0, 0, 3));
    assert_eq!(requests.try_iter().count(), 1);

    let (url, requests) = receiver(&["200 OK"]);
    scene.desk.apply(&[raised(6, "oscar")]).unwrap();
    let mut moved = courier(
        &scene.folder,
        &webhook(&url),
        &scene.reports,
        &scene.written,
    );
    moved.step(at(300)).unwrap();
    assert_eq!(scene.counts(), (0, 1, 3));
    assert_eq!(requests.try_iter().count(), 1);
}

/// Nobody listens; and no report, reason or formatter tells the token of the address.
#[test]
fn faults_keep_the_address_to_themselves() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!(
        "http://{}/hook?token=s3cret",
        listener.local_addr().unwrap()
    );
    drop(listener);
    let mut scene = Scene::new(&webhook(&url), &["bob"]);
    scene.step(100);
    let said = format!("{:?} {:?}", scene.last_report(), scene.courier);
    assert!(said.contains("ConnectionRefused"), "{said}");
    assert!(
        !said.contains("s3cret") && !said.contains("0123456789"),
        "{said}"
    );
    let file = std::fs::read(scene.folder.file("desk.sqlite-wal")).unwrap();
    assert!(!file.windows(6).any(|bytes| bytes == b"s3cret"));
}

#[test]
fn a_receiver_that_hangs_costs_one_timeout() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let mut config = webhook(&url);
    if let Target::Webhook(webhook) = &mut config.target {
        webhook.timeout = Duration::from_millis(200);
    }
    let mut scene = Scene::new(&config, &["bob"]);
    scene.step(100);
    let Report::Retrying { reason, .. } = scene.last_report() else {
        panic!("{:?}", scene.last_report());
    };
    assert_eq!(reason.to_string(), "timed out after 200ms");
}

#[test]
fn files_get_whole_lines() {
    let folder = Folder::new();
    let path = folder.file("alerts.jsonl");
    std::fs::write(&path, "{\"torn").unwrap();
    let config = SinkConfig::new("file", Target::File { path: path.clone() });
    let mut scene = Scene::new(&config, &["bob", "eve"]);
    scene.step(100);
    let text = std::fs::read_to_string(&path).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 3);
    assert_eq!(lines[0], "{\"torn");
    assert!(lines[1].starts_with(r#"{"type":"alert.raised""#), "{text}");
    assert!(text.ends_with("}\n"));
}

#[test]
fn a_person_at_the_terminal_gets_a_block_and_only_what_is_grave_enough() {
    let format = Format::Pretty { color: false };
    let mut config = SinkConfig::new("terminal", Target::Stdout { format });
    let mut scene = Scene::new(&config, &["bob"]);
    scene.step(100);
    let text = scene.written.text();
    assert!(text.starts_with("HIGH  Brute force against one account  [D01]\n"));
    assert_eq!(text.matches("HIGH").count(), 1);
    config.severity_min = Severity::Critical;
    let scene = Scene::new(&config, &["bob"]);
    assert_eq!(scene.counts(), (0, 0, 0));
}

/// A message is in hand when the process dies: sent, not yet marked.
#[test]
fn a_crash_after_sending_sends_again_under_the_same_id() {
    let (url, requests) = receiver(&["200 OK", "200 OK"]);
    let config = webhook(&url);
    let mut scene = Scene::new(&config, &["bob"]);
    let due = scene.courier.next_due(at(100)).unwrap().unwrap();
    scene.courier.door.deliver(&due, at(100)).unwrap();
    let mut next = courier(&scene.folder, &config, &scene.reports, &scene.written);
    next.step(at(101)).unwrap();
    assert_eq!(scene.counts(), (0, 1, 0));
    let ids: Vec<String> = requests
        .iter()
        .take(2)
        .map(|request| request.header("webhook-id").to_owned())
        .collect();
    assert_eq!(ids[0], ids[1]);
}

#[test]
fn a_ring_wakes_the_courier_and_a_stop_ends_it() {
    let format = Format::JsonLine;
    let config = SinkConfig::new("terminal", Target::Stdout { format });
    let scene = Scene::new(&config, &[]);
    let Scene {
        folder: _folder,
        mut desk,
        mut courier,
        written,
        ..
    } = scene;
    let bell = Arc::new(Bell::new());
    let ears = Arc::clone(&bell);
    let clock = FakeClock::at(at(1000).0);
    let worker = thread::spawn(move || courier.run(&ears, &clock));
    desk.apply(&[raised(0, "bob")]).unwrap();
    bell.ring();
    for _ in 0..500 {
        if !written.text().is_empty() {
            break;
        }
        thread::sleep(Duration::from_millis(10));
    }
    assert_eq!(written.text().lines().count(), 1);
    bell.stop();
    worker.join().unwrap();
}
