//! A proof of any bytes: parsed or refused, what is accepted prints back.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tlog::Proof;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(proof) = Proof::parse(bytes) {
        assert_eq!(proof.to_string().as_bytes(), bytes);
    }
});
