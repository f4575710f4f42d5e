//! Named limits of enrichment.

/// Bytes of a database; the largest known one is below 1 GiB, and all of it is held in memory.
pub const DATABASE_BYTES_MAX: u64 = 1024 * 1024 * 1024;
/// Bytes at the end of a database in which its description begins, by the format.
pub const DESCRIPTION_BYTES_MAX: usize = 128 * 1024;
/// Nesting of a record, and pointers followed one after the other.
pub const RECORD_DEPTH_MAX: usize = 16;
/// Values of one record that are looked at; the largest known record has about two hundred.
pub const RECORD_VALUES_MAX: usize = 4_096;
/// Different records that are read through when a database is opened.
pub const RECORDS_CHECKED_MAX: usize = 4_096;
/// Bytes of a name taken from a database.
pub const NAME_BYTES_MAX: usize = 256;
/// Addresses (IPv6 by /64) whose answer is remembered; about 200 bytes each.
pub const CACHE_ENTRIES_MAX: usize = 65_536;
/// Addresses in one forwarding header that are looked at, from the right.
pub const HOPS_MAX: usize = 32;
/// Networks of trusted proxies.
pub const PROXIES_MAX: usize = 4_096;
