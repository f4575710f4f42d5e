//! The policy: the only hand that turns an event into a certified one.

use std::borrow::Cow;
use std::fmt;
use std::fmt::Write as _;
use std::ops::Range;
use std::sync::atomic::{AtomicU8, Ordering};

use event::field::{self, FieldId};
use event::{Event, Leaf, PolicyVersion, Redacted, Value};
use stdx::Secret;
use zeroize::Zeroizing;

use crate::actions::Actions;
use crate::classes::Classifier;
use crate::digest;
use crate::key::{Class, Keys};
use crate::kind::{Action, Kind, Why};
use crate::limits;
use crate::notes;
use crate::pseudonym::{Pseudonymizer, Pseudonyms};
use crate::scan::{Cut, Rules, Scan, push_marker, rewrite};

/// What a policy is made of. No default: keys and lists are decisions.
#[derive(Debug)]
pub struct PolicyConfig {
    /// The key of the pseudonyms; with another key equal values no longer join.
    pub key: PseudonymKey,
    /// Keys that made the pseudonyms of older entries.
    pub past_keys: Vec<PseudonymKey>,
    /// Further names whose values go (kind `custom`).
    pub secret_names: Vec<String>,
    /// Names that never make a value secret; value detectors still look.
    pub public_names: Vec<String>,
    /// Exact values that are never redacted, such as a card number of the test system.
    pub allowed_values: Vec<String>,
    /// Whether e-mail addresses are looked for; they stay otherwise.
    pub find_emails: bool,
    /// Whether phone numbers in international form (`+` and digits) are looked for.
    pub find_phones: bool,
    /// What becomes of a kind where it is not [`Kind::default_action`]. A choice that does not
    /// suit its kind ([`Action::suits`]) is left out.
    pub actions: Vec<(Kind, Action)>,
}

/// One key of the pseudonyms.
#[derive(Debug)]
pub struct PseudonymKey {
    /// Public name of the key: letters, digits, `-` and `_`, at most 32; the rest is left out.
    pub id: String,
    /// The key itself.
    pub key: Secret<[u8; 32]>,
}

/// Decides what may be written. Shared between threads by reference.
pub struct Policy {
    digest: [u8; 32],
    rules: Rules,
    /// Verdict on each interned name, 0 while unknown; see [`Verdict`].
    verdicts: Vec<AtomicU8>,
}

/// One thing that a policy finds, without the value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What it is.
    pub kind: Kind,
    /// Name of the field; empty for a text by itself.
    pub path: String,
    /// Bytes of the value or text. An encoded secret is covered with its encoding.
    pub span: Range<usize>,
    /// What gave it away.
    pub why: Why,
    /// What becomes of it.
    pub action: Action,
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

/// One finding in one text.
#[derive(Clone, Debug)]
pub(crate) struct Hit {
    pub(crate) kind: Kind,
    pub(crate) action: Action,
    why: Why,
    span: Range<usize>,
}

/// One text after redaction.
struct Cleaned {
    text: String,
    hits: Vec<Hit>,
}

/// What is done to one field.
pub(crate) struct Edit {
    pub(crate) position: usize,
    pub(crate) rename: bool,
    pub(crate) hits: Vec<Hit>,
    text: Option<String>,
}

impl Edit {
    fn removes(&self) -> bool {
        self.hits.iter().any(|hit| hit.action == Action::Drop)
    }
}

impl Policy {
    /// Builds the policy; nothing in `config` can make it fail.
    pub fn new(config: PolicyConfig) -> Self {
        let made = |key: &PseudonymKey| Pseudonymizer::new(&key.key, &key.id);
        let past = config.past_keys.iter().map(made).collect();
        let pseudonyms = Pseudonyms::new(made(&config.key), past);
        let seed = pseudonyms.seed("names of keys");
        let rules = Rules {
            keys: Keys::new(&config.secret_names, &config.public_names, seed),
            pseudonyms,
            allowed: config.allowed_values,
            find_emails: config.find_emails,
            find_phones: config.find_phones,
            actions: Actions::new(&config.actions),
            classifier: Classifier::best(),
        };
        Self {
            digest: digest::of(&rules, &config.secret_names, &config.public_names),
            rules,
            verdicts: (0..=u16::MAX).map(|_| AtomicU8::new(0)).collect(),
        }
    }

    /// The same policy without the processor's widest registers: for comparing, it finds the same.
    #[must_use]
    pub fn portable(mut self) -> Self {
        self.rules.classifier = Classifier::portable();
        self
    }

    /// The version that is stored with every event: the first 32 bits of the digest.
    pub fn version(&self) -> PolicyVersion {
        let [a, b, c, d, ..] = self.digest;
        PolicyVersion(u32::from_be_bytes([a, b, c, d]))
    }

