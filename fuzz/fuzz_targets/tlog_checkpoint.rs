//! A checkpoint of any bytes: parsed or refused, and never believed without its key.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tlog::{SigningKey, UnverifiedCheckpoint};

fuzz_target!(|bytes: &[u8]| {
    if let Ok(foreign) = UnverifiedCheckpoint::parse(bytes) {
        assert_eq!(foreign.to_string().as_bytes(), bytes);
        let key = SigningKey::from_seed("log.example/1", &[7; 32]).expect("a good name");
        let verdict = foreign.verify(&key.verifying_key(), "log.example/1");
        assert!(verdict.is_err(), "nobody signed this");
    }
});
