//! `belfry rules backtest`: what a rule would have said about stored entries, before it is enabled;
//! and, with `--hits`, a hunt through the past.

use std::time::{Duration, Instant};

use detect::{Backtest, BacktestReport, RuleFile, RuleSet};
use event::{Index, Timestamp};
use ledger::Reader;
use serde_json::{Value, json};

use super::Ground;
use super::search::moment;
use crate::cli::{self, Format};
use crate::exit_code::{Outcome, bad_input};
use crate::{received, rules, talk};

/// Bytes of entries read at once.
const READ_BYTES_MAX: usize = 8 << 20;
/// Detections that can be listed.
const HITS_MAX: usize = 100_000;
/// Groups shown.
const GROUPS_SHOWN: usize = 10;
/// Pause between two lines of progress.
const PROGRESS_PAUSE: Duration = Duration::from_secs(2);
/// Nanoseconds of a day.
const DAY_NANOS: f64 = 86_400e9;

/// What was done, beside what was found.
struct Effort {
    /// Entries read, those that only filled windows included.
    read: u64,
    /// Time inside the rules.
    rules: Duration,
    /// Time of all of it.
    whole: Duration,
    /// First and last time of receipt, ns.
    span: (i64, i64),
}

/// Runs the command.
pub(crate) fn run(ground: &Ground, say: &cli::Backtest, format: Format) -> anyhow::Result<Outcome> {
    if say.hits > HITS_MAX {
        return Err(bad_input(format!(
            "--hits {} is more than {HITS_MAX}",
            say.hits
        )));
    }
    let since = moment(&say.since)?;
    let until = say.until.as_deref().map(moment).transpose()?;
    let set = wanted(ground, &say.rule)?;
    let settings = rules::engine_config(&ground.config, ground.disk.as_ref())?;
    let reader = ground.reader()?;
    let end = reader.tree_size().next_index();
    ground.record_access("backtest", &say.rule)?;
    let to = until.map_or(Ok(end), |until| received::first_since(&reader, until))?;
    let mut test = Backtest::new(set, settings, Timestamp(since), say.hits);
    let window = i64::try_from(test.window_max().as_nanos()).unwrap_or(i64::MAX);
    let from = received::first_since(&reader, since.saturating_sub(window))?;
    let effort = work(&reader, from, to.min(end), &mut test, format)?;
    let report = test.report();
    match format {
        Format::Json => show_json(say, &report, &effort),
        Format::Text => show_text(&report, &effort),
    }
    Ok(if report.total.hits == 0 {
        Outcome::Fine
    } else {
        Outcome::Findings
    })
}

/// The rule, or the rules of the file, that `named` means, with what they count.
fn wanted(ground: &Ground, named: &str) -> anyhow::Result<RuleSet> {
    let disk = ground.disk.as_ref();
    let path = std::path::Path::new(named);
    let found = disk.stat(path).ok().flatten();
    if found.is_none_or(|stat| stat.is_dir) {
        let (set, _) = rules::load(&ground.config, disk)?;
        return set
            .narrowed(named)
            .ok_or_else(|| bad_input(format!("there is no rule and no file `{named}`")));
    }
    let bytes = disk.read(path, detect::limits::RULE_FILE_BYTES_MAX as u64)?;
    let text =
        String::from_utf8(bytes).map_err(|_| bad_input(format!("{named} is not UTF-8 text")))?;
    let file = RuleFile {
        name: named.to_owned(),
        text,
    };
    let (set, problems) = RuleSet::load(std::slice::from_ref(&file));
    let (set, problems) = if problems.is_empty() {
        (set, problems)
    } else {
        // It may count rules that stand in other files. Its own come first and win.
        let (others, _) = rules::files(&ground.config, disk)?;
        let mut files = vec![file];
        files.extend(others);
        let (set, problems) = RuleSet::load(&files);
        let own = problems.into_iter().filter(|problem| problem.file == named);
        (set, own.collect())
    };
    if !problems.is_empty() {
        return Err(bad_input(rules::refusal(&problems)));
    }
    set.narrowed(named)
        .ok_or_else(|| bad_input(format!("{named} holds no rule")))
}

