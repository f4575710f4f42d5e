//! What the shop answers and reports, without sockets.

use std::io::Read;
use std::net::TcpListener;

use serde_json::Value;
use stdx::{FakeClock, Secret};

use super::*;

/// A shop without sockets whose reports land nowhere; the answers are what is looked at.
fn clerk() -> Clerk {
    let people = [
        ("ann", Role::Customer),
        ("bob", Role::Customer),
        ("root", Role::Admin),
    ];
    let people = people.map(|(name, role)| Person {
        name,
        password: Secret::new(format!("{name}-password")),
        role,
        balance: 100,
    });
    let url = "http://127.0.0.1:9/v1/events".to_owned();
    let (reporter, _sender) = Reporter::start(url, Secret::new("t".to_owned())).unwrap();
    Clerk::new(&people, reporter, Arc::new(FakeClock::at(0)))
}

fn visit(session: Option<&str>, request: &str, body: &str) -> Visit {
    let (method, target) = request.split_once(' ').unwrap();
    Visit {
        address: "203.0.113.1".parse().unwrap(),
        agent: "test".to_owned(),
        method: method.to_owned(),
        target: target.to_owned(),
        session: session.map(str::to_owned),
        body: body.to_owned(),
    }
}

fn log_in(clerk: &Clerk, name: &str) -> String {
    let body = format!("username={name}&password={name}-password");
    let answer = clerk.answer(&visit(None, "POST /login", &body));
    assert_eq!(answer.status, 200);
    answer.cookie.unwrap()
}

/// One request line and body by `who`, and the status that must come back.
fn check(clerk: &Clerk, session: Option<&str>, request: &str, body: &str, status: u16) {
    let answer = clerk.answer(&visit(session, request, body));
    assert_eq!(answer.status, status, "{request} {body}: {}", answer.text);
}

#[test]
fn the_shop_keeps_its_doors() {
    let clerk = clerk();
    let (ann, root) = (log_in(&clerk, "ann"), log_in(&clerk, "root"));
    let (ann, root) = (Some(ann.as_str()), Some(root.as_str()));
    let user = r#"{"name":"eve","role":"superuser","password":"p"}"#;
    let riches = r#"{"user":"ann","balance":"9999999"}"#;
    check(&clerk, None, "GET /", "", 200);
    check(&clerk, None, "GET /search?q=lamp%27", "", 200);
    check(&clerk, None, "GET /products/1", "", 200);
    check(&clerk, None, "GET /products/0", "", 404);
    check(&clerk, None, "GET /nothing", "", 404);
    check(&clerk, None, "POST /login", "username=ann&password=no", 401);
    check(
        &clerk,
        None,
        "POST /login",
        "username=%0d%0aann&password=no",
        401,
    );
    check(&clerk, None, "GET /profile", "", 401);
    check(&clerk, ann, "GET /profile", "", 200);
    check(&clerk, ann, "GET /orders/1000", "", 200);
    check(&clerk, ann, "GET /orders/1002", "", 403);
    check(&clerk, ann, "GET /orders/9", "", 403);
    check(&clerk, None, "GET /orders/1000", "", 401);
    check(&clerk, ann, "POST /admin/users", user, 403);
    check(&clerk, root, "POST /admin/users", user, 201);
    check(&clerk, root, "POST /admin/users", "{}", 400);
    check(&clerk, None, "POST /update-balance", riches, 401);
    check(&clerk, ann, "POST /update-balance", riches, 200);
    check(
        &clerk,
        ann,
        "POST /update-balance",
        r#"{"user":"ann","balance":"much"}"#,
        400,
    );
    check(&clerk, ann, "POST /logout", "", 200);
    check(&clerk, ann, "GET /profile", "", 401);
}

/// Over sockets: the first batch of reports after `request`, one object a line.
fn reported(request: &str) -> Vec<Value> {
    let receiver = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/v1/events", receiver.local_addr().unwrap());
    let (reporter, _sender) = Reporter::start(url, Secret::new("t".to_owned())).unwrap();
    let clock = Arc::new(FakeClock::at(1_700_000_000_000_000_000));
    let shop = Shop::open(&[], reporter, clock).unwrap();
    let http = super::super::reporter::http();
    let url = format!("http://{}{request}", shop.address());
    let answer = http
        .get(url)
        .header("x-forwarded-for", "6.6.6.6, 2001:db8::7")
        .call()
        .unwrap();
    assert_eq!(answer.status(), 200);
    let (mut stream, _) = receiver.accept().unwrap();
    let mut text = String::new();
    while !text.ends_with("}\n") {
        let mut chunk = [0; 4096];
        let read = stream.read(&mut chunk).unwrap();
        text.push_str(std::str::from_utf8(&chunk[..read]).unwrap());
    }
    let (_, body) = text.split_once("\r\n\r\n").unwrap();
    body.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[test]
fn a_visit_is_reported_with_all_it_said() {
    let events = reported("/search?q=gift&password=hunter2");
    let [event] = events.as_slice() else {
        panic!("{events:?}")
    };
    assert_eq!(event["@timestamp"], "2023-11-14T22:13:20.000000000Z");
    assert_eq!(event["event.action"], "api_access");
    assert_eq!(event["event.category"], serde_json::json!(["web"]));
    assert_eq!(event["source.ip"], "2001:db8::7");
    assert_eq!(event["url.original"], "/search?q=gift&password=hunter2");
    assert_eq!(event["http.response.status_code"], 200);
    assert_eq!(event["labels.route"], "/search");
    assert_eq!(event["service.name"], "shop");
    assert_eq!(event["event.id"].as_str().unwrap().len(), 32);
}
