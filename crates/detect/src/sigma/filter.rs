//! Filter documents: exceptions from rules, with our keys `owner`, `reason` and `expires`.

use rsigma_parser::{FilterRule, FilterRuleTarget};
use stdx::calendar;

use super::{Custom, log_source, one_line, selections};
use crate::exception::FilterDocument;
use crate::placeholder::Placeholders;
use crate::rule::{Condition, LogSource};

/// Reads one filter.
pub(super) fn document(
    line: u32,
    rule: FilterRule,
    placeholders: &Placeholders,
    notes: &mut Vec<(Option<u32>, String)>,
) -> Result<FilterDocument, String> {
    let custom = Custom::of(serde_json::to_value(&rule.custom_attributes))?;
    let mut missing = Vec::new();
    let (selections, condition) = selections(&rule.detection, placeholders, &mut missing)?;
    let title = rule.title;
    let mut note = |message: String| notes.push((Some(line), format!("{title}: {message}")));
    for name in missing {
        note(format!(
            "placeholder `%{name}%` has no values, so it fits nothing"
        ));
    }
    if !has_not(&condition) {
        note(
            "the condition keeps only what it selects; to leave that out it must say \
             `not selection`"
                .to_owned(),
        );
    }
    for (key, value) in [("owner", &custom.owner), ("reason", &custom.reason)] {
        if value.is_none() {
            note(format!("a filter without `{key}` is hard to give up later"));
        }
    }
    let rules = match rule.rules {
        FilterRuleTarget::Any => None,
        FilterRuleTarget::Specific(names) => Some(names),
    };
    // `category: any` is our word for every log source.
    let source = rule.logsource.map(log_source).unwrap_or_default();
    let is_any = source.category.as_deref() == Some("any");
    Ok(FilterDocument {
        line,
        name: rule.id.or(rule.name).unwrap_or_else(|| title.clone()),
        rules,
        log_source: if is_any { LogSource::default() } else { source },
        selections,
        condition,
        owner: custom.owner,
        reason: custom.reason.map(|reason| one_line(&reason)),
        expires_nanos: custom.expires_nanos,
        title,
    })
}

fn has_not(condition: &Condition) -> bool {
    match condition {
        Condition::All(parts) | Condition::AtLeast(_, parts) => parts.iter().any(has_not),
        Condition::Not(_) => true,
        Condition::Selection(_) => false,
    }
}

/// The end of a day (`2026-12-31`) or a moment in RFC 3339, ns since 1970.
pub(super) fn end_of(value: &serde_json::Value) -> Result<i64, String> {
    let text = value.as_str().unwrap_or_default().trim();
    let day = calendar::parse_rfc3339(&format!("{text}T00:00:00Z"));
    let day = day.map(|day| day.unix_nanos + calendar::DAY_SECONDS * calendar::SECOND_NANOS);
    day.or_else(|| calendar::parse_rfc3339(text).map(|moment| moment.unix_nanos))
        .ok_or_else(|| format!("expires: `{text}` is not a date such as 2026-12-31"))
}
