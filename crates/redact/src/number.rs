//! Numbers of cards, accounts and persons, found by grouping and proven by their check digits.

use crate::kind::Kind;
use crate::scan::{ALNUM, Scan, is, run_end, run_start};
use crate::{checksum, shape};

/// Offers a run of three digits or more that no letter precedes.
pub(crate) fn digits(scan: &mut Scan<'_>, text: &[u8], start: usize) {
    let len = text[start..]
        .iter()
        .take_while(|b| b.is_ascii_digit())
        .count();
    let end = start + len;
    let after = text.get(end).copied().unwrap_or(b' ');
    let whole = !is(after, ALNUM);
    match (len, after) {
        (4, b' ' | b'-' | b'+') => grouped(scan, text, start, after),
        (3, b' ' | b'-' | b'.') => person_number(scan, text, start),
        (12..=19, _) if whole => plain_card(scan, text, start, end),
        (8..=10, b':') => telegram(scan, text, end),
        (8, b'A'..=b'Z') => letter_number(scan, text, start),
        _ => {}
    }
}

/// Offers a run that starts with one capital or two before digits.
pub(crate) fn letters(scan: &mut Scan<'_>, text: &[u8], start: usize) {
    if text[start + 1].is_ascii_digit() {
        letter_number(scan, text, start);
        return;
    }
    iban(scan, text, start);
    let end = run_end(text, start, ALNUM);
    let glued =
        matches!(text.get(end), Some(b'-' | b'_')) || matches!(&text[..start], [.., b'-' | b'_']);
    if end - start == 9 && !glued && checksum::nino(&text[start..end]) {
        scan.add(text, start, end, Kind::GovernmentId);
    }
}

/// Spain's DNI and NIE. A day of the calendar before a letter is a day.
fn letter_number(scan: &mut Scan<'_>, text: &[u8], start: usize) {
    let end = run_end(text, start, ALNUM);
    let number = &text[start..end];
    let glued = matches!(text.get(end), Some(b'-' | b'_'))
        || matches!(&text[..start], [.., b'-' | b'_' | b'.']);
    let day = matches!(number, [b'1', b'9', ..] | [b'2', b'0', ..]);
    if end - start == 9 && !glued && !day && checksum::dni(number) {
        scan.add(text, start, end, Kind::GovernmentId);
    }
}

/// A card number behind a label, or in a magnetic track, given its first digit.
pub(crate) fn labelled(scan: &mut Scan<'_>, text: &[u8], start: usize) {
    let len = text[start..]
        .iter()
        .take(20)
        .take_while(|b| b.is_ascii_digit())
        .count();
    let end = start + len;
    if len > 19 || text.get(end).is_some_and(|b| is(*b, ALNUM)) {
        return;
    }
    let from = run_start(text, start, ALNUM, LABEL_BYTES_MAX);
    let label = text[from..start].to_ascii_lowercase();
    let track = label == b"b" && text.get(end) == Some(&b'^');
    let known = LABELS.iter().any(|word| label.ends_with(word));
    if (track || known) && checksum::pan(&text[start..end], true) {
        card(scan, text, start, end);
    }
}

/// How far back a label of a number is read.
const LABEL_BYTES_MAX: usize = 24;
/// Endings of a label that is glued to a card number.
const LABELS: [&[u8]; 7] = [b"card", b"pan", b"cc", b"visa", b"number", b"num", b"no"];

fn plain_card(scan: &mut Scan<'_>, text: &[u8], start: usize, end: usize) {
    if checksum::pan(&text[start..end], false) && stands_alone(text, start, end) {
        card(scan, text, start, end);
    }
}

/// Not part of a decimal, of a longer grouping of digits or of a UUID.
fn stands_alone(text: &[u8], start: usize, end: usize) -> bool {
    let before = &text[..start];
    let after = &text[end..];
    let decimal =
        matches!(before, [.., b'0'..=b'9', b'.']) || matches!(after, [b'.', b'0'..=b'9', ..]);
    let joined =
        matches!(after, [b'-', b'0'..=b'9', ..]) || matches!(before, [.., b'0'..=b'9', b'-']);
    !decimal && !joined && !matches!(after, [b'_', ..])
}

