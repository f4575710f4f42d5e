//! Lines for the running process: what it would skip of an overlong line anyway is skipped here, so
//! that no piece of one record is ever taken for another.

use std::io::{self, Read};

use event::limits::FRAME_BYTES_MAX;

/// Bytes of a line that are handed on: more than a frame, so that the receiver still sees that the
/// line is too long, and counts and marks it as cut.
const LINE_BYTES_KEPT: usize = FRAME_BYTES_MAX + 2;

/// A reader whose lines are never longer than [`LINE_BYTES_KEPT`].
pub(crate) struct Shortened<R> {
    inner: R,
    /// Bytes of the present line that were handed on.
    line: usize,
    skipped: u64,
}

impl<R: Read> Shortened<R> {
    /// The lines of `inner`.
    pub(crate) fn new(inner: R) -> Self {
        Self {
            inner,
            line: 0,
            skipped: 0,
        }
    }

    /// Bytes left out so far.
    pub(crate) fn skipped(&self) -> u64 {
        self.skipped
    }

    /// Moves what is handed on to the front of `bytes`; its length.
    fn shorten(&mut self, bytes: &mut [u8]) -> usize {
        let (mut at, mut kept) = (0, 0);
        while at < bytes.len() {
            let rest = &bytes[at..];
            let end = rest.iter().position(|byte| *byte == b'\n');
            let content = end.unwrap_or(rest.len());
            let taken = content.min(LINE_BYTES_KEPT - self.line);
            bytes.copy_within(at..at + taken, kept);
            kept += taken;
            self.skipped += (content - taken) as u64;
            self.line += taken;
            at += content;
            if end.is_some() {
                bytes[kept] = b'\n';
                kept += 1;
                at += 1;
                self.line = 0;
            }
        }
        kept
    }
}

impl<R: Read> Read for Shortened<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let count = self.inner.read(buffer)?;
            let kept = self.shorten(&mut buffer[..count]);
            // Nothing kept of something read is the middle of an overlong line, not the end.
            if kept > 0 || count == 0 {
                return Ok(kept);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads `input` in pieces of `piece` bytes.
    fn read(input: &[u8], piece: usize) -> (Vec<u8>, u64) {
        let mut reader = Shortened::new(input);
        let (mut out, mut buffer) = (Vec::new(), vec![0; piece]);
        loop {
            let count = reader.read(&mut buffer).expect("memory is readable");
            if count == 0 {
                return (out, reader.skipped());
            }
            out.extend_from_slice(&buffer[..count]);
        }
    }

    #[test]
    fn one_record_stays_one() {
        let check = |lines: &[(usize, usize)], last_ended: bool| {
            let text = |len: fn(&(usize, usize)) -> usize| {
                let mut text = Vec::new();
                for line in lines {
                    text.extend(std::iter::repeat_n(b'x', len(line)));
                    text.push(b'\n');
                }
                if !last_ended {
                    text.pop();
                }
                text
            };
            let skipped: usize = lines.iter().map(|(len, kept)| len - kept).sum();
            for piece in [1000, 4096, 1 << 20, 9 << 20] {
                let (out, left_out) = read(&text(|line| line.0), piece);
                assert!(out == text(|line| line.1), "{lines:?} in pieces of {piece}");
                assert_eq!(left_out, skipped as u64);
            }
        };
        let most = LINE_BYTES_KEPT;
        check(&[(0, 0), (3, 3), (0, 0)], true);
        check(&[(most, most), (most + 1, most), (1, 1)], true);
        check(&[(2, 2), (5 << 20, most), (7, 7)], false);
        check(&[(9 << 20, most)], false);
    }
}
