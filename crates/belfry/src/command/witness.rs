//! `belfry witness`: watching other nodes and being watched by them.

use std::sync::Arc;

use anyhow::Context;
use serde_json::{Value, json};
use witness::{Card, Policy, card, store};

use super::Ground;
use crate::cli::{self, Format};
use crate::clock::SystemClock;
use crate::exit_code::{Outcome, bad_input};
use crate::operate::{Request, actor};
use crate::witnessing::{policy, policy_path, standings, witness_dir};
use crate::{heads, listeners, talk, tower};

/// Runs the command.
pub(crate) fn run(ground: &Ground, say: &cli::Witness, format: Format) -> anyhow::Result<Outcome> {
    match say {
        cli::Witness::Serve => serve(ground),
        cli::Witness::AddLog { vkey } => add_log(ground, vkey),
        cli::Witness::Pair { card: None } => show_card(ground, format),
        cli::Witness::Pair { card: Some(words) } => pair(ground, &words.join(" "), format),
        cli::Witness::Status => status(ground, format),
    }
}

/// A witness alone, without a ledger beside it.
fn serve(ground: &Ground) -> anyhow::Result<Outcome> {
    let clock: Arc<dyn stdx::Clock> = Arc::new(SystemClock);
    let store = tower::open(&ground.config, &ground.disk, &clock)?;
    talk::say(&format!("  witness key    {}", store.vkey()));
    let address = ground.config.witness.serve_address;
    listeners::serve_witness_alone(address, store)?;
    Ok(Outcome::Fine)
}

fn add_log(ground: &Ground, vkey: &str) -> anyhow::Result<Outcome> {
    let key = vkey
        .parse()
        .map_err(|error| bad_input(format!("the log key: {error}")))?;
    let dir = witness_dir(&ground.config.data_dir);
    store::add_log(ground.disk.as_ref(), &dir, &key)
        .map_err(|error| bad_input(error.to_string()))?;
    record(ground, "watched log", key.name())?;
    talk::say(&format!("this node watches the log {}", key.name()));
    Ok(Outcome::Fine)
}

fn show_card(ground: &Ground, format: Format) -> anyhow::Result<Outcome> {
    let reader = ground.reader()?;
    let own = tower::card(&ground.config, ground.disk.as_ref(), &reader.vkey())?;
    match format {
        Format::Json => {
            let shown = json!({ "card": own.to_string(), "fingerprint": own.fingerprint() });
            talk::data(&shown.to_string());
        }
        Format::Text => {
            talk::say("say on the other node, and there read out the fingerprint:");
            talk::data(&format!("belfry witness pair '{own}'"));
            talk::say(&format!("fingerprint    {}", own.fingerprint()));
            advise(ground);
        }
    }
    Ok(Outcome::Fine)
}

/// Says what the card promises and the settings do not keep.
fn advise(ground: &Ground) {
    let settings = &ground.config.witness;
    if !settings.is_served {
        talk::say("note: `witness.serve.enabled` is false: nobody answers at the card's address");
    }
    if settings.url.is_none() && settings.serve_address.ip().is_loopback() {
        talk::say("note: the card's address is this machine only: set `witness.serve.url`");
    }
}

/// From now on this node watches the other's log and asks the other to watch its own.
fn pair(ground: &Ground, text: &str, format: Format) -> anyhow::Result<Outcome> {
    let theirs: Card = text
        .parse()
        .map_err(|error: card::CardError| bad_input(error.to_string()))?;
    let reader = ground.reader()?;
    let disk = ground.disk.as_ref();
    let own = tower::card(&ground.config, disk, &reader.vkey())?;
    if theirs.log == own.log || theirs.witness == own.witness {
        return Err(bad_input(
            "this is the card of this very node: paste it on the other one",
        ));
    }
    let known = policy(&ground.config, disk)?;
    let written = card::paired(known.as_ref(), &own.log, &theirs)
        .map_err(|error| bad_input(error.to_string()))?;
    let dir = witness_dir(&ground.config.data_dir);
    store::add_log(disk, &dir, &theirs.log).map_err(|error| bad_input(error.to_string()))?;
    let path = policy_path(&ground.config);
    // A crash before this line leaves a log that is watched for nothing.
    disk.write_atomic(&path, written.as_bytes())
        .with_context(|| format!("writing {}", path.display()))?;
    record(ground, "paired node", theirs.log.name())?;
    match format {
        Format::Json => {
            let shown = json!({
                "card": own.to_string(),
                "fingerprint": own.fingerprint(),
                "peer": theirs.log.name(),
                "peer_fingerprint": theirs.fingerprint(),
            });
            talk::data(&shown.to_string());
        }
        Format::Text => {
            talk::say(&format!("paired with {}", theirs.log.name()));
            talk::say(&format!("its fingerprint  {}", theirs.fingerprint()));
            talk::say("if the other node does not know this one yet, say there:");
            talk::data(&format!("belfry witness pair '{own}'"));
            talk::say(&format!("our fingerprint  {}", own.fingerprint()));
            advise(ground);
        }
    }
    Ok(Outcome::Fine)
}

