//! Making, opening and closing a ledger.

use std::io;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Instant;

use disk::{Disk, DiskError, DiskLock, PAGE_BYTES};
use event::Index;
use stdx::Clock;
use tlog::{SigningKey, UnverifiedCheckpoint};
use zeroize::Zeroizing;

use crate::appender::Appender;
use crate::bodies::{Bodies, RewriteError};
use crate::catalog::{Catalog, Tail};
use crate::checkpointer::{Checkpointer, Handover, Notary};
use crate::config::Config;
use crate::epoch::Epochs;
use crate::error::{CheckpointError, ConfigError, CreateError, OpenError};
use crate::identity::{Identity, ReadIdentity, read_key, write_key};
use crate::integrate::{IntegrateError, Integrator, TileWriter};
use crate::layout::Layout;
use crate::leaf::{Kind, inline_record};
use crate::limits::{RESUME_BYTES_MAX, TEXT_FILE_BYTES_MAX};
use crate::live::Live;
use crate::queue::Queue;
use crate::reader::{Reader, Shared};
use crate::record_text;
use crate::recovery::{Recovery, Replayed, erase_tail, replay};
use crate::recovery_key::RecoveryKey;
use crate::sealing::{Sealer, Sealing, clear_leftovers};
use crate::segment::{FIRST_FRAME_OFFSET, SegmentView};
use crate::segment_writer::{FrameDraft, SegmentWriter, fresh_salt};
use crate::sequencer::Sequencer;
use crate::signed_state::{Signed, SignedState};
use crate::spare::Spare;

/// An open ledger: the only writer. Dropping it closes it.
#[derive(Debug)]
pub struct Ledger {
    shared: Arc<Shared>,
    queue: Arc<Queue>,
    handover: Arc<Handover>,
    spare: Arc<Spare>,
    sealing: Arc<Sealing>,
    threads: Vec<JoinHandle<()>>,
    _lock: Box<dyn DiskLock>,
}

