//! Files and standard input in bulk: any reader, gzip and zstd by their first bytes, in batches of
//! bounded memory whatever the lines look like.

use std::fmt;
use std::io::{self, BufRead, BufReader, Read};
use std::sync::Arc;

use event::{FrameBatch, Hint, ObservedAt, Origin};
use flate2::bufread::MultiGzDecoder;
use stdx::Clock;
use zstd::stream::read::Decoder as ZstdDecoder;

use crate::gather::Gatherer;
use crate::limits::{BATCH_BYTES_MAX, BATCH_FRAMES_MAX, FILE_READ_BYTES, ZSTD_WINDOW_LOG_MAX};
use crate::split::Framing;

/// What a [`Chunker`] has seen so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ChunkTally {
    /// Bytes after decompression.
    pub bytes: u64,
    /// Frames handed out.
    pub frames: u64,
    /// Lines longer than a frame may be, of which only the first bytes were handed out.
    pub frames_cut: u64,
    /// Bytes of those lines that were skipped.
    pub bytes_skipped: u64,
    /// Lines without content, which are no records.
    pub lines_empty: u64,
}

/// Splits a reader into batches of lines.
pub struct Chunker {
    reader: Box<dyn Read + Send>,
    origin: Origin,
    clock: Arc<dyn Clock>,
    gatherer: Gatherer,
    is_at_end: bool,
    bytes: u64,
    frames: u64,
}

impl fmt::Debug for Chunker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Chunker({:?})", self.tally())
    }
}

impl Chunker {
    /// Batches of `reader`, decompressed when it begins like gzip or zstd. `origin` is copied
    /// into every batch with the time of `clock`.
    pub fn new(
        reader: impl Read + Send + 'static,
        origin: Origin,
        clock: Arc<dyn Clock>,
    ) -> io::Result<Self> {
        Ok(Self {
            reader: decompressed(reader)?,
            origin,
            clock,
            gatherer: Gatherer::new(
                Framing::Lines,
                Hint::Auto,
                BATCH_BYTES_MAX,
                BATCH_FRAMES_MAX,
            ),
            is_at_end: false,
            bytes: 0,
            frames: 0,
        })
    }

    /// The next batch, `None` at the end. After an error the frames before it are still handed
    /// out by further calls.
    pub fn next_batch(&mut self) -> io::Result<Option<FrameBatch>> {
        while !self.gatherer.is_full() && !self.is_at_end {
            match self
                .gatherer
                .read_from(self.reader.as_mut(), FILE_READ_BYTES)
            {
                Ok(0) => self.end(),
                Ok(count) => self.bytes += count as u64,
                Err(error) => {
                    self.end();
                    return Err(error);
                }
            }
        }
        let mut origin = self.origin.clone();
        origin.observed_at = ObservedAt(self.clock.unix_nanos());
        let batch = self.gatherer.take(origin);
        if self.is_at_end && !self.gatherer.is_full() {
            self.gatherer.finish();
        }
        self.frames += batch.as_ref().map_or(0, |batch| batch.len() as u64);
        Ok(batch)
    }

    /// What was seen so far.
    pub fn tally(&self) -> ChunkTally {
        let tally = self.gatherer.tally();
        ChunkTally {
            bytes: self.bytes,
            frames: self.frames,
            frames_cut: tally.frames_cut,
            bytes_skipped: tally.bytes_skipped,
            lines_empty: tally.lines_empty,
        }
    }

    fn end(&mut self) {
        self.is_at_end = true;
        if !self.gatherer.is_full() {
            self.gatherer.finish();
        }
    }
}

/// `reader` as it is, or unpacked when it begins like gzip or zstd. Who cuts a reader into pieces
/// for several [`Chunker`]s unpacks it first: only the first piece would begin like one.
pub fn decompressed(reader: impl Read + Send + 'static) -> io::Result<Box<dyn Read + Send>> {
    let mut reader = BufReader::with_capacity(FILE_READ_BYTES, reader);
    let first = reader.fill_buf()?;
    if first.starts_with(&[0x1F, 0x8B]) {
        return Ok(Box::new(MultiGzDecoder::new(reader)));
    }
    if first.starts_with(&[0x28, 0xB5, 0x2F, 0xFD]) {
        let mut decoder = ZstdDecoder::with_buffer(reader)?;
        decoder.window_log_max(ZSTD_WINDOW_LOG_MAX)?;
        return Ok(Box::new(decoder));
    }
    Ok(Box::new(reader))
}

#[cfg(test)]
mod tests;
