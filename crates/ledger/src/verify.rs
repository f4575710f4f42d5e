//! Verification: does what is stored agree with what was signed, and if not, where.
//!
//! Everything is computed again from the stored bytes: each body against its commitment, each
//! entry as a leaf, the tree against tiles and the signed checkpoint, the order of times and of
//! each source. Nothing stops at the first fault: damage becomes a finding with an index, and
//! reading goes on behind it.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use disk::{Disk, DiskError};
use thiserror::Error;
use tlog::{Frontier, Hash, UnverifiedCheckpoint, VerifyingKey, leaf_hash};

use crate::damage::{Absence, push_absent};
use crate::error::IdentityError;
use crate::frame::{FrameFault, FrameHeader};
use crate::identity::{Identity, ReadIdentity};
use crate::layout::{Layout, SegmentFiles};
use crate::leaf::{Content, Kind, Leaf, commitment};
use crate::limits::{RESUME_BYTES_MAX, TEXT_FILE_BYTES_MAX};
use crate::record_text;
use crate::segment::{FIRST_FRAME_OFFSET, SegmentView};
use crate::signed_state::SignedState;
use crate::stored_segment::StoredSegment;
use crate::stretch::{Record, RecordError, Stretch};

mod epochs;
mod remembered;
mod report;
mod sealed;
mod tiles;

use epochs::EpochWalk;
use remembered::Remembered;

use report::Findings;
pub use report::{Finding, FindingKind, VerifyReport};
use tiles::Tiles;

/// How often, and after which pause, a frame at the end of a living ledger is read again.
const SETTLE_ATTEMPTS: u32 = 5;
const SETTLE_INTERVAL: Duration = Duration::from_millis(20);

/// What to verify against.
#[derive(Clone, Debug, Default)]
pub struct VerifyOptions {
    /// The verifier key that the caller pinned. Without it the stored one is believed, which
    /// cannot notice an exchange of both key and ledger.
    pub vkey: Option<String>,
    /// The smallest size the ledger must have: remembered from an earlier checkpoint.
    pub size_min: u64,
    /// A checkpoint note that somebody outside remembers: the ledger must extend it.
    pub remembered: Option<String>,
    /// Demands a sign of life: the last epoch must have begun no earlier than this, in
    /// nanoseconds since 1970. A running ledger begins one each minute, even when idle.
    pub alive_since_ns: Option<u64>,
    /// Leaves tiles and bundles alone: they are derived from the frames, and reading them takes
    /// most of the time.
    pub skips_tiles: bool,
}

