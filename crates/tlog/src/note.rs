//! Signed notes: a text, a blank line, and signature lines (c2sp.org/signed-note).
//!
//! Keys are Ed25519 (algorithm 0x01). Lines of unknown keys or other algorithms are carried
//! along unread, so that cosignatures of any kind survive a round trip. A key is known when both
//! name and key id agree; one bad signature of a known key condemns the whole note.

use std::fmt;
use std::str::FromStr;

use base64ct::{Base64, Encoding as _};
use ed25519_dalek::Signer as _;
use sha2::{Digest as _, Sha256};
use thiserror::Error;
use zeroize::Zeroizing;

use crate::encoding::{base64, from_base64, hex};
use crate::limits::{NOTE_LEN_BYTES_MAX, NOTE_SIGNATURES_MAX};
use crate::verified::Verified;

/// Algorithm byte of Ed25519 in key texts and key ids.
const ALGORITHM_ED25519: u8 = 0x01;
const KEY_ID_LEN_BYTES: usize = 4;
pub(crate) const SIGNATURE_LEN_BYTES: usize = 64;
pub(crate) const SEED_LEN_BYTES: usize = 32;
const PRIVATE_KEY_PREFIX: &str = "PRIVATE+KEY+";
/// An em dash and a space open each signature line.
const SIGNATURE_PREFIX: &str = "\u{2014} ";

/// First four bytes of `SHA-256(name || "\n" || algorithm byte || public key)`.
pub type KeyId = [u8; KEY_ID_LEN_BYTES];

pub(crate) fn key_id(name: &str, algorithm: u8, public_key: &[u8]) -> KeyId {
    let digest = Sha256::new()
        .chain_update(name)
        .chain_update([b'\n', algorithm])
        .chain_update(public_key)
        .finalize();
    let [a, b, c, d, ..] = <[u8; 32]>::from(digest);
    [a, b, c, d]
}

/// Key names are not empty and hold neither white space nor `+`.
pub(crate) fn is_key_name(name: &str) -> bool {
    !name.is_empty()
        && !name
            .chars()
            .any(|c| c.is_whitespace() || c.is_control() || c == '+')
}

/// A named Ed25519 key that signs notes. Wiped from memory when dropped; `Debug` shows the name
/// and key id only.
#[derive(Clone)]
pub struct SigningKey {
    name: String,
    key_id: KeyId,
    /// Wipes itself when dropped.
    secret: ed25519_dalek::SigningKey,
}

impl SigningKey {
    /// Makes the key with this name from 32 secret bytes (the seed of RFC 8032).
    pub fn from_seed(name: &str, seed: &[u8; SEED_LEN_BYTES]) -> Result<Self, KeyNameError> {
        if !is_key_name(name) {
            return Err(KeyNameError {
                name: name.to_owned(),
            });
        }
        let secret = ed25519_dalek::SigningKey::from_bytes(seed);
        let key_id = key_id(name, ALGORITHM_ED25519, secret.verifying_key().as_bytes());
        Ok(Self {
            name: name.to_owned(),
            key_id,
            secret,
        })
    }

    /// Reads `PRIVATE+KEY+<name>+<key id>+<base64(0x01 || seed)>`.
    pub fn parse(text: &str) -> Result<Self, SigningKeyParseError> {
        let (name, id, seed) = parse_private(text, ALGORITHM_ED25519)?;
        let parsed = Self::from_seed(name, &seed).map_err(SigningKeyParseError::Name)?;
        check_private_id(id, parsed.key_id)?;
        Ok(parsed)
    }

    /// Writes the text that [`SigningKey::parse`] reads; wiped when dropped.
    pub fn to_private_text(&self) -> Zeroizing<String> {
        private_text(&self.name, self.key_id, ALGORITHM_ED25519, &self.secret)
    }

    /// The seed that [`SigningKey::from_seed`] takes; wiped when dropped.
    pub fn to_seed(&self) -> Zeroizing<[u8; SEED_LEN_BYTES]> {
        Zeroizing::new(self.secret.to_bytes())
    }

