//! `belfry verify`: is the ledger whole, or does a proof file hold.

use std::path::Path;
use std::sync::Arc;

use anyhow::Context;
use ledger::{Claim, ProofError, VerifyError, VerifyOptions, VerifyReport};
use serde_json::json;
use stdx::Clock as _;

use super::Ground;
use crate::cli::{self, Format};
use crate::clock::SystemClock;
use crate::exit_code::{Outcome, bad_input};
use crate::operate::{Desk, Request, actor};
use crate::talk;

/// Bytes of one proof file.
const PROOF_BYTES_MAX: u64 = 4 << 20;
/// Bytes of one checkpoint with all its cosignatures.
const CHECKPOINT_BYTES_MAX: u64 = 1 << 20;
/// Findings shown to people; programs get all of them.
const SHOWN_MAX: usize = 20;

/// Runs the command.
pub(crate) fn run(ground: &Ground, say: &cli::Verify, format: Format) -> anyhow::Result<Outcome> {
    match &say.proof {
        Some(file) => proof(ground, file, say.vkey.as_deref(), format),
        None => whole(ground, say, format),
    }
}

fn whole(ground: &Ground, say: &cli::Verify, format: Format) -> anyhow::Result<Outcome> {
    ground.reader()?;
    let dir = ground.config.ledger_dir();
    let shows = !say.quiet && talk::shows_progress();
    let mut progress = |done: u64, total: u64| {
        if shows {
            talk::progress(&format!("verified {done} of {total} entries"));
        }
    };
    let options = VerifyOptions {
        remembered: say
            .checkpoint
            .as_deref()
            .map(|file| remembered(ground, file))
            .transpose()?,
        alive_since_ns: say.alive.then(|| alive_since(ground.config.epoch)),
        ..VerifyOptions::default()
    };
    let report = ledger::verify(Arc::clone(&ground.disk), &dir, &options, &mut progress);
    if shows {
        talk::progress("");
    }
    if let Err(error @ VerifyError::Remembered(_)) = &report {
        return Err(bad_input(error.to_string()));
    }
    let report = report.with_context(|| format!("verifying {}", dir.display()))?;
    match format {
        Format::Json => {
            talk::data(&json_of(&report).to_string());
        }
        Format::Text => show(&report),
    }
    if report.is_clean() {
        return Ok(Outcome::Fine);
    }
    if let Err(error) = raise(ground, &report) {
        talk::say(&format!(
            "the finding could not be recorded in the ledger: {error:#}"
        ));
    }
    Ok(Outcome::Findings)
}

/// The note in a file. Within JSON it stands as one text; a file cut out of it ends with a line
/// end or without one.
fn remembered(ground: &Ground, file: &Path) -> anyhow::Result<String> {
    let shown = file.display();
    let bytes = ground.disk.read(file, CHECKPOINT_BYTES_MAX);
    let bytes = bytes.map_err(|error| bad_input(format!("reading {shown}: {error}")))?;
    let text = String::from_utf8(bytes).map_err(|_| bad_input(format!("{shown} is not text")))?;
    Ok(format!("{}\n", text.trim_end()))
}

/// The newest epoch of a living ledger began after this, nanoseconds since 1970: one epoch may just
/// be ending, and a second one is patience for a busy machine.
fn alive_since(epoch: std::time::Duration) -> u64 {
    let now = u64::try_from(SystemClock.unix_nanos()).unwrap_or(0);
    let patience = u64::try_from(epoch.as_nanos()).unwrap_or(u64::MAX);
    now.saturating_sub(patience.saturating_mul(2))
}

/// Lets the running process write the finding into its ledger, so that D28 rings. Where none runs
/// nothing is written: what is verified may be a copy that must not change.
fn raise(ground: &Ground, report: &VerifyReport) -> anyhow::Result<()> {
    let running = Desk::find(ground.disk.as_ref(), &ground.config.data_dir)?;
    let (Some(first), Some(running)) = (report.findings.first(), running) else {
        return Ok(());
    };
    running.ask(&Request::IntegrityFailed {
        actor: actor(),
        index: report.first_bad_index().map(|index| index.0),
        finding: format!("{}: {}", first.kind, first.detail),
        findings: report.findings_total,
    })?;
    Ok(())
}

/// The report for programs.
pub(crate) fn json_of(report: &VerifyReport) -> serde_json::Value {
    let findings = report.findings.iter().map(|finding| {
        json!({
            "index": finding.index.map(|index| index.0),
            "kind": finding.kind.to_string(),
            "detail": finding.detail,
        })
    });
    json!({
        "ok": report.is_clean(),
        "tree_size": report.tree_size,
        "checkpoint_size": report.checkpoint_size,
        "epochs_sealed": report.epochs,
        "alive_at_ns": report.alive_at_ns,
        "findings": findings.collect::<Vec<_>>(),
    })
}

fn show(report: &VerifyReport) {
    if report.is_clean() {
        let signed = report.checkpoint_size.unwrap_or(0);
        talk::data(&format!(
            "whole: {} entries, each body and hash checked, {signed} under the signed checkpoint, \
             {} epochs sealed",
            report.tree_size, report.epochs
        ));
        return;
    }
    talk::data(&format!("NOT WHOLE: {} finding(s)", report.findings_total));
    for finding in report.findings.iter().take(SHOWN_MAX) {
        let place = finding
            .index
            .map_or("ledger".to_owned(), |index| format!("entry {index}"));
        talk::data(&format!("  {place}: {}: {}", finding.kind, finding.detail));
    }
    let more = report.findings_total.saturating_sub(SHOWN_MAX as u64);
    if more > 0 {
        talk::data(&format!("  and {more} more"));
    }
}

fn proof(
    ground: &Ground,
    file: &Path,
    vkey: Option<&str>,
    format: Format,
) -> anyhow::Result<Outcome> {
    let shown = file.display();
    let bytes = ground.disk.read(file, PROOF_BYTES_MAX);
    let bytes = bytes.map_err(|error| bad_input(format!("reading {shown}: {error}")))?;
    let vkey = match vkey {
        Some(vkey) => vkey.to_owned(),
        None => ground
            .reader()
            .context("no --vkey and no data folder to read it from")?
            .vkey(),
    };
    let checked = ledger::verify_proof(&bytes, Claim::InProof, &vkey);
    if let Err(error @ ProofError::Key(_)) = &checked {
        return Err(bad_input(error.to_string()));
    }
    match (format, &checked) {
        (Format::Json, Ok(proven)) => talk::data(
            &json!({"ok": true, "index": proven.index.0, "tree_size": proven.tree_size})
                .to_string(),
        ),
        (Format::Json, Err(error)) => {
            talk::data(&json!({"ok": false, "error": error.to_string()}).to_string())
        }
        (Format::Text, Ok(proven)) => talk::data(&format!(
            "proven: this entry is number {} of a log of {} entries signed by {vkey}",
            proven.index, proven.tree_size
        )),
        (Format::Text, Err(error)) => talk::data(&format!("NOT PROVEN: {error}")),
    };
    Ok(if checked.is_ok() {
        Outcome::Fine
    } else {
        Outcome::Findings
    })
}
