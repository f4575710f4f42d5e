//! What the machine can do at best: the measure for everything else.

use sha2::{Digest, Sha256};

use crate::{Asked, Figure};

/// Bytes of the copied block: larger than the caches of one core.
const COPY_BYTES: usize = 64 << 20;
/// Bytes of one hashed leaf, as a small event.
const LEAF_BYTES: usize = 350;

/// The floors.
pub(crate) fn figures(asked: &Asked) -> Vec<Figure> {
    [memory_copy(asked), sha256(asked)]
        .into_iter()
        .flatten()
        .collect()
}

fn memory_copy(asked: &Asked) -> Option<Figure> {
    let from = vec![7_u8; COPY_BYTES];
    let mut to = vec![0_u8; COPY_BYTES];
    asked.measure("floor: memory copy, 64 MiB blocks", || {
        to.copy_from_slice(std::hint::black_box(&from));
        std::hint::black_box(&mut to);
        (1, COPY_BYTES as u64)
    })
}

fn sha256(asked: &Asked) -> Option<Figure> {
    let leaf = vec![3_u8; LEAF_BYTES];
    asked.measure("floor: SHA-256 of 350 bytes", || {
        for _ in 0..1000 {
            std::hint::black_box(Sha256::digest(std::hint::black_box(&leaf)));
        }
        (1000, 1000 * LEAF_BYTES as u64)
    })
}
