//! Correlation documents: seven types, thresholds, boolean conditions between rules, aliases.

use std::time::Duration;

use rsigma_parser as parser;

use super::{Common, Custom, meta};
use crate::rule::{
    Alias, Body, Comparison, Condition, CorrelationKind, CorrelationRule, CountBounds, Document,
    MeasureBounds,
};

/// The percentile that a `value_percentile` without one asks for: the median.
const PERCENTILE_DEFAULT: u64 = 50;

/// Reads one correlation.
pub(super) fn document(line: u32, rule: parser::CorrelationRule) -> Result<Document, String> {
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
    if rule.window != parser::WindowMode::Sliding {
        return Err(format!(
            "window `{}` is not supported, only sliding windows are",
            rule.window.as_str()
        ));
    }
    let mut rules = rule.rules;
    if rules.is_empty()
        && let parser::CorrelationCondition::Extended(expression) = &rule.condition
    {
        identifiers(expression, &mut rules);
    }
    if rules.is_empty() {
        return Err("correlation names no rule".into());
    }
    let kind = kind(rule.correlation_type, &rule.condition, &rules)?;
    let aliases = rule.aliases.into_iter().map(|alias| {
        let fields = alias.mapping.into_iter();
        let mut fields: Vec<(String, String)> = fields
            .map(|(rule, field)| (rule, unspaced(&field)))
            .collect();
        fields.sort();
        Alias {
            name: unspaced(&alias.alias),
            fields,
        }
    });
    Ok(Document {
        line,
        meta,
        samples: custom.samples,
        body: Body::Correlation(CorrelationRule {
            kind,
            rules,
            group_by: rule.group_by.iter().map(|name| unspaced(name)).collect(),
            aliases: aliases.collect(),
            timespan: Duration::from_secs(rule.timespan.seconds),
            generate: rule.generate,
        }),
    })
}

/// A field name without spaces, as the specification compares them.
fn unspaced(name: &str) -> String {
    name.replace(' ', "")
}

/// The rules that a condition names, each once, in the order they come.
fn identifiers(expression: &parser::ConditionExpr, names: &mut Vec<String>) {
    use parser::ConditionExpr as Expr;
    match expression {
        Expr::And(parts) | Expr::Or(parts) => {
            for part in parts {
                identifiers(part, names);
            }
        }
        Expr::Not(part) => identifiers(part, names),
        Expr::Identifier(name) if !names.contains(name) => names.push(name.clone()),
        Expr::Identifier(_) | Expr::Selector { .. } => {}
    }
}

fn kind(
    kind: parser::CorrelationType,
    condition: &parser::CorrelationCondition,
    rules: &[String],
) -> Result<CorrelationKind, String> {
    use parser::{CorrelationCondition as Cond, CorrelationType as Type};
    let (predicates, fields, percentile) = match condition {
        Cond::Threshold {
            predicates,
            field,
            percentile,
        } => (
            predicates,
            field.clone().unwrap_or_default(),
            percentile.unwrap_or(PERCENTILE_DEFAULT),
        ),
        Cond::Extended(expression) => {
            let names: Vec<&str> = rules.iter().map(String::as_str).collect();
            let condition = super::condition(expression, &names)
                .map_err(|message| message.replace("selection", "rule of the correlation"))?;
            return match kind {
                Type::Temporal => Ok(CorrelationKind::Temporal(Some(condition))),
                Type::TemporalOrdered => Ok(CorrelationKind::TemporalOrdered(Some(condition))),
                other => Err(format!(
                    "a boolean condition needs type `temporal` or `temporal_ordered`, not `{}`",
                    other.as_str()
                )),
            };
        }
    };
    let fields: Vec<String> = fields.iter().map(|name| unspaced(name)).collect();
    let one_field = || match fields.as_slice() {
        [field] => Ok(field.clone()),
        _ => Err(format!(
            "{} needs one field in its condition",
            kind.as_str()
        )),
    };
    Ok(match kind {
        Type::EventCount => CorrelationKind::EventCount(counts(predicates)),
        Type::ValueCount if fields.is_empty() => {
            return Err("value_count needs a field in its condition".into());
        }
        Type::ValueCount => CorrelationKind::ValueCount(fields, counts(predicates)),
        Type::ValueSum => CorrelationKind::ValueSum(one_field()?, measures(predicates)),
        Type::ValueAvg => CorrelationKind::ValueAvg(one_field()?, measures(predicates)),
        Type::ValuePercentile => {
            let percentile = u8::try_from(percentile)
                .ok()
                .filter(|number| *number <= 100);
            let percentile = percentile.ok_or("a percentile lies between 0 and 100")?;
            CorrelationKind::ValuePercentile(one_field()?, percentile, measures(predicates))
        }
        Type::ValueMedian => {
            CorrelationKind::ValuePercentile(one_field()?, 50, measures(predicates))
        }
        Type::Temporal => CorrelationKind::Temporal(several(predicates, rules)?),
        Type::TemporalOrdered => CorrelationKind::TemporalOrdered(several(predicates, rules)?),
    })
}

