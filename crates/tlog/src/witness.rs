//! What a log and a witness say to each other: the bodies of `add-checkpoint`
//! (c2sp.org/tlog-witness).
//!
//! A request names the size that the log believes the witness to have seen last, proves that the
//! checkpoint extends it, and carries the checkpoint. The answer is signature lines, or the size
//! that the witness has really seen.

use std::fmt;

use thiserror::Error;

use crate::checkpoint::{CheckpointParseError, UnverifiedCheckpoint};
use crate::encoding::from_decimal;
use crate::hash::{Hash, HashParseError};
use crate::limits::{
    ADD_CHECKPOINT_HASHES_MAX, ADD_CHECKPOINT_LEN_BYTES_MAX, COSIGNATURES_LEN_BYTES_MAX,
    NOTE_SIGNATURES_MAX, SIZE_LEN_BYTES_MAX, TREE_SIZE_MAX,
};
use crate::note::{SignatureLine, SignatureLineError};

/// Media type of the answer that tells the size a witness has seen.
pub const SIZE_MEDIA_TYPE: &str = "text/x.tlog.size";

const OLD_PREFIX: &str = "old ";

/// The body of an `add-checkpoint` request, well-formed and nothing more. `Display` writes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddCheckpoint {
    old_size: u64,
    hashes: Vec<Hash>,
    checkpoint: UnverifiedCheckpoint,
}

impl AddCheckpoint {
    /// Puts a request together: the size that the witness has seen, the consistency proof from
    /// there, and the checkpoint.
    pub fn new(
        old_size: u64,
        hashes: Vec<Hash>,
        checkpoint: UnverifiedCheckpoint,
    ) -> Result<Self, AddCheckpointError> {
        if TREE_SIZE_MAX < old_size {
            return Err(AddCheckpointError::OldSize {
                size_max: TREE_SIZE_MAX,
            });
        }
        if ADD_CHECKPOINT_HASHES_MAX < hashes.len() {
            return Err(AddCheckpointError::TooManyHashes {
                hashes_max: ADD_CHECKPOINT_HASHES_MAX,
            });
        }
        Ok(Self {
            old_size,
            hashes,
            checkpoint,
        })
    }

    /// Reads untrusted bytes.
    pub fn parse(bytes: &[u8]) -> Result<Self, AddCheckpointError> {
        if ADD_CHECKPOINT_LEN_BYTES_MAX < bytes.len() {
            return Err(AddCheckpointError::TooLong {
                len_bytes: bytes.len(),
                len_bytes_max: ADD_CHECKPOINT_LEN_BYTES_MAX,
            });
        }
        let text = std::str::from_utf8(bytes).map_err(|error| AddCheckpointError::NotUtf8 {
            position: error.valid_up_to(),
        })?;
        let (head, note) = text
            .split_once("\n\n")
            .ok_or(AddCheckpointError::NoBlankLine)?;
        let mut lines = head.split('\n');
        let old_size = lines
            .next()
            .and_then(|line| line.strip_prefix(OLD_PREFIX))
            .and_then(from_decimal)
            .ok_or(AddCheckpointError::OldSize {
                size_max: TREE_SIZE_MAX,
            })?;
        let mut hashes = Vec::new();
        for (position, line) in lines.enumerate() {
            if position == ADD_CHECKPOINT_HASHES_MAX {
                return Err(AddCheckpointError::TooManyHashes {
                    hashes_max: ADD_CHECKPOINT_HASHES_MAX,
                });
            }
            let hash = line
                .parse()
                .map_err(|error| AddCheckpointError::Hash { position, error })?;
            hashes.push(hash);
        }
        let checkpoint =
            UnverifiedCheckpoint::parse(note.as_bytes()).map_err(AddCheckpointError::Checkpoint)?;
        Self::new(old_size, hashes, checkpoint)
    }

    /// Size from which the proof leads on.
    pub fn old_size(&self) -> u64 {
        self.old_size
    }

    /// The consistency proof, unchecked.
    pub fn hashes(&self) -> &[Hash] {
        &self.hashes
    }

    /// The checkpoint, unchecked.
    pub fn checkpoint(&self) -> &UnverifiedCheckpoint {
        &self.checkpoint
    }
}

