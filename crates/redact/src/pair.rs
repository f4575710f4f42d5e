//! Names and values inside a text: `name=value`, `name: value`, JSON members, tags, flags, path
//! segments. Finds where the value ends and does to it what the name asks.

use crate::checksum;
use crate::command;
use crate::decode;
use crate::header;
use crate::key::{Check, Class};
use crate::kind::{Kind, Why};
use crate::limits;
use crate::scan::{ALNUM, IDENT, Scan, is, run_end, run_start};
use crate::shape;

/// Where a value lies and how it was written.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Span {
    pub(crate) start: usize,
    pub(crate) end: usize,
    /// A bare JSON value: what replaces it brings its own quotes.
    pub(crate) bare_json: bool,
    /// After `: ` without quotes: may be prose about the value.
    pub(crate) prose: bool,
}

impl Span {
    pub(crate) fn whole(text: &[u8]) -> Self {
        Self {
            end: text.len(),
            ..Self::default()
        }
    }
}

/// How the name before a value was written.
#[derive(Clone, Copy)]
struct Style {
    /// In double quotes and before a colon.
    json: bool,
    /// After `?` or `&`, or where the text starts.
    form: bool,
    colon: bool,
    blank_before: bool,
}

/// Judges the name that ends at the delimiter `at`, and its value.
pub(crate) fn at(scan: &mut Scan<'_>, text: &[u8], at: usize) {
    let delimiter = text[at];
    let doubled =
        delimiter == b':' && (text.get(at + 1) == Some(&b':') || at > 0 && text[at - 1] == b':');
    if doubled || at < scan.covered {
        return;
    }
    let mut end = at
        - text[..at]
            .iter()
            .rev()
            .take(2)
            .take_while(|b| **b == b' ')
            .count();
    let blank_before = end < at;
    let quote = end
        .checked_sub(1)
        .map(|at| text[at])
        .filter(|b| b"\"'`".contains(b));
    if quote.is_some() {
        end -= 1;
        if end > 0 && text[end - 1] == b'\\' {
            return; // The unescaped view sees this name as it was meant.
        }
    }
    let Some((start, class)) = name_class(scan, text, end) else {
        return;
    };
    // The working directory of a shell, as sudo and dumps of an environment tell it.
    if &text[start..end] == b"PWD" && text.get(at + 1) == Some(&b'/') {
        return;
    }
    if delimiter == b'>' {
        if start > 0 && text[start - 1] == b'<' {
            element(scan, class, text, at + 1);
        }
        return;
    }
    let before = start.checked_sub(1).map(|at| text[at]);
    let style = Style {
        json: delimiter == b':' && quote == Some(b'"'),
        form: delimiter == b'=' && matches!(before, None | Some(b'?' | b'&')),
        colon: delimiter == b':',
        blank_before,
    };
    if let Some(span) = value_span(text, at + 1, class, style) {
        let before = scan.found.len();
        act(scan, class, text, span);
        if let Some(last) = scan.found[before..].last() {
            scan.covered = scan.covered.max(last.end);
        }
    }
}

/// Start and class of the name that ends at `end`; most names fail at their last letters.
fn name_class(scan: &Scan<'_>, text: &[u8], end: usize) -> Option<(usize, Class)> {
    let head = &text[..end];
    let bare = head
        .strip_suffix(b"]")
        .or_else(|| head.strip_suffix(b"%5D"))
        .or_else(|| head.strip_suffix(b"%5d"))
        .unwrap_or(head);
    let last = &bare[bare.len().saturating_sub(6)..];
    let may = scan.rules.keys.may_end(last);
    if !may && !last.last().is_some_and(|b| is(*b, ALNUM)) {
        return None;
    }
    let start = run_start(text, end, IDENT, limits::KEY_BYTES_MAX);
    let name = &text[start..end];
    // The colons of what a redaction left behind are no delimiters.
    if name.ends_with(b"[REDACTED") || text[..start].ends_with(b"h1:") {
        return None;
    }
    if start == end || !may && !name.iter().any(|b| matches!(b, b'.' | b'[')) {
        return None;
    }
    let decoded;
    let name = if memchr::memchr(b'%', name).is_some() {
        decoded = decode::percent(name).bytes;
        let last = decoded.rsplit(|b| b"=&?;,/: \"'".contains(b)).next();
        last.unwrap_or(&decoded)
    } else {
        name
    };
    let class = scan.rules.keys.classify(name)?;
    Some((start, class))
}

