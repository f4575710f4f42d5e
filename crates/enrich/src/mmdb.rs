//! Reads databases in the MaxMind DB format, version 2 (maxmind.github.io/MaxMind-DB).
//!
//! A file is a binary tree over the bits of addresses, sixteen zero bytes, a section of data that
//! the leaves point into, and a description at the end. Everything is read with checked bounds;
//! loops are bounded by the bits of an address, by [`limits::RECORD_DEPTH_MAX`] and by
//! [`limits::RECORD_VALUES_MAX`].

use std::net::IpAddr;

use thiserror::Error;

use crate::limits;

/// What the description begins behind.
const MARKER: &[u8] = b"\xab\xcd\xefMaxMind.com";
/// Zero bytes between tree and data.
const GAP: usize = 16;

/// Why a file is no usable database.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum OpenError {
    /// No description was found.
    #[error("this is no MaxMind DB file: its description (metadata) is missing")]
    NoDescription,
    /// The description lacks a number or it makes no sense.
    #[error("the description of the database has no usable `{name}`")]
    BadDescription {
        /// The entry.
        name: &'static str,
    },
    /// Another major version of the format.
    #[error("the database has format version {found}, only version 2 is known")]
    Version {
        /// Its version.
        found: u64,
    },
    /// The tree does not fit into the file.
    #[error(
        "the database claims {nodes} nodes, which need {needed} bytes, but the file has {found}"
    )]
    TreeTooLong {
        /// Nodes by the description.
        nodes: u64,
        /// Bytes that they need.
        needed: u64,
        /// Bytes of the file.
        found: usize,
    },
    /// A leaf points nowhere.
    #[error("node {node} of the database points outside of its data: the file is damaged")]
    BadNode {
        /// The node.
        node: usize,
    },
    /// A path through the tree comes back to where it was.
    #[error("node {node} of the database leads back to itself: the file is damaged")]
    Loop {
        /// The node.
        node: usize,
    },
    /// A record cannot be read.
    #[error(
        "the record at offset {offset} of the database's data cannot be read: the file is damaged"
    )]
    BadRecord {
        /// Offset in the data section.
        offset: usize,
    },
}

/// A value of a record.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Value<'d> {
    Text(&'d str),
    Number(u64),
    /// A map with so many pairs, which begin there.
    Map {
        pairs: usize,
        at: usize,
    },
    /// A list with so many items, which begin there.
    List {
        items: usize,
        at: usize,
    },
    /// Anything that nobody asks for.
    Other,
}

/// An opened database.
pub(crate) struct Database {
    bytes: Vec<u8>,
    nodes: usize,
    record_bits: usize,
    is_v6: bool,
    /// First byte and end of the data section.
    data: (usize, usize),
    kind: String,
    /// Where IPv4 begins in the tree.
    v4_root: usize,
}

impl std::fmt::Debug for Database {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Database({}, {} nodes)", self.kind, self.nodes)
    }
}

