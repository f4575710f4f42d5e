//! The read path: one thread follows the ledger, feeds the rules, drafts alerts as entries and
//! projects alert entries onto the desk.
//!
//! The desk's cursor is saved with the desk in one transaction. After a crash the batch behind it
//! is followed again: alert ids are deterministic, so nothing rings twice.

use std::collections::{BTreeSet, HashMap, hash_map};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use alert::{AlertId, Bell, Desk};
use anyhow::Context;
use detect::{Engine, EngineConfig, RuleSet, RuleStats};
use event::{Detection, Entry, Event, Index, ObservedAt, Value, field};
use ledger::{AppendError, Damage, Follower, ReadError, Reader, Refused};
use stdx::Clock;

use crate::accounts::Accounts;
use crate::config::OWN_SOURCE;
use crate::degraded::Degraded;
use crate::detector_state::Keeper;
use crate::heads::Heads;
use crate::reload::NextRules;
use crate::rule_health::Observed;
use crate::self_audit::{OwnEvent, SelfAudit};
use crate::{received, talk};

/// How long the thread sleeps when nothing comes, before it looks at its stop sign.
const WAIT: Duration = Duration::from_millis(200);
/// Entries read at once when rebuilding the state of the rules.
const REPLAY_BYTES_MAX: usize = 8 << 20;
/// Ledgers of up to so many entries are replayed whole when the detector's memory is missing: it is
/// done in seconds, and the state is exact.
const REPLAY_WHOLE_MAX: u64 = 1_000_000;
/// Shortest time between two readings of the rules' figures.
const FIGURES_PAUSE: Duration = Duration::from_secs(1);
/// Pause between two attempts at something that a full disk or a locked desk keeps from happening.
const INSIST_PAUSE: Duration = Duration::from_secs(1);
/// Attempts before the watch gives up and ends the process: a quarter of an hour.
const INSIST_MAX: u32 = 900;

/// What others may know about the thread.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    /// Entries followed: the next index to look at.
    pub(crate) next: AtomicU64,
    /// Alert entries drafted since start.
    pub(crate) drafted: AtomicU64,
    /// Groups of correlations given up for lack of room: detection was degraded.
    pub(crate) evictions: AtomicU64,
    /// Matches too late to count.
    pub(crate) dropped_late: AtomicU64,
    /// Entries whose claimed time was not believed.
    pub(crate) clock_suspect: AtomicU64,
    /// What was seen of fields and rules.
    pub(crate) observed: Mutex<Observed>,
    /// Set to end the thread.
    pub(crate) stop: AtomicBool,
}

/// The watch: rules and desk behind one cursor.
pub(crate) struct Watch {
    pub(crate) engine: Engine,
    pub(crate) rules: Arc<RuleSet>,
    pub(crate) settings: EngineConfig,
    /// Where the engine's memory is kept; `None` once it is closed.
    pub(crate) keeper: Option<Keeper>,
    pub(crate) next_rules: Arc<NextRules>,
    pub(crate) accounts: Arc<Accounts>,
    /// Sources that somebody has set up: those are missed when they stay silent after a start.
    pub(crate) expected: BTreeSet<String>,
    pub(crate) degraded: Degraded,
    pub(crate) desk: Arc<Mutex<Desk>>,
    pub(crate) reader: Reader,
    pub(crate) heads: Arc<Heads>,
    pub(crate) own: SelfAudit,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) progress: Arc<Progress>,
    pub(crate) bell: Arc<Bell>,
    /// Alerts written and not yet seen coming back, each with the newest detection that waits for
    /// it. Bounded by what one look ahead of the follower can hold: all come back.
    pub(crate) in_flight: HashMap<AlertId, Option<Detection>>,
    /// When the figures were shown last.
    pub(crate) figures_at: Instant,
}

