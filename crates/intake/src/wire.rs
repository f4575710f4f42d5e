//! The JSON that senders read: answers and refusals of `POST /v1/events`.

use serde::Serialize;

/// Answer to a request whose items were looked at one by one.
#[derive(Debug, Serialize)]
pub(crate) struct Answer {
    /// Items found in the body.
    pub(crate) received: u64,
    /// Items that are durable and indexed.
    pub(crate) stored: u64,
    /// Items that are not; the first of them are listed in `errors`.
    pub(crate) refused: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) first_index: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) last_index: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) tree_size: Option<u64>,
    /// The newest checkpoint, a signed note.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) checkpoint: Option<String>,
    pub(crate) errors: Vec<ItemError>,
    /// Stored items that something was wrong with.
    pub(crate) defects: Vec<ItemDefects>,
    /// Errors and defective items beyond those listed.
    #[serde(skip_serializing_if = "is_zero")]
    pub(crate) notes_omitted: u64,
}

/// One item that was refused.
#[derive(Debug, Serialize)]
pub(crate) struct ItemError {
    /// 0-based position in the body.
    pub(crate) item: usize,
    pub(crate) error: String,
}

/// One stored item with what was wrong with it.
#[derive(Debug, Serialize)]
pub(crate) struct ItemDefects {
    /// 0-based position in the body.
    pub(crate) item: usize,
    pub(crate) defects: Vec<String>,
}

/// Answer to a request of which nothing was stored.
#[derive(Debug, Serialize)]
pub(crate) struct Refused<'a> {
    /// Stable name of the reason.
    pub(crate) error: &'a str,
    /// The same for people, with the value and the limit.
    pub(crate) message: &'a str,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "the signature is serde's"
)]
fn is_zero(count: &u64) -> bool {
    *count == 0
}
