//! The operator's tuning of rules: one file beside the configuration, read into [`Tuning`].
//!
//! ```toml
//! [thresholds]                 # everywhere
//! d01_failures = 8
//!
//! [rule.D19]                   # a code, an id or a name
//! enabled = false
//! level = "low"
//!
//! [scope.office]               # thresholds for some events only
//! where = { "source.ip|cidr" = ["203.0.113.0/24"] }
//! raise = 5
//! ```

use detect::{Override, Problem, Scope, Tuning};
use event::Severity;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::config::is_name;

/// Reads `text` of the file `shown`; what is good is given beside the problems.
pub(crate) fn read(shown: &str, text: &str) -> (Tuning, Vec<Problem>) {
    let mut reader = Reader {
        shown,
        text,
        problems: Vec::new(),
        tuning: Tuning::default(),
    };
    match DeTable::parse(text) {
        Ok(table) => reader.top(table.get_ref()),
        Err(error) => {
            let at = error.span().map_or(0, |span| span.start);
            reader.complain(at, error.message().trim());
        }
    }
    (reader.tuning, reader.problems)
}

struct Reader<'a> {
    shown: &'a str,
    text: &'a str,
    problems: Vec<Problem>,
    tuning: Tuning,
}

impl Reader<'_> {
    fn top(&mut self, table: &DeTable<'_>) {
        for (name, value) in table {
            let at = name.span().start;
            match (name.get_ref().as_ref(), value.get_ref()) {
                ("thresholds", DeValue::Table(inner)) => {
                    self.tuning.thresholds = self.thresholds(inner);
                }
                ("rule", DeValue::Table(inner)) => self.each(inner, Self::rule),
                ("scope", DeValue::Table(inner)) => self.each(inner, Self::scope),
                ("thresholds" | "rule" | "scope", _) => self.complain(at, "is not a table"),
                (other, _) => self.complain(
                    at,
                    &format!("unknown table `{other}`; known: thresholds, rule.NAME, scope.NAME"),
                ),
            }
        }
    }

    /// Reads every table inside `table` with its name.
    fn each(&mut self, table: &DeTable<'_>, read: fn(&mut Self, &str, &DeTable<'_>)) {
        for (name, value) in table {
            match value.get_ref() {
                DeValue::Table(inner) => read(self, name.get_ref(), inner),
                _ => self.complain(name.span().start, "is not a table"),
            }
        }
    }

    fn thresholds(&mut self, table: &DeTable<'_>) -> Vec<(String, u64)> {
        let mut values = Vec::new();
        for (name, value) in table {
            match number(value) {
                Some(number) => values.push((name.get_ref().to_string(), number)),
                None => self.complain(
                    name.span().start,
                    &format!(
                        "threshold `{}` is not a whole number above 0",
                        name.get_ref()
                    ),
                ),
            }
        }
        values
    }

    fn rule(&mut self, rule: &str, table: &DeTable<'_>) {
        let mut change = Override {
            rule: rule.to_owned(),
            ..Override::default()
        };
        for (name, value) in table {
            match (name.get_ref().as_ref(), value.get_ref()) {
                ("enabled", DeValue::Boolean(enabled)) => change.enabled = Some(*enabled),
                ("level", DeValue::String(level)) if Severity::of_name(level).is_some() => {
                    change.level = Severity::of_name(level);
                }
                // For the reader; the tuning file is the place to write it down.
                ("reason" | "owner", DeValue::String(_)) => {}
                (key, _) => self.complain(
                    name.span().start,
                    &format!(
                        "`{key}` of a rule; known: enabled = true or false, \
                         level = \"informational\" to \"critical\", owner, reason"
                    ),
                ),
            }
        }
        self.tuning.overrides.push(change);
    }

    fn scope(&mut self, scope: &str, table: &DeTable<'_>) {
        let mut read = Scope {
            name: scope.to_owned(),
            ..Scope::default()
        };
        for (name, value) in table {
            let at = name.span().start;
            match (name.get_ref().as_ref(), value.get_ref()) {
                ("where", DeValue::Table(fields)) => read.selection = self.selection(fields),
                ("thresholds", DeValue::Table(inner)) => read.thresholds = self.thresholds(inner),
                ("raise", _) => match number(value) {
                    Some(raise) => read.raise = Some(raise),
                    None => self.complain(at, "`raise` is not a whole number above 0"),
                },
                ("reason" | "owner", DeValue::String(_)) => {}
                (key, _) => self.complain(
                    at,
                    &format!("`{key}` of a scope; known: where, thresholds, raise, owner, reason"),
                ),
            }
        }
        if !is_name(scope) {
            self.complain(
                0,
                &format!("`{scope}` is no name of letters, digits, dash, underscore"),
            );
        }
        self.tuning.scopes.push(read);
    }

    fn selection(&mut self, fields: &DeTable<'_>) -> Vec<(String, Vec<String>)> {
        let mut selection = Vec::new();
        for (name, value) in fields {
            let values: Option<Vec<String>> = match value.get_ref() {
                DeValue::Array(items) => items.iter().map(|item| text_of(item.get_ref())).collect(),
                one => text_of(one).map(|text| vec![text]),
            };
            match values.filter(|values| !values.is_empty()) {
                Some(values) => selection.push((name.get_ref().to_string(), values)),
                None => self.complain(name.span().start, "needs a text or a list of texts"),
            }
        }
        selection
    }

    fn complain(&mut self, at: usize, message: &str) {
        let before = self.text.get(..at).unwrap_or(self.text);
        let line = before.matches('\n').count() + 1;
        self.problems.push(Problem {
            file: self.shown.to_owned(),
            line: u32::try_from(line).ok(),
            message: message.to_owned(),
        });
    }
}

