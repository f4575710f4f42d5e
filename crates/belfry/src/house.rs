//! Builds the house from a configuration: ledger, redaction, rules, desk and the threads between
//! them. Building may refuse; nothing listens until [`crate::listeners`] opens the doors.

use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use alert::{Desk, DeskConfig};
use anyhow::Context;
use detect::{Engine, RuleSet};
use disk::Disk;
use ledger::{CreateError, Ledger, OpenError, Reader};
use stdx::Clock;

use crate::accounts::Accounts;
use crate::config::{Config, ledger_dir};
use crate::degraded::Degraded;
use crate::detector_state::Keeper;
use crate::exit_code::bad_input;
use crate::follow::{Progress, Watch};
use crate::heads::Heads;
use crate::pipeline::Pipeline;
use crate::reload::NextRules;
use crate::self_audit::{OwnEvent, SelfAudit};
use crate::sinks::{self, Couriers, Ear};
use crate::{enrichment, keys, rules, tokens};

/// Longest wait for followers to reach the head when closing.
const DRAIN_MAX: Duration = Duration::from_secs(20);
/// Longest wait for another command on the same folder to be done.
const LOCK_WAIT_MAX: Duration = Duration::from_secs(5);
/// Pause between looks while waiting for followers.
const DRAIN_PAUSE: Duration = Duration::from_millis(5);

/// Everything but the doors.
#[derive(Debug)]
pub(crate) struct House {
    pub(crate) config: Config,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) disk: Arc<dyn Disk>,
    pub(crate) reader: Reader,
    pub(crate) heads: Arc<Heads>,
    rules: Mutex<Arc<RuleSet>>,
    pub(crate) next_rules: Arc<NextRules>,
    pub(crate) pipeline: Arc<Pipeline>,
    pub(crate) own: SelfAudit,
    pub(crate) desk: Arc<Mutex<Desk>>,
    pub(crate) tokens: tokens::Store,
    pub(crate) accounts: Arc<Accounts>,
    pub(crate) progress: Arc<Progress>,
    ledger: Option<Ledger>,
    workers: Vec<JoinHandle<()>>,
    watch: Option<JoinHandle<anyhow::Result<()>>>,
    couriers: Option<Couriers>,
}

/// Where alerts are shown besides the configured sinks.
pub(crate) type AlertOutput = Box<dyn std::io::Write + Send>;

impl House {
    /// Opens the data folder of `config`, creating it on first use.
    pub(crate) fn open(
        config: Config,
        disk: Arc<dyn Disk>,
        clock: Arc<dyn Clock>,
        output: Option<AlertOutput>,
    ) -> anyhow::Result<Self> {
        let dir = config.data_dir.clone();
        disk.create_dir_all(&dir)
            .with_context(|| format!("creating {}", dir.display()))?;
        let ledger = open_ledger(&config, &disk, &clock)?;
        let reader = ledger.reader();
        let (rules, problems) = rules::load(&config, disk.as_ref())?;
        if !problems.is_empty() {
            return Err(bad_input(rules::refusal(&problems)));
        }
        let rules = Arc::new(rules);
        let policy = Arc::new(keys::policy(&config, disk.as_ref())?);
        let own = SelfAudit::new(Arc::clone(&policy), ledger.appender(), Arc::clone(&clock));
        let accounts = Arc::new(Accounts::default());
        let heads = Arc::new(Heads::load(
            Arc::clone(&disk),
            Arc::clone(&clock),
            &dir,
            reader.clone(),
            config.witness.grace,
        ));
        let pipeline = Pipeline::new(
            config.pipeline_queue_bytes_max,
            enrichment::enricher(&config, disk.as_ref())?,
            policy,
            ledger.appender(),
            Arc::clone(&heads),
            Arc::clone(&accounts),
            own.clone(),
        );
        let desk = open_desk(&config, disk.as_ref(), output.is_some(), &reader)?;
        let tokens = tokens::Store::load(Arc::clone(&disk), &dir)?;
        let mut house = Self {
            clock,
            disk,
            reader,
            heads,
            rules: Mutex::new(rules),
            next_rules: Arc::default(),
            pipeline,
            own,
            desk,
            tokens,
            accounts,
            progress: Arc::default(),
            ledger: Some(ledger),
            workers: Vec::new(),
            watch: None,
            couriers: None,
            config,
        };
        house.start(output)?;
        Ok(house)
    }

