//! Scenario tests of the CrowdSec hub: log lines of seventy services and attacks, with the
//! addresses that must be alerted.
//!
//! [`MISSED`] lists what the pack does not see, with the reason; a row that turns out to be seen,
//! or a miss without a row, fails the test, so that the table cannot rot.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv6Addr;

use crate::stand;

/// Share of the expected addresses that must be alerted, in percent.
const RECALL_PERCENT_MIN: usize = 85;
/// Addresses alerted that no scenario names.
const UNEXPECTED_MAX: usize = 2;

/// (test, address, why it is not seen)
#[rustfmt::skip]
const MISSED: &[(&str, &str, &str)] = &[
    ("auditd-base64-exec", "26843", HOST),
    ("auditd-postexploit-rm", "26843", HOST),
    ("auditd-suid-crash", "/usr/bin/su", HOST),
    ("aws-alb-http-bad-user-agent", "192.168.1.100", FORMAT),
    ("aws-nwo-login", "arn:aws:iam::<accoundId>:user/<userName>", HOURS),
    ("dovecot-time-based-bf", "198.51.100.1", FEW),
    ("exchange-imap-bf", "192.168.9.212", FORMAT),
    ("exchange-smtp-bf", "192.168.9.212", FORMAT),
    ("gitea-bf", "2.2.2.2", BACKWARDS),
    ("mailscanner-blacklisted", "192.168.1.100", "one mail on somebody's list is no alert"),
    ("ntfy-bf", "127.0.0.1", "four refusals; the pack asks for five"),
    ("pterodactyl-wings-bf", "10.56.3.156", LEAPS),
    ("sympa_ww-http-scan", "192.168.0.1", "application errors of one product in its own words"),
    ("teamspeak-bf", "127.0.0.1", BACKWARDS),
    ("thehive-bf", "172.17.0.2", FORMAT),
    ("windows-bf", "192.168.9.212", FORMAT),
];

const HOURS: &str = "office hours are learned; baselines come later";
const FEW: &str = "four failures in ninety minutes are below every threshold";
const HOST: &str = "behaviour of processes on a host, named by process: left to community rules";
const FORMAT: &str = "the format is not read, so the record has no source";
const LEAPS: &str =
    "an import that leaps back begins its windows anew, and this one leaps each line";
const BACKWARDS: &str = "the lines run backwards in time by more than the lateness allowed";

/// (test, address, why it is alerted all the same)
const UNEXPECTED: &[(&str, &str, &str)] = &[(
    "pterodactyl-wings-bf",
    "10.23.89.10",
    "five failed logins in one second; the scenario asks for six",
)];

#[test]
fn attackers_of_the_hub_are_alerted() {
    let pack = stand::pack();
    let (mut expected_count, mut missed, mut unexpected) = (0, Vec::new(), Vec::new());
    for line in stand::text_of("fixtures/logs/crowdsec_hub_scenarios.jsonl").lines() {
        let row: serde_json::Value = serde_json::from_str(line).unwrap();
        let test = row["test"].as_str().unwrap();
        let expected: BTreeSet<String> = row["alerts"]
            .as_array()
            .unwrap()
            .iter()
            .flat_map(|alert| alert["sources"].as_array().unwrap())
            .map(|source| spelled(source.as_str().unwrap()))
            .collect();
        let lines = row["lines"].as_array().unwrap().iter();
        let entries = stand::entries("hub", lines.map(|line| line.as_str().unwrap()));
        let mut alerted: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for found in stand::alerts(&pack, &entries) {
            let rule = found.rule.code.clone().unwrap_or_default();
            for part in found.group {
                let rules = alerted.entry(part.value).or_default();
                rules.insert(format!("{} by {}", rule, part.field));
            }
        }
        expected_count += expected.len();
        for address in &expected {
            if !alerted.contains_key(address) {
                missed.push((test.to_owned(), address.clone()));
            }
        }
        for (value, rules) in &alerted {
            let is_address = rules.iter().any(|rule| rule.ends_with("by source.ip"));
            if is_address && !expected.contains(value) {
                unexpected.push((test.to_owned(), value.clone()));
            }
        }
    }
    let seen = expected_count - missed.len();
    println!(
        "{seen} of {expected_count} addresses alerted, {} unexpected",
        unexpected.len()
    );
    assert_eq!(missed, pairs(MISSED));
    assert_eq!(unexpected, pairs(UNEXPECTED));
    assert!(seen * 100 >= expected_count * RECALL_PERCENT_MIN);
    assert!(unexpected.len() <= UNEXPECTED_MAX);
}

fn pairs(rows: &[(&str, &str, &str)]) -> Vec<(String, String)> {
    let pair = |(test, address, reason): &(&str, &str, &str)| {
        assert!(!reason.is_empty());
        ((*test).to_owned(), (*address).to_owned())
    };
    rows.iter().map(pair).collect()
}

/// An address as groups spell it: IPv6 stands for its /64.
fn spelled(address: &str) -> String {
    match address.parse::<Ipv6Addr>() {
        Ok(address) => {
            let network = Ipv6Addr::from_bits(address.to_bits() >> 64 << 64);
            format!("{network}/64")
        }
        Err(_) => address.to_owned(),
    }
}
