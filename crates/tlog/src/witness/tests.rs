//! Requests and answers between log and witness: exact bytes there and back, and every refusal.

use proptest::prelude::*;

use super::*;
use crate::{Checkpoint, EMPTY_ROOT, SigningKey, leaf_hash};

fn checkpoint(size: u64) -> String {
    let key = SigningKey::from_seed("log.example/1", &[1; 32]).unwrap();
    let root = if size == 0 {
        EMPTY_ROOT
    } else {
        leaf_hash(b"a")
    };
    let checkpoint = Checkpoint::new("log.example/1", size, root).unwrap();
    checkpoint.sign(&[&key]).unwrap()
}

#[test]
fn a_request_is_read_and_written_byte_for_byte() {
    let (one, two) = (leaf_hash(b"1"), leaf_hash(b"2"));
    for (old, hashes) in [(0, vec![]), (7, vec![one]), (9, vec![one, two])] {
        let lines: Vec<String> = hashes.iter().map(|hash| format!("{hash}\n")).collect();
        let lines = lines.concat();
        let body = format!("old {old}\n{lines}\n{}", checkpoint(10));
        let request = AddCheckpoint::parse(body.as_bytes()).unwrap();
        assert_eq!(request.old_size(), old);
        assert_eq!(request.hashes(), hashes);
        assert_eq!(request.checkpoint().to_string(), checkpoint(10));
        assert_eq!(request.to_string(), body);
    }
}

#[test]
fn a_bad_request_is_told_what_is_wrong() {
    let check = |body: &str, expected: &str| {
        let error = AddCheckpoint::parse(body.as_bytes()).unwrap_err();
        assert_eq!(error.to_string(), expected);
    };
    let note = checkpoint(10);
    let old = "first line of the request is not `old` and a plain decimal of at most \
               9223372036854775807";
    check("", "request has no blank line before its checkpoint");
    check("old 1\n", "request has no blank line before its checkpoint");
    for first in [
        "", "old", "old ", "old 01", "old -1", "old +1", "new 1", "old 1 ", " old 1",
    ] {
        check(&format!("{first}\n\n{note}"), old);
    }
    check(&format!("old 9223372036854775808\n\n{note}"), old);
    check(
        &format!("old 1\nxyz\n\n{note}"),
        "proof hash 0 of the request: a hash is not standard base64 with padding",
    );
    let hash = leaf_hash(b"x");
    let many = |count: usize| format!("old 1\n{}\n{note}", format!("{hash}\n").repeat(count));
    assert!(AddCheckpoint::parse(many(63).as_bytes()).is_ok());
    check(&many(64), "request has more than 63 proof hashes");
    check(
        "old 1\n\nlog.example/1\n",
        "note has no blank line before its signatures",
    );
    let long = format!("old 1\n\n{}", "x".repeat(ADD_CHECKPOINT_LEN_BYTES_MAX));
    check(&long, "request of 16391 bytes is over the limit of 16384");
    let error = AddCheckpoint::parse(b"old 1\n\n\xff").unwrap_err();
    assert_eq!(error.to_string(), "request is not UTF-8 at byte 7");
    let foreign = UnverifiedCheckpoint::parse(note.as_bytes()).unwrap();
    assert!(AddCheckpoint::new(0, vec![hash; 64], foreign).is_err());
}

#[test]
fn answers_are_read() {
    let key = crate::CosigningKey::from_seed("w", &[2; 32]).unwrap();
    let line = key.cosign("x\n", 5).unwrap();
    let twice = format!("{line}\n{line}\n");
    assert_eq!(
        parse_cosignatures(twice.as_bytes()).unwrap(),
        [line.clone(), line.clone()]
    );
    let check = |body: &[u8], expected: &str| {
        let error = parse_cosignatures(body).unwrap_err();
        assert_eq!(error.to_string(), expected);
    };
    check(b"", "answer does not end with a newline");
    check(
        line.to_string().as_bytes(),
        "answer does not end with a newline",
    );
    check(b"\xff\n", "answer is not UTF-8 at byte 0");
    check(
        b"hello\n",
        "line 0 of the answer: signature line does not begin with an em dash and a space",
    );
    check(
        &vec![b'\n'; COSIGNATURES_LEN_BYTES_MAX + 1],
        "answer of 65537 bytes is over the limit of 65536",
    );
    check(
        format!("{line}\n").repeat(101).as_bytes(),
        "answer has more than 100 signature lines",
    );
    assert_eq!(
        parse_size(size_text(20_852_163).as_bytes()),
        Some(20_852_163)
    );
    assert_eq!(parse_size(b"7"), Some(7));
    for bad in [
        &b""[..],
        b"\n",
        b"07\n",
        b"7\n\n",
        b"x",
        b"\xff",
        &[b'1'; 33],
    ] {
        assert_eq!(parse_size(bad), None);
    }
}

proptest! {
    #[test]
    fn whatever_is_accepted_prints_back(
        old in "[0-9]{0,21}",
        middle in prop::collection::vec("[A-Za-z0-9+/=]{0,48}", 0..4),
        cut in 0_usize..400,
    ) {
        let body = format!("old {old}\n{}\n\n{}", middle.join("\n"), checkpoint(3));
        let cut = cut.min(body.len());
        for bytes in [body.as_bytes(), &body.as_bytes()[..cut]] {
            if let Ok(request) = AddCheckpoint::parse(bytes) {
                prop_assert_eq!(request.to_string().into_bytes(), bytes);
            }
        }
    }

    #[test]
    fn foreign_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = AddCheckpoint::parse(&bytes);
        let _ = parse_cosignatures(&bytes);
        let _ = parse_size(&bytes);
    }
}