/// Why a verification could not even begin.
#[derive(Debug, Error)]
pub enum VerifyError {
    /// No ledger is there.
    #[error("no ledger at {}", dir.display())]
    Missing {
        /// The folder.
        dir: std::path::PathBuf,
    },
    /// The identity file is damaged, so that nobody can say what the ledger should be.
    #[error("identity: {0}")]
    Identity(IdentityError),
    /// The pinned key is malformed.
    #[error("pinned verifier key: {0}")]
    Key(tlog::note::VerifyingKeyParseError),
    /// The remembered checkpoint is none of this log.
    #[error("remembered checkpoint: {0}")]
    Remembered(String),
    /// The disk refused before anything was read.
    #[error(transparent)]
    Disk(#[from] DiskError),
}

impl From<IdentityError> for VerifyError {
    fn from(error: IdentityError) -> Self {
        Self::Identity(error)
    }
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "the disk is shared in all our signatures"
)]
/// Verifies a ledger, which may be in use by a writer meanwhile. `progress` hears entries done
/// and entries expected.
pub fn verify(
    disk: Arc<dyn Disk>,
    dir: &Path,
    options: &VerifyOptions,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<VerifyReport, VerifyError> {
    let layout = Layout::new(dir);
    let identity = Identity::read(&*disk, &layout).map_err(|error| match error {
        ReadIdentity::Disk(error) if error.is_not_found() => VerifyError::Missing {
            dir: dir.to_path_buf(),
        },
        ReadIdentity::Disk(error) => VerifyError::Disk(error),
        ReadIdentity::Identity(error) => VerifyError::Identity(error),
    })?;
    let mut findings = Findings::default();
    let key = pinned_key(&identity, options, &mut findings)?;
    let (claim, claim_note) = read_claim(&*disk, &layout, &identity, &key, options, &mut findings);
    let remembered = options.remembered.as_ref();
    let remembered = remembered
        .map(|note| Remembered::parse(note, &key, &identity.origin))
        .transpose()?;
    let segments = layout.segments(&*disk)?;
    let mut walk = Walk {
        disk: &*disk,
        layout: &layout,
        identity: &identity,
        claim,
        claim_note,
        skips_tiles: options.skips_tiles,
        findings,
        next_index: 0,
        tree: Frontier::new(),
        is_tree_lost: false,
        root_at_claim: None,
        remembered,
        tiles: Tiles::default(),
        suspects: Vec::new(),
        epochs: EpochWalk::default(),
        sources: HashMap::new(),
        recv_ns: 0,
        next_frame: 0,
        bytes: 0,
        entries: 0,
        absences: Vec::new(),
    };
    walk.count_seals()?;
    walk.segments(&segments, progress);
    walk.epochs(&key, options)?;
    Ok(walk.finish())
}

fn pinned_key(
    identity: &Identity,
    options: &VerifyOptions,
    findings: &mut Findings,
) -> Result<VerifyingKey, VerifyError> {
    let Some(pinned) = &options.vkey else {
        return Ok(identity.vkey.clone());
    };
    let pinned: VerifyingKey = pinned.trim().parse().map_err(VerifyError::Key)?;
    if pinned != identity.vkey {
        findings.add(None, FindingKind::Unsigned, || {
            format!(
                "the ledger names the key {}, pinned was {pinned}",
                identity.vkey
            )
        });
    }
    Ok(pinned)
}

/// What was signed: the size and root that everything is measured against.
#[derive(Clone, Copy, Debug)]
struct Claim {
    /// Size and root of the checkpoint, if its signature holds.
    checkpoint: Option<(u64, Hash)>,
    /// The largest size that anything says was signed.
    size_min: u64,
}

fn read_claim(
    disk: &dyn Disk,
    layout: &Layout,
    identity: &Identity,
    key: &VerifyingKey,
    options: &VerifyOptions,
    findings: &mut Findings,
) -> (Claim, Option<UnverifiedCheckpoint>) {
    let read = disk
        .read(&layout.checkpoint(), TEXT_FILE_BYTES_MAX)
        .map_err(|error| error.to_string())
        .and_then(|bytes| {
            let note = UnverifiedCheckpoint::parse(&bytes).map_err(|error| error.to_string())?;
            let verified = note
                .verify(key, &identity.origin)
                .map_err(|error| error.to_string())?;
            if note.to_string().as_bytes() != bytes {
                return Err("bytes after the note".to_owned());
            }
            Ok((note, (verified.size(), *verified.root())))
        })
        .map_err(|error| {
            findings.add(None, FindingKind::Unsigned, || {
                format!("checkpoint: {error}")
            });
        })
        .ok();
    let (note, checkpoint) = read.unzip();
    let mut size_min = options.size_min.max(checkpoint.map_or(0, |(size, _)| size));
    match SignedState::read(disk, layout) {
        Ok(slots) => {
            if 0 < slots.damaged {
                findings.add(None, FindingKind::Edited, || {
                    format!("signed.state: {} of 2 slots damaged", slots.damaged)
                });
            }
            match slots.newest {
                Some(signed) => {
                    size_min = size_min.max(signed.size);
                    // The state is written first, so it may be ahead of the file, never behind.
                    let contradicts = |(size, root): (u64, Hash)| {
                        signed.size < size || (signed.size == size && signed.root != root)
                    };
                    if checkpoint.is_some_and(contradicts) {
                        findings.add(None, FindingKind::Forked, || {
                            "checkpoint and signed.state name different trees".to_owned()
                        });
                    }
                }
                None => findings.add(None, FindingKind::Missing, || {
                    "signed.state: no whole slot".to_owned()
                }),
            }
        }
        Err(error) => {
            findings.add(None, FindingKind::Unreadable, || error.to_string());
        }
    }
    check_resume(disk, layout, findings);
    let claim = Claim {
        checkpoint,
        size_min,
    };
    (claim, note)
}

fn check_resume(disk: &dyn Disk, layout: &Layout, findings: &mut Findings) {
    if let Ok(bytes) = disk.read(&layout.resume_state(), RESUME_BYTES_MAX)
        && crate::integrate::Integrator::from_bytes(&bytes).is_none()
    {
        findings.add(None, FindingKind::Edited, || {
            "resume.state is damaged".to_owned()
        });
    }
}

/// What a source has sent so far.
#[derive(Debug)]
struct SourceState {
    next_seq: u64,
}

/// One pass over the whole ledger.
struct Walk<'a> {
    disk: &'a dyn Disk,
    layout: &'a Layout,
    identity: &'a Identity,
    claim: Claim,
    /// The checkpoint that the claim is of.
    claim_note: Option<UnverifiedCheckpoint>,
    skips_tiles: bool,
    findings: Findings,
    /// Index of the entry that comes next.
    next_index: u64,
    tree: Frontier,
    /// Entries are missing that no tile stands for: from there on no tree can be computed.
    is_tree_lost: bool,
    /// Root when the tree had the size of the checkpoint.
    root_at_claim: Option<Hash>,
    remembered: Option<Remembered>,
    tiles: Tiles,
    /// Entries whose hash differs from their tile, in order.
    suspects: Vec<u64>,
    epochs: EpochWalk,
    sources: HashMap<u32, SourceState>,
    recv_ns: u64,
    next_frame: u64,
    bytes: u64,
    entries: u64,
    /// Entries whose body was removed, in runs.
    absences: Vec<Absence>,
}

