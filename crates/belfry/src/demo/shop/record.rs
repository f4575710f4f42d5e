//! What the shop reports about a visit: one line of JSON with ECS names and the event names of the
//! OWASP logging vocabulary.

use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use stdx::calendar;

use super::Visit;
use crate::keys;

/// Bytes of the random id of an event and of a session token.
const ID_BYTES: usize = 16;
/// Bytes kept of a session's hash: enough to tell sessions apart, useless as a token.
const SESSION_HASH_BYTES: usize = 8;

/// One event in the making.
#[derive(Debug)]
pub(super) struct Record(Map<String, Value>);

impl Record {
    /// What every event says: who asked for what and what came of it.
    pub(super) fn of(visit: &Visit, action: &str, route: &str, status: u16) -> Self {
        let (category, kind) = family(action);
        let outcome = if status < 400 { "success" } else { "failure" };
        let mut record = Self(Map::new());
        record.set("event.action", action);
        record.set("event.category", category);
        record.set("event.type", kind);
        record.set("event.kind", "event");
        record.set("event.outcome", outcome);
        record.set("service.name", "shop");
        record.set("service.version", "1.4.2");
        record.set("source.ip", visit.address.to_string());
        record.set("user_agent.original", visit.agent.as_str());
        record.set("http.request.method", visit.method.as_str());
        record.set("http.response.status_code", status);
        record.set("url.original", visit.target.as_str());
        record.set("labels.route", route);
        record.set("message", format!("{action} at {route}: {outcome}"));
        if let Some(token) = &visit.session {
            record.set("labels.session_hash", session_hash(token));
        }
        record
    }

    /// Adds a field.
    pub(super) fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.set(name, value);
        self
    }

    /// The line, with its time and a fresh id.
    pub(super) fn line(mut self, unix_nanos: i64) -> String {
        self.set("@timestamp", calendar::format_rfc3339(unix_nanos));
        self.set("event.id", fresh_id());
        Value::Object(self.0).to_string()
    }

    fn set(&mut self, name: &str, value: impl Into<Value>) {
        self.0.insert(name.to_owned(), value.into());
    }
}

/// ECS category and type of the events the shop knows.
fn family(action: &str) -> (Value, Value) {
    let (category, kind): (&[&str], &[&str]) = match action {
        "authn_login_success" | "authn_login_fail" => (&["authentication"], &["start"]),
        "session_created" => (&["session"], &["start"]),
        "session_logout" => (&["session"], &["end"]),
        "user_created" => (&["iam"], &["user", "creation"]),
        "authz_fail" => (&["api"], &["access", "denied"]),
        "txn_balance_adjusted" => (&["api"], &["change"]),
        "input_validation_fail" => (&["web"], &["info", "denied"]),
        _ => (&["web"], &["access"]),
    };
    (json!(category), json!(kind))
}

/// What a session is called in the log: a hash, because whoever reads a token can use it.
pub(super) fn session_hash(token: &str) -> String {
    keys::hex(&Sha256::digest(token)[..SESSION_HASH_BYTES])
}

/// A random id. Without randomness there is no safe session either, so the shop stops serving.
pub(super) fn fresh_id() -> String {
    let mut bytes = [0; ID_BYTES];
    keys::random(&mut bytes).expect("the demo has drawn its own secrets from the same generator");
    keys::hex(&bytes)
}
