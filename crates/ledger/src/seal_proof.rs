//! The seal over an entry as something that leaves the house: proof that it has not been re-signed
//! since the key of its epoch was erased (docs/format/ledger.md, section 7).

use event::Index;
use thiserror::Error;
use tlog::{Hash, UnverifiedCheckpoint, VerifyingKey};

use crate::epoch::SealReader;
use crate::error::{ProveError, ReadError};
use crate::leaf::Kind;
use crate::prove::{Claim, ProofError, ProvenRecord, verify_proof};
use crate::reader::Reader;
use crate::record_text;

/// A seal and what ties it to a checkpoint: all texts, so that they can be kept anywhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealProof {
    /// The seal: a signed note.
    pub note: String,
    /// Proof of the entry that names the key of the sealed epoch.
    pub begins: String,
    /// Proof of the entry that ends the epoch and names the next key.
    pub ends: String,
    /// Base64 hashes that lead from the tree of the seal to that of the checkpoint (RFC 6962,
    /// section 2.1.2).
    pub consistency: Vec<String>,
}

/// What a checked seal says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SealedEpoch {
    /// Number of the epoch.
    pub epoch: u64,
    /// Entries under the seal.
    pub size: u64,
    /// When the epoch ended by our clock, nanoseconds since 1970 UTC.
    pub ended_ns: u64,
}

impl Reader {
    /// The first seal over an entry, tied to a checkpoint of this log; `None` while the epoch of
    /// the entry runs or its end lies beyond that checkpoint.
    pub fn prove_seal(&self, index: Index, note: &str) -> Result<Option<SealProof>, ProveError> {
        let (_, checkpoint) = self.checked_note(Some(note))?;
        let mut seals = SealReader::new(&*self.shared.disk, &self.shared.layout);
        // The genesis entry names the first key.
        let mut begins = 0;
        while let Some(seal) = seals.next().map_err(ReadError::Disk)? {
            let foreign = |error: String| ProveError::Checkpoint(error);
            let text = String::from_utf8(seal.note).map_err(|e| foreign(e.to_string()))?;
            let (_, sealed) = self.checked_note(Some(&text))?;
            if checkpoint.size() < sealed.size() {
                break;
            }
            let ends = sealed.size() - 1;
            if ends < index.0 {
                begins = ends;
                continue;
            }
            let hashes = self.consistency_proof(sealed.size(), checkpoint.size())?;
            return Ok(Some(SealProof {
                note: text,
                begins: self.prove_under(Index(begins), note)?,
                ends: self.prove_under(Index(ends), note)?,
                consistency: hashes.iter().map(Hash::to_string).collect(),
            }));
        }
        Ok(None)
    }
}

/// Checks a seal against a checkpoint note and the pinned verifier key, offline.
pub fn verify_seal(
    proof: &SealProof,
    note: &str,
    vkey: &str,
) -> Result<SealedEpoch, SealProofError> {
    let key: VerifyingKey = vkey
        .parse()
        .map_err(|error| SealProofError::Proof(ProofError::Key(error)))?;
    let signed = |note: &str, key: &VerifyingKey, origin: &str| {
        UnverifiedCheckpoint::parse(note.as_bytes())
            .map_err(|error| error.to_string())?
            .verify(key, origin)
            .map_err(|error| error.to_string())
    };
    let checkpoint = signed(note, &key, key.name()).map_err(SealProofError::Checkpoint)?;
    let (begins, ends) = (
        proven(&proof.begins, note, vkey)?,
        proven(&proof.ends, note, vkey)?,
    );
    let (epoch, epoch_vkey) = named_key(&begins).ok_or(SealProofError::Begins)?;
    let (next, next_vkey) = named_key(&ends).ok_or(SealProofError::Ends)?;
    if next != epoch + 1 || ends.index <= begins.index {
        return Err(SealProofError::Ends);
    }
    for vkey in [vkey, &epoch_vkey, &next_vkey] {
        let signer: VerifyingKey = vkey
            .parse()
            .map_err(|error| SealProofError::Proof(ProofError::Key(error)))?;
        let sealed = signed(&proof.note, &signer, key.name()).map_err(SealProofError::Seal)?;
        if sealed.size() != ends.index.0 + 1 {
            return Err(SealProofError::Size {
                sealed: sealed.size(),
                ends: ends.index.0,
            });
        }
        let hashes = proof.consistency.iter().map(|hash| hash.parse());
        let hashes: Vec<Hash> = hashes
            .collect::<Result<_, _>>()
            .map_err(|error: tlog::hash::HashParseError| SealProofError::Seal(error.to_string()))?;
        tlog::tree::verify_consistency(
            sealed.size(),
            checkpoint.size(),
            sealed.root(),
            checkpoint.root(),
            &hashes,
        )
        .map_err(|error| SealProofError::Seal(error.to_string()))?;
    }
    Ok(SealedEpoch {
        epoch,
        size: ends.index.0 + 1,
        ended_ns: ends.recv_ns,
    })
}

/// A record under exactly this checkpoint.
fn proven(proof: &str, note: &str, vkey: &str) -> Result<ProvenRecord, SealProofError> {
    if !proof.ends_with(note) {
        return Err(SealProofError::OtherCheckpoint);
    }
    verify_proof(proof.as_bytes(), Claim::InProof, vkey).map_err(SealProofError::Proof)
}

/// The epoch and key that a genesis or rotation entry names.
fn named_key(record: &ProvenRecord) -> Option<(u64, String)> {
    let body = record.body.as_ref()?.as_bytes();
    match record.kind {
        Kind::Genesis => record_text::read_genesis(body).map(|keys| (0, keys.epoch_vkey)),
        Kind::KeyRotation => record_text::read_rotation(body).map(|(epoch, vkey, _)| (epoch, vkey)),
        _ => None,
    }
}

/// Why a seal proves nothing.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum SealProofError {
    /// The checkpoint does not hold.
    #[error("checkpoint: {0}")]
    Checkpoint(String),
    /// A proof inside does not hold.
    #[error("{0}")]
    Proof(ProofError),
    /// A proof inside is against another checkpoint.
    #[error("a proof of the seal is against another checkpoint")]
    OtherCheckpoint,
    /// The first entry names no epoch key.
    #[error("the entry that begins the epoch names no key")]
    Begins,
    /// The last entry does not end this epoch.
    #[error("the entry that ends the epoch does not belong to it")]
    Ends,
    /// The note is not signed as it must be, or of another tree.
    #[error("seal: {0}")]
    Seal(String),
    /// The seal is over something else than the end of the epoch.
    #[error("the seal is over {sealed} entries, the epoch ends with entry {ends}")]
    Size {
        /// Entries under the seal.
        sealed: u64,
        /// Index of the last entry of the epoch.
        ends: u64,
    },
}
