//! What makes two rules the same to the windows that were filled under one of them: everything
//! that decides what matches and how it is counted; not its title, nor its level.

use std::fmt::{self, Write};

use sha2::{Digest, Sha256};

use crate::rule::Document;

/// SHA-256 of a rule, `members` being those it counts.
pub(crate) fn of(document: &Document, members: &[[u8; 32]]) -> [u8; 32] {
    let meta = &document.meta;
    let mut hash = Hash(Sha256::new());
    let written = write!(
        hash,
        "{:?}",
        (
            &meta.reference.id,
            &meta.name,
            meta.enabled,
            &meta.entity,
            meta.cooldown,
            &document.body
        )
    );
    written.expect("a hash takes any text");
    for member in members {
        hash.0.update(member);
    }
    hash.0.finalize().into()
}

struct Hash(Sha256);

impl Write for Hash {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.update(text);
        Ok(())
    }
}
