//! Texts for the figures of redaction, the same on every run. All secrets are made up.

use crate::corpus::Numbers;

/// Lines of one corpus.
const LINES: usize = 20_000;
/// One line in so many holds a secret.
const ONE_IN: u64 = 100;
/// Bytes of one hostile line.
const HOSTILE_BYTES: usize = 600;
/// Lines of one hostile corpus.
const HOSTILE_LINES: usize = 2_000;

const ALNUM: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

fn letters(numbers: &mut Numbers, len: usize) -> String {
    let mut letter = |_| {
        let at = usize::try_from(numbers.below(62)).unwrap_or(0);
        char::from(ALNUM[at])
    };
    (0..len).map(&mut letter).collect()
}

/// JSON lines of about 600 bytes as a service behind a gateway writes them.
pub(crate) fn usual() -> Vec<String> {
    let mut numbers = Numbers::new(0x5ec_2e75);
    (0..LINES)
        .map(|at| {
            let secret = (numbers.below(ONE_IN) == 0).then(|| secret(&mut numbers));
            line(at, secret.as_deref(), &mut numbers)
        })
        .collect()
}

fn line(at: usize, secret: Option<&str>, numbers: &mut Numbers) -> String {
    let (user, order, took) = (
        numbers.below(50_000),
        numbers.below(9_000_000),
        numbers.below(400),
    );
    let (a, b) = (numbers.below(250), numbers.below(250));
    let (trace, span) = (numbers.below(u64::MAX >> 8), numbers.below(u64::MAX >> 8));
    let (second, milli) = (at / 1000 % 60, at % 1000);
    let level = ["info", "info", "info", "warn"][at % 4];
    let what = [
        "order accepted and handed to the warehouse",
        "cart updated by customer",
        "profile viewed",
        "search answered from the index in one round",
    ][at % 4];
    let tail = secret.map_or_else(
        || format!("page=2&sort=price&category=books&ref=home-{}", at % 97),
        str::to_owned,
    );
    format!(
        "{{\"@timestamp\":\"2026-11-21T10:00:{second:02}.{milli:03}Z\",\"level\":\"{level}\",\
         \"logger\":\"shop.api.orders\",\"thread\":\"worker-{}\",\"message\":\"{what}\",\
         \"service\":{{\"name\":\"shop-api\",\"version\":\"4.2.{}\",\"env\":\"production\"}},\
         \"trace_id\":\"{trace:032x}\",\"span_id\":\"{span:016x}\",\"user\":{{\"id\":\"{user}\",\
         \"name\":\"customer{user}\",\"roles\":[\"customer\",\"beta\"]}},\"source\":{{\"ip\":\
         \"10.20.{a}.{b}\",\"port\":{}}},\"http\":{{\"method\":\"GET\",\"status\":200,\"bytes\":{},\
         \"duration_ms\":{took}}},\"url\":\"/api/v2/orders/{order}/items?{tail}\",\"user_agent\":\
         \"Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0\",\"region\":\
         \"eu-central-1\",\"tags\":[\"web\",\"tier1\"]}}",
        at % 16,
        at % 7,
        1024 + numbers.below(60_000),
        numbers.below(90_000),
    )
}

fn secret(numbers: &mut Numbers) -> String {
    match numbers.below(8) {
        0 => format!("password={}", letters(numbers, 12)),
        1 => format!("access_token={}", letters(numbers, 40)),
        2 => format!("k=gh{}_{}", "p", letters(numbers, 36)),
        3 => format!("k=sk_{}_{}", "live", letters(numbers, 24)),
        4 => "card=4111111111111111".to_owned(),
        5 => format!("api_key={}&x=1", letters(numbers, 32)),
        6 => format!("k=AK{}{}", "IA", letters(numbers, 16).to_uppercase()),
        _ => format!(
            "next=https%3A%2F%2Fx%2F%3Fpassword%3D{}",
            letters(numbers, 10)
        ),
    }
}

/// What makes one token of a hostile text.
type Maker = fn(&mut Numbers) -> String;

/// Texts in which every token is a candidate: a name for our figure, one for the rival's.
pub(crate) fn hostile() -> Vec<(&'static str, &'static str, Vec<String>)> {
    let corpora: [(&'static str, &'static str, Maker); 6] = [
        (
            "redact: hostile, every field key=token",
            "redact: rival, every field key=token",
            |n| format!("token={} ", letters(n, 24)),
        ),
        (
            "redact: hostile, every token a prefix",
            "redact: rival, every token a prefix",
            |n| format!("gh{}_{} ", "p", letters(n, 20)),
        ),
        (
            "redact: hostile, every token a vendor's",
            "redact: rival, every token a vendor's",
            |n| format!("gh{}_{} ", "p", letters(n, 36)),
        ),
        (
            "redact: hostile, every token base64 of text",
            "redact: rival, every token base64 of text",
            |n| {
                format!(
                    "{} ",
                    base64(&format!("order {} of shop", n.below(1_000_000)))
                )
            },
        ),
        (
            "redact: hostile, every number a card's form",
            "redact: rival, every number a card's form",
            |n| format!("4{:015} ", n.below(1_000_000_000_000_000)),
        ),
        (
            "redact: hostile, every byte an escape",
            "redact: rival, every byte an escape",
            |n| format!("%{:02x}\\u00{:02x}", 97 + n.below(20), 97 + n.below(20)),
        ),
    ];
    let mut numbers = Numbers::new(0x0bad_c0de);
    let mut made = |maker: Maker| {
        let mut line = || {
            let mut line = String::new();
            while line.len() < HOSTILE_BYTES {
                line.push_str(&maker(&mut numbers));
            }
            line
        };
        (0..HOSTILE_LINES).map(|_| line()).collect()
    };
    corpora
        .into_iter()
        .map(|(name, rival, maker)| (name, rival, made(maker)))
        .collect()
}

fn base64(text: &str) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for chunk in text.as_bytes().chunks(3) {
        let bits = chunk
            .iter()
            .fold(0_usize, |bits, b| bits << 8 | usize::from(*b));
        let bits = bits << (8 * (3 - chunk.len()));
        for place in 0..=chunk.len() {
            out.push(char::from(ALPHABET[bits >> (18 - 6 * place) & 63]));
        }
    }
    out
}
