//! Check digits that tell a real number from a number that merely looks like one.
//!
//! Every function takes bare digits (or the letters its scheme knows) without separators and
//! answers `false` for anything else.

use sha2::{Digest, Sha256};

fn digits<const N: usize>(text: &[u8]) -> Option<[u32; N]> {
    let text: &[u8; N] = text.try_into().ok()?;
    let all = text.iter().all(u8::is_ascii_digit);
    all.then(|| text.map(|b| u32::from(b - b'0')))
}

/// ISO/IEC 7812-1 annex B.
pub(crate) fn luhn(text: &[u8]) -> bool {
    let mut sum = 0;
    for (at, byte) in text.iter().rev().enumerate() {
        if !byte.is_ascii_digit() {
            return false;
        }
        let digit = u32::from(byte - b'0');
        sum += match (at % 2 == 1, digit) {
            (false, digit) => digit,
            (true, digit @ 0..=4) => digit * 2,
            (true, digit) => digit * 2 - 9,
        };
    }
    !text.is_empty() && sum % 10 == 0
}

/// Card number: issuer prefix, the lengths of that brand, Luhn, not one digit repeated.
/// `named` says that a name or a grouping speaks for a card, so that rare lengths count too.
pub(crate) fn pan(text: &[u8], named: bool) -> bool {
    if !(12..=19).contains(&text.len()) || !luhn(text) || text.iter().all(|b| *b == text[0]) {
        return false;
    }
    let prefix = |len: usize| {
        text[..len]
            .iter()
            .fold(0, |sum, b| sum * 10 + u32::from(b - b'0'))
    };
    let len = text.len();
    match (prefix(2), prefix(3), prefix(4)) {
        (40..=49, ..) => matches!(len, 16 | 19) || named && len == 13,
        (51..=55, ..) | (_, _, 2221..=2720) => len == 16,
        (34 | 37, ..) => len == 15,
        (_, 300..=305, _) | (36 | 38 | 39, ..) => len == 14 || len == 16,
        (62 | 65, ..) | (_, 644..=649, _) | (_, _, 3528..=3589 | 6011) => (16..=19).contains(&len),
        (50 | 56..=58 | 60..=69, ..) => len == 16 || named,
        _ => false,
    }
}

/// IBAN without spaces, upper case: length of the country, remainder 1 modulo 97 (ISO 13616).
pub(crate) fn iban(text: &[u8]) -> bool {
    let Some(len) = text.get(..2).and_then(iban_len) else {
        return false;
    };
    if text.len() != len || !text[2..4].iter().all(u8::is_ascii_digit) {
        return false;
    }
    let mut rest = 0_u32;
    for byte in text[4..].iter().chain(&text[..4]) {
        rest = match byte {
            b'0'..=b'9' => rest * 10 + u32::from(byte - b'0'),
            b'A'..=b'Z' => rest * 100 + u32::from(byte - b'A') + 10,
            _ => return false,
        } % 97;
    }
    rest == 1
}

/// How many characters an IBAN of this country has.
pub(crate) fn iban_len(country: &[u8]) -> Option<usize> {
    let found = IBAN_LENGTHS
        .iter()
        .find(|(countries, _)| countries.as_bytes().chunks(3).any(|c| &c[..2] == country));
    found.map(|(_, len)| *len)
}

/// Countries of the IBAN registry by length, three bytes each.
const IBAN_LENGTHS: [(&str, usize); 19] = [
    ("NO ", 15),
    ("BE ", 16),
    ("DK FI FO GL NL SD FK ", 18),
    ("MK SI ", 19),
    ("AT BA EE KZ LT LU XK MN ", 20),
    ("CH CR HR LI LV ", 21),
    ("BG BH DE GB GE IE ME RS VA ", 22),
    ("AE GI IL IQ TL OM SO ", 23),
    ("AD CZ ES MD PK RO SA SE SK TN VG ", 24),
    ("PT ST LY ", 25),
    ("IS TR ", 26),
    ("BI DJ FR GR IT MC MR SM ", 27),
    ("AL AZ BY CY DO GT HU LB NI PL SV ", 28),
    ("BR EG PS QA UA ", 29),
    ("JO KW MU YE ", 30),
    ("MT SC ", 31),
    ("LC ", 32),
    ("RU ", 33),
    ("AX ", 18),
];

/// US social security number, nine digits: no area 000, 666 or 9xx, no empty part.
pub(crate) fn ssn(text: &[u8]) -> bool {
    digits::<9>(text).is_some()
        && !matches!(&text[..3], b"000" | b"666")
        && text[0] != b'9'
        && &text[3..5] != b"00"
        && &text[5..] != b"0000"
}

/// US individual taxpayer number: 9xx with the groups that were issued.
pub(crate) fn itin(text: &[u8]) -> bool {
    digits::<9>(text).is_some_and(|d| {
        d[0] == 9 && matches!(d[3] * 10 + d[4], 50..=65 | 70..=88 | 90..=92 | 94..=99)
    })
}

