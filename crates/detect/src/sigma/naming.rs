//! Where our events hold the fields that community rules name, by the log source of the rule.
//!
//! The table is data (`naming.txt`). A rule's own spelling always comes first, so a rule written in
//! our words reads as it stands.

use std::collections::HashMap;
use std::sync::LazyLock;

use crate::limits;
use crate::predicate::Op;
use crate::rule::{Clause, LogSource};

const TEXT: &str = include_str!("naming.txt");

/// Rules for the fields of one log source.
struct Section {
    wanted: [&'static str; 3],
    exact: HashMap<&'static str, Vec<&'static str>>,
    /// (beginning of the name, patterns of ours with one `*`)
    open: Vec<(&'static str, Vec<&'static str>)>,
}

impl Section {
    fn fits(&self, source: &LogSource) -> bool {
        let parts = [&source.category, &source.product, &source.service];
        let fits = |(wanted, part): (&&str, &Option<String>)| {
            *wanted == "-"
                || part
                    .as_deref()
                    .is_some_and(|part| part.eq_ignore_ascii_case(wanted))
        };
        self.wanted.iter().zip(parts).all(fits)
    }
}

fn sections() -> &'static [Section] {
    static SECTIONS: LazyLock<Vec<Section>> = LazyLock::new(|| {
        let mut sections: Vec<Section> = Vec::new();
        for line in TEXT.lines().map(str::trim) {
            if let Some(head) = line.strip_prefix('[') {
                let mut parts = head.trim_end_matches(']').splitn(3, '/');
                sections.push(Section {
                    wanted: [0; 3].map(|_| parts.next().unwrap_or("-")),
                    exact: HashMap::new(),
                    open: Vec::new(),
                });
            } else if let (false, Some((name, fields)), Some(section)) = (
                line.starts_with('#'),
                line.split_once(" = "),
                sections.last_mut(),
            ) {
                let fields = fields.split_whitespace().collect();
                match name.strip_suffix('*') {
                    Some(beginning) => section.open.push((beginning, fields)),
                    None => _ = section.exact.insert(name, fields),
                }
            }
        }
        sections
    });
    &SECTIONS
}

/// The fields that `name` stands for in a rule about `source`, best first.
pub(crate) fn fields(source: &LogSource, name: &str) -> Vec<String> {
    let mut fields = vec![name.to_owned()];
    let mut add = |field: String| {
        if !fields.contains(&field) && fields.len() < limits::NAMES_MAX {
            fields.push(field);
        }
    };
    let fitting = || sections().iter().filter(|section| section.fits(source));
    // What an event holds under the rule's own words, however deep, goes before our words for it.
    for section in fitting() {
        for (beginning, patterns) in &section.open {
            let Some(rest) = name.strip_prefix(beginning) else {
                continue;
            };
            // Our own names are never nested in a foreign one.
            if beginning.is_empty()
                && event::FieldId::of(name).is_some_and(event::FieldId::is_known)
            {
                continue;
            }
            for pattern in patterns {
                add(pattern.replacen('*', rest, 1));
            }
        }
    }
    for section in fitting() {
        for field in section.exact.get(name).into_iter().flatten() {
            add((*field).to_owned());
        }
    }
    fields
}

/// Names the fields of `clause` for a rule about `source`.
pub(crate) fn rename(clause: &mut Clause, source: &LogSource) {
    match clause {
        Clause::All(parts) | Clause::Any(parts) => {
            for part in parts {
                rename(part, source);
            }
        }
        Clause::Not(inner) => rename(inner, source),
        Clause::Test(test) => {
            if let Some(names) = &mut test.field {
                respell(names, source);
            }
            if let Op::OtherField { field, .. } = &mut test.op {
                respell(field, source);
            }
        }
    }
}

fn respell(names: &mut Vec<String>, source: &LogSource) {
    if let [name] = names.as_slice() {
        *names = fields(source, name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(category: &str, product: &str, name: &str, expected: &[&str]) {
        let part = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        let source = LogSource {
            category: part(category),
            product: part(product),
            service: None,
        };
        let found = fields(&source, name);
        let mut at = 0;
        for field in &found {
            if expected.get(at) == Some(&field.as_str()) {
                at += 1;
            }
        }
        assert_eq!(
            at,
            expected.len(),
            "{name}: {found:?} lacks {expected:?} in order"
        );
    }

    #[test]
    fn own_words_first_then_nested_then_ours() {
        check(
            "process_creation",
            "windows",
            "CommandLine",
            &[
                "CommandLine",
                "winlog.event_data.CommandLine",
                "process.command_line",
            ],
        );
        check(
            "webserver",
            "",
            "cs-method",
            &["cs-method", "http.request.method"],
        );
        check(
            "",
            "gcp",
            "data.protoPayload.x",
            &["data.protoPayload.x", "protoPayload.x"],
        );
        check(
            "",
            "okta",
            "debugContext.a",
            &["debugContext.a", "debugcontext.a"],
        );
        let bare = LogSource::default();
        assert_eq!(fields(&bare, "CommandLine"), ["CommandLine"]);
        assert_eq!(fields(&bare, "user.name"), ["user.name"]);
    }
}
