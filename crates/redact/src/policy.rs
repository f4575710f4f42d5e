//! The policy: the only hand that turns an event into a certified one.

use std::borrow::Cow;
use std::fmt;
use std::sync::atomic::{AtomicU8, Ordering};

use event::field::{self, FieldId};
use event::{Event, FieldRef, PolicyVersion, Redacted, Value};
use stdx::Secret;

use crate::key::{Class, Keys};
use crate::kind::{Action, Kind};
use crate::limits;
use crate::pseudonym::Pseudonymizer;
use crate::scan::{Finding, Rules, Scan, push_marker, rewrite};

/// What a policy is made of. No default: keys and lists are decisions.
#[derive(Debug)]
pub struct PolicyConfig {
    /// Stored with every event that this policy certifies.
    pub version: PolicyVersion,
    /// Key of the pseudonyms; with another key equal values no longer join.
    pub key: Secret<[u8; 32]>,
    /// Public name of the key: letters, digits, `-` and `_`, at most 32; the rest is left out.
    pub key_id: String,
    /// Further names whose values are dropped (kind `custom`).
    pub secret_names: Vec<String>,
    /// Names that never make a value secret; value detectors still look.
    pub public_names: Vec<String>,
    /// Exact values that are never redacted, such as a card number of the test system.
    pub allowed_values: Vec<String>,
    /// Whether e-mail addresses become keyed hashes; they stay otherwise.
    pub hash_emails: bool,
}

/// Decides what may be written. Shared between threads by reference.
pub struct Policy {
    version: PolicyVersion,
    rules: Rules,
    /// Verdict on each interned name, 0 while unknown; see [`Verdict`].
    verdicts: Vec<AtomicU8>,
}

/// What is known about a field's name.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
enum Verdict {
    Plain = 1,
    /// It has a class, to be asked for.
    Classed = 2,
    /// The name itself holds a secret.
    Dirty = 3,
}

/// One text after redaction.
struct Cleaned {
    text: String,
    hits: Vec<(Kind, Action)>,
}

/// What is done to one field.
struct Edit {
    position: usize,
    text: Option<String>,
    rename: bool,
    hits: Vec<(Kind, Action)>,
}

/// Name of a field whose own name held a secret.
const RENAMED: &str = "labels.redacted_name";
/// Where each redaction took place.
const PATHS: &str = "belfry.redaction.paths";

impl Policy {
    /// Builds the policy; nothing in `config` can make it fail.
    pub fn new(config: PolicyConfig) -> Self {
        Self {
            version: config.version,
            rules: Rules {
                keys: Keys::new(&config.secret_names, &config.public_names),
                pseudonyms: Pseudonymizer::new(config.key, &config.key_id),
                allowed: config.allowed_values,
                hash_emails: config.hash_emails,
            },
            verdicts: (0..=u16::MAX).map(|_| AtomicU8::new(0)).collect(),
        }
    }

    /// Redacts `event`, notes what was done in `belfry.redaction.*` and certifies it. Never a value
    /// in the notes. Whatever cannot be scanned within the limits is replaced.
    pub fn apply(&self, mut event: Event) -> Redacted {
        let edits = self.edits(&event);
        let notes = notes(&event, &edits);
        for edit in &edits {
            if let Some(text) = &edit.text {
                event.replace(edit.position, Value::Str(text));
            }
            if edit.rename {
                event.rename(edit.position, RENAMED);
            }
        }
        event.set(
            field::BELFRY_REDACTION_POLICY,
            Value::Int(i64::from(self.version.0)),
        );
        if !edits.is_empty() {
            annotate(&mut event, &edits, &notes);
        }
        Redacted::certified(event, self.version)
    }

