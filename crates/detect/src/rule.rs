//! A rule as we understand it, free of the notation it was written in.

use std::sync::Arc;
use std::time::Duration;

use event::RuleRef;

use crate::predicate::Test;
use crate::sample::Sample;

/// One rule document of a file.
#[derive(Clone, Debug)]
pub(crate) struct Document {
    /// First line of the document in its file, 1-based.
    pub(crate) line: u32,
    /// What people and machines call it.
    pub(crate) meta: Meta,
    /// What it looks for.
    pub(crate) body: Body,
    /// Samples that come with it.
    pub(crate) samples: Vec<Sample>,
}

/// What is true of every kind of rule.
#[derive(Clone, Debug)]
pub(crate) struct Meta {
    /// The rule as detections refer to it.
    pub(crate) reference: Arc<RuleRef>,
    /// Name by which correlations refer to it.
    pub(crate) name: Option<String>,
    /// Whether it runs.
    pub(crate) enabled: bool,
    /// Fields that name the entity of a single-event rule, first present ones first.
    pub(crate) entity: Vec<String>,
    /// How long one detection speaks for its group.
    pub(crate) cooldown: Option<Duration>,
    /// Numbers of the rule that an operator may change, by name.
    pub(crate) thresholds: Vec<(String, u64)>,
}

/// What a rule looks for.
#[derive(Clone, Debug)]
pub(crate) enum Body {
    /// Properties of one event.
    Detection(DetectionRule),
    /// A pattern of several matches of other rules.
    Correlation(CorrelationRule),
}

/// Which logs a rule is written for; absent parts do not matter.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct LogSource {
    /// Kind of log: `webserver`, `process_creation`.
    pub category: Option<String>,
    /// Product that writes it: `linux`, `belfry`.
    pub product: Option<String>,
    /// Part of the product: `sshd`.
    pub service: Option<String>,
}

/// A rule about one event.
#[derive(Clone, Debug)]
pub(crate) struct DetectionRule {
    /// Logs it is written for.
    pub(crate) log_source: LogSource,
    /// Named selections, sorted by name.
    pub(crate) selections: Vec<(String, Clause)>,
    /// How the selections combine.
    pub(crate) condition: Condition,
}

/// A boolean combination of field tests.
#[derive(Clone, Debug)]
pub(crate) enum Clause {
    /// All of them; true when empty.
    All(Vec<Clause>),
    /// Any of them; false when empty.
    Any(Vec<Clause>),
    /// The contrary.
    Not(Box<Clause>),
    /// One field test.
    Test(Test),
}

/// A boolean combination of selections, by their place in [`DetectionRule::selections`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Condition {
    /// All of them.
    All(Vec<Condition>),
    /// At least so many of them.
    AtLeast(usize, Vec<Condition>),
    /// The contrary.
    Not(Box<Condition>),
    /// One selection.
    Selection(usize),
}

/// A rule about matches of other rules.
#[derive(Clone, Debug)]
pub(crate) struct CorrelationRule {
    /// What is looked for.
    pub(crate) kind: CorrelationKind,
    /// Ids or names of the rules it counts, in order.
    pub(crate) rules: Vec<String>,
    /// Fields (or aliases) whose values separate one window from another.
    pub(crate) group_by: Vec<String>,
    /// Other names that a field has in some of the rules.
    pub(crate) aliases: Vec<Alias>,
    /// Length of the window.
    pub(crate) timespan: Duration,
    /// Whether the rules it counts also ring for themselves.
    pub(crate) generate: bool,
}

impl CorrelationRule {
    /// Lets it refer to `names` in place of its members, in their order.
    pub(crate) fn rename_members(&mut self, names: &[String]) {
        for alias in &mut self.aliases {
            for (rule, _) in &mut alias.fields {
                if let Some(place) = self.rules.iter().position(|member| member == rule) {
                    rule.clone_from(&names[place]);
                }
            }
        }
        self.rules = names.to_vec();
    }
}

/// A group-by name that stands for different fields in different rules.
#[derive(Clone, Debug)]
pub(crate) struct Alias {
    /// The name in `group-by`.
    pub(crate) name: String,
    /// (rule, field in its events), sorted by rule.
    pub(crate) fields: Vec<(String, String)>,
}

/// Bounds on a count: all must hold.
pub(crate) type CountBounds = Vec<(Comparison, u64)>;
/// Bounds on a measure of values (sum, average, percentile): all must hold.
pub(crate) type MeasureBounds = Vec<(Comparison, i64)>;

/// The kinds of correlation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum CorrelationKind {
    /// So many events.
    EventCount(CountBounds),
    /// So many distinct values of the fields together.
    ValueCount(Vec<String>, CountBounds),
    /// The sum of a field's numbers.
    ValueSum(String, MeasureBounds),
    /// The average of a field's numbers.
    ValueAvg(String, MeasureBounds),
    /// A percentile (0 to 100) of a field's numbers.
    ValuePercentile(String, u8, MeasureBounds),
    /// Each rule at least once, in any order; with a condition, whatever that asks. The places in
    /// [`Condition::Selection`] are those of [`CorrelationRule::rules`].
    Temporal(Option<Condition>),
    /// The same, in the order written.
    TemporalOrdered(Option<Condition>),
}

impl CorrelationKind {
    /// Sigma's name of the kind.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::EventCount(_) => "event_count",
            Self::ValueCount(..) => "value_count",
            Self::ValueSum(..) => "value_sum",
            Self::ValueAvg(..) => "value_avg",
            Self::ValuePercentile(..) => "value_percentile",
            Self::Temporal(_) => "temporal",
            Self::TemporalOrdered(_) => "temporal_ordered",
        }
    }
}

/// How two numbers compare.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Comparison {
    /// Less.
    Lt,
    /// Less or equal.
    Lte,
    /// Greater.
    Gt,
    /// Greater or equal.
    Gte,
    /// Equal.
    Eq,
    /// Not equal.
    Neq,
}

impl Comparison {
    /// Whether `ordering` of (left, right) satisfies it.
    pub(crate) fn holds(self, ordering: std::cmp::Ordering) -> bool {
        match self {
            Self::Lt => ordering.is_lt(),
            Self::Lte => ordering.is_le(),
            Self::Gt => ordering.is_gt(),
            Self::Gte => ordering.is_ge(),
            Self::Eq => ordering.is_eq(),
            Self::Neq => ordering.is_ne(),
        }
    }
}
