//! Foreign bytes to an [`Event`]: JSON, syslog, auth lines, web server logs, key=value, plain text.
//!
//! Total: any bytes give an event. What is wrong with an input is a [`Defect`] that travels with
//! the event, and text that no format understands is kept in `message`.
//!
//! Deliberately absent: sockets, files, clocks, policy (what is secret), rules.
//!
//! Invariants:
//! - [`event`](fn@event) never panics, never drops, and keeps to `event::limits`.
//! - Senders never set `belfry.*`, `event.ingested` or `log.source.address`: such claims move to
//!   `labels.claimed.*`.
//! - `source.ip` is what the record says; the peer our socket saw is `log.source.address`.
//!
//! Each format is one file with one `read` function; `content` chooses among them by the first
//! bytes; `draft` is where all of them put what they found and where aliases become ECS names.

mod access_log;
mod action;
mod alias;
mod auth;
mod content;
mod decode;
mod draft;
mod endpoints;
mod error_log;
mod field_type;
mod json;
mod key_value;
mod login_text;
mod owasp;
mod plain;
mod syslog;
mod time;
mod url;

use event::{Defect, DefectKind, Event, Frame, Hint, limits};

use crate::draft::Draft;

/// What [`event`](fn@event) made of a frame.
#[derive(Debug)]
pub struct Parsed {
    /// The event; its `belfry.defects` list the kinds of `defects`.
    pub event: Event,
    /// What was wrong with the input, at most one of each kind.
    pub defects: Vec<Defect>,
}

/// Reads one raw record. Never fails: malformed input becomes an event with defects.
pub fn event(frame: &Frame<'_>) -> Parsed {
    let cut = frame.bytes.len() > limits::FRAME_BYTES_MAX;
    let bytes = &frame.bytes[..frame.bytes.len().min(limits::FRAME_BYTES_MAX)];
    let is_cut = cut || frame.cut;
    let bytes = if is_cut {
        decode::without_split_word(bytes)
    } else {
        bytes
    };
    let decoded = decode::text(bytes);
    let mut draft = Draft::new(frame.origin, bytes.len());
    if is_cut {
        draft.defect(DefectKind::FrameCut);
    }
    if let Some(at) = decoded.invalid_at {
        draft.defect_at(DefectKind::InvalidUtf8, at);
    }
    draft.inspect_all(decoded.has_controls);
    match frame.hint {
        Hint::Json => json::read(&mut draft, &decoded.text),
        Hint::Syslog => syslog::read(&mut draft, &decoded.text),
        Hint::Auto => content::read(&mut draft, &decoded.text),
    }
    draft.finish()
}

#[cfg(test)]
mod tests;
