//! `belfry redact`: what redaction does to a record, tests of the policy, and a second look at
//! what was stored before the policy knew better. Values that redaction takes are never shown.

use std::io::{Read, stdin};
use std::path::Path;

use anyhow::Context;
use event::{Frame, Hint, Listener, ObservedAt, Origin, Raw, Redacted, text};
use redact::{Finding, Policy};
use serde_json::{Value, json};
use stdx::Clock;

use super::Ground;
use crate::cli::{self, Format};
use crate::clock::SystemClock;
use crate::exit_code::{Outcome, bad_input};
use crate::{keys, talk};

mod scan;
mod trial;

/// Bytes of records that are explained at once: a page to read, not an import.
const INPUT_BYTES_MAX: u64 = 8 << 20;

/// Runs the command.
pub(crate) fn run(ground: &Ground, say: &cli::Redact, format: Format) -> anyhow::Result<Outcome> {
    match say {
        cli::Redact::Explain { input } => explain(ground, input, format),
        cli::Redact::Test { files } => trial::run(ground, files, format),
        cli::Redact::Scan {
            since,
            until,
            quiet,
        } => scan::run(ground, since.as_deref(), until.as_deref(), *quiet, format),
    }
}

/// A record as it would be stored, and what was taken from it.
struct Explained {
    stored: Redacted,
    findings: Vec<Finding>,
}

/// Takes `line` through the write path up to the ledger.
fn explained(policy: &Policy, line: &[u8]) -> Explained {
    let origin = Origin {
        source: "explain".into(),
        listener: Listener::Ingest,
        peer: None,
        file: None,
        observed_at: ObservedAt(SystemClock.unix_nanos()),
    };
    let frame = Frame {
        bytes: line,
        hint: Hint::Auto,
        cut: false,
        origin: &origin,
    };
    let event = parse::event(&frame).event;
    let findings = policy.explain_event(&event);
    Explained {
        stored: policy.apply(event),
        findings,
    }
}

fn explain(ground: &Ground, input: &str, format: Format) -> anyhow::Result<Outcome> {
    let disk = ground.disk.as_ref();
    let policy = if keys::has_redact_key(&ground.config, disk) {
        keys::policy(&ground.config, disk)?
    } else {
        talk::say("there is no data folder yet: keyed hashes are shown under a trial key");
        keys::trial_policy(&ground.config)
    };
    let raw = read(ground, input)?;
    let lines = raw.bytes().split(|byte| *byte == b'\n');
    for (number, line) in (1_usize..).zip(lines.filter(|line| !line.trim_ascii().is_empty())) {
        let explained = explained(&policy, line);
        let goes_on = match format {
            Format::Json => talk::data(&json_of(number, &explained).to_string()),
            Format::Text => text_of(number, &explained)
                .iter()
                .all(|line| talk::data(line)),
        };
        if !goes_on {
            break;
        }
    }
    Ok(Outcome::Fine)
}

/// The records that `input` names: standard input, a file, or itself.
fn read(ground: &Ground, input: &str) -> anyhow::Result<Raw> {
    if input == "-" {
        let mut raw = Raw::default();
        let mut source = stdin().lock().take(INPUT_BYTES_MAX + 1);
        let count = source
            .read_to_end(raw.buffer_mut())
            .context("reading standard input")?;
        if count as u64 > INPUT_BYTES_MAX {
            return Err(bad_input(format!(
                "more than {INPUT_BYTES_MAX} bytes: explain a part"
            )));
        }
        return Ok(raw);
    }
    let path = Path::new(input);
    match ground.disk.stat(path) {
        Ok(Some(stat)) if stat.is_regular => {
            let bytes = ground.disk.read(path, INPUT_BYTES_MAX);
            Ok(Raw::from(
                bytes.map_err(|error| bad_input(error.to_string()))?,
            ))
        }
        _ => Ok(Raw::from(input.as_bytes().to_vec())),
    }
}

fn json_of(number: usize, explained: &Explained) -> Value {
    let findings: Vec<Value> = explained.findings.iter().map(finding_json).collect();
    let stored: Value = serde_json::from_str(explained.stored.body()).unwrap_or(Value::Null);
    json!({ "record": number, "findings": findings, "stored": stored })
}

fn finding_json(finding: &Finding) -> Value {
    json!({
        "kind": finding.kind.name(),
        "path": finding.path,
        "action": finding.action.name(),
        "why": finding.why.to_string(),
        "start": finding.span.start,
        "end": finding.span.end,
    })
}

fn text_of(number: usize, explained: &Explained) -> Vec<String> {
    let mut lines = vec![match explained.findings.len() {
        0 => format!("record {number}: nothing is taken"),
        1 => format!("record {number}: 1 finding"),
        count => format!("record {number}: {count} findings"),
    }];
    for finding in &explained.findings {
        lines.push(format!(
            "  {:<14} {:<10} bytes {}-{} of {}, by {}",
            finding.kind.name(),
            finding.action.name(),
            finding.span.start,
            finding.span.end,
            text::safe(&finding.path),
            finding.why,
        ));
    }
    lines.push(format!("  stored: {}", explained.stored.body()));
    lines
}
