//! Whether each epoch was sealed by its own key, and the last sign of life.
//!
//! A seal counts only for the epoch whose key made it: a later key, which a thief may hold, says
//! nothing about earlier entries. Epochs are continuous and each has exactly one seal, over the
//! entry that names the next key.

use std::thread;

use disk::DiskError;
use tlog::{Hash, UnverifiedCheckpoint, VerifyingKey};

use super::{FindingKind, SETTLE_ATTEMPTS, SETTLE_INTERVAL, VerifyOptions, Walk};
use crate::epoch::SealReader;
use crate::leaf::{Content, Kind, Leaf};
use crate::record_text;

/// What the entries say about epochs.
#[derive(Debug, Default)]
pub(super) struct EpochWalk {
    /// Verifier keys of epoch 0 and of the recovery key, as the genesis entry names them.
    genesis: Option<(VerifyingKey, Option<VerifyingKey>)>,
    rotations: Vec<Rotation>,
    /// Seals that were there before the entries were read: their entries must be there too.
    sealed_before: usize,
    /// Seals that hold.
    pub(super) sealed: u64,
    pub(super) alive_at_ns: u64,
}

#[derive(Debug)]
struct Rotation {
    epoch: u64,
    vkey: Option<VerifyingKey>,
    is_recovery: bool,
    index: u64,
    /// Root over all entries up to and with it, if the tree can be computed.
    root: Option<Hash>,
}

