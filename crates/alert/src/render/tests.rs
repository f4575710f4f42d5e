//! Rendering, pinned byte for byte.

use event::ObservedAt;

use super::*;
use crate::testkit::{Folder, NOON, entry, open, raised};
use crate::{Desk, Transition, Verdict, transition_event};

/// The desk's only alert after `user` was attacked.
fn alert_about(user: &str) -> (Folder, Desk, Alert) {
    let folder = Folder::new();
    let mut desk = open(&folder, &[], 0);
    desk.apply(&[raised(7, user)]).unwrap();
    let id = desk.list(&crate::Filter::default()).unwrap()[0].id.clone();
    let alert = desk.show(id.as_str()).unwrap().unwrap();
    (folder, desk, alert)
}

#[test]
fn a_person_reads_who_what_where_when_why_and_what_next() {
    let (_folder, _desk, alert) = alert_about("bob");
    let expected = format!(
        "\
HIGH  Brute force against one account  [D01]
  alert       {id}  open  raised 2026-11-21 10:30:07Z at index 7
  entity      user.name=bob
  who         source.ip=203.0.113.9  user.name=bob  user.roles=customer, admin
  what        event.action=authn_login_fail  event.outcome=failure  \
              http.response.status_code=401  (5 counted)
  where       belfry.source=shop  service.name=shop  url.path=/login
  when        2026-11-21 10:29:55Z to 2026-11-21 10:30:00Z
  why         Five failed logins of one account within ten minutes.
  evidence    2 3 4  (belfry prove 4)
  att&ck      T1110.001 TA0006 credential-access
  harmless if service account with a stale secret
  playbook    playbooks/d01.md
  checkpoint  tree size 5
  history     2026-11-21 10:30:07Z alert_raised
  next        belfry alerts ack {id} --note \"...\"
",
        id = alert.id
    );
    assert_eq!(pretty(&alert, false), expected);
}

#[test]
fn a_machine_reads_a_stable_shape() {
    let (_folder, _desk, alert) = alert_about("bob");
    let expected = concat!(
        r#"{"id":"ID","state":"open","verdict":null,"severity":"high","#,
        r#""title":"Brute force against one account","#,
        r#""rule":{"id":"rule-1","code":"D01","#,
        r#""description":"Five failed logins of one account within ten minutes.","#,
        r#""playbook":"playbooks/d01.md","#,
        r#""false_positives":["service account with a stale secret"]},"#,
        r#""attack":["T1110.001","TA0006","credential-access"],"#,
        r#""entity":["user.name=bob"],"#,
        r#""who":{"source.ip":"203.0.113.9","user.name":"bob","user.roles":"customer, admin"},"#,
        r#""what":{"event.action":"authn_login_fail","event.outcome":"failure","#,
        r#""http.response.status_code":"401"},"#,
        r#""where":{"belfry.source":"shop","service.name":"shop","url.path":"/login"},"#,
        r#""count":5,"first":"2026-11-21T10:29:55.000000000Z","#,
        r#""last":"2026-11-21T10:30:00.000000000Z","#,
        r#""window_start":"2026-11-21T10:20:00.000000000Z","#,
        r#""raised_at":"2026-11-21T10:30:07.000000000Z","raised_index":7,"#,
        r#""evidence":[2,3,4],"#,
        r#""checkpoint":"belfry.test/log\n5\naGFzaA==\n\n"#,
        "\u{2014}",
        r#" belfry.test sig\n","#,
        r#""history":[{"index":7,"at":"2026-11-21T10:30:07.000000000Z","#,
        r#""action":"alert_raised","actor":null,"note":null,"took_effect":true}]}"#,
    );
    assert_eq!(json(&alert), expected.replace("ID", alert.id.as_str()));
    assert_eq!(alert_of_json(&json(&alert)), Some(alert));
}

#[test]
fn a_message_wraps_the_alert() {
    let (_folder, _desk, alert) = alert_about("bob");
    let notice = notice_json("alert.raised", ObservedAt(NOON), &alert);
    let start = concat!(
        r#"{"type":"alert.raised","timestamp":"2026-11-21T10:30:00.000000000Z","#,
        r#""checkpoint":"belfry.test/log\n5\n"#
    );
    assert!(notice.starts_with(start), "{notice}");
    assert!(notice.contains(&format!(r#""data":{}"#, json(&alert))));
}

/// The name holds a forged line, terminal colours, a text turned round and a C1 code.
#[test]
fn text_of_strangers_stays_on_its_line() {
    let user = "bob\r\nCRITICAL all fine\u{1b}[2J\u{202e}x\u{9b}31m";
    let (_folder, _desk, alert) = alert_about(user);
    assert_eq!(alert.who["user.name"], user);
    let shown = pretty(&alert, false);
    let shown_name = "user.name=bob\\r\\nCRITICAL all fine\\u{1b}[2J\\u{202e}x\\u{9b}31m";
    assert!(shown.contains(shown_name), "{shown}");
    assert!(!shown.lines().any(|line| line.starts_with("CRITICAL")));
    assert!(!shown.contains(|c| c != '\n' && text::is_unsafe(c)));
    assert!(!json(&alert).contains(text::is_unsafe));
    assert_eq!(alert_of_json(&json(&alert)), Some(alert));
}

#[test]
fn colour_adds_codes_of_ours_and_nothing_else() {
    let (_folder, _desk, alert) = alert_about("bob");
    let mut plain = pretty(&alert, true);
    assert!(plain.starts_with("\u{1b}[1;31mHIGH\u{1b}[0m  Brute"));
    for code in ["\u{1b}[1;31m", "\u{1b}[0m", "\u{1b}[2m"] {
        plain = plain.replace(code, "");
    }
    assert_eq!(plain, pretty(&alert, false));
}

#[test]
fn a_closed_alert_tells_its_story() {
    let (_folder, mut desk, alert) = alert_about("bob");
    let close = Transition::Close(Verdict::Benign);
    let event = transition_event(&alert, close, "carol", Some("load test"), ObservedAt(NOON));
    desk.apply(&[entry(9, &event.unwrap())]).unwrap();
    let shown = pretty(&desk.show(alert.id.as_str()).unwrap().unwrap(), false);
    assert!(shown.contains("  closed (benign)  raised"), "{shown}");
    assert!(
        shown.ends_with("  history     2026-11-21 10:30:09Z alert_closed by carol: load test\n")
    );
}

/// Descriptions in rule files are folded YAML with line breaks of their own.
#[test]
fn prose_of_rules_is_set_anew() {
    let (_folder, _desk, mut alert) = alert_about("bob");
    alert.rule.description = format!("First line\n  goes on.\n{}", "word ".repeat(20));
    let shown = pretty(&alert, false);
    let start = shown.find("  why ").unwrap();
    let lines: Vec<&str> = shown[start..].lines().take(3).collect();
    let words = |count| vec!["word"; count].join(" ");
    assert_eq!(
        lines[0],
        format!("  why         First line goes on. {}", words(13))
    );
    assert_eq!(lines[1], format!("              {}", words(7)));
    assert!(lines[2].starts_with("  evidence"));
}
