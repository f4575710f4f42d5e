//! The floor plan as data: which crates there are, what kind each is, and whom it may import.
//!
//! `cargo xtask tidy` compares this table with `cargo metadata` in both directions, so the plan and
//! the building cannot drift apart. A new row needs a reason of decision 0002.

/// What a crate may touch. The kind is checked by dependency names and by words in its code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Values in, values out: no files, sockets, clock or threads.
    Pure,
    /// Synchronous; touches files only through crate `disk`.
    Disk,
    /// May use sockets and tokio; touches files only through crate `disk`.
    Net,
    /// Not part of the product: benches and automation.
    Tool,
}

/// Whom a crate may import among our own.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Imports {
    /// Exactly these; a name that is not imported is a stale row.
    These(&'static [&'static str]),
    /// Every crate of ours but these.
    AllBut(&'static [&'static str]),
}

/// One crate of the house.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Room {
    pub(crate) name: &'static str,
    /// A crate imports only from lower floors. Tools stand beside the house.
    pub(crate) floor: u8,
    pub(crate) kind: Kind,
    pub(crate) imports: Imports,
}

const fn room(name: &'static str, floor: u8, kind: Kind, imports: &'static [&'static str]) -> Room {
    Room {
        name,
        floor,
        kind,
        imports: Imports::These(imports),
    }
}

/// The house, floor by floor.
pub(crate) const HOUSE: &[Room] = &[
    room("stdx", 1, Kind::Pure, &[]),
    room("tlog", 1, Kind::Pure, &[]),
    // Test data and its judge: imported by tests and by the bench only.
    room("corpus", 1, Kind::Pure, &[]),
    room("disk", 2, Kind::Disk, &[]),
    room("event", 2, Kind::Pure, &["stdx"]),
    room("attack", 2, Kind::Pure, &[]),
    room("parse", 3, Kind::Pure, &["event", "stdx"]),
    room("enrich", 3, Kind::Pure, &["event"]),
    room("redact", 3, Kind::Pure, &["event", "stdx"]),
    room("detect", 3, Kind::Pure, &["attack", "event", "stdx"]),
    // Pure while it scans; its index will make it a disk crate.
    room("search", 3, Kind::Pure, &["event", "stdx"]),
    room("ledger", 3, Kind::Disk, &["disk", "event", "stdx", "tlog"]),
    room("intake", 3, Kind::Net, &["disk", "event", "stdx"]),
    room("alert", 3, Kind::Net, &["disk", "event", "stdx"]),
    // Beside the ledger, not on it: a witness is no part of what it watches.
    room("witness", 3, Kind::Net, &["disk", "stdx", "tlog"]),
    // What leaves the house: made from proofs, checked without the house.
    room(
        "evidence",
        4,
        Kind::Pure,
        // `disk` in its tests only, for a ledger to make evidence of.
        &["disk", "event", "ledger", "stdx", "tlog"],
    ),
    // Only `ledger`, `witness` and `evidence` speak tree mathematics; the binary asks the ledger.
    Room {
        name: "belfry",
        floor: 5,
        kind: Kind::Net,
        imports: Imports::AllBut(&["tlog"]),
    },
    Room {
        name: "bench",
        floor: 6,
        kind: Kind::Tool,
        imports: Imports::AllBut(&[]),
    },
    room("xtask", 6, Kind::Tool, &[]),
];

/// Borrowed crates that would break the promise of a kind.
pub(crate) fn forbidden_dependencies(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::Pure => &[
            "axum",
            "getrandom",
            "rusqlite",
            "rustix",
            "rustls",
            "tokio",
            "ureq",
        ],
        Kind::Disk => &["axum", "rustls", "tokio", "ureq"],
        Kind::Net | Kind::Tool => &[],
    }
}

/// Paths into std that a kind must not name outside its tests, each with what to do instead.
pub(crate) fn forbidden_paths(kind: Kind) -> &'static [(&'static str, &'static str)] {
    const FILES: (&str, &str) = ("std::fs", "go through crate `disk`");
    const SOCKETS: (&str, &str) = ("std::net", "sockets belong to net crates");
    match kind {
        Kind::Pure => &[
            FILES,
            ("std::net::TcpListener", "sockets belong to net crates"),
            ("std::net::TcpStream", "sockets belong to net crates"),
            ("std::net::UdpSocket", "sockets belong to net crates"),
            (
                "std::thread",
                "threads belong to the binary and to disk crates",
            ),
            ("SystemTime::now", "take a `stdx::Clock`"),
            ("Instant::now", "take a `stdx::Clock`"),
        ],
        Kind::Disk => &[FILES, SOCKETS],
        Kind::Net => &[FILES],
        Kind::Tool => &[],
    }
}

/// Borrowed crates that belong to certain rooms only, with the reason.
pub(crate) const RESERVED: &[(&str, &[&str], &str)] = &[
    (
        "anyhow",
        &["belfry", "bench", "xtask"],
        "libraries return enums",
    ),
    (
        "clap",
        &["belfry", "bench"],
        "only the binary has a command line",
    ),
    (
        "rsigma-parser",
        &["detect"],
        "its types stay behind one module",
    ),
    (
        "ed25519-dalek",
        &["tlog"],
        "signatures are made and checked in one place",
    ),
    (
        "toml",
        &["belfry"],
        "only the binary reads the configuration",
    ),
];

/// The row of a crate.
pub(crate) fn find(name: &str) -> Option<&'static Room> {
    HOUSE.iter().find(|room| room.name == name)
}
