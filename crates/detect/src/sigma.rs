//! The door through which Sigma text becomes our own [`rule`](crate::rule) nouns.
//!
//! This is the only module (with its parts) that names types of the borrowed parser, because its
//! interface changes every few weeks. A file is cut at its document marks before parsing, so that
//! a broken document is one problem with a line and its neighbours still load. Files that use
//! collection actions (`action: global`) depend on their neighbours and are parsed in one piece.

use std::sync::Arc;
use std::time::Duration;

use event::{Attack, RuleRef, Severity};
use rsigma_parser as parser;

use crate::exception::FilterDocument;
use crate::limits;
use crate::placeholder::Placeholders;
use crate::rule::{Body, Clause, Condition, DetectionRule, Document, LogSource, Meta};
use crate::sample::{self, Sample};

mod correlate;
mod filter;
mod lower;
pub(crate) mod naming;

/// What one file holds.
#[derive(Debug, Default)]
pub(crate) struct File {
    /// Documents that could be read.
    pub(crate) documents: Vec<Document>,
    /// Filters.
    pub(crate) filters: Vec<FilterDocument>,
    /// (line, message) of everything that could not.
    pub(crate) problems: Vec<(Option<u32>, String)>,
    /// (line, message) of what can be read and hardly is what was meant.
    pub(crate) notes: Vec<(Option<u32>, String)>,
}

/// The values of placeholders that a file gives, and what is wrong with them. A file that gives
/// some holds nothing else.
pub(crate) fn placeholders(text: &str) -> Option<Result<Placeholders, String>> {
    let first = text
        .lines()
        .find(|line| !matches!(line.trim_end(), "" | "---") && !line.starts_with('#'))?;
    if !first.starts_with("placeholders:") || text.len() > limits::RULE_FILE_BYTES_MAX {
        return None;
    }
    // Read as a key of our own beside a rule, because only the parser reads YAML.
    let text = text.trim_start_matches("---");
    let rule = format!(
        "title: placeholders\nlogsource: {{category: any}}\n\
         detection: {{s: {{a: b}}, condition: s}}\n{text}\n"
    );
    let read = parser::parse_sigma_yaml(&rule).map_err(|error| brief(&error.to_string()));
    Some(read.and_then(|collection| {
        let rule = collection.rules.into_iter().next();
        let rule = rule.ok_or("the placeholders cannot be read")?;
        let custom = serde_json::to_value(&rule.custom_attributes);
        let custom = custom.map_err(|error| error.to_string())?;
        Placeholders::read(&custom["placeholders"])
    }))
}

/// Reads one file without values of placeholders.
pub(crate) fn read(text: &str) -> File {
    read_with(text, &Placeholders::default())
}

/// Reads one file.
pub(crate) fn read_with(text: &str, placeholders: &Placeholders) -> File {
    let mut file = File::default();
    if text.len() > limits::RULE_FILE_BYTES_MAX {
        file.problems.push((
            None,
            format!(
                "file of {} bytes is longer than {}",
                text.len(),
                limits::RULE_FILE_BYTES_MAX
            ),
        ));
        return file;
    }
    let whole = text.lines().any(|line| line.starts_with("action:"));
    for (line, part) in if whole {
        vec![(1, text)]
    } else {
        documents(text)
    } {
        read_part(&mut file, line, part, placeholders);
    }
    file
}

/// The clause that all of `fields` (names with modifiers, and their values) hold.
pub(crate) fn selection(fields: &[(String, Vec<String>)]) -> Result<Clause, String> {
    // JSON is YAML too, and quotes whatever an operator wrote.
    let pair = |(name, values): &(String, Vec<String>)| (name.clone(), values.clone().into());
    let map: serde_json::Map<_, serde_json::Value> = fields.iter().map(pair).collect();
    let text = format!(
        "title: selection\nlogsource: {{category: any}}\ndetection:\n  s: {}\n  condition: s\n",
        serde_json::Value::Object(map)
    );
    let mut file = read(&text);
    match file.documents.pop().map(|document| document.body) {
        Some(Body::Detection(mut rule)) if file.problems.is_empty() => {
            rule.selections.pop().map(|(_, clause)| clause)
        }
        _ => None,
    }
    .ok_or_else(|| match file.problems.pop() {
        Some((_, message)) => message,
        None => "the selection cannot be read".to_owned(),
    })
}