    /// Name that stands in signature lines.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Key id that stands in signature lines.
    pub fn key_id(&self) -> KeyId {
        self.key_id
    }

    /// The public half.
    pub fn verifying_key(&self) -> VerifyingKey {
        VerifyingKey {
            name: self.name.clone(),
            key_id: self.key_id,
            public: self.secret.verifying_key(),
        }
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey")
            .field("name", &self.name)
            .field("key_id", &hex(&self.key_id))
            .finish_non_exhaustive()
    }
}

/// Name, key id as written, and seed of a private key of this algorithm.
pub(crate) fn parse_private(
    text: &str,
    expected: u8,
) -> Result<(&str, &str, Zeroizing<[u8; SEED_LEN_BYTES]>), SigningKeyParseError> {
    let rest = text
        .strip_prefix(PRIVATE_KEY_PREFIX)
        .ok_or(SigningKeyParseError::Prefix)?;
    let mut parts = rest.splitn(3, '+');
    let (Some(name), Some(id), Some(key)) = (parts.next(), parts.next(), parts.next()) else {
        return Err(SigningKeyParseError::Parts);
    };
    let mut bytes = Zeroizing::new([0; 1 + SEED_LEN_BYTES]);
    let length = Base64::decode(key, &mut bytes[..])
        .map_err(|_| SigningKeyParseError::KeyBytes)?
        .len();
    if length != bytes.len() {
        return Err(SigningKeyParseError::KeyBytes);
    }
    if bytes[0] != expected {
        return Err(SigningKeyParseError::Algorithm {
            algorithm: bytes[0],
            expected,
        });
    }
    let mut seed = Zeroizing::new([0; SEED_LEN_BYTES]);
    seed.copy_from_slice(&bytes[1..]);
    Ok((name, id, seed))
}

pub(crate) fn check_private_id(written: &str, computed: KeyId) -> Result<(), SigningKeyParseError> {
    if hex(&computed) == written {
        return Ok(());
    }
    Err(SigningKeyParseError::KeyId {
        computed: hex(&computed),
    })
}

pub(crate) fn private_text(
    name: &str,
    key_id: KeyId,
    algorithm: u8,
    secret: &ed25519_dalek::SigningKey,
) -> Zeroizing<String> {
    let mut bytes = Zeroizing::new([algorithm; 1 + SEED_LEN_BYTES]);
    bytes[1..].copy_from_slice(Zeroizing::new(secret.to_bytes()).as_slice());
    let encoded = Zeroizing::new(base64(&bytes[..]));
    let id = hex(&key_id);
    let parts = [PRIVATE_KEY_PREFIX, name, "+", &id, "+", &encoded];
    // The full capacity first, so that no copy of the secret stays behind on growth.
    let mut text = Zeroizing::new(String::with_capacity(parts.iter().map(|p| p.len()).sum()));
    for part in parts {
        text.push_str(part);
    }
    text
}

/// A text that cannot be the name of a key.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("key name {name:?} is empty or holds white space, control characters or a plus sign")]
pub struct KeyNameError {
    /// Name given.
    pub name: String,
}

/// Why a text is not a private key. Carries nothing of the secret.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum SigningKeyParseError {
    /// The fixed beginning is missing.
    #[error("private key does not begin with PRIVATE+KEY+")]
    Prefix,
    /// Name, key id or key are missing.
    #[error("private key does not have the parts name, key id and key")]
    Parts,
    /// The name is not allowed.
    #[error(transparent)]
    Name(KeyNameError),
    /// The key is not base64 of an algorithm byte and 32 secret bytes.
    #[error("private key is not base64 of 33 bytes")]
    KeyBytes,
    /// Another algorithm than the one this kind of key has.
    #[error("private key algorithm {algorithm:#04x} is not Ed25519 ({expected:#04x})")]
    Algorithm {
        /// Algorithm byte found.
        algorithm: u8,
        /// Algorithm byte of this kind of key.
        expected: u8,
    },
    /// The key id does not belong to name and key.
    #[error("private key has another key id than {computed}")]
    KeyId {
        /// Key id of this name and key in hexadecimal.
        computed: String,
    },
}

