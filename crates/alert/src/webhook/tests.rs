//! Addresses, waiting times and a receiver with a certificate.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::thread;

use disk::RealDisk;
use stdx::Secret;

use super::*;

const SECRET: &[u8] = b"0123456789abcdef01234567";
const NOW: ObservedAt = ObservedAt(1_795_257_000_000_000_000);

fn config(url: &str) -> WebhookConfig {
    WebhookConfig {
        url: Secret::new(url.to_owned()),
        secret: Secret::new(SECRET.to_vec()),
        timeout: Duration::from_secs(5),
        ca_file: None,
        allow_plain_http: false,
    }
}

fn check_url(url: &str) -> String {
    match check_address("ops", &config(url)) {
        Ok(true) => "https".to_owned(),
        Ok(false) => "http".to_owned(),
        Err(error) => error.to_string(),
    }
}

#[test]
fn addresses_are_https_or_stay_on_this_machine() {
    let not_absolute = "sink ops: webhook url is not an absolute http or https address";
    for (url, expected) in [
        ("https://hooks.example/T0/s3cret", "https"),
        ("http://127.0.0.1:9/x", "http"),
        ("http://[::1]:9/x", "http"),
        ("http://LOCALHOST/x", "http"),
        (
            "http://hooks.example/s3cret",
            "sink ops: plain http to hooks.example is not allowed: use https, or allow it by \
             config",
        ),
        (
            "http://127.0.0.1.example/s3cret",
            "sink ops: plain http to 127.0.0.1.example is not allowed: use https, or allow it by \
             config",
        ),
        (
            "https://bob:s3cret@hooks.example/",
            "sink ops: webhook url holds a user name or password",
        ),
        ("ftp://hooks.example/s3cret", not_absolute),
        ("/s3cret", not_absolute),
        ("not a url s3cret", not_absolute),
        ("", not_absolute),
    ] {
        let said = check_url(url);
        assert_eq!(said, expected);
        assert!(!said.contains("s3cret"));
    }
    let mut allowed = config("http://hooks.example/");
    allowed.allow_plain_http = true;
    assert!(matches!(check_address("ops", &allowed), Ok(false)));
}

#[test]
fn no_formatter_shows_secret_or_address() {
    let shown = format!("{:?}", config("https://hooks.example/T0/s3cret"));
    assert!(
        !shown.contains("s3cret") && !shown.contains("hooks"),
        "{shown}"
    );
    assert!(
        !shown.contains("0123") && !shown.contains("48, 49"),
        "{shown}"
    );
}

#[test]
fn retry_after_is_read_in_both_forms_and_bounded() {
    for (text, expected_seconds) in [
        ("0", Some(0)),
        (" 120 ", Some(120)),
        ("99999999999999999999999", Some(3600)),
        ("Sat, 21 Nov 2026 10:31:00 GMT", Some(60)),
        ("Sat, 21 Nov 2026 10:00:00 GMT", Some(0)),
        ("Sat, 21 Nov 2099 10:00:00 GMT", Some(3600)),
        ("soon", None),
        ("-1", None),
        ("", None),
    ] {
        let expected = expected_seconds.map(Duration::from_secs);
        assert_eq!(read_retry_after(text, NOW), expected, "{text}");
    }
}

/// An authority made for these tests and the certificate of `localhost` signed by it, valid for a
/// hundred years; their keys protect nothing.
const AUTHORITY: &str = include_str!("tests/authority.pem");
const CHAIN: &str = include_str!("tests/localhost.pem");
const KEY: &str = include_str!("tests/localhost.key");

/// A receiver that answers one request over TLS; returns its port.
fn tls_receiver() -> u16 {
    use rustls::pki_types::pem::PemObject as _;
    use rustls::pki_types::{CertificateDer, PrivateKeyDer};
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let chain = CertificateDer::pem_slice_iter(CHAIN.as_bytes());
    let key = PrivateKeyDer::from_pem_slice(KEY.as_bytes()).unwrap();
    let server = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain.collect::<Result<_, _>>().unwrap(), key)
        .unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        let (socket, _) = listener.accept().unwrap();
        let session = rustls::ServerConnection::new(Arc::new(server)).unwrap();
        let mut stream = rustls::StreamOwned::new(session, socket);
        let mut request = [0; 4096];
        // A client that does not trust us leaves here.
        if stream.read(&mut request).is_ok() {
            drop(stream.write_all(b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n"));
            drop(stream.flush());
        }
    });
    port
}

fn send_over_tls(host: &str, authority: Option<&str>) -> Result<(), String> {
    let folder = crate::testkit::Folder::new();
    let mut config = config(&format!("https://{host}:{}/hook", tls_receiver()));
    if let Some(pem) = authority {
        let path = folder.file("ca.pem");
        std::fs::write(&path, pem).unwrap();
        config.ca_file = Some(path);
    }
    let webhook = Webhook::new("ops", config, &RealDisk::buffered());
    let webhook = webhook.map_err(|error| error.to_string())?;
    let sent = webhook.send("m1", "{}", NOW);
    sent.map_err(|fault| fault.to_string())
}

#[test]
fn only_a_receiver_that_proves_its_name_is_told() {
    assert_eq!(send_over_tls("localhost", Some(AUTHORITY)), Ok(()));
    let wrong_name = send_over_tls("127.0.0.1", Some(AUTHORITY)).unwrap_err();
    assert!(wrong_name.starts_with("tls: "), "{wrong_name}");
    let no_authority = send_over_tls("localhost", Some("nothing here\n")).unwrap_err();
    assert!(
        no_authority.ends_with("holds no certificate in PEM"),
        "{no_authority}"
    );
}

/// Skips itself where the machine has no trust store at all.
#[test]
fn an_authority_of_ones_own_is_not_trusted_unasked() {
    let refused = send_over_tls("localhost", None).unwrap_err();
    let expected = refused.starts_with("tls: ") || refused.contains("name a ca file");
    assert!(expected, "{refused}");
}
