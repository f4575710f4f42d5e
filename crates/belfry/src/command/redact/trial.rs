//! `belfry redact test`: files of records with what must become of each, run under today's policy
//! and a key that anybody may know. What fails is told without the record.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use event::Value as FieldValue;
use redact::Policy;
use serde::Deserialize;
use serde_json::json;

use super::{Explained, Ground, explained};
use crate::cli::Format;
use crate::exit_code::{Outcome, bad_input};
use crate::{keys, talk};

/// Bytes of one file of tests.
const FILE_BYTES_MAX: u64 = 4 << 20;

/// A file of tests.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(rename = "test")]
    tests: Vec<Test>,
}

/// One record and what is expected of it; what is not said is not looked at.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Test {
    name: String,
    /// The record as a sender writes it.
    input: String,
    /// Exactly these kinds are found; an empty list means that nothing is.
    kinds: Option<Vec<String>>,
    /// Texts that must be nowhere in what is stored.
    #[serde(default)]
    gone: Vec<String>,
    /// Texts that must be in some stored field.
    #[serde(default)]
    stays: Vec<String>,
    /// Stored fields with exactly these texts.
    #[serde(default)]
    fields: BTreeMap<String, String>,
}

/// Runs the tests of `files`.
pub(super) fn run(ground: &Ground, files: &[PathBuf], format: Format) -> anyhow::Result<Outcome> {
    let policy = keys::trial_policy(&ground.config);
    let (mut count, mut failed) = (0_u64, 0_u64);
    for path in files {
        for test in read(ground, path)? {
            let differences = differences(&policy, &test);
            count += 1;
            failed += u64::from(!differences.is_empty());
            tell(path, &test.name, &differences, format);
        }
    }
    if format == Format::Text {
        talk::say(&format!("{count} policy test(s), {failed} failed"));
    }
    if count == 0 {
        return Err(bad_input("the files hold no [[test]]"));
    }
    Ok(if failed == 0 {
        Outcome::Fine
    } else {
        Outcome::Findings
    })
}

fn tell(path: &Path, name: &str, differences: &[String], format: Format) {
    let file = path.display();
    let passed = differences.is_empty();
    match format {
        Format::Json => {
            let line = json!({
                "file": file.to_string(), "test": name, "passed": passed,
                "differences": differences,
            });
            talk::data(&line.to_string());
        }
        Format::Text if passed => {
            talk::data(&format!("ok      {file}: {name}"));
        }
        Format::Text => {
            talk::data(&format!("FAILED  {file}: {name}"));
            for difference in differences {
                talk::data(&format!("          {difference}"));
            }
        }
    }
}

/// The tests of one file. A mistake is told by its line, never by its text: a test may quote a
/// record.
fn read(ground: &Ground, path: &Path) -> anyhow::Result<Vec<Test>> {
    let shown = path.display();
    let bytes = ground.disk.read(path, FILE_BYTES_MAX);
    let bytes = bytes.map_err(|error| bad_input(error.to_string()))?;
    let text =
        String::from_utf8(bytes).map_err(|_| bad_input(format!("{shown} is not UTF-8 text")))?;
    let file: File = toml::from_str(&text).map_err(|error| {
        let start = error.span().map_or(0, |span| span.start);
        let before = text.get(..start).unwrap_or(&text);
        let line = before.matches('\n').count() + 1;
        bad_input(format!("{shown}:{line}: {}", error.message()))
    })?;
    Ok(file.tests)
}

/// What is not as `test` expects.
fn differences(policy: &Policy, test: &Test) -> Vec<String> {
    let explained = explained(policy, test.input.as_bytes());
    let mut found = Vec::new();
    if let Some(expected) = &test.kinds {
        let mut expected: Vec<&str> = expected.iter().map(String::as_str).collect();
        let mut kinds: Vec<&str> = explained.findings.iter().map(|f| f.kind.name()).collect();
        for list in [&mut expected, &mut kinds] {
            list.sort_unstable();
            list.dedup();
        }
        if kinds != expected {
            found.push(format!("kinds: expected {expected:?}, found {kinds:?}"));
        }
    }
    let texts = texts(&explained);
    for (at, gone) in test.gone.iter().enumerate() {
        if let Some((name, _)) = texts.iter().find(|(_, text)| text.contains(gone.as_str())) {
            found.push(format!("gone[{at}] is still in {name}"));
        }
    }
    for (at, stays) in test.stays.iter().enumerate() {
        if !texts.iter().any(|(_, text)| text.contains(stays.as_str())) {
            found.push(format!("stays[{at}] is in no stored field"));
        }
    }
    for (name, expected) in &test.fields {
        let stored: Vec<&str> = texts
            .iter()
            .filter(|(field, _)| field == name)
            .map(|(_, text)| text.as_str())
            .collect();
        match stored.as_slice() {
            [text] if text == expected => {}
            [] => found.push(format!("fields.{name}: not stored")),
            // What is stored was redacted, so it may be shown.
            texts => found.push(format!("fields.{name}: stored as {}", texts.join(", "))),
        }
    }
    found
}

/// Every stored field with its text.
fn texts(explained: &Explained) -> Vec<(String, String)> {
    let fields = explained.stored.event().fields();
    let texts = fields.filter_map(|field| {
        let text = match field.value {
            FieldValue::Str(text) => text.to_owned(),
            FieldValue::Int(number) => number.to_string(),
            FieldValue::Float(number) => number.to_string(),
            FieldValue::Bool(truth) => truth.to_string(),
            FieldValue::Null | FieldValue::Time(_) => return None,
        };
        Some((field.name.to_owned(), text))
    });
    texts.collect()
}