/// A named Ed25519 key that checks notes. `Display` and `FromStr` speak the text form
/// `<name>+<key id>+<base64(0x01 || public key)>`, known as vkey.
#[derive(Clone, PartialEq, Eq)]
pub struct VerifyingKey {
    name: String,
    key_id: KeyId,
    public: ed25519_dalek::VerifyingKey,
}

impl VerifyingKey {
    /// Name that stands in signature lines.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Key id that stands in signature lines.
    pub fn key_id(&self) -> KeyId {
        self.key_id
    }

    /// Whether the line claims to be by this key. Says nothing of its signature.
    pub fn knows(&self, line: &SignatureLine) -> bool {
        self.key_id == line.key_id && self.name == line.name
    }

    /// Strict check: small-order keys and non-canonical encodings never pass.
    fn accepts(&self, text: &str, signature: &[u8]) -> bool {
        <[u8; SIGNATURE_LEN_BYTES]>::try_from(signature).is_ok_and(|bytes| {
            let signature = ed25519_dalek::Signature::from_bytes(&bytes);
            self.public
                .verify_strict(text.as_bytes(), &signature)
                .is_ok()
        })
    }
}

impl fmt::Display for VerifyingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = public_text(&self.name, self.key_id, ALGORITHM_ED25519, &self.public);
        f.write_str(&text)
    }
}

impl fmt::Debug for VerifyingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VerifyingKey({self})")
    }
}

impl FromStr for VerifyingKey {
    type Err = VerifyingKeyParseError;

    fn from_str(text: &str) -> Result<Self, VerifyingKeyParseError> {
        let named = NamedPoint::parse(text, ALGORITHM_ED25519)?;
        Ok(Self {
            name: named.name,
            key_id: named.key_id,
            public: named.public,
        })
    }
}

/// What every text form of an Ed25519 public key holds besides its algorithm.
pub(crate) struct NamedPoint {
    pub(crate) name: String,
    pub(crate) key_id: KeyId,
    pub(crate) public: ed25519_dalek::VerifyingKey,
}

impl NamedPoint {
    /// Reads `<name>+<key id>+<base64(algorithm || public key)>`.
    pub(crate) fn parse(text: &str, expected: u8) -> Result<Self, VerifyingKeyParseError> {
        let PublicText { name, id, bytes } = PublicText::parse(text)?;
        let (algorithm, point) = bytes
            .split_first()
            .ok_or(VerifyingKeyParseError::Length { len_bytes: 0 })?;
        if *algorithm != expected {
            return Err(VerifyingKeyParseError::Algorithm {
                algorithm: *algorithm,
                expected,
            });
        }
        let point = <[u8; 32]>::try_from(point).map_err(|_| VerifyingKeyParseError::Length {
            len_bytes: bytes.len(),
        })?;
        let public = ed25519_dalek::VerifyingKey::from_bytes(&point)
            .ok()
            .filter(|public| !public.is_weak())
            .ok_or(VerifyingKeyParseError::Point)?;
        let key_id = key_id(name, expected, &point);
        if hex(&key_id) != id {
            return Err(VerifyingKeyParseError::KeyId {
                computed: hex(&key_id),
            });
        }
        Ok(Self {
            name: name.to_owned(),
            key_id,
            public,
        })
    }
}

/// The three parts of a public key of any algorithm.
pub(crate) struct PublicText<'a> {
    pub(crate) name: &'a str,
    pub(crate) id: &'a str,
    /// Algorithm byte and key.
    pub(crate) bytes: Vec<u8>,
}

impl<'a> PublicText<'a> {
    pub(crate) fn parse(text: &'a str) -> Result<Self, VerifyingKeyParseError> {
        let mut parts = text.splitn(3, '+');
        let (Some(name), Some(id), Some(key)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(VerifyingKeyParseError::Parts);
        };
        if !is_key_name(name) {
            return Err(VerifyingKeyParseError::Name(KeyNameError {
                name: name.to_owned(),
            }));
        }
        let bytes = from_base64(key).ok_or(VerifyingKeyParseError::Base64)?;
        Ok(Self { name, id, bytes })
    }
}

