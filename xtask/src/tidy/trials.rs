//! Tests: none that is skipped in silence, none that passes for the wrong reason, none whose name
//! stands for two.

use std::collections::BTreeMap;

use crate::source::Source;
use crate::tidy::{Findings, House};

pub(super) fn check(house: &House, findings: &mut Findings) {
    for source in &house.sources {
        add_ignored(source, findings);
        add_expected_panic(source, findings);
    }
    add_repeated_names(house, findings);
}

fn add_ignored(source: &Source, findings: &mut Findings) {
    for (place, _) in source.code.match_indices("#[ignore") {
        let message = "a slow test asks an environment variable at run time".to_owned();
        findings.add(&source.path, source.line_at(place), message);
    }
}

fn add_expected_panic(source: &Source, findings: &mut Findings) {
    for (place, _) in source.code.match_indices("#[should_panic") {
        let message = "test the error value: any panic would satisfy this test".to_owned();
        findings.add(&source.path, source.line_at(place), message);
    }
}

/// `cargo test NAME` finds one test of a crate.
fn add_repeated_names(house: &House, findings: &mut Findings) {
    let mut seen: BTreeMap<(&str, String), String> = BTreeMap::new();
    for source in &house.sources {
        let Some(name) = house.crate_of(&source.path) else {
            continue;
        };
        for test in source
            .functions()
            .into_iter()
            .filter(|function| function.is_test)
        {
            let place = format!("{}:{}", source.path, test.line);
            match seen.get(&(name, test.name.clone())) {
                Some(first) => {
                    let message = format!("test `{}` has a namesake at {first}", test.name);
                    findings.add(&source.path, test.line, message);
                }
                None => {
                    seen.insert((name, test.name), place);
                }
            }
        }
    }
}