impl Ledger {
    #[expect(
        clippy::needless_pass_by_value,
        reason = "the same signature as opening"
    )]
    /// Makes a new ledger with a fresh key and the genesis entry. Refuses when a ledger is there
    /// already; what a creation that broke off has left is cleared away first.
    pub fn create(
        disk: Arc<dyn Disk>,
        clock: Arc<dyn Clock>,
        config: &Config,
    ) -> Result<(), CreateError> {
        config.check()?;
        let layout = Layout::new(&config.dir);
        let dir = layout.dir().to_path_buf();
        let exists = || CreateError::Exists {
            path: layout.identity(),
        };
        // Whoever writes an identity has finished; only before that does the lock decide.
        if disk.stat(&layout.identity())?.is_some() {
            return Err(exists());
        }
        disk.create_dir_all(&dir)?;
        let _lock = match disk.lock(&layout.lock()) {
            Err(DiskError::Locked { .. }) => return Err(CreateError::InUse { dir }),
            outcome => outcome?,
        };
        match standing(&*disk, &layout)? {
            Standing::Whole => Err(exists()),
            Standing::Unknown => Err(CreateError::Unfinished { dir }),
            Standing::Unfinished | Standing::Nothing => make(&disk, &*clock, config, &layout),
        }
    }

    /// Opens a ledger for writing. Refuses when there is none, when its parts disagree, when
    /// another process has it open, and when acknowledged or signed entries are damaged. A ledger
    /// whose creation broke off is made anew: nothing was ever accepted into it.
    pub fn open(
        disk: Arc<dyn Disk>,
        clock: Arc<dyn Clock>,
        config: &Config,
    ) -> Result<(Self, Recovery), OpenError> {
        config.check()?;
        let layout = Layout::new(&config.dir);
        // Taking the lock makes a file, which has no place where nobody made a ledger.
        if !has_traces(&*disk, &layout)? {
            let dir = config.dir.clone();
            return Err(OpenError::Missing { dir });
        }
        let lock = lock(&*disk, &layout)?;
        let dir = config.dir.clone();
        match standing(&*disk, &layout)? {
            Standing::Whole => {}
            Standing::Nothing => return Err(OpenError::Missing { dir }),
            Standing::Unknown => return Err(OpenError::Unfinished { dir }),
            Standing::Unfinished => make(&disk, &*clock, config, &layout)
                .map_err(|error| OpenError::Create(Box::new(error)))?,
        }
        let (identity, key) = read_identity(&*disk, &layout, config)?;
        let epochs = open_epochs(&disk, &layout, &identity, config)?;
        let ready = recover(&disk, &*clock, &layout, (identity, key), epochs, None)?;
        let recovery = ready.recovery.clone();
        let ledger = Self::begin(disk, clock, layout, config, lock, ready)?;
        Ok((ledger, recovery))
    }

    /// Goes on with a new epoch key after the file of the old one was lost: the offline recovery
    /// key that the genesis entry names seals in its place. The ledger stays closed.
    pub fn recover_epoch_key(
        disk: &Arc<dyn Disk>,
        clock: &dyn Clock,
        config: &Config,
        recovery_key: &RecoveryKey,
    ) -> Result<(), OpenError> {
        let layout = Layout::new(&config.dir);
        if disk.stat(&layout.identity())?.is_none() {
            let dir = config.dir.clone();
            return Err(OpenError::Missing { dir });
        }
        let _lock = lock(&**disk, &layout)?;
        let identity = read_identity(&**disk, &layout, config)?;
        check_recovery_key(disk, &layout, recovery_key.signing_key())?;
        let origin = identity.0.origin.clone();
        let mut epochs =
            Epochs::after_loss(disk, &layout, &origin, recovery_key.signing_key().clone())?;
        // An end of the lost epoch that was not sealed is taken up again by this one.
        let body = epochs.next_body(true)?;
        let own = Some((Kind::KeyRotation, body.as_str()));
        let mut ready = recover(disk, clock, &layout, identity, epochs, own)?;
        ready.notary.sign()?;
        Ok(ready.notary.save_resume_point()?)
    }

    /// Starts the threads of a ledger that was read back.
    fn begin(
        disk: Arc<dyn Disk>,
        clock: Arc<dyn Clock>,
        layout: Layout,
        config: &Config,
        lock: Box<dyn DiskLock>,
        ready: Ready,
    ) -> Result<Self, OpenError> {
        let Ready {
            writer,
            mut notary,
            identity,
            first_indexes,
            active,
            sealing,
            ..
        } = ready;
        let note = notary.current_note(&identity)?;
        let known = (first_indexes, active, writer.tail());
        let shared = share(&disk, &layout, config, identity, known);
        shared.publish(note, writer.tail().next_index);
        let queue = Arc::new(Queue::new(config.queue_bytes_max));
        let handover = Arc::<Handover>::default();
        let len = config.segment_bytes();
        let spare = Arc::new(Spare::new(Arc::clone(&disk), layout.clone(), len));
        let sealer = Sealer {
            disk,
            layout,
            shared: Arc::clone(&shared),
            queue: Arc::clone(&queue),
            spare: Arc::clone(&spare),
            sealing: Arc::clone(&sealing),
        };
        let sequencer = Sequencer {
            writer,
            sources: notary.integrator.sources().clone(),
            recv_ns: notary.integrator.recv_ns(),
            draft: FrameDraft::new(),
            segment_began: Instant::now(),
            clock,
            shared: Arc::clone(&shared),
            queue: Arc::clone(&queue),
            handover: Arc::clone(&handover),
            spare: Arc::clone(&spare),
        };
        let checkpointer = Checkpointer {
            notary,
            shared: Arc::clone(&shared),
            queue: Arc::clone(&queue),
            handover: Arc::clone(&handover),
            interval: config.checkpoint_interval,
            reserve_bytes: config.reserve_bytes,
            sealing: Arc::clone(&sealing),
            resumed_at_bytes: 0,
            resumed_at: Instant::now(),
        };
        let mut ledger = Self {
            shared,
            queue,
            handover,
            spare,
            sealing,
            threads: Vec::new(),
            _lock: lock,
        };
        let started = ledger.start(sequencer, checkpointer, sealer);
        started.map(|()| ledger).map_err(OpenError::Thread)
    }

    fn start(
        &mut self,
        sequencer: Sequencer,
        checkpointer: Checkpointer,
        sealer: Sealer,
    ) -> io::Result<()> {
        let spare = Arc::clone(&self.spare);
        let mut spawn = |name: &str, run: Box<dyn FnOnce() + Send>| {
            let thread = thread::Builder::new().name(name.to_owned()).spawn(run)?;
            self.threads.push(thread);
            Ok::<_, io::Error>(())
        };
        spawn("ledger-spare", Box::new(move || spare.run()))?;
        spawn("ledger-seal", Box::new(move || sealer.run()))?;
        spawn("ledger-sign", Box::new(move || checkpointer.run()))?;
        spawn("ledger-write", Box::new(move || sequencer.run()))
    }

    /// The writing end.
    pub fn appender(&self) -> Appender {
        Appender::new(Arc::clone(&self.queue), Arc::clone(&self.shared.stats))
    }

    /// The reading end.
    pub fn reader(&self) -> Reader {
        Reader::new(Arc::clone(&self.shared))
    }

    /// The right to seal, remove and restore bodies.
    pub fn bodies(&self) -> Bodies {
        Bodies {
            reader: self.reader(),
            queue: Arc::clone(&self.queue),
            sealing: Arc::clone(&self.sealing),
        }
    }

    /// Ends the segment in use and waits until everything that is there now is sealed: see
    /// [`Bodies::seal`].
    pub fn seal(&self) -> Result<event::Index, RewriteError> {
        self.bodies().seal()
    }

    /// Why sealing has stopped, if it met something damaged. Appending goes on, but segments stay
    /// as large as they are.
    pub fn seal_fault(&self) -> Option<Arc<str>> {
        self.sealing.fault()
    }

    /// Why the ledger stopped, if a write, a sync or a signature failed. The process must end:
    /// what is on disk is known again only after the next opening.
    pub fn fault(&self) -> Option<Arc<str>> {
        self.queue.poisoned()
    }

    /// Ends the running epoch now instead of at its time: before an act after which the machine
    /// may not be trusted any more. Returns at once; [`crate::Stats::epoch`] tells when it is done.
    pub fn rotate_epoch(&self) {
        self.handover.want_rotation();
    }

    /// Writes what waits, signs it, and ends the threads. Later submissions are refused; readers
    /// go on. Returns the fault if there was one.
    pub fn close(mut self) -> Result<(), Arc<str>> {
        self.stop();
        self.queue.poisoned().map_or(Ok(()), Err)
    }

    fn stop(&mut self) {
        self.queue.close();
        self.sealing.close();
        // In reverse: the writer first, then who follows it, then who serves it.
        while let Some(thread) = self.threads.pop() {
            if self.threads.is_empty() {
                self.spare.close();
            }
            if thread.join().is_err() {
                self.queue.poison("a thread of the ledger panicked");
            }
        }
        // Nobody rewrites bodies of a ledger that is no longer ours.
        drop(self.sealing.turn.lock());
    }
}

