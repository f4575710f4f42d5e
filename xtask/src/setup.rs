//! What the tests need from the machine beyond a Rust toolchain and a C compiler.
//!
//! Installing is tried only as root with `apt-get` at hand; otherwise the need is printed and the
//! tests that depend on it skip themselves loudly. Nothing here fails the run.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::step;

/// One program of the machine that some test drives.
struct Need {
    program: &'static str,
    /// One or more, with spaces between.
    debian_package: &'static str,
    reason: &'static str,
}

const NEEDS: &[Need] = &[
    Need {
        program: "git",
        debian_package: "git",
        reason: "tidy asks it which files belong to the repository",
    },
    Need {
        program: "logger",
        debian_package: "bsdutils",
        reason: "a real syslog sender for the intake tests",
    },
    Need {
        program: "rsyslogd",
        debian_package: "rsyslog",
        reason: "the syslog daemon most senders run, for the journeys of the binary",
    },
    Need {
        program: "go",
        // The second brings golang.org/x/mod as source; module mode is off, no download.
        debian_package: "golang-go golang-golang-x-mod-dev",
        reason: "the checker of the ledger that shares no line with us",
    },
];

/// Parts of the toolchain that a minimal rustup profile leaves out.
const COMPONENTS: &[(&str, &str)] = &[("fmt", "rustfmt"), ("clippy", "clippy")];

/// Sees to every need; prints what it did and what is still missing.
pub(crate) fn run(root: &Path) {
    for (subcommand, component) in COMPONENTS {
        ensure_component(root, subcommand, component);
    }
    for need in NEEDS {
        ensure_program(need);
    }
}

fn ensure_component(root: &Path, subcommand: &str, component: &str) {
    let mut probe = Command::new(step::cargo_program());
    probe.args([subcommand, "--version"]).current_dir(root);
    if succeeds(&mut probe) {
        return;
    }
    println!("setup: adding the toolchain component {component}");
    let mut add = Command::new("rustup");
    add.args(["component", "add", component]).current_dir(root);
    if !succeeds(&mut add) {
        println!("setup: MISSING {component}: install it, `cargo {subcommand}` cannot run");
    }
}

fn ensure_program(need: &Need) {
    if find_program(need.program).is_some() {
        return;
    }
    let Need {
        program,
        debian_package,
        reason,
    } = need;
    println!("setup: `{program}` is missing ({reason})");
    if is_root() && find_program("apt-get").is_some() {
        println!("setup: installing the Debian package {debian_package}");
        install(debian_package);
    }
    if find_program(program).is_none() {
        println!(
            "setup: MISSING `{program}` (Debian package {debian_package}): tests that need it skip"
        );
    }
}

/// Installs from the package lists at hand, and once more after fetching new lists.
fn install(debian_package: &str) {
    let install = ["install", "--yes", "--no-install-recommends"].into_iter();
    let install: Vec<&str> = install.chain(debian_package.split(' ')).collect();
    if !apt_get(&install) && apt_get(&["update"]) {
        apt_get(&install);
    }
}

fn apt_get(arguments: &[&str]) -> bool {
    let mut command = Command::new("apt-get");
    command
        .args(arguments)
        .env("DEBIAN_FRONTEND", "noninteractive");
    succeeds(&mut command)
}

fn succeeds(command: &mut Command) -> bool {
    command
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .stdin(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

fn find_program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .map(|folder| folder.join(name))
        .find(|candidate| candidate.is_file())
}

fn is_root() -> bool {
    step::output(Command::new("id").arg("-u")).is_ok_and(|uid| uid.trim() == "0")
}
