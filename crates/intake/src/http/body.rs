//! From the stream of a body to the frames in it.

use axum::body::Body;
use axum::extract::Request;
use axum::http::HeaderMap;
use axum::http::header::{CONTENT_ENCODING, CONTENT_LENGTH, TRANSFER_ENCODING};
use event::limits::FRAME_BYTES_MAX;
use event::{FrameSpan, Raw};
use http_body_util::BodyExt;
use tokio::time::{Instant, timeout_at};

use super::HttpConfig;
use super::refusal::RequestRefusal;
use crate::budget::Share;
use crate::door::ItemRefusal;
use crate::limits::{SPLIT_INLINE_BYTES_MAX, UNPACK_INLINE_BYTES_MAX};
use crate::scan;
use crate::unpack::{Encoding, UnpackError, unpack};

/// A body with its items told apart: what goes to the door, and what is refused.
pub(super) struct Sorted {
    pub(super) buffer: Raw,
    pub(super) spans: Vec<FrameSpan>,
    /// Item number of each frame; empty when nothing was refused, as both are then the same.
    pub(super) item_of_frame: Vec<u32>,
    pub(super) refused: Vec<(usize, ItemRefusal)>,
}

/// Reads the whole body within its limits of bytes and time.
pub(super) async fn read(
    config: &HttpConfig,
    request: Request,
    share: &mut Share,
) -> Result<(Raw, Encoding), RequestRefusal> {
    let encoding = encoding(request.headers())?;
    let claimed = claimed_len(request.headers())?;
    let bytes_max = match encoding {
        Encoding::Identity => config.body_bytes_max,
        Encoding::Gzip | Encoding::Zstd => config.body_sent_bytes_max,
    };
    if claimed.is_some_and(|len| bytes_max < len) {
        return Err(RequestRefusal::SentTooLong { bytes_max });
    }
    let slow = || RequestRefusal::BodySlow {
        pause_max: config.body_pause_max,
        time_max: config.body_time_max,
    };
    let mut raw = Raw::default();
    let mut body: Body = request.into_body();
    let end = Instant::now() + config.body_time_max;
    loop {
        let deadline = end.min(Instant::now() + config.body_pause_max);
        let next = timeout_at(deadline, body.frame()).await;
        let Some(frame) = next.map_err(|_| slow())? else {
            return Ok((raw, encoding));
        };
        let frame = frame.map_err(|_| RequestRefusal::BodyBroken)?;
        let Ok(data) = frame.into_data() else {
            continue;
        };
        let bytes = raw.buffer_mut();
        if bytes_max < bytes.len() + data.len() {
            return Err(RequestRefusal::SentTooLong { bytes_max });
        }
        if !share.grow(data.len()) {
            return Err(RequestRefusal::Crowded);
        }
        // The claim is believed for the first reservation only as far as bytes have been paid for.
        if bytes.is_empty() {
            bytes.reserve(claimed.unwrap_or(0).min(SPLIT_INLINE_BYTES_MAX));
        }
        bytes.extend_from_slice(&data);
    }
}

fn encoding(headers: &HeaderMap) -> Result<Encoding, RequestRefusal> {
    let mut values = headers.get_all(CONTENT_ENCODING).iter();
    let Some(value) = values.next() else {
        return Ok(Encoding::Identity);
    };
    let name = value.as_bytes().trim_ascii().to_ascii_lowercase();
    match (&name[..], values.next()) {
        (b"identity" | b"", None) => Ok(Encoding::Identity),
        (b"gzip" | b"x-gzip", None) => Ok(Encoding::Gzip),
        (b"zstd", None) => Ok(Encoding::Zstd),
        _ => Err(RequestRefusal::EncodingUnknown),
    }
}

fn claimed_len(headers: &HeaderMap) -> Result<Option<usize>, RequestRefusal> {
    let Some(value) = headers.get(CONTENT_LENGTH) else {
        return if headers.contains_key(TRANSFER_ENCODING) {
            Ok(None)
        } else {
            Err(RequestRefusal::LengthRequired)
        };
    };
    let text = value.to_str().unwrap_or_default();
    // hyper has checked the syntax; what does not fit a usize is too long for us anyway.
    Ok(Some(text.parse().unwrap_or(usize::MAX)))
}

/// Unpacks and splits, away from the sockets when it is much.
pub(super) async fn sort(
    config: &HttpConfig,
    packed: Raw,
    encoding: Encoding,
    share: &mut Share,
) -> Result<Sorted, RequestRefusal> {
    let inline_max = match encoding {
        Encoding::Identity => SPLIT_INLINE_BYTES_MAX,
        Encoding::Gzip | Encoding::Zstd => UNPACK_INLINE_BYTES_MAX,
    };
    let (bytes_max, items_max) = (config.body_bytes_max, config.items_max);
    if packed.len() <= inline_max {
        return unpack_and_sort(packed, encoding, bytes_max, items_max, share);
    }
    // The share follows the bytes: were the request given up here, they would still be in use.
    let mut share_of_worker = share.split_off();
    let work = move || {
        let sorted = unpack_and_sort(packed, encoding, bytes_max, items_max, &mut share_of_worker);
        (sorted, share_of_worker)
    };
    let (sorted, share_of_worker) = tokio::task::spawn_blocking(work)
        .await
        .map_err(|_| RequestRefusal::Failed)?;
    *share = share_of_worker;
    sorted
}

fn unpack_and_sort(
    packed: Raw,
    encoding: Encoding,
    bytes_max: usize,
    items_max: usize,
    share: &mut Share,
) -> Result<Sorted, RequestRefusal> {
    let buffer = unpack(packed, encoding, bytes_max, share).map_err(|error| match error {
        UnpackError::Crowded => RequestRefusal::Crowded,
        error => RequestRefusal::Unpack(error),
    })?;
    if buffer.bytes().iter().all(u8::is_ascii_whitespace) {
        return Err(RequestRefusal::Empty);
    }
    let items = scan::items(buffer.bytes(), items_max).map_err(RequestRefusal::Scan)?;
    Ok(sort_items(buffer, &items))
}

fn sort_items(buffer: Raw, items: &[scan::Item]) -> Sorted {
    let mut spans = Vec::with_capacity(items.len());
    let mut refused = Vec::new();
    let mut item_of_frame = Vec::new();
    for (number, item) in items.iter().enumerate() {
        let reason = match item.len {
            0 => ItemRefusal::Empty,
            len if FRAME_BYTES_MAX < len => ItemRefusal::TooLong,
            _ => {
                spans.push(FrameSpan {
                    start: item.start,
                    len: item.len,
                    hint: item.hint,
                    cut: false,
                });
                item_of_frame.push(u32::try_from(number).unwrap_or(u32::MAX));
                continue;
            }
        };
        refused.push((number, reason));
    }
    if refused.is_empty() {
        item_of_frame = Vec::new();
    }
    Sorted {
        buffer,
        spans,
        item_of_frame,
        refused,
    }
}
