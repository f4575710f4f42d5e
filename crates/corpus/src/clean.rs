//! Lines that hold no secret: what real services write, and all that tempts to see one.
//!
//! Each row of `clean.txt` is a kind, a tab and a line with slots. `<<d8>>` stands for eight
//! digits, `h` hexadecimal, `a` letters and digits, `c` upper-case letters and digits, `p` as pods
//! are named, `b` bytes in base64, `n9` a number below nine, `r1-9` one from one to nine.

use crate::Numbers;
use crate::encode::base64;
use crate::numbers::UPPER;

const ROWS: &str = include_str!("clean.txt");

/// Who asks.
const AGENTS: [&str; 5] = [
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/128.0.6613.120",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_6_1 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148",
    "Dalvik/2.1.0 (Linux; U; Android 14; SM-S918B Build/UP1A.231005.007)",
    "kube-probe/1.31",
    "python-requests/2.32.3",
];

/// Names of accounts, some of them words that look like names of secrets.
const USERS: [&str; 8] = [
    "ann",
    "bob",
    "carla",
    "dmitri",
    "eve.k",
    "j.smith",
    "svc-backup",
    "passenger",
];

/// The line of `seed`, with the name of its kind; all kinds are equally likely.
pub fn line(seed: u64) -> (&'static str, String) {
    let mut numbers = Numbers::new(seed ^ 0x00c1_ea4e);
    let rows: Vec<(&str, &str)> = ROWS
        .lines()
        .filter_map(|row| row.split_once('\t'))
        .collect();
    let mut kinds: Vec<&str> = rows.iter().map(|row| row.0).collect();
    kinds.dedup();
    let kind = kinds[numbers.place(kinds.len())];
    let lines: Vec<&str> = rows
        .iter()
        .filter(|row| row.0 == kind)
        .map(|row| row.1)
        .collect();
    let template = lines[numbers.place(lines.len())];
    (kind, filled(template, &mut numbers))
}

/// `template` with its slots filled.
fn filled(template: &str, numbers: &mut Numbers) -> String {
    let mut out = String::with_capacity(template.len() * 2);
    let mut rest = template;
    while let Some((before, slot)) = rest.split_once("<<") {
        // `<<<user>>` is an angle bracket before a slot.
        let (bracket, slot) = slot
            .strip_prefix('<')
            .map_or(("", slot), |slot| ("<", slot));
        let (name, after) = slot.split_once(">>").expect("a slot is closed");
        out.push_str(before);
        out.push_str(bracket);
        out.push_str(&fill(name, numbers));
        rest = after;
    }
    out.push_str(rest);
    out
}

fn fill(slot: &str, numbers: &mut Numbers) -> String {
    match slot {
        "agent" => return numbers.pick(&AGENTS).to_owned(),
        "user" => return format!("{}{}", numbers.pick(&USERS), numbers.below(100)),
        "uuid" => return uuid(numbers),
        "ip" => {
            let (a, b) = (numbers.between(1, 223), numbers.below(256));
            return format!("{a}.{b}.{}.{}", numbers.below(256), numbers.between(1, 254));
        }
        "time" => {
            let (hour, minute) = (numbers.below(24), numbers.below(60));
            let (second, millis) = (numbers.below(60), numbers.digits(3));
            return format!("2026-11-21T{hour:02}:{minute:02}:{second:02}.{millis}Z");
        }
        _ => {}
    }
    let (kind, rest) = slot.split_at(1);
    if kind == "r" {
        let (low, high) = rest.split_once('-').expect("a range has two ends");
        return numbers.between(number(low), number(high)).to_string();
    }
    let count = number(rest);
    let len = usize::try_from(count).unwrap_or(0);
    match kind {
        "d" => numbers.digits(len),
        "h" => numbers.hex(len),
        "a" => numbers.alnum(len),
        "c" => numbers.text(UPPER, len),
        "p" => numbers.text("bcdfghjklmnpqrstvwxz2456789", len),
        "n" => numbers.below(count).to_string(),
        "b" => {
            let byte = |_| u8::try_from(numbers.below(256)).unwrap_or(0);
            base64(&(0..len).map(byte).collect::<Vec<u8>>(), false)
        }
        other => unreachable!("no slot `{other}`"),
    }
}

fn number(text: &str) -> u64 {
    text.parse().expect("a slot ends in a number")
}

fn uuid(numbers: &mut Numbers) -> String {
    let (a, b, c) = (numbers.hex(8), numbers.hex(4), numbers.hex(3));
    format!("{a}-{b}-4{c}-a{}-{}", numbers.hex(3), numbers.hex(12))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_can_be_filled() {
        let mut numbers = Numbers::new(1);
        for row in ROWS.lines() {
            let (kind, template) = row.split_once('\t').expect("a row has a kind");
            let line = filled(template, &mut numbers);
            assert!(!kind.is_empty() && !line.contains("<<"), "{line}");
        }
        assert_ne!(line(1).1, line(2).1);
        assert_eq!(line(7), line(7));
    }
}
