//! Hashes as text.

use proptest::prelude::*;

use super::*;

#[test]
fn known_hashes() {
    let check = |hash: Hash, hex: &str| assert_eq!(format!("{hash:x}"), hex);
    check(
        EMPTY_ROOT,
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    );
    assert_eq!(EMPTY_ROOT, Hash(Sha256::digest(b"").into()));
    check(
        leaf_hash(b""),
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    );
    check(
        node_hash(&leaf_hash(b""), &leaf_hash(b"\x00")),
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    );
}

#[test]
fn malformed_hashes_are_refused() {
    let check = |error: HashParseError, expected: &str| assert_eq!(error.to_string(), expected);
    check(
        "*".parse::<Hash>().unwrap_err(),
        "a hash is not standard base64 with padding",
    );
    check(
        "AAAA".parse::<Hash>().unwrap_err(),
        "a hash has 3 bytes instead of 32",
    );
    check(
        Hash::from_hex("00").unwrap_err(),
        "a hash has 2 hexadecimal digits instead of 64",
    );
    let bad = format!("{}g0", "0".repeat(62));
    check(
        Hash::from_hex(&bad).unwrap_err(),
        "a hash has no hexadecimal digit at position 62",
    );
}

proptest! {
    #[test]
    fn printed_hashes_read_back(bytes in any::<[u8; 32]>()) {
        let hash = Hash::from_bytes(bytes);
        prop_assert_eq!(hash.to_string().parse(), Ok(hash));
        prop_assert_eq!(Hash::from_hex(&format!("{hash:x}")), Ok(hash));
        prop_assert_eq!(Hash::from_hex(&format!("{hash:x}").to_uppercase()), Ok(hash));
    }

    #[test]
    fn accepted_hashes_print_back(text in "[A-Za-z0-9+/]{42,44}={0,2}") {
        if let Ok(hash) = text.parse::<Hash>() {
            prop_assert_eq!(hash.to_string(), text);
        }
    }
}
