//! Bytes as they were received: the one type that may hold what nobody has redacted yet.

/// Received bytes. They cannot be printed, cloned or serialised, and they are overwritten when they
/// go; whoever needs them borrows them, and the borrow is visible in review.
///
/// Copies that the allocator leaves behind when a buffer grows are out of reach of safe code.
///
/// ```compile_fail
/// // A log line cannot show them.
/// println!("{:?}", event::Raw::default());
/// ```
///
/// ```compile_fail
/// // There is no second copy to forget.
/// let _ = event::Raw::default().clone();
/// ```
///
/// ```compile_fail
/// println!("{}", event::Raw::default());
/// ```
///
/// ```
/// let raw = event::Raw::from(b"borrowed, not shown".to_vec());
/// assert_eq!(raw.bytes().len(), 19);
/// ```
#[derive(Default)]
#[expect(
    missing_debug_implementations,
    reason = "the point of the type: no formatter shows what was received"
)]
pub struct Raw(Vec<u8>);

impl Raw {
    /// The bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// Number of bytes.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The buffer, to read into.
    pub fn buffer_mut(&mut self) -> &mut Vec<u8> {
        &mut self.0
    }

    /// Splits into the bytes before `at`, which stay here, and those from `at` on.
    #[must_use]
    pub fn split_off(&mut self, at: usize) -> Self {
        Self(self.0.split_off(at))
    }
}

impl From<Vec<u8>> for Raw {
    fn from(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        wipe(&mut self.0);
        // Without it a compiler may find that nobody reads the zeros and leave them out.
        zeroize::optimization_barrier(self.0.as_slice());
    }
}

/// Overwrites all that `bytes` has room for: what was cut off earlier is still there.
fn wipe(bytes: &mut Vec<u8>) {
    bytes.clear();
    bytes.resize(bytes.capacity(), 0);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_whole_room_is_overwritten_in_place() {
        let mut bytes = b"hunter2 and what came after it".to_vec();
        let place = bytes.as_ptr();
        bytes.truncate(7);
        let room = bytes.capacity();
        wipe(&mut bytes);
        assert_eq!((bytes.len(), bytes.as_ptr()), (room, place));
        assert!(bytes.iter().all(|byte| *byte == 0));
    }
}
