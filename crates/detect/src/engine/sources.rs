//! The clocks of the sources: when an entry counts, and whether it comes too late to count.
//!
//! Each source has a watermark: the newest event time it has shown. What a source tells more than
//! the lateness behind its own watermark is late and no longer counted, so that how far one source
//! lags behind another does not matter. Imports and old files tell the past: they have no
//! watermark, and windows of their own.

use std::collections::HashMap;

use event::{Entry, ObservedAt, field};

use super::EngineConfig;
use crate::limits;
use crate::rule_set::nanos;

/// When an entry counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Time {
    /// Event time as it counts, ns.
    pub(super) at: i64,
    /// Time of receipt, ns.
    pub(super) received: i64,
    /// Whether the claim was not believed.
    pub(super) is_suspect: bool,
    /// Whether it comes too late for correlations.
    pub(super) is_late: bool,
    /// Whether it tells the past: it counts in windows of its own, and its silence says nothing.
    pub(super) is_past: bool,
}

/// What is known of one source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Source {
    /// Newest event time, ns.
    pub(super) watermark: i64,
    /// Newest time of receipt, ns.
    pub(super) received: i64,
}

/// All sources.
#[derive(Debug, Default)]
pub(super) struct Sources {
    pub(super) known: HashMap<Box<str>, Source>,
}

impl Sources {
    /// When `entry` counts.
    pub(super) fn time_of(&mut self, entry: &Entry, config: &EngineConfig) -> Time {
        let (claimed, received) = (entry.timestamp().0, entry.received().0);
        let oldest = received.saturating_sub(nanos(config.skew_past));
        let ahead = claimed > received.saturating_add(nanos(config.skew_future));
        let behind = claimed < oldest;
        let listener = entry.event().text(field::BELFRY_LISTENER);
        let tells_the_past = matches!(listener, Some("file" | "ingest"));
        let is_suspect = ahead || behind && !tells_the_past;
        let at = if is_suspect { received } else { claimed };
        let mut time = Time {
            at,
            received,
            is_suspect,
            is_late: false,
            is_past: at < oldest,
        };
        if listener == Some("ingest") || time.is_past {
            time.is_past |= listener == Some("ingest") && at < received - nanos(config.lateness);
            return time;
        }
        let source = self.source(entry.source(), at, received);
        time.is_late = at < source.watermark.saturating_sub(nanos(config.lateness));
        source.watermark = source.watermark.max(at);
        source.received = source.received.max(received);
        time
    }

    /// Names with the newest time of receipt, sorted.
    pub(super) fn heard(&self) -> Vec<(&str, ObservedAt)> {
        let known = self.known.iter();
        let mut heard: Vec<_> = known
            .map(|(name, source)| (&**name, ObservedAt(source.received)))
            .collect();
        heard.sort_unstable();
        heard
    }

    fn source(&mut self, name: &str, at: i64, received: i64) -> &mut Source {
        let end = name.floor_char_boundary(limits::SOURCE_NAME_BYTES_MAX);
        let mut name = &name[..end];
        if !self.known.contains_key(name) {
            if self.known.len() >= limits::SOURCES_MAX {
                // The overflow is followed as one source.
                name = "";
            }
            let fresh = Source {
                watermark: at,
                received,
            };
            self.known.entry(name.into()).or_insert(fresh);
        }
        self.known
            .get_mut(name)
            .expect("it was found or has just been put there")
    }
}
