//! Opens the doors: every address is bound before anything is served, so that a taken port stops
//! the start and not the night. Tokio lives here and in what it calls.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::Context;
use intake::http::{HttpConfig, ServeConfig};
use intake::syslog::{TcpConfig, UdpConfig};
use intake::tail::{Start, TailConfig, TailFile};
use intake::{Door, http, syslog, tail};
use tokio::net::{TcpListener, UdpSocket};
use tokio::runtime::Runtime;
use tokio::sync::watch;
use tokio::task::JoinHandle as Task;
use witness::{Store, log_server};

use crate::config::Config;
use crate::exit_code::bad_input;
use crate::house::House;
use crate::{admin, keys, talk, tower};

/// The signal that asks for the rules to be loaded anew.
pub(crate) const RELOAD_SIGNAL: &str = "SIGHUP";

/// Threads that wait for sockets.
const SOCKET_THREADS: usize = 2;
/// Longest wait for requests in progress when the doors close.
const CLOSE_MAX: Duration = Duration::from_secs(15);
/// Pause between looks at file readers that are told to end.
const TAIL_PAUSE: Duration = Duration::from_millis(20);

/// The open doors.
#[derive(Debug)]
pub(crate) struct Doors {
    /// Where events are taken over HTTP.
    pub(crate) http_address: Option<SocketAddr>,
    /// Where the operator's API answers.
    pub(crate) admin_address: SocketAddr,
    /// The other doors, for people.
    pub(crate) described: Vec<String>,
    runtime: Runtime,
    stop: watch::Sender<bool>,
    tasks: Vec<Task<()>>,
    tails: Vec<JoinHandle<()>>,
    signals: mpsc::Receiver<String>,
}

/// Sockets bound and not served yet.
struct Bound {
    http: Option<TcpListener>,
    admin: TcpListener,
    publish: Option<TcpListener>,
    witness: Option<TcpListener>,
    udp: Vec<(String, UdpSocket)>,
    tcp: Vec<(String, TcpListener)>,
}

