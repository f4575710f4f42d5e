//! Checkpoints: their exact bytes, what is refused, and what is never believed.

use proptest::prelude::*;

use super::*;
use crate::hash::leaf_hash;

const ORIGIN: &str = "log.example/prod/1";

fn key() -> SigningKey {
    SigningKey::from_seed(ORIGIN, &[3; 32]).unwrap()
}

/// Signs an arbitrary text and reads it as a checkpoint.
fn parse(text: &str) -> Result<UnverifiedCheckpoint, CheckpointParseError> {
    UnverifiedCheckpoint::parse(note::sign(text, &[&key()]).unwrap().as_bytes())
}

#[test]
fn a_checkpoint_is_three_lines_and_signatures() {
    let root = leaf_hash(b"");
    let bytes = Checkpoint::new(ORIGIN, 1, root)
        .unwrap()
        .sign(&[&key()])
        .unwrap();
    let expected = "log.example/prod/1\n1\nbjQLnP+zepicpUTmu3gKLHiQHT+zNzh2hRGjBhevoB0=\n\n";
    assert_eq!(&bytes[..expected.len()], expected);

    let foreign = UnverifiedCheckpoint::parse(bytes.as_bytes()).unwrap();
    assert_eq!(foreign.to_string(), bytes);
    assert_eq!(foreign.claimed_origin(), ORIGIN);
    let checkpoint = foreign.verify(&key().verifying_key(), ORIGIN).unwrap();
    assert_eq!((checkpoint.size(), checkpoint.root()), (1, &root));
    assert_eq!(checkpoint.origin(), ORIGIN);
}

#[test]
fn extension_lines_are_kept() {
    let text = format!("{ORIGIN}\n0\n{EMPTY_ROOT}\nfirst\nsecond\n");
    let checkpoint = parse(&text)
        .unwrap()
        .verify(&key().verifying_key(), ORIGIN)
        .unwrap()
        .into_inner();
    assert_eq!(checkpoint.extensions(), ["first", "second"]);
    assert_eq!(checkpoint.to_string(), text);
}

#[test]
fn only_the_pinned_key_and_origin_are_believed() {
    let foreign = parse(&format!("{ORIGIN}\n0\n{EMPTY_ROOT}\n")).unwrap();
    let check = |key: &SigningKey, origin: &str, expected: &str| {
        let error = foreign.verify(&key.verifying_key(), origin).unwrap_err();
        assert_eq!(error.to_string(), expected);
    };
    let other_seed = SigningKey::from_seed(ORIGIN, &[4; 32]).unwrap();
    let other_name = SigningKey::from_seed("other", &[3; 32]).unwrap();
    check(
        &other_seed,
        ORIGIN,
        "none of the 1 signatures is by a known key",
    );
    check(
        &other_name,
        ORIGIN,
        "none of the 1 signatures is by a known key",
    );
    check(
        &key(),
        "log.example/prod/2",
        "checkpoint is of origin \"log.example/prod/1\" instead of \"log.example/prod/2\"",
    );
    let forged = foreign.to_string().replace("\n0\n", "\n7\n");
    let forged = UnverifiedCheckpoint::parse(forged.as_bytes()).unwrap();
    let error = forged.verify(&key().verifying_key(), ORIGIN).unwrap_err();
    assert!(matches!(
        error,
        CheckpointVerifyError::Note(NoteVerifyError::BadSignature { .. })
    ));
}

#[test]
fn malformed_checkpoints_are_refused() {
    let check = |text: &str, expected: &str| {
        assert_eq!(parse(text).unwrap_err().to_string(), expected, "{text:?}");
    };
    let root = leaf_hash(b"");
    let size = "checkpoint size is not a plain decimal of at most 9223372036854775807";
    check("\n", "checkpoint has 1 lines instead of at least 3");
    check("o\n1\n", "checkpoint has 2 lines instead of at least 3");
    check(
        &format!("\n1\n{root}\n"),
        "checkpoint origin \"\" is empty or holds control characters",
    );
    for bad in [
        "",
        "-1",
        "+1",
        "01",
        "00",
        " 1",
        "1 ",
        "0x1",
        "9223372036854775808",
    ] {
        check(&format!("o\n{bad}\n{root}\n"), size);
    }
    check(
        "o\n1\nAAAA\n",
        "checkpoint root: a hash has 3 bytes instead of 32",
    );
    check(
        "o\n1\n*\n",
        "checkpoint root: a hash is not standard base64 with padding",
    );
    check(&format!("o\n1\n{root}\n\n"), "checkpoint line 3 is empty");
    check(
        &format!("o\n1\n{root}\na\n\nb\n"),
        "checkpoint line 4 is empty",
    );
    check(
        &format!("o\n0\n{root}\n"),
        &format!("checkpoint of size 0 has root {root} instead of {EMPTY_ROOT}"),
    );
    assert_eq!(
        UnverifiedCheckpoint::parse(b"o\n").unwrap_err().to_string(),
        "note has no blank line before its signatures"
    );
    Checkpoint::new("two\nlines", 1, root).unwrap_err();
    Checkpoint::new(ORIGIN, u64::MAX, root).unwrap_err();
}

proptest! {
    #[test]
    fn printed_checkpoints_read_back(
        origin in "[^\\p{Cc}]{1,30}",
        size in 1..=TREE_SIZE_MAX,
        root in any::<[u8; 32]>(),
    ) {
        let checkpoint = Checkpoint::new(&origin, size, Hash::from_bytes(root)).unwrap();
        let bytes = checkpoint.sign(&[&key()]).unwrap();
        let foreign = UnverifiedCheckpoint::parse(bytes.as_bytes()).unwrap();
        let verified = foreign.verify(&key().verifying_key(), &origin).unwrap();
        prop_assert_eq!(verified.into_inner(), checkpoint);
    }

    #[test]
    fn altered_checkpoints_are_never_believed(position in any::<prop::sample::Index>(), byte: u8) {
        let mut bytes = Checkpoint::new(ORIGIN, 9, EMPTY_ROOT)
            .unwrap()
            .sign(&[&key()])
            .unwrap()
            .into_bytes();
        let position = position.index(bytes.len());
        prop_assume!(bytes[position] != byte);
        bytes[position] = byte;
        if let Ok(foreign) = UnverifiedCheckpoint::parse(&bytes) {
            prop_assert_eq!(foreign.to_string().into_bytes(), bytes);
            prop_assert!(foreign.verify(&key().verifying_key(), ORIGIN).is_err());
        }
    }
}
