//! This node as a witness of others: its key, its store, and what rings when a log it watches
//! contradicts itself.

use std::path::Path;
use std::sync::Arc;

use anyhow::Context;
use disk::Disk;
use event::{FrameBatch, field};
use intake::{Busy, Door, Occurrence, Reply};
use stdx::Clock;
use witness::server::Alarm;
use witness::{Card, Conflict, Store};
use zeroize::Zeroizing;

use crate::config::Config;
use crate::self_audit::{OwnEvent, SelfAudit};
use crate::witnessing::witness_dir;
use crate::{keys, talk};

/// Random bytes in the name of a witness: two nodes with the usual origin still differ.
const NAME_BYTES: usize = 4;

/// Opens the store of this node, making its key on first use.
pub(crate) fn open(
    config: &Config,
    disk: &Arc<dyn Disk>,
    clock: &Arc<dyn Clock>,
) -> anyhow::Result<Store> {
    let dir = witness_dir(&config.data_dir);
    let key = key(config, disk.as_ref(), &dir)?;
    Store::open(Arc::clone(disk), Arc::clone(clock), &dir, key)
        .with_context(|| format!("opening the witness in {}", dir.display()))
}

fn key(config: &Config, disk: &dyn Disk, dir: &Path) -> anyhow::Result<witness::CosigningKey> {
    let mut seed = Zeroizing::new([0; 32]);
    keys::random(&mut *seed)?;
    let mut unique = [0; NAME_BYTES];
    keys::random(&mut unique)?;
    let host = config.origin.split('/').next().unwrap_or("belfry");
    let name = format!("{host}/witness/{}", keys::hex(&unique));
    witness::store::key_of(disk, dir, &name, &seed).context("the key of this witness")
}

/// The card of this node: `vkey` is the key of its ledger.
pub(crate) fn card(config: &Config, disk: &dyn Disk, vkey: &str) -> anyhow::Result<Card> {
    let key = key(config, disk, &witness_dir(&config.data_dir))?;
    let url = match &config.witness.url {
        Some(url) => url.clone(),
        None => format!("http://{}", config.witness.serve_address),
    };
    let text = format!("belfry-node/1 {vkey} {} {url}", key.cosigner_key());
    text.parse().context("`witness.serve.url`")
}

/// Rings in the ledger of this node.
pub(crate) fn alarm(own: &SelfAudit) -> Alarm {
    let own = own.clone();
    Arc::new(move |conflict| {
        tell(conflict);
        let event = OwnEvent::new(
            "log_integrity_fail",
            "intrusion_detection",
            "info",
            "failure",
        )
        .text(field::LABELS_TARGET_TYPE, "watched log")
        .text(field::LABELS_TARGET_ID, &conflict.origin)
        .text(field::EVENT_REASON, &described(conflict));
        own.record_soon(event);
    })
}

/// Tells the terminal, for a witness without a ledger.
pub(crate) fn tell(conflict: &Conflict) {
    talk::say(&format!("CONFLICT: {}", described(conflict)));
}

fn described(conflict: &Conflict) -> String {
    let Conflict {
        origin,
        seen_size,
        size,
        is_proven,
        file,
    } = conflict;
    let kind = if *is_proven {
        format!("signed two histories of {size} entries")
    } else {
        format!(
            "signed {size} entries that were not shown to extend the {seen_size} seen before \
             (a fork, or a stranger with a bad proof)"
        )
    };
    let kept = file.as_ref().map_or_else(
        || "not kept, there is too much already".to_owned(),
        |file| format!("kept in {}", file.display()),
    );
    format!("the log {origin} {kind}; evidence {kept}")
}

/// What a witness alone has instead of a pipeline: nobody sends events here.
#[derive(Debug)]
pub(crate) struct NoPipeline;

impl Door for NoPipeline {
    fn submit(&self, batch: FrameBatch, _reply: Reply) -> Result<(), Box<Busy>> {
        let retry_after = std::time::Duration::from_secs(1);
        Err(Box::new(Busy { retry_after, batch }))
    }

    fn note(&self, occurrence: Occurrence) {
        if let Occurrence::AcceptFailed { error, .. } = occurrence {
            talk::say(&format!("a connection could not be accepted: {error}"));
        }
    }
}
