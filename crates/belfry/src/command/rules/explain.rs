//! `belfry rules explain RULE INDEX`: what each test of a rule sees in an entry.

use detect::{Explanation, Found, RuleSet};
use event::Index;
use serde_json::{Value, json};

use crate::cli::Format;
use crate::command::Ground;
use crate::exit_code::{Outcome, bad_input};
use crate::talk;

/// Runs the command.
pub(super) fn run(
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
        return Err(bad_input(format!(
            "there is no rule about single records called `{rule}`; `belfry rules list` shows all"
        )));
    }
    for explained in &explanations {
        match format {
            Format::Json => {
                talk::data(&json_of(explained).to_string());
            }
            Format::Text => show(explained),
        }
    }
    Ok(Outcome::Fine)
}

fn show(explained: &Explanation) {
    talk::data(&format!("{} ({})", explained.title, explained.id));
    talk::data(&format!("log source fits: {}", yes(explained.log_source)));
    talk::data(&format!("condition holds: {}", yes(explained.condition)));
    if !explained.exceptions.is_empty() {
        talk::data(&format!("excepted by: {}", explained.exceptions.join(", ")));
    }
    for selection in &explained.selections {
        talk::data(&format!("  {}: {}", selection.name, yes(selection.holds)));
        for step in &selection.steps {
            let indent = "  ".repeat(step.depth + 2);
            let found: Vec<String> = step.found.iter().map(found).collect();
            let found = if found.is_empty() {
                String::new()
            } else {
                format!("   here: {}", found.join(", "))
            };
            talk::data(&format!(
                "{indent}{}: {}{found}",
                step.asked,
                yes(step.holds)
            ));
        }
    }
}

/// A value is quoted and escaped already.
fn found(found: &Found) -> String {
    match &found.text {
        Some(text) => format!("{text} ({} bytes)", found.bytes),
        None => format!("{} bytes, redacted", found.bytes),
    }
}

fn json_of(explained: &Explanation) -> Value {
    let selections = explained.selections.iter().map(|selection| {
        let steps = selection.steps.iter().map(|step| {
            let found = step
                .found
                .iter()
                .map(|found| json!({"bytes": found.bytes, "text": found.text}));
            json!({
                "depth": step.depth, "asked": step.asked, "holds": step.holds,
                "found": found.collect::<Vec<_>>(),
            })
        });
        json!({
            "name": selection.name, "holds": selection.holds,
            "steps": steps.collect::<Vec<_>>(),
        })
    });
    json!({
        "id": explained.id,
        "title": explained.title,
        "log_source": explained.log_source,
        "condition": explained.condition,
        "exceptions": explained.exceptions,
        "selections": selections.collect::<Vec<_>>(),
    })
}

fn yes(truth: bool) -> &'static str {
    if truth { "yes" } else { "no" }
}
