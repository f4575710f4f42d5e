//! Alerts as events of Belfry itself: writing them for the ledger, reading them back from entries.
//!
//! The application redacts and appends what is written here like any other event. Names are read
//! by text, not by interned id, because a restored entry may keep rare names inside itself.

use event::{
    Detection, Entry, Event, FieldId, Index, Listener, ObservedAt, Severity, Timestamp, Value,
    field,
};

use crate::alert::bound_evidence;
use crate::{
    Alert, AlertId, AlertRule, Facts, Report, State, Transition, TransitionError, Verdict,
    alert_id, limits,
};

/// Name of the source of everything that Belfry says about itself.
const OWN_SOURCE: &str = "self";

const RAISED: &str = "alert_raised";
const UPDATED: &str = "alert_updated";

/// Our names beyond the constants of `event::field`.
const WHAT: &str = "belfry.alert.what";
const OUTCOME: &str = "belfry.alert.outcome";
const ORIGIN: &str = "belfry.alert.source";
const VERDICT: &str = "belfry.alert.verdict";
const NOTE: &str = "belfry.alert.note";
const CHECKPOINT: &str = "belfry.alert.checkpoint";
const APPROXIMATE: &str = "belfry.alert.approximate";
const SINK: &str = "belfry.alert.sink";
const ATTEMPTS: &str = "belfry.alert.attempts";
const RULE_CODE: &str = "belfry.alert.code";
const FALSE_POSITIVES: &str = "belfry.alert.false_positives";
const RULE_DESCRIPTION: &str = "rule.description";

/// Who did it, copied from the entry that completed the detection.
const WHO_FIELDS: [FieldId; 12] = [
    field::USER_ID,
    field::USER_NAME,
    field::USER_DOMAIN,
    field::USER_ROLES,
    field::USER_EFFECTIVE_NAME,
    field::SOURCE_IP,
    field::SOURCE_ADDRESS,
    field::CLIENT_IP,
    field::NETWORK_FORWARDED_IP,
    field::USER_AGENT_ORIGINAL,
    field::SESSION_ID,
    field::LABELS_SESSION_HASH,
];

/// What was done, besides the action and its outcome.
const WHAT_FIELDS: [FieldId; 17] = [
    field::BELFRY_ALERT_ATTACK,
    field::HTTP_REQUEST_METHOD,
    field::HTTP_RESPONSE_STATUS_CODE,
    field::USER_TARGET_ID,
    field::USER_TARGET_NAME,
    field::USER_TARGET_ROLES,
    field::USER_CHANGES_NAME,
    field::USER_CHANGES_ROLES,
    field::PROCESS_NAME,
    field::PROCESS_COMMAND_LINE,
    field::FILE_PATH,
    field::TXN_ID,
    field::TXN_AMOUNT,
    field::TXN_CURRENCY,
    field::TXN_BALANCE_BEFORE,
    field::TXN_BALANCE_AFTER,
    field::LABELS_TARGET_ID,
];

/// Where it was done, besides the source of the record.
const PLACE_FIELDS: [FieldId; 6] = [
    field::SERVICE_NAME,
    field::HOST_NAME,
    field::URL_DOMAIN,
    field::URL_PATH,
    field::DESTINATION_IP,
    field::LABELS_ROUTE,
];

