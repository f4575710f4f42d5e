//! What was received does not leave the process through its memory.

use std::os::unix::fs::MetadataExt;
use std::os::unix::process::ExitStatusExt;

use crate::stand::Stand;

#[test]
fn an_aborted_process_leaves_no_core() {
    let stand = Stand::new("memory", "");
    let running = stand.run();
    let token = stand.token("app");
    running.post(&token, "password=Gull-and-Tide-77").is(200);
    let proc = format!("/proc/{}", running.id());
    let limits = std::fs::read_to_string(format!("{proc}/limits")).unwrap();
    let core = limits
        .lines()
        .find(|line| line.starts_with("Max core file size"))
        .unwrap();
    let figures: Vec<&str> = core.split_whitespace().skip(4).take(2).collect();
    assert_eq!(figures, ["0", "0"], "{core}");
    // Linux gives the files of an undumpable process to root, whoever runs it.
    let owner = std::fs::metadata(format!("{proc}/environ")).unwrap().uid();
    assert_eq!(owner, 0, "the process can be traced by its own user");
    let (status, out, err) = running.signal("ABRT");
    assert_eq!(status.signal(), Some(6));
    assert!(!status.core_dumped(), "it left a core");
    assert!(
        !out.contains("Gull-and-Tide") && !err.contains("Gull-and-Tide"),
        "{out}{err}"
    );
    let left = std::fs::read_dir(stand.path("."))
        .unwrap()
        .map(|entry| entry.unwrap().file_name());
    let cores: Vec<_> = left
        .filter(|name| name.to_string_lossy().starts_with("core"))
        .collect();
    assert!(cores.is_empty(), "{cores:?}");
}
