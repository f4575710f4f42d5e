//! Cards there and back, and the policies that pairing writes.

use proptest::prelude::*;
use tlog::{CosigningKey, SigningKey};

use super::*;

fn card(number: u8) -> Card {
    let log = SigningKey::from_seed(&format!("log.example/{number}"), &[number; 32]).unwrap();
    let name = format!("witness.example/{number}");
    let witness = CosigningKey::from_seed(&name, &[100 + number; 32]).unwrap();
    Card {
        log: log.verifying_key(),
        witness: witness.cosigner_key(),
        url: format!("https://node{number}.example:8427"),
    }
}

#[test]
fn a_card_is_one_line_there_and_back() {
    let text = card(1).to_string();
    assert_eq!(text.parse(), Ok(card(1)));
    assert_eq!(format!("  {text}/\n").parse(), Ok(card(1)));
    assert_eq!(card(1).fingerprint().len(), 24);
    assert_ne!(card(1).fingerprint(), card(2).fingerprint());
    let check = |text: &str, expected: &str| {
        let error = text.parse::<Card>().unwrap_err().to_string();
        assert!(error.starts_with(expected), "{error}");
    };
    check("", "a card is `belfry-node/1 LOG-KEY");
    check(&text.replace("node/1 ", "node/2 "), "a card is");
    check(&format!("{text} x"), "a card is");
    check(&"x".repeat(5000), "a card is");
    check(
        &text.replace("https://", "ftp://"),
        "the address of the card",
    );
    check(&text.replace("https://", "https://me@"), "the address");
    let swapped = format!("{FIRST_WORD} {} {} http://x", card(1).witness, card(1).log);
    check(
        &swapped,
        "the log key of the card: public key algorithm 0x04",
    );
}

#[test]
fn pairing_writes_a_policy_and_adds_to_it() {
    let ours = card(1).log;
    let text = paired(None, &ours, &card(2)).unwrap();
    let policy = Policy::parse(&text).unwrap();
    assert_eq!(policy.witnesses().len(), 1);
    assert!(policy.is_satisfied(|_| true));
    assert!(!policy.is_satisfied(|_| false));
    let text = paired(Some(&policy), &ours, &card(3)).unwrap();
    let policy = Policy::parse(&text).unwrap();
    assert!(policy.is_satisfied(|witness| witness.name == "sister-2"));
    // The same node again, at a new address.
    let mut moved = card(2);
    moved.url = "http://10.0.0.2:8427".to_owned();
    let text = paired(Some(&policy), &ours, &moved).unwrap();
    let policy = Policy::parse(&text).unwrap();
    assert_eq!(policy.witnesses().len(), 2);
    assert_eq!(
        policy.witnesses()[0].url.as_deref(),
        Some("http://10.0.0.2:8427")
    );
}

#[test]
fn a_policy_of_a_person_is_left_alone() {
    let ours = card(1).log;
    let other = Policy::parse(&paired(None, &card(5).log, &card(2)).unwrap()).unwrap();
    let error = paired(Some(&other), &ours, &card(3)).unwrap_err();
    assert!(
        error.to_string().starts_with("the policy is about the log"),
        "{error}"
    );
    let text = paired(None, &ours, &card(2))
        .unwrap()
        .replace("sisters", "mine");
    let policy = Policy::parse(&text).unwrap();
    let error = paired(Some(&policy), &ours, &card(3)).unwrap_err();
    assert!(
        error
            .to_string()
            .contains("witness NAME witness.example/3+"),
        "{error}"
    );
}

proptest! {
    #[test]
    fn foreign_cards_never_panic(text in ".{0,200}") {
        let _ = text.parse::<Card>();
        let _ = format!("{FIRST_WORD} {text}").parse::<Card>();
    }
}
