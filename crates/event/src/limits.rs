//! Named limits of an event; parse enforces them, the tests of every crate may rely on them.

/// Bytes of one frame (one raw record) that are read; a longer record is cut and marked.
pub const FRAME_BYTES_MAX: usize = 256 * 1024;
/// Fields of one event, list members counted one by one.
pub const FIELDS_MAX: usize = 1024;
/// Bytes of one field name.
pub const NAME_BYTES_MAX: usize = 256;
/// Bytes of one field value; a longer value is cut at a character and marked.
pub const VALUE_BYTES_MAX: usize = 64 * 1024;
/// Nesting depth that is flattened; what lies deeper is kept as JSON text.
pub const DEPTH_MAX: usize = 32;
/// Distinct unknown field names that events may intern in one process. A name beyond this is kept
/// inside its event, so nothing is lost; rules keep a share of their own (see [`RULE_NAMES_MAX`]).
pub const EVENT_NAMES_MAX: usize = 16_384;
/// Distinct unknown field names that rules may intern on top of [`EVENT_NAMES_MAX`], so that a
/// flood of invented names can never blind a rule that is loaded later.
pub const RULE_NAMES_MAX: usize = 16_384;

const _: () = assert!(EVENT_NAMES_MAX + RULE_NAMES_MAX + 1024 <= u16::MAX as usize);
const _: () = assert!(VALUE_BYTES_MAX <= FRAME_BYTES_MAX);
