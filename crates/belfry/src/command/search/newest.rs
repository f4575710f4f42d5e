//! The newest lines of a scan, bounded in number and in bytes.

use std::collections::VecDeque;

/// Bytes of lines that wait to be shown: far more than anybody reads, little enough for memory.
const LINES_BYTES_MAX: usize = 64 << 20;

/// The newest lines of those that were pushed.
#[derive(Debug)]
pub(crate) struct Newest {
    lines: VecDeque<String>,
    count_max: usize,
    bytes: usize,
    /// Lines that were ever pushed.
    pub(crate) total: u64,
}

impl Newest {
    /// Keeps `count_max` lines at most.
    pub(crate) fn new(count_max: usize) -> Self {
        Self {
            lines: VecDeque::new(),
            count_max,
            bytes: 0,
            total: 0,
        }
    }

    /// Takes `line`; the oldest ones make room for it.
    pub(crate) fn push(&mut self, line: String) {
        self.total += 1;
        self.bytes += line.len();
        self.lines.push_back(line);
        while self.lines.len() > self.count_max || self.bytes > LINES_BYTES_MAX {
            let Some(oldest) = self.lines.pop_front() else {
                break;
            };
            self.bytes -= oldest.len();
        }
    }

    /// The lines kept, oldest first.
    pub(crate) fn lines(&self) -> impl ExactSizeIterator<Item = &str> {
        self.lines.iter().map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_make_room() {
        let check = |count_max, pushed: &[usize], kept: &[usize]| {
            let mut newest = Newest::new(count_max);
            for len in pushed {
                newest.push("x".repeat(*len));
            }
            let lens: Vec<_> = newest.lines().map(str::len).collect();
            assert_eq!(lens, kept);
            assert_eq!(newest.total, pushed.len() as u64);
        };
        check(2, &[1, 2, 3], &[2, 3]);
        check(0, &[1, 2], &[]);
        check(
            9,
            &[LINES_BYTES_MAX / 2 + 1, 5, LINES_BYTES_MAX / 2],
            &[5, LINES_BYTES_MAX / 2],
        );
    }
}
