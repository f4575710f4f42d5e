//! Keywords: literals that may stand in any text of an event.
//!
//! All text of the event is one haystack, its values divided by NUL, which no indexed keyword
//! holds. Few keywords are looked for by a vector search first, which says for nearly every event
//! that there is none.

use std::collections::HashMap;

use aho_corasick::packed;
use daachorse::DoubleArrayAhoCorasick;

use super::ShowId;

/// Keywords up to which the vector search is quick.
const PACKED_MAX: usize = 48;

/// The keywords of a bucket.
pub(crate) struct Keywords {
    first_look: Option<packed::Searcher>,
    automaton: DoubleArrayAhoCorasick<u32>,
    groups: Vec<Vec<ShowId>>,
}

impl std::fmt::Debug for Keywords {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Keywords")
            .field("keywords", &self.groups.len())
            .finish_non_exhaustive()
    }
}

impl Keywords {
    /// The index of `keywords` (folded text, what it shows); none when there are none.
    pub(super) fn build(keywords: Vec<(String, ShowId)>) -> Option<Self> {
        let mut places: HashMap<String, usize> = HashMap::new();
        let mut texts: Vec<String> = Vec::new();
        let mut groups: Vec<Vec<ShowId>> = Vec::new();
        for (text, id) in keywords {
            let at = *places.entry(text).or_insert_with_key(|text| {
                texts.push(text.clone());
                groups.push(Vec::new());
                texts.len() - 1
            });
            groups[at].push(id);
        }
        if texts.is_empty() {
            return None;
        }
        let first_look = (texts.len() <= PACKED_MAX)
            .then(|| packed::Searcher::new(&texts))
            .flatten();
        let values = texts.into_iter().zip(0_u32..);
        Some(Self {
            first_look,
            automaton: DoubleArrayAhoCorasick::with_values(values)
                .expect("keywords are distinct, not empty and bounded"),
            groups,
        })
    }

    /// Calls `show` for every keyword in `folded`.
    pub(crate) fn scan(&self, folded: &str, mut show: impl FnMut(ShowId)) {
        if let Some(packed) = &self.first_look
            && packed.find(folded).is_none()
        {
            return;
        }
        for found in self.automaton.find_overlapping_iter(folded) {
            for id in &self.groups[found.value() as usize] {
                show(*id);
            }
        }
    }
}
