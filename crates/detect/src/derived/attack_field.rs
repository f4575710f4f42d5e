//! `belfry.attack.*`: what the recogniser of attack strings found in the request of an event.
//!
//! One scan serves all four fields. A class is listed with the part and construct of its surest
//! hit, the surest class first; hits below [`attack::REPORT_MIN`] are not listed.

use std::fmt::Write as _;

use attack::{Class, Request, Scanner};
use event::{Event, field};

/// The source of Belfry's own entries, which no sender can claim.
const OWN_SOURCE: &str = "self";

/// What one class was recognised by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Finding {
    pub(super) class: Class,
    pub(super) construct: &'static str,
    pub(super) confidence: u8,
    pub(super) part: String,
}

/// The scanner and what it found in the event at hand.
#[derive(Debug, Default)]
pub(super) struct AttackScan {
    scanner: Scanner,
    found: Vec<Finding>,
    done: bool,
}

impl AttackScan {
    pub(super) fn begin(&mut self) {
        self.done = false;
    }

    /// The findings of `event`, surest first.
    pub(super) fn findings(&mut self, event: &Event) -> &[Finding] {
        if !self.done {
            self.done = true;
            self.found.clear();
            // Our own entries quote what rang: they are about requests, not requests.
            if event.text(field::BELFRY_SOURCE) == Some(OWN_SOURCE) {
                return &self.found;
            }
            let found = &mut self.found;
            self.scanner.request(&request(event), &mut |part, hit| {
                if hit.confidence < attack::REPORT_MIN {
                    return;
                }
                let known = found.iter_mut().find(|known| known.class == hit.class);
                let finding = || Finding {
                    class: hit.class,
                    construct: hit.construct,
                    confidence: hit.confidence,
                    part: part.to_string(),
                };
                match known {
                    Some(known) if known.confidence < hit.confidence => *known = finding(),
                    Some(_) => {}
                    None => found.push(finding()),
                }
            });
            found.sort_by_key(|finding| std::cmp::Reverse(finding.confidence));
        }
        &self.found
    }
}

fn request(event: &Event) -> Request<'_> {
    let text = |id| event.text(id).unwrap_or("");
    let mut request = Request {
        body: text(field::HTTP_REQUEST_BODY_CONTENT),
        agent: text(field::USER_AGENT_ORIGINAL),
        referrer: text(field::HTTP_REQUEST_REFERRER),
        account: text(field::USER_NAME),
        ..Request::default()
    };
    for id in [field::URL_ORIGINAL, field::URL_FULL] {
        if request.target.is_empty() {
            request.target = text(id);
        }
    }
    if request.target.is_empty() {
        request.target = text(field::URL_PATH);
        request.query = text(field::URL_QUERY);
    }
    request
}

/// What attack strings an event holds, for people: `sqli union-select in query.id (97 %)`.
pub fn attacks(event: &Event) -> Vec<String> {
    let mut scan = AttackScan::default();
    let findings = scan.findings(event);
    let lines = findings.iter().map(|finding| {
        let Finding {
            class,
            construct,
            confidence,
            part,
        } = finding;
        let mut line = String::new();
        write!(
            line,
            "{} {construct} in {part} ({confidence} %)",
            class.name()
        )
        .expect("a String takes any text");
        line
    });
    lines.collect()
}