impl Walk<'_> {
    fn segments(&mut self, segments: &[SegmentFiles], progress: &mut dyn FnMut(u64, u64)) {
        let mut expected = 0;
        for (position, files) in segments.iter().enumerate() {
            let number = files.number;
            if number != expected {
                let index = self.next_index;
                self.findings.add(Some(index), FindingKind::Missing, || {
                    format!("segments {expected} to {} are missing", number - 1)
                });
            }
            expected = number + 1;
            let is_last = position + 1 == segments.len();
            if let Err(error) = self.any_segment(files, is_last, progress) {
                let index = self.next_index;
                self.findings
                    .add(Some(index), FindingKind::Unreadable, || error.to_string());
            }
        }
    }

    fn any_segment(
        &mut self,
        files: &SegmentFiles,
        is_last: bool,
        progress: &mut dyn FnMut(u64, u64),
    ) -> Result<(), DiskError> {
        let number = files.number;
        let mut segment = StoredSegment::open(self.disk, self.layout, number)?;
        if segment.is_none() {
            let index = self.next_index;
            self.findings.add(Some(index), FindingKind::Edited, || {
                format!("segment {number}: damaged header")
            });
            segment = self.guess_header(number).map(StoredSegment::Frames);
        }
        let Some(segment) = segment else {
            return Ok(());
        };
        if segment.number() != number || segment.ledger_id() != self.identity.ledger_id() {
            let index = self.next_index;
            self.findings.add(Some(index), FindingKind::Reordered, || {
                format!("segment {number}: its header is of another place or ledger")
            });
        }
        match segment {
            StoredSegment::Frames(mut segment) => self.segment(&mut segment, is_last, progress),
            StoredSegment::Sealed(sealed) => self.sealed(sealed, progress),
        }
    }

    /// With a damaged header the salt is lost; the first frame repeats it.
    fn guess_header(&self, number: u64) -> Option<SegmentView> {
        let file: Arc<dyn disk::DiskFile> =
            Arc::from(self.disk.open_read(&self.layout.segment(number)).ok()?);
        let mut bytes = [0; 16];
        file.read_at(&mut bytes, FIRST_FRAME_OFFSET).ok()?;
        let header = crate::segment::SegmentHeader {
            number,
            first_index: self.next_index,
            first_frame: self.next_frame,
            salt: crate::bytes::u64_at(&bytes, 8),
            ledger_id: self.identity.ledger_id(),
            len: file.len().ok()?,
        };
        Some(SegmentView {
            header,
            file,
            frames: Vec::new(),
        })
    }

    fn segment(
        &mut self,
        segment: &mut SegmentView,
        is_last: bool,
        progress: &mut dyn FnMut(u64, u64),
    ) -> Result<(), DiskError> {
        let number = segment.header.number;
        let mut offset = FIRST_FRAME_OFFSET;
        loop {
            let fault = match self.read_settled(segment, offset)? {
                Ok((header, frame)) => {
                    self.padding(segment, offset, &header)?;
                    self.frame(&header, &frame, number, offset);
                    offset += header.padded_len() as u64;
                    progress(self.next_index, self.claim.size_min.max(self.next_index));
                    continue;
                }
                Err(fault) => fault,
            };
            let search = segment.search(offset)?;
            if segment.read_any_frame(offset)?.is_ok() {
                // A living writer has finished this very frame meanwhile.
                continue;
            }
            if let Some((at, header)) = search.next_frame {
                self.gap(number, offset, fault, &header);
                offset = at;
                continue;
            }
            if search.dirty.is_some() {
                self.foreign_bytes(number, offset, fault, is_last);
            }
            return Ok(());
        }
    }

    /// Reads a frame. One beyond what was signed may be in the middle of being written by a
    /// living writer, so a disagreement there is looked at again before it is believed.
    fn read_settled(
        &self,
        segment: &SegmentView,
        offset: u64,
    ) -> Result<Result<(FrameHeader, Stretch), FrameFault>, DiskError> {
        let mut outcome = segment.read_any_frame(offset)?;
        for _ in 0..SETTLE_ATTEMPTS {
            let is_settled = match &outcome {
                Ok((_, frame)) => frame.is_whole || frame.first_index < self.claim.size_min,
                Err(_) => true,
            };
            if is_settled {
                break;
            }
            thread::sleep(SETTLE_INTERVAL);
            outcome = segment.read_any_frame(offset)?;
        }
        Ok(outcome)
    }

    /// Damage between two whole frames: the entries between are known by their tiles at most.
    fn gap(&mut self, number: u64, offset: u64, fault: FrameFault, next: &FrameHeader) {
        let index = self.next_index;
        let end = next.first_index;
        if end <= index {
            // The bytes between hold no entry of their own.
            self.findings.add(Some(index), FindingKind::Edited, || {
                format!("segment {number}, byte {offset}: {fault}")
            });
            return;
        }
        self.findings.add(Some(index), FindingKind::Edited, || {
            let last = end - 1;
            format!(
                "segment {number}, byte {offset}: {fault}; entries {index} to {last} unreadable"
            )
        });
        self.fill_from_tiles(end);
        self.next_frame = next.seq;
    }

    /// Something else than zeros after the last whole frame.
    fn foreign_bytes(&mut self, number: u64, offset: u64, fault: FrameFault, is_last: bool) {
        let index = self.next_index;
        // Below the signed size it is a damaged frame; beyond, it is no part of the ledger, but
        // a torn write looks the same until the next opening.
        let (kind, what) = if index < self.claim.size_min || !is_last {
            (FindingKind::Edited, "damaged frame")
        } else {
            (FindingKind::Edited, "bytes after the end of the ledger")
        };
        self.findings.add(Some(index), kind, || {
            format!("segment {number}, byte {offset}: {what}: {fault}")
        });
    }

    fn padding(
        &mut self,
        segment: &SegmentView,
        offset: u64,
        header: &FrameHeader,
    ) -> Result<(), DiskError> {
        let used = crate::frame::HEADER_BYTES + header.payload_len();
        let mut padding = vec![0; header.padded_len() - used];
        segment.file.read_at(&mut padding, offset + used as u64)?;
        if padding.iter().any(|byte| *byte != 0) {
            let number = segment.header.number;
            self.findings
                .add(Some(header.first_index), FindingKind::Edited, || {
                    format!(
                        "segment {number}, byte {}: padding is not zero",
                        offset + used as u64
                    )
                });
        }
        Ok(())
    }

    fn frame(&mut self, header: &FrameHeader, frame: &Stretch, number: u64, offset: u64) {
        let index = self.next_index;
        if header.seq != self.next_frame || header.first_index != index {
            let kind = if index < header.first_index {
                FindingKind::Missing
            } else {
                FindingKind::Reordered
            };
            self.findings.add(Some(index), kind, || {
                format!(
                    "segment {number}, byte {offset}: frame {} from entry {} on, expected frame \
                     {} from entry {index} on",
                    header.seq, header.first_index, self.next_frame
                )
            });
            if header.first_index < index {
                // A repeated or misplaced frame: its entries are not counted twice.
                return;
            }
            self.fill_from_tiles(header.first_index);
        }
        self.next_frame = header.seq + 1;
        self.bytes += header.padded_len() as u64;
        self.stretch(frame, &format!("segment {number}, byte {offset}"));
    }

    /// The entries of a frame or block, which begins at the index that comes next.
    fn stretch(&mut self, stretch: &Stretch, place: &str) {
        let before = self.findings.total;
        let mut records = stretch.records();
        let end = stretch.end_index();
        while self.next_index < end {
            match records.next() {
                Some(Ok(record)) => self.record(&record),
                Some(Err(error)) => {
                    let at = self.next_index;
                    self.findings
                        .add(Some(at), FindingKind::Edited, || match error {
                            RecordError::Truncated => "entry lengths do not add up".to_owned(),
                            RecordError::Leaf(error) => error.to_string(),
                        });
                    break;
                }
                None => {
                    let at = self.next_index;
                    self.findings.add(Some(at), FindingKind::Missing, || {
                        format!("{place}: announces entries up to {}", end - 1)
                    });
                    break;
                }
            }
        }
        if self.next_index == end && !records.is_used_up() && self.findings.total == before {
            let first = stretch.first_index;
            self.findings.add(Some(first), FindingKind::Edited, || {
                format!("{place}: bytes beside the entries")
            });
        }
        self.fill_from_tiles(end);
        if !stretch.is_whole && self.findings.total == before {
            // No entry differs: the checksum itself was changed, or an entry that no tile holds.
            let first = stretch.first_index;
            self.findings.add(Some(first), FindingKind::Edited, || {
                format!("{place}: {}", FrameFault::PayloadChecksum)
            });
        }
    }

    fn record(&mut self, record: &Record<'_>) {
        let index = self.next_index;
        self.entries += 1;
        if record.is_absent {
            push_absent(&mut self.absences, index);
        } else if let Content::Committed(expected) = record.leaf.content
            && commitment(record.beside) != expected
        {
            self.findings.add(Some(index), FindingKind::Edited, || {
                "salt or body differ from the commitment in the entry".to_owned()
            });
        }
        self.order(&record.leaf, index);
        self.leaf(leaf_hash(record.entry));
        self.note_epoch(&record.leaf, index);
    }

    fn order(&mut self, leaf: &Leaf<'_>, index: u64) {
        if leaf.recv_ns < self.recv_ns {
            let (now, before) = (leaf.recv_ns, self.recv_ns);
            self.findings.add(Some(index), FindingKind::Reordered, || {
                format!("received at {now} ns, after an entry of {before} ns")
            });
        }
        self.recv_ns = self.recv_ns.max(leaf.recv_ns);
        match (leaf.kind, leaf.content) {
            (Kind::Event, _) => self.source_order(leaf, index),
            (Kind::SourceRegistered, Content::Inline(body)) => {
                match record_text::read_source_registered(body) {
                    Some((_, number)) => {
                        self.sources.insert(number, SourceState { next_seq: 0 });
                    }
                    None => self.findings.add(Some(index), FindingKind::Edited, || {
                        "registration of a source without name or number".to_owned()
                    }),
                }
            }
            _ => {}
        }
    }

    fn source_order(&mut self, leaf: &Leaf<'_>, index: u64) {
        let Leaf {
            source, source_seq, ..
        } = *leaf;
        let Some(state) = self.sources.get_mut(&source) else {
            self.sources.insert(
                source,
                SourceState {
                    next_seq: source_seq + 1,
                },
            );
            self.findings.add(Some(index), FindingKind::Missing, || {
                format!("source {source} was never registered")
            });
            return;
        };
        let expected = state.next_seq;
        state.next_seq = source_seq.saturating_add(1);
        if source_seq == expected {
            return;
        }
        let kind = if expected < source_seq {
            FindingKind::Missing
        } else {
            FindingKind::Reordered
        };
        self.findings.add(Some(index), kind, || {
            format!("event {source_seq} of source {source} where event {expected} belongs")
        });
    }

    fn finish(mut self) -> VerifyReport {
        self.judge_absences();
        self.judge_remembered();
        let tree_size = self.next_index;
        if tree_size < self.claim.size_min {
            let signed = self.claim.size_min;
            self.findings
                .add(Some(tree_size), FindingKind::Truncated, || {
                    format!("the ledger ends at {tree_size} entries, {signed} were signed")
                });
        }
        if self.is_tree_lost {
            self.findings.add(None, FindingKind::Missing, || {
                "too much is missing to compute the root".to_owned()
            });
        }
        if let (Some((size, signed)), Some(computed)) = (self.claim.checkpoint, self.root_at_claim)
            && signed != computed
        {
            self.findings.add(None, FindingKind::Forked, || {
                format!("the first {size} entries have root {computed}, signed was {signed}")
            });
        }
        let mut findings = self.findings.list;
        findings.sort_by_key(|finding| (finding.index.is_none(), finding.index));
        VerifyReport {
            tree_size,
            checkpoint_size: self.claim.checkpoint.map(|(size, _)| size),
            root: self.root_at_claim,
            findings,
            findings_total: self.findings.total,
            bytes: self.bytes,
            entries: self.entries,
            epochs: self.epochs.sealed,
            alive_at_ns: self.epochs.alive_at_ns,
            absences: self.absences,
        }
    }

    /// A body that no entry allows to be gone is missing. No kind of entry allows it yet, so all
    /// of them are: this is where authorisation is to be looked up.
    fn judge_absences(&mut self) {
        for absence in &self.absences {
            let (first, last) = (absence.first, absence.last);
            self.findings.add(Some(first.0), FindingKind::Missing, || {
                format!("bodies of entries {first} to {last} are absent, and no entry allows it")
            });
        }
    }
}
