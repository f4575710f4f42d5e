//! Placements that were looked at while the engine was built: a fixed list, each by itself.
//!
//! Figures over these say whether something broke, not how good the engine is.

use crate::encode::Form;
use crate::secret::{self, Secret};
use crate::{Numbers, Planted};

/// Names under which a value says nothing.
const NEUTRAL: [&str; 5] = ["x", "ref", "note", "data", "value"];

/// Draws one line of `seed`.
pub fn plant(seed: u64) -> Planted {
    let mut layout = Numbers::new(seed);
    let mut values = Numbers::new(seed ^ 0x5eed);
    let kinds = [secret::SHOWING, secret::NAMED].concat();
    loop {
        let drawn = secret::draw(layout.pick(&kinds), &mut values);
        let name = if drawn.names.is_empty() {
            layout.pick(&NEUTRAL)
        } else {
            layout.pick(drawn.names)
        };
        if let Some((placement, line, encoding)) = place(&mut layout, &drawn, name) {
            return Planted {
                line,
                kind: drawn.kind,
                placement,
                nest: String::new(),
                encoding,
                core: drawn.core,
            };
        }
    }
}

type Placed = (&'static str, String, Vec<Form>);

/// `None` when the drawn placement cannot hold this secret without changing it.
fn place(layout: &mut Numbers, secret: &Secret, name: &str) -> Option<Placed> {
    match layout.below(11) {
        0..5 => plain(layout, secret, name),
        5..8 => framed(layout, secret, name),
        _ => Some(encoded(layout, secret, name)),
    }
}

/// Beside its name or alone, as it is.
fn plain(layout: &mut Numbers, secret: &Secret, name: &str) -> Option<Placed> {
    let value = secret.text.as_str();
    let user = layout.text("abcdefghijklmnop", 6);
    let line_value = Form::Quoted.encode(&one_line(value));
    let shows = secret.names.is_empty();
    Some(match layout.below(5) {
        0 if secret.is_bare() && shows => {
            ("text", format!("user {user} used {value} today"), vec![])
        }
        0 if secret.is_bare() => (
            "text pair",
            format!("user {user} sent {name}={value} now"),
            vec![],
        ),
        1 if secret.is_token => (
            "cookie",
            format!("Cookie: {name}={value}; theme=dark"),
            vec![],
        ),
        2 => (
            "logfmt",
            format!("level=info {name}=\"{line_value}\" user={user}"),
            vec![Form::Quoted],
        ),
        _ => return None,
    })
}

/// In a field of JSON or a part of an address.
fn framed(layout: &mut Numbers, secret: &Secret, name: &str) -> Option<Placed> {
    let json = Form::Json.encode(&secret.text);
    let percent = Form::Percent.encode(&secret.text);
    let user = layout.text("abcdefghijklmnop", 6);
    Some(match layout.below(4) {
        0 => (
            "json field",
            format!("{{\"user\":\"{user}\",\"{name}\":\"{json}\",\"n\":1}}"),
            vec![Form::Json],
        ),
        1 => (
            "query",
            access(&format!("/pay?a=first&{name}={percent}&b=last")),
            vec![Form::Percent],
        ),
        2 if secret.names.is_empty() => (
            "path segment",
            access(&format!("/orders/{percent}/view")),
            vec![Form::Percent],
        ),
        3 => (
            "header",
            format!("{{\"user\":\"{user}\",\"headers\":{{\"{name}\":\"{json}\"}}}}"),
            vec![Form::Json],
        ),
        _ => return None,
    })
}

/// With a second notation around the first.
fn encoded(layout: &mut Numbers, secret: &Secret, name: &str) -> Placed {
    let json = Form::Json.encode(&secret.text);
    let percent = Form::Percent.encode(&secret.text);
    let user = layout.text("abcdefghijklmnop", 6);
    let inner = format!("{{\"a\":\"first\",\"{name}\":\"{json}\"}}");
    match layout.below(4) {
        0 => (
            "form body",
            format!("{{\"user\":\"{user}\",\"body\":\"a=first&{name}={percent}\"}}"),
            vec![Form::Percent, Form::Json],
        ),
        1 => (
            "json in json",
            format!(
                "{{\"user\":\"{user}\",\"inner\":\"{}\"}}",
                Form::Json.encode(&inner)
            ),
            vec![Form::Json, Form::Json],
        ),
        2 => (
            "base64 of json",
            format!("user {user} data {} end", Form::Base64.encode(&inner)),
            vec![Form::Json, Form::Base64],
        ),
        _ => {
            let inner = Form::Percent.encode(&format!("/back?{name}={percent}&c=d"));
            (
                "query in query",
                access(&format!("/login?next={inner}&b=last")),
                vec![Form::Percent, Form::Percent],
            )
        }
    }
}

fn access(target: &str) -> String {
    format!(
        "203.0.113.7 - - [21/Nov/2026:10:00:00 +0000] \"GET {target} HTTP/1.1\" 200 512 \"-\" \
         \"curl/8\""
    )
}

/// Line ends as loggers write them inside one line.
pub(crate) fn one_line(text: &str) -> String {
    text.replace('\r', "\\r").replace('\n', "\\n")
}
