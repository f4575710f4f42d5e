//! The power goes while senders send: what was acknowledged is there afterwards, every time.

use std::collections::{HashMap, HashSet};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::is_slow;
use crate::stand::{Stand, eventually, ndjson, post, texts};

/// Senders at once.
const SENDERS: usize = 3;
/// Events of one request.
const BATCH: usize = 7;
/// Longest load before a cut.
const LOAD_MILLIS_MAX: u64 = 250;
/// Longest start after a cut of a ledger this small, on a loaded machine.
const START_MAX: Duration = Duration::from_secs(30);

/// Senders that send until told to stop and remember what was acknowledged: id to index.
struct Load {
    stop: Arc<AtomicBool>,
    acknowledged: Arc<Mutex<HashMap<String, u64>>>,
    threads: Vec<JoinHandle<()>>,
}

impl Load {
    fn start(http: SocketAddr, token: &str, round: u32) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let acknowledged = Arc::new(Mutex::new(HashMap::new()));
        let sender = |sender: usize| {
            let (stop, acknowledged) = (Arc::clone(&stop), Arc::clone(&acknowledged));
            let token = token.to_owned();
            std::thread::spawn(move || {
                for number in 0.. {
                    if stop.load(Ordering::Acquire) {
                        return;
                    }
                    let prefix = format!("r{round}-s{sender}-n{number}");
                    if let Some(first) = send(http, &token, &prefix) {
                        let ids =
                            (0..BATCH).map(|at| (format!("{prefix}-{at}"), first + at as u64));
                        acknowledged.lock().unwrap().extend(ids);
                    }
                }
            })
        };
        let threads = (0..SENDERS).map(sender).collect();
        Self {
            stop,
            acknowledged,
            threads,
        }
    }

    fn acknowledged(&self) -> usize {
        self.acknowledged.lock().unwrap().len()
    }

    fn end(self) -> HashMap<String, u64> {
        self.stop.store(true, Ordering::Release);
        for thread in self.threads {
            thread.join().unwrap();
        }
        std::mem::take(&mut *self.acknowledged.lock().unwrap())
    }
}

/// Sends one batch; the first index when all of it was acknowledged.
fn send(http: SocketAddr, token: &str, prefix: &str) -> Option<u64> {
    let event = |at: usize| {
        json!({"event.id": format!("{prefix}-{at}"), "event.action": "api_access",
               "user.name": "load", "message": "x".repeat(200)})
    };
    let body = ndjson((0..BATCH).map(event));
    let answer = post(http, token, &[], body.as_bytes()).ok()?;
    if answer.status != 200 {
        return None;
    }
    assert_eq!(answer.body["stored"], BATCH, "{}", answer.body);
    answer.body["first_index"].as_u64()
}

/// Every acknowledged event stands where the answer said.
fn check_found(acknowledged: &HashMap<String, u64>, found: &[Value]) {
    let mut places: HashMap<&str, HashSet<u64>> = HashMap::new();
    for entry in found {
        if let Some(id) = entry["event.id"].as_str() {
            places
                .entry(id)
                .or_default()
                .insert(entry["belfry.index"].as_u64().unwrap());
        }
    }
    for (id, index) in acknowledged {
        let found = places.get(id.as_str());
        assert!(
            found.is_some_and(|places| places.contains(index)),
            "{id} at {index}: {found:?}"
        );
    }
}

/// Every index from the first to the last, once each.
fn check_dense(found: &[Value], size: u64) {
    let indices = found
        .iter()
        .map(|entry| entry["belfry.index"].as_u64().unwrap());
    assert!(indices.eq(0..size), "{} entries of {size}", found.len());
}

/// Numbers that differ from run to run; printed by whoever uses them.
fn chance() -> u64 {
    use std::hash::{BuildHasher, Hasher, RandomState};
    RandomState::new().build_hasher().finish()
}

#[test]
fn nothing_acknowledged_is_lost_when_the_power_goes() {
    let rounds = if is_slow() { 1000 } else { 20 };
    let stand = Stand::new("kill", "");
    let token = stand.token("load");
    let mut all = HashMap::new();
    let mut slowest = Duration::ZERO;
    for round in 0..rounds {
        let start = Instant::now();
        let running = stand.run();
        slowest = slowest.max(start.elapsed());
        let load = Load::start(running.http(), &token, round);
        eventually("something is acknowledged", || {
            (load.acknowledged() > 0).then_some(())
        });
        std::thread::sleep(Duration::from_millis(chance() % LOAD_MILLIS_MAX));
        running.kill();
        let acknowledged = load.end();
        if round % 10 == 0 {
            println!("round {round}: {} acknowledged", acknowledged.len());
            assert!(stand.verify() > 0);
        }
        all.extend(acknowledged);
    }
    println!(
        "{} acknowledged in {rounds} rounds, slowest start {slowest:?}",
        all.len()
    );
    assert!(slowest < START_MAX, "{slowest:?}");
    let running = stand.run();
    check_found(&all, &stand.search("belfry.source:load"));
    let found = stand.search("");
    let last = found.last().unwrap()["belfry.index"].as_u64().unwrap();
    check_dense(&found, last + 1);
    let starts = texts(&found, "event.action");
    let starts = starts
        .iter()
        .filter(|action| **action == "sys_startup")
        .count();
    assert_eq!(starts, rounds as usize + 1, "each start is an entry");
    running.stop();
    stand.verify();
}
