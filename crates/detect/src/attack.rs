//! MITRE ATT&CK in two versions: which technique belongs to which tactic, and what v19 renamed.
//!
//! Version 19 split the tactic Defense Evasion into Stealth and Defense Impairment and gave the
//! techniques that disable and impair new numbers. Rules may be tagged in either version.
//! Source: the change notes of ATT&CK v19 as followed by the Sigma collection (April 2026).

/// A version of ATT&CK for Enterprise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// October 2025.
    V18,
    /// April 2026.
    V19,
}

impl Version {
    /// Its number.
    pub fn number(self) -> u8 {
        match self {
            Self::V18 => 18,
            Self::V19 => 19,
        }
    }
}

/// Tactics in the order of an attack, by the names that tags use.
const TACTICS: [&str; 16] = [
    "reconnaissance",
    "resource-development",
    "initial-access",
    "execution",
    "persistence",
    "privilege-escalation",
    EVASION,
    STEALTH,
    IMPAIRMENT,
    "credential-access",
    "discovery",
    "lateral-movement",
    "collection",
    "command-and-control",
    "exfiltration",
    "impact",
];
const EVASION: &str = "defense-evasion";
const STEALTH: &str = "stealth";
const IMPAIRMENT: &str = "defense-impairment";

/// (v18, v19); the first row of a v19 number is its best translation back.
const RENAMED: [(&str, &str); 12] = [
    ("T1562.001", "T1685"),
    ("T1562", "T1685"),
    ("T1562.006", "T1685"),
    ("T1562.002", "T1685.001"),
    ("T1562.008", "T1685.002"),
    ("T1562.012", "T1685.004"),
    ("T1070.001", "T1685.005"),
    ("T1070.002", "T1685.006"),
    ("T1562.004", "T1686"),
    ("T1562.004", "T1686.001"),
    ("T1562.007", "T1686.003"),
    ("T1562.010", "T1689"),
];

/// Tactics of the techniques that our rules name, in v18; sub-techniques belong to those of their
/// technique unless they have a row. For others the tags of the rule have to tell.
const BELONGS: [(&str, &[&str]); 43] = [
    ("T1020", &["exfiltration"]),
    ("T1036", &[EVASION]),
    ("T1046", &["discovery"]),
    ("T1059", &["execution"]),
    ("T1070", &[EVASION]),
    (
        "T1078",
        &[
            "initial-access",
            "persistence",
            "privilege-escalation",
            EVASION,
        ],
    ),
    ("T1083", &["discovery"]),
    ("T1087", &["discovery"]),
    ("T1098", &["persistence", "privilege-escalation"]),
    ("T1105", &["command-and-control"]),
    ("T1110", &["credential-access"]),
    ("T1136", &["persistence"]),
    ("T1189", &["initial-access"]),
    ("T1190", &["initial-access"]),
    ("T1195", &["initial-access"]),
    ("T1213", &["collection"]),
    ("T1484", &["privilege-escalation", EVASION]),
    ("T1485", &["impact"]),
    ("T1490", &["impact"]),
    ("T1498", &["impact"]),
    ("T1499", &["impact"]),
    ("T1505", &["persistence"]),
    ("T1528", &["credential-access"]),
    ("T1529", &["impact"]),
    ("T1530", &["collection"]),
    ("T1531", &["impact"]),
    ("T1539", &["credential-access"]),
    ("T1550", &["lateral-movement", EVASION]),
    ("T1552", &["credential-access"]),
    ("T1556", &["credential-access", "persistence", EVASION]),
    ("T1557", &["credential-access", "collection"]),
    ("T1562", &[EVASION]),
    ("T1565", &["impact"]),
    ("T1567", &["exfiltration"]),
    ("T1589", &["reconnaissance"]),
    ("T1595", &["reconnaissance"]),
    ("T1606", &["credential-access"]),
    ("T1621", &["credential-access"]),
    ("T1654", &["discovery"]),
    ("T1657", &["impact"]),
    ("T1685", &[IMPAIRMENT]),
    ("T1686", &[IMPAIRMENT]),
    ("T1689", &[IMPAIRMENT]),
];

/// The number of the technique `id` in `version`.
pub fn technique(id: &str, version: Version) -> &str {
    let row = RENAMED.iter().find(|(old, new)| match version {
        Version::V18 => *new == id,
        Version::V19 => *old == id,
    });
    match (row, version) {
        (Some((old, _)), Version::V18) => old,
        (Some((_, new)), Version::V19) => new,
        (None, _) => id,
    }
}

/// The tactics of the technique `id` in `version`. `tagged` are the tactics that its rule names,
/// in either version; they count when we know nothing better.
pub fn tactics(id: &str, tagged: &[&str], version: Version) -> Vec<&'static str> {
    let id = technique(id, version);
    let parent = id.split_once('.').map_or(id, |(parent, _)| parent);
    let known = BELONGS.iter().find(|(name, _)| *name == parent);
    let tagged = TACTICS.into_iter().filter(|tactic| tagged.contains(tactic));
    let named: Vec<&str> = match known {
        Some((_, tactics)) => tactics.to_vec(),
        None => tagged.collect(),
    };
    let mut tactics: Vec<&'static str> = named
        .into_iter()
        .map(|tactic| tactic_in(tactic, parent, version))
        .collect();
    tactics.dedup();
    tactics
}

/// The tactics of `version` in the order of an attack.
pub fn all_tactics(version: Version) -> impl Iterator<Item = &'static str> {
    let is_there = move |tactic: &&str| match version {
        Version::V18 => !matches!(*tactic, STEALTH | IMPAIRMENT),
        Version::V19 => *tactic != EVASION,
    };
    TACTICS.into_iter().filter(is_there)
}

fn tactic_in(tactic: &'static str, technique: &str, version: Version) -> &'static str {
    let impairs = ["T1562", "T1685", "T1686", "T1689"].contains(&technique);
    match (version, tactic) {
        (Version::V18, STEALTH | IMPAIRMENT) => EVASION,
        (Version::V19, EVASION) if impairs => IMPAIRMENT,
        (Version::V19, EVASION) => STEALTH,
        _ => tactic,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(id: &str, tagged: &[&str], version: Version, expected: &str) {
        let tactics = tactics(id, tagged, version);
        assert_eq!(
            format!("{} {}", technique(id, version), tactics.join(" ")),
            expected
        );
    }

    #[test]
    fn both_versions_are_understood() {
        use Version::{V18, V19};
        check("T1562.001", &[], V18, "T1562.001 defense-evasion");
        check("T1562.001", &[], V19, "T1685 defense-impairment");
        check("T1685.002", &[], V18, "T1562.008 defense-evasion");
        check("T1070.006", &[], V19, "T1070.006 stealth");
        check("T1070.001", &[], V19, "T1685.005 defense-impairment");
        check(
            "T1110.003",
            &["execution"],
            V19,
            "T1110.003 credential-access",
        );
        check("T1218", &["stealth"], V18, "T1218 defense-evasion");
        check("T1218", &["defense-evasion"], V19, "T1218 stealth");
        check("T9999", &[], V19, "T9999 ");
    }

    #[test]
    fn the_rows_are_in_order_and_of_known_tactics() {
        assert!(BELONGS.is_sorted_by(|a, b| a.0 < b.0));
        for (_, tactics) in BELONGS {
            assert!(tactics.iter().all(|tactic| TACTICS.contains(tactic)));
        }
        assert_eq!(all_tactics(Version::V18).count(), 14);
        assert_eq!(all_tactics(Version::V19).count(), 15);
    }
}
