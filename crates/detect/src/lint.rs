//! What is wrong with rules although they load: what an author forgot, mistyped or made costly.

use std::collections::{BTreeMap, BTreeSet};

use event::field;

use crate::derived::Derived;
use crate::nearest::nearest;
use crate::predicate::{Expression, Op};
use crate::rule::{
    Body, Clause, Comparison, CorrelationKind, CorrelationRule, DetectionRule, Document, LogSource,
};
use crate::rule_set::{RuleFile, RuleSet, RuleSummary};
use crate::{sigma, tuning};

/// Something to mend in a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Name of the file.
    pub file: String,
    /// Line where it, or the rule that holds it, begins; 1-based.
    pub line: Option<u32>,
    /// Which check found it, such as `unknown-field`.
    pub check: &'static str,
    /// What is wrong and what to do, lower case, without full stop.
    pub message: String,
}

/// Everything to mend in `files`, in the order of files and lines.
pub fn lint(files: &[RuleFile]) -> Vec<Finding> {
    let (set, problems) = RuleSet::load(files);
    let mut findings: Vec<Finding> = problems
        .into_iter()
        .map(|problem| Finding {
            check: if problem.message.contains("is taken by the rule") {
                "duplicate-id"
            } else {
                "load"
            },
            file: problem.file,
            line: problem.line,
            message: problem.message,
        })
        .collect();
    let summaries = set.rules();
    let by_id: BTreeMap<&str, &RuleSummary> = summaries
        .iter()
        .map(|summary| (summary.rule.id.as_str(), summary))
        .collect();
    for file in files {
        let parts = sigma::documents(&file.text);
        let mut note = |line: u32, check: &'static str, message: String| {
            findings.push(Finding {
                file: file.name.clone(),
                line: Some(line),
                check,
                message,
            });
        };
        for (line, text) in &parts {
            filter(*line, text, &mut note);
        }
        for document in sigma::read(&file.text).documents {
            let own = parts.iter().rev().find(|(line, _)| *line <= document.line);
            let text = own.map_or("", |(_, text)| text);
            let summary = by_id.get(document.meta.reference.id.as_str()).copied();
            let mut told = |check, message| note(document.line, check, message);
            meta(&document, summary, text, &mut told);
            thresholds(&document, &mut told);
            match &document.body {
                Body::Detection(rule) => detection(rule, &mut told),
                Body::Correlation(rule) => correlation(rule, &mut told),
            }
        }
    }
    let order = |finding: &Finding| files.iter().position(|file| file.name == finding.file);
    findings.sort_by_key(|finding| (order(finding), finding.line));
    findings
}

