//! Borders that the compiler cannot draw alone: what a kind of crate may touch, who may certify,
//! who may make an entry, and where serde may stand.

use crate::allowed;
use crate::arrows::{self, Kind};
use crate::source::{self, Source};
use crate::tidy::{Findings, House};

/// The crate that is the way to the disk.
const DISK_CRATE: &str = "disk";

/// Crates that may certify: `redact` decides, `event` owns the type and its double for tests.
const CERTIFIERS: &[&str] = &["event", "redact"];

/// Crates that may make an entry: `ledger` assigns indices, `event` owns the type, `bench` needs
/// entries without a ledger to time what reads them.
const ENTRY_MAKERS: &[&str] = &["bench", "event", "ledger"];

/// Files that make entries out of the samples inside rules, which no ledger ever holds.
const SAMPLE_ENTRIES: &[&str] = &["crates/detect/src/sample.rs"];

/// Crates whose wire is everywhere: the configuration and the reports.
const SERDE_ANYWHERE: &[&str] = &["belfry", "bench"];

pub(super) fn check(house: &House, findings: &mut Findings) {
    for source in &house.sources {
        let Some(name) = house.crate_of(&source.path) else {
            continue;
        };
        if let Some(room) = arrows::find(name)
            && name != DISK_CRATE
        {
            add_forbidden_paths(source, room.kind, findings);
        }
        if !CERTIFIERS.contains(&name) {
            add_foreign_certifier(source, findings);
        }
        if !ENTRY_MAKERS.contains(&name) && !SAMPLE_ENTRIES.contains(&source.path.as_str()) {
            add_foreign_entry(source, findings);
        }
        if !SERDE_ANYWHERE.contains(&name) && !is_wire(&source.path) {
            add_serde_outside_wire(source, findings);
        }
    }
}

/// Counted per file and path, because the list of exceptions is counted too.
fn add_forbidden_paths(source: &Source, kind: Kind, findings: &mut Findings) {
    for (path, instead) in arrows::forbidden_paths(kind) {
        let places: Vec<usize> = places_of_path(&source.code, path)
            .into_iter()
            .filter(|place| !source.is_test_at(*place))
            .collect();
        let allowance = allowed_count(&source.path, path);
        if places.len() > allowance {
            for place in places {
                let message = format!("a {kind:?} crate does not name `{path}`: {instead}");
                findings.add(&source.path, source.line_at(place), message);
            }
        } else if places.len() < allowance {
            let message = format!("`{path}` is allowed {allowance} times: lower FORBIDDEN_PATHS");
            findings.add(&source.path, 0, message);
        }
    }
}

fn allowed_count(file: &str, path: &str) -> usize {
    let entry = allowed::FORBIDDEN_PATHS
        .iter()
        .find(|entry| entry.0 == file && entry.1 == path);
    entry.map_or(0, |entry| entry.2)
}

fn add_foreign_certifier(source: &Source, findings: &mut Findings) {
    let call = concat!("Redacted", "::certified");
    for place in source.find_word(call) {
        let message = "only `redact` certifies: apply a policy to get a `Redacted`".to_owned();
        findings.add(&source.path, source.line_at(place), message);
    }
}

/// Associated functions of `Entry` that are called outside tests; variants of other enums of that
/// name start with a capital letter.
fn add_foreign_entry(source: &Source, findings: &mut Findings) {
    for place in source.find_word("Entry") {
        let rest = &source.code[place + "Entry".len()..];
        let Some(called) = rest.strip_prefix("::") else {
            continue;
        };
        let end = called
            .find(|c| !source::is_name_char(c))
            .unwrap_or(called.len());
        let is_call = called.starts_with(|c: char| c.is_lowercase())
            && called[end..].starts_with('(')
            && !source.is_test_at(place);
        if is_call {
            let message = "only `ledger` makes entries: read them from a `Reader`".to_owned();
            findings.add(&source.path, source.line_at(place), message);
        }
    }
}

fn is_wire(path: &str) -> bool {
    path.split('/')
        .any(|name| matches!(name, "wire" | "wire.rs"))
}

fn add_serde_outside_wire(source: &Source, findings: &mut Findings) {
    for (place, _) in source.code.match_indices("derive(") {
        let end = source.code[place..]
            .find(')')
            .map_or(source.code.len(), |length| place + length);
        let derived = &source.code[place..end];
        let is_serde = ["Serialize", "Deserialize"]
            .iter()
            .any(|name| source::find_word(derived, name).next().is_some());
        if is_serde {
            let message = "derive serde only in a module named `wire`, convert by hand".to_owned();
            findings.add(&source.path, source.line_at(place), message);
        }
    }
}

/// Where code names a path, spelled out or inside a braced import.
fn places_of_path(code: &str, path: &str) -> Vec<usize> {
    let mut found: Vec<usize> = source::find_word(code, path).collect();
    let Some((parent, last)) = path.rsplit_once("::") else {
        return found;
    };
    let braced = format!("{parent}::{{");
    for (start, _) in code.match_indices(&braced) {
        let inside = start + braced.len();
        let end = code[inside..]
            .find(';')
            .map_or(code.len(), |length| inside + length);
        if source::find_word(&code[inside..end], last).next().is_some() {
            found.push(start);
        }
    }
    found
}
