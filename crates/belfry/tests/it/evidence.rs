//! Records leave the house and hold elsewhere; keys are shown, lost and recovered.

use serde_json::json;

use crate::stand::{Stand, eventually, ndjson};

#[test]
fn evidence_of_an_alert_holds_without_the_house() {
    let stand = Stand::new("evidence-alert", "[ledger]\nepoch = '1s'");
    let running = stand.run();
    let token = stand.token("shop");
    let guess = |n: usize| json!({"event.action": "authn_login_fail", "user.name": "bob", "n": n});
    running.post(&token, ndjson((0..5).map(guess))).is(200);
    let id = eventually("an alert is on the desk", || {
        let mut alerts = stand.json(&["alerts", "list"], 0).into_iter();
        let alert = alerts.find(|alert| alert["rule"]["code"] == "D01")?;
        Some(alert["id"].as_str()?.to_owned())
    });
    let file = stand.path("case.html");
    let out = file.to_str().unwrap();
    // The epoch of the newest entries ends within a second or two.
    let made = eventually("evidence under a seal", || {
        let _ = std::fs::remove_file(&file);
        let arguments = ["evidence", "export", "--alert", &id, "--out", out];
        let said = stand.belfry(&[&arguments[..], &["--format", "json"]].concat());
        let made = (said.code == 0).then(|| said.value())?;
        (made["sealed"] == true).then_some(made)
    });
    assert_eq!(made["records"], 6, "{made}");
    let page = std::fs::read_to_string(&file).unwrap();
    assert!(page.contains("authn_login_fail") && page.contains(&id));
    stand
        .belfry(&["evidence", "export", "--alert", &id, "--out", out])
        .ends(2);
    let vkey = stand.json(&["keys", "show"], 0)[0]["vkey"]
        .as_str()
        .unwrap()
        .to_owned();
    running.stop();
    // Another machine: a folder without a ledger.
    let other = Stand::new("evidence-elsewhere", "");
    let report = &other.json(&["evidence", "verify", out, "--vkey", &vkey], 0)[0];
    assert_eq!(report["proven"].as_array().unwrap().len(), 6, "{report}");
    assert!(report["sealed_epoch"].is_u64(), "{report}");
    let text = other.belfry(&["evidence", "verify", out]).ends(0);
    assert!(text.out.contains("vouches for itself"), "{}", text.out);
    other.write(
        "edited.html",
        page.replacen("authn_login_fail", "authn_login_ok", 1)
            .as_bytes(),
    );
    let edited = other.path("edited.html");
    let said = other
        .belfry(&["evidence", "verify", edited.to_str().unwrap()])
        .ends(1);
    assert!(said.out.contains("DOES NOT HOLD"), "{}", said.out);
    other.write("foreign.html", b"<html></html>");
    let foreign = other.path("foreign.html");
    other
        .belfry(&["evidence", "verify", foreign.to_str().unwrap()])
        .ends(2);
}

#[test]
fn a_lost_epoch_key_is_recovered_from_the_safe() {
    let safe = Stand::new("keys-safe", "");
    let file = safe.path("recovery.key");
    let file = file.to_str().unwrap();
    let made = &safe.json(&["keys", "recovery-key", file], 0)[0];
    safe.belfry(&["keys", "recovery-key", file]).ends(2);
    let vkey = made["vkey"].as_str().unwrap();
    let more = format!("[ledger]\nepoch = '1s'\nrecovery_vkey = '{vkey}'");
    let stand = Stand::new("keys-lost", &more);
    let running = stand.run();
    eventually("an epoch ends", || {
        let report = stand.json(&["verify"], 0);
        (report[0]["epochs_sealed"].as_u64()? > 0).then_some(())
    });
    stand.belfry(&["verify", "--alive"]).ends(0);
    stand
        .belfry(&["keys", "recover", "--recovery-key", file])
        .ends(2);
    running.stop();
    std::fs::remove_file(stand.path("data/ledger/epoch.key")).unwrap();
    let said = stand.belfry(&["run"]);
    assert!(said.err.contains("belfry keys recover"), "{}", said.err);
    assert_ne!(said.code, 0);
    stand
        .belfry(&["keys", "recover", "--recovery-key", file])
        .ends(0);
    stand.belfry(&["verify"]).ends(0);
    let running = stand.run();
    stand.belfry(&["verify", "--alive"]).ends(0);
    running.stop();
    stand.verify();
}
