//! The visiting card of a node: one line that holds all another node must know to watch its log
//! and to be watched by it. Nothing in it is secret; that it is the right one is for the two
//! operators to see to, by the fingerprint.

use std::fmt;
use std::str::FromStr;

use sha2::{Digest as _, Sha256};
use thiserror::Error;
use tlog::note::VerifyingKeyParseError;
use tlog::{CosignerKey, Policy, VerifyingKey};

const FIRST_WORD: &str = "belfry-node/1";
/// Bytes of a card: two keys with long names and an address.
const CARD_BYTES_MAX: usize = 4096;
/// Bytes of the digest that people compare.
const FINGERPRINT_BYTES: usize = 10;
/// Name of the group that [`paired`] writes.
const GROUP: &str = "sisters";

/// What one node tells another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Card {
    /// Key of the log; its name is the origin.
    pub log: VerifyingKey,
    /// Key with which the node cosigns other logs.
    pub witness: CosignerKey,
    /// Where its witness takes checkpoints.
    pub url: String,
}

impl Card {
    /// What two people read to each other to be sure that nobody exchanged the card.
    pub fn fingerprint(&self) -> String {
        let digest = Sha256::digest(self.to_string());
        let hex: Vec<String> = digest[..FINGERPRINT_BYTES]
            .chunks(2)
            .map(|pair| format!("{:02x}{:02x}", pair[0], pair[1]))
            .collect();
        hex.join(" ")
    }
}

impl fmt::Display for Card {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{FIRST_WORD} {} {} {}", self.log, self.witness, self.url)
    }
}

/// Why a text is not a card.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum CardError {
    /// Not the four words.
    #[error("a card is `{FIRST_WORD} LOG-KEY WITNESS-KEY URL` in one line")]
    Shape,
    /// The key of the log is malformed.
    #[error("the log key of the card: {0}")]
    Log(VerifyingKeyParseError),
    /// The key of the witness is malformed.
    #[error("the witness key of the card: {0}")]
    Witness(VerifyingKeyParseError),
    /// Not an address.
    #[error("the address of the card must begin with https:// or http:// and hold no user name")]
    Url,
}

impl FromStr for Card {
    type Err = CardError;

    fn from_str(text: &str) -> Result<Self, CardError> {
        if CARD_BYTES_MAX < text.len() {
            return Err(CardError::Shape);
        }
        let words: Vec<&str> = text.split_ascii_whitespace().collect();
        let [FIRST_WORD, log, witness, url] = words.as_slice() else {
            return Err(CardError::Shape);
        };
        let rest = url
            .strip_prefix("https://")
            .or_else(|| url.strip_prefix("http://"));
        let host = rest.and_then(|rest| rest.split('/').next()).unwrap_or("");
        if host.is_empty() || host.contains(['@', '#', '?']) || url.contains('#') {
            return Err(CardError::Url);
        }
        Ok(Self {
            log: log.parse().map_err(CardError::Log)?,
            witness: witness.parse().map_err(CardError::Witness)?,
            url: url.trim_end_matches('/').to_owned(),
        })
    }
}

/// Why a policy was not changed.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum PairError {
    /// The policy was written by a person, who alone knows what it means.
    #[error(
        "the policy was not written by `belfry witness pair`; add these lines yourself:\n{lines}"
    )]
    Foreign {
        /// The line of the new witness.
        lines: String,
    },
    /// The policy is about another log.
    #[error("the policy is about the log {known}, not about {ours}")]
    OtherLog {
        /// Key in the policy.
        known: String,
        /// Key of this node.
        ours: String,
    },
}

/// The text of a policy that asks any one of the paired nodes for a cosignature: `policy` with
/// the witness of `card` added or its address replaced.
pub fn paired(
    policy: Option<&Policy>,
    ours: &VerifyingKey,
    card: &Card,
) -> Result<String, PairError> {
    let mut witnesses: Vec<(String, String)> = Vec::new();
    if let Some(policy) = policy {
        if policy.logs().first().map(|log| &log.key) != Some(ours) || policy.logs().len() != 1 {
            return Err(PairError::OtherLog {
                known: policy
                    .logs()
                    .first()
                    .map_or(String::new(), |log| log.key.to_string()),
                ours: ours.to_string(),
            });
        }
        for witness in policy.witnesses() {
            let url = witness.url.clone().unwrap_or_default();
            witnesses.push((witness.vkey.clone(), url));
        }
        if written(ours, &witnesses) != policy.to_string() {
            let line = format!("witness NAME {} {}", card.witness, card.url);
            return Err(PairError::Foreign { lines: line });
        }
    }
    let vkey = card.witness.to_string();
    match witnesses.iter_mut().find(|(known, _)| *known == vkey) {
        Some((_, url)) => url.clone_from(&card.url),
        None => witnesses.push((vkey, card.url.clone())),
    }
    Ok(written(ours, &witnesses))
}

/// The policy of one log and these witnesses, one of whom is enough.
fn written(ours: &VerifyingKey, witnesses: &[(String, String)]) -> String {
    let mut text = format!("log {ours}\n");
    let mut names = Vec::new();
    for (number, (vkey, url)) in (1..).zip(witnesses) {
        let name = format!("sister-{number}");
        text.push_str(format!("witness {name} {vkey} {url}").trim_end());
        text.push('\n');
        names.push(name);
    }
    let names = names.join(" ");
    text + &format!("group {GROUP} 1 {names}\nquorum {GROUP}\n")
}

#[cfg(test)]
mod tests;
