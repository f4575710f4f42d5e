//! `belfry rules status`: which rules live, by the running process.

use serde_json::Value;

use crate::cli::Format;
use crate::command::Ground;
use crate::exit_code::{Outcome, bad_input};
use crate::operate::{Desk, Request};
use crate::talk;

/// Runs the command. Starved and degraded rules are findings.
pub(super) fn run(ground: &Ground, format: Format) -> anyhow::Result<Outcome> {
    let desk = Desk::find(ground.disk.as_ref(), &ground.config.data_dir)?;
    let desk = desk.ok_or_else(|| {
        bad_input("no process runs on this data folder; the figures are those of `belfry run`")
    })?;
    let answer = desk.ask(&Request::RuleHealth {})?;
    let none = Vec::new();
    let rules = answer["rules"].as_array().unwrap_or(&none);
    let mut sick = 0;
    for rule in rules {
        let state = text(rule, "state");
        sick += u64::from(matches!(state, "starved" | "degraded"));
        match format {
            Format::Json => talk::data(&rule.to_string()),
            Format::Text => talk::data(&format!(
                "{state:<9} {:<5} matched {:<8} alerts {:<6} last {:<20} {}",
                text(rule, "code"),
                rule["matched"],
                rule["detections"],
                text(rule, "rang").get(..19).unwrap_or("never"),
                text(rule, "title"),
            )),
        };
    }
    if format == Format::Text {
        let since = text(&answer, "since").get(..19).unwrap_or("the start");
        talk::say(&format!(
            "{} rule(s) since {since}, {sick} starved or degraded",
            rules.len()
        ));
    }
    Ok(if sick == 0 {
        Outcome::Fine
    } else {
        Outcome::Findings
    })
}

fn text<'v>(value: &'v Value, key: &str) -> &'v str {
    value[key].as_str().unwrap_or("")
}
