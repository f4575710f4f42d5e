//! A keyed hash of group keys and counted values: SipHash-1-3 (Aumasson, Bernstein 2012).
//!
//! The standard library has the same function but neither lets its key be chosen nor promises
//! that its result stays the same from release to release. Ours does both: estimates of distinct
//! values, and with them detections, must come out the same after a restart. The key keeps a
//! stranger from preparing values that collide.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

/// The key.
pub(crate) type Seed = [u64; 2];

/// A map whose keys are hashes already.
pub(crate) type HashedMap<V> = HashMap<u64, V, BuildHasherDefault<AsIs>>;

/// Takes a hash for what it is.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct AsIs(u64);

impl Hasher for AsIs {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        // Maps of hashes call write_u64 only; this keeps the trait whole.
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }
}

/// SipHash-1-3 of `bytes` under `seed`.
pub(crate) fn sip13(seed: Seed, bytes: &[u8]) -> u64 {
    let mut v = [
        seed[0] ^ 0x736f_6d65_7073_6575,
        seed[1] ^ 0x646f_7261_6e64_6f6d,
        seed[0] ^ 0x6c79_6765_6e65_7261,
        seed[1] ^ 0x7465_6462_7974_6573,
    ];
    let (words, rest) = bytes.as_chunks::<8>();
    for word in words {
        compress(&mut v, u64::from_le_bytes(*word));
    }
    let mut last = [0; 8];
    last[..rest.len()].copy_from_slice(rest);
    let len = bytes.len() as u64;
    compress(&mut v, u64::from_le_bytes(last) | len << 56);
    v[2] ^= 0xff;
    for _ in 0..3 {
        round(&mut v);
    }
    v[0] ^ v[1] ^ v[2] ^ v[3]
}

fn compress(v: &mut [u64; 4], word: u64) {
    v[3] ^= word;
    round(v);
    v[0] ^= word;
}

fn round(v: &mut [u64; 4]) {
    v[0] = v[0].wrapping_add(v[1]);
    v[2] = v[2].wrapping_add(v[3]);
    v[1] = v[1].rotate_left(13) ^ v[0];
    v[3] = v[3].rotate_left(16) ^ v[2];
    v[0] = v[0].rotate_left(32);
    v[2] = v[2].wrapping_add(v[1]);
    v[0] = v[0].wrapping_add(v[3]);
    v[1] = v[1].rotate_left(17) ^ v[2];
    v[3] = v[3].rotate_left(21) ^ v[0];
    v[2] = v[2].rotate_left(32);
}

#[cfg(test)]
mod tests {
    use std::hash::DefaultHasher;

    use super::*;

    #[test]
    fn agrees_with_the_standard_library_under_the_key_zero() {
        for len in 0..40_u8 {
            let bytes: Vec<u8> = (0..len).collect();
            let mut theirs = DefaultHasher::new();
            theirs.write(&bytes);
            assert_eq!(sip13([0, 0], &bytes), theirs.finish(), "{len} bytes");
        }
        assert_ne!(sip13([1, 0], b"a"), sip13([0, 0], b"a"));
    }
}
