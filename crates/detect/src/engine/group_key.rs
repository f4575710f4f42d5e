//! Group values joined into one text that cannot be forged: each value behind its length.

use std::fmt::Write as _;

use event::GroupValue;

/// Appends one value.
pub(super) fn push(key: &mut String, value: &str) {
    write!(key, "{}:{value}", value.len()).expect("a String takes any text");
}

/// The values of `key` under their names.
pub(super) fn values(key: &str, names: &[String]) -> Vec<GroupValue> {
    let mut rest = key;
    let mut values = Vec::with_capacity(names.len());
    for name in names {
        let Some((len, after)) = rest.split_once(':') else {
            break;
        };
        let len = len.parse().unwrap_or(0);
        let (value, next) = after.split_at_checked(len).unwrap_or((after, ""));
        values.push(GroupValue {
            field: name.clone(),
            value: value.to_owned(),
        });
        rest = next;
    }
    values
}
