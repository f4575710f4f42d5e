//! Field names of community rules in the words of our events, by the kind of log.
//!
//! Web rules use the names of the W3C extended log format. `cs-uri-query` maps to the whole target:
//! the rules look for paths in it as often as for parameters.

use crate::predicate::Op;
use crate::rule::Clause;

/// W3C names of web server and proxy logs.
const WEB: [(&str, &str); 15] = [
    ("c-ip", "source.ip"),
    ("c-uri", "url.original"),
    ("c-uri-extension", "file.extension"),
    ("c-uri-query", "url.original"),
    ("c-useragent", "user_agent.original"),
    ("cs-bytes", "http.request.bytes"),
    ("cs-host", "url.domain"),
    ("cs-method", "http.request.method"),
    ("cs-referer", "http.request.referrer"),
    ("cs-uri", "url.original"),
    ("cs-uri-query", "url.original"),
    ("cs-uri-stem", "url.path"),
    ("cs-user-agent", "user_agent.original"),
    ("cs-username", "user.name"),
    ("sc-status", "http.response.status_code"),
];

/// Renames the fields of `clause` for rules about logs of `category`.
pub(super) fn rename(clause: &mut Clause, category: Option<&str>) {
    if !matches!(category, Some("webserver" | "proxy")) {
        return;
    }
    match clause {
        Clause::All(parts) | Clause::Any(parts) => {
            for part in parts {
                rename(part, category);
            }
        }
        Clause::Not(inner) => rename(inner, category),
        Clause::Test(test) => {
            if let Some(name) = &mut test.field {
                respell(name);
            }
            if let Op::OtherField { field, .. } = &mut test.op {
                respell(field);
            }
        }
    }
}

fn respell(name: &mut String) {
    if let Some((_, ecs)) = WEB.iter().find(|(w3c, _)| w3c == name) {
        *name = (*ecs).to_owned();
    }
}