/// Cuts a file at lines that are `---`, each part with its first line number.
pub(crate) fn documents(text: &str) -> Vec<(u32, &str)> {
    let mut parts = Vec::new();
    let (mut start, mut at, mut start_line, mut line_number) = (0, 0, 1, 1);
    for line in text.split_inclusive('\n') {
        line_number += 1;
        let end = at + line.len();
        if line.trim_end() == "---" {
            parts.push((start_line, &text[start..at]));
            start = end;
            start_line = line_number;
        }
        at = end;
    }
    parts.push((start_line, &text[start..]));
    parts.retain(|(_, part)| {
        part.lines()
            .any(|line| !line.trim().is_empty() && !line.trim_start().starts_with('#'))
    });
    parts
}

fn read_part(file: &mut File, first_line: u32, text: &str, placeholders: &Placeholders) {
    // Comments and blank lines before the first key belong to no rule.
    let skipped = text
        .lines()
        .take_while(|line| line.trim().is_empty() || line.starts_with('#'))
        .count();
    let line = first_line + u32::try_from(skipped).unwrap_or(0);
    let collection = match parser::parse_sigma_yaml(text) {
        Ok(collection) => collection,
        Err(error) => return file.problems.push((Some(line), brief(&error.to_string()))),
    };
    for error in &collection.errors {
        let at = line_in(error).map_or(line, |within| first_line + within - 1);
        file.problems.push((Some(at), brief(error)));
    }
    for filter in collection.filters {
        let title = filter.title.clone();
        match filter::document(line, filter, placeholders, &mut file.notes) {
            Ok(document) => file.filters.push(document),
            Err(message) => file
                .problems
                .push((Some(line), format!("{title}: {message}"))),
        }
    }
    let documents = text
        .lines()
        .filter(|line| line.starts_with("title:"))
        .count();
    let line_of = |title: &str| {
        // A file in one piece holds several rules; each is found again by its title.
        let place = (documents > 1).then(|| {
            let is_title = |line: &str| {
                let written = line.strip_prefix("title:").unwrap_or("").trim();
                written.trim_matches(['\'', '"']) == title
            };
            text.lines().position(is_title)
        });
        let place = place.flatten().and_then(|place| u32::try_from(place).ok());
        place.map_or(line, |place| first_line + place)
    };
    for rule in collection.rules {
        let title = rule.title.clone();
        let line = line_of(&title);
        match detection_document(line, rule, placeholders, &mut file.notes) {
            Ok(document) => file.documents.push(document),
            Err(message) => file
                .problems
                .push((Some(line), format!("{title}: {message}"))),
        }
    }
    for rule in collection.correlations {
        let title = rule.title.clone();
        let line = line_of(&title);
        match correlate::document(line, rule) {
            Ok(document) => file.documents.push(document),
            Err(message) => file
                .problems
                .push((Some(line), format!("{title}: {message}"))),
        }
    }
}

/// The line that a message of the YAML reader names.
fn line_in(message: &str) -> Option<u32> {
    let after = message.split(" at line ").nth(1)?;
    let digits = after.split(|c: char| !c.is_ascii_digit()).next()?;
    digits.parse().ok().filter(|line| *line > 0)
}

/// A message of the parser on one line and at a length for people.
fn brief(message: &str) -> String {
    let line = one_line(message);
    if line.len() <= limits::MESSAGE_BYTES_MAX {
        return line;
    }
    let end = line.floor_char_boundary(limits::MESSAGE_BYTES_MAX / 2);
    let tail = line.ceil_char_boundary(line.len() - limits::MESSAGE_BYTES_MAX / 2);
    format!("{} ... {}", &line[..end], &line[tail..])
}

fn one_line(message: &str) -> String {
    let words: Vec<&str> = message.split_whitespace().collect();
    words.join(" ")
}

