//! Changes one byte of a stored record in a copy of the ledger, as somebody with full rights on
//! the machine would, and lets verification say what it sees.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, ensure};
use disk::Disk;
use event::Index;
use ledger::{Reader, VerifyOptions, VerifyReport};

use super::scratch_folder::{ScratchFolder, for_each_file};

/// Files that a verifier needs nothing of: the writer's lock, its private key, its empty reserve.
const NOT_COPIED: [&str; 3] = ["lock", "key", "spare"];

/// Bytes of bodies read to find the one to change: the whole ledger of the demo many times over.
const READ_BYTES_MAX: usize = 64 << 20;

/// What came of it.
#[derive(Debug)]
pub(crate) struct Tampering {
    /// The entry that was changed.
    pub(crate) index: Index,
    /// What stood there, and what stands there now.
    pub(crate) before: String,
    pub(crate) after: String,
    /// The entry that verification names first.
    pub(crate) exposed: Option<Index>,
    /// What verification says about it.
    pub(crate) finding: String,
}

impl Tampering {
    /// Whether verification named exactly the entry that was changed.
    pub(crate) fn is_detected(&self) -> bool {
        self.exposed == Some(self.index)
    }
}

/// Verifies the ledger in `dir`.
pub(crate) fn verify(disk: &Arc<dyn Disk>, dir: &Path) -> anyhow::Result<VerifyReport> {
    let options = VerifyOptions::default();
    let report = ledger::verify(Arc::clone(disk), dir, &options, &mut |_, _| {});
    report.with_context(|| format!("verifying {}", dir.display()))
}

/// Copies the ledger in `dir`, changes the last character of `target` inside the first body that
/// holds it and verifies the copy.
pub(crate) fn try_it(
    disk: &Arc<dyn Disk>,
    reader: &Reader,
    dir: &Path,
    target: &str,
) -> anyhow::Result<Tampering> {
    let entries = reader.read(Index(0)..Index(u64::MAX), READ_BYTES_MAX);
    let entries = entries.context("reading the ledger")?;
    let mut bodies = entries.iter().map(|entry| (entry.index(), entry.body()));
    let (index, body) = bodies
        .find(|(_, body)| body.contains(target))
        .with_context(|| format!("no entry holds {target}"))?;
    let copy = ScratchFolder::make(Arc::clone(disk), "belfry-demo-copy")?;
    copy_ledger(disk.as_ref(), dir, copy.path())?;
    let (file, at) = find(disk.as_ref(), copy.path(), body.as_bytes())?;
    let inside = body.find(target).unwrap_or(0);
    let offset = at + inside + target.len() - 1;
    flip(disk.as_ref(), &file, offset)?;
    let mut after = target.as_bytes().to_vec();
    if let Some(last) = after.last_mut() {
        *last ^= 1;
    }
    let report = verify(disk, copy.path())?;
    let first = report
        .findings
        .iter()
        .find(|finding| finding.index.is_some());
    Ok(Tampering {
        index,
        before: target.to_owned(),
        after: String::from_utf8_lossy(&after).into_owned(),
        exposed: first.and_then(|finding| finding.index),
        finding: first.map_or_else(
            || "nothing".to_owned(),
            |finding| format!("{}: {}", finding.kind, finding.detail),
        ),
    })
}

fn copy_ledger(disk: &dyn Disk, from: &Path, to: &Path) -> anyhow::Result<()> {
    for_each_file(disk, from, &mut |path, bytes| {
        if path
            .file_name()
            .and_then(OsStr::to_str)
            .is_some_and(|name| NOT_COPIED.contains(&name))
        {
            return Ok(());
        }
        let target = to.join(path.strip_prefix(from).unwrap_or(path));
        let folder = target.parent().unwrap_or(to);
        let made = disk.create_dir_all(folder);
        made.with_context(|| format!("creating {}", folder.display()))?;
        let written = disk.write_derived(&target, bytes);
        written.with_context(|| format!("writing {}", target.display()))
    })
}

/// The file below `dir` that holds `body`, and where in it.
fn find(disk: &dyn Disk, dir: &Path, body: &[u8]) -> anyhow::Result<(PathBuf, usize)> {
    let mut found = None;
    for_each_file(disk, dir, &mut |path, bytes| {
        if found.is_none() {
            let at = bytes.windows(body.len()).position(|window| window == body);
            found = at.map(|at| (path.to_path_buf(), at));
        }
        Ok(())
    })?;
    found.context("the stored body is in no file of the copy")
}

/// Flips the lowest bit of one byte: `9` becomes `8`.
fn flip(disk: &dyn Disk, path: &Path, offset: usize) -> anyhow::Result<()> {
    let shown = path.display();
    let file = disk
        .open(path)
        .with_context(|| format!("opening {shown}"))?;
    let mut byte = [0];
    let read = file.read_at(&mut byte, offset as u64);
    ensure!(
        read.with_context(|| format!("reading {shown}"))? == 1,
        "{shown} ends too early"
    );
    byte[0] ^= 1;
    file.write_all_at(&byte, offset as u64)
        .with_context(|| format!("writing {shown}"))
}
