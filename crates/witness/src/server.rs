//! The door of a witness: `POST /add-checkpoint` and `GET /<sha256 of origin>/checkpoint`
//! (c2sp.org/tlog-witness).
//!
//! Asks for no password: what a request may do depends on the signature inside it. Bodies are
//! small, read under a deadline and before anything else is held, so that a slow sender holds
//! nothing but its own connection.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use tlog::limits::ADD_CHECKPOINT_LEN_BYTES_MAX;
use tlog::witness::{SIZE_MEDIA_TYPE, size_text};
use tokio::sync::Semaphore;

use crate::limits::{BODY_TIME_MAX, REQUESTS_AT_ONCE_MAX, RETRY_AFTER_S};
use crate::store::{Conflict, Refusal, Store, Taken};

/// Media type of checkpoints and signature lines.
pub(crate) const TEXT: &str = "text/plain; charset=utf-8";

/// Hears of every contradiction, once.
pub type Alarm = Arc<dyn Fn(&Conflict) + Send + Sync>;

#[derive(Clone)]
struct Shared {
    store: Arc<Store>,
    alarm: Alarm,
    seats: Arc<Semaphore>,
    body_time_max: Duration,
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").finish_non_exhaustive()
    }
}

/// The routes of a witness. Serve them with limits on headers and connections.
pub fn router(store: Arc<Store>, alarm: Alarm) -> Router {
    router_within(store, alarm, BODY_TIME_MAX)
}

fn router_within(store: Arc<Store>, alarm: Alarm, body_time_max: Duration) -> Router {
    let shared = Shared {
        store,
        alarm,
        seats: Arc::new(Semaphore::new(REQUESTS_AT_ONCE_MAX)),
        body_time_max,
    };
    Router::new()
        .route("/add-checkpoint", post(add_checkpoint))
        .route("/{origin}/checkpoint", get(checkpoint))
        .with_state(shared)
}

async fn add_checkpoint(State(shared): State<Shared>, body: Body) -> Response {
    let body = match read(body, shared.body_time_max).await {
        Ok(body) => body,
        Err((status, message)) => return told(status, message),
    };
    // Nobody closes the seats.
    let seat = shared.seats.clone().acquire_owned().await;
    let taken = tokio::task::spawn_blocking(move || {
        let taken = shared.store.take(&body);
        if let Some(conflict) = &taken.conflict {
            (shared.alarm)(conflict);
        }
        drop(seat);
        taken
    });
    match taken.await {
        Ok(Taken { answer, .. }) => answered(answer),
        Err(_) => told(
            StatusCode::INTERNAL_SERVER_ERROR,
            "the request failed inside",
        ),
    }
}

async fn read(body: Body, time_max: Duration) -> Result<Bytes, (StatusCode, &'static str)> {
    let read = to_bytes(body, ADD_CHECKPOINT_LEN_BYTES_MAX);
    match tokio::time::timeout(time_max, read).await {
        Ok(Ok(body)) => Ok(body),
        Ok(Err(_)) => Err((
            StatusCode::PAYLOAD_TOO_LARGE,
            "the body breaks off or is over 16384 bytes",
        )),
        Err(_) => Err((StatusCode::REQUEST_TIMEOUT, "the body took too long")),
    }
}

fn answered(answer: Result<String, Refusal>) -> Response {
    let refusal = match answer {
        Ok(line) => return ([(header::CONTENT_TYPE, TEXT)], line).into_response(),
        Err(refusal) => refusal,
    };
    let status = match &refusal {
        Refusal::Malformed(_) => StatusCode::BAD_REQUEST,
        Refusal::UnknownLog { .. } => StatusCode::NOT_FOUND,
        Refusal::Signature(_) => StatusCode::FORBIDDEN,
        Refusal::Proof(_) => StatusCode::UNPROCESSABLE_ENTITY,
        Refusal::State(_) => StatusCode::INTERNAL_SERVER_ERROR,
        Refusal::TooOften => {
            let retry = [(header::RETRY_AFTER, RETRY_AFTER_S.to_string())];
            return (StatusCode::TOO_MANY_REQUESTS, retry, format!("{refusal}\n")).into_response();
        }
        Refusal::OtherSize { size } => {
            let kind = [(header::CONTENT_TYPE, SIZE_MEDIA_TYPE)];
            return (StatusCode::CONFLICT, kind, size_text(*size)).into_response();
        }
    };
    told(status, &refusal.to_string())
}

async fn checkpoint(State(shared): State<Shared>, Path(origin): Path<String>) -> Response {
    let found = tokio::task::spawn_blocking(move || shared.store.checkpoint(&origin));
    match found.await {
        Ok(Ok(Some(note))) => {
            let headers = [
                (header::CONTENT_TYPE, TEXT),
                (header::CACHE_CONTROL, "no-store"),
            ];
            (headers, note.to_string()).into_response()
        }
        Ok(Ok(None)) => told(
            StatusCode::NOT_FOUND,
            "no checkpoint of such a log was seen",
        ),
        Ok(Err(error)) => told(StatusCode::INTERNAL_SERVER_ERROR, &error.to_string()),
        Err(_) => told(
            StatusCode::INTERNAL_SERVER_ERROR,
            "the request failed inside",
        ),
    }
}

fn told(status: StatusCode, message: &str) -> Response {
    let kind = [(header::CONTENT_TYPE, TEXT)];
    (status, kind, format!("{message}\n")).into_response()
}

#[cfg(test)]
mod tests;
