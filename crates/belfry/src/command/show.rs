//! `belfry show INDEX...`: entries as they are stored. Looking is itself an entry.

use event::Index;

use super::Ground;
use super::search::hit_line;
use crate::cli::Format;
use crate::exit_code::{Outcome, bad_input};
use crate::talk;

/// Runs the command.
pub(crate) fn run(ground: &Ground, indices: &[u64], format: Format) -> anyhow::Result<Outcome> {
    let reader = ground.reader()?;
    let size = reader.tree_size();
    if let Some(beyond) = indices.iter().find(|index| !size.contains(Index(**index))) {
        return Err(bad_input(format!(
            "entry {beyond} does not exist: the ledger holds {size}"
        )));
    }
    let shown: Vec<String> = indices.iter().map(u64::to_string).collect();
    ground.record_access("show", &shown.join(" "))?;
    for index in indices {
        let entry = reader.entry(Index(*index))?;
        match format {
            Format::Json => talk::data(&hit_line(&entry, Format::Json)),
            Format::Text => talk::data(&format!("entry {index}\n{}", entry.body())),
        };
    }
    Ok(Outcome::Fine)
}
