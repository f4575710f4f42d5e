//! The first thing a newcomer does.

use crate::stand::Stand;

#[test]
fn the_demo_keeps_its_promises() {
    let stand = Stand::new("demo", "");
    let said = stand.belfry(&["demo", "--format", "json"]).ends(0);
    let shown = said.values().into_iter().next_back().unwrap();
    for name in ["received", "stored", "refused"] {
        assert!(shown[name].is_u64(), "{name}: {shown}");
    }
    assert_eq!(shown["received"], shown["stored"], "{shown}");
    assert_eq!(shown["refused"], 0, "{shown}");
    let alerts = shown["alerts"].as_array().unwrap();
    assert!(!alerts.is_empty(), "{shown}");
    for alert in alerts {
        for name in ["rule", "severity", "entity"] {
            assert!(alert[name].is_string(), "{name}: {alert}");
        }
        assert!(!alert["evidence"].as_array().unwrap().is_empty(), "{alert}");
    }
    assert_eq!(shown["verify"]["ok"], true, "{shown}");
    assert!(
        shown["verify"]["tree_size"].as_u64().unwrap() > 0,
        "{shown}"
    );
    assert_eq!(shown["tamper"]["detected"], true, "{shown}");
    assert!(shown["tamper"]["index"].is_u64(), "{shown}");
    assert_eq!(said.values().len(), 1, "one object: {}", said.out);
}
