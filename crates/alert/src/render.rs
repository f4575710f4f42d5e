//! An alert for people and for machines. All foreign text passes `event::text::push_safe` (people)
//! or is escaped inside JSON strings (machines); the only terminal codes are our own.

use std::fmt::Write as _;

use event::{Index, ObservedAt, Severity, Timestamp, text};

use crate::wire::{AlertWire, NoticeWire, SummaryDataWire, SummaryWire};
use crate::{Alert, Facts, State, Step};

/// Width of the label column.
const LABEL_COLUMNS: usize = 11;
/// Width of prose beside it.
const PROSE_COLUMNS: usize = 84;
/// Evidence indices shown to a person; `belfry alerts show --format json` has all.
const EVIDENCE_SHOWN_MAX: usize = 12;

/// `alert` as a block of lines, each ended by a line feed.
pub fn pretty(alert: &Alert, color: bool) -> String {
    let mut page = Page {
        out: String::with_capacity(1024),
        color,
    };
    page.headline(alert);
    page.line("alert", &standing(alert));
    page.line("entity", &alert.entity.join("  "));
    page.line("who", &facts(&alert.who));
    page.line("what", &what(alert));
    page.line("where", &facts(&alert.place));
    page.line("when", &span_of_time(alert.first, alert.last));
    page.paragraph("why", &alert.rule.description);
    page.line("evidence", &evidence(&alert.evidence));
    page.line("att&ck", &alert.attack.join(" "));
    for cause in &alert.rule.false_positives {
        page.paragraph("harmless if", cause);
    }
    page.line("playbook", alert.rule.playbook.as_deref().unwrap_or(""));
    if let Some(size) = alert.checkpoint.as_deref().and_then(checkpoint_size) {
        page.line("checkpoint", &format!("tree size {size}"));
    }
    for step in &alert.history {
        page.line("history", &history_step(step));
    }
    page.line("next", &next(alert));
    page.out
}

/// `alert` as one JSON object on one line, without a line feed.
pub fn json(alert: &Alert) -> String {
    single_line(serde_json::to_string(&AlertWire::of(alert)))
}

/// Reads back what [`json`] writes.
pub(crate) fn alert_of_json(body: &str) -> Option<Alert> {
    let wire: AlertWire = serde_json::from_str(body).ok()?;
    wire.into_alert()
}

/// The message `kind` about `alert`, as one JSON object on one line.
pub(crate) fn notice_json(kind: &str, at: ObservedAt, alert: &Alert) -> String {
    single_line(serde_json::to_string(&NoticeWire {
        kind,
        timestamp: at.to_string(),
        checkpoint: alert.checkpoint.as_deref(),
        data: AlertWire::of(alert),
    }))
}

/// The message that ends a rule's budget for an hour, as one JSON object on one line.
pub(crate) fn summary_json(at: ObservedAt, hour: ObservedAt, max: u32, alert: &Alert) -> String {
    single_line(serde_json::to_string(&SummaryWire {
        kind: "alert.summary",
        timestamp: at.to_string(),
        checkpoint: alert.checkpoint.as_deref(),
        data: SummaryDataWire {
            rule_id: &alert.rule.id,
            title: &alert.title,
            severity: alert.severity.name(),
            hour: hour.to_string(),
            messages_max: max,
        },
    }))
}

/// The same for a person.
pub(crate) fn summary_pretty(hour: ObservedAt, max: u32, alert: &Alert, color: bool) -> String {
    let mut page = Page {
        out: String::new(),
        color,
    };
    page.headline(alert);
    let flood = format!(
        "more than {max} messages from this rule in the hour from {}; the rest is on the desk",
        moment(hour.0)
    );
    page.line("flood", &flood);
    page.line("next", "belfry alerts list");
    page.out
}

struct Page {
    out: String,
    color: bool,
}

impl Page {
    fn headline(&mut self, alert: &Alert) {
        let (start, end) = if self.color {
            (color_of(alert.severity), "\u{1b}[0m")
        } else {
            ("", "")
        };
        self.out.push_str(start);
        self.out
            .push_str(&alert.severity.name().to_ascii_uppercase());
        self.out.push_str(end);
        self.out.push_str("  ");
        text::push_safe(&mut self.out, &alert.title);
        if let Some(code) = &alert.rule.code {
            self.out.push_str("  [");
            text::push_safe(&mut self.out, code);
            self.out.push(']');
        }
        self.out.push('\n');
    }

