//! The scanner against texts, against serde_json, and against garbage.

use proptest::prelude::*;
use serde_json::Value;

use super::*;

fn check(body: &str, expected: Result<&[&str], &str>) {
    let found = items(body.as_bytes(), 1000);
    let texts = found.as_ref().map(|found| {
        found
            .iter()
            .map(|item| &body[item.start..item.start + item.len])
            .collect::<Vec<_>>()
    });
    match (texts, expected) {
        (Ok(texts), Ok(expected)) => assert_eq!(texts, expected, "{body:?}"),
        (Err(error), Err(expected)) => assert_eq!(error.to_string(), expected, "{body:?}"),
        (found, expected) => panic!("{body:?}: {found:?} instead of {expected:?}"),
    }
}

#[test]
fn arrays() {
    check("[]", Ok(&[]));
    check(" [ ] \n", Ok(&[]));
    check(
        "[{\"a\":1},{\"b\":[2,3]}]",
        Ok(&["{\"a\":1}", "{\"b\":[2,3]}"]),
    );
    check(
        "[1, \"x,]\\\"y\" ,null]",
        Ok(&["1", "\"x,]\\\"y\"", "null"]),
    );
    check(
        "\u{feff}[{\n\"a\": {}}\n,\n{}]",
        Ok(&["{\n\"a\": {}}", "{}"]),
    );
    check("[1,,2,]", Ok(&["1", "", "2", ""]));
    check("[abc,{}]", Ok(&["abc", "{}"]));
    check(
        "[{\"a\":1}",
        Err("the array that begins at byte 0 is not closed"),
    );
    check(
        "[{\"a\":1 ]",
        Err("the array that begins at byte 0 is not closed"),
    );
    check("[{} {}]", Err("expected ',' or ']' at byte 4"));
    check("[{}] x", Err("unexpected bytes after the array at byte 5"));
    check("[}", Err("the array that begins at byte 0 is not closed"));
}

#[test]
fn objects_one_after_the_other() {
    check("{\"a\":1}", Ok(&["{\"a\":1}"]));
    check("{\n  \"a\": 1\n}\n", Ok(&["{\n  \"a\": 1\n}"]));
    check(
        "{ \"a\": 1\n, \"b\": 2 }",
        Ok(&["{ \"a\": 1\n, \"b\": 2 }"]),
    );
    check(
        "{\n\"a\": 1\n}\n{\n\"b\": 2\n}",
        Ok(&["{\n\"a\": 1\n}", "{\n\"b\": 2\n}"]),
    );
    check("{\n\"a\": 1\n", Ok(&["{\n\"a\": 1"]));
}

#[test]
fn bodies_of_lines() {
    check("", Ok(&[]));
    check("{\"a\":1}\n{\"b\":2}\n", Ok(&["{\"a\":1}", "{\"b\":2}"]));
    check(
        "{\"a\":1}\r\n\r\n  {\"b\":2}",
        Ok(&["{\"a\":1}", "{\"b\":2}"]),
    );
    check("plain text\nmore", Ok(&["plain text", "more"]));
    // A broken line must not swallow its neighbours.
    check("{\"a\":\"x\n{\"b\":2}\n", Ok(&["{\"a\":\"x", "{\"b\":2}"]));
    check(
        "{\"a\":1\n{\"b\":2}\n{\"c\":3}",
        Ok(&["{\"a\":1", "{\"b\":2}", "{\"c\":3}"]),
    );
}

#[test]
fn too_many_items() {
    let many = format!("[{}1]", "1,".repeat(1000));
    check(&many, Err("more than 1000 items in one request"));
    check(
        &"1\n".repeat(1001),
        Err("more than 1000 items in one request"),
    );
}

#[test]
fn deep_nesting_neither_recurses_nor_slows_down() {
    let deep = format!("[{}{}]", "[".repeat(1_000_000), "]".repeat(1_000_000));
    assert_eq!(items(deep.as_bytes(), 9).unwrap().len(), 1);
    let open = "[".repeat(2_000_000);
    assert!(items(open.as_bytes(), 9).is_err());
}

fn json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
        "[\\\\\"\\[\\]{},: \n]{0,8}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 40, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::vec(("[a-z\"\\\\{\\]]{0,5}", inner), 0..5)
                .prop_map(|pairs| Value::Object(pairs.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn valid_arrays_split_as_serde_json_reads_them(
        values in prop::collection::vec(json(), 0..8),
        is_pretty: bool,
    ) {
        let whole = Value::from(values.clone());
        let text = if is_pretty { format!("{whole:#}") } else { whole.to_string() };
        let found: Vec<Value> = items(text.as_bytes(), 1000).unwrap().iter()
            .map(|item| {
                serde_json::from_slice(&text.as_bytes()[item.start..item.start + item.len]).unwrap()
            })
            .collect();
        prop_assert_eq!(found, values);
    }

    #[test]
    fn objects_split_alike_on_lines_and_pretty_printed(
        maps in prop::collection::vec(prop::collection::vec(("[a-z]{1,5}", json()), 1..4), 1..6),
    ) {
        let values: Vec<Value> = maps.into_iter()
            .map(|pairs| Value::Object(pairs.into_iter().collect()))
            .collect();
        for is_pretty in [false, true] {
            let mut text = String::new();
            for value in &values {
                let written = if is_pretty { format!("{value:#}") } else { value.to_string() };
                text.push_str(&written);
                text.push('\n');
            }
            let found: Vec<Value> = items(text.as_bytes(), 1000).unwrap().iter()
                .map(|item| {
                    let bytes = &text.as_bytes()[item.start..item.start + item.len];
                    serde_json::from_slice(bytes).unwrap()
                })
                .collect();
            prop_assert_eq!(&found, &values);
        }
    }

    #[test]
    fn garbage_never_panics_and_items_lie_in_order(
        body in prop::collection::vec(
            prop_oneof![prop::sample::select(b"[]{},:\"\\ \n1a".to_vec()), any::<u8>()],
            0..200,
        ),
    ) {
        if let Ok(found) = items(&body, 1000) {
            let mut end = 0;
            for item in found {
                prop_assert!(end <= item.start);
                end = item.start + item.len;
                prop_assert!(end <= body.len());
            }
        }
    }
}

/// Set `RUN_SLOW_TESTS` and build with optimisation to see the rate.
#[test]
fn rate_of_the_scanner() {
    if std::env::var_os("RUN_SLOW_TESTS").is_none() {
        return;
    }
    let object = "{\"event.action\":\"authn_login_fail\",\"user\":{\"name\":\"bob\",\"id\":17},\
                  \"source.ip\":\"203.0.113.9\",\"http\":{\"status\":401,\"path\":\"/login\"},\
                  \"message\":\"a login has failed for the third time in a row\"}";
    let body = format!("[{}]", vec![object; 40_000].join(","));
    let started = std::time::Instant::now();
    assert_eq!(items(body.as_bytes(), 50_000).unwrap().len(), 40_000);
    let micros = usize::try_from(started.elapsed().as_micros()).unwrap();
    println!("{} MB/s", body.len() / micros);
}
