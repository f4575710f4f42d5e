//! The recogniser of attack strings: what a clean request costs, and how fast hostile ones go.

use attack::{Request, Scanner};

use crate::{Asked, Figure};

/// Requests as browsers and programs send them.
const CLEAN: [(&str, &str, &str); 8] = [
    (
        "/",
        "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
        "",
    ),
    (
        "/products/42/reviews?page=2&sort=-date&lang=en",
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) \
         Chrome/141.0.0.0 Safari/537.36",
        "https://shop.example.org/products/42",
    ),
    ("/static/js/app.3f2a1b.js?v=1.2.3", "curl/8.10.1", ""),
    (
        "/api/v2/items/123e4567-e89b-12d3-a456-426614174000",
        "okhttp/4.12.0",
        "",
    ),
    (
        "/search?q=shoes&size=42&color=navy&utm_source=newsletter&utm_medium=email",
        "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 \
         (KHTML, like Gecko) Version/18.1 Mobile/15E148 Safari/604.1",
        "https://www.google.com/",
    ),
    (
        "/images/2026/11/header-large.webp",
        "Mozilla/5.0 (compatible; Googlebot/2.1)",
        "",
    ),
    (
        "/login?next=/account/settings",
        "python-requests/2.32.3",
        "",
    ),
    ("/health", "kube-probe/1.33", ""),
];

/// Attack strings in disguise: class, part, text.
const HOSTILE: &str = include_str!("../../../fixtures/attack/evasion.txt");
/// Honest texts full of marks: part, text.
const HONEST: &str = include_str!("../../../fixtures/attack/benign.txt");

pub(crate) fn figures(asked: &Asked) -> Vec<Figure> {
    let mut scanner = Scanner::default();
    let mut run = |requests: &[Request<'_>]| {
        let mut hits = 0_u64;
        let mut bytes = 0;
        for request in requests {
            bytes += request.target.len() + request.agent.len() + request.referrer.len();
            scanner.request(request, &mut |_, _| hits += 1);
        }
        std::hint::black_box(hits);
        (requests.len() as u64, bytes as u64)
    };
    let clean: Vec<Request<'_>> = CLEAN
        .iter()
        .map(|(target, agent, referrer)| Request {
            target,
            agent,
            referrer,
            ..Request::default()
        })
        .collect();
    let targets = |text: &str, column: usize| -> Vec<String> {
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        let texts = lines.filter_map(|line| line.splitn(column + 1, '\t').nth(column));
        texts.map(|text| format!("/search?q={text}")).collect()
    };
    let (hostile, honest) = (targets(HOSTILE, 2), targets(HONEST, 1));
    let hostile = as_requests(&hostile);
    let honest = as_requests(&honest);
    [
        asked.measure("attack: clean request", || run(&clean)),
        asked.measure("attack: honest text with marks", || run(&honest)),
        asked.measure("attack: hostile request", || run(&hostile)),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn as_requests(targets: &[String]) -> Vec<Request<'_>> {
    let request = |target| Request {
        target,
        ..Request::default()
    };
    targets.iter().map(|target| request(target)).collect()
}
