//! `belfry ingest`: files in bulk, here or through the running process, with progress and a
//! summary of what was stored and what rang.

use std::io::{Read, stdin};
use std::path::Path;
use std::time::Duration;

use alert::Filter;
use anyhow::Context;
use disk::DiskFile;
use event::Raw;
use serde_json::{Value, json};
use stdx::units;

use super::Ground;
use crate::bulk::{self, Tally};
use crate::cli::{self, Format};
use crate::exit_code::{Outcome, bad_input};
use crate::house::House;
use crate::operate::{self, Desk, Request, actor};
use crate::talk;
use progress::Progress;
use shortened::Shortened;

mod progress;
mod shortened;

/// Longest wait for the rules to see what was taken in.
const SETTLE_MAX: Duration = Duration::from_mins(10);
/// Bytes sent to the running process at once.
const CHUNK_BYTES: usize = 4 << 20;
const _: () = assert!(2 * event::limits::FRAME_BYTES_MAX < CHUNK_BYTES);

/// Runs the command.
pub(crate) fn run(ground: &Ground, say: &cli::Ingest, format: Format) -> anyhow::Result<Outcome> {
    if !crate::config::is_name(&say.source) {
        return Err(bad_input(format!("`{}` cannot name a source", say.source)));
    }
    for file in &say.files {
        look_at(ground, file)?;
    }
    let running = Desk::find(ground.disk.as_ref(), &ground.config.data_dir)?;
    let (summary, mut faults) = match running {
        Some(desk) => through(ground, &desk, say)?,
        None => here(ground, say)?,
    };
    match format {
        Format::Json => talk::data(&summary.to_string()),
        Format::Text => talk::data(&sentence(&summary)),
    };
    // What was stored is told and written down; then the first fault is the answer.
    for fault in faults.iter().skip(1) {
        talk::say(&format!("{fault:#}"));
    }
    if !faults.is_empty() {
        return Err(faults.swap_remove(0));
    }
    let has_refusals = summary["refused"].as_u64().unwrap_or(0) > 0;
    Ok(if has_refusals {
        Outcome::Findings
    } else {
        Outcome::Fine
    })
}

/// Refuses what cannot be read before anything is taken in.
fn look_at(ground: &Ground, file: &Path) -> anyhow::Result<()> {
    if is_stdin(file) {
        return Ok(());
    }
    let shown = file.display();
    let stat = ground.disk.stat(file);
    match stat.map_err(|error| bad_input(error.to_string()))? {
        None => Err(bad_input(format!("{shown} does not exist"))),
        Some(stat) if stat.is_dir => Err(bad_input(format!(
            "{shown} is a folder: name the files in it"
        ))),
        // A pipe has no places to read at; standard input is read as it comes.
        Some(stat) if !stat.is_regular => Err(bad_input(format!(
            "{shown} is no ordinary file: hand it over with `belfry ingest - < {shown}`"
        ))),
        Some(_) => Ok(()),
    }
}

fn is_stdin(file: &Path) -> bool {
    file.as_os_str() == "-"
}

/// Sums and what went wrong, file by file.
type Taken = (Value, Vec<anyhow::Error>);

fn here(ground: &Ground, say: &cli::Ingest) -> anyhow::Result<Taken> {
    let house = ground.house()?;
    let alerts_before = alerts_on(&house)?;
    let (mut sum, mut faults) = (Sum::default(), Vec::new());
    for file in &say.files {
        let mut progress = Progress::new(ground.disk.as_ref(), file, say.quiet);
        let shown = file.display().to_string();
        // The last tally that was heard is true even when the reader fails half-way.
        let mut heard = Tally::default();
        let taken = open(ground, file).and_then(|reader| {
            bulk::take_in(&house, &say.source, Some(&shown), reader, &mut |tally| {
                heard = *tally;
                progress.show(tally);
            })
        });
        progress.end();
        sum.add(&bulk::json_of(&heard));
        if let Err(fault) = taken {
            faults.push(fault.context(format!("taking in {shown}")));
        }
    }
    if let Err(fault) = operate::carry_out(&house, imported(say, &sum)) {
        faults.push(fault.context("recording the import"));
    }
    house.settle(SETTLE_MAX);
    let alerts = alerts_on(&house)?.saturating_sub(alerts_before);
    let size = house.reader.tree_size();
    if let Err(fault) = house.close(None) {
        faults.push(fault);
    }
    Ok((sum.with(alerts, size.0), faults))
}

/// Alerts on the desk now.
fn alerts_on(house: &House) -> anyhow::Result<u64> {
    Ok(house.desk().list(&Filter::default())?.len() as u64)
}

