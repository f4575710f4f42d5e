//! What becomes of each kind: the defaults with the operator's choices over them.

use std::collections::BTreeMap;

use crate::kind::{Action, Kind};

/// The action of every kind.
#[derive(Clone, Debug, Default)]
pub(crate) struct Actions(BTreeMap<Kind, Action>);

impl Actions {
    /// Choices that do not suit their kind are left out; [`Action::suits`] tells beforehand.
    pub(crate) fn new(chosen: &[(Kind, Action)]) -> Self {
        let suited = chosen.iter().filter(|(kind, action)| action.suits(*kind));
        Self(suited.copied().collect())
    }

    /// What becomes of `kind`.
    pub(crate) fn of(&self, kind: Kind) -> Action {
        self.0
            .get(&kind)
            .copied()
            .unwrap_or_else(|| kind.default_action())
    }

    /// The operator's choices, in a fixed order.
    pub(crate) fn chosen(&self) -> impl Iterator<Item = (Kind, Action)> {
        self.0.iter().map(|(kind, action)| (*kind, *action))
    }
}
