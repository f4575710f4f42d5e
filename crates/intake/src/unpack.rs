//! Decompresses a body that is in memory, within a limit that no ratio can pass.

use std::io::{self, Read};

use event::Raw;
use flate2::bufread::MultiGzDecoder;
use zstd::stream::read::Decoder as ZstdDecoder;

use crate::budget::Share;
use crate::limits::ZSTD_WINDOW_LOG_MAX;

const STEP_BYTES: usize = 128 * 1024;

/// How a body is encoded (RFC 9110 8.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Encoding {
    Identity,
    Gzip,
    Zstd,
}

/// Why a body could not be unpacked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum UnpackError {
    #[error("the body does not decompress: {0}")]
    Malformed(#[source] io::Error),
    #[error("the decompressed body exceeds {bytes_max} bytes")]
    TooLong { bytes_max: usize },
    #[error("no memory left for bodies")]
    Crowded,
}

/// The bytes of `packed` as the sender meant them. Takes what it needs from `share`.
pub(crate) fn unpack(
    packed: Raw,
    encoding: Encoding,
    bytes_max: usize,
    share: &mut Share,
) -> Result<Raw, UnpackError> {
    match encoding {
        Encoding::Identity => Ok(packed),
        Encoding::Gzip => read_capped(MultiGzDecoder::new(packed.bytes()), bytes_max, share),
        Encoding::Zstd => {
            let mut decoder =
                ZstdDecoder::with_buffer(packed.bytes()).map_err(UnpackError::Malformed)?;
            decoder
                .window_log_max(ZSTD_WINDOW_LOG_MAX)
                .map_err(UnpackError::Malformed)?;
            read_capped(decoder, bytes_max, share)
        }
    }
}

fn read_capped(
    mut reader: impl Read,
    bytes_max: usize,
    share: &mut Share,
) -> Result<Raw, UnpackError> {
    let mut raw = Raw::default();
    loop {
        let bytes = raw.buffer_mut();
        let filled = bytes.len();
        // One byte of room beyond the limit tells a full body from one that goes on.
        let step = STEP_BYTES.min(bytes_max + 1 - filled);
        bytes.resize(filled + step, 0);
        let count = match reader.read(&mut bytes[filled..]) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => 0,
            Err(error) => return Err(UnpackError::Malformed(error)),
            Ok(0) => {
                bytes.truncate(filled);
                return Ok(raw);
            }
            Ok(count) => count,
        };
        bytes.truncate(filled + count);
        if bytes_max < bytes.len() {
            return Err(UnpackError::TooLong { bytes_max });
        }
        if !share.grow(count) {
            return Err(UnpackError::Crowded);
        }
    }
}

#[cfg(test)]
mod tests;
