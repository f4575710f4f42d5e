//! Names of sources as numbers, and how many events each has sent.

use std::collections::HashMap;
use std::sync::Arc;

use crate::limits::SOURCES_MAX;

/// The sources of a ledger. Numbers start at 1 and are dense; 0 is the ledger itself.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sources {
    numbers: HashMap<Arc<str>, u32>,
    rows: Vec<Source>,
}

#[derive(Clone, Debug)]
pub(crate) struct Source {
    pub(crate) name: Arc<str>,
    pub(crate) next_seq: u64,
}

impl Sources {
    pub(crate) fn number(&self, name: &str) -> Option<u32> {
        self.numbers.get(name).copied()
    }

    pub(crate) fn rows(&self) -> &[Source] {
        &self.rows
    }

    pub(crate) fn has_room(&self) -> bool {
        self.rows.len() < SOURCES_MAX as usize
    }

    /// Gives the next number to a name that has none.
    pub(crate) fn register(&mut self, name: &str, next_seq: u64) -> u32 {
        let name: Arc<str> = Arc::from(name);
        self.rows.push(Source {
            name: Arc::clone(&name),
            next_seq,
        });
        let number = u32::try_from(self.rows.len()).expect("bounded by SOURCES_MAX");
        self.numbers.insert(name, number);
        number
    }

    /// Takes the newest registration back.
    pub(crate) fn unregister_last(&mut self) {
        if let Some(source) = self.rows.pop() {
            self.numbers.remove(&source.name);
        }
    }

    /// The counter of a numbered source.
    pub(crate) fn next_seq_mut(&mut self, number: u32) -> Option<&mut u64> {
        let row = usize::try_from(number).ok()?.checked_sub(1)?;
        self.rows.get_mut(row).map(|source| &mut source.next_seq)
    }
}
