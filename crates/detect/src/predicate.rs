//! One test of one field: what a detection item of a rule comes down to.
//!
//! Text compares without regard to case unless the rule says `cased`; case is folded by Unicode
//! lower-casing of both sides. Numbers and truth values compare with text by their JSON spelling.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::fmt::Write as _;
use std::net::IpAddr;

use event::Value;
use ipnet::IpNet;
use regex::Regex;
use stdx::calendar::{self, Civil};

use crate::glob::Glob;
use crate::literals::Flags;
use crate::rule::Comparison;

/// A test of a field, or of all text of an event when it names none.
#[derive(Clone, Debug)]
pub(crate) struct Test {
    /// Names of the field, of which the first one present is read; `None` for a keyword.
    pub(crate) field: Option<Vec<String>>,
    /// What must hold for at least one of its values.
    pub(crate) op: Op,
}

/// Where a literal must stand in the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Shape {
    /// It is the whole text.
    Exact,
    /// At the beginning.
    Prefix,
    /// At the end.
    Suffix,
    /// Anywhere.
    Contains,
}

impl Shape {
    /// Whether `literal` stands so in `text`.
    pub(crate) fn holds(self, text: &str, literal: &str) -> bool {
        match self {
            Self::Exact => text == literal,
            Self::Prefix => text.starts_with(literal),
            Self::Suffix => text.ends_with(literal),
            Self::Contains => memchr::memmem::find(text.as_bytes(), literal.as_bytes()).is_some(),
        }
    }
}

/// A part of a point in time, in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TimePart {
    /// 0 to 59.
    Minute,
    /// 0 to 23.
    Hour,
    /// 1 to 31.
    Day,
    /// 1 to 53, as ISO 8601 counts weeks.
    Week,
    /// 1 to 12.
    Month,
    /// The year.
    Year,
}

/// A number as a rule writes it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Number {
    /// Whole.
    Int(i64),
    /// With a fraction.
    Float(f64),
}

/// A regular expression with the literals that any match holds.
#[derive(Clone, Debug)]
pub(crate) struct Expression {
    pub(crate) matcher: Regex,
    pub(crate) flags: Flags,
    /// In lower case, one of them; empty when nothing is known.
    pub(crate) literals: Vec<String>,
}

impl Expression {
    fn key(&self) -> String {
        format!("re:{:?}:{}", self.flags, self.matcher.as_str())
    }
}

/// What must hold for a value.
#[derive(Clone, Debug)]
pub(crate) enum Op {
    /// The field is there.
    Present,
    /// The field is there and not null.
    NotNull,
    /// The field is missing or null.
    Null,
    /// A literal; `text` is folded already unless `cased`.
    Text {
        /// Where it stands.
        shape: Shape,
        /// The literal.
        text: String,
        /// Whether case matters.
        cased: bool,
    },
    /// A pattern with wildcards; folded already unless `cased`.
    Glob {
        /// The pattern.
        glob: Glob,
        /// Whether case matters.
        cased: bool,
    },
    /// A regular expression, searched anywhere in the raw text.
    Regex(Box<Expression>),
    /// An address inside a network.
    Net(IpNet),
    /// A comparison of numbers.
    Number(Comparison, Number),
    /// Text of another field.
    OtherField {
        /// Where it stands.
        shape: Shape,
        /// Names of the other field.
        field: Vec<String>,
        /// Whether case matters.
        cased: bool,
    },
    /// A part of a time.
    TimePart(TimePart, i64),
}

impl Op {
    /// A text equal for equal tests, to share them between rules.
    pub(crate) fn key(&self) -> String {
        match self {
            Self::Regex(expression) => expression.key(),
            other => format!("{other:?}"),
        }
    }

    /// Whether it holds for `value` alone. `folded` is its lower-case text. Tests that are not
    /// about one value (presence, other fields) are answered by the caller.
    pub(crate) fn holds(&self, value: Value<'_>, folded: &str) -> bool {
        match self {
            Self::Present => true,
            Self::NotNull => value != Value::Null,
            Self::Null => value == Value::Null,
            Self::Text { shape, text, cased } => match (value, cased) {
                (Value::Null, _) => false,
                (_, false) => shape.holds(folded, text),
                (_, true) => shape.holds(&raw_text(value), text),
            },
            Self::Glob { glob, cased } => match (value, cased) {
                (Value::Null, _) => false,
                (_, false) => glob.matches(folded),
                (_, true) => glob.matches(&raw_text(value)),
            },
            Self::Regex(regex) => value != Value::Null && regex.matcher.is_match(&raw_text(value)),
            Self::Net(net) => match value {
                Value::Str(text) => address(text).is_some_and(|address| net.contains(&address)),
                _ => false,
            },
            Self::Number(comparison, number) => {
                compare(value, *number).is_some_and(|ordering| comparison.holds(ordering))
            }
            Self::OtherField { .. } => false,
            Self::TimePart(part, expected) => time_part(value, *part) == Some(*expected),
        }
    }
}

