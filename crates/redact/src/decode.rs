//! Decoded views of a text, each byte knowing where it came from.

/// A decoded text with the way back to its source.
pub(crate) struct View {
    pub(crate) bytes: Vec<u8>,
    /// Source offset of each byte, and of the end.
    offsets: Vec<u32>,
}

impl View {
    fn with_capacity(len: usize) -> Self {
        Self {
            bytes: Vec::with_capacity(len),
            offsets: Vec::with_capacity(len + 1),
        }
    }

    fn push(&mut self, byte: u8, source: usize) {
        self.bytes.push(byte);
        self.offset(source);
    }

    fn offset(&mut self, source: usize) {
        // Scanned texts are far below 4 GiB (limits.rs); saturating keeps offsets in order.
        self.offsets.push(u32::try_from(source).unwrap_or(u32::MAX));
    }

    /// Where the byte at `at` starts in the source; the end for the length.
    pub(crate) fn source(&self, at: usize) -> usize {
        self.offsets.get(at).map_or(0, |offset| *offset as usize)
    }
}

fn hex(byte: Option<&u8>) -> Option<u8> {
    char::from(*byte?)
        .to_digit(16)
        .and_then(|digit| u8::try_from(digit).ok())
}

fn percent_byte(text: &[u8], at: usize) -> Option<u8> {
    Some(hex(text.get(at + 1))? << 4 | hex(text.get(at + 2))?)
}

/// Whether a percent escape starts at `at`.
pub(crate) fn is_percent(text: &[u8], at: usize) -> bool {
    percent_byte(text, at).is_some()
}

/// Percent escapes decoded once, `+` read as a blank as forms write it.
pub(crate) fn percent(text: &[u8]) -> View {
    let mut view = View::with_capacity(text.len());
    let mut at = 0;
    while let Some(byte) = text.get(at) {
        let decoded = if *byte == b'%' {
            percent_byte(text, at)
        } else {
            None
        };
        if let Some(decoded) = decoded {
            view.push(decoded, at);
            at += 3;
        } else {
            view.push(if *byte == b'+' { b' ' } else { *byte }, at);
            at += 1;
        }
    }
    view.offset(text.len());
    view
}

/// JSON escapes decoded once; what is not an escape stays.
pub(crate) fn json(text: &[u8]) -> View {
    let mut view = View::with_capacity(text.len());
    let mut at = 0;
    while let Some(byte) = text.get(at) {
        let (decoded, len) = match (byte, text.get(at + 1)) {
            (b'\\', Some(b'n')) => (Some('\n'), 2),
            (b'\\', Some(b'r')) => (Some('\r'), 2),
            (b'\\', Some(b't')) => (Some('\t'), 2),
            (b'\\', Some(b'b' | b'f')) => (Some(' '), 2),
            (b'\\', Some(b'"')) => (Some('"'), 2),
            (b'\\', Some(b'\'')) => (Some('\''), 2),
            (b'\\', Some(b'/')) => (Some('/'), 2),
            (b'\\', Some(b'\\')) => (Some('\\'), 2),
            (b'\\', Some(b'u')) => (unicode(text, at), 6),
            (b'\\', Some(b'x')) => (percent_byte(text, at + 1).map(char::from), 4),
            _ => (None, 1),
        };
        if let Some(decoded) = decoded {
            let mut bytes = [0; 4];
            for byte in decoded.encode_utf8(&mut bytes).bytes() {
                view.push(byte, at);
            }
            at += len;
        } else {
            view.push(*byte, at);
            at += 1;
        }
    }
    view.offset(text.len());
    view
}

/// A `\uHHHH` outside the surrogates.
fn unicode(text: &[u8], at: usize) -> Option<char> {
    let high = percent_byte(text, at + 1)?;
    let low = percent_byte(text, at + 3)?;
    char::from_u32(u32::from(high) << 8 | u32::from(low))
}

/// Either alphabet of base64, when the first bytes and all of it read as text.
pub(crate) fn base64(token: &[u8]) -> Option<Vec<u8>> {
    let head = base64_bytes(&token[..token.len().min(16)])?;
    if !head.iter().all(|b| is_texty(*b)) {
        return None;
    }
    let bytes = base64_bytes(token)?;
    let odd = bytes.iter().filter(|b| !is_texty(**b)).count();
    (odd * 8 <= bytes.len()).then_some(bytes)
}

/// Either alphabet of base64, padding and spare bits ignored.
pub(crate) fn base64_bytes(token: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(token.len() * 3 / 4);
    let (mut bits, mut held) = (0_u32, 0);
    for byte in token.iter().filter(|b| **b != b'=') {
        let value = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            _ => return None,
        };
        bits = bits << 6 | u32::from(value);
        held += 6;
        if held >= 8 {
            held -= 8;
            out.push(u8::try_from(bits >> held & 0xff).unwrap_or(0));
        }
    }
    Some(out)
}

fn is_texty(byte: u8) -> bool {
    matches!(byte, b' '..=b'~' | b'\n' | b'\r' | b'\t') || byte >= 0xc2
}