/// Writes `<name>+<key id>+<base64(algorithm || public key)>`.
pub(crate) fn public_text(
    name: &str,
    key_id: KeyId,
    algorithm: u8,
    public: &ed25519_dalek::VerifyingKey,
) -> String {
    let mut bytes = [algorithm; 33];
    bytes[1..].copy_from_slice(public.as_bytes());
    format!("{name}+{}+{}", hex(&key_id), base64(&bytes))
}

/// Why a text is not a public key.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum VerifyingKeyParseError {
    /// Name, key id or key are missing.
    #[error("public key does not have the parts name, key id and key")]
    Parts,
    /// The name is not allowed.
    #[error(transparent)]
    Name(KeyNameError),
    /// The key is not base64.
    #[error("public key is not standard base64 with padding")]
    Base64,
    /// Not an algorithm byte and 32 bytes.
    #[error("public key has {len_bytes} bytes instead of 33")]
    Length {
        /// Decoded length.
        len_bytes: usize,
    },
    /// Another algorithm than the one this kind of key has.
    #[error("public key algorithm {algorithm:#04x} is not Ed25519 ({expected:#04x})")]
    Algorithm {
        /// Algorithm byte found.
        algorithm: u8,
        /// Algorithm byte of this kind of key.
        expected: u8,
    },
    /// The bytes are no point of the curve, or one of small order.
    #[error("public key is not a usable point of the curve")]
    Point,
    /// The key id does not belong to name and key.
    #[error("public key has another key id than {computed}")]
    KeyId {
        /// Key id of this name and key in hexadecimal.
        computed: String,
    },
}

/// One signature line of a note, of whatever algorithm.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignatureLine {
    pub(crate) name: String,
    pub(crate) key_id: KeyId,
    pub(crate) signature: Vec<u8>,
}

impl SignatureLine {
    /// Name of the key that claims to have signed.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Id of the key that claims to have signed.
    pub fn key_id(&self) -> KeyId {
        self.key_id
    }

    /// The bytes after the key id; their meaning depends on the key's algorithm.
    pub fn signature(&self) -> &[u8] {
        &self.signature
    }
}

impl fmt::Display for SignatureLine {
    /// The line as it stands in a note, without its newline.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = [&self.key_id[..], &self.signature].concat();
        write!(f, "{SIGNATURE_PREFIX}{} {}", self.name, base64(&bytes))
    }
}

impl FromStr for SignatureLine {
    type Err = SignatureLineError;

    /// Reads a line without its newline, such as a witness answers.
    fn from_str(line: &str) -> Result<Self, SignatureLineError> {
        let rest = line
            .strip_prefix(SIGNATURE_PREFIX)
            .ok_or(SignatureLineError::Prefix)?;
        let (name, encoded) = rest.split_once(' ').ok_or(SignatureLineError::Parts)?;
        if !is_key_name(name) {
            return Err(SignatureLineError::Name);
        }
        let bytes = from_base64(encoded).ok_or(SignatureLineError::Base64)?;
        match bytes.split_first_chunk::<KEY_ID_LEN_BYTES>() {
            Some((key_id, signature)) if !signature.is_empty() => Ok(Self {
                name: name.to_owned(),
                key_id: *key_id,
                signature: signature.to_vec(),
            }),
            _ => Err(SignatureLineError::TooShort {
                len_bytes: bytes.len(),
            }),
        }
    }
}

/// Why a line is not a signature line.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum SignatureLineError {
    /// No em dash and space in front.
    #[error("signature line does not begin with an em dash and a space")]
    Prefix,
    /// No space between name and signature.
    #[error("signature line does not have a name and a signature")]
    Parts,
    /// The name is not allowed for keys.
    #[error("signature line has a bad key name")]
    Name,
    /// The signature is not base64.
    #[error("signature is not standard base64 with padding")]
    Base64,
    /// Less than a key id and one byte.
    #[error("signature of {len_bytes} bytes has no room for a key id and a signature")]
    TooShort {
        /// Decoded length.
        len_bytes: usize,
    },
}