impl Watch {
    /// Follows until told to stop. An error here means the desk or the ledger failed.
    pub(crate) fn run(mut self) -> anyhow::Result<()> {
        let cursor = self.desk().cursor().context("reading the desk's cursor")?;
        let next = cursor.map_or(Index(0), Index::next);
        self.rebuild(next)?;
        self.recall(next)?;
        for (source, heard) in self.engine.heard() {
            if self.expected.contains(source) {
                self.accounts.remember(source, heard.0);
            }
        }
        let mut follower = self.reader.follow(next);
        self.progress.next.store(next.0, Ordering::Release);
        while !self.progress.stop.load(Ordering::Acquire) {
            self.step(&mut follower)?;
        }
        if let Some(keeper) = self.keeper.take() {
            keeper.close(&self.engine);
        }
        Ok(())
    }

    /// Swaps in rules that were loaded and tested elsewhere.
    fn exchange_rules(&mut self) {
        if let Some(set) = self.next_rules.take() {
            let kept = self.engine.reload(Arc::clone(&set));
            self.rules = set;
            self.degraded.forget();
            talk::say(&format!("rules exchanged, {kept} of them as they were"));
        }
    }

    /// Nothing came. Windows that wait for their end are judged by the time of receipt of entries
    /// alone, so that a replay judges alike; when one is over, an entry of our own moves the clock.
    fn pass_time(&mut self) -> anyhow::Result<()> {
        let now = self.clock.unix_nanos();
        if self.engine.due().is_some_and(|due| due.0 <= now) {
            let own = OwnEvent::new("detection_clock", "process", "info", "success");
            match self.own.record(own) {
                // A full disk passes; the window stays due.
                Ok(_) | Err(AppendError::DiskFull { .. }) => {}
                Err(error) => return Err(error).context("moving the clock"),
            }
        }
        if let Some(keeper) = &mut self.keeper {
            keeper.take_in_time(&self.engine);
        }
        Ok(())
    }

    fn step(&mut self, follower: &mut Follower) -> anyhow::Result<()> {
        self.exchange_rules();
        let batch = match follower.next(WAIT) {
            Ok(Some(batch)) => batch,
            Ok(None) => return self.pass_time(),
            Err(ReadError::Corrupt { .. }) => return self.step_over(follower),
            Err(error) => return Err(error).context("following the ledger"),
        };
        let detections = newest_of_each(self.engine.apply(&batch));
        self.observed().note(&batch, &detections);
        self.insist(|watch| watch.draft(&detections, &batch))?;
        // If we die here, alert entries are durable and the desk is behind: the batch is followed
        // again, the same ids are drafted again and the desk keeps one of each.
        let changes = self.insist(|watch| Ok(watch.desk().apply(&batch)?))?;
        if !changes.is_empty() {
            self.bell.ring();
        }
        let grown = self.returned(&batch);
        if !grown.is_empty() {
            self.insist(|watch| watch.draft(&grown, &batch))?;
        }
        if let Some(last) = batch.last() {
            let next = last.index().0 + 1;
            self.progress.next.store(next, Ordering::Release);
        }
        self.publish_figures();
        // What the desk has applied is drafted: a state taken here has nothing untold in it.
        if let Some(keeper) = &mut self.keeper {
            keeper.take_in_time(&self.engine);
        }
        Ok(())
    }

    /// Shows what the rules had to give up, at most once in [`FIGURES_PAUSE`].
    fn publish_figures(&mut self) {
        if self.figures_at.elapsed() < FIGURES_PAUSE {
            return;
        }
        self.figures_at = Instant::now();
        let stats = self.engine.stats();
        let sum = |of: fn(&RuleStats) -> u64| stats.rules.iter().map(of).sum();
        let progress = &self.progress;
        progress
            .evictions
            .store(sum(|rule| rule.evictions), Ordering::Relaxed);
        progress
            .dropped_late
            .store(sum(|rule| rule.dropped_late), Ordering::Relaxed);
        progress
            .clock_suspect
            .store(stats.clock_suspect, Ordering::Relaxed);
        self.degraded.look(&stats, &self.own);
        self.observed().stats = Some(stats);
    }

