//! Follows files that grow: appended to, renamed away, cut, copied and cut, gone and back.
//!
//! One thread looks at all files in turn; it is synchronous and waits for the door, so a file is
//! never read faster than the ledger stores. A position is saved only after the lines up to it are
//! durable: after a crash lines may come a second time, none is skipped.
//!
//! A file is known by device, inode and a fingerprint of its first bytes. Known limit: a file that
//! is cut and grows past the old position between two looks with the very same first bytes is
//! taken for its own continuation.

mod positions;
mod reading;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use disk::{Disk, DiskError, Listed};
use event::{Listener, ObservedAt};
use stdx::Clock;
use tokio::sync::watch;

use crate::door::{Door, FileOccurrence, Occurrence, submit};
use crate::limits;
use positions::Position;
use reading::{Look, Reading};

/// What is followed, and how.
#[derive(Clone, Debug)]
pub struct TailConfig {
    /// The files.
    pub files: Vec<TailFile>,
    /// Where positions are kept; its folder must exist.
    pub positions: PathBuf,
    /// Where a file begins that was never seen and is there at the start.
    pub start: Start,
    /// How often each file is looked at.
    pub poll: Duration,
    /// How long a renamed file is still read.
    pub retired_time: Duration,
}

impl TailConfig {
    /// The pauses of [`limits`], from the beginning of each file.
    pub fn standard(files: Vec<TailFile>, positions: PathBuf) -> Self {
        Self {
            files,
            positions,
            start: Start::Beginning,
            poll: limits::TAIL_POLL,
            retired_time: limits::RETIRED_TIME,
        }
    }
}

/// One followed path.
#[derive(Clone, Debug)]
pub struct TailFile {
    /// Name of the source.
    pub source: Arc<str>,
    /// The path, the same before and after a rotation.
    pub path: PathBuf,
}

/// Where a file begins that was never seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// With its first byte.
    Beginning,
    /// With what is appended from now on.
    End,
}

/// Follows the files until `stop` becomes true. Blocks; give it a thread of its own.
pub fn run(
    config: TailConfig,
    disk: Arc<dyn Disk>,
    door: Arc<dyn Door>,
    clock: Arc<dyn Clock>,
    stop: watch::Receiver<bool>,
) {
    let mut tail = Tail {
        disk,
        door,
        clock,
        stop,
        positions: config.positions,
        retired_time: config.retired_time,
        unsaved_since: None,
    };
    let saved = tail.load();
    let mut followed: Vec<Followed> = config.files.into_iter().map(Followed::new).collect();
    for file in &mut followed {
        tail.begin(file, &saved, config.start);
    }
    while !tail.is_stopped() {
        let mut is_behind = false;
        for file in &mut followed {
            is_behind |= tail.look(file) == Pace::Behind;
        }
        tail.save_if_due(&followed, limits::POSITION_SAVE_PAUSE);
        if !is_behind {
            tail.pause(config.poll);
        }
    }
    tail.save_if_due(&followed, Duration::ZERO);
}

/// One path with the file that is there and those that were there before.
struct Followed {
    source: Arc<str>,
    path: PathBuf,
    name: Arc<str>,
    current: Option<Reading>,
    retired: Vec<Reading>,
    /// The trouble that was noted last, so that it is noted once and not five times a second.
    trouble: Option<FileOccurrence>,
}

impl Followed {
    fn new(file: TailFile) -> Self {
        Self {
            name: file.path.to_string_lossy().into(),
            source: file.source,
            path: file.path,
            current: None,
            retired: Vec::new(),
            trouble: None,
        }
    }
}

/// How far one look at a file came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pace {
    /// To its end for now.
    AtEnd,
    /// There is more, but other files have their turn.
    Behind,
}

/// Why a file is left alone until the next look.
enum Halt {
    Stopped,
    Refused,
    Disk(DiskError),
}

impl From<DiskError> for Halt {
    fn from(error: DiskError) -> Self {
        Self::Disk(error)
    }
}

