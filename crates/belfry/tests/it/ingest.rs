//! An operator brings in what lies around: real files, compressed files, a pipe, captures of real
//! syslog senders; nothing is lost and each record is found.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::Value;

use crate::stand::{Stand, eventually, fixture, texts};

/// A summary that accounts for every record.
fn check_summary(summary: &Value, stored: u64) {
    assert_eq!(summary["received"], stored, "{summary}");
    assert_eq!(summary["stored"], stored, "{summary}");
    assert_eq!(summary["refused"], 0, "{summary}");
}

/// Client, method, path, status, agent and time of a line of an access log, read by hand.
fn of_line(line: &str) -> String {
    let parts: Vec<&str> = line.split('"').collect();
    let client = line.split(' ').next().unwrap();
    let mut request = parts[1].split(' ');
    let method = request.next().unwrap();
    let path = request.next().unwrap().split('?').next().unwrap();
    let status = parts[2].split_whitespace().next().unwrap();
    let agent = parts.get(5).filter(|agent| !["", "-"].contains(*agent));
    let (_, time) = line.split_once('[').unwrap();
    let (date, clock) = time.split_once(':').unwrap();
    let day = date.split('/').next().unwrap();
    let clock = &clock[..8];
    format!("2015-05-{day}T{clock} {client} {method} {path} {status} {agent:?}")
}

/// The same of an entry.
fn of_entry(entry: &Value) -> String {
    let text = |name: &str| entry[name].as_str().unwrap_or_default();
    let status = &entry["http.response.status_code"];
    let agent = entry["user_agent.original"].as_str();
    format!(
        "{} {} {} {} {status} {agent:?}",
        &text("@timestamp")[..19],
        text("source.ip"),
        text("http.request.method"),
        text("url.path"),
    )
}

#[test]
fn five_thousand_lines_of_a_web_server() {
    let stand = Stand::new("ingest-apache", "");
    let file = fixture("apache_benign_5k.log").display().to_string();
    let said = stand
        .belfry(&["ingest", &file, "--source", "web", "--format", "json"])
        .ends(0);
    let summary = said.value();
    check_summary(&summary, 5000);
    assert_eq!(summary["defective"], 0, "{summary}");

    let found = stand.search("belfry.source:web");
    assert_eq!(found.len(), 5000);
    let text = std::fs::read_to_string(&file).unwrap();
    let mut expected: Vec<String> = text.lines().map(of_line).collect();
    let mut stored: Vec<String> = found.iter().map(of_entry).collect();
    expected.sort();
    stored.sort();
    for (expected, stored) in expected.iter().zip(&stored) {
        assert_eq!(stored, expected);
    }
    let alerts = stand.json(&["alerts", "list"], 0);
    println!("{} alerts in 5,000 lines", alerts.len());
    for alert in &alerts {
        let named = [&alert["rule"]["code"], &alert["title"], &alert["entity"]];
        println!("  {named:?}");
    }
    assert_eq!(summary["alerts"], alerts.len());
    assert!(
        alerts.len() <= 10,
        "honest traffic rings too often: {}",
        alerts.len()
    );
    stand.verify();
}

/// The lines of each scenario, as its log file would hold them.
fn scenarios() -> Vec<(String, Vec<String>)> {
    let text = std::fs::read_to_string(fixture("crowdsec_hub_scenarios.jsonl")).unwrap();
    let scenario = |line: &str| {
        let value: Value = serde_json::from_str(line).unwrap();
        let lines = texts_of(&value["lines"]);
        (value["test"].as_str().unwrap().to_owned(), lines)
    };
    text.lines().map(scenario).collect()
}

