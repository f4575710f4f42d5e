//! Prints the speed of every stage in one run, beside the floors of the same machine, so that
//! figures of different days and machines can be compared as ratios.
//!
//! Run by `cargo xtask bench [-- --quick] [--only STAGE]`. With `--exam [SEED]` it prints
//! instead how much redaction finds, by kind and placement, and what it takes from clean lines.

use std::time::{Duration, Instant};

mod alerting;
mod attack_strings;
mod corpus;
mod correlation;
mod exam;
mod floors;
mod redaction;
mod stages;
mod whole_path;

/// How long one figure is measured.
const MEASURE: Duration = Duration::from_secs(3);
/// The same under `--quick`.
const MEASURE_QUICK: Duration = Duration::from_millis(300);

/// One line of the table.
#[derive(Debug)]
pub(crate) struct Figure {
    /// What was measured.
    pub(crate) name: &'static str,
    /// Things done (events, hashes, copies).
    pub(crate) count: u64,
    /// Bytes they held.
    pub(crate) bytes: u64,
    /// Wall time they took.
    pub(crate) elapsed: Duration,
}

/// What was asked for.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) measure: Duration,
    pub(crate) only: Option<String>,
}

fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let mut asked = Asked {
        measure: MEASURE,
        only: None,
    };
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--quick" => asked.measure = MEASURE_QUICK,
            "--only" => asked.only = arguments.next(),
            "--exam" => return exam::report(arguments.next().as_deref()),
            "--" => {}
            other => anyhow::bail!(
                "unknown argument `{other}`; known: --quick, --only STAGE, --exam [SEED]"
            ),
        }
    }
    pressure("before");
    head();
    for figure in floors::figures(&asked)
        .into_iter()
        .chain(stages::figures(&asked)?)
        .chain(attack_strings::figures(&asked))
        .chain(redaction::figures(&asked)?)
    {
        show(&figure);
    }
    for figure in whole_path::figures(&asked)? {
        show(&figure);
    }
    alerting::report(&asked)?;
    pressure("after");
    Ok(())
}

impl Asked {
    /// Whether `name` was asked for.
    pub(crate) fn wants(&self, name: &str) -> bool {
        self.only
            .as_ref()
            .is_none_or(|only| name.contains(only.as_str()))
    }

    /// Whether a figure whose name starts with `stage` may have been asked for.
    pub(crate) fn wants_any(&self, stage: &str) -> bool {
        self.only
            .as_ref()
            .is_none_or(|only| only.starts_with(stage) || stage.starts_with(only.as_str()))
    }

    /// Repeats `work` for the measuring time; it returns how many things and bytes it did.
    pub(crate) fn measure(
        &self,
        name: &'static str,
        mut work: impl FnMut() -> (u64, u64),
    ) -> Option<Figure> {
        if !self.wants(name) {
            return None;
        }
        work();
        let start = Instant::now();
        let (mut count, mut bytes) = (0, 0);
        while start.elapsed() < self.measure {
            let (things, held) = work();
            count += things;
            bytes += held;
        }
        Some(Figure {
            name,
            count,
            bytes,
            elapsed: start.elapsed(),
        })
    }
}

#[expect(clippy::print_stdout, reason = "a bench speaks to people")]
fn head() {
    println!(
        "{:<44} {:>12} {:>10} {:>10}",
        "stage (one thread unless said)", "per second", "MB/s", "ns each"
    );
}

#[expect(clippy::print_stdout, reason = "a bench speaks to people")]
fn show(figure: &Figure) {
    let nanos = figure.elapsed.as_nanos().max(1);
    let per_second = u128::from(figure.count) * 1_000_000_000 / nanos;
    let megabytes = u128::from(figure.bytes) * 1_000 / nanos;
    let each = nanos / u128::from(figure.count.max(1));
    println!(
        "{:<44} {per_second:>12} {megabytes:>10} {each:>10}",
        figure.name
    );
}

/// How busy the machine is: without it a figure cannot be judged.
#[expect(clippy::print_stdout, reason = "a bench speaks to people")]
fn pressure(when: &str) {
    for file in ["/proc/loadavg", "/proc/pressure/cpu", "/proc/pressure/io"] {
        if let Ok(text) = std::fs::read_to_string(file) {
            println!(
                "# {when} {file}: {}",
                text.lines().next().unwrap_or_default()
            );
        }
    }
}