/// A card number in groups of 4-4-4-4 or 4-6-5, an Aadhaar number in 4-4-4, one separator.
fn grouped(scan: &mut Scan<'_>, text: &[u8], start: usize, separator: u8) {
    if matches!(&text[..start], [.., b'0'..=b'9', before] if *before == separator) {
        return;
    }
    let mut number = [0; 16];
    for groups in [&[4, 4, 4, 4][..], &[4, 6, 5], &[4, 4, 4]] {
        let (mut at, mut len) = (start, 0);
        let fits = groups.iter().enumerate().all(|(nth, group)| {
            at += usize::from(nth > 0);
            let separated = nth == 0 || text.get(at - 1) == Some(&separator);
            let Some(part) = text.get(at..at + group) else {
                return false;
            };
            number[len..len + group].copy_from_slice(part);
            at += group;
            len += group;
            separated && part.iter().all(u8::is_ascii_digit)
        });
        let rest = text.get(at..).unwrap_or(&[]);
        let goes_on = matches!(rest, [b, ..] if is(*b, ALNUM))
            || matches!(rest, [b, b'0'..=b'9', ..] if *b == separator);
        if !fits || goes_on {
            continue;
        }
        if len == 12 && checksum::aadhaar(&number[..12]) {
            scan.add(text, start, at, Kind::GovernmentId);
        } else if len > 12 && checksum::pan(&number[..len], true) {
            card(scan, text, start, at);
            return;
        }
    }
}

/// Masks a proven card number, or drops the magnetic track around it.
fn card(scan: &mut Scan<'_>, text: &[u8], start: usize, end: usize) {
    let track = match (&text[..start], text.get(end)) {
        ([.., b'%', b'B'], Some(b'^')) => Some(2),
        ([.., b';'], Some(b'=')) if text.get(end + 1).is_some_and(u8::is_ascii_digit) => Some(1),
        ([.., b'B'], Some(b'^')) => Some(1),
        _ => None,
    };
    if let Some(lead) = track {
        let rest = &text[end..text.len().min(end + 128)];
        let len = rest
            .iter()
            .position(|b| *b == b'?')
            .map_or(rest.len(), |at| at + 1);
        scan.add(text, start - lead, end + len, Kind::Cvv);
        return;
    }
    scan.add(text, start, end, Kind::Pan);
}

