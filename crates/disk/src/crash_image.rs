//! The two images behind the crash double: what programs see, and what a power cut leaves.
//!
//! A file has live bytes, durable bytes and the list of changes between them. A folder entry
//! exists live at once, and durably after the folder is synced; unsynced name changes form one
//! ordered list, as a journaling file system keeps them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::crash_disk::Survival;
use crate::disk::parent_of;

/// Unit in which real disks write atomically, in bytes.
const SECTOR_BYTES: usize = 512;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Node {
    Dir,
    File(usize),
}

#[derive(Clone, Debug)]
enum Change {
    Write { offset: usize, bytes: Vec<u8> },
    SetLen(usize),
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Content {
    pub(crate) live: Vec<u8>,
    durable: Vec<u8>,
    pending: Vec<Change>,
}

#[derive(Clone, Debug)]
struct NameChange {
    path: PathBuf,
    node: Option<Node>,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Image {
    pub(crate) names: BTreeMap<PathBuf, Node>,
    durable_names: BTreeMap<PathBuf, Node>,
    pending_names: Vec<NameChange>,
    pub(crate) contents: Vec<Content>,
    /// False for the memory disk: no second image, so that benches measure their subject.
    keeps_durable: bool,
}

impl Image {
    /// An empty image that keeps its durable twin.
    pub(crate) fn tracked() -> Self {
        Self {
            keeps_durable: true,
            ..Self::default()
        }
    }

    pub(crate) fn set_name(&mut self, path: &Path, node: Option<Node>) {
        match node {
            Some(node) => self.names.insert(path.to_path_buf(), node),
            None => self.names.remove(path),
        };
        if self.keeps_durable {
            self.pending_names.push(NameChange {
                path: path.to_path_buf(),
                node,
            });
        }
    }

    pub(crate) fn new_file(&mut self, path: &Path) -> usize {
        self.contents.push(Content::default());
        let file = self.contents.len() - 1;
        self.set_name(path, Some(Node::File(file)));
        file
    }

    /// Applies the pending name changes for which `selected` holds.
    fn settle_names(&mut self, selected: impl Fn(&Path) -> bool) {
        let pending = std::mem::take(&mut self.pending_names);
        for change in pending {
            if selected(&change.path) {
                apply_name(&mut self.durable_names, change);
            } else {
                self.pending_names.push(change);
            }
        }
    }

    pub(crate) fn sync_dir(&mut self, dir: &Path) {
        self.settle_names(|path| parent_of(path) == dir);
    }

    pub(crate) fn sync_tree(&mut self, dir: &Path) {
        self.settle_names(|path| path.starts_with(dir));
        let files: Vec<usize> = self
            .names
            .iter()
            .filter(|(path, _)| path.starts_with(dir))
            .filter_map(|(_, node)| match node {
                Node::File(file) => Some(*file),
                Node::Dir => None,
            })
            .collect();
        for file in files {
            self.contents[file].settle();
        }
    }

    pub(crate) fn write(&mut self, file: usize, bytes: &[u8], offset: usize) {
        let keeps_durable = self.keeps_durable;
        let content = &mut self.contents[file];
        apply_write(&mut content.live, bytes, offset);
        if keeps_durable {
            content.pending.push(Change::Write {
                offset,
                bytes: bytes.to_vec(),
            });
        }
    }

    pub(crate) fn set_len(&mut self, file: usize, len: usize) {
        let keeps_durable = self.keeps_durable;
        let content = &mut self.contents[file];
        apply_len(&mut content.live, len);
        if keeps_durable {
            content.pending.push(Change::SetLen(len));
        }
    }

    /// The image that a restart finds.
    pub(crate) fn after_crash(&self, survival: Survival) -> Self {
        let mut luck = Luck::new(survival);
        let mut names = self.durable_names.clone();
        let kept = luck.prefix(self.pending_names.len());
        for change in &self.pending_names[..kept] {
            apply_name(&mut names, change.clone());
        }
        let contents = self
            .contents
            .iter()
            .map(|content| {
                let bytes = content.after_crash(&mut luck);
                Content {
                    live: bytes.clone(),
                    durable: bytes,
                    pending: Vec::new(),
                }
            })
            .collect();
        Self {
            durable_names: names.clone(),
            names,
            pending_names: Vec::new(),
            contents,
            keeps_durable: self.keeps_durable,
        }
    }
}

impl Content {
    /// A successful sync: everything pending is durable.
    pub(crate) fn settle(&mut self) {
        for change in std::mem::take(&mut self.pending) {
            change.apply(&mut self.durable);
        }
    }

    /// A failed sync: the kernel drops the dirty pages, later syncs know nothing of them.
    pub(crate) fn forget(&mut self) {
        self.pending.clear();
    }

    fn after_crash(&self, luck: &mut Luck) -> Vec<u8> {
        let mut bytes = self.durable.clone();
        for change in &self.pending {
            match change {
                Change::SetLen(len) => {
                    if luck.prefix(1) == 1 {
                        apply_len(&mut bytes, *len);
                    }
                }
                Change::Write {
                    offset,
                    bytes: written,
                } => {
                    let sectors = written.len().div_ceil(SECTOR_BYTES);
                    let kept = (luck.prefix(sectors) * SECTOR_BYTES).min(written.len());
                    if 0 < kept {
                        apply_write(&mut bytes, &written[..kept], *offset);
                    }
                }
            }
        }
        bytes
    }
}

impl Change {
    fn apply(&self, bytes: &mut Vec<u8>) {
        match self {
            Self::Write {
                offset,
                bytes: written,
            } => apply_write(bytes, written, *offset),
            Self::SetLen(len) => apply_len(bytes, *len),
        }
    }
}

fn apply_name(names: &mut BTreeMap<PathBuf, Node>, change: NameChange) {
    match change.node {
        Some(node) => names.insert(change.path, node),
        None => names.remove(&change.path),
    };
}

fn apply_write(bytes: &mut Vec<u8>, written: &[u8], offset: usize) {
    let end = offset + written.len();
    if bytes.len() < end {
        apply_len(bytes, end);
    }
    bytes[offset..end].copy_from_slice(written);
}

fn apply_len(bytes: &mut Vec<u8>, len: usize) {
    if bytes.is_empty() && 0 < len {
        // One zeroed allocation: a fresh large file costs no touch of its pages.
        *bytes = vec![0; len];
    } else {
        bytes.resize(len, 0);
    }
}

/// Decides what of the unsynced survives.
struct Luck {
    survival: Survival,
    state: u64,
}

impl Luck {
    fn new(survival: Survival) -> Self {
        let seed = match survival {
            Survival::Torn { seed } => seed,
            Survival::Lost | Survival::Kept => 0,
        };
        Self {
            survival,
            state: seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1,
        }
    }

    /// How many of `count` things in order survive.
    fn prefix(&mut self, count: usize) -> usize {
        match self.survival {
            Survival::Lost => 0,
            Survival::Kept => count,
            Survival::Torn { .. } => {
                // xorshift64: deterministic for a seed, which is all a test needs.
                self.state ^= self.state << 13;
                self.state ^= self.state >> 7;
                self.state ^= self.state << 17;
                usize::try_from(self.state % (count as u64 + 1)).expect("at most count")
            }
        }
    }
}
