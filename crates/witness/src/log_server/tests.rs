//! Paths, media types, caching and refusals of what a log serves.

use super::*;
use crate::testkit::{request, serve};

fn check(line: &str, status: u16, headers: &[&str], expected: &str) {
    let source: Source = Arc::new(|resource| match resource {
        Resource::Checkpoint => Ok(Some(b"a note".to_vec())),
        Resource::Tile { index: 7, .. } => Err("a secret path".to_owned()),
        Resource::Tile { index: 0, .. }
        | Resource::Entries {
            index: 1_234_067, ..
        } => Ok(Some(resource.path().into_bytes())),
        _ => Ok(None),
    });
    let address = serve(router(source));
    let (found, head, body) = request(address, line, "");
    assert_eq!(found, status, "{line}: {body}");
    for header in headers {
        assert!(head.contains(header), "{line}: {head}");
    }
    assert_eq!(body, expected, "{line}");
}

#[test]
fn what_is_there_is_served_as_the_specification_asks() {
    let text = [
        "content-type: text/plain; charset=utf-8",
        "cache-control: public, max-age=2",
    ];
    check("GET /checkpoint", 200, &text, "a note");
    let bytes = ["content-type: application/octet-stream", "immutable"];
    check("GET /tile/0/000", 200, &bytes, "tile/0/000");
    check("GET /tile/3/000.p/12", 200, &bytes, "tile/3/000.p/12");
    let entries = "tile/entries/x001/x234/067";
    check(&format!("GET /{entries}"), 200, &bytes, entries);
    check(
        &format!("GET /{entries}.p/255"),
        200,
        &bytes,
        "tile/entries/x001/x234/067.p/255",
    );
}

#[test]
fn what_is_not_there_is_not_found() {
    let fresh = ["cache-control: no-store"];
    let missing = "the log does not publish this\n";
    check("GET /tile/0/001", 404, &fresh, missing);
    check("GET /tile/entries/000", 404, &fresh, missing);
    check(
        "GET /tile/0/007",
        500,
        &fresh,
        "the log cannot read this now\n",
    );
    let shape = "path is neither a checkpoint nor a tile nor an entry bundle\n";
    check("GET /tile/0", 404, &fresh, shape);
    let level = "tile level is not a plain decimal of at most 63\n";
    check("GET /tile/64/000", 404, &fresh, level);
    check("GET /tile/00/000", 404, &fresh, level);
    check("GET /tile/data/000", 404, &fresh, level);
    let group = "tile index is not in groups of three digits with x before all but the last\n";
    check("GET /tile/0/1", 404, &fresh, group);
    check("GET /tile/0/..%2f..%2fkey", 404, &fresh, group);
    check("GET /key", 404, &[], "");
    check("POST /checkpoint", 405, &[], "");
    check("DELETE /tile/0/000", 405, &[], "");
}