/// The event that raises the alert of `detection`, or tells more about it when the detection is
/// ongoing. `trigger` is the entry that completed it, `checkpoint` the newest one of the ledger.
pub fn raised_event(
    detection: &Detection,
    trigger: &Entry,
    checkpoint: Option<&str>,
    at: ObservedAt,
) -> Event {
    let rule = &*detection.rule;
    let action = if detection.ongoing { UPDATED } else { RAISED };
    let mut event = own_event(action, "unknown", at);
    event.push_str(field::EVENT_KIND, "alert");
    push_detection(&mut event, detection);
    let entity: Vec<String> = entity_of(detection);
    let message = format!("{}: {}: {}", rule.severity, rule.title, entity.join(" "));
    event.push_str(field::MESSAGE, cut(&message));

    event.push_str(field::RULE_ID, cut(&rule.id));
    event.push_str(field::RULE_NAME, cut(&rule.title));
    push_text(&mut event, RULE_DESCRIPTION, &rule.description);
    if let Some(code) = &rule.code {
        push_text(&mut event, RULE_CODE, code);
    }
    if let Some(playbook) = &rule.playbook {
        event.push_str(field::BELFRY_ALERT_PLAYBOOK, cut(playbook));
    }
    for cause in rule.false_positives.iter().take(limits::COPIED_ITEMS_MAX) {
        event.push_named(FALSE_POSITIVES, Value::Str(cut(cause)), true);
    }
    push_attack(&mut event, detection);

    let source = trigger.event();
    for id in WHO_FIELDS
        .into_iter()
        .chain(WHAT_FIELDS)
        .chain(PLACE_FIELDS)
    {
        copy(source, id, &mut event);
    }
    for (from, to) in [
        (field::EVENT_ACTION, WHAT),
        (field::EVENT_OUTCOME, OUTCOME),
        (field::BELFRY_SOURCE, ORIGIN),
    ] {
        if let Some(text) = source.text(from) {
            push_text(&mut event, to, text);
        }
    }
    // A checkpoint that is cut proves nothing, so it comes whole or not at all.
    if let Some(whole) = checkpoint.filter(|text| text.len() <= limits::CHECKPOINT_BYTES_MAX) {
        event.push_named(CHECKPOINT, Value::Str(whole), false);
    }
    event
}

/// The event that moves `alert` on. Refuses what its life does not allow, by the state that the
/// desk knew when `alert` was read.
pub fn transition_event(
    alert: &Alert,
    to: Transition,
    actor: &str,
    note: Option<&str>,
    at: ObservedAt,
) -> Result<Event, TransitionError> {
    let state = to.check(alert, actor, note)?;
    let mut event = own_event(to.action(), "success", at);
    event.push_str(field::EVENT_KIND, "event");
    event.push_str(field::USER_NAME, actor);
    event.push_str(field::BELFRY_ALERT_ID, alert.id.as_str());
    event.push_str(field::BELFRY_ALERT_STATE, state.name());
    event.push_str(field::BELFRY_ALERT_SEVERITY, alert.severity.name());
    event.push_str(field::BELFRY_ALERT_TITLE, &alert.title);
    event.push_str(field::RULE_ID, &alert.rule.id);
    if let Transition::Close(verdict) = to {
        push_text(&mut event, VERDICT, verdict.name());
    }
    if let Some(note) = note.filter(|note| !note.trim().is_empty()) {
        event.push_named(NOTE, Value::Str(note), false);
    }
    Ok(event)
}

/// The event `alert_delivery_fail` for a report that says so; `None` for good news and for a
/// failure that will be tried again.
pub fn delivery_fail_event(report: &Report, at: ObservedAt) -> Option<Event> {
    let (sink, message, attempts, reason) = match report {
        Report::GaveUp {
            sink,
            message,
            attempts,
            reason,
        } => (sink, message.as_str(), *attempts, reason.to_string()),
        Report::Disabled { sink } => (sink, "", 1, "the receiver answered 410 Gone".to_owned()),
        Report::Delivered { .. } | Report::Retrying { .. } => return None,
    };
    let mut event = own_event("alert_delivery_fail", "failure", at);
    event.push_str(field::EVENT_KIND, "event");
    event.push_str(field::EVENT_REASON, &reason);
    push_text(&mut event, SINK, sink);
    event.push_named(ATTEMPTS, Value::Int(i64::from(attempts)), false);
    if let Some(id) = message.split('.').next().and_then(AlertId::parse) {
        event.push_str(field::BELFRY_ALERT_ID, id.as_str());
    }
    Some(event)
}

fn own_event(action: &str, outcome: &str, at: ObservedAt) -> Event {
    let mut event = Event::with_capacity(48, 2048);
    event.push(field::TIMESTAMP, Value::Time(at.as_timestamp()));
    event.push_str(field::EVENT_ACTION, action);
    event.push_item(field::EVENT_CATEGORY, Value::Str("intrusion_detection"));
    event.push_item(field::EVENT_TYPE, Value::Str("info"));
    event.push_str(field::EVENT_OUTCOME, outcome);
    event.push_str(field::BELFRY_SOURCE, OWN_SOURCE);
    event.push_str(field::BELFRY_LISTENER, Listener::Own.name());
    event
}

