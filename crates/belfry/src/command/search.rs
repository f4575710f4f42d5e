//! `belfry search`: an exact scan of the ledger, newest hits last. Looking is itself an entry.

use std::ops::Range;

use event::{Entry, Index, text};
use ledger::Reader;
use search::Query;
use stdx::{Clock, calendar, units};

use super::Ground;
use crate::cli::{self, Format};
use crate::clock::SystemClock;
use crate::exit_code::{Outcome, bad_input};
use crate::{received, talk};
use newest::Newest;

mod access;
pub(crate) mod newest;

/// Bytes of entries read at once.
const READ_BYTES_MAX: usize = 8 << 20;
/// Most lines of one answer; who wants more narrows the time, and loses nothing.
const LINES_MAX: usize = 100_000;
/// What Belfry notes about each entry and what is too bulky for a line; `--format json` has all.
const HIDDEN: &[&str] = &[
    "belfry.source",
    "belfry.kind",
    "belfry.listener",
    "belfry.format",
    "belfry.redaction.policy",
    "belfry.redaction.paths",
    "belfry.redaction.count",
    "belfry.alert.checkpoint",
    "belfry.alert.evidence",
];

/// Runs the command.
pub(crate) fn run(ground: &Ground, say: &cli::Search, format: Format) -> anyhow::Result<Outcome> {
    let query = Query::parse(&say.query).map_err(|error| bad_input(error.to_string()))?;
    let since = say.since.as_deref().map(moment).transpose()?;
    let until = say.until.as_deref().map(moment).transpose()?;
    within_lines_max("--limit", say.limit)?;
    let reader = ground.reader()?;
    // The entry about this search comes after: nobody searches for their own question.
    let end = reader.tree_size().next_index();
    ground.record_access("search", &say.query)?;
    let from = since.map_or(Ok(Index(0)), |since| received::first_since(&reader, since))?;
    let to = until.map_or(Ok(end), |until| received::first_since(&reader, until))?;
    let to = to.min(end);
    let hits = scan(&reader, from..to, &query, say.limit, format)?;
    let shown = hits.lines().len() as u64;
    if !hits.lines().all(talk::data) {
        return Ok(Outcome::Fine);
    }
    if format == Format::Text {
        let cut = if shown < hits.total {
            format!(", the newest {shown} shown")
        } else {
            String::new()
        };
        talk::say(&format!(
            "{} hit(s) in {} entries{cut}",
            hits.total,
            to.0.saturating_sub(from.0)
        ));
    }
    Ok(Outcome::Fine)
}

/// Refuses more lines than are ever shown at once.
pub(crate) fn within_lines_max(option: &str, count: usize) -> anyhow::Result<()> {
    if count <= LINES_MAX {
        return Ok(());
    }
    Err(bad_input(format!(
        "{option} {count} is more than {LINES_MAX}"
    )))
}

/// The lines of all entries of `span` that `query` finds; the newest `limit` of them.
pub(crate) fn scan(
    reader: &Reader,
    span: Range<Index>,
    query: &Query,
    limit: usize,
    format: Format,
) -> anyhow::Result<Newest> {
    let (mut at, mut hits) = (span.start, Newest::new(limit));
    while at < span.end {
        let read = reader.read_whole(at..span.end, READ_BYTES_MAX)?;
        for damage in &read.damages {
            talk::say(&format!("not searched: {damage}"));
        }
        at = read.next;
        for entry in read
            .entries
            .iter()
            .filter(|entry| query.matches(entry.event()))
        {
            hits.push(hit_line(entry, format));
        }
    }
    Ok(hits)
}

/// One entry as a line.
pub(crate) fn hit_line(entry: &Entry, format: Format) -> String {
    let body = entry.body();
    match format {
        Format::Json => {
            let rest = body.get(1..).unwrap_or("}");
            let comma = if rest == "}" { "" } else { "," };
            format!("{{\"belfry.index\":{}{comma}{rest}", entry.index())
        }
        Format::Text => {
            let time = calendar::format_rfc3339(entry.timestamp().0);
            let source = text::safe(entry.source());
            format!(
                "{:>8} {} {source} {}",
                entry.index(),
                &time[..23],
                shown(entry)
            )
        }
    }
}

/// The fields worth a line for people: what happened first, then the rest in stored order.
fn shown(entry: &Entry) -> String {
    use event::{Value, encoding, field};
    let mut line = String::new();
    let event = entry.event();
    if let Some(action) = event.text(field::EVENT_ACTION) {
        text::push_safe(&mut line, action);
    }
    for part in event.fields() {
        let is_shown_already = part.id.is_some_and(|id| {
            [field::TIMESTAMP, field::EVENT_ACTION, field::EVENT_INGESTED].contains(&id)
        });
        if HIDDEN.contains(&part.name) || is_shown_already {
            continue;
        }
        line.push(' ');
        text::push_safe(&mut line, part.name);
        line.push('=');
        match part.value {
            Value::Str(value) if value.contains([' ', '"']) || value.is_empty() => {
                encoding::push_string(&mut line, value);
            }
            Value::Str(value) => text::push_safe(&mut line, value),
            value => encoding::push_value(&mut line, value),
        }
    }
    line
}

/// `1h` ago, or a point in time, in nanoseconds since 1970.
pub(crate) fn moment(text: &str) -> anyhow::Result<i64> {
    if let Some(ago) = units::parse_duration(text) {
        let ago = i64::try_from(ago.as_nanos()).unwrap_or(i64::MAX);
        return Ok(SystemClock.unix_nanos().saturating_sub(ago));
    }
    let midnight = format!("{text}T00:00:00Z");
    calendar::parse_rfc3339(text)
        .or_else(|| calendar::parse_rfc3339(&midnight))
        .map(|parsed| parsed.unix_nanos)
        .ok_or_else(|| {
            bad_input(format!(
                "`{text}` is neither a duration (1h) nor a time (RFC 3339)"
            ))
        })
}
