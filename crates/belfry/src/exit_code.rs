//! How the process ends, for scripts.

use std::process::ExitCode;

/// What a command came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Nothing to complain about.
    Fine,
    /// The command worked and found something: tampering, failed rule tests, problems.
    Findings,
}

/// Why a command could not do its work.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct BadInput(pub(crate) String);

/// Bad input or configuration: exit code 2.
pub(crate) fn bad_input(message: impl Into<String>) -> anyhow::Error {
    anyhow::Error::new(BadInput(message.into()))
}

/// 0 fine, 1 findings, 2 bad input or configuration, 3 internal.
pub(crate) fn of(result: &anyhow::Result<Outcome>) -> ExitCode {
    match result {
        Ok(Outcome::Fine) => ExitCode::SUCCESS,
        Ok(Outcome::Findings) => ExitCode::from(1),
        Err(error) if error.chain().any(<dyn std::error::Error>::is::<BadInput>) => {
            ExitCode::from(2)
        }
        Err(_) => ExitCode::from(3),
    }
}
