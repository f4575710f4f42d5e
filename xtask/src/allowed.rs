//! Exceptions from tidy's rules. Each list may only shrink: an entry that is no longer needed is
//! itself a problem that tidy reports.

/// Files whose text needs more than ASCII, with the reason beside each.
pub(crate) const NON_ASCII_FILES: &[&str] = &[];

/// Functions longer than the limit that are flat tables or one straight protocol: path and name.
pub(crate) const LONG_FUNCTIONS: &[(&str, &str)] = &[];

/// Files longer than the limit because they are tables.
pub(crate) const LONG_FILES: &[&str] = &[];

/// Files whose rows are wider than the limit because each is one line of a table.
pub(crate) const WIDE_TABLES: &[&str] = &["crates/belfry/src/config/keys.rs"];

/// Files that name a forbidden path of std outside tests: path, forbidden path, how many times.
pub(crate) const FORBIDDEN_PATHS: &[(&str, &str, usize)] = &[
    // Runs while the binary is built, not in it.
    ("crates/belfry/build.rs", "std::fs", 1),
];

/// Dependencies that are declared for their features only: crate and dependency.
pub(crate) const UNNAMED_DEPENDENCIES: &[(&str, &str)] = &[];

/// Files outside `fixtures/` above the size limit.
pub(crate) const LARGE_FILES: &[&str] = &["Cargo.lock"];
