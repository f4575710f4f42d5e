//! A checkpoint that somebody outside remembers: the one thing that shows a ledger which was rolled
//! back, or rewritten together with its own signatures.

use tlog::{Hash, UnverifiedCheckpoint, VerifyingKey};

use super::{FindingKind, VerifyError, Walk};

/// What the memory says, and what the ledger turned out to hold.
#[derive(Clone, Copy, Debug)]
pub(super) struct Remembered {
    size: u64,
    root: Hash,
    /// Root of as many entries as computed here.
    computed: Option<Hash>,
}

impl Remembered {
    /// Reads a note. One that this log did not sign says nothing about it.
    pub(super) fn parse(note: &str, key: &VerifyingKey, origin: &str) -> Result<Self, VerifyError> {
        let foreign = |error: String| VerifyError::Remembered(error);
        let unverified =
            UnverifiedCheckpoint::parse(note.as_bytes()).map_err(|e| foreign(e.to_string()))?;
        let checkpoint = unverified
            .verify(key, origin)
            .map_err(|e| foreign(e.to_string()))?;
        Ok(Self {
            size: checkpoint.size(),
            root: *checkpoint.root(),
            computed: None,
        })
    }
}

impl Walk<'_> {
    /// Keeps the root when the tree has the remembered size.
    pub(super) fn note_remembered(&mut self) {
        let size = self.tree.size();
        if let Some(remembered) = &mut self.remembered
            && remembered.size == size
        {
            remembered.computed = Some(self.tree.root());
        }
    }

    /// Holds the memory against the ledger.
    pub(super) fn judge_remembered(&mut self) {
        let Some(Remembered {
            size,
            root,
            computed,
        }) = self.remembered
        else {
            return;
        };
        let tree_size = self.next_index;
        if tree_size < size {
            // A ledger that is short by its own account is found elsewhere; this one is whole.
            self.findings
                .add(Some(tree_size), FindingKind::RolledBack, || {
                    format!(
                        "the ledger ends at {tree_size} entries, the remembered checkpoint is of \
                         {size}"
                    )
                });
        } else if computed.is_some_and(|computed| computed != root) {
            self.findings.add(None, FindingKind::Forked, || {
                format!("the first {size} entries are not those of the remembered checkpoint")
            });
        }
    }
}
