//! The stand every journey starts from: a folder with a configuration, the program, and waiting
//! on conditions with a ceiling that even a loaded machine keeps.

use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use serde_json::Value;

/// Longest wait for anything: never reached by a sound program, short enough to end a night.
pub(crate) const CEILING: Duration = Duration::from_mins(3);
/// Pause between two looks at a condition.
const LOOK: Duration = Duration::from_millis(10);
/// Who sits at the terminal.
pub(crate) const OPERATOR: &str = "kim";

/// Waits until `look` finds something.
pub(crate) fn eventually<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(start.elapsed() < CEILING, "never happened: {what}");
        std::thread::sleep(LOOK);
    }
}

/// A file of the repository's fixtures.
pub(crate) fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../fixtures/logs")
        .join(name)
}

/// A folder with a configuration, removed when the journey ends well.
#[derive(Debug)]
pub(crate) struct Stand {
    dir: PathBuf,
}

impl Stand {
    /// A stand whose doors are free ports; `more` is added to its configuration, with `DIR`
    /// replaced by the folder.
    pub(crate) fn new(name: &str, more: &str) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let dir = Path::new(env!("CARGO_TARGET_TMPDIR"))
            .join(format!("{name}-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&dir).unwrap();
        let stand = Self { dir };
        let config = format!(
            "[data]\ndir = 'DIR/data'\n[admin]\nlisten = '127.0.0.1:0'\n\
             [intake.http]\nlisten = '127.0.0.1:0'\n[alert.stdout]\nformat = 'json'\n{more}"
        );
        let config = config.replace("DIR", &stand.dir.display().to_string());
        stand.write("belfry.toml", config.as_bytes());
        stand
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    pub(crate) fn shown(&self, name: &str) -> String {
        self.path(name).display().to_string()
    }

    pub(crate) fn write(&self, name: &str, bytes: &[u8]) -> String {
        std::fs::write(self.path(name), bytes).unwrap();
        self.shown(name)
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_belfry"));
        command
            .args(["--config", &self.shown("belfry.toml")])
            .args(arguments)
            .current_dir(&self.dir)
            .env_remove("SUDO_USER")
            .env("USER", OPERATOR)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    /// Says `arguments` to the program and hears it out.
    pub(crate) fn belfry(&self, arguments: &[&str]) -> Said {
        self.belfry_fed(arguments, Vec::new())
    }

    /// The same with `input` on standard input.
    pub(crate) fn belfry_fed(&self, arguments: &[&str], input: Vec<u8>) -> Said {
        let mut child = self.command(arguments).spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        let feeding = std::thread::spawn(move || {
            // The program may have heard enough before the end.
            let _ = stdin.write_all(&input);
        });
        let mouths = Mouths::of(&mut child);
        let (code, memory_kib) = wait(&mut child, &arguments.join(" "));
        feeding.join().unwrap();
        let (out, err) = mouths.join();
        let line = arguments.join(" ");
        Said {
            line,
            code,
            out,
            err,
            memory_kib,
        }
    }

    /// Says `arguments` with `--format json`, expects `code` and JSON on each line.
    pub(crate) fn json(&self, arguments: &[&str], code: i32) -> Vec<Value> {
        let all = [arguments, &["--format", "json"]].concat();
        self.belfry(&all).ends(code).values()
    }

    /// Everything that `query` finds.
    pub(crate) fn search(&self, query: &str) -> Vec<Value> {
        self.json(&["search", query, "--limit", "100000"], 0)
    }

    /// Makes a token for `source`.
    pub(crate) fn token(&self, source: &str) -> String {
        let made = self.json(&["token", "create", source], 0);
        made[0]["token"].as_str().unwrap().to_owned()
    }

    /// Expects the ledger to be whole; how many entries it has.
    pub(crate) fn verify(&self) -> u64 {
        let report = self.json(&["verify"], 0);
        assert_eq!(report[0]["ok"], true, "{report:?}");
        report[0]["tree_size"].as_u64().unwrap()
    }

    /// Starts `belfry run` and waits until its doors are open.
    pub(crate) fn run(&self) -> Running {
        self.run_with(&[])
    }

    /// The same with more words on the command line.
    pub(crate) fn run_with(&self, more: &[&str]) -> Running {
        Self::opened(self.command(&[&["run"], more].concat()), "/metrics\n")
    }

    /// Starts `belfry witness serve` and waits until its door is open.
    pub(crate) fn serve_witness(&self) -> Running {
        let command = self.command(&["witness", "serve"]);
        Self::opened(command, "/add-checkpoint\n")
    }

    /// As `run`, in a shell that has done `before`, such as setting a limit of the system.
    pub(crate) fn run_after(&self, before: &str) -> Running {
        let plain = self.command(&["run"]);
        let mut command = Command::new("sh");
        command
            .arg("-c")
            .arg(format!("{before}; exec \"$0\" \"$@\""));
        command.arg(plain.get_program()).args(plain.get_args());
        command
            .current_dir(&self.dir)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        Self::opened(command, "/metrics\n")
    }

    /// Starts a process that stays, and waits until it has said `last`.
    fn opened(mut command: Command, last: &str) -> Running {
        let mut child = command.spawn().unwrap();
        let mouths = Mouths::of(&mut child);
        let mut running = Running {
            child,
            mouths: Some(mouths),
            http: None,
            operator: None,
            udp: None,
            tcp: None,
            publish: None,
            witness: None,
        };
        let greeting = eventually("belfry opens its doors", || {
            let said = running.talk();
            if let Some(status) = running.child.try_wait().unwrap() {
                panic!("belfry ended with {status}: {said}");
            }
            said.contains(last).then_some(said)
        });
        for line in greeting.lines() {
            let words: Vec<&str> = line.split_whitespace().collect();
            match words.as_slice() {
                ["events", "POST", url] => running.http = address(url),
                ["operator", url] => running.operator = address(url),
                ["syslog", "udp", at, ..] => running.udp = address(at),
                ["syslog", "tcp", at, ..] => running.tcp = address(at),
                ["publish", url] => running.publish = address(url),
                ["witness", url] => running.witness = address(url),
                _ => {}
            }
        }
        running
    }
}

impl Drop for Stand {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            // A folder that stays behind lies in the build folder and harms nobody.
            let _ = std::fs::remove_dir_all(&self.dir);
        }
    }
}

fn address(url: &str) -> Option<SocketAddr> {
    let rest = url.strip_prefix("http://").unwrap_or(url);
    rest.split('/').next()?.parse().ok()
}

/// What a command said and how it ended.
#[derive(Debug)]
pub(crate) struct Said {
    line: String,
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
    /// The most memory it held at once.
    pub(crate) memory_kib: u64,
}

impl Said {
    /// Expects it to have ended with `code`.
    pub(crate) fn ends(self, code: i32) -> Self {
        let Self { line, out, err, .. } = &self;
        assert_eq!(
            self.code, code,
            "belfry {line}\n--- out\n{out}\n--- err\n{err}"
        );
        self
    }

