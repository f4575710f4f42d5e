//! Every bound of evidence files, with its reason.

/// Records of one file: a browser still opens the page, and a person still scrolls it.
pub const RECORDS_MAX: usize = 10_000;

/// Longest file that is read: as many records as allowed, each with a body and a proof of some
/// kilobytes; what is larger was not made by us.
pub const FILE_BYTES_MAX: u64 = 512 * 1024 * 1024;

/// Findings that a check lists; the count goes on.
pub const FINDINGS_MAX: usize = 100;
