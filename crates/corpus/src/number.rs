//! Numbers with check digits, made valid from the issuing standards.

use crate::numbers::Numbers;

/// The digit that makes `digits` pass Luhn (ISO/IEC 7812-1 annex B).
fn luhn_digit(digits: &str) -> char {
    let sum: u32 = digits
        .bytes()
        .rev()
        .enumerate()
        .map(|(at, byte)| {
            let digit = u32::from(byte - b'0');
            let doubled = if at % 2 == 0 { digit * 2 } else { digit };
            doubled / 10 + doubled % 10
        })
        .sum();
    digit((10 - sum % 10) % 10)
}

fn digit(value: u32) -> char {
    char::from_digit(value % 10, 10).unwrap_or('0')
}

fn values(digits: &str) -> Vec<u32> {
    digits.bytes().map(|b| u32::from(b - b'0')).collect()
}

fn weighted(digits: &str, weights: impl IntoIterator<Item = u32>) -> u32 {
    values(digits).iter().zip(weights).map(|(d, w)| d * w).sum()
}

/// A card number of one of the large brands, and the groups its brand prints.
pub(crate) fn card(numbers: &mut Numbers) -> (String, &'static [usize]) {
    const BRANDS: [(&str, usize); 9] = [
        ("4", 16),
        ("4", 16),
        ("51", 16),
        ("55", 16),
        ("2223", 16),
        ("37", 15),
        ("6011", 16),
        ("3530", 16),
        ("65", 16),
    ];
    let (prefix, len) = BRANDS[numbers.place(BRANDS.len())];
    let body = format!("{prefix}{}", numbers.digits(len - 1 - prefix.len()));
    let groups: &[usize] = if len == 15 { &[4, 6, 5] } else { &[4, 4, 4, 4] };
    (format!("{body}{}", luhn_digit(&body)), groups)
}

/// `digits` in `groups` with `separator` between them.
pub(crate) fn grouped(digits: &str, groups: &[usize], separator: &str) -> String {
    let mut rest = digits;
    let mut parts = Vec::new();
    for len in groups {
        let (part, after) = rest.split_at(*len.min(&rest.len()));
        parts.push(part);
        rest = after;
    }
    parts.join(separator)
}

/// An IBAN (ISO 13616) of a country with digits and, for some, letters in its account.
pub(crate) fn iban(numbers: &mut Numbers) -> String {
    let (country, account) = match numbers.below(6) {
        0 => ("DE", numbers.digits(18)),
        1 => (
            "GB",
            format!(
                "{}{}",
                numbers.text("ABCDEFGHKLMNPRSTWY", 4),
                numbers.digits(14)
            ),
        ),
        2 => (
            "FR",
            format!(
                "{}{}{}",
                numbers.digits(10),
                numbers.text("ABCXYZ0123456789", 11),
                numbers.digits(2)
            ),
        ),
        3 => (
            "NL",
            format!(
                "{}{}",
                numbers.text("ABCDEFGHKLMNPRSTWY", 4),
                numbers.digits(10)
            ),
        ),
        4 => ("ES", numbers.digits(20)),
        _ => ("CH", numbers.digits(17)),
    };
    let mut rest = 0_u32;
    for byte in format!("{account}{country}00").bytes() {
        rest = match byte {
            b'0'..=b'9' => rest * 10 + u32::from(byte - b'0'),
            _ => rest * 100 + u32::from(byte - b'A') + 10,
        } % 97;
    }
    format!("{country}{:02}{account}", 98 - rest)
}

/// A US social security number with its dashes.
pub(crate) fn ssn(numbers: &mut Numbers) -> String {
    let area = match numbers.between(1, 898) {
        666 => 665,
        area => area,
    };
    let (group, serial) = (numbers.between(1, 99), numbers.between(1, 9999));
    format!("{area:03}-{group:02}-{serial:04}")
}

/// A US taxpayer number of the issued groups, with its dashes.
pub(crate) fn itin(numbers: &mut Numbers) -> String {
    let (area, group) = (numbers.between(900, 999), numbers.between(70, 88));
    format!("{area}-{group}-{:04}", numbers.between(1, 9999))
}

/// A Brazilian person number in its printed form.
pub(crate) fn cpf(numbers: &mut Numbers) -> String {
    let mut body = format!("{}{}", numbers.between(1, 8), numbers.digits(8));
    for len in [9, 10] {
        let sum = weighted(&body, (2..=len + 1).rev());
        body.push(digit(sum * 10 % 11));
    }
    format!(
        "{}.{}.{}-{}",
        &body[..3],
        &body[3..6],
        &body[6..9],
        &body[9..]
    )
}

/// A UK health number, ten digits.
pub(crate) fn nhs(numbers: &mut Numbers) -> String {
    loop {
        let body = format!("{}{}", numbers.between(4, 7), numbers.digits(8));
        let check = (11 - weighted(&body, (2..=10).rev()) % 11) % 11;
        if check != 10 {
            return format!("{body}{}", digit(check));
        }
    }
}

/// A UK national insurance number.
pub(crate) fn nino(numbers: &mut Numbers) -> String {
    let first = numbers.text("ACEHJLMPRSWX", 1);
    let second = numbers.text("ACEHJLMPRSX", 1);
    format!(
        "{first}{second}{}{}",
        numbers.digits(6),
        numbers.text("ABCD", 1)
    )
}

