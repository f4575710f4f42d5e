//! `belfry tail`: the newest entries, and with `-f` those that come.

use std::time::Duration;

use event::Index;
use search::Query;

use super::Ground;
use super::search::{hit_line, scan, within_lines_max};
use crate::cli::{self, Format};
use crate::exit_code::{Outcome, bad_input};
use crate::talk;

/// Pause between looks at a ledger that another process writes.
const POLL: Duration = Duration::from_millis(200);
/// How many entries back are looked at to find the first lines.
const BACK_MAX: u64 = 100_000;

/// Runs the command.
pub(crate) fn run(ground: &Ground, say: &cli::Tail, format: Format) -> anyhow::Result<Outcome> {
    let query = Query::parse(&say.query).map_err(|error| bad_input(error.to_string()))?;
    within_lines_max("--lines", say.lines)?;
    let reader = ground.reader()?;
    // What is newest is what was there before the entry about this look.
    let end = reader.tree_size().next_index();
    ground.record_access("tail", &say.query)?;
    let start = Index(end.0.saturating_sub(BACK_MAX));
    let first = scan(&reader, start..end, &query, say.lines, format)?;
    if !first.lines().all(talk::data) || !say.follow {
        return Ok(Outcome::Fine);
    }
    let mut follower = reader.follow(end);
    loop {
        let Some(batch) = follower.next(POLL)? else {
            continue;
        };
        for entry in batch.iter().filter(|entry| query.matches(entry.event())) {
            if !talk::data(&hit_line(entry, format)) {
                return Ok(Outcome::Fine);
            }
        }
    }
}
