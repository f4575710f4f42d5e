//! Constructs of injected SQL, found by the grammar around each token.
//!
//! How sure depends on the context: behind a quote that ends a string, a keyword with its operands
//! is hardly prose; in a value that stands for itself, more structure is asked for.

use super::{Context, Kind, Token, Word};
use crate::text;

/// The tokens of one reading of a value.
pub(crate) struct Shapes<'t> {
    pub(crate) low: &'t [u8],
    /// Where the reading starts.
    pub(crate) from: usize,
    pub(crate) tokens: &'t [Token],
    /// For each opening parenthesis its closing one.
    pub(crate) closes: &'t [u32],
    pub(crate) context: Context,
}

/// An operand of a comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operand {
    Number,
    Quoted,
    /// A call, a group or a variable.
    Call,
    /// A call of a function that a value has no business with.
    Telling,
    /// `null`, `true`
    Literal,
    Name,
}

fn is_unclosed(kind: Kind) -> bool {
    kind == Kind::Quoted { closed: false }
}

/// Where a construct is told to.
type Tell<'a> = &'a mut dyn FnMut(&'static str, u8);

impl Shapes<'_> {
    /// Tells every construct.
    pub(crate) fn find(&self, tell: Tell<'_>) {
        if self.context == Context::BrokenOut {
            self.breakout(tell);
        }
        for at in 0..self.tokens.len() {
            match self.tokens[at].kind {
                Kind::Word(Word::Union) => self.union(at, tell),
                Kind::Word(Word::Select) => self.select(at, tell),
                Kind::Word(Word::Order | Word::Group) => self.order(at, tell),
                Kind::Word(Word::Waitfor) if self.is_plain(at + 1, b"delay") => {
                    tell("waitfor-delay", 95);
                }
                Kind::Word(Word::Into) if self.is(at + 1, Word::File) => tell("into-outfile", 92),
                Kind::Word(Word::Procedure) if self.is(at + 1, Word::Analyse) => {
                    tell("procedure-analyse", 92);
                }
                Kind::Word(Word::Catalog) => self.catalog(at, tell),
                Kind::Word(Word::Telling | Word::Waiting | Word::Dressing | Word::If) => {
                    self.function(at, tell);
                }
                Kind::Word(Word::Like) => self.operator(at, tell),
                Kind::Word(Word::Case) => self.case(at, tell),
                Kind::Logic | Kind::Pipes => self.logic(at, tell),
                Kind::Semicolon => self.stacked(at, tell),
                Kind::Open => self.group(at, tell),
                Kind::Variable if self.text(at).starts_with(b"@@") => self.variable(at, tell),
                _ => {}
            }
        }
    }

    fn broken_out(&self) -> bool {
        self.context == Context::BrokenOut
    }

    fn kind(&self, at: usize) -> Option<Kind> {
        self.tokens.get(at).map(|token| token.kind)
    }

    fn text(&self, at: usize) -> &[u8] {
        self.tokens
            .get(at)
            .map_or(&[], |token| &self.low[token.start..token.end])
    }

    fn is(&self, at: usize, word: Word) -> bool {
        self.kind(at) == Some(Kind::Word(word))
    }

    fn is_plain(&self, at: usize, word: &[u8]) -> bool {
        self.text(at) == word
    }

    /// Whether the value ends here, or a comment ends it.
    fn ends(&self, at: usize) -> bool {
        matches!(self.kind(at), None | Some(Kind::Comment { ends: true }))
    }

    /// Whether the reading begins as an injected value does: with a number, a parenthesis, a sign.
    fn begins_like_a_value(&self) -> bool {
        self.broken_out()
            || matches!(
                self.kind(0),
                Some(Kind::Number | Kind::Close | Kind::Sign | Kind::Quoted { .. })
            )
    }

    // --- the end of the string -------------------------------------------------------------

    /// `'--`, `')#`, `'='`, `'||'`: what stands right behind the quote.
    fn breakout(&self, tell: Tell<'_>) {
        let closes = self
            .tokens
            .iter()
            .take_while(|token| token.kind == Kind::Close)
            .count();
        let before = text::trim(&self.low[..self.from - 1]);
        let short = memchr::memchr_iter(b' ', before).count() < 2;
        match self.kind(closes) {
            Some(Kind::Comment { ends: true }) if short || closes > 0 => {
                tell("string-end-comment", 88);
            }
            Some(Kind::Semicolon) if self.ends(closes + 1) && self.kind(closes + 1).is_some() => {
                tell("string-end-comment", 88);
            }
            Some(Kind::Compare | Kind::Word(Word::Like)) if short => {
                let literal = matches!(
                    self.operand(closes + 1),
                    Some((_, Operand::Number | Operand::Quoted))
                );
                if literal
                    && self
                        .kind(closes + 2)
                        .is_none_or(|k| is_unclosed(k) || k == Kind::Comment { ends: true })
                {
                    let like = self.is(closes, Word::Like);
                    tell(
                        "string-comparison",
                        if closes > 0 {
                            85
                        } else if like {
                            74
                        } else {
                            62
                        },
                    );
                }
            }
            Some(Kind::Sign | Kind::Pipes) => self.concatenation(closes, tell),
            _ => {}
        }
    }

    /// `'+(select ..`, `'||chr(65)||'`
    fn concatenation(&self, at: usize, tell: Tell<'_>) {
        let pipes = self.kind(at) == Some(Kind::Pipes);
        match (self.kind(at + 1), self.kind(at + 2)) {
            (Some(Kind::Open), Some(Kind::Word(Word::Select | Word::Case))) => {
                tell("string-concatenation", 95);
            }
            (Some(Kind::Word(word)), Some(Kind::Open)) if word.is_function() => {
                tell("string-concatenation", 90);
            }
            (Some(Kind::Variable), _) => tell("string-concatenation", 85),
            (Some(Kind::Quoted { closed }), next) if pipes => {
                let goes_on = matches!(next, Some(Kind::Pipes));
                if goes_on || !closed {
                    tell("string-concatenation", 78);
                }
            }
            _ => {}
        }
    }

    // --- operands --------------------------------------------------------------------------

    /// The operand at `at` and where it ends.
    fn operand(&self, mut at: usize) -> Option<(usize, Operand)> {
        while matches!(self.kind(at), Some(Kind::Sign | Kind::Word(Word::Not))) {
            at += 1;
        }
        let single = |operand| Some((at + 1, operand));
        match self.kind(at)? {
            Kind::Number => single(Operand::Number),
            Kind::Quoted { .. } => single(Operand::Quoted),
            Kind::Variable => single(Operand::Call),
            Kind::Open => Some((self.after_group(at), Operand::Call)),
            Kind::Word(Word::Literal) => single(Operand::Literal),
            Kind::Word(word) => {
                let mut end = at + 1;
                while self.kind(end) == Some(Kind::Dot)
                    && matches!(self.kind(end + 1), Some(Kind::Word(_)))
                {
                    end += 2;
                }
                if self.kind(end) == Some(Kind::Open) {
                    let telling = word.is_function() || word == Word::If;
                    let operand = if telling {
                        Operand::Telling
                    } else {
                        Operand::Call
                    };
                    return Some((self.after_group(end), operand));
                }
                (word == Word::Plain || word.is_function() || word == Word::Object)
                    .then_some((end, Operand::Name))
            }
            _ => None,
        }
    }

    fn after_group(&self, open: usize) -> usize {
        match self.closes.get(open) {
            Some(close) if *close != u32::MAX => *close as usize + 1,
            _ => self.tokens.len(),
        }
    }

    /// How sure a predicate at `at` is, and where it ends.
    fn predicate(&self, at: usize) -> Option<(u8, usize)> {
        let mut at = at;
        let mut depth = 0;
        // `and (('a'='a`: groups around one comparison.
        while self.kind(at) == Some(Kind::Open)
            && matches!(
                self.kind(at + 1),
                Some(Kind::Open | Kind::Number | Kind::Quoted { .. })
            )
        {
            at += 1;
            depth += 1;
        }
        while matches!(self.kind(at), Some(Kind::Word(Word::Not))) {
            at += 1;
        }
        let (mut end, left) = self.operand(at)?;
        while matches!(self.kind(end), Some(Kind::Sign)) {
            let Some((next, _)) = self.operand(end + 1) else {
                break;
            };
            end = next;
        }
        if matches!(self.kind(end), Some(Kind::Word(Word::Not))) {
            end += 1;
        }
        if let Some(Kind::Compare | Kind::Word(Word::Like)) = self.kind(end) {
            let (after, right) = self.operand(end + 1).unwrap_or((end + 1, Operand::Name));
            let sure = self.compared(at, end, left, right)?;
            return Some((sure, after));
        }
        let sure = match left {
            Operand::Telling => 90,
            Operand::Call if self.is_subselect(at) => 92,
            Operand::Number | Operand::Literal | Operand::Quoted
                if self.broken_out() && self.truth_ends(end, left) =>
            {
                85
            }
            Operand::Number
                if depth == 0 && self.begins_like_a_value() && self.comment_ends(end) =>
            {
                82
            }
            _ => return None,
        };
        Some((sure, end))
    }

    fn comment_ends(&self, at: usize) -> bool {
        self.kind(at) == Some(Kind::Comment { ends: true })
    }

    /// `' or 1--`, `' or 'x`: a bare truth value that the statement then ends behind.
    fn truth_ends(&self, end: usize, operand: Operand) -> bool {
        match operand {
            Operand::Quoted => {
                self.kind(end).is_none() && self.kind(end - 1).is_some_and(is_unclosed)
            }
            _ => self.ends(end) && (self.kind(end).is_some() || self.tokens.len() <= 3),
        }
    }

    fn is_subselect(&self, open: usize) -> bool {
        self.kind(open) == Some(Kind::Open) && self.is(open + 1, Word::Select)
    }

    /// How sure a comparison of two operands is.
    fn compared(&self, left_at: usize, sign: usize, left: Operand, right: Operand) -> Option<u8> {
        use Operand::{Call, Literal, Name, Number, Quoted, Telling};
        let begins = self.begins_like_a_value();
        match (left, right) {
            (Telling, _) | (_, Telling) => Some(92),
            (Number, Number) => {
                let equal = self.text(left_at) == self.text(sign + 1);
                let tight = self.tokens[sign].start == self.tokens[left_at].end;
                Some(match (self.context, equal) {
                    (Context::BrokenOut, _) => 95,
                    (_, true) => 90,
                    _ if begins && tight => 86,
                    _ => 60,
                })
            }
            (Quoted, Quoted) if begins => Some(95),
            (Quoted, Quoted) if self.text(left_at) == self.text(sign + 1) => Some(88),
            (Quoted, Quoted) => Some(80),
            (Call, Call | Number | Quoted) | (Number | Quoted, Call) => {
                Some(if begins { 88 } else { 72 })
            }
            (Number, Quoted) | (Quoted, Number) if begins => Some(85),
            (Literal, _) | (_, Literal) if self.broken_out() => Some(80),
            (Name, Number | Quoted) | (Number | Quoted, Name) if self.broken_out() => Some(86),
            (Name, Name) if self.broken_out() && self.text(left_at) == self.text(sign + 1) => {
                Some(86)
            }
            (Name, Name) if self.broken_out() => {
                // `' or a=` before the quote of the statement itself.
                self.kind(sign + 1).is_none().then_some(72)
            }
            _ => None,
        }
    }

    // --- constructs ------------------------------------------------------------------------

    fn logic(&self, at: usize, tell: Tell<'_>) {
        if let Some((sure, _)) = self.predicate(at + 1) {
            let construct = if sure >= 90 {
                "tautology"
            } else {
                "boolean-condition"
            };
            tell(construct, sure);
        } else if self.broken_out()
            && self.is(at + 1, Word::Select)
            && self.select_strength(at + 1) > 0
        {
            tell("subselect", 85);
        }
    }

    /// `' rlike (select`, `) in boolean mode`, `' like '%`
    fn operator(&self, at: usize, tell: Tell<'_>) {
        let first = (0..at).all(|place| {
            self.kind(place) == Some(Kind::Close) || self.kind(place) == Some(Kind::Number)
        });
        if !first {
            return;
        }
        match self.operand(at + 1) {
            Some((_, Operand::Telling)) => tell("boolean-condition", 90),
            Some((_, Operand::Call)) if self.is_subselect(at + 1) => tell("subselect", 92),
            _ if self.broken_out() && self.is_plain(at + 1, b"boolean") => tell("string-end", 85),
            _ => {}
        }
    }

    fn union(&self, at: usize, tell: Tell<'_>) {
        let mut next = at + 1;
        while matches!(
            self.kind(next),
            Some(Kind::Word(Word::Quantifier) | Kind::Open)
        ) {
            next += 1;
        }
        if !self.is(next, Word::Select) {
            return;
        }
        match self.select_strength(next) {
            0 if self.begins_like_a_value() => tell("union-select", 85),
            0 => tell("union-select", 60),
            1 => tell("union-select", 92),
            _ => tell("union-select", 97),
        }
    }

    /// How much the text behind `select` is a statement: 0 prose, 1 likely, 2 surely.
    fn select_strength(&self, select: usize) -> u8 {
        let mut at = select + 1;
        while matches!(
            self.kind(at),
            Some(Kind::Word(Word::Quantifier) | Kind::Open)
        ) {
            at += 1;
        }
        if self.ends(at) {
            return u8::from(self.begins_like_a_value());
        }
        match self.kind(at) {
            Some(Kind::Sign) if self.text(at) == b"*" => 1 + u8::from(self.is(at + 1, Word::From)),
            Some(Kind::Word(Word::Select | Word::Case) | Kind::Variable) => 2,
            _ => {
                let Some((end, operand)) = self.operand(at) else {
                    return 0;
                };
                let goes_on = match self.kind(end) {
                    None
                    | Some(
                        Kind::Comma | Kind::Comment { .. } | Kind::Pipes | Kind::Word(Word::From),
                    ) => true,
                    Some(Kind::Close | Kind::Sign | Kind::Dot | Kind::Logic) => {
                        operand != Operand::Name
                    }
                    _ => false,
                };
                match operand {
                    Operand::Telling => 2,
                    Operand::Call | Operand::Literal | Operand::Number | Operand::Quoted
                        if goes_on =>
                    {
                        2
                    }
                    Operand::Name if goes_on && self.kind(end).is_some() => 1,
                    Operand::Number | Operand::Call | Operand::Quoted => 1,
                    _ => 0,
                }
            }
        }
    }

    /// `(select ..)`, `=select ..`, `;select ..` are told by their neighbours; here it is the rest.
    fn select(&self, at: usize, tell: Tell<'_>) {
        let before = at.checked_sub(1).and_then(|before| self.kind(before));
        let strength = self.select_strength(at);
        if strength == 0 {
            return;
        }
        match before {
            Some(Kind::Open | Kind::Compare | Kind::Pipes | Kind::Comma) => {
                tell("subselect", if strength == 2 { 92 } else { 80 });
            }
            None if self.is(at + 1, Word::Case) || self.kind(at + 1) == Some(Kind::Open) => {
                tell("select", 75);
            }
            None => tell("select", 60),
            _ => {}
        }
    }

    fn case(&self, at: usize, tell: Tell<'_>) {
        let when = (at + 1..self.tokens.len().min(at + 4)).find(|w| self.is_plain(*w, b"when"));
        let parent = at.checked_sub(1).and_then(|before| self.kind(before));
        if when.is_some() && matches!(parent, Some(Kind::Open | Kind::Word(Word::Select))) {
            tell("case-when", 90);
        }
    }

    /// `order by 7--`, `group by x having`
    fn order(&self, at: usize, tell: Tell<'_>) {
        if !self.is(at + 1, Word::By) {
            return;
        }
        let number = self.kind(at + 2) == Some(Kind::Number);
        let first = (0..at).all(|place| {
            matches!(
                self.kind(place),
                Some(Kind::Close | Kind::Number | Kind::Sign)
            )
        });
        if number && self.ends(at + 3) {
            let sure = match (self.broken_out(), self.comment_ends(at + 3), first) {
                (true, _, _) => 92,
                (_, true, _) => 88,
                (_, _, true) if at > 0 => 82,
                _ => 50,
            };
            tell("order-by", sure);
        } else if self.broken_out() && first {
            tell("order-by", 80);
        } else if (at + 2..self.tokens.len().min(at + 8)).any(|h| self.is_plain(h, b"having")) {
            tell("group-having", 78);
        }
    }

    fn catalog(&self, at: usize, tell: Tell<'_>) {
        let dotted = self.kind(at + 1) == Some(Kind::Dot);
        let from = at
            .checked_sub(1)
            .is_some_and(|b| self.is(b, Word::From) || self.is(b, Word::Into));
        let statement = self
            .tokens
            .iter()
            .any(|token| token.kind == Kind::Word(Word::Select));
        tell(
            "catalog",
            match (dotted, from, statement) {
                (_, true, true) => 95,
                (true, _, true) => 90,
                (_, _, true) => 80,
                _ if self.broken_out() => 75,
                _ => 55,
            },
        );
    }

    fn function(&self, at: usize, tell: Tell<'_>) {
        let Kind::Word(word) = self.tokens[at].kind else {
            return;
        };
        // `time.sleep(5)` and `obj->exp(` belong to other languages.
        let member = at.checked_sub(1).is_some_and(|before| {
            self.kind(before) == Some(Kind::Dot) || self.text(before).ends_with(b">")
        });
        let dotted = matches!(word, Word::Waiting) && self.kind(at + 1) == Some(Kind::Dot);
        let open = if dotted { at + 3 } else { at + 1 };
        if member || self.kind(open) != Some(Kind::Open) {
            return;
        }
        let tight = self.tokens[open - 1].end == self.tokens[open].start;
        let listed = (open..self.after_group(open)).any(|at| self.kind(at) == Some(Kind::Comma));
        let whole = at == 0 && self.after_group(open) >= self.tokens.len();
        let led = at
            .checked_sub(1)
            .and_then(|before| self.kind(before))
            .is_some_and(|kind| {
                matches!(
                    kind,
                    Kind::Open
                        | Kind::Comma
                        | Kind::Compare
                        | Kind::Logic
                        | Kind::Number
                        | Kind::Pipes
                        | Kind::Semicolon
                        | Kind::Quoted { .. }
                        | Kind::Word(Word::Select | Word::Like | Word::From | Word::Logic)
                )
            });
        let compared = matches!(self.kind(open + 1), Some(Kind::Number))
            && self.kind(open + 2) == Some(Kind::Compare)
            && self.kind(open + 3) == Some(Kind::Number);
        let inner_select = self.is(open + 1, Word::Select) || self.is_subselect(open + 1);
        let hex = self.text(open + 1).starts_with(b"0x");
        let sure = match word {
            Word::Telling if led || whole || self.broken_out() => 92,
            Word::Telling => 75,
            Word::Waiting if dotted => 92,
            Word::Waiting if led && self.begins_like_a_value() || self.broken_out() => 90,
            Word::Waiting if led && tight || whole => 85,
            Word::Waiting if tight && (listed || self.text(at).starts_with(b"pg_")) => 85,
            _ if compared => 88,
            _ if inner_select => 90,
            Word::Dressing if hex && (led || whole) => 82,
            Word::Dressing if self.is_chain(open) => 84,
            _ => return,
        };
        tell("function-call", sure);
    }

    /// `char(65)+char(66)`, `chr(65)||chr(66)`: text put together so that no filter reads it.
    fn is_chain(&self, open: usize) -> bool {
        let end = self.after_group(open);
        // A plus sign may have been read as a blank.
        let sign = matches!(self.kind(end), Some(Kind::Pipes | Kind::Sign | Kind::Comma));
        let next = end + usize::from(sign);
        matches!(self.kind(open + 1), Some(Kind::Number))
            && matches!(self.kind(next), Some(Kind::Word(Word::Dressing)))
            && self.kind(next + 1) == Some(Kind::Open)
    }

    fn variable(&self, at: usize, tell: Tell<'_>) {
        let named = matches!(
            self.text(at),
            b"@@version"
                | b"@@datadir"
                | b"@@hostname"
                | b"@@servername"
                | b"@@basedir"
                | b"@@global"
        );
        if named {
            tell(
                "server-variable",
                if self.broken_out() || self.tokens.len() < 4 {
                    85
                } else {
                    75
                },
            );
        }
    }

    /// `(1=1)*2`, `) where (1=1`
    fn group(&self, at: usize, tell: Tell<'_>) {
        let compared = matches!(self.kind(at + 1), Some(Kind::Number))
            && self.kind(at + 2) == Some(Kind::Compare)
            && self.kind(at + 3) == Some(Kind::Number);
        if compared && self.text(at + 1) == self.text(at + 3) {
            tell("tautology", 80);
        } else if compared && self.begins_like_a_value() && self.kind(0) != Some(Kind::Sign) {
            tell("boolean-condition", 72);
        } else if compared && at == 0 && self.is_plain(5, b"*") {
            tell("boolean-condition", 76);
        }
    }

    /// A second statement behind `;`.
    fn stacked(&self, at: usize, tell: Tell<'_>) {
        let mut next = at + 1;
        while self.kind(next) == Some(Kind::Open) {
            next += 1;
        }
        let begins = self.begins_like_a_value();
        let Some(Kind::Word(word)) = self.kind(next) else {
            return;
        };
        let after = self.kind(next + 1);
        let named = |kind: Option<Kind>| matches!(kind, Some(Kind::Word(_)));
        let sure = match word {
            Word::Select if self.select_strength(next) > 0 => 92,
            Word::Insert if self.is(next + 1, Word::Into) => 92,
            Word::Update if named(after) && self.is(next + 2, Word::Set) => 92,
            Word::Delete if self.is(next + 1, Word::From) => 92,
            Word::Define if self.is(next + 1, Word::Object) => 94,
            Word::Define if self.is_plain(next + 1, b"or") => 90,
            Word::Define if begins && named(after) => 72,
            Word::Run
                if self.text(next + 1).starts_with(b"xp_")
                    || self.text(next + 1).starts_with(b"sp_") =>
            {
                95
            }
            Word::Run
                if matches!(
                    after,
                    Some(Kind::Open | Kind::Variable | Kind::Quoted { .. })
                ) =>
            {
                85
            }
            Word::Run if matches!(self.kind(next + 2), Some(Kind::Dot | Kind::Open)) => 85,
            Word::If if after == Some(Kind::Open) && begins => 85,
            Word::Shutdown if self.ends(next + 1) || self.is_plain(next + 1, b"with") => 88,
            Word::Waitfor => 92,
            _ => return,
        };
        tell("stacked-statement", sure);
    }
}
