//! A byte buffer that starts on a page boundary, from safe code: allocate one page more and
//! use the aligned part.

/// Page and alignment unit of direct writes, in bytes. 4 KiB is the logical block of every
/// disk we know, or a multiple of it.
pub const PAGE_BYTES: usize = 4096;

/// Bytes whose first one lies on a page boundary in memory.
///
/// Works like a `Vec<u8>` for the few verbs a frame needs. Growing copies, so reuse one buffer.
#[derive(Debug, Default)]
pub struct AlignedBuffer {
    storage: Vec<u8>,
    start: usize,
}

impl AlignedBuffer {
    /// An empty buffer with room for `capacity` bytes.
    pub fn with_capacity(capacity: usize) -> Self {
        let mut storage = Vec::with_capacity(capacity.saturating_add(PAGE_BYTES));
        let start = page_offset(&storage);
        storage.resize(start, 0);
        Self { storage, start }
    }

    /// Number of bytes held.
    pub fn len(&self) -> usize {
        self.storage.len() - self.start
    }

    /// True when no byte is held.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes that fit without moving to a new allocation.
    pub fn capacity(&self) -> usize {
        self.storage.capacity() - self.start
    }

    /// Forgets the content, keeps the memory.
    pub fn clear(&mut self) {
        self.storage.truncate(self.start);
    }

    /// Makes room for `additional` more bytes, keeping the alignment.
    pub fn reserve(&mut self, additional: usize) {
        let needed = self.len().saturating_add(additional);
        if needed <= self.capacity() {
            return;
        }
        let mut grown = Self::with_capacity(needed.max(self.capacity().saturating_mul(2)));
        grown.storage.extend_from_slice(self.as_slice());
        *self = grown;
    }

    /// Adds bytes at the end.
    pub fn extend_from_slice(&mut self, bytes: &[u8]) {
        self.reserve(bytes.len());
        self.storage.extend_from_slice(bytes);
    }

    /// Adds zeros until the length is a multiple of the page.
    pub fn pad_to_page(&mut self) {
        let padded = self.len().next_multiple_of(PAGE_BYTES);
        self.resize(padded);
    }

    /// Cuts, or extends with zeros.
    pub fn resize(&mut self, len: usize) {
        if self.len() < len {
            self.reserve(len - self.len());
        }
        self.storage.resize(self.start + len, 0);
    }

    /// The bytes.
    pub fn as_slice(&self) -> &[u8] {
        &self.storage[self.start..]
    }

    /// The bytes, to be changed in place.
    pub fn as_mut_slice(&mut self) -> &mut [u8] {
        &mut self.storage[self.start..]
    }
}

/// True when these bytes can be handed to a direct write as they are.
pub(crate) fn is_aligned(bytes: &[u8]) -> bool {
    bytes.as_ptr().addr().is_multiple_of(PAGE_BYTES)
}

fn page_offset(storage: &[u8]) -> usize {
    let misaligned = storage.as_ptr().addr() % PAGE_BYTES;
    (PAGE_BYTES - misaligned) % PAGE_BYTES
}

#[cfg(test)]
mod tests {
    use super::{AlignedBuffer, PAGE_BYTES, is_aligned};

    #[test]
    fn stays_on_the_page_while_growing() {
        let mut buffer = AlignedBuffer::with_capacity(10);
        let mut expected = Vec::new();
        for round in 0..200_u8 {
            let bytes = vec![round; 37 + usize::from(round)];
            buffer.extend_from_slice(&bytes);
            expected.extend_from_slice(&bytes);
            assert!(is_aligned(buffer.as_slice()));
        }
        assert_eq!(buffer.as_slice(), expected);
        buffer.pad_to_page();
        assert_eq!(buffer.len() % PAGE_BYTES, 0);
        assert_eq!(buffer.len(), expected.len().next_multiple_of(PAGE_BYTES));
        buffer.clear();
        assert!(buffer.is_empty());
        assert!(is_aligned(buffer.as_slice()) || buffer.capacity() == 0);
    }
}
