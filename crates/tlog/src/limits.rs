//! Every bound this crate puts on foreign or stored input, with its reason.

/// Leaves a tree may have. Other implementations keep sizes in signed 64-bit integers, so a
/// larger size would be refused elsewhere; it also leaves one bit free in every sum.
pub const TREE_SIZE_MAX: u64 = i64::MAX as u64;

/// Length of a SHA-256 value.
pub const HASH_LEN_BYTES: usize = 32;

/// Hashes in an inclusion proof: one per level of a tree with at most 2^63 leaves.
pub const INCLUSION_HASHES_MAX: usize = 63;

/// Hashes in a consistency proof: one per level and the hash it starts from.
pub const CONSISTENCY_HASHES_MAX: usize = 64;

/// Hashes in a full tile and entries in a full bundle (c2sp.org/tlog-tiles).
pub const TILE_WIDTH: u16 = 256;

/// Tree levels a tile spans: a full tile collapses to one hash of the tile above.
pub const TILE_HEIGHT: u8 = 8;

/// Highest tile level that a path may name (c2sp.org/tlog-tiles).
pub const TILE_LEVEL_MAX: u8 = 63;

/// Highest tile or bundle index: `index * 256` stays inside [`TREE_SIZE_MAX`].
pub const TILE_INDEX_MAX: u64 = TREE_SIZE_MAX / TILE_WIDTH as u64;

/// Longest resource path: `tile/entries/`, six index groups and `.p/255` take 47 bytes.
pub const PATH_LEN_BYTES_MAX: usize = 64;

/// Longest entry: its length is a 16-bit number in the bundle (c2sp.org/tlog-tiles).
pub const ENTRY_LEN_BYTES_MAX: usize = u16::MAX as usize;

/// Largest entry bundle: 256 entries of the longest kind, each with its length.
pub const BUNDLE_LEN_BYTES_MAX: usize = TILE_WIDTH as usize * (2 + ENTRY_LEN_BYTES_MAX);

/// Longest note: a hundred post-quantum cosignature lines of 3.5 kB still fit.
pub const NOTE_LEN_BYTES_MAX: usize = 1_000_000;

/// Most signature lines in a note. The specification asks readers for at least 16; the
/// reference implementation stops at this number.
pub const NOTE_SIGNATURES_MAX: usize = 100;

/// Longest `extra` payload of a proof: room for an entry and what stands beside it.
pub const PROOF_EXTRA_LEN_BYTES_MAX: usize = 128 * 1024;

/// Longest proof text: the note, the hashes, the extra payload in base64 and the fixed lines.
pub const PROOF_LEN_BYTES_MAX: usize =
    NOTE_LEN_BYTES_MAX + INCLUSION_HASHES_MAX * 45 + PROOF_EXTRA_LEN_BYTES_MAX / 3 * 4 + 128;

/// Proof hashes in an `add-checkpoint` request (c2sp.org/tlog-witness).
pub const ADD_CHECKPOINT_HASHES_MAX: usize = 63;

/// Longest `add-checkpoint` request we read: the proof takes 2,835 bytes, a checkpoint with a
/// few signatures one kilobyte. Other witnesses stop at the same number.
pub const ADD_CHECKPOINT_LEN_BYTES_MAX: usize = 16 * 1024;

/// Longest answer with cosignatures that we read: sixteen lines of the largest known kind.
pub const COSIGNATURES_LEN_BYTES_MAX: usize = 64 * 1024;

/// Longest answer with a size: 19 digits and a newline, with room for carelessness.
pub const SIZE_LEN_BYTES_MAX: usize = 32;

/// Latest time of a cosignature, seconds since 1970: what signed 64-bit integers hold.
pub const COSIGNATURE_TIME_MAX_S: u64 = i64::MAX as u64;

/// Longest policy text: hundreds of witnesses with comments.
pub const POLICY_LEN_BYTES_MAX: usize = 256 * 1024;

/// Logs in a policy.
pub const POLICY_LOGS_MAX: usize = 256;

/// Witnesses and groups in a policy together.
pub const POLICY_MEMBERS_MAX: usize = 512;

/// Characters of a name inside a policy.
pub const POLICY_NAME_CHARS_MAX: usize = 256;

// The longest proof and a checkpoint with sixteen Ed25519 lines fit into a request.
const _: () =
    assert!(32 + ADD_CHECKPOINT_HASHES_MAX * 45 + 16 * 256 < ADD_CHECKPOINT_LEN_BYTES_MAX);
const _: () = assert!(ADD_CHECKPOINT_HASHES_MAX <= CONSISTENCY_HASHES_MAX);

// Sixteen signature lines of the largest known kind (2,428 bytes in base64 after a long name)
// must fit into a note.
const _: () = assert!(16 * (2428_usize.div_ceil(3) * 4 + 512) < NOTE_LEN_BYTES_MAX);
const _: () = assert!(NOTE_SIGNATURES_MAX >= 16);
const _: () = assert!(1 << TILE_HEIGHT == TILE_WIDTH as usize);
