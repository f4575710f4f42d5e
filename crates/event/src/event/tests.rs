//! Lists, replacement with wiping, inline names.

use super::*;

#[test]
fn lists_are_runs_of_one_id() {
    let mut event = Event::new();
    event.push_item(field::EVENT_CATEGORY, Value::Str("iam"));
    event.push_item(field::EVENT_CATEGORY, Value::Str("configuration"));
    event.push(field::HTTP_RESPONSE_STATUS_CODE, Value::Int(401));
    let values: Vec<_> = event.values(field::EVENT_CATEGORY).collect();
    assert_eq!(values, [Value::Str("iam"), Value::Str("configuration")]);
    event.set(field::EVENT_CATEGORY, Value::Str("web"));
    assert_eq!(event.len(), 2);
    assert_eq!(event.text(field::EVENT_CATEGORY), Some("web"));
    assert_eq!(event.int(field::HTTP_RESPONSE_STATUS_CODE), Some(401));
}

#[test]
fn a_replaced_value_leaves_nothing_behind() {
    let mut event = Event::new();
    event.push_str(field::MESSAGE, "hunter2-secret");
    event.replace(0, Value::Str("[REDACTED:password]"));
    assert_eq!(event.text(field::MESSAGE), Some("[REDACTED:password]"));
    assert!(!event.arena.contains("hunter2"));
    event.remove(0);
    assert!(event.is_empty() && !event.arena.contains("REDACTED"));
}

#[test]
fn a_name_too_long_to_intern_stays_in_the_event() {
    let long = "n".repeat(limits::NAME_BYTES_MAX + 1);
    let mut event = Event::new();
    event.push_str(field::MESSAGE, "m");
    event.push_named(&long, Value::Bool(true), false);
    event.push_str(field::USER_NAME, "u");
    event.remove(0);
    let names: Vec<_> = event.fields().map(|f| f.name.to_owned()).collect();
    assert_eq!(names, [long.as_str(), "user.name"]);
    event.rename(0, "labels.x");
    assert_eq!(event.field(0).name, "labels.x");
}

#[test]
fn debug_prints_no_value() {
    let mut event = Event::new();
    event.push_str(field::USER_NAME, "alice");
    assert_eq!(format!("{event:?}"), "Event(1 fields, 5 bytes: user.name)");
}