impl Database {
    /// Reads the description of `bytes` and checks tree and records.
    pub(crate) fn open(bytes: Vec<u8>) -> Result<Self, OpenError> {
        let tail = bytes.len().saturating_sub(limits::DESCRIPTION_BYTES_MAX);
        let marker = bytes[tail..]
            .windows(MARKER.len())
            .rposition(|window| window == MARKER)
            .ok_or(OpenError::NoDescription)?
            + tail;
        let start = marker + MARKER.len();
        let description = Section {
            bytes: &bytes,
            start,
            end: bytes.len(),
        };
        let number = |name: &'static str| match description.find(0, &[name]) {
            Some(Value::Number(number)) => Ok(number),
            _ => Err(OpenError::BadDescription { name }),
        };
        let found = number("binary_format_major_version")?;
        if found != 2 {
            return Err(OpenError::Version { found });
        }
        let record_bits = match number("record_size")? {
            24 => 24,
            28 => 28,
            32 => 32,
            _ => {
                return Err(OpenError::BadDescription {
                    name: "record_size",
                });
            }
        };
        let is_v6 = match number("ip_version")? {
            4 => false,
            6 => true,
            _ => return Err(OpenError::BadDescription { name: "ip_version" }),
        };
        let nodes = number("node_count")?;
        let kind = match description.find(0, &["database_type"]) {
            Some(Value::Text(kind)) => kind.to_owned(),
            _ => {
                return Err(OpenError::BadDescription {
                    name: "database_type",
                });
            }
        };
        let needed = nodes.saturating_mul(record_bits as u64 / 4);
        let found = bytes.len();
        let too_long = OpenError::TreeTooLong {
            nodes,
            needed,
            found,
        };
        let tree_end = usize::try_from(needed).map_err(|_| too_long.clone())?;
        if nodes == 0 || tree_end.saturating_add(GAP) > marker {
            return Err(too_long);
        }
        let mut database = Self {
            nodes: usize::try_from(nodes).unwrap_or(usize::MAX),
            record_bits,
            is_v6,
            data: (tree_end + GAP, marker),
            kind,
            v4_root: 0,
            bytes,
        };
        database.check()?;
        database.check_paths()?;
        database.v4_root = database.find_v4_root();
        Ok(database)
    }

    /// What the database calls itself, such as `GeoLite2-City`.
    pub(crate) fn kind(&self) -> &str {
        &self.kind
    }

    /// Offset of the record of `address` in the data section.
    pub(crate) fn look_up(&self, address: IpAddr) -> Option<usize> {
        let (mut node, bits, count) = match address {
            IpAddr::V4(address) => (self.v4_root, u128::from(address.to_bits()) << 96, 32),
            IpAddr::V6(address) if self.is_v6 => (0, address.to_bits(), 128),
            IpAddr::V6(_) => return None,
        };
        for bit in 0..count {
            if node >= self.nodes {
                break;
            }
            node = self.record(node, bits >> (127 - bit) & 1 == 1)?;
        }
        node.checked_sub(self.nodes + GAP)
    }

    /// The value at `path` of the record at `offset`.
    pub(crate) fn value(&self, offset: usize, path: &[&str]) -> Option<Value<'_>> {
        self.section().find(offset, path)
    }

    fn section(&self) -> Section<'_> {
        Section {
            bytes: &self.bytes,
            start: self.data.0,
            end: self.data.1,
        }
    }

    /// One of the two records of `node`.
    fn record(&self, node: usize, right: bool) -> Option<usize> {
        let size = self.record_bits / 4;
        let bytes = self.bytes.get(node.checked_mul(size)?..)?.get(..size)?;
        let number = |bytes: &[u8]| {
            bytes
                .iter()
                .fold(0, |sum, byte| sum << 8 | usize::from(*byte))
        };
        Some(match (self.record_bits, right) {
            (28, false) => number(&bytes[..3]) | usize::from(bytes[3] >> 4) << 24,
            (28, true) => number(&bytes[4..]) | usize::from(bytes[3] & 0x0f) << 24,
            (_, false) => number(&bytes[..size / 2]),
            (_, true) => number(&bytes[size / 2..]),
        })
    }

    /// Every leaf points into the data, and the first records that leaves point to can be read.
    fn check(&self) -> Result<(), OpenError> {
        let data_len = self.data.1 - self.data.0;
        let mut last = usize::MAX;
        let mut checked = 0;
        for node in 0..self.nodes {
            for right in [false, true] {
                let record = self
                    .record(node, right)
                    .ok_or(OpenError::BadNode { node })?;
                if record <= self.nodes {
                    continue;
                }
                let offset = record.checked_sub(self.nodes + GAP);
                let offset = offset.filter(|offset| *offset < data_len);
                let offset = offset.ok_or(OpenError::BadNode { node })?;
                if offset != last && checked < limits::RECORDS_CHECKED_MAX {
                    checked += 1;
                    let read = self.section().walk(offset);
                    read.ok_or(OpenError::BadRecord { offset })?;
                }
                last = offset;
            }
        }
        Ok(())
    }

    /// No path through the tree comes back to where it was: an address leads to a leaf.
    fn check_paths(&self) -> Result<(), OpenError> {
        #[derive(Clone, Copy, PartialEq)]
        enum Seen {
            No,
            OnPath,
            Done,
        }
        let mut seen = vec![Seen::No; self.nodes];
        // A node and how many of its records were followed.
        let mut path = vec![(0, 0)];
        seen[0] = Seen::OnPath;
        while let Some((node, followed)) = path.pop() {
            if followed == 2 {
                seen[node] = Seen::Done;
                continue;
            }
            path.push((node, followed + 1));
            let next = self.record(node, followed == 1);
            let next = next.ok_or(OpenError::BadNode { node })?;
            match seen.get(next) {
                Some(Seen::OnPath) => return Err(OpenError::Loop { node }),
                Some(Seen::No) => {
                    seen[next] = Seen::OnPath;
                    path.push((next, 0));
                }
                Some(Seen::Done) | None => {}
            }
        }
        Ok(())
    }

    fn find_v4_root(&self) -> usize {
        let mut node = 0;
        for _ in 0..if self.is_v6 { 96 } else { 0 } {
            if node >= self.nodes {
                break;
            }
            node = self.record(node, false).unwrap_or(self.nodes);
        }
        node
    }
}

