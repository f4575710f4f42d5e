//! `belfry check`: configuration and rules, every problem at once.

use std::sync::Arc;

use disk::{Disk, RealDisk};
use serde_json::json;

use crate::cli::{Common, Format};
use crate::config::{self, Config, Overrides, Webhook};
use crate::exit_code::Outcome;
use crate::{rules, sinks, talk};

/// Runs the command. It is the only one that goes on after a bad configuration.
pub(crate) fn run(common: &Common, reference: bool, print: bool) -> Outcome {
    if reference {
        talk::data(config::reference_page().trim_end());
        return Outcome::Fine;
    }
    if print {
        talk::data(config::annotated_file().trim_end());
        return Outcome::Fine;
    }
    let disk: Arc<dyn Disk> = Arc::new(RealDisk::default());
    let overrides = Overrides {
        file: common.config.clone(),
        data_dir: common.data.clone(),
    };
    let problems = problems(disk.as_ref(), &overrides);
    for (place, message) in &problems {
        match common.format {
            Format::Json => talk::data(&json!({"place": place, "problem": message}).to_string()),
            Format::Text => talk::data(&format!("{place}: {message}")),
        };
    }
    if common.format == Format::Text {
        talk::say(&format!("{} problem(s)", problems.len()));
    }
    if problems.is_empty() {
        Outcome::Fine
    } else {
        Outcome::Findings
    }
}

fn problems(disk: &dyn Disk, overrides: &Overrides) -> Vec<(String, String)> {
    let (config, problems) = Config::examine(disk, overrides);
    let mut found: Vec<_> = problems.into_iter().map(|p| (p.place, p.message)).collect();
    match rules::load(&config, disk) {
        Ok((set, problems)) => {
            found.extend(problems.into_iter().map(|problem| {
                let place = match problem.line {
                    Some(line) => format!("{}:{line}", problem.file),
                    None => problem.file,
                };
                (place, problem.message)
            }));
            let failed = set
                .run_tests()
                .into_iter()
                .filter(|outcome| !outcome.passed);
            found.extend(failed.map(|outcome| {
                (
                    outcome.file,
                    format!(
                        "sample `{}` of {}: {}",
                        outcome.name, outcome.rule, outcome.message
                    ),
                )
            }));
        }
        Err(error) => found.push(("rules.dir".to_owned(), format!("{error:#}"))),
    }
    // One by one: a fault of the first must not hide the others. What lacks a part was named above.
    let whole = |webhook: &&Webhook| {
        let secret = webhook.secret_file.as_os_str();
        !webhook.name.is_empty() && !webhook.url.is_empty() && !secret.is_empty()
    };
    for webhook in config.webhooks.iter().filter(whole) {
        let alone = Config {
            webhooks: vec![webhook.clone()],
            ..config.clone()
        };
        if let Err(error) = sinks::configured(&alone, disk, false) {
            let place = format!("alert.webhook `{}`", webhook.name);
            found.push((place, format!("{error:#}")));
        }
    }
    found
}
