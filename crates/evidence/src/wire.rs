//! What an evidence file holds, as it is written: JSON at the end of the page.

use serde::{Deserialize, Serialize};

/// First words of the data; another version is refused.
pub(crate) const FORMAT: &str = "belfry-evidence/1";

/// Everything of one evidence file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bundle {
    /// Name and version of this format.
    pub format: String,
    /// What was asked for: an alert, a query, a range of entries.
    pub question: String,
    /// Who made the file, as the operating system names him.
    pub made_by: String,
    /// When, RFC 3339 in UTC. A claim of the maker; the checkpoint says when at the latest.
    pub made_at: String,
    /// Verifier key of the log. Whoever checks compares it with one from elsewhere.
    pub vkey: String,
    /// The checkpoint that all proofs lead to, with the cosignatures of witnesses.
    pub checkpoint: String,
    /// The witnesses that were asked for, as c2sp.org/tlog-policy; empty without any.
    pub policy: String,
    /// The alert that the records belong to, as JSON of one line; empty without one.
    pub alert: String,
    /// The seal over the last record, if its epoch is over.
    pub seal: Option<Seal>,
    /// The records, by index.
    pub records: Vec<Record>,
}

/// One record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// Index in the log.
    pub index: u64,
    /// `c2sp.org/tlog-proof@v1`, with entry, salt and body in its extra line.
    pub proof: String,
}

/// The seal of an epoch and what ties it to the checkpoint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Seal {
    /// The seal, a signed note.
    pub note: String,
    /// Proof of the entry that names the key of the sealed epoch.
    pub begins: String,
    /// Proof of the entry that ends it.
    pub ends: String,
    /// Base64 hashes from the tree of the seal to that of the checkpoint.
    pub consistency: Vec<String>,
}

impl Bundle {
    /// An empty file about a question, under a checkpoint.
    pub fn new(question: &str, vkey: &str, checkpoint: &str) -> Self {
        Self {
            format: FORMAT.to_owned(),
            question: question.to_owned(),
            made_by: String::new(),
            made_at: String::new(),
            vkey: vkey.to_owned(),
            checkpoint: checkpoint.to_owned(),
            policy: String::new(),
            alert: String::new(),
            seal: None,
            records: Vec::new(),
        }
    }

    /// The data as they stand in the page: `<` is escaped, so that nothing in them ends the
    /// element.
    pub(crate) fn to_data(&self) -> String {
        let json = serde_json::to_string(self).expect("texts and numbers always become JSON");
        json.replace('<', "\\u003c")
    }
}

impl From<ledger::SealProof> for Seal {
    fn from(proof: ledger::SealProof) -> Self {
        let ledger::SealProof {
            note,
            begins,
            ends,
            consistency,
        } = proof;
        Self {
            note,
            begins,
            ends,
            consistency,
        }
    }
}

impl Seal {
    pub(crate) fn proof(&self) -> ledger::SealProof {
        ledger::SealProof {
            note: self.note.clone(),
            begins: self.begins.clone(),
            ends: self.ends.clone(),
            consistency: self.consistency.clone(),
        }
    }
}
