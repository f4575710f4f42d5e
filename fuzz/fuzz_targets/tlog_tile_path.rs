//! A path of any text: a resource that writes the same path, or a refusal.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tlog::Resource;

fuzz_target!(|path: &str| {
    if let Ok(resource) = Resource::parse_path(path) {
        assert_eq!(resource.path(), path);
    }
});
