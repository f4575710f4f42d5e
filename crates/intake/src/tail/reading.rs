//! One open file being followed: where it is, what of it is durable, whether it is still itself.

use std::io::{self, Read};
use std::sync::Arc;
use std::time::Instant;

use disk::{DiskError, DiskFile, FileId};
use event::{FrameBatch, Hint, Listener, ObservedAt, Origin};

use super::positions::{Fingerprint, Position};
use crate::gather::Gatherer;
use crate::limits::{BATCH_BYTES_MAX, BATCH_FRAMES_MAX, FILE_READ_BYTES, FINGERPRINT_BYTES_MAX};
use crate::split::{Framing, Tally};

/// One open file.
pub(super) struct Reading {
    file: Box<dyn DiskFile>,
    pub(super) id: FileId,
    /// Next byte to read.
    at: u64,
    /// Everything before is durable.
    pub(super) durable: u64,
    durable_inside_line: bool,
    fingerprint: Fingerprint,
    gatherer: Gatherer,
    /// What of the gatherer's tally was noted already.
    told: Tally,
    /// When another file took the path, for a renamed file.
    pub(super) retired_at: Option<Instant>,
}

/// What a look at an open file showed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Look {
    /// It goes on where we are.
    Same,
    /// It is shorter than what we read, or begins with other bytes.
    Replaced,
}

impl Reading {
    /// Goes on in `file` from a byte offset.
    pub(super) fn new(file: Box<dyn DiskFile>, offset: u64) -> Result<Self, DiskError> {
        Ok(Self {
            id: file.id()?,
            file,
            at: offset,
            durable: offset,
            durable_inside_line: false,
            fingerprint: Fingerprint::NONE,
            gatherer: Gatherer::new(
                Framing::Lines,
                Hint::Auto,
                BATCH_BYTES_MAX,
                BATCH_FRAMES_MAX,
            ),
            told: Tally::default(),
            retired_at: None,
        })
    }

    /// Goes on in `file` from a saved position, if it is still the file that was saved.
    pub(super) fn resume(
        file: Box<dyn DiskFile>,
        position: &Position,
    ) -> Result<Option<Self>, DiskError> {
        let mut reading = Self::new(file, position.offset)?;
        reading.fingerprint = position.fingerprint;
        if reading.id != position.id || reading.look()? == Look::Replaced {
            return Ok(None);
        }
        reading.durable_inside_line = position.inside_line;
        reading.gatherer.restart(position.inside_line);
        Ok(Some(reading))
    }

    /// Whether there is something to read, or something else than before.
    pub(super) fn look(&self) -> Result<Look, DiskError> {
        if self.file.len()? < self.at {
            return Ok(Look::Replaced);
        }
        let mut first = [0; FINGERPRINT_BYTES_MAX];
        let first = &mut first[..self.fingerprint.len];
        let same = first.is_empty()
            || self.file.read_at(first, 0)? == first.len()
                && Fingerprint::of(first) == self.fingerprint;
        Ok(if same { Look::Same } else { Look::Replaced })
    }

    /// Reads until a batch is full or the file ends for now.
    pub(super) fn fill(&mut self) -> Result<(), DiskError> {
        while !self.gatherer.is_full() {
            let mut source = At {
                file: self.file.as_ref(),
                offset: self.at,
                failure: None,
            };
            let outcome = self.gatherer.read_from(&mut source, FILE_READ_BYTES);
            match (outcome, source.failure) {
                (_, Some(failure)) => return Err(failure),
                (Ok(0) | Err(_), None) => break,
                (Ok(count), None) => self.at += count as u64,
            }
        }
        // Cut and written anew since the last look: what was read belongs to no line. The next look
        // finds the file replaced.
        if let Look::Replaced = self.look()? {
            self.rewind();
            return Ok(());
        }
        self.extend_fingerprint()
    }

    /// Makes a frame of an unfinished last line: nobody will finish it.
    pub(super) fn finish(&mut self) {
        self.gatherer.finish();
    }

    pub(super) fn has_frames(&self) -> bool {
        self.gatherer.has_frames()
    }

    /// The next batch, with the position up to which it reaches.
    pub(super) fn take(
        &mut self,
        source: &Arc<str>,
        path: &Arc<str>,
        observed_at: ObservedAt,
    ) -> Option<(FrameBatch, Reached)> {
        let reached = self.reached();
        let batch = self.gatherer.take(Origin {
            source: Arc::clone(source),
            listener: Listener::File,
            peer: None,
            file: Some(Arc::clone(path)),
            observed_at,
        })?;
        Some((batch, reached))
    }

    /// How far the frames gathered so far reach.
    pub(super) fn reached(&self) -> Reached {
        Reached {
            offset: self.at - self.gatherer.unread_len() as u64,
            inside_line: self.gatherer.is_inside_line(),
        }
    }

    /// Remembers that everything up to `reached` is durable. True when that is news.
    pub(super) fn settle(&mut self, reached: Reached) -> bool {
        let is_news = self.durable != reached.offset;
        self.durable = reached.offset;
        self.durable_inside_line = reached.inside_line;
        is_news
    }

    /// Goes back to what is durable.
    pub(super) fn rewind(&mut self) {
        self.at = self.durable;
        self.gatherer.restart(self.durable_inside_line);
    }

    /// Goes back to the first byte: the file begins anew.
    pub(super) fn restart(&mut self) {
        self.at = 0;
        self.durable = 0;
        self.durable_inside_line = false;
        self.fingerprint = Fingerprint::NONE;
        self.gatherer.restart(false);
    }

    pub(super) fn position(&self, path: &std::path::Path) -> Position {
        Position {
            path: path.to_path_buf(),
            id: self.id,
            offset: self.durable,
            inside_line: self.durable_inside_line,
            fingerprint: self.fingerprint,
        }
    }

    /// Lines cut and bytes skipped since the last call.
    pub(super) fn newly_cut(&mut self) -> (u64, u64) {
        let tally = self.gatherer.tally();
        let told = std::mem::replace(&mut self.told, tally);
        (
            tally.frames_cut - told.frames_cut,
            tally.bytes_skipped - told.bytes_skipped,
        )
    }

    fn extend_fingerprint(&mut self) -> Result<(), DiskError> {
        let wanted = usize::try_from(self.at)
            .map_or(FINGERPRINT_BYTES_MAX, |at| at.min(FINGERPRINT_BYTES_MAX));
        if self.fingerprint.len < wanted {
            let mut first = [0; FINGERPRINT_BYTES_MAX];
            let filled = self.file.read_at(&mut first[..wanted], 0)?;
            self.fingerprint = Fingerprint::of(&first[..filled]);
        }
        Ok(())
    }
}

/// A place in a file that a batch reaches to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Reached {
    pub(super) offset: u64,
    pub(super) inside_line: bool,
}

/// A reader over a positioned read, which keeps the disk's own error.
struct At<'a> {
    file: &'a dyn DiskFile,
    offset: u64,
    failure: Option<DiskError>,
}

impl Read for At<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.file.read_at(buffer, self.offset).or_else(|failure| {
            self.failure = Some(failure);
            Ok(0)
        })
    }
}
