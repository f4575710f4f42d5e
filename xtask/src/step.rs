//! Running other programs: always with the repository as working folder, always with the exit code
//! handed on.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

/// Exit code reported for a program that a signal ended, as shells do.
const EXIT_SIGNALLED: u8 = 128;

/// Runs cargo with the arguments and extra environment; returns its exit code.
pub(crate) fn cargo(root: &Path, arguments: &[&str], environment: &[(&str, &str)]) -> Result<u8> {
    let mut command = Command::new(cargo_program());
    command.args(arguments).current_dir(root);
    for (name, value) in environment {
        command.env(name, value);
    }
    exit_code(&mut command)
}

/// Runs the command to its end and returns its exit code.
pub(crate) fn exit_code(command: &mut Command) -> Result<u8> {
    let program = command.get_program().to_string_lossy().into_owned();
    let status = command
        .status()
        .with_context(|| format!("cannot start `{program}`"))?;
    let code = status.code().unwrap_or(i32::from(EXIT_SIGNALLED));
    Ok(u8::try_from(code).unwrap_or(1))
}

/// Runs the command quietly and returns what it wrote to stdout; a failure carries its stderr.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command
        .output()
        .with_context(|| format!("cannot start `{program}`"))?;
    anyhow::ensure!(
        output.status.success(),
        "`{program}` failed: {}",
        String::from_utf8_lossy(&output.stderr).trim()
    );
    String::from_utf8(output.stdout).with_context(|| format!("`{program}` wrote invalid UTF-8"))
}

/// The cargo that runs us, so that a pinned toolchain stays pinned.
pub(crate) fn cargo_program() -> String {
    std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned())
}
