//! The verbs, one file each. Each takes what the command line said and returns what it came to.

use std::sync::Arc;

use disk::{Disk, RealDisk};
use ledger::Reader;
use serde_json::Value;

use crate::cli::Common;
use crate::clock::SystemClock;
use crate::config::{Config, Overrides, Problem};
use crate::exit_code::bad_input;
use crate::house::{self, House};
use crate::operate::{self, Desk, Request};

pub(crate) mod alerts;
pub(crate) mod backtest;
pub(crate) mod check;
pub(crate) mod doctor;
pub(crate) mod evidence;
pub(crate) mod ingest;
pub(crate) mod keys;
pub(crate) mod prove;
pub(crate) mod redact;
pub(crate) mod rules;
pub(crate) mod run;
pub(crate) mod search;
pub(crate) mod show;
pub(crate) mod tail;
pub(crate) mod token;
pub(crate) mod verify;
pub(crate) mod witness;

/// What every command starts from: the settings and the disk.
#[derive(Debug)]
pub(crate) struct Ground {
    pub(crate) config: Config,
    pub(crate) disk: Arc<dyn Disk>,
}

impl Ground {
    /// Reads the settings; all problems become one refusal.
    pub(crate) fn of(common: &Common) -> anyhow::Result<Self> {
        let disk: Arc<dyn Disk> = Arc::new(RealDisk::default());
        let overrides = Overrides {
            file: common.config.clone(),
            data_dir: common.data.clone(),
        };
        match Config::load(disk.as_ref(), &overrides) {
            Ok(config) => Ok(Self { config, disk }),
            Err(problems) => Err(bad_input(listed(&problems))),
        }
    }

    /// A reader of the ledger beside whatever process writes it.
    pub(crate) fn reader(&self) -> anyhow::Result<Reader> {
        if !house::ledger_exists(self.disk.as_ref(), &self.config.data_dir)? {
            let shown = self.config.data_dir.display();
            return Err(bad_input(format!(
                "there is no ledger in {shown}; `belfry run` makes one, `--data` names another"
            )));
        }
        Ok(Reader::open(
            Arc::clone(&self.disk),
            &self.config.ledger_dir(),
        )?)
    }

    /// Lets the running process carry out `request`, or does it here when none runs.
    pub(crate) fn operate(&self, request: Request) -> anyhow::Result<Value> {
        if let Some(desk) = Desk::find(self.disk.as_ref(), &self.config.data_dir)? {
            return desk.ask(&request);
        }
        let house = self.house()?;
        let answer = operate::carry_out(&house, request);
        house.close(None)?;
        answer
    }

    /// The house without its doors, for work beside no running process.
    pub(crate) fn house(&self) -> anyhow::Result<House> {
        let clock = Arc::new(SystemClock);
        House::open(self.config.clone(), Arc::clone(&self.disk), clock, None)
    }
}

/// All problems as lines under one sentence.
pub(crate) fn listed(problems: &[Problem]) -> String {
    let lines = problems
        .iter()
        .map(|p| format!("\n  {}: {}", p.place, p.message));
    format!(
        "{} problem(s) in the configuration:{}",
        problems.len(),
        lines.collect::<String>()
    )
}
