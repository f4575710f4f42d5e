//! Offline proofs: their exact text, every altered byte of it, and what is refused.

use proptest::prelude::*;

use super::*;
use crate::note::SigningKey;
use crate::tree::{Frontier, Subtree, inclusion_proof};

const ORIGIN: &str = "log.example/1";

fn key() -> SigningKey {
    SigningKey::from_seed(ORIGIN, &[5; 32]).unwrap()
}

fn entry(index: u64) -> Vec<u8> {
    format!("entry {index}").into_bytes()
}

/// Proof of one entry in a log of `size` entries.
fn proof_of(index: u64, size: u64) -> Proof {
    let mut tree = Frontier::new();
    let mut stored = std::collections::HashMap::new();
    for index in 0..size {
        tree.push_visiting(leaf_hash(&entry(index)), |subtree, hash| {
            stored.insert(subtree, *hash);
        });
    }
    let note = Checkpoint::new(ORIGIN, size, tree.root())
        .unwrap()
        .sign(&[&key()])
        .unwrap();
    let checkpoint = UnverifiedCheckpoint::parse(note.as_bytes()).unwrap();
    let reader = |subtree: Subtree| stored.get(&subtree).copied();
    Proof::new(
        index,
        inclusion_proof(index, size, reader).unwrap(),
        checkpoint,
    )
    .unwrap()
}

#[test]
fn a_proof_is_the_specified_text() {
    let proof = proof_of(2, 3);
    let sibling = proof.hashes()[0];
    let note = proof.checkpoint().to_string();
    assert_eq!(
        proof.to_string(),
        format!("c2sp.org/tlog-proof@v1\nindex 2\n{sibling}\n\n{note}")
    );
    let with_extra = proof.with_extra(b"more".to_vec()).unwrap();
    assert_eq!(
        with_extra.to_string(),
        format!("c2sp.org/tlog-proof@v1\nextra bW9yZQ==\nindex 2\n{sibling}\n\n{note}")
    );
    let alone = proof_of(0, 1);
    let note = alone.checkpoint();
    assert_eq!(
        alone.to_string(),
        format!("c2sp.org/tlog-proof@v1\nindex 0\n\n{note}")
    );
}

#[test]
fn every_entry_is_proven_and_no_other() {
    let key = key().verifying_key();
    for size in 1..=20 {
        for index in 0..size {
            let proof = Proof::parse(proof_of(index, size).to_string().as_bytes()).unwrap();
            let inclusion = proof.verify_entry(&entry(index), &key, ORIGIN).unwrap();
            assert_eq!(inclusion.index(), index);
            assert_eq!(inclusion.leaf(), &leaf_hash(&entry(index)));
            assert_eq!(inclusion.checkpoint().size(), size);
            proof
                .verify_entry(&entry(index + 1), &key, ORIGIN)
                .unwrap_err();
        }
    }
}

#[test]
fn refusals_tell_signature_from_path() {
    let proof = proof_of(4, 7);
    let leaf = leaf_hash(&entry(4));
    let stranger = SigningKey::from_seed(ORIGIN, &[6; 32])
        .unwrap()
        .verifying_key();
    assert!(matches!(
        proof.verify(&leaf, &stranger, ORIGIN),
        Err(ProofVerifyError::Checkpoint(CheckpointVerifyError::Note(_)))
    ));
    assert!(matches!(
        proof.verify(&leaf, &key().verifying_key(), "other"),
        Err(ProofVerifyError::Checkpoint(
            CheckpointVerifyError::Origin { .. }
        ))
    ));
    assert!(matches!(
        proof.verify(&leaf_hash(b"other"), &key().verifying_key(), ORIGIN),
        Err(ProofVerifyError::Inclusion(TreeVerifyError::RootMismatch {
            size: 7,
            ..
        }))
    ));
}

/// The extra payload is the only part that nothing covers, so it stays out of this one.
#[test]
fn every_flipped_bit_of_a_proof_is_rejected() {
    let key = key().verifying_key();
    let good = proof_of(4, 7).to_string().into_bytes();
    for position in 0..good.len() {
        for bit in 0..8 {
            let mut altered = good.clone();
            altered[position] ^= 1 << bit;
            let believed = Proof::parse(&altered)
                .is_ok_and(|proof| proof.verify_entry(&entry(4), &key, ORIGIN).is_ok());
            assert!(!believed, "bit {bit} of byte {position}");
        }
    }
}

