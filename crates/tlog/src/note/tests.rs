//! Notes and keys: the examples that other implementations publish, and every way to be wrong.

use proptest::prelude::*;

use super::*;

const NEUMANN_PRIVATE: &str =
    "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz";
const NEUMANN_PUBLIC: &str = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
const ENOCH_PUBLIC: &str = "EnochRoot+af0cfe78+ATtqJ7zOtqQtYqOo0CpvDXNlMhV3HeJDpjrASKGLWdop";
const TEXT: &str = "If you think cryptography is the answer to your problem,\n\
                    then you don't know what your problem is.\n";
const NEUMANN_LINE: &str = "\u{2014} PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIu\
                            GUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";
const ENOCH_LINE: &str = "\u{2014} EnochRoot rwz+eBzmZa0SO3NbfRGzPCpDckykFXSdeX+MNtCOXm2/5n2tiOHp\
                          +vAF1aGrQ5ovTG01oOTGwnWLox33WWd1RvMc+QQ=\n";

fn public(text: &str) -> VerifyingKey {
    text.parse().unwrap()
}

fn note_of(lines: &[&str]) -> String {
    format!("{TEXT}\n{}", lines.concat())
}

#[test]
fn the_published_example_is_signed_byte_for_byte() {
    let key = SigningKey::parse(NEUMANN_PRIVATE).unwrap();
    assert_eq!(key.verifying_key().to_string(), NEUMANN_PUBLIC);
    assert_eq!(key.to_private_text().as_str(), NEUMANN_PRIVATE);
    assert_eq!(sign(TEXT, &[&key]).unwrap(), note_of(&[NEUMANN_LINE]));
}

#[test]
fn known_good_signatures_verify_and_unknown_ones_are_ignored() {
    let check = |lines: &[&str], keys: &[&str], expected: Result<&[&str], &str>| {
        let bytes = note_of(lines);
        let note = Note::parse(bytes.as_bytes()).unwrap();
        assert_eq!(note.to_string(), bytes);
        let keys: Vec<VerifyingKey> = keys.iter().map(|key| public(key)).collect();
        let verdict = note.verify(&keys.iter().collect::<Vec<_>>());
        let verdict = verdict.as_ref().map(|text| {
            assert_eq!(text.text(), TEXT);
            text.signers()
                .iter()
                .map(String::as_str)
                .collect::<Vec<_>>()
        });
        match expected {
            Ok(signers) => assert_eq!(verdict.unwrap(), signers),
            Err(message) => assert_eq!(verdict.unwrap_err().to_string(), message),
        }
    };
    let both = [NEUMANN_LINE, ENOCH_LINE];
    check(&both, &[NEUMANN_PUBLIC], Ok(&[NEUMANN_PUBLIC]));
    check(&both, &[ENOCH_PUBLIC], Ok(&[ENOCH_PUBLIC]));
    check(
        &both,
        &[ENOCH_PUBLIC, NEUMANN_PUBLIC],
        Ok(&[NEUMANN_PUBLIC, ENOCH_PUBLIC]),
    );
    check(&[NEUMANN_LINE; 2], &[NEUMANN_PUBLIC], Ok(&[NEUMANN_PUBLIC]));
    let none = "none of the 1 signatures is by a known key";
    check(&[NEUMANN_LINE], &[ENOCH_PUBLIC], Err(none));
    check(&[NEUMANN_LINE], &[], Err(none));

    // A bad signature of a known key condemns the note, whatever else stands in it.
    let bad = NEUMANN_LINE.replace("ZJku", "ZJkv");
    let message = "signature of known key PeterNeumann (c74f20a3) is bad";
    check(
        &[&bad, ENOCH_LINE],
        &[NEUMANN_PUBLIC, ENOCH_PUBLIC],
        Err(message),
    );
    check(
        &[ENOCH_LINE, NEUMANN_LINE, &bad],
        &[NEUMANN_PUBLIC, ENOCH_PUBLIC],
        Err(message),
    );
    check(&[&bad, ENOCH_LINE], &[ENOCH_PUBLIC], Ok(&[ENOCH_PUBLIC]));
    // A signature of the right key id but of another length is just as bad.
    let short = "\u{2014} PeterNeumann x08go/Y=\n";
    check(
        &[short, ENOCH_LINE],
        &[NEUMANN_PUBLIC, ENOCH_PUBLIC],
        Err(message),
    );
    // The same name with another key id is another key.
    let stranger = "\u{2014} PeterNeumann AAAAAAAA\n";
    check(
        &[stranger, NEUMANN_LINE],
        &[NEUMANN_PUBLIC],
        Ok(&[NEUMANN_PUBLIC]),
    );
}

