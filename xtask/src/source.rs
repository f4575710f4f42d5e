//! One Rust file with its comments and literals blanked out, so that a word found in it is code.
//!
//! This is a lexer of a hundred lines, not a parser: it knows comments, strings, characters and
//! braces, and finds functions and test modules by matching braces.

#[cfg(test)]
mod tests;

/// A Rust file as tidy reads it.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    /// Relative to the root of the repository.
    pub(crate) path: String,
    pub(crate) text: String,
    /// Same bytes per line count as `text`, with comments and literals replaced by blanks.
    pub(crate) code: String,
    /// Byte ranges of `code` that only tests compile.
    test_spans: Vec<(usize, usize)>,
    whole_file_is_test: bool,
}

/// A function found in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Function {
    pub(crate) name: String,
    /// 1-based line of the word `fn`.
    pub(crate) line: usize,
    /// From the line of `fn` to the line of the closing brace, both counted.
    pub(crate) lines: usize,
    /// Carries the attribute `#[test]`.
    pub(crate) is_test: bool,
}

impl Source {
    pub(crate) fn new(path: &str, text: &str) -> Self {
        let code = mask(text);
        let test_spans = find_test_spans(&code);
        Self {
            path: path.to_owned(),
            text: text.to_owned(),
            whole_file_is_test: is_test_path(path),
            code,
            test_spans,
        }
    }

    /// Whether only tests compile the byte at this position of `code`.
    pub(crate) fn is_test_at(&self, position: usize) -> bool {
        self.whole_file_is_test
            || self
                .test_spans
                .iter()
                .any(|(start, end)| (*start..*end).contains(&position))
    }

    /// 1-based line of a byte position.
    pub(crate) fn line_at(&self, position: usize) -> usize {
        line_of(&self.code, position)
    }

    /// Path stems of the files that `#[cfg(test)] mod name;` brings in.
    pub(crate) fn test_modules(&self) -> Vec<String> {
        let parent = module_folder(&self.path);
        self.code
            .match_indices("#[cfg(")
            .filter_map(|(start, _)| {
                let condition_end = start + self.code[start..].find(']')?;
                find_word(&self.code[start..condition_end], "test").next()?;
                let item = self.code[condition_end + 1..]
                    .split([';', '{', '#'])
                    .next()?;
                let name = item.trim().rsplit_once("mod ")?.1;
                name.chars()
                    .all(is_name_char)
                    .then(|| format!("{parent}/{name}"))
            })
            .collect()
    }

    /// Takes the whole file for test code when one of the stems names it or a folder above it.
    pub(crate) fn mark_test_module(&mut self, stems: &[String]) {
        let named = |stem: &String| {
            let rest = self.path.strip_prefix(stem.as_str());
            rest.is_some_and(|rest| rest == ".rs" || rest.starts_with('/'))
        };
        self.whole_file_is_test |= stems.iter().any(named);
    }

    /// Positions in `code` where the word stands alone, not inside a longer name.
    pub(crate) fn find_word<'a>(&'a self, word: &'a str) -> impl Iterator<Item = usize> + 'a {
        find_word(&self.code, word)
    }

    /// All functions with a body, in order.
    pub(crate) fn functions(&self) -> Vec<Function> {
        self.find_word("fn")
            .filter_map(|position| self.function_at(position))
            .collect()
    }

    fn function_at(&self, position: usize) -> Option<Function> {
        let rest = self.code.get(position + 2..)?;
        let name: String = rest
            .trim_start()
            .chars()
            .take_while(|c| is_name_char(*c))
            .collect();
        if name.is_empty() {
            return None;
        }
        let (_, end) = body_after(&self.code, position)?;
        let line = self.line_at(position);
        Some(Function {
            name,
            line,
            lines: self.line_at(end) - line + 1,
            is_test: attributes_before(&self.code, position).contains("#[test]"),
        })
    }
}

/// Positions of a word that is not part of a longer name.
pub(crate) fn find_word<'a>(code: &'a str, word: &'a str) -> impl Iterator<Item = usize> + 'a {
    code.match_indices(word)
        .map(|(position, _)| position)
        .filter(move |position| {
            let before = code[..*position].chars().next_back();
            let after = code[*position + word.len()..].chars().next();
            !before.is_some_and(is_name_char) && !after.is_some_and(is_name_char)
        })
}

pub(crate) fn is_name_char(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}

/// The folder where the modules of a file live.
fn module_folder(path: &str) -> String {
    let stem = path.strip_suffix(".rs").unwrap_or(path);
    let own = stem
        .strip_suffix("/lib")
        .or_else(|| stem.strip_suffix("/main"))
        .or_else(|| stem.strip_suffix("/mod"));
    own.unwrap_or(stem).to_owned()
}

fn line_of(text: &str, position: usize) -> usize {
    text[..position].matches('\n').count() + 1
}

/// Files that only tests compile, by where they stand.
fn is_test_path(path: &str) -> bool {
    path.split('/')
        .any(|name| matches!(name, "tests" | "tests.rs" | "testkit" | "testkit.rs"))
}

/// The attributes and qualifiers between the previous item and this position.
fn attributes_before(code: &str, position: usize) -> &str {
    let start = code[..position]
        .rfind(['}', ';', '{'])
        .map_or(0, |found| found + 1);
    &code[start..position]
}

