//! Where alerts go, as the operator configured it. Secrets and addresses stay out of `Debug`.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use event::Severity;
use stdx::Secret;

use crate::{RetryPolicy, limits};

/// One sink.
#[derive(Clone, Debug)]
pub struct SinkConfig {
    /// Name, unique among sinks; it keys the outbox, so renaming one starts a new one.
    pub name: String,
    /// Only alerts at least this grave.
    pub severity_min: Severity,
    /// Also acknowledgements, closings and reopenings.
    pub lifecycle: bool,
    /// Messages from one rule in one hour; then one summary. [`limits::RULE_HOURLY_MAX`] is ours.
    pub rule_hourly_max: u32,
    /// How failures are tried again.
    pub retry: RetryPolicy,
    /// The way out.
    pub target: Target,
}

impl SinkConfig {
    /// A sink with our defaults: everything from `low` up, no lifecycle messages.
    pub fn new(name: &str, target: Target) -> Self {
        Self {
            name: name.to_owned(),
            severity_min: Severity::Low,
            lifecycle: false,
            rule_hourly_max: limits::RULE_HOURLY_MAX,
            retry: RetryPolicy::default(),
            target,
        }
    }

    /// What the desk must know about this sink to fill its outbox.
    pub fn route(&self) -> Route {
        Route {
            sink: self.name.clone(),
            severity_min: self.severity_min,
            lifecycle: self.lifecycle,
            rule_hourly_max: self.rule_hourly_max,
            format: match &self.target {
                Target::Stdout { format } => *format,
                Target::File { .. } | Target::Webhook(_) => Format::JsonLine,
            },
        }
    }
}

/// The way out of a sink.
#[derive(Clone, Debug)]
pub enum Target {
    /// The writer that the application gives to the courier.
    Stdout {
        /// For people or for machines.
        format: Format,
    },
    /// JSON lines appended to a file, each durable before the next.
    File {
        /// The file; its folder must exist.
        path: PathBuf,
    },
    /// A signed HTTP request.
    Webhook(WebhookConfig),
}

/// How a message is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// A block of lines for a person.
    Pretty {
        /// With terminal colours; never the only carrier of a meaning.
        color: bool,
    },
    /// One JSON object on one line.
    JsonLine,
}

/// A receiver of Standard Webhooks 1.0.
#[derive(Clone)]
pub struct WebhookConfig {
    /// Where to send; may hold a token of its own in path or query.
    pub url: Secret<String>,
    /// Signing secret, from [`crate::secret_of_text`].
    pub secret: Secret<Vec<u8>>,
    /// For the whole of one attempt.
    pub timeout: Duration,
    /// PEM file with authorities to trust instead of the operating system's.
    pub ca_file: Option<PathBuf>,
    /// Permits plain `http` to a host other than loopback.
    pub allow_plain_http: bool,
}

impl fmt::Debug for WebhookConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebhookConfig")
            .field("url", &self.url)
            .field("secret", &self.secret)
            .field("timeout", &self.timeout)
            .field("ca_file", &self.ca_file)
            .field("allow_plain_http", &self.allow_plain_http)
            .finish()
    }
}

/// What the desk must know about one sink.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// Its name.
    pub sink: String,
    /// Only alerts at least this grave.
    pub severity_min: Severity,
    /// Also acknowledgements, closings and reopenings.
    pub lifecycle: bool,
    /// Messages from one rule in one hour; then one summary.
    pub rule_hourly_max: u32,
    /// How its messages are written.
    pub format: Format,
}
