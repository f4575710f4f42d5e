//! What no single value shows: ranges that another stage sets, names that must differ, folders that
//! must be there. Whatever `belfry run` would refuse is said here, with its line.

use std::collections::BTreeMap;
use std::path::Path;

use disk::Disk;
use enrich::TrustedProxies;
use ledger::limits::{SEGMENT_BYTES_MAX, SEGMENT_BYTES_MIN};
use stdx::units;

use super::Config;
use super::reader::Reading;

/// More parsing threads than this only fight over the ledger's queue.
const WORKERS_MAX: u64 = 64;
/// A share cannot be more than all of it.
const PERCENT_MAX: u64 = 100;
/// Names of the sinks that are no webhooks; delivery reports call them so.
const SINK_NAMES: &[&str] = &["stdout", "file"];

/// Looks at all values that the table of keys lets pass.
pub(crate) fn values(reading: &mut Reading) {
    segment(reading);
    origin(reading);
    within(reading, "pipeline.workers", 1, WORKERS_MAX);
    within(reading, "watch.defect_percent_max", 0, PERCENT_MAX);
    proxies(reading);
    unique(reading, "intake.file", "path");
    unique(reading, "intake.syslog_udp", "listen");
    unique(reading, "intake.syslog_tcp", "listen");
    unique(reading, "alert.webhook", "name");
    for table in reading.repeated("alert.webhook") {
        webhook(reading, &table);
    }
}

/// Looks for the folders that must exist before the start.
pub(crate) fn folders(reading: &mut Reading, disk: &dyn Disk, config: &Config) {
    let Some(file) = &config.alert_file else {
        return;
    };
    let folder = match file.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    // The data folder itself is made at the first start.
    if folder == config.data_dir {
        return;
    }
    let path = "alert.file.path";
    match disk.list(folder) {
        Ok(_) => {}
        Err(error) => complain(reading, path, &format!("needs its folder: {error}")),
    }
}

fn proxies(reading: &mut Reading) {
    let path = "intake.trusted_proxies";
    if let Err(text) = TrustedProxies::parse(&reading.texts(path)) {
        let message = format!("has `{text}`, which is no network such as 10.0.0.0/8");
        complain(reading, path, &message);
    }
}

fn complain(reading: &mut Reading, path: &str, message: &str) {
    let place = reading.place(path);
    reading.complain(&place, &format!("`{path}` {message}"));
}

fn segment(reading: &mut Reading) {
    let path = "ledger.segment_size_max";
    let text = reading.text(path);
    let range = SEGMENT_BYTES_MIN..=SEGMENT_BYTES_MAX;
    if units::parse_size(&text).is_some_and(|bytes| !range.contains(&bytes)) {
        let least = units::format_size(SEGMENT_BYTES_MIN);
        let most = units::format_size(SEGMENT_BYTES_MAX);
        complain(
            reading,
            path,
            &format!("is {text}: it must be between {least} and {most}"),
        );
    }
}

/// The origin is the first line of every checkpoint and part of the key's name (C2SP signed-note).
fn origin(reading: &mut Reading) {
    let path = "ledger.origin";
    let text = reading.text(path);
    let is_bad = |c: char| c.is_whitespace() || c.is_control() || c == '+';
    if text.is_empty() || text.contains(is_bad) {
        let message = "must be a name without spaces, control characters and `+`";
        complain(reading, path, message);
    }
}

fn within(reading: &mut Reading, path: &str, least: u64, most: u64) {
    let text = reading.text(path);
    let number = text.parse::<u64>();
    if number.is_ok_and(|number| !(least..=most).contains(&number)) {
        let message = format!("is {text}: it must be between {least} and {most}");
        complain(reading, path, &message);
    }
}

/// No two tables `generic` may say the same in `name`.
fn unique(reading: &mut Reading, generic: &str, name: &str) {
    let mut first = BTreeMap::new();
    for table in reading.repeated(generic) {
        let path = format!("{table}.{name}");
        let text = reading.text(&path);
        if text.is_empty() || (name == "listen" && text.ends_with(":0")) {
            continue;
        }
        match first.get(&text) {
            Some(before) => {
                let message = format!("is `{text}` like `{before}`: each must differ");
                complain(reading, &path, &message);
            }
            None => {
                first.insert(text, path);
            }
        }
    }
}

fn webhook(reading: &mut Reading, table: &str) {
    let path = format!("{table}.name");
    let name = reading.text(&path);
    if SINK_NAMES.contains(&name.as_str()) {
        let message = format!("is `{name}`: this name belongs to another way of telling");
        complain(reading, &path, &message);
    }
    let path = format!("{table}.url");
    if reading.was_written(&path) && !is_callable(&reading.text(&path)) {
        let message = "must be an https address without a user name (http only to this machine)";
        complain(reading, &path, message);
    }
}

/// Whether alerts may be sent to `url`.
fn is_callable(url: &str) -> bool {
    let Some((scheme, rest)) = url.split_once("://") else {
        return false;
    };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or("");
    // A name and password before the host would be shown wherever the address is.
    if authority.is_empty()
        || authority.contains('@')
        || url.contains(|c: char| c.is_whitespace() || c.is_control())
    {
        return false;
    }
    match scheme.to_ascii_lowercase().as_str() {
        "https" => true,
        "http" => is_loopback(authority),
        _ => false,
    }
}

/// `localhost` is loopback by RFC 6761 6.3; `host` may end with a port.
fn is_loopback(host: &str) -> bool {
    let bare = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or(""),
        None => host.split(':').next().unwrap_or(""),
    };
    let address = bare.parse::<std::net::IpAddr>();
    bare.eq_ignore_ascii_case("localhost") || address.is_ok_and(|address| address.is_loopback())
}