impl Doors {
    /// Binds everything, then serves.
    pub(crate) fn open(house: &Arc<House>) -> anyhow::Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(SOCKET_THREADS)
            .enable_all()
            .build()
            .context("starting the socket threads")?;
        let bound = runtime.block_on(Bound::bind(&house.config))?;
        let (stop, stopped) = watch::channel(false);
        let (signal, signals) = mpsc::channel();
        let mut doors = Self {
            http_address: bound
                .http
                .as_ref()
                .map(TcpListener::local_addr)
                .transpose()?,
            admin_address: bound.admin.local_addr()?,
            described: Vec::new(),
            runtime,
            stop,
            tasks: Vec::new(),
            tails: Vec::new(),
            signals,
        };
        doors.runtime.spawn(hear_signals(signal));
        doors.serve(bound, house, &stopped)?;
        doors.follow_files(house, &stopped)?;
        Ok(doors)
    }

    fn serve(
        &mut self,
        bound: Bound,
        house: &Arc<House>,
        stopped: &watch::Receiver<bool>,
    ) -> anyhow::Result<()> {
        let door = || -> Arc<dyn Door> { Arc::clone(&house.pipeline) as Arc<dyn Door> };
        let token = Arc::new(keys::admin_token(
            house.disk.as_ref(),
            &house.config.data_dir,
        )?);
        let shared = admin::Shared {
            house: Arc::clone(house),
            token,
        };
        let config = ServeConfig::standard();
        let served = http::serve(
            bound.admin,
            admin::router(shared),
            config,
            door(),
            stopped.clone(),
        );
        self.tasks.push(self.runtime.spawn(ended(served)));
        if let Some(socket) = bound.http {
            let (tokens, clock) = (house.tokens.book(), Arc::clone(&house.clock));
            let router = http::router(HttpConfig::standard(), door(), tokens, clock);
            let config = ServeConfig::standard();
            let served = http::serve(socket, router, config, door(), stopped.clone());
            self.tasks.push(self.runtime.spawn(ended(served)));
        }
        self.serve_strangers((bound.publish, bound.witness), house, stopped)?;
        for (source, socket) in bound.udp {
            self.described.push(format!(
                "syslog udp     {} ({source})",
                socket.local_addr()?
            ));
            let config = UdpConfig {
                source: source.into(),
            };
            let clock = Arc::clone(&house.clock);
            let served = syslog::serve_udp(socket, config, door(), clock, stopped.clone());
            self.tasks.push(self.runtime.spawn(ended(served)));
        }
        for (source, socket) in bound.tcp {
            self.described.push(format!(
                "syslog tcp     {} ({source})",
                socket.local_addr()?
            ));
            let config = TcpConfig::standard(source.into());
            let clock = Arc::clone(&house.clock);
            let served = syslog::serve_tcp(socket, config, door(), clock, stopped.clone());
            self.tasks.push(self.runtime.spawn(ended(served)));
        }
        Ok(())
    }

    /// The doors that ask for no token: what the ledger publishes, and our witness.
    fn serve_strangers(
        &mut self,
        (publish, witness): (Option<TcpListener>, Option<TcpListener>),
        house: &Arc<House>,
        stopped: &watch::Receiver<bool>,
    ) -> anyhow::Result<()> {
        let door = || -> Arc<dyn Door> { Arc::clone(&house.pipeline) as Arc<dyn Door> };
        if let Some(socket) = publish {
            let address = socket.local_addr()?;
            self.described
                .push(format!("publish        http://{address}/checkpoint"));
            let router = log_server::router(published(house));
            let served = http::serve(
                socket,
                router,
                ServeConfig::standard(),
                door(),
                stopped.clone(),
            );
            self.tasks.push(self.runtime.spawn(ended(served)));
        }
        if let Some(socket) = witness {
            let address = socket.local_addr()?;
            self.described
                .push(format!("witness        http://{address}/add-checkpoint"));
            let store = tower::open(&house.config, &house.disk, &house.clock)?;
            let router = witness::server::router(Arc::new(store), tower::alarm(&house.own));
            let served = http::serve(
                socket,
                router,
                ServeConfig::standard(),
                door(),
                stopped.clone(),
            );
            self.tasks.push(self.runtime.spawn(ended(served)));
        }
        Ok(())
    }

    /// One thread for the files that start at their beginning, one for those that start at
    /// their end.
    fn follow_files(
        &mut self,
        house: &Arc<House>,
        stopped: &watch::Receiver<bool>,
    ) -> anyhow::Result<()> {
        for (from_end, start, name) in [
            (false, Start::Beginning, "tail-positions"),
            (true, Start::End, "tail-positions-end"),
        ] {
            let chosen = house
                .config
                .files
                .iter()
                .filter(|file| file.from_end == from_end);
            let files: Vec<TailFile> = chosen
                .map(|file| TailFile {
                    source: file.source.as_str().into(),
                    path: file.path.clone(),
                })
                .collect();
            if files.is_empty() {
                continue;
            }
            for file in &files {
                let shown = file.path.display();
                self.described
                    .push(format!("file           {shown} ({})", file.source));
            }
            let positions: PathBuf = house.config.data_dir.join(name);
            let config = TailConfig {
                start,
                ..TailConfig::standard(files, positions)
            };
            let disk = Arc::clone(&house.disk);
            let door: Arc<dyn Door> = Arc::clone(&house.pipeline) as Arc<dyn Door>;
            let (clock, stopped) = (Arc::clone(&house.clock), stopped.clone());
            let follow = move || tail::run(config, disk, door, clock, stopped);
            let thread = std::thread::Builder::new()
                .name("tail".to_owned())
                .spawn(follow);
            self.tails.push(thread.context("starting to follow files")?);
        }
        Ok(())
    }

    /// Why the doors cannot go on, if one of them has ended.
    pub(crate) fn fault(&self) -> Option<String> {
        let has_ended = self.tasks.iter().any(Task::is_finished)
            || self.tails.iter().any(JoinHandle::is_finished);
        has_ended.then(|| "a listener or the reader of followed files has ended".to_owned())
    }

    /// The signal that was heard within `wait`, if one was.
    pub(crate) fn signal(&self, wait: Duration) -> Option<String> {
        self.signals.recv_timeout(wait).ok()
    }

    /// Takes no new work, finishes what is in progress, closes.
    pub(crate) fn close(self) {
        // Nobody listens only when all tasks have ended already.
        let _ = self.stop.send(true);
        let tasks = self.tasks;
        self.runtime.block_on(async {
            let all = async {
                for task in tasks {
                    // A task that panicked has closed its socket.
                    let _ = task.await;
                }
            };
            let _ = tokio::time::timeout(CLOSE_MAX, all).await;
        });
        let start = Instant::now();
        while start.elapsed() < CLOSE_MAX && !self.tails.iter().all(JoinHandle::is_finished) {
            std::thread::sleep(TAIL_PAUSE);
        }
        self.runtime.shutdown_timeout(CLOSE_MAX);
    }
}

