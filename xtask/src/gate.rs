//! The one command that decides whether the house stands: every step runs even after a failure,
//! so that one run shows all that is wrong.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Result;

use crate::{report_tidy, setup, step};

/// One step that is a plain call of cargo.
struct CargoStep {
    name: &'static str,
    arguments: &'static [&'static str],
    environment: &'static [(&'static str, &'static str)],
}

const BEFORE_TIDY: &[CargoStep] = &[
    CargoStep {
        name: "format",
        arguments: &["fmt", "--all", "--check"],
        environment: &[],
    },
    CargoStep {
        name: "clippy",
        arguments: &[
            "clippy",
            "--workspace",
            "--all-targets",
            "--locked",
            "--",
            "-D",
            "warnings",
        ],
        environment: &[],
    },
];

const AFTER_TIDY: &[CargoStep] = &[
    CargoStep {
        name: "tests",
        arguments: &["test", "--workspace", "--locked"],
        environment: &[],
    },
    CargoStep {
        name: "docs",
        arguments: &[
            "doc",
            "--no-deps",
            "--locked",
            "--package",
            "tlog",
            "--package",
            "event",
            "--package",
            "ledger",
        ],
        environment: &[("RUSTDOCFLAGS", "-D warnings")],
    },
];

/// How one step ended.
struct Outcome {
    name: &'static str,
    code: u8,
    elapsed: Duration,
}

/// Runs all steps; the code of the first failed one, or 0.
pub(crate) fn run(root: &Path) -> Result<u8> {
    let started = Instant::now();
    setup::run(root);
    let mut outcomes = Vec::new();
    for step in BEFORE_TIDY {
        outcomes.push(run_cargo(root, step)?);
    }
    outcomes.push(timed("tidy", || report_tidy(root))?);
    for step in AFTER_TIDY {
        outcomes.push(run_cargo(root, step)?);
    }
    Ok(summarise(&outcomes, started.elapsed()))
}

fn run_cargo(root: &Path, step: &CargoStep) -> Result<Outcome> {
    timed(step.name, || {
        println!("   cargo {}", step.arguments.join(" "));
        step::cargo(root, step.arguments, step.environment)
    })
}

fn timed(name: &'static str, action: impl FnOnce() -> Result<u8>) -> Result<Outcome> {
    println!("\n== {name}");
    let started = Instant::now();
    let code = action()?;
    Ok(Outcome {
        name,
        code,
        elapsed: started.elapsed(),
    })
}

fn summarise(outcomes: &[Outcome], total: Duration) -> u8 {
    println!();
    for Outcome {
        name,
        code,
        elapsed,
    } in outcomes
    {
        let word = if *code == 0 { "ok" } else { "FAILED" };
        println!("{name:<8} {word:<6} {:>7.1} s", elapsed.as_secs_f64());
    }
    let failed: Vec<&str> = outcomes
        .iter()
        .filter(|outcome| outcome.code != 0)
        .map(|outcome| outcome.name)
        .collect();
    let seconds = total.as_secs_f64();
    if failed.is_empty() {
        println!("all fine after {seconds:.1} s");
    } else {
        println!("failed after {seconds:.1} s: {}", failed.join(", "));
    }
    outcomes
        .iter()
        .map(|outcome| outcome.code)
        .find(|code| *code != 0)
        .unwrap_or(0)
}