fn through(ground: &Ground, desk: &Desk, say: &cli::Ingest) -> anyhow::Result<Taken> {
    let alerts_before = super::alerts::count(ground)?;
    let (mut sum, mut faults) = (Sum::default(), Vec::new());
    for file in &say.files {
        if let Err(fault) = hand_over(ground, desk, say, file, &mut sum) {
            faults.push(fault.context(format!("taking in {}", file.display())));
        }
    }
    if let Err(fault) = desk.ask(&imported(say, &sum)) {
        faults.push(fault.context("recording the import"));
    }
    let alerts = super::alerts::count(ground)?.saturating_sub(alerts_before);
    let reader = ground.reader()?;
    Ok((sum.with(alerts, reader.tree_size().0), faults))
}

/// Sends the lines of `file` to the running process, whole lines at a time.
fn hand_over(
    ground: &Ground,
    desk: &Desk,
    say: &cli::Ingest,
    file: &Path,
    sum: &mut Sum,
) -> anyhow::Result<()> {
    let unpacked = intake::chunk::decompressed(open(ground, file)?)?;
    let mut reader = Shortened::new(unpacked);
    let mut progress = Progress::new(ground.disk.as_ref(), file, say.quiet);
    let mut raw = Raw::from(Vec::with_capacity(CHUNK_BYTES));
    let chunk = raw.buffer_mut();
    let outcome = loop {
        let room = CHUNK_BYTES.saturating_sub(chunk.len()) as u64;
        let read = reader.by_ref().take(room).read_to_end(chunk);
        let is_end = !matches!(read, Ok(count) if count > 0);
        let whole = if is_end {
            chunk.len()
        } else {
            last_line_end(chunk)
        };
        if whole > 0 {
            match desk.ingest(&say.source, &chunk[..whole]) {
                Ok(tally) => sum.add(&tally),
                Err(fault) => break Err(fault),
            }
            chunk.drain(..whole);
        }
        progress.show_bytes(sum.of("bytes"));
        if is_end {
            break read
                .map(drop)
                .context("reading on is impossible; what came before is stored");
        }
    };
    progress.end();
    let skipped = reader.skipped();
    sum.add(&json!({"bytes": skipped, "bytes_skipped": skipped}));
    outcome
}

/// What is written down about this import.
fn imported(say: &cli::Ingest, sum: &Sum) -> Request {
    Request::Imported {
        actor: actor(),
        source: say.source.clone(),
        stored: sum.stored(),
    }
}

/// How much of `chunk` can be sent: up to its last line end. A full one has such an end, because
/// no line is as long.
fn last_line_end(chunk: &[u8]) -> usize {
    let end = chunk.iter().rposition(|byte| *byte == b'\n');
    end.map_or(0, |at| at + 1)
}

fn open(ground: &Ground, file: &Path) -> anyhow::Result<Box<dyn Read + Send>> {
    if is_stdin(file) {
        return Ok(Box::new(stdin()));
    }
    look_at(ground, file)?;
    let opened = ground.disk.open_read(file);
    Ok(Box::new(Sequential {
        file: opened.map_err(|error| bad_input(error.to_string()))?,
        at: 0,
    }))
}

/// Reads a file from its start to its end.
struct Sequential {
    file: Box<dyn DiskFile>,
    at: u64,
}

impl Read for Sequential {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = self
            .file
            .read_at(buffer, self.at)
            .map_err(std::io::Error::other)?;
        self.at += count as u64;
        Ok(count)
    }
}

/// Sums over files.
#[derive(Default)]
struct Sum(serde_json::Map<String, Value>);

impl Sum {
    fn add(&mut self, tally: &Value) {
        for (name, value) in tally.as_object().into_iter().flatten() {
            let sum = self.0.get(name).and_then(Value::as_u64).unwrap_or(0);
            self.0
                .insert(name.clone(), json!(sum + value.as_u64().unwrap_or(0)));
        }
    }

    fn of(&self, name: &str) -> u64 {
        self.0.get(name).and_then(Value::as_u64).unwrap_or(0)
    }

    fn stored(&self) -> u64 {
        self.of("stored")
    }

    fn with(mut self, alerts: u64, tree_size: u64) -> Value {
        self.0.insert("alerts".to_owned(), json!(alerts));
        self.0.insert("tree_size".to_owned(), json!(tree_size));
        Value::Object(self.0)
    }
}

fn sentence(summary: &Value) -> String {
    let figure = |name: &str| summary[name].as_u64().unwrap_or(0);
    format!(
        "received {}, stored {}, refused {}, with defects {}, cut {} ({} skipped), empty lines {}, \
         alerts {}",
        figure("received"),
        figure("stored"),
        figure("refused"),
        figure("defective"),
        figure("cut"),
        units::format_size(figure("bytes_skipped")),
        figure("empty_lines"),
        figure("alerts"),
    )
}
