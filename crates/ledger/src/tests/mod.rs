//! Feature tests of the ledger, each through the public API on a disk in memory.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use disk::{CrashDisk, Disk};
use event::{Index, Redacted};
use stdx::{Clock, FakeClock};

use crate::{Config, Ledger, OpenError, Reader, Recovery, VerifyOptions, VerifyReport, verify};

mod append;
mod crash;
mod epoch;
mod format;
mod model;
mod publish;
mod sealed;
mod tamper;

const DIR: &str = "/data/ledger";
const ORIGIN: &str = "log.example/test/1";
/// Long enough for any thread on a busy machine; only failing tests wait it out.
const PATIENCE: Duration = Duration::from_mins(1);
/// 2026-01-01T00:00:00Z.
const NOON_NS: i64 = 1_767_225_600_000_000_000;

/// A disk and a clock on which ledgers live and die.
struct House {
    disk: CrashDisk,
    clock: Arc<FakeClock>,
    config: Config,
}

impl House {
    fn new() -> Self {
        Self::on(CrashDisk::new())
    }

    fn on(disk: CrashDisk) -> Self {
        let mut config = Config::new(DIR, ORIGIN);
        config.segment_bytes_max = 64 * 1024;
        config.checkpoint_interval = Duration::from_millis(1);
        config.reserve_bytes = 0;
        // No test waits for an epoch to end: those about epochs end them by hand.
        config.epoch = Duration::from_hours(1);
        Self {
            disk,
            clock: Arc::new(FakeClock::at(NOON_NS)),
            config,
        }
    }

    fn disk(&self) -> Arc<dyn Disk> {
        Arc::new(self.disk.clone())
    }

    fn clock(&self) -> Arc<dyn Clock> {
        Arc::<FakeClock>::clone(&self.clock)
    }

    fn create(&self) -> Result<(), crate::CreateError> {
        Ledger::create(self.disk(), self.clock(), &self.config)
    }

    fn open(&self) -> Result<(Ledger, Recovery), OpenError> {
        Ledger::open(self.disk(), self.clock(), &self.config)
    }

    fn created() -> (Self, Ledger) {
        let house = Self::new();
        house.create().unwrap();
        let (ledger, _) = house.open().unwrap();
        (house, ledger)
    }
}

fn verified(disk: &CrashDisk) -> VerifyReport {
    let disk = Arc::new(disk.clone());
    verify(
        disk,
        Path::new(DIR),
        &VerifyOptions::default(),
        &mut |_, _| {},
    )
    .unwrap()
}

fn path(name: &str) -> PathBuf {
    Path::new(DIR).join(name)
}

/// `count` events of a source, numbered from `from`.
fn events(source: &str, from: usize, count: usize) -> Vec<Redacted> {
    (from..from + count)
        .map(|number| {
            let line =
                format!("belfry.source={source} event.id=\"{source}-{number}\" message=hello");
            event::testkit::redacted(&line)
        })
        .collect()
}

/// Bodies of all entries of a ledger, in order.
fn bodies(reader: &Reader) -> Vec<String> {
    let end = reader.tree_size().next_index();
    let entries = reader.read(Index(0)..end, usize::MAX).unwrap();
    for (index, entry) in (0..).zip(&entries) {
        assert_eq!(entry.index(), Index(index));
    }
    assert_eq!(entries.len() as u64, end.0);
    entries.iter().map(event::Entry::body).collect()
}

/// Waits for a checkpoint over everything and checks it with nothing but the key.
fn signed_size(reader: &Reader) -> u64 {
    let size = reader.tree_size();
    assert!(
        reader.await_checkpoint(size, PATIENCE),
        "no checkpoint over {size}"
    );
    let note = reader.checkpoint().unwrap();
    let key: tlog::VerifyingKey = reader.vkey().parse().unwrap();
    let note = tlog::UnverifiedCheckpoint::parse(note.as_bytes()).unwrap();
    note.verify(&key, ORIGIN).unwrap().size()
}
