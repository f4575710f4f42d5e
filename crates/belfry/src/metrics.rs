//! Our figures in the text format of Prometheus. Labels are names from the configuration, never
//! values out of events.

use std::fmt::Write as _;
use std::sync::atomic::Ordering;

use crate::accounts::Account;
use crate::house::House;

/// A figure of one account.
type Figure = fn(&Account) -> u64;

/// Figures by source: name, help, how it is read off an account.
const PER_SOURCE: [(&str, &str, Figure); 4] = [
    (
        "belfry_records_received_total",
        "Records that reached a door.",
        |a| a.received,
    ),
    (
        "belfry_records_stored_total",
        "Records durable in the ledger.",
        |a| a.stored,
    ),
    (
        "belfry_records_refused_total",
        "Records refused, all reasons.",
        |a| a.refused,
    ),
    (
        "belfry_records_defective_total",
        "Records with a defect.",
        |a| a.defective,
    ),
];

/// A figure of the whole house.
type HouseFigure = fn(&House) -> u64;

/// Figures of the whole house: name, help, kind, how it is read.
const OF_HOUSE: [(&str, &str, &str, HouseFigure); 9] = [
    (
        "belfry_ledger_entries",
        "Entries in the ledger.",
        "gauge",
        |h| h.reader.tree_size().0,
    ),
    (
        "belfry_witnessed_entries",
        "Entries under the newest checkpoint that satisfied the policy.",
        "gauge",
        |h| h.heads.witnessed_size(),
    ),
    (
        "belfry_watch_lag_entries",
        "Entries not yet watched.",
        "gauge",
        watch_lag,
    ),
    (
        "belfry_alerts_drafted_total",
        "Alert entries written since start.",
        "counter",
        |h| h.progress.drafted.load(Ordering::Relaxed),
    ),
    (
        "belfry_groups_evicted_total",
        "Groups given up for lack of room.",
        "counter",
        |h| h.progress.evictions.load(Ordering::Relaxed),
    ),
    (
        "belfry_matches_late_total",
        "Matches too late to count.",
        "counter",
        |h| h.progress.dropped_late.load(Ordering::Relaxed),
    ),
    (
        "belfry_clock_suspect_total",
        "Entries whose time was not believed.",
        "counter",
        |h| h.progress.clock_suspect.load(Ordering::Relaxed),
    ),
    (
        "belfry_pipeline_queue_bytes",
        "Bytes waiting to be parsed.",
        "gauge",
        |h| h.pipeline.queued_bytes() as u64,
    ),
    ("belfry_up", "1 while all threads run.", "gauge", |h| {
        u64::from(h.is_alive())
    }),
];

/// The page behind `/metrics`.
pub(crate) fn text(house: &House) -> String {
    let mut page = String::new();
    let sources = house.accounts.sources();
    for (name, help, figure) in PER_SOURCE {
        head(&mut page, name, help, "counter");
        for (source, account) in &sources {
            line(
                &mut page,
                name,
                &format!("{{source=\"{source}\"}}"),
                figure(account),
            );
        }
    }
    let name = "belfry_refusals_total";
    head(&mut page, name, "Refusals and losses by reason.", "counter");
    for (reason, count) in house.accounts.refusals() {
        line(&mut page, name, &format!("{{reason=\"{reason}\"}}"), count);
    }
    for (name, help, kind, figure) in OF_HOUSE {
        head(&mut page, name, help, kind);
        line(&mut page, name, "", figure(house));
    }
    page
}

fn watch_lag(house: &House) -> u64 {
    let followed = house.progress.next.load(Ordering::Acquire);
    house.reader.tree_size().0.saturating_sub(followed)
}

fn head(page: &mut String, name: &str, help: &str, kind: &str) {
    writeln!(page, "# HELP {name} {help}\n# TYPE {name} {kind}").expect("a String takes any text");
}

fn line(page: &mut String, name: &str, labels: &str, value: u64) {
    writeln!(page, "{name}{labels} {value}").expect("a String takes any text");
}
