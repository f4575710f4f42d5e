//! Automation of the house, run as `cargo xtask VERB`: one program instead of a drawer of scripts.
//!
//! It knows the repository and cargo, never the product: no crate of ours is imported here.
//! Start at [`tidy`] for the rules and at [`gate`] for the one command that runs everything.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command line tool talks to its user"
)]

mod allowed;
mod arrows;
mod gate;
mod metadata;
mod setup;
mod source;
mod step;
mod tidy;

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::Result;

const USAGE: &str = "\
usage: cargo xtask VERB

  test          format check, clippy, tidy, all tests, public docs; sets up what it needs
  ci            the same as test
  tidy          check the house and list every problem at once
  bench [ARGS]  build the bench optimised and run it
";

/// Exit code for a verb nobody knows, as the product uses it for bad input.
const EXIT_BAD_INPUT: u8 = 2;
/// Exit code for a failure of this program itself.
const EXIT_INTERNAL: u8 = 3;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match run(&arguments) {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::from(EXIT_INTERNAL)
        }
    }
}

fn run(arguments: &[String]) -> Result<u8> {
    let root = repository_root();
    match arguments.split_first() {
        Some((verb, [])) if verb == "test" || verb == "ci" => gate::run(&root),
        Some((verb, [])) if verb == "tidy" => report_tidy(&root),
        Some((verb, rest)) if verb == "bench" => bench(&root, rest),
        _ => {
            eprint!("{USAGE}");
            Ok(EXIT_BAD_INPUT)
        }
    }
}

/// Prints every finding of tidy, one a line; 1 when there are any.
fn report_tidy(root: &Path) -> Result<u8> {
    let findings = tidy::run(root)?;
    for finding in &findings {
        println!("{finding}");
    }
    if findings.is_empty() {
        return Ok(0);
    }
    eprintln!("tidy: {} problems", findings.len());
    Ok(1)
}

/// Builds the product and the bench optimised, because figures of an unoptimised build mean
/// nothing, and runs the bench, which starts the product for the whole path. Both stand in one
/// build, so that the second step finds everything done.
fn bench(root: &Path, arguments: &[String]) -> Result<u8> {
    let packages = [
        "--release",
        "--locked",
        "--package",
        "belfry",
        "--package",
        "bench",
    ];
    let mut build = vec!["build"];
    build.extend(packages);
    let code = step::cargo(root, &build, &[])?;
    if code != 0 {
        return Ok(code);
    }
    let target = std::env::var_os("CARGO_TARGET_DIR");
    let target = target.map_or_else(|| root.join("target"), PathBuf::from);
    let program = target.join("release/bench");
    step::exit_code(Command::new(program).args(arguments).current_dir(root))
}

/// The folder above this crate. Cargo builds the crate anew when the repository moves.
fn repository_root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_path_buf()
}