fn detection_document(
    line: u32,
    rule: parser::SigmaRule,
    placeholders: &Placeholders,
    notes: &mut Vec<(Option<u32>, String)>,
) -> Result<Document, String> {
    let custom = Custom::of(serde_json::to_value(&rule.custom_attributes))?;
    let meta = meta(
        Common {
            id: rule.id.as_deref(),
            name: rule.name,
            title: &rule.title,
            description: rule.description,
            level: rule.level,
            tags: &rule.tags,
            false_positives: rule.falsepositives,
            status: rule.status,
        },
        &custom,
    );
    let log_source = log_source(rule.logsource);
    let mut missing = Vec::new();
    let detection = &rule.detection;
    let (mut selections, condition) = selections(detection, placeholders, &mut missing)?;
    for (_, clause) in &mut selections {
        naming::rename(clause, &log_source);
    }
    for name in missing {
        let title = &rule.title;
        let message = format!("{title}: placeholder `%{name}%` has no values, so it fits nothing");
        notes.push((Some(line), message));
    }
    Ok(Document {
        line,
        meta,
        samples: custom.samples,
        body: Body::Detection(DetectionRule {
            log_source,
            selections,
            condition,
        }),
    })
}

/// The named selections of a detection, sorted by name, and how they combine.
fn selections(
    detection: &parser::Detections,
    placeholders: &Placeholders,
    missing: &mut Vec<String>,
) -> Result<(Vec<(String, Clause)>, Condition), String> {
    let mut selections = Vec::with_capacity(detection.named.len());
    for (name, detection) in &detection.named {
        let clause = lower::clause(detection, placeholders, missing)
            .map_err(|message| format!("selection {name}: {message}"))?;
        selections.push((name.clone(), clause));
    }
    selections.sort_by(|(a, _), (b, _)| a.cmp(b));
    missing.sort();
    let names: Vec<&str> = selections.iter().map(|(name, _)| name.as_str()).collect();
    let mut conditions = Vec::new();
    for expression in &detection.conditions {
        conditions.push(condition(expression, &names)?);
    }
    match conditions.len() {
        0 => Err("no condition".into()),
        _ => Ok((selections, Condition::AtLeast(1, conditions))),
    }
}

fn log_source(source: parser::LogSource) -> LogSource {
    LogSource {
        category: source.category,
        product: source.product,
        service: source.service,
    }
}

fn condition(expression: &parser::ConditionExpr, names: &[&str]) -> Result<Condition, String> {
    use parser::{ConditionExpr as Expr, Quantifier};
    let all = |parts: &[Expr]| -> Result<Vec<Condition>, String> {
        parts.iter().map(|part| condition(part, names)).collect()
    };
    Ok(match expression {
        Expr::And(parts) => Condition::All(all(parts)?),
        Expr::Or(parts) => Condition::AtLeast(1, all(parts)?),
        Expr::Not(part) => Condition::Not(Box::new(condition(part, names)?)),
        Expr::Identifier(name) => names
            .iter()
            .position(|known| known == name)
            .map(Condition::Selection)
            .ok_or_else(|| format!("condition names `{name}`, which is no selection"))?,
        Expr::Selector {
            quantifier,
            pattern,
        } => {
            let chosen: Vec<Condition> = (0..names.len())
                .filter(|at| pattern.matches_detection_name(names[*at]))
                .map(Condition::Selection)
                .collect();
            if chosen.is_empty() {
                return Err(format!("condition `{expression}` names no selection"));
            }
            match quantifier {
                Quantifier::Any => Condition::AtLeast(1, chosen),
                Quantifier::All => Condition::All(chosen),
                Quantifier::Count(count) => {
                    Condition::AtLeast(usize::try_from(*count).unwrap_or(usize::MAX), chosen)
                }
            }
        }
    })
}

/// What detection rules and correlations have in common.
struct Common<'a> {
    id: Option<&'a str>,
    name: Option<String>,
    title: &'a str,
    description: Option<String>,
    level: Option<parser::Level>,
    tags: &'a [String],
    false_positives: Vec<String>,
    status: Option<parser::Status>,
}

