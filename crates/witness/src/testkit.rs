//! A log in memory, its forks, and a witness for it, for the tests of this crate.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::sync::Arc;

use disk::{CrashDisk, Disk};
use stdx::{Clock, FakeClock};
use tlog::{
    AddCheckpoint, Checkpoint, CosigningKey, Frontier, Hash, SigningKey, Subtree,
    UnverifiedCheckpoint, leaf_hash, node_hash,
};

use crate::store::{self, Store};

pub(crate) const ORIGIN: &str = "log.example/1";
pub(crate) const DIR: &str = "/data/witness";
/// 2026-01-01T00:00:00Z.
pub(crate) const NOON_NS: i64 = 1_767_225_600_000_000_000;

/// A log whose leaves are numbers; from `forked_at` on another history.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TestLog {
    pub(crate) forked_at: u64,
}

/// The one history.
pub(crate) const HONEST: TestLog = TestLog {
    forked_at: u64::MAX,
};

pub(crate) fn log_key() -> SigningKey {
    SigningKey::from_seed(ORIGIN, &[1; 32]).unwrap()
}

pub(crate) fn witness_key() -> CosigningKey {
    CosigningKey::from_seed("witness.example/w1", &[9; 32]).unwrap()
}

impl TestLog {
    fn leaf(self, index: u64) -> Hash {
        if index < self.forked_at {
            leaf_hash(format!("{index}").as_bytes())
        } else {
            leaf_hash(format!("{index}, rewritten").as_bytes())
        }
    }

    fn subtree(self, subtree: Subtree) -> Hash {
        let Some(below) = subtree.level.checked_sub(1) else {
            return self.leaf(subtree.index);
        };
        let child = |index| {
            self.subtree(Subtree {
                level: below,
                index,
            })
        };
        node_hash(&child(2 * subtree.index), &child(2 * subtree.index + 1))
    }

    pub(crate) fn root(self, size: u64) -> Hash {
        let mut tree = Frontier::new();
        for index in 0..size {
            tree.push(self.leaf(index));
        }
        tree.root()
    }

    pub(crate) fn checkpoint(self, size: u64) -> String {
        let checkpoint = Checkpoint::new(ORIGIN, size, self.root(size)).unwrap();
        checkpoint.sign(&[&log_key()]).unwrap()
    }

    pub(crate) fn foreign(self, size: u64) -> UnverifiedCheckpoint {
        UnverifiedCheckpoint::parse(self.checkpoint(size).as_bytes()).unwrap()
    }

    pub(crate) fn proof(self, old: u64, new: u64) -> Result<Vec<Hash>, String> {
        tlog::tree::consistency_proof(old, new, |subtree| Some(self.subtree(subtree)))
            .map_err(|error| error.to_string())
    }

    /// The body that brings the checkpoint of `size` to a witness that has seen `old`.
    pub(crate) fn request(self, old: u64, size: u64) -> String {
        let proof = self.proof(old, size).unwrap();
        let request = AddCheckpoint::new(old, proof, self.foreign(size)).unwrap();
        request.to_string()
    }
}

/// A witness on a disk in memory.
#[derive(Debug)]
pub(crate) struct Tower {
    pub(crate) disk: CrashDisk,
    pub(crate) clock: Arc<FakeClock>,
}

impl Tower {
    /// A witness that watches [`ORIGIN`].
    pub(crate) fn new() -> Self {
        Self::on(CrashDisk::new())
    }

    pub(crate) fn on(disk: CrashDisk) -> Self {
        Self {
            disk,
            clock: Arc::new(FakeClock::at(NOON_NS)),
        }
    }

    pub(crate) fn disk(&self) -> Arc<dyn Disk> {
        Arc::new(self.disk.clone())
    }

    pub(crate) fn open(&self) -> Store {
        let key = log_key().verifying_key();
        store::add_log(&self.disk, Path::new(DIR), &key).unwrap();
        let clock: Arc<dyn Clock> = Arc::<FakeClock>::clone(&self.clock);
        Store::open(self.disk(), clock, Path::new(DIR), witness_key()).unwrap()
    }
}

/// Serves `router` on a free port of loopback until the test process ends.
pub(crate) fn serve(router: axum::Router) -> SocketAddr {
    let (tell, told) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            tell.send(listener.local_addr().unwrap()).unwrap();
            axum::serve(listener, router).await.unwrap();
        });
    });
    told.recv().unwrap()
}

/// Sends raw bytes over one connection and hears the other side out.
pub(crate) fn exchange(address: SocketAddr, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    // Whoever is refused early may find the other side closed already.
    let _ = stream.write_all(bytes);
    hear_out(stream)
}

pub(crate) fn hear_out(mut stream: TcpStream) -> String {
    let mut heard = Vec::new();
    let _ = stream.read_to_end(&mut heard);
    String::from_utf8(heard).unwrap()
}

/// One request with the body `body`; status, headers and body of the answer.
pub(crate) fn request(address: SocketAddr, line: &str, body: &str) -> (u16, String, String) {
    let length = body.len();
    let text = format!(
        "{line} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}"
    );
    let answer = exchange(address, text.as_bytes());
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, head.to_ascii_lowercase(), body.to_owned())
}
