//! The way of a log line: parse, redact, detect, with the shipped rules.

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use detect::{Engine, EngineConfig, RuleFile, RuleSet};
use event::{Detection, Entry, Frame, Hint, Index, Listener, ObservedAt, Origin};
use redact::{Policy, PolicyConfig, PseudonymKey};
use stdx::Secret;

/// When the lines are said to arrive: 2026-11-20, later than every log.
const ARRIVED: i64 = 1_795_132_800_000_000_000;

/// The root of the repository.
pub(crate) fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// A file of the repository.
pub(crate) fn text_of(path: &str) -> String {
    let bytes = std::fs::read(repository().join(path)).expect("a fixture is there");
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The shipped rules, loaded once.
pub(crate) fn pack() -> Arc<RuleSet> {
    static PACK: OnceLock<Arc<RuleSet>> = OnceLock::new();
    let load = || {
        let mut paths: Vec<PathBuf> = std::fs::read_dir(repository().join("rules"))
            .expect("the rules are there")
            .map(|item| item.expect("the folder is read").path())
            .filter(|path| path.extension().is_some_and(|extension| extension == "yml"))
            .collect();
        paths.sort();
        let files: Vec<RuleFile> = paths
            .iter()
            .map(|path| RuleFile {
                name: path
                    .file_name()
                    .expect("a file has a name")
                    .to_string_lossy()
                    .into_owned(),
                text: std::fs::read_to_string(path).expect("a rule is text"),
            })
            .collect();
        let (set, problems) = RuleSet::load(&files);
        assert_eq!(problems, []);
        Arc::new(set)
    };
    Arc::clone(PACK.get_or_init(load))
}

/// The stored entries of `lines` from one source.
pub(crate) fn entries<'l>(source: &str, lines: impl Iterator<Item = &'l str>) -> Vec<Entry> {
    let policy = Policy::new(PolicyConfig {
        key: PseudonymKey {
            id: "test".to_owned(),
            key: Secret::new([7; 32]),
        },
        past_keys: Vec::new(),
        secret_names: Vec::new(),
        public_names: Vec::new(),
        allowed_values: Vec::new(),
        find_emails: false,
        find_phones: false,
        actions: Vec::new(),
    });
    let origin = Origin {
        source: source.into(),
        // An import tells the past.
        listener: Listener::Ingest,
        peer: None,
        file: None,
        observed_at: ObservedAt(ARRIVED),
    };
    let sequenced = |(index, line): (u64, &str)| {
        let frame = Frame {
            bytes: line.as_bytes(),
            hint: Hint::Auto,
            cut: false,
            origin: &origin,
        };
        let redacted = policy.apply(parse::event(&frame).event);
        Entry::sequenced(Index(index), origin.observed_at, redacted)
    };
    (0..).zip(lines).map(sequenced).collect()
}

/// What `rules` say about `entries`, a first word per alert, no updates.
pub(crate) fn alerts(rules: &Arc<RuleSet>, entries: &[Entry]) -> Vec<Detection> {
    let mut engine = Engine::new(Arc::clone(rules), EngineConfig::default());
    let mut found = engine.apply(entries);
    found.retain(|found| !found.ongoing);
    found
}
