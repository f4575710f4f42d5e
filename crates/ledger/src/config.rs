//! Settings of a ledger.

use std::path::PathBuf;
use std::time::Duration;

use disk::PAGE_BYTES;

use crate::error::ConfigError;
use crate::limits::{EPOCH_MIN, SEGMENT_BYTES_MAX, SEGMENT_BYTES_MIN};

/// How a ledger is kept. [`Config::new`] gives values that suit a single machine.
#[derive(Clone, Debug)]
pub struct Config {
    /// Folder of the ledger.
    pub dir: PathBuf,
    /// Name of the log in checkpoints (c2sp.org/tlog-checkpoint): a schema-less URL such as
    /// `logs.example.com/prod/1`. The last part counts generations and is never reused.
    pub origin: String,
    /// Longest time between an entry and a checkpoint that covers it.
    pub checkpoint_interval: Duration,
    /// Bytes of batches that may wait for the sequencer, or be in its hands.
    pub queue_bytes_max: usize,
    /// Length of a segment file; rounded down to whole pages.
    pub segment_bytes_max: u64,
    /// Bytes of recent entries kept in memory for followers at the head.
    pub live_bytes_max: usize,
    /// Bytes of the disk that must stay free; below, batches are refused.
    pub reserve_bytes: u64,
    /// How long one epoch key signs before it is replaced and erased: the time back to which a
    /// thief of the machine can rewrite, if nobody outside remembers a checkpoint.
    pub epoch: Duration,
    /// Verifier key of the offline recovery key, for the genesis entry. Used by create only.
    pub recovery_vkey: Option<String>,
}

impl Config {
    /// Settings for one machine: a checkpoint each second, 64 MiB queue, 64 MiB segments,
    /// 32 MiB of recent entries, 256 MiB of disk kept free.
    pub fn new(dir: impl Into<PathBuf>, origin: impl Into<String>) -> Self {
        const MIB: usize = 1024 * 1024;
        Self {
            dir: dir.into(),
            origin: origin.into(),
            checkpoint_interval: Duration::from_secs(1),
            queue_bytes_max: 64 * MIB,
            segment_bytes_max: 64 * MIB as u64,
            live_bytes_max: 32 * MIB,
            reserve_bytes: 256 * MIB as u64,
            epoch: Duration::from_mins(1),
            recovery_vkey: None,
        }
    }

    /// Length of a segment file in whole pages.
    pub(crate) fn segment_bytes(&self) -> u64 {
        self.segment_bytes_max / PAGE_BYTES as u64 * PAGE_BYTES as u64
    }

    pub(crate) fn check(&self) -> Result<(), ConfigError> {
        let range = SEGMENT_BYTES_MIN..=SEGMENT_BYTES_MAX;
        if !range.contains(&self.segment_bytes_max) {
            return Err(ConfigError::SegmentBytes {
                bytes: self.segment_bytes_max,
                bytes_min: SEGMENT_BYTES_MIN,
                bytes_max: SEGMENT_BYTES_MAX,
            });
        }
        if self.epoch < EPOCH_MIN {
            return Err(ConfigError::Epoch {
                length: self.epoch,
                length_min: EPOCH_MIN,
            });
        }
        if let Some(vkey) = &self.recovery_vkey {
            let parsed = vkey.parse::<tlog::VerifyingKey>();
            parsed.map_err(ConfigError::RecoveryKey)?;
        }
        Ok(())
    }
}
