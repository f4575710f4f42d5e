//! An operator makes mistakes and is told all of them at once, with file and line.

use std::path::Path;

use crate::stand::Stand;

#[test]
fn five_mistakes_and_a_broken_rule_are_named_at_once() {
    let stand = Stand::new("check-mistakes", "");
    let config = "[intake.http]\nenabled = 5\n[ledger]\ncheckpoint_intervall = '1s'\n\
                  [admin]\nlisten = 'nowhere'\n[detect]\nlateness = 'soon'\n\
                  [[intake.file]]\nsource = 'app'\n";
    let file = stand.write("bad.toml", config.as_bytes());
    let said = stand.belfry(&["check", "--config", &file]);
    let said = said.ends(1);
    for (line, word) in [
        (2, "`intake.http.enabled` must be"),
        (4, "did you mean `ledger.checkpoint_interval`"),
        (6, "`admin.listen` must be"),
        (8, "`detect.lateness` must be"),
        (10, "`intake.file[0]` lacks the key `path`"),
    ] {
        let named = said.out.lines().find(|found| found.contains(word));
        let named = named.unwrap_or_else(|| panic!("{word}: {}", said.out));
        assert!(named.contains(&format!("bad.toml:{line}")), "{named}");
    }
    assert_eq!(said.out.lines().count(), 5, "{}", said.out);
    let values = stand.json(&["check", "--config", &file], 1);
    assert_eq!(values.len(), 5);
    assert!(
        values
            .iter()
            .all(|found| found["place"].is_string() && found["problem"].is_string())
    );
    stand.belfry(&["run", "--config", &file]).ends(2);
    stand.belfry(&["search", "--config", &file]).ends(2);
}

/// A rule file, the line that is wrong and what must be said about it.
fn check_rule(text: &str, line: usize, says: &str) {
    let stand = Stand::new("check-rule", "[rules]\ndir = 'DIR/rules'\n");
    std::fs::create_dir(stand.path("rules")).unwrap();
    stand.write("rules/mine.yml", text.as_bytes());
    let said = stand.belfry(&["check"]).ends(1);
    let place = format!("mine.yml:{line}");
    let named = said.out.lines().find(|found| found.contains(&place));
    let named = named.unwrap_or_else(|| panic!("{place}: {}", said.out));
    assert!(named.contains(says), "{named}");
    let refused = stand.belfry(&["run"]).ends(2);
    assert!(refused.err.contains("mine.yml"), "{}", refused.err);
}

const RULE: &str = "title: Mine\nid: 11111111-1111-4111-8111-111111111111\n\
                    logsource: {category: any}\ndetection:\n  it:\n    user.name: bob\n";

#[test]
fn broken_rules_are_named_with_their_line() {
    check_rule(
        &format!("{RULE}  condition: that\nlevel: high\n"),
        1,
        "that",
    );
    check_rule("title: Mine\ndetection: [\n", 3, "");
}

#[test]
fn a_sample_that_does_not_hold_is_a_problem() {
    let stand = Stand::new("check-sample", "[rules]\ndir = 'DIR/rules'\n");
    std::fs::create_dir(stand.path("rules")).unwrap();
    let text = format!(
        "{RULE}  condition: it\nlevel: high\ncode: X1\ntests:\n  - name: wrong hope\n    \
         fires: [X1/high]\n    events:\n      - {{user.name: ann}}\n"
    );
    stand.write("rules/mine.yml", text.as_bytes());
    let said = stand.belfry(&["check"]).ends(1);
    assert!(said.out.contains("wrong hope"), "{}", said.out);
    let said = stand.belfry(&["rules", "test", "mine"]).ends(1);
    assert!(said.out.contains("FAIL"), "{}", said.out);
}

#[test]
fn what_is_shipped_is_sound() {
    let stand = Stand::new("check-shipped", "");
    let said = stand.belfry(&["check"]).ends(0);
    assert_eq!(said.out, "");
    let outcomes = stand.json(&["rules", "test"], 0);
    assert!(outcomes.len() > 50, "{} samples", outcomes.len());
    let printed = stand.belfry(&["check", "--print-config"]).ends(0).out;
    let file = stand.write("printed.toml", printed.as_bytes());
    stand.belfry(&["check", "--config", &file]).ends(0);
}

#[test]
fn the_page_of_settings_is_fresh() {
    let stand = Stand::new("check-page", "");
    let printed = stand.belfry(&["check", "--print-reference"]).ends(0).out;
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/guide/config.md");
    let page = std::fs::read_to_string(page).unwrap();
    assert!(
        page.trim_end() == printed.trim_end(),
        "make docs/guide/config.md again"
    );
}

#[test]
fn the_doctor_says_what_needs_a_hand() {
    let stand = Stand::new("check-doctor", "[alert.file]\npath = 'DIR/alerts.jsonl'\n");
    let said = stand.belfry(&["doctor"]).ends(1);
    assert!(said.out.contains("LOOK process"), "{}", said.out);
    assert!(said.out.contains("LOOK ledger"), "{}", said.out);
    let running = stand.run();
    stand.token("shop");
    let said = stand.belfry(&["doctor"]).ends(0);
    assert!(said.out.contains("verifier key"), "{}", said.out);
    let findings = stand.json(&["doctor"], 0);
    assert!(
        findings.iter().all(|finding| finding["ok"] == true),
        "{findings:?}"
    );
    running.stop();
}
