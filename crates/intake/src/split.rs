//! Cuts a byte stream into frames: lines, or syslog messages as RFC 6587 frames them.
//!
//! A splitter never holds bytes. It looks at the unread bytes of its caller and says where the
//! next frame lies and how far the caller may move on; what it remembers fits in a few words.

use event::limits::FRAME_BYTES_MAX;
use memchr::memchr;

use crate::limits::OCTET_COUNT_DIGITS_MAX;

/// How a stream separates its records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Framing {
    /// One record per line, LF or CR LF.
    Lines,
    /// Per message either `<octet count> SP` before it (RFC 6587 3.4.1) or LF after it (3.4.2).
    Syslog,
}

/// What the rest of a record that was too long looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Skipping {
    Nothing,
    ToNewline,
    Octets(usize),
}

/// One move through a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Step {
    /// Bytes that are done with, the frame included.
    pub(crate) consumed: usize,
    /// The frame, if this move found one.
    pub(crate) frame: Option<Piece>,
}

/// One frame inside the unread bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Piece {
    pub(crate) start: usize,
    pub(crate) len: usize,
    pub(crate) cut: bool,
}

/// What a splitter has seen apart from frames.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    /// Records of which only the first bytes became a frame.
    pub(crate) frames_cut: u64,
    /// Bytes of those records that were skipped.
    pub(crate) bytes_skipped: u64,
    /// Empty lines.
    pub(crate) lines_empty: u64,
}

/// The state of one stream.
#[derive(Debug)]
pub(crate) struct Splitter {
    framing: Framing,
    skipping: Skipping,
    /// Unread bytes that are known to hold no LF.
    searched: usize,
    pub(crate) tally: Tally,
}

impl Splitter {
    pub(crate) fn new(framing: Framing) -> Self {
        Self {
            framing,
            skipping: Skipping::Nothing,
            searched: 0,
            tally: Tally::default(),
        }
    }

    /// Goes on in the middle of a line whose first bytes were a frame already.
    pub(crate) fn resume_inside_line(&mut self) {
        self.skipping = Skipping::ToNewline;
        self.searched = 0;
    }

    /// Whether the next bytes belong to a line whose first bytes were a frame already.
    pub(crate) fn is_inside_line(&self) -> bool {
        self.skipping == Skipping::ToNewline
    }

    /// The next move, or `None` when more bytes are needed. `unread` must begin where the last
    /// move ended and may only have grown since.
    pub(crate) fn step(&mut self, unread: &[u8]) -> Option<Step> {
        if unread.is_empty() {
            return None;
        }
        match self.skipping {
            Skipping::ToNewline => Some(self.skip_to_newline(unread)),
            Skipping::Octets(left) => Some(self.skip_octets(unread, left)),
            Skipping::Nothing if self.framing == Framing::Syslog => match octet_count(unread) {
                OctetCount::No => self.line(unread),
                OctetCount::Unclear => None,
                OctetCount::Message { header, len } => self.message(unread, header, len),
            },
            Skipping::Nothing => self.line(unread),
        }
    }

    /// The last frame of a stream that has ended, from what no move has consumed.
    pub(crate) fn finish(&mut self, unread: &[u8]) -> Option<Piece> {
        self.searched = 0;
        let (start, cut) = match octet_count(unread) {
            OctetCount::Message { header, .. } if self.framing == Framing::Syslog => (header, true),
            _ => (0, false),
        };
        let len = delimited_len(&unread[start..]);
        self.tally.frames_cut += u64::from(cut);
        (0 < len).then_some(Piece { start, len, cut })
    }

    fn line(&mut self, unread: &[u8]) -> Option<Step> {
        let fresh = &unread[self.searched..];
        let Some(newline) = memchr(b'\n', fresh).map(|n| self.searched + n) else {
            self.searched = unread.len();
            return (FRAME_BYTES_MAX < unread.len()).then(|| self.cut_line());
        };
        if FRAME_BYTES_MAX < newline {
            return Some(self.cut_line());
        }
        self.searched = 0;
        let len = delimited_len(&unread[..newline]);
        self.tally.lines_empty += u64::from(len == 0);
        Some(Step {
            consumed: newline + 1,
            frame: (0 < len).then_some(Piece {
                start: 0,
                len,
                cut: false,
            }),
        })
    }

    fn cut_line(&mut self) -> Step {
        self.skipping = Skipping::ToNewline;
        self.searched = 0;
        self.tally.frames_cut += 1;
        Step {
            consumed: FRAME_BYTES_MAX,
            frame: Some(Piece {
                start: 0,
                len: FRAME_BYTES_MAX,
                cut: true,
            }),
        }
    }

    fn message(&mut self, unread: &[u8], header: usize, len: usize) -> Option<Step> {
        let kept = len.min(FRAME_BYTES_MAX);
        if unread.len() < header + kept {
            return None;
        }
        self.searched = 0;
        let cut = kept < len;
        if cut {
            self.skipping = Skipping::Octets(len - kept);
            self.tally.frames_cut += 1;
        }
        // Some senders count a line feed of their own into the message.
        let trimmed = delimited_len(&unread[header..header + kept]);
        let frame_len = if cut { kept } else { trimmed };
        Some(Step {
            consumed: header + kept,
            frame: (0 < frame_len).then_some(Piece {
                start: header,
                len: frame_len,
                cut,
            }),
        })
    }

    fn skip_to_newline(&mut self, unread: &[u8]) -> Step {
        let newline = memchr(b'\n', unread);
        if newline.is_some() {
            self.skipping = Skipping::Nothing;
        }
        let skipped = newline.unwrap_or(unread.len());
        self.tally.bytes_skipped += skipped as u64;
        Step {
            consumed: newline.map_or(unread.len(), |n| n + 1),
            frame: None,
        }
    }

    fn skip_octets(&mut self, unread: &[u8], left: usize) -> Step {
        let consumed = left.min(unread.len());
        self.skipping = match left - consumed {
            0 => Skipping::Nothing,
            rest => Skipping::Octets(rest),
        };
        self.tally.bytes_skipped += consumed as u64;
        Step {
            consumed,
            frame: None,
        }
    }
}

/// Length without the CR, LF and NUL bytes that senders put behind a record.
pub(crate) fn delimited_len(bytes: &[u8]) -> usize {
    let is_content = |byte: &u8| !matches!(*byte, b'\r' | b'\n' | 0);
    bytes
        .iter()
        .rposition(is_content)
        .map_or(0, |last| last + 1)
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum OctetCount {
    No,
    Unclear,
    Message { header: usize, len: usize },
}

/// Whether a message begins with its length. A line may begin with a number too, so the `<` of
/// the priority is asked for: both RFCs demand it right behind the count.
fn octet_count(unread: &[u8]) -> OctetCount {
    let mut len: usize = 0;
    for (at, byte) in unread.iter().enumerate() {
        match byte {
            b'0' if at == 0 => return OctetCount::No,
            b'0'..=b'9' if at < OCTET_COUNT_DIGITS_MAX => len = len * 10 + usize::from(byte - b'0'),
            b' ' if 0 < at => {
                return match unread.get(at + 1) {
                    None => OctetCount::Unclear,
                    Some(b'<') => OctetCount::Message {
                        header: at + 1,
                        len,
                    },
                    Some(_) => OctetCount::No,
                };
            }
            _ => return OctetCount::No,
        }
    }
    OctetCount::Unclear
}

#[cfg(test)]
mod tests;
