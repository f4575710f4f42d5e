//! `belfry rules`: which rules there are, whether their samples hold, why one matched.

use detect::{Explanation, RuleKind, RuleSet};
use event::Index;
use serde_json::json;

use super::{Ground, backtest};
use crate::cli::{self, Format};
use crate::exit_code::{Outcome, bad_input};
use crate::operate::{Desk, Request, actor};
use crate::{rules, talk};

/// Runs the command.
pub(crate) fn run(ground: &Ground, say: &cli::Rules, format: Format) -> anyhow::Result<Outcome> {
    match say {
        cli::Rules::Backtest(say) => return backtest::run(ground, say, format),
        cli::Rules::Reload => return reload(ground, format),
        _ => {}
    }
    let (set, problems) = rules::load(&ground.config, ground.disk.as_ref())?;
    for problem in &problems {
        talk::say(&rules::shown(problem));
    }
    let outcome = match say {
        cli::Rules::List => list(&set, format),
        cli::Rules::Test { only } => test(&set, only.as_deref(), format)?,
        cli::Rules::Explain { rule, index } => explain(ground, &set, rule, Index(*index), format)?,
        cli::Rules::Backtest(_) | cli::Rules::Reload => Outcome::Fine,
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
                })
                .to_string(),
            ),
            Format::Text => talk::data(&format!(
                "{:<5} {:<13} {:<11} {}  ({}:{})",
                rule.code.as_deref().unwrap_or("-"),
                summary.severity,
                kind(summary.kind),
                rule.title,
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

fn explain(
    ground: &Ground,
    set: &RuleSet,
    rule: &str,
    index: Index,
    format: Format,
) -> anyhow::Result<Outcome> {
    let reader = ground.reader()?;
    let entry = reader
        .entry(index)
        .map_err(|error| bad_input(error.to_string()))?;
    let explanations = detect::explain(set, rule, &entry);
    if explanations.is_empty() {
        return Err(bad_input(format!("there is no rule `{rule}`")));
    }
    for explained in &explanations {
        show(explained, format);
    }
    Ok(Outcome::Fine)
}

fn show(explained: &Explanation, format: Format) {
    if format == Format::Json {
        let selections: serde_json::Map<_, _> = explained
            .selections
            .iter()
            .map(|(name, holds)| (name.clone(), json!(holds)))
            .collect();
        talk::data(
            &json!({
                "id": explained.id,
                "title": explained.title,
                "log_source": explained.log_source,
                "condition": explained.condition,
                "selections": selections,
            })
            .to_string(),
        );
        return;
    }
    talk::data(&format!("{} ({})", explained.title, explained.id));
    talk::data(&format!("log source fits: {}", yes(explained.log_source)));
    talk::data(&format!("condition holds: {}", yes(explained.condition)));
    for (name, holds) in &explained.selections {
        talk::data(&format!("  {name}: {}", yes(*holds)));
    }
}

fn yes(truth: bool) -> &'static str {
    if truth { "yes" } else { "no" }
}
