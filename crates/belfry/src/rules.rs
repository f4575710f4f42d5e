//! Which rules run: the shipped pack inside the binary and the operator's folder.

use std::path::{Path, PathBuf};

use detect::{EngineConfig, Problem, RuleFile, RuleSet};
use disk::Disk;

use crate::config::Config;
use crate::exit_code::bad_input;

/// Bytes of one rule file.
const RULE_FILE_BYTES_MAX: u64 = 1 << 20;

/// The shipped pack: (file name, text).
const SHIPPED: &[(&str, &str)] = &include!(concat!(env!("OUT_DIR"), "/shipped_rules.rs"));

/// Loads the rules that `config` asks for, with every problem found in them. A file that cannot be
/// read is a problem of that file; the others are loaded.
pub(crate) fn load(config: &Config, disk: &dyn Disk) -> anyhow::Result<(RuleSet, Vec<Problem>)> {
    let (mut files, mut unread) = (Vec::new(), Vec::new());
    if config.rules_shipped {
        files.extend(SHIPPED.iter().map(|(name, text)| RuleFile {
            name: format!("shipped/{name}"),
            text: (*text).to_owned(),
        }));
    }
    if let Some(dir) = &config.rules_dir {
        for path in paths_in(disk, dir)? {
            match text_of(disk, &path) {
                Ok(text) => files.push(RuleFile {
                    name: path.display().to_string(),
                    text,
                }),
                Err(message) => unread.push(Problem {
                    file: path.display().to_string(),
                    line: None,
                    message,
                }),
            }
        }
    }
    let (set, problems) = RuleSet::load(&files);
    unread.extend(problems);
    Ok((set, unread))
}

fn paths_in(disk: &dyn Disk, dir: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let listed = disk.list(dir).map_err(|error| {
        let shown = dir.display();
        bad_input(format!("`rules.dir` {shown} cannot be listed: {error}"))
    })?;
    let names = listed.into_iter().filter(|item| !item.is_dir);
    let mut paths: Vec<_> = names.map(|item| dir.join(item.name)).collect();
    paths.retain(|path| path.extension().is_some_and(|e| e == "yml" || e == "yaml"));
    paths.sort();
    Ok(paths)
}

fn text_of(disk: &dyn Disk, path: &Path) -> Result<String, String> {
    let bytes = disk.read(path, RULE_FILE_BYTES_MAX);
    let bytes = bytes.map_err(|error| format!("cannot be read: {error}"))?;
    String::from_utf8(bytes).map_err(|_| "the file is not UTF-8 text".to_owned())
}

/// One sentence that lists all problems of the rules.
pub(crate) fn refusal(problems: &[Problem]) -> String {
    let lines: Vec<String> = problems.iter().map(shown).collect();
    format!(
        "{} problem(s) in the rules:\n{}",
        lines.len(),
        lines.join("\n")
    )
}

/// `file:line: message`.
pub(crate) fn shown(problem: &Problem) -> String {
    match problem.line {
        Some(line) => format!("{}:{line}: {}", problem.file, problem.message),
        None => format!("{}: {}", problem.file, problem.message),
    }
}

/// The engine's settings under `config`.
pub(crate) fn engine_config(config: &Config) -> EngineConfig {
    EngineConfig {
        lateness: config.lateness,
        skew_future: config.skew_future,
        skew_past: config.skew_past,
        ..EngineConfig::default()
    }
}
