//! Raw records as received, with where they came from.
//!
//! Frames may hold secrets: nothing here prints, clones into a log, or serialises their bytes.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

use crate::{ObservedAt, Raw};

/// Which door a record came through.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Listener {
    /// `POST /v1/events`.
    Http,
    /// Syslog datagrams.
    SyslogUdp,
    /// Syslog streams.
    SyslogTcp,
    /// A tailed file.
    File,
    /// `belfry ingest`.
    Ingest,
    /// Belfry itself.
    Own,
}

impl Listener {
    /// The name stored in `belfry.listener`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::SyslogUdp => "syslog_udp",
            Self::SyslogTcp => "syslog_tcp",
            Self::File => "file",
            Self::Ingest => "ingest",
            Self::Own => "self",
        }
    }
}

/// Where and when a batch of frames was received, as the server saw it (not as the sender claims).
#[derive(Clone, Debug)]
pub struct Origin {
    /// Authenticated or configured name of the source.
    pub source: Arc<str>,
    /// The door.
    pub listener: Listener,
    /// Address of the peer as our socket saw it.
    pub peer: Option<SocketAddr>,
    /// Path of the file the frames were read from.
    pub file: Option<Arc<str>>,
    /// When our clock saw them.
    pub observed_at: ObservedAt,
}

/// What the door knows about the format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hint {
    /// Nothing: parse decides by looking.
    Auto,
    /// One JSON value.
    Json,
    /// One syslog message, RFC 5424 or 3164.
    Syslog,
}

/// One delimited raw record.
pub struct Frame<'a> {
    /// The bytes, without their delimiter.
    pub bytes: &'a [u8],
    /// What the door knows about the format.
    pub hint: Hint,
    /// Whether the record was longer than it may be and these are its first bytes.
    pub cut: bool,
    /// Where it came from.
    pub origin: &'a Origin,
}

impl fmt::Debug for Frame<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Frame({} bytes, {:?}, {:?})",
            self.bytes.len(),
            self.hint,
            self.origin.listener
        )
    }
}

/// Place of one frame in the buffer of its batch.
#[derive(Clone, Copy, Debug)]
pub struct FrameSpan {
    /// First byte.
    pub start: usize,
    /// Length in bytes.
    pub len: usize,
    /// What the door knows about the format.
    pub hint: Hint,
    /// Whether the record was cut to its length limit.
    pub cut: bool,
}

/// Frames of one origin over one buffer, in order of arrival.
pub struct FrameBatch {
    /// Where they came from.
    pub origin: Origin,
    buffer: Raw,
    spans: Vec<FrameSpan>,
}

impl FrameBatch {
    /// A batch over `buffer`, which the spans must lie in; spans beyond it are dropped.
    pub fn new(origin: Origin, buffer: impl Into<Raw>, mut spans: Vec<FrameSpan>) -> Self {
        let buffer = buffer.into();
        spans.retain(|span| {
            span.start
                .checked_add(span.len)
                .is_some_and(|n| n <= buffer.len())
        });
        Self {
            origin,
            buffer,
            spans,
        }
    }

    /// Number of frames.
    pub fn len(&self) -> usize {
        self.spans.len()
    }

    /// Whether there are no frames.
    pub fn is_empty(&self) -> bool {
        self.spans.is_empty()
    }

    /// Bytes held by the buffer: what a queue must account for.
    pub fn bytes_len(&self) -> usize {
        self.buffer.len() + self.spans.len() * size_of::<FrameSpan>()
    }

    /// The frames in order.
    pub fn frames(&self) -> impl Iterator<Item = Frame<'_>> {
        self.spans.iter().map(|span| Frame {
            bytes: &self.buffer.bytes()[span.start..span.start + span.len],
            hint: span.hint,
            cut: span.cut,
            origin: &self.origin,
        })
    }
}

impl fmt::Debug for FrameBatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "FrameBatch({} frames, {} bytes)",
            self.spans.len(),
            self.buffer.len()
        )
    }
}