    /// A label and prose of the rule's author, whose line breaks mean nothing, in lines of a
    /// readable width.
    fn paragraph(&mut self, label: &str, prose: &str) {
        let mut label = label;
        let mut line = String::new();
        for word in prose.split_whitespace() {
            if !line.is_empty() && PROSE_COLUMNS < line.len() + 1 + word.len() {
                self.line(label, &line);
                label = "";
                line.clear();
            }
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
        self.line(label, &line);
    }

    /// A label and its text made safe; nothing when there is no text.
    fn line(&mut self, label: &str, value: &str) {
        if value.is_empty() {
            return;
        }
        let (dim, end) = if self.color {
            ("\u{1b}[2m", "\u{1b}[0m")
        } else {
            ("", "")
        };
        write!(self.out, "  {dim}{label:<LABEL_COLUMNS$}{end} ").expect("a String takes any text");
        text::push_safe(&mut self.out, value);
        self.out.push('\n');
    }
}

fn color_of(severity: Severity) -> &'static str {
    match severity {
        Severity::Informational | Severity::Low => "\u{1b}[1;34m",
        Severity::Medium => "\u{1b}[1;33m",
        Severity::High => "\u{1b}[1;31m",
        Severity::Critical => "\u{1b}[1;97;41m",
    }
}

fn standing(alert: &Alert) -> String {
    let verdict = alert
        .verdict
        .map_or(String::new(), |verdict| format!(" ({verdict})"));
    format!(
        "{}  {}{verdict}  raised {} at index {}",
        alert.id,
        alert.state,
        moment(alert.raised_at.0),
        alert.raised_index
    )
}

fn facts(facts: &Facts) -> String {
    let parts: Vec<String> = facts
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    parts.join("  ")
}

fn what(alert: &Alert) -> String {
    let counted = format!("{} counted", alert.count);
    if alert.what.is_empty() {
        return counted;
    }
    format!("{}  ({counted})", facts(&alert.what))
}

fn span_of_time(first: Timestamp, last: Timestamp) -> String {
    let (first, last) = (moment(first.0), moment(last.0));
    if first == last {
        first
    } else {
        format!("{first} to {last}")
    }
}

/// To the second, in UTC: what a person compares with a watch.
fn moment(unix_nanos: i64) -> String {
    let full = stdx::calendar::format_rfc3339(unix_nanos);
    let second = full.split('.').next().unwrap_or(&full);
    format!("{}Z", second.replacen('T', " ", 1))
}

fn evidence(indices: &[Index]) -> String {
    let Some(newest) = indices.last() else {
        return String::new();
    };
    let shown = &indices[indices.len().saturating_sub(EVIDENCE_SHOWN_MAX)..];
    let list: Vec<String> = shown.iter().map(Index::to_string).collect();
    let hidden = indices.len() - shown.len();
    let before = if 0 < hidden {
        format!("({hidden} older) ")
    } else {
        String::new()
    };
    format!("{before}{}  (belfry prove {newest})", list.join(" "))
}

/// The second line of a checkpoint is the tree size (C2SP tlog-checkpoint).
fn checkpoint_size(note: &str) -> Option<u64> {
    note.lines().nth(1)?.parse().ok()
}

fn history_step(step: &Step) -> String {
    let mut line = format!("{} {}", moment(step.at.0), step.action);
    if let Some(actor) = &step.actor {
        write!(line, " by {actor}").expect("a String takes any text");
    }
    if !step.took_effect {
        line.push_str(" (came too late, changed nothing)");
    }
    if let Some(note) = &step.note {
        write!(line, ": {note}").expect("a String takes any text");
    }
    line
}

fn next(alert: &Alert) -> String {
    let id = &alert.id;
    match alert.state {
        State::Open => format!("belfry alerts ack {id} --note \"...\""),
        State::Acknowledged => format!(
            "belfry alerts close {id} --verdict true-positive|false-positive|benign --note \"...\""
        ),
        State::Closed => String::new(),
    }
}

/// Our wire structs have text keys and finite numbers, so writing them cannot fail. Characters
/// that JSON permits raw but a terminal would obey are escaped; they stand inside strings only.
fn single_line(written: serde_json::Result<String>) -> String {
    let written = written.expect("wire structs have text keys and no floats");
    if written.is_ascii() && !written.bytes().any(|byte| byte == 0x7f) {
        return written;
    }
    let mut out = String::with_capacity(written.len() + 32);
    for c in written.chars() {
        if text::is_unsafe(c) {
            let mut units = [0; 2];
            for unit in c.encode_utf16(&mut units) {
                write!(out, "\\u{unit:04x}").expect("a String takes any text");
            }
        } else {
            out.push(c);
        }
    }
    out
}

#[cfg(test)]
mod tests;
