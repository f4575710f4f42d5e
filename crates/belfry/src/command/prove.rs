//! `belfry prove INDEX`: a tlog-proof that anybody can check.

use event::Index;
use serde_json::json;

use super::Ground;
use crate::cli::Format;
use crate::exit_code::{Outcome, bad_input};
use crate::talk;

/// Runs the command.
pub(crate) fn run(ground: &Ground, index: u64, format: Format) -> anyhow::Result<Outcome> {
    let reader = ground.reader()?;
    let index = Index(index);
    if !reader.tree_size().contains(index) {
        let size = reader.tree_size();
        return Err(bad_input(format!(
            "entry {index} does not exist: the ledger holds {size}"
        )));
    }
    let proof = reader
        .prove(index)
        .map_err(|error| bad_input(error.to_string()))?;
    match format {
        Format::Text => talk::data(proof.trim_end()),
        Format::Json => talk::data(
            &json!({"index": index.0, "vkey": reader.vkey(), "proof": proof}).to_string(),
        ),
    };
    Ok(Outcome::Fine)
}
