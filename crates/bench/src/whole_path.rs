//! The whole path as a user has it: the real binary, HTTP batches over loopback, rules on, fsync
//! on, the load made on the same two cores.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::Context;

use crate::corpus;
use crate::{Asked, Figure};

/// Events in one request.
const BATCH: usize = 1_000;
/// Connections that send at the same time.
pub(crate) const CONNECTIONS: usize = 4;
/// Longest wait for the binary to answer.
const START_MAX: Duration = Duration::from_secs(20);
/// Longest wait for the rules to reach the head.
const SETTLE_MAX: Duration = Duration::from_mins(1);

/// The figures: acknowledged events, and the same until the rules have seen them.
pub(crate) fn figures(asked: &Asked) -> anyhow::Result<Vec<Figure>> {
    let (acked, watched) = (
        "whole path over HTTP: acknowledged",
        "whole path over HTTP: watched",
    );
    if !asked.wants(acked) && !asked.wants(watched) {
        return Ok(Vec::new());
    }
    let server = Server::start("[alert.stdout]\nenabled = false\n")?;
    let requests = requests(&server);
    let start = Instant::now();
    let threads: Vec<_> = (0..CONNECTIONS)
        .map(|at| {
            let (address, measure) = (server.intake, asked.measure);
            let mine: Vec<_> = requests
                .iter()
                .skip(at)
                .step_by(CONNECTIONS)
                .cloned()
                .collect();
            std::thread::spawn(move || {
                send(address, &mine, start, measure, &AtomicBool::new(false))
            })
        })
        .collect();
    let mut sent = 0;
    for thread in threads {
        sent += thread
            .join()
            .map_err(|_| anyhow::anyhow!("a sender panicked"))??;
    }
    let elapsed = start.elapsed();
    let bytes = sent * corpus_bytes_mean();
    server.settle()?;
    let settled = start.elapsed();
    server.stop()?;
    Ok(vec![
        Figure {
            name: acked,
            count: sent,
            bytes,
            elapsed,
        },
        Figure {
            name: watched,
            count: sent,
            bytes,
            elapsed: settled,
        },
    ])
}

fn corpus_bytes_mean() -> u64 {
    let lines = corpus::json_lines();
    lines.iter().map(|line| line.len() as u64).sum::<u64>() / lines.len() as u64
}

pub(crate) fn requests(server: &Server) -> Vec<Vec<u8>> {
    let lines = corpus::json_lines();
    let request = |batch: &[String]| request(server, &batch.join("\n"));
    lines.chunks(BATCH).map(request).collect()
}

fn request(server: &Server, body: &str) -> Vec<u8> {
    let head = format!(
        "POST /v1/events HTTP/1.1\r\nhost: belfry\r\nauthorization: Bearer {}\r\n\
         content-type: application/x-ndjson\r\ncontent-length: {}\r\n\r\n",
        server.token,
        body.len()
    );
    [head.as_bytes(), body.as_bytes()].concat()
}

pub(crate) fn send(
    address: SocketAddr,
    requests: &[Vec<u8>],
    start: Instant,
    measure: Duration,
    stop: &AtomicBool,
) -> anyhow::Result<u64> {
    let stream = TcpStream::connect(address).context("connecting to the intake")?;
    stream.set_nodelay(true)?;
    let (mut reader, mut writer) = (BufReader::new(stream.try_clone()?), stream);
    let mut sent = 0;
    for request in requests.iter().cycle() {
        if start.elapsed() >= measure || stop.load(Ordering::Acquire) {
            break;
        }
        writer.write_all(request)?;
        match answer(&mut reader)? {
            200..300 => sent += BATCH as u64,
            429 | 503 => std::thread::sleep(Duration::from_millis(20)),
            status => anyhow::bail!("the intake answered {status}"),
        }
    }
    Ok(sent)
}