    fn start(&mut self, output: Option<AlertOutput>) -> anyhow::Result<()> {
        self.workers = self
            .pipeline
            .start(self.config.workers)
            .context("starting workers")?;
        let sinks = sinks::configured(&self.config, self.disk.as_ref(), output.is_some())?;
        let ear = Ear {
            accounts: Arc::clone(&self.accounts),
            own: self.own.clone(),
            clock: Arc::clone(&self.clock),
        };
        let desk = desk_path(&self.config.data_dir);
        let couriers = Couriers::start(&desk, sinks, &self.disk, output, &ear)?;
        let settings = rules::engine_config(&self.config, self.disk.as_ref())?;
        let (data, vkey) = (&self.config.data_dir, self.reader.vkey());
        let rules = self.rules();
        let watch = Watch {
            engine: Engine::new(Arc::clone(&rules), settings.clone()),
            rules,
            settings,
            keeper: Some(Keeper::start(&self.disk, data, &vkey)?),
            next_rules: Arc::clone(&self.next_rules),
            accounts: Arc::clone(&self.accounts),
            expected: self.expected(),
            degraded: Degraded::default(),
            desk: Arc::clone(&self.desk),
            reader: self.reader.clone(),
            heads: Arc::clone(&self.heads),
            own: self.own.clone(),
            clock: Arc::clone(&self.clock),
            progress: Arc::clone(&self.progress),
            bell: couriers.bell(),
            in_flight: HashMap::new(),
            figures_at: Instant::now(),
        };
        self.couriers = Some(couriers);
        let thread = std::thread::Builder::new().name("watch".to_owned());
        self.watch = Some(
            thread
                .spawn(move || watch.run())
                .context("starting the watch")?,
        );
        Ok(())
    }

    /// Sources that have a token, a listener or a file.
    fn expected(&self) -> BTreeSet<String> {
        let config = &self.config;
        let tokens = self.tokens.list().into_iter().map(|(_, source)| source);
        let syslog = config.syslog_udp.iter().chain(&config.syslog_tcp);
        let syslog = syslog.map(|listen| listen.source.clone());
        let files = config.files.iter().map(|file| file.source.clone());
        tokens.chain(syslog).chain(files).collect()
    }