fn push_detection(event: &mut Event, detection: &Detection) {
    let rule = &*detection.rule;
    event.push_str(field::BELFRY_ALERT_ID, alert_id(detection).as_str());
    event.push_str(field::BELFRY_ALERT_STATE, State::Open.name());
    event.push_str(field::BELFRY_ALERT_SEVERITY, rule.severity.name());
    event.push_str(field::BELFRY_ALERT_TITLE, cut(&rule.title));
    for part in entity_of(detection).iter().take(limits::COPIED_ITEMS_MAX) {
        event.push_item(field::BELFRY_ALERT_ENTITY, Value::Str(cut(part)));
    }
    let mut evidence = detection.evidence.clone();
    evidence.push(detection.trigger);
    bound_evidence(&mut evidence);
    for index in evidence {
        event.push_item(field::BELFRY_ALERT_EVIDENCE, Value::Int(to_int(index.0)));
    }
    // Text rather than `Value::Time`: these names are read back as text, live and restored alike.
    for (id, time) in [
        (field::BELFRY_ALERT_WINDOW_START, detection.window_start),
        (field::BELFRY_ALERT_FIRST, detection.first),
        (field::BELFRY_ALERT_LAST, detection.last),
    ] {
        event.push_str(id, &time.to_string());
    }
    event.push(
        field::BELFRY_ALERT_COUNT,
        Value::Int(to_int(detection.count)),
    );
    if detection.approximate {
        event.push_named(APPROXIMATE, Value::Bool(true), false);
    }
}

fn push_attack(event: &mut Event, detection: &Detection) {
    let is_numbered = |tag: &str, letters: &str| {
        tag.strip_prefix(letters)
            .is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
    };
    let tags = || {
        let tags = detection.rule.attack.iter().map(|tag| tag.id.as_str());
        tags.take(limits::COPIED_ITEMS_MAX)
    };
    // Members of one list stand together, so each kind is one pass.
    for tag in tags().filter(|tag| is_numbered(tag, "T")) {
        event.push_item(field::THREAT_TECHNIQUE_ID, Value::Str(cut(tag)));
    }
    for tag in tags().filter(|tag| is_numbered(tag, "TA")) {
        event.push_item(field::THREAT_TACTIC_ID, Value::Str(cut(tag)));
    }
    for tag in tags().filter(|tag| !is_numbered(tag, "T") && !is_numbered(tag, "TA")) {
        event.push_item(field::THREAT_TACTIC_NAME, Value::Str(cut(tag)));
    }
}

fn entity_of(detection: &Detection) -> Vec<String> {
    let parts = detection.group.iter();
    parts
        .map(|part| format!("{}={}", part.field, part.value))
        .collect()
}

/// Copies all values of `id` with their kinds, within the limits of an alert.
fn copy(from: &Event, id: FieldId, to: &mut Event) {
    let fields = from.fields().filter(|field| field.id == Some(id));
    for field in fields.take(limits::COPIED_ITEMS_MAX) {
        let value = match field.value {
            Value::Str(text) => Value::Str(cut(text)),
            other => other,
        };
        if field.in_list {
            to.push_item(id, value);
        } else {
            to.push(id, value);
        }
    }
}

fn push_text(event: &mut Event, name: &str, text: &str) {
    if !text.is_empty() {
        event.push_named(name, Value::Str(cut(text)), false);
    }
}

