//! Epoch keys: why a thief of today cannot rewrite yesterday (docs/format/ledger.md, section 8).
//!
//! Beside the stable key of the log there is a key that lives for one epoch only, a minute by
//! default. Each epoch ends with an entry that names the key of the next one and with a *seal*: a
//! checkpoint over exactly that entry, signed by the stable key and by both epoch keys. Then the
//! old key is overwritten. Whoever takes the machine afterwards cannot make a second seal for an
//! epoch that is over, so he cannot change, drop or insert what lies below it.
//!
//! The order of steps is the argument: the next key is durable before its entry is asked for, the
//! seal is durable before the old key is erased. A crash between any two leaves either a key too
//! many, which opening erases, or a rotation without a seal, which opening seals.

mod key_file;
mod seals;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use disk::{Disk, DiskError};
use tlog::{Hash, SigningKey, VerifyingKey};

use crate::error::EpochFault;
use crate::layout::Layout;
use crate::limits::EPOCH_RETRY;
use crate::record_text;

pub(crate) use key_file::{EpochKey, KeyFile};
pub(crate) use seals::{SealReader, Seals};

/// Name of the epoch keys of a log in signature lines.
pub(crate) fn key_name(origin: &str) -> String {
    format!("{origin}/epoch")
}

/// A rotation entry as it was met in the ledger, with the tree that ends with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Rotation {
    /// The epoch that begins after it.
    pub(crate) epoch: u64,
    /// Verifier key of that epoch.
    pub(crate) vkey: String,
    /// The key before was lost: the offline recovery key seals in its place.
    pub(crate) is_recovery: bool,
    /// Entries up to and with it.
    pub(crate) size: u64,
    /// Root over these.
    pub(crate) root: Hash,
    /// Frames that hold these.
    pub(crate) frames: u64,
}

/// A rotation on its way through the sequencer.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    /// Body of the entry.
    pub(crate) body: String,
    /// Set when the entry could not be written for lack of space.
    pub(crate) is_refused: Arc<AtomicBool>,
}

/// The keys of the epoch that runs, and what is needed to end it.
#[derive(Debug)]
pub(crate) struct Epochs {
    origin: String,
    file: KeyFile,
    seals: Seals,
    current: EpochKey,
    /// Durable, but not in force before the seal that names it.
    next: Option<EpochKey>,
    length: Duration,
    began: Instant,
    request: Option<(Arc<AtomicBool>, Instant)>,
}

impl Epochs {
    /// Makes the first key of a new ledger.
    pub(crate) fn create(
        disk: &Arc<dyn Disk>,
        layout: &Layout,
        origin: &str,
        length: Duration,
    ) -> Result<Self, DiskError> {
        let current = EpochKey::fresh(origin, 0).map_err(|error| no_random(layout, error))?;
        let file = KeyFile::create(&**disk, layout, &current)?;
        Ok(Self {
            origin: origin.to_owned(),
            file,
            seals: Seals::create(Arc::clone(disk), layout.clone())?,
            current,
            next: None,
            length,
            began: Instant::now(),
            request: None,
        })
    }

    /// Reads the keys back and holds them against the seals.
    pub(crate) fn open(
        disk: &Arc<dyn Disk>,
        layout: &Layout,
        origin: &str,
        length: Duration,
    ) -> Result<Result<Self, EpochFault>, DiskError> {
        let seals = Seals::open(Arc::clone(disk), layout.clone())?;
        let (mut file, keys) = KeyFile::open(&**disk, layout, origin)?;
        let sealed = seals.count();
        let mut current = None;
        let mut next = None;
        for key in keys {
            match key.epoch {
                epoch if epoch == sealed => current = Some(key),
                epoch if epoch == sealed + 1 => next = Some(key),
                // Its seal is durable and the step after was cut off: erasing it.
                epoch if epoch + 1 == sealed => file.erase(epoch)?,
                epoch => return Ok(Err(EpochFault::OutOfStep { key: epoch, sealed })),
            }
        }
        let Some(current) = current else {
            return Ok(Err(EpochFault::KeyLost { epoch: sealed }));
        };
        Ok(Ok(Self {
            origin: origin.to_owned(),
            file,
            seals,
            current,
            next,
            length,
            began: Instant::now(),
            request: None,
        }))
    }

