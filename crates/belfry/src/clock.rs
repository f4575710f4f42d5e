//! The real clock: the only place that asks the operating system what time it is.

use std::time::{SystemTime, UNIX_EPOCH};

use stdx::Clock;

/// Wall-clock time of the operating system.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct SystemClock;

impl Clock for SystemClock {
    fn unix_nanos(&self) -> i64 {
        #[expect(clippy::disallowed_methods, reason = "this is the real clock")]
        let now = SystemTime::now();
        match now.duration_since(UNIX_EPOCH) {
            Ok(since) => i64::try_from(since.as_nanos()).unwrap_or(i64::MAX),
            Err(before) => i64::try_from(before.duration().as_nanos()).map_or(i64::MIN, |n| -n),
        }
    }
}