/// A text with signature lines, none of them checked. `Display` writes the note.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    text: String,
    signatures: Vec<SignatureLine>,
}

impl Note {
    /// A note without signatures yet. The text ends with a newline.
    pub fn new(text: &str) -> Result<Self, NoteTextError> {
        if !text.ends_with('\n') {
            return Err(NoteTextError::NoNewlineAtEnd);
        }
        if let Some(position) = text.bytes().position(is_forbidden_control) {
            return Err(NoteTextError::ControlCharacter { position });
        }
        if text.len() > NOTE_LEN_BYTES_MAX {
            return Err(NoteTextError::TooLong {
                len_bytes: text.len(),
                len_bytes_max: NOTE_LEN_BYTES_MAX,
            });
        }
        Ok(Self {
            text: text.to_owned(),
            signatures: Vec::new(),
        })
    }

    /// Reads untrusted bytes. Nothing is believed until [`Note::verify`].
    pub fn parse(bytes: &[u8]) -> Result<Self, NoteParseError> {
        if bytes.len() > NOTE_LEN_BYTES_MAX {
            return Err(NoteParseError::TooLong {
                len_bytes: bytes.len(),
                len_bytes_max: NOTE_LEN_BYTES_MAX,
            });
        }
        let note = std::str::from_utf8(bytes).map_err(|error| NoteParseError::NotUtf8 {
            position: error.valid_up_to(),
        })?;
        if let Some(position) = note.bytes().position(is_forbidden_control) {
            return Err(NoteParseError::ControlCharacter { position });
        }
        // The last blank line ends the text: the text itself may hold blank lines.
        let blank = note.rfind("\n\n").ok_or(NoteParseError::NoBlankLine)?;
        let (text, lines) = (&note[..=blank], &note[blank + 2..]);
        let lines = lines
            .strip_suffix('\n')
            .ok_or(NoteParseError::NoSignatures)?;
        let mut signatures = Vec::new();
        for (line_number, line) in lines.split('\n').enumerate() {
            if line_number == NOTE_SIGNATURES_MAX {
                return Err(NoteParseError::TooManySignatures {
                    signatures_max: NOTE_SIGNATURES_MAX,
                });
            }
            let line = line
                .parse()
                .map_err(|error| NoteParseError::SignatureLine { line_number, error })?;
            signatures.push(line);
        }
        Ok(Self {
            text: text.to_owned(),
            signatures,
        })
    }

    /// The signed text with its last newline. Unchecked.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The signature lines in order. Unchecked.
    pub fn signatures(&self) -> &[SignatureLine] {
        &self.signatures
    }

    /// Adds the signature line of this key at the end.
    pub fn sign(&mut self, key: &SigningKey) {
        let signature = key.secret.sign(self.text.as_bytes()).to_bytes().to_vec();
        self.signatures.push(SignatureLine {
            name: key.name.clone(),
            key_id: key.key_id,
            signature,
        });
    }

    /// The same text with only those signature lines that `keep` wants.
    #[must_use]
    pub fn with_lines(&self, keep: impl Fn(&SignatureLine) -> bool) -> Self {
        let kept = self.signatures.iter().filter(|line| keep(line));
        Self {
            text: self.text.clone(),
            signatures: kept.cloned().collect(),
        }
    }

    /// Adds a line that somebody else made, such as a witness's cosignature, unchecked.
    pub fn add_signature(&mut self, line: SignatureLine) {
        self.signatures.push(line);
    }

