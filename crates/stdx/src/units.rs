//! Human units in configuration and output: `64MiB`, `200ms`, `12 months` are what people write.

use std::time::Duration;

/// Parses a size such as `65536`, `64KiB`, `1.5GiB`, `10MB` to bytes.
///
/// Returns `None` when the number or the unit is not understood or the result exceeds `u64`.
pub fn parse_size(text: &str) -> Option<u64> {
    const UNITS: [(&str, u64); 9] = [
        ("", 1),
        ("B", 1),
        ("KB", 1_000),
        ("MB", 1_000_000),
        ("GB", 1_000_000_000),
        ("KiB", 1 << 10),
        ("MiB", 1 << 20),
        ("GiB", 1 << 30),
        ("TiB", 1 << 40),
    ];
    scaled(text, &UNITS)
}

/// Parses a duration such as `200ms`, `30s`, `10m`, `1h`, `90d`.
pub fn parse_duration(text: &str) -> Option<Duration> {
    const NANOS: [(&str, u64); 7] = [
        ("ns", 1),
        ("us", 1_000),
        ("ms", 1_000_000),
        ("s", 1_000_000_000),
        ("m", 60_000_000_000),
        ("h", 3_600_000_000_000),
        ("d", 86_400_000_000_000),
    ];
    scaled(text, &NANOS).map(Duration::from_nanos)
}

/// Formats `bytes` with the largest binary unit that keeps the number readable: `1.5 MiB`.
pub fn format_size(bytes: u64) -> String {
    const UNITS: [(&str, u64); 4] = [
        ("TiB", 1 << 40),
        ("GiB", 1 << 30),
        ("MiB", 1 << 20),
        ("KiB", 1 << 10),
    ];
    for (unit, scale) in UNITS {
        if bytes >= scale {
            let tenths = u128::from(bytes) * 10 / u128::from(scale);
            return format!("{}.{} {unit}", tenths / 10, tenths % 10);
        }
    }
    format!("{bytes} B")
}

fn scaled(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let text = text.trim();
    let split = text.find(|c: char| !c.is_ascii_digit() && c != '.' && c != '_');
    let (number, unit) = text.split_at(split.unwrap_or(text.len()));
    let scale = units.iter().find(|(name, _)| *name == unit.trim())?.1;
    let number = number.replace('_', "");
    let (whole, fraction) = number.split_once('.').unwrap_or((&number, ""));
    let whole: u64 = whole.parse().ok()?;
    let mut part: u128 = 0;
    let mut tens: u128 = 1;
    for digit in fraction.bytes().take(FRACTION_DIGITS_MAX) {
        part = part * 10 + u128::from(digit.checked_sub(b'0')?);
        tens *= 10;
    }
    let part = u64::try_from(part * u128::from(scale) / tens).ok()?;
    whole.checked_mul(scale)?.checked_add(part)
}

/// Digits after the point that are looked at; more cannot change a result in bytes or nanoseconds.
const FRACTION_DIGITS_MAX: usize = 15;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_durations() {
        for (text, expected) in [
            ("65536", Some(65_536)),
            ("64KiB", Some(65_536)),
            ("1.5 GiB", Some(3 << 29)),
            ("10MB", Some(10_000_000)),
            ("10 parsecs", None),
            ("", None),
            ("-1", None),
            ("99999999999999999999", None),
        ] {
            assert_eq!(parse_size(text), expected, "{text}");
        }
        assert_eq!(parse_duration("200ms"), Some(Duration::from_millis(200)));
        assert_eq!(parse_duration("1.5h"), Some(Duration::from_mins(90)));
        assert_eq!(parse_duration("1w"), None);
        assert_eq!(format_size(1_572_864), "1.5 MiB");
        assert_eq!(format_size(12), "12 B");
    }
}
