//! Keeps the witnesses of the policy up to date and rings when they are not there or know another
//! history. Acks never wait for a witness: who reads the alarm decides, not the network.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::Context;
use disk::Disk;
use event::field;
use ledger::Reader;
use witness::round::Memory;
use witness::{Client, Fault, Policy, Round, Standing};

use crate::config::Config;
use crate::exit_code::bad_input;
use crate::house::House;
use crate::self_audit::OwnEvent;
use crate::{heads, talk};

/// Pause between looks at the stop sign.
const LOOK: Duration = Duration::from_millis(100);
/// A ledger that does not grow is shown again after this long, so that the time in the
/// cosignatures proves that it has not been taken away.
const REFRESH: Duration = Duration::from_mins(1);
/// While witnesses are missing the alarm is repeated this often.
const REPEAT: Duration = Duration::from_hours(1);
/// Bytes of a policy file.
const POLICY_BYTES_MAX: u64 = 256 * 1024;
/// Different contradictions that ring in one process; more would say nothing new.
const CONTRADICTIONS_MAX: usize = 64;

/// The witness's folder in the data folder `data`.
pub(crate) fn witness_dir(data: &Path) -> PathBuf {
    data.join("witness")
}

/// Where the policy of `config` is.
pub(crate) fn policy_path(config: &Config) -> PathBuf {
    let usual = || witness_dir(&config.data_dir).join("policy");
    config.witness.policy.clone().unwrap_or_else(usual)
}

/// The policy of `config`; `None` when there is none.
pub(crate) fn policy(config: &Config, disk: &dyn Disk) -> anyhow::Result<Option<Policy>> {
    let Some(text) = policy_text(config, disk)? else {
        return Ok(None);
    };
    let shown = policy_path(config);
    let policy =
        Policy::parse(&text).map_err(|error| bad_input(format!("{}: {error}", shown.display())))?;
    Ok(Some(policy))
}

/// The policy of `config` as it is written.
pub(crate) fn policy_text(config: &Config, disk: &dyn Disk) -> anyhow::Result<Option<String>> {
    let path = policy_path(config);
    let shown = path.display();
    let found = disk.stat(&path);
    if found
        .with_context(|| format!("looking for {shown}"))?
        .is_none()
    {
        return match config.witness.policy {
            Some(_) => Err(bad_input(format!("`witness.policy`: there is no {shown}"))),
            None => Ok(None),
        };
    }
    let bytes = disk
        .read(&path, POLICY_BYTES_MAX)
        .with_context(|| format!("reading {shown}"))?;
    let text = String::from_utf8(bytes).map_err(|_| bad_input(format!("{shown} is no text")))?;
    Ok(Some(text))
}

/// What every witness remembers, compared with the ledger that `reader` shows.
pub(crate) fn standings(
    config: &Config,
    policy: &Policy,
    reader: &Reader,
) -> anyhow::Result<Vec<(String, Standing)>> {
    let key = reader.vkey().parse().context("our own verifier key")?;
    if !policy.logs().iter().any(|log| log.key == key) {
        return Err(bad_input(format!(
            "the policy {} does not believe this ledger: its key {key} is not among the lines \
             `log`. Either the ledger was replaced or the policy belongs to another one",
            policy_path(config).display()
        )));
    }
    let ours = reader.checkpoint();
    let ours = ours.as_deref().and_then(heads::size_of).unwrap_or(0);
    let root_at = |size: u64| reader.root_at(size).map_err(|error| error.to_string());
    let client = Client::new(config.witness.timeout);
    Ok(witness::standing::ask_all(
        &client, policy, &key, ours, &root_at,
    ))
}

/// What the witnesses said before the house was opened.
#[derive(Debug, Default)]
pub(crate) struct Before {
    /// Each a witness and what it knows that this ledger does not.
    pub(crate) contradictions: Vec<(String, String)>,
}

