//! Reads the file, its `conf.d` and the environment into one flat map of paths to values, checking
//! each against the table of keys and collecting every problem.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::path::Path;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::keys::{KEYS, Key};
use super::value::{Kind, Written};

/// Bytes of one configuration file.
const FILE_BYTES_MAX: u64 = 1 << 20;
/// Prefix of environment variables that override a key.
const ENVIRONMENT_PREFIX: &str = "BELFRY__";

/// A mistake in the configuration: where, what, what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Problem {
    /// `file:line` or the name of the variable.
    pub(crate) place: String,
    /// What is wrong and what would be right.
    pub(crate) message: String,
}

/// Everything that was written: `intake.file[2].path` and the like to values.
#[derive(Debug, Default)]
pub(crate) struct Reading {
    values: BTreeMap<String, Written>,
    /// How many times each repeated table came, by its path.
    counts: BTreeMap<String, usize>,
    /// Paths that were written with a value that is no good.
    faulty: BTreeSet<String>,
    pub(crate) problems: Vec<Problem>,
}

impl Reading {
    /// Reads `main` and then `conf.d/*.toml` beside it, in order of name; later files win.
    pub(crate) fn of_files(disk: &dyn disk::Disk, main: Option<&Path>) -> Self {
        let mut reading = Self::default();
        let Some(main) = main else { return reading };
        reading.add_file(disk, main);
        let folder = main.parent().unwrap_or(Path::new("")).join("conf.d");
        let listed = disk.list(&folder).unwrap_or_default();
        let names = listed
            .into_iter()
            .filter(|item| !item.is_dir)
            .map(|item| item.name);
        let mut names: Vec<_> = names.collect();
        names.retain(|name| Path::new(name).extension().is_some_and(|e| e == "toml"));
        names.sort();
        for name in names {
            reading.add_file(disk, &folder.join(name));
        }
        reading
    }

    fn add_file(&mut self, disk: &dyn disk::Disk, path: &Path) {
        let shown = path.display().to_string();
        match disk.read(path, FILE_BYTES_MAX) {
            Ok(bytes) => match String::from_utf8(bytes) {
                Ok(text) => self.add_text(&shown, &text),
                Err(_) => self.complain(&shown, "the file is not UTF-8 text"),
            },
            Err(error) => self.complain(&shown, &format!("cannot be read: {error}")),
        }
    }

    /// Adds the settings of one file's `text`.
    pub(crate) fn add_text(&mut self, shown: &str, text: &str) {
        match DeTable::parse(text) {
            Ok(table) => {
                let file = File { shown, text };
                self.add_table(&file, "", "", table.get_ref());
            }
            Err(error) => {
                let at = error.span().map_or(0, |span| span.start);
                let place = File { shown, text }.place(at);
                self.complain(&place, error.message().trim());
            }
        }
    }

    fn add_table(&mut self, file: &File<'_>, path: &str, generic: &str, table: &DeTable<'_>) {
        for (name, value) in table {
            let dot = if path.is_empty() { "" } else { "." };
            let path = format!("{path}{dot}{}", name.get_ref());
            let generic = format!("{generic}{dot}{}", name.get_ref());
            let place = file.place(name.span().start);
            self.add_value(file, &path, &generic, &place, value);
        }
    }

    fn add_value(
        &mut self,
        file: &File<'_>,
        path: &str,
        generic: &str,
        place: &str,
        value: &Spanned<DeValue<'_>>,
    ) {
        match value.get_ref() {
            DeValue::Table(table) => self.add_table(file, path, generic, table),
            DeValue::Array(items) if is_repeated(generic) => {
                for item in items {
                    let at = self.next_of(generic);
                    let (path, generic) = (format!("{generic}[{at}]"), format!("{generic}[]"));
                    match item.get_ref() {
                        DeValue::Table(table) => self.add_table(file, &path, &generic, table),
                        _ => self.complain(place, &format!("`{generic}` must be a table")),
                    }
                }
            }
            scalar => match KEYS.iter().find(|key| key.path == generic) {
                Some(key) => self.add_scalar(key, path, place, scalar),
                None => self.complain(place, &unknown(generic)),
            },
        }
    }

    fn next_of(&mut self, generic: &str) -> usize {
        let count = self.counts.entry(generic.to_owned()).or_default();
        *count += 1;
        *count - 1
    }

    fn add_scalar(&mut self, key: &Key, path: &str, place: &str, value: &DeValue<'_>) {
        let texts = match (key.kind, value) {
            (Kind::Texts, DeValue::Array(items)) => items
                .iter()
                .map(|item| item.get_ref().as_str().map(str::to_owned))
                .collect::<Option<Vec<_>>>(),
            (Kind::Texts, _) => None,
            (kind, value) => text_of(value)
                .filter(|text| kind.accepts(text))
                .map(|t| vec![t]),
        };
        let Some(texts) = texts else {
            let message = format!("`{path}` must be {}", key.kind.expected());
            self.faulty.insert(path.to_owned());
            return self.complain(place, &message);
        };
        let place = place.to_owned();
        self.values
            .insert(path.to_owned(), Written { texts, place });
    }

    /// Adds `BELFRY__SECTION__KEY=value` overrides from `variables`; the others are none of our
    /// business, whatever bytes they hold.
    pub(crate) fn add_environment(
        &mut self,
        variables: impl Iterator<Item = (OsString, OsString)>,
    ) {
        for (name, value) in variables {
            if !name
                .as_encoded_bytes()
                .starts_with(ENVIRONMENT_PREFIX.as_bytes())
            {
                continue;
            }
            match (name.into_string(), value.into_string()) {
                (Ok(name), Ok(value)) => self.add_variable(&name, value),
                (Ok(name), Err(_)) => self.complain(&name, "the value is not UTF-8 text"),
                (Err(name), _) => {
                    self.complain(&name.to_string_lossy(), "the name is not UTF-8 text");
                }
            }
        }
    }

