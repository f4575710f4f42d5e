//! Syslog over real sockets, with what real senders put on the wire.

use std::io::Write;
use std::net::{Shutdown, SocketAddr, TcpStream, UdpSocket};
use std::sync::Arc;
use std::time::Duration;

use event::limits::FRAME_BYTES_MAX;
use stdx::FakeClock;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::sync::watch;

use super::*;
use crate::door::{Door, Loss, Occurrence, Refusal};
use crate::testkit::{FakeDoor, Mood};

struct House {
    door: Arc<FakeDoor>,
    tcp: SocketAddr,
    udp: SocketAddr,
    stop: watch::Sender<bool>,
    _runtime: Runtime,
}

fn open() -> House {
    let door = FakeDoor::open();
    let runtime = Runtime::new().unwrap();
    let (stop, stopped) = watch::channel(false);
    let clock = Arc::new(FakeClock::at(5));
    let (tcp, udp) = runtime.block_on(async {
        let tcp = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (udp, granted) = bind_udp("127.0.0.1:0".parse().unwrap()).await.unwrap();
        assert!(0 < granted);
        (tcp, udp)
    });
    let addresses = (tcp.local_addr().unwrap(), udp.local_addr().unwrap());
    let config = TcpConfig {
        connections_max: 4,
        silence_max: Duration::from_millis(700),
        ..TcpConfig::standard("tcp-hosts".into())
    };
    let as_door: Arc<dyn Door> = Arc::clone(&door) as _;
    runtime.spawn(serve_tcp(
        tcp,
        config,
        Arc::clone(&as_door),
        clock.clone(),
        stopped.clone(),
    ));
    let config = UdpConfig {
        source: "udp-hosts".into(),
    };
    runtime.spawn(serve_udp(udp, config, as_door, clock, stopped));
    House {
        door,
        tcp: addresses.0,
        udp: addresses.1,
        stop,
        _runtime: runtime,
    }
}

fn capture(name: &str) -> Vec<u8> {
    let dir = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/logs/syslog/");
    std::fs::read(format!("{dir}{name}")).unwrap()
}

/// Replays one connection in pieces of `piece` bytes; what the door got.
fn replay_tcp(name: &str, piece: usize) -> Vec<String> {
    let house = open();
    let mut stream = TcpStream::connect(house.tcp).unwrap();
    stream.set_nodelay(true).unwrap();
    for bytes in capture(name).chunks(piece) {
        stream.write_all(bytes).unwrap();
    }
    stream.shutdown(Shutdown::Write).unwrap();
    // The last batch has been handed over once the server has closed its side.
    let mut rest = Vec::new();
    std::io::Read::read_to_end(&mut stream, &mut rest).unwrap();
    house.door.texts()
}

fn check_tcp(name: &str, count: usize, last_starts: &str, last_ends: &str) {
    for piece in [37, 100_000] {
        let texts = replay_tcp(name, piece);
        assert_eq!(texts.len(), count, "{name}: {texts:#?}");
        for text in &texts {
            assert!(
                text.starts_with('<') && !text.ends_with(['\n', '\r']),
                "{text:?}"
            );
        }
        let last = texts.last().unwrap();
        assert!(
            last.starts_with(last_starts) && last.ends_with(last_ends),
            "{last:?}"
        );
    }
}

#[test]
fn captures_over_tcp() {
    check_tcp(
        "logger_5424_tcp_octet.bin",
        2,
        "<35>1 2026-11-21T",
        "two with\nnewline",
    );
    check_tcp("rsyslog_5424_tcp_octet.bin", 4, "<", "");
    check_tcp("rsyslog_3164_tcp_lf.bin", 4, "<", "");
    check_tcp(
        "syslogng_5424_tcp_octet.bin",
        3,
        "<85>1 2026-11-21T",
        "/bin/sh",
    );
    check_tcp("py_rfc5424_tcp.bin", 1, "<12>1 2026-11-21T", "login failed");
    check_tcp("flb_syslog_tcp.bin", 19, "<14>1 2026-11-21T", "");
}

#[test]
fn a_foreign_protocol_is_survived() {
    let texts = replay_tcp("flb_forward.bin", 1000);
    assert!(!texts.is_empty());
}

