//! Where an entry stands in the ledger.

use std::fmt;

/// 0-based position of an entry in the ledger. Dense, never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Index(pub u64);

impl Index {
    /// The position after this one.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0 + 1)
    }

    /// The position `count` places after this one.
    #[must_use]
    pub const fn plus(self, count: u64) -> Self {
        Self(self.0 + count)
    }
}

impl fmt::Display for Index {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Number of entries in the ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TreeSize(pub u64);

impl TreeSize {
    /// The index of the newest entry, `None` for an empty ledger.
    pub const fn last_index(self) -> Option<Index> {
        match self.0.checked_sub(1) {
            Some(last) => Some(Index(last)),
            None => None,
        }
    }

    /// The index that the next entry will get.
    pub const fn next_index(self) -> Index {
        Index(self.0)
    }

    /// Whether `index` lies inside a ledger of this size.
    pub const fn contains(self, index: Index) -> bool {
        index.0 < self.0
    }
}

impl fmt::Display for TreeSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