/// The act becomes an entry; on a host with a witness only there is no ledger to write it to.
fn record(ground: &Ground, what: &str, target: &str) -> anyhow::Result<()> {
    if !crate::house::ledger_exists(ground.disk.as_ref(), &ground.config.data_dir)? {
        return Ok(());
    }
    ground.operate(Request::WitnessChanged {
        actor: actor(),
        what: what.to_owned(),
        target: target.to_owned(),
    })?;
    Ok(())
}

/// Who watches us and whom we watch; exit code 1 when somebody knows another history.
fn status(ground: &Ground, format: Format) -> anyhow::Result<Outcome> {
    let disk = ground.disk.as_ref();
    let policy = policy(&ground.config, disk)?;
    let mut is_bad = false;
    let mut witnesses = Vec::new();
    if let Some(policy) = &policy {
        for (name, standing) in standings(&ground.config, policy, &ground.reader()?)? {
            is_bad |= standing.is_tampering();
            witnesses.push(json!({
                "name": name,
                "says": standing.to_string(),
                "tampering": standing.is_tampering(),
            }));
        }
    }
    let dir = witness_dir(&ground.config.data_dir);
    let mut watched = Vec::new();
    for log in store::logs(disk, &dir)? {
        is_bad |= 0 < log.conflicts;
        watched.push(json!({
            "origin": log.origin,
            "size": log.size,
            "cosigned_at": log.time_s.map(rfc3339),
            "conflicts": log.conflicts,
        }));
    }
    let witnessed = heads::read(disk, &ground.config.data_dir);
    let witnessed = witnessed.as_deref().and_then(heads::size_of);
    let shown = json!({
        "policy": policy.as_ref().map(Policy::to_string),
        "witnessed_size": witnessed,
        "witnesses": witnesses,
        "watched": watched,
    });
    match format {
        Format::Json => talk::data(&shown.to_string()),
        Format::Text => tell_status(&shown),
    };
    Ok(if is_bad {
        Outcome::Findings
    } else {
        Outcome::Fine
    })
}

fn tell_status(shown: &Value) -> bool {
    let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    match shown["witnessed_size"].as_u64() {
        Some(size) => talk::data(&format!("witnessed    {size} entries")),
        None => talk::data("witnessed    nothing yet"),
    };
    for witness in shown["witnesses"].as_array().into_iter().flatten() {
        let (name, says) = (text(&witness["name"]), text(&witness["says"]));
        talk::data(&format!("witness      {name}: {says}"));
    }
    for log in shown["watched"].as_array().into_iter().flatten() {
        let size = log["size"].as_u64().unwrap_or(0);
        let (origin, at) = (text(&log["origin"]), text(&log["cosigned_at"]));
        let conflicts = log["conflicts"].as_u64().unwrap_or(0);
        talk::data(&format!(
            "watches      {origin}: {size} entries at {at}, {conflicts} conflicts"
        ));
    }
    shown["policy"].is_string() || talk::data("no policy: belfry witness pair")
}

fn rfc3339(time_s: u64) -> String {
    let nanos = i64::try_from(time_s)
        .unwrap_or(i64::MAX / stdx::calendar::SECOND_NANOS)
        .saturating_mul(stdx::calendar::SECOND_NANOS);
    stdx::calendar::format_rfc3339(nanos)
}
