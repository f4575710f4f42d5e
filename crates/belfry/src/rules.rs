//! Which rules run: the shipped pack inside the binary and the operator's folder.

use std::path::{Path, PathBuf};

use detect::{EngineConfig, Problem, RuleFile, RuleSet, Tuning};
use disk::Disk;

use crate::config::Config;
use crate::exit_code::bad_input;
use crate::{keys, tuning};

/// Bytes of one rule file.
const RULE_FILE_BYTES_MAX: u64 = 1 << 20;

/// Folders below `rules.dir` that are looked into; the community's collection needs five.
const FOLDER_DEPTH_MAX: usize = 8;
/// Rule files of an operator; the community's collection has about four thousand.
const RULE_FILES_MAX: usize = 20_000;

/// The shipped pack: (file name, text).
const SHIPPED: &[(&str, &str)] = &include!(concat!(env!("OUT_DIR"), "/shipped_rules.rs"));

/// The start of the names of shipped files.
pub(crate) const SHIPPED_PREFIX: &str = "shipped/";

/// Loads the rules that `config` asks for, with every problem found in them. A file that cannot be
/// read is a problem of that file; the others are loaded.
pub(crate) fn load(config: &Config, disk: &dyn Disk) -> anyhow::Result<(RuleSet, Vec<Problem>)> {
    let (files, mut problems) = files(config, disk)?;
    let tuning_file = config.rules_tuning.as_deref().unwrap_or(Path::new(""));
    let shown = tuning_file.display().to_string();
    let mut tuning = Tuning::default();
    if config.rules_tuning.is_some() {
        match text_of(disk, tuning_file) {
            Ok(text) => {
                let (read, found) = tuning::read(&shown, &text);
                tuning = read;
                problems.extend(found);
            }
            Err(message) => problems.push(Problem {
                file: shown.clone(),
                line: None,
                message,
            }),
        }
    }
    let (set, found) = RuleSet::load_tuned(&files, &tuning, &shown);
    problems.extend(found);
    Ok((set, problems))
}

/// The rule files that `config` asks for, and those that cannot be read.
pub(crate) fn files(
    config: &Config,
    disk: &dyn Disk,
) -> anyhow::Result<(Vec<RuleFile>, Vec<Problem>)> {
    let (mut files, mut unread) = (Vec::new(), Vec::new());
    if config.rules_shipped {
        files.extend(SHIPPED.iter().map(|(name, text)| RuleFile {
            name: format!("{SHIPPED_PREFIX}{name}"),
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
    Ok((files, unread))
}

/// The rule files of `dir` and of the folders in it, in order of their paths.
fn paths_in(disk: &dyn Disk, dir: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let (mut paths, mut folders) = (Vec::new(), vec![(dir.to_owned(), 0)]);
    while let Some((folder, depth)) = folders.pop() {
        let shown = folder.display();
        let listed = disk
            .list(&folder)
            .map_err(|error| bad_input(format!("`rules.dir` {shown} cannot be listed: {error}")))?;
        for item in listed {
            let path = folder.join(item.name);
            if item.is_dir && depth < FOLDER_DEPTH_MAX {
                folders.push((path, depth + 1));
            } else if path.extension().is_some_and(|e| e == "yml" || e == "yaml") {
                paths.push(path);
            }
        }
        if paths.len() > RULE_FILES_MAX {
            return Err(bad_input(format!(
                "`rules.dir` {shown} holds more than {RULE_FILES_MAX} rule files"
            )));
        }
    }
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
pub(crate) fn engine_config(config: &Config, disk: &dyn Disk) -> anyhow::Result<EngineConfig> {
    Ok(EngineConfig {
        seed: keys::detector_seed(config, disk)?,
        state_bytes_max: usize::try_from(config.state_bytes_max).unwrap_or(usize::MAX),
        lateness: config.lateness,
        skew_future: config.skew_future,
        skew_past: config.skew_past,
        ..EngineConfig::default()
    })
}