impl Drop for Ledger {
    fn drop(&mut self) {
        self.stop();
    }
}

fn lock(disk: &dyn Disk, layout: &Layout) -> Result<Box<dyn DiskLock>, OpenError> {
    disk.lock(&layout.lock()).map_err(|error| match error {
        DiskError::Locked { .. } => OpenError::InUse {
            dir: layout.dir().to_path_buf(),
        },
        error => OpenError::Disk(error),
    })
}

/// The recovery key must be the one that the first entry of the ledger names.
fn check_recovery_key(
    disk: &Arc<dyn Disk>,
    layout: &Layout,
    key: &SigningKey,
) -> Result<(), OpenError> {
    let reader = Reader::open(Arc::clone(disk), layout.dir());
    let genesis = reader.and_then(|reader| reader.entry(Index(0)));
    let named = genesis
        .ok()
        .and_then(|entry| record_text::read_genesis(entry.body().as_bytes())?.recovery_vkey);
    if named.as_deref() == Some(key.verifying_key().to_string().as_str()) {
        return Ok(());
    }
    Err(OpenError::RecoveryKey { named })
}

/// What the writer, its threads and all readers of this process share.
fn share(
    disk: &Arc<dyn Disk>,
    layout: &Layout,
    config: &Config,
    identity: Identity,
    (first_indexes, active, tail): (Vec<u64>, SegmentView, Tail),
) -> Arc<Shared> {
    let (disk, layout) = (Arc::clone(disk), layout.clone());
    let catalog = Catalog::new(
        Arc::clone(&disk),
        layout.clone(),
        first_indexes,
        active,
        tail,
    );
    let live = Some(Live::new(tail.next_index, config.live_bytes_max));
    Arc::new(Shared::new(disk, layout, identity, catalog, live))
}

