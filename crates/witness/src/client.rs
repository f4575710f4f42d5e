//! Asks witnesses: for a cosignature, and for what they remember (c2sp.org/tlog-witness).
//!
//! Liberal in what answers may look like where implementations differ: the size in a 409 may come
//! as a number or as a whole checkpoint, and a root that contradicts may be 409 or 422.

use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;
use tlog::note::SignatureLine;
use tlog::witness::{parse_cosignatures, parse_size};
use tlog::{
    AddCheckpoint, Checkpoint, CosignerKey, Hash, UnverifiedCheckpoint, Verified, VerifyingKey,
};
use ureq::Agent;
use ureq::tls::{Certificate, RootCerts, TlsConfig};

use crate::limits::{
    ANSWER_BYTES_MAX, ANSWER_HEADER_BYTES_MAX, REPEATED_CHARS_MAX, RETRY_AFTER_MAX,
};
use crate::store::origin_hex;

/// Makes the consistency proof from the first to the second size.
pub type Proofs<'a> = &'a (dyn Fn(u64, u64) -> Result<Vec<Hash>, String> + Sync);

/// Speaks to witnesses, one conversation at a time and thread.
#[derive(Clone, Debug)]
pub struct Client {
    agent: Agent,
}

/// A witness as the client needs it.
#[derive(Clone, Copy, Debug)]
pub struct Address<'a> {
    /// Where it takes checkpoints, without a slash at the end.
    pub url: &'a str,
    /// The key it cosigns with.
    pub key: &'a CosignerKey,
}

/// A checkpoint was cosigned.
#[derive(Clone, Debug)]
pub struct Cosigned {
    /// The witness's line, checked.
    pub line: SignatureLine,
    /// When it says to have seen it, seconds since 1970 UTC.
    pub time_s: u64,
}

/// Why a witness did not cosign, or could not be asked.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Fault {
    /// No connection, no answer in time, or no HTTP.
    #[error("cannot be reached: {0}")]
    Unreachable(String),
    /// It does not watch this log (404).
    #[error("does not watch this log; on its host: belfry witness add-log VKEY")]
    UnknownLog,
    /// It knows the log under another key (403).
    #[error("knows this log under another key and refuses the signature")]
    Signature,
    /// It has seen a larger log than the one asked for.
    #[error(
        "has seen {seen} entries under our signature, this ledger has {ours}: rolled back or \
         run twice"
    )]
    Ahead {
        /// Size it has seen.
        seen: u64,
        /// Size of the checkpoint.
        ours: u64,
    },
    /// What it has seen is not the beginning of this log (409 or 422).
    #[error("has seen another history of this log: {0}")]
    Fork(String),
    /// It asks to be left alone (429).
    #[error("asks to come back in {} s", .0.as_secs())]
    Busy(Duration),
    /// Any other status.
    #[error("answered {status}: {said}")]
    Status {
        /// The status.
        status: u16,
        /// The beginning of what it said.
        said: String,
    },
    /// The answer is not what the protocol asks for, or its signature is bad.
    #[error("gave no good answer: {0}")]
    Answer(String),
    /// Our own log could not make the proof.
    #[error("the proof could not be made: {0}")]
    OwnProof(String),
}

impl Fault {
    /// Whether this says that the log itself was rolled back or forked, rather than that the
    /// witness is not there.
    pub fn is_tampering(&self) -> bool {
        matches!(self, Self::Ahead { .. } | Self::Fork(_))
    }
}

/// An answer as it came.
struct Answer {
    status: u16,
    retry_after: Option<Duration>,
    body: Vec<u8>,
}

impl Client {
    /// A client that gives each request this long in all.
    pub fn new(timeout: Duration) -> Self {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let found = rustls_native_certs::load_native_certs().certs;
        let roots: Vec<Certificate<'static>> = found
            .iter()
            .map(|der| Certificate::from_der(der).to_owned())
            .collect();
        let tls = TlsConfig::builder()
            .unversioned_rustls_crypto_provider(provider)
            .root_certs(RootCerts::new_with_certs(&roots))
            .build();
        let settings = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            // Whom the environment names as a proxy was not asked to see our checkpoints.
            .proxy(None)
            .timeout_global(Some(timeout))
            .max_response_header_size(ANSWER_HEADER_BYTES_MAX)
            .user_agent(concat!("belfry/", env!("CARGO_PKG_VERSION")))
            .tls_config(tls);
        Self {
            agent: settings.build().new_agent(),
        }
    }

    /// Asks a witness to cosign. `hint` is the size it is believed to have seen; if it says
    /// otherwise, it is asked once more from there.
    pub fn submit(
        &self,
        witness: Address<'_>,
        checkpoint: &UnverifiedCheckpoint,
        hint: u64,
        proofs: Proofs<'_>,
    ) -> Result<Cosigned, Fault> {
        let ours = checkpoint.claimed_size();
        let hint = hint.min(ours);
        let answer = self.ask(witness, checkpoint, hint, proofs)?;
        if answer.status != 409 {
            return judge(&answer, witness.key, checkpoint);
        }
        let seen = size_in(&answer.body).ok_or_else(|| repeated(&answer))?;
        if ours < seen {
            return Err(Fault::Ahead { seen, ours });
        }
        if seen == hint {
            return Err(Fault::Fork(format!("another root at size {seen}")));
        }
        let answer = self.ask(witness, checkpoint, seen, proofs)?;
        if answer.status == 409 {
            let again = size_in(&answer.body).unwrap_or(seen);
            if again == seen {
                return Err(Fault::Fork(format!("another root at size {seen}")));
            }
            if ours < again {
                return Err(Fault::Ahead { seen: again, ours });
            }
            // Somebody else brought it a checkpoint in between: next time.
            return Err(Fault::Busy(Duration::from_secs(1)));
        }
        judge(&answer, witness.key, checkpoint)
    }

