//! The shape of a page of code: its opening paragraph, its size, its width and its letters.

use crate::allowed;
use crate::source::Source;
use crate::tidy::{Findings, House, has_extension};

/// A screen: what can be seen at once can be checked at once.
const FUNCTION_LINES_MAX: usize = 70;
/// Above this a file hides a noun that wants its own.
const FILE_LINES_MAX: usize = 800;
/// Two files side by side.
const LINE_COLUMNS_MAX: usize = 100;

/// Files written by us where a trailing blank has no meaning.
const TEXT_EXTENSIONS: &[&str] = &["rs", "toml", "md", "yml", "yaml", "sh"];

pub(super) fn check(house: &House, findings: &mut Findings) {
    for source in &house.sources {
        add_missing_head(source, findings);
        add_long_functions(source, findings);
        add_long_file(source, findings);
        add_long_lines(source, findings);
        add_non_ascii(source, findings);
    }
    for file in &house.files {
        let is_ours = !file.path.starts_with("fixtures/")
            && TEXT_EXTENSIONS
                .iter()
                .any(|extension| has_extension(&file.path, extension));
        if let (true, Some(text)) = (is_ours, &file.text) {
            add_trailing_blanks(&file.path, text, findings);
        }
    }
}

fn add_missing_head(source: &Source, findings: &mut Findings) {
    if !source.text.starts_with("//!") {
        let message = "open the file with a `//!` paragraph: what it is for".to_owned();
        findings.add(&source.path, 1, message);
    }
}

fn add_long_functions(source: &Source, findings: &mut Findings) {
    let functions = source.functions();
    for function in &functions {
        let entry = (source.path.as_str(), function.name.as_str());
        let is_long = function.lines > FUNCTION_LINES_MAX;
        if is_long && !allowed::LONG_FUNCTIONS.contains(&entry) {
            let message = format!(
                "function `{}` has {} lines, the limit is {FUNCTION_LINES_MAX}",
                function.name, function.lines
            );
            findings.add(&source.path, function.line, message);
        }
    }
    for (_, name) in allowed::LONG_FUNCTIONS
        .iter()
        .filter(|entry| entry.0 == source.path)
    {
        let needed = functions
            .iter()
            .any(|function| function.name == *name && function.lines > FUNCTION_LINES_MAX);
        if !needed {
            let message = format!("`{name}` is short now: remove it from LONG_FUNCTIONS");
            findings.add(&source.path, 0, message);
        }
    }
}

fn add_long_file(source: &Source, findings: &mut Findings) {
    let count = source.text.lines().count();
    let excused = allowed::LONG_FILES.contains(&source.path.as_str());
    match (count > FILE_LINES_MAX, excused) {
        (true, false) => {
            let message = format!("{count} lines, the limit is {FILE_LINES_MAX}: split by noun");
            findings.add(&source.path, 0, message);
        }
        (false, true) => {
            findings.add(
                &source.path,
                0,
                "short now: remove it from LONG_FILES".to_owned(),
            );
        }
        _ => {}
    }
}

fn add_long_lines(source: &Source, findings: &mut Findings) {
    let wide: Vec<(usize, usize)> = (1..)
        .zip(source.text.lines().map(|line| line.chars().count()))
        .filter(|(_, columns)| *columns > LINE_COLUMNS_MAX)
        .collect();
    if allowed::WIDE_TABLES.contains(&source.path.as_str()) {
        if wide.is_empty() {
            let message = "narrow now: remove it from WIDE_TABLES".to_owned();
            findings.add(&source.path, 0, message);
        }
        return;
    }
    for (line, columns) in wide {
        let message = format!("{columns} columns, the limit is {LINE_COLUMNS_MAX}");
        findings.add(&source.path, line, message);
    }
}

fn add_non_ascii(source: &Source, findings: &mut Findings) {
    let excused = allowed::NON_ASCII_FILES.contains(&source.path.as_str());
    let mut lines = source
        .text
        .lines()
        .enumerate()
        .filter(|(_, line)| !line.is_ascii());
    if excused {
        if lines.next().is_none() {
            findings.add(
                &source.path,
                0,
                "ASCII now: remove it from NON_ASCII_FILES".to_owned(),
            );
        }
        return;
    }
    for (index, _) in lines {
        let message = "source is ASCII: write other characters as `\\u{..}`".to_owned();
        findings.add(&source.path, index + 1, message);
    }
}

fn add_trailing_blanks(path: &str, text: &str, findings: &mut Findings) {
    for (index, line) in text.lines().enumerate() {
        if line.ends_with([' ', '\t', '\r']) {
            findings.add(path, index + 1, "trailing blank".to_owned());
        }
    }
    if !text.is_empty() && (!text.ends_with('\n') || text.ends_with("\n\n")) {
        findings.add(path, 0, "end the file with one line feed".to_owned());
    }
}
