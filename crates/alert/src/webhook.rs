//! One signed HTTP request to one receiver, and what its answer means.
//!
//! Addresses may hold tokens, so no error and no formatter shows more of one than its host.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use disk::{Disk, DiskError};
use event::ObservedAt;
use thiserror::Error;
use ureq::http::{Response, Uri};
use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig, parse_pem};
use ureq::{Agent, Body};

use crate::sink::WebhookConfig;
use crate::{limits, signature};

/// A sink that cannot be used as it is configured. Says nothing secret.
#[derive(Debug, Error)]
pub enum SinkError {
    /// Not an absolute `http` or `https` address.
    #[error("sink {sink}: webhook url is not an absolute http or https address")]
    Url {
        /// Name of the sink.
        sink: String,
    },
    /// User and password in the address would be sent on every request.
    #[error("sink {sink}: webhook url holds a user name or password")]
    Credentials {
        /// Name of the sink.
        sink: String,
    },
    /// Alerts would cross a network in the clear.
    #[error("sink {sink}: plain http to {host} is not allowed: use https, or allow it by config")]
    PlainHttp {
        /// Name of the sink.
        sink: String,
        /// Host of the address.
        host: String,
    },
    /// The file with authorities could not be read.
    #[error("sink {sink}: read certificate authorities: {source}")]
    AuthorityFile {
        /// Name of the sink.
        sink: String,
        /// Why.
        source: DiskError,
    },
    /// The file with authorities holds none.
    #[error("sink {sink}: {} holds no certificate in PEM", path.display())]
    NoAuthority {
        /// Name of the sink.
        sink: String,
        /// The file.
        path: PathBuf,
    },
    /// The operating system trusts nobody.
    #[error("sink {sink}: the operating system has no certificate authorities: name a ca file")]
    NoSystemAuthority {
        /// Name of the sink.
        sink: String,
    },
    /// The file of a file sink could not be read or mended.
    #[error("sink {sink}: {source}")]
    File {
        /// Name of the sink.
        sink: String,
        /// Why.
        source: DiskError,
    },
}

/// Why one attempt to deliver failed.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum DeliveryFault {
    /// The receiver answered with a status other than 2xx and 410.
    #[error("receiver answered {status}")]
    Status {
        /// The status.
        status: u16,
        /// How long it asked to be left alone.
        retry_after: Option<Duration>,
    },
    /// The receiver answered 410: it wants nothing more (Standard Webhooks 1.0).
    #[error("receiver answered 410 Gone, sink disabled")]
    Gone,
    /// The whole attempt took too long.
    #[error("timed out after {after:?}")]
    Timeout {
        /// The limit.
        after: Duration,
    },
    /// The name of the host means nothing.
    #[error("host not found")]
    HostNotFound,
    /// The connection failed.
    #[error("connection failed: {kind}")]
    Connection {
        /// How.
        kind: std::io::ErrorKind,
    },
    /// The receiver could not prove who it is, or speaks no TLS that we speak.
    #[error("tls: {reason}")]
    Tls {
        /// In the words of the TLS library.
        reason: String,
    },
    /// The answer was not HTTP.
    #[error("answer breaks the http protocol")]
    Protocol,
    /// The application's writer refused.
    #[error("write: {kind}")]
    Output {
        /// How.
        kind: std::io::ErrorKind,
    },
    /// The file refused.
    #[error("{reason}")]
    File {
        /// In the words of crate `disk`.
        reason: String,
    },
}

impl DeliveryFault {
    /// How long the receiver asked to be left alone.
    pub(crate) fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Status { retry_after, .. } => *retry_after,
            _ => None,
        }
    }
}

/// A receiver that is ready to be called.
#[derive(Debug)]
pub(crate) struct Webhook {
    config: WebhookConfig,
    agent: Agent,
}

impl Webhook {
    /// Checks address and trust; calls nobody.
    pub(crate) fn new(
        sink: &str,
        config: WebhookConfig,
        disk: &dyn Disk,
    ) -> Result<Self, SinkError> {
        let is_https = check_address(sink, &config)?;
        let mut settings = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            // A proxy named in the environment would see alerts that nobody sent it.
            .proxy(None)
            .timeout_global(Some(config.timeout))
            .max_response_header_size(limits::REPLY_HEADER_BYTES_MAX)
            .user_agent(concat!("belfry/", env!("CARGO_PKG_VERSION")));
        if is_https {
            let provider = Arc::new(rustls::crypto::ring::default_provider());
            let roots = authorities(sink, &config, disk)?;
            settings = settings.https_only(true).tls_config(
                TlsConfig::builder()
                    .unversioned_rustls_crypto_provider(provider)
                    .root_certs(RootCerts::new_with_certs(&roots))
                    .build(),
            );
        }
        let agent = settings.build().new_agent();
        Ok(Self { config, agent })
    }

    /// Sends `body` as the message `id`, signed at `now`.
    pub(crate) fn send(&self, id: &str, body: &str, now: ObservedAt) -> Result<(), DeliveryFault> {
        let timestamp = now.0.div_euclid(stdx::calendar::SECOND_NANOS);
        let signed = signature(&self.config.secret, id, timestamp, body.as_bytes());
        let answer = self
            .agent
            .post(self.config.url.expose().as_str())
            .header("content-type", "application/json")
            .header("webhook-id", id)
            .header("webhook-timestamp", timestamp.to_string())
            .header("webhook-signature", signed)
            .send(body.as_bytes());
        match answer {
            Ok(answer) => judge(answer, now),
            Err(error) => Err(self.fault_of(error)),
        }
    }

