//! The operator's API on loopback: health, metrics, and the requests of the command line.
//!
//! Health and metrics carry no event content and ask for no token; everything else takes the
//! owner's token from the data folder, compared in constant time.

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde_json::json;
use sha2::{Digest, Sha256};
use stdx::Secret;
use subtle::ConstantTimeEq;

use crate::exit_code::BadInput;
use crate::house::House;
use crate::{bulk, keys, metrics, operate};

/// Bytes of one request: a chunk of a bulk import.
const BODY_BYTES_MAX: usize = 16 << 20;

/// Characters of a challenge.
const CHALLENGE_CHARS_MAX: usize = 128;

/// What the handlers share.
#[derive(Clone)]
pub(crate) struct Shared {
    pub(crate) house: Arc<House>,
    pub(crate) token: Arc<Secret<String>>,
}

/// The routes.
pub(crate) fn router(shared: Shared) -> Router {
    Router::new()
        .route("/livez", get(livez))
        .route("/readyz", get(readyz))
        .route("/metrics", get(show_metrics))
        .route("/v1/proof/{challenge}", get(prove))
        .route("/v1/operate", post(carry_out))
        .route("/v1/ingest/{source}", post(ingest))
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .with_state(shared)
}

async fn livez() -> &'static str {
    "ok\n"
}

async fn readyz(State(shared): State<Shared>) -> Response {
    if shared.house.is_alive() {
        (StatusCode::OK, "ready\n").into_response()
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "not ready\n").into_response()
    }
}

async fn show_metrics(State(shared): State<Shared>) -> Response {
    let kind = (
        header::CONTENT_TYPE,
        "text/plain; version=0.0.4; charset=utf-8",
    );
    ([kind], metrics::text(&shared.house)).into_response()
}

/// Shows that this process holds the owner's token, so that a client dares to send it.
async fn prove(State(shared): State<Shared>, Path(challenge): Path<String>) -> Response {
    if challenge.len() > CHALLENGE_CHARS_MAX {
        return refusal(StatusCode::BAD_REQUEST, "the challenge is too long");
    }
    keys::proof(&shared.token, &challenge).into_response()
}

async fn carry_out(State(shared): State<Shared>, headers: HeaderMap, body: Bytes) -> Response {
    if !is_owner(&shared, &headers) {
        return refusal(
            StatusCode::UNAUTHORIZED,
            "the owner's token is missing or wrong",
        );
    }
    let Ok(request) = serde_json::from_slice(&body) else {
        return refusal(StatusCode::BAD_REQUEST, "the request is not understood");
    };
    blocking(move || operate::carry_out(&shared.house, request)).await
}

async fn ingest(
    State(shared): State<Shared>,
    Path(source): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    if !is_owner(&shared, &headers) {
        return refusal(
            StatusCode::UNAUTHORIZED,
            "the owner's token is missing or wrong",
        );
    }
    blocking(move || bulk::take_in_chunk(&shared.house, &source, &body)).await
}

async fn blocking(
    work: impl FnOnce() -> anyhow::Result<serde_json::Value> + Send + 'static,
) -> Response {
    match tokio::task::spawn_blocking(work).await {
        Ok(Ok(value)) => (StatusCode::OK, value.to_string()).into_response(),
        Ok(Err(error)) => {
            let is_theirs = error.chain().any(<dyn std::error::Error>::is::<BadInput>);
            let status = if is_theirs {
                StatusCode::BAD_REQUEST
            } else {
                StatusCode::INTERNAL_SERVER_ERROR
            };
            refusal(status, &format!("{error:#}"))
        }
        Err(_) => refusal(
            StatusCode::INTERNAL_SERVER_ERROR,
            "the request failed inside",
        ),
    }
}

/// Compares digests, so that neither length nor content of the token shows in the time taken.
fn is_owner(shared: &Shared, headers: &HeaderMap) -> bool {
    let given = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok());
    let Some(given) = given.and_then(|value| value.strip_prefix("Bearer ")) else {
        return false;
    };
    let (given, right) = (Sha256::digest(given), Sha256::digest(shared.token.expose()));
    given.as_slice().ct_eq(right.as_slice()).into()
}

fn refusal(status: StatusCode, message: &str) -> Response {
    (status, json!({ "error": message }).to_string()).into_response()
}
