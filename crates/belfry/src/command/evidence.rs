//! `belfry evidence`: records that leave the house in one file, and checking such a file.

use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;

use anyhow::Context;
use event::{Entry, Index, text};
use evidence::{Bundle, Record, Report, limits};
use ledger::Reader;
use search::Query;
use serde_json::json;
use stdx::{Clock as _, calendar};

use super::search::moment;
use super::{Ground, alerts};
use crate::cli::{self, Format};
use crate::clock::SystemClock;
use crate::exit_code::{Outcome, bad_input};
use crate::operate::actor;
use crate::{heads, received, talk, witnessing};

/// Bytes of entries read at once.
const READ_BYTES_MAX: usize = 8 << 20;
/// Findings shown to people; programs get all that were kept.
const SHOWN_MAX: usize = 20;

/// Runs the command.
pub(crate) fn run(ground: &Ground, say: &cli::Evidence, format: Format) -> anyhow::Result<Outcome> {
    match say {
        cli::Evidence::Export(say) => export(ground, say, format),
        cli::Evidence::Verify { file, vkey } => verify(ground, file, vkey.as_deref(), format),
    }
}

/// What the file is about.
struct Chosen {
    question: String,
    indices: Vec<u64>,
    alert: String,
}

fn export(ground: &Ground, say: &cli::EvidenceExport, format: Format) -> anyhow::Result<Outcome> {
    let reader = ground.reader()?;
    let newest = reader
        .checkpoint()
        .ok_or_else(|| bad_input("there is no signed checkpoint yet".to_owned()))?;
    let signed = reader.signed_size().unwrap_or(0);
    let chosen = choose(ground, say, &reader, signed)?;
    if chosen.indices.is_empty() {
        return Err(bad_input(format!("{}: no entry found", chosen.question)));
    }
    ground.record_access("evidence", &chosen.question)?;
    let last = chosen.indices.last().copied().unwrap_or(0);
    let (note, policy) = head(ground, newest, last)?;
    let mut bundle = Bundle::new(&chosen.question, &reader.vkey(), &note);
    bundle.policy = policy;
    bundle.made_by = actor();
    bundle.made_at = calendar::format_rfc3339(SystemClock.unix_nanos());
    bundle.alert = chosen.alert;
    let shows = talk::shows_progress();
    let total = chosen.indices.len();
    for (done, index) in chosen.indices.iter().enumerate() {
        if shows && done % 64 == 0 {
            talk::progress(&format!("proved {done} of {total} entries"));
        }
        let proof = reader
            .prove_under(Index(*index), &note)
            .map_err(|error| bad_input(format!("entry {index}: {error}")))?;
        let index = *index;
        bundle.records.push(Record { index, proof });
    }
    if shows {
        talk::progress("");
    }
    let seal = reader.prove_seal(Index(last), &note);
    bundle.seal = seal
        .map_err(|error| bad_input(format!("seal: {error}")))?
        .map(Into::into);
    let html = bundle.to_html();
    // Never hand out a file that does not hold: damage is better found here.
    let report = evidence::check(&html, Some(&reader.vkey()))?;
    if !report.holds() {
        print(&report, format);
        return Ok(Outcome::Findings);
    }
    write(ground, &say.out, &html)?;
    let sealed = report.sealed.is_some();
    let shown = say.out.display();
    match format {
        Format::Json => talk::data(
            &json!({"file": shown.to_string(), "records": total, "sealed": sealed}).to_string(),
        ),
        Format::Text => talk::data(&format!(
            "{shown}: {total} record(s) with proofs{}",
            if sealed {
                ", under the seal of their epoch"
            } else {
                "; their epoch is not sealed yet, a file made a minute later says more"
            }
        )),
    };
    Ok(Outcome::Fine)
}

/// The checkpoint to prove under, with the policy of its witnesses: the newest that they have seen
/// if it covers the records, else the newest of our own.
fn head(ground: &Ground, newest: Arc<str>, last: u64) -> anyhow::Result<(Arc<str>, String)> {
    let disk = ground.disk.as_ref();
    let Some(policy) = witnessing::policy_text(&ground.config, disk)? else {
        return Ok((newest, String::new()));
    };
    let seen = heads::read(disk, &ground.config.data_dir)
        .filter(|note| heads::size_of(note).is_some_and(|size| last < size));
    Ok((seen.unwrap_or(newest), policy))
}

/// A file is evidence once: an existing one is not overwritten.
fn write(ground: &Ground, path: &Path, html: &str) -> anyhow::Result<()> {
    let shown = path.display();
    let file = ground.disk.create_new(path).map_err(|error| {
        if error.is_already_exists() {
            bad_input(format!(
                "{shown} exists already; evidence is never overwritten"
            ))
        } else {
            anyhow::Error::from(error).context(format!("writing {shown}"))
        }
    })?;
    file.write_all_at(html.as_bytes(), 0)
        .and_then(|()| file.sync_data())
        .with_context(|| format!("writing {shown}"))
}

fn choose(
    ground: &Ground,
    say: &cli::EvidenceExport,
    reader: &Reader,
    signed: u64,
) -> anyhow::Result<Chosen> {
    if let Some(id) = &say.alert {
        let (alert, evidence) = alerts::cited(ground, id)?;
        return Ok(Chosen {
            question: format!("alert {id}"),
            indices: evidence,
            alert,
        });
    }
    if let Some(query) = &say.query {
        return found(say, reader, signed, query);
    }
    let (Some(from), Some(to)) = (say.from, say.to) else {
        return Err(bad_input(
            "say what to export: --alert ID, --query QUERY, or --from N --to M".to_owned(),
        ));
    };
    if to < from || signed <= to {
        return Err(bad_input(format!(
            "entries {from} to {to} are not all there: {signed} entries are signed"
        )));
    }
    within_limit(to - from + 1)?;
    Ok(Chosen {
        question: format!("entries {from} to {to}"),
        indices: (from..=to).collect(),
        alert: String::new(),
    })
}

