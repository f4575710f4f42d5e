//! What a verification has to say.

use std::fmt;

use event::Index;
use tlog::Hash;

use crate::damage::Absence;
use crate::limits::FINDINGS_MAX;

/// What kind of wrong was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FindingKind {
    /// Bytes differ from what was committed to.
    Edited,
    /// Something that must be there is not.
    Missing,
    /// Something is not where its order puts it.
    Reordered,
    /// The ledger ends before what was signed.
    Truncated,
    /// The ledger ends before a checkpoint that somebody outside remembers, and does not know it.
    RolledBack,
    /// Entries and signed root disagree, though entries and tiles agree: the whole was rewritten.
    Forked,
    /// A signature or key does not hold.
    Unsigned,
    /// Entries of an epoch are not sealed by the key of that epoch.
    WrongEpochKey,
    /// No sign of life where a running ledger gives one.
    Stale,
    /// A file could not be read.
    Unreadable,
}

impl fmt::Display for FindingKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Edited => "edited",
            Self::Missing => "missing",
            Self::Reordered => "reordered",
            Self::Truncated => "truncated",
            Self::RolledBack => "rolled back",
            Self::Forked => "forked",
            Self::Unsigned => "unsigned",
            Self::WrongEpochKey => "wrong epoch key",
            Self::Stale => "stale",
            Self::Unreadable => "unreadable",
        })
    }
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The entry concerned, if it is a certain one.
    pub index: Option<Index>,
    /// What kind of wrong.
    pub kind: FindingKind,
    /// Where and what, for a person.
    pub detail: String,
}

/// What a verification saw.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifyReport {
    /// Entries found.
    pub tree_size: u64,
    /// Entries under the checkpoint, if it holds.
    pub checkpoint_size: Option<u64>,
    /// Root of the entries that the checkpoint covers, as computed here.
    pub root: Option<Hash>,
    /// What is wrong, lowest index first; at most [`FINDINGS_MAX`] of them.
    pub findings: Vec<Finding>,
    /// How many findings there were.
    pub findings_total: u64,
    /// Bytes of frames and blocks read.
    pub bytes: u64,
    /// Entries read.
    pub entries: u64,
    /// Epochs that are over, each sealed by its own key.
    pub epochs: u64,
    /// Receipt time of the entry that began the running epoch, nanoseconds since 1970.
    pub alive_at_ns: u64,
    /// Entries whose body was removed, in runs of neighbours.
    pub absences: Vec<Absence>,
}

impl VerifyReport {
    /// True when nothing is wrong.
    pub fn is_clean(&self) -> bool {
        self.findings_total == 0
    }

    /// The lowest index that something is wrong with.
    pub fn first_bad_index(&self) -> Option<Index> {
        self.findings.iter().find_map(|finding| finding.index)
    }
}

/// Findings as they are made: all are counted, the first are kept.
#[derive(Debug, Default)]
pub(super) struct Findings {
    pub(super) list: Vec<Finding>,
    pub(super) total: u64,
}

impl Findings {
    pub(super) fn add(
        &mut self,
        index: Option<u64>,
        kind: FindingKind,
        detail: impl FnOnce() -> String,
    ) {
        self.total += 1;
        if self.list.len() < FINDINGS_MAX {
            self.list.push(Finding {
                index: index.map(Index),
                kind,
                detail: detail(),
            });
        }
    }
}
