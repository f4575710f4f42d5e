//! One datagram is one message. The socket is emptied in one go, and what came from one peer
//! becomes one batch.

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use event::{FrameBatch, FrameSpan, Hint, Listener, ObservedAt, Origin, Raw};
use stdx::Clock;
use tokio::net::UdpSocket;
use tokio::sync::watch;

use crate::accept::stopped;
use crate::door::{Door, ItemRefusal, Loss, Occurrence};
use crate::limits::{
    DATAGRAM_BATCH_BYTES_MAX, DATAGRAM_BYTES_MAX, DATAGRAM_LINGER, DATAGRAM_SOCKET_BYTES,
    DATAGRAMS_PER_BATCH_MAX,
};
use crate::split::delimited_len;

/// Pause after a failed receive.
const RECEIVE_PAUSE: Duration = Duration::from_millis(100);

/// A datagram listener.
#[derive(Clone, Debug)]
pub struct UdpConfig {
    /// Name of the source, as configured for the listener.
    pub source: Arc<str>,
}

/// Binds a datagram socket with a large receive buffer. Returns how many bytes the system
/// granted (Linux counts its own overhead in).
pub async fn bind_udp(address: SocketAddr) -> io::Result<(UdpSocket, usize)> {
    let socket = UdpSocket::bind(address).await?;
    rustix::net::sockopt::set_socket_recv_buffer_size(&socket, DATAGRAM_SOCKET_BYTES)?;
    let granted = rustix::net::sockopt::socket_recv_buffer_size(&socket)?;
    Ok((socket, granted))
}

/// Receives until `stop` becomes true.
pub async fn serve_udp(
    socket: UdpSocket,
    config: UdpConfig,
    door: Arc<dyn Door>,
    clock: Arc<dyn Clock>,
    mut stop: watch::Receiver<bool>,
) -> io::Result<()> {
    let listener = Listener::SyslogUdp;
    let address = socket.local_addr()?;
    door.note(Occurrence::ListenerStarted { listener, address });
    let mut datagram = vec![0; DATAGRAM_BYTES_MAX];
    loop {
        let ready = tokio::select! {
            () = stopped(&mut stop) => break,
            ready = socket.readable() => ready,
        };
        let mut received = Received::default();
        if let Err(error) = ready.and_then(|()| received.drain(&socket, &mut datagram)) {
            let error = error.to_string();
            door.note(Occurrence::AcceptFailed { listener, error });
            tokio::time::sleep(RECEIVE_PAUSE).await;
        } else if received.wants_company() {
            tokio::time::sleep(DATAGRAM_LINGER).await;
            // A failure shows again at the next turn of the loop.
            let _ = received.drain(&socket, &mut datagram);
        }
        received.hand_over(&config.source, &door, clock.as_ref());
    }
    // What the system had received before the order to stop still counts.
    let mut received = Received::default();
    let _ = received.drain(&socket, &mut datagram);
    received.hand_over(&config.source, &door, clock.as_ref());
    door.note(Occurrence::ListenerStopped { listener, address });
    Ok(())
}

/// Datagrams taken from the socket, by peer.
#[derive(Default)]
struct Received {
    of_peer: HashMap<SocketAddr, (Raw, Vec<FrameSpan>)>,
    /// Peers in order of their first datagram.
    peers: Vec<SocketAddr>,
    datagrams: usize,
    bytes: usize,
    empty: HashMap<SocketAddr, u64>,
}

impl Received {
    /// Takes what is there, within the limits of one batch.
    fn drain(&mut self, socket: &UdpSocket, datagram: &mut [u8]) -> io::Result<()> {
        while !self.is_full() {
            match socket.try_recv_from(datagram) {
                Ok((len, peer)) => self.push(&datagram[..len], peer),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn is_full(&self) -> bool {
        DATAGRAMS_PER_BATCH_MAX <= self.datagrams || DATAGRAM_BATCH_BYTES_MAX <= self.bytes
    }

    fn wants_company(&self) -> bool {
        0 < self.datagrams && !self.is_full()
    }

    fn push(&mut self, datagram: &[u8], peer: SocketAddr) {
        self.datagrams += 1;
        self.bytes += datagram.len();
        let len = delimited_len(datagram);
        if len == 0 {
            *self.empty.entry(peer).or_insert(0) += 1;
            return;
        }
        let (buffer, spans) = self.of_peer.entry(peer).or_insert_with(|| {
            self.peers.push(peer);
            Default::default()
        });
        spans.push(FrameSpan {
            start: buffer.len(),
            len,
            hint: Hint::Syslog,
            cut: false,
        });
        buffer.buffer_mut().extend_from_slice(&datagram[..len]);
    }

    fn hand_over(mut self, source: &Arc<str>, door: &Arc<dyn Door>, clock: &dyn Clock) {
        let observed_at = ObservedAt(clock.unix_nanos());
        for peer in std::mem::take(&mut self.peers) {
            let Some((buffer, spans)) = self.of_peer.remove(&peer) else {
                continue;
            };
            let origin = Origin {
                source: Arc::clone(source),
                listener: Listener::SyslogUdp,
                peer: Some(peer),
                file: None,
                observed_at,
            };
            submit_or_note(FrameBatch::new(origin, buffer, spans), door);
        }
        for (peer, count) in self.empty {
            door.note(Occurrence::ItemsRefused {
                source: Arc::clone(source),
                listener: Listener::SyslogUdp,
                peer: Some(peer),
                reason: ItemRefusal::Empty,
                count,
            });
        }
    }
}

fn submit_or_note(batch: FrameBatch, door: &Arc<dyn Door>) {
    let count = batch.len() as u64;
    let lost = {
        let (source, peer) = (Arc::clone(&batch.origin.source), batch.origin.peer);
        move |reason| Occurrence::FramesLost {
            source: Arc::clone(&source),
            listener: Listener::SyslogUdp,
            peer,
            reason,
            count,
        }
    };
    let (later, lost_later) = (Arc::clone(door), lost.clone());
    let reply = Box::new(move |answer: Result<_, _>| {
        if let Err(refusal) = answer {
            later.note(lost_later(Loss::Refused(refusal)));
        }
    });
    if door.submit(batch, reply).is_err() {
        door.note(lost(Loss::Busy));
    }
}