    /// SHA-256 in hex of everything that decides what is found and what becomes of it, without the
    /// keys. Policies with equal digests treat every event alike.
    pub fn digest(&self) -> String {
        let mut out = String::with_capacity(64);
        for byte in self.digest {
            write!(out, "{byte:02x}").expect("a String takes any text");
        }
        out
    }

    /// The keyed hashes of `value` as a `kind`, under the present key and under each that came
    /// before it: what to search for in entries of any age.
    pub fn pseudonyms(&self, kind: Kind, value: &str) -> Vec<String> {
        let value = match kind {
            Kind::Email => Cow::Owned(value.to_ascii_lowercase()),
            _ => Cow::Borrowed(value),
        };
        self.rules.pseudonyms.all(kind.name(), value.as_bytes())
    }

    /// Redacts `event`, notes what was done in `belfry.redaction.*` and certifies it. Never a value
    /// in the notes. Whatever cannot be scanned within the limits is replaced.
    pub fn apply(&self, mut event: Event) -> Redacted {
        let edits = self.edits(&event);
        let notes = notes::of(&event, &edits);
        // From the last to the first: a removal moves the positions behind it.
        for edit in edits.iter().rev() {
            if edit.removes() {
                event.remove(edit.position);
                continue;
            }
            if let Some(text) = &edit.text {
                event.replace(edit.position, Value::Str(text));
            }
            if edit.rename {
                event.rename(edit.position, notes::RENAMED);
            }
        }
        let version = self.version();
        event.set(
            field::BELFRY_REDACTION_POLICY,
            Value::Int(i64::from(version.0)),
        );
        if !edits.is_empty() {
            notes::write(&mut event, &edits, &notes);
        }
        Redacted::certified(event, version)
    }

