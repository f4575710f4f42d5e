//! Text in, text out: `cases.txt` for single records, real logs for whole files, any bytes for
//! the limits.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::sync::Arc;

use event::{Frame, Hint, Listener, ObservedAt, Origin, Value, encoding, field, limits};
use proptest::prelude::*;

use crate::Parsed;

/// 2026-11-21T12:00:00Z.
const OBSERVED: i64 = 1_795_262_400_000_000_000;

fn origin() -> Origin {
    Origin {
        source: Arc::from("test"),
        listener: Listener::Http,
        peer: None::<SocketAddr>,
        file: None,
        observed_at: ObservedAt(OBSERVED),
    }
}

fn parse(bytes: &[u8], hint: Hint) -> Parsed {
    let origin = origin();
    crate::event(&Frame {
        bytes,
        hint,
        cut: false,
        origin: &origin,
    })
}

/// The stored body without the stamps that every event bears.
fn body(bytes: &[u8], hint: Hint) -> String {
    let mut event = parse(bytes, hint).event;
    let stamps = [
        field::EVENT_INGESTED,
        field::BELFRY_SOURCE,
        field::BELFRY_LISTENER,
    ];
    let ours: Vec<usize> = event
        .fields()
        .filter(|f| {
            let is_ours = f.id.is_some_and(|id| stamps.contains(&id));
            is_ours || f.id == Some(field::TIMESTAMP) && is_observed(f.value)
        })
        .map(|f| f.position)
        .collect();
    for position in ours.into_iter().rev() {
        event.remove(position);
    }
    encoding::encode(&event)
}

fn is_observed(value: Value<'_>) -> bool {
    matches!(value, Value::Time(time) if time.0 == OBSERVED)
}

fn check(input: &str, hint: Hint, expected: &str) {
    let bytes = input.replace("\\e", "\u{1b}");
    let bytes = if input.starts_with('{') {
        bytes
    } else {
        bytes.replace("\\n", "\n")
    };
    assert_eq!(body(bytes.as_bytes(), hint), expected, "\n   in: {input}\n");
}

#[test]
fn cases() {
    let mut hint = Hint::Auto;
    let mut input = "";
    let mut count = 0;
    for line in include_str!("tests/cases.txt").lines() {
        match line.split_once(": ") {
            Some(("hint", "json")) => hint = Hint::Json,
            Some(("hint", "syslog")) => hint = Hint::Syslog,
            Some(("in", text)) => input = text,
            Some(("out", expected)) => {
                check(input, hint, expected);
                hint = Hint::Auto;
                count += 1;
            }
            _ => {}
        }
    }
    assert!(count > 70, "{count} cases");
}

// --- real logs -------------------------------------------------------------------------------

fn fixture(name: &str) -> Vec<u8> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/logs/");
    std::fs::read(format!("{folder}{name}")).unwrap()
}

#[test]
fn every_line_of_a_real_access_log_is_read_whole() {
    let log = fixture("apache_benign_5k.log");
    let lines: Vec<&[u8]> = log
        .split(|b| *b == b'\n')
        .filter(|line| !line.is_empty())
        .collect();
    assert_eq!(lines.len(), 5000);
    for line in lines {
        let Parsed { event, defects } = parse(line, Hint::Auto);
        let shown = String::from_utf8_lossy(line);
        assert_eq!(defects, [], "{shown}");
        let text = |id| event.text(id).unwrap_or_default();
        let rebuilt = format!("{} - ", text(field::SOURCE_IP));
        assert!(shown.starts_with(&rebuilt), "{shown}");
        let method = text(field::HTTP_REQUEST_METHOD);
        let request = format!("\"{method} {} HTTP/", text(field::URL_ORIGINAL));
        assert!(!method.is_empty() && shown.contains(&request), "{shown}");
        let status = event.int(field::HTTP_RESPONSE_STATUS_CODE).unwrap();
        assert!(shown.contains(&format!("\" {status} ")), "{shown}");
        assert!(
            text(field::URL_PATH).starts_with('/') || shown.contains("OPTIONS *"),
            "{shown}"
        );
        let agent = text(field::USER_AGENT_ORIGINAL);
        assert!(shown.ends_with(&format!(
            "\"{}\"",
            if agent.is_empty() { "-" } else { agent }
        )));
        let day = event.timestamp().unwrap().0 / 86_400_000_000_000;
        assert!(
            (16_572..16_577).contains(&day),
            "17 to 21 May 2015: {shown}"
        );
    }
}

