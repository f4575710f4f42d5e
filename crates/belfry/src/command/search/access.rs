//! Who looked at what: every look is an entry, before anything is shown. Only where no process runs
//! and nothing can be written may somebody look without one: a damaged ledger, or a copy of one,
//! must stay readable for those who find out what happened.

use crate::command::Ground;
use crate::operate::{Desk, Request, actor};
use crate::talk;

impl Ground {
    /// Writes down that somebody looks by `what` for `query`. Says so when that is impossible.
    pub(crate) fn record_access(&self, what: &str, query: &str) -> anyhow::Result<()> {
        let request = || Request::Accessed {
            actor: actor(),
            what: what.to_owned(),
            query: query.to_owned(),
        };
        let find = || Desk::find(self.disk.as_ref(), &self.config.data_dir);
        if let Some(running) = find()? {
            running.ask(&request())?;
            return Ok(());
        }
        let Err(reason) = self.operate(request()) else {
            return Ok(());
        };
        // A process that was just starting holds the ledger now: then it is the one to ask.
        if let Some(running) = find()? {
            running.ask(&request())?;
            return Ok(());
        }
        talk::say(&format!("this look could not be recorded: {reason:#}"));
        Ok(())
    }
}
