//! Each complaint from a few lines of text, and the repository itself.

use super::*;
use crate::metadata::Dependency;

fn file(path: &str, text: &str) -> TrackedFile {
    TrackedFile {
        path: path.to_owned(),
        bytes: text.len() as u64,
        text: Some(text.to_owned()),
    }
}

fn package(name: &str, dependencies: &[&str]) -> Package {
    let dependencies = dependencies
        .iter()
        .map(|name| Dependency {
            name: (*name).to_owned(),
            dev: false,
            ours: crate::arrows::find(name).is_some(),
        })
        .collect();
    Package {
        name: name.to_owned(),
        folder: format!("crates/{name}"),
        dependencies,
    }
}

/// Runs one family over one file of a crate and compares `line: beginning of message`.
fn check_file(family: fn(&House, &mut Findings), path: &str, text: &str, expected: &[&str]) {
    let name = path.split('/').nth(1).unwrap_or("none");
    check_house(
        family,
        vec![file(path, text)],
        vec![package(name, &[])],
        expected,
    );
}

fn check_house(
    family: fn(&House, &mut Findings),
    files: Vec<TrackedFile>,
    packages: Vec<Package>,
    expected: &[&str],
) {
    let mut findings = Findings::default();
    family(&House::new(files, packages, vec![]), &mut findings);
    findings.0.sort();
    let found: Vec<String> = findings
        .0
        .iter()
        .map(|finding| format!("{}: {}", finding.line, finding.message))
        .collect();
    assert_eq!(
        found.len(),
        expected.len(),
        "found {found:#?}, expected {expected:#?}"
    );
    for (found, expected) in found.iter().zip(expected) {
        assert!(
            found.starts_with(expected),
            "found {found:?}, expected {expected:?}"
        );
    }
}

#[test]
fn the_repository_is_tidy() {
    let findings = run(&crate::repository_root()).unwrap();
    let lines: Vec<String> = findings.iter().map(ToString::to_string).collect();
    assert!(
        lines.is_empty(),
        "{} problems:\n{}",
        lines.len(),
        lines.join("\n")
    );
}

#[test]
fn a_page_has_a_head_and_fits_a_screen() {
    let path = "crates/parse/src/lib.rs";
    let page = |text: &str, expected: &[&str]| check_file(shape::check, path, text, expected);
    page("fn a() {}\n", &["1: open the file"]);
    page("//! Head.\n\nfn a() {} \n", &["3: trailing blank"]);
    page("//! Head.", &["0: end the file"]);
    page("//! H\u{e9}ad.\n", &["1: source is ASCII"]);
    page(&format!("//! {}\n", "x".repeat(97)), &["1: 101 columns"]);
    let long = format!("//! Head.\nfn a() {{\n{}}}\n", "    b();\n".repeat(69));
    page(&long, &["2: function `a` has 71 lines"]);
    page(
        &format!("//! Head.\n{}", "// x\n".repeat(800)),
        &["0: 801 lines"],
    );
}

#[test]
fn names_have_an_address() {
    let check = |path: &str, text: &str, expected: &[&str]| {
        check_file(names::check, path, text, expected);
    };
    check("crates/parse/src/util.rs", "", &["0: `util` is no address"]);
    check(
        "crates/parse/src/lib.rs",
        "fn get_name() {}\n",
        &["1: `get_name`"],
    );
    check(
        "crates/parse/src/lib.rs",
        "fn a() { todo!() }\n",
        &["1: leftover `todo!`"],
    );
    let marker = concat!("\n// TO", "DO: later\n");
    check("crates/parse/src/lib.rs", marker, &["2: `TO"]);
    check(
        "crates/parse/src/lib.rs",
        "const A: &str = \"fn get_a() dbg!\";\n",
        &[],
    );
}

