//! Percent encoding and form pairs, as browsers write them (WHATWG URL, `x-www-form-urlencoded`).

/// Appends `text` so that it can stand in a path segment, a query or a form: everything but
/// letters, digits and `-._~` as `%XX`.
pub(crate) fn push_encoded(out: &mut String, text: &str) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push('%');
            out.push(digit(byte >> 4));
            out.push(digit(byte & 0xf));
        }
    }
}

fn digit(value: u8) -> char {
    char::from_digit(u32::from(value), 16).map_or('0', |c| c.to_ascii_uppercase())
}

/// `text` percent-encoded.
pub(crate) fn encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    push_encoded(&mut out, text);
    out
}

/// `a=1&b=2` of `pairs`.
pub(crate) fn joined(pairs: &[(&str, &str)]) -> String {
    let mut out = String::new();
    for (name, value) in pairs {
        if !out.is_empty() {
            out.push('&');
        }
        push_encoded(&mut out, name);
        out.push('=');
        push_encoded(&mut out, value);
    }
    out
}

/// The value of `name` among the pairs of `text`, decoded; the first one counts.
pub(crate) fn value(text: &str, name: &str) -> Option<String> {
    let mut pairs = text
        .split('&')
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")));
    pairs
        .find(|(key, _)| decoded(key) == name)
        .map(|(_, value)| decoded(value))
}

/// `text` with `+` and `%XX` undone; what is no escape stays, bytes that are no UTF-8 are replaced.
pub(crate) fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        rest = tail;
        match (first, tail) {
            (b'+', _) => bytes.push(b' '),
            (b'%', [high, low, after @ ..]) => match (hex(*high), hex(*low)) {
                (Some(high), Some(low)) => {
                    bytes.push(high << 4 | low);
                    rest = after;
                }
                _ => bytes.push(b'%'),
            },
            _ => bytes.push(first),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn hex(byte: u8) -> Option<u8> {
    char::from(byte)
        .to_digit(16)
        .and_then(|value| u8::try_from(value).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_encoded_comes_back() {
        for text in [
            "",
            "O'Reilly",
            "mum & dad",
            "100%",
            "a\r\n\u{1b}[2K",
            "zo\u{eb}",
        ] {
            assert_eq!(decoded(&encoded(text)), text);
            let form = joined(&[("other", "1"), ("name", text)]);
            assert_eq!(value(&form, "name").as_deref(), Some(text), "{form}");
        }
    }

    #[test]
    fn broken_escapes_stay() {
        assert_eq!(decoded("%zz%4+%"), "%zz%4 %");
        assert_eq!(value("a&b=1", "a").as_deref(), Some(""));
        assert_eq!(value("a=1", "b"), None);
    }
}
