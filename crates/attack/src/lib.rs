//! Recognises attack strings in the parts of a request: SQL injection, cross-site scripting, path
//! traversal, command injection, server-side request forgery, template injection, log injection.
//!
//! [`Scanner::request`] takes a [`Request`] apart (path, each query parameter, leaves of the body,
//! user agent, referrer, names), looks at every part with [`Scanner::value`] and hands out
//! [`Hit`]s: which part, which construct, which class and how sure.
//!
//! The way of a value: `interest` (a table over bytes says at once that most hold nothing) ->
//! `decode` (bounded: percent, `%u`, overlong UTF-8, entities, escapes, base64) -> one module per
//! class, each with a small scanner of its grammar (`sql` tokens and breakouts, `markup` tags and
//! attributes, `path` segments, `shell` operators and commands, `address` authorities, `template`
//! delimiters, `line` control characters).
//!
//! Deliberately absent: events, rules, what to do about a hit.
//!
//! Invariants:
//! - Total: any bytes give an answer, in time linear in their number up to the [`limits`].
//! - A confidence of [`REPORT_MIN`] and more is meant to ring; honest texts stay below.

mod address;
mod decode;
mod interest;
mod line;
mod markup;
mod path;
mod request;
mod script;
mod shell;
mod sql;
mod template;
mod text;

pub mod limits;

#[cfg(test)]
mod tests;

pub use request::{Part, Request};

use crate::decode::Decoder;
use crate::text::Text;

/// Confidence from which a hit is worth an alert.
pub const REPORT_MIN: u8 = 70;

/// What an attack string tries to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    /// SQL where a value should be.
    Sqli,
    /// Script or markup where a value should be.
    Xss,
    /// A way out of the folder, or a file nobody should name.
    Traversal,
    /// A command for a shell, or a lookup that makes a logger run code.
    Command,
    /// An address that only the server can reach.
    Ssrf,
    /// An expression for a template engine.
    Template,
    /// Text that forges records or drives a terminal.
    LogInjection,
}

impl Class {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Sqli,
        Self::Xss,
        Self::Traversal,
        Self::Command,
        Self::Ssrf,
        Self::Template,
        Self::LogInjection,
    ];

    /// The name that rules use.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sqli => "sqli",
            Self::Xss => "xss",
            Self::Traversal => "path_traversal",
            Self::Command => "command_injection",
            Self::Ssrf => "ssrf",
            Self::Template => "template_injection",
            Self::LogInjection => "log_injection",
        }
    }
}

/// Where a value stood: what is suspicious in one place is daily bread in another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Path of the URL.
    Path,
    /// Value of a query parameter.
    Query,
    /// Value in the body.
    Body,
    /// User agent.
    Agent,
    /// Part of the referrer.
    Referrer,
    /// Another header or a cookie.
    Header,
    /// Name of an account.
    Name,
}

/// What was recognised in one value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hit {
    /// What it tries.
    pub class: Class,
    /// The construct that gave it away.
    pub construct: &'static str,
    /// How sure, 1 to 99.
    pub confidence: u8,
}

/// The surest hit of each class in one value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Hits([Option<Hit>; 7]);

impl Hits {
    /// The hits, in the order of [`Class::ALL`].
    pub fn iter(&self) -> impl Iterator<Item = Hit> {
        self.0.iter().filter_map(|hit| *hit)
    }

    /// The hit of `class`.
    pub fn of(&self, class: Class) -> Option<Hit> {
        self.0[class as usize]
    }

    pub(crate) fn add(&mut self, class: Class, construct: &'static str, confidence: u8) {
        let slot = &mut self.0[class as usize];
        if slot.is_none_or(|known| known.confidence < confidence) {
            *slot = Some(Hit {
                class,
                construct,
                confidence: confidence.min(99),
            });
        }
    }

    /// Raises what was found by `by`: a disguise is a reason to be surer.
    fn raise(&mut self, by: u8) {
        for hit in self.0.iter_mut().flatten() {
            hit.confidence = (hit.confidence + by).min(99);
        }
    }

    fn merge(&mut self, other: &Self) {
        for hit in other.iter() {
            self.add(hit.class, hit.construct, hit.confidence);
        }
    }
}

/// Buffers that are kept from value to value.
#[derive(Debug, Default)]
pub struct Scanner {
    decoder: Decoder,
    sql: sql::Tokens,
}

impl Scanner {
    /// What `value` of the parameter `name` holds.
    pub fn value(&mut self, place: Place, name: &str, value: &str) -> Hits {
        let mut hits = Hits::default();
        let value = value.as_bytes();
        let value = &value[..value.len().min(limits::VALUE_BYTES_MAX)];
        if !interest::value(value, place) {
            return hits;
        }
        let mut decoder = std::mem::take(&mut self.decoder);
        decoder.start(value, place);
        while let Some(view) = decoder.next_view() {
            if !interest::value(view.text.low, place) && !view.text.overlong {
                continue;
            }
            let mut found = Hits::default();
            self.look(&view.text, place, name, &mut found);
            found.raise(view.raise);
            hits.merge(&found);
        }
        self.decoder = decoder;
        hits
    }

    fn look(&mut self, text: &Text<'_>, place: Place, name: &str, hits: &mut Hits) {
        line::look(text, place, hits);
        path::look(text, place, hits);
        if place != Place::Path || text.has(text::QUOTE | text::SPACE) {
            self.sql.look(text, place, hits);
        }
        markup::look(text, place, hits);
        script::look(text, place, hits);
        shell::look(text, place, hits);
        template::look(text, place, hits);
        if matches!(place, Place::Query | Place::Body | Place::Header) {
            address::look(text, name, hits);
        }
    }
}
