//! `belfry keys`: the keys of the ledger, and what to do when one is lost.

use std::path::Path;

use anyhow::Context;
use ledger::{Ledger, RecoveryKey, RecoveryKeyError, fingerprint_words};
use serde_json::{Value, json};

use super::Ground;
use crate::cli::{Format, Keys};
use crate::clock::SystemClock;
use crate::exit_code::{Outcome, bad_input};
use crate::house;
use crate::talk;

/// Runs the command.
pub(crate) fn run(ground: &Ground, say: &Keys, format: Format) -> anyhow::Result<Outcome> {
    match say {
        Keys::Show => show(ground, format),
        Keys::RecoveryKey { file } => make(ground, file, format),
        Keys::Recover { recovery_key } => recover(ground, recovery_key, format),
    }
}

fn show(ground: &Ground, format: Format) -> anyhow::Result<Outcome> {
    let vkey = ground.reader()?.vkey();
    let words = fingerprint_words(&vkey);
    let text = format!("verifier key  {vkey}\nfingerprint   {words}");
    print(format, &json!({"vkey": vkey, "fingerprint": words}), &text);
    Ok(Outcome::Fine)
}

fn make(ground: &Ground, file: &Path, format: Format) -> anyhow::Result<Outcome> {
    let key = RecoveryKey::fresh(&ground.config.origin).map_err(refused)?;
    key.write_new(ground.disk.as_ref(), file).map_err(refused)?;
    let vkey = key.vkey();
    let words = fingerprint_words(&vkey);
    let shown = file.display();
    let text = format!(
        "the recovery key is in {shown}: move it to a safe place off this machine\n\
         fingerprint   {words}\n\
         before the first start, put into belfry.toml:\n\n\
         [ledger]\nrecovery_vkey = \"{vkey}\""
    );
    print(format, &json!({"vkey": vkey, "fingerprint": words}), &text);
    Ok(Outcome::Fine)
}

fn recover(ground: &Ground, file: &Path, format: Format) -> anyhow::Result<Outcome> {
    let key = RecoveryKey::read(ground.disk.as_ref(), file).map_err(refused)?;
    let settings = house::ledger_config(&ground.config);
    let recovered = Ledger::recover_epoch_key(&ground.disk, &SystemClock, &settings, &key);
    if let Err(error @ (ledger::OpenError::RecoveryKey { .. } | ledger::OpenError::InUse { .. })) =
        recovered
    {
        return Err(bad_input(error.to_string()));
    }
    recovered.context("recovering the epoch key")?;
    let text = "a new epoch has begun, sealed by the recovery key; the ledger can be started";
    print(format, &json!({"recovered": true}), text);
    Ok(Outcome::Fine)
}

fn refused(error: RecoveryKeyError) -> anyhow::Error {
    match error {
        RecoveryKeyError::Disk(error) => anyhow::Error::from(error),
        error => bad_input(error.to_string()),
    }
}

fn print(format: Format, value: &Value, text: &str) {
    match format {
        Format::Json => talk::data(&value.to_string()),
        Format::Text => talk::data(text),
    };
}
