//! What the demo came to: rung against expected, and the result for people and programs.

use std::time::Duration;

use alert::Alert;
use ledger::VerifyReport;
use serde_json::{Value, json};

use super::leaks::{Leak, Search};
use super::reporter::Counts;
use super::script::Ring;
use super::tamper::Tampering;
use super::telling::{Voice, code_of, entity_of, safe};
use crate::accounts::Account;
use crate::exit_code::Outcome;

/// Rule and entity of one alert.
type Name = (String, String);

/// Alerts that should have rung and did not, and those that should not have and did.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Difference {
    pub(crate) missing: Vec<Name>,
    pub(crate) invented: Vec<Name>,
}

impl Difference {
    /// Compares what rang with what had to; twice is not once.
    pub(crate) fn between(rung: Vec<Name>, expected: &[Ring]) -> Self {
        let mut difference = Self {
            missing: Vec::new(),
            invented: rung,
        };
        for ring in expected {
            let rang = |rung: &Name| rung.0 == ring.rule && ring.is_about(&rung.1);
            match difference.invented.iter().position(rang) {
                Some(at) => {
                    difference.invented.remove(at);
                }
                None => difference
                    .missing
                    .push((ring.rule.to_owned(), ring.entity.to_owned())),
            }
        }
        difference
    }

    /// Rule and entity of `alert`, as the script names it.
    pub(crate) fn name_of(alert: &Alert) -> Name {
        (code_of(alert).to_owned(), entity_of(alert))
    }
}

/// Everything the demo found out.
#[derive(Debug)]
pub(crate) struct Finale {
    pub(crate) counts: Counts,
    pub(crate) booked: Account,
    pub(crate) alerts: Vec<Alert>,
    /// The longest time from a durable record to its alert, milliseconds.
    pub(crate) slowest_ring: f64,
    pub(crate) difference: Difference,
    pub(crate) verified: VerifyReport,
    pub(crate) tampering: Tampering,
    pub(crate) search: Search,
    pub(crate) took: Duration,
}

impl Finale {
    /// Everything as promised, or not.
    pub(crate) fn outcome(&self) -> Outcome {
        let Finale {
            counts,
            booked,
            search,
            ..
        } = self;
        let rang_right = self.difference == Difference::default();
        let lost_nothing = counts.acknowledged == counts.reported
            && booked.received == booked.stored + booked.refused
            && booked.refused == 0;
        let kept_secrets = search.leaks.is_empty() && search.found_control;
        let is_proof = self.verified.is_clean() && self.tampering.is_detected();
        if rang_right && lost_nothing && kept_secrets && is_proof {
            Outcome::Fine
        } else {
            Outcome::Findings
        }
    }

    /// One object for programs.
    pub(crate) fn json(&self) -> Value {
        let names = |names: &[Name]| -> Vec<Value> {
            names
                .iter()
                .map(|(rule, entity)| json!({"rule": rule, "entity": entity}))
                .collect()
        };
        json!({
            "ok": self.outcome() == Outcome::Fine,
            "reported": self.counts.reported,
            "received": self.booked.received,
            "stored": self.booked.stored,
            "refused": self.booked.refused,
            "alerts": self.alerts.iter().map(json_of).collect::<Vec<_>>(),
            "slowest_ring_ms": self.slowest_ring,
            "expected": {
                "missing": names(&self.difference.missing),
                "invented": names(&self.difference.invented),
            },
            "verify": {
                "ok": self.verified.is_clean(),
                "tree_size": self.verified.tree_size,
                "checkpoint_size": self.verified.checkpoint_size,
            },
            "tamper": {
                "detected": self.tampering.is_detected(),
                "index": self.tampering.exposed.map(|index| index.0),
                "changed": self.tampering.index.0,
                "finding": self.tampering.finding,
            },
            "secrets_planted": self.search.planted,
            "leaks": self.search.leaks.len(),
            "leak_places": self.search.leaks.iter().map(Leak::json).collect::<Vec<_>>(),
            "seconds": self.took.as_secs_f64(),
        })
    }

