//! Feature tests: text in, text out, through the public door.

mod planted;
mod properties;
mod survivors;
mod texts;

use std::sync::OnceLock;

use event::{Event, Value, field};
use stdx::Secret;

use crate::{Action, Finding, Kind, Policy, PolicyConfig, PseudonymKey, Why};

pub(super) fn test_key(id: &str) -> PseudonymKey {
    PseudonymKey {
        id: id.to_owned(),
        key: Secret::new(*b"test-key-not-for-production-0001"),
    }
}

pub(super) fn policy() -> &'static Policy {
    static POLICY: OnceLock<Policy> = OnceLock::new();
    POLICY.get_or_init(|| {
        Policy::new(PolicyConfig {
            key: test_key("k1"),
            past_keys: Vec::new(),
            secret_names: Vec::new(),
            public_names: Vec::new(),
            allowed_values: vec!["4000000000000002".to_owned()],
            find_emails: false,
            find_phones: false,
            actions: Vec::new(),
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
         \"belfry.redaction.policy\":VERSION,\"belfry.redaction.kinds\":\
         [\"otp\",\"pan\",\"password\"],\
         \"belfry.redaction.count\":4,\
         \"belfry.redaction.paths\":[\"pin:otp:mask:1\",\"order.ref:pan:last_four:1\",\
         \"labels.redacted_name:pan:rename:1\",\"process.args:password:mask:1\"],\
         \"items\":1700000000000,\"labels.redacted_name\":\"seen\",\
         \"order.ref\":\"************1111\",\"pin\":\"[REDACTED:otp]\"}"
            .replace("VERSION", &policy().version().0.to_string())
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
         \"belfry.redaction.policy\":VERSION}"
            .replace("VERSION", &policy().version().0.to_string())
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
        key: test_key("k1"),
        past_keys: Vec::new(),
        secret_names: Vec::new(),
        public_names: Vec::new(),
        allowed_values: Vec::new(),
        find_emails: true,
        find_phones: false,
        actions: Vec::new(),
    });
    assert_eq!(
        policy.text("mail to <Alice@Example.com>, root@localhost"),
        "mail to <h1:k1:42348dad8de8e7c331cfa9e6883a1199>, root@localhost"
    );
}

#[test]
fn a_report_says_what_where_and_why() {
    let text = "pay password=hunter2 card 4111111111111111";
    let finding = |kind, span, why, action| Finding {
        kind,
        path: String::new(),
        span,
        why,
        action,
    };
    assert_eq!(
        policy().explain(text),
        [
            finding(Kind::Password, 13..20, Why::Name, Action::Mask),
            finding(Kind::Pan, 26..42, Why::Form, Action::LastFour),
        ]
    );
    let mut event = Event::new();
    event.push_named("login.password", Value::Str("hunter2"), false);
    let findings = policy().explain_event(&event);
    assert_eq!(findings.len(), 1);
    assert_eq!(findings[0].path, "login.password");
    assert_eq!(findings[0].span, 0..7);
}

/// The digest speaks for all that decides; keys do not enter it.
#[test]
fn equal_policies_have_equal_digests() {
    let made = |names: &[&str], actions: &[(Kind, Action)], id: &str| {
        Policy::new(PolicyConfig {
            key: test_key(id),
            past_keys: Vec::new(),
            secret_names: names.iter().map(|name| (*name).to_owned()).collect(),
            public_names: Vec::new(),
            allowed_values: Vec::new(),
            find_emails: false,
            find_phones: false,
            actions: actions.to_vec(),
        })
        .digest()
    };
    let plain = made(&[], &[], "k1");
    assert_eq!(plain, made(&[], &[], "k2"));
    assert_ne!(plain, made(&["ref"], &[], "k1"));
    assert_ne!(plain, made(&[], &[(Kind::Iban, Action::Digits)], "k1"));
    let unsuited = [(Kind::Password, Action::LastFour)];
    assert_eq!(plain, made(&[], &unsuited, "k1"));
}

#[test]
fn every_action_in_one_event() {
    let policy = Policy::new(PolicyConfig {
        key: test_key("k2"),
        past_keys: vec![test_key("k1")],
        secret_names: Vec::new(),
        public_names: Vec::new(),
        allowed_values: Vec::new(),
        find_emails: true,
        find_phones: false,
        actions: vec![
            (Kind::Password, Action::Drop),
            (Kind::GovernmentId, Action::Digits),
            (Kind::Github, Action::Hash),
        ],
    });
    let github = concat!("gh", "p_M7H4jxUDDWHP4kZ6A4dxlQYsQIWJuq11T4V4");
    let mut event = Event::new();
    event.push_named("form.password", Value::Str("hunter2"), false);
    event.push_named("note", Value::Str("ssn 123-45-6789"), false);
    event.push_named("other", Value::Str(github), false);
    event.push_named("card", Value::Str("4111 1111 1111 1111"), false);
    let body = policy.apply(event).body().to_owned();
    assert!(!body.contains("\"form.password\""), "{body}");
    assert!(body.contains("\"form.password:password:drop:1\""), "{body}");
    assert!(body.contains("\"ssn ###-##-####\""), "{body}");
    assert!(body.contains("\"card\":\"************1111\""), "{body}");
    let hashes = policy.pseudonyms(Kind::Github, github);
    assert!(
        hashes[1].starts_with("h1:k1:") && body.contains(&hashes[0]),
        "{body}"
    );
    assert_eq!(policy.text("a password=x1 b"), "[REDACTED:password]");
}