/// Digits as `d` with separators, and the check of the digits.
type Form = (&'static [u8], fn(&[u8]) -> bool);

/// Numbers of persons and companies that begin with three digits, or with two before a dot: US
/// social security, the UK's health service, Brazil's CPF and CNPJ.
const FORMS: [Form; 4] = [
    (b"ddd-dd-dddd", |n| checksum::ssn(n) || checksum::itin(n)),
    (b"ddd.ddd.ddd-dd", checksum::cpf),
    (b"dd.ddd.ddd/dddd-dd", checksum::cnpj),
    (b"ddd ddd dddd", checksum::nhs),
];

fn person_number(scan: &mut Scan<'_>, text: &[u8], start: usize) {
    for (form, check) in FORMS {
        let Some(start) = start.checked_sub(if form[2] == b'.' { 3 } else { 0 }) else {
            continue;
        };
        let before = &text[..start];
        let joined = matches!(before, [.., b'-' | b'.' | b'_'])
            || matches!(before, [.., b'0'..=b'9', b' '])
            || matches!(before, [.., b] if is(*b, ALNUM));
        let Some(candidate) = text.get(start..start + form.len()).filter(|_| !joined) else {
            continue;
        };
        let fits = candidate.iter().zip(form).all(|(byte, form)| match form {
            b'd' => byte.is_ascii_digit(),
            separator => byte == separator,
        });
        let end = start + form.len();
        let goes_on = matches!(&text[end..], [b, ..] if is(*b, ALNUM) || *b == b'-')
            || matches!(&text[end..], [b'.' | b' ', b'0'..=b'9', ..]);
        if !fits || goes_on {
            continue;
        }
        let digits = candidate.iter().copied().filter(u8::is_ascii_digit);
        if check(&digits.collect::<Vec<u8>>()) {
            scan.add(text, start, end, Kind::GovernmentId);
        }
    }
}

/// A phone number in international form (E.164), given its `+`: seven to fifteen digits with
/// blanks, dashes, dots or brackets between them.
pub(crate) fn phone(scan: &mut Scan<'_>, text: &[u8], plus: usize) {
    let before = plus.checked_sub(1).map(|at| text[at]);
    if before.is_some_and(|b| is(b, ALNUM) || b == b'+') {
        return;
    }
    let (mut digits, mut end) = (0, plus + 1);
    for (at, byte) in text.iter().enumerate().skip(plus + 1).take(24) {
        match byte {
            b'0'..=b'9' => {
                digits += 1;
                end = at + 1;
            }
            b' ' | b'-' | b'.' | b'(' | b')' => {}
            _ => break,
        }
    }
    let starts = text.get(plus + 1).is_some_and(|b| matches!(b, b'1'..=b'9'));
    let goes_on = text.get(end).is_some_and(|b| is(*b, ALNUM));
    if starts && (7..=15).contains(&digits) && !goes_on {
        scan.add(text, plus, end, Kind::Phone);
    }
}

/// An IBAN in one piece or in groups of four.
fn iban(scan: &mut Scan<'_>, text: &[u8], start: usize) {
    let Some(len) = checksum::iban_len(&text[start..start + 2]) else {
        return;
    };
    let mut number = Vec::with_capacity(len);
    let mut at = start;
    let blank = text.get(start + 4).copied().filter(|b| b" -+".contains(b));
    while number.len() < len {
        let Some(byte) = text.get(at) else {
            return;
        };
        at += 1;
        if Some(*byte) == blank && number.len() % 4 == 0 {
            continue;
        }
        number.push(*byte);
    }
    if text.get(at).is_none_or(|b| !is(*b, ALNUM)) && checksum::iban(&number) {
        scan.add(text, start, at, Kind::Iban);
    }
}

/// A Telegram bot token: the bot's number, a colon, 35 characters.
fn telegram(scan: &mut Scan<'_>, text: &[u8], colon: usize) {
    if text.get(colon) != Some(&b':') {
        return;
    }
    let rest = &text[colon + 1..];
    let len = rest
        .iter()
        .position(|b| !(b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_')))
        .unwrap_or(rest.len());
    if len == 35 && shape::is_opaque(&rest[..len]) {
        scan.add(text, colon + 1, colon + 1 + len, Kind::Vendor);
    }
}

/// A line of a machine-readable travel document (ICAO 9303) around `<<`.
pub(crate) fn mrz(scan: &mut Scan<'_>, text: &[u8], at: usize) {
    let inside = |b: &u8| b.is_ascii_uppercase() || b.is_ascii_digit() || *b == b'<';
    let start = at
        - text[..at]
            .iter()
            .rev()
            .take(44)
            .take_while(|b| inside(b))
            .count();
    if text[start..at].windows(2).any(|pair| pair == b"<<") {
        return;
    }
    let len = text[start..]
        .iter()
        .take(45)
        .take_while(|b| inside(b))
        .count();
    let end = start + len;
    let line = &text[start..end];
    let checked = |from: usize, to: usize| {
        line.get(from..to).and_then(checksum::mrz_digit) == line.get(to).copied()
    };
    let names = matches!(line, [b'P' | b'I' | b'A' | b'C' | b'V', _, issuer @ ..]
        if issuer.len() > 3 && issuer[..3].iter().all(|b| *b == b'<' || b.is_ascii_uppercase()));
    let data = line.len() >= 36 && checked(0, 9) && checked(13, 19) && checked(21, 27);
    let wide = matches!(line.len(), 30 | 36 | 44);
    if wide && run_end(text, end, ALNUM) == end && (names || data) {
        scan.add(text, start, end, Kind::Mrz);
    }
}
