//! Redaction beside two other ways to do it, in one run and on the same texts.
//!
//! A *text* figure is the scan of whole JSON lines of about 600 bytes, one in a hundred with a
//! secret, rewriting and the verification of what was rewritten included. An *event* figure is
//! `Policy::apply` on parsed events: all fields, notes, verification, and the encoding of the
//! stored body, which is not redaction but cannot be taken apart from it. The *hostile* texts hold
//! nothing but candidates. The *pipeline* figures are parse, certify and a durable append with and
//! without redaction; without exists here alone, the product has no such setting.

mod lines;
mod rivals;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc;
use std::time::Instant;

use anyhow::Context;
use disk::{Disk, RealDisk};
use event::{Event, Frame, Hint, Listener, ObservedAt, Origin, Redacted, testkit};
use ledger::Ledger;
use redact::{Policy, PolicyConfig, PseudonymKey};
use stdx::{Clock, FakeClock, Secret};

use crate::corpus;
use crate::{Asked, Figure};

use rivals::{Gated, Loop};

/// Events in one appended batch.
const BATCH: usize = 1_000;
/// Batches in flight at once.
const IN_FLIGHT: usize = 8;
/// When the corpus is said to arrive.
const ARRIVED: i64 = 1_795_255_200_000_000_000;
/// Lines that the slowest rival is given: it would take minutes for all.
const LOOP_LINES: usize = 200;

/// A policy as a fresh installation has it.
pub(crate) fn policy() -> Policy {
    Policy::new(PolicyConfig {
        key: PseudonymKey {
            id: "bench".to_owned(),
            key: Secret::new([7; 32]),
        },
        past_keys: Vec::new(),
        secret_names: Vec::new(),
        public_names: Vec::new(),
        allowed_values: Vec::new(),
        find_emails: false,
        find_phones: false,
        actions: Vec::new(),
    })
}

/// All figures of redaction.
pub(crate) fn figures(asked: &Asked) -> anyhow::Result<Vec<Figure>> {
    if !asked.wants_any("redact") {
        return Ok(Vec::new());
    }
    let lines = lines::usual();
    let (ours, portable) = (policy(), policy().portable());
    let gated = Gated::new()?;
    let naive = Loop::new()?;
    let mut figures = vec![
        texts(
            asked,
            "redact: text, 600 bytes, 1 % secrets",
            &lines,
            |line| ours.text(line).len(),
        ),
        texts(
            asked,
            "redact: the same, no wide registers",
            &lines,
            |line| portable.text(line).len(),
        ),
        texts(
            asked,
            "redact: rival, keywords then regex",
            &lines,
            |line| gated.rewrite(line).len(),
        ),
        texts(
            asked,
            "redact: rival, a loop of regexes",
            &lines[..LOOP_LINES],
            |line| naive.rewrite(line).len(),
        ),
    ];
    for (name, rival, lines) in lines::hostile() {
        figures.push(texts(asked, name, &lines, |line| ours.text(line).len()));
        figures.push(texts(asked, rival, &lines, |line| {
            gated.rewrite(line).len()
        }));
    }
    let (json, access) = (corpus::json_lines(), corpus::access_lines());
    for (name, lines) in [
        ("redact: JSON events", &json),
        ("redact: access-log events", &access),
        ("redact: events of 600 bytes, 1 % secrets", &lines),
    ] {
        figures.push(events(asked, name, &ours, lines));
    }
    for (name, lines) in [
        ("redact: JSON events, encoding alone", &json),
        ("redact: access-log events, encoding alone", &access),
    ] {
        figures.push(encodings(asked, name, lines));
    }
    let mut figures: Vec<Figure> = figures.into_iter().flatten().collect();
    figures.extend(pipelines(asked, &ours, &json)?);
    Ok(figures)
}

fn texts(
    asked: &Asked,
    name: &'static str,
    lines: &[String],
    work: impl Fn(&str) -> usize,
) -> Option<Figure> {
    let bytes = lines.iter().map(|line| line.len() as u64).sum();
    asked.measure(name, || {
        for line in lines {
            std::hint::black_box(work(line));
        }
        (lines.len() as u64, bytes)
    })
}

fn origin() -> Origin {
    Origin {
        source: "bench".into(),
        listener: Listener::Http,
        peer: None,
        file: None,
        observed_at: ObservedAt(ARRIVED),
    }
}

