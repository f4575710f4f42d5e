//! `belfry rules`: which rules there are, whether their samples hold, why one matched.

use std::path::Path;

use detect::attack::Version;
use detect::{RuleKind, RuleSet};
use event::Index;
use serde_json::json;

use super::{Ground, backtest};
use crate::cli::{self, Format};
use crate::exit_code::{Outcome, bad_input};
use crate::operate::{Desk, Request, actor};
use crate::{rules, talk};

mod coverage;
mod explain;
mod status;

/// Runs the command.
pub(crate) fn run(ground: &Ground, say: &cli::Rules, format: Format) -> anyhow::Result<Outcome> {
    match say {
        cli::Rules::Backtest(say) => return backtest::run(ground, say, format),
        cli::Rules::Reload => return reload(ground, format),
        cli::Rules::Lint { only } => return lint(ground, only.as_deref(), format),
        cli::Rules::Status => return status::run(ground, format),
        _ => {}
    }
    let (set, problems) = rules::load(&ground.config, ground.disk.as_ref())?;
    for problem in &problems {
        talk::say(&rules::shown(problem));
    }
    let outcome = match say {
        cli::Rules::List => list(&set, format),
        cli::Rules::Test { only } => test(&set, only.as_deref(), format)?,
        cli::Rules::Backtest(_)
        | cli::Rules::Reload
        | cli::Rules::Lint { .. }
        | cli::Rules::Status => Outcome::Fine,
        cli::Rules::Coverage { navigator, attack } => {
            let version = match attack {
                18 => Version::V18,
                _ => Version::V19,
            };
            cover(ground, &set, version, navigator.as_deref(), format)?
        }
        cli::Rules::Explain { rule, index } => {
            explain::run(ground, &set, rule, Index(*index), format)?
        }
    };
    Ok(if problems.is_empty() {
        outcome
    } else {
        Outcome::Findings
    })
}

/// Lets the running process load its rules anew; where none runs, there is nothing to exchange.
fn reload(ground: &Ground, format: Format) -> anyhow::Result<Outcome> {
    let running = Desk::find(ground.disk.as_ref(), &ground.config.data_dir)?;
    let running = running.ok_or_else(|| {
        bad_input("no belfry runs on this data folder: it loads its rules when it starts")
    })?;
    let answer = running.ask(&Request::ReloadRules { actor: actor() })?;
    match format {
        Format::Json => talk::data(&answer.to_string()),
        Format::Text => talk::data(&format!("{} rules at work", answer["rules"])),
    };
    Ok(Outcome::Fine)
}

fn lint(ground: &Ground, only: Option<&str>, format: Format) -> anyhow::Result<Outcome> {
    let (files, unread) = rules::files(&ground.config, ground.disk.as_ref())?;
    for problem in &unread {
        talk::say(&rules::shown(problem));
    }
    let mut findings = detect::lint(&files);
    findings.retain(|finding| only.is_none_or(|only| finding.file.contains(only)));
    for finding in &findings {
        match format {
            Format::Json => talk::data(
                &json!({
                    "file": finding.file, "line": finding.line, "check": finding.check,
                    "message": finding.message,
                })
                .to_string(),
            ),
            Format::Text => talk::data(&format!(
                "{}:{}: {} ({})",
                finding.file,
                finding.line.unwrap_or(1),
                finding.message,
                finding.check
            )),
        };
    }
    if format == Format::Text {
        talk::say(&format!(
            "{} file(s), {} finding(s)",
            files.len(),
            findings.len()
        ));
    }
    Ok(if findings.is_empty() && unread.is_empty() {
        Outcome::Fine
    } else {
        Outcome::Findings
    })
}

fn cover(
    ground: &Ground,
    set: &RuleSet,
    version: Version,
    navigator: Option<&Path>,
    format: Format,
) -> anyhow::Result<Outcome> {
    let matrix = coverage::Matrix::of(set, version);
    matrix.show(format);
    if let Some(path) = navigator {
        let layer = format!("{:#}\n", matrix.layer());
        let written = ground.disk.write_atomic(path, layer.as_bytes());
        written.map_err(|error| bad_input(format!("{}: {error}", path.display())))?;
    }
    Ok(Outcome::Fine)
}

fn list(set: &RuleSet, format: Format) -> Outcome {
    for summary in set.rules() {
        let rule = &summary.rule;
        let attack: Vec<&str> = rule.attack.iter().map(|tag| tag.id.as_str()).collect();
        match format {
            Format::Json => talk::data(
                &json!({
                    "id": rule.id, "code": rule.code, "title": rule.title,
                    "level": summary.severity.name(), "kind": kind(summary.kind),
                    "file": &*summary.file, "line": summary.line, "attack": attack,
                    "enabled": summary.enabled, "rings": summary.rings,
                    "reachable": summary.reachable,
                })
                .to_string(),
            ),
            Format::Text => talk::data(&format!(
                "{:<5} {:<13} {:<16} {}{}  ({}:{})",
                rule.code.as_deref().unwrap_or("-"),
                summary.severity,
                kind(summary.kind),
                rule.title,
                if summary.enabled { "" } else { " [off]" },
                summary.file,
                summary.line
            )),
        };
    }
    Outcome::Fine
}

fn kind(kind: RuleKind) -> &'static str {
    match kind {
        RuleKind::Detection => "detection",
        RuleKind::Correlation(name) => name,
    }
}

fn test(set: &RuleSet, only: Option<&str>, format: Format) -> anyhow::Result<Outcome> {
    let (mut run, mut failed) = (0, 0);
    for outcome in set.run_tests() {
        let names = [outcome.file.as_str(), outcome.rule.as_str()];
        if only.is_some_and(|only| !names.iter().any(|name| name.contains(only))) {
            continue;
        }
        run += 1;
        failed += u64::from(!outcome.passed);
        match format {
            Format::Json => talk::data(
                &json!({
                    "file": outcome.file, "rule": outcome.rule, "test": outcome.name,
                    "passed": outcome.passed, "message": outcome.message,
                })
                .to_string(),
            ),
            Format::Text => talk::data(&format!(
                "{} {} {}: {}{}",
                if outcome.passed { "ok  " } else { "FAIL" },
                outcome.file,
                outcome.rule,
                outcome.name,
                if outcome.passed {
                    String::new()
                } else {
                    format!("\n     {}", outcome.message)
                }
            )),
        };
    }
    if let Some(only) = only.filter(|_| run == 0) {
        return Err(bad_input(format!(
            "no rule with samples is called `{only}`"
        )));
    }
    if format == Format::Text {
        talk::say(&format!("{run} sample(s) run, {failed} failed"));
    }
    Ok(if failed == 0 {
        Outcome::Fine
    } else {
        Outcome::Findings
    })
}