#[test]
fn kinds_keep_to_their_tools() {
    let check = |path: &str, text: &str, expected: &[&str]| {
        check_file(borders::check, path, text, expected);
    };
    let lib = "crates/parse/src/lib.rs";
    check(
        lib,
        "use std::fs;\n",
        &["1: a Pure crate does not name `std::fs`"],
    );
    check(
        lib,
        "use std::{io, fs::File};\n",
        &["1: a Pure crate does not name `std::fs`"],
    );
    check(
        lib,
        "\nlet t = Instant::now();\n",
        &["2: a Pure crate does not name `Instant::now`"],
    );
    check(
        lib,
        "// std::fs and Instant::now\nuse std::net::IpAddr;\n",
        &[],
    );
    check(lib, "#[cfg(test)]\nmod tests { use std::fs; }\n", &[]);
    check("crates/parse/src/tests.rs", "use std::fs;\n", &[]);
    check(
        "crates/ledger/src/lib.rs",
        "use std::thread;\nuse std::net::TcpStream;\n",
        &["2: a Disk"],
    );
    check(
        "crates/intake/src/lib.rs",
        "use std::net::TcpStream;\n",
        &[],
    );
    check("crates/disk/src/lib.rs", "use std::fs::File;\n", &[]);
}

#[test]
fn certificates_entries_and_serde_have_owners() {
    let check = |path: &str, text: &str, expected: &[&str]| {
        check_file(borders::check, path, text, expected);
    };
    let call = concat!("let r = Redacted", "::certified(event, 1);\n");
    check(
        "crates/alert/src/tests.rs",
        call,
        &["1: only `redact` certifies"],
    );
    check("crates/redact/src/lib.rs", call, &[]);
    check(
        "crates/alert/src/lib.rs",
        "let e = Entry::new(1);\n",
        &["1: only `ledger`"],
    );
    check(
        "crates/alert/src/lib.rs",
        "match m { Entry::Vacant(v) => v.index() }\n",
        &[],
    );
    check("crates/ledger/src/lib.rs", "let e = Entry::new(1);\n", &[]);
    let derive = "#[derive(Debug, serde::Serialize)]\nstruct A;\n";
    check(
        "crates/alert/src/desk.rs",
        derive,
        &["1: derive serde only"],
    );
    check("crates/alert/src/wire.rs", derive, &[]);
    check("crates/belfry/src/config.rs", derive, &[]);
}

#[test]
fn tests_run_and_have_one_name() {
    let path = "crates/parse/src/tests.rs";
    let check = |text: &str, expected: &[&str]| check_file(trials::check, path, text, expected);
    check("#[test]\n#[ignore]\nfn a() {}\n", &["2: a slow test"]);
    check(
        "#[test]\n#[should_panic(expected = \"x\")]\nfn a() {}\n",
        &["2: test the error value"],
    );
    check(
        "#[test]\nfn a() {}\n#[test]\nfn a() {}\n",
        &["4: test `a` has a namesake"],
    );
    check("#[test]\nfn a() {}\nfn b() {}\nmod c { fn b() {} }\n", &[]);
}

#[test]
fn documents_have_one_title_and_no_home() {
    let check = |text: &str, expected: &[&str]| {
        check_file(documents::check, "docs/a.md", text, expected);
    };
    check("# A\n\n```sh\n# comment\n```\n", &[]);
    check("# A\n\n# B\n", &["0: 2 titles"]);
    check("text\n", &["0: 0 titles"]);
    check(concat!("# A\n`/wo", "rk/x`\n"), &["2: `/wo"]);
    check(concat!("# A\nsee example.com/wo", "rk/x\n"), &[]);
    let large = TrackedFile {
        path: "big.bin".to_owned(),
        bytes: 204_801,
        text: None,
    };
    check_house(documents::check, vec![large], vec![], &["0: 204801 bytes"]);
}

/// Complaints about one manifest, without those about rows that this small house lacks.
fn manifest_findings(dependencies: &[&str]) -> Vec<String> {
    let house = House::new(vec![], vec![package("parse", dependencies)], vec![]);
    let mut findings = Findings::default();
    manifests::check(&house, &mut findings);
    let about = |finding: &&Finding| !finding.message.contains("names no crate");
    findings
        .0
        .iter()
        .filter(about)
        .map(|finding| finding.message.clone())
        .collect()
}

