//! Every mistake is found at once, with its line and the nearest right name.

use super::*;

fn problems(text: &str) -> Vec<String> {
    match Config::from_text(text) {
        Ok(_) => Vec::new(),
        Err(problems) => problems
            .iter()
            .map(|p| format!("{}: {}", p.place, p.message))
            .collect(),
    }
}

#[test]
fn defaults_are_complete_and_safe() {
    let config = Config::from_text("").expect("an empty file is fine");
    assert!(config.admin_listen.ip().is_loopback());
    assert!(
        config
            .http_listen
            .is_some_and(|address| address.ip().is_loopback())
    );
    assert_eq!(config.checkpoint_interval, Duration::from_secs(1));
    assert!(config.syslog_udp.is_empty() && config.files.is_empty() && config.webhooks.is_empty());
}

#[test]
fn all_mistakes_at_once_with_lines() {
    let text = "[data]\ndri = \"x\"\n[ledger]\nsegment_size_max = \"big\"\n\
                [[intake.syslog_udp]]\nsource = \"self\"\nlisten = \"127.0.0.1:1\"\n\
                [[intake.file]]\nsource = \"app\"\n";
    let mut found = problems(text);
    found.sort();
    assert_eq!(
        found,
        [
            "belfry.toml:2: unknown key `data.dri`; did you mean `data.dir`?",
            "belfry.toml:4: `ledger.segment_size_max` must be a size such as \"64MiB\"",
            "belfry.toml:6: `intake.syslog_udp[0].source` must be a name of a-z, A-Z, 0-9, dot, \
             dash, underscore (not `self`)",
            "belfry.toml:9: `intake.file[0]` lacks the key `path`",
        ]
    );
}

#[test]
fn broken_toml_names_its_line() {
    let found = problems("[data]\ndir = \n");
    assert!(
        found.len() == 1 && found[0].starts_with("belfry.toml:2: "),
        "{found:?}"
    );
}

#[test]
fn the_reference_page_is_fresh() {
    let stored = include_str!("../../../../docs/guide/config.md");
    assert!(
        stored == reference_page(),
        "docs/guide/config.md is stale: cargo run -- check --print-reference > docs/guide/config.md"
    );
}

#[test]
fn the_annotated_file_reads_as_the_defaults() {
    assert!(problems(&annotated_file()).is_empty());
}

#[test]
fn what_a_start_would_refuse_is_a_problem() {
    let check = |text: &str, expected: &[&str]| assert_eq!(problems(text), expected, "{text}");
    check(
        "[ledger]\nsegment_size_max = \"2GiB\"\norigin = \"a b+c\"\n\
         [pipeline]\nworkers = 0\n[watch]\ndefect_percent_max = 101\n",
        &[
            "belfry.toml:2: `ledger.segment_size_max` is 2GiB: it must be between 8.0 KiB and \
             1.0 GiB",
            "belfry.toml:3: `ledger.origin` must be a name without spaces, control characters \
             and `+`",
            "belfry.toml:5: `pipeline.workers` is 0: it must be between 1 and 64",
            "belfry.toml:7: `watch.defect_percent_max` is 101: it must be between 0 and 100",
        ],
    );
    let file = "[[intake.file]]\nsource = \"a\"\npath = \"x.log\"\n";
    check(
        &file.repeat(2),
        &[
            "belfry.toml:6: `intake.file[1].path` is `x.log` like `intake.file[0].path`: each must \
           differ",
        ],
    );
}

#[test]
fn receivers_are_called_by_their_own_names_over_https() {
    let check = |name: &str, url: &str, expected: &str| {
        let text =
            format!("[[alert.webhook]]\nname = \"{name}\"\nurl = \"{url}\"\nsecret_file = \"s\"\n");
        assert_eq!(problems(&text).join("\n"), expected, "{name} {url}");
    };
    let bad = "belfry.toml:3: `alert.webhook[0].url` must be an https address without a user name \
               (http only to this machine)";
    for url in [
        "https://x.example/h?t=1",
        "http://127.0.0.1:9/",
        "http://[::1]:9/x",
        "http://localhost",
    ] {
        check("ops", url, "");
    }
    for url in [
        "http://x.example/",
        "ftp://x",
        "x.example",
        "https://",
        "http://127.0.0.1.evil.example/",
    ] {
        check("ops", url, bad);
    }
    let taken = "belfry.toml:2: `alert.webhook[0].name` is `stdout`: this name belongs to another \
                 way of telling";
    check("stdout", "https://x.example/", taken);
}

#[cfg(unix)]
#[test]
fn foreign_bytes_in_the_environment_are_no_reason_to_fall() {
    use std::ffi::OsString;
    use std::os::unix::ffi::OsStringExt;
    let mut reading = Reading::default();
    let odd = OsString::from_vec(vec![b'x', 0xFF]);
    let variables = [
        (odd.clone(), odd.clone()),
        ("OTHER".into(), odd.clone()),
        ("BELFRY__DATA__DIR".into(), odd),
        ("BELFRY__REDACT__KEY_ID".into(), "k2".into()),
    ];
    reading.add_environment(variables.into_iter());
    assert_eq!(reading.text("redact.key_id"), "k2");
    assert_eq!(reading.problems.len(), 1, "{:?}", reading.problems);
    assert_eq!(reading.problems[0].place, "BELFRY__DATA__DIR");
}

#[test]
fn the_digest_text_is_what_is_in_force() {
    let text = |toml: &str| {
        let config = Config::from_text(toml).expect("good settings");
        config.digest_text().to_owned()
    };
    let plain = text("");
    assert_eq!(
        plain,
        text("data.dir = \"elsewhere\"\nredact.key_id = \"k1\"\n")
    );
    assert_ne!(plain, text("redact.key_id = \"k2\"\n"));
    assert!(!plain.contains("data.dir") && plain.contains("ledger.origin = "));
}
