//! A trie of bytes: all stored texts that a given text begins (or, read backwards, ends) with.

/// The trie.
#[derive(Debug, Default)]
pub(super) struct Trie {
    nodes: Vec<Node>,
    edges: Vec<(u8, u32)>,
}

#[derive(Debug)]
struct Node {
    /// Its edges: a run of [`Trie::edges`], sorted by byte.
    edges: (u32, u32),
    /// What ends here.
    group: Option<u32>,
}

impl Trie {
    /// A trie of `texts` (bytes in the order they are read, group), distinct and sorted.
    pub(super) fn build(texts: &[(Vec<u8>, u32)]) -> Self {
        let mut trie = Self::default();
        if !texts.is_empty() {
            trie.add(texts, 0);
        }
        trie
    }

    /// Adds the node that all of `texts` share after `depth` bytes. Recursion is as deep as the
    /// longest literal, which `cut` bounds.
    fn add(&mut self, texts: &[(Vec<u8>, u32)], depth: usize) -> u32 {
        let id = u32::try_from(self.nodes.len()).unwrap_or(u32::MAX);
        let (group, rest) = match texts {
            [(text, group), rest @ ..] if text.len() == depth => (Some(*group), rest),
            _ => (None, texts),
        };
        self.nodes.push(Node {
            edges: (0, 0),
            group,
        });
        let mut edges = Vec::new();
        for run in rest.chunk_by(|(a, _), (b, _)| a[depth] == b[depth]) {
            edges.push((run[0].0[depth], self.add(run, depth + 1)));
        }
        let start = self.edges.len();
        self.edges.extend(edges);
        let place = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        self.nodes[id as usize].edges = (place(start), place(self.edges.len()));
        id
    }

    /// Whether nothing is stored.
    pub(super) fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// Calls `found` with the group of every stored text that `bytes` begin with.
    #[inline]
    pub(super) fn walk(&self, bytes: impl Iterator<Item = u8>, mut found: impl FnMut(u32)) {
        let Some(mut node) = self.nodes.first() else {
            return;
        };
        for byte in bytes {
            let edges = &self.edges[node.edges.0 as usize..node.edges.1 as usize];
            let next = if edges.len() <= 8 {
                edges.iter().find(|(edge, _)| *edge == byte)
            } else {
                let at = edges.binary_search_by_key(&byte, |(edge, _)| *edge);
                at.ok().map(|at| &edges[at])
            };
            let Some((_, next)) = next else {
                return;
            };
            node = &self.nodes[*next as usize];
            if let Some(group) = node.group {
                found(group);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(texts: &[&str], text: &str, expected: &[u32]) {
        let mut stored: Vec<(Vec<u8>, u32)> = (0..)
            .zip(texts)
            .map(|(group, text)| (text.bytes().collect(), group))
            .collect();
        stored.sort();
        let mut found = Vec::new();
        Trie::build(&stored).walk(text.bytes(), |group| found.push(group));
        assert_eq!(found, expected, "{texts:?} in {text}");
    }

    #[test]
    fn every_beginning_is_found() {
        let many = [
            "a", "ab", "abc", "b", "c", "d", "e", "f", "g", "h", "i", "j",
        ];
        check(&many, "abx", &[0, 1]);
        check(&many, "abc", &[0, 1, 2]);
        check(&many, "jab", &[11]);
        check(&many, "zab", &[]);
        check(&[], "a", &[]);
    }
}
