//! Proofs that leave the house, and checking them without the house
//! (docs/format/ledger.md, section 9).

use std::cell::RefCell;
use std::collections::HashMap;

use event::Index;
use thiserror::Error;
use tlog::limits::{HASH_LEN_BYTES, PROOF_EXTRA_LEN_BYTES_MAX, TILE_WIDTH};
use tlog::{Hash, Proof, Resource, UnverifiedCheckpoint, Verified, VerifyingKey, leaf_hash};

use crate::error::{ProveError, ReadError};
use crate::leaf::{Content, Kind, Leaf, LeafError, SALT_BYTES, commitment};
use crate::reader::Reader;

/// Bytes of a full tile.
const TILE_BYTES: u64 = TILE_WIDTH as u64 * 32;

impl Reader {
    /// Proves that an entry is in the log: a text of c2sp.org/tlog-proof against the newest
    /// checkpoint, with the record itself in its extra line where it fits.
    pub fn prove(&self, index: Index) -> Result<String, ProveError> {
        self.prove_record(index, true, None)
    }

    /// As [`Reader::prove`], against a checkpoint of this log that somebody holds: several proofs
    /// for one of them belong together.
    pub fn prove_under(&self, index: Index, note: &str) -> Result<String, ProveError> {
        self.prove_record(index, true, Some(note))
    }

    /// As [`Reader::prove`], without the record: shows nothing of its content.
    pub fn prove_without_body(&self, index: Index) -> Result<String, ProveError> {
        self.prove_record(index, false, None)
    }

    /// A note of this log, parsed and checked; the newest one when none is given.
    pub(crate) fn checked_note(
        &self,
        note: Option<&str>,
    ) -> Result<(UnverifiedCheckpoint, Verified<tlog::Checkpoint>), ProveError> {
        let newest = match note {
            Some(_) => None,
            None => self.checkpoint(),
        };
        let note = note
            .or(newest.as_deref())
            .ok_or_else(|| ProveError::Checkpoint("there is none yet".to_owned()))?;
        let foreign = |error: String| ProveError::Checkpoint(error);
        let unverified =
            UnverifiedCheckpoint::parse(note.as_bytes()).map_err(|e| foreign(e.to_string()))?;
        let checkpoint = unverified
            .verify(self.verifying_key(), self.origin())
            .map_err(|e| foreign(e.to_string()))?;
        Ok((unverified, checkpoint))
    }

    fn prove_record(
        &self,
        index: Index,
        with_record: bool,
        note: Option<&str>,
    ) -> Result<String, ProveError> {
        let (unverified, checkpoint) = self.checked_note(note)?;
        let size = checkpoint.size();
        if size <= index.0 {
            return Err(ProveError::NotSignedYet {
                index,
                signed: size,
            });
        }
        let tiles = TileCache::new(self, size);
        let subtrees = tlog::tile::subtree_reader(|level, number| tiles.load(level, number));
        let hashes = tlog::tree::inclusion_proof(index.0, size, subtrees)
            .map_err(|error| ProveError::Tiles(error.to_string()))?;
        let (entry, record) = self.with_record(index, |record| {
            let entry_len = u16::try_from(record.entry.len()).unwrap_or(u16::MAX);
            let parts = [&entry_len.to_be_bytes()[..], record.entry, record.beside].concat();
            (record.entry.to_vec(), parts)
        })?;
        // Never hand out a proof that does not prove: damage is better found here.
        tlog::tree::verify_inclusion(
            &leaf_hash(&entry),
            index.0,
            size,
            &hashes,
            checkpoint.root(),
        )
        .map_err(|error| ProveError::Mismatch {
            index,
            reason: error.to_string(),
        })?;
        let mut proof = Proof::new(index.0, hashes, unverified)
            .map_err(|error| ProveError::Tiles(error.to_string()))?;
        if with_record && record.len() <= PROOF_EXTRA_LEN_BYTES_MAX {
            proof = proof
                .with_extra(record)
                .map_err(|error| ProveError::Tiles(error.to_string()))?;
        }
        Ok(proof.to_string())
    }
}

/// What the log publishes: nothing here goes beyond the newest signed checkpoint.
impl Reader {
    /// Root of the first `size` entries, from the tiles.
    pub fn root_at(&self, size: u64) -> Result<Hash, ProveError> {
        self.check_signed(size)?;
        let tiles = TileCache::new(self, size);
        let subtrees = tlog::tile::subtree_reader(|level, number| tiles.load(level, number));
        tlog::tree::root(size, subtrees).map_err(|error| ProveError::Tiles(error.to_string()))
    }

