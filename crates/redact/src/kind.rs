//! What was found and what became of it: the two words a redaction report speaks.

macro_rules! kinds {
    ($($variant:ident = $name:literal, $doc:literal;)*) => {
        /// The kinds of secret, each with the stable name that is stored with the event.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Kind { $(#[doc = $doc] $variant,)* }

        impl Kind {
            /// All kinds.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// The stored name.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }
        }
    };
}

kinds! {
    ApiKey = "api_key", "A key of an API, by its name.";
    Authorization = "authorization", "Credentials of an `Authorization` header.";
    Aws = "aws", "An AWS access key id.";
    Bank = "bank", "An account number, by its name.";
    BasicAuth = "basic_auth", "`Basic` credentials in a text.";
    Bearer = "bearer", "A `Bearer` token in a text.";
    Connection = "connection", "Parameters of a connection string.";
    Custom = "custom", "A key name that the operator added.";
    Cvv = "cvv", "Card security code, track data or PIN block.";
    Email = "email", "An e-mail address.";
    Github = "github", "A GitHub token.";
    Google = "google", "A Google API key or OAuth token.";
    GovernmentId = "government_id", "A number that a state gives to a person.";
    Health = "health", "Health data, by its name.";
    Iban = "iban", "An international bank account number.";
    Jwt = "jwt", "A JSON web token.";
    Mrz = "mrz", "A line of a machine-readable travel document.";
    Otp = "otp", "A one-time or short secret: PIN, TOTP, recovery code.";
    Pan = "pan", "A payment card number.";
    Password = "password", "A password.";
    PrivateKey = "private_key", "A private key.";
    Secret = "secret", "Another secret, by its name.";
    Session = "session", "A session id or cookie value.";
    Slack = "slack", "A Slack token or webhook address.";
    Stripe = "stripe", "A Stripe key.";
    Token = "token", "A token, by its name.";
    Unscanned = "unscanned", "A value that could not be scanned within the limits.";
    UrlPassword = "url_password", "A password in the user part of an address.";
    Vendor = "vendor_token", "A token of another vendor, by its shape.";
}

/// What became of a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Action {
    /// Replaced by `[REDACTED:kind]`.
    Drop,
    /// Shortened to what people recognise it by.
    Mask,
    /// Replaced by its keyed hash.
    Hash,
    /// The name of the field held it; the field has a neutral name now.
    Rename,
}

impl Action {
    /// All actions.
    pub const ALL: [Self; 4] = [Self::Drop, Self::Mask, Self::Hash, Self::Rename];

    /// The stored name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Drop => "drop",
            Self::Mask => "mask",
            Self::Hash => "hash",
            Self::Rename => "rename",
        }
    }
}
