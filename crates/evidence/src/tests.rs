//! Files made from a small ledger: what holds holds, and every change is found.

use std::path::Path;
use std::sync::Arc;

use disk::{CrashDisk, Disk};
use event::Index;
use ledger::{Ledger, Reader};
use stdx::FakeClock;

use crate::{Bundle, Record, Report, check};

const LINES: [&str; 4] = [
    "belfry.source=shop event.action=authn_login_fail user.name=bob",
    "belfry.source=shop event.action=authn_login_fail user.name=<script>alert(1)</script>",
    "belfry.source=shop message=\"a & b </script> c\"",
    "belfry.source=shop event.action=authn_login_success user.name=bob",
];

fn reader() -> Reader {
    let disk: Arc<dyn Disk> = Arc::new(CrashDisk::new());
    let clock = Arc::new(FakeClock::at(1_767_225_600_000_000_000));
    let mut config = ledger::Config::new("/ledger", "log.example/evidence/1");
    config.reserve_bytes = 0;
    config.segment_bytes_max = 64 * 1024;
    Ledger::create(Arc::clone(&disk), clock.clone(), &config).unwrap();
    let (ledger, _) = Ledger::open(Arc::clone(&disk), clock, &config).unwrap();
    let events = LINES.iter().map(|line| event::testkit::redacted(line));
    ledger.appender().append(events.collect()).unwrap();
    ledger.rotate_epoch();
    while ledger.reader().stats().epoch() == 0 {
        std::thread::yield_now();
    }
    ledger.close().unwrap();
    Reader::open(disk, Path::new("/ledger")).unwrap()
}

fn bundle(reader: &Reader) -> Bundle {
    let note = reader.checkpoint().unwrap().to_string();
    let mut bundle = Bundle::new("entries 2 to 5", &reader.vkey(), &note);
    bundle.made_by = "kim".to_owned();
    bundle.made_at = "2026-01-01T00:00:00Z".to_owned();
    for index in 2..6 {
        let proof = reader.prove_under(Index(index), &note).unwrap();
        bundle.records.push(Record { index, proof });
    }
    let seal = reader.prove_seal(Index(5), &note).unwrap();
    bundle.seal = seal.map(Into::into);
    bundle
}

fn reasons(report: &Report) -> String {
    let reasons = report.findings.iter().map(|found| found.reason.as_str());
    reasons.collect::<Vec<_>>().join("; ")
}

#[test]
fn a_file_holds_and_shows_its_records() {
    let reader = reader();
    let html = bundle(&reader).to_html();
    let report = check(&html, Some(&reader.vkey())).unwrap();
    assert_eq!(reasons(&report), "");
    assert!(report.is_pinned && report.sealed.is_some());
    assert_eq!(report.proven.len(), 4);
    assert!(html.contains("&lt;script&gt;alert(1)&lt;/script&gt;"));
    assert_eq!(html.matches("<script").count(), 1, "records are no markup");
    assert_eq!(html.matches("</script>").count(), 1);
    let unpinned = check(&html, None).unwrap();
    assert!(unpinned.holds() && !unpinned.is_pinned);
}

#[test]
fn every_kind_of_change_is_found() {
    let reader = reader();
    let vkey = reader.vkey();
    let check_change = |what: &str, expected: &str, change: &dyn Fn(&mut Bundle)| {
        let mut forged = bundle(&reader);
        change(&mut forged);
        let report = check(&forged.to_html(), Some(&vkey)).unwrap();
        assert!(!report.holds(), "{what}");
        assert!(
            reasons(&report).contains(expected),
            "{what}: {}",
            reasons(&report)
        );
    };
    check_change("another index", "its proof is of entry 2", &|forged| {
        forged.records[0].index = 1;
    });
    check_change("order", "not in the order", &|forged| {
        forged.records.swap(0, 1);
    });
    check_change("checkpoint", "checkpoint", &|forged| {
        forged.checkpoint = forged.checkpoint.replacen('7', "8", 1);
    });
    check_change("seal", "", &|forged| {
        forged.seal.as_mut().unwrap().note.push('x');
    });
    check_change("key", "names the key", &|forged| {
        forged.vkey = "other+00000000+AAAA".to_owned();
    });
    check_change("policy", "policy", &|forged| {
        forged.policy = "no policy".to_owned();
    });
}

#[test]
fn an_edited_page_is_found() {
    let reader = reader();
    let html = bundle(&reader).to_html();
    let edited = html.replacen("authn_login_fail", "authn_login_success", 1);
    let report = check(&edited, Some(&reader.vkey())).unwrap();
    assert!(reasons(&report).contains("readable page"), "{report:?}");
}

#[test]
fn foreign_files_are_refused() {
    let long = "<".repeat(100_000);
    for text in ["", "<html></html>", "{}", &long] {
        assert!(check(text, None).is_err());
    }
    let reader = reader();
    let html = bundle(&reader).to_html();
    let cut = &html[..html.len() - 40];
    assert!(check(cut, None).is_err());
    let other = html.replace("belfry-evidence/1", "belfry-evidence/9");
    assert!(check(&other, None).is_err());
    assert!(check(&html, Some("nonsense")).is_err());
}