fn work(
    reader: &Reader,
    from: Index,
    to: Index,
    test: &mut Backtest,
    format: Format,
) -> anyhow::Result<Effort> {
    let start = Instant::now();
    let mut shown_at = Instant::now();
    let mut effort = Effort {
        read: 0,
        rules: Duration::ZERO,
        whole: Duration::ZERO,
        span: (i64::MAX, i64::MIN),
    };
    let mut at = from;
    while at < to {
        let read = reader.read_whole(at..to, READ_BYTES_MAX)?;
        for damage in &read.damages {
            talk::say(&format!("skipped: {damage}"));
        }
        let times = read.entries.iter().map(|entry| entry.received().0);
        effort.span.0 = effort.span.0.min(times.clone().min().unwrap_or(i64::MAX));
        effort.span.1 = effort.span.1.max(times.max().unwrap_or(i64::MIN));
        effort.read += read.entries.len() as u64;
        let before = Instant::now();
        test.apply(&read.entries);
        effort.rules += before.elapsed();
        at = read.next;
        if format == Format::Text && shown_at.elapsed() >= PROGRESS_PAUSE {
            shown_at = Instant::now();
            let (done, all) = (at.0 - from.0, to.0 - from.0);
            talk::say(&format!("{done} of {all} entries"));
        }
    }
    effort.whole = start.elapsed();
    Ok(effort)
}

#[expect(clippy::cast_precision_loss, reason = "figures for people")]
impl Effort {
    fn nanos_per_entry(&self) -> f64 {
        self.rules.as_nanos() as f64 / self.read.max(1) as f64
    }

    fn entries_per_second(&self) -> f64 {
        self.read as f64 / self.whole.as_secs_f64().max(1e-9)
    }

    /// `count` per day of what was read; a shorter time counts as a day.
    fn per_day(&self, count: u64) -> f64 {
        let nanos = self.span.1.saturating_sub(self.span.0).max(0);
        count as f64 / (nanos as f64 / DAY_NANOS).max(1.0)
    }
}

/// `2026-01-31`.
fn day(at: Timestamp) -> String {
    at.to_string().chars().take(10).collect()
}

fn show_json(say: &cli::Backtest, report: &BacktestReport, effort: &Effort) {
    let tally =
        |of: &detect::Tally| json!({"hits": of.hits, "alerts": of.alerts, "updates": of.updates});
    let days: serde_json::Map<String, Value> = report
        .days
        .iter()
        .map(|(at, day_tally)| (day(*at), tally(day_tally)))
        .collect();
    let groups: Vec<Value> = report
        .groups
        .iter()
        .take(GROUPS_SHOWN)
        .map(|(group, of_group)| json!({"group": group, "tally": tally(of_group)}))
        .collect();
    let found: Vec<Value> = report
        .found
        .iter()
        .map(|found| {
            let group: Vec<_> = found.group.iter().map(|part| &part.value).collect();
            let evidence: Vec<u64> = found.evidence.iter().map(|index| index.0).collect();
            json!({
                "rule": found.rule.id,
                "group": group,
                "count": found.count,
                "approximate": found.approximate,
                "ongoing": found.ongoing,
                "first": found.first.to_string(), "last": found.last.to_string(),
                "evidence": evidence,
            })
        })
        .collect();
    talk::data(
        &json!({
            "rule": say.rule,
            "entries": report.entries,
            "total": tally(&report.total),
            "days": days,
            "groups": groups,
            "found": found,
            "pages_per_day": effort.per_day(report.total.alerts),
            "late": report.late,
            "evictions": report.evictions,
            "ns_per_entry": effort.nanos_per_entry(),
            "entries_per_second": effort.entries_per_second(),
        })
        .to_string(),
    );
}

fn show_text(report: &BacktestReport, effort: &Effort) {
    let line = |name: &str, tally: &detect::Tally| {
        talk::data(&format!(
            "{name:<12} {:>10} hits {:>8} alerts {:>8} updates",
            tally.hits, tally.alerts, tally.updates
        ));
    };
    for found in &report.found {
        let group: Vec<String> = found
            .group
            .iter()
            .map(|part| format!("{}={}", part.field, part.value))
            .collect();
        let evidence: Vec<String> = found.evidence.iter().map(ToString::to_string).collect();
        talk::data(&format!(
            "{} {} {} x{}{}  [{}]",
            found.last,
            found.rule.code.as_ref().unwrap_or(&found.rule.title),
            event::text::safe(&group.join(" ")),
            found.count,
            if found.ongoing { " ongoing" } else { "" },
            evidence.join(" ")
        ));
    }
    for (at, tally) in &report.days {
        line(&day(*at), tally);
    }
    line("total", &report.total);
    for (group, tally) in report.groups.iter().take(GROUPS_SHOWN) {
        talk::data(&format!(
            "  {:<50} {:>6} alerts, {} counted",
            event::text::safe(group),
            tally.alerts,
            tally.hits
        ));
    }
    talk::say(&format!(
        "{} entries; {:.1} pages a day; {:.0} ns an entry in the rules, {:.0} entries/s in all",
        report.entries,
        effort.per_day(report.total.alerts),
        effort.nanos_per_entry(),
        effort.entries_per_second()
    ));
    if report.late + report.evictions > 0 {
        talk::say(&format!(
            "not counted: {} too late, {} groups given up",
            report.late, report.evictions
        ));
    }
}
