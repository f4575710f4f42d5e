//! The double must be stricter than any real disk, and the real disk must agree with it.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use crate::{AlignedBuffer, CrashDisk, Disk, DiskError, PAGE_BYTES, RealDisk, Survival};

fn folder() -> PathBuf {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let id = NEXT.fetch_add(1, Ordering::Relaxed);
    std::env::temp_dir().join(format!("disk-test-{}-{id}", std::process::id()))
}

fn read(disk: &dyn Disk, path: &Path) -> String {
    match disk.read(path, 1 << 20) {
        Ok(bytes) => String::from_utf8(bytes).unwrap(),
        Err(error) if error.is_not_found() => "(none)".to_owned(),
        Err(error) => error.to_string(),
    }
}

/// The same walk over every operation must give the same story on both disks.
fn check_story(disk: &dyn Disk, root: &Path) {
    let dir = root.join("a/b");
    disk.create_dir_all(&dir).unwrap();
    let path = dir.join("file");
    assert!(disk.open(&path).unwrap_err().is_not_found());
    let file = disk.create_new(&path).unwrap();
    assert!(disk.create_new(&path).unwrap_err().is_already_exists());
    file.write_all_at(b"hello", 3).unwrap();
    file.set_len(7).unwrap();
    file.sync_data().unwrap();
    assert_eq!(read(disk, &path), "\0\0\0hell");
    assert!(matches!(
        disk.read(&path, 3).unwrap_err(),
        DiskError::TooLong {
            len: 7,
            bytes_max: 3,
            ..
        }
    ));
    assert_eq!(disk.stat(&path).unwrap().unwrap().id, file.id().unwrap());
    disk.write_atomic(&path, b"new").unwrap();
    assert_eq!(read(disk, &path), "new");
    assert_ne!(disk.stat(&path).unwrap().unwrap().id, file.id().unwrap());
    disk.append(&path, b" and more").unwrap();
    disk.append(&dir.join("log"), b"line").unwrap();
    disk.write_derived(&path, b"short").unwrap();
    assert_eq!(read(disk, &path), "short");
    let names: Vec<_> = disk
        .list(&dir)
        .unwrap()
        .into_iter()
        .map(|l| l.name)
        .collect();
    assert_eq!(names, ["file", "log"]);
    disk.rename(&path, &dir.join("log")).unwrap();
    assert_eq!(read(disk, &dir.join("log")), "short");
    disk.sync_tree(root).unwrap();
    disk.remove(&dir.join("log")).unwrap();
    assert_eq!(disk.stat(&dir.join("log")).unwrap(), None);
    disk.create_dir_all(&dir.join("sub")).unwrap();
    assert!(disk.remove_dir(&dir).is_err());
    disk.remove_dir(&dir.join("sub")).unwrap();
    let reserved = disk.create_new(&dir.join("reserved")).unwrap();
    reserved.allocate(100_000).unwrap();
    assert_eq!(reserved.len().unwrap(), 100_000);
    let lock = disk.lock(&dir.join("lock")).unwrap();
    assert!(matches!(
        disk.lock(&dir.join("lock")),
        Err(DiskError::Locked { .. })
    ));
    drop(lock);
    drop(disk.lock(&dir.join("lock")).unwrap());
    assert!(0 < disk.free_bytes(root).unwrap());
}

#[test]
fn both_disks_tell_the_same_story() {
    check_story(&CrashDisk::new(), Path::new("/data"));
    check_story(&CrashDisk::memory(), Path::new("/data"));
    let root = folder();
    check_story(&RealDisk::new(), &root);
    std::fs::remove_dir_all(&root).unwrap();
}

#[test]
fn real_files_are_private() {
    use std::os::unix::fs::PermissionsExt;
    let root = folder();
    let disk = RealDisk::new();
    disk.create_dir_all(&root).unwrap();
    disk.write_atomic(&root.join("key"), b"secret").unwrap();
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&root.join("key")), 0o600);
    assert_eq!(mode(&root), 0o700);
    std::fs::remove_dir_all(&root).unwrap();
}

