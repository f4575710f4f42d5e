//! `POST /v1/events`: a body of records becomes one batch, and the answer follows durability.
//!
//! The order is cheap before dear: who asks, is there room, how long does the body claim to be;
//! only then is it read, unpacked, split and handed to the door.

mod body;
mod refusal;
mod serve;

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use event::{FrameBatch, Listener, ObservedAt, Origin};
use stdx::Clock;

use crate::budget::{Budget, Seats};
use crate::door::{Door, ItemRefusal, Occurrence, Receipt, submit};
use crate::limits;
use crate::token::{Bearer, TokenBook};
use crate::wire::{Answer, ItemDefects, ItemError};

use body::{Sorted, read, sort};
use refusal::RequestRefusal;
pub use refusal::json_response;
pub use serve::{Peer, ServeConfig, serve};

/// How much the event API accepts. See [`crate::limits`] for the reasons of the values.
#[derive(Clone, Debug)]
pub struct HttpConfig {
    /// Bytes of a body as sent.
    pub body_sent_bytes_max: usize,
    /// Bytes of a body after decompression.
    pub body_bytes_max: usize,
    /// Bytes of all bodies in memory.
    pub bodies_bytes_max: usize,
    /// Items of one request.
    pub items_max: usize,
    /// Requests of one source at a time.
    pub source_requests_max: usize,
    /// Pause between two pieces of a body.
    pub body_pause_max: std::time::Duration,
    /// Time for a whole body.
    pub body_time_max: std::time::Duration,
    /// Time for the answer of the door.
    pub reply_time_max: std::time::Duration,
}

impl HttpConfig {
    /// The limits of [`crate::limits`], which are safe for a listener on an open network.
    pub fn standard() -> Self {
        Self {
            body_sent_bytes_max: limits::BODY_SENT_BYTES_MAX,
            body_bytes_max: limits::BODY_BYTES_MAX,
            bodies_bytes_max: limits::BODIES_BYTES_MAX,
            items_max: limits::ITEMS_MAX,
            source_requests_max: limits::SOURCE_REQUESTS_MAX,
            body_pause_max: limits::BODY_PAUSE_MAX,
            body_time_max: limits::BODY_TIME_MAX,
            reply_time_max: limits::REPLY_TIME_MAX,
        }
    }
}

struct Api {
    config: HttpConfig,
    door: Arc<dyn Door>,
    tokens: Arc<TokenBook>,
    clock: Arc<dyn Clock>,
    budget: Arc<Budget>,
    seats: Arc<Seats>,
}

/// The event API. Merge the routes of the application into it, then [`serve`] it.
pub fn router(
    config: HttpConfig,
    door: Arc<dyn Door>,
    tokens: Arc<TokenBook>,
    clock: Arc<dyn Clock>,
) -> Router {
    let api = Arc::new(Api {
        budget: Budget::new(config.bodies_bytes_max),
        seats: Seats::new(config.source_requests_max),
        config,
        door,
        tokens,
        clock,
    });
    Router::new()
        .route("/v1/events", post(post_events))
        .with_state(api)
}

async fn post_events(State(api): State<Arc<Api>>, request: Request) -> Response {
    let peer = request.extensions().get::<Peer>().map(|peer| peer.0);
    let Some(bearer) = authorize(&api, request.headers(), peer) else {
        let refused = RequestRefusal::Unauthorized.into_response();
        let challenge = HeaderValue::from_static("Bearer realm=\"belfry\"");
        return ([(WWW_AUTHENTICATE, challenge)], refused).into_response();
    };
    match receive(&api, &bearer, peer, request).await {
        Ok(response) => response,
        Err(refusal) => {
            api.door.note(Occurrence::RequestRefused {
                source: bearer.source,
                peer,
                status: refusal.status().as_u16(),
                reason: refusal.name(),
            });
            refusal.into_response()
        }
    }
}

fn authorize(api: &Api, headers: &HeaderMap, peer: Option<std::net::SocketAddr>) -> Option<Bearer> {
    let presented = headers.get(AUTHORIZATION).map(HeaderValue::as_bytes);
    let bearer = presented
        .and_then(token_of)
        .and_then(|token| api.tokens.bearer(token));
    match &bearer {
        Some(bearer) if bearer.first_use => api.door.note(Occurrence::TokenFirstUse {
            id: Arc::clone(&bearer.id),
            source: Arc::clone(&bearer.source),
            peer,
        }),
        Some(_) => {}
        None => api.door.note(Occurrence::TokenRefused {
            peer,
            presented: presented.is_some(),
        }),
    }
    bearer
}

