//! Named limits of rules and of detector state.

/// Bytes of one rule file; the largest community file is below 100 KiB.
pub const RULE_FILE_BYTES_MAX: usize = 1024 * 1024;
/// Bytes of a problem's message; the parser quotes whole conditions.
pub const MESSAGE_BYTES_MAX: usize = 240;
/// Nesting of one compiled program; evaluation recurses this deep at most.
pub const PROGRAM_DEPTH_MAX: usize = 128;
/// Values that one detection item may expand to (windash and base64 offsets multiply).
pub const ITEM_VALUES_MAX: usize = 16_384;
/// Bytes that one compiled regular expression may occupy; long lists of alternatives of community
/// rules need several MiB.
pub const REGEX_BYTES_MAX: usize = 10 * 1024 * 1024;
/// Bytes of one value that rules look at; what follows is not matched.
pub const MATCH_BYTES_MAX: usize = 64 * 1024;
/// Bytes of a beginning or an end of text that a rule looks for by trie, which recurses so deep.
pub const TRIE_BYTES_MAX: usize = 512;
/// Values of one event that rules look at, each counted for every field of the rules it stands for.
pub const CELLS_MAX: usize = 8192;
/// Bytes of all text of one event that keywords are looked for in: more than a frame holds.
pub const ALL_TEXT_BYTES_MAX: usize = 1024 * 1024;
/// Steps that the predicates of one event may take together; a look at a value is one, and one
/// more for every [`STEP_BYTES`]. Some thousand rules over an event full of text stay below it.
pub const STEPS_EVENT_MAX: usize = 4_000_000;
/// Bytes of text that cost one step.
pub const STEP_BYTES: usize = 64;
/// Rounds of percent-decoding of a derived field: double encoding and one more.
pub const DECODE_ROUNDS_MAX: usize = 3;
/// Distinct log-source sets that keep an index of their own; others share one over all rules.
pub const BUCKETS_MAX: usize = 256;
/// Names under which one field of a rule is looked for.
pub const NAMES_MAX: usize = 24;
/// Distinct log sources that the rules of one set may name; the community's rules name 117.
pub const LOG_SOURCES_MAX: usize = 512;
/// Names by which events call their log source whose meaning is kept; others are looked up anew.
pub const NAMED_SOURCES_MAX: usize = 1024;
/// Largest threshold of a counting correlation: what a window can estimate within its error.
pub const THRESHOLD_MAX: u64 = 1_000_000_000;
/// Points that a counting window of a small threshold keeps exactly; 2.5 KiB.
pub const WINDOW_POINTS_MIN: usize = 64;
/// Points that a counting window keeps exactly whatever its threshold, so that a late event costs
/// no more than moving 160 KiB; beyond it windows are told in parts, and flagged.
pub const WINDOW_POINTS_MAX: usize = 4096;
/// Values that a sum, average or percentile is computed from exactly.
pub const VALUE_POINTS_MAX: usize = 1024;
/// Parts that a window told in constant space is cut into: its length is known to 1/64.
pub const WINDOW_PARTS: i64 = 64;
/// Groups that a backtest tells apart.
pub const BACKTEST_GROUPS_MAX: usize = 10_000;
/// Bytes of a snapshot; a larger state is rebuilt from the ledger instead.
pub const SNAPSHOT_BYTES_MAX: usize = 256 * 1024 * 1024;
/// Sources whose clocks are followed one by one; further ones are followed together.
pub const SOURCES_MAX: usize = 4096;
/// Bytes of a source's name that tell it from others.
pub const SOURCE_NAME_BYTES_MAX: usize = 256;
/// Points that a sequence (temporal correlation) keeps; older ones live on in its summary.
pub const SEQUENCE_POINTS_MAX: usize = 256;
/// Rules that one temporal correlation may name.
pub const STEPS_MAX: usize = 32;
/// Groups that one event belongs to when a group-by field is a list.
pub const LIST_GROUPS_MAX: usize = 8;
/// Correlations that may be stacked on one another.
pub const CHAIN_DEPTH_MAX: usize = 10;
/// Events that one embedded sample may hold after repetition.
pub const SAMPLE_EVENTS_MAX: usize = 10_000;

const _: () = assert!(STEPS_MAX < SEQUENCE_POINTS_MAX);
const _: () = assert!(STEPS_MAX <= 32, "steps seen are bits of a u32");