/// Asks the witnesses before anything is written.
pub(crate) fn before_start(config: &Config, disk: &Arc<dyn Disk>) -> anyhow::Result<Before> {
    let mut before = Before::default();
    let Some(policy) = policy(config, disk.as_ref())? else {
        return Ok(before);
    };
    if !crate::house::ledger_exists(disk.as_ref(), &config.data_dir)? {
        return Err(bad_input(format!(
            "there is a policy for witnesses in {} but no ledger: it was removed. Put it back, or \
             move the policy away and start a ledger of another `ledger.origin`",
            policy_path(config).display()
        )));
    }
    let reader = Reader::open(Arc::clone(disk), &config.ledger_dir())?;
    for (name, standing) in standings(config, &policy, &reader)? {
        match standing {
            Standing::Unseen | Standing::Behind { .. } => {}
            standing if standing.is_tampering() => {
                before.contradictions.push((name, standing.to_string()));
            }
            other => talk::say(&format!("witness {name}: {other}")),
        }
    }
    Ok(before)
}

const WHAT_TO_DO: &str = "\
what to do:
  1. copy the data folder away and change nothing in it: it is evidence
  2. if a newer copy of the ledger exists (mirror, backup), put it in place and start again
  3. if it is lost, begin a new generation: an empty data folder and a new `ledger.origin`,
     such as .../2, and pair it anew
  4. to take in events at once, `belfry run --accept-rollback`: the act becomes an entry, D28
     rings, and these witnesses will never sign this ledger again";

/// The refusal to start, with what to do.
pub(crate) fn refusal(before: &Before) -> String {
    let mut text =
        "belfry does not start: the ledger is not the one that its witnesses know\n".to_owned();
    for (name, knows) in &before.contradictions {
        text.push_str("  witness ");
        text.push_str(name);
        text.push(' ');
        text.push_str(knows);
        text.push('\n');
    }
    text + WHAT_TO_DO
}

/// Writes down that somebody started in spite of the witnesses.
pub(crate) fn record_acceptance(house: &House, before: &Before) -> anyhow::Result<()> {
    for (name, knows) in &before.contradictions {
        let reason = format!("started with --accept-rollback: witness {name} {knows}");
        let own = tampered(name, &reason).text(field::USER_NAME, &crate::operate::actor());
        house.own.record(own).context("recording the acceptance")?;
    }
    Ok(())
}

fn tampered(witness: &str, reason: &str) -> OwnEvent {
    OwnEvent::new(
        "log_integrity_fail",
        "intrusion_detection",
        "info",
        "failure",
    )
    .text(field::LABELS_TARGET_TYPE, "ledger")
    .text(field::LABELS_TARGET_ID, witness)
    .text(field::EVENT_REASON, reason)
}

/// The thread that goes around.
#[derive(Debug)]
pub(crate) struct Witnessing {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

impl Witnessing {
    /// Starts going around; without a policy it only looks whether one appears.
    pub(crate) fn start(house: &Arc<House>) -> anyhow::Result<Self> {
        let stop = Arc::new(AtomicBool::new(false));
        let (stopped, house) = (Arc::clone(&stop), Arc::clone(house));
        let mut rounds = Rounds::new(&house);
        let walk = move || {
            let mut next = Instant::now();
            while !stopped.load(Ordering::Acquire) {
                if next <= Instant::now() {
                    rounds.go(&house);
                    // At least one pause lies between two rounds, however long one takes.
                    next = Instant::now() + house.config.witness.interval;
                }
                std::thread::sleep(LOOK);
            }
        };
        let thread = std::thread::Builder::new()
            .name("witnesses".to_owned())
            .spawn(walk)
            .context("starting to ask the witnesses")?;
        Ok(Self { stop, thread })
    }

    /// Why nobody asks the witnesses any more, if so.
    pub(crate) fn fault(&self) -> Option<String> {
        let has_ended = self.thread.is_finished();
        has_ended.then(|| "the thread that asks the witnesses has ended".to_owned())
    }

    /// Ends the thread.
    pub(crate) fn stop(self) {
        self.stop.store(true, Ordering::Release);
        // A panic of this thread was reported when it happened and must not stop the closing.
        let _ = self.thread.join();
    }
}

/// What is remembered between rounds.
struct Rounds {
    client: Client,
    memory: Memory,
    /// The checkpoint that all witnesses have signed, and when.
    complete: Option<(Arc<str>, Instant)>,
    /// When the policy was last satisfied, or we started.
    good_at: Instant,
    rung_at: Option<Instant>,
    contradictions: BTreeSet<(String, String)>,
    /// What was last said about an unusable policy.
    problem: Option<String>,
}

impl Rounds {
    fn new(house: &House) -> Self {
        Self {
            client: Client::new(house.config.witness.timeout),
            memory: Memory::default(),
            complete: None,
            good_at: Instant::now(),
            rung_at: None,
            contradictions: BTreeSet::new(),
            problem: None,
        }
    }

