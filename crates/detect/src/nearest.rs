//! The known name nearest to one that nobody knows.

/// The nearest of `known` that is near enough to be what was meant.
pub(crate) fn nearest<'k>(name: &str, known: impl Iterator<Item = &'k str>) -> Option<&'k str> {
    let near = known.map(|other| (distance(name, other), other)).min()?;
    let enough = (name.len() / 4).clamp(1, 3);
    (1..=enough).contains(&near.0).then_some(near.1)
}

/// Edits (insert, delete, replace) between two short texts.
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.bytes().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.bytes().enumerate() {
            let replaced = diagonal + usize::from(x != y);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_finger_is_found_and_a_stranger_is_not() {
        let known = ["source.ip", "user.name", "url.path"];
        let near = |name: &str| nearest(name, known.into_iter());
        assert_eq!(near("sorce.ip"), Some("source.ip"));
        assert_eq!(near("user.nmae"), Some("user.name"));
        assert_eq!(near("CommandLine"), None);
        assert_eq!(near("user.name"), None);
    }
}
