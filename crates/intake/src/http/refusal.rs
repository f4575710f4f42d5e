//! Why a whole request is refused, and the answer that says so.

use std::time::Duration;

use axum::body::Body;
use axum::http::header::{ACCEPT_ENCODING, CONNECTION, CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use event::limits::FRAME_BYTES_MAX;
use serde::Serialize;

use crate::door::{ItemRefusal, Refusal};
use crate::limits;
use crate::scan::ScanError;
use crate::unpack::UnpackError;
use crate::wire;

#[derive(Debug, thiserror::Error)]
pub(super) enum RequestRefusal {
    #[error("a bearer token of a source is required")]
    Unauthorized,
    #[error("the body is empty")]
    Empty,
    #[error("the length of the body is not stated: send Content-Length or chunks")]
    LengthRequired,
    #[error("the body exceeds {bytes_max} bytes as sent")]
    SentTooLong { bytes_max: usize },
    #[error("content encoding must be gzip, zstd or identity")]
    EncodingUnknown,
    #[error("the body broke off")]
    BodyBroken,
    #[error("the body came too slowly: at most {pause_max:?} between pieces, {time_max:?} in all")]
    BodySlow {
        pause_max: Duration,
        time_max: Duration,
    },
    #[error("{0}")]
    Unpack(#[source] UnpackError),
    #[error("{0}")]
    Scan(#[source] ScanError),
    #[error("more than {requests_max} requests of this source at a time")]
    TooManyRequests { requests_max: usize },
    #[error("no memory left for bodies")]
    Crowded,
    #[error("the queue is full")]
    Busy { retry_after: Duration },
    #[error("{0}")]
    Door(#[source] Refusal),
    #[error("the answer takes too long; the events may be stored or not")]
    ReplyLate,
    #[error("the server failed while it read the body")]
    Failed,
}

impl RequestRefusal {
    /// Stable name of the reason.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Unauthorized => "unauthorized",
            Self::Empty => "body_empty",
            Self::LengthRequired => "length_required",
            Self::SentTooLong { .. } => "body_too_long",
            Self::EncodingUnknown => "encoding_unknown",
            Self::BodyBroken => "body_broken",
            Self::BodySlow { .. } => "body_slow",
            Self::Unpack(UnpackError::Malformed(_)) => "encoding_malformed",
            Self::Unpack(UnpackError::TooLong { .. }) => "decompressed_too_long",
            Self::Scan(ScanError::TooManyItems { .. }) => "too_many_items",
            Self::Scan(_) => "array_malformed",
            Self::TooManyRequests { .. } => "too_many_requests",
            Self::Crowded | Self::Unpack(UnpackError::Crowded) => "crowded",
            Self::Busy { .. } => "busy",
            Self::Door(Refusal::DiskFull) => "disk_full",
            Self::Door(Refusal::ShuttingDown) => "shutting_down",
            Self::Door(Refusal::Poisoned | Refusal::Unanswered) | Self::ReplyLate => "not_stored",
            Self::Failed => "failed",
        }
    }

    pub(super) fn status(&self) -> StatusCode {
        match self {
            Self::Unauthorized => StatusCode::UNAUTHORIZED,
            Self::LengthRequired => StatusCode::LENGTH_REQUIRED,
            Self::SentTooLong { .. }
            | Self::Unpack(UnpackError::TooLong { .. })
            | Self::Scan(ScanError::TooManyItems { .. }) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::EncodingUnknown => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::BodySlow { .. } => StatusCode::REQUEST_TIMEOUT,
            Self::Empty
            | Self::BodyBroken
            | Self::Unpack(UnpackError::Malformed(_))
            | Self::Scan(_) => StatusCode::BAD_REQUEST,
            Self::TooManyRequests { .. } => StatusCode::TOO_MANY_REQUESTS,
            Self::Crowded
            | Self::Unpack(UnpackError::Crowded)
            | Self::Busy { .. }
            | Self::Door(_)
            | Self::ReplyLate => StatusCode::SERVICE_UNAVAILABLE,
            Self::Failed => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Busy { retry_after } => Some(*retry_after),
            _ if matches!(self.status().as_u16(), 429 | 503) => Some(limits::RETRY_AFTER),
            _ => None,
        }
    }
}

impl IntoResponse for RequestRefusal {
    fn into_response(self) -> Response {
        let refused = wire::Refused {
            error: self.name(),
            message: &self.to_string(),
        };
        let mut response = json_response(self.status(), &refused);
        let headers = response.headers_mut();
        if let Some(pause) = self.retry_after() {
            // Whole seconds, rounded up: the header knows no fractions.
            let seconds = pause.as_millis().div_ceil(1000).max(1);
            let seconds = u64::try_from(seconds).unwrap_or(u64::MAX);
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        match self {
            Self::EncodingUnknown => {
                headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("gzip, zstd"));
            }
            // The rest of the body will not be read, so the connection is of no more use.
            Self::BodySlow { .. } | Self::SentTooLong { .. } | Self::BodyBroken => {
                headers.insert(CONNECTION, HeaderValue::from_static("close"));
            }
            _ => {}
        }
        response
    }
}

/// What a sender reads about one refused item.
pub(super) fn item_message(reason: ItemRefusal) -> String {
    match reason {
        ItemRefusal::Empty => reason.name().to_owned(),
        ItemRefusal::TooLong => format!("{}: more than {FRAME_BYTES_MAX} bytes", reason.name()),
    }
}

/// A JSON answer.
pub fn json_response(status: StatusCode, body: &impl Serialize) -> Response {
    let text = serde_json::to_vec(body).unwrap_or_default();
    let json = HeaderValue::from_static("application/json");
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, json);
    response
}