/// Lower case of `text` by Unicode rules.
pub(crate) fn fold(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    push_folded(&mut out, text);
    out
}

/// Appends the lower case of `text`.
pub(crate) fn push_folded(out: &mut String, text: &str) {
    if text.is_ascii() {
        let from = out.len();
        out.push_str(text);
        out[from..].make_ascii_lowercase();
    } else {
        for c in text.chars() {
            match c {
                // The long s is an s wherever case does not matter, as regular expressions have it.
                '\u{17f}' => out.push('s'),
                c => out.extend(c.to_lowercase()),
            }
        }
    }
}

/// The text of a value as rules see it.
pub(crate) fn raw_text(value: Value<'_>) -> Cow<'_, str> {
    if let Value::Str(text) = value {
        return Cow::Borrowed(text);
    }
    let mut out = String::new();
    push_plain(&mut out, value);
    Cow::Owned(out)
}

/// Appends the text of a value that is not text. A float without fraction reads as a whole number,
/// so that `404` in a rule finds `404.0`.
pub(crate) fn push_plain(out: &mut String, value: Value<'_>) {
    let written = match value {
        Value::Null => Ok(()),
        Value::Bool(truth) => write!(out, "{truth}"),
        Value::Int(number) => write!(out, "{number}"),
        Value::Float(number) => write!(out, "{number}"),
        Value::Str(text) => {
            out.push_str(text);
            Ok(())
        }
        Value::Time(time) => write!(out, "{time}"),
    };
    written.expect("a String takes any text");
}

/// An address as logs spell it: plain, in brackets, with a zone; mapped IPv4 reads as IPv4.
pub(crate) fn address(text: &str) -> Option<IpAddr> {
    let text = text.trim().trim_start_matches('[').trim_end_matches(']');
    let text = text.split_once('%').map_or(text, |(address, _)| address);
    text.parse()
        .ok()
        .map(|address: IpAddr| address.to_canonical())
}

#[expect(
    clippy::cast_precision_loss,
    reason = "an i64 beside a float is compared as a float"
)]
fn compare(value: Value<'_>, number: Number) -> Option<Ordering> {
    let value = match value {
        Value::Int(whole) => Number::Int(whole),
        Value::Float(float) => Number::Float(float),
        Value::Str(text) => parse_number(text)?,
        _ => return None,
    };
    match (value, number) {
        (Number::Int(a), Number::Int(b)) => Some(a.cmp(&b)),
        (Number::Int(a), Number::Float(b)) => (a as f64).partial_cmp(&b),
        (Number::Float(a), Number::Int(b)) => a.partial_cmp(&(b as f64)),
        (Number::Float(a), Number::Float(b)) => a.partial_cmp(&b),
    }
}

/// A number in text.
pub(crate) fn parse_number(text: &str) -> Option<Number> {
    let text = text.trim();
    if let Ok(whole) = text.parse() {
        return Some(Number::Int(whole));
    }
    text.parse()
        .ok()
        .filter(|number: &f64| number.is_finite())
        .map(Number::Float)
}

fn time_part(value: Value<'_>, part: TimePart) -> Option<i64> {
    let nanos = match value {
        Value::Time(time) => time.0,
        Value::Str(text) => calendar::parse_rfc3339(text)?.unix_nanos,
        _ => return None,
    };
    let civil = Civil::of(nanos);
    Some(match part {
        TimePart::Minute => i64::from(civil.minute),
        TimePart::Hour => i64::from(civil.hour),
        TimePart::Day => i64::from(civil.day),
        TimePart::Week => iso_week(nanos),
        TimePart::Month => i64::from(civil.month),
        TimePart::Year => civil.year,
    })
}

/// The week of ISO 8601: weeks begin on Monday and belong to the year of their Thursday.
fn iso_week(nanos: i64) -> i64 {
    const DAY_NANOS: i64 = calendar::DAY_SECONDS * calendar::SECOND_NANOS;
    let day = nanos.div_euclid(DAY_NANOS);
    // 1970-01-01 was a Thursday.
    let thursday = day - (day + 3).rem_euclid(7) + 3;
    let new_year = Civil {
        month: 1,
        day: 1,
        ..Civil::of(thursday.saturating_mul(DAY_NANOS))
    };
    let first = new_year
        .unix_nanos()
        .map_or(0, |nanos| nanos.div_euclid(DAY_NANOS));
    (thursday - first) / 7 + 1
}

#[cfg(test)]
mod tests;
