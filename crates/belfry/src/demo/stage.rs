//! What the demo plays on: a Belfry with its doors open, the shop that reports to it, the street
//! between the shop and its visitors. All of it real, all of it on loopback.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use alert::{Alert, Filter};
use anyhow::{Context, ensure};
use disk::Disk;

use super::browser::Street;
use super::cast;
use super::planted::Planted;
use super::reporter::{self, Counts, Reporter, Sender};
use super::shop::{Person, Shop};
use crate::clock::SystemClock;
use crate::command;
use crate::config::Config;
use crate::house::House;
use crate::listeners::Doors;
use crate::operate::Desk;

/// Longest wait for the shop's events to be acknowledged, and for the watch to see them.
const SETTLE_MAX: Duration = Duration::from_secs(10);
/// Longest wait for a checkpoint over everything: it is signed within a second.
const CHECKPOINT_MAX: Duration = Duration::from_secs(5);
/// Alerts asked for: far more than may ring.
const ALERTS_MAX: usize = 10_000;
/// Name of the source the shop reports under.
pub(crate) const SOURCE: &str = "shop";

/// The built stage.
#[derive(Debug)]
pub(crate) struct Stage {
    pub(crate) house: Arc<House>,
    pub(crate) doors: Doors,
    pub(crate) shop: Shop,
    pub(crate) street: Street,
    pub(crate) people: Vec<Person>,
    reporter: Reporter,
    sender: Sender,
}

impl Stage {
    /// Opens everything with the data in `data`.
    pub(crate) fn build(disk: &Arc<dyn Disk>, data: &Path) -> anyhow::Result<Self> {
        let clock = Arc::new(SystemClock);
        let house = House::open(settings(data)?, Arc::clone(disk), clock.clone(), None)?;
        let house = Arc::new(house);
        command::run::record_start(&house)?;
        let doors = Doors::open(&house)?;
        Desk::announce(disk.as_ref(), data, &doors.admin_address.to_string())?;
        let intake = doors
            .http_address
            .context("the intake listens on no address")?;
        let token = house
            .tokens
            .mint(SOURCE)
            .context("minting the shop's token")?
            .text;
        let url = format!("http://{intake}/v1/events");
        let planted = Planted::default();
        planted.remember("bearer token of the shop", token.expose());
        let (reporter, sender) = Reporter::start(url, token)?;
        let people = cast::people(&planted)?;
        let shop = Shop::open(&people, reporter.clone(), clock)?;
        let address = format!("http://{}", shop.address());
        let street = Street::new(reporter::http(), address, planted);
        Ok(Self {
            house,
            doors,
            shop,
            street,
            people,
            reporter,
            sender,
        })
    }

    /// Waits until everything the shop reported is durable and seen by the rules and the desk.
    pub(crate) fn settle(&self) -> anyhow::Result<Counts> {
        let counts = self.reporter.flush(SETTLE_MAX);
        let Counts {
            reported,
            acknowledged,
            refused,
            lost,
            ..
        } = counts;
        ensure!(
            acknowledged == reported,
            "of {reported} events {acknowledged} were acknowledged, {refused} refused, {lost} lost"
        );
        ensure!(
            self.house.settle(SETTLE_MAX),
            "the rules do not keep up with the ledger"
        );
        Ok(counts)
    }

    /// Refuses to go on after Ctrl-C or SIGTERM, which the doors hear for the whole process.
    pub(crate) fn heed_signals(&self) -> anyhow::Result<()> {
        match self.doors.signal(Duration::ZERO) {
            Some(signal) => Err(anyhow::anyhow!("stopped by {signal}")),
            None => Ok(()),
        }
    }

    /// Every alert on the desk, oldest first.
    pub(crate) fn alerts(&self) -> anyhow::Result<Vec<Alert>> {
        let filter = Filter {
            limit: Some(ALERTS_MAX),
            ..Filter::default()
        };
        let mut alerts = self
            .house
            .desk()
            .list(&filter)
            .context("reading the alert desk")?;
        alerts.sort_by_key(|alert| alert.raised_index);
        Ok(alerts)
    }

    /// Waits until a signed checkpoint covers every entry.
    pub(crate) fn seal(&self) -> anyhow::Result<()> {
        let size = self.house.reader.tree_size();
        let sealed = self.house.reader.await_checkpoint(size, CHECKPOINT_MAX);
        ensure!(sealed, "no checkpoint over {size} entries came in time");
        Ok(())
    }

    /// Closes everything in reverse order.
    pub(crate) fn strike(self) -> anyhow::Result<()> {
        let Self {
            house,
            doors,
            shop,
            reporter,
            sender,
            ..
        } = self;
        shop.close();
        drop(reporter);
        sender.join()?;
        Desk::withdraw(house.disk.as_ref(), &house.config.data_dir);
        doors.close();
        let house = Arc::into_inner(house).context("somebody still holds the house")?;
        house.close(Some("the demo is over"))
    }
}

/// Free ports of loopback; alerts are told by the demo itself.
const SETTINGS: &str = "ledger.origin = \"demo.belfry.example/ledger/1\"\n\
                        ledger.segment_size_max = \"4MiB\"\n\
                        admin.listen = \"127.0.0.1:0\"\n\
                        intake.http.listen = \"127.0.0.1:0\"\n\
                        alert.stdout.enabled = false\n";

fn settings(data: &Path) -> anyhow::Result<Config> {
    let config = Config::from_text(SETTINGS).map_err(|problems| {
        anyhow::anyhow!("the demo's own settings: {}", command::listed(&problems))
    })?;
    Ok(Config {
        data_dir: data.to_path_buf(),
        ..config
    })
}
