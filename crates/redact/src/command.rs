//! Passwords that well-known programs take as short options on their command line.
//!
//! `-p` and `-u` mean something else to most programs, so the program must stand before the option
//! in the same simple command; a pipe, a semicolon or a line end separates commands.

use crate::kind::Kind;
use crate::limits;
use crate::pair::{Span, replace};
use crate::scan::Scan;
use crate::shape;

/// Take `name:password` after these options.
const USER_PROGRAMS: [&[u8]; 2] = [b"curl", b"wget"];
const USER_OPTIONS: [&[u8]; 6] = [
    b"--user",
    b"--proxy-user",
    b"--http-user",
    b"--ftp-user",
    b"-u",
    b"-U",
];
/// Take a password glued to `-p`; a lone `-p` asks for it.
const GLUED_PROGRAMS: [&[u8]; 7] = [
    b"mysql",
    b"mysqldump",
    b"mysqladmin",
    b"mysqlimport",
    b"mariadb",
    b"mariadb-dump",
    b"mariadb-admin",
];
/// Takes a password glued to `-p` or as the next word, before the command that it runs.
const WRAPPERS: [&[u8]; 1] = [b"sshpass"];

/// Judges the option that begins at `at`, where a word begins.
pub(crate) fn option(scan: &mut Scan<'_>, text: &[u8], at: usize) {
    let rest = &text[at..];
    let user = USER_OPTIONS.iter().find(|option| rest.starts_with(option));
    if let Some(option) = user
        && runs(text, at, &USER_PROGRAMS, false)
    {
        let glued = option.len() == 2;
        if let Some((start, end)) = operand(text, at + option.len(), glued, true)
            && let Some(colon) = memchr::memchr(b':', &text[start..end])
        {
            drop_password(scan, text, start + colon + 1, end);
        }
        return;
    }
    if !rest.starts_with(b"-p") {
        return;
    }
    let is_wrapper = runs(text, at, &WRAPPERS, true);
    if (is_wrapper || runs(text, at, &GLUED_PROGRAMS, false))
        && let Some((start, end)) = operand(text, at + 2, true, is_wrapper)
    {
        drop_password(scan, text, start, end);
    }
}

fn drop_password(scan: &mut Scan<'_>, text: &[u8], start: usize, end: usize) {
    let value = &text[start..end];
    if shape::is_placeholder(value) || shape::is_redacted(value) {
        return;
    }
    let span = Span {
        start,
        end,
        ..Span::default()
    };
    replace(scan, text, span, Kind::Password);
}

/// Whether one of `programs` is what runs with the option at `at`; with `own_only`, nothing but
/// options stands between.
fn runs(text: &[u8], at: usize, programs: &[&[u8]], own_only: bool) -> bool {
    let from = at.saturating_sub(limits::COMMAND_BYTES_MAX);
    let before = &text[from..at];
    let command = before.rsplit(|b| b"|;&\n".contains(b)).next();
    let parts = command
        .unwrap_or(before)
        .split(|b| b" \t\"'`,[(=".contains(b));
    let words: Vec<&[u8]> = parts.filter(|word| !word.is_empty()).collect();
    words.iter().enumerate().rev().any(|(place, word)| {
        let name = word.rsplit(|b| matches!(b, b'/' | b'\\')).next();
        // A program's name behind an option is that option's value: `--name mysql`.
        let is_value = place > 0 && words[place - 1].starts_with(b"-");
        let reaches = !own_only || words[place + 1..].iter().all(|word| word.starts_with(b"-"));
        !is_value && reaches && name.is_some_and(|name| programs.contains(&name))
    })
}

/// The value of an option that ends at `at`: glued to it, or the next word.
fn operand(text: &[u8], at: usize, glued: bool, apart: bool) -> Option<(usize, usize)> {
    let mut start = at;
    match text.get(at)? {
        b' ' | b'\t' | b'=' if apart => {
            let blanks = text[at + 1..].iter().take(8).take_while(|b| **b == b' ');
            start += 1 + blanks.count();
        }
        byte if byte.is_ascii_whitespace() => return None,
        _ if glued => {}
        _ => return None,
    }
    let quote = text.get(start).copied().filter(|b| b"\"'".contains(b));
    start += usize::from(quote.is_some());
    let rest = text.get(start..)?;
    let ends = |byte: &u8| match quote {
        Some(quote) => *byte == quote,
        None => byte.is_ascii_whitespace() || b"\"'`\\".contains(byte),
    };
    let len = rest.iter().position(ends).unwrap_or(rest.len());
    (0 < len).then_some((start, start + len))
}
