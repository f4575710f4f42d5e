//! What a known field may hold, and values fitted to it.

use std::borrow::Cow;
use std::net::IpAddr;
use std::sync::LazyLock;

use event::field::{self, FieldId};
use event::{Timestamp, Value, encoding};

use crate::time;

/// The type of a known field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FieldType {
    Text,
    Int,
    Float,
    Bool,
    Ip,
    Time,
}

const INTS: [FieldId; 28] = [
    field::EVENT_SEVERITY,
    field::EVENT_SEQUENCE,
    field::EVENT_DURATION,
    field::LOG_OFFSET,
    field::LOG_SYSLOG_PRIORITY,
    field::LOG_SYSLOG_FACILITY_CODE,
    field::LOG_SYSLOG_SEVERITY_CODE,
    field::SOURCE_PORT,
    field::SOURCE_BYTES,
    field::SOURCE_AS_NUMBER,
    field::CLIENT_PORT,
    field::DESTINATION_PORT,
    field::SERVER_PORT,
    field::HTTP_REQUEST_BYTES,
    field::HTTP_REQUEST_BODY_BYTES,
    field::HTTP_RESPONSE_STATUS_CODE,
    field::HTTP_RESPONSE_BYTES,
    field::HTTP_RESPONSE_BODY_BYTES,
    field::URL_PORT,
    field::PROCESS_PID,
    field::PROCESS_PARENT_PID,
    field::PROCESS_EXIT_CODE,
    field::FILE_SIZE,
    field::BELFRY_COUNT,
    field::BELFRY_ALERT_COUNT,
    field::BELFRY_ALERT_FIRST,
    field::BELFRY_ALERT_LAST,
    field::BELFRY_REDACTION_COUNT,
];
const FLOATS: [FieldId; 4] = [
    field::EVENT_RISK_SCORE,
    field::TXN_AMOUNT,
    field::TXN_BALANCE_BEFORE,
    field::TXN_BALANCE_AFTER,
];
const IPS: [FieldId; 6] = [
    field::SOURCE_IP,
    field::CLIENT_IP,
    field::DESTINATION_IP,
    field::SERVER_IP,
    field::HOST_IP,
    field::NETWORK_FORWARDED_IP,
];

/// The type of `id`, which must be a known field; others are text.
pub(crate) fn of(id: FieldId) -> FieldType {
    static TYPES: LazyLock<Vec<FieldType>> = LazyLock::new(|| {
        let mut types = vec![FieldType::Text; field::NAMES.len()];
        let rows: [(&[FieldId], FieldType); 4] = [
            (&INTS, FieldType::Int),
            (&FLOATS, FieldType::Float),
            (&IPS, FieldType::Ip),
            (&[field::MFA_USED], FieldType::Bool),
        ];
        for (ids, of) in rows {
            for id in ids {
                types[id.slot()] = of;
            }
        }
        for (name, of) in field::NAMES.iter().zip(&mut types) {
            if FieldId::of(name).is_some_and(encoding::is_time) {
                *of = FieldType::Time;
            }
        }
        types
    });
    TYPES.get(id.slot()).copied().unwrap_or(FieldType::Text)
}

/// A value after fitting: owned text only where a number became text.
pub(crate) enum Fitted<'a> {
    Value(Value<'a>),
    Text(String),
}

impl Fitted<'_> {
    pub(crate) fn value(&self) -> Value<'_> {
        match self {
            Self::Value(value) => *value,
            Self::Text(text) => Value::Str(text),
        }
    }
}

/// `value` as the type of a known field, or `None` when it does not fit.
pub(crate) fn fit(of: FieldType, value: Value<'_>, observed: i64) -> Option<Fitted<'_>> {
    let fitted = match (of, value) {
        (_, Value::Null) | (FieldType::Text, Value::Bool(_) | Value::Time(_)) => return None,
        (FieldType::Text, Value::Str(_))
        | (FieldType::Int, Value::Int(_))
        | (FieldType::Float, Value::Int(_) | Value::Float(_))
        | (FieldType::Bool, Value::Bool(_)) => value,
        (FieldType::Text, number) => {
            let mut text = String::new();
            encoding::push_value(&mut text, number);
            return Some(Fitted::Text(text));
        }
        (FieldType::Int, Value::Float(number)) => Value::Int(whole(number)?),
        (FieldType::Int, Value::Str(text)) => Value::Int(text.trim().parse().ok()?),
        (FieldType::Float, Value::Str(text)) => number(text.trim())?,
        (FieldType::Bool, Value::Str("true" | "True" | "yes")) => Value::Bool(true),
        (FieldType::Bool, Value::Str("false" | "False" | "no")) => Value::Bool(false),
        (FieldType::Ip, Value::Str(text)) => {
            text.parse::<IpAddr>().ok()?;
            value
        }
        (FieldType::Time, value) => Value::Time(Timestamp(time::of_value(value, observed)?.nanos)),
        _ => return None,
    };
    Some(Fitted::Value(fitted))
}

fn whole(number: f64) -> Option<i64> {
    // Beyond 2^53 a double does not name one whole number.
    let is_whole = number.fract() == 0.0 && number.abs() <= 9_007_199_254_740_992.0;
    #[expect(clippy::cast_possible_truncation, reason = "bounded by 2^53 above")]
    is_whole.then_some(number as i64)
}

fn number(text: &str) -> Option<Value<'static>> {
    if let Ok(whole) = text.parse() {
        return Some(Value::Int(whole));
    }
    let is_plain = text
        .bytes()
        .all(|b| matches!(b, b'0'..=b'9' | b'.' | b'-' | b'+' | b'e' | b'E'));
    let number: f64 = text.parse().ok().filter(|_| is_plain)?;
    number.is_finite().then_some(Value::Float(number))
}

/// An address as loggers write it (`1.2.3.4`, `1.2.3.4:80`, `[::1]:80`, `::ffff:1.2.3.4`,
/// `fe80::1%eth0`): the address in its shortest spelling and the port.
pub(crate) fn endpoint(text: &str) -> Option<(Cow<'_, str>, Option<u16>)> {
    let text = text.trim();
    if !text
        .bytes()
        .next()
        .is_some_and(|b| b.is_ascii_hexdigit() || matches!(b, b'[' | b':'))
    {
        return None;
    }
    if let Ok(address) = text.parse::<IpAddr>() {
        return Some((canonical(text, address), None));
    }
    let (host, port) = if let Some(rest) = text.strip_prefix('[') {
        let (host, port) = rest.split_once(']')?;
        (host, port.strip_prefix(':'))
    } else if let Some((host, _zone)) = text.split_once('%') {
        (host, None)
    } else {
        let (host, port) = text.split_once(':')?;
        (host, Some(port))
    };
    let address = host.parse::<IpAddr>().ok()?;
    let port = match port {
        Some(port) => Some(port.parse().ok()?),
        None => None,
    };
    Some((canonical(host, address), port))
}

fn canonical(text: &str, address: IpAddr) -> Cow<'_, str> {
    match address.to_canonical() {
        same if same == address => Cow::Borrowed(text),
        other => Cow::Owned(other.to_string()),
    }
}
