//! Which names are secret and which only look like it.

use super::*;

fn check(names: &str, expected: fn(Option<Class>) -> bool) {
    let keys = Keys::new(
        &["x-internal-ref".to_owned()],
        &["demo_token".to_owned()],
        1,
    );
    for name in names.split_whitespace() {
        let class = keys.classify(name.as_bytes());
        assert!(expected(class), "{name}: {class:?}");
    }
}

#[test]
fn harmless_names_survive() {
    check(
        "passenger passport_country bypass passed shipping_pin shippingPin pinned author oauth_app \
         tokens_in token_count max_tokens maxToken keyboard monkey key_id keyId primary_key \
         secretary discard dashboard session_hash labels.session_hash code_of_conduct zip_code \
         password_policy credentials.type token.type user.name author.name compass.heading \
         next_token password.changed assassin http.request.id spinning demo_token tokenizer \
         country.code x",
        |class| class.is_none(),
    );
}

#[test]
fn passwords_under_every_spelling() {
    check(
        "password passwd PWD Password user_password userPassword user-password dbPassword \
         password1 new_password newpassword user[password] form.password password.new pass pw \
         DB_PASS passphrase user.credential.password USER_PASSWORD",
        |class| class == Some(Class::Drop(Kind::Password)),
    );
}

#[test]
fn each_class_by_its_names() {
    check(
        "otp mfa_code mfa.code pin x.pin smsCode recovery_code",
        |class| class == Some(Class::Drop(Kind::Otp)),
    );
    check(
        "token access_token accessToken x-csrf-token id_token resetToken token.value",
        |class| class == Some(Class::Hash(Kind::Token)),
    );
    check(
        "session_id sessionId session.id sid JSESSIONID PHPSESSID ASP.NET_SessionId connect.sid",
        |class| class == Some(Class::Hash(Kind::Session)),
    );
    check(
        "api_key X-Api-Key APIKey client_secret aws_secret_access_key accountKey",
        |class| class == Some(Class::Drop(Kind::ApiKey)),
    );
    check(
        "Authorization http.request.headers.authorization Proxy-Authorization x-auth-token",
        |class| class == Some(Class::Authorization),
    );
    check(
        "credentials.value secret.inner.deep aws_secret jwt_secret mnemonic",
        |class| class == Some(Class::Drop(Kind::Secret)),
    );
    check("Cookie set-cookie http.request.headers.cookie", |class| {
        class == Some(Class::Cookie)
    });
    check("database_url dsn connectionString", |class| {
        class == Some(Class::Connection)
    });
    check("card_number cardNumber payment.card.number pan", |class| {
        class == Some(Class::Card)
    });
    check("cvv card.cvv2 track1 pinBlock", |class| {
        class == Some(Class::Drop(Kind::Cvv))
    });
    check("ssn user_ssn passport_number", |class| {
        class == Some(Class::Drop(Kind::GovernmentId))
    });
    check("x-internal-ref xInternalRef", |class| {
        class == Some(Class::Drop(Kind::Custom))
    });
}