    fn observed(&self) -> std::sync::MutexGuard<'_, Observed> {
        let observed = self.progress.observed.lock();
        observed.unwrap_or_else(PoisonError::into_inner)
    }

    /// Does `work` again until it succeeds: a full disk and a locked desk pass, and nothing may be
    /// skipped meanwhile. Gives up when told to stop, when the ledger has failed for good, or
    /// after [`INSIST_MAX`] attempts.
    fn insist<T>(
        &mut self,
        mut work: impl FnMut(&mut Self) -> anyhow::Result<T>,
    ) -> anyhow::Result<T> {
        let mut attempts = 0;
        loop {
            let error = match work(self) {
                Ok(done) => return Ok(done),
                Err(error) => error,
            };
            attempts += 1;
            let is_told = self.progress.stop.load(Ordering::Acquire);
            if is_told || is_final(&error) || attempts >= INSIST_MAX {
                return Err(error);
            }
            if attempts == 1 {
                talk::say(&format!("the watch waits and tries again: {error:#}"));
            }
            std::thread::sleep(INSIST_PAUSE);
        }
    }

    /// Alerts of `batch` have come back from the ledger: what was learnt about them meanwhile.
    fn returned(&mut self, batch: &[Entry]) -> Vec<Detection> {
        let ours = batch.iter().filter(|entry| entry.source() == OWN_SOURCE);
        let ids = ours.filter_map(|entry| entry.event().text(field::BELFRY_ALERT_ID));
        let ids = ids.filter_map(AlertId::parse);
        ids.filter_map(|id| self.in_flight.remove(&id).flatten())
            .collect()
    }

    /// Leaves damaged entries behind, says so in the ledger (D28 rings) and goes on: one bad block
    /// must not blind the watch to all that comes after it.
    fn step_over(&mut self, follower: &mut Follower) -> anyhow::Result<()> {
        let damage = follower.skip_damage().context("stepping over damage")?;
        damage.map_or(Ok(()), |damage| self.record_damage(&damage))
    }

    fn record_damage(&mut self, damage: &Damage) -> anyhow::Result<()> {
        talk::say(&format!("the ledger: {damage}"));
        let category = "intrusion_detection";
        let own = OwnEvent::new("log_integrity_fail", category, "info", "failure")
            .text(field::LABELS_TARGET_TYPE, "ledger")
            .text(field::LABELS_TARGET_ID, &damage.first.to_string())
            .text(field::EVENT_REASON, &damage.to_string());
        self.own.record(own).context("recording damage")?;
        Ok(())
    }

    /// Brings the rules to where the desk is: from the memory kept, else from the ledger. What they
    /// say on the way was said then.
    fn rebuild(&mut self, next: Index) -> anyhow::Result<()> {
        let kept = self.keeper.as_ref();
        let restored = kept.and_then(|kept| kept.restored(&self.rules, &self.settings, next));
        let from = match restored {
            Some((engine, from)) => {
                self.engine = engine;
                from
            }
            None => self.replay_from(next)?,
        };
        self.replay(from, next, |watch, entries| {
            watch.engine.apply(entries);
        })
    }

    /// Where a replay without memory begins: at the start of a small ledger, else one longest
    /// window back.
    fn replay_from(&self, next: Index) -> anyhow::Result<Index> {
        let Some(last) = next.0.checked_sub(1) else {
            return Ok(next);
        };
        if next.0 <= REPLAY_WHOLE_MAX {
            return Ok(Index(0));
        }
        let newest = self
            .reader
            .read_whole(Index(last)..next, 1)
            .context("the newest entry")?;
        let newest = newest.entries.first().map(|entry| entry.received().0);
        let window = i64::try_from(self.engine.window_max().as_nanos()).unwrap_or(i64::MAX);
        let since = newest
            .unwrap_or(self.clock.unix_nanos())
            .saturating_sub(window);
        received::first_since(&self.reader, since).context("finding the window")
    }

    /// Remembers which alerts stand in the ledger behind the desk's cursor: after a crash between
    /// an alert and the desk, or without a desk, they must not be written a second time.
    fn recall(&mut self, from: Index) -> anyhow::Result<()> {
        let head = self.reader.tree_size().next_index();
        self.replay(from, head, |watch, entries| {
            let ours = entries.iter().filter(|entry| entry.source() == OWN_SOURCE);
            let ids = ours.filter_map(|entry| entry.event().text(field::BELFRY_ALERT_ID));
            let ids = ids.filter_map(AlertId::parse);
            watch.in_flight.extend(ids.map(|id| (id, None)));
        })
    }

    /// Shows `look` the entries from `at` to `end`, without those that are damaged.
    fn replay(
        &mut self,
        mut at: Index,
        end: Index,
        look: impl Fn(&mut Self, &[Entry]),
    ) -> anyhow::Result<()> {
        while at < end {
            let read = self
                .reader
                .read_whole(at..end, REPLAY_BYTES_MAX)
                .context("replaying")?;
            for damage in &read.damages {
                self.record_damage(damage)?;
            }
            look(self, &read.entries);
            at = read.next;
        }
        Ok(())
    }

    /// Writes an alert, or its growth, for each detection that is news. One whose alert is on its
    /// way through the ledger waits in [`Watch::in_flight`] until that has come back.
    fn draft(&mut self, detections: &[Detection], batch: &[Entry]) -> anyhow::Result<()> {
        let (mut sealed, mut ids) = (Vec::new(), Vec::new());
        for detection in detections {
            let id = alert::alert_id(detection);
            if let Some(waiting) = self.in_flight.get_mut(&id) {
                *waiting = Some(detection.clone());
                continue;
            }
            let known = self.desk().knows(&id).context("asking the desk")?;
            if known.is_some_and(|known| !known.is_outgrown_by(detection)) {
                continue;
            }
            let ongoing = known.is_some();
            let detection = Detection {
                ongoing,
                ..detection.clone()
            };
            sealed.push(self.own.seal_event(self.alert_event(&detection, batch)?));
            ids.push(id);
        }
        if sealed.is_empty() {
            return Ok(());
        }
        let count = sealed.len() as u64;
        self.own.append(sealed).context("writing alerts")?;
        self.progress.drafted.fetch_add(count, Ordering::Relaxed);
        self.in_flight.extend(ids.into_iter().map(|id| (id, None)));
        Ok(())
    }

    fn alert_event(&self, detection: &Detection, batch: &[Entry]) -> anyhow::Result<Event> {
        let at = ObservedAt(self.clock.unix_nanos());
        let checkpoint = self.heads.newest();
        let checkpoint = checkpoint.as_deref();
        let here = batch
            .iter()
            .find(|entry| entry.index() == detection.trigger);
        let read;
        let trigger = if let Some(trigger) = here {
            trigger
        } else {
            read = self
                .reader
                .entry(detection.trigger)
                .context("reading what completed a detection")?;
            &read
        };
        let mut event = alert::raised_event(detection, trigger, checkpoint, at);
        for attack in detect::attacks(trigger.event()) {
            event.push_item(field::BELFRY_ALERT_ATTACK, Value::Str(&attack));
        }
        Ok(event)
    }

    fn desk(&self) -> std::sync::MutexGuard<'_, Desk> {
        self.desk.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The last word on each alert of a batch, in the order in which they first rang.
fn newest_of_each(detections: Vec<Detection>) -> Vec<Detection> {
    let mut places: HashMap<AlertId, usize> = HashMap::new();
    let mut newest: Vec<Detection> = Vec::new();
    for detection in detections {
        match places.entry(alert::alert_id(&detection)) {
            hash_map::Entry::Occupied(place) => newest[*place.get()] = detection,
            hash_map::Entry::Vacant(place) => {
                place.insert(newest.len());
                newest.push(detection);
            }
        }
    }
    newest
}

/// Whether trying again cannot help: the ledger has stopped.
fn is_final(error: &anyhow::Error) -> bool {
    error
        .chain()
        .filter_map(|cause| cause.downcast_ref())
        .any(|error| {
            matches!(
                error,
                AppendError::Poisoned { .. }
                    | AppendError::Refused(Refused::Poisoned { .. } | Refused::Closed)
            )
        })
}
