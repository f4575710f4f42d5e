//! Where the records of a body begin and end, without understanding them.
//!
//! A body is one JSON array (its elements are the records), JSON objects one after the other
//! (pretty-printed or not), or lines. Which of them is decided by looking. The scanner knows
//! strings, escapes and nesting; it is one pass without recursion, and whether a record is valid
//! JSON is left to parse.

use event::Hint;
use memchr::{memchr, memchr2};

/// One record inside a body. An empty element of an array has no length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Item {
    pub(crate) start: usize,
    pub(crate) len: usize,
    pub(crate) hint: Hint,
}

/// Why a body has no clear records. Nothing of such a body is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ScanError {
    #[error("the array that begins at byte {start} is not closed")]
    ArrayNotClosed { start: usize },
    #[error("expected ',' or ']' at byte {at}")]
    ArraySeparator { at: usize },
    #[error("unexpected bytes after the array at byte {at}")]
    AfterArray { at: usize },
    #[error("more than {items_max} items in one request")]
    TooManyItems { items_max: usize },
}

/// The records of `body` in order.
pub(crate) fn items(body: &[u8], items_max: usize) -> Result<Vec<Item>, ScanError> {
    let mut scan = Scan {
        body,
        at: 0,
        items: Vec::new(),
        items_max,
    };
    if body.starts_with(b"\xEF\xBB\xBF") {
        scan.at = 3;
    }
    scan.skip_space();
    match scan.byte() {
        None => {}
        Some(b'[') => scan.array()?,
        Some(b'{') if is_stream(&body[scan.at..]) => scan.stream()?,
        Some(_) => scan.lines()?,
    }
    Ok(scan.items)
}

struct Scan<'a> {
    body: &'a [u8],
    at: usize,
    items: Vec<Item>,
    items_max: usize,
}

impl Scan<'_> {
    fn byte(&self) -> Option<u8> {
        self.body.get(self.at).copied()
    }

    fn skip_space(&mut self) {
        while self.byte().is_some_and(is_space) {
            self.at += 1;
        }
    }

    fn push(&mut self, start: usize, end: usize, hint: Hint) -> Result<(), ScanError> {
        if self.items.len() == self.items_max {
            return Err(ScanError::TooManyItems {
                items_max: self.items_max,
            });
        }
        let len = end - start;
        self.items.push(Item { start, len, hint });
        Ok(())
    }

    fn array(&mut self) -> Result<(), ScanError> {
        let array_start = self.at;
        let not_closed = ScanError::ArrayNotClosed { start: array_start };
        self.at += 1;
        self.skip_space();
        if self.byte() == Some(b']') {
            self.at += 1;
            return self.after_array();
        }
        loop {
            self.skip_space();
            let start = self.at;
            let end = match self.byte().ok_or(not_closed)? {
                b',' | b']' => start,
                _ => value_end(self.body, start, Newlines::Allowed).ok_or(not_closed)?,
            };
            self.push(start, end, Hint::Json)?;
            self.at = end;
            self.skip_space();
            match self.byte().ok_or(not_closed)? {
                b',' => self.at += 1,
                b']' => {
                    self.at += 1;
                    return self.after_array();
                }
                _ => return Err(ScanError::ArraySeparator { at: self.at }),
            }
        }
    }

    fn after_array(&mut self) -> Result<(), ScanError> {
        self.skip_space();
        match self.byte() {
            None => Ok(()),
            Some(_) => Err(ScanError::AfterArray { at: self.at }),
        }
    }

    /// Values one after the other; one that never ends takes the rest.
    fn stream(&mut self) -> Result<(), ScanError> {
        loop {
            self.skip_space();
            let Some(first) = self.byte() else {
                return Ok(());
            };
            let start = self.at;
            let end = match first {
                b'{' | b'[' => value_end(self.body, start, Newlines::Allowed),
                _ => memchr(b'\n', &self.body[start..]).map(|n| start + n),
            };
            self.at = end.unwrap_or(self.body.len());
            let end = trimmed_end(self.body, start, self.at);
            self.push(start, end, hint_of(first))?;
        }
    }

    fn lines(&mut self) -> Result<(), ScanError> {
        loop {
            self.skip_space();
            let Some(first) = self.byte() else {
                return Ok(());
            };
            let start = self.at;
            let newline = memchr(b'\n', &self.body[start..]);
            self.at = newline.map_or(self.body.len(), |n| start + n);
            let end = trimmed_end(self.body, start, self.at);
            self.push(start, end, hint_of(first))?;
        }
    }
}

/// Whether a body that begins with an object is objects over several lines rather than lines.
/// A line that ends in the middle of an object is taken for pretty-printing only where a printer
/// would break it; a broken record of a body of lines must not swallow the lines after it.
fn is_stream(body: &[u8]) -> bool {
    let line_len = memchr(b'\n', body).unwrap_or(body.len());
    let line = &body[..trimmed_end(body, 0, line_len)];
    if matches!(line.last(), Some(b'{' | b'[' | b',' | b':')) {
        return true;
    }
    value_end(body, 0, Newlines::EndStrings)
        .is_some_and(|end| line_len <= end && trimmed_end(body, end, body.len()) == end)
}

fn hint_of(first: u8) -> Hint {
    match first {
        b'{' => Hint::Json,
        _ => Hint::Auto,
    }
}

fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}

fn trimmed_end(body: &[u8], start: usize, mut end: usize) -> usize {
    while start < end && is_space(body[end - 1]) {
        end -= 1;
    }
    end
}

/// What a line feed inside a string means. JSON forbids it; a sloppy sender inside an array may
/// still write one.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Newlines {
    Allowed,
    EndStrings,
}

/// One past the last byte of the value that begins at `start`; `None` when it does not end.
fn value_end(body: &[u8], start: usize, newlines: Newlines) -> Option<usize> {
    let mut depth: usize = 0;
    let mut at = start;
    loop {
        match *body.get(at)? {
            b'"' => at = string_end(body, at, newlines)?,
            b'{' | b'[' => {
                depth += 1;
                at += 1;
            }
            b'}' | b']' => {
                depth = depth.checked_sub(1)?;
                at += 1;
            }
            _ if depth == 0 => return Some(scalar_end(body, at)),
            _ => at += 1,
        }
        if depth == 0 {
            return Some(at);
        }
    }
}

/// One past the closing quote of the string that begins at `start`.
fn string_end(body: &[u8], start: usize, newlines: Newlines) -> Option<usize> {
    let mut at = start + 1;
    loop {
        let found = at + memchr2(b'"', b'\\', body.get(at..)?)?;
        if newlines == Newlines::EndStrings && memchr(b'\n', &body[at..found]).is_some() {
            return None;
        }
        match body[found] {
            b'"' => return Some(found + 1),
            // The byte after a backslash is part of the escape, whatever it is.
            _ => at = found + 2,
        }
    }
}

/// One past a number, word or garbage between two separators of an array.
fn scalar_end(body: &[u8], start: usize) -> usize {
    let is_end = |byte: &u8| is_space(*byte) || matches!(*byte, b',' | b']' | b'}');
    let len = body[start..].iter().position(is_end);
    len.map_or(body.len(), |n| start + n)
}

#[cfg(test)]
mod tests;
