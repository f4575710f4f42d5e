//! A checker that shares no line with us (`checks/independent`, Go and golang.org/x/mod) reads
//! what Belfry publishes, agrees while it is whole, and disagrees with every forgery.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::stand::{Running, Stand, eventually};

/// Where Debian keeps the sources of Go packages.
const GOPATH: &str = "/usr/share/gocode";
/// Events: two full bundles and a partial one.
const EVENTS: u64 = 600;

/// The checker, built; `None` where Go or its package is missing.
fn checker(stand: &Stand) -> Option<PathBuf> {
    let package = Path::new(GOPATH).join("src/golang.org/x/mod/sumdb/tlog");
    let go = ["go", "/usr/lib/go-1.19/bin/go"].into_iter().find(|go| {
        let version = Command::new(go).arg("version").output();
        version.is_ok_and(|output| output.status.success())
    });
    let (Some(go), true) = (go, package.is_dir()) else {
        println!("SKIPPED: needs the Debian packages golang-go and golang-golang-x-mod-dev");
        return None;
    };
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../checks/independent/main.go");
    let program = stand.path("independent");
    let built = Command::new(go)
        .args(["build", "-o"])
        .arg(&program)
        .arg(source)
        .envs([("GO111MODULE", "off"), ("GOPATH", GOPATH), ("GOFLAGS", "")])
        .env("GOCACHE", Path::new(env!("CARGO_TARGET_TMPDIR")).join("go"))
        .output()
        .unwrap();
    assert!(
        built.status.success(),
        "{}",
        String::from_utf8_lossy(&built.stderr)
    );
    Some(program)
}

fn run(program: &Path, vkey: &str, more: &[&str]) -> Output {
    let output = Command::new(program)
        .args(["-vkey", vkey])
        .args(more)
        .output();
    output.unwrap()
}

/// Writes all that a log of `size` publishes into a folder, as a mirror would have it.
fn mirror(stand: &Stand, running: &Running) -> PathBuf {
    let folder = stand.path("mirror");
    let (_, note) = running.published("/checkpoint");
    let size = note.lines().nth(1).unwrap().parse::<u64>().unwrap();
    let mut paths = Vec::new();
    let mut row = size;
    for level in ["entries", "0", "1"] {
        for index in 0..row.div_ceil(256) {
            let width = (row - index * 256).min(256);
            let partial = if width < 256 {
                format!(".p/{width}")
            } else {
                String::new()
            };
            paths.push(format!("tile/{level}/{index:03}{partial}"));
        }
        if level == "0" {
            row /= 256;
        }
    }
    for path in paths {
        let (status, bytes) = running.published_bytes(&format!("/{path}"));
        assert_eq!(status, 200, "{path}");
        let file = folder.join(path);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, bytes).unwrap();
    }
    std::fs::write(folder.join("checkpoint"), note).unwrap();
    folder
}

/// Changes the mirror by `forge`, expects the checker to refuse, and puts everything back.
fn refused(program: &Path, vkey: &str, folder: &Path, forge: impl FnOnce(&Path)) {
    let copy = folder.with_extension("copy");
    let copied = Command::new("cp").arg("-a").arg(folder).arg(&copy).status();
    assert!(copied.unwrap().success());
    forge(&copy);
    let dir = copy.display().to_string();
    let output = run(program, vkey, &["-dir", &dir]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.starts_with("does not hold: "), "{said}");
    std::fs::remove_dir_all(copy).unwrap();
}

fn flip(path: &Path, at: usize) {
    let mut bytes = std::fs::read(path).unwrap();
    bytes[at] ^= 1;
    std::fs::write(path, bytes).unwrap();
}

#[test]
fn a_stranger_checks_the_published_ledger() {
    let more = "[publish]\nenabled = true\nlisten = '127.0.0.1:0'\n\
                [witness]\ninterval = '100ms'\n\
                [witness.serve]\nenabled = true\nlisten = '127.0.0.1:0'\n";
    let stand = Stand::new("independent", more);
    let Some(program) = checker(&stand) else {
        return;
    };
    let running = stand.run();
    let lines: Vec<String> = (0..EVENTS)
        .map(|number| format!("{{\"n\":{number}}}"))
        .collect();
    running.post(&stand.token("shop"), lines.join("\n")).is(200);
    eventually("the checkpoint covers the events", || {
        let (_, note) = running.published("/checkpoint");
        let size: u64 = note.lines().nth(1)?.parse().ok()?;
        (EVENTS <= size).then_some(())
    });
    let card = stand.json(&["witness", "pair"], 0)[0]["card"]
        .as_str()
        .unwrap()
        .to_owned();
    let words: Vec<&str> = card.split(' ').collect();
    let (vkey, witness) = (words[1], words[2]);
    let url = format!("http://{}", running.publish());
    let output = run(&program, vkey, &["-url", &url]);
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let talk = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.starts_with("holds: "), "{said}{talk}");
    // A cosignature by our own witness, which the checker reads by itself.
    stand.belfry(&["witness", "add-log", vkey]).ends(0);
    let policy = format!(
        "log {vkey}\nwitness w {witness} http://{}\nquorum w\n",
        running.witness()
    );
    stand.write("data/witness/policy", policy.as_bytes());
    eventually("the published checkpoint is cosigned", || {
        let output = run(&program, vkey, &["-url", &url, "-witness", witness]);
        output.status.success().then_some(())
    });
    let folder = mirror(&stand, &running);
    let dir = folder.display().to_string();
    assert!(run(&program, vkey, &["-dir", &dir]).status.success());
    let other = vkey.replacen("belfry.local", "other.local", 1);
    assert!(!run(&program, &other, &["-dir", &dir]).status.success());
    let check = |forge: &dyn Fn(&Path)| refused(&program, vkey, &folder, forge);
    check(&|dir| flip(&dir.join("tile/0/000"), 4000));
    check(&|dir| flip(&dir.join("tile/0/001"), 8191));
    check(&|dir| flip(&dir.join("tile/1/000.p/2"), 40));
    check(&|dir| flip(&dir.join("tile/entries/000"), 100));
    check(&|dir| flip(&dir.join("tile/entries/001"), 0));
    check(&|dir| {
        let (one, two) = (dir.join("tile/entries/000"), dir.join("tile/entries/001"));
        let kept = std::fs::read(&one).unwrap();
        std::fs::rename(&two, &one).unwrap();
        std::fs::write(two, kept).unwrap();
    });
    check(&|dir| std::fs::remove_file(dir.join("tile/0/001")).unwrap());
    check(&|dir| {
        let note = std::fs::read_to_string(dir.join("checkpoint")).unwrap();
        let size = note.lines().nth(1).unwrap().to_owned();
        let edited = note.replacen(&size, "512", 1);
        std::fs::write(dir.join("checkpoint"), edited).unwrap();
    });
    running.stop();
}
