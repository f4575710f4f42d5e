//! Named limits of the recogniser.

/// Bytes of one value that are looked at; injections stand in short values, and what is longer is
/// looked at up to here.
pub const VALUE_BYTES_MAX: usize = 16 * 1024;
/// Values of one request that are looked at: parameters, leaves of the body, headers.
pub const PARTS_MAX: usize = 128;
/// Bytes of one request that are looked at, over all its parts.
pub const REQUEST_BYTES_MAX: usize = 64 * 1024;
/// Rounds of percent-decoding: double encoding and two more.
pub const DECODE_ROUNDS_MAX: usize = 4;
/// Tokens of SQL after one breakout; longer statements show themselves before.
pub const SQL_TOKENS_MAX: usize = 256;
/// Quotes tried as the place where a value breaks out of its string.
pub const SQL_BREAKOUTS_MAX: usize = 4;
/// Attributes of one tag that are looked at.
pub const ATTRIBUTES_MAX: usize = 32;
/// Tags of one value that are looked at.
pub const TAGS_MAX: usize = 256;
/// Bytes behind an opening delimiter in which its expression must end.
pub const EXPRESSION_BYTES_MAX: usize = 512;
/// Shell operators of one value that are looked at.
pub const OPERATORS_MAX: usize = 256;
/// URLs of one value whose host is looked at.
pub const URLS_MAX: usize = 32;
/// Nesting of a JSON body that is walked; deeper leaves count as part of their parent's text.
pub const JSON_DEPTH_MAX: usize = 32;
/// Bytes of a parameter's name that a hit shows.
pub const NAME_BYTES_MAX: usize = 48;

const _: () = assert!(VALUE_BYTES_MAX <= REQUEST_BYTES_MAX);
