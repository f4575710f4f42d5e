//! The settings of one process: what was written (`reader`) becomes what is meant ([`Config`]).
//!
//! Reading binds no port and writes no file; all problems are reported at once.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use stdx::units;

mod checks;
mod keys;
mod manual;
mod reader;
mod value;

pub(crate) use manual::{annotated_file, reference_page};
pub(crate) use reader::Problem;
use reader::Reading;
pub(crate) use value::{OWN_SOURCE, is_name};

/// Validated settings.
#[derive(Clone, Debug)]
pub(crate) struct Config {
    pub(crate) data_dir: PathBuf,
    pub(crate) origin: String,
    pub(crate) checkpoint_interval: Duration,
    pub(crate) segment_bytes_max: u64,
    pub(crate) epoch: Duration,
    pub(crate) recovery_vkey: Option<String>,
    pub(crate) ledger_queue_bytes_max: u64,
    pub(crate) pipeline_queue_bytes_max: u64,
    pub(crate) workers: usize,
    pub(crate) admin_listen: SocketAddr,
    pub(crate) http_listen: Option<SocketAddr>,
    pub(crate) publish_listen: Option<SocketAddr>,
    pub(crate) witness: WitnessSettings,
    pub(crate) syslog_udp: Vec<Listen>,
    pub(crate) syslog_tcp: Vec<Listen>,
    pub(crate) files: Vec<TailedFile>,
    pub(crate) trusted_proxies: Vec<String>,
    pub(crate) enrich_city: Option<PathBuf>,
    pub(crate) enrich_asn: Option<PathBuf>,
    pub(crate) redact: RedactSettings,
    pub(crate) rules_shipped: bool,
    pub(crate) rules_dir: Option<PathBuf>,
    pub(crate) rules_tuning: Option<PathBuf>,
    pub(crate) lateness: Duration,
    pub(crate) skew_future: Duration,
    pub(crate) skew_past: Duration,
    pub(crate) state_bytes_max: u64,
    pub(crate) silence: Duration,
    pub(crate) defect_percent_max: u64,
    pub(crate) alert_stdout: Option<StdoutFormat>,
    pub(crate) alert_file: Option<PathBuf>,
    pub(crate) webhooks: Vec<Webhook>,
    /// What [`Config::digest_text`] answers.
    pub(crate) in_force: String,
}

/// Who watches us, and how we watch others.
#[derive(Clone, Debug)]
pub(crate) struct WitnessSettings {
    /// `None` for the file that `belfry witness pair` writes.
    pub(crate) policy: Option<PathBuf>,
    pub(crate) interval: Duration,
    pub(crate) grace: Duration,
    pub(crate) timeout: Duration,
    pub(crate) is_served: bool,
    pub(crate) serve_address: SocketAddr,
    /// How others reach it, when that is not the address itself.
    pub(crate) url: Option<String>,
}

/// One syslog listener.
#[derive(Clone, Debug)]
pub(crate) struct Listen {
    pub(crate) source: String,
    pub(crate) address: SocketAddr,
}

/// One followed file.
#[derive(Clone, Debug)]
pub(crate) struct TailedFile {
    pub(crate) source: String,
    pub(crate) path: PathBuf,
    pub(crate) from_end: bool,
}

/// What redaction is told.
#[derive(Clone, Debug)]
pub(crate) struct RedactSettings {
    pub(crate) key_id: String,
    pub(crate) secret_keys: Vec<String>,
    pub(crate) hash_email: bool,
}

/// How alerts are shown on the terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StdoutFormat {
    Pretty,
    Json,
}

/// One receiver of alerts.
#[derive(Clone, Debug)]
pub(crate) struct Webhook {
    pub(crate) name: String,
    pub(crate) url: String,
    pub(crate) secret_file: PathBuf,
    pub(crate) timeout: Duration,
}

/// What the command line says over the files.
#[derive(Clone, Debug, Default)]
pub(crate) struct Overrides {
    /// `--config`.
    pub(crate) file: Option<PathBuf>,
    /// `--data`.
    pub(crate) data_dir: Option<PathBuf>,
}

