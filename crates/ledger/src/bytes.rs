//! Reading and writing big-endian fields at fixed offsets of a page.

/// Puts bytes at an offset of a fixed layout.
pub(crate) fn put(target: &mut [u8], offset: usize, bytes: &[u8]) {
    target[offset..offset + bytes.len()].copy_from_slice(bytes);
}

/// The `N` bytes at an offset. Panics outside the layout: the caller holds a whole page.
pub(crate) fn array<const N: usize>(source: &[u8], offset: usize) -> [u8; N] {
    let mut bytes = [0; N];
    bytes.copy_from_slice(&source[offset..offset + N]);
    bytes
}

/// The 16-bit number at an offset.
pub(crate) fn u16_at(source: &[u8], offset: usize) -> u16 {
    u16::from_be_bytes(array(source, offset))
}

/// The 32-bit number at an offset.
pub(crate) fn u32_at(source: &[u8], offset: usize) -> u32 {
    u32::from_be_bytes(array(source, offset))
}

/// The 64-bit number at an offset.
pub(crate) fn u64_at(source: &[u8], offset: usize) -> u64 {
    u64::from_be_bytes(array(source, offset))
}

/// Takes fields one after the other from bytes of any length.
#[derive(Debug)]
pub(crate) struct Taker<'a> {
    rest: &'a [u8],
}

impl<'a> Taker<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    pub(crate) fn bytes(&mut self, len: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(len)?;
        self.rest = rest;
        Some(taken)
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.bytes(N).map(|bytes| array(bytes, 0))
    }

    pub(crate) fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_be_bytes)
    }

    pub(crate) fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_be_bytes)
    }

    /// A length or count that was written as 32 bits.
    pub(crate) fn len(&mut self) -> Option<usize> {
        self.u32().and_then(|len| usize::try_from(len).ok())
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }
}
