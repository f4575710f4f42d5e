//! Bulk reading: compression by first bytes, bounded batches, nothing lost without a count.

use std::io::Write;

use event::Listener;
use event::limits::FRAME_BYTES_MAX;
use stdx::FakeClock;

use super::*;

fn origin() -> Origin {
    Origin {
        source: "bulk".into(),
        listener: Listener::Ingest,
        peer: None,
        file: None,
        observed_at: ObservedAt(0),
    }
}

fn check(input: Vec<u8>) -> (Vec<Vec<u8>>, ChunkTally) {
    let clock = Arc::new(FakeClock::at(7));
    let mut chunker = Chunker::new(io::Cursor::new(input), origin(), clock).unwrap();
    let mut frames = Vec::new();
    while let Some(batch) = chunker.next_batch().unwrap() {
        assert!(
            batch.bytes_len() <= 3 * BATCH_BYTES_MAX,
            "{}",
            batch.bytes_len()
        );
        assert_eq!(batch.origin.observed_at, ObservedAt(7));
        frames.extend(batch.frames().map(|frame| frame.bytes.to_vec()));
    }
    (frames, chunker.tally())
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn plain_gzip_and_zstd_give_the_same_lines() {
    let mut text = String::new();
    for n in 0..40_000 {
        text.extend(["line number ", &n.to_string(), " of a file\n"]);
    }
    text += "no newline at the end";
    let expected: Vec<Vec<u8>> = text.lines().map(|line| line.as_bytes().to_vec()).collect();
    let bytes = text.into_bytes();
    let (head, tail) = bytes.split_at(1000);
    let two_members = [gzip(head), gzip(tail)].concat();
    let zstd = zstd::encode_all(&bytes[..], 1).unwrap();
    for input in [bytes.clone(), two_members, zstd] {
        let (frames, tally) = check(input);
        assert!(frames == expected);
        assert_eq!(tally.bytes, bytes.len() as u64);
        assert_eq!(tally.frames, expected.len() as u64);
    }
}

#[test]
fn ten_megabyte_lines_and_a_million_empty_ones() {
    let mut input = vec![b'x'; 10_000_000];
    input.push(b'\n');
    input.extend(std::iter::repeat_n(b'\n', 1_000_000));
    input.extend_from_slice(b"end");
    let (frames, tally) = check(input);
    assert_eq!(frames.len(), 2);
    assert_eq!(frames[0].len(), FRAME_BYTES_MAX);
    assert_eq!(frames[1], b"end");
    assert_eq!(tally.frames_cut, 1);
    assert_eq!(tally.bytes_skipped, 10_000_000 - FRAME_BYTES_MAX as u64);
    assert_eq!(tally.lines_empty, 1_000_000);
}

#[test]
fn tiny_lines_are_bounded_by_their_number() {
    let (frames, _) = check(b"a\n".repeat(300_000));
    assert_eq!(frames.len(), 300_000);
}

#[test]
fn a_broken_archive_gives_its_lines_and_then_the_error() {
    let mut input = gzip("a line\n".repeat(100_000).as_bytes());
    input.truncate(input.len() - 20);
    let clock = Arc::new(FakeClock::at(7));
    let mut chunker = Chunker::new(io::Cursor::new(input), origin(), clock).unwrap();
    let (mut frames, mut errors) = (0, 0);
    loop {
        match chunker.next_batch() {
            Ok(Some(batch)) => frames += batch.len(),
            Ok(None) => break,
            Err(_) => errors += 1,
        }
    }
    assert_eq!(errors, 1);
    assert!(90_000 < frames, "{frames}");
}

/// Set `RUN_SLOW_TESTS` and build with `--release` to see the rate.
#[test]
fn rate() {
    if std::env::var_os("RUN_SLOW_TESTS").is_none() {
        return;
    }
    let line = format!("{}\n", "y".repeat(349));
    let input = line.repeat(1_000_000).into_bytes();
    let megabytes = input.len() as u64 / 1_000_000;
    let clock = Arc::new(FakeClock::at(7));
    let mut chunker = Chunker::new(io::Cursor::new(input), origin(), clock).unwrap();
    let started = std::time::Instant::now();
    let mut frames = 0;
    while let Some(batch) = chunker.next_batch().unwrap() {
        frames += batch.len();
    }
    let micros = u64::try_from(started.elapsed().as_micros()).unwrap();
    println!("{frames} frames, {} MB/s", megabytes * 1_000_000 / micros);
}