/// The file that is read when `--config` names none.
const DEFAULT_FILE: &str = "belfry.toml";

impl Config {
    /// Reads the files, the environment and `overrides`; all problems at once.
    pub(crate) fn load(disk: &dyn disk::Disk, overrides: &Overrides) -> Result<Self, Vec<Problem>> {
        let (config, problems) = Self::examine(disk, overrides);
        if problems.is_empty() {
            Ok(config)
        } else {
            Err(problems)
        }
    }

    /// As [`Config::load`], but what is good is given beside the problems, so that what the
    /// settings point to can be looked at in the same pass. Nobody may run on it.
    pub(crate) fn examine(disk: &dyn disk::Disk, overrides: &Overrides) -> (Self, Vec<Problem>) {
        let default = PathBuf::from(DEFAULT_FILE);
        let file = match &overrides.file {
            Some(file) => Some(file.clone()),
            None => disk.stat(&default).ok().flatten().map(|_| default),
        };
        let mut reading = Reading::of_files(disk, file.as_deref());
        reading.add_environment(std::env::vars_os());
        if let Some(dir) = &overrides.data_dir {
            reading.set("data.dir", &dir.display().to_string());
        }
        let config = Self::build(&mut reading);
        checks::folders(&mut reading, disk, &config);
        (config, reading.problems)
    }

    /// Settings from the text of one file; for tests and the demo.
    pub(crate) fn from_text(text: &str) -> Result<Self, Vec<Problem>> {
        let mut reading = Reading::default();
        reading.add_text("belfry.toml", text);
        let config = Self::build(&mut reading);
        if reading.problems.is_empty() {
            Ok(config)
        } else {
            Err(reading.problems)
        }
    }

    fn build(reading: &mut Reading) -> Self {
        checks::values(reading);
        let http = reading.text("intake.http.enabled") == "true";
        let publish = reading.text("publish.enabled") == "true";
        let stdout = reading.text("alert.stdout.enabled") == "true";
        let format = match reading.text("alert.stdout.format").as_str() {
            "json" => StdoutFormat::Json,
            _ => StdoutFormat::Pretty,
        };
        Self {
            data_dir: PathBuf::from(reading.text("data.dir")),
            origin: reading.text("ledger.origin"),
            checkpoint_interval: duration(reading, "ledger.checkpoint_interval"),
            segment_bytes_max: size(reading, "ledger.segment_size_max"),
            epoch: duration(reading, "ledger.epoch"),
            recovery_vkey: Some(reading.text("ledger.recovery_vkey"))
                .filter(|text| !text.is_empty()),
            ledger_queue_bytes_max: size(reading, "ledger.queue_size_max"),
            pipeline_queue_bytes_max: size(reading, "pipeline.queue_size_max"),
            workers: count(reading, "pipeline.workers"),
            admin_listen: address(reading, "admin.listen"),
            http_listen: http.then(|| address(reading, "intake.http.listen")),
            publish_listen: publish.then(|| address(reading, "publish.listen")),
            witness: witness(reading),
            syslog_udp: listeners(reading, "intake.syslog_udp"),
            syslog_tcp: listeners(reading, "intake.syslog_tcp"),
            files: files(reading),
            trusted_proxies: reading.texts("intake.trusted_proxies"),
            enrich_city: path(reading, "enrich.city"),
            enrich_asn: path(reading, "enrich.asn"),
            redact: RedactSettings {
                key_id: reading.text("redact.key_id"),
                secret_keys: reading.texts("redact.secret_keys"),
                hash_email: reading.text("redact.email") == "hash",
            },
            rules_shipped: reading.text("rules.shipped") == "true",
            rules_dir: path(reading, "rules.dir"),
            rules_tuning: path(reading, "rules.tuning"),
            lateness: duration(reading, "detect.lateness"),
            skew_future: duration(reading, "detect.skew_future"),
            skew_past: duration(reading, "detect.skew_past"),
            state_bytes_max: size(reading, "detect.state_size_max"),
            silence: duration(reading, "watch.silence"),
            defect_percent_max: count(reading, "watch.defect_percent_max") as u64,
            alert_stdout: stdout.then_some(format),
            alert_file: path(reading, "alert.file.path"),
            webhooks: webhooks(reading),
            in_force: reading.in_force(),
        }
    }

