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
    let value = secret.text.as_str();
    let user = layout.text("abcdefghijklmnop", 6);
    let json = Form::Json.encode(value);
    let percent = Form::Percent.encode(value);
    let bare = secret.is_bare();
    Some(match layout.below(11) {
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
        2 => (
            "form body",
            format!("{{\"user\":\"{user}\",\"body\":\"a=first&{name}={percent}\"}}"),
            vec![Form::Percent, Form::Json],
        ),
        3 if secret.names.is_empty() => (
            "path segment",
            access(&format!("/orders/{percent}/view")),
            vec![Form::Percent],
        ),
        4 if bare && !secret.names.is_empty() => (
            "text pair",
            format!("user {user} sent {name}={value} now"),
            vec![],
        ),
        4 if bare => ("text", format!("user {user} used {value} today"), vec![]),
        5 if secret.is_token => (
            "cookie",
            format!("Cookie: {name}={value}; theme=dark"),
            vec![],
        ),
        6 => (
            "header",
            format!("{{\"user\":\"{user}\",\"headers\":{{\"{name}\":\"{json}\"}}}}"),
            vec![Form::Json],
        ),
        7 => {
            let inner = format!("{{\"a\":\"first\",\"{name}\":\"{json}\"}}");
            (
                "json in json",
                format!(
                    "{{\"user\":\"{user}\",\"inner\":\"{}\"}}",
                    Form::Json.encode(&inner)
                ),
                vec![Form::Json, Form::Json],
            )
        }
        8 => {
            let inner = format!("{{\"a\":\"first\",\"{name}\":\"{json}\"}}");
            (
                "base64 of json",
                format!("user {user} data {} end", Form::Base64.encode(&inner)),
                vec![Form::Json, Form::Base64],
            )
        }
        9 => (
            "logfmt",
            format!(
                "level=info {name}=\"{}\" user={user}",
                Form::Quoted.encode(&one_line(value))
            ),
            vec![Form::Quoted],
        ),
        10 => {
            let inner = Form::Percent.encode(&format!("/back?{name}={percent}&c=d"));
            (
                "query in query",
                access(&format!("/login?next={inner}&b=last")),
                vec![Form::Percent, Form::Percent],
            )
        }
        _ => return None,
    })
}

fn access(target: &str) -> String {
    format!(
        "203.0.113.7 - - [21/Nov/2026:10:00:00 +0000] \"GET {target} HTTP/1.1\" 200 512 \"-\" \"curl/8\""
    )
}

/// Line ends as loggers write them inside one line.
pub(crate) fn one_line(text: &str) -> String {
    text.replace('\r', "\\r").replace('\n', "\\n")
}
