//! Values against single tests.

use super::*;

#[test]
fn addresses_as_logs_spell_them() {
    for (text, expected) in [
        ("10.0.0.1", Some("10.0.0.1")),
        ("[fe80::1]", Some("fe80::1")),
        ("fe80::1%eth0", Some("fe80::1")),
        ("::ffff:1.2.3.4", Some("1.2.3.4")),
        ("host", None),
    ] {
        let expected = expected.map(|text| text.parse::<IpAddr>().unwrap());
        assert_eq!(address(text), expected, "{text}");
    }
}

#[test]
fn numbers_compare_exactly_and_across_kinds() {
    let big = i64::MAX - 1;
    let holds = |value, comparison, number| Op::Number(comparison, number).holds(value, "");
    assert!(holds(
        Value::Int(big),
        Comparison::Lt,
        Number::Int(i64::MAX)
    ));
    assert!(holds(Value::Float(1.5), Comparison::Gt, Number::Int(1)));
    assert!(holds(
        Value::Str(" 7 "),
        Comparison::Lte,
        Number::Float(7.0)
    ));
    assert!(!holds(Value::Str("NaN"), Comparison::Neq, Number::Int(7)));
    assert!(!holds(Value::Null, Comparison::Lt, Number::Int(7)));
}
