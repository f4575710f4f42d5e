//! Group values joined into one text that cannot be forged: each value behind its length. A group
//! that tells the past is kept apart from the one of the same name that tells the present.

use std::fmt::Write as _;

use event::GroupValue;

/// Begins the key of a group that tells the past; lengths begin with a digit.
const PAST: char = '~';

/// Begins a key.
pub(super) fn begin(key: &mut String, is_past: bool) {
    key.clear();
    if is_past {
        key.push(PAST);
    }
}

/// Whether the group tells the past.
pub(super) fn is_past(key: &str) -> bool {
    key.starts_with(PAST)
}

/// Appends one value.
pub(super) fn push(key: &mut String, value: &str) {
    write!(key, "{}:{value}", value.len()).expect("a String takes any text");
}

/// Appends the value that `write` appends; `false` when it says that there is none.
pub(super) fn push_with(key: &mut String, write: impl FnOnce(&mut String) -> bool) -> bool {
    let start = key.len();
    if !write(key) {
        return false;
    }
    let len = key.len() - start;
    let mut digits = [0; 21];
    let mut at = digits.len() - 1;
    digits[at] = b':';
    let mut left = len;
    loop {
        at -= 1;
        digits[at] = b'0' + u8::try_from(left % 10).unwrap_or(0);
        left /= 10;
        if left == 0 {
            break;
        }
    }
    let prefix = std::str::from_utf8(&digits[at..]).expect("digits are ASCII");
    key.insert_str(start, prefix);
    true
}

/// The values of `key` under their names.
pub(super) fn values(key: &str, names: &[String]) -> Vec<GroupValue> {
    let mut rest = key.trim_start_matches(PAST);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_come_back_whatever_they_hold() {
        let names = ["a".to_owned(), "b".to_owned()];
        for is_past in [false, true] {
            let mut key = String::new();
            begin(&mut key, is_past);
            push(&mut key, "3:x~");
            assert!(push_with(&mut key, |out| {
                out.push_str("twelve bytes");
                true
            }));
            let read: Vec<String> = values(&key, &names).into_iter().map(|v| v.value).collect();
            assert_eq!(read, ["3:x~", "twelve bytes"]);
            assert_eq!(super::is_past(&key), is_past);
        }
    }
}