    /// The rules at work.
    pub(crate) fn rules(&self) -> Arc<RuleSet> {
        Arc::clone(&self.rules.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Says which rules are at work from now on.
    pub(crate) fn exchange_rules(&self, set: Arc<RuleSet>) {
        *self.rules.lock().unwrap_or_else(PoisonError::into_inner) = set;
    }

    /// Whether the ledger writes and all threads that must run still run.
    pub(crate) fn is_alive(&self) -> bool {
        self.fault().is_none()
    }

    /// Why the house cannot go on, if it cannot.
    pub(crate) fn fault(&self) -> Option<String> {
        if let Some(reason) = self.ledger.as_ref().and_then(Ledger::fault) {
            return Some(format!("the ledger stopped: {reason}"));
        }
        if self.watch.as_ref().is_none_or(JoinHandle::is_finished) {
            return Some("the watch over the rules has ended".to_owned());
        }
        let couriers = self.couriers.iter().flat_map(Couriers::threads);
        let mut threads = self.workers.iter().chain(couriers);
        let ended = threads.find(|thread| thread.is_finished())?;
        Some(format!(
            "{} has ended",
            ended.thread().name().unwrap_or("a worker")
        ))
    }

    /// Waits until rules and desk have seen every entry, or `max` has passed; whether they have.
    pub(crate) fn settle(&self, max: Duration) -> bool {
        let start = Instant::now();
        while self.progress.next.load(Ordering::Acquire) < self.reader.tree_size().0 {
            if !self.is_alive() || start.elapsed() > max {
                return false;
            }
            std::thread::sleep(DRAIN_PAUSE);
        }
        true
    }

    /// Stops in reverse order: doors are closed already, what waits is carried through, followers
    /// reach the head, the last entry is written, the ledger closes with a checkpoint. Every step
    /// is taken whatever became of those before it; the first fault is returned.
    pub(crate) fn close(mut self, reason: Option<&str>) -> anyhow::Result<()> {
        self.pipeline.close();
        let mut outcome = Ok(());
        for worker in self.workers.drain(..) {
            let joined = worker.join();
            outcome = outcome.and(joined.map_err(|_| anyhow::anyhow!("a worker panicked")));
        }
        if let Some(reason) = reason {
            let stop = OwnEvent::new("sys_shutdown", "process", "end", "success");
            let stop = stop.text(event::field::EVENT_REASON, reason);
            let recorded = self.own.record(stop).context("recording the stop");
            outcome = outcome.and(recorded.map(|_| ()));
        }
        self.settle(DRAIN_MAX);
        self.progress.stop.store(true, Ordering::Release);
        if let Some(watch) = self.watch.take() {
            let joined = watch.join();
            let joined = joined.map_err(|_| anyhow::anyhow!("the watch panicked"));
            outcome = outcome.and(joined.flatten());
        }
        if let Some(ledger) = self.ledger.take() {
            let closed = ledger.close();
            let closed = closed.map_err(|reason| anyhow::anyhow!("closing the ledger: {reason}"));
            outcome = outcome.and(closed);
        }
        if let Some(couriers) = self.couriers.take() {
            couriers.stop();
        }
        outcome
    }

    /// The desk, also after a panic of somebody who held it: SQLite keeps it whole.
    pub(crate) fn desk(&self) -> std::sync::MutexGuard<'_, Desk> {
        self.desk.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn open_ledger(
    config: &Config,
    disk: &Arc<dyn Disk>,
    clock: &Arc<dyn Clock>,
) -> anyhow::Result<Ledger> {
    let settings = ledger_config(config);
    let shown = settings.dir.display();
    let start = Instant::now();
    loop {
        let error = match create_or_open(&settings, config, disk, clock) {
            Ok(ledger) => return Ok(ledger),
            Err(error) => error,
        };
        let is_locked = error.downcast_ref().is_some_and(OpenError::is_locked)
            || error.downcast_ref().is_some_and(CreateError::is_locked);
        if !is_locked {
            return Err(error).with_context(|| format!("opening the ledger in {shown}"));
        }
        if start.elapsed() > LOCK_WAIT_MAX {
            return Err(bad_input(format!("opening the ledger: {error}")));
        }
        std::thread::sleep(DRAIN_PAUSE);
    }
}

fn create_or_open(
    settings: &ledger::Config,
    config: &Config,
    disk: &Arc<dyn Disk>,
    clock: &Arc<dyn Clock>,
) -> anyhow::Result<Ledger> {
    if !ledger_exists(disk.as_ref(), &config.data_dir)? {
        match Ledger::create(Arc::clone(disk), Arc::clone(clock), settings) {
            // Another start was quicker: what it made is as good.
            Ok(()) | Err(CreateError::Exists { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
    let (ledger, _recovery) = Ledger::open(Arc::clone(disk), Arc::clone(clock), settings)?;
    Ok(ledger)
}

/// Whether the data folder `data` holds a ledger.
pub(crate) fn ledger_exists(disk: &dyn Disk, data: &Path) -> anyhow::Result<bool> {
    let dir = ledger_dir(data);
    Ok(disk
        .stat(&dir)
        .with_context(|| format!("looking at {}", dir.display()))?
        .is_some())
}

/// The ledger's settings under `config`.
pub(crate) fn ledger_config(config: &Config) -> ledger::Config {
    ledger::Config {
        checkpoint_interval: config.checkpoint_interval,
        segment_bytes_max: config.segment_bytes_max,
        epoch: config.epoch,
        recovery_vkey: config.recovery_vkey.clone(),
        queue_bytes_max: usize::try_from(config.ledger_queue_bytes_max).unwrap_or(usize::MAX),
        ..ledger::Config::new(config.ledger_dir(), config.origin.clone())
    }
}

/// The desk's file in the data folder `data`.
pub(crate) fn desk_path(data: &Path) -> PathBuf {
    data.join("desk.db")
}

fn open_desk(
    config: &Config,
    disk: &dyn Disk,
    has_output: bool,
    reader: &Reader,
) -> anyhow::Result<Arc<Mutex<Desk>>> {
    let sinks = sinks::configured(config, disk, has_output)?;
    let routes = sinks.iter().map(alert::SinkConfig::route).collect();
    let settings = DeskConfig {
        routes,
        ledger_size: reader.tree_size(),
    };
    let path = desk_path(&config.data_dir);
    let desk = Desk::open(&path, settings)
        .with_context(|| format!("opening the alert desk {}", path.display()))?;
    Ok(Arc::new(Mutex::new(desk)))
}
