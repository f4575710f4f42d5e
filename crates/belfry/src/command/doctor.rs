//! `belfry doctor`: looks at this installation as an experienced operator would.

use std::time::Duration;

use event::field;
use serde_json::json;
use stdx::{Clock, units};

use super::Ground;
use crate::cli::Format;
use crate::clock::SystemClock;
use crate::exit_code::Outcome;
use crate::operate::Desk;
use crate::{hardening, house, rules, talk, tokens};

/// Free space below which the doctor speaks up.
const FREE_BYTES_MIN: u64 = 1 << 30;
/// An entry older than this in a running house means that nothing arrives.
const QUIET_MAX: Duration = Duration::from_hours(24);

struct Finding {
    is_good: bool,
    about: &'static str,
    says: String,
}

/// Runs the command.
pub(crate) fn run(ground: &Ground, format: Format) -> anyhow::Result<Outcome> {
    let mut findings = Vec::new();
    let mut find = |is_good: bool, about: &'static str, says: String| {
        findings.push(Finding {
            is_good,
            about,
            says,
        });
    };
    let (config, disk) = (&ground.config, ground.disk.as_ref());
    let shown = config.data_dir.display().to_string();
    find(true, "data", format!("folder {shown}"));
    memory(&mut find);
    match disk.free_bytes(&config.data_dir) {
        Ok(free) => {
            find(
                free >= FREE_BYTES_MIN,
                "disk",
                format!("{} free", units::format_size(free)),
            );
        }
        Err(error) => find(false, "disk", format!("free space unknown: {error}")),
    }
    match rules::load(config, disk) {
        Ok((set, problems)) if problems.is_empty() => {
            find(true, "rules", format!("{} rules load", set.rules().len()));
        }
        Ok((_, problems)) => find(false, "rules", rules::refusal(&problems)),
        Err(error) => find(false, "rules", format!("{error:#}")),
    }
    let runs = Desk::find(disk, &config.data_dir)?.is_some();
    let said = if runs {
        "answers"
    } else {
        "does not run (or not on this data folder)"
    };
    find(runs, "process", format!("belfry run {said}"));
    if house::ledger_exists(disk, &config.data_dir)? {
        ledger(ground, &mut find)?;
    } else {
        find(
            false,
            "ledger",
            "there is none yet; `belfry run` makes it".to_owned(),
        );
    }
    let store = tokens::Store::load(std::sync::Arc::clone(&ground.disk), &config.data_dir)?;
    let count = store.list().len();
    find(
        count > 0,
        "tokens",
        format!("{count} source(s) may send over HTTP"),
    );
    let has_channel = config.alert_file.is_some() || !config.webhooks.is_empty();
    let says = if has_channel {
        "alerts leave this machine or are filed"
    } else {
        "alerts go to the terminal only: add [[alert.webhook]] or [alert.file]"
    };
    find(has_channel, "alerts", says.to_owned());
    show(&findings, format);
    let is_well = findings.iter().all(|finding| finding.is_good);
    Ok(if is_well {
        Outcome::Fine
    } else {
        Outcome::Findings
    })
}

fn memory(find: &mut impl FnMut(bool, &'static str, String)) {
    let is_open = hardening::is_dumpable();
    let says = if is_open {
        "the system lets this program's memory be dumped: records could end in a core file"
    } else {
        "cannot be dumped or traced"
    };
    find(!is_open, "memory", says.to_owned());
}

fn ledger(
    ground: &Ground,
    find: &mut impl FnMut(bool, &'static str, String),
) -> anyhow::Result<()> {
    let reader = ground.reader()?;
    let size = reader.tree_size();
    find(
        true,
        "ledger",
        format!("{size} entries, verifier key {}", reader.vkey()),
    );
    let Some(last) = size.last_index() else {
        return Ok(());
    };
    let newest = reader.entry(last)?;
    let age = SystemClock.unix_nanos().saturating_sub(newest.received().0);
    let age = Duration::from_nanos(u64::try_from(age).unwrap_or(0));
    let what = newest.event().text(field::EVENT_ACTION).unwrap_or("event");
    let says = format!(
        "newest entry `{}` is {} s old",
        event::text::safe(what),
        age.as_secs()
    );
    find(age < QUIET_MAX, "ledger", says);
    Ok(())
}

fn show(findings: &[Finding], format: Format) {
    for finding in findings {
        match format {
            Format::Json => talk::data(
                &json!({"ok": finding.is_good, "about": finding.about, "says": finding.says})
                    .to_string(),
            ),
            Format::Text => talk::data(&format!(
                "{} {:<8} {}",
                if finding.is_good { "ok  " } else { "LOOK" },
                finding.about,
                finding.says
            )),
        };
    }
}
