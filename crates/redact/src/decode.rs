//! Decoded views of a text, each byte knowing where it came from.

use zeroize::Zeroizing;

/// A decoded text with the way back to its source. It held a stranger's text, so it is wiped.
pub(crate) struct View {
    pub(crate) bytes: Zeroizing<Vec<u8>>,
    /// Where the two run apart: offsets in the view and in the source, each after the one before.
    /// Between two of them bytes were copied one by one.
    steps: Vec<(u32, u32)>,
    source_len: usize,
}

impl View {
    fn with_capacity(len: usize) -> Self {
        Self {
            bytes: Zeroizing::new(Vec::with_capacity(len)),
            steps: Vec::new(),
            source_len: 0,
        }
    }

    /// Bytes as they stand.
    fn copy(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// Bytes that stand for the escape at `source`, `len` bytes long.
    fn decoded(&mut self, bytes: &[u8], source: usize, len: usize) {
        let at = self.bytes.len();
        self.bytes.extend_from_slice(bytes);
        for place in 0..bytes.len() {
            self.step(at + place, source);
        }
        self.step(self.bytes.len(), source + len);
    }

    fn step(&mut self, at: usize, source: usize) {
        // Scanned texts are far below 4 GiB (limits.rs); saturating keeps offsets in order.
        let small = |value| u32::try_from(value).unwrap_or(u32::MAX);
        let step = (small(at), small(source));
        match self.steps.last_mut() {
            Some(last) if last.0 == step.0 => *last = step,
            _ => self.steps.push(step),
        }
    }

    /// Where the byte at `at` starts in the source; the end for the length.
    pub(crate) fn source(&self, at: usize) -> usize {
        let next = self.steps.partition_point(|step| step.0 as usize <= at);
        let source = match next.checked_sub(1).map(|last| self.steps[last]) {
            Some((from, source)) => source as usize + (at - from as usize),
            None => at,
        };
        source.min(self.source_len)
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
    view.source_len = text.len();
    let mut from = 0;
    for at in memchr::memchr2_iter(b'%', b'+', text) {
        if at < from {
            continue;
        }
        let (byte, len) = match text[at] {
            b'+' => (Some(b' '), 1),
            _ => (percent_byte(text, at), 3),
        };
        if let Some(byte) = byte {
            view.copy(&text[from..at]);
            if len == 1 {
                view.copy(&[byte]);
            } else {
                view.decoded(&[byte], at, len);
            }
            from = at + len;
        }
    }
    view.copy(&text[from..]);
    view
}

/// JSON escapes decoded once; what is not an escape stays.
pub(crate) fn json(text: &[u8]) -> View {
    let mut view = View::with_capacity(text.len());
    view.source_len = text.len();
    let mut from = 0;
    for at in memchr::memchr_iter(b'\\', text) {
        if at < from {
            continue;
        }
        let (decoded, len) = match text.get(at + 1) {
            Some(b'n') => (Some('\n'), 2),
            Some(b'r') => (Some('\r'), 2),
            Some(b't') => (Some('\t'), 2),
            Some(b'b' | b'f') => (Some(' '), 2),
            Some(b'"') => (Some('"'), 2),
            Some(b'\'') => (Some('\''), 2),
            Some(b'/') => (Some('/'), 2),
            Some(b'\\') => (Some('\\'), 2),
            Some(b'u') => (unicode(text, at), 6),
            Some(b'x') => (percent_byte(text, at + 1).map(char::from), 4),
            _ => (None, 1),
        };
        if let Some(decoded) = decoded {
            view.copy(&text[from..at]);
            view.decoded(decoded.encode_utf8(&mut [0; 4]).as_bytes(), at, len);
            from = at + len;
        }
    }
    view.copy(&text[from..]);
    view
}

/// A `\uHHHH` outside the surrogates.
fn unicode(text: &[u8], at: usize) -> Option<char> {
    let high = percent_byte(text, at + 1)?;
    let low = percent_byte(text, at + 3)?;
    char::from_u32(u32::from(high) << 8 | u32::from(low))
}

/// Either alphabet of base64, when the first bytes and all of it read as text.
pub(crate) fn base64(token: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    // Most long tokens are none, and nearly all of them show it in their first four characters.
    let (groups, _) = token[..token.len().min(16)].as_chunks::<4>();
    for group in groups {
        let bits = group.iter().try_fold(0_u32, |bits, byte| {
            let value = BASE64_VALUES[usize::from(*byte)];
            (value < 64).then_some(bits << 6 | u32::from(value))
        })?;
        let [_, bytes @ ..] = bits.to_be_bytes();
        if !bytes.iter().all(|byte| is_texty(*byte)) {
            return None;
        }
    }
    let bytes = base64_bytes(token)?;
    let odd = bytes.iter().filter(|b| !is_texty(**b)).count();
    (odd * 8 <= bytes.len()).then_some(bytes)
}

/// Either alphabet of base64, padding and spare bits ignored.
pub(crate) fn base64_bytes(token: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let mut out = Zeroizing::new(Vec::with_capacity(token.len() * 3 / 4 + 3));
    let (mut bits, mut held) = (0_u32, 0);
    for byte in token {
        let value = match BASE64_VALUES[usize::from(*byte)] {
            NO_VALUE if *byte == b'=' => continue,
            NO_VALUE => return None,
            value => value,
        };
        bits = bits << 6 | u32::from(value);
        held += 6;
        if held >= 8 {
            held -= 8;
            out.push(bits.wrapping_shr(held).to_le_bytes()[0]);
        }
    }
    Some(out)
}

const NO_VALUE: u8 = 255;

/// What each character of either alphabet stands for.
static BASE64_VALUES: [u8; 256] = {
    let mut table = [NO_VALUE; 256];
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut value = 0_u8;
    while value < 64 {
        table[alphabet[value as usize] as usize] = value;
        value += 1;
    }
    table[b'-' as usize] = 62;
    table[b'_' as usize] = 63;
    table
};

fn is_texty(byte: u8) -> bool {
    matches!(byte, b' '..=b'~' | b'\n' | b'\r' | b'\t') || byte >= 0xc2
}
