//! Exact evaluation of a query on one event.

use event::{Event, FieldId, Value, encoding};

use crate::query::{Node, Order, Test};

/// Text with `*` wildcards, compared without regard to case.
#[derive(Debug)]
pub(crate) struct Pattern {
    /// The literal parts between the wildcards, lower case.
    parts: Vec<String>,
    anchored_start: bool,
    anchored_end: bool,
}

impl Pattern {
    pub(crate) fn exact(text: &str) -> Self {
        Self {
            parts: vec![text.to_lowercase()],
            anchored_start: true,
            anchored_end: true,
        }
    }

    pub(crate) fn contains(text: &str) -> Self {
        Self {
            parts: vec![text.to_lowercase()],
            anchored_start: false,
            anchored_end: false,
        }
    }

    pub(crate) fn wild(text: &str) -> Self {
        let parts = text.to_lowercase().split('*').map(str::to_owned).collect();
        Self {
            parts,
            anchored_start: true,
            anchored_end: true,
        }
    }

    pub(crate) fn contains_wild(text: &str) -> Self {
        Self {
            anchored_start: false,
            anchored_end: false,
            ..Self::wild(text)
        }
    }

    fn matches(&self, text: &str) -> bool {
        let folded = text.to_lowercase();
        let mut rest = folded.as_str();
        let last = self.parts.len().saturating_sub(1);
        for (at, part) in self.parts.iter().enumerate() {
            if at == last && self.anchored_end {
                let whole = at == 0 && self.anchored_start;
                return if whole {
                    rest == part
                } else {
                    rest.ends_with(part.as_str())
                };
            }
            let found = if at == 0 && self.anchored_start {
                rest.starts_with(part.as_str()).then_some(0)
            } else {
                rest.find(part.as_str())
            };
            let Some(found) = found else { return false };
            rest = &rest[found + part.len()..];
        }
        true
    }
}

pub(crate) fn matches(node: &Node, event: &Event) -> bool {
    match node {
        Node::All => true,
        Node::And(parts) => parts.iter().all(|part| matches(part, event)),
        Node::Or(parts) => parts.iter().any(|part| matches(part, event)),
        Node::Not(inner) => !matches(inner, event),
        Node::Text(pattern) => event.fields().any(|field| holds(pattern, field.value)),
        Node::Field { id, name, test } => any_value(event, *id, name, |value| passes(test, value)),
    }
}

fn any_value(
    event: &Event,
    id: Option<FieldId>,
    name: &str,
    mut test: impl FnMut(Value<'_>) -> bool,
) -> bool {
    match id {
        Some(id) => event.values(id).any(test),
        None => event
            .fields()
            .any(|field| field.name == name && test(field.value)),
    }
}

fn passes(test: &Test, value: Value<'_>) -> bool {
    match test {
        Test::Is(pattern) => holds(pattern, value),
        Test::Compare {
            order,
            number,
            text,
        } => compare(*order, *number, text, value),
    }
}

fn holds(pattern: &Pattern, value: Value<'_>) -> bool {
    match value {
        Value::Str(text) => pattern.matches(text),
        Value::Time(time) => pattern.matches(&time.to_string()),
        other => {
            let mut text = String::new();
            encoding::push_value(&mut text, other);
            pattern.matches(&text)
        }
    }
}

fn compare(order: Order, number: f64, text: &str, value: Value<'_>) -> bool {
    let ordering = match value {
        #[expect(
            clippy::cast_precision_loss,
            reason = "compared as people compare numbers"
        )]
        Value::Int(value) => (value as f64).partial_cmp(&number),
        Value::Float(value) => value.partial_cmp(&number),
        Value::Time(time) => stdx::calendar::parse_rfc3339(text)
            .and_then(|parsed| time.0.partial_cmp(&parsed.unix_nanos)),
        Value::Str(value) => match value.parse::<f64>() {
            Ok(value) => value.partial_cmp(&number),
            Err(_) => None,
        },
        Value::Null | Value::Bool(_) => None,
    };
    ordering.is_some_and(|ordering| match order {
        Order::Less => ordering.is_lt(),
        Order::LessOrEqual => ordering.is_le(),
        Order::Greater => ordering.is_gt(),
        Order::GreaterOrEqual => ordering.is_ge(),
    })
}
