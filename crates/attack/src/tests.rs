//! Corpora: text in, hits out.

use std::fmt::Write as _;
use std::path::PathBuf;

use proptest::prelude::*;

use super::*;

mod figures;

/// A file of `fixtures/attack`.
pub(super) fn fixture(name: &str) -> PathBuf {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    root.join("../../fixtures/attack").join(name)
}

/// The surest hit of a text in one part of a request.
pub(super) fn surest(part: &str, text: &str) -> Option<(String, Hit)> {
    let mut best: Option<(String, Hit)> = None;
    for hit in hits(part, text) {
        if best
            .as_ref()
            .is_none_or(|best| best.1.confidence < hit.1.confidence)
        {
            best = Some(hit);
        }
    }
    best
}

fn hits(part: &str, text: &str) -> Vec<(String, Hit)> {
    let mut scanner = Scanner::default();
    let mut found = Vec::new();
    let target = format!("/search?q={text}");
    let empty = Request::default();
    let request = match part {
        "query" => {
            let value = scanner.value(Place::Query, "q", text);
            found.extend(value.iter().map(|hit| ("query.q".to_owned(), hit)));
            empty
        }
        "raw" => Request {
            target: &target,
            ..empty
        },
        "target" => Request {
            target: text,
            ..empty
        },
        "body" => Request {
            body: text,
            ..empty
        },
        "agent" => Request {
            agent: text,
            ..empty
        },
        "referrer" => Request {
            referrer: text,
            ..empty
        },
        "name" => Request {
            account: text,
            ..empty
        },
        other => panic!("unknown part {other}"),
    };
    scanner.request(&request, &mut |part, hit| {
        found.push((part.to_string(), hit));
    });
    found
}

/// Every byte percent-encoded.
pub(super) fn encode(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        write!(out, "%{byte:02x}").unwrap();
    }
    out
}

fn lines(name: &str) -> Vec<String> {
    let text = std::fs::read_to_string(fixture(name)).unwrap();
    let lines = text
        .lines()
        .filter(|line| !line.starts_with("# ") && !line.is_empty());
    lines.map(str::to_owned).collect()
}

#[test]
fn honest_texts_ring_nowhere() {
    let mut alarms = Vec::new();
    for line in lines("benign.txt") {
        let (part, text) = line.split_once('\t').unwrap();
        let mut forms = vec![(part, text.to_owned())];
        if part == "query" {
            forms.push(("query", encode(text)));
            forms.push(("raw", text.to_owned()));
        }
        for (part, text) in forms {
            let found = surest(part, &text).filter(|(_, hit)| hit.confidence >= REPORT_MIN);
            if let Some(found) = found {
                alarms.push(format!("{line} -> {found:?}"));
                break;
            }
        }
    }
    assert!(alarms.is_empty(), "{}", alarms.join("\n"));
}

#[test]
fn disguise_does_not_help() {
    let mut tally = std::collections::BTreeMap::<String, (usize, usize)>::new();
    let mut missed = String::new();
    for line in lines("evasion.txt") {
        let mut columns = line.splitn(3, '\t');
        let mut next = || columns.next().unwrap();
        let (class, part, text) = (next(), next(), next());
        let found = hits(part, text);
        let rang = found
            .iter()
            .any(|(_, hit)| hit.class.name() == class && hit.confidence >= REPORT_MIN);
        let tally = tally.entry(class.to_owned()).or_default();
        tally.0 += usize::from(rang);
        tally.1 += 1;
        if !rang {
            writeln!(missed, "{line} -> {found:?}").unwrap();
        }
    }
    println!("evasion: {tally:?}\n{missed}");
    for (class, (rang, all)) in tally {
        assert!(rang * 100 >= all * 95, "{class}: {rang} of {all}\n{missed}");
    }
}

/// The vectors are texts that people read, so they stand in the name of an account or a parameter.
#[test]
fn the_vectors_are_recognised() {
    let mut missed = String::new();
    for line in lines("vectors.txt") {
        let bytes: Vec<u8> = {
            let hex = line.rsplit('\t').next().unwrap();
            (0..hex.len())
                .step_by(2)
                .map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap())
                .collect()
        };
        let mut encoded = String::new();
        for byte in bytes {
            write!(encoded, "%{byte:02x}").unwrap();
        }
        let found: Vec<_> = ["query", "name"]
            .iter()
            .filter_map(|part| surest(part, &encoded))
            .collect();
        let sure = found
            .iter()
            .map(|(_, hit)| hit.confidence)
            .max()
            .unwrap_or(0);
        // A backslash before an `n` is also how honest paths are written.
        let wanted = if line.starts_with("V19") {
            40
        } else {
            REPORT_MIN
        };
        if sure < wanted {
            writeln!(missed, "{line} {found:?}").unwrap();
        }
    }
    assert!(missed.is_empty(), "{missed}");
}

#[test]
fn a_hit_says_where_and_what() {
    let check = |part: &str, text: &str, expected: &str| {
        let (part, hit) = surest(part, text).unwrap();
        assert_eq!(
            format!("{part} {} {}", hit.class.name(), hit.construct),
            expected
        );
    };
    check(
        "target",
        "/item?a=b&id=-1%20union%20select%201,2",
        "query.id sqli union-select",
    );
    check(
        "target",
        "/a/..%2f..%2f..%2fetc/passwd?x=1",
        "path path_traversal climb-to-file",
    );
    check(
        "body",
        r#"{"a":{"note":"<img src=x onerror=alert(1)>"}}"#,
        "body.note xss event-handler",
    );
    check(
        "body",
        "a=1&host=x%3bcat+/etc/passwd",
        "body.host command_injection command-separator",
    );
    check(
        "agent",
        "${jndi:ldap://x/a}",
        "user-agent command_injection jndi-lookup",
    );
    check(
        "referrer",
        "https://x.example/?q=%7b%7b7*7%7d%7d",
        "referrer.q template_injection template-arithmetic",
    );
    check("name", "bob\r\nadmin", "user-name log_injection line-end");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn any_text_gives_an_answer(text in ".{0,200}", part in 0..6_usize) {
        let part = ["query", "target", "body", "agent", "referrer", "name"][part];
        hits(part, &text);
    }

    #[test]
    fn any_marks_give_an_answer(text in "[-'\"`()<>;|&${}\\\\ =#*:/.%+a-f0-9\n@!,]{0,400}") {
        for part in ["query", "raw", "target", "body", "agent", "referrer", "name"] {
            hits(part, &text);
        }
    }
}

/// What a huge value costs is bounded: only its first bytes are looked at, and each kind of mark,
/// repeated, goes through every scanner.
#[test]
fn huge_values_are_bounded() {
    for seed in [
        "'", "<", "${", "{{", "`", "$(", "../", "%25", "((", "or 1", "<a b=", "http://", "&#x41;",
        "'or ", "\"{\"",
    ] {
        let text = seed.repeat(10 * 1024 * 1024 / seed.len());
        for part in ["target", "body", "agent", "name"] {
            hits(part, &text);
        }
    }
}
