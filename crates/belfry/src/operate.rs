//! What an operator does that must become an entry: one list of requests, carried out by the
//! running process over its loopback API, or by this process when none runs.

use std::path::Path;
use std::sync::PoisonError;
use std::time::Duration;

use alert::{Transition, Verdict};
use anyhow::Context;
use disk::Disk;
use event::field;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use stdx::Secret;
use subtle::ConstantTimeEq;

use crate::exit_code::bad_input;
use crate::house::House;
use crate::keys;
use crate::reload;
use crate::self_audit::OwnEvent;

/// Longest wait for the watch to see what was just written.
const SETTLE_MAX: Duration = Duration::from_secs(10);
/// Longest wait for an answer of the running process.
const ANSWER_MAX: Duration = Duration::from_secs(30);
/// Bytes of the file that says where the running process answers.
const WHERE_BYTES_MAX: u64 = 4096;
/// Random bytes that the running process must answer to.
const CHALLENGE_BYTES: usize = 32;
/// Name of that file in the data folder.
const WHERE_FILE: &str = "admin.address";

/// A request of an operator.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "verb", rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Request {
    /// Somebody looked into the logs.
    Accessed {
        actor: String,
        what: String,
        query: String,
    },
    /// A verification found the ledger not whole.
    IntegrityFailed {
        actor: String,
        index: Option<u64>,
        finding: String,
        findings: u64,
    },
    /// An alert goes from one state to the next.
    Transition {
        actor: String,
        alert: String,
        to: String,
        verdict: Option<String>,
        note: Option<String>,
    },
    /// An import through this process has ended.
    Imported {
        actor: String,
        source: String,
        stored: u64,
    },
    /// Somebody asks which rules live.
    RuleHealth {},
    /// A new token for a source.
    MintToken { actor: String, source: String },
    /// The rules are loaded anew.
    ReloadRules { actor: String },
    /// Somebody changed who watches whom.
    WitnessChanged {
        actor: String,
        what: String,
        target: String,
    },
    /// A token becomes worthless.
    RevokeToken { actor: String, id: String },
}

/// Carries out `request` in this process.
pub(crate) fn carry_out(house: &House, request: Request) -> anyhow::Result<Value> {
    match request {
        Request::Accessed { actor, what, query } => {
            let own = OwnEvent::new("log_accessed", "configuration", "access", "success")
                .text(field::USER_NAME, &actor)
                .named("belfry.access", &what)
                .text(field::BELFRY_QUERY, &query);
            let appended = house.own.record(own)?;
            Ok(json!({ "index": appended.first.0 }))
        }
        Request::IntegrityFailed {
            actor,
            index,
            finding,
            findings,
        } => integrity_failed(house, &actor, index, &finding, findings),
        Request::Transition {
            actor,
            alert,
            to,
            verdict,
            note,
        } => transition(
            house,
            &actor,
            &alert,
            &to,
            verdict.as_deref(),
            note.as_deref(),
        ),
        Request::Imported {
            actor,
            source,
            stored,
        } => {
            let own = OwnEvent::new("log_imported", "configuration", "info", "success")
                .text(field::USER_NAME, &actor)
                .text(field::LABELS_TARGET_ID, &source)
                .count(stored);
            let appended = house.own.record(own)?;
            house.settle(SETTLE_MAX);
            Ok(json!({ "index": appended.first.0 }))
        }
        Request::WitnessChanged {
            actor,
            what,
            target,
        } => witness_changed(house, &actor, &what, &target),
        Request::RuleHealth {} => Ok(rule_health(house)),
        Request::MintToken { actor, source } => {
            if !crate::config::is_name(&source) {
                return Err(bad_input(format!("`{source}` cannot name a source")));
            }
            let minted = house.tokens.mint(&source)?;
            let id = &*minted.record.id;
            if let Err(error) = record_token(house, "authn_token_created", &actor, id, &source) {
                house.tokens.revoke(id)?;
                return Err(error);
            }
            Ok(json!({ "id": id, "source": source, "token": minted.text.expose() }))
        }
        Request::ReloadRules { actor } => reload::reload(house, &actor),
        Request::RevokeToken { actor, id } => {
            let source = house.tokens.revoke(&id)?;
            let source = source.ok_or_else(|| bad_input(format!("there is no token `{id}`")))?;
            record_token(house, "authn_token_revoked", &actor, &id, &source)?;
            Ok(json!({ "id": id, "source": source }))
        }
    }
}

