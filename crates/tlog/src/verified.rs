//! The proof token: a value that passed a check of this crate.

use std::ops::Deref;

/// A value that was checked against a signature, and for proofs against a root.
///
/// There is no public constructor: holding one means the check ran and succeeded. What exactly
/// was checked is documented where the value is returned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified<T>(T);

impl<T> Verified<T> {
    /// Called only directly after a successful check.
    pub(crate) fn certified(value: T) -> Self {
        Self(value)
    }

    /// Gives the value up together with the evidence that it was checked.
    pub fn into_inner(self) -> T {
        self.0
    }
}

impl<T> Deref for Verified<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}
