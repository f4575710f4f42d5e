//! How the demo is told: the story on standard error, alerts and the result on standard output;
//! with `--format json` one object is all that reaches standard output.

use alert::Alert;
use event::text::push_safe;

use crate::cli::Format;
use crate::talk;

/// Evidence indices shown beside an alert.
const EVIDENCE_SHOWN: usize = 6;

/// The voice of the demo.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Voice {
    format: Format,
}

impl Voice {
    pub(crate) fn new(format: Format) -> Self {
        Self { format }
    }

    /// An alert that rang `after` milliseconds after its last record was durable.
    pub(crate) fn ring(self, alert: &Alert, after: f64) {
        let line = line_of(alert, after);
        match self.format {
            Format::Text => {
                talk::data(&line);
            }
            Format::Json => talk::say(&line),
        }
    }

    /// A line of the result for people.
    pub(crate) fn result(self, line: &str) {
        if self.format == Format::Text {
            talk::data(line);
        }
    }

    /// The result for programs.
    pub(crate) fn object(self, object: &serde_json::Value) {
        if self.format == Format::Json {
            talk::data(&object.to_string());
        }
    }
}

/// The name of a scene and what happens in it.
pub(crate) fn scene(name: &str, story: &str) {
    talk::say("");
    talk::say(&format!("[{name}] {story}"));
}

fn line_of(alert: &Alert, after: f64) -> String {
    let severity = alert.severity.name();
    let rule = code_of(alert);
    let (title, entity) = (safe(&alert.title), safe(&entity_of(alert)));
    let evidence: Vec<String> = alert
        .evidence
        .iter()
        .take(EVIDENCE_SHOWN)
        .map(ToString::to_string)
        .collect();
    let more = if alert.evidence.len() > EVIDENCE_SHOWN {
        " .."
    } else {
        ""
    };
    format!(
        "  >> {severity:<8} {rule} {title} | {entity} | entries {}{more} | {after:.1} ms",
        evidence.join(" ")
    )
}

/// Code of the rule behind an alert, or its id where it has none.
pub(crate) fn code_of(alert: &Alert) -> &str {
    alert.rule.code.as_deref().unwrap_or(&alert.rule.id)
}

/// The entity of an alert on one line.
pub(crate) fn entity_of(alert: &Alert) -> String {
    alert.entity.join(", ")
}

/// `text` as a terminal may see it.
pub(crate) fn safe(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    push_safe(&mut out, text);
    out
}
