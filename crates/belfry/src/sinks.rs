//! Who is told: the configured sinks, and one delivering thread for each.

use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use alert::{Bell, Courier, Format, Report, SinkConfig, Target, WebhookConfig};
use anyhow::Context;
use disk::Disk;
use event::ObservedAt;
use stdx::{Clock, Secret};

use crate::accounts::Accounts;
use crate::config::{Config, StdoutFormat, Webhook};
use crate::exit_code::bad_input;
use crate::house::AlertOutput;
use crate::self_audit::SelfAudit;

/// Longest wait for deliveries in hand when the process ends, and the pause between looks.
const STOP_MAX: Duration = Duration::from_secs(5);
const STOP_PAUSE: Duration = Duration::from_millis(10);
/// Bytes of a file with a signing secret.
const SECRET_FILE_BYTES_MAX: u64 = 4096;

/// The sinks of `config`; the terminal only when somebody looks at it.
pub(crate) fn configured(
    config: &Config,
    disk: &dyn Disk,
    has_output: bool,
) -> anyhow::Result<Vec<SinkConfig>> {
    let mut sinks = Vec::new();
    if let Some(format) = config.alert_stdout.filter(|_| has_output) {
        let format = match format {
            StdoutFormat::Pretty => Format::Pretty {
                color: shows_color(),
            },
            StdoutFormat::Json => Format::JsonLine,
        };
        sinks.push(SinkConfig::new("stdout", Target::Stdout { format }));
    }
    if let Some(path) = &config.alert_file {
        sinks.push(SinkConfig::new("file", Target::File { path: path.clone() }));
    }
    for webhook in &config.webhooks {
        sinks.push(SinkConfig::new(&webhook.name, target(webhook, disk)?));
    }
    Ok(sinks)
}

fn shows_color() -> bool {
    std::io::IsTerminal::is_terminal(&std::io::stdout()) && std::env::var_os("NO_COLOR").is_none()
}

fn target(webhook: &Webhook, disk: &dyn Disk) -> anyhow::Result<Target> {
    let shown = webhook.secret_file.display();
    let bytes = disk
        .read(&webhook.secret_file, SECRET_FILE_BYTES_MAX)
        .map_err(|error| bad_input(format!("the secret of `{}`: {error}", webhook.name)))?;
    let text = String::from_utf8(bytes);
    let text = text.map_err(|_| bad_input(format!("{shown} is not text")))?;
    let secret = alert::secret_of_text(&Secret::new(text.trim().to_owned()))
        .map_err(|error| bad_input(format!("{shown}: {error}")))?;
    Ok(Target::Webhook(WebhookConfig {
        url: Secret::new(webhook.url.clone()),
        secret,
        timeout: webhook.timeout,
        ca_file: None,
        allow_plain_http: false,
    }))
}

/// The delivering threads.
#[derive(Debug)]
pub(crate) struct Couriers {
    bell: Arc<Bell>,
    threads: Vec<JoinHandle<()>>,
}

/// What a courier's reports are made into.
#[derive(Clone)]
pub(crate) struct Ear {
    pub(crate) accounts: Arc<Accounts>,
    pub(crate) own: SelfAudit,
    pub(crate) clock: Arc<dyn Clock>,
}

impl Couriers {
    /// Starts one thread for each of `sinks` on the outbox of the desk at `desk`.
    pub(crate) fn start(
        desk: &Path,
        sinks: Vec<SinkConfig>,
        disk: &Arc<dyn Disk>,
        mut output: Option<AlertOutput>,
        ear: &Ear,
    ) -> anyhow::Result<Self> {
        let bell = Arc::new(Bell::new());
        let mut threads = Vec::new();
        for sink in sinks {
            let mine: Box<dyn Write + Send> = match &sink.target {
                Target::Stdout { .. } => output.take().unwrap_or_else(|| Box::new(std::io::sink())),
                _ => Box::new(std::io::sink()),
            };
            let name = format!("courier-{}", sink.name);
            let observe = observer(ear.clone());
            let mut courier = Courier::open(desk, sink, Arc::clone(disk), mine, observe)
                .with_context(|| format!("opening {name}"))?;
            let (bell, clock) = (Arc::clone(&bell), Arc::clone(&ear.clock));
            let deliver = move || courier.run(&bell, clock.as_ref());
            let thread = std::thread::Builder::new().name(name).spawn(deliver);
            threads.push(thread.context("starting a courier")?);
        }
        Ok(Self { bell, threads })
    }

    /// What tells the threads that there is news.
    pub(crate) fn bell(&self) -> Arc<Bell> {
        Arc::clone(&self.bell)
    }

    /// The threads, to look whether they live.
    pub(crate) fn threads(&self) -> &[JoinHandle<()>] {
        &self.threads
    }

    /// Ends the threads; what is not delivered yet stays in the outbox. One that hangs in a full
    /// pipe is left behind after [`STOP_MAX`]: the process ends anyway.
    pub(crate) fn stop(self) {
        self.bell.stop();
        let start = Instant::now();
        while start.elapsed() < STOP_MAX && !self.threads.iter().all(JoinHandle::is_finished) {
            std::thread::sleep(STOP_PAUSE);
        }
    }
}

fn observer(ear: Ear) -> Box<dyn FnMut(&Report) + Send> {
    Box::new(move |report| {
        let name = match report {
            Report::Delivered { .. } => "delivery_done",
            Report::Retrying { .. } => "delivery_retried",
            Report::GaveUp { .. } => "delivery_given_up",
            Report::Disabled { .. } => "delivery_disabled",
        };
        ear.accounts.count(name, 1);
        let at = ObservedAt(ear.clock.unix_nanos());
        if let Some(event) = alert::delivery_fail_event(report, at)
            && !ear.own.record_event_soon(event)
        {
            ear.accounts.count("own_entry_lost", 1);
        }
    })
}
