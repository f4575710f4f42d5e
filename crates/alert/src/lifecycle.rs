//! The life of an alert: open, acknowledged, closed with a verdict, and back to open.

use std::fmt;

use thiserror::Error;

use crate::{Alert, AlertId, limits};

/// Where an alert stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum State {
    /// Nobody has taken it.
    Open,
    /// Somebody works on it.
    Acknowledged,
    /// Done, with a verdict.
    Closed,
}

impl State {
    /// All states in the order of life.
    pub const ALL: [Self; 3] = [Self::Open, Self::Acknowledged, Self::Closed];

    /// The stored name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Acknowledged => "acknowledged",
            Self::Closed => "closed",
        }
    }

    /// The state with this stored name.
    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.name() == name)
    }

    /// Where `transition` leads from here, if it is legal.
    pub const fn after(self, transition: Transition) -> Option<Self> {
        match (self, transition) {
            (Self::Open, Transition::Acknowledge) => Some(Self::Acknowledged),
            // Closing an open alert is one act of reading and judging it.
            (Self::Open | Self::Acknowledged, Transition::Close(_)) => Some(Self::Closed),
            (Self::Closed, Transition::Reopen) => Some(Self::Open),
            _ => None,
        }
    }

    const fn ways_on(self) -> &'static str {
        match self {
            Self::Open => "acknowledge or close it",
            Self::Acknowledged => "close it",
            Self::Closed => "reopen it first",
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// What an alert turned out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// An attack or a breach of policy.
    TruePositive,
    /// The rule was wrong.
    FalsePositive,
    /// The rule was right and the behaviour is wanted.
    Benign,
}

impl Verdict {
    /// All verdicts.
    pub const ALL: [Self; 3] = [Self::TruePositive, Self::FalsePositive, Self::Benign];

    /// The stored name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::TruePositive => "true_positive",
            Self::FalsePositive => "false_positive",
            Self::Benign => "benign",
        }
    }

    /// The verdict with this stored name; `-` counts as `_`.
    pub fn of_name(name: &str) -> Option<Self> {
        let name = name.replace('-', "_");
        Self::ALL.into_iter().find(|verdict| verdict.name() == name)
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// What a person does to an alert.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Transition {
    /// Take it.
    Acknowledge,
    /// End it.
    Close(Verdict),
    /// Take it up again.
    Reopen,
}

impl Transition {
    /// The `event.action` of the entry that records it.
    pub const fn action(self) -> &'static str {
        match self {
            Self::Acknowledge => "alert_acknowledged",
            Self::Close(_) => "alert_closed",
            Self::Reopen => "alert_reopened",
        }
    }

    const fn participle(self) -> &'static str {
        match self {
            Self::Acknowledge => "acknowledged",
            Self::Close(_) => "closed",
            Self::Reopen => "reopened",
        }
    }

    /// Checks that `actor` may do this to `alert` now.
    pub(crate) fn check(
        self,
        alert: &Alert,
        actor: &str,
        note: Option<&str>,
    ) -> Result<State, TransitionError> {
        if actor.trim().is_empty() || limits::ACTOR_BYTES_MAX < actor.len() {
            return Err(TransitionError::Actor {
                len: actor.len(),
                bytes_max: limits::ACTOR_BYTES_MAX,
            });
        }
        let note_len = note.map_or(0, str::len);
        if limits::NOTE_BYTES_MAX < note_len {
            return Err(TransitionError::NoteTooLong {
                len: note_len,
                bytes_max: limits::NOTE_BYTES_MAX,
            });
        }
        let illegal = || TransitionError::Illegal {
            id: alert.id.clone(),
            state: alert.state,
            transition: self,
        };
        alert.state.after(self).ok_or_else(illegal)
    }
}

/// A change that the life of the alert does not allow, or that lacks what it needs.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum TransitionError {
    /// Not from this state.
    #[error(
        "alert {id} is {state} and cannot be {}: {}",
        transition.participle(),
        state.ways_on()
    )]
    Illegal {
        /// The alert.
        id: AlertId,
        /// Where it stands.
        state: State,
        /// What was wanted.
        transition: Transition,
    },
    /// Nobody, or a name too long to be one.
    #[error("actor must have 1 to {bytes_max} bytes, not {len}")]
    Actor {
        /// Bytes given.
        len: usize,
        /// The limit.
        bytes_max: usize,
    },
    /// The note does not fit.
    #[error("note of {len} bytes exceeds the limit of {bytes_max}")]
    NoteTooLong {
        /// Bytes given.
        len: usize,
        /// The limit.
        bytes_max: usize,
    },
}