fn number(value: &Spanned<DeValue<'_>>) -> Option<u64> {
    match value.get_ref() {
        DeValue::Integer(number) => number.to_string().parse().ok().filter(|n| *n > 0),
        _ => None,
    }
}

fn text_of(value: &DeValue<'_>) -> Option<String> {
    match value {
        DeValue::String(text) => Some(text.to_string()),
        DeValue::Integer(number) => Some(number.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_is_read() {
        let (tuning, problems) = read(
            "tuning.toml",
            "thresholds.d01_failures = 8\n\
             [rule.D19]\nenabled = false\nlevel = \"low\"\nreason = \"loud\"\n\
             [scope.office]\n\
             where = { \"source.ip|cidr\" = [\"203.0.113.0/24\"], \"service.name\" = \"shop\" }\n\
             raise = 5\nthresholds = { d02_failures = 90 }\n",
        );
        assert_eq!(problems, []);
        assert_eq!(tuning.thresholds, [("d01_failures".to_owned(), 8)]);
        assert_eq!(tuning.overrides[0].level, Some(Severity::Low));
        assert_eq!(tuning.overrides[0].enabled, Some(false));
        let scope = &tuning.scopes[0];
        assert_eq!((scope.raise, scope.selection.len()), (Some(5), 2));
        assert_eq!(scope.thresholds, [("d02_failures".to_owned(), 90)]);
    }

    #[test]
    fn mistakes_have_a_line() {
        let (_, problems) = read(
            "tuning.toml",
            "[thresholds]\na = \"x\"\n[rule.D01]\nlevel = \"huge\"\n[skope.x]\n",
        );
        let told: Vec<_> = problems.iter().map(crate::rules::shown).collect();
        assert_eq!(told.len(), 3);
        assert!(
            told[0].starts_with("tuning.toml:4: `level` of a rule"),
            "{}",
            told[0]
        );
        assert!(
            told[1].starts_with("tuning.toml:5: unknown table `skope`"),
            "{}",
            told[1]
        );
        assert_eq!(
            told[2],
            "tuning.toml:2: threshold `a` is not a whole number above 0"
        );
    }
}