/// What is in the folder of a ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    /// No part of a ledger.
    Nothing,
    /// What a creation leaves that broke off: at most the genesis entry, and no identity.
    Unfinished,
    /// A ledger with its identity.
    Whole,
    /// Parts that only a ledger in use has, without its identity.
    Unknown,
}

/// Judges a folder. Its lock must be held, or somebody may be making a ledger in it.
fn standing(disk: &dyn Disk, layout: &Layout) -> Result<Standing, DiskError> {
    if disk.stat(&layout.identity())?.is_some() {
        return Ok(Standing::Whole);
    }
    if !has_traces(disk, layout)? {
        return Ok(Standing::Nothing);
    }
    let signed = match SignedState::read(disk, layout) {
        Ok(slots) => slots.newest.map_or(0, |signed| signed.size),
        Err(error) if error.is_not_found() => 0,
        Err(error) => return Err(error),
    };
    let shown = match disk.read(&layout.checkpoint(), TEXT_FILE_BYTES_MAX) {
        // The second line of a checkpoint is its size; nobody vouches for it, nor need they.
        Ok(note) => String::from_utf8_lossy(&note)
            .lines()
            .nth(1)
            .and_then(|size| size.parse().ok())
            .unwrap_or(0),
        Err(error) if error.is_not_found() => 0,
        Err(error) => return Err(error),
    };
    let is_early = signed.max(shown) <= 1 && holds_genesis_at_most(disk, layout)?;
    Ok(if is_early {
        Standing::Unfinished
    } else {
        Standing::Unknown
    })
}

