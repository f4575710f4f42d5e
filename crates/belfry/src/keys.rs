//! Secrets of this installation: the key behind keyed hashes and the operator's token, each in a
//! file of the data folder that only its owner can read.

use std::path::Path;

use anyhow::Context;
use disk::Disk;
use hmac::{Hmac, KeyInit, Mac};
use redact::{Policy, PolicyConfig, PseudonymKey};
use sha2::{Digest, Sha256};
use stdx::Secret;
use zeroize::Zeroizing;

use crate::config::Config;

/// File of the key behind keyed hashes.
const REDACT_KEY_FILE: &str = "redact.key";
/// Keeps a proof from meaning anything else.
const PROOF_DOMAIN: &[u8] = b"belfry admin proof v1\0";
/// Keeps the detector's seed from meaning anything else.
const SEED_DOMAIN: &[u8] = b"belfry detector seed v1\0";
/// Bytes of a key.
const KEY_BYTES: usize = 32;
/// Bytes of a key file: hex digits and a newline.
const KEY_FILE_BYTES_MAX: u64 = 128;

/// The redaction policy of `config`, with its key.
pub(crate) fn policy(config: &Config, disk: &dyn Disk) -> anyhow::Result<Policy> {
    let key = key_of(disk, &config.data_dir.join(REDACT_KEY_FILE))?;
    Ok(policy_with(config, key))
}

/// The same under a key that anybody may know: for texts that are never stored.
pub(crate) fn trial_policy(config: &Config) -> Policy {
    policy_with(config, Secret::new([0; KEY_BYTES]))
}

/// Whether the data folder of `config` has a key to redact with.
pub(crate) fn has_redact_key(config: &Config, disk: &dyn Disk) -> bool {
    let path = config.data_dir.join(REDACT_KEY_FILE);
    disk.stat(&path).is_ok_and(|stat| stat.is_some())
}

fn policy_with(config: &Config, key: Secret<[u8; KEY_BYTES]>) -> Policy {
    let key = PseudonymKey {
        id: config.redact.key_id.clone(),
        key,
    };
    Policy::new(PolicyConfig {
        key,
        past_keys: Vec::new(),
        secret_names: config.redact.secret_keys.clone(),
        public_names: Vec::new(),
        allowed_values: Vec::new(),
        find_emails: config.redact.hash_email,
        find_phones: false,
        actions: Vec::new(),
    })
}

/// The operator's token in the data folder `data`, made on first use.
pub(crate) fn admin_token(disk: &dyn Disk, data: &Path) -> anyhow::Result<Secret<String>> {
    let key = key_of(disk, &data.join("admin.token"))?;
    Ok(Secret::new(hex(key.expose())))
}

/// What only a holder of `token` can answer to `challenge`: HMAC-SHA-256 in hex.
pub(crate) fn proof(token: &Secret<String>, challenge: &str) -> String {
    let mac = Hmac::<Sha256>::new_from_slice(token.expose().as_bytes());
    let mut mac = mac.expect("HMAC takes a key of any length");
    mac.update(PROOF_DOMAIN);
    mac.update(challenge.as_bytes());
    hex(&mac.finalize().into_bytes())
}

/// What keys the hashes of the detector: a secret that stays the same as long as the data folder
/// does, so that a replay counts distinct values as the first pass did.
pub(crate) fn detector_seed(config: &Config, disk: &dyn Disk) -> anyhow::Result<[u64; 2]> {
    let key = key_of(disk, &config.data_dir.join("redact.key"))?;
    let mac = Hmac::<Sha256>::new_from_slice(key.expose());
    let mut mac = mac.expect("HMAC takes a key of any length");
    mac.update(SEED_DOMAIN);
    let bytes: [u8; KEY_BYTES] = mac.finalize().into_bytes().into();
    let (words, _) = bytes.as_chunks::<8>();
    Ok([u64::from_le_bytes(words[0]), u64::from_le_bytes(words[1])])
}

fn key_of(disk: &dyn Disk, path: &Path) -> anyhow::Result<Secret<[u8; KEY_BYTES]>> {
    let shown = path.display();
    if disk
        .stat(path)
        .with_context(|| format!("looking at {shown}"))?
        .is_none()
    {
        let mut key = Zeroizing::new([0; KEY_BYTES]);
        random(&mut *key)?;
        let text = Zeroizing::new(hex(&*key) + "\n");
        disk.write_atomic(path, text.as_bytes())
            .with_context(|| format!("writing {shown}"))?;
    }
    let bytes = disk
        .read(path, KEY_FILE_BYTES_MAX)
        .with_context(|| format!("reading {shown}"))?;
    let bytes = Zeroizing::new(bytes);
    let key = unhex(bytes.trim_ascii());
    key.map(Secret::new)
        .with_context(|| format!("{shown} does not hold 64 hex digits"))
}

/// Fills `bytes` from the operating system's generator.
pub(crate) fn random(bytes: &mut [u8]) -> anyhow::Result<()> {
    getrandom::fill(bytes).map_err(|error| anyhow::anyhow!("no randomness: {error}"))
}

/// Lower-case hex digits of `bytes`.
pub(crate) fn hex(bytes: &[u8]) -> String {
    let digit = |value: u8| char::from_digit(u32::from(value), 16).unwrap_or('0');
    bytes
        .iter()
        .flat_map(|byte| [digit(byte >> 4), digit(byte & 0xf)])
        .collect()
}

/// 32 bytes from their hex digits.
pub(crate) fn unhex(text: &[u8]) -> Option<[u8; KEY_BYTES]> {
    let mut key = [0; KEY_BYTES];
    if text.len() != 2 * KEY_BYTES {
        return None;
    }
    for (byte, pair) in key.iter_mut().zip(text.chunks(2)) {
        let digits = std::str::from_utf8(pair)
            .ok()
            .filter(|pair| !pair.starts_with('+'))?;
        *byte = u8::from_str_radix(digits, 16).ok()?;
    }
    Some(key)
}

/// SHA-256 of `text` in hex, to tell whether two texts are the same.
pub(crate) fn digest(text: &str) -> String {
    hex(&Sha256::digest(text))
}
