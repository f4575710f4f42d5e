//! The filter language, a plain subset of KQL.
//!
//! ```text
//! user.name:bob AND event.outcome:failure        both
//! source.ip:203.0.113.* OR NOT url.path:/health  wildcard, negation
//! http.response.status_code>=500                 comparison of numbers and times
//! "password reset"                               words anywhere in the event
//! user.name:*                                    the field is present
//! ```
//!
//! Two terms beside each other mean AND. Text is compared without regard to case.

use event::{Event, FieldId, Namer};
use thiserror::Error;

use crate::matching::{self, Pattern};

/// Bytes of one query.
const QUERY_BYTES_MAX: usize = 8 * 1024;
/// Parentheses and negations inside each other.
const DEPTH_MAX: usize = 64;
/// Terms of one query.
const TERMS_MAX: usize = 1024;

/// A parsed filter.
#[derive(Debug)]
pub struct Query {
    root: Node,
}

#[derive(Debug)]
pub(crate) enum Node {
    All,
    And(Vec<Node>),
    Or(Vec<Node>),
    Not(Box<Node>),
    Text(Pattern),
    Field {
        id: Option<FieldId>,
        name: String,
        test: Test,
    },
}

#[derive(Debug)]
pub(crate) enum Test {
    Is(Pattern),
    Compare {
        order: Order,
        number: f64,
        text: String,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// A query that cannot be understood.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum QueryError {
    /// Longer than a query may be.
    #[error("query of {bytes} bytes is longer than the limit of {max}")]
    TooLong {
        /// Its length.
        bytes: usize,
        /// The limit.
        max: usize,
    },
    /// Nested deeper than a query may be.
    #[error("query nests deeper than {max} levels at byte {at}")]
    TooDeep {
        /// Where.
        at: usize,
        /// The limit.
        max: usize,
    },
    /// More terms than a query may have.
    #[error("query has more than {max} terms")]
    TooManyTerms {
        /// The limit.
        max: usize,
    },
    /// Something else should stand here.
    #[error("expected {expected} at byte {at}")]
    Expected {
        /// Where.
        at: usize,
        /// What.
        expected: &'static str,
    },
}

impl Query {
    /// Reads a query; an empty one matches everything.
    pub fn parse(text: &str) -> Result<Self, QueryError> {
        if text.len() > QUERY_BYTES_MAX {
            return Err(QueryError::TooLong {
                bytes: text.len(),
                max: QUERY_BYTES_MAX,
            });
        }
        let mut parser = Parser {
            text,
            at: 0,
            terms: 0,
        };
        parser.skip_space();
        if parser.at == text.len() {
            return Ok(Self { root: Node::All });
        }
        let root = parser.or(0)?;
        if parser.at < text.len() {
            return Err(parser.expected("the end of the query"));
        }
        Ok(Self { root })
    }

    /// Whether `event` satisfies the filter.
    pub fn matches(&self, event: &Event) -> bool {
        matching::matches(&self.root, event)
    }
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
    terms: usize,
}

impl Parser<'_> {
    fn or(&mut self, depth: usize) -> Result<Node, QueryError> {
        let mut parts = vec![self.and(depth)?];
        while self.keyword("OR") {
            parts.push(self.and(depth)?);
        }
        Ok(one_or(parts, Node::Or))
    }

    fn and(&mut self, depth: usize) -> Result<Node, QueryError> {
        let mut parts = vec![self.not(depth)?];
        loop {
            let joined = self.keyword("AND");
            if !joined
                && (self.rest().is_empty() || self.rest().starts_with(')') || self.sees("OR"))
            {
                return Ok(one_or(parts, Node::And));
            }
            parts.push(self.not(depth)?);
        }
    }

    fn not(&mut self, depth: usize) -> Result<Node, QueryError> {
        if depth >= DEPTH_MAX {
            return Err(QueryError::TooDeep {
                at: self.at,
                max: DEPTH_MAX,
            });
        }
        if self.keyword("NOT") {
            return Ok(Node::Not(Box::new(self.not(depth + 1)?)));
        }
        if self.take('(') {
            let inner = self.or(depth + 1)?;
            if !self.take(')') {
                return Err(self.expected("a closing parenthesis"));
            }
            return Ok(inner);
        }
        self.term()
    }