fn element(scan: &mut Scan<'_>, class: Class, text: &[u8], start: usize) {
    let len = text[start..].iter().position(|b| *b == b'<').unwrap_or(0);
    act(
        scan,
        class,
        text,
        Span {
            start,
            end: start + len,
            ..Span::default()
        },
    );
}

fn value_span(text: &[u8], from: usize, class: Class, style: Style) -> Option<Span> {
    let mut start = from;
    while matches!(text.get(start), Some(b'=' | b'>')) && start < from + 2 {
        start += 1;
    }
    let blanks = text[start..]
        .iter()
        .take(8)
        .take_while(|b| matches!(b, b' ' | b'\t'))
        .count();
    if blanks > 0 && !style.colon && !style.blank_before {
        return None; // `name= other=x`: the value is empty.
    }
    start += blanks;
    let first = *text.get(start)?;
    if b"\"'`".contains(&first) {
        let end = closing_quote(text, start + 1, first);
        return Some(Span {
            start: start + 1,
            end,
            ..Span::default()
        });
    }
    let escaped = first == b'\\' && matches!(text.get(start + 1), Some(b'"' | b'\''));
    if escaped || first.is_ascii_whitespace() {
        return None;
    }
    let rest = &text[start..];
    let (end, bare_json) = match (first, shape::marker_len(rest)) {
        (_, Some(marker)) => (unquoted_end(text, start + marker, class, style), false),
        (b'{' | b'[', None) if class.holds_containers() => {
            (closing_bracket(text, start), style.json)
        }
        _ => (unquoted_end(text, start, class, style), style.json),
    };
    Some(Span {
        start,
        end,
        bare_json,
        prose: style.colon && !style.json && blanks > 0 && first != b'{',
    })
}

fn closing_quote(text: &[u8], start: usize, quote: u8) -> usize {
    let mut at = start;
    while let Some(byte) = text.get(at) {
        match byte {
            b'\\' => at += 1,
            byte if *byte == quote => return at,
            _ => {}
        }
        at += 1;
    }
    text.len()
}

/// Behind the bracket that closes the one at `start`, strings respected.
fn closing_bracket(text: &[u8], start: usize) -> usize {
    let (mut at, mut depth) = (start, 0_usize);
    while let Some(byte) = text.get(at) {
        match byte {
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth = depth.saturating_sub(1),
            b'"' => at = closing_quote(text, at + 1, b'"'),
            b'\n' => return at,
            _ => {}
        }
        at += 1;
        if depth == 0 {
            break;
        }
    }
    at.min(text.len())
}

/// Where an unquoted value ends. A value that a name alone does not condemn is first judged by its
/// head, so that a chain of such names costs no walk to the end of the text each.
fn unquoted_end(text: &[u8], start: usize, class: Class, style: Style) -> usize {
    let cap = start + limits::JUDGED_BYTES_MAX;
    if class.is_weak() && cap < text.len() {
        let end = plain_end(&text[..cap], start, class, style);
        if end < cap || !shape::is_opaque(&text[start..end]) {
            return end;
        }
    }
    plain_end(text, start, class, style)
}