/// The token of `Bearer <token>` (RFC 6750 2.1); the scheme in any case.
fn token_of(header: &[u8]) -> Option<&[u8]> {
    let (scheme, token) = header.split_at_checked(7)?;
    scheme
        .eq_ignore_ascii_case(b"bearer ")
        .then_some(token.trim_ascii())
}

async fn receive(
    api: &Arc<Api>,
    bearer: &Bearer,
    peer: Option<std::net::SocketAddr>,
    request: Request,
) -> Result<Response, RequestRefusal> {
    let _seat = api
        .seats
        .take(&bearer.source)
        .ok_or(RequestRefusal::TooManyRequests {
            requests_max: api.config.source_requests_max,
        })?;
    let mut share = api.budget.share();
    let (packed, encoding) = read(&api.config, request, &mut share).await?;
    let sorted = sort(&api.config, packed, encoding, &mut share).await?;
    note_refused_items(api, bearer, peer, &sorted);
    let mut answer = answer_of(&sorted);
    if sorted.spans.is_empty() {
        return Ok(json_response(status_of(&answer), &answer));
    }
    let origin = Origin {
        source: Arc::clone(&bearer.source),
        listener: Listener::Http,
        peer,
        file: None,
        observed_at: ObservedAt(api.clock.unix_nanos()),
    };
    let batch = FrameBatch::new(origin, sorted.buffer, sorted.spans);
    let reply = submit(api.door.as_ref(), batch).map_err(|busy| RequestRefusal::Busy {
        retry_after: busy.retry_after,
    })?;
    let receipt = match tokio::time::timeout(api.config.reply_time_max, reply).await {
        Err(_) => return Err(RequestRefusal::ReplyLate),
        Ok(Err(_)) => return Err(RequestRefusal::Door(crate::door::Refusal::Unanswered)),
        Ok(Ok(outcome)) => outcome.map_err(RequestRefusal::Door)?,
    };
    add_receipt(&mut answer, &receipt, &sorted.item_of_frame);
    Ok(json_response(status_of(&answer), &answer))
}

fn note_refused_items(
    api: &Api,
    bearer: &Bearer,
    peer: Option<std::net::SocketAddr>,
    sorted: &Sorted,
) {
    for reason in [ItemRefusal::Empty, ItemRefusal::TooLong] {
        let same = sorted.refused.iter().filter(|(_, why)| *why == reason);
        let count = same.count() as u64;
        if 0 < count {
            api.door.note(Occurrence::ItemsRefused {
                source: Arc::clone(&bearer.source),
                listener: Listener::Http,
                peer,
                reason,
                count,
            });
        }
    }
}

fn answer_of(sorted: &Sorted) -> Answer {
    let refused = sorted.refused.len();
    let listed = sorted.refused.iter().take(limits::ANSWER_NOTES_MAX);
    Answer {
        received: (sorted.spans.len() + refused) as u64,
        stored: 0,
        refused: refused as u64,
        first_index: None,
        last_index: None,
        tree_size: None,
        checkpoint: None,
        errors: listed
            .map(|(item, reason)| ItemError {
                item: *item,
                error: refusal::item_message(*reason),
            })
            .collect(),
        defects: Vec::new(),
        notes_omitted: refused.saturating_sub(limits::ANSWER_NOTES_MAX) as u64,
    }
}

fn add_receipt(answer: &mut Answer, receipt: &Receipt, item_of_frame: &[u32]) {
    answer.stored = receipt.count;
    answer.refused = answer.received.saturating_sub(receipt.count);
    answer.first_index = receipt.first.map(|index| index.0);
    answer.last_index = receipt
        .first
        .and_then(|first| (first.0 + receipt.count).checked_sub(1));
    answer.tree_size = Some(receipt.tree_size.0);
    answer.checkpoint = receipt.checkpoint.as_deref().map(str::to_owned);
    let listed = receipt.defects.iter().take(limits::ANSWER_NOTES_MAX);
    answer.defects = listed
        .map(|(frame, defects)| ItemDefects {
            // Without refused items frames and items are numbered alike.
            item: item_of_frame
                .get(*frame)
                .map_or(*frame, |item| *item as usize),
            defects: defects.iter().map(ToString::to_string).collect(),
        })
        .collect();
    answer.notes_omitted += receipt
        .defects
        .len()
        .saturating_sub(limits::ANSWER_NOTES_MAX) as u64;
}

/// 200 as soon as something was stored or there was nothing to refuse.
fn status_of(answer: &Answer) -> StatusCode {
    if answer.stored == 0 && 0 < answer.refused {
        StatusCode::BAD_REQUEST
    } else {
        StatusCode::OK
    }
}

#[cfg(test)]
mod tests;
