//! Known dates, odd spellings and a round trip over four centuries.

use super::*;

#[test]
fn known_instants() {
    for (nanos, text) in [
        (0, "1970-01-01T00:00:00.000000000Z"),
        (951_782_400 * SECOND_NANOS, "2000-02-29T00:00:00.000000000Z"),
        (-1, "1969-12-31T23:59:59.999999999Z"),
        (
            1_795_257_000 * SECOND_NANOS + 5,
            "2026-11-21T10:30:00.000000005Z",
        ),
    ] {
        assert_eq!(format_rfc3339(nanos), text);
        assert_eq!(
            parse_rfc3339(text),
            Some(Parsed {
                unix_nanos: nanos,
                has_offset: true
            })
        );
    }
}

#[test]
fn spellings_that_loggers_write() {
    let at = |text: &str| parse_rfc3339(text).map(|p| (format_rfc3339(p.unix_nanos), p.has_offset));
    let noon = "2026-01-02T12:00:00.500000000Z".to_owned();
    assert_eq!(at("2026-01-02 12:00:00,5"), Some((noon.clone(), false)));
    assert_eq!(
        at("2026-01-02T13:00:00.5+01:00"),
        Some((noon.clone(), true))
    );
    assert_eq!(
        at("2026-01-02T04:00:00.500-0800"),
        Some((noon.clone(), true))
    );
    assert_eq!(at("2026/01/02 12:00:00.5 +0000"), Some((noon, true)));
    for bad in [
        "",
        "2026-13-01T00:00:00Z",
        "2026-02-30T00:00:00Z",
        "2026-01-01",
        "yesterday",
        "2026-01-01T25:00:00Z",
        "2026-01-01T00:00:00Zjunk",
        "9999-01-01T00:00:00Z",
    ] {
        assert_eq!(at(bad), None, "{bad}");
    }
}

#[test]
fn every_day_of_four_centuries_round_trips() {
    for day in -100_000..100_000 {
        let (year, month, date) = date_of_days(day);
        assert_eq!(days_of_date(year, month, date), day);
    }
}
