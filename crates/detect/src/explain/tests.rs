//! Explanations as text, on one small rule.

use std::fmt::Write as _;

use event::{Entry, Index, ObservedAt};

use super::explain;
use crate::{RuleFile, RuleSet};

const RULE: &str = "
title: Odd login
id: odd
logsource: {category: any}
detection:
  login:
    event.action|startswith: authn_
    user.name: [bob, eve]
  agent:
    user_agent.original|contains: [a1, b2, c3, d4, e5, f6, nikto]
  home:
    source.ip|cidr: 10.0.0.0/8
  condition: login and agent and not home
";

fn check(body: &str, expected: &str) {
    let file = RuleFile {
        name: "r.yml".to_owned(),
        text: RULE.to_owned(),
    };
    let (set, problems) = RuleSet::load(&[file]);
    assert_eq!(problems, []);
    let entry = Entry::restored(Index(0), ObservedAt(0), body).unwrap();
    let mut told = String::new();
    for explained in explain(&set, "odd", &entry) {
        writeln!(told, "{} {}", explained.log_source, explained.condition).unwrap();
        for selection in explained.selections {
            writeln!(told, "{} {}", selection.name, selection.holds).unwrap();
            for step in selection.steps {
                let indent = "  ".repeat(step.depth + 1);
                write!(told, "{indent}{}: {}", step.asked, step.holds).unwrap();
                for found in step.found {
                    let text = found.text.unwrap_or_else(|| "redacted".to_owned());
                    write!(told, " [{} {text}]", found.bytes).unwrap();
                }
                told.push('\n');
            }
        }
    }
    assert_eq!(told.trim(), expected.trim());
}

#[test]
fn every_test_says_what_it_saw() {
    check(
        concat!(
            r#"{"event.action":"authn_login_fail","user.name":"eve","#,
            r#""user_agent.original":"x nikto\u001b","source.ip":"192.0.2.1"}"#
        ),
        r#"
true true
agent true
  at least 1 of 7, shown are those that hold: true [8 "x nikto\u{1b}"]
    user_agent.original contains "nikto": true [8 "x nikto\u{1b}"]
home false
  source.ip lies in 10.0.0.0/8: false [9 "192.0.2.1"]
login true
  all of 2: true
    event.action starts with "authn_": true [16 "authn_login_fail"]
    at least 1 of 2: true
      user.name is "bob": false [3 "eve"]
      user.name is "eve": true [3 "eve"]
"#,
    );
}

#[test]
fn redacted_values_keep_to_their_length() {
    check(
        r#"{"user_agent.original":"key=[REDACTED:api_key]"}"#,
        r#"
true false
agent false
  at least 1 of 7, shown are those that hold: false [22 redacted]
home false
  source.ip lies in 10.0.0.0/8: false
login false
  all of 2: false
    event.action starts with "authn_": false
    at least 1 of 2: false
      user.name is "bob": false
      user.name is "eve": false
"#,
    );
}
