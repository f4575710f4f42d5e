//! A request taken apart: what stands in which part is looked at part by part, so that a hit can
//! say where it was.

use std::fmt;

use crate::{Hit, Place, Scanner, interest, limits};

/// What is known of a request. Empty text is absent.
#[derive(Clone, Copy, Debug, Default)]
pub struct Request<'r> {
    /// Path and query as sent, or the whole URL.
    pub target: &'r str,
    /// Query, when the target is the path alone.
    pub query: &'r str,
    /// Body.
    pub body: &'r str,
    /// User agent.
    pub agent: &'r str,
    /// Referrer.
    pub referrer: &'r str,
    /// Name of the account.
    pub account: &'r str,
}

/// Where in a request something was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part<'r> {
    /// Path of the URL.
    Path,
    /// Parameter of the query, by name.
    Query(&'r str),
    /// Name of a parameter of the query.
    QueryName,
    /// Field of the body, by name.
    Body(&'r str),
    /// User agent.
    Agent,
    /// Parameter of the referrer, by name; empty for its path.
    Referrer(&'r str),
    /// Name of the account.
    Account,
}

impl fmt::Display for Part<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (family, name) = match self {
            Self::Path => ("path", ""),
            Self::Query(name) => ("query", *name),
            Self::QueryName => ("query-name", ""),
            Self::Body(name) => ("body", *name),
            Self::Agent => ("user-agent", ""),
            Self::Referrer(name) => ("referrer", *name),
            Self::Account => ("user-name", ""),
        };
        f.write_str(family)?;
        if !name.is_empty() {
            let name = &name[..name.floor_char_boundary(limits::NAME_BYTES_MAX)];
            write!(f, ".{name}")?;
        }
        Ok(())
    }
}

/// What is left of the limits of one request.
struct Budget {
    parts: usize,
    bytes: usize,
}

