//! Each stage by itself, on the corpus.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc;
use std::time::Instant;

use anyhow::Context;
use detect::{Engine, EngineConfig, RuleFile, RuleSet};
use disk::{CrashDisk, Disk, RealDisk};
use event::{Entry, Event, Frame, Hint, Index, Listener, ObservedAt, Origin, Redacted};
use ledger::Ledger;
use redact::Policy;
use stdx::{Clock, FakeClock};

use crate::{Asked, Figure};
use crate::{corpus, correlation, redaction};

/// When the corpus is said to arrive: its own time, so that no rule calls it skewed.
const ARRIVED: i64 = 1_795_255_200_000_000_000;
/// Events in one appended batch.
const BATCH: usize = 1_000;
/// Batches appended for one figure.
const BATCHES: usize = 100;
/// Batches in flight at once.
const IN_FLIGHT: usize = 8;

/// All stages.
pub(crate) fn figures(asked: &Asked) -> anyhow::Result<Vec<Figure>> {
    let (json, access) = (corpus::json_lines(), corpus::access_lines());
    let policy = redaction::policy();
    let mut figures: Vec<Figure> = [
        parse(asked, "parse: JSON, 350 bytes", &json),
        parse(asked, "parse: combined access log", &access),
        encode(asked, &json),
        detect(asked, "detect: first pack, JSON events", &policy, &json)?,
        detect(asked, "detect: first pack, access log", &policy, &access)?,
    ]
    .into_iter()
    .flatten()
    .collect();
    figures.extend(correlation::figures(asked, &policy)?);
    let memory: Arc<dyn Disk> = Arc::new(CrashDisk::new());
    figures.extend(append(
        asked,
        "ledger: append, memory disk",
        memory,
        "/bench",
        &policy,
        &json,
    )?);
    let folder = std::env::temp_dir().join(format!("belfry-bench-{}", std::process::id()));
    let real: Arc<dyn Disk> = Arc::new(RealDisk::default());
    let shown = folder.display().to_string();
    figures.extend(append(
        asked,
        "ledger: append, real disk",
        real,
        &shown,
        &policy,
        &json,
    )?);
    figures.extend(verify(asked, &folder)?);
    if folder.exists() {
        std::fs::remove_dir_all(&folder).context("removing the bench's ledger")?;
    }
    Ok(figures)
}

pub(crate) fn origin() -> Origin {
    Origin {
        source: "bench".into(),
        listener: Listener::Http,
        peer: None,
        file: None,
        observed_at: ObservedAt(ARRIVED),
    }
}

fn parsed(lines: &[String]) -> Vec<Event> {
    let origin = origin();
    lines
        .iter()
        .map(|line| parse::event(&frame(line, &origin)).event)
        .collect()
}

pub(crate) fn frame<'a>(line: &'a str, origin: &'a Origin) -> Frame<'a> {
    Frame {
        bytes: line.as_bytes(),
        hint: Hint::Auto,
        cut: false,
        origin,
    }
}

fn bytes_of(lines: &[String]) -> u64 {
    lines.iter().map(|line| line.len() as u64).sum()
}

fn parse(asked: &Asked, name: &'static str, lines: &[String]) -> Option<Figure> {
    let origin = origin();
    asked.measure(name, || {
        for line in lines {
            std::hint::black_box(parse::event(&frame(line, &origin)));
        }
        (lines.len() as u64, bytes_of(lines))
    })
}

fn encode(asked: &Asked, lines: &[String]) -> Option<Figure> {
    let events = parsed(lines);
    asked.measure("encode: stored body", || {
        for event in &events {
            std::hint::black_box(event::encoding::encode(event));
        }
        (lines.len() as u64, bytes_of(lines))
    })
}

fn entries(policy: &Policy, lines: &[String]) -> Vec<Entry> {
    let events = parsed(lines).into_iter().map(|event| policy.apply(event));
    let number = |(index, redacted)| Entry::sequenced(Index(index), ObservedAt(ARRIVED), redacted);
    (0..).zip(events).map(number).collect()
}

