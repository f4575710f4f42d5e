//! Events in, events out; broken databases in, errors out.

use std::path::PathBuf;

use event::testkit;
use event::{Event, Value};
use proptest::prelude::*;

use super::*;

fn database(name: &str) -> Vec<u8> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    std::fs::read(root.join("../../fixtures/mmdb").join(name)).unwrap()
}

fn shown(event: &Event, name: &str) -> String {
    let found = event.fields().find(|field| field.name == name);
    match found.map(|field| field.value) {
        Some(Value::Str(text)) => text.to_owned(),
        Some(Value::Int(number)) => number.to_string(),
        _ => String::new(),
    }
}

/// `line` enriched with `10.0.0.0/8` and `2001:db8:f::/48` trusted: client, claim, proxy.
fn check_client(line: &str, expected: &str) {
    let proxies = TrustedProxies::parse(&["10.0.0.0/8", "2001:db8:f::/48"]).unwrap();
    let enricher = Enricher::new(proxies, Databases::default());
    let mut event = testkit::event(line);
    enricher.apply(&mut event);
    let names = ["source.ip", "client.claimed_ip", "labels.proxy_ip"];
    let found: Vec<String> = names.iter().map(|name| shown(&event, name)).collect();
    assert_eq!(found.join(" "), expected, "{line}");
}

#[test]
fn only_trusted_proxies_name_the_client() {
    check_client("source.ip=203.0.113.9", "203.0.113.9  ");
    check_client(
        "source.ip=10.0.0.1 x_forwarded_for=203.0.113.9",
        "203.0.113.9 203.0.113.9 10.0.0.1",
    );
    // The client wrote the first, the proxy added the second.
    check_client(
        "source.ip=10.0.0.1 headers.X-Forwarded-For=\"192.0.2.66, 203.0.113.9\"",
        "203.0.113.9 192.0.2.66 10.0.0.1",
    );
    check_client(
        "source.ip=10.0.0.1 headers.X-Forwarded-For=\"203.0.113.9, 10.0.0.7\"",
        "203.0.113.9 203.0.113.9 10.0.0.1",
    );
    // Nobody trusted handed it on: a claim and no more.
    check_client(
        "source.ip=198.51.100.7 x_forwarded_for=192.0.2.66",
        "198.51.100.7 192.0.2.66 ",
    );
    check_client(
        "source.ip=198.51.100.7 x_real_ip=10.0.0.1",
        "198.51.100.7 10.0.0.1 ",
    );
    check_client(
        "source.ip=2001:db8:f::1 \
         headers.forwarded=\"for=192.0.2.66, For=[2001:db8::7]:4711;proto=https\"",
        "2001:db8::7 192.0.2.66 2001:db8:f::1",
    );
    // A text that is no address ends the walk: what stands before it is not believed.
    check_client(
        "source.ip=10.0.0.1 x_forwarded_for=\"192.0.2.66, unknown, 203.0.113.9\"",
        "203.0.113.9 203.0.113.9 10.0.0.1",
    );
    check_client("source.ip=10.0.0.1 x_forwarded_for=unknown", "10.0.0.1  ");
    check_client(
        "log.source.address=10.0.0.1:5514 x_forwarded_for=203.0.113.9",
        "203.0.113.9 203.0.113.9 10.0.0.1",
    );
    check_client(
        "log.source.address=198.51.100.7:5514 x_forwarded_for=192.0.2.66",
        " 192.0.2.66 ",
    );
}

#[test]
fn networks_are_checked() {
    assert_eq!(
        TrustedProxies::parse(&["10.0.0.0/8", "ten"]),
        Err("ten".to_owned())
    );
    assert!(TrustedProxies::parse(&["::1", "192.0.2.1"]).is_ok());
}

fn open(city: &str, asn: &str) -> Enricher {
    let mut databases = Databases::default();
    databases.open(DatabaseKind::City, database(city)).unwrap();
    databases.open(DatabaseKind::Asn, database(asn)).unwrap();
    Enricher::new(TrustedProxies::default(), databases)
}

#[test]
fn addresses_have_a_place_and_an_operator() {
    let enricher = open("GeoLite2-City-Test.mmdb", "GeoLite2-ASN-Test.mmdb");
    let check = |ip: &str, expected: &str| {
        for _ in 0..2 {
            let mut event = testkit::event(&format!("source.ip={ip}"));
            enricher.apply(&mut event);
            let names = [
                "source.geo.country_iso_code",
                "source.geo.city_name",
                "source.as.number",
                "source.as.organization.name",
            ];
            let found: Vec<String> = names.iter().map(|name| shown(&event, name)).collect();
            assert_eq!(found.join("|"), expected, "{ip}");
        }
    };
    check("81.2.69.142", "GB|London||");
    check("::ffff:81.2.69.142", "GB|London||");
    check("1.128.0.1", "||1221|Telstra Pty Ltd");
    check("2001:218::1", "JP|||");
    check("10.0.0.1", "|||");
    check("203.0.113.9", "|||");
}

#[test]
fn broken_databases_are_refused_with_a_reason() {
    let check = |name: &str, expected: &str| {
        let opened = Databases::default().open(DatabaseKind::City, database(name));
        let said = opened
            .err()
            .map_or_else(String::new, |error| error.to_string());
        assert!(said.contains(expected), "{name}: {said}");
    };
    check("GeoIP2-City-Test-Invalid-Node-Count.mmdb", "nodes");
    check(
        "GeoIP2-City-Test-Broken-Double-Format.mmdb",
        "cannot be read",
    );
    check("MaxMind-DB-test-broken-pointers-24.mmdb", "cannot be read");
    check("MaxMind-DB-test-broken-search-tree-24.mmdb", "damaged");
    // All others open or are refused; looking up in them is safe.
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/mmdb");
    for file in std::fs::read_dir(folder).unwrap() {
        let name = file.unwrap().file_name().into_string().unwrap();
        let mut databases = Databases::default();
        if databases.open(DatabaseKind::City, database(&name)).is_ok() {
            let enricher = Enricher::new(TrustedProxies::default(), databases);
            for ip in ["1.1.1.1", "81.2.69.142", "2001:218::1", "::1.1.1.1"] {
                enricher.apply(&mut testkit::event(&format!("source.ip={ip}")));
            }
        }
    }
    let error = Databases::default().open(DatabaseKind::Asn, b"hello".to_vec());
    assert_eq!(error, Err(OpenError::NoDescription));
}

/// Places in a file and what is written there.
fn changes() -> impl Strategy<Value = Vec<(prop::sample::Index, u8)>> {
    prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..20)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Damage anywhere gives an error or answers, never a panic or a loop.
    #[test]
    fn damage_is_survived(changes in changes(), cut in any::<prop::sample::Index>()) {
        let mut bytes = database("GeoLite2-ASN-Test.mmdb");
        for (place, byte) in changes {
            let place = place.index(bytes.len());
            bytes[place] = byte;
        }
        if cut.index(4) == 0 {
            bytes.truncate(cut.index(bytes.len()));
        }
        let mut databases = Databases::default();
        if databases.open(DatabaseKind::City, bytes).is_ok() {
            let enricher = Enricher::new(TrustedProxies::default(), databases);
            for ip in ["1.128.0.1", "81.2.69.142", "2001:218::1", "8.8.8.8"] {
                enricher.apply(&mut testkit::event(&format!("source.ip={ip}")));
            }
        }
    }
}
