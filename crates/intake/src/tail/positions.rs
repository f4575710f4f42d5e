//! How far each followed file has been read durably, as a small text file.
//!
//! One line per file that is open, the renamed ones included:
//! `<device> <inode> <offset> <inside line: 0|1> <fingerprint length> <fingerprint> <path>`, the
//! path percent-encoded. The first line names the format. A file that cannot be understood is
//! as good as none: lines are then read a second time, never skipped.

use std::ffi::OsString;
use std::fmt::Write;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use disk::FileId;
use sha2::{Digest, Sha256};

use crate::limits::FINGERPRINT_BYTES_MAX;

const HEADER: &str = "belfry-tail 1";

/// The first bytes of a file, hashed: tells it from another one in the same inode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Fingerprint {
    /// How many bytes were hashed; 0 matches every file.
    pub(super) len: usize,
    pub(super) hash: u64,
}

impl Fingerprint {
    pub(super) const NONE: Self = Self { len: 0, hash: 0 };

    pub(super) fn of(bytes: &[u8]) -> Self {
        let digest = Sha256::digest(bytes);
        let hash = digest
            .iter()
            .take(8)
            .fold(0, |hash, byte| hash << 8 | u64::from(*byte));
        let len = bytes.len();
        Self { len, hash }
    }
}

/// Where reading of one file goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Position {
    pub(super) path: PathBuf,
    pub(super) id: FileId,
    /// Byte offset; everything before is durable.
    pub(super) offset: u64,
    /// Whether the offset lies inside a line whose first bytes were stored already.
    pub(super) inside_line: bool,
    pub(super) fingerprint: Fingerprint,
}

/// The text of all positions.
pub(super) fn write(positions: &[Position]) -> String {
    let mut text = format!("{HEADER}\n");
    for position in positions {
        let _ = write!(
            text,
            "{} {} {} {} {} {:016x} ",
            position.id.device,
            position.id.inode,
            position.offset,
            u8::from(position.inside_line),
            position.fingerprint.len,
            position.fingerprint.hash,
        );
        for byte in position.path.as_os_str().as_bytes() {
            match byte {
                b'!'..=b'~' if *byte != b'%' => text.push(char::from(*byte)),
                _ => {
                    let _ = write!(text, "%{byte:02X}");
                }
            }
        }
        text.push('\n');
    }
    text
}

/// The positions of a text; `None` when any line of it is not understood.
pub(super) fn read(text: &str) -> Option<Vec<Position>> {
    let mut lines = text.lines();
    if lines.next()? != HEADER {
        return None;
    }
    lines.map(read_line).collect()
}

fn read_line(line: &str) -> Option<Position> {
    let mut parts = line.split(' ');
    let id = FileId {
        device: parts.next()?.parse().ok()?,
        inode: parts.next()?.parse().ok()?,
    };
    let offset = parts.next()?.parse().ok()?;
    let inside_line = match parts.next()? {
        "0" => false,
        "1" => true,
        _ => return None,
    };
    let len = parts.next()?.parse().ok()?;
    let hash = u64::from_str_radix(parts.next()?, 16).ok()?;
    let path = decode(parts.next()?)?;
    if FINGERPRINT_BYTES_MAX < len || parts.next().is_some() {
        return None;
    }
    Some(Position {
        path,
        id,
        offset,
        inside_line,
        fingerprint: Fingerprint { len, hash },
    })
}

fn decode(text: &str) -> Option<PathBuf> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        if *first == b'%' {
            let (digits, after) = tail.split_at_checked(2)?;
            let digits = std::str::from_utf8(digits).ok()?;
            bytes.push(u8::from_str_radix(digits, 16).ok()?);
            rest = after;
        } else {
            bytes.push(*first);
            rest = tail;
        }
    }
    Some(PathBuf::from(OsString::from_vec(bytes)))
}

/// The position of the file with this identity that was followed under this path.
pub(super) fn find<'a>(positions: &'a [Position], path: &Path, id: FileId) -> Option<&'a Position> {
    positions
        .iter()
        .find(|position| position.path == path && position.id == id)
}