#[test]
fn no_line_of_the_scenarios_is_lost() {
    let scenarios = fixture("crowdsec_hub_scenarios.jsonl");
    let mut counts = std::collections::BTreeMap::<String, usize>::new();
    for scenario in scenarios
        .split(|b| *b == b'\n')
        .filter(|line| !line.is_empty())
    {
        let scenario: serde_json::Value = serde_json::from_slice(scenario).unwrap();
        for line in scenario["lines"].as_array().unwrap() {
            let line = line.as_str().unwrap();
            let event = parse(line.as_bytes(), Hint::Auto).event;
            let format = event.text(field::BELFRY_FORMAT).unwrap().to_owned();
            let own = event.text(field::MESSAGE).is_some() || event.len() > 8;
            assert!(own || line.trim().is_empty(), "{line}");
            *counts.entry(format).or_default() += 1;
        }
    }
    assert!(counts["access_log"] > 450, "{counts:?}");
}

#[test]
fn every_message_of_the_captures_is_read() {
    let tcp = [
        "flb_syslog_tcp.bin",
        "rsyslog_3164_tcp_lf.bin",
        "py_rfc5424_tcp.bin",
    ];
    for name in tcp {
        let stream = fixture(&format!("syslog/{name}"));
        for line in stream
            .split(|b| *b == b'\n')
            .filter(|line| !line.is_empty())
        {
            check_capture(name, line);
        }
    }
    for name in [
        "logger_3164_udp.bin",
        "logger_5424_udp.bin",
        "syslogng_3164_udp.bin",
    ] {
        let stream = fixture(&format!("syslog/{name}"));
        let mut rest = stream.as_slice();
        while let Some((len, after)) = rest.split_first_chunk::<4>() {
            let (datagram, after) = after.split_at(u32::from_be_bytes(*len) as usize);
            check_capture(name, datagram);
            rest = after;
        }
    }
    let counted = [
        "logger_5424_tcp_octet.bin",
        "rsyslog_5424_tcp_octet.bin",
        "syslogng_5424_tcp_octet.bin",
    ];
    for name in counted {
        let stream = fixture(&format!("syslog/{name}"));
        let mut rest = stream.as_slice();
        while let Some(space) = rest.iter().position(|b| *b == b' ') {
            let len: usize = std::str::from_utf8(&rest[..space])
                .unwrap()
                .trim()
                .parse()
                .unwrap();
            check_capture(name, &rest[space + 1..space + 1 + len]);
            rest = &rest[space + 1 + len..];
        }
    }
    // Not syslog: it only has to be survived.
    let alien = fixture("syslog/flb_forward.bin");
    let parsed = parse(&alien, Hint::Syslog);
    assert!(parsed.event.text(field::MESSAGE).is_some());
}

fn check_capture(name: &str, message: &[u8]) {
    for hint in [Hint::Syslog, Hint::Auto] {
        let Parsed { event, defects } = parse(message, hint);
        let message = event.text(field::MESSAGE).unwrap_or_default();
        assert!(!message.is_empty(), "{name}");
        let is_sound = |kind| matches!(kind, event::DefectKind::TimeUncertain);
        assert!(
            defects.iter().all(|defect| is_sound(defect.kind)),
            "{name}: {defects:?}"
        );
        assert!(event.has(field::LOG_SYSLOG_PRIORITY), "{name}");
    }
}

// --- limits ----------------------------------------------------------------------------------

/// What holds for every event, whatever the bytes were.
fn check_limits(bytes: &[u8], hint: Hint) {
    let Parsed { event, defects } = parse(bytes, hint);
    assert!(event.len() <= limits::FIELDS_MAX);
    for field in event.fields() {
        assert!(
            field.name.len() <= limits::NAME_BYTES_MAX,
            "{}",
            field.name.len()
        );
        if let Value::Str(text) = field.value {
            assert!(text.len() <= limits::VALUE_BYTES_MAX);
        }
    }
    let id_count = |id| event.values(id).count();
    for id in [
        field::TIMESTAMP,
        field::EVENT_INGESTED,
        field::BELFRY_SOURCE,
        field::BELFRY_FORMAT,
    ] {
        assert_eq!(id_count(id), 1);
    }
    assert_eq!(id_count(field::BELFRY_DEFECTS), defects.len());
    let body = encoding::encode(&event);
    let again = encoding::decode(&body).map(|event| encoding::encode(&event));
    assert_eq!(again.as_ref(), Ok(&body));
}

fn many_fields() -> String {
    let many: Vec<String> = (0..5000).map(|n| format!("\"name{n}\":{n}")).collect();
    format!("{{{}}}", many.join(","))
}

fn deep_json() -> String {
    format!(
        "{{\"a\":{}1{}}}",
        "[{\"b\":".repeat(7000),
        "}]".repeat(7000)
    )
}