#[test]
fn every_flipped_bit_of_the_text_is_rejected() {
    let key = public(NEUMANN_PUBLIC);
    let good = note_of(&[NEUMANN_LINE]).into_bytes();
    for position in 0..good.len() {
        for bit in 0..8 {
            let mut altered = good.clone();
            altered[position] ^= 1 << bit;
            let believed = Note::parse(&altered).is_ok_and(|note| note.verify(&[&key]).is_ok());
            assert!(!believed, "bit {bit} of byte {position}");
        }
    }
}

#[test]
fn a_note_carries_a_hundred_signature_lines() {
    let many = vec![NEUMANN_LINE; NOTE_SIGNATURES_MAX];
    assert_eq!(
        Note::parse(note_of(&many).as_bytes())
            .unwrap()
            .signatures()
            .len(),
        100
    );
    let more = vec![NEUMANN_LINE; NOTE_SIGNATURES_MAX + 1];
    assert_eq!(
        Note::parse(note_of(&more).as_bytes()),
        Err(NoteParseError::TooManySignatures {
            signatures_max: 100
        })
    );
}

#[test]
fn blank_lines_may_stand_in_the_text() {
    let key = SigningKey::parse(NEUMANN_PRIVATE).unwrap();
    for text in ["\n", "a\n\nb\n", "a\n\n", "\n\n\n"] {
        let bytes = sign(text, &[&key]).unwrap();
        let note = Note::parse(bytes.as_bytes()).unwrap();
        assert_eq!(note.text(), text);
        note.verify(&[&key.verifying_key()]).unwrap();
    }
}

#[test]
fn a_foreign_line_can_be_added_to_a_note() {
    let mut note = Note::parse(note_of(&[NEUMANN_LINE]).as_bytes()).unwrap();
    note.add_signature(ENOCH_LINE.trim_end().parse().unwrap());
    assert_eq!(note.to_string(), note_of(&[NEUMANN_LINE, ENOCH_LINE]));
    assert_eq!(note.signatures()[1].name(), "EnochRoot");
    assert_eq!(hex(&note.signatures()[1].key_id()), "af0cfe78");
    assert_eq!(note.signatures()[1].signature().len(), SIGNATURE_LEN_BYTES);
}

#[test]
fn malformed_notes_are_refused() {
    let check = |bytes: &[u8], expected: &str| {
        assert_eq!(Note::parse(bytes).unwrap_err().to_string(), expected);
    };
    let line = |text: &str, expected: &str| {
        check(
            format!("a\n\n{text}\n").as_bytes(),
            &format!("signature line 0 of the note: {expected}"),
        );
    };
    check(b"", "note has no blank line before its signatures");
    check(b"a\n\xe2\x80", "note is not UTF-8 at byte 2");
    check(b"a\r\n\n", "note has a control character at byte 1");
    check(b"a\n\x00", "note has a control character at byte 2");
    check(b"a\n", "note has no blank line before its signatures");
    check(b"a\n\n", "note has no complete signature line");
    check(b"a\n\nx", "note has no complete signature line");
    check(
        &vec![b'a'; 1_000_001],
        "note of 1000001 bytes is over the limit of 1000000",
    );
    line(
        "x",
        "signature line does not begin with an em dash and a space",
    );
    line(
        "- name AAAAAAAA",
        "signature line does not begin with an em dash and a space",
    );
    line(
        "\u{2014} name",
        "signature line does not have a name and a signature",
    );
    line("\u{2014}  AAAAAAAA", "signature line has a bad key name");
    line("\u{2014} a+b AAAAAAAA", "signature line has a bad key name");
    line(
        "\u{2014} a\u{a0}b AAAAAAAA",
        "signature line has a bad key name",
    );
    line(
        "\u{2014} name AAA*",
        "signature is not standard base64 with padding",
    );
    line(
        "\u{2014} name AAAAAAAA ",
        "signature is not standard base64 with padding",
    );
    line(
        "\u{2014} name AAAAAA",
        "signature is not standard base64 with padding",
    );
    // The unused bits of the last character are not zero: a second spelling of the same bytes.
    line(
        "\u{2014} name AAAAAAB=",
        "signature is not standard base64 with padding",
    );
    line(
        "\u{2014} name AAAAAA==",
        "signature of 4 bytes has no room for a key id and a signature",
    );
    line(
        "\u{2014} name AA==",
        "signature of 1 bytes has no room for a key id and a signature",
    );
}

#[test]
fn texts_that_no_reader_accepts_are_not_signed() {
    let check = |text: &str, expected: &str| {
        assert_eq!(sign(text, &[]).unwrap_err().to_string(), expected);
    };
    check("", "note text does not end with a newline");
    check("a", "note text does not end with a newline");
    check("a\tb\n", "note text has a control character at byte 1");
    let long = format!("{}\n", "a".repeat(1_000_000));
    check(
        &long,
        "note text of 1000001 bytes is over the limit of 1000000",
    );
}

