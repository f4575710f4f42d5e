//! Correlations compiled: where each step's events hold the values to group by and to count.

use crate::rule::{Comparison, CorrelationKind, CorrelationRule};
use crate::rule_set::{Kind, Rule, nanos};
use crate::spelling::GroupField;
use crate::{limits, rule::Alias};

/// A compiled correlation.
#[derive(Debug)]
pub(crate) struct Correlation {
    pub(crate) kind: CorrelationKind,
    pub(crate) goal: Goal,
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
    /// Values that `value_count` counts.
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

/// What a window must hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Goal {
    /// So many points.
    Count(Vec<(Comparison, u64)>),
    /// So many distinct tags.
    Distinct(Vec<(Comparison, u64)>),
    /// A point of each step.
    Steps {
        /// How many steps there are.
        count: usize,
        /// Whether in their order.
        ordered: bool,
    },
}

impl Goal {
    /// Whether `count` of points or tags is enough.
    pub(crate) fn holds(&self, count: u64) -> bool {
        match self {
            Self::Count(predicates) | Self::Distinct(predicates) => predicates
                .iter()
                .all(|(comparison, number)| comparison.holds(count.cmp(number))),
            Self::Steps { .. } => false,
        }
    }

    /// Points that a window keeps.
    pub(crate) fn points_max(&self) -> usize {
        match self {
            Self::Count(predicates) | Self::Distinct(predicates) => {
                let largest = predicates
                    .iter()
                    .map(|(_, number)| *number)
                    .max()
                    .unwrap_or(1);
                let largest = usize::try_from(largest).unwrap_or(usize::MAX / 4);
                (largest * 4).max(limits::WINDOW_POINTS_MIN)
            }
            Self::Steps { .. } => limits::SEQUENCE_POINTS_MAX,
        }
    }
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
    let (goal, values) = match &rule.kind {
        CorrelationKind::EventCount(predicates) => {
            bounded(predicates)?;
            (Goal::Count(predicates.clone()), &[][..])
        }
        CorrelationKind::ValueCount(fields, predicates) => {
            bounded(predicates)?;
            (Goal::Distinct(predicates.clone()), fields.as_slice())
        }
        CorrelationKind::Temporal(None) | CorrelationKind::TemporalOrdered(None) => {
            let goal = Goal::Steps {
                count: members.len(),
                ordered: rule.kind == CorrelationKind::TemporalOrdered(None),
            };
            (goal, &[][..])
        }
        CorrelationKind::Temporal(Some(_)) | CorrelationKind::TemporalOrdered(Some(_)) => {
            return Err("boolean conditions over rules are not supported yet".into());
        }
        other => {
            return Err(format!(
                "correlation type `{}` is not supported yet",
                other.name()
            ));
        }
    };
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
        goal,
        generate: rule.generate,
        timespan_nanos: nanos(rule.timespan).max(1),
        group_names: rule.group_by.clone(),
        steps,
        depth,
    })
}

/// Refuses thresholds that would ring on silence (they need absence detection) or that no window
/// can count to.
fn bounded(predicates: &[(Comparison, u64)]) -> Result<(), String> {
    let lower_bound = predicates
        .iter()
        .any(|(comparison, number)| match comparison {
            Comparison::Gt | Comparison::Neq => true,
            Comparison::Gte | Comparison::Eq => *number > 0,
            Comparison::Lt | Comparison::Lte => false,
        });
    if !lower_bound {
        return Err("a condition without lower bound needs absence detection, \
                    which is not supported yet"
            .into());
    }
    let largest = predicates
        .iter()
        .map(|(_, number)| *number)
        .max()
        .unwrap_or(0);
    if largest > limits::THRESHOLD_MAX {
        let max = limits::THRESHOLD_MAX;
        return Err(format!("threshold {largest} is larger than {max}"));
    }
    Ok(())
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
