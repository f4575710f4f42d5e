//! The two mouths of the process: standard output is data, standard error is talk.
//!
//! A closed pipe (`belfry search | head`) is not an error: whoever listened has enough.

use std::io::{self, Write};

/// Writes `line` and a line end to standard output; whether anybody still listens.
pub(crate) fn data(line: &str) -> bool {
    let mut out = io::stdout().lock();
    out.write_all(line.as_bytes())
        .and_then(|()| out.write_all(b"\n"))
        .is_ok()
}

/// Writes `line` and a line end to standard error.
pub(crate) fn say(line: &str) {
    let mut out = io::stderr().lock();
    // Nobody is left to tell when standard error itself fails.
    let _ = out
        .write_all(line.as_bytes())
        .and_then(|()| out.write_all(b"\n"));
}

/// Rewrites the present line of standard error; for progress on a terminal.
pub(crate) fn progress(line: &str) {
    let mut out = io::stderr().lock();
    let _ = write!(out, "\r\x1b[2K{line}").and_then(|()| out.flush());
}

/// Whether standard error is a terminal that can show progress.
pub(crate) fn shows_progress() -> bool {
    io::IsTerminal::is_terminal(&io::stderr())
}