#[test]
fn arrows_follow_the_table() {
    assert!(manifest_findings(&["event", "stdx", "memchr"]).is_empty());
    let found = manifest_findings(&["event", "stdx", "redact", "tokio", "anyhow"]);
    assert_eq!(found.len(), 4, "{found:#?}");
    assert!(found[0].starts_with("`parse` may not import `redact`"));
    assert!(found[1].starts_with("`parse` on floor 3 imports `redact`"));
    assert!(found[2].starts_with("`parse` is a Pure crate and may not depend on `tokio`"));
    assert!(found[3].starts_with("`anyhow` belongs to"));
    let stale = manifest_findings(&["event"]);
    assert_eq!(stale, ["row `parse` allows `stdx`, which is not imported"]);
}

#[test]
fn crates_and_rows_belong_together() {
    let house = House::new(vec![], vec![package("stranger", &[])], vec![]);
    let mut findings = Findings::default();
    manifests::check(&house, &mut findings);
    let messages: Vec<&str> = findings
        .0
        .iter()
        .map(|finding| finding.message.as_str())
        .collect();
    assert!(messages[0].starts_with("crate `stranger` has no row"));
    assert!(messages.contains(&"row `stdx` names no crate of the workspace"));
}

#[test]
fn borrowed_crates_carry_a_reason() {
    let manifest = "[workspace.dependencies]\nstdx = { path = \"x\" }\n\n# Why.\n\
         a = { version = \"1\", default-features = false }\nb = { version = \"1\" }\n\n[x]\n";
    let expected = ["6: `b` needs `default-features", "6: `b` needs a comment"];
    check_house(
        manifests::check,
        vec![file("Cargo.toml", manifest)],
        vec![],
        &expected,
    );
}

#[test]
fn the_lockfile_has_a_budget() {
    let lock = "[[package]]\n".repeat(301);
    check_house(
        manifests::check,
        vec![file("Cargo.lock", &lock)],
        vec![],
        &["0: 301 locked"],
    );
}

#[test]
fn crates_inherit_lints_and_use_what_they_declare() {
    let files = vec![
        file("crates/parse/Cargo.toml", "[package]\n"),
        file(
            "crates/parse/src/lib.rs",
            "use event::Event;\nuse stdx::Clock;\n",
        ),
    ];
    let mut findings = Findings::default();
    let house = House::new(
        files,
        vec![package("parse", &["event", "stdx", "memchr"])],
        vec![],
    );
    manifests::check(&house, &mut findings);
    let own = findings
        .0
        .iter()
        .filter(|finding| finding.path == "crates/parse/Cargo.toml");
    let messages: Vec<&str> = own.map(|finding| finding.message.as_str()).collect();
    assert_eq!(messages.len(), 2, "{messages:#?}");
    assert!(messages[0].starts_with("add `[lints]`"));
    assert!(messages[1].starts_with("`memchr` is declared but no code names it"));
}

#[test]
fn licences_are_expressions() {
    let check = |expression, accepted| {
        assert_eq!(licences::is_accepted(expression), accepted, "{expression}");
    };
    check("MIT OR GPL-3.0", true);
    check("MIT/Apache-2.0", true);
    check("GPL-3.0 AND MIT", false);
    check("(GPL-3.0 OR MIT) AND Unicode-3.0", true);
    check("Apache-2.0 WITH LLVM-exception", true);
    check("MIT AND (GPL-3.0 OR AGPL-3.0)", false);
    check("(MIT", false);
    check("", false);
}

#[test]
fn modules_of_tests_are_test_code() {
    let files = vec![
        file(
            "crates/parse/src/lib.rs",
            "#[cfg(test)]\nmod oracle;\nmod real;\n",
        ),
        file("crates/parse/src/oracle.rs", "use std::fs;\n"),
        file("crates/parse/src/oracle/deep.rs", "use std::fs;\n"),
    ];
    check_house(borders::check, files, vec![package("parse", &[])], &[]);
}
