//! Bodies of the entries that the ledger itself makes: one-level JSON like all other bodies.

use event::{Event, Value, field};

use crate::leaf::Kind;

const SOURCE: &str = "belfry.ledger.source";
const EPOCH: &str = "belfry.ledger.epoch";
const EPOCH_RECOVERED: &str = "belfry.ledger.epoch_recovered";
const EPOCH_VKEY: &str = "belfry.ledger.epoch_vkey";
const RECOVERY_VKEY: &str = "belfry.ledger.recovery_vkey";
const SOURCE_NUMBER: &str = "belfry.ledger.source_number";

fn body(kind: Kind, fields: &[(&str, Value<'_>)]) -> String {
    let action = match kind {
        Kind::Genesis => "ledger_created",
        Kind::KeyRotation => "ledger_epoch_began",
        Kind::Recovery => "ledger_recovered",
        Kind::SourceRegistered => "ledger_source_registered",
        _ => "ledger_entry",
    };
    let mut event = Event::with_capacity(fields.len() + 2, 256);
    event.push_str(field::EVENT_ACTION, action);
    event.push_str(field::BELFRY_SOURCE, "self");
    for (name, value) in fields {
        event.push_named(name, *value, false);
    }
    event::encoding::encode(&event)
}

fn number(value: u64) -> Value<'static> {
    Value::Int(i64::try_from(value).unwrap_or(i64::MAX))
}

/// Names the log and the key that its checkpoints are signed with.
pub(crate) fn genesis(
    origin: &str,
    vkey: &str,
    epoch_vkey: &str,
    recovery: Option<&str>,
) -> String {
    let mut fields = vec![
        (EPOCH_VKEY, Value::Str(epoch_vkey)),
        ("belfry.ledger.origin", Value::Str(origin)),
    ];
    fields.extend(recovery.map(|vkey| (RECOVERY_VKEY, Value::Str(vkey))));
    fields.push(("belfry.ledger.vkey", Value::Str(vkey)));
    body(Kind::Genesis, &fields)
}

/// The keys that a genesis entry names.
pub(crate) struct GenesisKeys {
    /// Verifier key of epoch 0.
    pub(crate) epoch_vkey: String,
    /// Verifier key of the offline recovery key, if there is one.
    pub(crate) recovery_vkey: Option<String>,
}

/// Reads the body that [`genesis`] wrote.
pub(crate) fn read_genesis(body: &[u8]) -> Option<GenesisKeys> {
    let event = event::encoding::decode(str::from_utf8(body).ok()?).ok()?;
    let text = |name: &str| match event.fields().find(|field| field.name == name)?.value {
        Value::Str(text) => Some(text.to_owned()),
        _ => None,
    };
    Some(GenesisKeys {
        epoch_vkey: text(EPOCH_VKEY)?,
        recovery_vkey: text(RECOVERY_VKEY),
    })
}

/// Ends an epoch and names the key of the next.
pub(crate) fn rotation(epoch: u64, vkey: &str, is_recovery: bool) -> String {
    let mut fields = vec![(EPOCH, number(epoch)), (EPOCH_VKEY, Value::Str(vkey))];
    if is_recovery {
        fields.push((EPOCH_RECOVERED, Value::Bool(true)));
    }
    body(Kind::KeyRotation, &fields)
}

/// Epoch, verifier key, and whether the recovery key vouches for it.
pub(crate) fn read_rotation(body: &[u8]) -> Option<(u64, String, bool)> {
    let event = event::encoding::decode(str::from_utf8(body).ok()?).ok()?;
    let named = |name: &str| event.fields().find(|field| field.name == name);
    let Value::Int(epoch) = named(EPOCH)?.value else {
        return None;
    };
    let Value::Str(vkey) = named(EPOCH_VKEY)?.value else {
        return None;
    };
    let is_recovery = named(EPOCH_RECOVERED).is_some_and(|field| field.value == Value::Bool(true));
    Some((u64::try_from(epoch).ok()?, vkey.to_owned(), is_recovery))
}

/// Gives a source its number.
pub(crate) fn source_registered(name: &str, source_number: u32) -> String {
    let fields = [
        (SOURCE, Value::Str(name)),
        (SOURCE_NUMBER, number(u64::from(source_number))),
    ];
    body(Kind::SourceRegistered, &fields)
}

/// The name and number that a registration gives.
pub(crate) fn read_source_registered(body: &[u8]) -> Option<(String, u32)> {
    let event = event::encoding::decode(str::from_utf8(body).ok()?).ok()?;
    let named = |name: &str| event.fields().find(|field| field.name == name);
    let Value::Str(name) = named(SOURCE)?.value else {
        return None;
    };
    let Value::Int(number) = named(SOURCE_NUMBER)?.value else {
        return None;
    };
    Some((name.to_owned(), u32::try_from(number).ok()?))
}

/// Says what opening cut off.
pub(crate) fn recovery(segment: u64, offset: u64, cut_bytes: u64, size: u64) -> String {
    let fields = [
        ("belfry.ledger.cut_bytes", number(cut_bytes)),
        ("belfry.ledger.cut_offset", number(offset)),
        ("belfry.ledger.cut_segment", number(segment)),
        ("belfry.ledger.tree_size", number(size)),
    ];
    body(Kind::Recovery, &fields)
}
