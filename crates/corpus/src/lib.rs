//! Log lines with and without secrets, drawn by seed, and the exam that a redactor sits on them.
//!
//! Every secret is valid by its own rules (check digits, prefixes, structure) and belongs to
//! nobody: it is put together when it is drawn, so that no file holds one. The truth about each
//! line is known because the line was built around it.
//!
//! - [`Numbers`]: the seed; equal seeds give equal corpora on every machine.
//! - [`secret`]: every kind of secret that a redactor is asked to find.
//! - [`building`]: placements that were looked at while the engine was built.
//! - [`held_out`]: placements composed by another grammar, for the figure that counts.
//! - [`clean`]: lines that hold no secret and tempt to see one.
//! - [`exam`]: plants, asks, searches what came back, and counts.
//!
//! Deliberately absent: everything of the product. What is a secret is stated here a second time,
//! from the standards, so that a fault in the engine is not repeated in its judge.

pub mod building;
pub mod clean;
pub mod encode;
pub mod exam;
pub mod held_out;
pub mod secret;

mod number;
mod numbers;
mod vendor;

pub use numbers::Numbers;

/// One line with a secret in it, and the truth about it.
#[derive(Clone, Debug)]
pub struct Planted {
    /// The line as a sender would write it.
    pub line: String,
    /// Kind of the secret, such as `pan`.
    pub kind: &'static str,
    /// Where in the line it stands, such as `cookie`.
    pub placement: &'static str,
    /// Notations around that place, such as `json in base64`; empty without any.
    pub nest: String,
    /// What was laid around it, outermost last; empty when it stands there as it is.
    pub encoding: Vec<encode::Form>,
    /// The part that must not survive.
    pub core: String,
}
