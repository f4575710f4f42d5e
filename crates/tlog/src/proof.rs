//! Offline proofs: one entry's inclusion proof and the checkpoint it leads to, as one text
//! (c2sp.org/tlog-proof).
//!
//! A proof says nothing about which entry it is for: the verifier brings the entry.

use std::fmt;

use thiserror::Error;

use crate::checkpoint::{
    Checkpoint, CheckpointParseError, CheckpointVerifyError, UnverifiedCheckpoint,
};
use crate::encoding::{base64, from_base64, from_decimal};
use crate::hash::{Hash, HashParseError, leaf_hash};
use crate::limits::{
    INCLUSION_HASHES_MAX, PROOF_EXTRA_LEN_BYTES_MAX, PROOF_LEN_BYTES_MAX, TREE_SIZE_MAX,
};
use crate::note::VerifyingKey;
use crate::tree::{self, TreeVerifyError};
use crate::verified::Verified;

const FIRST_LINE: &str = "c2sp.org/tlog-proof@v1\n";
const EXTRA_PREFIX: &str = "extra ";
const INDEX_PREFIX: &str = "index ";

/// An inclusion proof and a checkpoint, well-formed but not believed. `Display` writes the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof {
    extra: Option<Vec<u8>>,
    index: u64,
    hashes: Vec<Hash>,
    checkpoint: UnverifiedCheckpoint,
}

impl Proof {
    /// Puts a proof together from what the tree and the log gave.
    pub fn new(
        index: u64,
        hashes: Vec<Hash>,
        checkpoint: UnverifiedCheckpoint,
    ) -> Result<Self, ProofParseError> {
        if index > TREE_SIZE_MAX {
            return Err(ProofParseError::Index {
                index_max: TREE_SIZE_MAX,
            });
        }
        if hashes.len() > INCLUSION_HASHES_MAX {
            return Err(ProofParseError::TooManyHashes {
                hashes_max: INCLUSION_HASHES_MAX,
            });
        }
        Ok(Self {
            extra: None,
            index,
            hashes,
            checkpoint,
        })
    }

    /// Attaches bytes that the log's own format defines. No check of this crate covers them.
    pub fn with_extra(mut self, extra: Vec<u8>) -> Result<Self, ProofParseError> {
        if extra.len() > PROOF_EXTRA_LEN_BYTES_MAX {
            return Err(ProofParseError::ExtraTooLong {
                len_bytes: extra.len(),
                len_bytes_max: PROOF_EXTRA_LEN_BYTES_MAX,
            });
        }
        self.extra = Some(extra);
        Ok(self)
    }

    /// Reads untrusted bytes.
    pub fn parse(bytes: &[u8]) -> Result<Self, ProofParseError> {
        if bytes.len() > PROOF_LEN_BYTES_MAX {
            return Err(ProofParseError::TooLong {
                len_bytes: bytes.len(),
                len_bytes_max: PROOF_LEN_BYTES_MAX,
            });
        }
        let text = std::str::from_utf8(bytes).map_err(|error| ProofParseError::NotUtf8 {
            position: error.valid_up_to(),
        })?;
        let rest = text
            .strip_prefix(FIRST_LINE)
            .ok_or(ProofParseError::FirstLine)?;
        let (head, note) = rest
            .split_once("\n\n")
            .ok_or(ProofParseError::NoBlankLine)?;
        let mut lines = head.split('\n').peekable();
        let extra = lines
            .next_if(|line| line.starts_with(EXTRA_PREFIX))
            .map(|line| from_base64(&line[EXTRA_PREFIX.len()..]).ok_or(ProofParseError::Extra))
            .transpose()?;
        let index = lines
            .next()
            .and_then(|line| line.strip_prefix(INDEX_PREFIX))
            .and_then(from_decimal)
            .ok_or(ProofParseError::Index {
                index_max: TREE_SIZE_MAX,
            })?;
        let mut hashes = Vec::new();
        for (position, line) in lines.enumerate() {
            if position == INCLUSION_HASHES_MAX {
                return Err(ProofParseError::TooManyHashes {
                    hashes_max: INCLUSION_HASHES_MAX,
                });
            }
            let hash = line
                .parse()
                .map_err(|error| ProofParseError::Hash { position, error })?;
            hashes.push(hash);
        }
        let checkpoint =
            UnverifiedCheckpoint::parse(note.as_bytes()).map_err(ProofParseError::Checkpoint)?;
        let proof = Self::new(index, hashes, checkpoint)?;
        match extra {
            Some(extra) => proof.with_extra(extra),
            None => Ok(proof),
        }
    }

    /// Index of the entry as claimed.
    pub fn index(&self) -> u64 {
        self.index
    }

