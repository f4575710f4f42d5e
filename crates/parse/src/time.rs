//! Points in time as loggers write them, to nanoseconds since 1970.

use event::Value;
use stdx::calendar::{self, Civil, SECOND_NANOS};

/// A time that was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Time {
    /// Nanoseconds since 1970 UTC.
    pub(crate) nanos: i64,
    /// Whether the text left nothing open (offset and year given).
    pub(crate) is_certain: bool,
}

/// Reads a value as a time: text, or a number of seconds, milli-, micro- or nanoseconds.
pub(crate) fn of_value(value: Value<'_>, observed: i64) -> Option<Time> {
    match value {
        Value::Int(number) => of_epoch(number),
        Value::Float(number) => of_epoch_float(number),
        Value::Str(text) => of_text(text, observed),
        Value::Time(time) => Some(certain(time.0)),
        Value::Null | Value::Bool(_) => None,
    }
}

fn certain(nanos: i64) -> Time {
    Time {
        nanos,
        is_certain: true,
    }
}

/// Seconds reach from 2001 to 5138 with ten or eleven digits; each finer unit has three more.
fn of_epoch(number: i64) -> Option<Time> {
    let scale = match number {
        1_000_000_000..100_000_000_000 => SECOND_NANOS,
        100_000_000_000..100_000_000_000_000 => 1_000_000,
        100_000_000_000_000..100_000_000_000_000_000 => 1_000,
        100_000_000_000_000_000.. => 1,
        _ => return None,
    };
    number.checked_mul(scale).map(certain)
}

fn of_epoch_float(number: f64) -> Option<Time> {
    let scale = match number {
        1e9..1e11 => 1e9,
        1e11..1e14 => 1e6,
        1e14..1e17 => 1e3,
        _ => return None,
    };
    // Microseconds are all that a double holds of a present-day time.
    let micros = (number * (scale / 1e3)).round();
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the match bounds it to 1e17"
    )]
    (micros as i64).checked_mul(1_000).map(certain)
}

/// Reads a whole text as a time.
pub(crate) fn of_text(text: &str, observed: i64) -> Option<Time> {
    let text = text.trim();
    let (time, used) = prefix(text, observed)?;
    match text[used..].trim_start() {
        "" => Some(time),
        "UTC" | "GMT" => Some(certain(time.nanos)),
        _ => None,
    }
}

/// Reads a time at the start of `text`: the time and the bytes it took.
pub(crate) fn prefix(text: &str, observed: i64) -> Option<(Time, usize)> {
    let bytes = text.as_bytes();
    match bytes.first()? {
        b'0'..=b'9' => iso(text)
            .or_else(|| common_log(bytes))
            .or_else(|| number(text)),
        b'A'..=b'Z' | b'a'..=b'z' => month_day(bytes, observed).or_else(|| {
            let comma = usize::from(bytes.get(3) == Some(&b','));
            let skip = 4 + comma;
            let rest = text
                .get(skip..)
                .filter(|_| bytes.get(3 + comma) == Some(&b' '))?;
            let read = month_day(rest.as_bytes(), observed).or_else(|| mail_date(rest));
            read.map(|(time, used)| (time, used + skip))
        }),
        _ => None,
    }
}

fn iso(text: &str) -> Option<(Time, usize)> {
    let (parsed, used) = calendar::parse_rfc3339_prefix(text)?;
    let time = Time {
        nanos: parsed.unix_nanos,
        is_certain: parsed.has_offset,
    };
    Some((time, used))
}

/// Digits of the longest number that is a time: nanoseconds with a fraction.
const NUMBER_BYTES_MAX: usize = 32;

fn number(text: &str) -> Option<(Time, usize)> {
    let used = text
        .bytes()
        .take(NUMBER_BYTES_MAX)
        .take_while(|b| b.is_ascii_digit() || *b == b'.')
        .count();
    let digits = &text[..used];
    let time = match digits.parse() {
        Ok(whole) => of_epoch(whole),
        Err(_) => of_epoch_float(digits.parse().ok()?),
    };
    Some((time?, used))
}

/// `17/May/2015:10:05:03 +0000` of web server logs.
pub(crate) fn common_log(bytes: &[u8]) -> Option<(Time, usize)> {
    let marks = [(2, b'/'), (6, b'/'), (11, b':'), (14, b':'), (17, b':')];
    if marks.iter().any(|(at, mark)| bytes.get(*at) != Some(mark)) {
        return None;
    }
    let civil = Civil {
        year: i64::from(calendar::digits(bytes, 7, 4)?),
        month: calendar::month_of_name(bytes.get(3..6)?)?,
        day: calendar::digits(bytes, 0, 2)?,
        hour: calendar::digits(bytes, 12, 2)?,
        minute: calendar::digits(bytes, 15, 2)?,
        second: calendar::digits(bytes, 18, 2)?,
        nanos: 0,
    };
    zoned(&civil, bytes, 20)
}

