//! The shop's side of the wire: events wait in a bounded queue, a thread sends them in batches to
//! Belfry and counts what was acknowledged.
//!
//! The request path of the shop never waits for the log: an event that finds the queue full is
//! counted as lost, and the demo fails over it.

use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::Context;
use stdx::Secret;

/// Events that may wait: far more than the demo makes, far less than would hurt.
const QUEUE_EVENTS_MAX: usize = 8192;
/// Events of one request.
const BATCH_EVENTS_MAX: usize = 256;
/// How long a batch waits for company after its first event.
const BATCH_WAIT: Duration = Duration::from_millis(5);
/// Attempts for one batch before it is given up; about half a minute at the pauses below.
const ATTEMPTS_MAX: u32 = 30;
/// Pause before a retry when the answer names none.
const RETRY_PAUSE: Duration = Duration::from_millis(200);
/// Longest pause an answer may ask for.
const RETRY_PAUSE_MAX: Duration = Duration::from_secs(5);
/// Longest wait for one answer.
const ANSWER_MAX: Duration = Duration::from_secs(10);

/// What became of the events so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    /// Handed to the reporter.
    pub(crate) reported: u64,
    /// Acknowledged by Belfry: durable.
    pub(crate) acknowledged: u64,
    /// Refused for good, or given up after all attempts.
    pub(crate) refused: u64,
    /// Lost because the queue was full.
    pub(crate) lost: u64,
    /// Requests that had to be repeated.
    pub(crate) retries: u64,
}

impl Counts {
    fn is_settled(&self) -> bool {
        self.acknowledged + self.refused + self.lost >= self.reported
    }
}

#[derive(Debug, Default)]
struct Tally {
    counts: Mutex<Counts>,
    changed: Condvar,
}

impl Tally {
    fn change(&self, change: impl FnOnce(&mut Counts)) {
        change(&mut self.counts.lock().unwrap_or_else(PoisonError::into_inner));
        self.changed.notify_all();
    }
}

/// Where events are handed in.
#[derive(Clone, Debug)]
pub(crate) struct Reporter {
    queue: SyncSender<String>,
    tally: Arc<Tally>,
}

/// The sending thread; ends when every [`Reporter`] is gone and the queue is empty.
#[derive(Debug)]
pub(crate) struct Sender(JoinHandle<()>);

impl Sender {
    /// Waits for the end.
    pub(crate) fn join(self) -> anyhow::Result<()> {
        self.0
            .join()
            .map_err(|_| anyhow::anyhow!("the shop's reporter panicked"))
    }
}

impl Reporter {
    /// Starts to report to `url` (`POST /v1/events` of Belfry) with the source's bearer `token`.
    pub(crate) fn start(url: String, token: Secret<String>) -> anyhow::Result<(Self, Sender)> {
        let (queue, waiting) = sync_channel(QUEUE_EVENTS_MAX);
        let tally = Arc::new(Tally::default());
        let post = Post {
            url,
            token,
            http: http(),
            tally: Arc::clone(&tally),
        };
        let thread = std::thread::Builder::new().name("shop-reporter".to_owned());
        let thread = thread
            .spawn(move || post.run(&waiting))
            .context("starting the reporter")?;
        Ok((Self { queue, tally }, Sender(thread)))
    }

    /// Hands in one event, one line of JSON. Never waits.
    pub(crate) fn report(&self, event: String) {
        self.tally.change(|counts| counts.reported += 1);
        if self.queue.try_send(event).is_err() {
            self.tally.change(|counts| counts.lost += 1);
        }
    }

    /// Waits until everything handed in is acknowledged or refused, at most `max`.
    pub(crate) fn flush(&self, max: Duration) -> Counts {
        let counts = self
            .tally
            .counts
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let waited = self
            .tally
            .changed
            .wait_timeout_while(counts, max, |now| !now.is_settled());
        *waited.unwrap_or_else(PoisonError::into_inner).0
    }
}

/// A client for loopback: no proxy of the environment, statuses are answers and not errors.
pub(crate) fn http() -> ureq::Agent {
    let config = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .proxy(None)
        .timeout_global(Some(ANSWER_MAX))
        .build();
    ureq::Agent::new_with_config(config)
}

struct Post {
    url: String,
    token: Secret<String>,
    http: ureq::Agent,
    tally: Arc<Tally>,
}

enum Answer {
    Acknowledged,
    Refused,
    Again(Duration),
}

impl Post {
    fn run(&self, waiting: &Receiver<String>) {
        while let Ok(first) = waiting.recv() {
            let (lines, count) = collect(first, waiting);
            self.deliver(&lines, count);
        }
    }

    fn deliver(&self, lines: &str, count: u64) {
        for _ in 0..ATTEMPTS_MAX {
            match self.attempt(lines) {
                Answer::Acknowledged => return self.tally.change(|now| now.acknowledged += count),
                Answer::Refused => break,
                Answer::Again(pause) => {
                    self.tally.change(|now| now.retries += 1);
                    std::thread::sleep(pause);
                }
            }
        }
        self.tally.change(|now| now.refused += count);
    }

    fn attempt(&self, lines: &str) -> Answer {
        let request = self
            .http
            .post(&self.url)
            .header("authorization", format!("Bearer {}", self.token.expose()))
            .header("content-type", "application/x-ndjson");
        let Ok(mut answer) = request.send(lines) else {
            return Answer::Again(RETRY_PAUSE);
        };
        // Read to its end, so that the connection can be used again.
        let read = answer.body_mut().read_to_string();
        match answer.status().as_u16() {
            200..=299 if read.is_ok() => Answer::Acknowledged,
            429 | 503 => Answer::Again(pause_of(answer.headers().get("retry-after"))),
            200..=299 | 500..=599 => Answer::Again(RETRY_PAUSE),
            _ => Answer::Refused,
        }
    }
}

fn collect(first: String, waiting: &Receiver<String>) -> (String, u64) {
    let (mut lines, mut count) = (first, 1);
    lines.push('\n');
    while count < BATCH_EVENTS_MAX as u64 {
        match waiting.recv_timeout(BATCH_WAIT) {
            Ok(line) => {
                lines.push_str(&line);
                lines.push('\n');
                count += 1;
            }
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => break,
        }
    }
    (lines, count)
}

/// `Retry-After` in seconds (RFC 9110 10.2.3); the date form is not used by Belfry.
fn pause_of(header: Option<&ureq::http::HeaderValue>) -> Duration {
    let seconds = header.and_then(|value| value.to_str().ok()?.trim().parse().ok());
    seconds
        .map_or(RETRY_PAUSE, Duration::from_secs)
        .min(RETRY_PAUSE_MAX)
}

#[cfg(test)]
mod tests;