    /// Every setting in force as sorted lines `key = value`, without the data folder: two
    /// processes with equal texts behave alike, whatever is said in which file.
    pub(crate) fn digest_text(&self) -> &str {
        &self.in_force
    }

    /// Where the ledger lives.
    pub(crate) fn ledger_dir(&self) -> PathBuf {
        ledger_dir(&self.data_dir)
    }
}

/// Where the ledger lives in the data folder `data`.
pub(crate) fn ledger_dir(data: &Path) -> PathBuf {
    data.join("ledger")
}

fn duration(reading: &Reading, path: &str) -> Duration {
    units::parse_duration(&reading.text(path)).unwrap_or_default()
}

fn size(reading: &Reading, path: &str) -> u64 {
    units::parse_size(&reading.text(path)).unwrap_or_default()
}

fn count(reading: &Reading, path: &str) -> usize {
    reading.text(path).parse().unwrap_or_default()
}

fn path(reading: &Reading, path: &str) -> Option<PathBuf> {
    Some(reading.text(path))
        .filter(|text| !text.is_empty())
        .map(PathBuf::from)
}

fn address(reading: &mut Reading, path: &str) -> SocketAddr {
    reading.text(path).parse().unwrap_or_else(|_| {
        let place = reading.place(path);
        reading.complain(&place, &format!("`{path}` must be an address"));
        SocketAddr::from(([127, 0, 0, 1], 0))
    })
}

/// A part that a repeated table must have.
fn required(reading: &mut Reading, table: &str, name: &str) -> String {
    let path = format!("{table}.{name}");
    let text = reading.text(&path);
    if !reading.was_written(&path) {
        let place = reading.place_in(table);
        reading.complain(&place, &format!("`{table}` lacks the key `{name}`"));
    }
    text
}

fn witness(reading: &mut Reading) -> WitnessSettings {
    WitnessSettings {
        policy: path(reading, "witness.policy"),
        interval: duration(reading, "witness.interval"),
        grace: duration(reading, "witness.grace"),
        timeout: duration(reading, "witness.timeout"),
        is_served: reading.text("witness.serve.enabled") == "true",
        serve_address: address(reading, "witness.serve.listen"),
        url: Some(reading.text("witness.serve.url")).filter(|url| !url.is_empty()),
    }
}

fn listeners(reading: &mut Reading, generic: &str) -> Vec<Listen> {
    let mut listeners = Vec::new();
    for table in reading.repeated(generic) {
        let source = required(reading, &table, "source");
        let listen = required(reading, &table, "listen");
        if let Ok(address) = listen.parse() {
            listeners.push(Listen { source, address });
        }
    }
    listeners
}

fn files(reading: &mut Reading) -> Vec<TailedFile> {
    let mut files = Vec::new();
    for table in reading.repeated("intake.file") {
        files.push(TailedFile {
            source: required(reading, &table, "source"),
            path: PathBuf::from(required(reading, &table, "path")),
            from_end: reading.text(&format!("{table}.start")) == "end",
        });
    }
    files
}

fn webhooks(reading: &mut Reading) -> Vec<Webhook> {
    let mut webhooks = Vec::new();
    for table in reading.repeated("alert.webhook") {
        webhooks.push(Webhook {
            name: required(reading, &table, "name"),
            url: required(reading, &table, "url"),
            secret_file: PathBuf::from(required(reading, &table, "secret_file")),
            timeout: duration(reading, &format!("{table}.timeout")),
        });
    }
    webhooks
}

#[cfg(test)]
mod tests;
