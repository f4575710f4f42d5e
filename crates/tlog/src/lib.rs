//! Transparency-log mathematics and formats, byte-exact to C2SP and RFC 6962.
//!
//! **Duty.** Compute Merkle tree roots and proofs, verify them, and read and write the texts that
//! carry them between strangers: tiles and entry bundles (c2sp.org/tlog-tiles), signed notes
//! (c2sp.org/signed-note), checkpoints (c2sp.org/tlog-checkpoint), offline proofs
//! (c2sp.org/tlog-proof), cosignatures of witnesses (c2sp.org/tlog-cosignature), what logs and
//! witnesses say to each other (c2sp.org/tlog-witness) and how many of them are enough
//! (c2sp.org/tlog-policy). An auditor needs no other crate of this house.
//!
//! **What it lacks on purpose.** No files, no sockets, no clock, no threads, no randomness, and
//! no idea of what an entry means: an entry is bytes. Seeds of keys are handed in. Where stored
//! hashes come from is the caller's business, given as a closure over [`Subtree`].
//!
//! **Nouns.**
//! - [`struct@Hash`]: one SHA-256 value; leaves and inner nodes never collide ([`leaf_hash`],
//!   [`node_hash`]).
//! - [`Subtree`]: a complete subtree of `2^level` leaves; the only thing ever stored.
//! - [`Frontier`]: the at most 63 hashes that stand for a whole growing tree.
//! - [`Resource`]: what a log serves, with its path: a tile, an entry bundle, the checkpoint.
//! - [`Note`]: a text with signature lines; [`SigningKey`] and [`VerifyingKey`] belong to it.
//! - [`Checkpoint`]: origin, size and root, carried by a note.
//! - [`Proof`]: one entry's inclusion proof together with the checkpoint it leads to.
//! - [`CosigningKey`] and [`CosignerKey`]: a witness's pen and how to check it.
//! - [`AddCheckpoint`]: the request by which a log asks a witness to look.
//! - [`Policy`]: which logs are believed and how many witnesses must have looked.
//! - [`Verified`]: a value that went through a signature or proof check in this crate.
//!
//! **Invariants.**
//! - Parsing foreign bytes never panics, is bounded by the limits in [`limits`], and is exact:
//!   whatever is accepted prints back to the same bytes.
//! - A [`Verified`] value is built nowhere but behind a check; there is no other constructor.
//! - A note with one bad signature of a known key is rejected as a whole; unknown keys are
//!   carried along and never believed.
//! - Sizes are at most [`limits::TREE_SIZE_MAX`], so no index arithmetic can overflow.
//!
//! Start reading at [`tree`], then [`tile`], then [`note`].
//!
//! ```
//! use tlog::{Checkpoint, Frontier, SigningKey, UnverifiedCheckpoint, leaf_hash};
//!
//! let key = SigningKey::from_seed("log.example/1", &[7; 32])?;
//! let mut tree = Frontier::new();
//! tree.push(leaf_hash(b"first entry"));
//! let note = Checkpoint::new("log.example/1", tree.size(), tree.root())?.sign(&[&key])?;
//!
//! let foreign = UnverifiedCheckpoint::parse(note.as_bytes())?;
//! let checkpoint = foreign.verify(&key.verifying_key(), "log.example/1")?;
//! assert_eq!(checkpoint.size(), 1);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod checkpoint;
pub mod cosignature;
mod encoding;
pub mod hash;
pub mod limits;
pub mod note;
pub mod policy;
pub mod proof;
pub mod tile;
pub mod tree;
mod verified;
pub mod witness;

pub use checkpoint::{Checkpoint, UnverifiedCheckpoint};
pub use cosignature::{Cosignature, CosignerKey, CosigningKey};
pub use hash::{EMPTY_ROOT, Hash, leaf_hash, node_hash};
pub use note::{Note, SigningKey, VerifyingKey};
pub use policy::Policy;
pub use proof::Proof;
pub use tile::Resource;
pub use tree::{Frontier, Subtree};
pub use verified::Verified;
pub use witness::AddCheckpoint;
