//! Who a ledger is: its origin, its keys and the files that hold them.

use std::path::Path;

use disk::{Disk, DiskError};
use sha2::{Digest, Sha256};
use tlog::{SigningKey, VerifyingKey};
use zeroize::Zeroizing;

use crate::error::IdentityError;
use crate::layout::Layout;
use crate::limits::TEXT_FILE_BYTES_MAX;

const FIRST_LINE: &str = "belfry-ledger/1";

/// What the file `identity` says.
#[derive(Clone, Debug)]
pub(crate) struct Identity {
    pub(crate) origin: String,
    pub(crate) vkey: VerifyingKey,
    pub(crate) created_ns: u64,
}

impl Identity {
    /// Ties segments to this ledger.
    pub(crate) fn ledger_id(&self) -> [u8; 32] {
        Sha256::digest(self.vkey.to_string()).into()
    }

    pub(crate) fn to_text(&self) -> String {
        let Self {
            origin,
            vkey,
            created_ns,
        } = self;
        format!("{FIRST_LINE}\norigin {origin}\nvkey {vkey}\ncreated {created_ns}\n")
    }

    pub(crate) fn parse(text: &str) -> Result<Self, IdentityError> {
        let mut lines = text.strip_suffix('\n').unwrap_or(text).split('\n');
        if lines.next() != Some(FIRST_LINE) {
            return Err(IdentityError::Format {
                expected: FIRST_LINE,
            });
        }
        let mut field = |name: &'static str| {
            let value = lines
                .next()
                .and_then(|line| line.strip_prefix(name)?.strip_prefix(' '));
            value.ok_or(IdentityError::Line { name })
        };
        let origin = field("origin")?.to_owned();
        let vkey: VerifyingKey = field("vkey")?
            .parse()
            .map_err(|cause| IdentityError::Key { cause })?;
        let created = field("created")?;
        let created_ns = created
            .parse()
            .map_err(|_| IdentityError::Line { name: "created" })?;
        if lines.next().is_some()
            || text
                != (Self {
                    origin: origin.clone(),
                    vkey: vkey.clone(),
                    created_ns,
                })
                .to_text()
        {
            return Err(IdentityError::Trailing);
        }
        if vkey.name() != origin {
            let name = vkey.name().to_owned();
            return Err(IdentityError::KeyName { name, origin });
        }
        Ok(Self {
            origin,
            vkey,
            created_ns,
        })
    }

    pub(crate) fn read(disk: &dyn Disk, layout: &Layout) -> Result<Self, ReadIdentity> {
        let bytes = disk
            .read(&layout.identity(), TEXT_FILE_BYTES_MAX)
            .map_err(ReadIdentity::Disk)?;
        let text =
            str::from_utf8(&bytes).map_err(|_| ReadIdentity::Identity(IdentityError::NotText))?;
        Self::parse(text).map_err(ReadIdentity::Identity)
    }
}

/// Why the identity could not be read.
#[derive(Debug)]
pub(crate) enum ReadIdentity {
    Disk(DiskError),
    Identity(IdentityError),
}

/// Writes the signing key, readable by its owner only.
pub(crate) fn write_key(disk: &dyn Disk, path: &Path, key: &SigningKey) -> Result<(), DiskError> {
    let text = key.to_private_text();
    let mut line = Zeroizing::new(Vec::with_capacity(text.len() + 1));
    line.extend_from_slice(text.as_bytes());
    line.push(b'\n');
    disk.write_atomic(path, &line)
}

/// Reads the signing key.
pub(crate) fn read_key(disk: &dyn Disk, path: &Path) -> Result<SigningKey, ReadIdentity> {
    let bytes = Zeroizing::new(
        disk.read(path, TEXT_FILE_BYTES_MAX)
            .map_err(ReadIdentity::Disk)?,
    );
    let text =
        str::from_utf8(&bytes).map_err(|_| ReadIdentity::Identity(IdentityError::NotText))?;
    SigningKey::parse(text.strip_suffix('\n').unwrap_or(text))
        .map_err(|cause| ReadIdentity::Identity(IdentityError::SigningKey { cause }))
}
