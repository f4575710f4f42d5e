//! Framing: texts in, frames out, whatever the pieces in which they arrive.

use proptest::prelude::*;

use super::*;

/// All frames of a stream that arrives in pieces of `piece` bytes, with their cut marks.
fn split(framing: Framing, stream: &[u8], piece: usize) -> (Vec<(Vec<u8>, bool)>, Tally) {
    let mut splitter = Splitter::new(framing);
    let mut frames = Vec::new();
    let mut unread = Vec::new();
    for bytes in stream.chunks(piece) {
        unread.extend_from_slice(bytes);
        while let Some(step) = splitter.step(&unread) {
            if let Some(found) = step.frame {
                frames.push((
                    unread[found.start..found.start + found.len].to_vec(),
                    found.cut,
                ));
            }
            unread.drain(..step.consumed);
        }
    }
    if let Some(found) = splitter.finish(&unread) {
        frames.push((
            unread[found.start..found.start + found.len].to_vec(),
            found.cut,
        ));
    }
    (frames, splitter.tally)
}

fn check(framing: Framing, stream: &str, expected: &[&str]) {
    for piece in [1, 2, 7, 1000] {
        let (frames, _) = split(framing, stream.as_bytes(), piece);
        let texts: Vec<String> = frames
            .iter()
            .map(|(bytes, cut)| {
                let mark = if *cut { "~" } else { "" };
                format!("{}{mark}", String::from_utf8_lossy(bytes))
            })
            .collect();
        assert_eq!(texts, expected, "{stream:?} in pieces of {piece}");
    }
}

#[test]
fn lines_of_a_stream() {
    check(Framing::Lines, "a\nbc\r\n\n\nd", &["a", "bc", "d"]);
    check(Framing::Lines, "5 <1>x\n", &["5 <1>x"]);
    check(Framing::Lines, "", &[]);
}

#[test]
fn syslog_by_count_by_newline_and_mixed() {
    check(Framing::Syslog, "5 <1>ab6 <1>abc", &["<1>ab", "<1>abc"]);
    check(Framing::Syslog, "<1>ab\n<1>cd\n", &["<1>ab", "<1>cd"]);
    check(
        Framing::Syslog,
        "6 <1>ab\n<1>cd\n5 <1>ef",
        &["<1>ab", "<1>cd", "<1>ef"],
    );
    check(Framing::Syslog, "6 <1>a\nb<1>c\n", &["<1>a\nb", "<1>c"]);
}

#[test]
fn numbers_that_are_no_counts() {
    check(Framing::Syslog, "2026-11-21 x\n", &["2026-11-21 x"]);
    check(Framing::Syslog, "12 monkeys\n", &["12 monkeys"]);
    check(Framing::Syslog, "0 <1>x\n", &["0 <1>x"]);
    check(Framing::Syslog, "999999999 <1>x\n", &["999999999 <1>x"]);
}

#[test]
fn a_stream_that_ends_inside_a_message() {
    check(Framing::Syslog, "9 <1>abc", &["<1>abc~"]);
    check(Framing::Syslog, "<1>abc", &["<1>abc"]);
    check(Framing::Syslog, "12", &["12"]);
}

#[test]
fn long_records_are_cut_and_the_rest_is_counted() {
    let long = "x".repeat(FRAME_BYTES_MAX + 1000);
    for piece in [1000, 300_000, 10_000_000] {
        let text = format!("{long}\nnext\n");
        let (frames, tally) = split(Framing::Lines, text.as_bytes(), piece);
        assert_eq!(frames.len(), 2);
        assert_eq!((frames[0].0.len(), frames[0].1), (FRAME_BYTES_MAX, true));
        assert_eq!(frames[1], (b"next".to_vec(), false));
        assert_eq!((tally.frames_cut, tally.bytes_skipped), (1, 1000));

        let text = format!("{} <1>{long}5 <1>ab", long.len() + 3);
        let (frames, tally) = split(Framing::Syslog, text.as_bytes(), piece);
        assert_eq!(frames.len(), 2);
        assert_eq!((frames[0].0.len(), frames[0].1), (FRAME_BYTES_MAX, true));
        assert_eq!(frames[1], (b"<1>ab".to_vec(), false));
        assert_eq!((tally.frames_cut, tally.bytes_skipped), (1, 1003));
    }
    let exact = format!("{}\n", "x".repeat(FRAME_BYTES_MAX));
    let (frames, tally) = split(Framing::Lines, exact.as_bytes(), 4096);
    assert_eq!((frames.len(), tally.frames_cut), (1, 0));
}

proptest! {
    #[test]
    fn pieces_do_not_matter(
        stream in prop::collection::vec(
            prop_oneof![prop::sample::select(b"<>\n\r0123456789 ".to_vec()), any::<u8>()],
            0..300,
        ),
        piece in 1_usize..40,
    ) {
        for framing in [Framing::Lines, Framing::Syslog] {
            prop_assert_eq!(split(framing, &stream, piece), split(framing, &stream, 1000));
        }
    }

    #[test]
    fn every_byte_of_content_is_in_a_frame(
        lines in prop::collection::vec("[a-z<>0-9 ]{0,9}", 0..20),
    ) {
        let text = lines.join("\n");
        let (frames, tally) = split(Framing::Lines, text.as_bytes(), 5);
        let kept: usize = frames.iter().map(|(bytes, _)| bytes.len()).sum();
        prop_assert_eq!(kept, lines.iter().map(String::len).sum::<usize>());
        prop_assert_eq!(tally.bytes_skipped, 0);
    }
}
