//! Every kind in every placement: the raw value is gone, its neighbours survive. Values are put
//! together from parts, so that no scanner takes this file for a leak.

use super::body;

fn letters(len: usize) -> String {
    let alphabet = b"aZ3bY7cX1dW9eV5fU2gT8hS4iR6jQ0kP";
    (0..len)
        .map(|at| char::from(alphabet[(at * 7 + at / 5) % 32]))
        .collect()
}

fn hex(len: usize) -> String {
    letters(len)
        .bytes()
        .map(|b| char::from(b"0123456789abcdef"[usize::from(b % 16)]))
        .collect()
}

fn base64(text: &str, url: bool) -> String {
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    let mut out = String::new();
    for chunk in text.as_bytes().chunks(3) {
        let bits = chunk
            .iter()
            .fold(0_u32, |bits, b| bits << 8 | u32::from(*b))
            << (8 * (3 - chunk.len()));
        for place in 0..=chunk.len() {
            let value = (bits >> (18 - 6 * place) & 63) as usize;
            let special = if url { ['-', '_'] } else { ['+', '/'] };
            out.push(
                alphabet
                    .get(value)
                    .map_or_else(|| special[value - 62], |b| char::from(*b)),
            );
        }
    }
    if !url {
        out.push_str(&"=".repeat((4 - out.len() % 4) % 4));
    }
    out
}

fn percent(text: &str) -> String {
    let digit = |value: u8| char::from(b"0123456789ABCDEF"[usize::from(value)]);
    text.bytes()
        .flat_map(|b| ['%', digit(b >> 4), digit(b & 15)])
        .collect()
}

