//! The readable page: a function of the data and of nothing else.

use std::fmt::Write as _;

use event::{Value, encoding, field};
use ledger::{Claim, ProvenRecord, verify_proof};
use stdx::calendar;

use crate::wire::Bundle;

const DATA_BEGIN: &str = "<script type=\"application/json\" id=\"evidence\">";
const DATA_END: &str = "</script>\n</body>\n</html>\n";

/// The data inside a page.
pub(crate) fn data_of(html: &str) -> Option<&str> {
    let begin = html.rfind(DATA_BEGIN)? + DATA_BEGIN.len();
    html.get(begin..)?.strip_suffix(DATA_END)
}

impl Bundle {
    /// Writes the file. The same data give the same bytes.
    pub fn to_html(&self) -> String {
        let mut page = String::with_capacity(self.records.len() * 4096 + 8192);
        page.push_str(HEAD);
        self.push_summary(&mut page);
        page.push_str("<h2>Records</h2>\n");
        for record in &self.records {
            let proven = verify_proof(record.proof.as_bytes(), Claim::InProof, &self.vkey);
            match proven {
                Ok(proven) => push_record(&mut page, &proven),
                Err(_) => {
                    let _ = writeln!(page, "<p>Entry {}: not proven.</p>", record.index);
                }
            }
        }
        page.push_str("<h2>Checkpoint</h2>\n<pre>");
        push_escaped(&mut page, &self.checkpoint);
        page.push_str("</pre>\n");
        if !self.policy.is_empty() {
            page.push_str("<h2>Witnesses asked for</h2>\n<pre>");
            push_escaped(&mut page, &self.policy);
            page.push_str("</pre>\n");
        }
        if let Some(seal) = &self.seal {
            page.push_str("<h2>Seal of the epoch</h2>\n<pre>");
            push_escaped(&mut page, &seal.note);
            page.push_str("</pre>\n");
        }
        page.push_str(HOW);
        page.push_str(DATA_BEGIN);
        page.push_str(&self.to_data());
        page.push_str(DATA_END);
        page
    }

    fn push_summary(&self, page: &mut String) {
        page.push_str("<h1>Evidence</h1>\n<table>\n");
        let mut row = |name: &str, value: &str| {
            if value.is_empty() {
                return;
            }
            let _ = write!(page, "<tr><th>{name}</th><td>");
            push_escaped(page, value);
            page.push_str("</td></tr>\n");
        };
        row("About", &self.question);
        row("Records", &self.records.len().to_string());
        row("Made by", &self.made_by);
        row("Made at", &self.made_at);
        row("Verifier key", &self.vkey);
        row("Fingerprint", &ledger::fingerprint_words(&self.vkey));
        row("Alert", &self.alert);
        page.push_str("</table>\n");
    }
}

fn push_record(page: &mut String, proven: &ProvenRecord) {
    let received = calendar::format_rfc3339(i64::try_from(proven.recv_ns).unwrap_or(i64::MAX));
    let _ = write!(
        page,
        "<h3 id=\"e{0}\">Entry {0}</h3>\n<p>Received {received}",
        proven.index
    );
    let body = proven.body.as_deref().unwrap_or_default();
    let Ok(event) = encoding::decode(body) else {
        page.push_str("; its body is gone.</p>\n");
        return;
    };
    if let Some(action) = event.text(field::EVENT_ACTION) {
        page.push_str(", <b>");
        push_escaped(page, action);
        page.push_str("</b>");
    }
    page.push_str("</p>\n<table>\n");
    for part in event.fields() {
        page.push_str("<tr><th>");
        push_escaped(page, part.name);
        page.push_str("</th><td>");
        match part.value {
            Value::Str(text) => push_escaped(page, text),
            value => {
                let mut text = String::new();
                encoding::push_value(&mut text, value);
                push_escaped(page, &text);
            }
        }
        page.push_str("</td></tr>\n");
    }
    page.push_str("</table>\n");
}

/// Text as text: no markup, and no control character that a terminal or browser obeys.
fn push_escaped(page: &mut String, text: &str) {
    for c in text.chars() {
        match c {
            '<' => page.push_str("&lt;"),
            '>' => page.push_str("&gt;"),
            '&' => page.push_str("&amp;"),
            '"' => page.push_str("&quot;"),
            '\n' => page.push('\n'),
            // Direction marks could make a reader see another order than the bytes have.
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
                let _ = write!(page, "\\u{{{:x}}}", u32::from(c));
            }
            c if c.is_control() => {
                let _ = write!(page, "\\u{{{:x}}}", u32::from(c));
            }
            c => page.push(c),
        }
    }
}

const HEAD: &str = "<!DOCTYPE html>
<html lang=\"en\">
<head>
<meta charset=\"utf-8\">
<meta http-equiv=\"Content-Security-Policy\"
 content=\"default-src 'none'; style-src 'unsafe-inline'\">
<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">
<title>Evidence from a Belfry ledger</title>
<style>
:root { color-scheme: light dark; }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
h1, h2 { line-height: 1.2; }
h3 { margin: 2rem 0 0; }
table { border-collapse: collapse; width: 100%; }
th { text-align: left; vertical-align: top; width: 16rem; font-weight: 600; }
th, td { padding: .15rem .5rem .15rem 0; border-bottom: 1px solid #8884; overflow-wrap: anywhere; }
pre { overflow-x: auto; padding: .75rem; border: 1px solid #8884; }
</style>
</head>
<body>
";

const HOW: &str = "<h2>How to check this file</h2>
<p>What you read above is only as good as the data at the end of this file.
<code>belfry evidence verify FILE --vkey KEY</code> checks every record against the signed
checkpoint, offline, and makes this page again from the data to see that nobody edited it. Take KEY
from somewhere else than this file and compare the fingerprint by telephone.</p>
<p>Without Belfry: each <code>proof</code> in the data is a c2sp.org/tlog-proof; the checkpoint is a
c2sp.org/tlog-checkpoint whose signature any note verifier accepts; leaf and tree hashes are those
of RFC 6962.</p>
";
