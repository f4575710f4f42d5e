//! Text transformations of Sigma values: command-line dashes, UTF-16 and base64.

use rsigma_parser::{Modifier, SigmaString};

use crate::limits;

/// The dashes that Windows command lines accept for each other: hyphen, slash, en dash, em dash,
/// horizontal bar.
const DASHES: [char; 5] = ['-', '/', '\u{2013}', '\u{2014}', '\u{2015}'];

/// The texts that `text` stands for after `encodings`, in the order they are written.
pub(super) fn spellings(
    text: &SigmaString,
    encodings: &[Modifier],
) -> Result<Vec<SigmaString>, String> {
    let mut texts = vec![text.clone()];
    let mut bytes: Option<Vec<Vec<u8>>> = None;
    for encoding in encodings {
        match encoding {
            Modifier::WindAsh => {
                let mut dashed = Vec::new();
                for text in &texts {
                    dashed.extend(windash(text)?);
                }
                texts = dashed;
            }
            Modifier::Wide | Modifier::Utf16be | Modifier::Utf16 => {
                let plain = plain(&texts)?;
                bytes = Some(plain.iter().map(|text| utf16(text, *encoding)).collect());
            }
            Modifier::Base64 | Modifier::Base64Offset => {
                let input = match bytes.take() {
                    Some(bytes) => bytes,
                    None => plain(&texts)?.into_iter().map(String::into_bytes).collect(),
                };
                let encode = |bytes: &Vec<u8>| match encoding {
                    Modifier::Base64 => vec![base64(bytes)],
                    _ => base64_offsets(bytes),
                };
                let encoded = input.iter().flat_map(encode);
                texts = encoded.map(|text| SigmaString::from_raw(&text)).collect();
            }
            _ => {}
        }
    }
    if let Some(bytes) = bytes {
        let text = bytes.iter().map(|bytes| String::from_utf8_lossy(bytes));
        texts = text.map(|text| SigmaString::from_raw(&text)).collect();
    }
    Ok(texts)
}

fn plain(texts: &[SigmaString]) -> Result<Vec<String>, String> {
    let plain: Option<Vec<String>> = texts.iter().map(SigmaString::as_plain).collect();
    plain.ok_or_else(|| "wildcards cannot be encoded".into())
}

/// Every dash that starts an option (after a non-word character, before a word character), in all
/// five spellings.
fn windash(text: &SigmaString) -> Result<Vec<SigmaString>, String> {
    let chars: Vec<char> = text.original.chars().collect();
    let word = |at: Option<usize>| {
        let c = at.and_then(|at| chars.get(at));
        c.is_some_and(|c| c.is_alphanumeric() || *c == '_')
    };
    let mut spelled = vec![String::new()];
    for (at, c) in chars.iter().enumerate() {
        let is_option = matches!(c, '-' | '/') && !word(at.checked_sub(1)) && word(Some(at + 1));
        if is_option {
            let dash = |text: &String| DASHES.map(|dash| format!("{text}{dash}"));
            spelled = spelled.iter().flat_map(dash).collect();
        } else {
            for text in &mut spelled {
                text.push(*c);
            }
        }
        if spelled.len() > limits::ITEM_VALUES_MAX {
            let max = limits::ITEM_VALUES_MAX;
            return Err(format!("`windash` expands to more than {max} values"));
        }
    }
    Ok(spelled.iter().map(|text| SigmaString::new(text)).collect())
}

fn utf16(text: &str, encoding: Modifier) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len() * 2 + 2);
    if encoding == Modifier::Utf16 {
        out.extend([0xff, 0xfe]);
    }
    for unit in text.encode_utf16() {
        match encoding {
            Modifier::Utf16be => out.extend(unit.to_be_bytes()),
            _ => out.extend(unit.to_le_bytes()),
        }
    }
    out
}

fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let mut bits = 0_u32;
        for at in 0..3 {
            bits = bits << 8 | u32::from(group.get(at).copied().unwrap_or(0));
        }
        for at in 0..4 {
            if at <= group.len() {
                let six = bits >> (18 - at * 6) & 0x3f;
                out.push(char::from(ALPHABET[six as usize]));
            } else {
                out.push('=');
            }
        }
    }
    out
}

/// The text as it appears inside a longer base64 text at each of the three alignments: characters
/// that also depend on neighbouring bytes are left out.
fn base64_offsets(bytes: &[u8]) -> Vec<String> {
    const SKIPPED: [usize; 3] = [0, 2, 3];
    const TRIMMED: [usize; 3] = [0, 3, 2];
    (0..3)
        .map(|offset| {
            let mut shifted = vec![b' '; offset];
            shifted.extend(bytes);
            let text = base64(&shifted);
            let end = text.len().saturating_sub(TRIMMED[shifted.len() % 3]);
            text.get(SKIPPED[offset]..end)
                .unwrap_or_default()
                .to_owned()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(text: &str, encodings: &[Modifier]) -> Vec<String> {
        let spelled = spellings(&SigmaString::new(text), encodings).unwrap();
        spelled.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn base64_in_all_positions() {
        assert_eq!(texts("foo", &[Modifier::Base64]), ["Zm9v"]);
        assert_eq!(texts("f", &[Modifier::Base64]), ["Zg=="]);
        assert_eq!(
            texts("foobar", &[Modifier::Base64Offset]),
            ["Zm9vYmFy", "Zvb2Jhc", "mb29iYX"]
        );
        assert_eq!(
            texts("ping", &[Modifier::Wide, Modifier::Base64]),
            ["cABpAG4AZwA="]
        );
    }

    #[test]
    fn dashes_of_options_only() {
        let spelled = texts("a -b-c", &[Modifier::WindAsh]);
        assert_eq!(spelled.len(), 5);
        assert_eq!(spelled[1], "a /b-c");
        assert_eq!(texts("* -x*", &[Modifier::WindAsh]).len(), 5);
    }
}
