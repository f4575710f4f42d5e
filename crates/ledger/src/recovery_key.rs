//! The offline key that takes over when the key of an epoch is lost.
//!
//! Its verifier key stands in the first entry of the ledger; the key itself belongs into a safe.

use std::fmt;
use std::path::Path;

use disk::Disk;
use tlog::SigningKey;
use zeroize::Zeroizing;

use crate::error::RecoveryKeyError;
use crate::identity::{ReadIdentity, read_key, write_key};

/// The key, wiped from memory when dropped. `Debug` shows its verifier key only.
#[derive(Clone)]
pub struct RecoveryKey(SigningKey);

impl RecoveryKey {
    /// A new key for the log of this origin.
    pub fn fresh(origin: &str) -> Result<Self, RecoveryKeyError> {
        let mut seed = Zeroizing::new([0; 32]);
        getrandom::fill(&mut seed[..]).map_err(|error| RecoveryKeyError::Random {
            reason: error.to_string(),
        })?;
        let key = SigningKey::from_seed(&format!("{origin}/recovery"), &seed);
        key.map(Self)
            .map_err(|error| RecoveryKeyError::Origin { origin: error.name })
    }

    /// Reads the file that [`RecoveryKey::write_new`] made.
    pub fn read(disk: &dyn Disk, path: &Path) -> Result<Self, RecoveryKeyError> {
        match read_key(disk, path) {
            Ok(key) => Ok(Self(key)),
            Err(ReadIdentity::Disk(error)) => Err(error.into()),
            Err(ReadIdentity::Identity(cause)) => Err(RecoveryKeyError::Key {
                path: path.to_path_buf(),
                cause,
            }),
        }
    }

    /// Writes the key to a file that must not exist yet, readable by its owner only.
    pub fn write_new(&self, disk: &dyn Disk, path: &Path) -> Result<(), RecoveryKeyError> {
        // Two who write the same file at once may both succeed; a secret is never overwritten
        // by accident of one person.
        if disk.stat(path)?.is_some() {
            return Err(RecoveryKeyError::Exists {
                path: path.to_path_buf(),
            });
        }
        Ok(write_key(disk, path, &self.0)?)
    }

    /// The public half, for the configuration of a new ledger.
    pub fn vkey(&self) -> String {
        self.0.verifying_key().to_string()
    }

    pub(crate) fn signing_key(&self) -> &SigningKey {
        &self.0
    }
}

impl fmt::Debug for RecoveryKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("RecoveryKey").field(&self.vkey()).finish()
    }
}
