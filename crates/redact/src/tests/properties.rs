//! No text makes it panic, and a second redaction changes nothing.

use event::{Event, Value};
use proptest::prelude::*;

use super::policy;

/// Texts of pieces that mean something to the scan, joined at random.
fn texts() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        "[ -~]{0,12}",
        "\\PC{0,6}",
        proptest::sample::select(vec![
            "password",
            "token",
            "=",
            ":",
            ": ",
            "\"",
            "\\\"",
            "'",
            "&",
            "?",
            "%3D",
            "%22",
            "%25",
            "[",
            "]",
            "{",
            "}",
            "4111111111111111",
            "4111 1111 1111 1111",
            "h1:k1:",
            "[REDACTED:pan]",
            "Cookie: a=b; ",
            "Authorization: ",
            "Bearer ",
            "Basic ",
            "://",
            "a:b@c",
            "eyJhbGciOiJub25lIn0",
            ".eyJhIjoxfQ.",
            "-----BEGIN PRIVATE KEY-----",
            "-----END X-----",
            "<",
            ">",
            "/",
            "--pin ",
            "\\n",
            "DE89370400440532013000",
            "\u{e9}",
            "credentials",
            "\\\\",
            "cGFzc3dvcmQ9aHVudGVyMjIy",
            "<<",
        ])
        .prop_map(str::to_owned),
    ];
    proptest::collection::vec(piece, 0..16).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 1500,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn twice_is_once(a in texts(), b in texts()) {
        let policy = policy();
        let once = policy.text(&a).into_owned();
        prop_assert_eq!(policy.text(&once), once.as_str());
        let mut event = Event::new();
        event.push_named("message", Value::Str(&a), false);
        event.push_named("login.password", Value::Str(&b), false);
        event.push_named("http.headers.set_cookie", Value::Str(&b), false);
        event.push_named("http.headers.authorization", Value::Str(&a), false);
        event.push_named("db.dsn", Value::Str(&b), false);
        let first = policy.apply(event);
        let body = first.body().to_owned();
        let second = policy.apply(first.into_event());
        prop_assert_eq!(second.body(), body.as_str());
        prop_assert!(event::encoding::decode(&body).is_ok());
    }
}
