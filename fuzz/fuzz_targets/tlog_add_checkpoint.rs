//! What a witness is asked and answers, of any bytes.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tlog::AddCheckpoint;
use tlog::witness::{parse_cosignatures, parse_size};

fuzz_target!(|bytes: &[u8]| {
    if let Ok(request) = AddCheckpoint::parse(bytes) {
        assert_eq!(request.to_string().as_bytes(), bytes);
    }
    let _ = parse_cosignatures(bytes);
    let _ = parse_size(bytes);
});
