//! Collects the frames of one stream over one growing buffer until they are a batch.

use std::fmt;
use std::io::{self, Read};

use event::{FrameBatch, FrameSpan, Hint, Origin, Raw};

use crate::split::{Framing, Piece, Splitter, Tally};

/// One stream on its way into batches: frames that are complete, then bytes not yet split.
pub(crate) struct Gatherer {
    splitter: Splitter,
    hint: Hint,
    buffer: Raw,
    /// Where the unread bytes begin; everything before belongs to frames or was skipped.
    at: usize,
    spans: Vec<FrameSpan>,
    bytes_max: usize,
    frames_max: usize,
}

impl Gatherer {
    pub(crate) fn new(framing: Framing, hint: Hint, bytes_max: usize, frames_max: usize) -> Self {
        Self {
            splitter: Splitter::new(framing),
            hint,
            buffer: Raw::default(),
            at: 0,
            spans: Vec::new(),
            bytes_max,
            frames_max,
        }
    }

    /// Forgets what was gathered and goes on at another place of the stream.
    pub(crate) fn restart(&mut self, inside_line: bool) {
        self.buffer.buffer_mut().clear();
        self.spans.clear();
        self.at = 0;
        let tally = self.splitter.tally;
        self.splitter = Splitter::new(Framing::Lines);
        self.splitter.tally = tally;
        if inside_line {
            self.splitter.resume_inside_line();
        }
    }

    /// Whether the batch should be taken before more is read.
    pub(crate) fn is_full(&self) -> bool {
        self.bytes_max <= self.at || self.spans.len() == self.frames_max
    }

    pub(crate) fn has_frames(&self) -> bool {
        !self.spans.is_empty()
    }

    /// Bytes that were read and belong to no frame yet.
    pub(crate) fn unread_len(&self) -> usize {
        self.buffer.len() - self.at
    }

    pub(crate) fn is_inside_line(&self) -> bool {
        self.splitter.is_inside_line()
    }

    pub(crate) fn tally(&self) -> Tally {
        self.splitter.tally
    }

    /// Appends at most `bytes_max` bytes of `source` and splits them; 0 at its end.
    pub(crate) fn read_from(
        &mut self,
        source: &mut dyn Read,
        bytes_max: usize,
    ) -> io::Result<usize> {
        let filled = self.buffer.len();
        let buffer = self.buffer.buffer_mut();
        buffer.resize(filled + bytes_max, 0);
        let outcome = loop {
            match source.read(&mut buffer[filled..]) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                outcome => break outcome,
            }
        };
        let count = outcome.as_ref().map_or(0, |count| *count);
        buffer.truncate(filled + count);
        self.split();
        outcome
    }

    /// Room that a socket reads into; [`Gatherer::split`] afterwards.
    pub(crate) fn buffer_mut(&mut self, bytes_more: usize) -> &mut Vec<u8> {
        let buffer = self.buffer.buffer_mut();
        buffer.reserve(bytes_more);
        buffer
    }

    /// Turns unread bytes into frames, as far as the batch has room.
    pub(crate) fn split(&mut self) {
        while !self.is_full() {
            let Some(step) = self.splitter.step(&self.buffer.bytes()[self.at..]) else {
                break;
            };
            if let Some(piece) = step.frame {
                self.push(piece);
            }
            self.at += step.consumed;
        }
        // A long run of skipped bytes must not fill the memory of a batch without frames.
        if self.spans.is_empty() && 0 < self.at {
            self.buffer.buffer_mut().drain(..self.at);
            self.at = 0;
        }
    }

    /// Makes a frame of the unread rest: the stream has ended.
    pub(crate) fn finish(&mut self) {
        if !self.splitter.is_inside_line()
            && let Some(piece) = self.splitter.finish(&self.buffer.bytes()[self.at..])
        {
            self.push(piece);
        }
        self.at = self.buffer.len();
    }

    fn push(&mut self, piece: Piece) {
        self.spans.push(FrameSpan {
            start: self.at + piece.start,
            len: piece.len,
            hint: self.hint,
            cut: piece.cut,
        });
    }

    /// The frames so far as a batch, `None` when there are none. Unread bytes stay and are split
    /// on, which may fill the next batch at once.
    pub(crate) fn take(&mut self, origin: Origin) -> Option<FrameBatch> {
        if self.spans.is_empty() {
            return None;
        }
        let rest = self.buffer.split_off(self.at);
        let buffer = std::mem::replace(&mut self.buffer, rest);
        self.at = 0;
        let spans = std::mem::take(&mut self.spans);
        self.split();
        Some(FrameBatch::new(origin, buffer, spans))
    }
}

/// The shape only.
impl fmt::Debug for Gatherer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (frames, unread) = (self.spans.len(), self.unread_len());
        write!(f, "Gatherer({frames} frames, {unread} bytes unread)")
    }
}
