//! One `check`: a query, an event line, whether it matches.

use event::testkit;
use proptest::prelude::*;

use super::*;

fn check(query: &str, line: &str, expected: bool) {
    let query = Query::parse(query).expect("a good query");
    assert_eq!(
        query.matches(&testkit::event(line)),
        expected,
        "{query:?} on {line}"
    );
}

const BOB: &str = "user.name=Bob event.outcome=failure http.response.status_code=401 \
    url.path=/login event.category=[web,api] message=\"wrong password given\" @t=10s";

#[test]
fn fields_words_and_wildcards() {
    for (query, expected) in [
        ("", true),
        ("user.name:bob", true),
        ("user.name:bob AND event.outcome:failure", true),
        ("user.name:bob event.outcome:success", false),
        ("user.name:alice or event.category:API", true),
        ("NOT user.name:alice", true),
        ("not (user.name:bob or user.name:alice)", false),
        ("user.name:b*", true),
        ("url.path:/log*n", true),
        ("url.path:/log", false),
        ("user.name:*", true),
        ("user.email:*", false),
        ("\"wrong password\"", true),
        ("password", true),
        ("wr*given", true),
        ("401", true),
        ("http.response.status_code:401", true),
        ("http.response.status_code:4*", true),
        (
            "http.response.status_code>=400 AND http.response.status_code<500",
            true,
        ),
        ("http.response.status_code:>401", false),
        ("@timestamp>1970-01-01T00:00:05Z", true),
        ("custom.field:x", false),
        ("message:\"wrong password given\"", true),
    ] {
        check(query, BOB, expected);
    }
}

#[test]
fn a_bad_query_is_refused_with_its_place() {
    let error = |query: &str| Query::parse(query).map(|_| ()).map_err(|e| e.to_string());
    let expected = |text: &str| Err(text.to_owned());
    assert_eq!(
        error("(a"),
        expected("expected a closing parenthesis at byte 2")
    );
    assert_eq!(error("a:"), expected("expected a value at byte 2"));
    assert_eq!(error("\"a"), expected("expected a closing quote at byte 2"));
    assert_eq!(
        error("a)"),
        expected("expected the end of the query at byte 1")
    );
    assert_eq!(error("AND b"), error("AND b"));
    let deep = "(".repeat(100);
    assert_eq!(
        error(&deep),
        expected("query nests deeper than 64 levels at byte 64")
    );
    let long = "a".repeat(QUERY_BYTES_MAX + 1);
    assert_eq!(
        error(&long),
        expected("query of 8193 bytes is longer than the limit of 8192")
    );
}

proptest! {
    #[test]
    fn any_text_is_a_query_or_an_error(text in "[a-z:()\"\\\\<>=* ]{0,60}|.{0,40}") {
        if let Ok(query) = Query::parse(&text) {
            query.matches(&testkit::event(BOB));
        }
    }
}
