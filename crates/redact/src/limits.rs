//! Named limits of redaction. Whatever passes a limit is replaced whole, never let through.

/// Bytes of one text that are scanned: no event value is longer.
pub(crate) const SCAN_BYTES_MAX: usize = event::limits::VALUE_BYTES_MAX;
/// Bytes that a text needs to hold anything: a name, a delimiter and a value.
pub(crate) const SCAN_BYTES_MIN: usize = 4;
/// Decodings that may lie one inside the other. Filters are dodged with three; five leaves room.
pub(crate) const DECODE_DEPTH_MAX: u8 = 5;
/// Bytes that the decodings of one text may yield together: each view is at most as long as its
/// source, so this is every level of the longest text with room for base64 pieces.
pub(crate) const DECODED_BYTES_MAX: usize = SCAN_BYTES_MAX * 8;
/// Bytes of a key inside a text; longer runs before a `=` are not names.
pub(crate) const KEY_BYTES_MAX: usize = 128;
/// Bytes of a token run that base64 is looked for in: 16 digits encode to 22 characters.
pub(crate) const BASE64_BYTES_MIN: usize = 20;
/// Rewriting rounds until a text scans clean; a replacement can expose what it had covered.
pub(crate) const ROUNDS_MAX: usize = 4;
/// Members of `belfry.redaction.paths`; `belfry.redaction.count` stays exact beyond it.
pub(crate) const PATHS_MAX: usize = 32;
/// Characters of a name in `belfry.redaction.paths`.
pub(crate) const PATH_CHARS_MAX: usize = 96;
/// Bytes of a key id inside a pseudonym.
pub(crate) const KEY_ID_BYTES_MAX: usize = 32;
/// Bytes at the head of a value that decide whether it is unguessable.
pub(crate) const JUDGED_BYTES_MAX: usize = 2048;
/// Bytes from which a value counts as a machine-made secret when only a weak name speaks for it.
pub(crate) const OPAQUE_BYTES_MIN: usize = 16;

const _: () = assert!(SCAN_BYTES_MAX < u32::MAX as usize);

/// How far before an option its program is looked for.
pub(crate) const COMMAND_BYTES_MAX: usize = 512;

/// Bytes of the name of an operator's rule.
pub(crate) const KIND_NAME_BYTES_MAX: usize = 64;
/// Names of kinds that operators' rules may add in one process; they are kept for its life. Ten
/// times the largest published rule set.
pub(crate) const KIND_NAMES_MAX: usize = 4_096;

/// Names whose class is remembered, a power of two. A service has hundreds of names; 64 KiB stay
/// in the processor's second cache.
pub(crate) const NAME_CACHE_SLOTS: usize = 8_192;
/// Bytes of a name that is remembered; longer names are judged anew.
pub(crate) const NAME_CACHE_BYTES_MAX: usize = 64;
const _: () = assert!(NAME_CACHE_SLOTS.is_power_of_two());