fn found(
    say: &cli::EvidenceExport,
    reader: &Reader,
    signed: u64,
    text: &str,
) -> anyhow::Result<Chosen> {
    let query = Query::parse(text).map_err(|error| bad_input(error.to_string()))?;
    let since = say.since.as_deref().map(moment).transpose()?;
    let until = say.until.as_deref().map(moment).transpose()?;
    let mut at = since.map_or(Ok(Index(0)), |since| received::first_since(reader, since))?;
    let end = until.map_or(Ok(Index(signed)), |until| {
        received::first_since(reader, until)
    })?;
    let end = end.min(Index(signed));
    let mut indices = Vec::new();
    while at < end {
        let read = reader.read_whole(at..end, READ_BYTES_MAX)?;
        for damage in &read.damages {
            talk::say(&format!("not searched: {damage}"));
        }
        at = read.next;
        let matching = |entry: &&Entry| query.matches(entry.event());
        indices.extend(
            read.entries
                .iter()
                .filter(matching)
                .map(|entry| entry.index().0),
        );
        within_limit(indices.len() as u64)?;
    }
    let mut question = format!("search {text}");
    for (name, moment) in [("since", &say.since), ("until", &say.until)] {
        if let Some(moment) = moment {
            let _ = write!(question, " {name} {moment}");
        }
    }
    Ok(Chosen {
        question,
        indices,
        alert: String::new(),
    })
}

fn within_limit(count: u64) -> anyhow::Result<()> {
    if count <= limits::RECORDS_MAX as u64 {
        return Ok(());
    }
    Err(bad_input(format!(
        "more than {} entries: narrow the query or the range, or make several files",
        limits::RECORDS_MAX
    )))
}

fn verify(
    ground: &Ground,
    file: &Path,
    vkey: Option<&str>,
    format: Format,
) -> anyhow::Result<Outcome> {
    let shown = file.display();
    let bytes = ground.disk.read(file, limits::FILE_BYTES_MAX);
    let bytes = bytes.map_err(|error| bad_input(format!("reading {shown}: {error}")))?;
    let html = String::from_utf8(bytes).map_err(|_| bad_input(format!("{shown} is not text")))?;
    let report =
        evidence::check(&html, vkey).map_err(|error| bad_input(format!("{shown}: {error}")))?;
    print(&report, format);
    Ok(if report.holds() {
        Outcome::Fine
    } else {
        Outcome::Findings
    })
}

fn print(report: &Report, format: Format) {
    match format {
        Format::Json => talk::data(&json_of(report).to_string()),
        Format::Text => talk::data(text_of(report).trim_end()),
    };
}

fn json_of(report: &Report) -> serde_json::Value {
    let findings = report.findings.iter().map(
        |finding| json!({"index": finding.index.map(|index| index.0), "reason": finding.reason}),
    );
    let witnesses = report
        .witnesses
        .iter()
        .map(|(name, time_s)| json!({"name": name, "time_s": time_s}));
    json!({
        "ok": report.holds(),
        "question": report.bundle.question,
        "vkey": report.bundle.vkey,
        "is_pinned": report.is_pinned,
        "tree_size": report.tree_size,
        "proven": report.proven.iter().map(|record| record.index.0).collect::<Vec<_>>(),
        "witnesses": witnesses.collect::<Vec<_>>(),
        "is_witnessed": report.is_witnessed,
        "sealed_epoch": report.sealed.map(|sealed| sealed.epoch),
        "sealed_at_ns": report.sealed.map(|sealed| sealed.ended_ns),
        "findings": findings.collect::<Vec<_>>(),
    })
}

fn text_of(report: &Report) -> String {
    let mut lines = String::new();
    let mut line = |text: String| {
        lines.push_str(&text);
        lines.push('\n');
    };
    let bundle = &report.bundle;
    if report.holds() {
        let size = report.tree_size.unwrap_or(0);
        line(format!(
            "holds: {} record(s) proven under a checkpoint of {size} entries",
            report.proven.len()
        ));
    } else {
        line(format!(
            "DOES NOT HOLD: {} finding(s)",
            report.findings_total
        ));
    }
    line(format!("  about        {}", text::safe(&bundle.question)));
    line(format!(
        "  fingerprint  {}",
        ledger::fingerprint_words(&bundle.vkey)
    ));
    if !report.is_pinned {
        line("  key          the file's own: it vouches for itself, say --vkey KEY".to_owned());
    }
    for (name, time_s) in &report.witnesses {
        let nanos = i64::try_from(*time_s).map_or(i64::MAX, |s| s.saturating_mul(1_000_000_000));
        let time = calendar::format_rfc3339(nanos);
        line(format!("  witness      {} at {time}", text::safe(name)));
    }
    if report.is_witnessed == Some(false) {
        line("  witnesses    fewer than the policy in the file asks for".to_owned());
    }
    if let Some(sealed) = report.sealed {
        let ended = i64::try_from(sealed.ended_ns).unwrap_or(i64::MAX);
        line(format!(
            "  sealed       with epoch {}, whose key was erased at {}",
            sealed.epoch,
            calendar::format_rfc3339(ended)
        ));
    }
    for finding in report.findings.iter().take(SHOWN_MAX) {
        let place = finding
            .index
            .map_or("file".to_owned(), |index| format!("entry {index}"));
        line(format!("  {place}: {}", text::safe(&finding.reason)));
    }
    lines
}