impl Bound {
    async fn bind(config: &Config) -> anyhow::Result<Self> {
        let http = match config.http_listen {
            Some(address) => Some(tcp(address, "intake.http.listen").await?),
            None => None,
        };
        let admin = tcp(config.admin_listen, "admin.listen").await?;
        let publish = match config.publish_listen {
            Some(address) => Some(tcp(address, "publish.listen").await?),
            None => None,
        };
        let witness = if config.witness.is_served {
            Some(tcp(config.witness.serve_address, "witness.serve.listen").await?)
        } else {
            None
        };
        let (mut udp_sockets, mut tcp_sockets) = (Vec::new(), Vec::new());
        for listen in &config.syslog_udp {
            let bound = syslog::bind_udp(listen.address).await;
            let address = listen.address;
            let (socket, _) = bound
                .map_err(|error| bad_input(format!("binding syslog udp {address}: {error}")))?;
            udp_sockets.push((listen.source.clone(), socket));
        }
        for listen in &config.syslog_tcp {
            let socket = tcp(listen.address, "intake.syslog_tcp.listen").await?;
            tcp_sockets.push((listen.source.clone(), socket));
        }
        Ok(Self {
            http,
            admin,
            publish,
            witness,
            udp: udp_sockets,
            tcp: tcp_sockets,
        })
    }
}

/// What strangers are given of the ledger.
fn published(house: &House) -> log_server::Source {
    let (reader, heads) = (house.reader.clone(), Arc::clone(&house.heads));
    Arc::new(move |resource| {
        let bytes = reader
            .resource(resource)
            .map_err(|error| error.to_string())?;
        // Of the checkpoint strangers get the one that the witnesses have seen.
        let is_checkpoint = resource.path() == "checkpoint";
        let note = is_checkpoint.then(|| heads.published()).flatten();
        Ok(note.map(|note| note.as_bytes().to_vec()).or(bytes))
    })
}

/// Runs a witness without a house around it until a signal comes.
pub(crate) fn serve_witness_alone(address: SocketAddr, store: Store) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(SOCKET_THREADS)
        .enable_all()
        .build()
        .context("starting the socket threads")?;
    runtime.block_on(async {
        let socket = tcp(address, "witness.serve.listen").await?;
        let shown = socket.local_addr()?;
        talk::say(&format!("  witness        http://{shown}/add-checkpoint"));
        let (stop, stopped) = watch::channel(false);
        let (signal, signals) = mpsc::channel();
        tokio::spawn(async move {
            hear_signals(signal).await;
            // Nobody listens only when serving has ended already.
            let _ = stop.send(true);
        });
        let router = witness::server::router(Arc::new(store), Arc::new(tower::tell));
        let door = Arc::new(tower::NoPipeline);
        http::serve(socket, router, ServeConfig::standard(), door, stopped)
            .await
            .context("serving")?;
        let reason = signals.try_recv();
        talk::say(&format!("stopping: {}", reason.unwrap_or_default()));
        anyhow::Ok(())
    })
}

async fn tcp(address: SocketAddr, key: &str) -> anyhow::Result<TcpListener> {
    let bound = TcpListener::bind(address).await;
    bound.map_err(|error| bad_input(format!("binding {address} (`{key}`): {error}")))
}

/// A listener that fails says so; the others go on.
async fn ended(served: impl Future<Output = std::io::Result<()>>) {
    if let Err(error) = served.await {
        crate::talk::say(&format!("a listener stopped: {error}"));
    }
}

async fn hear_signals(heard: mpsc::Sender<String>) {
    use tokio::signal::unix::{SignalKind, signal};
    let (Ok(mut terminate), Ok(mut interrupt), Ok(mut reload)) = (
        signal(SignalKind::terminate()),
        signal(SignalKind::interrupt()),
        signal(SignalKind::hangup()),
    ) else {
        return;
    };
    loop {
        let reason = tokio::select! {
            _ = terminate.recv() => "SIGTERM",
            _ = interrupt.recv() => "SIGINT",
            _ = reload.recv() => RELOAD_SIGNAL,
        };
        // The process may be on its way out for another reason already.
        if heard.send(reason.to_owned()).is_err() || reason != RELOAD_SIGNAL {
            return;
        }
    }
}