/// Sends `body` in a request of its own and returns the status.
pub(crate) fn post_once(server: &Server, body: &str) -> anyhow::Result<u16> {
    let stream = TcpStream::connect(server.intake).context("connecting to the intake")?;
    stream.set_nodelay(true)?;
    let (mut reader, mut writer) = (BufReader::new(stream.try_clone()?), stream);
    writer.write_all(&request(server, body))?;
    answer(&mut reader)
}

/// Reads one answer and returns its status.
fn answer(reader: &mut BufReader<TcpStream>) -> anyhow::Result<u16> {
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let status = line
        .split(' ')
        .nth(1)
        .and_then(|status| status.parse().ok());
    let status = status.context("the answer has no status line")?;
    let mut length = 0;
    loop {
        line.clear();
        reader.read_line(&mut line)?;
        if line.trim().is_empty() {
            break;
        }
        let lower = line.to_ascii_lowercase();
        if let Some(value) = lower.strip_prefix("content-length:") {
            length = value.trim().parse().context("a content length")?;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    Ok(status)
}

pub(crate) struct Server {
    child: Child,
    folder: PathBuf,
    pub(crate) intake: SocketAddr,
    admin: SocketAddr,
    token: String,
}

impl Server {
    /// Starts the binary; `more` is added to its configuration.
    pub(crate) fn start(more: &str) -> anyhow::Result<Self> {
        let binary = binary()?;
        let folder = std::env::temp_dir().join(format!("belfry-bench-run-{}", std::process::id()));
        std::fs::create_dir_all(&folder)?;
        let (intake, admin) = (free_address()?, free_address()?);
        let config = folder.join("belfry.toml");
        let text = format!(
            "[data]\ndir = \"{}\"\n[admin]\nlisten = \"{admin}\"\n[intake.http]\nlisten = \
             \"{intake}\"\n{more}",
            folder.join("data").display()
        );
        std::fs::write(&config, text)?;
        let child = command(&binary, &config)
            .arg("run")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn();
        let child = child.context("starting the binary")?;
        let mut server = Self {
            child,
            folder,
            intake,
            admin,
            token: String::new(),
        };
        server.wait_for("livez", |_| true, START_MAX)?;
        let made = command(&binary, &config)
            .args(["token", "create", "bench"])
            .output()?;
        String::from_utf8(made.stdout)?
            .trim()
            .clone_into(&mut server.token);
        anyhow::ensure!(!server.token.is_empty(), "no token was made");
        Ok(server)
    }

    /// Waits until no entry is unwatched.
    fn settle(&self) -> anyhow::Result<()> {
        self.wait_for(
            "metrics",
            |page| page.contains("\nbelfry_watch_lag_entries 0\n"),
            SETTLE_MAX,
        )
    }

    fn wait_for(
        &self,
        page: &str,
        is_right: impl Fn(&str) -> bool,
        max: Duration,
    ) -> anyhow::Result<()> {
        let start = Instant::now();
        while start.elapsed() < max {
            let answer = ureq::get(format!("http://{}/{page}", self.admin)).call();
            if let Ok(mut answer) = answer
                && is_right(&answer.body_mut().read_to_string()?)
            {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        anyhow::bail!("/{page} did not become right within {max:?}")
    }

    /// What it writes to standard output; once.
    pub(crate) fn stdout(&mut self) -> Option<ChildStdout> {
        self.child.stdout.take()
    }

    pub(crate) fn stop(mut self) -> anyhow::Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        std::fs::remove_dir_all(&self.folder).context("removing the bench's folder")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // On the way out after an error: leave no process behind.
        let _ = self.child.kill();
    }
}

fn command(binary: &Path, config: &Path) -> Command {
    let mut command = Command::new(binary);
    command.arg("--config").arg(config);
    command
}

fn binary() -> anyhow::Result<PathBuf> {
    let mut path = std::env::current_exe().context("finding this program")?;
    path.set_file_name("belfry");
    anyhow::ensure!(
        path.exists(),
        "build the binary first: cargo build --release"
    );
    Ok(path)
}

fn free_address() -> anyhow::Result<SocketAddr> {
    Ok(std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}
