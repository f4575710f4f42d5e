//! Accepting stream connections up to a limit, and waiting for the last of them.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use event::Listener;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

use crate::door::{Door, Occurrence};

/// Pause after a failed accept: usually the process is out of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Completes when `stop` is true or nobody can set it any more.
pub(crate) async fn stopped(stop: &mut watch::Receiver<bool>) {
    // An error means that the sender is gone, which is an order to stop as well.
    let _ = stop.wait_for(|stop| *stop).await;
}

/// A listening socket with its connection limit.
pub(crate) struct Doorman {
    socket: TcpListener,
    address: SocketAddr,
    listener: Listener,
    connections_max: usize,
    seats: Arc<Semaphore>,
    door: Arc<dyn Door>,
}

impl Doorman {
    pub(crate) fn new(
        socket: TcpListener,
        listener: Listener,
        connections_max: usize,
        door: Arc<dyn Door>,
    ) -> io::Result<Self> {
        let address = socket.local_addr()?;
        door.note(Occurrence::ListenerStarted { listener, address });
        Ok(Self {
            socket,
            address,
            listener,
            connections_max,
            seats: Arc::new(Semaphore::new(connections_max)),
            door,
        })
    }

    /// The next connection with its seat, which the caller keeps as long as the connection;
    /// `None` after the order to stop.
    pub(crate) async fn next(
        &mut self,
        stop: &mut watch::Receiver<bool>,
    ) -> Option<(TcpStream, SocketAddr, OwnedSemaphorePermit)> {
        loop {
            let accepted = tokio::select! {
                () = stopped(stop) => return None,
                accepted = self.socket.accept() => accepted,
            };
            match accepted {
                Ok((stream, peer)) => match Arc::clone(&self.seats).try_acquire_owned() {
                    Ok(seat) => return Some((stream, peer, seat)),
                    Err(_) => self.door.note(Occurrence::ConnectionLimit {
                        listener: self.listener,
                        peer,
                        connections_max: self.connections_max,
                    }),
                },
                Err(error) => {
                    self.door.note(Occurrence::AcceptFailed {
                        listener: self.listener,
                        error: error.to_string(),
                    });
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }

    /// Closes the socket and waits for the connections, but no longer than `time_max`.
    pub(crate) async fn drain(self, time_max: Duration) {
        drop(self.socket);
        let all = u32::try_from(self.connections_max).unwrap_or(u32::MAX);
        // Whoever is still connected after that is cut off when the runtime ends.
        let _ = tokio::time::timeout(time_max, self.seats.acquire_many(all)).await;
        self.door.note(Occurrence::ListenerStopped {
            listener: self.listener,
            address: self.address,
        });
    }
}