fn meta(common: Common<'_>, custom: &Custom) -> Meta {
    let severity = match common.level {
        Some(parser::Level::Informational) => Severity::Informational,
        Some(parser::Level::Low) => Severity::Low,
        Some(parser::Level::Medium) | None => Severity::Medium,
        Some(parser::Level::High) => Severity::High,
        Some(parser::Level::Critical) => Severity::Critical,
    };
    let retired = matches!(
        common.status,
        Some(parser::Status::Deprecated | parser::Status::Unsupported)
    );
    let id = common.id.or(common.name.as_deref()).unwrap_or(common.title);
    Meta {
        enabled: custom.enabled.unwrap_or(!retired),
        entity: custom.entity.clone(),
        cooldown: custom.cooldown,
        thresholds: custom.thresholds.clone(),
        reference: Arc::new(RuleRef {
            id: id.to_owned(),
            code: custom.code.clone(),
            title: common.title.to_owned(),
            description: common
                .description
                .map(|text| one_line(&text))
                .unwrap_or_default(),
            severity,
            attack: common.tags.iter().filter_map(|tag| attack(tag)).collect(),
            playbook: custom.playbook.clone(),
            false_positives: common.false_positives,
        }),
        name: common.name,
    }
}

/// `attack.t1110.003` is technique `T1110.003`; `attack.credential-access` stays a tactic.
fn attack(tag: &str) -> Option<Attack> {
    let id = tag.strip_prefix("attack.")?;
    let numbered = id.len() > 1
        && id.starts_with(['t', 'g', 's'])
        && id[1..]
            .trim_start_matches('a')
            .starts_with(|c: char| c.is_ascii_digit());
    Some(Attack {
        id: if numbered {
            id.to_ascii_uppercase()
        } else {
            id.to_owned()
        },
    })
}

/// Our own keys at the top of a rule.
#[derive(Default)]
struct Custom {
    code: Option<String>,
    playbook: Option<String>,
    enabled: Option<bool>,
    entity: Vec<String>,
    cooldown: Option<Duration>,
    thresholds: Vec<(String, u64)>,
    samples: Vec<Sample>,
    owner: Option<String>,
    reason: Option<String>,
    expires_nanos: Option<i64>,
}

impl Custom {
    /// `attributes` come as JSON, so that the parser's YAML library stays its own affair.
    fn of(attributes: serde_json::Result<serde_json::Value>) -> Result<Self, String> {
        let mut custom = Self::default();
        let attributes = attributes.map_err(|error| error.to_string())?;
        let serde_json::Value::Object(keys) = attributes else {
            return Ok(custom);
        };
        for (key, value) in keys {
            match key.as_str() {
                "code" => custom.code = value.as_str().map(str::to_owned),
                "playbook" => custom.playbook = value.as_str().map(str::to_owned),
                "enabled" => custom.enabled = value.as_bool(),
                "entity" => custom.entity = texts(&value),
                "cooldown" => {
                    let duration = value.as_str().and_then(stdx::units::parse_duration);
                    custom.cooldown =
                        Some(duration.ok_or("cooldown is not a duration such as 10m")?);
                }
                "thresholds" => custom.thresholds = numbers(&value)?,
                "owner" => custom.owner = value.as_str().map(str::to_owned),
                "reason" => custom.reason = value.as_str().map(str::to_owned),
                "expires" => custom.expires_nanos = Some(filter::end_of(&value)?),
                "tests" => custom.samples = sample::read(&value)?,
                _ => {}
            }
        }
        Ok(custom)
    }
}

fn numbers(value: &serde_json::Value) -> Result<Vec<(String, u64)>, String> {
    let named = value
        .as_object()
        .ok_or("thresholds is not a map of names")?;
    let number = |(name, value): (&String, &serde_json::Value)| {
        let number = value.as_u64().filter(|number| *number > 0);
        let number = number.ok_or(format!("threshold {name} is not a number above 0"))?;
        Ok((name.clone(), number))
    };
    named.iter().map(number).collect()
}

fn texts(value: &serde_json::Value) -> Vec<String> {
    match value {
        serde_json::Value::String(text) => vec![text.clone()],
        serde_json::Value::Array(items) => {
            let texts = items.iter().filter_map(|item| item.as_str());
            texts.map(str::to_owned).collect()
        }
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests;
