//! Bearer tokens of senders: 256 random bits each, known to us only by their SHA-256.
//!
//! A token opens one thing, sending events as one source. Because it is random and long, a plain
//! hash is as good as a slow one. Nothing here prints or returns a presented token.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use base64ct::{Base64UrlUnpadded, Encoding};
use sha2::{Digest, Sha256};
use stdx::Secret;
use subtle::{Choice, ConditionallySelectable, ConstantTimeEq};

/// Random bytes of a token.
pub const TOKEN_RANDOM_BYTES: usize = 32;
/// Characters of a token id.
pub const TOKEN_ID_CHARS_MAX: usize = 32;

const PREFIX: &str = "blf_";

/// What is stored of a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenRecord {
    /// Public name of the token, unique in the book.
    pub id: Arc<str>,
    /// The source that its bearer speaks for.
    pub source: Arc<str>,
    /// SHA-256 of the whole token text.
    pub sha256: [u8; 32],
}

/// A new token: the text to hand over once, and what is kept.
#[derive(Debug)]
pub struct Minted {
    /// `blf_<id>_<43 characters of base64url>`.
    pub text: Secret<String>,
    /// What is kept.
    pub record: TokenRecord,
}

/// Why a token could not be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MintError {
    /// The id would make the token ambiguous or unprintable.
    #[error(
        "token id must be 1 to {TOKEN_ID_CHARS_MAX} characters of a-z, A-Z, 0-9 and '-', got {id:?}"
    )]
    Id {
        /// The id asked for.
        id: String,
    },
}

/// Makes a token from random bytes of the operating system.
pub fn mint(
    id: &str,
    source: &str,
    random: &Secret<[u8; TOKEN_RANDOM_BYTES]>,
) -> Result<Minted, MintError> {
    let chars_ok = id
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    if id.is_empty() || TOKEN_ID_CHARS_MAX < id.len() || !chars_ok {
        return Err(MintError::Id { id: id.to_owned() });
    }
    let encoded = Secret::new(Base64UrlUnpadded::encode_string(random.expose()));
    let text = Secret::new(format!("{PREFIX}{id}_{}", encoded.expose()));
    let record = TokenRecord {
        id: id.into(),
        source: source.into(),
        sha256: sha256(text.expose().as_bytes()),
    };
    Ok(Minted { text, record })
}

/// Who presented a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bearer {
    /// Public name of the token.
    pub id: Arc<str>,
    /// The source it speaks for.
    pub source: Arc<str>,
    /// Whether this is the first use since the token was loaded.
    pub first_use: bool,
}

/// The tokens that are accepted now; shared, and replaced as a whole while the server runs.
#[derive(Debug, Default)]
pub struct TokenBook {
    pages: RwLock<Arc<[Page]>>,
}

#[derive(Clone, Debug)]
struct Page {
    record: TokenRecord,
    used: Arc<AtomicBool>,
}

impl TokenBook {
    /// A book of these tokens.
    pub fn new(records: Vec<TokenRecord>) -> Self {
        let book = Self::default();
        book.replace(records);
        book
    }

    /// Accepts these tokens and no others from the next request on. A token that stays keeps
    /// its mark of first use.
    pub fn replace(&self, records: Vec<TokenRecord>) {
        let mut pages = self.pages.write().unwrap_or_else(PoisonError::into_inner);
        let known = Arc::clone(&pages);
        *pages = records
            .into_iter()
            .map(|record| {
                let used = known
                    .iter()
                    .find(|page| page.record == record)
                    .map_or_else(Arc::default, |page| Arc::clone(&page.used));
                Page { record, used }
            })
            .collect();
    }

    /// Number of tokens.
    pub fn len(&self) -> usize {
        self.current().len()
    }

    /// Whether no token is accepted.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whose token this is. Takes the same time for every token, right or wrong.
    pub fn bearer(&self, presented: &[u8]) -> Option<Bearer> {
        let pages = self.current();
        let digest = sha256(presented);
        let mut found = u64::MAX;
        for (position, page) in (0_u64..).zip(pages.iter()) {
            let same: Choice = page.record.sha256.ct_eq(&digest);
            found.conditional_assign(&position, same);
        }
        let page = pages.get(usize::try_from(found).ok()?)?;
        Some(Bearer {
            id: Arc::clone(&page.record.id),
            source: Arc::clone(&page.record.source),
            first_use: !page.used.swap(true, Ordering::Relaxed),
        })
    }

    fn current(&self) -> Arc<[Page]> {
        Arc::clone(&self.pages.read().unwrap_or_else(PoisonError::into_inner))
    }
}

fn sha256(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

#[cfg(test)]
mod tests;