struct Tail {
    disk: Arc<dyn Disk>,
    door: Arc<dyn Door>,
    clock: Arc<dyn Clock>,
    stop: watch::Receiver<bool>,
    positions: PathBuf,
    retired_time: Duration,
    unsaved_since: Option<Instant>,
}

impl Tail {
    fn is_stopped(&self) -> bool {
        *self.stop.borrow() || self.stop.has_changed().is_err()
    }

    /// Sleeps in small pieces, so that an order to stop is heard.
    fn pause(&self, time: Duration) {
        const PIECE: Duration = Duration::from_millis(50);
        let end = Instant::now() + time;
        while !self.is_stopped() {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            std::thread::sleep(left.min(PIECE));
        }
    }

    fn note(&self, file: &Followed, what: FileOccurrence) {
        self.door.note(Occurrence::File {
            source: Arc::clone(&file.source),
            path: Arc::clone(&file.name),
            what,
        });
    }

    fn note_trouble(&self, file: &mut Followed, what: FileOccurrence) {
        if file.trouble.as_ref() != Some(&what) {
            self.note(file, what.clone());
            file.trouble = Some(what);
        }
    }

    fn load(&self) -> Vec<Position> {
        let fail = |error: String| {
            self.door.note(Occurrence::PositionsFailed { error });
            Vec::new()
        };
        match self.disk.read(&self.positions, limits::POSITIONS_BYTES_MAX) {
            Ok(bytes) => std::str::from_utf8(&bytes)
                .ok()
                .and_then(positions::read)
                .unwrap_or_else(|| fail("the file of positions is not readable".to_owned())),
            Err(error) if error.is_not_found() => Vec::new(),
            Err(error) => fail(error.to_string()),
        }
    }

    fn save_if_due(&mut self, followed: &[Followed], pause: Duration) {
        if self
            .unsaved_since
            .is_none_or(|since| since.elapsed() < pause)
        {
            return;
        }
        let mut all = Vec::new();
        for file in followed {
            let readings = file.retired.iter().chain(&file.current);
            all.extend(readings.map(|reading| reading.position(&file.path)));
        }
        let text = positions::write(&all);
        match self.disk.write_atomic(&self.positions, text.as_bytes()) {
            Ok(()) => self.unsaved_since = None,
            Err(error) => {
                self.unsaved_since = Some(Instant::now());
                let error = error.to_string();
                self.door.note(Occurrence::PositionsFailed { error });
            }
        }
    }

    fn changed(&mut self) {
        self.unsaved_since.get_or_insert_with(Instant::now);
    }

    /// Opens a path at the start of the process: where it was left, or as configured.
    fn begin(&mut self, file: &mut Followed, saved: &[Position], start: Start) {
        let outcome = self.begin_current(file, saved, start);
        if let Err(error) = outcome {
            self.note_disk_trouble(file, &error);
        }
        for position in saved {
            let is_open = file.current.as_ref().is_some_and(|r| r.id == position.id);
            if position.path == file.path && !is_open {
                self.resume_renamed(file, position);
            }
        }
        self.changed();
    }

    fn begin_current(
        &mut self,
        file: &mut Followed,
        saved: &[Position],
        start: Start,
    ) -> Result<(), DiskError> {
        let opened = self.disk.open_regular(&file.path)?;
        let known = saved.iter().any(|position| position.path == file.path);
        if let Some(position) = positions::find(saved, &file.path, opened.id()?) {
            if let Some(reading) = Reading::resume(opened, position)? {
                self.opened(file, reading);
                return Ok(());
            }
            let offset = position.offset;
            self.note(file, FileOccurrence::Truncated { offset });
        }
        let opened = self.disk.open_regular(&file.path)?;
        let offset = match start {
            Start::End if !known => opened.len()?,
            Start::End | Start::Beginning => 0,
        };
        self.opened(file, Reading::new(opened, offset)?);
        Ok(())
    }

