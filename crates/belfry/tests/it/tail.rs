//! Files are followed through rotation, truncation and restarts.

use std::collections::HashSet;
use std::fs::{File, OpenOptions};
use std::io::Write;

use crate::stand::{Stand, eventually, texts};

const FILE: &str = "[[intake.file]]\nsource = 'app'\npath = 'DIR/app.log'\n";

fn append(stand: &Stand, numbers: std::ops::Range<u32>) {
    let opened = OpenOptions::new()
        .create(true)
        .append(true)
        .open(stand.path("app.log"));
    let mut file: File = opened.unwrap();
    for number in numbers {
        writeln!(file, "level=info seq=n{number}e msg=\"request served\"").unwrap();
    }
}

/// Waits until each of `numbers` is an entry; none may be missing, and `twice` says whether one
/// may come again.
fn check_all(stand: &Stand, numbers: std::ops::Range<u32>, twice: bool) {
    let wanted: HashSet<String> = numbers.map(|number| format!("n{number}e")).collect();
    let found = eventually("all lines are entries", || {
        let found = stand.search("belfry.source:app AND seq:*");
        let seen: HashSet<&str> = texts(&found, "seq").into_iter().collect();
        wanted
            .iter()
            .all(|seq| seen.contains(seq.as_str()))
            .then_some(found)
    });
    if !twice {
        assert_eq!(found.len(), wanted.len());
    }
    assert!(
        texts(&found, "belfry.listener")
            .iter()
            .all(|door| *door == "file")
    );
}

#[test]
fn rotation_truncation_and_restart() {
    let stand = Stand::new("tail-life", FILE);
    append(&stand, 0..50);
    let running = stand.run();
    check_all(&stand, 0..50, false);
    append(&stand, 50..60);
    check_all(&stand, 0..60, false);

    std::fs::rename(stand.path("app.log"), stand.path("app.log.1")).unwrap();
    append(&stand, 60..90);
    check_all(&stand, 0..90, false);

    File::create(stand.path("app.log")).unwrap();
    append(&stand, 90..95);
    check_all(&stand, 0..95, false);
    running.stop();

    append(&stand, 95..140);
    let running = stand.run();
    check_all(&stand, 0..140, false);
    running.stop();

    append(&stand, 140..150);
    std::fs::rename(stand.path("app.log"), stand.path("app.log.1")).unwrap();
    append(&stand, 150..160);
    let running = stand.run();
    check_all(&stand, 0..160, false);
    for action in ["log_rotated", "log_truncated", "log_started"] {
        let found = stand.search(&format!("belfry.source:self AND event.action:{action}"));
        assert!(!found.is_empty(), "{action} is an entry");
    }
    running.stop();
    stand.verify();
}

#[test]
fn a_crash_skips_no_line() {
    let stand = Stand::new("tail-crash", FILE);
    let mut last = 0;
    for _ in 0..5 {
        append(&stand, last..last + 200);
        let running = stand.run();
        append(&stand, last + 200..last + 400);
        last += 400;
        eventually("some of it is there", || {
            let found = stand.search(&format!("belfry.source:app AND seq:n{}e", last - 400));
            (!found.is_empty()).then_some(())
        });
        running.kill();
    }
    let running = stand.run();
    check_all(&stand, 0..last, true);
    running.stop();
    stand.verify();
}

#[test]
fn a_file_that_comes_later_and_one_read_from_its_end() {
    let more = "[[intake.file]]\nsource = 'app'\npath = 'DIR/app.log'\n\
                [[intake.file]]\nsource = 'old'\npath = 'DIR/old.log'\nstart = 'end'\n";
    let stand = Stand::new("tail-late", more);
    stand.write("old.log", b"seq=history msg=x\n");
    let running = stand.run();
    eventually("the old file is followed", || {
        let found = stand.search("event.action:log_started AND log.file.path:*old.log");
        (!found.is_empty()).then_some(())
    });
    append(&stand, 0..10);
    check_all(&stand, 0..10, false);
    let mut old = OpenOptions::new()
        .append(true)
        .open(stand.path("old.log"))
        .unwrap();
    old.write_all(b"seq=news msg=x\n").unwrap();
    let found = eventually("news of the old file", || {
        let found = stand.search("belfry.source:old");
        (!found.is_empty()).then_some(found)
    });
    assert_eq!(texts(&found, "seq"), ["news"]);
    running.stop();
}
