//! One round: the same checkpoint to all witnesses of a policy at the same time, and what comes
//! back combined into one note.

use std::collections::HashMap;

use thiserror::Error;
use tlog::policy::{PolicyVerdict, PolicyWitness};
use tlog::{Policy, UnverifiedCheckpoint};

use crate::client::{Address, Client, Cosigned, Fault, Proofs};

/// What is remembered from round to round: the size each witness has seen, by its key. A hint
/// only; forgetting it costs one question.
#[derive(Clone, Debug, Default)]
pub struct Memory {
    seen: HashMap<String, u64>,
}

/// What became of one checkpoint.
#[derive(Clone, Debug)]
pub struct Round {
    /// The checkpoint with the log's own lines and all cosignatures.
    pub note: String,
    /// Entries under it.
    pub size: u64,
    /// Whether the policy is satisfied.
    pub is_satisfied: bool,
    /// What each witness said, in the order of the policy.
    pub answers: Vec<(String, Result<u64, Fault>)>,
}

/// Why a round could not begin.
#[derive(Debug, Error)]
pub enum RoundError {
    /// Our own checkpoint cannot be read.
    #[error("our own checkpoint: {0}")]
    Checkpoint(String),
    /// The policy does not believe our own checkpoint.
    #[error("our own checkpoint: {0}")]
    Verdict(#[from] PolicyVerdict),
}

impl Round {
    /// Brings `checkpoint` to all witnesses of `policy`.
    pub fn run(
        client: &Client,
        policy: &Policy,
        checkpoint: &str,
        memory: &mut Memory,
        proofs: Proofs<'_>,
    ) -> Result<Self, RoundError> {
        let foreign = |text: &str| {
            UnverifiedCheckpoint::parse(text.as_bytes())
                .map_err(|error| RoundError::Checkpoint(error.to_string()))
        };
        let parsed = foreign(checkpoint)?;
        let size = policy.judge(&parsed)?.checkpoint().size();
        let answers = ask_all(client, policy, &parsed, memory, proofs);
        let mut note = parsed.note().clone();
        let mut told = Vec::new();
        for (witness, answer) in policy.witnesses().iter().zip(answers) {
            let time = answer.map(|cosigned| {
                note.add_signature(cosigned.line);
                memory.seen.insert(witness.vkey.clone(), size);
                cosigned.time_s
            });
            told.push((witness.name.clone(), time));
        }
        let note = note.to_string();
        // Judged as a stranger would, from the bytes that will be handed out.
        let is_satisfied = policy.judge(&foreign(&note)?)?.is_satisfied();
        Ok(Self {
            note,
            size,
            is_satisfied,
            answers: told,
        })
    }
}

fn ask_all(
    client: &Client,
    policy: &Policy,
    checkpoint: &UnverifiedCheckpoint,
    memory: &Memory,
    proofs: Proofs<'_>,
) -> Vec<Result<Cosigned, Fault>> {
    std::thread::scope(|scope| {
        let asked: Vec<_> = policy
            .witnesses()
            .iter()
            .map(|witness| {
                let hint = memory.seen.get(&witness.vkey).copied().unwrap_or(0);
                scope.spawn(move || ask(client, witness, checkpoint, hint, proofs))
            })
            .collect();
        let lost = || {
            Err(Fault::Unreachable(
                "the conversation failed inside".to_owned(),
            ))
        };
        asked
            .into_iter()
            .map(|thread| thread.join().unwrap_or_else(|_| lost()))
            .collect()
    })
}

fn ask(
    client: &Client,
    witness: &PolicyWitness,
    checkpoint: &UnverifiedCheckpoint,
    hint: u64,
    proofs: Proofs<'_>,
) -> Result<Cosigned, Fault> {
    let key = witness
        .key
        .as_ref()
        .ok_or_else(|| Fault::Answer("its key is of a kind that is not checked here".to_owned()))?;
    let url = witness.url.as_deref();
    let url = url.ok_or_else(|| Fault::Unreachable("the policy gives no address".to_owned()))?;
    client.submit(Address { url, key }, checkpoint, hint, proofs)
}

#[cfg(test)]
mod tests;
