//! What an event says about its own redaction: `belfry.redaction.*`, names and counts, no value.

use event::field::{self, FieldId};
use event::{Event, Value};

use crate::kind::{Action, Kind};
use crate::limits;
use crate::policy::Edit;

/// Name of a field whose own name held a secret.
pub(crate) const RENAMED: &str = "labels.redacted_name";

/// One member of `belfry.redaction.paths` to be.
struct Note {
    path: String,
    kind: Kind,
    action: Action,
    count: u64,
}

/// What is told of `edits`, within [`limits::PATHS_MAX`].
pub(crate) fn of(event: &Event, edits: &[Edit]) -> Vec<String> {
    let mut notes: Vec<Note> = Vec::new();
    for edit in edits {
        let path = if edit.rename {
            RENAMED
        } else {
            event.field(edit.position).name
        };
        let path: String = path.chars().take(limits::PATH_CHARS_MAX).collect();
        for hit in &edit.hits {
            let same = notes.iter().position(|note| {
                note.kind == hit.kind && note.action == hit.action && note.path == path
            });
            match same {
                Some(at) => notes[at].count += 1,
                None if notes.len() < limits::PATHS_MAX => notes.push(Note {
                    path: path.clone(),
                    kind: hit.kind,
                    action: hit.action,
                    count: 1,
                }),
                None => {}
            }
        }
    }
    let text = |note: Note| {
        let (kind, action) = (note.kind.name(), note.action.name());
        format!("{}:{kind}:{action}:{}", note.path, note.count)
    };
    notes.into_iter().map(text).collect()
}

/// Writes `notes` and the sums into the event.
pub(crate) fn write(event: &mut Event, edits: &[Edit], notes: &[String]) {
    let mut kinds: Vec<&'static str> = event
        .values(field::BELFRY_REDACTION_KINDS)
        .filter_map(|value| match value {
            Value::Str(name) => Kind::of(name),
            _ => None,
        })
        .map(Kind::name)
        .collect();
    let hits = edits.iter().flat_map(|edit| &edit.hits);
    kinds.extend(hits.map(|hit| hit.kind.name()));
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
        event.push_item(field::BELFRY_REDACTION_PATHS, Value::Str(note));
    }
}

/// Whether `text` in `belfry.redaction.paths` is a note of ours, `path:kind:action:count`: it would
/// read as a pair of name and secret otherwise. Anything else is scanned like any value.
pub(crate) fn is_own(text: &str) -> bool {
    let mut parts = text.rsplitn(4, ':');
    let mut part = || parts.next().unwrap_or("");
    let (count, action, kind, path) = (part(), part(), part(), part());
    let counted = (1..=6).contains(&count.len()) && count.bytes().all(|b| b.is_ascii_digit());
    counted
        && Action::of(action).is_some()
        && Kind::of(kind).is_some()
        && (path == RENAMED || FieldId::of(path).is_some() || is_name(path))
}

/// A path of plain short words can hold no secret of a shape that we know.
fn is_name(path: &str) -> bool {
    path.split(['.', '_', '-'])
        .all(|word| word.len() <= 20 && word.bytes().all(|b| b.is_ascii_alphabetic()))
}