    /// Hashes of the path, lowest first.
    pub fn hashes(&self) -> &[Hash] {
        &self.hashes
    }

    /// Attached bytes, if any; never covered by [`Proof::verify`].
    pub fn extra(&self) -> Option<&[u8]> {
        self.extra.as_deref()
    }

    /// The checkpoint the path leads to.
    pub fn checkpoint(&self) -> &UnverifiedCheckpoint {
        &self.checkpoint
    }

    /// Checks signature, origin and path for the leaf with this hash.
    pub fn verify(
        &self,
        leaf: &Hash,
        key: &VerifyingKey,
        origin: &str,
    ) -> Result<Verified<Inclusion>, ProofVerifyError> {
        let checkpoint = self
            .checkpoint
            .verify(key, origin)
            .map_err(ProofVerifyError::Checkpoint)?
            .into_inner();
        let (size, root) = (checkpoint.size(), checkpoint.root());
        tree::verify_inclusion(leaf, self.index, size, &self.hashes, root)
            .map_err(ProofVerifyError::Inclusion)?;
        Ok(Verified::certified(Inclusion {
            index: self.index,
            leaf: *leaf,
            checkpoint,
        }))
    }

    /// Checks as [`Proof::verify`] does, for the entry itself.
    pub fn verify_entry(
        &self,
        entry: &[u8],
        key: &VerifyingKey,
        origin: &str,
    ) -> Result<Verified<Inclusion>, ProofVerifyError> {
        self.verify(&leaf_hash(entry), key, origin)
    }
}

impl fmt::Display for Proof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(FIRST_LINE)?;
        if let Some(extra) = &self.extra {
            writeln!(f, "{EXTRA_PREFIX}{}", base64(extra))?;
        }
        writeln!(f, "{INDEX_PREFIX}{}", self.index)?;
        self.hashes
            .iter()
            .try_for_each(|hash| writeln!(f, "{hash}"))?;
        write!(f, "\n{}", self.checkpoint)
    }
}

/// A leaf at its place in a signed tree; inside [`Verified`] all of it was checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inclusion {
    index: u64,
    leaf: Hash,
    checkpoint: Checkpoint,
}

impl Inclusion {
    /// Index of the leaf.
    pub fn index(&self) -> u64 {
        self.index
    }

    /// Hash of the leaf.
    pub fn leaf(&self) -> &Hash {
        &self.leaf
    }

    /// The signed tree it stands in.
    pub fn checkpoint(&self) -> &Checkpoint {
        &self.checkpoint
    }
}

/// Why bytes are not a proof.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ProofParseError {
    /// Longer than any proof.
    #[error("proof of {len_bytes} bytes is over the limit of {len_bytes_max}")]
    TooLong {
        /// Length found.
        len_bytes: usize,
        /// Longest proof.
        len_bytes_max: usize,
    },
    /// Not UTF-8.
    #[error("proof is not UTF-8 at byte {position}")]
    NotUtf8 {
        /// Byte position counted from zero.
        position: usize,
    },
    /// Another first line than that of version 1.
    #[error("proof does not begin with the line c2sp.org/tlog-proof@v1")]
    FirstLine,
    /// Nothing separates the path and the checkpoint.
    #[error("proof has no blank line before its checkpoint")]
    NoBlankLine,
    /// The extra line is not base64.
    #[error("extra line of the proof is not standard base64 with padding")]
    Extra,
    /// The attached bytes are too many.
    #[error("extra line of the proof has {len_bytes} bytes, over the limit of {len_bytes_max}")]
    ExtraTooLong {
        /// Decoded length.
        len_bytes: usize,
        /// Most attached bytes.
        len_bytes_max: usize,
    },
    /// The index line is missing or no canonical decimal in range.
    #[error("proof has no index line with a plain decimal of at most {index_max}")]
    Index {
        /// Largest index.
        index_max: u64,
    },
    /// A line of the path is not a hash.
    #[error("line {position} of the proof's path: {error}")]
    Hash {
        /// Position in the path, counted from zero.
        position: usize,
        /// What is wrong with it.
        #[source]
        error: HashParseError,
    },
    /// A longer path than any tree has.
    #[error("proof has more than {hashes_max} hashes")]
    TooManyHashes {
        /// Most hashes.
        hashes_max: usize,
    },
    /// What follows the blank line is no checkpoint.
    #[error("checkpoint of the proof: {0}")]
    Checkpoint(#[source] CheckpointParseError),
}

/// Why a proof does not prove.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ProofVerifyError {
    /// The checkpoint is not believed.
    #[error(transparent)]
    Checkpoint(CheckpointVerifyError),
    /// The path does not lead from this leaf to the signed root.
    #[error(transparent)]
    Inclusion(TreeVerifyError),
}

#[cfg(test)]
mod tests;