/// US bank routing number: weights 3-7-1 and an issued prefix.
pub(crate) fn aba(text: &[u8]) -> bool {
    digits::<9>(text).is_some_and(|d| {
        let sum: u32 = d
            .iter()
            .zip([3, 7, 1].iter().cycle())
            .map(|(d, w)| d * w)
            .sum();
        sum.is_multiple_of(10) && matches!(d[0] * 10 + d[1], 0..=12 | 21..=32 | 61..=72 | 80)
    })
}

/// US health provider number: Luhn over 80840 and the number.
pub(crate) fn npi(text: &[u8]) -> bool {
    digits::<10>(text).is_some() && luhn(&[b"80840", text].concat())
}

/// UK health service number: weights 10 to 2 modulo 11, check digit 10 is never issued.
pub(crate) fn nhs(text: &[u8]) -> bool {
    digits::<10>(text).is_some_and(|d| {
        let sum: u32 = d[..9].iter().zip((2..=10).rev()).map(|(d, w)| d * w).sum();
        let check = (11 - sum % 11) % 11;
        check != 10 && check == d[9]
    })
}

/// UK national insurance number.
pub(crate) fn nino(text: &[u8]) -> bool {
    let Ok([a, b, number @ .., suffix]) = <&[u8; 9]>::try_from(text) else {
        return false;
    };
    let letter = |l: &u8| l.is_ascii_uppercase() && !b"DFIQUV".contains(l);
    letter(a)
        && letter(b)
        && *b != b'O'
        && !matches!(
            &text[..2],
            b"BG" | b"GB" | b"NK" | b"KN" | b"TN" | b"NT" | b"ZZ"
        )
        && number.iter().all(u8::is_ascii_digit)
        && (b'A'..=b'D').contains(suffix)
}

/// India's Aadhaar: twelve digits, the first 2 to 9, Verhoeff's check.
pub(crate) fn aadhaar(text: &[u8]) -> bool {
    digits::<12>(text).is_some_and(|d| d[0] >= 2 && verhoeff(&d) == 0)
}

/// Verhoeff's checksum: the dihedral group of order ten, computed rather than tabled.
fn verhoeff(digits: &[u32]) -> u32 {
    const SHUFFLE: [u32; 10] = [1, 5, 7, 6, 2, 8, 3, 0, 9, 4];
    let product = |a: u32, b: u32| match (a < 5, b < 5) {
        (true, true) => (a + b) % 5,
        (true, false) => (a + b - 5) % 5 + 5,
        (false, true) => (a - 5 + 5 - b) % 5 + 5,
        (false, false) => (a + 5 - b) % 5,
    };
    digits.iter().rev().enumerate().fold(0, |sum, (at, digit)| {
        let turned = (0..at % 8).fold(*digit, |d, _| SHUFFLE[d as usize]);
        product(sum, turned)
    })
}

/// Brazil's person number: two digits modulo 11, not one digit repeated.
pub(crate) fn cpf(text: &[u8]) -> bool {
    digits::<11>(text).is_some_and(|d| {
        let check = |len: usize| {
            let weights = (2..).take(len).collect::<Vec<u32>>();
            let sum: u32 = d[..len]
                .iter()
                .zip(weights.iter().rev())
                .map(|(d, w)| d * w)
                .sum();
            sum * 10 % 11 % 10
        };
        d.iter().any(|digit| *digit != d[0]) && check(9) == d[9] && check(10) == d[10]
    })
}

/// Spain's DNI (eight digits and a letter) and NIE (X, Y or Z first): number modulo 23.
pub(crate) fn dni(text: &[u8]) -> bool {
    let Ok([first, middle @ .., letter]) = <&[u8; 9]>::try_from(text) else {
        return false;
    };
    let lead = match first {
        b'X' => b'0',
        b'Y' => b'1',
        b'Z' => b'2',
        other => *other,
    };
    let number = [&[lead], middle.as_slice()].concat();
    digits::<8>(&number).is_some_and(|d| {
        let value = d.iter().fold(0, |sum, d| sum * 10 + d);
        b"TRWAGMYFPDXBNJZSQVHLCKE"[(value % 23) as usize] == *letter
    })
}

/// The Netherlands' BSN: the eleven test with the last digit weighing -1.
pub(crate) fn bsn(text: &[u8]) -> bool {
    digits::<9>(text).is_some_and(|d| {
        let sum: u32 = d[..8].iter().zip((2..=9).rev()).map(|(d, w)| d * w).sum();
        sum > 0 && sum % 11 == d[8]
    })
}

/// Device number of a phone: fifteen digits, Luhn.
pub(crate) fn imei(text: &[u8]) -> bool {
    digits::<15>(text).is_some() && luhn(text)
}

