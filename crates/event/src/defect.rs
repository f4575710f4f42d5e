//! What was wrong with one input. Defects are data that travel with the event, never errors.

use std::fmt;

/// The kinds of defect, each with the stable name that is stored in `belfry.defects`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DefectKind {
    /// The record was longer than a frame may be and was cut.
    FrameCut,
    /// A value was longer than a value may be and was cut.
    ValueCut,
    /// Bytes that are not UTF-8 were written as `\xHH`.
    InvalidUtf8,
    /// Looked like JSON and was not; kept as text.
    JsonMalformed,
    /// JSON nested deeper than we flatten; the rest kept as JSON text.
    TooDeep,
    /// More fields than an event holds; the rest kept as JSON text in `labels.overflow`.
    TooManyFields,
    /// The same field came twice in one record.
    DuplicateField,
    /// A known field came with a value of another type; kept under `labels.*`.
    TypeConflict,
    /// A syslog header that breaks its RFC; the rest kept as message.
    SyslogMalformed,
    /// The time could not be read; our own clock was used.
    TimeUnreadable,
    /// The time named no offset from UTC; UTC was assumed.
    TimeUncertain,
    /// The record claims fields that only Belfry may set; they were moved to `labels.*`.
    ReservedField,
    /// The record holds what looks like a second record (CR, LF, escape sequences).
    SuspectInjection,
    /// The record was empty.
    Empty,
    /// Our own code failed on the record; it is not stored.
    Unreadable,
}

impl DefectKind {
    /// The stored name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::FrameCut => "frame_cut",
            Self::ValueCut => "value_cut",
            Self::InvalidUtf8 => "invalid_utf8",
            Self::JsonMalformed => "json_malformed",
            Self::TooDeep => "too_deep",
            Self::TooManyFields => "too_many_fields",
            Self::DuplicateField => "duplicate_field",
            Self::TypeConflict => "type_conflict",
            Self::SyslogMalformed => "syslog_malformed",
            Self::TimeUnreadable => "time_unreadable",
            Self::TimeUncertain => "time_uncertain",
            Self::ReservedField => "reserved_field",
            Self::SuspectInjection => "suspect_injection",
            Self::Empty => "empty",
            Self::Unreadable => "unreadable",
        }
    }
}

/// One defect: its kind and, where it has a place, the byte offset in the frame. Never content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Defect {
    /// What was wrong.
    pub kind: DefectKind,
    /// Byte offset in the frame, if known.
    pub at: Option<u32>,
}

impl From<DefectKind> for Defect {
    fn from(kind: DefectKind) -> Self {
        Self { kind, at: None }
    }
}

impl fmt::Display for Defect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.at {
            Some(at) => write!(f, "{} at byte {at}", self.kind.name()),
            None => f.write_str(self.kind.name()),
        }
    }
}
