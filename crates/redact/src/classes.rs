//! Stage one: a text becomes bitmaps, one bit a byte and class, 64 bytes at a time.
//!
//! The widest registers of the processor are chosen at run time by `fearless_simd`, which keeps the
//! unsafe code of that on its side. Bytes behind the end belong to
//! no class.

use fearless_simd::{Level, Simd, SimdBase, SimdMask, dispatch, u8x64};

/// Bytes of one block.
pub(crate) const BLOCK: usize = 64;

/// Which of 64 bytes are of which class.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Block {
    /// Letters and digits.
    pub(crate) alnum: u64,
    pub(crate) digit: u64,
    /// `A` to `Z`.
    pub(crate) upper: u64,
    /// `b` and `B`.
    pub(crate) b: u64,
    /// `-`, `_`, `+`: base64 beside letters, digits and slashes.
    pub(crate) joint: u64,
    /// `.`, `=`, `~`, `%`: of tokens but not of base64.
    pub(crate) stop: u64,
    pub(crate) slash: u64,
    pub(crate) dash: u64,
    /// `=` and `:`.
    pub(crate) pair: u64,
    /// Blanks, quotes, `,`, brackets and control characters: what a word or a `=` may follow.
    pub(crate) opener: u64,
    /// `<`, `>`, `@`, `+`, backslash, `%`: looked at one by one.
    pub(crate) rare: u64,
}

/// Chooses how bitmaps are made.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Classifier(Level);

impl Classifier {
    /// With the best this processor has.
    pub(crate) fn best() -> Self {
        Self(Level::new())
    }

    /// With what every processor of this architecture has.
    pub(crate) fn portable() -> Self {
        Self(Level::baseline())
    }

    /// Fills `blocks` with the classes of `text`; there are as many as the text needs.
    pub(crate) fn fill(self, text: &[u8], blocks: &mut [Block]) {
        dispatch!(self.0, simd => fill(simd, text, blocks));
    }
}

/// How many blocks a text has.
pub(crate) fn count(len: usize) -> usize {
    len.div_ceil(BLOCK)
}

#[expect(
    clippy::inline_always,
    reason = "must be compiled for the registers of its caller"
)]
#[inline(always)]
fn fill<S: Simd>(simd: S, text: &[u8], blocks: &mut [Block]) {
    simd.vectorize(
        #[inline(always)]
        || {
            let (whole, rest) = text.as_chunks::<BLOCK>();
            for (chunk, block) in whole.iter().zip(blocks.iter_mut()) {
                *block = classify(simd, chunk);
            }
            if let Some(block) = blocks.get_mut(whole.len()).filter(|_| !rest.is_empty()) {
                let mut chunk = [0; BLOCK];
                chunk[..rest.len()].copy_from_slice(rest);
                *block = classify(simd, &chunk);
            }
        },
    );
}

#[expect(
    clippy::inline_always,
    reason = "must be compiled for the registers of its caller"
)]
#[inline(always)]
fn classify<S: Simd>(simd: S, bytes: &[u8; BLOCK]) -> Block {
    let text = u8x64::from_slice(simd, bytes);
    let lower = text | u8x64::splat(simd, 0x20);
    let is = |byte: u8| text.simd_eq(u8x64::splat(simd, byte));
    let digit = (text - u8x64::splat(simd, b'0')).simd_le(u8x64::splat(simd, 9));
    let alpha = (lower - u8x64::splat(simd, b'a')).simd_le(u8x64::splat(simd, 25));
    let upper = (text - u8x64::splat(simd, b'A')).simd_le(u8x64::splat(simd, 25));
    // Blanks and controls, but not the zeros behind the end.
    let blank = (text - u8x64::splat(simd, 1)).simd_le(u8x64::splat(simd, 31));
    let (dash, equals, percent, plus) = (is(b'-'), is(b'='), is(b'%'), is(b'+'));
    let quote = is(b'"') | is(b'\'') | is(b'`');
    Block {
        alnum: (digit | alpha).to_bitmask(),
        digit: digit.to_bitmask(),
        upper: upper.to_bitmask(),
        b: lower.simd_eq(u8x64::splat(simd, b'b')).to_bitmask(),
        joint: (dash | is(b'_') | plus).to_bitmask(),
        stop: (is(b'.') | equals | is(b'~') | percent).to_bitmask(),
        slash: is(b'/').to_bitmask(),
        dash: dash.to_bitmask(),
        pair: (equals | is(b':')).to_bitmask(),
        opener: (blank | quote | is(b',') | is(b'[') | is(b']')).to_bitmask(),
        rare: (is(b'<') | is(b'>') | is(b'@') | plus | is(b'\\') | percent).to_bitmask(),
    }
}

/// The bits of `here` moved down by `by` places, those of `next` following.
#[inline]
pub(crate) fn down(here: u64, next: u64, by: u32) -> u64 {
    here >> by | next << (64 - by)
}

/// Where at least 2^`doublings` bytes of a class follow one another, within two blocks.
#[inline]
pub(crate) fn runs(here: u64, next: u64, doublings: u32) -> (u64, u64) {
    let (mut here, mut next) = (here, next);
    for doubling in 0..doublings {
        let by = 1 << doubling;
        (here, next) = (here & down(here, next, by), next & next >> by);
    }
    (here, next)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bits(text: &[u8], is: impl Fn(u8) -> bool) -> u64 {
        let chars = text.iter().enumerate();
        chars.fold(0, |bits, (at, byte)| bits | u64::from(is(*byte)) << at)
    }

    /// Every byte in every lane, with each set of registers.
    #[test]
    fn classes_of_every_byte() {
        for classifier in [Classifier::best(), Classifier::portable()] {
            for shift in 0..=255_u8 {
                let text: Vec<u8> = (0..=255_u8).map(|at| at.wrapping_add(shift)).collect();
                for len in [1, 63, 64, 65, 256] {
                    let text = &text[..len];
                    let mut blocks = vec![Block::default(); count(len)];
                    classifier.fill(text, &mut blocks);
                    for (block, bytes) in blocks.iter().zip(text.chunks(BLOCK)) {
                        check(block, bytes);
                    }
                }
            }
        }
    }

    fn check(block: &Block, bytes: &[u8]) {
        let one_of = |set: &'static [u8]| move |byte: u8| set.contains(&byte);
        assert_eq!(block.alnum, bits(bytes, |b| b.is_ascii_alphanumeric()));
        assert_eq!(block.digit, bits(bytes, |b| b.is_ascii_digit()));
        assert_eq!(block.upper, bits(bytes, |b| b.is_ascii_uppercase()));
        assert_eq!(block.b, bits(bytes, one_of(b"bB")));
        assert_eq!(block.joint, bits(bytes, one_of(b"-_+")));
        assert_eq!(block.stop, bits(bytes, one_of(b".=~%")));
        assert_eq!(block.slash, bits(bytes, one_of(b"/")));
        assert_eq!(block.dash, bits(bytes, one_of(b"-")));
        assert_eq!(block.pair, bits(bytes, one_of(b"=:")));
        assert_eq!(block.rare, bits(bytes, one_of(b"<>@+\\%")));
        let opens = |b: u8| matches!(b, 1..=b' ') || b"\"'`,[]".contains(&b);
        assert_eq!(block.opener, bits(bytes, opens));
    }

    #[test]
    fn runs_across_two_blocks() {
        let here = u64::MAX << 60;
        assert_eq!(runs(here, 0b1111, 3).0, 1 << 60);
        assert_eq!(runs(here, 0b0111, 3).0, 0);
        assert_eq!(down(1 << 63, 1, 63), 0b11);
    }
}