fn texts_of(list: &Value) -> Vec<String> {
    let items = list.as_array().unwrap().iter();
    items
        .map(|item| item.as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn every_line_of_the_attack_scenarios_is_stored_and_found() {
    let stand = Stand::new("ingest-scenarios", "");
    let mut arguments = vec!["ingest".to_owned(), "--source".to_owned(), "hub".to_owned()];
    let mut expected: HashMap<String, usize> = HashMap::new();
    for (at, (_, lines)) in scenarios().iter().enumerate() {
        let name = format!("scenario-{at}.log");
        let text = lines.join("\n") + "\n";
        let count = text.lines().filter(|line| !line.trim().is_empty()).count();
        arguments.push(stand.write(&name, text.as_bytes()));
        expected.insert(stand.shown(&name), count);
    }
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let total: usize = expected.values().sum();
    check_summary(&stand.json(&arguments, 0)[0], total as u64);

    let found = stand.search("belfry.source:hub");
    assert_eq!(found.len(), total);
    let mut per_file: HashMap<String, usize> = HashMap::new();
    for path in texts(&found, "log.file.path") {
        *per_file.entry(path.to_owned()).or_default() += 1;
    }
    expected.retain(|_, count| *count > 0);
    assert_eq!(per_file, expected);
    let alerts = stand.json(&["alerts", "list"], 0);
    println!("{} alerts in {total} lines of attacks", alerts.len());
    assert!(!alerts.is_empty());
    let probe = stand.search("belfry.source:hub AND url.path:*eval-stdin.php*");
    assert!(!probe.is_empty());
    stand.verify();
}

/// One capture: how many messages it holds and a query that finds exactly them.
fn check_capture(name: &str, count: usize, query: &str) {
    let listeners = "[[intake.syslog_tcp]]\nsource = 'wire'\nlisten = '127.0.0.1:0'\n\
                     [[intake.syslog_udp]]\nsource = 'wire'\nlisten = '127.0.0.1:0'\n";
    let stand = Stand::new(&format!("capture-{name}"), listeners);
    let running = stand.run();
    let bytes = std::fs::read(fixture("syslog").join(name)).unwrap();
    if name.ends_with("_udp.bin") {
        let mut rest = bytes.as_slice();
        while let Some((length, after)) = rest.split_first_chunk::<4>() {
            let (datagram, next) = after.split_at(u32::from_be_bytes(*length) as usize);
            running.send_udp(datagram);
            rest = next;
        }
    } else {
        running.send_tcp(&bytes);
    }
    let query = format!("belfry.source:wire AND {query}");
    let found = eventually(name, || {
        let found = stand.search(&query);
        (found.len() >= count).then_some(found)
    });
    assert_eq!(found.len(), count, "{name}: {found:?}");
    let listener = if name.contains("udp") {
        "syslog_udp"
    } else {
        "syslog_tcp"
    };
    assert!(
        texts(&found, "belfry.listener")
            .iter()
            .all(|door| *door == listener)
    );
    running.stop();
    stand.verify();
}

#[test]
fn captures_of_real_syslog_senders() {
    check_capture(
        "logger_3164_udp.bin",
        1,
        "process.name:sshd AND user.name:root",
    );
    check_capture("logger_5424_udp.bin", 1, "process.name:sshd AND \"code\"");
    check_capture("flb_syslog_tcp.bin", 2, "\"input_userauth_request\"");
    check_capture("logger_5424_tcp_octet.bin", 2, "process.name:app");
    check_capture("py_rfc5424_tcp.bin", 1, "\"login failed\"");
    check_capture(
        "rsyslog_3164_tcp_lf.bin",
        3,
        "user.name:git AND source.ip:203.0.113.*",
    );
    check_capture("rsyslog_5424_tcp_octet.bin", 1, "\"backslash\"");
    check_capture("syslogng_3164_udp.bin", 3, "\"/bin/sh\"");
    check_capture("syslogng_5424_tcp_octet.bin", 3, "\"/bin/sh\"");
}

#[test]
fn a_foreign_protocol_on_the_syslog_port_is_survived() {
    let listener = "[[intake.syslog_tcp]]\nsource = 'wire'\nlisten = '127.0.0.1:0'\n";
    let stand = Stand::new("foreign", listener);
    let running = stand.run();
    running.send_tcp(&std::fs::read(fixture("syslog/flb_forward.bin")).unwrap());
    running.send_tcp(&[b"999999999999 <34>".as_slice(), &[0xFF; 4096]].concat());
    running.send_tcp(b"<34>Jan 31 09:15:02 host app: still listening\n");
    eventually("the next sender is heard", || {
        let found = stand.search("belfry.source:wire AND \"still listening\"");
        (found.len() == 1).then_some(())
    });
    assert_eq!(running.get("/readyz").0, 200);
    running.stop();
    stand.verify();
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// `count` lines that do not compress to nothing.
fn lines(count: u64) -> Vec<u8> {
    let mut state: u64 = 0x9E37_79B9_7F4A_7C15;
    let mut text = String::new();
    for number in 0..count {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        writeln!(text, "level=info msg=\"line {number}\" mark={state:016x}").unwrap();
    }
    text.into_bytes()
}

/// Plain, packed and piped records of three sources, here or through a running process.
fn check_ways_in(stand: &Stand) {
    let plain = stand.write("plain.log", &lines(300));
    let packed = stand.write("packed.log.gz", &gzip(&lines(3000)));
    check_summary(
        &stand.json(&["ingest", &plain, "--source", "plain"], 0)[0],
        300,
    );
    check_summary(
        &stand.json(&["ingest", &packed, "--source", "packed"], 0)[0],
        3000,
    );
    let arguments = ["ingest", "-", "--source", "piped", "--format", "json"];
    let said = stand.belfry_fed(&arguments, lines(200)).ends(0);
    check_summary(&said.value(), 200);
    let said = stand.belfry_fed(&arguments, gzip(&lines(100))).ends(0);
    check_summary(&said.value(), 100);
    for (source, count) in [("plain", 300), ("packed", 3000), ("piped", 300)] {
        let found = stand.search(&format!("belfry.source:{source} AND mark:*"));
        assert_eq!(found.len(), count, "{source}");
        assert!(
            texts(&found, "belfry.listener")
                .iter()
                .all(|door| *door == "ingest")
        );
    }
    let found = stand.search("event.action:log_imported");
    assert_eq!(found.len(), 4, "each import is itself an entry");
}

#[test]
fn plain_packed_and_piped_without_a_running_process() {
    let stand = Stand::new("ingest-here", "");
    check_ways_in(&stand);
    stand.verify();
}

#[test]
fn plain_packed_and_piped_through_the_running_process() {
    let stand = Stand::new("ingest-through", "");
    let running = stand.run();
    check_ways_in(&stand);
    let (_, metrics) = running.get("/metrics");
    assert!(
        metrics.contains("belfry_records_stored_total{source=\"packed\"} 3000\n"),
        "{metrics}"
    );

    let before = stand.json(&["alerts", "list"], 0).len();
    let attack =
        "Jan 31 09:15:02 h sshd[7]: Failed password for bob from 203.0.113.9 port 1 ssh2\n";
    let file = stand.write("auth.log", attack.repeat(12).as_bytes());
    let summary = &stand.json(&["ingest", &file, "--source", "auth"], 0)[0];
    check_summary(summary, 12);
    let alerts = stand.json(&["alerts", "list"], 0);
    assert!(
        alerts.len() > before,
        "what is brought in is watched before the summary is given"
    );
    assert_eq!(summary["alerts"], alerts.len() - before, "{summary}");
    running.stop();
    stand.verify();
}
