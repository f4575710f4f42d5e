//! What the witnesses remember, against what we have: asked before anything is written, because a
//! log that was rolled back cannot see it by itself.

use std::fmt;

use tlog::{Hash, Policy, VerifyingKey};

use crate::client::{Client, Fault};

/// What one witness's memory says about our log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It has seen a beginning of our log, of this size.
    Behind {
        /// Size it has seen.
        seen: u64,
    },
    /// It has never seen our log.
    Unseen,
    /// It has seen more under our own signature than we have: an older copy was put in place.
    RolledBack {
        /// Size it has seen.
        seen: u64,
        /// Size we have.
        ours: u64,
    },
    /// It has seen another root under our own signature.
    Forked {
        /// The size whose roots differ.
        size: u64,
        /// Root it has seen.
        seen: Hash,
        /// Root we have.
        ours: Hash,
    },
    /// It could not be asked; this says nothing about the log.
    Unknown(Fault),
    /// We could not compute our own root; `belfry verify` says more.
    Unreadable(String),
}

impl Standing {
    /// Whether the log must not go on as if nothing had happened.
    pub fn is_tampering(&self) -> bool {
        matches!(self, Self::RolledBack { .. } | Self::Forked { .. })
    }
}

impl fmt::Display for Standing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Behind { seen } => write!(f, "has seen the first {seen} entries, and they agree"),
            Self::Unseen => f.write_str("has not seen this log yet"),
            Self::RolledBack { seen, ours } => write!(
                f,
                "has seen {seen} entries under our signature, this ledger has {ours}: an older \
                 copy is in place"
            ),
            Self::Forked { size, seen, ours } => write!(
                f,
                "has seen another history: the root of the first {size} entries was {seen}, here \
                 it is {ours}"
            ),
            Self::Unknown(fault) => fault.fmt(f),
            Self::Unreadable(reason) => write!(f, "our own root cannot be computed: {reason}"),
        }
    }
}

/// Asks every witness of the policy with an address, at the same time, and compares. `ours` is
/// the size we have signed, `root_at` gives the root of our first so many entries.
pub fn ask_all(
    client: &Client,
    policy: &Policy,
    key: &VerifyingKey,
    ours: u64,
    root_at: &(dyn Fn(u64) -> Result<Hash, String> + Sync),
) -> Vec<(String, Standing)> {
    std::thread::scope(|scope| {
        let asked: Vec<_> = policy
            .witnesses()
            .iter()
            .filter_map(|witness| {
                let url = witness.url.as_deref()?;
                let asking = scope.spawn(move || of_one(client, url, key, ours, root_at));
                Some((witness.name.clone(), asking))
            })
            .collect();
        let lost = || Standing::Unknown(Fault::Unreachable("the question failed".to_owned()));
        asked
            .into_iter()
            .map(|(name, asking)| (name, asking.join().unwrap_or_else(|_| lost())))
            .collect()
    })
}

fn of_one(
    client: &Client,
    url: &str,
    key: &VerifyingKey,
    ours: u64,
    root_at: &(dyn Fn(u64) -> Result<Hash, String> + Sync),
) -> Standing {
    let seen = match client.newest_seen(url, key) {
        Ok(Some(seen)) => seen,
        Ok(None) => return Standing::Unseen,
        Err(fault) => return Standing::Unknown(fault),
    };
    if ours < seen.size() {
        return Standing::RolledBack {
            seen: seen.size(),
            ours,
        };
    }
    match root_at(seen.size()) {
        Ok(root) if root == *seen.root() => Standing::Behind { seen: seen.size() },
        Ok(root) => Standing::Forked {
            size: seen.size(),
            seen: *seen.root(),
            ours: root,
        },
        Err(reason) => Standing::Unreadable(reason),
    }
}
