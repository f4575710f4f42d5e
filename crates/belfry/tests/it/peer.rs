//! Real senders of other people: util-linux `logger` and rsyslog.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use crate::stand::{Running, Stand, eventually, texts};

const LISTENERS: &str = "[[intake.syslog_tcp]]\nsource = 'tcp'\nlisten = '127.0.0.1:0'\n\
                         [[intake.syslog_udp]]\nsource = 'udp'\nlisten = '127.0.0.1:0'\n";

/// Where `program` is; says so loudly when it is nowhere.
fn program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain([PathBuf::from("/usr/sbin")]);
    let found = folders
        .map(|dir| dir.join(name))
        .find(|file| file.is_file());
    if found.is_none() {
        println!("SKIPPED: there is no `{name}` here (`cargo xtask test` installs it)");
    }
    found
}

/// Waits for `count` entries of `source` with `text` in them.
fn check_heard(stand: &Stand, source: &str, text: &str, count: usize) {
    let found = eventually(text, || {
        let found = stand.search(&format!("belfry.source:{source} AND \"{text}\""));
        (found.len() >= count).then_some(found)
    });
    assert_eq!(found.len(), count, "{text}: {found:?}");
    for user in texts(&found, "user.name") {
        assert_eq!(user, "bob");
    }
    assert!(
        texts(&found, "source.ip")
            .iter()
            .all(|ip| *ip == "203.0.113.9"),
        "{found:?}"
    );
}

fn logger(running: &Running, arguments: &[&str], text: &str) {
    let is_udp = arguments.contains(&"--udp");
    let port = if is_udp { running.udp() } else { running.tcp() }
        .port()
        .to_string();
    let status = Command::new("logger")
        .args(["--server", "127.0.0.1", "--port", &port, "-t", "sshd"])
        .args(arguments)
        .arg(text)
        .status();
    assert!(status.unwrap().success(), "{arguments:?}");
}

#[test]
fn logger_over_every_transport() {
    if program("logger").is_none() {
        return;
    }
    let stand = Stand::new("peer-logger", LISTENERS);
    let running = stand.run();
    let ways: [(&str, &[&str]); 5] = [
        ("udp", &["--udp", "--rfc3164"]),
        ("udp", &["--udp", "--rfc5424"]),
        ("tcp", &["--tcp", "--rfc3164"]),
        ("tcp", &["--tcp", "--rfc5424"]),
        ("tcp", &["--tcp", "--octet-count", "--rfc5424"]),
    ];
    for (at, (source, arguments)) in ways.into_iter().enumerate() {
        let port = 40_000 + at;
        let text = format!("Failed password for bob from 203.0.113.9 port {port} ssh2");
        logger(&running, arguments, &text);
        check_heard(&stand, source, &format!("port {port}"), 1);
    }
    eventually("five guesses ring", || {
        let mut alerts = stand.json(&["alerts", "list"], 0).into_iter();
        alerts.find(|alert| alert["rule"]["code"] == "D01")
    });
    running.stop();
    stand.verify();
}

/// An rsyslogd of ours; killed when dropped.
struct Rsyslog(Child);

impl Drop for Rsyslog {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// rsyslogd that reads one file and forwards it with `framing`.
fn rsyslog(stand: &Stand, running: &Running, framing: &str) -> Option<Rsyslog> {
    let program = program("rsyslogd")?;
    let config = format!(
        "global(workDirectory=\"{dir}\")\nmodule(load=\"imfile\")\n\
         input(type=\"imfile\" File=\"{dir}/in.log\" Tag=\"sshd:\" PersistStateInterval=\"1\")\n\
         action(type=\"omfwd\" target=\"127.0.0.1\" port=\"{port}\" protocol=\"tcp\"\n\
         TCP_Framing=\"{framing}\" template=\"RSYSLOG_SyslogProtocol23Format\"\n\
         queue.type=\"LinkedList\" action.resumeRetryCount=\"-1\" action.resumeInterval=\"1\")\n",
        dir = stand.shown(""),
        port = running.tcp().port(),
    );
    let file = stand.write("rsyslog.conf", config.as_bytes());
    let child = Command::new(program)
        .args(["-n", "-f", &file, "-i", &stand.shown("rsyslog.pid")])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    Some(Rsyslog(child.unwrap()))
}

#[test]
fn rsyslog_forwards_a_file() {
    for framing in ["octet-counted", "traditional"] {
        let stand = Stand::new("peer-rsyslog", LISTENERS);
        let line = "Failed password for bob from 203.0.113.9 port 4711 ssh2\n";
        stand.write("in.log", line.repeat(200).as_bytes());
        let running = stand.run();
        let Some(rsyslog) = rsyslog(&stand, &running, framing) else {
            return;
        };
        check_heard(&stand, "tcp", "port 4711", 200);
        drop(rsyslog);
        running.stop();
        stand.verify();
    }
}
