//! Event literals for tests: one line of text is one event.

use crate::{Entry, Event, Index, ObservedAt, PolicyVersion, Redacted, Timestamp, Value, field};

/// Reads `user.name=bob http.response.status_code=401 event.category=[iam,web] @t=3s` into an
/// event. Words are `name=value`; a value may be quoted (`message="two words"`); whole numbers
/// become numbers unless quoted; `@t=<seconds>s` sets the time in seconds since 1970.
pub fn event(line: &str) -> Event {
    let mut event = Event::new();
    for (name, value) in words(line) {
        match value.as_str() {
            value if name == "@t" => {
                let seconds: f64 = value.trim_end_matches('s').parse().unwrap_or(0.0);
                #[expect(clippy::cast_possible_truncation, reason = "test times are small")]
                let nanos = (seconds * 1e9) as i64;
                event.push(field::TIMESTAMP, Value::Time(Timestamp(nanos)));
            }
            list if list.starts_with('[') => {
                for item in list.trim_matches(['[', ']']).split(',') {
                    event.push_named(&name, Value::Str(item), true);
                }
            }
            value => match value.parse() {
                Ok(number) => event.push_named(&name, Value::Int(number), false),
                Err(_) => event.push_named(&name, Value::Str(value.trim_matches('"')), false),
            },
        }
    }
    event
}

/// `event` sealed without any redaction, by policy 0: what certifying costs by itself.
pub fn unredacted(event: Event) -> Redacted {
    Redacted::certified(event, PolicyVersion(0))
}

/// [`event`] certified as redacted by policy 0, with `belfry.source=test` where it names none.
pub fn redacted(line: &str) -> Redacted {
    let mut event = event(line);
    if !event.has(field::BELFRY_SOURCE) {
        event.push_str(field::BELFRY_SOURCE, "test");
    }
    Redacted::certified(event, PolicyVersion(0))
}

/// One entry a line, indices from 0, received when they say they happened.
pub fn entries(lines: &str) -> Vec<Entry> {
    let lines = lines.lines().map(str::trim).filter(|line| !line.is_empty());
    (0..)
        .zip(lines)
        .map(|(index, line)| {
            let redacted = redacted(line);
            let received = redacted.event().timestamp().map_or(0, |time| time.0);
            Entry::sequenced(Index(index), ObservedAt(received), redacted)
        })
        .collect()
}

fn words(line: &str) -> Vec<(String, String)> {
    let mut words = Vec::new();
    let mut rest = line.trim_start();
    while let Some((name, after)) = rest.split_once('=') {
        let quoted = after.starts_with('"');
        let end = if quoted {
            after[1..].find('"').map_or(after.len(), |at| at + 2)
        } else {
            after.find(' ').unwrap_or(after.len())
        };
        words.push((name.trim().to_owned(), after[..end].to_owned()));
        rest = after[end..].trim_start();
    }
    words
}
