//! Books per source: received = stored + refused, how many records were defective, when the source
//! was last heard. The figures behind `/metrics`, the silence alarm and every summary.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Sources with books of their own; senders cannot invent more than tokens and listeners allow,
/// so this is a bound on configuration, not on traffic.
const SOURCES_MAX: usize = 4096;
/// Where the overflow is booked.
const OTHER_SOURCES: &str = "(other)";

/// Figures of one source.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Account {
    /// Records seen at a door.
    pub(crate) received: u64,
    /// Records durable in the ledger.
    pub(crate) stored: u64,
    /// Records refused, with the reason counted apart.
    pub(crate) refused: u64,
    /// Records with at least one defect.
    pub(crate) defective: u64,
    /// When the last record came, nanoseconds since 1970; 0 for never.
    pub(crate) heard_at: i64,
    /// Whether the silence alarm has been written for the present silence.
    pub(crate) is_silent: bool,
    /// Figures at the last look of the watchman: received and defective.
    pub(crate) looked: (u64, u64),
}

/// The books.
#[derive(Debug, Default)]
pub(crate) struct Accounts {
    sources: Mutex<BTreeMap<Arc<str>, Account>>,
    refusals: Mutex<BTreeMap<&'static str, u64>>,
}

impl Accounts {
    /// Changes the account of `source`.
    pub(crate) fn book(&self, source: &str, change: impl FnOnce(&mut Account)) {
        let mut sources = self.sources.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(account) = sources.get_mut(source) {
            return change(account);
        }
        let name = if sources.len() < SOURCES_MAX {
            source
        } else {
            OTHER_SOURCES
        };
        change(sources.entry(Arc::from(name)).or_default());
    }

    /// Notes that `source` was heard at `at` in an earlier life of this process, so that it is
    /// missed when it stays silent.
    pub(crate) fn remember(&self, source: &str, at: i64) {
        self.book(source, |account| {
            account.heard_at = account.heard_at.max(at);
        });
    }

    /// Books `count` records of `source` refused for `reason`.
    pub(crate) fn refuse(&self, source: &str, reason: &'static str, count: u64) {
        self.book(source, |account| {
            account.received += count;
            account.refused += count;
        });
        self.count(reason, count);
    }

    /// Counts `count` occurrences of `reason`.
    pub(crate) fn count(&self, reason: &'static str, count: u64) {
        let mut refusals = self.refusals.lock().unwrap_or_else(PoisonError::into_inner);
        *refusals.entry(reason).or_default() += count;
    }

    /// All accounts by source.
    pub(crate) fn sources(&self) -> Vec<(Arc<str>, Account)> {
        let sources = self.sources.lock().unwrap_or_else(PoisonError::into_inner);
        sources
            .iter()
            .map(|(name, account)| (Arc::clone(name), *account))
            .collect()
    }

    /// Refusals and other counted occurrences by reason.
    pub(crate) fn refusals(&self) -> Vec<(&'static str, u64)> {
        let refusals = self.refusals.lock().unwrap_or_else(PoisonError::into_inner);
        refusals
            .iter()
            .map(|(reason, count)| (*reason, *count))
            .collect()
    }

    /// The sum of all accounts.
    pub(crate) fn total(&self) -> Account {
        self.sources()
            .iter()
            .fold(Account::default(), |sum, (_, account)| Account {
                received: sum.received + account.received,
                stored: sum.stored + account.stored,
                refused: sum.refused + account.refused,
                defective: sum.defective + account.defective,
                heard_at: sum.heard_at.max(account.heard_at),
                ..sum
            })
    }
}
