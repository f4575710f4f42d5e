//! The shipped pack against logs that others labelled: each line goes the whole way, parsed,
//! redacted and watched, as in the running process.

mod hub;
mod stand;