impl fmt::Display for AddCheckpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{OLD_PREFIX}{}", self.old_size)?;
        self.hashes
            .iter()
            .try_for_each(|hash| writeln!(f, "{hash}"))?;
        write!(f, "\n{}", self.checkpoint)
    }
}

/// Why bytes are not an `add-checkpoint` request.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum AddCheckpointError {
    /// More bytes than any request needs.
    #[error("request of {len_bytes} bytes is over the limit of {len_bytes_max}")]
    TooLong {
        /// Length found.
        len_bytes: usize,
        /// Longest request.
        len_bytes_max: usize,
    },
    /// Not UTF-8.
    #[error("request is not UTF-8 at byte {position}")]
    NotUtf8 {
        /// Byte position counted from zero.
        position: usize,
    },
    /// Nothing separates proof and checkpoint.
    #[error("request has no blank line before its checkpoint")]
    NoBlankLine,
    /// The first line does not name a size.
    #[error("first line of the request is not `old` and a plain decimal of at most {size_max}")]
    OldSize {
        /// Largest size.
        size_max: u64,
    },
    /// More proof lines than a request may have.
    #[error("request has more than {hashes_max} proof hashes")]
    TooManyHashes {
        /// Most hashes.
        hashes_max: usize,
    },
    /// A proof line is no hash.
    #[error("proof hash {position} of the request: {error}")]
    Hash {
        /// Position counted from zero.
        position: usize,
        /// What is wrong with it.
        #[source]
        error: HashParseError,
    },
    /// What follows the blank line is no checkpoint.
    #[error(transparent)]
    Checkpoint(CheckpointParseError),
}

/// Reads the answer of a witness that cosigned: one or more signature lines, unchecked.
pub fn parse_cosignatures(bytes: &[u8]) -> Result<Vec<SignatureLine>, CosignaturesError> {
    if COSIGNATURES_LEN_BYTES_MAX < bytes.len() {
        return Err(CosignaturesError::TooLong {
            len_bytes: bytes.len(),
            len_bytes_max: COSIGNATURES_LEN_BYTES_MAX,
        });
    }
    let text = std::str::from_utf8(bytes).map_err(|error| CosignaturesError::NotUtf8 {
        position: error.valid_up_to(),
    })?;
    let lines = text
        .strip_suffix('\n')
        .ok_or(CosignaturesError::NoNewlineAtEnd)?;
    let mut parsed = Vec::new();
    for (line_number, line) in lines.split('\n').enumerate() {
        if line_number == NOTE_SIGNATURES_MAX {
            return Err(CosignaturesError::TooMany {
                lines_max: NOTE_SIGNATURES_MAX,
            });
        }
        let line = line
            .parse()
            .map_err(|error| CosignaturesError::Line { line_number, error })?;
        parsed.push(line);
    }
    Ok(parsed)
}

/// Why the answer of a witness holds no cosignatures.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum CosignaturesError {
    /// More bytes than any answer needs.
    #[error("answer of {len_bytes} bytes is over the limit of {len_bytes_max}")]
    TooLong {
        /// Length found.
        len_bytes: usize,
        /// Longest answer.
        len_bytes_max: usize,
    },
    /// Not UTF-8.
    #[error("answer is not UTF-8 at byte {position}")]
    NotUtf8 {
        /// Byte position counted from zero.
        position: usize,
    },
    /// The last line is not complete.
    #[error("answer does not end with a newline")]
    NoNewlineAtEnd,
    /// More lines than we read.
    #[error("answer has more than {lines_max} signature lines")]
    TooMany {
        /// Most lines.
        lines_max: usize,
    },
    /// A line is no signature line.
    #[error("line {line_number} of the answer: {error}")]
    Line {
        /// Position counted from zero.
        line_number: usize,
        /// What is wrong with it.
        #[source]
        error: SignatureLineError,
    },
}

/// The body that tells the size a witness has seen: the number and a newline.
pub fn size_text(size: u64) -> String {
    format!("{size}\n")
}

/// Reads that body; `None` when it is anything else.
pub fn parse_size(bytes: &[u8]) -> Option<u64> {
    if SIZE_LEN_BYTES_MAX < bytes.len() {
        return None;
    }
    let text = std::str::from_utf8(bytes).ok()?;
    from_decimal(text.strip_suffix('\n').unwrap_or(text))
}

#[cfg(test)]
mod tests;