    /// Checks every line whose key is among `keys`; at least one must be there and none may be
    /// bad. Lines of other keys are ignored.
    pub fn verify(&self, keys: &[&VerifyingKey]) -> Result<Verified<SignedText>, NoteVerifyError> {
        let mut signers: Vec<String> = Vec::new();
        for line in &self.signatures {
            for key in keys.iter().filter(|key| key.knows(line)) {
                if !key.accepts(&self.text, &line.signature) {
                    return Err(NoteVerifyError::BadSignature {
                        name: line.name.clone(),
                        key_id: hex(&line.key_id),
                    });
                }
                let signer = key.to_string();
                if !signers.contains(&signer) {
                    signers.push(signer);
                }
            }
        }
        if signers.is_empty() {
            return Err(NoteVerifyError::NoKnownSignature {
                signatures: self.signatures.len(),
            });
        }
        Ok(Verified::certified(SignedText {
            text: self.text.clone(),
            signers,
        }))
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.text)?;
        self.signatures
            .iter()
            .try_for_each(|line| writeln!(f, "{line}"))
    }
}

/// Control characters other than newline may stand nowhere in a note.
fn is_forbidden_control(byte: u8) -> bool {
    byte < 0x20 && byte != b'\n'
}

/// Signs a text and writes the note. The text ends with a newline.
pub fn sign(text: &str, keys: &[&SigningKey]) -> Result<String, NoteTextError> {
    let mut note = Note::new(text)?;
    for key in keys {
        note.sign(key);
    }
    Ok(note.to_string())
}

/// A text and who signed it; inside [`Verified`] the signatures were checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedText {
    text: String,
    signers: Vec<String>,
}

impl SignedText {
    /// The text with its last newline.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Text forms (vkeys) of the known keys that signed, each once, in the order of the lines.
    pub fn signers(&self) -> &[String] {
        &self.signers
    }
}

/// Why a text cannot become a note.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum NoteTextError {
    /// The last character is no newline.
    #[error("note text does not end with a newline")]
    NoNewlineAtEnd,
    /// A control character other than newline.
    #[error("note text has a control character at byte {position}")]
    ControlCharacter {
        /// Byte position counted from zero.
        position: usize,
    },
    /// Longer than readers accept.
    #[error("note text of {len_bytes} bytes is over the limit of {len_bytes_max}")]
    TooLong {
        /// Length given.
        len_bytes: usize,
        /// Longest note.
        len_bytes_max: usize,
    },
}

/// Why bytes are not a signed note.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum NoteParseError {
    /// Longer than any note we read.
    #[error("note of {len_bytes} bytes is over the limit of {len_bytes_max}")]
    TooLong {
        /// Length found.
        len_bytes: usize,
        /// Longest note.
        len_bytes_max: usize,
    },
    /// Not UTF-8.
    #[error("note is not UTF-8 at byte {position}")]
    NotUtf8 {
        /// Byte position counted from zero.
        position: usize,
    },
    /// A control character other than newline.
    #[error("note has a control character at byte {position}")]
    ControlCharacter {
        /// Byte position counted from zero.
        position: usize,
    },
    /// Nothing separates text and signatures.
    #[error("note has no blank line before its signatures")]
    NoBlankLine,
    /// No complete line after the blank line.
    #[error("note has no complete signature line")]
    NoSignatures,
    /// More lines than we read.
    #[error("note has more than {signatures_max} signature lines")]
    TooManySignatures {
        /// Most lines.
        signatures_max: usize,
    },
    /// A line after the blank line is malformed.
    #[error("signature line {line_number} of the note: {error}")]
    SignatureLine {
        /// Position among the signature lines, counted from zero.
        line_number: usize,
        /// What is wrong with it.
        #[source]
        error: SignatureLineError,
    },
}

/// Why a note is not believed.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum NoteVerifyError {
    /// A known key's signature does not belong to the text.
    #[error("signature of known key {name} ({key_id}) is bad")]
    BadSignature {
        /// Name of the key.
        name: String,
        /// Key id in hexadecimal.
        key_id: String,
    },
    /// None of the keys signed.
    #[error("none of the {signatures} signatures is by a known key")]
    NoKnownSignature {
        /// Signature lines in the note.
        signatures: usize,
    },
}

#[cfg(test)]
mod tests;
