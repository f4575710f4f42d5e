//! Each connection is one stream with one batch under way: while the door works on it we do not
//! read, and the sender is slowed down by its own socket.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use event::{FrameBatch, Hint, Listener, ObservedAt, Origin};
use stdx::Clock;
use tokio::io::AsyncReadExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use crate::accept::{Doorman, stopped};
use crate::door::{Door, Loss, Occurrence, Receipt, Refusal, submit};
use crate::gather::Gatherer;
use crate::limits;
use crate::split::{Framing, Tally};

/// A stream listener.
#[derive(Clone, Debug)]
pub struct TcpConfig {
    /// Name of the source, as configured for the listener.
    pub source: Arc<str>,
    /// Connections at the same time; more are closed at once.
    pub connections_max: usize,
    /// Silence after which a connection is closed.
    pub silence_max: Duration,
    /// Time that batches under way get after the order to stop.
    pub drain_time_max: Duration,
}

impl TcpConfig {
    /// The limits of [`limits`] for a source.
    pub fn standard(source: Arc<str>) -> Self {
        Self {
            source,
            connections_max: limits::SYSLOG_CONNECTIONS_MAX,
            silence_max: limits::SYSLOG_SILENCE_MAX,
            drain_time_max: Duration::from_secs(10),
        }
    }
}

/// Receives until `stop` becomes true.
pub async fn serve_tcp(
    socket: TcpListener,
    config: TcpConfig,
    door: Arc<dyn Door>,
    clock: Arc<dyn Clock>,
    mut stop: watch::Receiver<bool>,
) -> io::Result<()> {
    let mut doorman = Doorman::new(
        socket,
        Listener::SyslogTcp,
        config.connections_max,
        Arc::clone(&door),
    )?;
    while let Some((stream, peer, seat)) = doorman.next(&mut stop).await {
        let connection = Connection {
            peer,
            source: Arc::clone(&config.source),
            silence_max: config.silence_max,
            door: Arc::clone(&door),
            clock: Arc::clone(&clock),
            gatherer: Gatherer::new(
                Framing::Syslog,
                Hint::Syslog,
                limits::SYSLOG_BATCH_BYTES_MAX,
                limits::BATCH_FRAMES_MAX,
            ),
            told: Tally::default(),
            stop: stop.clone(),
        };
        tokio::spawn(async move {
            connection.run(stream).await;
            drop(seat);
        });
    }
    doorman.drain(config.drain_time_max).await;
    Ok(())
}

struct Connection {
    peer: SocketAddr,
    source: Arc<str>,
    silence_max: Duration,
    door: Arc<dyn Door>,
    clock: Arc<dyn Clock>,
    gatherer: Gatherer,
    /// What of the tally was noted already.
    told: Tally,
    stop: watch::Receiver<bool>,
}

impl Connection {
    async fn run(mut self, mut stream: TcpStream) {
        while self.read(&mut stream).await {
            if self.hand_over().await.is_err() {
                return;
            }
        }
        self.gatherer.finish();
        // The connection ends either way; what was lost has been noted.
        let _ = self.hand_over().await;
    }

    /// Reads once; false at the end of the connection or on the order to stop.
    async fn read(&mut self, stream: &mut TcpStream) -> bool {
        let buffer = self.gatherer.buffer_mut(limits::STREAM_READ_BYTES);
        let outcome = tokio::select! {
            () = stopped(&mut self.stop) => return false,
            outcome = timeout(self.silence_max, stream.read_buf(buffer)) => outcome,
        };
        match outcome {
            Ok(Ok(count)) => {
                self.gatherer.split();
                0 < count
            }
            // Reset by the peer: what arrived before still counts.
            Ok(Err(_)) => false,
            Err(_) => {
                self.door.note(Occurrence::ConnectionSilent {
                    listener: Listener::SyslogTcp,
                    peer: self.peer,
                });
                false
            }
        }
    }

    /// Hands all complete frames to the door and waits until they are durable.
    async fn hand_over(&mut self) -> Result<(), Refusal> {
        while let Some(batch) = self.gatherer.take(self.origin()) {
            let count = batch.len() as u64;
            if let Err(refusal) = self.deliver(batch).await {
                self.door.note(Occurrence::FramesLost {
                    source: Arc::clone(&self.source),
                    listener: Listener::SyslogTcp,
                    peer: Some(self.peer),
                    reason: Loss::Refused(refusal),
                    count,
                });
                return Err(refusal);
            }
        }
        self.note_cut();
        Ok(())
    }

    async fn deliver(&mut self, mut batch: FrameBatch) -> Result<Receipt, Refusal> {
        loop {
            match submit(self.door.as_ref(), batch) {
                Ok(reply) => return reply.await.unwrap_or(Err(Refusal::Unanswered)),
                Err(busy) => {
                    batch = busy.batch;
                    let pause = busy.retry_after.min(limits::BUSY_PAUSE_MAX);
                    // An order to stop does not cut the wait short: these frames cannot be sent
                    // again. The drain time of the listener bounds it.
                    sleep(pause).await;
                }
            }
        }
    }

    fn origin(&self) -> Origin {
        Origin {
            source: Arc::clone(&self.source),
            listener: Listener::SyslogTcp,
            peer: Some(self.peer),
            file: None,
            observed_at: ObservedAt(self.clock.unix_nanos()),
        }
    }

    fn note_cut(&mut self) {
        let tally = self.gatherer.tally();
        let count = tally.frames_cut - self.told.frames_cut;
        let bytes_skipped = tally.bytes_skipped - self.told.bytes_skipped;
        if 0 < count || 0 < bytes_skipped {
            self.door.note(Occurrence::FramesCut {
                source: Arc::clone(&self.source),
                listener: Listener::SyslogTcp,
                count,
                bytes_skipped,
            });
            self.told = tally;
        }
    }
}
