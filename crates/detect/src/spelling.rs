//! How the values that windows are kept by are spelled, so that one entity is one group.
//!
//! - `source.ip` and `client.ip`: IPv6 is cut to its /64 (`2001:db8:1:2::/64`), because one
//!   customer line owns at least that much; IPv4 mapped into IPv6 reads as IPv4.
//! - `user.name`, `user.target.name`: lower case, so that `Bob` and `bob` are one account.
//! - A derived field: its first value.
//! - Anything else: the text of its first value.

use std::fmt::Write as _;
use std::net::IpAddr;

use event::{Event, FieldId, Namer, Value};

use crate::derived::Derived;
use crate::predicate::{address, push_folded, push_plain};

/// A field that an entity or a window is named by.
#[derive(Clone, Debug)]
pub(crate) struct GroupField {
    /// Name.
    pub(crate) name: String,
    id: FieldId,
    spelling: Spelling,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Spelling {
    Plain,
    Address,
    Account,
    Derived(Derived),
}

impl GroupField {
    /// The field `name`.
    pub(crate) fn of(name: &str) -> Result<Self, String> {
        let id = FieldId::intern(name, Namer::Rule)
            .ok_or_else(|| format!("field name `{name}` finds no place"))?;
        let spelling = match (name, Derived::of_name(name)) {
            (_, Some(derived)) => Spelling::Derived(derived),
            ("source.ip" | "client.ip", _) => Spelling::Address,
            ("user.name" | "user.target.name", _) => Spelling::Account,
            _ => Spelling::Plain,
        };
        Ok(Self {
            name: name.to_owned(),
            id,
            spelling,
        })
    }

    /// Appends the value's spelling to `out`; `false` when the event has none, or only null or
    /// empty text.
    pub(crate) fn push_value(&self, event: &Event, out: &mut String) -> bool {
        if let Spelling::Derived(derived) = self.spelling {
            return derived.push_first(event, out);
        }
        event
            .value(self.id)
            .is_some_and(|value| self.push(value, out))
    }

    /// Whether the event has a list of values.
    pub(crate) fn is_list(&self, event: &Event) -> bool {
        event.values(self.id).nth(1).is_some()
    }

    /// The spellings of all values that have one.
    pub(crate) fn values(&self, event: &Event) -> impl Iterator<Item = String> {
        event.values(self.id).filter_map(|value| {
            let mut out = String::new();
            self.push(value, &mut out).then_some(out)
        })
    }

    fn push(&self, value: Value<'_>, out: &mut String) -> bool {
        let before = out.len();
        match (value, self.spelling) {
            (Value::Null, _) => {}
            (Value::Str(text), Spelling::Address) => push_address(out, text),
            (Value::Str(text), Spelling::Account) => push_folded(out, text.trim()),
            (value, _) => push_plain(out, value),
        }
        out.len() > before
    }
}

fn push_address(out: &mut String, text: &str) {
    if !push_network(out, text) {
        out.push_str(text);
    }
}

/// Appends the network that the address `text` stands for: itself for IPv4, its /64 for IPv6;
/// `false` when it is no address.
pub(crate) fn push_network(out: &mut String, text: &str) -> bool {
    let written = match address(text) {
        Some(IpAddr::V6(address)) => {
            let network = address.to_bits() >> 64 << 64;
            write!(out, "{}/64", std::net::Ipv6Addr::from_bits(network))
        }
        Some(IpAddr::V4(address)) => write!(out, "{address}"),
        None => return false,
    };
    written.expect("a String takes any text");
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(name: &str, line: &str, expected: &str) {
        let mut out = String::new();
        let field = GroupField::of(name).unwrap();
        field.push_value(&event::testkit::event(line), &mut out);
        assert_eq!(out, expected);
    }

    #[test]
    fn one_entity_one_spelling() {
        check(
            "source.ip",
            "source.ip=2001:db8:1:2:3::4",
            "2001:db8:1:2::/64",
        );
        check("source.ip", "source.ip=::ffff:10.0.0.1", "10.0.0.1");
        check("source.ip", "source.ip=\"10.0.0.1\"", "10.0.0.1");
        check("source.ip", "source.ip=unknown", "unknown");
        check(
            "source.net",
            "source.ip=2001:db8:1:2:3::4",
            "2001:db8:1:2::/64",
        );
        check("source.net", "source.ip=unknown", "");
        check("url.decoded", "url.original=/A%41", "/aa");
        check("user.name", "user.name=Bob", "bob");
        check("labels.route", "labels.route=/Orders", "/Orders");
        check("txn.id", "txn.id=7", "7");
        check("user.name", "message=x", "");
    }
}