/// ICAO 9303 check digit, weights 7 3 1; `None` for a character that a travel document lacks.
pub(crate) fn mrz_digit(text: &[u8]) -> Option<u8> {
    let mut sum = 0_u32;
    for (byte, weight) in text.iter().zip([7, 3, 1].iter().cycle()) {
        let value = match byte {
            b'0'..=b'9' => u32::from(byte - b'0'),
            b'A'..=b'Z' => u32::from(byte - b'A') + 10,
            b'<' => 0,
            _ => return None,
        };
        sum += value * weight;
    }
    u8::try_from(sum % 10).ok().map(|digit| b'0' + digit)
}

/// Brazil's company number, fourteen digits: two check digits modulo 11.
pub(crate) fn cnpj(text: &[u8]) -> bool {
    digits::<14>(text).is_some_and(|d| {
        let check = |len: usize| {
            let weights = (2..=9).cycle().take(len).collect::<Vec<u32>>();
            let sum: u32 = d[..len]
                .iter()
                .zip(weights.iter().rev())
                .map(|(d, w)| d * w)
                .sum();
            match sum % 11 {
                0 | 1 => 0,
                rest => 11 - rest,
            }
        };
        d.iter().any(|digit| *digit != d[0]) && check(12) == d[12] && check(13) == d[13]
    })
}

/// Base58 with a checksum of four bytes of the doubled SHA-256 (Bitcoin), `len` bytes in all.
pub(crate) fn base58(text: &[u8], len: usize) -> bool {
    const ALPHABET: &[u8; 58] = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
    let mut bytes = [0_u8; 40];
    for digit in text {
        let Some(value) = ALPHABET.iter().position(|known| known == digit) else {
            return false;
        };
        let mut carry = value as u64;
        for byte in bytes[..len].iter_mut().rev() {
            carry += u64::from(*byte) * 58;
            *byte = carry.to_le_bytes()[0];
            carry >>= 8;
        }
        if carry > 0 {
            return false;
        }
    }
    let (content, sum) = bytes[..len].split_at(len - 4);
    let twice = Sha256::digest(Sha256::digest(content));
    twice[..4] == *sum
}

/// GitHub's classic tokens: after the prefix 30 characters and the base62 CRC-32 of them.
pub(crate) fn github(token: &[u8]) -> bool {
    const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let Some(body) = token.get(4..).filter(|body| body.len() == 36) else {
        return false;
    };
    let mut rest = crc32(&body[..30]);
    body[30..].iter().rev().all(|byte| {
        let expected = ALPHABET[(rest % 62) as usize];
        rest /= 62;
        *byte == expected
    })
}

/// CRC-32 of IEEE 802.3.
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |sum, byte| {
        (0..8).fold(sum ^ u32::from(*byte), |sum, _| {
            (sum >> 1) ^ if sum & 1 == 1 { 0xedb8_8320 } else { 0 }
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vectors_of_every_scheme() {
        type Check = fn(&[u8]) -> bool;
        let vectors: &[(Check, &str, &str)] = &[
            (|t| pan(t, false), "4111111111111111", "4111111111111112"),
            (|t| pan(t, false), "378282246310005", "1700000000000"),
            (|t| pan(t, true), "4222222222222", "4444444444444444"),
            (iban, "GB82WEST12345698765432", "GB82WEST1234569876543"),
            (iban, "DE89370400440532013000", "DE89370400440532013001"),
            (aadhaar, "999941057058", "999941057059"),
            (nhs, "9434765919", "9434765918"),
            (aba, "121000248", "121000249"),
            (npi, "1234567893", "1234567890"),
            (cpf, "52998224725", "52998224724"),
            (dni, "12345678Z", "12345678A"),
            (cnpj, "11222333000181", "11222333000182"),
            (
                |t| base58(t, 25),
                "1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2",
                "1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN3",
            ),
            (bsn, "111222333", "111222334"),
            (imei, "490154203237518", "490154203237519"),
            (ssn, "123456789", "666456789"),
            (itin, "900701234", "900661234"),
            (nino, "AB123456C", "BG123456C"),
            (
                github,
                concat!("gh", "p_M7H4jxUDDWHP4kZ6A4dxlQYsQIWJuq11T4V4"),
                concat!("gh", "p_M7H4jxUDDWHP4kZ6A4dxlQYsQIWJuq11T4V3"),
            ),
        ];
        for (check, good, bad) in vectors {
            assert!(check(good.as_bytes()), "{good}");
            assert!(!check(bad.as_bytes()), "{bad}");
        }
        assert_eq!(mrz_digit(b"L898902C3"), Some(b'6'));
        assert_eq!(mrz_digit(b"740812"), Some(b'2'));
        assert_eq!(mrz_digit(b"120415"), Some(b'9'));
    }
}