    /// Proof that the tree of `new_size` entries extends the one of `old_size`
    /// (RFC 6962 section 2.1.2), from the tiles.
    pub fn consistency_proof(&self, old_size: u64, new_size: u64) -> Result<Vec<Hash>, ProveError> {
        self.check_signed(new_size)?;
        let tiles = TileCache::new(self, new_size);
        let subtrees = tlog::tile::subtree_reader(|level, number| tiles.load(level, number));
        tlog::tree::consistency_proof(old_size, new_size, subtrees)
            .map_err(|error| ProveError::Tiles(error.to_string()))
    }

    /// The bytes of a resource as c2sp.org/tlog-tiles serves them; `None` for what the newest
    /// checkpoint does not cover. Entries hold commitments, so no body is in any of them.
    pub fn resource(&self, resource: Resource) -> Result<Option<Vec<u8>>, ReadError> {
        if resource == Resource::Checkpoint {
            return Ok(self.checkpoint().map(|note| note.as_bytes().to_vec()));
        }
        let size = self.signed_size().unwrap_or(0);
        let (row, index, width) = match resource {
            Resource::Tile {
                level,
                index,
                width,
            } => (size.checked_shr(u32::from(level) * 8), index, width),
            Resource::Entries { index, width } => (Some(size), index, width),
            Resource::Checkpoint => (None, 0, 0),
        };
        let full = u64::from(TILE_WIDTH);
        let published = row.unwrap_or(0).saturating_sub(index.saturating_mul(full));
        let published = u16::try_from(published.min(full)).unwrap_or(TILE_WIDTH);
        if published < width {
            return Ok(None);
        }
        self.published_resource(resource, published)
    }

    /// Reads the file of a tile, or cuts it from a wider one: partial files go away once the full
    /// one is there. Entry bundles are made.
    fn published_resource(
        &self,
        resource: Resource,
        published: u16,
    ) -> Result<Option<Vec<u8>>, ReadError> {
        let shared = &self.shared;
        let (level, index, width) = match resource {
            Resource::Tile {
                level,
                index,
                width,
            } => (level, index, width),
            Resource::Entries { index, width } => return self.bundle(index, width).map(Some),
            Resource::Checkpoint => return Ok(None),
        };
        for wider in [width, published, TILE_WIDTH] {
            let path = shared.layout.resource(Resource::Tile {
                level,
                index,
                width: wider,
            });
            match shared.disk.read(&path, TILE_BYTES) {
                Ok(mut bytes) => {
                    let len = usize::from(width) * HASH_LEN_BYTES;
                    if len <= bytes.len() {
                        bytes.truncate(len);
                        return Ok(Some(bytes));
                    }
                }
                Err(error) if error.is_not_found() => {}
                Err(error) => return Err(ReadError::Disk(error)),
            }
        }
        Ok(None)
    }

    fn check_signed(&self, size: u64) -> Result<(), ProveError> {
        let signed = self.signed_size().unwrap_or(0);
        if signed < size {
            return Err(ProveError::NotSignedYet {
                index: Index(size.saturating_sub(1)),
                signed,
            });
        }
        Ok(())
    }
}

/// Tiles by level and index; `None` for one that could not be read.
type LoadedTiles = HashMap<(u8, u64), Option<Vec<u8>>>;

/// Tiles of the tree of one size, each read once.
pub(crate) struct TileCache<'a> {
    reader: &'a Reader,
    size: u64,
    loaded: RefCell<LoadedTiles>,
}

impl<'a> TileCache<'a> {
    pub(crate) fn new(reader: &'a Reader, size: u64) -> Self {
        Self {
            reader,
            size,
            loaded: RefCell::default(),
        }
    }

    /// The hash of an entry as the tiles hold it; `None` beyond the size or without its tile.
    pub(crate) fn leaf(&self, index: u64) -> Option<[u8; 32]> {
        if self.size <= index {
            return None;
        }
        let width = u64::from(TILE_WIDTH);
        let tile = self.load(0, index / width)?;
        let start = usize::try_from(index % width).ok()? * 32;
        tile.get(start..start + 32)?.try_into().ok()
    }

    fn load(&self, level: u8, index: u64) -> Option<Vec<u8>> {
        let mut loaded = self.loaded.borrow_mut();
        loaded
            .entry((level, index))
            .or_insert_with(|| self.read(level, index))
            .clone()
    }

    /// The tile as wide as this size has it; the full one once the log has grown beyond.
    fn read(&self, level: u8, index: u64) -> Option<Vec<u8>> {
        let shared = &self.reader.shared;
        let row = self.size >> (u32::from(level) * 8);
        let width = row
            .checked_sub(index * u64::from(TILE_WIDTH))?
            .min(u64::from(TILE_WIDTH));
        let width = u16::try_from(width).ok().filter(|width| 0 < *width)?;
        let read = |width: u16| {
            let path = shared.layout.resource(Resource::Tile {
                level,
                index,
                width,
            });
            shared.disk.read(&path, TILE_BYTES).ok()
        };
        // The tree of an older size has its hashes in a tile that has grown since.
        let grown = || {
            let tile = Resource::Tile {
                level,
                index,
                width,
            };
            self.reader.resource(tile).ok().flatten()
        };
        read(width).or_else(|| read(TILE_WIDTH)).or_else(grown)
    }
}

