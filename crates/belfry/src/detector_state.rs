//! The detector's memory on disk: written aside by a thread of its own, read once at the start.
//!
//! It is a cache of the ledger: whatever is missing, damaged or of other rules is replayed. Only a
//! state that the desk has caught up with is offered, so that a restored detector never misses an
//! alert that was not drafted yet.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::Context;
use detect::{Engine, EngineConfig, RuleSet};
use disk::Disk;
use event::Index;
use sha2::{Digest, Sha256};

use crate::talk;

/// Name of the file in the data folder.
const FILE: &str = "detector.state";
/// Shortest time between two writings: what a restart replays at most, beside the time below.
const PAUSE_MIN: Duration = Duration::from_secs(15);
/// The watch spends at most one part in so many on taking its state.
const EFFORT: u32 = 50;

/// Where the state is kept, and when it was last.
#[derive(Debug)]
pub(crate) struct Keeper {
    disk: Arc<dyn Disk>,
    path: PathBuf,
    ledger: [u8; 32],
    states: Option<SyncSender<Vec<u8>>>,
    writer: Option<JoinHandle<()>>,
    taken_at: Instant,
    /// The entry that came next then.
    taken_next: Index,
    pause: Duration,
}

impl Keeper {
    /// The keeper of the data folder `data`, whose ledger has the verifier key `vkey`.
    pub(crate) fn start(
        disk: &Arc<dyn Disk>,
        data: &std::path::Path,
        vkey: &str,
    ) -> anyhow::Result<Self> {
        let path = data.join(FILE);
        // One state may wait while one is written; a third is not worth its memory.
        let (states, waiting) = sync_channel(1);
        let (for_writer, at) = (Arc::clone(disk), path.clone());
        let writer = std::thread::Builder::new()
            .name("detector-state".to_owned())
            .spawn(move || write_all(&for_writer, &at, &waiting))
            .context("starting the writer of the detector's state")?;
        Ok(Self {
            disk: Arc::clone(disk),
            path,
            ledger: Sha256::digest(vkey).into(),
            states: Some(states),
            writer: Some(writer),
            taken_at: Instant::now(),
            taken_next: Index(0),
            pause: PAUSE_MIN,
        })
    }

    /// The engine as it was kept, if that fits and the desk has seen everything that it has.
    pub(crate) fn restored(
        &self,
        set: &Arc<RuleSet>,
        config: &EngineConfig,
        desk_next: Index,
    ) -> Option<(Engine, Index)> {
        self.disk.stat(&self.path).ok().flatten()?;
        let bytes_max = detect::limits::SNAPSHOT_BYTES_MAX as u64;
        let bytes = match self.disk.read(&self.path, bytes_max) {
            Ok(bytes) => bytes,
            Err(error) => {
                talk::say(&format!("the detector's state cannot be read: {error}"));
                return None;
            }
        };
        let restored = Engine::restored(Arc::clone(set), config.clone(), &self.ledger, &bytes);
        match restored {
            Ok((engine, next)) if next <= desk_next => Some((engine, next)),
            Ok(_) => {
                talk::say("the detector's state is ahead of the desk: replaying the ledger");
                None
            }
            Err(error) => {
                talk::say(&format!(
                    "the detector's state is not used ({error}): replaying the ledger"
                ));
                None
            }
        }
    }

    /// Takes the state of `engine` when it is time to.
    pub(crate) fn take_in_time(&mut self, engine: &Engine) {
        if self.taken_at.elapsed() >= self.pause && self.taken_next != engine.next() {
            self.take(engine);
        }
    }

    fn take(&mut self, engine: &Engine) {
        let start = Instant::now();
        if let (Some(state), Some(states)) = (engine.snapshot(&self.ledger), &self.states) {
            match states.try_send(state) {
                // The one before is still being written: the next one is as good.
                Ok(()) | Err(TrySendError::Full(_)) => {}
                Err(TrySendError::Disconnected(_)) => {
                    talk::say("the writer of the detector's state has ended");
                }
            }
        }
        self.taken_next = engine.next();
        self.pause = PAUSE_MIN.max(start.elapsed() * EFFORT);
        self.taken_at = Instant::now();
    }

    /// Keeps the last state and ends the thread.
    pub(crate) fn close(mut self, engine: &Engine) {
        if let (Some(state), Some(states)) = (engine.snapshot(&self.ledger), self.states.take()) {
            // Waits for the one before; a writer that has ended has said so.
            let _ = states.send(state);
        }
        self.states = None;
        if let Some(writer) = self.writer.take() {
            // A panic of this thread was reported when it happened.
            let _ = writer.join();
        }
    }
}

fn write_all(disk: &Arc<dyn Disk>, path: &std::path::Path, states: &Receiver<Vec<u8>>) {
    while let Ok(state) = states.recv() {
        // If we die before this is done, the file before it is whole and a little older.
        if let Err(error) = disk.write_atomic(path, &state) {
            talk::say(&format!("the detector's state is not kept: {error}"));
        }
    }
}