    /// In our own words: those of the library may hold the address.
    fn fault_of(&self, error: ureq::Error) -> DeliveryFault {
        match error {
            ureq::Error::Timeout(_) => DeliveryFault::Timeout {
                after: self.config.timeout,
            },
            ureq::Error::HostNotFound => DeliveryFault::HostNotFound,
            ureq::Error::Io(error) => fault_of_io(&error),
            ureq::Error::ConnectionFailed => DeliveryFault::Connection {
                kind: std::io::ErrorKind::NotConnected,
            },
            ureq::Error::Tls(reason) => DeliveryFault::Tls {
                reason: reason.to_owned(),
            },
            ureq::Error::Rustls(error) => DeliveryFault::Tls {
                reason: error.to_string(),
            },
            _ => DeliveryFault::Protocol,
        }
    }
}

/// The TLS library reports a failed handshake through the socket's error.
fn fault_of_io(error: &std::io::Error) -> DeliveryFault {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref());
    match inner {
        Some(tls) => DeliveryFault::Tls {
            reason: rustls::Error::to_string(tls),
        },
        None => DeliveryFault::Connection { kind: error.kind() },
    }
}

fn judge(mut answer: Response<Body>, now: ObservedAt) -> Result<(), DeliveryFault> {
    let status = answer.status().as_u16();
    let retry_after = answer
        .headers()
        .get("retry-after")
        .and_then(|value| value.to_str().ok())
        .and_then(|text| read_retry_after(text, now));
    // What the receiver says is read so that the connection can serve again, and forgotten; a
    // longer answer only costs the connection.
    let reply = answer.body_mut().with_config();
    drop(reply.limit(limits::REPLY_BYTES_MAX).read_to_vec());
    match status {
        200..=299 => Ok(()),
        410 => Err(DeliveryFault::Gone),
        status => Err(DeliveryFault::Status {
            status,
            retry_after,
        }),
    }
}

/// `Retry-After` in both forms of RFC 9110 10.2.3: seconds, or a date in IMF-fixdate.
fn read_retry_after(text: &str, now: ObservedAt) -> Option<Duration> {
    let text = text.trim();
    if text.bytes().all(|byte| byte.is_ascii_digit()) && !text.is_empty() {
        // More digits than fit mean longer than anybody waits.
        let seconds = text.parse().unwrap_or(u64::MAX);
        return Some(Duration::from_secs(seconds).min(limits::RETRY_AFTER_MAX));
    }
    let bytes = text.as_bytes();
    let date = stdx::calendar::Civil {
        year: i64::from(stdx::calendar::digits(bytes, 12, 4)?),
        month: stdx::calendar::month_of_name(bytes.get(8..11)?)?,
        day: stdx::calendar::digits(bytes, 5, 2)?,
        hour: stdx::calendar::digits(bytes, 17, 2)?,
        minute: stdx::calendar::digits(bytes, 20, 2)?,
        second: stdx::calendar::digits(bytes, 23, 2)?,
        nanos: 0,
    };
    let wait = date.unix_nanos()?.saturating_sub(now.0);
    let wait = Duration::from_nanos(u64::try_from(wait).unwrap_or(0));
    Some(wait.min(limits::RETRY_AFTER_MAX))
}

/// Whether the address is `https`; refuses what may not be called.
fn check_address(sink: &str, config: &WebhookConfig) -> Result<bool, SinkError> {
    let sink = sink.to_owned();
    let Ok(uri) = config.url.expose().parse::<Uri>() else {
        return Err(SinkError::Url { sink });
    };
    let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
        return Err(SinkError::Url { sink });
    };
    if authority.as_str().contains('@') {
        return Err(SinkError::Credentials { sink });
    }
    match scheme {
        "https" => Ok(true),
        "http" if config.allow_plain_http || is_loopback(authority.host()) => Ok(false),
        "http" => Err(SinkError::PlainHttp {
            sink,
            host: authority.host().to_owned(),
        }),
        _ => Err(SinkError::Url { sink }),
    }
}

/// `localhost` is loopback by RFC 6761 6.3.
fn is_loopback(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    bare.eq_ignore_ascii_case("localhost")
        || bare
            .parse::<std::net::IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

fn authorities(
    sink: &str,
    config: &WebhookConfig,
    disk: &dyn Disk,
) -> Result<Vec<Certificate<'static>>, SinkError> {
    let sink = sink.to_owned();
    let Some(path) = &config.ca_file else {
        let found = rustls_native_certs::load_native_certs().certs;
        if found.is_empty() {
            return Err(SinkError::NoSystemAuthority { sink });
        }
        let owned = found.iter();
        return Ok(owned
            .map(|der| Certificate::from_der(der).to_owned())
            .collect());
    };
    let pem = match disk.read(path, limits::CA_FILE_BYTES_MAX) {
        Ok(pem) => pem,
        Err(source) => return Err(SinkError::AuthorityFile { sink, source }),
    };
    let found: Vec<Certificate<'static>> = parse_pem(&pem)
        .filter_map(|item| match item {
            Ok(PemItem::Certificate(certificate)) => Some(certificate),
            _ => None,
        })
        .collect();
    if found.is_empty() {
        let path = path.clone();
        return Err(SinkError::NoAuthority { sink, path });
    }
    Ok(found)
}

#[cfg(test)]
mod tests;
