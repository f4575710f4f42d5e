//! An entry bundle of any bytes and width: entries that join to the same bytes, or a refusal.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tlog::tile::{parse_bundle, parse_tile, push_entry};

fuzz_target!(|input: (u16, &[u8])| {
    let (width, bytes) = input;
    if let Ok(entries) = parse_bundle(bytes, width) {
        let mut again = Vec::new();
        for entry in entries {
            push_entry(&mut again, entry).expect("it came from a bundle");
        }
        assert_eq!(again, bytes);
    }
    let _ = parse_tile(bytes, width);
});