/// `temporal` with a threshold: so many of its rules. All of them need no condition of their own.
fn several(
    predicates: &[(parser::ConditionOperator, u64)],
    rules: &[String],
) -> Result<Option<Condition>, String> {
    use parser::ConditionOperator as Operator;
    let all = u64::try_from(rules.len()).unwrap_or(u64::MAX);
    let count = match predicates {
        // What the parser puts where the rule says nothing.
        [] | [(Operator::Gte, 0 | 1)] => return Ok(None),
        [(Operator::Gte | Operator::Eq, count)] => *count,
        [(Operator::Gt, count)] => count.saturating_add(1),
        _ => return Err("a temporal correlation takes only `gte`, `gt` or `eq` rules".into()),
    };
    if count > all {
        return Err(format!("condition asks for {count} of {all} rules"));
    }
    let any = (0..rules.len()).map(Condition::Selection).collect();
    let count = usize::try_from(count).unwrap_or(usize::MAX);
    Ok((count < rules.len()).then_some(Condition::AtLeast(count, any)))
}

fn counts(predicates: &[(parser::ConditionOperator, u64)]) -> CountBounds {
    let predicates = predicates.iter();
    predicates
        .map(|(operator, number)| (comparison(*operator), *number))
        .collect()
}

/// The parser hands negative numbers over as their two's complement.
fn measures(predicates: &[(parser::ConditionOperator, u64)]) -> MeasureBounds {
    let predicates = predicates.iter();
    predicates
        .map(|(operator, number)| (comparison(*operator), number.cast_signed()))
        .collect()
}

fn comparison(operator: parser::ConditionOperator) -> Comparison {
    use parser::ConditionOperator as Operator;
    match operator {
        Operator::Lt => Comparison::Lt,
        Operator::Lte => Comparison::Lte,
        Operator::Gt => Comparison::Gt,
        Operator::Gte => Comparison::Gte,
        Operator::Eq => Comparison::Eq,
        Operator::Neq => Comparison::Neq,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(correlation: &str) -> Result<CorrelationRule, String> {
        let text = format!("title: T\ncorrelation: {{{correlation}, timespan: 5m}}\n");
        let mut file = crate::sigma::read(&text);
        match file.documents.pop().map(|document| document.body) {
            Some(Body::Correlation(rule)) => Ok(rule),
            _ => Err(format!("{:?}", file.problems)),
        }
    }

    fn check(correlation: &str, expected: &CorrelationKind) {
        assert_eq!(&read(correlation).unwrap().kind, expected, "{correlation}");
    }

    #[test]
    fn seven_types_and_their_bounds() {
        use Comparison::{Gte, Lt, Lte, Neq};
        use CorrelationKind as Kind;
        check(
            "type: event_count, rules: [a], condition: {gte: 3, lte: 9}",
            &Kind::EventCount(vec![(Lte, 9), (Gte, 3)]),
        );
        check(
            "type: value_count, rules: [a], condition: {field: [Target User, b], neq: 1}",
            &Kind::ValueCount(vec!["TargetUser".into(), "b".into()], vec![(Neq, 1)]),
        );
        check(
            "type: value_sum, rules: [a], condition: {field: n, lt: -5}",
            &Kind::ValueSum("n".into(), vec![(Lt, -5)]),
        );
        check(
            "type: value_avg, rules: [a], condition: {field: n, gte: 5}",
            &Kind::ValueAvg("n".into(), vec![(Gte, 5)]),
        );
        check(
            "type: value_percentile, rules: [a], condition: {field: n, percentile: 95, gte: 5}",
            &Kind::ValuePercentile("n".into(), 95, vec![(Gte, 5)]),
        );
        check("type: temporal, rules: [a, b]", &Kind::Temporal(None));
        check(
            "type: temporal, rules: [a, b, c], condition: {gte: 2}",
            &Kind::Temporal(Some(Condition::AtLeast(
                2,
                (0..3).map(Condition::Selection).collect(),
            ))),
        );
        let either = Condition::AtLeast(1, (1..3).map(Condition::Selection).collect());
        check(
            "type: temporal_ordered, condition: a and (b or c)",
            &Kind::TemporalOrdered(Some(Condition::All(vec![Condition::Selection(0), either]))),
        );
    }

    #[test]
    fn correlation_refusals_name_the_reason() {
        for (correlation, reason) in [
            (
                "type: event_count, rules: [], condition: {gte: 1}",
                "names no rule",
            ),
            (
                "type: value_sum, rules: [a], condition: {gte: 1}",
                "needs one field",
            ),
            (
                "type: event_count, rules: [a], condition: a",
                "boolean condition needs",
            ),
            (
                "type: temporal, rules: [a], condition: a and b",
                "`b`, which is no rule",
            ),
            (
                "type: temporal, rules: [a, b], condition: {gte: 3}",
                "asks for 3 of 2",
            ),
            (
                "type: value_percentile, rules: [a], condition: {field: n, percentile: 101, gt: 1}",
                "between 0 and 100",
            ),
            (
                "type: nonsense, rules: [a], condition: {gte: 1}",
                "nonsense",
            ),
        ] {
            let refusal = read(correlation).unwrap_err();
            assert!(refusal.contains(reason), "{correlation}: {refusal}");
        }
    }
}
