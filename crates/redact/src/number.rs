//! Numbers of cards, accounts and persons, found by grouping and proven by their check digits.

use crate::kind::Kind;
use crate::scan::{ALNUM, Scan, is, run_end};
use crate::{checksum, shape};

/// Offers a run of letters and digits with at least one digit.
pub(crate) fn at(scan: &mut Scan<'_>, text: &[u8], start: usize, end: usize) {
    let digits = text[start..end]
        .iter()
        .take_while(|b| b.is_ascii_digit())
        .count();
    let whole = digits == end - start;
    match digits {
        12..=19 if whole => plain_card(scan, text, start, end),
        4 if whole => grouped_card(scan, text, start),
        3 if whole => person_number(scan, text, start),
        8..=10 if whole => telegram(scan, text, end),
        0 => after_letters(scan, text, start, end),
        _ => {}
    }
}

/// Runs that start with letters: IBAN, track 1, a card number glued to its label.
fn after_letters(scan: &mut Scan<'_>, text: &[u8], start: usize, end: usize) {
    let run = &text[start..end];
    if let [a, b, c, d, ..] = run
        && a.is_ascii_uppercase()
        && b.is_ascii_uppercase()
        && c.is_ascii_digit()
        && d.is_ascii_digit()
    {
        iban(scan, text, start);
    }
    let letters = run.iter().take_while(|b| b.is_ascii_alphabetic()).count();
    let number = &run[letters..];
    if !(12..=19).contains(&number.len()) || !number.iter().all(u8::is_ascii_digit) {
        return;
    }
    let label = run[..letters].to_ascii_lowercase();
    let track = run[0] == b'B' && letters == 1 && text.get(end) == Some(&b'^');
    let labelled = [
        &b"card"[..],
        b"pan",
        b"cc",
        b"visa",
        b"number",
        b"num",
        b"no",
    ]
    .iter()
    .any(|word| label.ends_with(word));
    if (track || labelled) && checksum::pan(number, true) {
        card(scan, text, start + letters, end);
    }
}

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

/// 4-4-4-4 or 4-6-5 with one kind of separator.
fn grouped_card(scan: &mut Scan<'_>, text: &[u8], start: usize) {
    let Some(separator) = text.get(start + 4).filter(|b| b" -+".contains(b)) else {
        return;
    };
    if matches!(&text[..start], [.., b'0'..=b'9', before] if before == separator) {
        return;
    }
    let mut number = [0; 16];
    for groups in [&[4, 4, 4, 4][..], &[4, 6, 5]] {
        let (mut at, mut len) = (start, 0);
        let fits = groups.iter().enumerate().all(|(nth, group)| {
            at += usize::from(nth > 0);
            let separated = nth == 0 || text.get(at - 1) == Some(separator);
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
            || matches!(rest, [b, b'0'..=b'9', ..] if b == separator);
        if fits && !goes_on && checksum::pan(&number[..len], true) {
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

/// US social security 3-2-4 and Brazil's CPF 3.3.3-2.
fn person_number(scan: &mut Scan<'_>, text: &[u8], start: usize) {
    let before = &text[..start];
    if matches!(before, [.., b'-' | b'.' | b'_']) || matches!(before, [.., b'0'..=b'9', b' ']) {
        return;
    }
    let forms: [Form; 2] = [
        (b"ddd-dd-dddd", |n| checksum::ssn(n) || checksum::itin(n)),
        (b"ddd.ddd.ddd-dd", checksum::cpf),
    ];
    for (form, check) in forms {
        let Some(candidate) = text.get(start..start + form.len()) else {
            continue;
        };
        let fits = candidate.iter().zip(form).all(|(byte, form)| match form {
            b'd' => byte.is_ascii_digit(),
            separator => byte == separator,
        });
        let end = start + form.len();
        let goes_on = matches!(&text[end..], [b, ..] if is(*b, ALNUM) || *b == b'-')
            || matches!(&text[end..], [b'.', b'0'..=b'9', ..]);
        let number: Vec<u8> = candidate
            .iter()
            .copied()
            .filter(u8::is_ascii_digit)
            .collect();
        if fits && !goes_on && check(&number) {
            scan.add(text, start, end, Kind::GovernmentId);
        }
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
