//! Decompression within limits.

use std::io::Write;

use super::*;
use crate::budget::Budget;

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn check(packed: Vec<u8>, encoding: Encoding, budget_bytes: usize) -> Result<usize, String> {
    let mut share = Budget::new(budget_bytes).share();
    unpack(packed.into(), encoding, 1_000_000, &mut share)
        .map(|bytes| bytes.len())
        .map_err(|error| error.to_string())
}

#[test]
fn exactly_the_limit_passes_and_one_byte_more_does_not() {
    let too_long = Err("the decompressed body exceeds 1000000 bytes".to_owned());
    let (fits, bomb) = (vec![0; 1_000_000], vec![0; 1_000_001]);
    let zstd = |bytes: &[u8]| zstd::encode_all(bytes, 3).unwrap();
    assert_eq!(check(gzip(&fits), Encoding::Gzip, 9_000_000), Ok(1_000_000));
    assert_eq!(check(zstd(&fits), Encoding::Zstd, 9_000_000), Ok(1_000_000));
    assert_eq!(check(gzip(&bomb), Encoding::Gzip, 9_000_000), too_long);
    assert_eq!(check(zstd(&bomb), Encoding::Zstd, 9_000_000), too_long);
}

#[test]
fn crowded_and_malformed() {
    let fits = gzip(&vec![0; 900_000]);
    let crowded = Err("no memory left for bodies".to_owned());
    assert_eq!(check(fits.clone(), Encoding::Gzip, 500_000), crowded);
    for encoding in [Encoding::Gzip, Encoding::Zstd] {
        let error = check(b"not packed at all".to_vec(), encoding, 9_000_000).unwrap_err();
        assert!(error.starts_with("the body does not decompress"), "{error}");
    }
    let cut = fits[..fits.len() - 9].to_vec();
    assert!(check(cut, Encoding::Gzip, 9_000_000).is_err());
}