    fn go(&mut self, house: &House) {
        let policy = match policy(&house.config, house.disk.as_ref()) {
            Ok(Some(policy)) => policy,
            Ok(None) => {
                // Nobody is missed whom nobody asked for.
                self.good_at = Instant::now();
                return;
            }
            Err(error) => return self.missing(house, &format!("{error:#}")),
        };
        let Some(checkpoint) = house.reader.checkpoint() else {
            return;
        };
        if let Some((known, at)) = &self.complete
            && *known == checkpoint
            && at.elapsed() < REFRESH
        {
            return;
        }
        let reader = &house.reader;
        let proofs = |old: u64, new: u64| {
            let proof = reader.consistency_proof(old, new);
            proof.map_err(|error| error.to_string())
        };
        let round = Round::run(
            &self.client,
            &policy,
            &checkpoint,
            &mut self.memory,
            &proofs,
        );
        match round {
            Ok(round) => self.heard(house, &round, &checkpoint),
            Err(error) => self.missing(house, &error.to_string()),
        }
    }

    fn heard(&mut self, house: &House, round: &Round, checkpoint: &Arc<str>) {
        for (name, answer) in &round.answers {
            if let Err(fault) = answer
                && fault.is_tampering()
            {
                self.contradicted(house, name, fault);
            }
        }
        let is_complete = round.answers.iter().all(|(_, answer)| answer.is_ok());
        self.complete = is_complete.then(|| (Arc::clone(checkpoint), Instant::now()));
        if !round.is_satisfied {
            let said = round.answers.iter().filter_map(|(name, answer)| {
                let fault = answer.as_ref().err()?;
                Some(format!("{name} {fault}"))
            });
            let said: Vec<String> = said.collect();
            return self.missing(house, &said.join("; "));
        }
        if let Err(error) = house.heads.witnessed(&round.note, round.size) {
            return self.missing(house, &format!("keeping the cosigned checkpoint: {error}"));
        }
        self.good_at = Instant::now();
        self.problem = None;
        if self.rung_at.take().is_some() {
            talk::say("the witnesses are back");
            let own = OwnEvent::new("log_witnessed", "configuration", "info", "success")
                .text(field::LABELS_TARGET_TYPE, "ledger")
                .count(round.size);
            house.own.record_soon(own);
        }
    }

    /// A witness knows another history: rings at once, once for each different contradiction.
    fn contradicted(&mut self, house: &House, name: &str, fault: &Fault) {
        let kind = match fault {
            Fault::Ahead { seen, .. } => format!("ahead {seen}"),
            other => other.to_string(),
        };
        let is_news = self.contradictions.len() < CONTRADICTIONS_MAX
            && self.contradictions.insert((name.to_owned(), kind));
        if is_news {
            let reason = format!("witness {name} {fault}");
            talk::say(&format!("TAMPERING: {reason}"));
            house.own.record_soon(tampered(name, &reason));
        }
    }

    /// The policy is not satisfied: rings after the grace, and again while it lasts.
    fn missing(&mut self, house: &House, reason: &str) {
        if self.problem.as_deref() != Some(reason) {
            talk::say(&format!("not witnessed: {reason}"));
            self.problem = Some(reason.to_owned());
        }
        let is_over = house.config.witness.grace <= self.good_at.elapsed();
        let is_due = self.rung_at.is_none_or(|at| REPEAT <= at.elapsed());
        if !is_over || !is_due {
            return;
        }
        self.rung_at = Some(Instant::now());
        let own = OwnEvent::new("log_unwitnessed", "intrusion_detection", "info", "failure")
            .text(field::LABELS_TARGET_TYPE, "ledger")
            .text(field::LABELS_TARGET_ID, "witnesses")
            .text(field::EVENT_REASON, reason)
            .count(self.good_at.elapsed().as_secs());
        house.own.record_soon(own);
    }
}