/// `Nov 21 08:16:13`, with an optional fraction and an optional year behind it.
pub(crate) fn month_day(bytes: &[u8], observed: i64) -> Option<(Time, usize)> {
    let month = calendar::month_of_name(bytes.get(..3)?)?;
    if bytes.get(3) != Some(&b' ') {
        return None;
    }
    let padded = usize::from(bytes.get(4) == Some(&b' '));
    let width = if padded == 0 && bytes.get(5).is_some_and(u8::is_ascii_digit) {
        2
    } else {
        1
    };
    let day = calendar::digits(bytes, 4 + padded, width)?;
    let at = 4 + padded + width;
    if bytes.get(at) != Some(&b' ') {
        return None;
    }
    let (hour, minute, second, nanos, used) = clock(bytes, at + 1)?;
    let mut civil = Civil {
        year: 0,
        month,
        day,
        hour,
        minute,
        second,
        nanos,
    };
    let year = calendar::digits(bytes, used + 1, 4).filter(|_| bytes.get(used) == Some(&b' '));
    let ends = !bytes.get(used + 5).is_some_and(u8::is_ascii_alphanumeric);
    if let Some(year) = year.filter(|year| ends && (1970..2200).contains(year)) {
        civil.year = i64::from(year);
        return zoned(&civil, bytes, used + 5);
    }
    let nanos = with_year(&mut civil, observed)?;
    Some((
        Time {
            nanos,
            is_certain: false,
        },
        used,
    ))
}

/// The year that puts a yearless time nearest below now; a day of clock skew is allowed.
fn with_year(civil: &mut Civil, observed: i64) -> Option<i64> {
    let day = calendar::DAY_SECONDS * SECOND_NANOS;
    let now = Civil::of(observed).year;
    // 29 February exists in the last eight years for sure.
    (0..=8).find_map(|back| {
        civil.year = now + 1 - back;
        civil
            .unix_nanos()
            .filter(|nanos| *nanos <= observed.saturating_add(day))
    })
}

/// `15 Nov 1994 08:12:31 +0000`, the weekday already taken.
fn mail_date(text: &str) -> Option<(Time, usize)> {
    let bytes = text.as_bytes();
    let width = if bytes.get(1).is_some_and(u8::is_ascii_digit) {
        2
    } else {
        1
    };
    let civil = Civil {
        day: calendar::digits(bytes, 0, width)?,
        month: calendar::month_of_name(bytes.get(width + 1..width + 4)?)?,
        year: i64::from(calendar::digits(bytes, width + 5, 4)?),
        hour: 0,
        minute: 0,
        second: 0,
        nanos: 0,
    };
    let (hour, minute, second, nanos, used) = clock(bytes, width + 10)?;
    zoned(
        &Civil {
            hour,
            minute,
            second,
            nanos,
            ..civil
        },
        bytes,
        used,
    )
}

fn clock(bytes: &[u8], at: usize) -> Option<(u32, u32, u32, u32, usize)> {
    if bytes.get(at + 2) != Some(&b':') || bytes.get(at + 5) != Some(&b':') {
        return None;
    }
    let hour = calendar::digits(bytes, at, 2)?;
    let minute = calendar::digits(bytes, at + 3, 2)?;
    let second = calendar::digits(bytes, at + 6, 2)?;
    let mut end = at + 8;
    let mut nanos = 0;
    if bytes.get(end) == Some(&b'.') && bytes.get(end + 1).is_some_and(u8::is_ascii_digit) {
        end += 1;
        let mut scale = 100_000_000;
        while let Some(digit) = bytes.get(end).filter(|b| b.is_ascii_digit()) {
            nanos += u32::from(digit - b'0') * scale;
            scale /= 10;
            end += 1;
        }
    }
    Some((hour, minute, second, nanos, end))
}

fn zoned(civil: &Civil, bytes: &[u8], at: usize) -> Option<(Time, usize)> {
    let (offset, used) = calendar::offset(bytes, at);
    let nanos = civil
        .unix_nanos()?
        .checked_sub(offset.unwrap_or(0) * SECOND_NANOS)?;
    Some((
        Time {
            nanos,
            is_certain: offset.is_some(),
        },
        used,
    ))
}