/// A record that a proof was checked for. There is no other way to get one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProvenRecord {
    /// Place in the log.
    pub index: Index,
    /// Entries under the checkpoint of the proof.
    pub tree_size: u64,
    /// Name of the log.
    pub origin: String,
    /// What the entry is about.
    pub kind: Kind,
    /// Our receive time, nanoseconds since 1970 UTC.
    pub recv_ns: u64,
    /// Number of the source in the ledger.
    pub source: u32,
    /// Place among the events of that source.
    pub source_seq: u64,
    /// The body, if it was there and agrees with the entry's commitment.
    pub body: Option<String>,
}

/// What a proof is about, when it does not carry it itself.
#[derive(Clone, Copy, Debug)]
pub enum Claim<'a> {
    /// The record is in the extra line of the proof.
    InProof,
    /// Entry bytes, and salt and body if there are any.
    Beside {
        /// The entry as hashed.
        entry: &'a [u8],
        /// Salt and body; empty when the body is inline, gone or not shown.
        salt_and_body: &'a [u8],
    },
}

/// Checks a proof against a pinned verifier key, offline: signature, path, entry and body.
pub fn verify_proof(
    proof: &[u8],
    claim: Claim<'_>,
    vkey: &str,
) -> Result<ProvenRecord, ProofError> {
    let key: VerifyingKey = vkey.parse().map_err(ProofError::Key)?;
    let proof = Proof::parse(proof).map_err(ProofError::Proof)?;
    let (entry, beside) = match claim {
        Claim::Beside {
            entry,
            salt_and_body,
        } => (entry, salt_and_body),
        Claim::InProof => {
            let extra = proof.extra().ok_or(ProofError::NoRecord)?;
            crate::frame::split_entry(extra).ok_or(ProofError::RecordTruncated)?
        }
    };
    let inclusion = proof
        .verify_entry(entry, &key, key.name())
        .map_err(ProofError::Refuted)?;
    describe(entry, beside, &inclusion)
}

fn describe(
    entry: &[u8],
    beside: &[u8],
    inclusion: &Verified<tlog::proof::Inclusion>,
) -> Result<ProvenRecord, ProofError> {
    let leaf = Leaf::parse(entry).map_err(ProofError::Entry)?;
    let body = match leaf.content {
        Content::Inline(_) if !beside.is_empty() => return Err(ProofError::TrailingBytes),
        Content::Inline(body) => Some(body),
        Content::Committed(_) if beside.is_empty() => None,
        Content::Committed(expected) => {
            let computed = commitment(beside);
            if beside.len() != leaf.beside_len() || computed != expected {
                return Err(ProofError::Body {
                    expected: Hash::from_bytes(expected),
                    computed: Hash::from_bytes(computed),
                });
            }
            beside.get(SALT_BYTES..)
        }
    };
    let checkpoint = inclusion.checkpoint();
    Ok(ProvenRecord {
        index: Index(inclusion.index()),
        tree_size: checkpoint.size(),
        origin: checkpoint.origin().to_owned(),
        kind: leaf.kind,
        recv_ns: leaf.recv_ns,
        source: leaf.source,
        source_seq: leaf.source_seq,
        body: body.map(|body| String::from_utf8_lossy(body).into_owned()),
    })
}

/// Why a proof proves nothing.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ProofError {
    /// The verifier key is malformed.
    #[error("verifier key: {0}")]
    Key(tlog::note::VerifyingKeyParseError),
    /// The proof is malformed.
    #[error("proof: {0}")]
    Proof(tlog::proof::ProofParseError),
    /// The proof does not carry the record and none was given.
    #[error("the proof carries no record: give entry and body beside it")]
    NoRecord,
    /// The extra line ends inside the entry.
    #[error("the record in the proof ends inside its entry")]
    RecordTruncated,
    /// Bytes follow an entry that has none beside it.
    #[error("bytes follow an entry that has its body inline")]
    TrailingBytes,
    /// Signature or path do not hold.
    #[error("{0}")]
    Refuted(tlog::proof::ProofVerifyError),
    /// The entry is none of version 1.
    #[error("{0}")]
    Entry(LeafError),
    /// Salt and body are not the ones that the entry commits to.
    #[error("the body has commitment {computed} instead of {expected}")]
    Body {
        /// Commitment in the entry.
        expected: Hash,
        /// Commitment of what was given.
        computed: Hash,
    },
}