fn witness_changed(house: &House, actor: &str, what: &str, target: &str) -> anyhow::Result<Value> {
    let own = OwnEvent::new("config_changed", "configuration", "change", "success")
        .text(field::USER_NAME, actor)
        .text(field::LABELS_TARGET_TYPE, what)
        .text(field::LABELS_TARGET_ID, target);
    let appended = house.own.record(own)?;
    Ok(json!({ "index": appended.first.0 }))
}

fn rule_health(house: &House) -> Value {
    let observed = house.progress.observed.lock();
    let mut observed = observed.unwrap_or_else(PoisonError::into_inner);
    observed.report(&house.rules(), house.clock.unix_nanos())
}

fn integrity_failed(
    house: &House,
    actor: &str,
    index: Option<u64>,
    finding: &str,
    findings: u64,
) -> anyhow::Result<Value> {
    let category = "intrusion_detection";
    let mut own = OwnEvent::new("log_integrity_fail", category, "info", "failure")
        .text(field::USER_NAME, actor)
        .text(field::LABELS_TARGET_TYPE, "ledger")
        .text(field::EVENT_REASON, finding)
        .count(findings);
    if let Some(index) = index {
        own = own.text(field::LABELS_TARGET_ID, &index.to_string());
    }
    let appended = house.own.record(own)?;
    house.settle(SETTLE_MAX);
    Ok(json!({ "index": appended.first.0 }))
}

fn record_token(
    house: &House,
    action: &str,
    actor: &str,
    id: &str,
    source: &str,
) -> anyhow::Result<()> {
    let own = OwnEvent::new(action, "iam", "change", "success")
        .text(field::USER_NAME, actor)
        .text(field::LABELS_TARGET_TYPE, "sender token")
        .text(field::LABELS_TARGET_ID, id)
        .named("belfry.target_source", source);
    house.own.record(own).context("recording the token")?;
    Ok(())
}

fn transition(
    house: &House,
    actor: &str,
    prefix: &str,
    to: &str,
    verdict: Option<&str>,
    note: Option<&str>,
) -> anyhow::Result<Value> {
    let found = house.desk().show(prefix)?;
    let alert = found.ok_or_else(|| bad_input(format!("there is no alert `{prefix}`")))?;
    let step = step_of(to, verdict)
        .ok_or_else(|| bad_input(format!("`{to}` is not a state an alert can go to")))?;
    let at = event::ObservedAt(house.clock.unix_nanos());
    let event = alert::transition_event(&alert, step, actor, note, at)
        .map_err(|error| bad_input(error.to_string()))?;
    house.own.append(vec![house.own.seal_event(event)])?;
    house.settle(SETTLE_MAX);
    let changed = house.desk().show(alert.id.as_str())?.unwrap_or(alert);
    serde_json::from_str(&alert::render::json(&changed)).context("reading our own alert")
}

fn step_of(to: &str, verdict: Option<&str>) -> Option<Transition> {
    match to {
        "acknowledged" => Some(Transition::Acknowledge),
        "closed" => verdict.and_then(Verdict::of_name).map(Transition::Close),
        "open" => Some(Transition::Reopen),
        _ => None,
    }
}

/// Where the running process of a data folder answers, with the key to it.
#[derive(Debug)]
pub(crate) struct Desk {
    url: String,
    token: Secret<String>,
}

