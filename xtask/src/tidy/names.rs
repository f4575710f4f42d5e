//! Names that say nothing, and marks that say "later".

use std::path::Path;

use crate::source::Source;
use crate::tidy::{Findings, House, has_extension};

/// Stems of files and folders without an address: a noun of the field is missing.
const BANNED_STEMS: &[&str] = &[
    "common", "helper", "helpers", "manager", "misc", "util", "utils",
];

pub(super) fn check(house: &House, findings: &mut Findings) {
    for source in &house.sources {
        add_banned_stem(source, findings);
        add_getter(source, findings);
        add_leftover_macro(source, findings);
    }
    for file in &house.files {
        let judged = ["rs", "toml", "yml", "yaml"]
            .iter()
            .any(|end| has_extension(&file.path, end));
        if let (true, Some(text)) = (judged && !file.path.starts_with("fixtures/"), &file.text) {
            add_leftover_marker(&file.path, text, findings);
        }
    }
}

fn add_banned_stem(source: &Source, findings: &mut Findings) {
    for part in Path::new(&source.path) {
        let part = part.to_string_lossy();
        let stem = part.strip_suffix(".rs").unwrap_or(&part);
        if BANNED_STEMS.contains(&stem) {
            let message = format!("`{stem}` is no address: name the noun this is about");
            findings.add(&source.path, 0, message);
        }
    }
}

fn add_getter(source: &Source, findings: &mut Findings) {
    for function in source.functions() {
        if function.name.starts_with("get_") {
            let message = format!("`{}`: a getter is named by its noun alone", function.name);
            findings.add(&source.path, function.line, message);
        }
    }
}

fn add_leftover_macro(source: &Source, findings: &mut Findings) {
    for name in ["dbg", "todo", "unimplemented"] {
        for place in source.find_word(name) {
            if source.code[place + name.len()..].starts_with('!') {
                let message = format!("leftover `{name}!`");
                findings.add(&source.path, source.line_at(place), message);
            }
        }
    }
}

/// The usual words for work put off, built from parts so that this file does not contain them.
fn add_leftover_marker(path: &str, text: &str, findings: &mut Findings) {
    let markers = [
        concat!("TO", "DO"),
        concat!("FIX", "ME"),
        concat!("XX", "X"),
        concat!("HA", "CK"),
    ];
    for (index, line) in text.lines().enumerate() {
        for marker in markers {
            if crate::source::find_word(line, marker).next().is_some() {
                let message = format!("`{marker}` does not reach main: do it or file an issue");
                findings.add(path, index + 1, message);
            }
        }
    }
}
