//! Evidence that leaves the house: one file that a person can read in a browser and that anybody
//! can check offline, without the data folder and without us.
//!
//! The file is an HTML page. Its readable part is made from the data at its end and from nothing
//! else, so checking can make it again and compare: who edits what people read is found like who
//! edits a proof. The data are texts of public formats: a checkpoint (c2sp.org/tlog-checkpoint)
//! with its cosignatures, one `c2sp.org/tlog-proof@v1` for each record with the record inside, a
//! policy (c2sp.org/tlog-policy), and the seal of the epoch.
//!
//! Deliberately absent: files, clocks, and where records come from. [`Bundle`] is what was
//! gathered, [`Bundle::to_html`] writes it, [`check()`] reads it back and believes nothing.

mod check;
mod page;
mod wire;

pub mod limits;

#[cfg(test)]
mod tests;

pub use check::{CheckError, Finding, Report, check};
pub use wire::{Bundle, Record, Seal};
