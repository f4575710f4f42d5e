//! Whatever is thrown at `ingest`, memory stays bounded and every line is accounted for.

use std::fs::File;
use std::io::{BufWriter, Write};

use serde_json::Value;

use crate::is_slow;
use crate::stand::{Stand, texts};

/// The promise for memory, in KiB.
const MEMORY_KIB_MAX: u64 = 300 * 1024;
/// Bytes of the longest line.
const LINE_BYTES: usize = 10 << 20;
/// Bytes of a record; what is longer is cut.
const RECORD_BYTES_MAX: usize = 256 << 10;

/// Numbers without order, the same each time.
struct Noise(u64);

impl Noise {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn bytes(&mut self, count: usize) -> Vec<u8> {
        (0..count.div_ceil(8))
            .flat_map(|_| self.next().to_be_bytes())
            .take(count)
            .collect()
    }
}

/// One piece of garbage; `kind` says which.
fn piece(kind: u64, noise: &mut Noise) -> Vec<u8> {
    match kind {
        0 => noise.bytes(64 << 10),
        1 => vec![b'A'; LINE_BYTES],
        2 => [vec![b'['; 100_000], vec![b']'; 100_000]].concat(),
        3 => format!("{}1{}", "{\"a\":".repeat(50_000), "}".repeat(50_000)).into_bytes(),
        4 => b"\xFF\xFE\xC3\x28 user=\xF0\x28\x8C\x28 \xED\xA0\x80 end".repeat(40),
        5 => "{\"user.name\":\"\\ud800\",\"x\":1e999,"
            .repeat(300)
            .into_bytes(),
        6 => format!("{{\"m\":\"{}\"}}", "\\u0000\\\\\\\"".repeat(5_000)).into_bytes(),
        7 => "k=\"v ".repeat(9_000).into_bytes(),
        8 => format!("{{{}\"z\":0}}", "\"k\":1,".repeat(20_000)).into_bytes(),
        9 => b"<34>1 2026-99-99T99:99:99Z \0 \x1b[31m - [a@1 b=\"\n[[[".repeat(50),
        10 => b"\r\n\r\r\n\n\n\0\0\n".repeat(200),
        _ => b"{\"event.action\":\"authn_login_success\",\"user.name\":\"honest\"}".to_vec(),
    }
}

/// Writes at least `size` bytes of it; lines that the format makes of it, empty ones apart.
fn write_garbage(file: File, size: u64) -> (u64, u64) {
    let mut file = BufWriter::new(file);
    let mut noise = Noise(0x5EED_5EED_5EED_5EED);
    let (mut written, mut honest) = (0, 0);
    while written < size {
        // Long lines are rare enough that all kinds come up in the short run, too.
        let kind = match noise.next() % 40 {
            kind @ 0..=10 => kind,
            _ if noise.next().is_multiple_of(4) => 0,
            _ => 11,
        };
        let bytes = piece(kind, &mut noise);
        honest += u64::from(kind == 11);
        file.write_all(&bytes).unwrap();
        file.write_all(b"\n").unwrap();
        written += bytes.len() as u64 + 1;
    }
    file.flush().unwrap();
    (written, honest)
}

/// The sums of a summary agree with each other and with what was written.
fn check_accounts(summary: &Value, written: u64) {
    let figure = |name: &str| {
        summary[name]
            .as_u64()
            .unwrap_or_else(|| panic!("{name}: {summary}"))
    };
    assert_eq!(
        figure("received"),
        figure("stored") + figure("refused"),
        "{summary}"
    );
    assert_eq!(figure("bytes"), written, "{summary}");
    assert_eq!(figure("refused"), 0, "{summary}");
    assert!(
        figure("cut") > 0 && figure("defective") >= figure("cut"),
        "{summary}"
    );
    let skipped_of_one = (LINE_BYTES - RECORD_BYTES_MAX) as u64;
    assert!(figure("bytes_skipped") >= skipped_of_one, "{summary}");
    assert!(figure("empty_lines") > 0, "{summary}");
}

#[test]
fn garbage_is_accounted_for_in_bounded_memory() {
    let stand = Stand::new("garbage", "");
    let size = if is_slow() { 1 << 30 } else { 64 << 20 };
    let (written, honest) = write_garbage(File::create(stand.path("garbage")).unwrap(), size);
    let file = stand.shown("garbage");
    let said = stand
        .belfry(&["ingest", &file, "--source", "junk", "--format", "json"])
        .ends(0);
    println!(
        "{written} bytes, {} KiB of memory, {}",
        said.memory_kib,
        said.out.trim()
    );
    assert!(
        said.memory_kib > 0 && said.memory_kib < MEMORY_KIB_MAX,
        "{} KiB",
        said.memory_kib
    );
    assert!(!said.err.contains("panicked"), "{}", said.err);
    let summary = said.value();
    check_accounts(&summary, written);
    let found = stand.search("belfry.source:junk AND user.name:honest");
    assert_eq!(found.len() as u64, honest, "honest lines among the garbage");
    let cut = stand.search("belfry.source:junk AND belfry.defects:*frame_cut*");
    assert_eq!(cut.len() as u64, summary["cut"].as_u64().unwrap());
    assert!(
        texts(&cut, "belfry.source")
            .iter()
            .all(|source| *source == "junk")
    );
    stand.verify();
}