/// Items behind `#[cfg(test)]` and `#[cfg(any(test, ..))]` that carry their body with them.
fn find_test_spans(code: &str) -> Vec<(usize, usize)> {
    code.match_indices("#[cfg(")
        .filter_map(|(start, _)| {
            let condition_end = start + code[start..].find(']')?;
            find_word(&code[start..condition_end], "test").next()?;
            let (_, end) = body_after(code, condition_end + 1)?;
            Some((start, end))
        })
        .collect()
}

/// The braces that follow a position, unless a semicolon ends the item first.
fn body_after(code: &str, position: usize) -> Option<(usize, usize)> {
    let bytes = code.as_bytes();
    let mut nesting = 0_usize;
    for (index, byte) in bytes.iter().enumerate().skip(position) {
        match byte {
            b'(' | b'[' => nesting += 1,
            b')' | b']' => nesting = nesting.saturating_sub(1),
            b';' if nesting == 0 => return None,
            b'{' if nesting == 0 => return Some((index, closing_brace(bytes, index)?)),
            _ => {}
        }
    }
    None
}

fn closing_brace(bytes: &[u8], open: usize) -> Option<usize> {
    let mut depth = 0_usize;
    for (index, byte) in bytes.iter().enumerate().skip(open) {
        match byte {
            b'{' => depth += 1,
            b'}' => depth -= 1,
            _ => continue,
        }
        if depth == 0 {
            return Some(index);
        }
    }
    None
}

/// Blanks comments and the insides of literals; line ends and code stay where they are.
fn mask(text: &str) -> String {
    let characters: Vec<char> = text.chars().collect();
    let mut masked = String::with_capacity(text.len());
    let mut at = 0;
    while at < characters.len() {
        let end = match characters[at] {
            '/' => comment_end(&characters, at),
            '"' => Some(string_end(&characters, at)),
            'r' | 'b' | 'c' if !follows_name(&characters, at) => prefixed_end(&characters, at),
            '\'' => character_end(&characters, at),
            _ => None,
        };
        if let Some(end) = end {
            let blanks = characters[at..end.min(characters.len())].iter();
            masked.extend(blanks.map(|c| if *c == '\n' { '\n' } else { ' ' }));
            at = end;
        } else {
            masked.push(characters[at]);
            at += 1;
        }
    }
    masked
}

fn follows_name(characters: &[char], at: usize) -> bool {
    at > 0 && is_name_char(characters[at - 1])
}

fn comment_end(characters: &[char], at: usize) -> Option<usize> {
    match characters.get(at + 1) {
        Some('/') => {
            let length = characters[at..].iter().position(|c| *c == '\n');
            Some(length.map_or(characters.len(), |length| at + length))
        }
        Some('*') => Some(block_comment_end(characters, at)),
        _ => None,
    }
}

fn block_comment_end(characters: &[char], start: usize) -> usize {
    let mut depth = 0_usize;
    let mut at = start;
    while at + 1 < characters.len() {
        match (characters[at], characters[at + 1]) {
            ('/', '*') => depth += 1,
            ('*', '/') => depth -= 1,
            _ => {
                at += 1;
                continue;
            }
        }
        at += 2;
        if depth == 0 {
            return at;
        }
    }
    characters.len()
}

fn string_end(characters: &[char], open: usize) -> usize {
    let mut at = open + 1;
    while at < characters.len() {
        match characters[at] {
            '\\' => at += 2,
            '"' => return at + 1,
            _ => at += 1,
        }
    }
    characters.len()
}

/// Literals that start with a letter: raw, byte and C strings, and byte characters.
fn prefixed_end(characters: &[char], at: usize) -> Option<usize> {
    let mut quote = at;
    while matches!(characters.get(quote), Some('r' | 'b' | 'c')) && quote - at < 2 {
        quote += 1;
    }
    let raw = characters[at..quote].contains(&'r');
    let hashes = characters[quote..]
        .iter()
        .take_while(|c| **c == '#')
        .count();
    match characters.get(quote + hashes) {
        Some('"') if raw => Some(raw_string_end(characters, quote + hashes + 1, hashes)),
        Some('"') if hashes == 0 => Some(string_end(characters, quote)),
        Some('\'') if hashes == 0 && !raw => character_end(characters, quote),
        _ => None,
    }
}

fn raw_string_end(characters: &[char], inside: usize, hashes: usize) -> usize {
    let mut at = inside;
    while at < characters.len() {
        let closing = characters[at + 1..]
            .iter()
            .take_while(|c| **c == '#')
            .count();
        if characters[at] == '"' && closing >= hashes {
            return at + 1 + hashes;
        }
        at += 1;
    }
    characters.len()
}

/// The end of a character literal; `None` for a lifetime.
fn character_end(characters: &[char], open: usize) -> Option<usize> {
    if characters.get(open + 1) == Some(&'\\') {
        let length = characters
            .get(open + 3..)?
            .iter()
            .position(|c| *c == '\'')?;
        return Some(open + 3 + length + 1);
    }
    (characters.get(open + 2) == Some(&'\'')).then_some(open + 3)
}
