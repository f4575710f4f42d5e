//! What events are enriched with, from the configuration: trusted proxies and the operator's
//! databases of addresses.

use std::path::Path;

use anyhow::Context;
use disk::Disk;
use enrich::{DatabaseKind, Databases, Enricher, TrustedProxies, limits};

use crate::config::Config;
use crate::exit_code::bad_input;

/// Reads the databases that `config` names; a broken one is an error that names its file.
pub(crate) fn enricher(config: &Config, disk: &dyn Disk) -> anyhow::Result<Enricher> {
    let proxies = TrustedProxies::parse(&config.trusted_proxies)
        .map_err(|text| bad_input(format!("intake.trusted_proxies: `{text}` is no network")))?;
    let mut databases = Databases::default();
    for (key, kind, path) in [
        ("enrich.city", DatabaseKind::City, &config.enrich_city),
        ("enrich.asn", DatabaseKind::Asn, &config.enrich_asn),
    ] {
        if let Some(path) = path {
            open(&mut databases, kind, disk, path)
                .map_err(|error| bad_input(format!("{key}: {error:#}")))?;
        }
    }
    Ok(Enricher::new(proxies, databases))
}

fn open(
    databases: &mut Databases,
    kind: DatabaseKind,
    disk: &dyn Disk,
    path: &Path,
) -> anyhow::Result<()> {
    let bytes = disk.read(path, limits::DATABASE_BYTES_MAX)?;
    databases
        .open(kind, bytes)
        .with_context(|| path.display().to_string())
}
