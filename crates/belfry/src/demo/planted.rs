//! The secrets of one run: made at run time, remembered, and looked for afterwards.

use std::fmt::Write as _;
use std::sync::{Mutex, PoisonError};

use stdx::Secret;

use crate::keys;

/// Random bytes of a password: nothing else on the disk looks like it by chance.
const PASSWORD_RANDOM_BYTES: usize = 8;

/// A secret that must not be found on the disk.
#[derive(Debug)]
pub(crate) struct Plant {
    /// What it is, in words that may be shown.
    pub(crate) what: &'static str,
    /// The secret.
    pub(crate) secret: Secret<String>,
}

/// Everything that was planted in this run.
#[derive(Debug, Default)]
pub(crate) struct Planted {
    plants: Mutex<Vec<Plant>>,
}

impl Planted {
    /// A fresh password. Looked for is its random part alone, so that a find of any piece that
    /// holds it counts, however the characters around it were escaped.
    pub(crate) fn password(&self, what: &'static str) -> anyhow::Result<String> {
        let mut bytes = [0; PASSWORD_RANDOM_BYTES];
        keys::random(&mut bytes)?;
        let random = keys::hex(&bytes);
        self.remember(what, &random);
        Ok(format!("Gull&Tide-{random}!"))
    }

    /// A card number that passes every check a card number can pass, and belongs to nobody: random
    /// digits behind the prefix 4, and the Luhn digit (ISO/IEC 7812-1) that fits them.
    pub(crate) fn card_number(&self, what: &'static str) -> anyhow::Result<String> {
        let mut bytes = [0; 14];
        keys::random(&mut bytes)?;
        let mut number = String::from("4");
        for byte in bytes {
            // Writing to a String cannot fail.
            let _ = write!(number, "{}", byte % 10);
        }
        number.push(luhn_digit(&number));
        self.remember(what, &number);
        Ok(number)
    }

    /// Remembers a secret that was made elsewhere, such as the token of a session.
    pub(crate) fn remember(&self, what: &'static str, secret: &str) {
        let plant = Plant {
            what,
            secret: Secret::new(secret.to_owned()),
        };
        self.lock().push(plant);
    }

    /// Everything planted so far.
    pub(crate) fn take(&self) -> Vec<Plant> {
        std::mem::take(&mut *self.lock())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Plant>> {
        self.plants.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The digit that makes `digits` followed by it pass the Luhn check.
fn luhn_digit(digits: &str) -> char {
    let weighed = digits.bytes().rev().enumerate().map(|(at, byte)| {
        let digit = u32::from(byte - b'0');
        if at % 2 == 1 {
            digit
        } else {
            digit * 2 / 10 + digit * 2 % 10
        }
    });
    char::from_digit((10 - weighed.sum::<u32>() % 10) % 10, 10).unwrap_or('0')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn card_numbers_pass_the_check() {
        assert_eq!(luhn_digit("411111111111111"), '1');
        assert_eq!(luhn_digit("37828224631000"), '5');
        let planted = Planted::default();
        let number = planted.card_number("card").unwrap();
        assert_eq!(number.len(), 16);
        assert_ne!(
            planted.password("one").unwrap(),
            planted.password("two").unwrap()
        );
        assert_eq!(planted.take().len(), 3);
    }
}
