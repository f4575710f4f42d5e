//! Two kinds of time that must not be mixed: what an event claims and what our clock says.

use std::fmt;

use stdx::calendar;

/// The event's own time in nanoseconds since 1970 UTC. A claim: it may lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(pub i64);

/// What our clock said when the record arrived, in nanoseconds since 1970 UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObservedAt(pub i64);

impl ObservedAt {
    /// Our clock's word taken as the event's time, for a record that claims none.
    pub const fn as_timestamp(self) -> Timestamp {
        Timestamp(self.0)
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&calendar::format_rfc3339(self.0))
    }
}

impl fmt::Display for ObservedAt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&calendar::format_rfc3339(self.0))
    }
}
