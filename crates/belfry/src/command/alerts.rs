//! `belfry alerts`: look at alerts, take them, close them.

use alert::{Alert, Desk, DeskConfig, Filter, State};
use event::text;
use stdx::calendar;

use super::Ground;
use crate::cli::{self, AlertState, Format, Verdict};
use crate::exit_code::{Outcome, bad_input};
use crate::operate::{Request, actor};
use crate::{house, talk};

/// Runs the command.
pub(crate) fn run(ground: &Ground, say: &cli::Alerts, format: Format) -> anyhow::Result<Outcome> {
    match say {
        cli::Alerts::List { state, limit } => list(ground, *state, *limit, format),
        cli::Alerts::Show { id } => show(ground, id, format),
        cli::Alerts::Ack { id, note } => {
            transition(ground, id, "acknowledged", None, note.clone(), format)
        }
        cli::Alerts::Reopen { id, note } => {
            transition(ground, id, "open", None, note.clone(), format)
        }
        cli::Alerts::Close { id, verdict, note } => {
            let verdict = match verdict {
                Verdict::TruePositive => "true_positive",
                Verdict::FalsePositive => "false_positive",
                Verdict::Benign => "benign",
            };
            transition(ground, id, "closed", Some(verdict), note.clone(), format)
        }
    }
}

fn desk(ground: &Ground) -> anyhow::Result<Desk> {
    let settings = DeskConfig {
        routes: Vec::new(),
        ledger_size: ground.reader()?.tree_size(),
    };
    Ok(Desk::open(
        &house::desk_path(&ground.config.data_dir),
        settings,
    )?)
}

/// An alert as JSON of one line, and the entries it cites, in order.
pub(crate) fn cited(ground: &Ground, id: &str) -> anyhow::Result<(String, Vec<u64>)> {
    let alert = desk(ground)?
        .show(id)?
        .ok_or_else(|| bad_input(format!("there is no alert `{id}`")))?;
    let json = alert::render::json(&alert);
    let mut evidence: Vec<u64> = alert.evidence.iter().map(|index| index.0).collect();
    evidence.push(alert.raised_index.0);
    evidence.sort_unstable();
    evidence.dedup();
    Ok((json, evidence))
}

/// Alerts on the desk now.
pub(crate) fn count(ground: &Ground) -> anyhow::Result<u64> {
    Ok(desk(ground)?.list(&Filter::default())?.len() as u64)
}

fn list(
    ground: &Ground,
    state: Option<AlertState>,
    limit: usize,
    format: Format,
) -> anyhow::Result<Outcome> {
    let state = state.map(|state| match state {
        AlertState::Open => State::Open,
        AlertState::Acknowledged => State::Acknowledged,
        AlertState::Closed => State::Closed,
    });
    let filter = Filter {
        state,
        limit: Some(limit),
        ..Filter::default()
    };
    let mut alerts = desk(ground)?.list(&filter)?;
    alerts.reverse();
    for alert in &alerts {
        match format {
            Format::Json => talk::data(&alert::render::json(alert)),
            Format::Text => talk::data(&line(alert)),
        };
    }
    if format == Format::Text {
        talk::say(&format!("{} alert(s)", alerts.len()));
    }
    Ok(Outcome::Fine)
}

fn show(ground: &Ground, id: &str, format: Format) -> anyhow::Result<Outcome> {
    let found = desk(ground)?.show(id)?;
    let alert = found.ok_or_else(|| bad_input(format!("there is no alert `{id}`")))?;
    show_one(&alert, format);
    Ok(Outcome::Fine)
}

fn show_one(alert: &Alert, format: Format) {
    match format {
        Format::Json => talk::data(&alert::render::json(alert)),
        Format::Text => talk::data(alert::render::pretty(alert, false).trim_end()),
    };
}

fn transition(
    ground: &Ground,
    id: &str,
    to: &str,
    verdict: Option<&str>,
    note: Option<String>,
    format: Format,
) -> anyhow::Result<Outcome> {
    ground.reader()?;
    let request = Request::Transition {
        actor: actor(),
        alert: id.to_owned(),
        to: to.to_owned(),
        verdict: verdict.map(str::to_owned),
        note,
    };
    let answer = ground.operate(request)?;
    // The desk is read again: only the alert itself knows how to write foreign text safely.
    let id = answer["id"].as_str().unwrap_or(id);
    let found = desk(ground)?.show(id)?;
    let alert = found.ok_or_else(|| bad_input(format!("there is no alert `{id}`")))?;
    match format {
        Format::Json => talk::data(&alert::render::json(&alert)),
        Format::Text => talk::data(&format!("{} is {}", alert.id.as_str(), alert.state)),
    };
    let got = alert.verdict.map(alert::Verdict::name);
    if alert.state.name() == to && (verdict.is_none() || got == verdict) {
        return Ok(Outcome::Fine);
    }
    talk::say(&format!(
        "asked was {to} {}: the request is recorded, the alert is {} {}",
        verdict.unwrap_or(""),
        alert.state,
        got.unwrap_or("")
    ));
    Ok(Outcome::Findings)
}

/// One alert on one line; foreign text escaped.
fn line(alert: &Alert) -> String {
    let raised = calendar::format_rfc3339(alert.raised_at.0);
    let code = alert.rule.code.as_deref().unwrap_or("-");
    let mut line = format!(
        "{}  {} {:<8} {:<12} {code:<4} ",
        alert.id.as_str(),
        &raised[..19],
        alert.severity,
        alert.state
    );
    text::push_safe(&mut line, &alert.title);
    line.push_str("  ");
    text::push_safe(&mut line, &alert.entity.join(" "));
    line
}
