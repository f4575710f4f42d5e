//! A small real HTTP shop that reports what happens in it: the application of the demo.
//!
//! It listens on loopback and takes the address of its visitors from `X-Forwarded-For`, because
//! the demo's internet is a reverse proxy on the same machine that exists only as that header. A
//! real service believes that header from its own proxies and from nobody else.
//!
//! It is naive on purpose in two ways: it reports the whole query string of every request, and
//! anybody who is logged in may set any balance.

mod clerk;
mod record;
#[cfg(test)]
mod tests;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use stdx::Clock;
use tokio::runtime::Runtime;

use clerk::Clerk;
pub(crate) use clerk::{FIRST_ORDER, ORDERS_EACH, Person, Role};

use super::reporter::Reporter;

/// Bytes of one request body.
const BODY_BYTES_MAX: usize = 64 * 1024;
/// How long open requests may take when the shop closes.
const CLOSE_MAX: Duration = Duration::from_secs(1);
/// Name of the session cookie.
pub(crate) const SESSION_COOKIE: &str = "session";

/// The open shop.
#[derive(Debug)]
pub(crate) struct Shop {
    address: SocketAddr,
    runtime: Runtime,
}

/// One request, as far as the shop looks at it.
#[derive(Debug)]
struct Visit {
    /// Who asks: the last address of `X-Forwarded-For`.
    address: IpAddr,
    agent: String,
    method: String,
    /// Path and query as they came.
    target: String,
    session: Option<String>,
    body: String,
}

/// What the shop answers.
#[derive(Debug, PartialEq, Eq)]
struct Answer {
    status: u16,
    text: String,
    /// The token of a session that begins (some) or ends (empty) with this answer.
    cookie: Option<String>,
}

impl Shop {
    /// Opens on a free port of loopback with the accounts of `people`.
    pub(crate) fn open(
        people: &[Person],
        reporter: Reporter,
        clock: Arc<dyn Clock>,
    ) -> anyhow::Result<Self> {
        let mut threads = tokio::runtime::Builder::new_multi_thread();
        let runtime = threads
            .worker_threads(1)
            .thread_name("shop")
            .enable_io()
            .build();
        let runtime = runtime.context("starting the shop's thread")?;
        let local = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let listener = runtime.block_on(tokio::net::TcpListener::bind(local));
        let listener = listener.context("binding the shop's address")?;
        let address = listener
            .local_addr()
            .context("asking for the shop's address")?;
        let clerk = Arc::new(Clerk::new(people, reporter, clock));
        let router = Router::new().fallback(serve).with_state(clerk);
        runtime.spawn(async move { axum::serve(listener, router).await });
        Ok(Self { address, runtime })
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Closes the door.
    pub(crate) fn close(self) {
        self.runtime.shutdown_timeout(CLOSE_MAX);
    }
}

async fn serve(State(clerk): State<Arc<Clerk>>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let Ok(body) = axum::body::to_bytes(body, BODY_BYTES_MAX).await else {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    };
    let target = head
        .uri
        .path_and_query()
        .map_or("/", |target| target.as_str());
    let visit = Visit {
        address: visitor(&head.headers),
        agent: text_of(&head.headers, header::USER_AGENT.as_str()).to_owned(),
        method: head.method.as_str().to_owned(),
        target: target.to_owned(),
        session: session_of(&head.headers),
        body: String::from_utf8_lossy(&body).into_owned(),
    };
    clerk.answer(&visit).into_response()
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = Response::new(Body::from(self.text));
        *response.status_mut() = status;
        let cookie = self.cookie.map(|token| {
            format!("{SESSION_COOKIE}={token}; HttpOnly; Secure; SameSite=Strict; Path=/")
        });
        if let Some(cookie) = cookie.and_then(|cookie| cookie.parse().ok()) {
            response.headers_mut().insert(header::SET_COOKIE, cookie);
        }
        response
    }
}

fn text_of<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers
        .get(name)
        .and_then(|value| value.to_str().ok())
        .unwrap_or("")
}

fn visitor(headers: &HeaderMap) -> IpAddr {
    let claimed = text_of(headers, "x-forwarded-for").rsplit(',').next();
    let claimed = claimed.and_then(|address| address.trim().parse().ok());
    claimed.unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST))
}

fn session_of(headers: &HeaderMap) -> Option<String> {
    let cookies = text_of(headers, header::COOKIE.as_str()).split(';');
    let mut pairs = cookies.filter_map(|cookie| cookie.trim().split_once('='));
    pairs
        .find(|(name, _)| *name == SESSION_COOKIE)
        .map(|(_, token)| token.to_owned())
}