#[test]
fn durable_writes_are_readable_in_every_mode() {
    let root = folder();
    for disk in [RealDisk::new(), RealDisk::buffered()] {
        disk.create_dir_all(&root).unwrap();
        let path = root.join("segment");
        disk.create_new(&path).unwrap();
        let file = disk.open_durable(&path).unwrap();
        let mut page = AlignedBuffer::with_capacity(PAGE_BYTES);
        page.extend_from_slice(b"aligned");
        page.pad_to_page();
        file.write_durable_at(page.as_slice(), 0).unwrap();
        let unaligned = [vec![0], page.as_slice().to_vec()].concat();
        file.write_durable_at(&unaligned[1..], PAGE_BYTES as u64)
            .unwrap();
        let mut bytes = [0; 9];
        assert_eq!(file.read_at(&mut bytes, PAGE_BYTES as u64 - 2).unwrap(), 9);
        assert_eq!(&bytes, b"\0\0aligned");
        assert_eq!(
            file.read_at(&mut bytes, 2 * PAGE_BYTES as u64 - 3).unwrap(),
            3
        );
        disk.remove(&path).unwrap();
    }
    std::fs::remove_dir_all(&root).unwrap();
}

#[test]
fn only_the_synced_survives() {
    let disk = CrashDisk::new();
    let dir = Path::new("/d");
    disk.create_dir_all(dir).unwrap();
    disk.write_atomic(&dir.join("kept"), b"old").unwrap();
    let nameless = disk.create_new(&dir.join("nameless")).unwrap();
    nameless.write_all_at(b"bytes synced, name not", 0).unwrap();
    nameless.sync_data().unwrap();
    disk.open(&dir.join("kept"))
        .unwrap()
        .write_all_at(b"new", 0)
        .unwrap();

    let lost = disk.after_crash(Survival::Lost);
    assert_eq!(read(&lost, &dir.join("nameless")), "(none)");
    assert_eq!(read(&lost, &dir.join("kept")), "old");
    let kept = disk.after_crash(Survival::Kept);
    assert_eq!(read(&kept, &dir.join("nameless")), "bytes synced, name not");
    assert_eq!(read(&kept, &dir.join("kept")), "new");
}

#[test]
fn atomic_write_is_old_or_new_at_every_cut() {
    let path = Path::new("/d/file");
    let prepare = || {
        let disk = CrashDisk::new();
        disk.create_dir_all(Path::new("/d")).unwrap();
        disk.write_atomic(path, &[b'o'; 2000]).unwrap();
        disk
    };
    let disk = prepare();
    let before = disk.operations();
    disk.write_atomic(path, &[b'n'; 3000]).unwrap();
    let steps = disk.operations() - before;
    for k in 1..=steps {
        for seed in 0..20 {
            let disk = prepare();
            disk.cut_power_at(k);
            disk.write_atomic(path, &[b'n'; 3000]).unwrap_err();
            for survival in [Survival::Lost, Survival::Torn { seed }, Survival::Kept] {
                let after = disk.after_crash(survival);
                let text = read(&after, path);
                let is_old = text == "o".repeat(2000);
                let is_new = text == "n".repeat(3000);
                assert!(
                    is_old || is_new,
                    "cut {k} seed {seed} {survival:?}: {}",
                    text.len()
                );
                after.write_atomic(path, b"again").unwrap();
            }
        }
    }
}

#[test]
fn torn_writes_keep_whole_sectors() {
    let disk = CrashDisk::new();
    let path = Path::new("/d/file");
    disk.create_dir_all(Path::new("/d")).unwrap();
    disk.write_atomic(path, b"").unwrap();
    disk.open(path)
        .unwrap()
        .write_all_at(&[1; 4096], 0)
        .unwrap();
    let mut lengths: Vec<u64> = (0..200)
        .map(|seed| {
            let after = disk.after_crash(Survival::Torn { seed });
            after.stat(path).unwrap().unwrap().len
        })
        .collect();
    lengths.sort_unstable();
    lengths.dedup();
    assert_eq!(lengths, [0, 512, 1024, 1536, 2048, 2560, 3072, 3584, 4096]);
}

#[test]
fn faults_strike_where_told() {
    let disk = CrashDisk::new();
    let path = Path::new("/d/file");
    disk.create_dir_all(Path::new("/d")).unwrap();
    disk.write_atomic(path, b"").unwrap();
    let file = disk.open(path).unwrap();
    disk.fail_write_at(2);
    file.write_all_at(b"one", 0).unwrap();
    assert!(file.write_all_at(b"two", 3).unwrap_err().is_full());
    disk.fail_sync_at(1);
    assert!(
        file.sync_data()
            .unwrap_err()
            .to_string()
            .starts_with("sync /d/file")
    );
    // The lie of a second sync: it succeeds, yet the bytes are gone.
    file.sync_data().unwrap();
    assert_eq!(read(&disk.after_crash(Survival::Lost), path), "");
    disk.cut_power_at(1);
    file.write_all_at(b"x", 0).unwrap_err();
    assert!(disk.open(path).is_err());
}