    fn opened(&self, file: &mut Followed, reading: Reading) {
        let offset = reading.durable;
        self.note(file, FileOccurrence::Opened { offset });
        file.current = Some(reading);
    }

    /// Looks for a file that was renamed while we were away, and reads it to its end.
    fn resume_renamed(&mut self, file: &mut Followed, position: &Position) {
        let found = self.find_renamed(&file.path, position);
        let Some(mut reading) = found.unwrap_or_default() else {
            let offset = position.offset;
            self.note(file, FileOccurrence::Vanished { offset });
            return;
        };
        reading.retired_at = Some(Instant::now());
        let offset = reading.durable;
        self.note(file, FileOccurrence::Resumed { offset });
        file.retired.push(reading);
    }

    fn find_renamed(&self, path: &Path, position: &Position) -> Result<Option<Reading>, DiskError> {
        let dir = match path.parent() {
            Some(dir) if !dir.as_os_str().is_empty() => dir,
            _ => Path::new("."),
        };
        let listed = self.disk.list(dir)?;
        let files = listed.iter().filter(|entry| !entry.is_dir);
        for Listed { name, .. } in files.take(limits::FOLDER_ENTRIES_MAX) {
            let candidate = dir.join(name);
            let stat = self.disk.stat(&candidate)?;
            if candidate != path && stat.is_some_and(|stat| stat.id == position.id) {
                return Reading::resume(self.disk.open_regular(&candidate)?, position);
            }
        }
        Ok(None)
    }

    fn look(&mut self, file: &mut Followed) -> Pace {
        let retired = self.look_at_retired(file);
        let retired = self.after_look(file, retired);
        let current = self.look_at_current(file);
        match (retired, self.after_look(file, current)) {
            (Pace::AtEnd, Pace::AtEnd) => Pace::AtEnd,
            _ => Pace::Behind,
        }
    }

    fn after_look(&self, file: &mut Followed, outcome: Result<Pace, Halt>) -> Pace {
        match outcome {
            Ok(pace) => return pace,
            Err(Halt::Stopped) => {}
            Err(Halt::Disk(error)) => self.note_disk_trouble(file, &error),
            // Nothing is lost: the lines are still in the file. The door tells its own trouble;
            // we only come back later.
            Err(Halt::Refused) => self.pause(limits::RETRY_AFTER),
        }
        Pace::AtEnd
    }

    fn note_disk_trouble(&self, file: &mut Followed, error: &DiskError) {
        let what = if error.is_not_found() {
            FileOccurrence::Missing
        } else {
            let error = error.to_string();
            FileOccurrence::Unreadable { error }
        };
        self.note_trouble(file, what);
    }

    fn look_at_retired(&mut self, file: &mut Followed) -> Result<Pace, Halt> {
        let mut pace = Pace::AtEnd;
        let mut position = 0;
        while position < file.retired.len() {
            let mut reading = file.retired.remove(position);
            let outcome = self.read_on(&mut reading, file);
            let expired = reading
                .retired_at
                .is_none_or(|since| self.retired_time <= since.elapsed());
            let crowded = limits::RETIRED_FILES_MAX <= file.retired.len();
            let outcome = match outcome {
                Ok(Pace::AtEnd) if expired || crowded => {
                    reading.finish();
                    let outcome = self.hand_over(&mut reading, file);
                    if outcome.is_ok() {
                        self.changed();
                        continue;
                    }
                    outcome.map(|()| Pace::AtEnd)
                }
                Err(Halt::Disk(error)) if expired => {
                    let offset = reading.durable;
                    self.note(file, FileOccurrence::Vanished { offset });
                    self.changed();
                    return Err(Halt::Disk(error));
                }
                outcome => outcome,
            };
            file.retired.insert(position, reading);
            position += 1;
            if outcome? == Pace::Behind {
                pace = Pace::Behind;
            }
        }
        Ok(pace)
    }

