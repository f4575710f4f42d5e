//! Calendar arithmetic: nanoseconds since 1970 to civil dates and RFC 3339 text, and back.
//!
//! Proleptic Gregorian calendar, no leap seconds (a `:60` second reads as `:59` and one more),
//! years 0000 to 9999 in text. The day count follows the era method (years start in March, so that
//! the leap day comes last).

/// Nanoseconds in a second.
pub const SECOND_NANOS: i64 = 1_000_000_000;
/// Seconds in a day.
pub const DAY_SECONDS: i64 = 86_400;

/// A date and time of day in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Civil {
    /// Year, 0 to 9999 in text.
    pub year: i64,
    /// Month, 1 to 12.
    pub month: u32,
    /// Day of month, 1 to 31.
    pub day: u32,
    /// Hour, 0 to 23.
    pub hour: u32,
    /// Minute, 0 to 59.
    pub minute: u32,
    /// Second, 0 to 60.
    pub second: u32,
    /// Nanosecond within the second.
    pub nanos: u32,
}

impl Civil {
    /// The date and time of `unix_nanos` in UTC.
    pub fn of(unix_nanos: i64) -> Self {
        let seconds = unix_nanos.div_euclid(SECOND_NANOS);
        let nanos = unix_nanos.rem_euclid(SECOND_NANOS);
        let days = seconds.div_euclid(DAY_SECONDS);
        let rest = seconds.rem_euclid(DAY_SECONDS);
        let (year, month, day) = date_of_days(days);
        Self {
            year,
            month,
            day,
            hour: small(rest / 3600),
            minute: small(rest / 60 % 60),
            second: small(rest % 60),
            nanos: small(nanos),
        }
    }

    /// Nanoseconds since the Unix epoch, or `None` when a part is out of range or the result does
    /// not fit (years before 1678 and after 2261).
    pub fn unix_nanos(&self) -> Option<i64> {
        let day_ok = (1..=days_in_month(self.year, self.month)?).contains(&self.day);
        if !day_ok || self.hour > 23 || self.minute > 59 || self.second > 60 {
            return None;
        }
        let days = days_of_date(self.year, self.month, self.day);
        let time =
            i64::from(self.hour) * 3600 + i64::from(self.minute) * 60 + i64::from(self.second);
        (days * DAY_SECONDS + time)
            .checked_mul(SECOND_NANOS)?
            .checked_add(i64::from(self.nanos))
    }
}

/// Writes `unix_nanos` as `2026-11-21T10:30:00.123456789Z`; always nine digits of fraction, so
/// that text order is time order.
pub fn format_rfc3339(unix_nanos: i64) -> String {
    let mut out = String::with_capacity(30);
    push_rfc3339(&mut out, unix_nanos);
    out
}

/// Appends what [`format_rfc3339`] returns to `out`.
pub fn push_rfc3339(out: &mut String, unix_nanos: i64) {
    let civil = Civil::of(unix_nanos);
    push_digits(out, u64::try_from(civil.year).unwrap_or(0), 4);
    for (mark, part) in [('-', civil.month), ('-', civil.day), ('T', civil.hour)] {
        out.push(mark);
        push_digits(out, u64::from(part), 2);
    }
    for (mark, part) in [(':', civil.minute), (':', civil.second)] {
        out.push(mark);
        push_digits(out, u64::from(part), 2);
    }
    out.push('.');
    push_digits(out, u64::from(civil.nanos), 9);
    out.push('Z');
}

/// A timestamp read from text, with what the text left open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parsed {
    /// Nanoseconds since the Unix epoch, UTC assumed when no offset was given.
    pub unix_nanos: i64,
    /// Whether the text named its offset from UTC.
    pub has_offset: bool,
}

/// Reads RFC 3339 and the ISO 8601 forms that loggers really write: `T` or space, `.` or `,`
/// before the fraction, offset as `Z`, `+01:00`, `+0100` or absent.
pub fn parse_rfc3339(text: &str) -> Option<Parsed> {
    let (parsed, used) = parse_rfc3339_prefix(text)?;
    (used == text.len()).then_some(parsed)
}