fn check_udp(name: &str, count: usize, last_starts: &str, last_ends: &str) {
    let house = open();
    let sender = UdpSocket::bind("127.0.0.1:0").unwrap();
    let bytes = capture(name);
    let mut rest = &bytes[..];
    while let Some((len, tail)) = rest.split_first_chunk::<4>() {
        let (datagram, tail) = tail.split_at(u32::from_be_bytes(*len) as usize);
        sender.send_to(datagram, house.udp).unwrap();
        rest = tail;
    }
    let texts = house.door.wait_for(count);
    assert_eq!(texts.len(), count, "{name}: {texts:#?}");
    let last = texts.last().unwrap();
    assert!(
        last.starts_with(last_starts) && last.ends_with(last_ends),
        "{last:?}"
    );
    assert!(
        house
            .door
            .frames
            .lock()
            .unwrap()
            .iter()
            .all(|got| &*got.source == "udp-hosts")
    );
}

#[test]
fn captures_over_udp() {
    check_udp(
        "logger_3164_udp.bin",
        1,
        "<84>Nov 21 08:16:13 vm sshd: Failed",
        "port 22 ssh2",
    );
    check_udp("logger_5424_udp.bin", 1, "<84>1 2026-11-21T", "");
    check_udp(
        "syslogng_3164_udp.bin",
        3,
        "<85>Nov 21 08:19:02 vm sudo:",
        "/bin/sh",
    );
}

#[test]
fn a_burst_of_datagrams_is_kept_or_counted() {
    let house = open();
    let sender = UdpSocket::bind("127.0.0.1:0").unwrap();
    for n in 0..2_000 {
        sender
            .send_to(format!("<1>message {n}").as_bytes(), house.udp)
            .unwrap();
    }
    let texts = house.door.wait_for(2_000);
    assert_eq!(texts[1_999], "<1>message 1999");
    house.door.be(Mood::Busy(Duration::from_millis(5)));
    sender.send_to(b"<1>lost", house.udp).unwrap();
    let lost = |wanted: Loss| {
        move |door: &FakeDoor| {
            let is_lost = |note: &Occurrence| match note {
                Occurrence::FramesLost { reason, count, .. } => *reason == wanted && *count == 1,
                _ => false,
            };
            door.notes().iter().any(is_lost)
        }
    };
    house.door.wait_until(lost(Loss::Busy));
    house.door.be(Mood::Refuse(Refusal::DiskFull));
    sender.send_to(b"<1>lost too", house.udp).unwrap();
    house
        .door
        .wait_until(lost(Loss::Refused(Refusal::DiskFull)));
    sender.send_to(b"\n", house.udp).unwrap();
    house.door.wait_until(|door| {
        let is_empty =
            |note: &Occurrence| matches!(note, Occurrence::ItemsRefused { count: 1, .. });
        door.notes().iter().any(is_empty)
    });
}

#[test]
fn a_busy_door_slows_a_stream_and_loses_nothing() {
    let house = open();
    for _ in 0..5 {
        house.door.be(Mood::Busy(Duration::from_millis(20)));
    }
    let mut stream = TcpStream::connect(house.tcp).unwrap();
    for n in 0..20_000 {
        writeln!(stream, "<1>message {n}").unwrap();
    }
    let texts = house.door.wait_for(20_000);
    assert_eq!(texts[19_999], "<1>message 19999");
}

#[test]
fn long_messages_are_cut_and_told() {
    let house = open();
    let mut stream = TcpStream::connect(house.tcp).unwrap();
    let long = "x".repeat(FRAME_BYTES_MAX + 77);
    writeln!(stream, "{} <1>{long}<1>next", long.len() + 3).unwrap();
    house.door.wait_for(2);
    let frames = house.door.frames.lock().unwrap().clone();
    assert_eq!((frames[0].len, frames[0].cut), (FRAME_BYTES_MAX, true));
    assert_eq!(frames[1].text, "<1>next");
    house.door.wait_until(|door| {
        let skipped = door.notes().iter().fold((0, 0), |sum, note| match note {
            Occurrence::FramesCut {
                count,
                bytes_skipped,
                ..
            } => (sum.0 + count, sum.1 + bytes_skipped),
            _ => sum,
        });
        skipped == (1, 80)
    });
}

#[test]
fn silence_and_the_order_to_stop_close_connections() {
    let house = open();
    let silent = TcpStream::connect(house.tcp).unwrap();
    house.door.wait_until(|door| {
        let is_silent = |note: &Occurrence| matches!(note, Occurrence::ConnectionSilent { .. });
        door.notes().iter().any(is_silent)
    });
    drop(silent);
    let mut stream = TcpStream::connect(house.tcp).unwrap();
    stream.write_all(b"<1>one\n<1>two without end").unwrap();
    house.door.wait_for(1);
    house.stop.send(true).unwrap();
    assert_eq!(house.door.wait_for(2)[1], "<1>two without end");
    house.door.wait_until(|door| {
        let is_stop = |note: &&Occurrence| matches!(note, Occurrence::ListenerStopped { .. });
        door.notes().iter().filter(is_stop).count() == 2
    });
}
