//! Any bytes as a rule file: it loads, or says what is wrong, and its samples run.
#![no_main]

use detect::{RuleFile, RuleSet};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let file = RuleFile {
        name: "fuzz.yml".to_owned(),
        text: text.to_owned(),
    };
    let (set, problems) = RuleSet::load(&[file]);
    for problem in problems.iter().chain(set.notes()) {
        assert!(!problem.message.is_empty());
    }
    let _ = set.run_tests();
});
