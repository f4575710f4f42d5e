//! Real files in a temporary folder: growth, rotation, truncation, restarts.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;

use disk::RealDisk;
use event::limits::FRAME_BYTES_MAX;
use stdx::FakeClock;

use super::*;
use crate::door::Refusal;
use crate::testkit::{FakeDoor, Mood};

/// A folder that is removed at the end of its test.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("intake-tail-{}-{number}", std::process::id());
        let path = std::env::temp_dir().join(name);
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    fn make_pipe(&self, name: &str) {
        use rustix::fs::{CWD, FileType, Mode, mknodat};
        let mode = Mode::RUSR | Mode::WUSR;
        mknodat(CWD, self.path(name), FileType::Fifo, mode, 0).unwrap();
    }

    fn append(&self, name: &str, text: &str) {
        let mut options = OpenOptions::new();
        let mut file = options
            .append(true)
            .create(true)
            .open(self.path(name))
            .unwrap();
        file.write_all(text.as_bytes()).unwrap();
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A running tail over files of a folder, `app.log` alone unless said otherwise.
struct Running {
    door: Arc<FakeDoor>,
    stop: watch::Sender<bool>,
    thread: JoinHandle<()>,
}

impl Running {
    fn new(folder: &Folder, start: Start) -> Self {
        Self::over(folder, &["app.log"], start)
    }

    fn over(folder: &Folder, names: &[&str], start: Start) -> Self {
        let door = FakeDoor::open();
        let (stop, stopped) = watch::channel(false);
        let file = |name: &&str| TailFile {
            source: "app".into(),
            path: folder.path(name),
        };
        let files = names.iter().map(file).collect();
        let config = TailConfig {
            start,
            poll: Duration::from_millis(10),
            retired_time: Duration::from_millis(300),
            ..TailConfig::standard(files, folder.path("positions"))
        };
        let as_door = Arc::clone(&door) as Arc<dyn Door>;
        let disk = Arc::new(RealDisk::new());
        let clock = Arc::new(FakeClock::at(1));
        let thread = std::thread::spawn(move || run(config, disk, as_door, clock, stopped));
        Self { door, stop, thread }
    }

    fn wait(&self, expected: &[&str]) {
        assert_eq!(self.door.wait_for(expected.len()), expected);
    }

    fn wait_note(&self, is_wanted: impl Fn(&FileOccurrence) -> bool) {
        self.door.wait_until(|door| {
            let is_wanted = |note: &Occurrence| {
                matches!(note, Occurrence::File { what, .. } if is_wanted(what))
            };
            door.notes().iter().any(is_wanted)
        });
    }

    fn stop(self) {
        self.stop.send(true).unwrap();
        self.thread.join().unwrap();
    }
}

#[test]
fn growth_and_partial_lines() {
    let folder = Folder::new();
    folder.append("app.log", "one\ntwo\nthr");
    let tail = Running::new(&folder, Start::Beginning);
    tail.wait(&["one", "two"]);
    folder.append("app.log", "ee\r\n\nfour");
    tail.wait(&["one", "two", "three"]);
    folder.append("app.log", "\n");
    tail.wait(&["one", "two", "three", "four"]);
    tail.stop();
}

#[test]
fn a_restart_goes_on_where_it_was() {
    let folder = Folder::new();
    folder.append("app.log", "one\ntwo\nhalf");
    let tail = Running::new(&folder, Start::End);
    tail.wait_note(|what| matches!(what, FileOccurrence::Opened { offset: 12 }));
    tail.stop();
    // Seen from its end; the rest of the half line is what came after.
    folder.append("app.log", " a line\nthree\n");
    let tail = Running::new(&folder, Start::End);
    tail.wait(&[" a line", "three"]);
    tail.stop();
    folder.append("app.log", "four\nfi");
    let tail = Running::new(&folder, Start::Beginning);
    tail.wait(&["four"]);
    tail.stop();
    folder.append("app.log", "ve\n");
    let tail = Running::new(&folder, Start::Beginning);
    tail.wait(&["five"]);
    tail.stop();
}

#[test]
fn rotation_reads_the_old_file_to_its_end() {
    let folder = Folder::new();
    folder.append("app.log", "one\n");
    let tail = Running::new(&folder, Start::Beginning);
    tail.wait(&["one"]);
    fs::rename(folder.path("app.log"), folder.path("app.log.1")).unwrap();
    folder.append("app.log.1", "two\n");
    tail.wait(&["one", "two"]);
    folder.append("app.log", "three\n");
    tail.wait(&["one", "two", "three"]);
    // The daemon has not reopened its log yet.
    folder.append("app.log.1", "late\nlast without end");
    tail.wait(&["one", "two", "three", "late", "last without end"]);
    tail.stop();
}

#[test]
fn rotation_while_we_are_away() {
    let folder = Folder::new();
    folder.append("app.log", "one\n");
    let tail = Running::new(&folder, Start::Beginning);
    tail.wait(&["one"]);
    tail.stop();
    folder.append("app.log", "two\n");
    fs::rename(folder.path("app.log"), folder.path("app.log.1")).unwrap();
    folder.append("app.log", "three\n");
    let tail = Running::new(&folder, Start::End);
    let mut texts = tail.door.wait_for(2);
    texts.sort();
    assert_eq!(texts, ["three", "two"]);
    tail.stop();
}

#[test]
fn truncation_and_copytruncate() {
    let folder = Folder::new();
    folder.append("app.log", "one\ntwo\n");
    let tail = Running::new(&folder, Start::Beginning);
    tail.wait(&["one", "two"]);
    File::create(folder.path("app.log")).unwrap();
    tail.wait_note(|what| matches!(what, FileOccurrence::Truncated { offset: 8 }));
    folder.append("app.log", "x\n");
    tail.wait(&["one", "two", "x"]);
    // Cut and grown beyond the old position between two looks: only the first bytes tell.
    fs::write(folder.path("app.log"), "another beginning\nand more\n").unwrap();
    tail.wait(&["one", "two", "x", "another beginning", "and more"]);
    tail.stop();
    fs::write(
        folder.path("app.log"),
        "cut while away and much longer than before\n",
    )
    .unwrap();
    let tail = Running::new(&folder, Start::End);
    tail.wait(&["cut while away and much longer than before"]);
    tail.stop();
}

#[test]
fn a_missing_file_appears_later_and_is_told_once() {
    let folder = Folder::new();
    let tail = Running::new(&folder, Start::End);
    tail.wait_note(|what| *what == FileOccurrence::Missing);
    std::thread::sleep(Duration::from_millis(100));
    folder.append("app.log", "one\n");
    tail.wait(&["one"]);
    let is_missing = |note: &&Occurrence| {
        matches!(
            note,
            Occurrence::File {
                what: FileOccurrence::Missing,
                ..
            }
        )
    };
    assert_eq!(tail.door.notes().iter().filter(is_missing).count(), 1);
    tail.stop();
}

/// Names of the paths noted as unreadable because no ordinary file is there, in order.
fn told_as_not_regular(door: &FakeDoor) -> Vec<String> {
    let mut told = Vec::new();
    for note in door.notes() {
        if let Occurrence::File { path, what, .. } = note
            && let FileOccurrence::Unreadable { error } = what
        {
            assert!(error.ends_with(": not a regular file"), "{error}");
            told.push(path.rsplit('/').next().unwrap_or_default().to_owned());
        }
    }
    told.sort();
    told
}

#[test]
fn pipes_folders_and_devices_do_not_stop_the_other_files() {
    let folder = Folder::new();
    folder.make_pipe("pipe.log");
    fs::create_dir(folder.path("folder.log")).unwrap();
    std::os::unix::fs::symlink("/dev/zero", folder.path("device.log")).unwrap();
    folder.append("app.log", "one\n");
    let names = ["pipe.log", "folder.log", "device.log", "app.log"];
    let tail = Running::over(&folder, &names, Start::Beginning);
    tail.wait(&["one"]);
    // A pipe takes the path of a file that was followed: what the file held is read to its end.
    fs::rename(folder.path("app.log"), folder.path("app.log.1")).unwrap();
    folder.append("app.log.1", "two\n");
    folder.make_pipe("app.log");
    tail.wait(&["one", "two"]);
    tail.door
        .wait_until(|door| told_as_not_regular(door).len() == 4);
    fs::remove_file(folder.path("app.log")).unwrap();
    fs::remove_file(folder.path("pipe.log")).unwrap();
    folder.append("pipe.log", "three\n");
    tail.wait(&["one", "two", "three"]);
    folder.append("app.log", "four\n");
    tail.wait(&["one", "two", "three", "four"]);
    let told = told_as_not_regular(&tail.door);
    assert_eq!(told, ["app.log", "device.log", "folder.log", "pipe.log"]);
    tail.stop();
}

#[test]
fn a_refusing_door_loses_nothing() {
    let folder = Folder::new();
    folder.append("app.log", "one\ntwo\n");
    let door_moods = [
        Mood::Busy(Duration::from_millis(5)),
        Mood::Refuse(Refusal::DiskFull),
        Mood::Busy(Duration::from_millis(5)),
    ];
    let tail = Running::new(&folder, Start::End);
    tail.wait_note(|what| matches!(what, FileOccurrence::Opened { .. }));
    for mood in door_moods {
        tail.door.be(mood);
    }
    folder.append("app.log", "three\nfour\n");
    tail.wait(&["three", "four"]);
    tail.stop();
}

#[test]
fn a_kill_before_the_positions_are_saved_repeats_lines() {
    let folder = Folder::new();
    folder.append("app.log", "one\n");
    let tail = Running::new(&folder, Start::Beginning);
    tail.wait(&["one"]);
    tail.stop();
    let saved = fs::read(folder.path("positions")).unwrap();
    folder.append("app.log", "two\n");
    let tail = Running::new(&folder, Start::Beginning);
    tail.wait(&["two"]);
    tail.stop();
    // As if the process had died between the answer of the door and the save.
    fs::write(folder.path("positions"), saved).unwrap();
    let tail = Running::new(&folder, Start::Beginning);
    tail.wait(&["two"]);
    tail.stop();
    fs::write(folder.path("positions"), b"rubbish").unwrap();
    let tail = Running::new(&folder, Start::Beginning);
    tail.wait(&["one", "two"]);
    let is_told = |note: &Occurrence| matches!(note, Occurrence::PositionsFailed { .. });
    assert!(tail.door.notes().iter().any(is_told));
    tail.stop();
}

#[test]
fn long_lines_are_cut_across_a_restart() {
    let folder = Folder::new();
    folder.append("app.log", &"x".repeat(FRAME_BYTES_MAX + 10));
    let tail = Running::new(&folder, Start::Beginning);
    tail.door.wait_for(1);
    tail.stop();
    folder.append("app.log", "rest of the line\nnext\n");
    let tail = Running::new(&folder, Start::Beginning);
    tail.wait(&["next"]);
    tail.stop();
}

#[test]
fn positions_are_written_and_read_alike() {
    let position = Position {
        path: PathBuf::from("/var/log/a b%\n\u{e9}.log"),
        id: disk::FileId {
            device: 3,
            inode: 99,
        },
        offset: 12,
        inside_line: true,
        fingerprint: positions::Fingerprint { len: 9, hash: 77 },
    };
    let text = positions::write(std::slice::from_ref(&position));
    assert!(text.is_ascii() && text.lines().count() == 2, "{text}");
    assert_eq!(positions::read(&text), Some(vec![position]));
    for broken in [
        "",
        "belfry-tail 2\n",
        "belfry-tail 1\n1 2 3\n",
        "belfry-tail 1\n\n",
    ] {
        assert_eq!(positions::read(broken), None, "{broken:?}");
    }
}

#[test]
fn a_large_file_takes_several_turns_and_survives_its_rotation() {
    let folder = Folder::new();
    let line = format!("{}\n", "z".repeat(999));
    folder.append("app.log", &line.repeat(40_000));
    let tail = Running::new(&folder, Start::Beginning);
    tail.wait_note(|what| matches!(what, FileOccurrence::Opened { .. }));
    fs::rename(folder.path("app.log"), folder.path("app.log.1")).unwrap();
    folder.append("app.log", "new\n");
    let texts = tail.door.wait_for(40_001);
    assert_eq!(texts.iter().filter(|text| *text == "new").count(), 1);
    tail.stop();
}
