//! The nouns that travel between crates, with their canonical encoding.
//!
//! A record changes its type as it earns trust: [`Frame`] (raw bytes) -> [`Event`] (parsed, may
//! hold secrets) -> [`Redacted`] (certified by a policy, the only thing that may reach a disk or a
//! screen) -> [`Entry`] (redacted, with its [`Index`] in the ledger).
//!
//! Deliberately absent: input and output, async, configuration, foreign formats.
//!
//! Invariants:
//! - An [`Event`] is a flat list of (interned [`FieldId`], value) over one byte arena; it is built
//!   once and never parsed again on the hot path.
//! - `Debug` of an [`Event`] prints its shape, never a value; received bytes are [`Raw`], which has
//!   no `Debug` at all and is overwritten when it goes.
//! - `encoding::decode(encoding::encode(e))` encodes to the same bytes again.
//!
//! Start at [`Event`] and [`field`].

mod defect;
mod detection;
mod entry;
mod event;
mod frame;
mod position;
mod raw;
mod redacted;
mod severity;
mod time;

pub mod encoding;
pub mod field;
pub mod limits;
pub mod text;

#[cfg(any(test, feature = "testkit"))]
pub mod testkit;

pub use defect::{Defect, DefectKind};
pub use detection::{Attack, Detection, GroupValue, RuleRef};
pub use entry::{Entry, EntryBatch};
pub use event::{Event, FieldRef, Leaf, Value};
pub use field::{FieldId, Namer};
pub use frame::{Frame, FrameBatch, FrameSpan, Hint, Listener, Origin};
pub use position::{Index, TreeSize};
pub use raw::Raw;
pub use redacted::{PolicyVersion, Redacted};
pub use severity::Severity;
pub use time::{ObservedAt, Timestamp};
