//! A policy of any text: what is accepted means the same after being written and read again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tlog::Policy;

fuzz_target!(|text: &str| {
    if let Ok(policy) = Policy::parse(text) {
        assert_eq!(Policy::parse(&policy.to_string()), Ok(policy));
    }
});