    /// Redacts one free text: an operator's query, the text of an error.
    pub fn text<'a>(&self, text: &'a str) -> Cow<'a, str> {
        match self.clean(None, text) {
            Some(cleaned) => Cow::Owned(cleaned.text),
            None => Cow::Borrowed(text),
        }
    }

    /// What [`Policy::text`] finds in `text`.
    pub fn explain(&self, text: &str) -> Vec<Finding> {
        let hits = self
            .clean(None, text)
            .map_or(Vec::new(), |cleaned| cleaned.hits);
        hits.into_iter().map(|hit| hit.at("")).collect()
    }

    /// What [`Policy::apply`] finds in `event`, field by field.
    pub fn explain_event(&self, event: &Event) -> Vec<Finding> {
        let edits = self.edits(event);
        let findings = edits.into_iter().flat_map(|edit| {
            let path = if edit.rename {
                notes::RENAMED
            } else {
                event.field(edit.position).name
            };
            edit.hits.into_iter().map(|hit| hit.at(path))
        });
        findings.collect()
    }

    fn edits(&self, event: &Event) -> Vec<Edit> {
        let mut edits = Vec::new();
        let mut flagged = None;
        for position in 0..event.len() {
            let leaf = event.leaf(position);
            let verdict = self.verdict(event, position, leaf.id);
            let mut class = match verdict {
                Verdict::Classed => self.class(leaf.id, event.field(position).name),
                _ => None,
            };
            if leaf.in_list {
                class = class.or(flagged);
                flagged = self.flag_class(leaf.value);
            }
            let rename = verdict == Verdict::Dirty;
            let cleaned = self.clean_value(class, &leaf);
            if cleaned.is_some() || rename {
                let (text, mut hits) = cleaned.map_or((None, Vec::new()), |cleaned| {
                    (Some(cleaned.text), cleaned.hits)
                });
                if rename {
                    hits.push(self.name_hit(event.field(position).name));
                }
                edits.push(Edit {
                    position,
                    rename,
                    hits,
                    text,
                });
            }
        }
        edits
    }

    fn name_hit(&self, name: &str) -> Hit {
        let cleaned = self.clean(None, name);
        let hit = cleaned.and_then(|cleaned| cleaned.hits.into_iter().next());
        let (kind, why, span) = hit.map_or((Kind::Secret, Why::Form, 0..name.len()), |hit| {
            (hit.kind, hit.why, hit.span)
        });
        Hit {
            kind,
            action: Action::Rename,
            why,
            span,
        }
    }

    /// A list member such as `--password` speaks of the member after it.
    fn flag_class(&self, value: Value<'_>) -> Option<Class> {
        match value {
            Value::Str(text) => self
                .rules
                .keys
                .classify(text.strip_prefix("--")?.as_bytes()),
            _ => None,
        }
    }

    fn clean_value(&self, class: Option<Class>, leaf: &Leaf<'_>) -> Option<Cleaned> {
        let known = leaf.id.is_some_and(FieldId::is_known);
        match leaf.value {
            Value::Str(text)
                if leaf.id == Some(field::BELFRY_REDACTION_PATHS) && notes::is_own(text) =>
            {
                None
            }
            Value::Str(text) => self.clean(class, text),
            Value::Int(number) if class.is_some() || !known && number > CARD_MIN => {
                self.clean(class, &Zeroizing::new(number.to_string()))
            }
            Value::Float(number) if class.is_some() || !known && number > 1e11 => {
                self.clean(class, &Zeroizing::new(format!("{number}")))
            }
            _ => None,
        }
    }

    fn class(&self, id: Option<FieldId>, name: &str) -> Option<Class> {
        match id {
            Some(field::SESSION_ID) => Some(Class::Hash(Kind::Session)),
            Some(id) if id.is_known() => None,
            _ => self.rules.keys.classify_field(name.as_bytes()),
        }
    }

    /// Names are judged once, those kept inside their event each time.
    fn verdict(&self, event: &Event, position: usize, id: Option<FieldId>) -> Verdict {
        let cell = id.map(|id| &self.verdicts[id.slot()]);
        match cell.map(|cell| cell.load(Ordering::Relaxed)) {
            Some(1) => return Verdict::Plain,
            Some(2) => return Verdict::Classed,
            Some(3) => return Verdict::Dirty,
            _ => {}
        }
        let known = id.is_some_and(FieldId::is_known);
        let name = event.field(position).name;
        let verdict = if !known && self.clean(None, name).is_some() {
            Verdict::Dirty
        } else if self.class(id, name).is_some() {
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
        let mut cuts = match self.cuts(class, text) {
            Ok(cuts) if cuts.is_empty() => return None,
            Ok(cuts) => cuts,
            Err(Incomplete) => return Some(unscanned(text, Vec::new())),
        };
        let mut hits: Vec<Hit> = cuts.iter().map(Hit::of).collect();
        let mut current = rewrite(text, &cuts);
        for _ in 1..limits::ROUNDS_MAX {
            cuts = match self.cuts(class, &current) {
                Ok(cuts) => cuts,
                Err(Incomplete) => return Some(unscanned(text, hits)),
            };
            if cuts.is_empty() {
                return Some(finished(current, hits));
            }
            // What a rewriting brought to light has no place in the text as it came.
            hits.extend(cuts.iter().map(|cut| Hit {
                span: 0..text.len(),
                ..Hit::of(cut)
            }));
            current = rewrite(&current, &cuts);
        }
        Some(unscanned(text, hits))
    }

    fn cuts(&self, class: Option<Class>, text: &str) -> Result<Vec<Cut>, Incomplete> {
        if text.len() < limits::SCAN_BYTES_MIN && class.is_none() {
            return Ok(Vec::new());
        }
        let mut scan = Scan::new(&self.rules);
        scan.value(class, text.as_bytes());
        if scan.incomplete {
            Err(Incomplete)
        } else {
            Ok(scan.into_cuts())
        }
    }
}

impl fmt::Debug for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Policy({}, {:?})", self.digest(), self.rules.pseudonyms)
    }
}

impl Hit {
    fn of(cut: &Cut) -> Self {
        Self {
            kind: cut.kind,
            action: cut.action,
            why: cut.why,
            span: cut.start..cut.end,
        }
    }

    fn at(self, path: &str) -> Finding {
        Finding {
            kind: self.kind,
            path: path.to_owned(),
            span: self.span,
            why: self.why,
            action: self.action,
        }
    }
}

/// A limit cut the scan.
struct Incomplete;

/// The smallest card number has twelve digits.
const CARD_MIN: i64 = 99_999_999_999;

/// A text with a finding that is dropped goes whole.
fn finished(text: String, hits: Vec<Hit>) -> Cleaned {
    match hits.iter().find(|hit| hit.action == Action::Drop) {
        Some(hit) => Cleaned {
            text: marker(hit.kind),
            hits,
        },
        None => Cleaned { text, hits },
    }
}

fn unscanned(text: &str, mut hits: Vec<Hit>) -> Cleaned {
    hits.push(Hit {
        kind: Kind::Unscanned,
        action: Action::Mask,
        why: Why::Limit,
        span: 0..text.len(),
    });
    Cleaned {
        text: marker(Kind::Unscanned),
        hits,
    }
}

fn marker(kind: Kind) -> String {
    let mut text = String::new();
    push_marker(&mut text, kind);
    text
}
