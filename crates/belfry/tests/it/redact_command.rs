//! `belfry redact`: explained, tested and scanned without a value on the screen.

use serde_json::Value;

use crate::stand::Stand;

const RECORD: &str = r#"{"user":"ann","password":"Gull-and-Tide-77","note":"ok"}"#;

#[test]
fn a_record_is_explained_without_its_secret() {
    let stand = Stand::new("explain", "");
    let input = format!("{RECORD}\nnothing here\n").into_bytes();
    let asked = ["redact", "explain", "-", "--format", "json"];
    let said = stand.belfry_fed(&asked, input.clone()).ends(0);
    let [first, second] = <[Value; 2]>::try_from(said.values()).unwrap();
    assert_eq!(first["findings"][0]["kind"], "password", "{first}");
    assert_eq!(first["findings"][0]["why"], "the name before the value");
    assert_eq!(first["stored"]["password"], "[REDACTED:password]");
    assert_eq!(first["stored"]["note"], "ok");
    assert_eq!(second["findings"].as_array().unwrap().len(), 0);
    let file = stand.write("records.log", &input);
    for asked in [["redact", "explain", &file], ["redact", "explain", RECORD]] {
        let said = stand.belfry(&asked).ends(0);
        assert!(said.out.contains("record 1: 1 finding"), "{}", said.out);
        assert!(
            !said.out.contains("Gull") && !said.err.contains("Gull"),
            "{}",
            said.out
        );
    }
    assert!(
        !stand.path("data").exists(),
        "a look at a record makes no ledger"
    );
}

#[test]
fn policy_tests_tell_what_differs_and_not_the_record() {
    let stand = Stand::new("policy-tests", "");
    let right = "[[test]]\nname = 'a login'\n\
        input = '{\"user\":\"ann\",\"password\":\"Gull-and-Tide-77\"}'\n\
        kinds = ['password']\ngone = ['Gull-and-Tide']\nstays = ['ann']\n\
        fields = { password = '[REDACTED:password]' }\n\
        [[test]]\nname = 'a page'\ninput = 'passenger=12 author=jane'\nkinds = []\n";
    let right = stand.write("right.toml", right.as_bytes());
    stand.belfry(&["redact", "test", &right]).ends(0);
    let wrong = "[[test]]\nname = 'a page'\ninput = 'word Gull-and-Tide-77'\n\
        kinds = ['password']\ngone = ['Gull']\nstays = ['word', 'Gull']\n";
    let wrong = stand.write("wrong.toml", wrong.as_bytes());
    let said = stand.belfry(&["redact", "test", &right, &wrong]).ends(1);
    assert!(
        said.out
            .contains("kinds: expected [\"password\"], found []"),
        "{}",
        said.out
    );
    assert!(
        said.out.contains("gone[0] is still in message"),
        "{}",
        said.out
    );
    assert!(!said.out.contains("stays["), "{}", said.out);
    assert!(!said.out.contains("Gull"), "{}", said.out);
    let broken = stand.write(
        "broken.toml",
        b"[[test]]\nname = 'x'\ninput = Gull-and-Tide\n",
    );
    let said = stand.belfry(&["redact", "test", &broken]).ends(2);
    assert!(said.err.contains("broken.toml:3: "), "{}", said.err);
    assert!(!said.err.contains("Gull-and"), "{}", said.err);
}

#[test]
fn a_newer_rule_finds_what_is_stored_and_the_look_is_an_entry() {
    let stand = Stand::new("redact-scan", "");
    let lines = "badge=Gull-and-Tide-77 door=3\nbadge=none door=4\ndoor=5 opened\n";
    let file = stand.write("doors.log", lines.as_bytes());
    stand
        .belfry(&["ingest", &file, "--source", "doors", "--quiet"])
        .ends(0);
    let scan = ["redact", "scan", "--format", "json"];
    let before = stand.belfry(&scan).ends(0).values();
    assert_eq!(before.last().unwrap()["entries_found"], 0, "{before:?}");
    let config = std::fs::read_to_string(stand.path("belfry.toml")).unwrap();
    let config = format!("{config}\n[redact]\nsecret_keys = ['badge']\n");
    stand.write("belfry.toml", config.as_bytes());
    let said = stand.belfry(&scan).ends(1);
    assert!(!said.out.contains("Gull"), "{}", said.out);
    let found = said.values();
    let [entry, summary] = found.as_slice() else {
        panic!("{}", said.out);
    };
    assert_eq!(entry["source"], "doors");
    assert_eq!(entry["findings"][0]["kind"], "custom");
    assert_eq!(
        summary["kinds"]["custom"],
        entry["findings"].as_array().unwrap().len()
    );
    let text = stand.belfry(&["redact", "scan", "--since", "1h"]).ends(1);
    let index = entry["index"].as_u64().unwrap();
    assert!(
        text.out.trim_start().starts_with(&index.to_string()),
        "{}",
        text.out
    );
    assert!(
        text.err.contains("today's policy takes out"),
        "{}",
        text.err
    );
    let looks = stand.search("belfry.access:\"redact scan\"");
    assert_eq!(looks.len(), 3, "each scan is an entry: {looks:?}");
}