    fn ask(
        &self,
        witness: Address<'_>,
        checkpoint: &UnverifiedCheckpoint,
        old: u64,
        proofs: Proofs<'_>,
    ) -> Result<Answer, Fault> {
        let hashes = proofs(old, checkpoint.claimed_size()).map_err(Fault::OwnProof)?;
        let request = AddCheckpoint::new(old, hashes, checkpoint.clone())
            .map_err(|error| Fault::OwnProof(error.to_string()))?;
        let url = format!("{}/add-checkpoint", witness.url);
        let sent = self.agent.post(&url).send(request.to_string());
        read(sent)
    }

    /// What a witness remembers of the log with this key: its newest checkpoint, whose signature
    /// by the log was checked; `None` when it has seen nothing.
    pub fn newest_seen(
        &self,
        url: &str,
        key: &VerifyingKey,
    ) -> Result<Option<Verified<Checkpoint>>, Fault> {
        let url = format!("{url}/{}/checkpoint", origin_hex(key.name()));
        let answer = read(self.agent.get(&url).call())?;
        match answer.status {
            200 => {}
            404 => return Ok(None),
            _ => return Err(repeated(&answer)),
        }
        let foreign = UnverifiedCheckpoint::parse(&answer.body)
            .map_err(|error| Fault::Answer(error.to_string()))?;
        let seen = foreign.verify(key, key.name());
        seen.map(Some)
            .map_err(|error| Fault::Answer(error.to_string()))
    }

    /// The body of a small text at `url`.
    pub fn text(&self, url: &str) -> Result<String, Fault> {
        let answer = read(self.agent.get(url).call())?;
        if answer.status != 200 {
            return Err(repeated(&answer));
        }
        String::from_utf8(answer.body).map_err(|_| Fault::Answer("it is no text".to_owned()))
    }
}

fn read(sent: Result<ureq::http::Response<ureq::Body>, ureq::Error>) -> Result<Answer, Fault> {
    let mut answer = sent.map_err(|error| Fault::Unreachable(in_our_words(&error)))?;
    let status = answer.status().as_u16();
    let retry_after = answer
        .headers()
        .get("retry-after")
        .and_then(|value| value.to_str().ok()?.trim().parse().ok())
        .map(|seconds| Duration::from_secs(seconds).min(RETRY_AFTER_MAX));
    let body = answer
        .body_mut()
        .with_config()
        .limit(ANSWER_BYTES_MAX)
        .read_to_vec()
        .map_err(|error| Fault::Answer(in_our_words(&error)))?;
    Ok(Answer {
        status,
        retry_after,
        body,
    })
}

fn judge(
    answer: &Answer,
    key: &CosignerKey,
    checkpoint: &UnverifiedCheckpoint,
) -> Result<Cosigned, Fault> {
    match answer.status {
        200 => {}
        403 => return Err(Fault::Signature),
        404 => return Err(Fault::UnknownLog),
        422 => return Err(Fault::Fork(said(&answer.body))),
        429 => {
            let pause = answer.retry_after.unwrap_or(Duration::from_secs(1));
            return Err(Fault::Busy(pause));
        }
        _ => return Err(repeated(answer)),
    }
    let lines =
        parse_cosignatures(&answer.body).map_err(|error| Fault::Answer(error.to_string()))?;
    let line = lines.into_iter().find(|line| key.knows(line));
    let line = line.ok_or_else(|| Fault::Answer(format!("no line of {}", key.name())))?;
    let seen = key
        .verify(checkpoint.note().text(), &line)
        .map_err(|error| Fault::Answer(error.to_string()))?;
    Ok(Cosigned {
        time_s: seen.time_s(),
        line,
    })
}

/// The size in a 409, a hint only: a number, or the newest checkpoint itself.
fn size_in(body: &[u8]) -> Option<u64> {
    parse_size(body).or_else(|| {
        let foreign = UnverifiedCheckpoint::parse(body).ok()?;
        Some(foreign.claimed_size())
    })
}

fn repeated(answer: &Answer) -> Fault {
    Fault::Status {
        status: answer.status,
        said: said(&answer.body),
    }
}

/// The beginning of what a stranger said, harmless on a terminal.
fn said(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    let shown = text.trim().chars().filter(|c| !c.is_control());
    shown.take(REPEATED_CHARS_MAX).collect()
}

fn in_our_words(error: &ureq::Error) -> String {
    match error {
        ureq::Error::Timeout(_) => "no answer in time".to_owned(),
        ureq::Error::HostNotFound => "its name means nothing".to_owned(),
        ureq::Error::ConnectionFailed => "the connection failed".to_owned(),
        ureq::Error::Io(error) => format!("connection: {error}"),
        ureq::Error::BodyExceedsLimit(_) => "the answer is too long".to_owned(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests;
