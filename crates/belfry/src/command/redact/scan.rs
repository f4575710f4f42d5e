//! `belfry redact scan`: stored entries under today's policy. Entries cannot be changed, so what a
//! newer rule finds is listed by index, kind and path, for erasure; never by value. The scan is
//! itself an entry.

use std::collections::BTreeMap;

use event::{Entry, Index, field, text};
use ledger::Reader;
use redact::Policy;
use serde_json::json;

use super::Ground;
use crate::cli::Format;
use crate::exit_code::Outcome;
use crate::{command::search, keys, received, talk};

/// Bytes of entries read at once.
const READ_BYTES_MAX: usize = 8 << 20;
/// Entries between two words of progress.
const PROGRESS_ENTRIES: u64 = 50_000;
/// Indices that one printed command line names: what shells and people can handle.
const ERASED_AT_ONCE_MAX: usize = 200;

/// What was seen so far.
#[derive(Debug, Default)]
struct Tally {
    scanned: u64,
    /// Entries that today's policy certified: it has nothing new to say about them.
    current: u64,
    damaged: u64,
    found: Vec<u64>,
    /// Findings by kind.
    kinds: BTreeMap<&'static str, u64>,
}

/// Runs the command.
pub(super) fn run(
    ground: &Ground,
    since: Option<&str>,
    until: Option<&str>,
    quiet: bool,
    format: Format,
) -> anyhow::Result<Outcome> {
    let since_nanos = since.map(search::moment).transpose()?;
    let until_nanos = until.map(search::moment).transpose()?;
    let reader = ground.reader()?;
    // The entry about this scan comes after what is scanned.
    let end = reader.tree_size().next_index();
    let asked = [("since", since), ("until", until)];
    let asked = asked
        .iter()
        .filter_map(|(name, time)| Some(format!("{name} {}", (*time)?)));
    ground.record_access("redact scan", &asked.collect::<Vec<_>>().join(", "))?;
    let policy = keys::policy(&ground.config, ground.disk.as_ref())?;
    let from = since_nanos.map_or(Ok(Index(0)), |time| received::first_since(&reader, time))?;
    let to = until_nanos
        .map_or(Ok(end), |time| received::first_since(&reader, time))?
        .min(end);
    let tally = scan(
        &reader,
        from,
        to,
        &policy,
        !quiet && talk::shows_progress(),
        format,
    )?;
    sum_up(&tally, format);
    Ok(if tally.found.is_empty() {
        Outcome::Fine
    } else {
        Outcome::Findings
    })
}

fn scan(
    reader: &Reader,
    from: Index,
    to: Index,
    policy: &Policy,
    shows_progress: bool,
    format: Format,
) -> anyhow::Result<Tally> {
    let mut tally = Tally::default();
    let (mut at, mut told) = (from, 0);
    while at < to {
        let read = reader.read_whole(at..to, READ_BYTES_MAX)?;
        for damage in &read.damages {
            tally.damaged += 1;
            talk::say(&format!("not scanned: {damage}"));
        }
        at = read.next;
        for entry in &read.entries {
            look(entry, policy, &mut tally, format);
        }
        if shows_progress && tally.scanned >= told + PROGRESS_ENTRIES {
            told = tally.scanned;
            let all = to.0.saturating_sub(from.0);
            talk::progress(&format!(
                "{told} of {all} entries, {} found",
                tally.found.len()
            ));
        }
    }
    if told > 0 {
        talk::progress("");
    }
    Ok(tally)
}

fn look(entry: &Entry, policy: &Policy, tally: &mut Tally, format: Format) {
    tally.scanned += 1;
    let event = entry.event();
    if event.int(field::BELFRY_REDACTION_POLICY) == Some(i64::from(policy.version().0)) {
        tally.current += 1;
        return;
    }
    let mut found: BTreeMap<(&'static str, String), u64> = BTreeMap::new();
    for finding in policy.explain_event(event) {
        *tally.kinds.entry(finding.kind.name()).or_default() += 1;
        *found
            .entry((finding.kind.name(), finding.path))
            .or_default() += 1;
    }
    if found.is_empty() {
        return;
    }
    tally.found.push(entry.index().0);
    match format {
        Format::Json => {
            let findings: Vec<_> = found
                .iter()
                .map(|((kind, path), count)| json!({"kind": kind, "path": path, "count": count}))
                .collect();
            let line = json!({
                "index": entry.index().0, "source": entry.source(), "findings": findings,
            });
            talk::data(&line.to_string());
        }
        Format::Text => {
            let parts = found
                .iter()
                .map(|((kind, path), count)| format!(" {}:{kind}:{count}", text::safe(path)));
            let parts: String = parts.collect();
            talk::data(&format!(
                "{:>8} {}{parts}",
                entry.index(),
                text::safe(entry.source())
            ));
        }
    }
}

fn sum_up(tally: &Tally, format: Format) {
    let Tally {
        scanned,
        current,
        damaged,
        found,
        kinds,
    } = tally;
    if format == Format::Json {
        let line = json!({
            "scanned": scanned, "under_this_policy": current, "damaged": damaged,
            "entries_found": found.len(), "kinds": kinds,
        });
        talk::data(&line.to_string());
        return;
    }
    talk::say(&format!(
        "{} of {scanned} entries hold what today's policy takes out; {current} are of that policy",
        found.len()
    ));
    if found.is_empty() {
        return;
    }
    let first = found.iter().take(ERASED_AT_ONCE_MAX);
    let indices: Vec<String> = first.map(u64::to_string).collect();
    let more = found.len().saturating_sub(indices.len());
    talk::say(
        "this version cannot erase stored entries: replace the secrets themselves, and keep the \
         list for an erasure of these entries:",
    );
    talk::say(&format!("  {}", indices.join(" ")));
    if more > 0 {
        talk::say(&format!("  and {more} more, all with --format json"));
    }
}
