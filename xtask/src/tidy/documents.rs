//! Files of every kind: how big they are, what a document opens with, and whether someone's own
//! machine shines through.

use crate::allowed;
use crate::tidy::{Findings, House, TrackedFile, has_extension};

/// Big files belong to `fixtures/`, where everyone expects data.
const FILE_BYTES_MAX: u64 = 200 * 1024;

pub(super) fn check(house: &House, findings: &mut Findings) {
    for file in &house.files {
        if file.path.starts_with("fixtures/") {
            continue;
        }
        add_large_file(file, findings);
        let Some(text) = &file.text else { continue };
        add_machine_paths(&file.path, text, findings);
        if has_extension(&file.path, "md") {
            add_title_count(&file.path, text, findings);
        }
    }
}

fn add_large_file(file: &TrackedFile, findings: &mut Findings) {
    let excused = allowed::LARGE_FILES.contains(&file.path.as_str());
    if file.bytes > FILE_BYTES_MAX && !excused {
        let message = format!(
            "{} bytes, the limit outside fixtures is {FILE_BYTES_MAX}",
            file.bytes
        );
        findings.add(&file.path, 0, message);
    }
}

/// A document has one title; `# ` inside a fenced block is a shell comment.
fn add_title_count(path: &str, text: &str, findings: &mut Findings) {
    let mut fenced = false;
    let mut titles = 0_usize;
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
        } else if !fenced && line.starts_with("# ") {
            titles += 1;
        }
    }
    if titles != 1 {
        findings.add(
            path,
            0,
            format!("{titles} titles (`# `), a document has one"),
        );
    }
}

/// Folders of the machine a text was written on. Logs and rules may speak of a root user's home, so
/// only its tool folders count.
fn add_machine_paths(path: &str, text: &str, findings: &mut Findings) {
    let folders = [
        concat!("/wo", "rk/"),
        concat!("/root", "/.cargo"),
        concat!("/root", "/.rustup"),
    ];
    for (index, line) in text.lines().enumerate() {
        for folder in folders {
            if starts_somewhere(line, folder) {
                let message = format!("`{folder}` is a path of one machine");
                findings.add(path, index + 1, message);
            }
        }
    }
}

/// Whether the folder stands at the start of a path, not in the middle of a longer one.
fn starts_somewhere(line: &str, folder: &str) -> bool {
    line.match_indices(folder).any(|(place, _)| {
        let before = line[..place].chars().next_back();
        !before.is_some_and(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '}' | '>'))
    })
}