    /// Redacts one free text: an operator's query, the text of an error.
    pub fn text<'a>(&self, text: &'a str) -> Cow<'a, str> {
        match self.clean(None, text) {
            Some(cleaned) => Cow::Owned(cleaned.text),
            None => Cow::Borrowed(text),
        }
    }

    fn edits(&self, event: &Event) -> Vec<Edit> {
        let mut edits = Vec::new();
        let mut flagged = None;
        for field in event.fields() {
            let verdict = self.verdict(&field);
            let mut class = match verdict {
                Verdict::Classed => self.class(&field),
                _ => None,
            };
            if field.in_list {
                class = class.or(flagged);
                flagged = self.flag_class(field.value);
            }
            let rename = verdict == Verdict::Dirty;
            let cleaned = self.clean_value(class, &field);
            if cleaned.is_some() || rename {
                let (text, mut hits) = cleaned.map_or((None, Vec::new()), |cleaned| {
                    (Some(cleaned.text), cleaned.hits)
                });
                if rename {
                    let kind = self
                        .clean(None, field.name)
                        .and_then(|c| c.hits.first().copied());
                    hits.push((kind.map_or(Kind::Secret, |(kind, _)| kind), Action::Rename));
                }
                edits.push(Edit {
                    position: field.position,
                    text,
                    rename,
                    hits,
                });
            }
        }
        edits
    }

    /// A list member such as `--password` speaks of the member after it.
    fn flag_class(&self, value: Value<'_>) -> Option<Class> {
        match value {
            Value::Str(text) => self.rules.keys.classify(text.strip_prefix("--")?),
            _ => None,
        }
    }

    fn clean_value(&self, class: Option<Class>, field: &FieldRef<'_>) -> Option<Cleaned> {
        let known = field.id.is_some_and(FieldId::is_known);
        match field.value {
            Value::Str(text) if is_own_note(field.name, text) => None,
            Value::Str(text) => self.clean(class, text),
            Value::Int(number) if class.is_some() || !known && number > CARD_MIN => {
                self.clean(class, &number.to_string())
            }
            Value::Float(number) if class.is_some() || !known && number > 1e11 => {
                self.clean(class, &format!("{number}"))
            }
            _ => None,
        }
    }

    fn class(&self, field: &FieldRef<'_>) -> Option<Class> {
        match field.id {
            Some(field::SESSION_ID) => Some(Class::Hash(Kind::Session)),
            Some(id) if id.is_known() => None,
            _ => self.rules.keys.classify(field.name),
        }
    }

    fn verdict(&self, field: &FieldRef<'_>) -> Verdict {
        let cell = field.id.map(|id| &self.verdicts[id.slot()]);
        match cell.map(|cell| cell.load(Ordering::Relaxed)) {
            Some(1) => return Verdict::Plain,
            Some(2) => return Verdict::Classed,
            Some(3) => return Verdict::Dirty,
            _ => {}
        }
        let known = field.id.is_some_and(FieldId::is_known);
        let verdict = if !known && self.clean(None, field.name).is_some() {
            Verdict::Dirty
        } else if self.class(field).is_some() {
            Verdict::Classed
        } else {
            Verdict::Plain
        };
        if let Some(cell) = cell {
            cell.store(verdict as u8, Ordering::Relaxed);
        }
        verdict
    }

    /// `None` when nothing in `text` must go. A result scans clean itself: redacting twice changes
    /// nothing, and a replacement cannot expose what it covered.
    fn clean(&self, class: Option<Class>, text: &str) -> Option<Cleaned> {
        let mut spans = match self.spans(class, text) {
            Ok(spans) if spans.is_empty() => return None,
            Ok(spans) => spans,
            Err(Incomplete) => return Some(unscanned(Vec::new())),
        };
        let mut hits = Vec::new();
        let mut current = Cow::Borrowed(text);
        for _ in 0..limits::ROUNDS_MAX {
            hits.extend(spans.iter().map(|span| (span.kind, span.action)));
            current = Cow::Owned(rewrite(&current, &spans));
            spans = match self.spans(class, &current) {
                Ok(spans) => spans,
                Err(Incomplete) => return Some(unscanned(hits)),
            };
            if spans.is_empty() {
                return Some(Cleaned {
                    text: current.into_owned(),
                    hits,
                });
            }
        }
        Some(unscanned(hits))
    }

    fn spans(&self, class: Option<Class>, text: &str) -> Result<Vec<Finding>, Incomplete> {
        let mut scan = Scan::new(&self.rules);
        scan.value(class, text.as_bytes());
        if scan.incomplete {
            Err(Incomplete)
        } else {
            Ok(scan.into_spans())
        }
    }
}

