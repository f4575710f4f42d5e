//! `belfry rules coverage`: which techniques of ATT&CK the rules look for, as a matrix and as a
//! layer for the ATT&CK Navigator.

use std::collections::{BTreeMap, BTreeSet};

use detect::RuleSet;
use detect::attack::{self, Version};
use serde_json::{Value, json};

use crate::cli::Format;
use crate::rules::SHIPPED_PREFIX;
use crate::talk;

/// Rules of one technique under one tactic.
#[derive(Debug, Default)]
struct Cell {
    /// Shipped rules that run.
    shipped: usize,
    /// The operator's and the community's that run.
    own: usize,
    /// Rules that are there and do not run.
    off: usize,
    /// Codes, or titles, of those that run.
    names: BTreeSet<String>,
}

/// The rules by (tactic, technique).
#[derive(Debug)]
pub(super) struct Matrix {
    version: Version,
    cells: BTreeMap<(usize, String), Cell>,
    tactics: Vec<&'static str>,
    /// Rules that ring and name no technique.
    untagged: usize,
}

/// Technique numbers begin so, in contrast to groups and software.
fn is_technique(id: &str) -> bool {
    id.strip_prefix('T')
        .is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
}

impl Matrix {
    /// The coverage by `set`.
    pub(super) fn of(set: &RuleSet, version: Version) -> Self {
        let tactics: Vec<&'static str> = attack::all_tactics(version).collect();
        let mut cells: BTreeMap<(usize, String), Cell> = BTreeMap::new();
        let mut untagged = 0;
        for summary in set.rules().iter().filter(|summary| summary.rings) {
            let rule = &summary.rule;
            let ids = || rule.attack.iter().map(|tag| tag.id.as_str());
            let tagged: Vec<&str> = ids().filter(|id| !is_technique(id)).collect();
            let name = rule.code.as_ref().unwrap_or(&rule.title);
            let mut found = false;
            for id in ids().filter(|id| is_technique(id)) {
                found = true;
                let technique = attack::technique(id, version);
                for tactic in attack::tactics(id, &tagged, version) {
                    let place = tactics.iter().position(|known| *known == tactic);
                    let key = (place.unwrap_or(tactics.len()), technique.to_owned());
                    let cell = cells.entry(key).or_default();
                    let runs = summary.enabled && summary.reachable;
                    if !runs {
                        cell.off += 1;
                        continue;
                    }
                    if summary.file.starts_with(SHIPPED_PREFIX) {
                        cell.shipped += 1;
                    } else {
                        cell.own += 1;
                    }
                    cell.names.insert(name.clone());
                }
            }
            untagged += usize::from(!found);
        }
        Self {
            version,
            cells,
            tactics,
            untagged,
        }
    }

    fn tactic(&self, place: usize) -> &'static str {
        self.tactics.get(place).copied().unwrap_or("-")
    }

    /// Prints it.
    pub(super) fn show(&self, format: Format) {
        let mut before = usize::MAX;
        for ((place, technique), cell) in &self.cells {
            let tactic = self.tactic(*place);
            if format == Format::Json {
                talk::data(
                    &json!({
                        "tactic": tactic, "technique": technique, "shipped": cell.shipped,
                        "own": cell.own, "off": cell.off, "rules": cell.names,
                    })
                    .to_string(),
                );
                continue;
            }
            if *place != before {
                talk::data(tactic);
                before = *place;
            }
            let names: Vec<&str> = cell.names.iter().map(String::as_str).collect();
            talk::data(&format!(
                "  {technique:<10} shipped {:<3} own {:<4} off {:<4} {}",
                cell.shipped,
                cell.own,
                cell.off,
                shortened(&names)
            ));
        }
        if format == Format::Text {
            let techniques: BTreeSet<&str> = self
                .cells
                .iter()
                .filter(|(_, cell)| cell.shipped + cell.own > 0)
                .map(|((_, technique), _)| technique.as_str())
                .collect();
            talk::say(&format!(
                "ATT&CK v{}: {} technique(s) looked for; {} rule(s) name none",
                self.version.number(),
                techniques.len(),
                self.untagged
            ));
        }
    }

    /// A layer for the ATT&CK Navigator, layer format 4.5.
    pub(super) fn layer(&self) -> Value {
        let most = self.cells.values().map(|cell| cell.shipped + cell.own);
        let most = most.max().unwrap_or(0).max(1);
        let techniques: Vec<Value> = self
            .cells
            .iter()
            .filter(|((place, _), _)| *place < self.tactics.len())
            .map(|((place, technique), cell)| {
                let names: Vec<&str> = cell.names.iter().map(String::as_str).collect();
                json!({
                    "techniqueID": technique,
                    "tactic": self.tactic(*place),
                    "score": cell.shipped + cell.own,
                    "comment": names.join(", "),
                    "enabled": true,
                    "metadata": [
                        {"name": "shipped", "value": cell.shipped.to_string()},
                        {"name": "own", "value": cell.own.to_string()},
                        {"name": "off", "value": cell.off.to_string()},
                    ],
                })
            })
            .collect();
        json!({
            "name": "Belfry rules",
            "versions": {
                "attack": self.version.number().to_string(),
                "navigator": "5.1.0",
                "layer": "4.5",
            },
            "domain": "enterprise-attack",
            "description": "Number of rules that look for a technique",
            "sorting": 3,
            "techniques": techniques,
            "gradient": {
                "colors": ["#ffffff", "#66b1ff", "#1f5fa8"],
                "minValue": 0,
                "maxValue": most,
            },
        })
    }
}

/// Names of a line; the rest is a number.
fn shortened(names: &[&str]) -> String {
    const SHOWN: usize = 8;
    let shown = names[..names.len().min(SHOWN)].join(" ");
    match names.len().saturating_sub(SHOWN) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}
