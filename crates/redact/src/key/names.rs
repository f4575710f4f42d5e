//! The table of names, after OWASP's list of what never belongs in a log and ASVS 16.2.5.

use super::{Check, Class, Reach};
use crate::kind::Kind;
use Class::{
    Authorization, Card, CardCode, Checked, Connection, Cookie, Drop, DropOpaque, Hash, HashOpaque,
    OauthCode,
};
use Reach::{Suffix, Whole};

/// Names of one class that must agree to the same extent.
type Row = (Class, Reach, &'static str);

/// Joined words in lower case. A later row wins over an earlier one.
pub(super) const ROWS: &[Row] = &[
    (
        Drop(Kind::Password),
        Suffix,
        "password passwd pwd passphrase passcode kennwort passwort \
        motdepasse contrasena senha passwordhash hashedpassword pwhash userpass dbpass smtppass \
        mysqlpass postgrespass pgpass redispass adminpass rootpass authpass loginpass ftppass \
        imappass ldappass mailpass proxypass httppass basicpass keypass storepass mypass \
        passwordconfirmation passwordconfirm passwordagain passwordrepeat passwordverify \
        encryptedpassword passwordnew passwordold",
    ),
    (Drop(Kind::Password), Whole, "pass pw pwhash userpw"),
    (
        Drop(Kind::Otp),
        Suffix,
        "otp totp hotp otpcode totpcode mfacode mfatoken twofactorcode \
        2facode verificationcode smscode recoverycode recoverycodes backupcode backupcodes \
        securityanswer secretanswer pincode pinnumber userpin atmpin cardpin onetimepassword \
        onetimecode",
    ),
    (Drop(Kind::Otp), Whole, "pin mpin tpin"),
    (
        Hash(Kind::Token),
        Suffix,
        "token accesstoken refreshtoken idtoken bearer authtoken \
        csrftoken xsrftoken resettoken invitetoken magiclink apitoken sessiontoken jwt \
        samlresponse codeverifier devicecode csrfmiddlewaretoken authenticitytoken bearertoken \
        usercode pushtoken devicetoken",
    ),
    (
        HashOpaque(Kind::Token),
        Suffix,
        "assertion samlrequest ticket csrf xsrf nonce",
    ),
    (
        OauthCode,
        Whole,
        "code authcode authorizationcode oauthcode",
    ),
    (
        Hash(Kind::Session),
        Suffix,
        "sessionid sessid jsessionid phpsessid aspnetsessionid connectsid \
        xsessionid sessionkey sessiontoken",
    ),
    (Hash(Kind::Session), Whole, "sid"),
    (HashOpaque(Kind::Session), Suffix, "session sess"),
    (Cookie, Suffix, "cookie setcookie cookies"),
    (
        Drop(Kind::ApiKey),
        Suffix,
        "apikey xapikey apisecret clientsecret consumersecret \
        consumerkey appsecret secretkey accesskey accesskeyid secretaccesskey subscriptionkey \
        webhooksecret accountkey sharedaccesskey storagekey apikeys licensekey authkey \
        applicationkey appkey sharedsecret webhookurl masterkey",
    ),
    (
        DropOpaque(Kind::ApiKey),
        Suffix,
        "signature sig hmac auth credential apisig \
        sharedaccesssignature",
    ),
    (DropOpaque(Kind::ApiKey), Whole, "key"),
    (
        Authorization,
        Suffix,
        "authorization proxyauthorization xauthtoken xamzsecuritytoken \
        xvaulttoken wwwauthenticate proxyauthenticate authorizationheader authheader",
    ),
    (
        Drop(Kind::Secret),
        Suffix,
        "secret secrets credentials creds mnemonic encryptionkey \
        signingkey keystorepassword secretvalue seedphrase recoveryphrase decryptionkey \
        cryptokey hmackey hmacsecret jwtsecret jwtkey",
    ),
    (Drop(Kind::Secret), Whole, "seed pfx salt"),
    (
        Drop(Kind::PrivateKey),
        Suffix,
        "privatekey privatekeypem sshkey tlskey pemkey privkey",
    ),
    (
        Connection,
        Suffix,
        "connectionstring connstring connstr dsn databaseurl dburl jdbcurl \
        mongouri mongodburi mongourl redisurl amqpurl smtpurl postgresurl mysqlurl brokerurl \
        databaseuri dburi",
    ),
    (
        Card,
        Suffix,
        "cardnumber ccnumber creditcard creditcardnumber ccnum cardno debitcard \
        primaryaccountnumber cardpan",
    ),
    (Card, Whole, "pan card"),
    (
        Drop(Kind::Cvv),
        Suffix,
        "cvv cvc cvv2 cvc2 csc track1 track2 trackdata pinblock \
        cardsecuritycode cardverificationvalue cardexpiry cardexpiration ccexp ccexpiry cardexp",
    ),
    (
        Drop(Kind::Cvv),
        Suffix,
        "cardholder cardholdername nameoncard",
    ),
    (CardCode, Whole, "cid securitycode"),
    (
        Drop(Kind::Bank),
        Suffix,
        "iban bic accountnumber bankaccount routingnumber sortcode \
        bankaccountnumber",
    ),
    (Drop(Kind::Bank), Whole, "bsb swiftcode"),
    (
        Drop(Kind::GovernmentId),
        Suffix,
        "ssn socialsecurity socialsecuritynumber nationalid \
        nationalidnumber taxid itin passportnumber passportno mrz driverlicense driverslicense \
        driverlicensenumber nationalinsurancenumber",
    ),
    (Checked(Kind::GovernmentId, Check::Luhn9), Whole, "sin"),
    (Checked(Kind::GovernmentId, Check::Nino), Suffix, "nino"),
    (Checked(Kind::GovernmentId, Check::Tax), Whole, "tin ein"),
    (
        Checked(Kind::GovernmentId, Check::Passport),
        Whole,
        "passport",
    ),
    (
        Checked(Kind::GovernmentId, Check::Aadhaar),
        Suffix,
        "aadhaar aadhaarnumber uidai",
    ),
    (
        Checked(Kind::GovernmentId, Check::Cpf),
        Suffix,
        "cpf cpfnumber",
    ),
    (Drop(Kind::GovernmentId), Suffix, "cnpj pesel"),
    (
        Checked(Kind::GovernmentId, Check::Dni),
        Suffix,
        "dni nie nif",
    ),
    (Checked(Kind::GovernmentId, Check::Bsn), Suffix, "bsn"),
    (
        Checked(Kind::GovernmentId, Check::Nhs),
        Suffix,
        "nhs nhsnumber nhsno",
    ),
    (Checked(Kind::Health, Check::Npi), Suffix, "npi npinumber"),
    (
        Checked(Kind::Bank, Check::Aba),
        Suffix,
        "aba routing abanumber",
    ),
    (Checked(Kind::GovernmentId, Check::Imei), Suffix, "imei"),
    (
        Drop(Kind::Health),
        Whole,
        "diagnosis medication medications prescription allergies \
        labresult labresults icd icdcode",
    ),
    (
        Hash(Kind::Patient),
        Suffix,
        "mrn patientid medicalrecordnumber",
    ),
];

/// Endings that no English word has, so that they count without a word border.
pub(super) const COMPOUND_ENDINGS: &[&str] = &[
    "password",
    "passwd",
    "passphrase",
    "apikey",
    "secretkey",
    "privatekey",
    "accesstoken",
    "refreshtoken",
    "authtoken",
    "clientsecret",
    "sessionid",
    "sessid",
];

/// A secret's name after one of these counts or places something.
pub(super) const COUNTING: &[&str] = &[
    "max",
    "min",
    "num",
    "number",
    "per",
    "stop",
    "pad",
    "eos",
    "bos",
    "next",
    "page",
    "prompt",
    "completion",
    "total",
    "invalid",
    "missing",
    "public",
    "no",
    "has",
    "is",
    "partition",
    "sort",
    "primary",
    "foreign",
    "cache",
    "object",
    "routing",
    "group",
    "idempotency",
    "registry",
];

/// Children of a container that describe its secret.
pub(super) const DESCRIBING: &[&str] = &[
    "type",
    "count",
    "length",
    "algorithm",
    "alg",
    "age",
    "expired",
    "changed",
    "strength",
    "policy",
    "version",
    "enabled",
    "required",
    "valid",
];

/// Children by which a token's own object holds it.
pub(super) const HOLDING: &[&str] = &[
    "value", "access", "refresh", "raw", "secret", "new", "old", "current", "data", "string",
];