impl fmt::Debug for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Policy({}, {:?})", self.version.0, self.rules.pseudonyms)
    }
}

/// A limit cut the scan.
struct Incomplete;

/// The smallest card number has twelve digits.
const CARD_MIN: i64 = 99_999_999_999;

fn unscanned(mut hits: Vec<(Kind, Action)>) -> Cleaned {
    hits.push((Kind::Unscanned, Action::Drop));
    let mut text = String::new();
    push_marker(&mut text, Kind::Unscanned);
    Cleaned { text, hits }
}

/// `path:kind:action` of each edit, within [`limits::PATHS_MAX`].
fn notes(event: &Event, edits: &[Edit]) -> Vec<String> {
    let mut notes: Vec<String> = Vec::new();
    for edit in edits {
        let name = if edit.rename {
            RENAMED
        } else {
            event.field(edit.position).name
        };
        let name: String = name.chars().take(limits::PATH_CHARS_MAX).collect();
        for (kind, action) in &edit.hits {
            let note = format!("{name}:{}:{}", kind.name(), action.name());
            if notes.len() < limits::PATHS_MAX && !notes.contains(&note) {
                notes.push(note);
            }
        }
    }
    notes
}

fn annotate(event: &mut Event, edits: &[Edit], notes: &[String]) {
    let mut kinds: Vec<&'static str> = event
        .values(field::BELFRY_REDACTION_KINDS)
        .filter_map(|value| Kind::ALL.iter().find(|k| value == Value::Str(k.name())))
        .map(|kind| kind.name())
        .collect();
    let hits = edits.iter().flat_map(|edit| &edit.hits);
    kinds.extend(hits.map(|(kind, _)| kind.name()));
    kinds.sort_unstable();
    kinds.dedup();
    let new: usize = edits.iter().map(|edit| edit.hits.len()).sum();
    let before = event.int(field::BELFRY_REDACTION_COUNT).unwrap_or(0).max(0);
    let count = before.saturating_add(i64::try_from(new).unwrap_or(i64::MAX));
    let old = |event: &Event| {
        let mut fields = event.fields();
        let found = fields.find(|field| field.id == Some(field::BELFRY_REDACTION_KINDS));
        found.map(|field| field.position)
    };
    while let Some(position) = old(event) {
        event.remove(position);
    }
    for kind in kinds {
        event.push_item(field::BELFRY_REDACTION_KINDS, Value::Str(kind));
    }
    event.set(field::BELFRY_REDACTION_COUNT, Value::Int(count));
    for note in notes {
        event.push_named(PATHS, Value::Str(note), true);
    }
}

/// Whether `text` is a note of ours: it would read as a pair of name and secret otherwise. Anything
/// else under our names is scanned like any value.
fn is_own_note(name: &str, text: &str) -> bool {
    if name != PATHS {
        return false;
    }
    let mut parts = text.rsplitn(3, ':');
    let action = parts.next().unwrap_or("");
    let kind = parts.next().unwrap_or("");
    let path = parts.next().unwrap_or("");
    Action::ALL.iter().any(|known| known.name() == action)
        && Kind::ALL.iter().any(|known| known.name() == kind)
        && (path == RENAMED || FieldId::of(path).is_some() || is_name(path))
}

/// A path of plain short words can hold no secret of a shape that we know.
fn is_name(path: &str) -> bool {
    path.split(['.', '_', '-'])
        .all(|word| word.len() <= 20 && word.bytes().all(|b| b.is_ascii_alphabetic()))
}
