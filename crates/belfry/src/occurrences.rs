//! What the doors notice becomes figures and, where an auditor would ask, entries about ourselves.
//!
//! Strangers cause some of these at will, so entries of one kind and cause are written at most
//! once in a while; the figures count each.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Mutex, PoisonError};

use event::field;
use intake::{FileOccurrence, Occurrence};

use crate::accounts::Accounts;
use crate::self_audit::{OwnEvent, SelfAudit};

/// Shortest time between two entries of one kind and cause, in nanoseconds.
const REPEAT_NANOS: i64 = 60 * stdx::calendar::SECOND_NANOS;
/// Entries that senders without a good token cause in a minute; the figures count each.
const STRANGERS_MAX: u32 = 30;
/// Causes remembered; when full the memory starts anew and a few entries come early.
const CAUSES_MAX: usize = 4096;

/// Remembers what was written when.
#[derive(Debug, Default)]
pub(crate) struct Notebook {
    page: Mutex<Page>,
}

#[derive(Debug, Default)]
struct Page {
    written: HashMap<String, i64>,
    /// The present minute and the entries that strangers have caused in it.
    minute: i64,
    by_strangers: u32,
}

impl Notebook {
    /// Whether an entry for `cause` is due. One that anybody can bring about without a token
    /// counts against [`STRANGERS_MAX`] as well, whatever addresses he has.
    fn is_due(&self, cause: String, is_stranger: bool, now: i64) -> bool {
        let mut page = self.page.lock().unwrap_or_else(PoisonError::into_inner);
        // A clock that was set back makes every cause due again rather than silent.
        let is_recent = |last: &i64| (0..REPEAT_NANOS).contains(&now.saturating_sub(*last));
        if page.written.get(&cause).is_some_and(is_recent) {
            return false;
        }
        if is_stranger {
            if page.minute != now / REPEAT_NANOS {
                page.minute = now / REPEAT_NANOS;
                page.by_strangers = 0;
            }
            if page.by_strangers >= STRANGERS_MAX {
                return false;
            }
            page.by_strangers += 1;
        }
        if page.written.len() >= CAUSES_MAX {
            page.written.clear();
        }
        page.written.insert(cause, now);
        true
    }
}

/// Counts `occurrence` and writes it down when it is due.
pub(crate) fn note(
    occurrence: &Occurrence,
    accounts: &Accounts,
    notebook: &Notebook,
    own: &SelfAudit,
    now: i64,
) {
    count(occurrence, accounts);
    let Some((cause, event)) = entry_of(occurrence) else {
        return;
    };
    let is_stranger = matches!(occurrence, Occurrence::TokenRefused { .. });
    if notebook.is_due(cause, is_stranger, now) && !own.record_soon(event) {
        accounts.count("own_entry_lost", 1);
    }
}

fn count(occurrence: &Occurrence, accounts: &Accounts) {
    match occurrence {
        Occurrence::ItemsRefused {
            source,
            reason,
            count,
            ..
        } => {
            accounts.refuse(source, reason.name(), *count);
        }
        Occurrence::FramesLost {
            source,
            reason,
            count,
            ..
        } => {
            accounts.refuse(source, reason.name(), *count);
        }
        Occurrence::FramesCut { count, .. } => accounts.count("frame_cut", *count),
        Occurrence::RequestRefused { reason, .. } => accounts.count(reason, 1),
        Occurrence::TokenRefused { .. } => accounts.count("token_refused", 1),
        Occurrence::ConnectionLimit { .. } => accounts.count("connection_limit", 1),
        Occurrence::ConnectionSilent { .. } => accounts.count("connection_silent", 1),
        Occurrence::AcceptFailed { .. } => accounts.count("accept_failed", 1),
        Occurrence::PositionsFailed { .. } => accounts.count("positions_failed", 1),
        Occurrence::ListenerStarted { .. }
        | Occurrence::ListenerStopped { .. }
        | Occurrence::TokenFirstUse { .. }
        | Occurrence::File { .. } => {}
    }
}