fn shipped_rules() -> anyhow::Result<RuleSet> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../rules");
    let mut files = Vec::new();
    for item in std::fs::read_dir(&folder).context("listing the shipped rules")? {
        let path = item?.path();
        if path.extension().is_some_and(|extension| extension == "yml") {
            let text = std::fs::read_to_string(&path).context("reading a shipped rule")?;
            files.push(RuleFile {
                name: path.display().to_string(),
                text,
            });
        }
    }
    let (set, problems) = RuleSet::load(&files);
    anyhow::ensure!(
        problems.is_empty(),
        "the shipped rules have problems: {problems:?}"
    );
    Ok(set)
}

fn detect(
    asked: &Asked,
    name: &'static str,
    policy: &Policy,
    lines: &[String],
) -> anyhow::Result<Option<Figure>> {
    if !asked.wants(name) {
        return Ok(None);
    }
    let entries = entries(policy, lines);
    let rules = Arc::new(shipped_rules()?);
    let mut engine = Engine::new(rules, EngineConfig::default());
    Ok(asked.measure(name, || {
        std::hint::black_box(engine.apply(&entries));
        (lines.len() as u64, bytes_of(lines))
    }))
}

/// Durable appends with several batches in flight, as busy doors keep them. The batches are made
/// beforehand: a certified event cannot be copied, and making it is another stage.
fn append(
    asked: &Asked,
    name: &'static str,
    disk: Arc<dyn Disk>,
    folder: &str,
    policy: &Policy,
    lines: &[String],
) -> anyhow::Result<Option<Figure>> {
    if !asked.wants(name) {
        return Ok(None);
    }
    let clock: Arc<dyn Clock> = Arc::new(FakeClock::at(ARRIVED));
    let config = ledger::Config::new(PathBuf::from(folder), "bench.local/ledger/1".to_owned());
    disk.create_dir_all(Path::new(folder))
        .context("making the bench's folder")?;
    Ledger::create(Arc::clone(&disk), Arc::clone(&clock), &config)?;
    let (ledger, _) = Ledger::open(disk, clock, &config)?;
    let events = parsed(&lines[..BATCH]);
    let make = |_| -> Vec<Redacted> { events.iter().map(|e| policy.apply(e.clone())).collect() };
    let batches: Vec<_> = (0..BATCHES).map(make).collect();
    let appender = ledger.appender();
    let (sender, done) = mpsc::channel();
    let start = Instant::now();
    let mut in_flight = 0;
    for batch in batches {
        let sender = sender.clone();
        let report = Box::new(move |appended: Result<_, _>| {
            // The receiver lives until every report has come.
            let _ = sender.send(appended.is_ok());
        });
        appender.submit_patiently(batch, report)?;
        in_flight += 1;
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
    let count = (BATCHES * BATCH) as u64;
    let bytes = bytes_of(&lines[..BATCH]) * BATCHES as u64;
    Ok(Some(Figure {
        name,
        count,
        bytes,
        elapsed,
    }))
}

fn verify(asked: &Asked, folder: &Path) -> anyhow::Result<Option<Figure>> {
    let name = "ledger: verify, real disk";
    if !asked.wants(name) || !folder.exists() {
        return Ok(None);
    }
    let disk: Arc<dyn Disk> = Arc::new(RealDisk::default());
    let start = Instant::now();
    let options = ledger::VerifyOptions::default();
    let report = ledger::verify(disk, folder, &options, &mut |_, _| {})?;
    anyhow::ensure!(
        report.is_clean(),
        "the bench's own ledger does not verify: {report:?}"
    );
    Ok(Some(Figure {
        name,
        count: report.tree_size,
        bytes: report.bytes,
        elapsed: start.elapsed(),
    }))
}