#[test]
fn malformed_proofs_are_refused() {
    let good = proof_of(2, 3);
    let note = good.checkpoint().to_string();
    let check = |head: &str, expected: &str| {
        let text = format!("{head}\n\n{note}");
        assert_eq!(
            Proof::parse(text.as_bytes()).unwrap_err().to_string(),
            expected,
            "{head:?}"
        );
    };
    let first = "c2sp.org/tlog-proof@v1\n";
    let version = "proof does not begin with the line c2sp.org/tlog-proof@v1";
    let index = "proof has no index line with a plain decimal of at most 9223372036854775807";
    let extra = "extra line of the proof is not standard base64 with padding";
    check("", version);
    check("c2sp.org/tlog-proof@v2\nindex 2", version);
    check(&format!("{first}extra *\nindex 2"), extra);
    check(&format!("{first}extra AAAA"), index);
    check(&format!("{first}extra AAAA\nextra AAAA\nindex 2"), index);
    check(
        &format!("{first}index 2\nextra AAAA"),
        "line 0 of the proof's path: a hash is not \
                                                   standard base64 with padding",
    );
    for bad in [
        "index",
        "index ",
        "index 02",
        "index -1",
        "Index 2",
        "index 9223372036854775808",
    ] {
        check(&format!("{first}{bad}"), index);
    }
    check(
        &format!("{first}index 2\nAAAA"),
        "line 0 of the proof's path: a hash has 3 bytes \
                                             instead of 32",
    );
    let path = good.hashes()[0].to_string();
    check(
        &format!("{first}index 2\n{}", vec![path; 64].join("\n")),
        "proof has more than 63 hashes",
    );
    let raw = |bytes: &[u8], expected: &str| {
        assert_eq!(Proof::parse(bytes).unwrap_err().to_string(), expected);
    };
    raw(
        b"c2sp.org/tlog-proof@v1\nindex 2\n",
        "proof has no blank line before its checkpoint",
    );
    raw(b"\xff", "proof is not UTF-8 at byte 0");
    raw(
        b"c2sp.org/tlog-proof@v1\nindex 2\n\no\n1\n",
        "checkpoint of the proof: note has no blank line before its signatures",
    );
    let long = vec![b'a'; PROOF_LEN_BYTES_MAX + 1];
    raw(&long, "proof of 1177724 bytes is over the limit of 1177723");
    let too_much = good
        .with_extra(vec![0; PROOF_EXTRA_LEN_BYTES_MAX + 1])
        .unwrap_err();
    assert_eq!(
        too_much.to_string(),
        "extra line of the proof has 131073 bytes, over the limit of 131072"
    );
}

#[test]
fn the_largest_extra_payload_reads_back() {
    let proof = proof_of(2, 3)
        .with_extra(vec![1; PROOF_EXTRA_LEN_BYTES_MAX])
        .unwrap();
    assert_eq!(Proof::parse(proof.to_string().as_bytes()), Ok(proof));
}

proptest! {
    #[test]
    fn printed_proofs_read_back(
        (index, size) in (1..40_u64).prop_flat_map(|size| (0..size, Just(size))),
        extra in prop::option::of(prop::collection::vec(any::<u8>(), 0..40)),
    ) {
        let mut proof = proof_of(index, size);
        if let Some(extra) = extra {
            proof = proof.with_extra(extra).unwrap();
        }
        prop_assert_eq!(Proof::parse(proof.to_string().as_bytes()), Ok(proof));
    }

    #[test]
    fn arbitrary_proofs_are_survived_and_exact(
        tail in prop::collection::vec(any::<u8>(), 0..120),
        position in any::<prop::sample::Index>(),
        byte: u8,
    ) {
        let _ = Proof::parse(&[FIRST_LINE.as_bytes(), &tail].concat());
        let mut bytes = proof_of(4, 7).with_extra(tail).unwrap().to_string().into_bytes();
        let position = position.index(bytes.len());
        bytes[position] = byte;
        if let Ok(proof) = Proof::parse(&bytes) {
            prop_assert_eq!(proof.to_string().into_bytes(), bytes);
        }
    }
}