fn has_traces(disk: &dyn Disk, layout: &Layout) -> Result<bool, DiskError> {
    for path in layout.traces() {
        if disk.stat(&path)?.is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Whether the segments hold no frame but perhaps the one of the genesis entry, whole or torn.
fn holds_genesis_at_most(disk: &dyn Disk, layout: &Layout) -> Result<bool, DiskError> {
    if disk.stat(&layout.wal())?.is_none() {
        return Ok(true);
    }
    let segment = match layout.segments(disk)?.as_slice() {
        [] => return Ok(true),
        [only] if only.number == 0 && !only.is_sealed => {
            SegmentView::open(disk, &layout.segment(0))?
        }
        _ => return Ok(false),
    };
    // A segment gets its name only after its header is durable.
    let Some(segment) = segment else {
        return Ok(false);
    };
    let first = segment.read_header(FIRST_FRAME_OFFSET)?;
    let is_genesis = first.is_ok_and(|header| header.seq == 0 && header.count == 1);
    let end = FIRST_FRAME_OFFSET + PAGE_BYTES as u64;
    let dirty = segment.search(FIRST_FRAME_OFFSET)?.dirty;
    Ok(match dirty {
        None => true,
        // The genesis frame is one page; a torn one may have lost its header.
        Some((_, dirty_end)) => dirty_end <= end && (is_genesis || first.is_err()),
    })
}

/// Removes what a creation that broke off left and a new one cannot write over.
fn clear_unfinished(disk: &dyn Disk, layout: &Layout) -> Result<(), DiskError> {
    for path in [
        layout.segment(0),
        layout.checkpoint(),
        layout.resume_state(),
        layout.signed_state(),
        layout.epoch_key(),
    ] {
        match disk.remove(&path) {
            Err(error) if !error.is_not_found() => return Err(error),
            _ => {}
        }
    }
    disk.sync_dir(layout.dir())
}

/// Makes all files of a new ledger, its identity last. The caller holds the lock.
fn make(
    disk: &Arc<dyn Disk>,
    clock: &dyn Clock,
    config: &Config,
    layout: &Layout,
) -> Result<(), CreateError> {
    clear_unfinished(&**disk, layout)?;
    let key = fresh_key(&config.origin)?;
    let vkey = key.verifying_key();
    let created_ns = u64::try_from(clock.unix_nanos()).unwrap_or(0);
    let identity = Identity {
        origin: config.origin.clone(),
        vkey,
        created_ns,
    };
    disk.create_dir_all(&layout.wal())?;
    write_key(&**disk, &layout.key(), &key)?;
    let mut writer = SegmentWriter::create(
        Arc::clone(disk),
        layout.clone(),
        identity.ledger_id(),
        fresh_salt().map_err(no_random)?,
        config.segment_bytes(),
    )?;
    let epochs = Epochs::create(disk, layout, &identity.origin, config.epoch)?;
    let body = record_text::genesis(
        &identity.origin,
        &identity.vkey.to_string(),
        &epochs.vkey().to_string(),
        config.recovery_vkey.as_deref(),
    );
    let mut draft = FrameDraft::new();
    draft.push_records(&inline_record(Kind::Genesis, created_ns, &body), 1);
    draft.seal_entries();
    writer.write(&mut draft)?;
    let mut notary = Notary {
        signed: SignedState::create(&**disk, layout)?,
        disk: Arc::clone(disk),
        layout: layout.clone(),
        key,
        origin: identity.origin.clone(),
        epochs,
        unsealed: None,
        integrator: Integrator::default(),
        tiles: TileWriter::new(Arc::clone(disk), layout.clone()),
    };
    notary.take_first(&draft)?;
    // A crash up to here leaves an unfinished ledger into which nothing was accepted.
    disk.write_atomic(&layout.identity(), identity.to_text().as_bytes())?;
    Ok(())
}

fn no_random(error: getrandom::Error) -> CreateError {
    CreateError::Random {
        reason: error.to_string(),
    }
}

fn fresh_key(origin: &str) -> Result<SigningKey, CreateError> {
    let mut seed = Zeroizing::new([0; 32]);
    getrandom::fill(&mut seed[..]).map_err(no_random)?;
    SigningKey::from_seed(origin, &seed)
        .map_err(|error| CreateError::Config(ConfigError::Origin { origin: error.name }))
}

/// Identity and key must belong together and to the configuration.
fn read_identity(
    disk: &dyn Disk,
    layout: &Layout,
    config: &Config,
) -> Result<(Identity, SigningKey), OpenError> {
    let at = |path: std::path::PathBuf| {
        move |error| match error {
            ReadIdentity::Disk(error) => OpenError::Disk(error),
            ReadIdentity::Identity(cause) => OpenError::Identity { path, cause },
        }
    };
    let identity = Identity::read(disk, layout).map_err(at(layout.identity()))?;
    if identity.origin != config.origin {
        let configured = config.origin.clone();
        return Err(OpenError::Origin {
            stored: identity.origin,
            configured,
        });
    }
    let key = read_key(disk, &layout.key()).map_err(at(layout.key()))?;
    if key.verifying_key() != identity.vkey {
        return Err(OpenError::KeyMismatch { path: layout.key() });
    }
    Ok((identity, key))
}

/// Reads the segments, from the resume point if there is a usable one.
fn read_back(
    disk: &dyn Disk,
    layout: &Layout,
    identity: &Identity,
    signed: Signed,
    tiles: &mut TileWriter,
) -> Result<Replayed, OpenError> {
    let resume = disk.read(&layout.resume_state(), RESUME_BYTES_MAX).ok();
    let start = resume
        .and_then(|bytes| Integrator::from_bytes(&bytes))
        .filter(|start| start.size() <= signed.size);
    let is_resumed = start.is_some();
    let start = start.unwrap_or_default();
    match replay(disk, layout, identity, signed, start, tiles) {
        // A resume point is derived data: when it leads astray, the frames decide.
        Err(OpenError::Root { .. } | OpenError::Corrupt { .. }) if is_resumed => {
            replay(disk, layout, identity, signed, Integrator::default(), tiles)
        }
        outcome => outcome,
    }
}

/// A ledger read back, repaired and signed, before its threads run.
struct Ready {
    writer: SegmentWriter,
    notary: Notary,
    identity: Identity,
    first_indexes: Vec<u64>,
    active: SegmentView,
    sealing: Arc<Sealing>,
    recovery: Recovery,
}

/// Everything of opening that reads and repairs the disk. `own` is an entry of the ledger itself
/// to be appended.
fn recover(
    disk: &Arc<dyn Disk>,
    clock: &dyn Clock,
    layout: &Layout,
    (identity, key): (Identity, SigningKey),
    epochs: Epochs,
    own: Option<(Kind, &str)>,
) -> Result<Ready, OpenError> {
    let signed = SignedState::open(&**disk, layout)?;
    let lost = || OpenError::SignedStateLost {
        path: layout.signed_state(),
    };
    let newest = signed.newest().ok_or_else(lost)?;
    let mut tiles = TileWriter::new(Arc::clone(disk), layout.clone());
    let replayed = read_back(&**disk, layout, &identity, newest, &mut tiles)?;
    let mut opened = finish_recovery(disk, clock, layout, replayed, &mut tiles)?;
    if let Some((kind, body)) = own {
        opened.append_own(disk, clock, layout, &mut tiles, kind, body)?;
    }
    let Opened {
        writer,
        replayed,
        recovery,
    } = opened;
    clear_leftovers(&**disk, layout, &replayed.leftovers)?;
    let sealing = Sealing::new(replayed.first_unsealed, replayed.resume_size);
    let Replayed {
        first_indexes,
        active,
        mut integrator,
        ..
    } = replayed;
    let unsealed = integrator.take_rotation();
    let notary = Notary {
        epochs,
        unsealed,
        disk: Arc::clone(disk),
        layout: layout.clone(),
        key,
        origin: identity.origin.clone(),
        signed,
        integrator,
        tiles,
    };
    Ok(Ready {
        writer,
        notary,
        identity,
        first_indexes,
        active,
        sealing: Arc::new(sealing),
        recovery,
    })
}

fn open_epochs(
    disk: &Arc<dyn Disk>,
    layout: &Layout,
    identity: &Identity,
    config: &Config,
) -> Result<Epochs, OpenError> {
    Epochs::open(disk, layout, &identity.origin, config.epoch)?.map_err(|fault| {
        let path = layout.epoch_key();
        OpenError::Epoch { path, fault }
    })
}

/// A ledger read back, repaired and ready to be written to.
struct Opened {
    writer: SegmentWriter,
    replayed: Replayed,
    recovery: Recovery,
}

/// Erases a torn tail and records that in an entry.
fn finish_recovery(
    disk: &Arc<dyn Disk>,
    clock: &dyn Clock,
    layout: &Layout,
    replayed: Replayed,
    tiles: &mut TileWriter,
) -> Result<Opened, OpenError> {
    let header = replayed.active.header;
    let cut = replayed.cut;
    if let Some(cut) = &cut {
        erase_tail(disk, layout, cut)?;
    }
    let writer = SegmentWriter::open(Arc::clone(disk), layout.clone(), header, replayed.tail)?;
    let mut opened = Opened {
        writer,
        recovery: Recovery {
            tree_size: replayed.integrator.size(),
            replayed: replayed.entries_read,
            cut,
        },
        replayed,
    };
    if let Some(cut) = &cut {
        let size = opened.recovery.tree_size;
        let body = record_text::recovery(cut.segment, cut.offset, cut.bytes, size);
        opened.append_own(disk, clock, layout, tiles, Kind::Recovery, &body)?;
    }
    Ok(opened)
}

impl Opened {
    /// Appends an entry that the ledger itself makes, before its threads run.
    fn append_own(
        &mut self,
        disk: &Arc<dyn Disk>,
        clock: &dyn Clock,
        layout: &Layout,
        tiles: &mut TileWriter,
        kind: Kind,
        body: &str,
    ) -> Result<(), OpenError> {
        let Self {
            writer, replayed, ..
        } = self;
        let now = u64::try_from(clock.unix_nanos()).unwrap_or(0);
        let recv_ns = now.max(replayed.integrator.recv_ns());
        let mut draft = FrameDraft::new();
        draft.push_records(&inline_record(kind, recv_ns, body), 1);
        draft.seal_entries();
        if !writer.has_room(&draft) {
            let salt = fresh_salt().map_err(|error| {
                let source = io::Error::other(error.to_string());
                OpenError::Disk(DiskError::io("random", layout.dir(), source))
            })?;
            let len = replayed.active.header.len;
            drop(crate::spare::make(&**disk, layout, len)?);
            replayed.active = writer.roll(len, salt)?;
            replayed.first_indexes.push(replayed.integrator.size());
        }
        let offset = writer.tail().offset;
        let frame = writer.write(&mut draft)?;
        replayed.active.frames.push(crate::segment::FramePlace {
            first_index: frame.first_index,
            offset,
        });
        replayed
            .integrator
            .take_frame(draft.entries(), 1, tiles)
            .map_err(|error| match error {
                IntegrateError::Disk(error) => OpenError::Disk(error),
                IntegrateError::Entries { .. } => unreachable!("an entry encoded just now"),
            })?;
        self.recovery.tree_size = replayed.integrator.size();
        Ok(())
    }
}

impl Notary {
    /// Takes in and signs the genesis entry.
    fn take_first(&mut self, draft: &FrameDraft) -> Result<(), CreateError> {
        match self.take_frame(draft.entries(), 1) {
            Ok(()) => {}
            Err(IntegrateError::Disk(error)) => return Err(error.into()),
            Err(IntegrateError::Entries { .. }) => unreachable!("an entry encoded just now"),
        }
        self.sign().map_err(|error| match error {
            CheckpointError::Disk(error) => CreateError::Disk(error),
            _ => CreateError::Config(ConfigError::Origin {
                origin: self.origin.clone(),
            }),
        })?;
        Ok(())
    }

    /// The note for the tree as it is: the stored one if it is that, else a fresh one.
    /// Partial tiles are written either way: they are never synced, so a crash may have taken
    /// them although the checkpoint they belong to is there.
    fn current_note(&mut self, identity: &Identity) -> Result<Arc<str>, CheckpointError> {
        self.seal()?;
        self.tiles.flush()?;
        self.integrator.write_partials(&mut self.tiles)?;
        let bytes = self
            .disk
            .read(&self.layout.checkpoint(), TEXT_FILE_BYTES_MAX);
        let stored = bytes.ok().and_then(|bytes| {
            let note = UnverifiedCheckpoint::parse(&bytes).ok()?;
            let checkpoint = note.verify(&identity.vkey, &identity.origin).ok()?;
            let epoch_key = self.epochs.key().key_id();
            let is_current = checkpoint.size() == self.integrator.size()
                && *checkpoint.root() == self.integrator.root()
                && note
                    .note()
                    .signatures()
                    .iter()
                    .any(|line| line.key_id() == epoch_key);
            is_current.then(|| String::from_utf8(bytes).ok()).flatten()
        });
        stored.map_or_else(|| self.sign(), |note| Ok(Arc::from(note)))
    }
}