/// A US bank routing number.
pub(crate) fn aba(numbers: &mut Numbers) -> String {
    let body = format!("{:02}{}", numbers.between(1, 12), numbers.digits(6));
    let sum = weighted(&body, [3, 7, 1].into_iter().cycle());
    format!("{body}{}", digit((10 - sum % 10) % 10))
}

/// A Spanish identity number.
pub(crate) fn dni(numbers: &mut Numbers) -> String {
    let number = numbers.between(10_000_000, 99_999_999);
    let letter = b"TRWAGMYFPDXBNJZSQVHLCKE"[usize::try_from(number % 23).unwrap_or(0)];
    format!("{number}{}", char::from(letter))
}

/// A Dutch person number.
pub(crate) fn bsn(numbers: &mut Numbers) -> String {
    loop {
        let body = format!("{}{}", numbers.between(1, 9), numbers.digits(7));
        let check = weighted(&body, (2..=9).rev()) % 11;
        if check < 10 {
            return format!("{body}{}", digit(check));
        }
    }
}

/// An Indian person number: Verhoeff's check by the tables of his paper.
pub(crate) fn aadhaar(numbers: &mut Numbers) -> String {
    let body = format!("{}{}", numbers.between(2, 9), numbers.digits(10));
    let right = (0..10)
        .map(digit)
        .find(|check| verhoeff(&format!("{body}{check}")) == 0);
    format!("{body}{}", right.unwrap_or('0'))
}

fn verhoeff(digits: &str) -> usize {
    const PRODUCT: [[usize; 10]; 10] = [
        [0, 1, 2, 3, 4, 5, 6, 7, 8, 9],
        [1, 2, 3, 4, 0, 6, 7, 8, 9, 5],
        [2, 3, 4, 0, 1, 7, 8, 9, 5, 6],
        [3, 4, 0, 1, 2, 8, 9, 5, 6, 7],
        [4, 0, 1, 2, 3, 9, 5, 6, 7, 8],
        [5, 9, 8, 7, 6, 0, 4, 3, 2, 1],
        [6, 5, 9, 8, 7, 1, 0, 4, 3, 2],
        [7, 6, 5, 9, 8, 2, 1, 0, 4, 3],
        [8, 7, 6, 5, 9, 3, 2, 1, 0, 4],
        [9, 8, 7, 6, 5, 4, 3, 2, 1, 0],
    ];
    const SHUFFLE: [usize; 10] = [1, 5, 7, 6, 2, 8, 3, 0, 9, 4];
    digits.bytes().rev().enumerate().fold(0, |sum, (at, byte)| {
        let turned = (0..at % 8).fold(usize::from(byte - b'0'), |d, _| SHUFFLE[d]);
        PRODUCT[sum][turned]
    })
}

/// The data line of a passport (ICAO 9303, TD3), 44 characters.
pub(crate) fn mrz(numbers: &mut Numbers) -> String {
    let check = |text: &str| {
        let sum: u32 = text
            .bytes()
            .zip([7, 3, 1].into_iter().cycle())
            .map(|(byte, weight)| {
                let value = match byte {
                    b'0'..=b'9' => u32::from(byte - b'0'),
                    b'A'..=b'Z' => u32::from(byte - b'A') + 10,
                    _ => 0,
                };
                value * weight
            })
            .sum();
        digit(sum % 10)
    };
    let document = format!(
        "{}{}",
        numbers.text("CFGHJKLMNPRTVWXYZ", 1),
        numbers.digits(8)
    );
    let born = format!(
        "{:02}{:02}{:02}",
        numbers.below(99),
        numbers.between(1, 12),
        numbers.between(1, 28)
    );
    let until = format!(
        "{:02}{:02}{:02}",
        numbers.between(27, 35),
        numbers.between(1, 12),
        numbers.between(1, 28)
    );
    let own = "<".repeat(14);
    let head = format!("{document}{}", check(&document));
    let birth = format!("{born}{}", check(&born));
    let expiry = format!("{until}{}", check(&until));
    let whole = check(&format!("{head}{birth}{expiry}{own}0"));
    format!("{head}UTO{birth}F{expiry}{own}0{whole}")
}

/// CRC-32 of IEEE 802.3.
pub(crate) fn crc32(bytes: &[u8]) -> u32 {
    let mut sum = u32::MAX;
    for byte in bytes {
        sum ^= u32::from(*byte);
        for _ in 0..8 {
            let low = sum & 1;
            sum >>= 1;
            if low == 1 {
                sum ^= 0xedb8_8320;
            }
        }
    }
    !sum
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Published examples, so that the generator is not its own proof.
    #[test]
    fn published_vectors() {
        assert_eq!(luhn_digit("411111111111111"), '1');
        assert_eq!(luhn_digit("37828224631000"), '5');
        assert_eq!(verhoeff("999941057058"), 0);
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
        assert_eq!(
            grouped("378282246310005", &[4, 6, 5], " "),
            "3782 822463 10005"
        );
        assert_eq!(weighted("12100024", [3, 7, 1].into_iter().cycle()) % 10, 2);
    }
}