/// The entry an auditor wants, with the cause that limits its repetition.
fn entry_of(occurrence: &Occurrence) -> Option<(String, OwnEvent)> {
    match occurrence {
        Occurrence::TokenFirstUse { .. } | Occurrence::TokenRefused { .. } => of_token(occurrence),
        Occurrence::RequestRefused { .. }
        | Occurrence::ItemsRefused { .. }
        | Occurrence::FramesLost { .. } => of_refusal(occurrence),
        Occurrence::File { source, path, what } => {
            let own = OwnEvent::new(file_action(what), "configuration", "info", "success")
                .text(field::LABELS_TARGET_ID, source)
                .text(field::LOG_FILE_PATH, path)
                .text(field::EVENT_REASON, file_reason(what));
            Some((format!("file {path} {}", file_reason(what)), own))
        }
        Occurrence::ListenerStarted { listener, address } => {
            let own = OwnEvent::new("log_started", "configuration", "info", "success")
                .text(field::LABELS_TARGET_TYPE, listener.name())
                .text(field::LABELS_TARGET_ID, &address.to_string());
            Some((format!("started {address}"), own))
        }
        _ => None,
    }
}

fn of_token(occurrence: &Occurrence) -> Option<(String, OwnEvent)> {
    match occurrence {
        Occurrence::TokenFirstUse { id, source, peer } => {
            let own = OwnEvent::new("authn_token_used", "authentication", "info", "success")
                .text(field::LABELS_TARGET_ID, id)
                .named("belfry.target_source", source);
            Some((format!("first use {id}"), with_peer(own, *peer)))
        }
        Occurrence::TokenRefused { peer, presented } => {
            let reason = if *presented {
                "unknown token"
            } else {
                "no token"
            };
            let own = OwnEvent::new("authn_token_invalid", "authentication", "info", "failure")
                .text(field::EVENT_REASON, reason);
            let host = peer.map(|peer| peer.ip());
            Some((
                format!("token refused {host:?} {presented}"),
                with_peer(own, *peer),
            ))
        }
        _ => None,
    }
}

fn of_refusal(occurrence: &Occurrence) -> Option<(String, OwnEvent)> {
    let about = |action: &str, reason: &str, source: &str| {
        OwnEvent::new(action, "configuration", "info", "failure")
            .text(field::EVENT_REASON, reason)
            .text(field::LABELS_TARGET_TYPE, "source")
            .text(field::LABELS_TARGET_ID, source)
    };
    match occurrence {
        Occurrence::RequestRefused {
            source,
            peer,
            status,
            reason,
        } => {
            let own = about("log_input_refused", reason, source)
                .named("belfry.status", &status.to_string());
            Some((format!("request {source} {reason}"), with_peer(own, *peer)))
        }
        Occurrence::ItemsRefused {
            source,
            peer,
            reason,
            count,
            ..
        } => {
            let own = about("log_input_refused", reason.name(), source).count(*count);
            Some((
                format!("items {source} {}", reason.name()),
                with_peer(own, *peer),
            ))
        }
        Occurrence::FramesLost {
            source,
            peer,
            reason,
            count,
            ..
        } => {
            let own = about("log_flood_limited", reason.name(), source).count(*count);
            Some((
                format!("lost {source} {}", reason.name()),
                with_peer(own, *peer),
            ))
        }
        _ => None,
    }
}

fn with_peer(own: OwnEvent, peer: Option<SocketAddr>) -> OwnEvent {
    match peer {
        Some(peer) => own.text(field::SOURCE_IP, &peer.ip().to_string()),
        None => own,
    }
}

fn file_action(what: &FileOccurrence) -> &'static str {
    match what {
        FileOccurrence::Opened { .. } | FileOccurrence::Resumed { .. } => "log_started",
        FileOccurrence::Rotated => "log_rotated",
        FileOccurrence::Truncated { .. } => "log_truncated",
        FileOccurrence::Vanished { .. }
        | FileOccurrence::Missing
        | FileOccurrence::Unreadable { .. } => "log_source_silent",
    }
}

fn file_reason(what: &FileOccurrence) -> &'static str {
    match what {
        FileOccurrence::Opened { .. } => "followed",
        FileOccurrence::Resumed { .. } => "found again after a restart",
        FileOccurrence::Rotated => "another file took its place",
        FileOccurrence::Truncated { .. } => "it became shorter",
        FileOccurrence::Vanished { .. } => "it is gone before its end was read",
        FileOccurrence::Missing => "there is no file",
        FileOccurrence::Unreadable { .. } => "it cannot be read",
    }
}
