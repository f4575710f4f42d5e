//! Placements drawn by seed from a grammar of their own: a carrier holds the secret, nests may lie
//! around the carrier, a shell makes it a log line. Nobody tunes an engine to its lines; what it
//! misses is told by class.

mod carrier;
mod shell;

use crate::encode::Form;
use crate::secret::{self, Secret};
use crate::{Numbers, Planted};

/// Draws after which a carrier is given up for a secret that it cannot hold.
const DRAWS_MAX: usize = 24;

/// A piece of a line with the secret in it.
#[derive(Clone, Debug)]
struct Fragment {
    text: String,
    placement: &'static str,
    nest: String,
    forms: Vec<Form>,
}

impl Fragment {
    /// `before`, the fragment in `form`, `after`.
    fn within(mut self, form: Form, before: &str, after: &str) -> Self {
        self.text = format!("{before}{}{after}", form.encode(&self.text));
        self.forms.push(form);
        self
    }
}

/// Draws one line of `seed`.
pub fn plant(seed: u64) -> Planted {
    draw(seed, seed ^ 0x5eed_0f0f)
}

/// The line of `seed` with another secret of the same kind: what comes back from it tells whether a
/// short secret is there by chance.
pub fn twin(seed: u64) -> Planted {
    draw(seed, seed ^ 0x7717_0f0f)
}

fn draw(layout: u64, values: u64) -> Planted {
    let (mut layout, mut values) = (Numbers::new(layout), Numbers::new(values));
    let kinds = [secret::SHOWING, secret::NAMED].concat();
    let kind = kinds[layout.place(kinds.len())];
    let (secret, carrier) = loop {
        let carrier = &carrier::ALL[layout.place(carrier::ALL.len())];
        let fitting = (0..DRAWS_MAX)
            .map(|_| secret::draw(kind, &mut values))
            .find(|secret| carrier.holds(secret));
        if let Some(secret) = fitting {
            break (secret, carrier);
        }
    };
    let name = name_of(&secret, &mut layout);
    let mut fragment = carrier.write(&secret, &name, &mut layout);
    let nests = [0, 0, 0, 1, 1, 1, 1, 2][layout.place(8)];
    for _ in 0..nests {
        fragment = nest(fragment, &mut layout);
    }
    let fragment = shell::close(fragment, &mut layout);
    Planted {
        line: fragment.text,
        kind,
        placement: fragment.placement,
        nest: fragment.nest,
        encoding: fragment.forms,
        core: secret.core,
    }
}

/// A name that gives a named secret away, or one that says nothing.
fn name_of(secret: &Secret, layout: &mut Numbers) -> String {
    const NEUTRAL: [&str; 8] = [
        "q", "comment", "payload", "field7", "detail", "subject", "blob", "extra",
    ];
    let names = if secret.names.is_empty() {
        &NEUTRAL[..]
    } else {
        secret.names
    };
    layout.pick(names).to_owned()
}

/// Lays one more notation around `fragment`.
fn nest(mut fragment: Fragment, layout: &mut Numbers) -> Fragment {
    let (name, outer) = match layout.below(7) {
        0 => (
            "json",
            fragment
                .clone()
                .within(Form::Json, "{\"id\":7,\"payload\":\"", "\",\"ok\":true}"),
        ),
        1 => (
            "query",
            fragment
                .clone()
                .within(Form::Percent, "/cb?lang=en&state=", "&x=1"),
        ),
        2 => (
            "form",
            fragment
                .clone()
                .within(Form::FormUrl, "action=save&content=", "&submit=Go"),
        ),
        3 => (
            "base64",
            fragment.clone().within(Form::Base64, "blob ", " end"),
        ),
        4 => (
            "base64url",
            fragment.clone().within(Form::Base64Url, "X-State: ", ""),
        ),
        5 => (
            "json-html",
            fragment
                .clone()
                .within(Form::JsonHtml, "{\"html\":\"", "\"}"),
        ),
        _ => (
            "header",
            fragment
                .clone()
                .within(Form::Percent, "X-Forwarded-Uri: /go?u=", ", Host: shop"),
        ),
    };
    fragment = outer;
    if !fragment.nest.is_empty() {
        fragment.nest.push_str(" in ");
    }
    fragment.nest.push_str(name);
    fragment
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exam;

    /// The truth about a line is in the line.
    #[test]
    fn the_secret_is_found_in_every_line_as_it_was_planted() {
        for seed in 0..3_000 {
            let planted = plant(seed);
            let is_short = planted.core.len() < exam::LEAK_BYTES;
            assert!(
                is_short || exam::survives(&planted, &planted.line),
                "{} {} {:?}: {}",
                planted.kind,
                planted.placement,
                planted.encoding,
                planted.line
            );
            assert!(!planted.line.contains('\n'), "{}", planted.line);
        }
    }

    #[test]
    fn a_twin_differs_in_its_secret_alone() {
        for seed in 0..200 {
            let (one, two) = (plant(seed), twin(seed));
            assert_eq!((one.kind, one.line.len() > 10), (two.kind, true));
            if one.core.len() < 8 {
                assert_eq!(one.placement, two.placement);
            }
        }
    }
}
