//! What was found and what becomes of it: the words a redaction report speaks.

use std::collections::HashSet;
use std::fmt;
use std::sync::{Mutex, OnceLock, PoisonError};

use crate::limits;

/// The stable name of a kind that the operator's own rule made.
///
/// Names are kept for the life of the process, within [`limits::KIND_NAMES_MAX`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KindName(&'static str);

macro_rules! kinds {
    ($($variant:ident = $name:literal $action:ident, $doc:literal;)*) => {
        /// The kinds of secret, each with the stable name that is stored with the event.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Kind {
            $(#[doc = $doc] $variant,)*
            /// What a rule of the operator finds; the name is the rule's.
            Named(KindName),
        }

        impl Kind {
            /// All kinds that are built in.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// The stored name.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                    Self::Named(KindName(name)) => name,
                }
            }

            /// What becomes of it unless the operator chose something else.
            pub const fn default_action(self) -> Action {
                match self {
                    $(Self::$variant => Action::$action,)*
                    Self::Named(_) => Action::Mask,
                }
            }
        }
    };
}

kinds! {
    ApiKey = "api_key" Mask, "A key of an API, by its name.";
    Authorization = "authorization" Mask, "Credentials of an `Authorization` header.";
    Aws = "aws" Mask, "An AWS access key id.";
    Azure = "azure" Mask, "An Azure storage key, client secret or shared access signature.";
    Bank = "bank" Mask, "An account number, by its name.";
    BasicAuth = "basic_auth" Mask, "`Basic` credentials in a text.";
    Bearer = "bearer" Hash, "A `Bearer` token in a text.";
    Connection = "connection" Mask, "Parameters of a connection string.";
    Custom = "custom" Mask, "A key name that the operator added.";
    Cvv = "cvv" Mask, "Card security code, track data or PIN block.";
    Email = "email" Hash, "An e-mail address.";
    Github = "github" Mask, "A GitHub token.";
    Google = "google" Mask, "A Google API key or OAuth token.";
    GovernmentId = "government_id" Mask, "A number that a state gives to a person.";
    Header = "header" Mask, "The value of an HTTP header that is not known to be harmless.";
    Health = "health" Mask, "Health data, by its name.";
    Iban = "iban" Mask, "An international bank account number.";
    Jwt = "jwt" Hash, "A JSON web token.";
    Mrz = "mrz" Mask, "A line of a machine-readable travel document.";
    Otp = "otp" Mask, "A one-time or short secret: PIN, TOTP, recovery code.";
    Pan = "pan" LastFour, "A payment card number.";
    Password = "password" Mask, "A password.";
    Patient = "patient" Hash, "The number of a patient's record, by its name.";
    Phone = "phone" Mask, "A phone number in international form.";
    PrivateKey = "private_key" Mask, "A private key.";
    Secret = "secret" Mask, "Another secret, by its name.";
    Session = "session" Hash, "A session id or cookie value.";
    Slack = "slack" Mask, "A Slack token or webhook address.";
    Stripe = "stripe" Mask, "A Stripe key.";
    Token = "token" Hash, "A token, by its name.";
    Unscanned = "unscanned" Mask, "A value that could not be scanned within the limits.";
    UrlPassword = "url_password" Mask, "A password in the user part of an address.";
    Vendor = "vendor_token" Mask, "A token of another vendor, by its shape.";
    Wallet = "wallet" Mask, "An address, private key or seed phrase of a crypto wallet.";
}

impl Kind {
    /// The kind of this stored name, built in or made by [`Kind::named`] before.
    pub fn of(name: &str) -> Option<Self> {
        let built_in = Self::ALL.iter().find(|kind| kind.name() == name).copied();
        built_in.or_else(|| {
            let names = names().lock().unwrap_or_else(PoisonError::into_inner);
            names.get(name).map(|name| Self::Named(KindName(name)))
        })
    }

    /// The kind of an operator's rule: `name` is lower-case letters, digits, `-` and `_`. `None`
    /// when it is something else or the process knows too many names.
    pub fn named(name: &str) -> Option<Self> {
        if let Some(kind) = Self::of(name) {
            return Some(kind);
        }
        let mut names = names().lock().unwrap_or_else(PoisonError::into_inner);
        if !is_kind_name(name.as_bytes()) || names.len() >= limits::KIND_NAMES_MAX {
            return None;
        }
        let name: &'static str = Box::leak(name.into());
        names.insert(name);
        Some(Self::Named(KindName(name)))
    }
}

/// Whether `name` can be the name of a kind: what a marker may hold.
pub(crate) fn is_kind_name(name: &[u8]) -> bool {
    let plain = |b: &u8| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-');
    (1..=limits::KIND_NAME_BYTES_MAX).contains(&name.len()) && name.iter().all(plain)
}

fn names() -> &'static Mutex<HashSet<&'static str>> {
    static NAMES: OnceLock<Mutex<HashSet<&'static str>>> = OnceLock::new();
    NAMES.get_or_init(Mutex::default)
}

/// What becomes of a finding, the strictest first.
///
/// A later action (encryption under a key of the person concerned, say) is one more variant here
/// and one more arm in `replacement`: findings carry the kind, the policy holds the action.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Action {
    /// The field that held it leaves the event; a text by itself becomes one marker.
    Drop,
    /// The span is replaced by `[REDACTED:kind]`.
    Mask,
    /// The span is replaced by its keyed hash `h1:<keyid>:<32 hex>`.
    Hash,
    /// Each digit becomes `#` and each letter `x`; length and separators stay.
    Digits,
    /// All but the last four digits become `*`; for card numbers only.
    LastFour,
    /// The name of the field held it; the field has a neutral name now.
    Rename,
}

impl Action {
    /// All actions.
    pub const ALL: [Self; 6] = [
        Self::Drop,
        Self::Mask,
        Self::LastFour,
        Self::Hash,
        Self::Digits,
        Self::Rename,
    ];

    /// The stored name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Drop => "drop",
            Self::Mask => "mask",
            Self::LastFour => "last_four",
            Self::Hash => "hash",
            Self::Digits => "digits",
            Self::Rename => "rename",
        }
    }

    /// The action of this stored name.
    pub fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|action| action.name() == name)
    }

    /// Whether an operator may choose it for `kind`. A hash of what has a handful of values would
    /// be guessed by whoever can make the sender log each of them, and what is cut without having
    /// been read has nothing to show.
    pub fn suits(self, kind: Kind) -> bool {
        let numeric = matches!(
            kind,
            Kind::Pan | Kind::Iban | Kind::Bank | Kind::GovernmentId | Kind::Phone | Kind::Patient
        );
        match self {
            Self::Drop | Self::Mask => true,
            Self::LastFour => kind == Kind::Pan,
            Self::Digits => numeric,
            Self::Hash => !matches!(kind, Kind::Unscanned | Kind::Cvv | Kind::Otp),
            Self::Rename => false,
        }
    }
}

/// Which layer condemned a value, and by what.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Why {
    /// The field is known to hold such values, or is a header that is not known to be harmless.
    Field,
    /// The name before the value.
    Name,
    /// The form of the value, proven by its own check digits or structure where it has any.
    Form,
    /// A rule of the operator.
    Rule,
    /// It could not be scanned within the limits.
    Limit,
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Field => "what the field is",
            Self::Name => "the name before the value",
            Self::Form => "the form of the value",
            Self::Rule => "a rule of the operator",
            Self::Limit => "a limit of the scan",
        })
    }
}