/// As much of `text` as an alert carries, cut at a character.
fn cut(text: &str) -> &str {
    let mut end = text.len().min(limits::COPIED_VALUE_BYTES_MAX);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

fn to_int(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// What an entry says about an alert.
#[derive(Debug)]
pub(crate) enum Occurrence {
    /// It was raised, or there is more to say about it.
    Detected(Box<Alert>),
    /// Somebody moved it on.
    Moved {
        id: AlertId,
        transition: Transition,
        actor: Option<String>,
        note: Option<String>,
    },
}

/// Reads an entry; `None` for everything that is not Belfry's own word about an alert.
pub(crate) fn read(entry: &Entry) -> Option<Occurrence> {
    let event = entry.event();
    let own = event.text(field::BELFRY_LISTENER) == Some(Listener::Own.name())
        && event.text(field::BELFRY_SOURCE) == Some(OWN_SOURCE);
    if !own {
        return None;
    }
    let id = || AlertId::parse(event.text(field::BELFRY_ALERT_ID)?);
    let transition = match event.text(field::EVENT_ACTION)? {
        RAISED | UPDATED => {
            let alert = read_alert(entry, id()?)?;
            return Some(Occurrence::Detected(Box::new(alert)));
        }
        "alert_acknowledged" => Transition::Acknowledge,
        "alert_closed" => Transition::Close(Verdict::of_name(&first(event, VERDICT)?)?),
        "alert_reopened" => Transition::Reopen,
        _ => return None,
    };
    Some(Occurrence::Moved {
        id: id()?,
        transition,
        actor: event.text(field::USER_NAME).map(str::to_owned),
        note: first(event, NOTE),
    })
}

fn read_alert(entry: &Entry, id: AlertId) -> Option<Alert> {
    let event = entry.event();
    let own_time = entry.timestamp();
    let time = |id| event.text(id).and_then(read_time).unwrap_or(own_time);
    let known = |id: FieldId| event.text(id).unwrap_or("").to_owned();
    let mut what = facts(event, &WHAT_FIELDS);
    let mut place = facts(event, &PLACE_FIELDS);
    add_fact(&mut what, field::EVENT_ACTION, first(event, WHAT));
    add_fact(&mut what, field::EVENT_OUTCOME, first(event, OUTCOME));
    add_fact(&mut place, field::BELFRY_SOURCE, first(event, ORIGIN));
    let mut attack = texts(event, field::THREAT_TECHNIQUE_ID.name());
    attack.extend(texts(event, field::THREAT_TACTIC_ID.name()));
    attack.extend(texts(event, field::THREAT_TACTIC_NAME.name()));
    Some(Alert {
        id,
        state: State::Open,
        verdict: None,
        severity: Severity::of_name(event.text(field::BELFRY_ALERT_SEVERITY)?)?,
        title: known(field::BELFRY_ALERT_TITLE),
        rule: AlertRule {
            id: known(field::RULE_ID),
            code: first(event, RULE_CODE),
            description: first(event, RULE_DESCRIPTION).unwrap_or_default(),
            playbook: event.text(field::BELFRY_ALERT_PLAYBOOK).map(str::to_owned),
            false_positives: texts(event, FALSE_POSITIVES),
        },
        attack,
        entity: texts(event, field::BELFRY_ALERT_ENTITY.name()),
        who: facts(event, &WHO_FIELDS),
        what,
        place,
        count: event
            .int(field::BELFRY_ALERT_COUNT)
            .and_then(|count| u64::try_from(count).ok())
            .unwrap_or(1),
        first: time(field::BELFRY_ALERT_FIRST),
        last: time(field::BELFRY_ALERT_LAST),
        window_start: time(field::BELFRY_ALERT_WINDOW_START),
        raised_at: entry.received(),
        raised_index: entry.index(),
        evidence: read_evidence(event),
        checkpoint: first(event, CHECKPOINT),
        history: Vec::new(),
    })
}

fn read_evidence(event: &Event) -> Vec<Index> {
    let values = event.values(field::BELFRY_ALERT_EVIDENCE);
    let mut evidence: Vec<Index> = values
        .filter_map(|value| match value {
            Value::Int(number) => u64::try_from(number).ok().map(Index),
            _ => None,
        })
        .collect();
    bound_evidence(&mut evidence);
    evidence
}

fn read_time(text: &str) -> Option<Timestamp> {
    stdx::calendar::parse_rfc3339(text).map(|parsed| Timestamp(parsed.unix_nanos))
}

fn facts(event: &Event, ids: &[FieldId]) -> Facts {
    ids.iter()
        .map(|id| (id.name().to_owned(), texts(event, id.name()).join(", ")))
        .filter(|(_, text)| !text.is_empty())
        .collect()
}

fn add_fact(facts: &mut Facts, id: FieldId, text: Option<String>) {
    if let Some(text) = text {
        facts.insert(id.name().to_owned(), text);
    }
}

fn first(event: &Event, name: &str) -> Option<String> {
    event
        .fields()
        .find(|field| field.name == name)
        .and_then(|field| plain(field.value))
}

fn texts(event: &Event, name: &str) -> Vec<String> {
    event
        .fields()
        .filter(|field| field.name == name)
        .filter_map(|field| plain(field.value))
        .collect()
}

fn plain(value: Value<'_>) -> Option<String> {
    match value {
        Value::Null => None,
        Value::Bool(truth) => Some(truth.to_string()),
        Value::Int(number) => Some(number.to_string()),
        Value::Float(number) => Some(number.to_string()),
        Value::Str(text) => Some(text.to_owned()),
        Value::Time(time) => Some(time.to_string()),
    }
}
