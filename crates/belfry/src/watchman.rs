//! Walks the books at a steady pace and writes down what nobody sends: a source that fell silent,
//! a source whose records cannot be read any more (rule D27 rings on these entries).

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::Context;
use event::field;

use crate::accounts::Account;
use crate::config::OWN_SOURCE;
use crate::house::House;
use crate::self_audit::OwnEvent;

/// Pause between two rounds.
const ROUND: Duration = Duration::from_secs(10);
/// Pause between looks at the stop sign.
const LOOK: Duration = Duration::from_millis(200);
/// Records of a source between two rounds below which a share of defects means nothing.
const RECORDS_MIN: u64 = 50;

/// The walking thread.
#[derive(Debug)]
pub(crate) struct Watchman {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

impl Watchman {
    /// Starts walking.
    pub(crate) fn start(house: &Arc<House>) -> anyhow::Result<Self> {
        let stop = Arc::new(AtomicBool::new(false));
        let (stopped, house) = (Arc::clone(&stop), Arc::clone(house));
        let walk = move || {
            let mut waited = Duration::ZERO;
            while !stopped.load(Ordering::Acquire) {
                std::thread::sleep(LOOK);
                waited += LOOK;
                if waited >= ROUND {
                    waited = Duration::ZERO;
                    walk_round(&house);
                }
            }
        };
        let thread = std::thread::Builder::new()
            .name("watchman".to_owned())
            .spawn(walk);
        Ok(Self {
            stop,
            thread: thread.context("starting the watchman")?,
        })
    }

    /// Why the rounds are over, if they are.
    pub(crate) fn fault(&self) -> Option<String> {
        self.thread
            .is_finished()
            .then(|| "the watchman has ended".to_owned())
    }

    /// Ends the thread.
    pub(crate) fn stop(self) {
        self.stop.store(true, Ordering::Release);
        // A panic of this thread was reported when it happened and must not stop the closing.
        let _ = self.thread.join();
    }
}

/// One look at every source.
pub(crate) fn walk_round(house: &House) {
    let now = house.clock.unix_nanos();
    let due = {
        let observed = house.progress.observed.lock();
        let mut observed = observed.unwrap_or_else(PoisonError::into_inner);
        observed.daily(&house.rules(), now)
    };
    if let Some(own) = due {
        house.own.record_soon(own);
    }
    let silence = i64::try_from(house.config.silence.as_nanos()).unwrap_or(i64::MAX);
    for (source, account) in house.accounts.sources() {
        if &*source == OWN_SOURCE || account.heard_at == 0 {
            continue;
        }
        let is_silent = now.saturating_sub(account.heard_at) > silence;
        if is_silent && !account.is_silent {
            write_silence(house, &source, &account, now);
        }
        let (received, defective) = account.looked;
        let seen = account.received.saturating_sub(received);
        let bad = account.defective.saturating_sub(defective);
        if seen >= RECORDS_MIN && bad * 100 > seen * house.config.defect_percent_max {
            write_defects(house, &source, seen, bad);
        }
        house.accounts.book(&source, |account| {
            account.is_silent = is_silent;
            if seen >= RECORDS_MIN {
                account.looked = (account.received, account.defective);
            }
        });
    }
}

fn write_silence(house: &House, source: &str, account: &Account, now: i64) {
    let seconds = now.saturating_sub(account.heard_at) / stdx::calendar::SECOND_NANOS;
    let own = OwnEvent::new(
        "log_source_silent",
        "intrusion_detection",
        "info",
        "unknown",
    )
    .text(field::LABELS_TARGET_TYPE, "source")
    .text(field::LABELS_TARGET_ID, source)
    .text(field::EVENT_REASON, &format!("no record for {seconds} s"))
    .count(account.received);
    house.own.record_soon(own);
}

fn write_defects(house: &House, source: &str, seen: u64, bad: u64) {
    let own = OwnEvent::new("log_parse_fail", "configuration", "info", "failure")
        .text(field::LABELS_TARGET_TYPE, "source")
        .text(field::LABELS_TARGET_ID, source)
        .text(
            field::EVENT_REASON,
            &format!("{bad} of the last {seen} records have defects"),
        )
        .count(bad);
    house.own.record_soon(own);
}