/// A stretch of bytes that values are coded in; pointers count from its start.
#[derive(Clone, Copy)]
struct Section<'d> {
    bytes: &'d [u8],
    start: usize,
    end: usize,
}

impl<'d> Section<'d> {
    fn take(&self, at: usize, len: usize) -> Option<&'d [u8]> {
        let from = self.start.checked_add(at)?;
        let to = from.checked_add(len)?;
        (to <= self.end).then(|| self.bytes.get(from..to)).flatten()
    }

    fn number(&self, at: usize, len: usize) -> Option<usize> {
        let bytes = self.take(at, len)?;
        Some(
            bytes
                .iter()
                .fold(0, |sum, byte| sum << 8 | usize::from(*byte)),
        )
    }

    /// The value at `at` with pointers followed, and where the next one begins.
    fn read(&self, at: usize) -> Option<(Value<'d>, usize)> {
        let (mut at, mut next) = (at, None);
        for _ in 0..limits::RECORD_DEPTH_MAX {
            let control = self.number(at, 1)?;
            if control >> 5 != 1 {
                let (value, end) = self.plain(at, control)?;
                return Some((value, next.unwrap_or(end)));
            }
            let size = control >> 3 & 3;
            let high = control & 7;
            let low = self.number(at + 1, size + 1)?;
            let target = match size {
                0 => high << 8 | low,
                1 => (high << 16 | low) + 2_048,
                2 => (high << 24 | low) + 526_336,
                _ => low,
            };
            next = next.or(Some(at + 2 + size));
            at = target;
        }
        None
    }

    /// A value that is no pointer. Maps and lists end where their first member begins.
    fn plain(&self, at: usize, control: usize) -> Option<(Value<'d>, usize)> {
        let mut at = at + 1;
        let mut kind = control >> 5;
        if kind == 0 {
            kind = self.number(at, 1)? + 7;
            at += 1;
        }
        let mut size = control & 0x1f;
        if size > 28 {
            let extra = size - 28;
            let base = [29, 285, 65_821][extra - 1];
            size = base + self.number(at, extra)?;
            at += extra;
        }
        let number = |most: usize| {
            (size <= most).then_some(())?;
            let bytes = self.take(at, size)?;
            let number = bytes
                .iter()
                .fold(0_u64, |sum, byte| sum << 8 | u64::from(*byte));
            Some((Value::Number(number), at + size))
        };
        let opaque = |expected: Option<usize>| {
            (expected.is_none() || expected == Some(size)).then_some(())?;
            self.take(at, size)?;
            Some((Value::Other, at + size))
        };
        match kind {
            2 => {
                let text = std::str::from_utf8(self.take(at, size)?).ok()?;
                Some((Value::Text(text), at + size))
            }
            3 => opaque(Some(8)),
            4 => opaque(None),
            5 => number(2),
            6 => number(4),
            8 => opaque(None).filter(|_| size <= 4),
            9 => number(8),
            10 => opaque(None).filter(|_| size <= 16),
            7 => Some((Value::Map { pairs: size, at }, at)),
            11 => Some((Value::List { items: size, at }, at)),
            14 => (size < 2).then_some((Value::Other, at)),
            15 => opaque(Some(4)),
            _ => None,
        }
    }

    /// Where the value behind the one at `at` begins; `None` when it cannot be read.
    fn walk(&self, at: usize) -> Option<usize> {
        self.skip(at, 0, &mut limits::RECORD_VALUES_MAX.clone())
    }

    fn skip(&self, at: usize, depth: usize, budget: &mut usize) -> Option<usize> {
        *budget = budget.checked_sub(1)?;
        if depth > limits::RECORD_DEPTH_MAX {
            return None;
        }
        let (value, next) = self.read(at)?;
        let (members, mut inside) = match value {
            Value::Map { pairs, at } => (pairs.checked_mul(2)?, at),
            Value::List { items, at } => (items, at),
            _ => return Some(next),
        };
        let is_pointer = next != inside;
        for _ in 0..members {
            inside = self.skip(inside, depth + 1, budget)?;
        }
        Some(if is_pointer { next } else { inside })
    }

    /// The value at `path` below the map at `at`.
    fn find(&self, at: usize, path: &[&str]) -> Option<Value<'d>> {
        let mut budget = limits::RECORD_VALUES_MAX;
        let (mut value, _) = self.read(at)?;
        for name in path {
            let Value::Map { pairs, at } = value else {
                return None;
            };
            let mut place = at;
            let mut found = None;
            for _ in 0..pairs {
                let (key, behind) = self.read(place)?;
                if key == Value::Text(name) {
                    found = Some(self.read(behind)?.0);
                    break;
                }
                place = self.skip(behind, 0, &mut budget)?;
            }
            value = found?;
        }
        Some(value)
    }
}
