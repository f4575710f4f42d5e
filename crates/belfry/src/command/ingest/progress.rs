//! One line on the terminal that says how far an import is: a bar where the size is known, always
//! bytes, rate and what is stored.

use std::path::Path;

use disk::Disk;
use stdx::{Clock, units};

use crate::bulk::Tally;
use crate::clock::SystemClock;
use crate::talk;

/// Shortest time between two lines of progress, in nanoseconds.
const PAUSE_NANOS: i64 = 100_000_000;
/// Columns of the bar.
const BAR_COLUMNS: u64 = 24;
/// Endings of files whose size says little about what is in them.
const PACKED: [&str; 2] = ["gz", "zst"];

/// The line.
pub(super) struct Progress {
    name: String,
    /// Bytes of the file, where they are what will be read.
    size: Option<u64>,
    is_shown: bool,
    shown_at: i64,
    started: i64,
}

impl Progress {
    /// For `file`, which may be standard input.
    pub(super) fn new(disk: &dyn Disk, file: &Path, is_quiet: bool) -> Self {
        let is_packed = file
            .extension()
            .is_some_and(|e| PACKED.iter().any(|packed| e == *packed));
        let stat = disk.stat(file).ok().flatten();
        let size = stat
            .map(|stat| stat.len)
            .filter(|len| *len > 0 && !is_packed);
        Self {
            name: file.display().to_string(),
            size,
            is_shown: !is_quiet && talk::shows_progress(),
            shown_at: 0,
            started: SystemClock.unix_nanos(),
        }
    }

    /// Shows `tally`, if the line is old enough.
    pub(super) fn show(&mut self, tally: &Tally) {
        self.line(tally.chunks.bytes, &format!("{} stored", tally.stored));
    }

    /// Shows that `bytes` were read, if the line is old enough.
    pub(super) fn show_bytes(&mut self, bytes: u64) {
        self.line(bytes, "");
    }

    fn line(&mut self, bytes: u64, rest: &str) {
        let now = SystemClock.unix_nanos();
        let is_recent = (0..PAUSE_NANOS).contains(&now.saturating_sub(self.shown_at));
        if !self.is_shown || is_recent {
            return;
        }
        self.shown_at = now;
        let millis = now.saturating_sub(self.started) / 1_000_000;
        let millis = u64::try_from(millis).unwrap_or(0).max(1);
        let rate = units::format_size(bytes.saturating_mul(1000) / millis);
        let done = units::format_size(bytes);
        let bar = self.size.map(|size| bar(bytes, size)).unwrap_or_default();
        let name = event::text::safe(&self.name);
        talk::progress(&format!("{name}: {bar}{done}, {rate}/s {rest}"));
    }

    /// Leaves the line empty.
    pub(super) fn end(&self) {
        if self.is_shown {
            talk::progress("");
        }
    }
}

/// `[######------]  50 % ` of `size` bytes, which is not 0.
fn bar(bytes: u64, size: u64) -> String {
    let bytes = u128::from(bytes.min(size));
    let share = |of: u64| u64::try_from(bytes * u128::from(of) / u128::from(size)).unwrap_or(of);
    let full = share(BAR_COLUMNS);
    let columns = (0..BAR_COLUMNS).map(|column| if column < full { '#' } else { '-' });
    format!("[{}] {:>3} % ", columns.collect::<String>(), share(100))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bar_fills() {
        assert_eq!(bar(0, 10), "[------------------------]   0 % ");
        assert_eq!(bar(5, 10), "[############------------]  50 % ");
        assert_eq!(bar(99, 10), "[########################] 100 % ");
        assert_eq!(bar(u64::MAX, u64::MAX), "[########################] 100 % ");
    }
}