fn plain_end(text: &[u8], start: usize, class: Class, style: Style) -> usize {
    match class {
        Class::Cookie => return header::line_end(text, start),
        Class::Authorization => return header::authorization_end(text, start),
        _ => {}
    }
    let mut at = start;
    while let Some(byte) = text.get(at) {
        let rest = &text[at + 1..];
        let ends = match byte {
            b'"' | b'\'' | b'`' => true,
            b'&' => style.form || rest.is_empty() || pair_follows(rest),
            b'#' => style.form,
            b',' | b';' | b'|' => style.json || closes(rest) || pair_follows(rest),
            b'}' | b')' | b']' => style.json || closes(rest),
            b'\\' => matches!(rest, [b'"' | b'n' | b'r' | b't', ..]),
            byte => byte.is_ascii_whitespace(),
        };
        if ends {
            break;
        }
        at += 1;
    }
    at
}

/// Whether nothing but closing punctuation stands before a blank or the end.
fn closes(rest: &[u8]) -> bool {
    let next = rest.iter().find(|b| !b"}])>,;.\"'".contains(b));
    next.is_none_or(u8::is_ascii_whitespace)
}

/// Whether another `name=` or `name:` starts here.
fn pair_follows(rest: &[u8]) -> bool {
    let start = rest
        .iter()
        .take(2)
        .take_while(|b| b" \"'".contains(b))
        .count();
    let rest = &rest[start..rest.len().min(start + 64)];
    let len = run_end(rest, 0, IDENT);
    let after = rest[len..].iter().find(|b| !b"\"'".contains(b));
    len > 0 && matches!(after, Some(b'=' | b':'))
}

/// `--name value` of a command line.
pub(crate) fn flag(scan: &mut Scan<'_>, text: &[u8], at: usize) {
    let opens = at == 0 || text[at - 1].is_ascii_whitespace() || b"\"',[".contains(&text[at - 1]);
    if !opens {
        return;
    }
    command::option(scan, text, at);
    if text.get(at + 1) != Some(&b'-') {
        return;
    }
    let end = run_end(text, at + 2, IDENT);
    if end > at + 2
        && text.get(end) == Some(&b' ')
        && !matches!(text.get(end + 1), None | Some(b'-' | b' '))
        && let Some((_, class)) = name_class(scan, text, end)
    {
        let style = Style {
            json: false,
            form: false,
            colon: false,
            blank_before: true,
        };
        if let Some(span) = value_span(text, end, class, style) {
            act(scan, class, text, span);
        }
    }
}

/// `/name/value` of an address: only an unguessable value counts.
pub(crate) fn path_segment(scan: &mut Scan<'_>, text: &[u8], at: usize) {
    if !scan.rules.keys.may_end(&text[at.saturating_sub(6)..at]) {
        return;
    }
    let Some((start, class)) = name_class(scan, text, at) else {
        return;
    };
    let rest = &text[at + 1..];
    let len = rest
        .iter()
        .position(|b| b.is_ascii_whitespace() || b"/?#&\"'<>;,".contains(b))
        .unwrap_or(rest.len());
    let segment = start > 0 && text[start - 1] == b'/';
    if segment && shape::is_opaque(&rest[..len]) {
        let span = Span {
            start: at + 1,
            end: at + 1 + len,
            ..Span::default()
        };
        act(scan, class, text, span);
    }
}

/// Does to the value in `span` what `class` asks.
pub(crate) fn act(scan: &mut Scan<'_>, class: Class, text: &[u8], span: Span) {
    let value = &text[span.start..span.end];
    if shape::is_placeholder(value) || shape::is_redacted(value) {
        return;
    }
    match class {
        Class::Drop(_) if span.prose && shape::is_complaint(value) => {}
        Class::Drop(kind) => replace(scan, text, span, kind),
        Class::DropOpaque(kind) if shape::is_opaque(value) => {
            replace(scan, text, span, kind);
        }
        Class::Hash(kind) if is_joinable(kind, value, span) => {
            replace(scan, text, span, kind);
        }
        Class::HashOpaque(kind) if shape::is_opaque(value) => {
            replace(scan, text, span, kind);
        }
        Class::OauthCode if value.len() >= 8 && speaks_of_oauth(text) => {
            replace(scan, text, span, Kind::Token);
        }
        Class::Header => {
            let span = span.start..span.end;
            scan.report(text, span, Kind::Header, Why::Field, false);
        }
        Class::Authorization => header::authorization(scan, text, span),
        Class::Cookie => header::cookies(scan, text, span),
        Class::Connection => connection(scan, text, span),
        Class::Card => card(scan, text, span),
        Class::CardCode if is_short_number(value) => {
            replace(scan, text, span, Kind::Cvv);
        }
        Class::Checked(kind, check) if passes(check, value) => {
            replace(scan, text, span, kind);
        }
        _ => {}
    }
}