    /// The same for people.
    pub(crate) fn show(&self, voice: Voice) {
        let Finale {
            counts,
            booked,
            difference,
            search,
            ..
        } = self;
        voice.result("");
        voice.result(&format!(
            "events     {} reported by the shop, {} received, {} stored, {} refused",
            counts.reported, booked.received, booked.stored, booked.refused
        ));
        voice.result(&format!(
            "alerts     {} rang, {} missing, {} invented; the slowest {:.1} ms after its record",
            self.alerts.len(),
            difference.missing.len(),
            difference.invented.len(),
            self.slowest_ring
        ));
        for (word, names) in [
            ("missing", &difference.missing),
            ("invented", &difference.invented),
        ] {
            for (rule, entity) in names {
                voice.result(&format!("  {word}  {rule} {}", safe(entity)));
            }
        }
        self.show_ledger(voice);
        voice.result(&format!(
            "secrets    {} planted, {} found in {} files ({} KiB)",
            search.planted,
            search.leaks.len(),
            search.files,
            search.bytes / 1024
        ));
        for leak in &search.leaks {
            let file = safe(&leak.file);
            voice.result(&format!(
                "  LEAK  {}, {}, in {file}:{}",
                leak.what, leak.shape, leak.offset
            ));
        }
        if !search.found_control {
            voice.result("  the search is blind: it missed a text that is surely there");
        }
        let verdict = match self.outcome() {
            Outcome::Fine => "as promised",
            Outcome::Findings => "NOT as promised",
        };
        voice.result(&format!(
            "result     {verdict}, in {:.1} s",
            self.took.as_secs_f64()
        ));
    }

    fn show_ledger(&self, voice: Voice) {
        let whole = if self.verified.is_clean() {
            "whole"
        } else {
            "NOT WHOLE"
        };
        voice.result(&format!(
            "ledger     {whole}: {} entries, each body and hash checked",
            self.verified.tree_size
        ));
        for finding in &self.verified.findings {
            let place = finding
                .index
                .map_or("ledger".to_owned(), |index| format!("entry {index}"));
            let detail = safe(&finding.detail);
            voice.result(&format!("  {place}: {}: {detail}", finding.kind));
        }
        let Tampering {
            index,
            before,
            after,
            exposed,
            finding,
        } = &self.tampering;
        let (before, after) = (safe(before), safe(after));
        voice.result(&format!(
            "tampering  in a copy, {before} became {after} in entry {index}"
        ));
        let named = exposed.map_or("no entry".to_owned(), |index| format!("entry {index}"));
        voice.result(&format!("           exposed: {named}, {}", safe(finding)));
    }
}

fn json_of(alert: &Alert) -> Value {
    json!({
        "id": alert.id.as_str(),
        "rule": code_of(alert),
        "title": alert.title,
        "severity": alert.severity.name(),
        "entity": entity_of(alert),
        "evidence": alert.evidence.iter().map(|index| index.0).collect::<Vec<_>>(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(rung: &[(&str, &str)], missing: &[(&str, &str)], invented: &[(&str, &str)]) {
        const EXPECTED: &[Ring] = &[
            Ring {
                rule: "D01",
                entity: "a",
            },
            Ring {
                rule: "D02",
                entity: "b",
            },
        ];
        let owned = |names: &[(&str, &str)]| -> Vec<Name> {
            names
                .iter()
                .map(|(rule, entity)| ((*rule).to_owned(), (*entity).to_owned()))
                .collect()
        };
        let found = Difference::between(owned(rung), EXPECTED);
        let expected = Difference {
            missing: owned(missing),
            invented: owned(invented),
        };
        assert_eq!(found, expected, "{rung:?}");
    }

    #[test]
    fn what_rang_is_compared_with_what_had_to() {
        check(&[("D02", "b"), ("D01", "a")], &[], &[]);
        check(&[("D01", "a")], &[("D02", "b")], &[]);
        check(
            &[("D01", "a"), ("D02", "b"), ("D02", "c")],
            &[],
            &[("D02", "c")],
        );
        check(
            &[("D01", "a"), ("D01", "a"), ("D02", "b")],
            &[],
            &[("D01", "a")],
        );
    }
}