fn parsed(line: &str, origin: &Origin) -> Event {
    let frame = Frame {
        bytes: line.as_bytes(),
        hint: Hint::Auto,
        cut: false,
        origin,
    };
    parse::event(&frame).event
}

/// Cloning the events is part of the figure; it is small beside the work.
fn events(asked: &Asked, name: &'static str, policy: &Policy, lines: &[String]) -> Option<Figure> {
    certified(asked, name, lines, |event| policy.apply(event))
}

/// What an event costs that nobody redacts: the clone and the stored body.
fn encodings(asked: &Asked, name: &'static str, lines: &[String]) -> Option<Figure> {
    certified(asked, name, lines, testkit::unredacted)
}

fn certified(
    asked: &Asked,
    name: &'static str,
    lines: &[String],
    certify: impl Fn(Event) -> Redacted,
) -> Option<Figure> {
    if !asked.wants(name) {
        return None;
    }
    let origin = origin();
    let events: Vec<Event> = lines.iter().map(|line| parsed(line, &origin)).collect();
    let bytes = lines.iter().map(|line| line.len() as u64).sum();
    asked.measure(name, || {
        for event in &events {
            std::hint::black_box(certify(event.clone()));
        }
        (lines.len() as u64, bytes)
    })
}

/// With and without redaction, each twice and in turns, so that a noisy minute hits both.
fn pipelines(asked: &Asked, policy: &Policy, lines: &[String]) -> anyhow::Result<Vec<Figure>> {
    let (with, without) = (
        "redact: pipeline to a real disk, redacted",
        "redact: pipeline to a real disk, without",
    );
    if !asked.wants(with) && !asked.wants(without) {
        return Ok(Vec::new());
    }
    let mut figures = Vec::new();
    for round in 0..4 {
        figures.push(if round % 2 == 0 {
            pipeline(asked, without, lines, testkit::unredacted)?
        } else {
            pipeline(asked, with, lines, |event| policy.apply(event))?
        });
    }
    Ok(figures)
}

fn pipeline(
    asked: &Asked,
    name: &'static str,
    lines: &[String],
    certify: impl Fn(Event) -> Redacted,
) -> anyhow::Result<Figure> {
    let folder = std::env::temp_dir().join(format!("belfry-bench-redact-{}", std::process::id()));
    let disk: Arc<dyn Disk> = Arc::new(RealDisk::default());
    let clock: Arc<dyn Clock> = Arc::new(FakeClock::at(ARRIVED));
    let config = ledger::Config::new(PathBuf::from(&folder), "bench.local/ledger/1".to_owned());
    disk.create_dir_all(Path::new(&folder))
        .context("making the bench's folder")?;
    Ledger::create(Arc::clone(&disk), Arc::clone(&clock), &config)?;
    let (ledger, _) = Ledger::open(disk, clock, &config)?;
    let appender = ledger.appender();
    let (sender, done) = mpsc::channel();
    let origin = origin();
    let (mut in_flight, mut count, mut bytes) = (0, 0, 0);
    let start = Instant::now();
    for batch in lines.chunks(BATCH).cycle() {
        if start.elapsed() >= asked.measure {
            break;
        }
        let certified = batch.iter().map(|line| certify(parsed(line, &origin)));
        let sender = sender.clone();
        let report = Box::new(move |appended: Result<_, _>| {
            // The receiver lives until every report has come.
            let _ = sender.send(appended.is_ok());
        });
        appender.submit_patiently(certified.collect(), report)?;
        in_flight += 1;
        count += batch.len() as u64;
        bytes += batch.iter().map(|line| line.len() as u64).sum::<u64>();
        while in_flight >= IN_FLIGHT {
            anyhow::ensure!(done.recv()?, "an append failed");
            in_flight -= 1;
        }
    }
    for _ in 0..in_flight {
        anyhow::ensure!(done.recv()?, "an append failed");
    }
    let elapsed = start.elapsed();
    ledger
        .close()
        .map_err(|reason| anyhow::anyhow!("closing: {reason}"))?;
    std::fs::remove_dir_all(&folder).context("removing the bench's ledger")?;
    Ok(Figure {
        name,
        count,
        bytes,
        elapsed,
    })
}
