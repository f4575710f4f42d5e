//! Text patterns with `*` (any run of characters) and `?` (one character).

/// A compiled pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Glob {
    pieces: Vec<Piece>,
}

/// A part of a pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Piece {
    /// This text.
    Literal(String),
    /// Any one character.
    One,
    /// Any run of characters, also none.
    Many,
}

impl Glob {
    /// A pattern of `pieces`; neighbouring literals and stars are joined.
    pub(crate) fn new(pieces: Vec<Piece>) -> Self {
        let mut joined: Vec<Piece> = Vec::with_capacity(pieces.len());
        for piece in pieces {
            match (joined.last_mut(), piece) {
                (Some(Piece::Literal(last)), Piece::Literal(text)) => last.push_str(&text),
                (Some(Piece::Many), Piece::Many) => {}
                (_, Piece::Literal(text)) if text.is_empty() => {}
                (_, piece) => joined.push(piece),
            }
        }
        Self { pieces: joined }
    }

    /// The parts.
    pub(crate) fn pieces(&self) -> &[Piece] {
        &self.pieces
    }

    /// The longest literal, which any matching text must contain.
    pub(crate) fn required(&self) -> Option<&str> {
        self.pieces
            .iter()
            .filter_map(|piece| match piece {
                Piece::Literal(text) => Some(text.as_str()),
                _ => None,
            })
            .max_by_key(|text| text.len())
    }

    /// Whether `text` as a whole fits. Linear in text times pieces: on a mismatch only the last
    /// star is moved on.
    pub(crate) fn matches(&self, text: &str) -> bool {
        let (mut at, mut piece) = (0, 0);
        let mut retry: Option<(usize, usize)> = None;
        loop {
            let step = match self.pieces.get(piece) {
                None if at == text.len() => return true,
                None => None,
                Some(Piece::Many) => {
                    retry = Some((piece + 1, at));
                    Some(0)
                }
                Some(Piece::One) => text[at..].chars().next().map(char::len_utf8),
                Some(Piece::Literal(literal)) => text[at..]
                    .starts_with(literal.as_str())
                    .then_some(literal.len()),
            };
            if let Some(len) = step {
                at += len;
                piece += 1;
                continue;
            }
            let Some((after_star, from)) = retry else {
                return false;
            };
            let Some(next) = self.next_start(after_star, text, from) else {
                return false;
            };
            retry = Some((after_star, next));
            at = next;
            piece = after_star;
        }
    }

    /// The next place after `from` at which the piece behind the star could begin.
    fn next_start(&self, piece: usize, text: &str, from: usize) -> Option<usize> {
        let next = from + text[from..].chars().next()?.len_utf8();
        match self.pieces.get(piece) {
            Some(Piece::Literal(literal)) => {
                text[next..].find(literal.as_str()).map(|at| next + at)
            }
            _ => Some(next),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn glob(pattern: &str) -> Glob {
        Glob::new(
            pattern
                .chars()
                .map(|c| match c {
                    '*' => Piece::Many,
                    '?' => Piece::One,
                    c => Piece::Literal(c.to_string()),
                })
                .collect(),
        )
    }

    #[test]
    fn stars_and_question_marks() {
        for (pattern, text, expected) in [
            ("a*b*c", "axxbxxc", true),
            ("a*b*c", "axxbxx", false),
            ("*ab?d*", "xxabcdyy", true),
            ("*ab?d*", "xxabd", false),
            ("a?c", "a\u{e9}c", true),
            ("*", "", true),
            ("?", "", false),
            ("*aab", "aaaab", true),
            ("a**b", "ab", true),
            ("", "", true),
            ("", "x", false),
        ] {
            assert_eq!(glob(pattern).matches(text), expected, "{pattern} on {text}");
        }
    }
}
