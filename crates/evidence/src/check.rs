//! Checking an evidence file: nothing in it is believed before it was proven.

use event::Index;
use ledger::{Claim, ProvenRecord, SealedEpoch, verify_proof, verify_seal};
use thiserror::Error;
use tlog::{Policy, UnverifiedCheckpoint, VerifyingKey};

use crate::limits::{FINDINGS_MAX, RECORDS_MAX};
use crate::page;
use crate::wire::{Bundle, FORMAT};

/// Why a file could not be checked at all.
#[derive(Debug, Error)]
pub enum CheckError {
    /// Not an evidence file.
    #[error("no evidence file: {0}")]
    Format(String),
    /// The key to check against is malformed.
    #[error("verifier key: {0}")]
    Key(String),
}

/// One thing that does not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The record concerned, if it is a certain one.
    pub index: Option<Index>,
    /// What does not hold, for a person.
    pub reason: String,
}

/// What a check came to.
#[derive(Clone, Debug)]
pub struct Report {
    /// What the file holds.
    pub bundle: Bundle,
    /// Records that are proven, each with its body.
    pub proven: Vec<ProvenRecord>,
    /// Entries under the checkpoint, if its signature holds.
    pub tree_size: Option<u64>,
    /// The key came from the caller; else the file vouches for itself, which anybody can arrange.
    pub is_pinned: bool,
    /// Witnesses whose cosignatures hold, with the time each gives, seconds since 1970.
    pub witnesses: Vec<(String, u64)>,
    /// The policy in the file is satisfied by them; `None` when the file has none.
    pub is_witnessed: Option<bool>,
    /// The sealed epoch, if the file has a seal and it holds.
    pub sealed: Option<SealedEpoch>,
    /// What does not hold; at most [`FINDINGS_MAX`] of them.
    pub findings: Vec<Finding>,
    /// How many there were.
    pub findings_total: u64,
}

impl Report {
    /// True when everything in the file holds.
    pub fn holds(&self) -> bool {
        self.findings_total == 0
    }

    fn add(&mut self, index: Option<Index>, reason: impl Into<String>) {
        self.findings_total += 1;
        if self.findings.len() < FINDINGS_MAX {
            self.findings.push(Finding {
                index,
                reason: reason.into(),
            });
        }
    }
}

/// Reads an evidence file and checks everything in it against `vkey`, or against the key it names
/// itself when the caller has none.
pub fn check(html: &str, vkey: Option<&str>) -> Result<Report, CheckError> {
    let data = page::data_of(html).ok_or_else(|| CheckError::Format("no data in it".to_owned()))?;
    let bundle: Bundle =
        serde_json::from_str(data).map_err(|error| CheckError::Format(told(&error)))?;
    if bundle.format != FORMAT {
        return Err(CheckError::Format(format!("its format is not {FORMAT}")));
    }
    if RECORDS_MAX < bundle.records.len() {
        return Err(CheckError::Format(format!(
            "{} records, the limit is {RECORDS_MAX}",
            bundle.records.len()
        )));
    }
    let key = vkey.unwrap_or(&bundle.vkey).trim().to_owned();
    let parsed: VerifyingKey = key
        .parse()
        .map_err(|error: tlog::note::VerifyingKeyParseError| CheckError::Key(error.to_string()))?;
    let mut report = Report {
        bundle,
        proven: Vec::new(),
        tree_size: None,
        is_pinned: vkey.is_some(),
        witnesses: Vec::new(),
        is_witnessed: None,
        sealed: None,
        findings: Vec::new(),
        findings_total: 0,
    };
    if report.bundle.vkey != key {
        let named = report.bundle.vkey.clone();
        report.add(None, format!("the file names the key {named}"));
    }
    check_checkpoint(&mut report, &parsed);
    check_records(&mut report, &key);
    check_seal(&mut report, &key);
    if report.bundle.to_html() != html {
        report.add(
            None,
            "the readable page was not made from the data in it: believe the data only",
        );
    }
    Ok(report)
}

/// What serde says about the place; its message may quote the file and stays out.
fn told(error: &serde_json::Error) -> String {
    format!(
        "the data are no evidence (line {}, column {})",
        error.line(),
        error.column()
    )
}

fn check_checkpoint(report: &mut Report, key: &VerifyingKey) {
    let note = report.bundle.checkpoint.clone();
    let parsed = match UnverifiedCheckpoint::parse(note.as_bytes()) {
        Ok(parsed) => parsed,
        Err(error) => return report.add(None, format!("checkpoint: {error}")),
    };
    match parsed.verify(key, key.name()) {
        Ok(checkpoint) => report.tree_size = Some(checkpoint.size()),
        Err(error) => return report.add(None, format!("checkpoint: {error}")),
    }
    if report.bundle.policy.is_empty() {
        return;
    }
    let policy = match Policy::parse(&report.bundle.policy) {
        Ok(policy) => policy,
        Err(error) => return report.add(None, format!("policy: {error}")),
    };
    match policy.judge(&parsed) {
        Ok(witnessed) => {
            report.witnesses = witnessed
                .cosignatures()
                .map(|cosignature| (cosignature.cosigner().to_owned(), cosignature.time_s()))
                .collect();
            report.is_witnessed = Some(witnessed.is_satisfied());
        }
        Err(error) => report.add(None, format!("policy: {error}")),
    }
}

fn check_records(report: &mut Report, key: &str) {
    let records = std::mem::take(&mut report.bundle.records);
    let mut last = None;
    for record in &records {
        let index = Some(Index(record.index));
        if last.is_some_and(|last| record.index <= last) {
            report.add(index, "records are not in the order of the log");
        }
        last = Some(record.index);
        // All proofs lead to the one checkpoint that the page shows.
        if !record.proof.ends_with(&report.bundle.checkpoint) {
            report.add(index, "its proof is against another checkpoint");
            continue;
        }
        match verify_proof(record.proof.as_bytes(), Claim::InProof, key) {
            Ok(proven) if proven.index.0 != record.index => {
                report.add(index, format!("its proof is of entry {}", proven.index));
            }
            Ok(proven) => report.proven.push(proven),
            Err(error) => report.add(index, error.to_string()),
        }
    }
    report.bundle.records = records;
}

fn check_seal(report: &mut Report, key: &str) {
    let Some(seal) = &report.bundle.seal else {
        return;
    };
    match verify_seal(&seal.proof(), &report.bundle.checkpoint, key) {
        Ok(sealed) => {
            let is_over_all = report
                .bundle
                .records
                .last()
                .is_none_or(|record| record.index < sealed.size);
            if !is_over_all {
                report.add(None, "the seal is over earlier entries only");
            }
            report.sealed = Some(sealed);
        }
        Err(error) => report.add(None, error.to_string()),
    }
}
