//! Checkpoints: the signed claim "this log has this size and this root"
//! (c2sp.org/tlog-checkpoint).
//!
//! Foreign bytes become an [`UnverifiedCheckpoint`], which offers little but `verify`; only the
//! check against a pinned key and a pinned origin gives a [`Verified`] [`Checkpoint`].

use std::fmt;

use thiserror::Error;

use crate::encoding::from_decimal;
use crate::hash::{EMPTY_ROOT, Hash, HashParseError};
use crate::limits::TREE_SIZE_MAX;
use crate::note::{
    self, Note, NoteParseError, NoteTextError, NoteVerifyError, SigningKey, VerifyingKey,
};
use crate::verified::Verified;

/// Origin, size and root of a tree. `Display` writes the text that is signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    origin: String,
    size: u64,
    root: Hash,
    /// Further lines, which the specification discourages; kept so that bytes survive.
    extensions: Vec<String>,
}

impl Checkpoint {
    /// The claim to sign, without extension lines.
    pub fn new(origin: &str, size: u64, root: Hash) -> Result<Self, CheckpointTextError> {
        // An origin is one line; control characters are refused here, before signing.
        if origin.is_empty() || origin.chars().any(char::is_control) {
            return Err(CheckpointTextError::Origin {
                origin: origin.to_owned(),
            });
        }
        check_size_and_root(size, &root)?;
        Ok(Self {
            origin: origin.to_owned(),
            size,
            root,
            extensions: Vec::new(),
        })
    }

    /// Reads the text of a note. This checks no signature.
    fn parse_text(text: &str) -> Result<Self, CheckpointTextError> {
        let text = text
            .strip_suffix('\n')
            .ok_or(CheckpointTextError::Lines { lines: 0 })?;
        let mut lines = text.split('\n');
        let (Some(origin), Some(size), Some(root)) = (lines.next(), lines.next(), lines.next())
        else {
            return Err(CheckpointTextError::Lines {
                lines: text.split('\n').count(),
            });
        };
        let size = from_decimal(size).ok_or(CheckpointTextError::Size {
            size_max: TREE_SIZE_MAX,
        })?;
        let root = root.parse().map_err(CheckpointTextError::Root)?;
        let mut checkpoint = Self::new(origin, size, root)?;
        for (position, line) in lines.enumerate() {
            if line.is_empty() {
                return Err(CheckpointTextError::EmptyExtension {
                    line_number: position + 3,
                });
            }
            checkpoint.extensions.push(line.to_owned());
        }
        Ok(checkpoint)
    }

    /// Name of the log.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// Number of leaves.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Root over these leaves.
    pub fn root(&self) -> &Hash {
        &self.root
    }

    /// Lines after the root, usually none.
    pub fn extensions(&self) -> &[String] {
        &self.extensions
    }

    /// Signs the claim and writes the note, one line per key in this order.
    pub fn sign(&self, keys: &[&SigningKey]) -> Result<String, NoteTextError> {
        note::sign(&self.to_string(), keys)
    }
}

impl fmt::Display for Checkpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}\n{}\n{}", self.origin, self.size, self.root)?;
        self.extensions
            .iter()
            .try_for_each(|line| writeln!(f, "{line}"))
    }
}

fn check_size_and_root(size: u64, root: &Hash) -> Result<(), CheckpointTextError> {
    if size > TREE_SIZE_MAX {
        return Err(CheckpointTextError::Size {
            size_max: TREE_SIZE_MAX,
        });
    }
    if size == 0 && *root != EMPTY_ROOT {
        return Err(CheckpointTextError::EmptyTreeRoot { root: *root });
    }
    Ok(())
}

/// Why a text is not the claim of a checkpoint.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum CheckpointTextError {
    /// Fewer than the three lines.
    #[error("checkpoint has {lines} lines instead of at least 3")]
    Lines {
        /// Complete lines found.
        lines: usize,
    },
    /// The origin is empty or not printable.
    #[error("checkpoint origin {origin:?} is empty or holds control characters")]
    Origin {
        /// Origin found.
        origin: String,
    },
    /// The size is no canonical decimal in range.
    #[error("checkpoint size is not a plain decimal of at most {size_max}")]
    Size {
        /// Largest size.
        size_max: u64,
    },
    /// The root is not a hash.
    #[error("checkpoint root: {0}")]
    Root(#[source] HashParseError),
    /// An empty tree has only one possible root.
    #[error("checkpoint of size 0 has root {root} instead of {EMPTY_ROOT}")]
    EmptyTreeRoot {
        /// Root found.
        root: Hash,
    },
    /// An extension line is empty.
    #[error("checkpoint line {line_number} is empty")]
    EmptyExtension {
        /// Line counted from zero.
        line_number: usize,
    },
}

/// A checkpoint note as it came, well-formed but not believed. `Display` writes the same bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnverifiedCheckpoint {
    note: Note,
    claim: Checkpoint,
}

impl UnverifiedCheckpoint {
    /// Reads untrusted bytes.
    pub fn parse(bytes: &[u8]) -> Result<Self, CheckpointParseError> {
        let note = Note::parse(bytes).map_err(CheckpointParseError::Note)?;
        let claim = Checkpoint::parse_text(note.text()).map_err(CheckpointParseError::Text)?;
        Ok(Self { note, claim })
    }

    /// The note with all its signature lines, for storing or passing on.
    pub fn note(&self) -> &Note {
        &self.note
    }

    /// Origin as claimed: good for finding the key to check with, for nothing else.
    pub fn claimed_origin(&self) -> &str {
        self.claim.origin()
    }

    /// Size as claimed: a hint for what to ask next, for nothing else.
    pub fn claimed_size(&self) -> u64 {
        self.claim.size()
    }

    /// Gives the checkpoint if it is of this origin and this key signed it.
    pub fn verify(
        &self,
        key: &VerifyingKey,
        origin: &str,
    ) -> Result<Verified<Checkpoint>, CheckpointVerifyError> {
        if self.claim.origin() != origin {
            return Err(CheckpointVerifyError::Origin {
                expected: origin.to_owned(),
                found: self.claim.origin().to_owned(),
            });
        }
        self.note
            .verify(&[key])
            .map_err(CheckpointVerifyError::Note)?;
        Ok(Verified::certified(self.claim.clone()))
    }
}

impl fmt::Display for UnverifiedCheckpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.note.fmt(f)
    }
}

/// Why bytes are not a checkpoint.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum CheckpointParseError {
    /// Not a signed note.
    #[error(transparent)]
    Note(NoteParseError),
    /// A note of something else.
    #[error(transparent)]
    Text(CheckpointTextError),
}

/// Why a checkpoint is not believed.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum CheckpointVerifyError {
    /// The claim is about another log.
    #[error("checkpoint is of origin {found:?} instead of {expected:?}")]
    Origin {
        /// Origin asked for.
        expected: String,
        /// Origin claimed.
        found: String,
    },
    /// The key did not sign, or its signature is bad.
    #[error(transparent)]
    Note(NoteVerifyError),
}

#[cfg(test)]
mod tests;