    fn term(&mut self) -> Result<Node, QueryError> {
        self.terms += 1;
        if self.terms > TERMS_MAX {
            return Err(QueryError::TooManyTerms { max: TERMS_MAX });
        }
        if self.rest().starts_with('"') {
            return Ok(Node::Text(Pattern::contains(&self.quoted()?)));
        }
        let word = self.word(&[':', '<', '>']);
        if word.is_empty() {
            return Err(self.expected("a term"));
        }
        let order = self.order();
        if order.is_none() && !self.rest().starts_with(':') {
            self.skip_space();
            return Ok(Node::Text(Pattern::contains_wild(&word)));
        }
        if order.is_none() {
            self.at += 1;
        }
        let order = order.or_else(|| self.order());
        let (value, is_quoted) = self.value()?;
        let test = match order {
            Some(order) => {
                let number = value.parse().unwrap_or(f64::NAN);
                Test::Compare {
                    order,
                    number,
                    text: value,
                }
            }
            None if is_quoted => Test::Is(Pattern::exact(&value)),
            None => Test::Is(Pattern::wild(&value)),
        };
        Ok(Node::Field {
            id: FieldId::intern(&word, Namer::Rule),
            name: word,
            test,
        })
    }

    fn order(&mut self) -> Option<Order> {
        const ORDERS: [(&str, Order); 4] = [
            (">=", Order::GreaterOrEqual),
            ("<=", Order::LessOrEqual),
            (">", Order::Greater),
            ("<", Order::Less),
        ];
        let (sign, order) = ORDERS
            .into_iter()
            .find(|(sign, _)| self.rest().starts_with(sign))?;
        self.at += sign.len();
        Some(order)
    }

    fn value(&mut self) -> Result<(String, bool), QueryError> {
        if self.rest().starts_with('"') {
            return Ok((self.quoted()?, true));
        }
        let value = self.word(&[]);
        if value.is_empty() {
            return Err(self.expected("a value"));
        }
        self.skip_space();
        Ok((value, false))
    }

    /// A run without space, parenthesis or one of `stops`; `\` takes the next character as it is.
    fn word(&mut self, stops: &[char]) -> String {
        let mut word = String::new();
        let mut characters = self.rest().char_indices();
        let mut end = self.text.len();
        while let Some((at, c)) = characters.next() {
            match c {
                '\\' => word.extend(characters.next().map(|(_, escaped)| escaped)),
                c if c.is_whitespace() || matches!(c, '(' | ')') || stops.contains(&c) => {
                    end = self.at + at;
                    break;
                }
                c => word.push(c),
            }
        }
        self.at = end;
        word
    }

    fn quoted(&mut self) -> Result<String, QueryError> {
        let mut value = String::new();
        let mut characters = self.rest().char_indices().skip(1);
        while let Some((at, c)) = characters.next() {
            match c {
                '"' => {
                    self.at += at + 1;
                    self.skip_space();
                    return Ok(value);
                }
                '\\' => value.extend(characters.next().map(|(_, escaped)| escaped)),
                c => value.push(c),
            }
        }
        self.at = self.text.len();
        Err(self.expected("a closing quote"))
    }

    fn rest(&self) -> &str {
        &self.text[self.at..]
    }

    fn sees(&self, keyword: &str) -> bool {
        let rest = self.rest();
        rest.get(..keyword.len())
            .is_some_and(|head| head.eq_ignore_ascii_case(keyword))
            && rest[keyword.len()..].starts_with(|c: char| c.is_whitespace() || c == '(')
    }

    fn keyword(&mut self, keyword: &str) -> bool {
        let found = self.sees(keyword);
        if found {
            self.at += keyword.len();
            self.skip_space();
        }
        found
    }

    fn take(&mut self, c: char) -> bool {
        let found = self.rest().starts_with(c);
        if found {
            self.at += c.len_utf8();
            self.skip_space();
        }
        found
    }

    fn skip_space(&mut self) {
        self.at = self.text.len() - self.rest().trim_start().len();
    }

    fn expected(&self, expected: &'static str) -> QueryError {
        QueryError::Expected {
            at: self.at,
            expected,
        }
    }
}

fn one_or(mut parts: Vec<Node>, many: fn(Vec<Node>) -> Node) -> Node {
    match parts.pop() {
        Some(only) if parts.is_empty() => only,
        Some(last) => {
            parts.push(last);
            many(parts)
        }
        None => Node::All,
    }
}

#[cfg(test)]
mod tests;