#[test]
fn hostile_sizes_stay_within_the_limits() {
    let long_names = format!("{{\"{}\":{{\"{}\":1}}}}", "n".repeat(200), "m".repeat(200));
    let huge = format!("{{\"message\":\"{}\"}}", "x".repeat(200_000));
    for text in [
        many_fields(),
        deep_json(),
        long_names,
        "a=b ".repeat(70_000),
        huge,
        "[".repeat(300_000),
        "{\"a\":".repeat(60_000),
        "\u{e9}".repeat(200_000),
        "\n".repeat(300_000),
        "<13>1 ".repeat(9000),
        "=".repeat(300_000),
        "\"\\".repeat(100_000),
        format!("{{\"m\":\"{}x\"}}", "\\n".repeat(100_000)),
        format!("x{}y", "\n1".repeat(100_000)),
        format!(
            "{{\"{}\":{{{}\"z\":1}}}}",
            "k".repeat(100_000),
            "\"a\":1,".repeat(20_000)
        ),
        format!(
            "{{\"belfry\":{{\"{}\":[{}1]}}}}",
            "k".repeat(100_000),
            "1,".repeat(50_000)
        ),
        "1".repeat(250_000),
        format!("{{\"ts\":{}}}", "1".repeat(250_000)),
        "a=\"b' ".repeat(40_000),
    ] {
        for hint in [Hint::Auto, Hint::Json, Hint::Syslog] {
            check_limits(text.as_bytes(), hint);
        }
    }
}

#[test]
fn what_exceeds_a_limit_is_marked() {
    let kinds = |text: &str| -> Vec<&str> {
        let parsed = parse(text.as_bytes(), Hint::Auto);
        parsed
            .defects
            .iter()
            .map(|defect| defect.kind.name())
            .collect()
    };
    assert_eq!(kinds(&deep_json()), ["too_deep"]);
    assert_eq!(kinds(&many_fields()), ["too_many_fields"]);
    assert_eq!(
        kinds(&"x".repeat(limits::VALUE_BYTES_MAX + 1)),
        ["value_cut"]
    );
    assert_eq!(
        kinds(&"x".repeat(limits::FRAME_BYTES_MAX + 1)),
        ["frame_cut", "value_cut"]
    );
    let event = parse(deep_json().as_bytes(), Hint::Json).event;
    assert_eq!(
        event
            .fields()
            .filter(|field| field.name.starts_with("a.b"))
            .count(),
        1
    );
}

