//! The bytes of format 1, pinned: a change here is a new format.

use proptest::prelude::*;

use crate::frame::{FrameHeader, HEADER_BYTES};
use crate::identity::Identity;
use crate::integrate::Integrator;
use crate::leaf::{
    Content, Kind, Leaf, RECORD_BYTES, commitment, inline_record, push_event_template,
    sequence_record,
};
use crate::segment::SegmentHeader;
use crate::stretch::Stretch;

fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

#[test]
fn an_event_record() {
    let mut records = Vec::new();
    push_event_template(&mut records, 0x0102, &[0xcc; 32]);
    sequence_record(&mut records, 0x1112_1314_1516_1718, 0x21, 0x31);
    let expected = [
        "0042",             // length of the entry
        "01",               // version
        "00",               // kind: event
        "0001",             // flags: committed
        "1112131415161718", // recv_ns
        "00000000",         // tenant
        "00000021",         // source
        "0000000000000031", // source_seq
        "0000",             // retention class
        "00000102",         // body_len
    ];
    assert_eq!(hex(&records), expected.concat() + &"cc".repeat(32));
    assert_eq!(records.len(), RECORD_BYTES);
    let leaf = Leaf::parse(&records[2..]).unwrap();
    assert_eq!(
        (leaf.kind, leaf.source, leaf.source_seq),
        (Kind::Event, 0x21, 0x31)
    );
    assert_eq!(leaf.content, Content::Committed([0xcc; 32]));
}

#[test]
fn an_inline_record() {
    let record = inline_record(Kind::SourceRegistered, 1, "{}");
    let expected = "0024010a0000".to_owned()
        + "0000000000000001"
        + "00000000000000000000000000000000"
        + "0000"
        + "00000002"
        + "7b7d";
    assert_eq!(hex(&record), expected);
    assert_eq!(
        Leaf::parse(&record[2..]).unwrap().content,
        Content::Inline(b"{}")
    );
}

/// `printf 'belfry/body/v1\0%s%s' 0123456789abcdef '{"a":1}' | sha256sum`
#[test]
fn a_commitment() {
    assert_eq!(
        hex(&commitment(br#"0123456789abcdef{"a":1}"#)),
        "68893d6cceaf16105071752fcf78467bc20cec59c88b2d0bf624838d4dbfe5b9"
    );
}

#[test]
fn a_frame_header() {
    let header = FrameHeader {
        salt: 0x0102_0304_0506_0708,
        seq: 9,
        first_index: 10,
        count: 2,
        entries_len: 136,
        bodies_len: 700,
        durable_upto: 9,
        payload_crc: 0xaabb_ccdd,
    };
    let bytes = header.encode();
    let expected = "4246524d00010000".to_owned()
        + "0102030405060708"
        + "0000000000000009"
        + "000000000000000a"
        + "0000000200000088"
        + "00000000000002bc"
        + "0000000000000009"
        + "aabbccdd";
    assert_eq!(hex(&bytes[..HEADER_BYTES - 4]), expected);
    assert_eq!(
        FrameHeader::parse(&bytes, 0x0102_0304_0506_0708),
        Ok(header)
    );
    assert_eq!(header.padded_len(), 4096);
}

proptest! {
    #[test]
    fn foreign_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
        let _ = Leaf::parse(&bytes);
        let _ = Integrator::from_bytes(&bytes);
        let _ = Identity::parse(&String::from_utf8_lossy(&bytes));
        let mut page = [0; disk::PAGE_BYTES];
        page[..bytes.len()].copy_from_slice(&bytes);
        prop_assert!(SegmentHeader::parse(&page).is_none());
        let mut head = [0; HEADER_BYTES];
        let len = bytes.len().min(HEADER_BYTES);
        head[..len].copy_from_slice(&bytes[..len]);
        prop_assert!(FrameHeader::parse(&head, 1).is_err());
    }

    /// Whole checksums do not make content trustworthy.
    #[test]
    fn a_sealed_resume_state_never_panics(
        mut bytes in proptest::collection::vec(any::<u8>(), 0..300),
        keep in 0..80_usize,
    ) {
        let mut sealed = Integrator::default().to_bytes();
        sealed.truncate(keep.min(sealed.len() - 4));
        sealed.append(&mut bytes);
        let crc = crc32c::crc32c(&sealed);
        sealed.extend_from_slice(&crc.to_be_bytes());
        let _ = Integrator::from_bytes(&sealed);
    }

    #[test]
    fn records_of_any_payload_end(
        payload in proptest::collection::vec(any::<u8>(), 0..600),
        entries_len in any::<u32>(),
    ) {
        let header = FrameHeader {
            salt: 0, seq: 0, first_index: u64::MAX, count: u32::MAX, entries_len,
            bodies_len: u64::MAX, durable_upto: 0, payload_crc: 0,
        };
        let len = payload.len();
        prop_assert!(Stretch::of_frame(&header, payload, true).records().count() <= len);
        prop_assert_eq!(header.end_index(), u64::MAX);
        prop_assert_eq!(header.payload_len(), usize::MAX);
    }
}