/// As [`parse_rfc3339`], but reads a timestamp at the start of `text` and also returns how many
/// bytes it took.
pub fn parse_rfc3339_prefix(text: &str) -> Option<(Parsed, usize)> {
    let bytes = text.as_bytes();
    let year = digits(bytes, 0, 4)?;
    let separator = *bytes.get(4)?;
    if separator != b'-' && separator != b'/' || *bytes.get(7)? != separator {
        return None;
    }
    let (month, day) = (digits(bytes, 5, 2)?, digits(bytes, 8, 2)?);
    if !matches!(*bytes.get(10)?, b'T' | b't' | b' ') {
        return None;
    }
    let hour = digits(bytes, 11, 2)?;
    let minute = digits(bytes, 14, 2)?;
    let second = digits(bytes, 17, 2)?;
    if *bytes.get(13)? != b':' || *bytes.get(16)? != b':' {
        return None;
    }
    let (nanos, at) = fraction(bytes, 19);
    let civil = Civil {
        year: i64::from(year),
        month,
        day,
        hour,
        minute,
        second,
        nanos,
    };
    let local = civil.unix_nanos()?;
    let (offset_seconds, used) = offset(bytes, at);
    let unix_nanos = local.checked_sub(offset_seconds.unwrap_or(0) * SECOND_NANOS)?;
    Some((
        Parsed {
            unix_nanos,
            has_offset: offset_seconds.is_some(),
        },
        used,
    ))
}

/// Reads an offset from UTC (`Z`, `+01:00`, `+0100`, ` +0100`) at `at`: its seconds and where it
/// ends; `None` and `at` unchanged when there is none.
pub fn offset(bytes: &[u8], at: usize) -> (Option<i64>, usize) {
    let start = if bytes.get(at) == Some(&b' ') {
        at + 1
    } else {
        at
    };
    let sign = match bytes.get(start) {
        Some(b'Z' | b'z') if start == at => return (Some(0), at + 1),
        Some(b'+') => 1,
        Some(b'-') => -1,
        _ => return (None, at),
    };
    let Some(hours) = digits(bytes, start + 1, 2) else {
        return (None, at);
    };
    let colon = usize::from(bytes.get(start + 3) == Some(&b':'));
    let Some(minutes) = digits(bytes, start + 3 + colon, 2) else {
        return (None, at);
    };
    if hours > 23 || minutes > 59 {
        return (None, at);
    }
    (
        Some(sign * i64::from(hours * 3600 + minutes * 60)),
        start + 5 + colon,
    )
}

/// Month number of an English three-letter name, any case.
pub fn month_of_name(name: &[u8]) -> Option<u32> {
    const NAMES: [&[u8; 3]; 12] = [
        b"jan", b"feb", b"mar", b"apr", b"may", b"jun", b"jul", b"aug", b"sep", b"oct", b"nov",
        b"dec",
    ];
    (1..)
        .zip(NAMES)
        .find(|(_, known)| name.eq_ignore_ascii_case(*known))
        .map(|(month, _)| month)
}

fn fraction(bytes: &[u8], at: usize) -> (u32, usize) {
    if !matches!(bytes.get(at), Some(b'.' | b',')) {
        return (0, at);
    }
    let mut end = at + 1;
    let mut nanos: u32 = 0;
    let mut scale: u32 = 100_000_000;
    while let Some(digit) = bytes.get(end).filter(|byte| byte.is_ascii_digit()) {
        nanos += u32::from(digit - b'0') * scale;
        scale /= 10;
        end += 1;
    }
    if end == at + 1 { (0, at) } else { (nanos, end) }
}

/// The number written in `width` ASCII digits at `at`.
pub fn digits(bytes: &[u8], at: usize, width: usize) -> Option<u32> {
    let mut value: u32 = 0;
    for byte in bytes.get(at..at.checked_add(width)?)? {
        value = value
            .checked_mul(10)?
            .checked_add(u32::from(byte.checked_sub(b'0')?))?;
        if !byte.is_ascii_digit() {
            return None;
        }
    }
    Some(value)
}

fn push_digits(out: &mut String, mut value: u64, width: usize) {
    let mut text = [b'0'; 20];
    let mut at = text.len();
    for _ in 0..width {
        at -= 1;
        text[at] = b'0' + u8::try_from(value % 10).unwrap_or(0);
        value /= 10;
    }
    out.extend(text[at..].iter().map(|byte| char::from(*byte)));
}

fn days_in_month(year: i64, month: u32) -> Option<u32> {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => Some(31),
        4 | 6 | 9 | 11 => Some(30),
        2 => Some(if leap { 29 } else { 28 }),
        _ => None,
    }
}

/// Days since 1970-01-01 of a valid date.
fn days_of_date(year: i64, month: u32, day: u32) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let month_from_march = i64::from((month + 9) % 12);
    let day_of_year = (153 * month_from_march + 2) / 5 + i64::from(day) - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

/// Date of a day count since 1970-01-01.
fn date_of_days(days: i64) -> (i64, u32, u32) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = small(day_of_year - (153 * month_from_march + 2) / 5 + 1);
    let month = small((month_from_march + 2) % 12 + 1);
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, day)
}

/// A value already reduced below `u32::MAX` by a remainder or a bounded quotient.
fn small(value: i64) -> u32 {
    u32::try_from(value).unwrap_or(0)
}

#[cfg(test)]
mod tests;
