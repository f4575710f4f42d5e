//! `belfry demo`: a real shop, honest customers, attackers, alerts as they ring, and tampering
//! caught; then the demo compares all of it with what it promised.
//!
//! Nothing in here is pretended: the shop, its visitors and Belfry talk over sockets of loopback,
//! and the data lies in a folder of this machine until the demo ends.

mod attackers;
mod browser;
mod cast;
mod customers;
mod form;
mod leaks;
mod outcome;
mod planted;
mod reporter;
mod scratch_folder;
mod script;
mod shop;
mod stage;
mod tamper;
mod telling;

use std::sync::Arc;
use std::time::{Duration, Instant};

use alert::Alert;
use anyhow::Context;
use disk::{Disk, RealDisk};

use attackers::Scene;
use outcome::{Difference, Finale};
use scratch_folder::ScratchFolder;
use script::{ACTS, Ring};
use stage::Stage;
use telling::Voice;

use crate::cli::Format;
use crate::exit_code::Outcome;
use crate::talk;

/// What is changed in the copy of the ledger: the last digit of the riches.
const TAMPERED: &str = "\"txn.balance.after\":9999999";
/// Text of an attacker that is no secret and must be in the data folder.
const CONTROL: &str = "Careless/1.0";
/// Pause between looks at signals and alerts while the demo is kept open.
const LOOK_PAUSE: Duration = Duration::from_millis(500);

/// Plays the demo; with `keep` everything stays open afterwards until interrupted.
pub(crate) fn run(format: Format, keep: bool) -> anyhow::Result<Outcome> {
    let voice = Voice::new(format);
    let start = Instant::now();
    let disk: Arc<dyn Disk> = Arc::new(RealDisk::default());
    let mut folder = ScratchFolder::make(Arc::clone(&disk), "belfry-demo")?;
    let stage = Stage::build(&disk, folder.path())?;
    let mut bell = Bell::new(voice);
    play(&stage, &mut bell)?;
    let finale = audit(&stage, &bell, start)?;
    finale.show(voice);
    voice.object(&finale.json());
    if keep {
        folder.keep();
        stay_open(&stage, &mut bell)?;
    }
    stage.strike()?;
    Ok(finale.outcome())
}

/// Customers first, then one attacker after the other.
fn play(stage: &Stage, bell: &mut Bell) -> anyhow::Result<()> {
    talk::say(&format!(
        "A shop at http://{} reports to Belfry; data in {}",
        stage.shop.address(),
        stage.house.config.data_dir.display()
    ));
    telling::scene(
        "honest customers",
        "Typing errors, apostrophes, a dead link, an admin at work.",
    );
    let admin_session = customers::spend_the_day(&stage.street, &stage.people)?;
    bell.listen(stage)?;
    let scene = Scene {
        street: &stage.street,
        people: &stage.people,
        admin_session: &admin_session,
    };
    for act in ACTS {
        telling::scene(act.name, act.story);
        (act.play)(&scene).with_context(|| format!("playing {}", act.name))?;
        bell.listen(stage)?;
    }
    Ok(())
}

/// Compares what rang with the script, verifies, tampers with a copy, looks for secrets.
fn audit(stage: &Stage, bell: &Bell, start: Instant) -> anyhow::Result<Finale> {
    let counts = stage.settle()?;
    let alerts = stage.alerts()?;
    let expected: Vec<Ring> = ACTS.iter().flat_map(|act| act.rings).copied().collect();
    let rung = alerts.iter().map(Difference::name_of).collect();
    telling::scene(
        "the auditor",
        "Verifies the ledger, then a copy in which one byte was changed.",
    );
    stage.seal()?;
    let (disk, reader) = (&stage.house.disk, &stage.house.reader);
    let ledger = stage.house.config.ledger_dir();
    let verified = tamper::verify(disk, &ledger)?;
    let tampering = tamper::try_it(disk, reader, &ledger, TAMPERED)?;
    let plants = stage.street.planted.take();
    let data = &stage.house.config.data_dir;
    let search = leaks::search(disk.as_ref(), data, &plants, CONTROL)?;
    Ok(Finale {
        counts,
        booked: stage.house.accounts.total(),
        alerts,
        slowest_ring: bell.slowest,
        difference: Difference::between(rung, &expected),
        verified,
        tampering,
        search,
        took: start.elapsed(),
    })
}

/// Hears each alert once.
struct Bell {
    voice: Voice,
    heard: usize,
    /// Longest time from record to alert so far, milliseconds.
    slowest: f64,
}

impl Bell {
    fn new(voice: Voice) -> Self {
        Self {
            voice,
            heard: 0,
            slowest: 0.0,
        }
    }

    /// Waits until the watch has seen everything, then tells what rang since the last time.
    fn listen(&mut self, stage: &Stage) -> anyhow::Result<()> {
        stage.heed_signals()?;
        stage.settle()?;
        if self.tell_new(stage)? == 0 {
            talk::say("  (nothing rings)");
        }
        Ok(())
    }

    /// Tells the alerts that are new on the desk; how many.
    fn tell_new(&mut self, stage: &Stage) -> anyhow::Result<usize> {
        let alerts = stage.alerts()?;
        let new = alerts.get(self.heard..).unwrap_or_default();
        for alert in new {
            let after = ring_time(stage, alert)?;
            self.slowest = self.slowest.max(after);
            self.voice.ring(alert, after);
        }
        self.heard = alerts.len();
        Ok(new.len())
    }
}

/// Milliseconds from the moment the record that completed `alert` was durable to the moment the
/// alert was.
fn ring_time(stage: &Stage, alert: &Alert) -> anyhow::Result<f64> {
    let Some(index) = alert.newest_evidence() else {
        return Ok(0.0);
    };
    let entry = stage.house.reader.entry(index);
    let entry = entry.context("reading the evidence of an alert")?;
    let nanos = alert.raised_at.0.saturating_sub(entry.received().0);
    Ok(Duration::from_nanos(u64::try_from(nanos).unwrap_or(0)).as_secs_f64() * 1000.0)
}

/// Says where everything is and tells what rings until Ctrl-C or SIGTERM.
fn stay_open(stage: &Stage, bell: &mut Bell) -> anyhow::Result<()> {
    let data = stage.house.config.data_dir.display();
    let shop = stage.shop.address();
    talk::say("");
    talk::say("Everything stays open until you press Ctrl-C; the data folder stays afterwards.");
    talk::say(&format!("  shop       http://{shop}"));
    if let Some(intake) = stage.doors.http_address {
        talk::say(&format!("  intake     http://{intake}/v1/events"));
    }
    let operator = stage.doors.admin_address;
    talk::say(&format!("  operator   http://{operator}/metrics"));
    talk::say(&format!("  data       {data}"));
    talk::say("Try, in another terminal:");
    let belfry = std::env::args()
        .next()
        .unwrap_or_else(|| "belfry".to_owned());
    for example in [
        "alerts list",
        "search 'user.name:trudy'",
        "search 'source.ip:203.0.113.70'",
        "tail -f",
        "verify",
    ] {
        talk::say(&format!("  {belfry} --data {data} {example}"));
    }
    talk::say(&format!(
        "  curl -H 'X-Forwarded-For: 203.0.113.200' \"http://{shop}/search?q=%3Cscript%3Ealert(1)\""
    ));
    while stage.doors.signal(LOOK_PAUSE).is_none() && stage.house.is_alive() {
        bell.tell_new(stage)?;
    }
    Ok(())
}
