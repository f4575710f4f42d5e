//! Fixed order, escapes, and `encode . decode . encode = encode`.

use proptest::prelude::*;

use super::*;

#[test]
fn order_is_fixed_and_lists_are_lists() {
    let mut event = Event::new();
    event.push_named("zeta", Value::Int(1), false);
    event.push_named("alpha.x", Value::Float(5.0), false);
    event.push_str(field::USER_NAME, "bob");
    event.push_item(field::EVENT_CATEGORY, Value::Str("web"));
    event.push(field::TIMESTAMP, Value::Time(Timestamp(0)));
    event.push_item(field::EVENT_CATEGORY, Value::Str("api"));
    assert_eq!(
        encode(&event),
        "{\"@timestamp\":\"1970-01-01T00:00:00.000000000Z\",\"event.category\":[\"web\",\"api\"],\
         \"user.name\":\"bob\",\"alpha.x\":5.0,\"zeta\":1}"
    );
    assert_eq!(encode(&Event::new()), "{}");
    assert!(decode("{}").is_ok_and(|event| event.is_empty()));
}

#[test]
fn unsafe_characters_are_escaped() {
    let mut out = String::new();
    push_string(&mut out, "a\"\\\r\n\u{1b}[0m\u{202e}\u{e0041}\u{e9}");
    assert_eq!(
        out,
        "\"a\\\"\\\\\\r\\n\\u001b[0m\\u202e\\udb40\\udc41\u{e9}\""
    );
}

#[test]
fn foreign_bodies_are_refused_with_their_place() {
    for (body, at) in [
        ("", 0),
        ("{", 1),
        ("{\"a\"}", 4),
        ("{\"a\":}", 5),
        ("{\"a\":1", 6),
        ("{\"a\":1}x", 7),
        ("{\"a\":{}}", 5),
        ("{\"a\":\"\\u12\"}", 8),
        ("{\"a\":\"\\ud800\"}", 12),
        ("{\"a\":[]}", 6),
    ] {
        assert_eq!(
            decode(body).map_err(|error| error.at).err(),
            Some(at),
            "{body}"
        );
    }
}

fn value() -> impl Strategy<Value = (String, bool, u8, String, i64)> {
    (".{0,12}", any::<bool>(), 0u8..5, ".{0,40}", any::<i64>())
}

proptest! {
    #[test]
    fn a_decoded_body_encodes_to_itself(fields in prop::collection::vec(value(), 0..12)) {
        let mut event = Event::new();
        for (name, in_list, kind, text, number) in &fields {
            let value = match kind {
                0 => Value::Str(text),
                1 => Value::Int(*number),
                2 => Value::Bool(*in_list),
                3 => Value::Null,
                _ => Value::Float(f64::from_bits(number.cast_unsigned())),
            };
            event.push_named(name, value, *in_list);
        }
        let nanos = i64::try_from(fields.len()).unwrap_or(0) * 1_000_000_007;
        event.push(field::TIMESTAMP, Value::Time(Timestamp(nanos)));
        let body = encode(&event);
        let back = decode(&body).expect("our own encoding");
        prop_assert_eq!(encode(&back), body);
        prop_assert_eq!(back.timestamp(), event.timestamp());
    }

    #[test]
    fn any_text_is_decoded_or_refused(body in ".{0,60}") {
        let _ = decode(&body);
    }
}
