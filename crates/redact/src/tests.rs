//! Feature tests: text in, text out, through the public door.

mod planted;
mod properties;
mod survivors;
mod texts;

use std::sync::OnceLock;

use event::{Event, PolicyVersion, Value, field};
use stdx::Secret;

use crate::{Policy, PolicyConfig};

pub(super) fn policy() -> &'static Policy {
    static POLICY: OnceLock<Policy> = OnceLock::new();
    POLICY.get_or_init(|| {
        Policy::new(PolicyConfig {
            version: PolicyVersion(1),
            key: Secret::new(*b"test-key-not-for-production-0001"),
            key_id: "k1".to_owned(),
            secret_names: Vec::new(),
            public_names: Vec::new(),
            allowed_values: vec!["4000000000000002".to_owned()],
            hash_emails: false,
        })
    })
}

/// The body after redaction of one event with these fields.
pub(super) fn body(fields: &[(&str, &str)]) -> String {
    let mut event = Event::new();
    for (name, value) in fields {
        event.push_named(name, Value::Str(value), false);
    }
    policy().apply(event).body().to_owned()
}

/// Events rather than texts: numbers, lists, names, notes.
#[test]
fn numbers_and_lists_and_names() {
    let mut event = Event::new();
    event.push_named("pin", Value::Int(4711), false);
    event.push_named("order.ref", Value::Int(4_111_111_111_111_111), false);
    event.push_named("items", Value::Int(1_700_000_000_000), false);
    event.push_named("4111111111111111", Value::Str("seen"), false);
    event.push_item(field::PROCESS_ARGS, Value::Str("--password"));
    event.push_item(field::PROCESS_ARGS, Value::Str("hunter2"));
    event.push_item(field::PROCESS_ARGS, Value::Str("--verbose"));
    let redacted = policy().apply(event);
    let body = redacted.body();
    assert_eq!(
        body,
        "{\"process.args\":[\"--password\",\"[REDACTED:password]\",\"--verbose\"],\
         \"belfry.redaction.policy\":1,\"belfry.redaction.kinds\":[\"otp\",\"pan\",\"password\"],\
         \"belfry.redaction.count\":4,\
         \"belfry.redaction.paths\":[\"pin:otp:drop\",\"order.ref:pan:mask\",\
         \"labels.redacted_name:pan:rename\",\"process.args:password:drop\"],\
         \"items\":1700000000000,\"labels.redacted_name\":\"seen\",\
         \"order.ref\":\"411111******1111\",\"pin\":\"[REDACTED:otp]\"}"
    );
}

#[test]
fn a_clean_event_only_learns_its_policy() {
    assert_eq!(
        body(&[
            ("user.name", "bob"),
            ("event.code", "4624-abc-def-000111222")
        ]),
        "{\"event.code\":\"4624-abc-def-000111222\",\"user.name\":\"bob\",\
         \"belfry.redaction.policy\":1}"
    );
}

/// Names nested in values of names once cost a walk to the end of the text each.
#[test]
fn nested_names_stay_linear() {
    for piece in [
        "cookie:a;",
        "credentials:{",
        "sig:{",
        "authorization: digest ",
        "token: {",
    ] {
        let text = piece.repeat(event::limits::VALUE_BYTES_MAX / piece.len());
        let once = policy().text(&text).into_owned();
        assert_eq!(policy().text(&once), once);
    }
}

#[test]
fn a_text_that_cannot_be_scanned_goes_whole() {
    let long = "a ".repeat(event::limits::VALUE_BYTES_MAX);
    assert!(body(&[("blob", &long)]).contains("\"blob\":\"[REDACTED:unscanned]\""));
    let mut nested = "%41".to_owned();
    for _ in 0..8 {
        nested = nested.replace('%', "%25");
    }
    assert_eq!(policy().text(&nested), "[REDACTED:unscanned]");
}

#[test]
fn addresses_of_people_are_hashed_on_request() {
    let policy = Policy::new(PolicyConfig {
        version: PolicyVersion(2),
        key: Secret::new(*b"test-key-not-for-production-0001"),
        key_id: "k1".to_owned(),
        secret_names: Vec::new(),
        public_names: Vec::new(),
        allowed_values: Vec::new(),
        hash_emails: true,
    });
    assert_eq!(
        policy.text("mail to <Alice@Example.com>, root@localhost"),
        "mail to <h1:k1:42348dad8de8e7c331cfa9e6883a1199>, root@localhost"
    );
}