fn jwt() -> String {
    let header = base64(r#"{"alg":"HS256","typ":"JWT"}"#, true);
    format!(
        "{header}.{}.{}",
        base64(r#"{"sub":"1234567890"}"#, true),
        letters(43)
    )
}

/// Values that show by themselves.
fn vendor_values() -> Vec<String> {
    let made = |prefix: &[&str], rest: String| format!("{}{rest}", prefix.concat());
    let upper = |len: usize| letters(len).to_uppercase();
    vec![
        "4111111111111111".to_owned(),
        "378282246310005".to_owned(),
        "DE89370400440532013000".to_owned(),
        jwt(),
        made(&["AK", "IA"], upper(16)),
        made(&["AI", "za"], letters(35)),
        made(&["ya", "29."], letters(40)),
        made(
            &["gh", "p_"],
            "M7H4jxUDDWHP4kZ6A4dxlQYsQIWJuq11T4V4".to_owned(),
        ),
        made(&["github", "_pat_"], letters(60)),
        made(&["np", "m_"], letters(36)),
        made(&["gl", "pat-"], letters(20)),
        made(&["xo", "xb-"], format!("123456789012-{}", letters(24))),
        made(&["sk", "_live_"], letters(24)),
        made(&["rk", "_live_"], letters(24)),
        made(&["wh", "sec_"], letters(32)),
        made(&["S", "G."], format!("{}.{}", letters(22), letters(43))),
        made(&["S", "K"], hex(32)),
        made(&["sk", "-"], letters(48)),
        made(&["sk", "-ant-"], letters(60)),
        made(&["h", "f_"], letters(34)),
        made(&["dop", "_v1_"], hex(64)),
        made(&["hv", "s."], letters(24)),
        made(&["py", "pi-"], letters(80)),
        made(&["AGE-SECRET", "-KEY-1"], upper(58)),
        made(&["sh", "pat_"], hex(32)),
    ]
}

fn check(value: &str, fields: &[(&str, &str)], neighbours: &[&str]) {
    let body = body(fields);
    assert!(!body.contains(value), "{value} survives in {body}");
    for neighbour in neighbours {
        assert!(body.contains(neighbour), "{neighbour} is lost from {body}");
    }
}

#[test]
fn values_that_show_by_themselves() {
    for value in vendor_values() {
        let v = value.as_str();
        let place = |name: &str, text: String, neighbours: &[&str]| {
            check(v, &[(name, &text), ("user.name", "bob")], neighbours);
        };
        place("note", v.to_owned(), &["bob"]);
        place(
            "url.original",
            format!("/p?a=first&x={v}&b=last"),
            &["a=first", "b=last"],
        );
        place(
            "url.query",
            format!("a=first&x={}&b=last", percent(v)),
            &["a=first", "b=last"],
        );
        assert!(!body(&[("url.query", &format!("x={}", percent(v)))]).contains(&percent(v)));
        place("url.path", format!("/pay/{v}/done"), &["/pay/", "/done"]);
        place(
            "message",
            format!(r#"{{"a":"first","x":"{v}","b":1}}"#),
            &["first", r#"\"b\":1"#],
        );
        place(
            "message",
            format!(r#"m={{\"a\":\"first\",\"x\":\"{v}\"}} end"#),
            &["first", " end"],
        );
        place(
            "http.request.body.content",
            format!("a=first&x={v}"),
            &["a=first"],
        );
        place(
            "message",
            format!("X-Thing: {v}\r\nHost: h"),
            &["X-Thing: ", "Host: h"],
        );
        place(
            "http.request.headers.cookie",
            format!("x={v}; y=2"),
            &["x=", "; y="],
        );
        place("message", format!("used {v} to pay"), &["used ", " to pay"]);
        place("message", format!("t=1 x=\"{v}\" y=2"), &["t=1", "y=2"]);
        place(
            "user_agent.original",
            format!("curl/7 ({v})"),
            &["curl/7 ("],
        );
        for url in [false, true] {
            let encoded = base64(&format!("note {v} end"), url);
            let text = format!("data {encoded} end");
            check(&encoded, &[("message", &text)], &["data ", " end"]);
        }
    }
}

/// Names of every class that condemns a value without looking at it.
const NAMES: [&str; 11] = [
    "password",
    "userPassword",
    "otp",
    "access_token",
    "session_id",
    "api_key",
    "client_secret",
    "private_key",
    "cvv",
    "ssn",
    "account_number",
];

#[test]
fn values_that_only_their_name_gives_away() {
    let v = "Zq7hunter2Wx";
    for name in NAMES {
        let place = |field: &str, text: String, neighbours: &[&str]| {
            check(v, &[(field, &text), ("user.name", "bob")], neighbours);
        };
        check(v, &[(name, v), ("user.name", "bob")], &["bob"]);
        check(v, &[(&format!("form.{name}"), v)], &[]);
        place(
            "url.original",
            format!("/p?a=first&{name}={v}&b=last"),
            &["a=first", "b=last"],
        );
        place(
            "url.original",
            format!("/p?r={}&b=last", percent(&format!("{name}={v}&c=d"))),
            &["b=last"],
        );
        place(
            "url.query",
            format!("a=first&{name}={}", percent(v)),
            &["a=first"],
        );
        place(
            "message",
            format!(r#"{{"a":"first","{name}":"{v}","b":1}}"#),
            &["first", r#"\"b\":1"#],
        );
        place(
            "message",
            format!(r#"m={{\"{name}\":\"{v}\",\"a\":\"first\"}}"#),
            &["first"],
        );
        place(
            "http.request.body.content",
            format!("{name}={v}&a=first"),
            &["a=first"],
        );
        place("message", format!("{name}: {v}\r\nHost: h"), &["Host: h"]);
        place(
            "http.request.headers.cookie",
            format!("{name}={v}; y=2"),
            &["; y="],
        );
        place(
            "message",
            format!("login {name}={v} from x"),
            &["login ", " from x"],
        );
        place(
            "message",
            format!("t=1 {name}=\"{v}\" y=2"),
            &["t=1", "y=2"],
        );
        let encoded = base64(&format!("{{\"{name}\":\"{v}\"}}"), false);
        check(
            &encoded,
            &[("message", &format!("data {encoded} end"))],
            &["data ", " end"],
        );
    }
}