#[test]
fn bytes_that_are_no_utf8_are_kept_visible() {
    for (bytes, expected) in [
        (
            b"bob \xff\xfe end".as_slice(),
            r#"{"message":"bob \\xff\\xfe end","#,
        ),
        (b"{\"user\":\"b\xffb\"}", r#"{"user.name":"b\\xffb","#),
    ] {
        let expected_end = if bytes.starts_with(b"{") {
            "json"
        } else {
            "plain"
        };
        let tail =
            format!(r#""belfry.format":"{expected_end}","belfry.defects":["invalid_utf8"]}}"#);
        assert_eq!(body(bytes, Hint::Auto), format!("{expected}{tail}"));
    }
    assert_eq!(
        body(b" \r\n", Hint::Auto),
        r#"{"belfry.format":"plain","belfry.defects":["empty"]}"#
    );
}

#[test]
fn peers_and_files_are_stamped_apart_from_claims() {
    let origin = Origin {
        peer: Some(SocketAddr::from(([192, 0, 2, 1], 4711))),
        file: Some(Arc::from("/var/log/x")),
        ..origin()
    };
    let frame = Frame {
        bytes: br#"{"log.file.path":"/etc/shadow","source.ip":"203.0.113.9"}"#,
        hint: Hint::Auto,
        cut: true,
        origin: &origin,
    };
    let event = crate::event(&frame).event;
    let values = [
        field::LOG_SOURCE_ADDRESS,
        field::LOG_FILE_PATH,
        field::SOURCE_IP,
    ]
    .map(|id| event.text(id).unwrap_or_default().to_owned());
    assert_eq!(values, ["192.0.2.1:4711", "/var/log/x", "203.0.113.9"]);
    let defects: Vec<Value<'_>> = event.values(field::BELFRY_DEFECTS).collect();
    assert_eq!(
        defects,
        [Value::Str("frame_cut"), Value::Str("reserved_field")]
    );
}

fn hints() -> impl Strategy<Value = Hint> {
    prop_oneof![Just(Hint::Auto), Just(Hint::Json), Just(Hint::Syslog)]
}

fn real_line() -> impl Strategy<Value = String> {
    let lines: Vec<&str> = include_str!("tests/cases.txt")
        .lines()
        .filter_map(|line| line.strip_prefix("in: "))
        .collect();
    proptest::sample::select(lines).prop_map(str::to_owned)
}

/// Whether two readers agree that `text` is one JSON object, apart from our three leniencies (raw
/// control characters, half surrogates, `\xHH`) and the number range that the other refuses.
fn check_against_oracle(text: &str) {
    let theirs = serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(text);
    let defects = parse(text.as_bytes(), Hint::Json).defects;
    let ours = !defects
        .iter()
        .any(|defect| defect.kind == event::DefectKind::JsonMalformed);
    match theirs {
        Ok(_) => assert!(ours, "{text}"),
        Err(error) => {
            let reason = error.to_string();
            let lenient = [
                "control character",
                "surrogate",
                "hex escape",
                "invalid escape",
                "number out of range",
            ];
            let is_lenient = lenient.iter().any(|known| reason.contains(known));
            assert!(!ours || is_lenient, "{text}: {reason}");
        }
    }
}

fn json_byte() -> impl Strategy<Value = u8> {
    proptest::sample::select(b"{}[]:,\"\\0123456789-+.eEtfn u".as_slice())
}

proptest! {
    #[test]
    fn our_json_reader_agrees_with_another(
        line in real_line().prop_filter("an object", |line| line.starts_with('{')),
        changes in proptest::collection::vec(
            (any::<prop::sample::Index>(), json_byte()),
            0..3,
        ),
    ) {
        let mut bytes: Vec<u8> = line.into_bytes();
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        check_against_oracle(std::str::from_utf8(&bytes).unwrap());
    }

    #[test]
    fn strings_survive_any_escaping(texts in proptest::collection::vec(any::<String>(), 1..4)) {
        let object: serde_json::Map<_, _> = (0..)
            .zip(&texts)
            .map(|(at, text)| (format!("k.{at}"), serde_json::Value::from(text.as_str())))
            .collect();
        let plain = serde_json::to_string(&object).unwrap();
        let mut escaped = String::new();
        for c in plain.chars() {
            let mut units = [0; 2];
            match c {
                ' '..='~' => escaped.push(c),
                c => {
                    for unit in c.encode_utf16(&mut units) {
                        write!(escaped, "\\u{unit:04X}").unwrap();
                    }
                }
            }
        }
        for text in [plain, escaped] {
            let event = parse(text.as_bytes(), Hint::Json).event;
            for (at, text) in (0..).zip(&texts) {
                let name = format!("k.{at}");
                let found = event.fields().find(|field| field.name == name).map(|f| f.value);
                prop_assert_eq!(found, Some(Value::Str(text)));
            }
        }
    }

    #[test]
    fn any_bytes_give_an_event(
        bytes in proptest::collection::vec(any::<u8>(), 0..600),
        hint in hints(),
    ) {
        check_limits(&bytes, hint);
    }

    #[test]
    fn mutated_records_give_an_event(
        line in real_line(),
        other in real_line(),
        cuts in (any::<prop::sample::Index>(), any::<prop::sample::Index>()),
        noise in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
        hint in hints(),
    ) {
        let mut bytes = line.into_bytes();
        bytes.truncate(cuts.0.index(bytes.len() + 1));
        bytes.extend(&other.as_bytes()[cuts.1.index(other.len())..]);
        for (at, byte) in noise {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        check_limits(&bytes, hint);
    }
}

/// Half a token is no token to a detector, so a cut leaves none behind.
#[test]
fn a_cut_takes_the_word_it_split() {
    let check = |text: &str, kept: &str| {
        let left = crate::decode::without_split_word(text.as_bytes());
        assert_eq!(std::str::from_utf8(left).unwrap(), kept, "{text}");
    };
    check("user ann key AKIAIOSFOD", "user ann key ");
    check("a=1&token=abcdef", "a=1&");
    check("{\"card\":\"4111 1111 11", "{\"card\":\"");
    check("to DE89 3704 0044 05", "to ");
    check("room 12 seat ", "room 12 seat ");
    check(&"x".repeat(10_000), &"x".repeat(10_000 - 4096));
    check("", "");
    let secret = "ghp_".to_owned() + &"aB3".repeat(12);
    for before in 1..secret.len() - 1 {
        let text = "y ".repeat((limits::VALUE_BYTES_MAX - before) / 2) + &secret;
        let event = parse(text.as_bytes(), Hint::Auto).event;
        let stored = event.text(event::field::MESSAGE).unwrap();
        assert!(!stored.contains("ghp") && !stored.contains('B'), "{before}");
    }
}
