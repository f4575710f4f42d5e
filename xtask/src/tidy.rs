//! The rules of the house as a program: one small function per kind of complaint, all complaints in
//! one run. It runs as a test too, so `cargo test` fails where `cargo xtask tidy` does.
//!
//! A rule that is not checked here, by clippy or by a type is a wish, not a rule.

mod borders;
mod documents;
mod licences;
mod manifests;
mod names;
mod shape;
mod trials;

#[cfg(test)]
mod tests;

use std::fmt;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use crate::allowed;
use crate::metadata::{self, Borrowed, Package};
use crate::source::Source;
use crate::step;

/// One complaint.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Finding {
    pub(crate) path: String,
    /// 1-based; 0 speaks of the file as a whole.
    pub(crate) line: usize,
    pub(crate) message: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}: {}", self.path, self.line, self.message)
    }
}

/// Collects complaints.
#[derive(Debug, Default)]
pub(crate) struct Findings(Vec<Finding>);

impl Findings {
    fn add(&mut self, path: &str, line: usize, message: String) {
        self.0.push(Finding {
            path: path.to_owned(),
            line,
            message,
        });
    }
}

/// A file that belongs to the repository.
#[derive(Clone, Debug)]
pub(crate) struct TrackedFile {
    /// Relative to the root, with `/` between names.
    pub(crate) path: String,
    pub(crate) bytes: u64,
    /// `None` for files that are not UTF-8.
    pub(crate) text: Option<String>,
}

/// Everything the checks look at.
#[derive(Clone, Debug, Default)]
pub(crate) struct House {
    pub(crate) files: Vec<TrackedFile>,
    pub(crate) sources: Vec<Source>,
    pub(crate) packages: Vec<Package>,
    pub(crate) borrowed: Vec<Borrowed>,
}

impl House {
    fn new(files: Vec<TrackedFile>, packages: Vec<Package>, borrowed: Vec<Borrowed>) -> Self {
        let mut sources: Vec<Source> = files
            .iter()
            .filter(|file| has_extension(&file.path, "rs"))
            .filter_map(|file| Some(Source::new(&file.path, file.text.as_deref()?)))
            .collect();
        let test_stems: Vec<String> = sources.iter().flat_map(Source::test_modules).collect();
        for source in &mut sources {
            source.mark_test_module(&test_stems);
        }
        Self {
            files,
            sources,
            packages,
            borrowed,
        }
    }

    /// Name of the crate that a file belongs to.
    fn crate_of(&self, path: &str) -> Option<&str> {
        let package = self.packages.iter().find(|package| {
            path.strip_prefix(package.folder.as_str())
                .is_some_and(|rest| rest.starts_with('/'))
        })?;
        Some(&package.name)
    }

    fn text_of(&self, path: &str) -> Option<&str> {
        self.files
            .iter()
            .find(|file| file.path == path)?
            .text
            .as_deref()
    }
}

/// Reads the repository and runs every check.
pub(crate) fn run(root: &Path) -> Result<Vec<Finding>> {
    let (packages, borrowed) = metadata::read(root)?;
    let house = House::new(read_files(root)?, packages, borrowed);
    Ok(check(&house))
}

/// Runs every check over files already read, sorted by place.
pub(crate) fn check(house: &House) -> Vec<Finding> {
    let mut findings = Findings::default();
    manifests::check(house, &mut findings);
    borders::check(house, &mut findings);
    shape::check(house, &mut findings);
    names::check(house, &mut findings);
    trials::check(house, &mut findings);
    documents::check(house, &mut findings);
    licences::check(house, &mut findings);
    add_exceptions_without_file(house, &mut findings);
    findings.0.sort();
    findings.0.dedup();
    findings.0
}

/// An exception whose file is gone would excuse the next file of that name.
fn add_exceptions_without_file(house: &House, findings: &mut Findings) {
    let single = [
        allowed::NON_ASCII_FILES,
        allowed::LONG_FILES,
        allowed::WIDE_TABLES,
        allowed::LARGE_FILES,
    ];
    let excused = single
        .concat()
        .into_iter()
        .chain(allowed::LONG_FUNCTIONS.iter().map(|entry| entry.0))
        .chain(allowed::FORBIDDEN_PATHS.iter().map(|entry| entry.0));
    for path in excused {
        if !house.files.iter().any(|file| file.path == path) {
            let message = format!("excuses `{path}`, which does not exist");
            findings.add("xtask/src/allowed.rs", 0, message);
        }
    }
}

/// The files git knows or would add, so that a new file is judged before its first commit.
fn read_files(root: &Path) -> Result<Vec<TrackedFile>> {
    let mut command = Command::new("git");
    command
        .args([
            "ls-files",
            "--cached",
            "--others",
            "--exclude-standard",
            "-z",
        ])
        .current_dir(root);
    let listing = step::output(&mut command).context("tidy needs a git checkout")?;
    let mut files = Vec::new();
    for path in listing.split('\0').filter(|path| !path.is_empty()) {
        files.extend(read_file(root, path)?);
    }
    Ok(files)
}

/// `None` for a file that is deleted but not yet committed as such.
fn read_file(root: &Path, path: &str) -> Result<Option<TrackedFile>> {
    match std::fs::read(root.join(path)) {
        Ok(bytes) => Ok(Some(TrackedFile {
            path: path.to_owned(),
            bytes: bytes.len() as u64,
            text: String::from_utf8(bytes).ok(),
        })),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("cannot read {path}")),
    }
}

fn has_extension(path: &str, extension: &str) -> bool {
    Path::new(path)
        .extension()
        .is_some_and(|found| found == extension)
}
