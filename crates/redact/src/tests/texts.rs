//! What becomes of one text: the exact result for each form of name and value.

use super::policy;

fn check(cases: &[(&str, &str)]) {
    let policy = policy();
    for (text, expected) in cases {
        assert_eq!(policy.text(text), *expected, "from {text}");
    }
}

#[test]
fn names_in_every_notation() {
    check(&[
        (
            "/login?user=bob&password=hunter2&x=1",
            "/login?user=bob&password=[REDACTED:password]&x=1",
        ),
        (
            "user%5Bpassword%5D=a%26b&x=1",
            "user%5Bpassword%5D=[REDACTED:password]&x=1",
        ),
        (
            "next=https%3A%2F%2Fx%3Fpassword%3Dabc%26b%3D1&user=bob",
            "next=https%3A%2F%2Fx%3Fpassword%3D[REDACTED:password]%26b%3D1&user=bob",
        ),
        (
            r#"{"user":"bob","password":"a\"b","n":1}"#,
            r#"{"user":"bob","password":"[REDACTED:password]","n":1}"#,
        ),
        (r#"{"pin":1234,"n":1}"#, r#"{"pin":"[REDACTED:otp]","n":1}"#),
        (
            r#"body={\"pin\":1234,\"n\":1}"#,
            r#"body={\"pin\":\"[REDACTED:otp]\",\"n\":1}"#,
        ),
        (
            r#"b="{\"password\":\"x y\",\"n\":1}""#,
            r#"b="{\"password\":\"[REDACTED:password]\",\"n\":1}""#,
        ),
        (
            r#"{"credentials":{"user":"a","value":[1,"}"]},"n":1}"#,
            r#"{"credentials":"[REDACTED:secret]","n":1}"#,
        ),
    ]);
}

#[test]
fn names_in_running_text() {
    check(&[
        (
            "level=info password=\"a b\" user=bob",
            "level=info password=\"[REDACTED:password]\" user=bob",
        ),
        (
            "login with password: hunter2, user bob",
            "login with password: [REDACTED:password], user bob",
        ),
        (
            "password = hunter2 user=bob",
            "password = [REDACTED:password] user=bob",
        ),
        ("password= user=bob", "password= user=bob"),
        (
            "{:password=>\"hunter2\", :a=>1}",
            "{:password=>\"[REDACTED:password]\", :a=>1}",
        ),
        (
            "<user>bob</user><password>x1</password>",
            "<user>bob</user><password>[REDACTED:password]</password>",
        ),
        (
            "mysql --password hunter2 --host db",
            "mysql --password [REDACTED:password] --host db",
        ),
        ("password: required", "password: required"),
        (
            "Failed password for root from 10.0.0.1",
            "Failed password for root from 10.0.0.1",
        ),
        (
            "invalid token: unexpected end",
            "invalid token: unexpected end",
        ),
        (
            "error at std::token::parse: x",
            "error at std::token::parse: x",
        ),
    ]);
}

#[test]
fn headers_keep_their_frame() {
    check(&[
        (
            "Authorization: Bearer abc.def, Host: x",
            "Authorization: Bearer [REDACTED:authorization], Host: x",
        ),
        (
            "curl -H \"Authorization: Basic Ym9iOnB3\" https://x/",
            "curl -H \"Authorization: Basic [REDACTED:authorization]\" https://x/",
        ),
        (
            "sent Basic Ym9iOnB3 to x",
            "sent Basic [REDACTED:basic_auth] to x",
        ),
        (
            "Basic training and Bearer of news",
            "Basic training and Bearer of news",
        ),
    ]);
    let cookie = policy()
        .text("Cookie: sid=abc; theme=dark\nHost: x")
        .into_owned();
    assert!(
        cookie.starts_with("Cookie: sid=h1:k1:") && cookie.ends_with("\nHost: x"),
        "{cookie}"
    );
    assert!(
        !cookie.contains("abc") && cookie.contains("; theme=h1:k1:"),
        "{cookie}"
    );
    let set = policy()
        .text("Set-Cookie: id=s3cretvalue; Path=/; HttpOnly")
        .into_owned();
    assert!(
        set.ends_with("; Path=/; HttpOnly") && !set.contains("s3cret"),
        "{set}"
    );
}

#[test]
fn numbers_with_check_digits() {
    check(&[
        (
            "paid with 4111111111111111 today",
            "paid with ************1111 today",
        ),
        (
            "4111 1111 1111 1111, 3782-822463-10005",
            "************1111, ***********0005",
        ),
        (
            "/pay/4111111111111111/ok?c=4111+1111+1111+1111",
            "/pay/************1111/ok?c=************1111",
        ),
        ("c=4111%201111%201111%201111&d=1", "c=************1111&d=1"),
        (
            "4000000000000002 is the allowed test card",
            "4000000000000002 is the allowed test card",
        ),
        ("%B4111111111111111^DOE/J^2512101?x", "[REDACTED:cvv]x"),
        (
            "to GB82 WEST 1234 5698 7654 32 now",
            "to [REDACTED:iban] now",
        ),
        ("to DE89370400440532013000.", "to [REDACTED:iban]."),
        ("to DE89370400440532013001.", "to DE89370400440532013001."),
        ("ssn 123-45-6789 ok", "ssn [REDACTED:government_id] ok"),
        ("cpf 529.982.247-25 ok", "cpf [REDACTED:government_id] ok"),
        (
            "nhs=9434765919 nhs=9434765918",
            "nhs=[REDACTED:government_id] nhs=9434765918",
        ),
        (
            "cvv=123&cid=1234&cid=req-1",
            "cvv=[REDACTED:cvv]&cid=[REDACTED:cvv]&cid=req-1",
        ),
    ]);
}

#[test]
fn addresses_and_keys() {
    check(&[
        (
            "postgres://app:s3cret@db/x?a=1",
            "postgres://app:[REDACTED:url_password]@db/x?a=1",
        ),
        ("https://example.com/a:b@c", "https://example.com/a:b@c"),
        ("ftp://user:${PW}@h/", "ftp://user:${PW}@h/"),
        (
            "k -----BEGIN RSA PRIVATE KEY-----\\nMIIE\\n-----END RSA PRIVATE KEY----- z",
            "k [REDACTED:private_key] z",
        ),
        (
            "-----BEGIN CERTIFICATE-----\nMIIE",
            "-----BEGIN CERTIFICATE-----\nMIIE",
        ),
    ]);
}

#[test]
fn equal_tokens_stay_joinable() {
    let policy = policy();
    let hash = |text: &str| policy.text(text).split("h1:").nth(1).map(str::to_owned);
    assert_eq!(hash("token=abc123xyz"), hash("/?access_token=abc123xyz"));
    assert_ne!(hash("token=abc123xyz"), hash("session_id=abc123xyz"));
}

#[test]
fn passwords_on_command_lines() {
    for (text, expected) in [
        (
            "curl -u bob:hunter2 https://x/",
            "curl -u bob:[P] https://x/",
        ),
        (
            "/usr/bin/curl -s --user 'bob:hun ter' https://x/",
            "/usr/bin/curl -s --user 'bob:[P]' https://x/",
        ),
        ("curl -ubob:hunter2 -o a", "curl -ubob:[P] -o a"),
        ("curl --user=bob:hunter2", "curl --user=bob:[P]"),
        (
            "ran \"curl -u bob:hunter2\" ok",
            "ran \"curl -u bob:[P]\" ok",
        ),
        ("mysql -u root -phunter2 shop", "mysql -u root -p[P] shop"),
        (
            "cd /x; mysqldump -h db -p'a b' shop | gzip",
            "cd /x; mysqldump -h db -p'[P]' shop | gzip",
        ),
        ("mariadb -phunter2", "mariadb -p[P]"),
        (
            "sshpass -p hunter2 ssh -p 22 root@h",
            "sshpass -p [P] ssh -p 22 root@h",
        ),
        ("sudo sshpass -phunter2 ssh h", "sudo sshpass -p[P] ssh h"),
        (
            "bob : TTY=pts/0 ; PWD=/home/ops ; USER=root ; PWD=hunter2",
            "bob : TTY=pts/0 ; PWD=/home/ops ; USER=root ; PWD=[P]",
        ),
        (
            "PGPASSWORD=hunter2 psql -U app",
            "PGPASSWORD=[P] psql -U app",
        ),
        (
            "MYSQL_PWD=hunter2 mysql -u app",
            "MYSQL_PWD=[P] mysql -u app",
        ),
    ] {
        let expected = expected.replace("[P]", "[REDACTED:password]");
        check(&[(text, &expected)]);
        for name in ["labels.command", "process.command_line", "message"] {
            let body = super::body(&[(name, text)]);
            assert!(!body.contains("hun"), "{name}: {body}");
            assert!(body.contains("[REDACTED:password]"), "{name}: {body}");
        }
    }
    for same in [
        "ssh -p 8080 host",
        "docker run --name mysql -p8080:80 image",
        "docker run -p 8080:80 mysql",
        "nginx -p8080",
        "ls -u a:b",
        "mysql -u root -p shop",
        "curl -u bob https://x/",
        "echo curl; ls -u a:b",
        "mysql shop | nc -p8080 h",
    ] {
        check(&[(same, same)]);
    }
}