    /// Each line of its data as JSON.
    pub(crate) fn values(&self) -> Vec<Value> {
        let value = |line: &str| -> Value {
            serde_json::from_str(line)
                .unwrap_or_else(|error| panic!("belfry {}: {error}: {line}", self.line))
        };
        self.out.lines().map(value).collect()
    }

    /// Its data as one JSON object.
    pub(crate) fn value(&self) -> Value {
        let mut values = self.values();
        assert_eq!(values.len(), 1, "belfry {}: {}", self.line, self.out);
        values.remove(0)
    }
}

/// Waits for the end of `child`; its exit code and the most memory it was seen to hold.
fn wait(child: &mut Child, what: &str) -> (i32, u64) {
    let start = Instant::now();
    let mut memory_kib = 0;
    loop {
        memory_kib = memory_kib.max(peak_memory_kib(child.id()).unwrap_or(0));
        if let Some(status) = child.try_wait().unwrap() {
            return (status.code().unwrap_or(-1), memory_kib);
        }
        if start.elapsed() > CEILING * 5 {
            child.kill().unwrap();
            panic!("belfry {what} does not end");
        }
        std::thread::sleep(LOOK);
    }
}

/// The most memory that the process `id` held so far.
pub(crate) fn peak_memory_kib(id: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{id}/status")).ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

/// Listens to both outputs of a child while it lives.
#[derive(Debug)]
struct Mouths {
    out: Arc<Mutex<String>>,
    err: Arc<Mutex<String>>,
    threads: Vec<JoinHandle<()>>,
}

impl Mouths {
    fn of(child: &mut Child) -> Self {
        let out: ChildStdout = child.stdout.take().unwrap();
        let err: ChildStderr = child.stderr.take().unwrap();
        let mut mouths = Self {
            out: Arc::default(),
            err: Arc::default(),
            threads: Vec::new(),
        };
        mouths.threads = vec![hear(out, &mouths.out), hear(err, &mouths.err)];
        mouths
    }

    fn join(self) -> (String, String) {
        for thread in self.threads {
            thread.join().unwrap();
        }
        let text = |heard: &Mutex<String>| heard.lock().unwrap().clone();
        (text(&self.out), text(&self.err))
    }
}

fn hear(pipe: impl Read + Send + 'static, heard: &Arc<Mutex<String>>) -> JoinHandle<()> {
    let heard = Arc::clone(heard);
    std::thread::spawn(move || {
        let mut pipe = BufReader::new(pipe);
        let mut line = Vec::new();
        while pipe
            .read_until(b'\n', &mut line)
            .is_ok_and(|count| count > 0)
        {
            let text = String::from_utf8(std::mem::take(&mut line));
            heard
                .lock()
                .unwrap()
                .push_str(&text.expect("we write UTF-8 only"));
        }
    })
}

/// A `belfry run` with open doors; killed when dropped.
#[derive(Debug)]
pub(crate) struct Running {
    child: Child,
    mouths: Option<Mouths>,
    http: Option<SocketAddr>,
    operator: Option<SocketAddr>,
    udp: Option<SocketAddr>,
    tcp: Option<SocketAddr>,
    publish: Option<SocketAddr>,
    witness: Option<SocketAddr>,
}

impl Running {
    /// Where it serves strangers.
    pub(crate) fn publish(&self) -> SocketAddr {
        self.publish.unwrap()
    }

    /// Where it takes checkpoints of others.
    pub(crate) fn witness(&self) -> SocketAddr {
        self.witness.unwrap()
    }

    /// Gets `path` from the address for strangers; what is no text comes as marks.
    pub(crate) fn published(&self, path: &str) -> (u16, String) {
        let (status, body) = self.published_bytes(path);
        (status, String::from_utf8_lossy(&body).into_owned())
    }

    /// The same as bytes.
    pub(crate) fn published_bytes(&self, path: &str) -> (u16, Vec<u8>) {
        let url = format!("http://{}{path}", self.publish());
        let mut answer = agent().get(url).call().unwrap();
        let body = answer.body_mut().read_to_vec().unwrap();
        (answer.status().as_u16(), body)
    }

    pub(crate) fn http(&self) -> SocketAddr {
        self.http.unwrap()
    }

    pub(crate) fn udp(&self) -> SocketAddr {
        self.udp.unwrap()
    }

    pub(crate) fn tcp(&self) -> SocketAddr {
        self.tcp.unwrap()
    }

    /// Its process id.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Sends it the signal `name` and waits for its end: how it ended and what it wrote.
    pub(crate) fn signal(mut self, name: &str) -> (ExitStatus, String, String) {
        let id = self.id().to_string();
        let sent = Command::new("sh")
            .args(["-c", "kill -$0 $1", name, &id])
            .status();
        assert!(sent.unwrap().success());
        let status = eventually("the signal ends it", || self.child.try_wait().unwrap());
        let (out, err) = self.mouths.take().unwrap().join();
        (status, out, err)
    }

    /// What it wrote to standard output so far.
    pub(crate) fn data(&self) -> String {
        let mouths = self.mouths.as_ref().unwrap();
        mouths.out.lock().unwrap().clone()
    }

    /// What it wrote to standard error so far.
    pub(crate) fn talk(&self) -> String {
        let mouths = self.mouths.as_ref().unwrap();
        mouths.err.lock().unwrap().clone()
    }

    /// Posts `body` as a sender with `token`.
    pub(crate) fn post(&self, token: &str, body: impl AsRef<[u8]>) -> Answer {
        post(self.http(), token, &[], body.as_ref()).unwrap()
    }

    /// Gets `path` from the operator's address.
    pub(crate) fn get(&self, path: &str) -> (u16, String) {
        let url = format!("http://{}{path}", self.operator.unwrap());
        let mut answer = agent().get(url).call().unwrap();
        let text = answer.body_mut().read_to_string().unwrap();
        (answer.status().as_u16(), text)
    }

    /// Sends `bytes` over one TCP connection to the syslog listener.
    pub(crate) fn send_tcp(&self, bytes: &[u8]) {
        let mut stream = TcpStream::connect(self.tcp()).unwrap();
        // A listener that has heard enough of a foreign protocol may hang up.
        let _ = stream.write_all(bytes);
    }

    /// Sends `bytes` as one datagram to the syslog listener.
    pub(crate) fn send_udp(&self, bytes: &[u8]) {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.send_to(bytes, self.udp()).unwrap();
    }

    /// Asks it to stop as systemd would; what it said.
    pub(crate) fn stop(mut self) -> Said {
        let id = self.child.id().to_string();
        let asked = Command::new("sh")
            .args(["-c", "kill -TERM $0", &id])
            .status();
        assert!(asked.unwrap().success());
        let (code, memory_kib) = wait(&mut self.child, "run");
        let (out, err) = self.mouths.take().unwrap().join();
        let said = Said {
            line: "run".to_owned(),
            code,
            out,
            err,
            memory_kib,
        };
        said.ends(0)
    }

    /// Ends it as a power cut would; what it wrote to standard output.
    pub(crate) fn kill(mut self) -> String {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        self.mouths.take().unwrap().join().0
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It has ended already on every way but that of a panic.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if let Some(mouths) = self.mouths.take() {
            let (out, err) = mouths.join();
            eprintln!("belfry run said:\n{err}{out}");
        }
    }
}

/// An answer to a sender.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Value,
}

impl Answer {
    pub(crate) fn is(self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.body);
        self.body
    }
}

fn agent() -> ureq::Agent {
    let config = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .timeout_global(Some(CEILING))
        .build();
    ureq::Agent::new_with_config(config)
}

/// Posts `body` to the events of `http`; an empty `token` sends none.
pub(crate) fn post(
    http: SocketAddr,
    token: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> Result<Answer, ureq::Error> {
    let mut request = agent().post(format!("http://{http}/v1/events"));
    if !token.is_empty() {
        request = request.header("authorization", format!("Bearer {token}"));
    }
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let mut answer = request.send(body)?;
    let text = answer.body_mut().read_to_string()?;
    Ok(Answer {
        status: answer.status().as_u16(),
        body: serde_json::from_str(&text).unwrap_or(Value::String(text)),
    })
}

/// One JSON event a line.
pub(crate) fn ndjson(events: impl IntoIterator<Item = Value>) -> String {
    let mut text = String::new();
    for event in events {
        writeln!(text, "{event}").unwrap();
    }
    text
}

/// The text of `name` in each of `entries`.
pub(crate) fn texts<'a>(entries: &'a [Value], name: &str) -> Vec<&'a str> {
    entries
        .iter()
        .filter_map(|entry| entry[name].as_str())
        .collect()
}
