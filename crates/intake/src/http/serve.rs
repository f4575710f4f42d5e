//! Accepts HTTP connections and drives each with limits on headers and time, until told to stop.

use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::{Extension, Router};
use event::Listener;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use crate::accept::{self, Doorman};
use crate::door::Door;
use crate::limits;

/// The address of the peer as our socket saw it: an extension of every request of [`serve`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer(pub SocketAddr);

/// How connections are held.
#[derive(Clone, Debug)]
pub struct ServeConfig {
    /// Which listener it is, for what is noted.
    pub listener: Listener,
    /// Connections at the same time; more are closed at once.
    pub connections_max: usize,
    /// Time for the headers of a request, the pause before it included.
    pub headers_time_max: Duration,
    /// Time that requests in progress get after the order to stop.
    pub drain_time_max: Duration,
}

impl ServeConfig {
    /// The limits of [`crate::limits`].
    pub fn standard() -> Self {
        Self {
            listener: Listener::Http,
            connections_max: limits::HTTP_CONNECTIONS_MAX,
            headers_time_max: limits::HEADERS_TIME_MAX,
            drain_time_max: Duration::from_secs(10),
        }
    }
}

/// Serves `router` until `stop` becomes true, then finishes the requests in progress.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    config: ServeConfig,
    door: Arc<dyn Door>,
    mut stop: watch::Receiver<bool>,
) -> io::Result<()> {
    let mut doorman = Doorman::new(listener, config.listener, config.connections_max, door)?;
    while let Some((stream, peer, seat)) = doorman.next(&mut stop).await {
        let router = router.clone().layer(Extension(Peer(peer)));
        let headers_time_max = config.headers_time_max;
        let stop = stop.clone();
        tokio::spawn(async move {
            connection(stream, router, headers_time_max, stop).await;
            drop(seat);
        });
    }
    doorman.drain(config.drain_time_max).await;
    Ok(())
}

async fn connection(
    stream: TcpStream,
    router: Router,
    headers_time_max: Duration,
    mut stop: watch::Receiver<bool>,
) {
    // Answers are small and waited for.
    let _ = stream.set_nodelay(true);
    let mut builder = http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        .header_read_timeout(headers_time_max)
        .max_headers(limits::HEADERS_MAX)
        .max_header_size(limits::HEADERS_BYTES_MAX)
        .max_buf_size(2 * limits::HEADERS_BYTES_MAX);
    let service = TowerToHyperService::new(router);
    let mut connection = pin!(builder.serve_connection(TokioIo::new(stream), service));
    // An error ends the connection and is the peer's or the network's: its requests were
    // answered or never complete.
    tokio::select! {
        _ = connection.as_mut() => {}
        () = accept::stopped(&mut stop) => {
            connection.as_mut().graceful_shutdown();
            let _ = connection.await;
        }
    }
}