#[test]
fn malformed_public_keys_are_refused() {
    let check = |text: &str, expected: &str| {
        assert_eq!(
            text.parse::<VerifyingKey>().unwrap_err().to_string(),
            expected
        );
    };
    let id = "public key has another key id than c74f20a3";
    check(
        "",
        "public key does not have the parts name, key id and key",
    );
    check(
        "name+00000000",
        "public key does not have the parts name, key id and key",
    );
    check(
        "a b+00000000+AA==",
        "key name \"a b\" is empty or holds white space, control characters or a plus sign",
    );
    check(
        "a+00000000+AA",
        "public key is not standard base64 with padding",
    );
    check("a+00000000+", "public key has 0 bytes instead of 33");
    check("a+00000000+AQA=", "public key has 2 bytes instead of 33");
    check(
        "a+00000000+AgA=",
        "public key algorithm 0x02 is not Ed25519 (0x01)",
    );
    check(&NEUMANN_PUBLIC.replace("c74f20a3", "c74f20a4"), id);
    check(&NEUMANN_PUBLIC.replace("c74f20a3", "C74F20A3"), id);
    check(&NEUMANN_PUBLIC.replace("c74f20a3", ""), id);
    // The neutral point: everything would verify under it without strict checks.
    let mut neutral = [0; 33];
    (neutral[0], neutral[1]) = (1, 1);
    check(
        &format!("a+00000000+{}", base64(&neutral)),
        "public key is not a usable point of the curve",
    );
}

#[test]
fn malformed_private_keys_are_refused_without_showing_them() {
    let check = |text: &str, expected: &str| {
        assert_eq!(SigningKey::parse(text).unwrap_err().to_string(), expected);
    };
    check(
        NEUMANN_PUBLIC,
        "private key does not begin with PRIVATE+KEY+",
    );
    check(
        "PRIVATE+KEY+a+b",
        "private key does not have the parts name, key id and key",
    );
    check(
        "PRIVATE+KEY+a+b+AQ==",
        "private key is not base64 of 33 bytes",
    );
    check("PRIVATE+KEY+a+b+*", "private key is not base64 of 33 bytes");
    check(
        &format!("{NEUMANN_PRIVATE}AAAA"),
        "private key is not base64 of 33 bytes",
    );
    check(
        &NEUMANN_PRIVATE.replace("+AYEK", "+BYEK"),
        "private key algorithm 0x05 is not Ed25519 (0x01)",
    );
    check(
        &NEUMANN_PRIVATE.replace("+c74f20a3", "+c74f20a4"),
        "private key has another key id than c74f20a3",
    );
    check(
        &NEUMANN_PRIVATE.replace("PeterNeumann", ""),
        "key name \"\" is empty or holds white space, control characters or a plus sign",
    );
}

#[test]
fn debug_shows_no_secret() {
    let key = SigningKey::from_seed("log.example", &[0xAB; 32]).unwrap();
    let shown = format!("{key:?}");
    let id = hex(&key.key_id());
    assert_eq!(
        shown,
        format!("SigningKey {{ name: \"log.example\", key_id: \"{id}\", .. }}")
    );
    let parsed = SigningKey::parse(&key.to_private_text()).unwrap();
    assert_eq!(parsed.verifying_key(), key.verifying_key());
    assert_eq!(parsed.name(), "log.example");
    SigningKey::from_seed("with space", &[0; 32]).unwrap_err();
    SigningKey::from_seed("with+plus", &[0; 32]).unwrap_err();
}

proptest! {
    #[test]
    fn arbitrary_bytes_are_survived(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = Note::parse(&bytes);
        if let Ok(text) = std::str::from_utf8(&bytes) {
            let _ = SigningKey::parse(text);
            let _ = text.parse::<VerifyingKey>();
        }
    }

    #[test]
    fn accepted_notes_print_back(
        text in "(\\PC{0,9}\n){0,3}",
        lines in "(\u{2014} [a-z]{0,2} ?[A-Za-z0-9+/]{6,8}={0,2}\n){0,2}",
    ) {
        let bytes = format!("{text}\n{lines}");
        if let Ok(note) = Note::parse(bytes.as_bytes()) {
            prop_assert_eq!(note.to_string(), bytes);
        }
    }

    #[test]
    fn printed_notes_read_back(
        text in "([^\\p{Cc}]{0,20}\n){1,4}",
        seed in any::<[u8; 32]>(),
        name in "[^\\s\\p{Cc}+]{1,12}",
    ) {
        let key = SigningKey::from_seed(&name, &seed).unwrap();
        let parsed = key.verifying_key().to_string().parse::<VerifyingKey>().unwrap();
        prop_assert_eq!(&parsed, &key.verifying_key());
        let bytes = sign(&text, &[&key]).unwrap();
        let note = Note::parse(bytes.as_bytes()).unwrap();
        let verified = note.verify(&[&parsed]).unwrap();
        prop_assert_eq!(verified.text(), text);
        prop_assert_eq!(note.to_string(), bytes);
    }
}
