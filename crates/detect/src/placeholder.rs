//! Placeholders: `%name%` in a value with the modifier `expand` stands for values of the operator.
//!
//! They are documents of their own among the rule files, so that rules can be updated beside them:
//!
//! ```yaml
//! placeholders:
//!   Admins: [root, 'svc-*']
//!   DomainControllers: [dc1.example.org, dc2.example.org]
//! ```

use std::collections::BTreeMap;

use crate::limits;

/// Values of placeholders by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Placeholders(BTreeMap<String, Vec<String>>);

impl Placeholders {
    /// Reads the value of a `placeholders` key.
    pub(crate) fn read(value: &serde_json::Value) -> Result<Self, String> {
        let map = value
            .as_object()
            .ok_or("placeholders is not a map of names to lists")?;
        let mut read = BTreeMap::new();
        for (name, values) in map {
            let values = match values {
                serde_json::Value::Array(values) => values.iter().map(text).collect(),
                value => text(value).map(|value| vec![value]),
            };
            let values: Option<Vec<String>> = values;
            let values = values.ok_or(format!("placeholder `{name}` is not a list of texts"))?;
            read.insert(name.clone(), values);
        }
        Ok(Self(read))
    }

    /// Adds those of `other`; values of one name are joined.
    pub(crate) fn join(&mut self, other: Self) {
        for (name, values) in other.0 {
            self.0.entry(name).or_default().extend(values);
        }
    }

    /// The values of `name`; empty when there are none.
    pub(crate) fn values(&self, name: &str) -> &[String] {
        self.0.get(name).map_or(&[], Vec::as_slice)
    }

    /// The texts that `text` stands for. Names without values are added to `missing`, and a text
    /// that needs one stands for nothing.
    pub(crate) fn expand(
        &self,
        text: &str,
        missing: &mut Vec<String>,
    ) -> Result<Vec<String>, String> {
        let mut texts = vec![String::new()];
        let mut rest = text;
        while let Some((before, name, after)) = first_name(rest) {
            let values = self.values(name);
            if values.is_empty() && !missing.iter().any(|known| known == name) {
                missing.push(name.to_owned());
            }
            let append = |text: &String| {
                let text = text.clone() + before;
                values.iter().map(move |value| text.clone() + value)
            };
            texts = texts.iter().flat_map(append).collect();
            if texts.len() > limits::ITEM_VALUES_MAX {
                let max = limits::ITEM_VALUES_MAX;
                return Err(format!("placeholders expand to more than {max} values"));
            }
            rest = after;
        }
        for text in &mut texts {
            text.push_str(rest);
        }
        Ok(texts)
    }
}

/// Splits `text` at its first `%name%`.
fn first_name(text: &str) -> Option<(&str, &str, &str)> {
    let mut from = 0;
    loop {
        let start = from + text[from..].find('%')?;
        let end = start + 1 + text[start + 1..].find('%')?;
        let name = &text[start + 1..end];
        let is_name = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.');
        if !name.is_empty() && name.chars().all(is_name) {
            return Some((&text[..start], name, &text[end + 1..]));
        }
        from = end;
    }
}

fn text(value: &serde_json::Value) -> Option<String> {
    match value {
        serde_json::Value::String(text) => Some(text.clone()),
        serde_json::Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &[&str], missing: &[&str]) {
        let values = serde_json::json!({"a": ["x", "y"], "one": 1});
        let known = Placeholders::read(&values).unwrap();
        let mut found = Vec::new();
        assert_eq!(known.expand(text, &mut found).unwrap(), expected, "{text}");
        assert_eq!(found, missing, "{text}");
    }

    #[test]
    fn names_become_values() {
        check("plain", &["plain"], &[]);
        check("<%a%>", &["<x>", "<y>"], &[]);
        check("%a%-%one%", &["x-1", "y-1"], &[]);
        check("100% of %a%", &["100% of x", "100% of y"], &[]);
        check("%none%", &[], &["none"]);
        check("50%", &["50%"], &[]);
    }

    #[test]
    fn too_many_values_are_refused() {
        let many: Vec<String> = (0..200).map(|number| number.to_string()).collect();
        let known = Placeholders::read(&serde_json::json!({"a": many})).unwrap();
        assert!(known.expand("%a%%a%", &mut Vec::new()).is_err());
    }
}