impl Walk<'_> {
    /// Keeps what the genesis and the rotations say.
    pub(super) fn note_epoch(&mut self, leaf: &Leaf<'_>, index: u64) {
        let Content::Inline(body) = leaf.content else {
            return;
        };
        match leaf.kind {
            Kind::Genesis if index == 0 => {
                self.epochs.alive_at_ns = leaf.recv_ns;
                self.epochs.genesis = record_text::read_genesis(body).and_then(|keys| {
                    let recovery = match keys.recovery_vkey {
                        Some(vkey) => Some(vkey.parse().ok()?),
                        None => None,
                    };
                    Some((keys.epoch_vkey.parse().ok()?, recovery))
                });
            }
            Kind::KeyRotation => {
                self.epochs.alive_at_ns = leaf.recv_ns;
                let Some((epoch, vkey, is_recovery)) = record_text::read_rotation(body) else {
                    self.findings
                        .add(Some(index), FindingKind::WrongEpochKey, || {
                            "an entry that ends an epoch names no key".to_owned()
                        });
                    return;
                };
                // The recovery key seals in place of a key that was lost before it could.
                let replaced = self.epochs.rotations.last();
                if is_recovery && replaced.is_some_and(|last| last.epoch == epoch) {
                    self.epochs.rotations.pop();
                }
                let root = (!self.is_tree_lost).then(|| self.tree.root());
                self.epochs.rotations.push(Rotation {
                    epoch,
                    vkey: vkey.parse().ok(),
                    is_recovery,
                    index,
                    root,
                });
            }
            _ => {}
        }
    }

    /// Counts the seals before the entries are read, since a living writer adds to both.
    pub(super) fn count_seals(&mut self) -> Result<(), DiskError> {
        let mut reader = SealReader::new(self.disk, self.layout);
        while reader.next()?.is_some() {
            self.epochs.sealed_before += 1;
        }
        Ok(())
    }

    /// Holds the seals against the entries.
    pub(super) fn epochs(
        &mut self,
        key: &VerifyingKey,
        options: &VerifyOptions,
    ) -> Result<(), DiskError> {
        if self.next_index == 0 {
            return Ok(());
        }
        let Some((first, recovery)) = self.epochs.genesis.take() else {
            self.findings.add(Some(0), FindingKind::WrongEpochKey, || {
                "the first entry names no key of epoch 0".to_owned()
            });
            return Ok(());
        };
        let rotations = std::mem::take(&mut self.epochs.rotations);
        let notes = self.read_seals(rotations.len() as u64)?;
        let mut holder = first.clone();
        for (epoch, rotation) in (0..).zip(&rotations) {
            let sealer = match (&recovery, rotation.is_recovery) {
                (_, false) => Some(&holder),
                (recovery, true) => recovery.as_ref(),
            };
            let note = usize::try_from(epoch).ok().and_then(|at| notes.get(at));
            match self.epoch(key, sealer, epoch, rotation, note) {
                Some(next) => holder = next,
                None => return Ok(()),
            }
        }
        let extra = self.epochs.sealed_before.saturating_sub(rotations.len());
        if 0 < extra {
            self.findings.add(None, FindingKind::Truncated, || {
                format!("{extra} epochs are sealed whose entries are not there")
            });
        }
        self.check_newest(&first, &rotations, &notes);
        self.check_alive(options);
        Ok(())
    }

    /// One end of an epoch against its seal. Gives the key of the next epoch, or `None` when
    /// nothing can be said about what follows.
    fn epoch(
        &mut self,
        key: &VerifyingKey,
        sealer: Option<&VerifyingKey>,
        epoch: u64,
        rotation: &Rotation,
        note: Option<&Vec<u8>>,
    ) -> Option<VerifyingKey> {
        let found = Some(rotation.index);
        let kind = FindingKind::WrongEpochKey;
        if rotation.epoch != epoch + 1 {
            self.findings.add(found, FindingKind::Missing, || {
                format!(
                    "epoch {} begins where epoch {} must",
                    rotation.epoch,
                    epoch + 1
                )
            });
            return None;
        }
        let Some(sealer) = sealer else {
            self.findings.add(found, kind, || {
                "a recovery of the epoch key, but the ledger has no recovery key".to_owned()
            });
            return None;
        };
        let Some(next) = &rotation.vkey else {
            self.findings.add(found, kind, || {
                format!("the key of epoch {} is no verifier key", epoch + 1)
            });
            return None;
        };
        match note {
            Some(note) => {
                let keys = [key, sealer, next];
                match check_seal(note, keys, &self.identity.origin, rotation) {
                    Ok(()) => self.epochs.sealed += 1,
                    Err(reason) => self
                        .findings
                        .add(found, kind, || format!("seal of epoch {epoch}: {reason}")),
                }
            }
            // The newest end of an epoch is sealed a moment after it is written.
            None if rotation.index + 1 < self.claim.size_min => {
                self.findings.add(found, FindingKind::Missing, || {
                    format!("epoch {epoch} has no seal")
                });
            }
            None => {}
        }
        Some(next.clone())
    }

    /// The checkpoint in force must carry the signature of the epoch it belongs to.
    fn check_newest(&mut self, first: &VerifyingKey, rotations: &[Rotation], notes: &[Vec<u8>]) {
        let Some((note, (size, _))) = self.claim_note.take().zip(self.claim.checkpoint) else {
            return;
        };
        let covered = rotations
            .iter()
            .take(notes.len())
            .rfind(|rotation| rotation.index < size);
        let holder = match covered {
            Some(rotation) => rotation.vkey.clone(),
            None => Some(first.clone()),
        };
        if let Some(holder) = holder
            && let Err(error) = note.verify(&holder, &self.identity.origin)
        {
            self.findings.add(None, FindingKind::WrongEpochKey, || {
                format!("checkpoint of {size} entries: {error}")
            });
        }
    }

    fn check_alive(&mut self, options: &VerifyOptions) {
        let alive_at_ns = self.epochs.alive_at_ns;
        if let Some(since) = options.alive_since_ns
            && alive_at_ns < since
        {
            let index = self.next_index.checked_sub(1);
            self.findings.add(index, FindingKind::Stale, || {
                let late = (since - alive_at_ns) / 1_000_000_000;
                format!("the running epoch is {late} s older than a living ledger lets it become")
            });
        }
    }

    /// Notes of all seals. A living writer may be in the middle of appending one, so damage at
    /// the end is looked at again before it is believed.
    fn read_seals(&mut self, expected: u64) -> Result<Vec<Vec<u8>>, DiskError> {
        let mut attempt = 0;
        loop {
            let mut reader = SealReader::new(self.disk, self.layout);
            let mut notes = Vec::new();
            while let Some(seal) = reader.next()? {
                notes.push(seal.note);
            }
            let is_settled = reader.damaged.is_none() && expected <= notes.len() as u64;
            if is_settled || attempt == SETTLE_ATTEMPTS {
                if let Some((path, at)) = reader.damaged {
                    let epoch = notes.len();
                    self.findings.add(None, FindingKind::Edited, || {
                        format!("{}, byte {at}: no seal of epoch {epoch}", path.display())
                    });
                }
                return Ok(notes);
            }
            attempt += 1;
            thread::sleep(SETTLE_INTERVAL);
        }
    }
}

/// A seal must be signed by all three keys and be about exactly the entries up to the rotation.
fn check_seal(
    note: &[u8],
    keys: [&VerifyingKey; 3],
    origin: &str,
    rotation: &Rotation,
) -> Result<(), String> {
    let note = UnverifiedCheckpoint::parse(note).map_err(|error| error.to_string())?;
    for key in keys {
        let checkpoint = note
            .verify(key, origin)
            .map_err(|error| error.to_string())?;
        let size = rotation.index + 1;
        if checkpoint.size() != size {
            return Err(format!(
                "is over {} entries instead of {size}",
                checkpoint.size()
            ));
        }
        if rotation.root.is_some_and(|root| root != *checkpoint.root()) {
            return Err("its root is not that of the entries".to_owned());
        }
    }
    Ok(())
}
