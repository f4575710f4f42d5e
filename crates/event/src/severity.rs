//! How grave a detection or an event is; the five steps of OCSF `severity_id` and of Sigma levels.

use std::fmt;

/// Ordered from harmless to grave.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Recorded only.
    Informational,
    /// Daily review.
    Low,
    /// Answer within a working day.
    Medium,
    /// Answer within the hour.
    High,
    /// Wake somebody.
    Critical,
}

impl Severity {
    /// All steps, harmless first.
    pub const ALL: [Self; 5] = [
        Self::Informational,
        Self::Low,
        Self::Medium,
        Self::High,
        Self::Critical,
    ];

    /// Sigma's name of the step.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Informational => "informational",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }

    /// The step with this name, any case.
    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|step| step.name().eq_ignore_ascii_case(name))
    }

    /// OCSF `severity_id`, 1 to 5.
    pub const fn number(self) -> i64 {
        match self {
            Self::Informational => 1,
            Self::Low => 2,
            Self::Medium => 3,
            Self::High => 4,
            Self::Critical => 5,
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