    /// Begins epochs anew after the key of the running one was lost: `next` is in force once
    /// the recovery key has sealed in place of the lost one.
    pub(crate) fn after_loss(
        disk: &Arc<dyn Disk>,
        layout: &Layout,
        origin: &str,
        recovery: SigningKey,
    ) -> Result<Self, DiskError> {
        let seals = Seals::open(Arc::clone(disk), layout.clone())?;
        let epoch = seals.count();
        let next = EpochKey::fresh(origin, epoch + 1).map_err(|error| no_random(layout, error))?;
        let file = KeyFile::create(&**disk, layout, &next)?;
        Ok(Self {
            origin: origin.to_owned(),
            file,
            seals,
            current: EpochKey {
                epoch,
                key: recovery,
            },
            next: Some(next),
            length: Duration::MAX,
            began: Instant::now(),
            request: None,
        })
    }

    /// Number of the epoch that runs.
    pub(crate) fn epoch(&self) -> u64 {
        self.current.epoch
    }

    /// The key that signs checkpoints of this epoch beside the stable one.
    pub(crate) fn key(&self) -> &SigningKey {
        &self.current.key
    }

    /// Verifier key of the epoch that runs.
    pub(crate) fn vkey(&self) -> VerifyingKey {
        self.current.key.verifying_key()
    }

    /// The entry to ask the sequencer for, when the epoch has lasted long enough or `now` is
    /// asked for and no rotation is under way.
    pub(crate) fn request(&mut self, now: bool) -> Result<Option<Request>, DiskError> {
        if let Some((is_refused, at)) = &self.request {
            if !is_refused.load(Ordering::Acquire) || at.elapsed() < EPOCH_RETRY {
                return Ok(None);
            }
        } else if !now && self.began.elapsed() < self.length {
            return Ok(None);
        }
        let body = self.next_body(false)?;
        let is_refused = Arc::<AtomicBool>::default();
        self.request = Some((Arc::clone(&is_refused), Instant::now()));
        Ok(Some(Request { body, is_refused }))
    }

    /// Makes the next key durable and gives the body of the entry that names it.
    pub(crate) fn next_body(&mut self, is_recovery: bool) -> Result<String, DiskError> {
        let next = if let Some(next) = self.next.take() {
            next
        } else {
            let next = EpochKey::fresh(&self.origin, self.current.epoch + 1)
                .map_err(|error| self.file.no_random(error))?;
            self.file.put(&next)?;
            next
        };
        let vkey = next.key.verifying_key().to_string();
        let body = record_text::rotation(next.epoch, &vkey, is_recovery);
        self.next = Some(next);
        Ok(body)
    }

    /// Whether this rotation still waits for its seal; an error when it is none of ours.
    pub(crate) fn awaits(&self, rotation: &Rotation) -> Result<bool, EpochFault> {
        if rotation.epoch <= self.current.epoch {
            return Ok(false);
        }
        let named = rotation.vkey.as_str();
        match &self.next {
            Some(next)
                if next.epoch == rotation.epoch
                    && next.key.verifying_key().to_string() == named =>
            {
                Ok(true)
            }
            _ => Err(EpochFault::Unknown {
                epoch: rotation.epoch,
            }),
        }
    }

    /// The keys that sign the seal of the running epoch beside the stable one.
    pub(crate) fn sealing_keys(&self) -> Vec<&SigningKey> {
        let mut keys = vec![&self.current.key];
        keys.extend(self.next.as_ref().map(|next| &next.key));
        keys
    }

    /// Makes a seal durable, then puts the next key in force and erases the old one.
    pub(crate) fn advance(&mut self, note: &str) -> Result<(), DiskError> {
        self.seals.append(self.current.epoch, note)?;
        // A crash before this line: opening finds seal and old key, and erases the key.
        self.file.erase(self.current.epoch)?;
        if let Some(next) = self.next.take() {
            self.current = next;
        }
        self.began = Instant::now();
        self.request = None;
        Ok(())
    }
}

fn no_random(layout: &Layout, error: getrandom::Error) -> DiskError {
    let source = std::io::Error::other(error.to_string());
    DiskError::io("random", &layout.epoch_key(), source)
}
