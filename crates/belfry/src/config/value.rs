//! What a setting may look like, and values that remember where they were written.

use std::net::SocketAddr;
use std::time::Duration;

use stdx::units;

/// The kinds of value.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Kind {
    Address,
    Count,
    Duration,
    Name,
    OneOf(&'static [&'static str]),
    Path,
    Size,
    Text,
    Texts,
    Truth,
}

/// Bytes of a name of a source or receiver.
const NAME_BYTES_MAX: usize = 64;
/// The name that Belfry's own entries carry; nobody else may use it.
pub(crate) const OWN_SOURCE: &str = "self";

impl Kind {
    /// What a good value looks like, for people.
    pub(crate) fn expected(self) -> String {
        match self {
            Self::Address => "an address such as \"127.0.0.1:8426\"".to_owned(),
            Self::Count => "a whole number, 0 or more".to_owned(),
            Self::Duration => "a duration such as \"200ms\", \"30s\", \"5m\"".to_owned(),
            Self::Name => "a name of a-z, A-Z, 0-9, dot, dash, underscore (not `self`)".to_owned(),
            Self::OneOf(choices) => format!("one of {}", choices.join(", ")),
            Self::Path => "a path".to_owned(),
            Self::Size => "a size such as \"64MiB\"".to_owned(),
            Self::Text => "text".to_owned(),
            Self::Texts => "a list of texts".to_owned(),
            Self::Truth => "true or false".to_owned(),
        }
    }

    /// Whether `text` is a good value of a kind that is written as text.
    pub(crate) fn accepts(self, text: &str) -> bool {
        match self {
            Self::Address => text.parse::<SocketAddr>().is_ok(),
            Self::Count => text.parse::<u64>().is_ok(),
            Self::Duration => units::parse_duration(text).is_some_and(|d| d > Duration::ZERO),
            Self::Name => is_name(text),
            Self::OneOf(choices) => choices.contains(&text),
            Self::Size => units::parse_size(text).is_some_and(|size| size > 0),
            Self::Path | Self::Text => !text.is_empty(),
            Self::Texts => false,
            Self::Truth => matches!(text, "true" | "false"),
        }
    }
}

/// Whether `text` may name a source, a receiver or a key.
pub(crate) fn is_name(text: &str) -> bool {
    let fits = (1..=NAME_BYTES_MAX).contains(&text.len()) && text != OWN_SOURCE;
    fits && text
        .bytes()
        .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_'))
}

/// A value as written, with its place.
#[derive(Clone, Debug)]
pub(crate) struct Written {
    /// Text of the value; list members one by one.
    pub(crate) texts: Vec<String>,
    /// File or environment variable, with its line.
    pub(crate) place: String,
}