impl Scanner {
    /// Looks at every part of `request`; tells each hit with its part.
    pub fn request(&mut self, request: &Request<'_>, tell: &mut dyn FnMut(Part<'_>, Hit)) {
        let mut budget = Budget {
            parts: limits::PARTS_MAX,
            bytes: limits::REQUEST_BYTES_MAX,
        };
        if interest::target(request.target.as_bytes()) {
            let target = without_authority(request.target);
            let (path, query) = target.split_once('?').unwrap_or((target, ""));
            self.part(Place::Path, Part::Path, "", path, &mut budget, tell);
            self.query(query, &mut budget, tell);
        }
        if !request.query.is_empty() && interest::target(request.query.as_bytes()) {
            self.query(request.query.trim_start_matches('?'), &mut budget, tell);
        }
        if !request.agent.is_empty() {
            self.part(
                Place::Agent,
                Part::Agent,
                "",
                request.agent,
                &mut budget,
                tell,
            );
        }
        if !request.account.is_empty() {
            self.part(
                Place::Name,
                Part::Account,
                "",
                request.account,
                &mut budget,
                tell,
            );
        }
        if !request.referrer.is_empty() && interest::target(request.referrer.as_bytes()) {
            self.referrer(request.referrer, &mut budget, tell);
        }
        if !request.body.is_empty() {
            self.body(request.body, &mut budget, tell);
        }
    }

    fn part(
        &mut self,
        place: Place,
        part: Part<'_>,
        name: &str,
        value: &str,
        budget: &mut Budget,
        tell: &mut dyn FnMut(Part<'_>, Hit),
    ) {
        if value.is_empty() || budget.parts == 0 || budget.bytes == 0 {
            return;
        }
        let value = &value[..value.floor_char_boundary(budget.bytes.min(value.len()))];
        budget.parts -= 1;
        budget.bytes -= value.len().min(budget.bytes);
        for hit in self.value(place, name, value).iter() {
            tell(part, hit);
        }
    }

    fn query(&mut self, query: &str, budget: &mut Budget, tell: &mut dyn FnMut(Part<'_>, Hit)) {
        let mut loose = false;
        for pair in query.split('&') {
            let (name, value) = match pair.split_once('=') {
                Some((name, value)) if name.len() <= limits::NAME_BYTES_MAX * 2 => (name, value),
                _ => ("", pair),
            };
            loose |= name.is_empty() || name.contains(' ');
            self.part(Place::Query, Part::Query(name), name, value, budget, tell);
            if name.bytes().any(|byte| {
                !byte.is_ascii_alphanumeric() && !matches!(byte, b'_' | b'-' | b'.' | b'[' | b']')
            }) {
                self.part(Place::Query, Part::QueryName, "", name, budget, tell);
            }
        }
        // A value that nobody encoded may hold the separator itself.
        let raw = query
            .bytes()
            .any(|byte| matches!(byte, b' ' | b'\'' | b'"' | b'<' | b'>' | b'`' | b'|' | b'{'));
        if loose && raw && query.contains('&') {
            let (name, value) = query.split_once('=').unwrap_or(("", query));
            self.part(Place::Query, Part::Query(name), name, value, budget, tell);
        }
    }

    fn referrer(
        &mut self,
        referrer: &str,
        budget: &mut Budget,
        tell: &mut dyn FnMut(Part<'_>, Hit),
    ) {
        let target = without_authority(referrer);
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        self.part(Place::Referrer, Part::Referrer(""), "", path, budget, tell);
        for pair in query.split('&') {
            let (name, value) = pair.split_once('=').unwrap_or(("", pair));
            self.part(
                Place::Referrer,
                Part::Referrer(name),
                name,
                value,
                budget,
                tell,
            );
        }
    }

    fn body(&mut self, body: &str, budget: &mut Budget, tell: &mut dyn FnMut(Part<'_>, Hit)) {
        let body = &body[..body.floor_char_boundary(limits::REQUEST_BYTES_MAX)];
        match body.trim_start().bytes().next() {
            Some(b'{' | b'[') if body.contains('"') => self.json(body, budget, tell),
            _ if is_form(body) => self.form(body, budget, tell),
            _ => self.part(Place::Body, Part::Body(""), "", body, budget, tell),
        }
    }

    fn form(&mut self, body: &str, budget: &mut Budget, tell: &mut dyn FnMut(Part<'_>, Hit)) {
        let mut spaced = String::new();
        for pair in body.split('&') {
            let (name, value) = pair.split_once('=').unwrap_or(("", pair));
            spaced.clear();
            spaced.extend(value.chars().map(|c| if c == '+' { ' ' } else { c }));
            self.part(Place::Body, Part::Body(name), name, &spaced, budget, tell);
        }
    }

    /// Each text of a JSON body under the last name before it. A walk over string literals needs no
    /// tree: brackets and numbers hold nothing.
    fn json(&mut self, body: &str, budget: &mut Budget, tell: &mut dyn FnMut(Part<'_>, Hit)) {
        let mut name = String::new();
        let mut literal = String::new();
        let mut rest = body;
        while let Some(at) = rest.find('"') {
            let used = read_literal(&rest[at + 1..], &mut literal);
            rest = &rest[at + 1 + used..];
            if rest.trim_start().starts_with(':') {
                std::mem::swap(&mut name, &mut literal);
            } else {
                self.part(
                    Place::Body,
                    Part::Body(&name),
                    &name,
                    &literal,
                    budget,
                    tell,
                );
            }
        }
    }
}

/// Reads a JSON string behind its opening quote into `out`; how many bytes it took.
fn read_literal(rest: &str, out: &mut String) -> usize {
    out.clear();
    let mut chars = rest.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return at + 1,
            '\\' => match chars.next().map(|(_, c)| c) {
                Some('n') => out.push('\n'),
                Some('r') => out.push('\r'),
                Some('t') => out.push('\t'),
                Some('b') => out.push('\u{8}'),
                Some('f') => out.push('\u{c}'),
                // Read by the decoder, surrogates included.
                Some('u') => out.push_str("\\u"),
                Some(c) => out.push(c),
                None => {}
            },
            c => out.push(c),
        }
    }
    rest.len()
}

/// Whether a body reads like `a=b&c=d`.
fn is_form(body: &str) -> bool {
    let name = body.split('=').next().unwrap_or(body);
    name.len() < body.len()
        && !name.is_empty()
        && name.len() <= limits::NAME_BYTES_MAX * 2
        && name.bytes().all(|byte| {
            byte.is_ascii_alphanumeric()
                || matches!(byte, b'_' | b'-' | b'.' | b'[' | b']' | b'%' | b'$')
        })
}

/// The target without the scheme and host of an absolute URL.
fn without_authority(target: &str) -> &str {
    let Some((scheme, rest)) = target.split_once("://") else {
        return target;
    };
    if scheme.is_empty()
        || scheme.len() > 16
        || !scheme.bytes().all(|byte| byte.is_ascii_alphabetic())
    {
        return target;
    }
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    &rest[end..]
}
