//! Correlations compiled: where each step's events hold the values to group by and to count.

use crate::goal::{Goal, Judgement, Measure};
use crate::rule::{Comparison, Condition, CorrelationKind, CorrelationRule, CountBounds};
use crate::rule_set::{Kind, Rule, nanos};
use crate::spelling::GroupField;
use crate::{limits, rule::Alias};

/// A compiled correlation.
#[derive(Debug)]
pub(crate) struct Correlation {
    pub(crate) kind: CorrelationKind,
    pub(crate) goal: Goal,
    pub(crate) judgement: Judgement,
    pub(crate) generate: bool,
    pub(crate) timespan_nanos: i64,
    /// Group-by names, as written.
    pub(crate) group_names: Vec<String>,
    /// Per step.
    pub(crate) steps: Vec<Step>,
    /// Correlations below this one, itself counted.
    depth: usize,
}

/// Where the events of one step hold what is needed.
#[derive(Debug)]
pub(crate) struct Step {
    /// In the order of [`Correlation::group_names`].
    pub(crate) group: Vec<Part>,
    /// Values that are counted or measured.
    pub(crate) values: Vec<Part>,
}

/// One value of a step.
#[derive(Debug)]
pub(crate) enum Part {
    /// From the event.
    Event(GroupField),
    /// From the group of the correlation that is this step.
    Member(usize),
}

/// Compiles `rule`, whose members are the rules numbered `members`.
pub(crate) fn compile(
    rule: &CorrelationRule,
    members: &[usize],
    rules: &[Rule],
) -> Result<Correlation, String> {
    if members.len() > limits::STEPS_MAX {
        let max = limits::STEPS_MAX;
        return Err(format!("correlation names more than {max} rules"));
    }
    let depth = 1 + members
        .iter()
        .map(|member| depth(&rules[*member]))
        .max()
        .unwrap_or(0);
    if depth > limits::CHAIN_DEPTH_MAX {
        let max = limits::CHAIN_DEPTH_MAX;
        return Err(format!("correlations are stacked deeper than {max}"));
    }
    let (goal, values) = goal(rule, members.len())?;
    let mut steps = Vec::with_capacity(members.len());
    for (written, member) in rule.rules.iter().zip(members) {
        let member = &rules[*member];
        let part = |name: &String| part(name, written, member, &rule.aliases);
        steps.push(Step {
            group: rule.group_by.iter().map(part).collect::<Result<_, _>>()?,
            values: values.iter().map(part).collect::<Result<_, _>>()?,
        });
    }
    Ok(Correlation {
        kind: rule.kind.clone(),
        judgement: goal.judgement(),
        goal,
        generate: rule.generate,
        timespan_nanos: nanos(rule.timespan).max(1),
        group_names: rule.group_by.clone(),
        steps,
        depth,
    })
}

/// The goal of `rule` over `count` rules, with the fields whose values it measures.
fn goal(rule: &CorrelationRule, count: usize) -> Result<(Goal, &[String]), String> {
    let number = |measure, bounds: Vec<(Comparison, i64)>| Goal::Number { measure, bounds };
    let one = std::slice::from_ref;
    Ok(match &rule.kind {
        CorrelationKind::EventCount(bounds) => (number(Measure::Count, whole(bounds)?), &[][..]),
        CorrelationKind::ValueCount(fields, bounds) => {
            (number(Measure::Distinct, whole(bounds)?), fields.as_slice())
        }
        CorrelationKind::ValueSum(field, bounds) => {
            (number(Measure::Sum, bounds.clone()), one(field))
        }
        CorrelationKind::ValueAvg(field, bounds) => {
            (number(Measure::Avg, bounds.clone()), one(field))
        }
        CorrelationKind::ValuePercentile(field, rank, bounds) => (
            number(Measure::Percentile(*rank), bounds.clone()),
            one(field),
        ),
        CorrelationKind::Temporal(condition) => {
            let condition = condition.clone();
            let ordered = false;
            let goal = Goal::Steps {
                count,
                ordered,
                condition,
            };
            (goal, &[][..])
        }
        CorrelationKind::TemporalOrdered(condition) => {
            if let Some(condition) = condition
                && !names_all(condition, count)
            {
                return Err(
                    "temporal_ordered takes its order from `rules`: its condition can \
                            only join all of them with `and`"
                        .into(),
                );
            }
            let ordered = true;
            let condition = None;
            let goal = Goal::Steps {
                count,
                ordered,
                condition,
            };
            (goal, &[][..])
        }
    })
}

/// Bounds on a count as numbers that a window can be measured by.
fn whole(bounds: &CountBounds) -> Result<Vec<(Comparison, i64)>, String> {
    let number = |(comparison, number): &(Comparison, u64)| {
        let whole = i64::try_from(*number).ok();
        let whole = whole.filter(|_| *number <= limits::THRESHOLD_MAX);
        let max = limits::THRESHOLD_MAX;
        whole
            .map(|whole| (*comparison, whole))
            .ok_or_else(|| format!("threshold {number} is larger than {max}"))
    };
    bounds.iter().map(number).collect()
}

/// Whether `condition` is no more than all of `count` rules.
fn names_all(condition: &Condition, count: usize) -> bool {
    let Condition::All(parts) = condition else {
        return count == 1;
    };
    let is_named = |step| parts.contains(&Condition::Selection(step));
    parts.len() == count && (0..count).all(is_named)
}

fn depth(rule: &Rule) -> usize {
    match &rule.kind {
        Kind::Correlation(correlation) => correlation.depth,
        Kind::Detection(_) => 0,
    }
}

/// Where `name` (a field or an alias) is found for the member referred to as `written`.
fn part(name: &str, written: &str, member: &Rule, aliases: &[Alias]) -> Result<Part, String> {
    let is_member = |rule: &str| {
        rule == written || rule == member.reference.id || Some(rule) == member.name.as_deref()
    };
    let alias = aliases.iter().find(|alias| alias.name == name);
    let field = match alias {
        None => name,
        Some(alias) => alias
            .fields
            .iter()
            .find(|(rule, _)| is_member(rule))
            .map(|(_, field)| field.as_str())
            .ok_or_else(|| format!("alias `{name}` names no field for `{written}`"))?,
    };
    if let Kind::Correlation(below) = &member.kind
        && let Some(place) = below.group_names.iter().position(|group| group == field)
    {
        return Ok(Part::Member(place));
    }
    GroupField::of(field).map(Part::Event)
}
