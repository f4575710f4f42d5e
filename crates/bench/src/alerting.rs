//! From the acknowledgement of an event to the alert on the terminal, over the real process: HTTP
//! in, standard output out, on an idle machine and while four connections send all they can.

use std::io::{BufRead, BufReader};
use std::process::ChildStdout;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use anyhow::Context;

use crate::Asked;
use crate::whole_path::{CONNECTIONS, Server, post_once, requests, send};

/// Attacks in a row.
const ATTACKS: usize = 200;
/// The same under `--quick`.
const ATTACKS_QUICK: usize = 40;
/// Wrong passwords that make rule D01 ring.
const GUESSES: usize = 6;
/// Longest wait for one alert.
const ALERT_MAX: Duration = Duration::from_mins(1);
/// Longest time that load is made for.
const LOAD_MAX: Duration = Duration::from_mins(5);

/// Measures and prints both.
pub(crate) fn report(asked: &Asked) -> anyhow::Result<()> {
    let (idle, loaded) = ("alert after ack: idle", "alert after ack: full load");
    if asked.wants(idle) {
        let times = measured(asked, false)?;
        tell(idle, times);
    }
    if asked.wants(loaded) {
        let times = measured(asked, true)?;
        tell(loaded, times);
    }
    Ok(())
}

fn measured(asked: &Asked, with_load: bool) -> anyhow::Result<Vec<Duration>> {
    let mut server = Server::start("[alert.stdout]\nformat = \"json\"\n")?;
    let lines = heard(server.stdout().context("the binary's standard output")?);
    let stop = Arc::new(AtomicBool::new(false));
    let mut load = Vec::new();
    if with_load {
        let requests = requests(&server);
        for at in 0..CONNECTIONS {
            let mine: Vec<_> = requests
                .iter()
                .skip(at)
                .step_by(CONNECTIONS)
                .cloned()
                .collect();
            let (stop, address) = (Arc::clone(&stop), server.intake);
            load.push(std::thread::spawn(move || {
                send(address, &mine, Instant::now(), LOAD_MAX, &stop)
            }));
        }
    }
    let is_quick = asked.measure < Duration::from_secs(1);
    let attacks = if is_quick { ATTACKS_QUICK } else { ATTACKS };
    let mut times = Vec::with_capacity(attacks);
    for attack in 0..attacks {
        times.push(one(&server, &lines, attack)?);
    }
    stop.store(true, Ordering::Release);
    let mut sent = 0;
    for thread in load {
        sent += thread
            .join()
            .map_err(|_| anyhow::anyhow!("a sender panicked"))??;
    }
    if with_load {
        note(&format!("# beside it {sent} events were acknowledged"));
    }
    server.stop()?;
    Ok(times)
}

/// The time from the answer to the attack to the alert about it.
fn one(
    server: &Server,
    lines: &mpsc::Receiver<(Instant, String)>,
    attack: usize,
) -> anyhow::Result<Duration> {
    let user = format!("victim{attack}x");
    let guess = format!(
        "{{\"event.action\":\"authn_login_fail\",\"user.name\":\"{user}\",\
         \"source.ip\":\"198.51.{}.{}\",\"service.name\":\"shop\"}}\n",
        attack / 250,
        attack % 250
    );
    loop {
        match post_once(server, &guess.repeat(GUESSES))? {
            200..300 => break,
            _ => std::thread::sleep(Duration::from_millis(20)),
        }
    }
    let acked = Instant::now();
    loop {
        let (at, line) = lines
            .recv_timeout(ALERT_MAX)
            .with_context(|| format!("no alert about {user} within {ALERT_MAX:?}"))?;
        if line.contains(&format!("user.name={user}")) {
            return Ok(at.saturating_duration_since(acked));
        }
    }
}

fn heard(stdout: ChildStdout) -> mpsc::Receiver<(Instant, String)> {
    let (sender, lines) = mpsc::channel();
    std::thread::spawn(move || {
        for line in BufReader::new(stdout).lines() {
            let Ok(line) = line else { return };
            if sender.send((Instant::now(), line)).is_err() {
                return;
            }
        }
    });
    lines
}

fn tell(name: &str, mut times: Vec<Duration>) {
    times.sort_unstable();
    let at = |percent: usize| times[(times.len() * percent / 100).min(times.len() - 1)];
    note(&format!(
        "{name:<44} p50 {:?}, p99 {:?}, worst {:?} of {}",
        at(50),
        at(99),
        at(100),
        times.len()
    ));
}

#[expect(clippy::print_stdout, reason = "a bench speaks to people")]
fn note(line: &str) {
    println!("{line}");
}