/// A filter is joined to its rules by `and`: without `not` it keeps what it should take away.
fn filter(first: u32, text: &str, note: &mut impl FnMut(u32, &'static str, String)) {
    if !text.lines().any(|line| line.trim_end() == "filter:") {
        return;
    }
    for (line, written) in (first..).zip(text.lines()) {
        if let Some(condition) = written.trim_start().strip_prefix("condition:")
            && !condition
                .split(|c: char| !c.is_ascii_alphanumeric())
                .any(|word| word == "not")
        {
            let message = format!(
                "the filter lets only matches of `{}` through; to except them write `not`",
                condition.trim()
            );
            note(line, "filter-includes", message);
        }
    }
}

fn meta(
    document: &Document,
    summary: Option<&RuleSummary>,
    text: &str,
    told: &mut impl FnMut(&'static str, String),
) {
    let reference = &document.meta.reference;
    let is_written = |key: &str| text.lines().any(|line| line.starts_with(key));
    if reference.description.is_empty() {
        told(
            "no-description",
            format!("{}: no description", reference.title),
        );
    }
    if summary.is_some_and(|summary| !summary.reachable) {
        let message = format!(
            "{}: no record is recognised as its log source; a sender must name it",
            reference.title
        );
        told("unreachable", message);
    }
    // A rule that only feeds others needs no more.
    if summary.is_none_or(|summary| !summary.rings) {
        return;
    }
    let gaps = [
        (
            !is_written("level:"),
            "no-level",
            "level: it counts as medium",
        ),
        (
            reference.attack.is_empty(),
            "no-tags",
            "tags with an ATT&CK technique",
        ),
        (
            reference.false_positives.is_empty(),
            "no-falsepositives",
            "falsepositives: whoever is on call needs them",
        ),
    ];
    for (is_missing, check, what) in gaps {
        if is_missing {
            told(check, format!("{}: no {what}", reference.title));
        }
    }
}

fn thresholds(document: &Document, told: &mut impl FnMut(&'static str, String)) {
    for (name, default) in &document.meta.thresholds {
        let mut body = document.body.clone();
        if !tuning::replace(&mut body, *default, default + 1) {
            let message = format!("threshold `{name}` of {default} stands nowhere in the rule");
            told("idle-threshold", message);
        }
    }
}

fn detection(rule: &DetectionRule, told: &mut impl FnMut(&'static str, String)) {
    let mut fields = BTreeSet::new();
    for (name, clause) in &rule.selections {
        let mut hinted = BTreeSet::new();
        collect(clause, &mut fields, &mut |field, op| {
            if let Op::Text { text, .. } = op
                && text.len() >= LITERAL_BYTES_MIN
            {
                hinted.insert(field.to_owned());
            }
        });
        collect(clause, &mut BTreeSet::new(), &mut |field, op| {
            if let Op::Regex(regex) = op
                && let Some(reason) = costly(regex)
                && !hinted.contains(field)
            {
                let message = format!(
                    "selection {name}: the expression on `{field}` {reason}; \
                     put a `contains` beside it that every match must satisfy"
                );
                told("costly-regex", message);
            }
        });
    }
    if is_ours(&rule.log_source) {
        for name in fields {
            if let Some(message) = unknown(&name) {
                told("unknown-field", message);
            }
        }
    }
}

/// Calls `each` for every test of a field.
fn collect(clause: &Clause, fields: &mut BTreeSet<String>, each: &mut impl FnMut(&str, &Op)) {
    match clause {
        Clause::All(parts) | Clause::Any(parts) => {
            for part in parts {
                collect(part, fields, each);
            }
        }
        Clause::Not(inner) => collect(inner, fields, each),
        Clause::Test(test) => {
            let names = test.field.as_deref().unwrap_or_default();
            fields.extend(names.iter().cloned());
            each(names.first().map_or("", String::as_str), &test.op);
        }
    }
}

/// Whether our own names are the ones that its events have.
fn is_ours(source: &LogSource) -> bool {
    let is = |part: &Option<String>, word: &str| part.as_deref() == Some(word);
    is(&source.category, "any") || is(&source.product, "belfry")
}

fn unknown(name: &str) -> Option<String> {
    // Senders may put anything under these.
    let is_open = ["labels.", "txn.", "belfry."]
        .iter()
        .any(|start| name.starts_with(start));
    if is_open || field::NAMES.contains(&name) || Derived::of_name(name).is_some() {
        return None;
    }
    let near = nearest(name, field::NAMES.iter().copied());
    let root = |name: &'static str| name.split_once('.').map_or(name, |(root, _)| root);
    let is_rooted = name
        .split_once('.')
        .is_some_and(|(start, _)| field::NAMES.iter().any(|known| root(known) == start));
    match near {
        Some(near) => Some(format!("unknown field `{name}`; did you mean `{near}`?")),
        None if is_rooted => Some(format!(
            "unknown field `{name}`: Belfry writes none of that name"
        )),
        None => None,
    }
}

/// Bytes of a literal that rules out most events.
const LITERAL_BYTES_MIN: usize = 3;
/// Repetitions that a bounded count may ask for before it is costly.
const REPETITIONS_MAX: usize = 1_000;
/// Open gaps (`.*`) of one expression before it is costly.
const GAPS_MAX: usize = 3;

/// Why an expression costs much on every event, if it does.
fn costly(expression: &Expression) -> Option<&'static str> {
    let pattern = expression.matcher.as_str();
    let counted = pattern.split('{').skip(1).filter_map(|rest| {
        let inside = rest.split('}').next()?;
        inside.rsplit(',').next()?.parse::<usize>().ok()
    });
    if counted.into_iter().any(|count| count > REPETITIONS_MAX) {
        return Some("repeats more than a thousand times");
    }
    if pattern.matches(".*").count() + pattern.matches(".+").count() > GAPS_MAX {
        return Some("has more than three open gaps");
    }
    let is_blind = expression.literals.is_empty();
    is_blind.then_some("holds no text that every match must have")
}

fn correlation(rule: &CorrelationRule, told: &mut impl FnMut(&'static str, String)) {
    match &rule.kind {
        CorrelationKind::EventCount(bounds) => contradiction(bounds, told),
        CorrelationKind::ValueCount(fields, bounds) => {
            contradiction(bounds, told);
            let is_fixed = fields.iter().all(|field| rule.group_by.contains(field));
            if is_fixed && bounds.iter().any(|bound| lowest(bound) > 1) {
                let message = format!(
                    "counts distinct `{}` and groups by it: there is never more than one",
                    fields.join(", ")
                );
                told("never-reached", message);
            }
        }
        CorrelationKind::Temporal(_) | CorrelationKind::TemporalOrdered(_) => {
            if rule.rules.len() < 2 {
                let message = "a sequence of one rule is that rule".to_owned();
                told("never-reached", message);
            }
        }
        CorrelationKind::ValueSum(..)
        | CorrelationKind::ValueAvg(..)
        | CorrelationKind::ValuePercentile(..) => {}
    }
}

fn contradiction(bounds: &[(Comparison, u64)], told: &mut impl FnMut(&'static str, String)) {
    let low = bounds.iter().map(lowest).max().unwrap_or(0);
    let high = bounds.iter().map(highest).min().unwrap_or(u64::MAX);
    if low > high {
        let message = format!("no number is at least {low} and at most {high}");
        told("never-reached", message);
    }
}

fn lowest((comparison, number): &(Comparison, u64)) -> u64 {
    match comparison {
        Comparison::Gt => number.saturating_add(1),
        Comparison::Gte | Comparison::Eq => *number,
        Comparison::Lt | Comparison::Lte | Comparison::Neq => 0,
    }
}

fn highest((comparison, number): &(Comparison, u64)) -> u64 {
    match comparison {
        Comparison::Lt => number.saturating_sub(1),
        Comparison::Lte | Comparison::Eq => *number,
        Comparison::Gt | Comparison::Gte | Comparison::Neq => u64::MAX,
    }
}

#[cfg(test)]
mod tests;
