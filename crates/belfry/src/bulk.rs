//! Many records at once: files, standard input and chunks from another process, through the same
//! pipeline as everything else.

use std::io::{Cursor, Read};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Context;
use event::{Listener, ObservedAt, Origin};
use intake::chunk::{ChunkTally, Chunker};
use intake::{Door, Receipt, Refusal};
use serde_json::{Value, json};

use crate::config::is_name;
use crate::exit_code::bad_input;
use crate::house::House;

/// Batches in flight at once: enough to keep parsing and the disk busy, few enough for memory.
const IN_FLIGHT_MAX: usize = 8;
/// Pause when the pipeline's queue is full.
const BUSY_PAUSE: Duration = Duration::from_millis(2);

/// What an import came to.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Tally {
    /// What the reader was split into.
    pub(crate) chunks: ChunkTally,
    /// Records durable in the ledger.
    pub(crate) stored: u64,
    /// Records the ledger refused.
    pub(crate) refused: u64,
    /// Stored records with a defect.
    pub(crate) defective: u64,
}

/// Answers of batches in flight.
#[derive(Default)]
struct Flight {
    waiting: Mutex<usize>,
    landed: Condvar,
    stored: AtomicU64,
    refused: AtomicU64,
    defective: AtomicU64,
}

impl Flight {
    fn land(&self, frames: u64, answer: &Result<Receipt, Refusal>) {
        match answer {
            Ok(receipt) => {
                self.stored.fetch_add(receipt.count, Ordering::Relaxed);
                self.defective
                    .fetch_add(receipt.defects.len() as u64, Ordering::Relaxed);
            }
            Err(_) => {
                self.refused.fetch_add(frames, Ordering::Relaxed);
            }
        }
        *self.waiting.lock().unwrap_or_else(PoisonError::into_inner) -= 1;
        self.landed.notify_all();
    }

    fn wait_below(&self, count: usize) {
        let waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let in_the_air = self.landed.wait_while(waiting, |waiting| *waiting >= count);
        drop(in_the_air.unwrap_or_else(PoisonError::into_inner));
    }
}

/// Takes in all of `reader` as records of `source`. `progress` hears the tally after each batch.
pub(crate) fn take_in(
    house: &House,
    source: &str,
    file: Option<&str>,
    reader: impl Read + Send + 'static,
    progress: &mut dyn FnMut(&Tally),
) -> anyhow::Result<Tally> {
    if !is_name(source) {
        return Err(bad_input(format!("`{source}` cannot name a source")));
    }
    let origin = Origin {
        source: source.into(),
        listener: Listener::Ingest,
        peer: None,
        file: file.map(Into::into),
        observed_at: ObservedAt(house.clock.unix_nanos()),
    };
    let mut chunker = Chunker::new(reader, origin, Arc::clone(&house.clock))?;
    let flight = Arc::new(Flight::default());
    let mut fault = None;
    loop {
        let mut batch = match chunker.next_batch() {
            Ok(Some(batch)) => batch,
            Ok(None) => break,
            Err(error) => {
                fault = Some(error);
                continue;
            }
        };
        flight.wait_below(IN_FLIGHT_MAX);
        *flight
            .waiting
            .lock()
            .unwrap_or_else(PoisonError::into_inner) += 1;
        loop {
            let (frames, landing) = (batch.len() as u64, Arc::clone(&flight));
            let reply = Box::new(move |answer| landing.land(frames, &answer));
            match house.pipeline.submit(batch, reply) {
                Ok(()) => break,
                Err(busy) => batch = busy.batch,
            }
            anyhow::ensure!(house.is_alive(), "the pipeline has stopped");
            std::thread::sleep(BUSY_PAUSE);
        }
        progress(&tally(&chunker, &flight));
    }
    flight.wait_below(1);
    let tally = tally(&chunker, &flight);
    progress(&tally);
    match fault {
        Some(fault) => Err(fault).context("reading on is impossible; what came before is stored"),
        None => Ok(tally),
    }
}

fn tally(chunker: &Chunker, flight: &Flight) -> Tally {
    Tally {
        chunks: chunker.tally(),
        stored: flight.stored.load(Ordering::Relaxed),
        refused: flight.refused.load(Ordering::Relaxed),
        defective: flight.defective.load(Ordering::Relaxed),
    }
}

/// Takes in one chunk that another process sent.
pub(crate) fn take_in_chunk(house: &House, source: &str, body: &[u8]) -> anyhow::Result<Value> {
    let tally = take_in(house, source, None, Cursor::new(body.to_vec()), &mut |_| {})?;
    Ok(json_of(&tally))
}

/// The tally for programs.
pub(crate) fn json_of(tally: &Tally) -> Value {
    json!({
        "received": tally.chunks.frames,
        "stored": tally.stored,
        "refused": tally.refused,
        "defective": tally.defective,
        "cut": tally.chunks.frames_cut,
        "bytes_skipped": tally.chunks.bytes_skipped,
        "empty_lines": tally.chunks.lines_empty,
        "bytes": tally.chunks.bytes,
    })
}