impl Desk {
    /// The running process of the data folder `data`; `None` when none answers there.
    ///
    /// The announcement may be older than the process that has the port now, so whoever answers
    /// proves first that it holds the owner's token; only then is the token sent.
    pub(crate) fn find(disk: &dyn Disk, data: &Path) -> anyhow::Result<Option<Self>> {
        let path = data.join(WHERE_FILE);
        if disk.stat(&path).ok().flatten().is_none() {
            return Ok(None);
        }
        let bytes = disk
            .read(&path, WHERE_BYTES_MAX)
            .context("reading the admin address")?;
        let address = String::from_utf8_lossy(&bytes).trim().to_owned();
        let token = keys::admin_token(disk, data)?;
        let url = format!("http://{address}");
        let is_ours = proves(&url, &token)?;
        Ok(is_ours.then_some(Self { url, token }))
    }

    /// Says in the data folder where this process answers.
    pub(crate) fn announce(disk: &dyn Disk, data: &Path, address: &str) -> anyhow::Result<()> {
        disk.write_atomic(&data.join(WHERE_FILE), address.as_bytes())
            .context("writing the admin address")
    }

    /// Takes the announcement back.
    pub(crate) fn withdraw(disk: &dyn Disk, data: &Path) {
        // A stale announcement is harmless: nobody answers there.
        let _ = disk.remove(&data.join(WHERE_FILE));
    }

    /// Asks the running process to carry out `request`.
    pub(crate) fn ask(&self, request: &Request) -> anyhow::Result<Value> {
        let body = serde_json::to_string(request).context("writing the request")?;
        self.post("/v1/operate", "application/json", body.as_bytes())
    }

    /// Sends raw records to be taken in under `source`.
    pub(crate) fn ingest(&self, source: &str, lines: &[u8]) -> anyhow::Result<Value> {
        self.post(&format!("/v1/ingest/{source}"), "text/plain", lines)
    }

    fn post(&self, path: &str, kind: &str, body: &[u8]) -> anyhow::Result<Value> {
        let bearer = format!("Bearer {}", self.token.expose());
        let mut answer = agent()
            .post(format!("{}{path}", self.url))
            .header("authorization", bearer)
            .header("content-type", kind)
            .send(body)
            .context("asking the running process")?;
        let status = answer.status();
        let text = answer
            .body_mut()
            .read_to_string()
            .context("reading its answer")?;
        let value: Value = serde_json::from_str(&text).unwrap_or(Value::Null);
        if status.is_success() {
            return Ok(value);
        }
        let message = value["error"]
            .as_str()
            .unwrap_or("it gave no reason")
            .to_owned();
        if status.is_client_error() {
            return Err(bad_input(message));
        }
        Err(anyhow::anyhow!(
            "the running process answered {status}: {message}"
        ))
    }
}

/// Whether who answers at `url` knows `token`, without telling it.
fn proves(url: &str, token: &Secret<String>) -> anyhow::Result<bool> {
    let mut challenge = [0; CHALLENGE_BYTES];
    keys::random(&mut challenge)?;
    let challenge = keys::hex(&challenge);
    let Ok(mut answer) = agent().get(format!("{url}/v1/proof/{challenge}")).call() else {
        return Ok(false);
    };
    let given = answer
        .body_mut()
        .with_config()
        .limit(WHERE_BYTES_MAX)
        .read_to_string();
    let right = keys::proof(token, &challenge);
    Ok(given.is_ok_and(|given| given.trim().as_bytes().ct_eq(right.as_bytes()).into()))
}

fn agent() -> ureq::Agent {
    let config = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .timeout_global(Some(ANSWER_MAX))
        .max_redirects(0)
        .proxy(None)
        .build();
    ureq::Agent::new_with_config(config)
}

/// The name of the person at this terminal, for the ledger; a claim of the operating system.
pub(crate) fn actor() -> String {
    let claimed = ["SUDO_USER", "USER", "LOGNAME"]
        .into_iter()
        .find_map(|n| std::env::var(n).ok());
    claimed
        .filter(|name| !name.is_empty())
        .unwrap_or_else(|| "unknown".to_owned())
}