    fn look_at_current(&mut self, file: &mut Followed) -> Result<Pace, Halt> {
        let stat = self.disk.stat(&file.path)?;
        let Some(mut reading) = file.current.take() else {
            if stat.is_none() {
                self.note_trouble(file, FileOccurrence::Missing);
                return Ok(Pace::AtEnd);
            }
            return self.open_new(file);
        };
        let outcome = self.follow_cut(&mut reading, file);
        let outcome = outcome.and_then(|()| self.read_on(&mut reading, file));
        let is_replaced = stat.is_some_and(|stat| stat.id != reading.id);
        if is_replaced && matches!(outcome, Ok(Pace::AtEnd)) {
            reading.retired_at = Some(Instant::now());
            file.retired.push(reading);
            self.note(file, FileOccurrence::Rotated);
            return self.open_new(file);
        }
        file.current = Some(reading);
        if stat.is_none() {
            self.note_trouble(file, FileOccurrence::Missing);
        } else if outcome.is_ok() {
            file.trouble = None;
        }
        outcome
    }

    /// A path that was empty or taken over: its file is new, so all of it is read.
    fn open_new(&mut self, file: &mut Followed) -> Result<Pace, Halt> {
        let mut reading = Reading::new(self.disk.open_regular(&file.path)?, 0)?;
        file.trouble = None;
        self.note(file, FileOccurrence::Opened { offset: 0 });
        self.changed();
        let outcome = self.read_on(&mut reading, file);
        file.current = Some(reading);
        outcome
    }

    fn follow_cut(&mut self, reading: &mut Reading, file: &Followed) -> Result<(), Halt> {
        if reading.look()? == Look::Replaced {
            let offset = reading.durable;
            self.note(file, FileOccurrence::Truncated { offset });
            reading.restart();
            self.changed();
        }
        Ok(())
    }

    /// Reads and hands over until the file ends for now or has had its turn.
    fn read_on(&mut self, reading: &mut Reading, file: &Followed) -> Result<Pace, Halt> {
        for _ in 0..limits::TURN_BATCHES_MAX {
            if self.is_stopped() {
                return Err(Halt::Stopped);
            }
            reading.fill()?;
            if !reading.has_frames() {
                // Empty lines and skipped rests are done with, too.
                if reading.settle(reading.reached()) {
                    self.changed();
                }
                self.note_cut(reading, file);
                return Ok(Pace::AtEnd);
            }
            self.hand_over(reading, file)?;
        }
        Ok(Pace::Behind)
    }

    /// Hands over what is gathered and waits until it is durable.
    fn hand_over(&mut self, reading: &mut Reading, file: &Followed) -> Result<(), Halt> {
        let observed_at = ObservedAt(self.clock.unix_nanos());
        while let Some((mut batch, reached)) = reading.take(&file.source, &file.name, observed_at) {
            let reply = loop {
                match submit(self.door.as_ref(), batch) {
                    Ok(reply) => break reply,
                    Err(busy) => {
                        batch = busy.batch;
                        self.pause(busy.retry_after.min(limits::BUSY_PAUSE_MAX));
                    }
                }
                if self.is_stopped() {
                    reading.rewind();
                    return Err(Halt::Stopped);
                }
            };
            let answer = reply.blocking_recv();
            if !matches!(answer, Ok(Ok(_))) {
                reading.rewind();
                return Err(Halt::Refused);
            }
            reading.settle(reached);
            self.changed();
        }
        self.note_cut(reading, file);
        Ok(())
    }

    fn note_cut(&self, reading: &mut Reading, file: &Followed) {
        let (count, bytes_skipped) = reading.newly_cut();
        if 0 < count || 0 < bytes_skipped {
            self.door.note(Occurrence::FramesCut {
                source: Arc::clone(&file.source),
                listener: Listener::File,
                count,
                bytes_skipped,
            });
        }
    }
}

#[cfg(test)]
mod tests;