    fn add_variable(&mut self, name: &str, value: String) {
        let rest = name.strip_prefix(ENVIRONMENT_PREFIX).unwrap_or(name);
        let path = rest.to_lowercase().replace("__", ".");
        match KEYS.iter().find(|key| key.path == path) {
            Some(key) if key.kind.accepts(&value) => {
                let written = Written {
                    texts: vec![value],
                    place: name.to_owned(),
                };
                self.values.insert(path, written);
            }
            Some(key) => {
                let message = format!("`{path}` must be {}", key.kind.expected());
                self.complain(name, &message);
            }
            None => self.complain(name, &unknown(&path)),
        }
    }

    /// Adds one override from the command line.
    pub(crate) fn set(&mut self, path: &str, value: &str) {
        let written = Written {
            texts: vec![value.to_owned()],
            place: "command line".to_owned(),
        };
        self.values.insert(path.to_owned(), written);
    }

    /// The value at `path`, or its default.
    pub(crate) fn text(&self, path: &str) -> String {
        self.texts(path).into_iter().next().unwrap_or_default()
    }

    /// All members of the list at `path`.
    pub(crate) fn texts(&self, path: &str) -> Vec<String> {
        if let Some(written) = self.values.get(path) {
            return written.texts.clone();
        }
        let generic = generic_of(path);
        let key = KEYS.iter().find(|key| key.path == generic);
        let key = key.expect("code asks for keys of the table only");
        if key.default.is_empty() || matches!(key.kind, Kind::Texts) {
            return Vec::new();
        }
        vec![key.default.to_owned()]
    }

    /// Whether `path` was written at all, right or wrong.
    pub(crate) fn was_written(&self, path: &str) -> bool {
        self.values.contains_key(path) || self.faulty.contains(path)
    }

    /// Where the value at `path` was written, if it was.
    pub(crate) fn place(&self, path: &str) -> String {
        self.values
            .get(path)
            .map_or_else(|| "defaults".to_owned(), |w| w.place.clone())
    }

    /// Where something of the table at `path` was written, if anything was.
    pub(crate) fn place_in(&self, path: &str) -> String {
        let prefix = format!("{path}.");
        let mut written = self
            .values
            .iter()
            .filter(|(key, _)| key.starts_with(&prefix));
        written
            .next()
            .map_or_else(|| "belfry.toml".to_owned(), |(_, w)| w.place.clone())
    }

    /// The paths `generic[0]`, `generic[1]`, ... of a repeated table.
    pub(crate) fn repeated(&self, generic: &str) -> Vec<String> {
        let count = self.counts.get(generic).copied().unwrap_or(0);
        (0..count).map(|at| format!("{generic}[{at}]")).collect()
    }

    /// Every value in force, defaults among them, as sorted lines `key = value`; where the data
    /// lies is left out.
    pub(crate) fn in_force(&self) -> String {
        let mut lines = BTreeSet::new();
        for key in KEYS.iter().filter(|key| key.path != "data.dir") {
            let paths = match key.path.split_once("[]") {
                Some((generic, rest)) => {
                    let tables = self.repeated(generic).into_iter();
                    tables.map(|table| format!("{table}{rest}")).collect()
                }
                None => vec![key.path.to_owned()],
            };
            // The debug form of texts is quoted: no value can pose as another line.
            lines.extend(
                paths
                    .iter()
                    .map(|path| format!("{path} = {:?}\n", self.texts(path))),
            );
        }
        lines.into_iter().collect()
    }

    /// Records a problem.
    pub(crate) fn complain(&mut self, place: &str, message: &str) {
        self.problems.push(Problem {
            place: place.to_owned(),
            message: message.to_owned(),
        });
    }
}

struct File<'a> {
    shown: &'a str,
    text: &'a str,
}

impl File<'_> {
    fn place(&self, at: usize) -> String {
        let before = self.text.get(..at).unwrap_or(self.text);
        format!("{}:{}", self.shown, before.matches('\n').count() + 1)
    }
}

fn text_of(value: &DeValue<'_>) -> Option<String> {
    match value {
        DeValue::String(text) => Some(text.to_string()),
        DeValue::Integer(number) => Some(number.to_string()),
        DeValue::Boolean(truth) => Some(truth.to_string()),
        _ => None,
    }
}

fn is_repeated(generic: &str) -> bool {
    let prefix = format!("{generic}[].");
    KEYS.iter().any(|key| key.path.starts_with(&prefix))
}

/// `intake.file[2].path` to `intake.file[].path`.
fn generic_of(path: &str) -> String {
    let mut generic = String::with_capacity(path.len());
    let mut inside = false;
    for c in path.chars() {
        inside = (inside || c == '[') && c != ']';
        if !inside || c == '[' {
            generic.push(c);
        }
    }
    generic
}

fn unknown(path: &str) -> String {
    let nearest = KEYS
        .iter()
        .min_by_key(|key| distance(key.path, path))
        .map(|key| key.path);
    match nearest.filter(|near| distance(near, path) <= path.len() / 2) {
        Some(near) => format!("unknown key `{path}`; did you mean `{near}`?"),
        None => format!("unknown key `{path}`; docs/guide/config.md lists all keys"),
    }
}

/// Edits (insert, delete, replace) between two short texts.
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.bytes().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.bytes().enumerate() {
            let replaced = diagonal + usize::from(x != y);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}
