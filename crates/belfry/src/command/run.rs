//! `belfry run`: open the house, open the doors, watch until told to stop.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use event::field;

use super::Ground;
use crate::clock::SystemClock;
use crate::config::StdoutFormat;
use crate::exit_code::Outcome;
use crate::house::House;
use crate::listeners::Doors;
use crate::listeners::RELOAD_SIGNAL;
use crate::operate::{Desk, actor};
use crate::self_audit::OwnEvent;
use crate::watchman::Watchman;
use crate::witnessing::{self, Witnessing};
use crate::{BUILD, keys, reload, talk};

/// File of the data folder with the digest of the last settings, and its length.
const HASH_FILE: &str = "config.hash";
const HASH_BYTES_MAX: u64 = 128;
/// Pause between looks at the health of our own threads.
const HEALTH_PAUSE: Duration = Duration::from_millis(500);

/// Runs the command.
pub(crate) fn run(ground: Ground, accept_rollback: bool) -> anyhow::Result<Outcome> {
    let Ground { config, disk } = ground;
    let before = witnessing::before_start(&config, &disk)?;
    if !before.contradictions.is_empty() && !accept_rollback {
        talk::say(&witnessing::refusal(&before));
        return Ok(Outcome::Findings);
    }
    let shows = config.alert_stdout;
    let output: Option<crate::house::AlertOutput> =
        shows.map(|_| Box::new(std::io::stdout()) as crate::house::AlertOutput);
    let house = Arc::new(House::open(config, disk, Arc::new(SystemClock), output)?);
    let doors = match Doors::open(&house) {
        Ok(doors) => doors,
        Err(error) => {
            let house = Arc::into_inner(house).context("somebody still holds the house")?;
            house.close(None)?;
            return Err(error);
        }
    };
    record_start(&house)?;
    witnessing::record_acceptance(&house, &before)?;
    Desk::announce(
        house.disk.as_ref(),
        &house.config.data_dir,
        &doors.admin_address.to_string(),
    )?;
    greet(&house, &doors, shows);
    let watchman = Watchman::start(&house)?;
    let witnesses = Witnessing::start(&house)?;
    let (reason, is_asked) = wait(&house, &doors, &watchman, &witnesses);
    talk::say(&format!("stopping: {reason}"));
    Desk::withdraw(house.disk.as_ref(), &house.config.data_dir);
    watchman.stop();
    witnesses.stop();
    doors.close();
    let house = Arc::into_inner(house).context("somebody still holds the house")?;
    house.close(Some(&reason))?;
    anyhow::ensure!(is_asked, "{reason}");
    Ok(Outcome::Fine)
}

/// The entry that says who started what, with which rules; and one more when the settings differ
/// from those of the last start.
pub(crate) fn record_start(house: &House) -> anyhow::Result<()> {
    let hash = keys::digest(house.config.digest_text());
    record_change(house, &hash)?;
    let own = OwnEvent::new("sys_startup", "process", "start", "success")
        .text(field::SERVICE_VERSION, BUILD)
        .text(field::USER_NAME, &actor())
        .named("belfry.rules", &house.rules().rules().len().to_string())
        .named("belfry.config_hash", &hash);
    house.own.record(own).context("recording the start")?;
    Ok(())
}

/// Writes `config_changed` when `hash` is not the one remembered from the last start.
fn record_change(house: &House, hash: &str) -> anyhow::Result<()> {
    let path = house.config.data_dir.join(HASH_FILE);
    let disk = house.disk.as_ref();
    let known = disk.stat(&path).context("looking for the last settings")?;
    let last = match known {
        Some(_) => disk
            .read(&path, HASH_BYTES_MAX)
            .context("reading the last settings")?,
        None => Vec::new(),
    };
    if last == hash.as_bytes() {
        return Ok(());
    }
    if !last.is_empty() {
        let own = OwnEvent::new("config_changed", "configuration", "change", "success")
            .text(field::USER_NAME, &actor())
            .text(field::LABELS_TARGET_TYPE, "settings of belfry run")
            .named("belfry.config_hash", hash)
            .named("belfry.config_hash_before", &String::from_utf8_lossy(&last));
        house
            .own
            .record(own)
            .context("recording the changed settings")?;
    }
    // If we die before this line the change is recorded again at the next start.
    disk.write_atomic(&path, hash.as_bytes())
        .context("remembering the settings")
}

fn greet(house: &House, doors: &Doors, shows: Option<StdoutFormat>) {
    talk::say(&format!(
        "belfry {BUILD}, data in {}",
        house.config.data_dir.display()
    ));
    talk::say(&format!("  verifier key   {}", house.reader.vkey()));
    talk::say(&format!("  entries        {}", house.reader.tree_size()));
    talk::say(&format!("  rules          {}", house.rules().rules().len()));
    if let Some(address) = doors.http_address {
        talk::say(&format!("  events         POST http://{address}/v1/events"));
    }
    for line in &doors.described {
        talk::say(&format!("  {line}"));
    }
    talk::say(&format!(
        "  operator       http://{}/metrics",
        doors.admin_address
    ));
    if house.tokens.list().is_empty() {
        talk::say("  no source has a token yet: belfry token create NAME");
    }
    if shows.is_some() {
        talk::say("alerts follow on standard output");
    }
}

/// Waits for a signal or for the end of one of our threads; why we stop, and whether somebody
/// asked for it.
fn wait(
    house: &House,
    doors: &Doors,
    watchman: &Watchman,
    witnesses: &Witnessing,
) -> (String, bool) {
    loop {
        match doors.signal(HEALTH_PAUSE) {
            Some(signal) if signal == RELOAD_SIGNAL => match reload::reload(house, RELOAD_SIGNAL) {
                Ok(_) => {}
                Err(error) => talk::say(&format!("{error:#}")),
            },
            Some(signal) => return (signal, true),
            None => {}
        }
        let fault = house
            .fault()
            .or_else(|| doors.fault())
            .or_else(|| watchman.fault())
            .or_else(|| witnesses.fault());
        if let Some(fault) = fault {
            return (fault, false);
        }
    }
}
