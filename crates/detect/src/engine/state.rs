//! What an engine remembers, as a snapshot and across a change of its rules.

use std::collections::HashMap;
use std::sync::Arc;

use event::Index;
use sha2::{Digest, Sha256};

use super::correlate::target;
use super::sources::Source;
use super::{Engine, EngineConfig, State, Target};
use crate::bytes::{In, Out};
use crate::goal::Judgement;
use crate::limits;
use crate::rule_set::{Kind, RuleSet};
use crate::sieve::Sieve;
use crate::snapshot::{read_groups, write_groups};

/// First bytes of a snapshot: what it is, and its version.
const MAGIC: &[u8; 16] = b"belfry-detector\x01";
/// Bytes of the checksum at the end, SHA-256 of everything before it.
const CHECKSUM_BYTES: usize = 32;

/// Why a snapshot cannot be used; the state is then replayed from the ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SnapshotError {
    /// It is no snapshot, or of another version.
    Foreign,
    /// Its bytes are not those that were written.
    Damaged,
    /// It was taken of another ledger.
    OtherLedger,
    /// It was taken under other rules or settings.
    OtherRules,
}

impl std::fmt::Display for SnapshotError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Foreign => "it is no snapshot of this version",
            Self::Damaged => "its checksum does not hold",
            Self::OtherLedger => "it belongs to another ledger",
            Self::OtherRules => "it was taken under other rules or settings",
        })
    }
}

impl std::error::Error for SnapshotError {}

impl Engine {
    /// The state after all entries applied so far, bound to `ledger` (any 32 bytes that tell
    /// ledgers apart). `None` when it would be larger than [`limits::SNAPSHOT_BYTES_MAX`].
    pub fn snapshot(&self, ledger: &[u8; 32]) -> Option<Vec<u8>> {
        let held: usize = self.states.iter().map(|state| state.groups.bytes()).sum();
        if held > limits::SNAPSHOT_BYTES_MAX {
            return None;
        }
        let mut out = Out(Vec::with_capacity(held + 4096));
        out.0.extend_from_slice(MAGIC);
        out.0.extend_from_slice(ledger);
        out.0.extend_from_slice(&binding(&self.set, &self.config));
        out.u64(self.next);
        out.i64(self.clock);
        let mut sources: Vec<_> = self.sources.known.iter().collect();
        sources.sort_unstable_by_key(|(name, _)| *name);
        out.len(sources.len());
        for (name, source) in sources {
            out.text(name);
            out.i64(source.watermark);
            out.i64(source.received);
        }
        let kept = (0..).zip(&self.states);
        let kept = kept.filter(|(_, state): &(usize, _)| state.groups.len() > 0);
        let kept: Vec<_> = kept.collect();
        out.len(kept.len());
        for (place, state) in kept {
            out.len(place);
            write_groups(&mut out, &state.groups);
        }
        let checksum = Sha256::digest(&out.0);
        out.0.extend_from_slice(&checksum);
        (out.0.len() <= limits::SNAPSHOT_BYTES_MAX).then_some(out.0)
    }

    /// An engine over `set` that goes on where the snapshot was taken, with the index of the entry
    /// that it wants next.
    pub fn restored(
        set: Arc<RuleSet>,
        config: EngineConfig,
        ledger: &[u8; 32],
        snapshot: &[u8],
    ) -> Result<(Self, Index), SnapshotError> {
        let (body, checksum) = snapshot
            .split_last_chunk::<CHECKSUM_BYTES>()
            .ok_or(SnapshotError::Foreign)?;
        if !body.starts_with(MAGIC) {
            return Err(SnapshotError::Foreign);
        }
        if Sha256::digest(body).as_slice() != checksum {
            return Err(SnapshotError::Damaged);
        }
        let mut input = In(&body[MAGIC.len()..]);
        if input.take() != Some(*ledger) {
            return Err(SnapshotError::OtherLedger);
        }
        let mut engine = Self::new(set, config);
        if input.take() != Some(binding(&engine.set, &engine.config)) {
            return Err(SnapshotError::OtherRules);
        }
        engine.read(&mut input).ok_or(SnapshotError::Damaged)?;
        let next = Index(engine.next);
        Ok((engine, next))
    }

    fn read(&mut self, input: &mut In<'_>) -> Option<()> {
        self.next = input.u64()?;
        self.clock = input.i64()?;
        for _ in 0..input.len(20)? {
            let name = input.text()?.into();
            let source = Source {
                watermark: input.i64()?,
                received: input.i64()?,
            };
            self.sources.known.insert(name, source);
        }
        let set = Arc::clone(&self.set);
        for _ in 0..input.len(24)? {
            let place = usize::try_from(input.u32()?).ok()?;
            let rule = set.rules.get(place)?;
            let each = self.each.clone();
            let target = match &rule.kind {
                Kind::Correlation(correlation) => target(place, rule, correlation),
                Kind::Detection(_) => Target {
                    place,
                    rule,
                    goal: &each,
                    judgement: Judgement::Open,
                    span: rule.period_nanos,
                },
            };
            let terms = self.terms(target);
            read_groups(input, &mut self.states[place].groups, terms)?;
            self.rearm(place);
        }
        input.0.is_empty().then_some(())
    }

    /// Puts `set` in the place of the rules at work. Rules that are the same keep their windows;
    /// how many those are.
    pub fn reload(&mut self, set: Arc<RuleSet>) -> usize {
        let before = std::mem::replace(&mut self.set, set);
        let states = std::mem::take(&mut self.states);
        let mut kept: HashMap<&str, (&[u8; 32], State)> = HashMap::new();
        for (rule, state) in before.rules.iter().zip(states) {
            kept.insert(&rule.reference.id, (&rule.digest, state));
        }
        let mut same = 0;
        let set = Arc::clone(&self.set);
        for rule in &set.rules {
            let state = match kept.remove(rule.reference.id.as_str()) {
                Some((digest, state)) if *digest == rule.digest => {
                    same += 1;
                    state
                }
                _ => State::new(self.config.seed),
            };
            self.states.push(state);
        }
        self.timers.clear();
        for place in 0..self.states.len() {
            self.states[place].due = None;
            self.rearm(place);
        }
        self.sieve = Sieve::default();
        same
    }
}

/// What the meaning of a state depends on beside the entries: rules, settings, this program.
fn binding(set: &RuleSet, config: &EngineConfig) -> [u8; 32] {
    let EngineConfig {
        lateness,
        skew_future,
        skew_past,
        state_bytes_max,
        evidence_max,
        seed,
    } = config;
    let mut hash = Sha256::new();
    hash.update(env!("CARGO_PKG_VERSION"));
    for duration in [lateness, skew_future, skew_past] {
        hash.update(duration.as_nanos().to_le_bytes());
    }
    for number in [
        *state_bytes_max as u64,
        *evidence_max as u64,
        seed[0],
        seed[1],
    ] {
        hash.update(number.to_le_bytes());
    }
    for rule in &set.rules {
        hash.update(rule.digest);
    }
    hash.finalize().into()
}
