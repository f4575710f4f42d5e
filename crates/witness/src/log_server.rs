//! What a log serves to everybody: checkpoint, tiles and entry bundles (c2sp.org/tlog-tiles).
//!
//! Read only, without a token: entries hold salted commitments, no event. Tiles and bundles never
//! change, so caches may keep them; the checkpoint may be a few seconds old.

use std::fmt;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use tlog::Resource;
use tokio::sync::Semaphore;

use crate::limits::REQUESTS_AT_ONCE_MAX;
use crate::server::TEXT;

/// What the server asks of a log: the bytes of a resource, `None` for what is not published.
pub type Source = Arc<dyn Fn(Resource) -> Result<Option<Vec<u8>>, String> + Send + Sync>;

const BYTES: &str = "application/octet-stream";
/// A full or partial tile of one width is the same for ever.
const IMMUTABLE: &str = "public, max-age=31536000, immutable";
const FEW_SECONDS: &str = "public, max-age=2";

#[derive(Clone)]
struct Shared {
    source: Source,
    seats: Arc<Semaphore>,
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").finish_non_exhaustive()
    }
}

/// The routes of a log.
pub fn router(source: Source) -> Router {
    let shared = Shared {
        source,
        seats: Arc::new(Semaphore::new(REQUESTS_AT_ONCE_MAX)),
    };
    Router::new()
        .route("/checkpoint", get(checkpoint))
        .route("/tile/{*path}", get(tile))
        .with_state(shared)
}

async fn checkpoint(State(shared): State<Shared>) -> Response {
    serve(shared, Resource::Checkpoint).await
}

async fn tile(State(shared): State<Shared>, Path(path): Path<String>) -> Response {
    match Resource::parse_path(&format!("tile/{path}")) {
        Ok(resource) => serve(shared, resource).await,
        Err(error) => told(StatusCode::NOT_FOUND, &error.to_string()),
    }
}

async fn serve(shared: Shared, resource: Resource) -> Response {
    // Nobody closes the seats.
    let seat = shared.seats.clone().acquire_owned().await;
    let read = tokio::task::spawn_blocking(move || {
        let read = (shared.source)(resource);
        drop(seat);
        read
    });
    let (kind, cache) = match resource {
        Resource::Checkpoint => (TEXT, FEW_SECONDS),
        _ => (BYTES, IMMUTABLE),
    };
    match read.await {
        Ok(Ok(Some(bytes))) => {
            let headers = [(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, cache)];
            (headers, bytes).into_response()
        }
        Ok(Ok(None)) => told(StatusCode::NOT_FOUND, "the log does not publish this"),
        Ok(Err(_)) | Err(_) => told(
            StatusCode::INTERNAL_SERVER_ERROR,
            "the log cannot read this now",
        ),
    }
}

fn told(status: StatusCode, message: &str) -> Response {
    let headers = [
        (header::CONTENT_TYPE, TEXT),
        (header::CACHE_CONTROL, "no-store"),
    ];
    (status, headers, format!("{message}\n")).into_response()
}

#[cfg(test)]
mod tests;
