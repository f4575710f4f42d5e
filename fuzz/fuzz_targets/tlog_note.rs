//! A signed note of any bytes: parsed or refused, and what is accepted prints back.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tlog::Note;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(note) = Note::parse(bytes) {
        assert_eq!(note.to_string().as_bytes(), bytes);
    }
});
