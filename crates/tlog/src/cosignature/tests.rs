//! Cosignatures: bytes that another implementation of Ed25519 and SHA-256 computed, and every
//! way to be wrong.

use proptest::prelude::*;

use super::*;

const PRIVATE: &str =
    "PRIVATE+KEY+witness.example/w1+aa4a09d1+BAcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcH";
const PUBLIC: &str = "witness.example/w1+aa4a09d1+BOpKbGPinFIKvvVQexMuxfmVR3auvr57kkIe6mkURtIs";
const TEXT: &str =
    "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n";
const TIME_S: u64 = 1_679_315_147;
const LINE: &str = "\u{2014} witness.example/w1 qkoJ0QAAAABkGFDLWr4Jea05CAgwNVtwky0Jgz6WfX0QJgM//\
                    FkB/W9BoT9TX0DkTxG+2cT4p/ViKNhUM/SnUwFcYQzugGFQ15LwDw==";

fn key() -> CosigningKey {
    CosigningKey::parse(PRIVATE).unwrap()
}

#[test]
fn bytes_agree_with_another_implementation() {
    let key = key();
    assert_eq!(key.to_private_text().as_str(), PRIVATE);
    assert_eq!(key.cosigner_key().to_string(), PUBLIC);
    assert_eq!(PUBLIC.parse::<CosignerKey>().unwrap(), key.cosigner_key());
    let line = key.cosign(TEXT, TIME_S).unwrap();
    assert_eq!(line.to_string(), LINE);
    let seen = key.cosigner_key().verify(TEXT, &LINE.parse().unwrap());
    let seen = seen.unwrap();
    assert_eq!(
        (seen.cosigner(), seen.time_s()),
        ("witness.example/w1", TIME_S)
    );
}

#[test]
fn keys_of_the_other_kind_are_refused() {
    let check = |error: String, expected: &str| assert_eq!(error, expected);
    let log = crate::SigningKey::from_seed("witness.example/w1", &[7; 32]).unwrap();
    check(
        log.verifying_key()
            .to_string()
            .parse::<CosignerKey>()
            .unwrap_err()
            .to_string(),
        "public key algorithm 0x01 is not Ed25519 (0x04)",
    );
    check(
        PUBLIC
            .parse::<crate::VerifyingKey>()
            .unwrap_err()
            .to_string(),
        "public key algorithm 0x04 is not Ed25519 (0x01)",
    );
    check(
        CosigningKey::parse(&log.to_private_text())
            .unwrap_err()
            .to_string(),
        "private key algorithm 0x01 is not Ed25519 (0x04)",
    );
    check(
        CosigningKey::parse(&PRIVATE.replace("aa4a", "aa4b"))
            .unwrap_err()
            .to_string(),
        "private key has another key id than aa4a09d1",
    );
    check(
        CosigningKey::from_seed("two words", &[7; 32])
            .unwrap_err()
            .to_string(),
        "key name \"two words\" is empty or holds white space, control characters or a plus sign",
    );
}

#[test]
fn lines_that_are_not_ours_do_not_pass() {
    let witness = key().cosigner_key();
    let check = |line: &SignatureLine, text: &str, expected: &str| {
        let error = witness.verify(text, line).unwrap_err();
        assert_eq!(error.to_string(), expected);
    };
    let good: SignatureLine = LINE.parse().unwrap();
    let bad = "cosignature of witness.example/w1 (aa4a09d1) is bad";
    check(&good, &TEXT.replace("20852163", "20852164"), bad);
    let mut early = good.clone();
    early.signature[7] -= 1;
    check(&early, TEXT, bad);
    let mut beyond = good.clone();
    beyond.signature[0] = 0x80;
    check(&beyond, TEXT, bad);
    let mut short = good.clone();
    short.signature.pop();
    check(&short, TEXT, "cosignature has 71 bytes instead of 72");
    short.signature.truncate(3);
    check(&short, TEXT, "cosignature has 3 bytes instead of 72");
    let mut other = good.clone();
    other.name = "witness.example/w2".to_owned();
    check(
        &other,
        TEXT,
        &format!("signature line of witness.example/w2 (aa4a09d1) is not by {PUBLIC}"),
    );
    // A plain signature over the same text is no cosignature.
    let log = crate::SigningKey::from_seed("witness.example/w1", &[7; 32]).unwrap();
    let mut note = Note::new(TEXT).unwrap();
    note.sign(&log);
    assert_eq!(witness.find_in(&note), Ok(None));
}

#[test]
fn the_newest_counts_and_a_bad_one_condemns() {
    let (key, witness) = (key(), key().cosigner_key());
    let mut note = Note::new(TEXT).unwrap();
    assert_eq!(witness.find_in(&note), Ok(None));
    for time_s in [TIME_S, TIME_S + 9, TIME_S + 3] {
        note.add_signature(key.cosign(TEXT, time_s).unwrap());
    }
    // A post-quantum line of somebody unknown is carried along.
    let foreign = SignatureLine {
        name: "pq.example".to_owned(),
        key_id: [1, 2, 3, 4],
        signature: vec![6; 2428],
    };
    note.add_signature(foreign);
    let found = witness.find_in(&note).unwrap().unwrap();
    assert_eq!(found.time_s(), TIME_S + 9);
    assert_eq!(Note::parse(note.to_string().as_bytes()).unwrap(), note);
    let mut bad = key.cosign(TEXT, TIME_S).unwrap();
    bad.signature[40] ^= 1;
    note.add_signature(bad);
    assert_eq!(
        witness.find_in(&note).unwrap_err().to_string(),
        "cosignature of witness.example/w1 (aa4a09d1) is bad"
    );
}

#[test]
fn times_that_others_cannot_read_are_refused() {
    let error = key().cosign(TEXT, u64::MAX).unwrap_err();
    assert_eq!(error.time_max_s, COSIGNATURE_TIME_MAX_S);
    assert!(!format!("{:?}", key()).contains("BwcH"));
}

proptest! {
    #[test]
    fn whatever_is_cosigned_verifies_and_nothing_else_does(
        seed in any::<[u8; 32]>(),
        size in 1_u64..1 << 40,
        time_s in 0..COSIGNATURE_TIME_MAX_S,
        flip in 0_usize..72,
    ) {
        let key = CosigningKey::from_seed("w", &seed).unwrap();
        let text = format!("log.example/1\n{size}\n{}\n", crate::EMPTY_ROOT);
        let line = key.cosign(&text, time_s).unwrap();
        let read: SignatureLine = line.to_string().parse().unwrap();
        prop_assert_eq!(key.cosigner_key().verify(&text, &read).unwrap().time_s(), time_s);
        let mut bad = read;
        bad.signature[flip] ^= 1;
        prop_assert!(key.cosigner_key().verify(&text, &bad).is_err());
    }

    #[test]
    fn foreign_key_texts_never_panic(text in ".{0,120}", tail in "[A-Za-z0-9+/=]{0,60}") {
        let _ = text.parse::<CosignerKey>();
        let _ = format!("w+aa4a09d1+{tail}").parse::<CosignerKey>();
        let _ = CosigningKey::parse(&text);
    }
}