/// Replaces all of `span`.
pub(crate) fn replace(scan: &mut Scan<'_>, text: &[u8], span: Span, kind: Kind) {
    scan.report(text, span.start..span.end, kind, Why::Name, span.bare_json);
}

/// Windows' security ids and the small numbers of rule engines are also called `sid`; prose after
/// `token:` is no token.
fn is_joinable(kind: Kind, value: &[u8], span: Span) -> bool {
    let number = value.len() <= 8 && value.iter().all(u8::is_ascii_digit);
    let other = kind == Kind::Session && (value.starts_with(b"S-1-") || number);
    !other && (!span.prose || shape::is_tokenish(value))
}

fn speaks_of_oauth(text: &[u8]) -> bool {
    [
        &b"redirect_uri"[..],
        b"grant_type",
        b"oauth",
        b"OAuth",
        b"callback",
        b"state=",
        b"client_id",
    ]
    .iter()
    .any(|word| memchr::memmem::find(text, word).is_some())
}

/// Parameters go; user-info and inner names are found by the scan of the text itself.
fn connection(scan: &mut Scan<'_>, text: &[u8], span: Span) {
    let value = &text[span.start..span.end];
    let address = memchr::memmem::find(value, b"://").is_some();
    match memchr::memchr(b'?', value).filter(|_| address) {
        Some(question) if !shape::is_redacted(&value[question + 1..]) => {
            let start = span.start + question + 1;
            replace(scan, text, Span { start, ..span }, Kind::Connection);
        }
        None if shape::is_opaque(value) => {
            replace(scan, text, span, Kind::Connection);
        }
        _ => {}
    }
}

fn card(scan: &mut Scan<'_>, text: &[u8], span: Span) {
    let value = &text[span.start..span.end];
    let number: Vec<u8> = value.iter().copied().filter(u8::is_ascii_digit).collect();
    let numeric = value
        .iter()
        .all(|b| b.is_ascii_digit() || b" -+.".contains(b));
    if !numeric || number.len() < 12 {
        return;
    }
    replace(scan, text, span, Kind::Pan);
}

fn is_short_number(value: &[u8]) -> bool {
    matches!(value.len(), 3 | 4) && value.iter().all(u8::is_ascii_digit)
}

fn passes(check: Check, value: &[u8]) -> bool {
    let number: Vec<u8> = value
        .iter()
        .filter(|b| !b" -./".contains(b))
        .map(u8::to_ascii_uppercase)
        .collect();
    let number = number.as_slice();
    match check {
        Check::Luhn9 => number.len() == 9 && checksum::luhn(number),
        Check::Aba => checksum::aba(number),
        Check::Npi => checksum::npi(number),
        Check::Nhs => checksum::nhs(number),
        Check::Nino => checksum::nino(number),
        Check::Aadhaar => checksum::aadhaar(number),
        Check::Cpf => checksum::cpf(number),
        Check::Dni => checksum::dni(number),
        Check::Bsn => checksum::bsn(number),
        Check::Imei => checksum::imei(number),
        Check::Tax => checksum::ssn(number) || checksum::itin(number),
        Check::Passport => {
            (6..=9).contains(&number.len())
                && number.iter().all(u8::is_ascii_alphanumeric)
                && number.iter().filter(|b| b.is_ascii_digit()).count() >= 5
        }
    }
}
