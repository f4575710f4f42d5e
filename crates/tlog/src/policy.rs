//! Which logs to believe and how many witnesses must have seen a checkpoint
//! (c2sp.org/tlog-policy).
//!
//! A policy is a text of lines: `log <vkey> [<url>]`, `witness <name> <vkey> [<url>]`,
//! `group <name> <any|all|k> <member>...` and one `quorum <name>`, where the name `none` asks for
//! nobody. `#` begins a comment. Names are defined before they are used, so groups have no
//! circles. A witness whose key is of a kind we cannot check is accepted and never counts.

use std::fmt;

use thiserror::Error;

use crate::checkpoint::{Checkpoint, CheckpointVerifyError, UnverifiedCheckpoint};
use crate::cosignature::{Cosignature, CosignatureError, CosignerKey};
use crate::limits::{
    POLICY_LEN_BYTES_MAX, POLICY_LOGS_MAX, POLICY_MEMBERS_MAX, POLICY_NAME_CHARS_MAX,
};
use crate::note::{PublicText, VerifyingKey, VerifyingKeyParseError};
use crate::verified::Verified;

/// The name that stands for no requirement.
const NONE: &str = "none";

/// A log that a policy believes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyLog {
    /// Key of the log; its name is the origin.
    pub key: VerifyingKey,
    /// Where its checkpoints and tiles are served, if the policy says so.
    pub url: Option<String>,
}

/// A witness of a policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyWitness {
    /// Its name inside the policy.
    pub name: String,
    /// Its key; `None` for one of a kind that is not checked here.
    pub key: Option<CosignerKey>,
    /// Its key as written.
    pub vkey: String,
    /// Where it takes checkpoints, if the policy says so.
    pub url: Option<String>,
}

/// A named number of members that must all be there.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Group {
    name: String,
    threshold: usize,
    members: Vec<Member>,
}

/// A place among the witnesses or groups of a policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Member {
    Witness(usize),
    Group(usize),
}

/// A parsed policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    logs: Vec<PolicyLog>,
    witnesses: Vec<PolicyWitness>,
    groups: Vec<Group>,
    quorum: Quorum,
}

/// What must be there for a checkpoint to be enough.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Quorum {
    /// `quorum none`: nobody.
    Nobody,
    Of(Member),
}

impl Policy {
    /// Reads the text of a policy; the error names the line.
    pub fn parse(text: &str) -> Result<Self, PolicyError> {
        if POLICY_LEN_BYTES_MAX < text.len() {
            return Err(PolicyError::TooLong {
                len_bytes: text.len(),
                len_bytes_max: POLICY_LEN_BYTES_MAX,
            });
        }
        let mut draft = Draft::default();
        for (position, line) in text.lines().enumerate() {
            let content = line.split('#').next().unwrap_or_default();
            let words: Vec<&str> = content.split_ascii_whitespace().collect();
            draft.add(&words).map_err(|fault| PolicyError::Line {
                line: position + 1,
                fault,
            })?;
        }
        draft.finish()
    }

    /// The logs in the order of the lines.
    pub fn logs(&self) -> &[PolicyLog] {
        &self.logs
    }

    /// The witnesses in the order of the lines.
    pub fn witnesses(&self) -> &[PolicyWitness] {
        &self.witnesses
    }

    /// Whether the policy asks for any witness.
    pub fn has_quorum(&self) -> bool {
        self.quorum != Quorum::Nobody
    }

    /// Whether the witnesses that `has_signed` names are enough.
    pub fn is_satisfied(&self, has_signed: impl Fn(&PolicyWitness) -> bool) -> bool {
        let signed: Vec<bool> = self.witnesses.iter().map(has_signed).collect();
        let mut reached = Vec::with_capacity(self.groups.len());
        // Members of a group stand before it, so one pass is enough.
        for group in &self.groups {
            let count = group
                .members
                .iter()
                .filter(|member| is_there(**member, &signed, &reached))
                .count();
            reached.push(group.threshold <= count);
        }
        match self.quorum {
            Quorum::Nobody => true,
            Quorum::Of(member) => is_there(member, &signed, &reached),
        }
    }

    /// Checks a checkpoint against the policy: a known log of its origin signed it, no known key
    /// signed badly, and which witnesses cosigned. Whether they are enough is
    /// [`Witnessed::is_satisfied`]; being short of witnesses is no forgery.
    pub fn judge(&self, foreign: &UnverifiedCheckpoint) -> Result<Witnessed, PolicyVerdict> {
        let origin = foreign.claimed_origin();
        let log = self.logs.iter().find(|log| log.key.name() == origin);
        let log = log.ok_or_else(|| PolicyVerdict::UnknownLog {
            origin: origin.to_owned(),
        })?;
        let checkpoint = foreign
            .verify(&log.key, origin)
            .map_err(PolicyVerdict::Log)?;
        let mut cosignatures = Vec::new();
        for witness in &self.witnesses {
            let found = match &witness.key {
                Some(key) => key
                    .find_in(foreign.note())
                    .map_err(PolicyVerdict::Witness)?,
                None => None,
            };
            cosignatures.push(found);
        }
        let names: Vec<&str> = self
            .witnesses
            .iter()
            .zip(&cosignatures)
            .filter(|(_, found)| found.is_some())
            .map(|(witness, _)| witness.name.as_str())
            .collect();
        let is_satisfied = self.is_satisfied(|witness| names.contains(&witness.name.as_str()));
        Ok(Witnessed {
            checkpoint,
            cosignatures: cosignatures.into_iter().flatten().collect(),
            is_satisfied,
        })
    }
}

fn is_there(member: Member, signed: &[bool], reached: &[bool]) -> bool {
    match member {
        Member::Witness(at) => signed.get(at).copied().unwrap_or(false),
        Member::Group(at) => reached.get(at).copied().unwrap_or(false),
    }
}

impl fmt::Display for Policy {
    /// The lines without comments, in the order logs, witnesses, groups, quorum.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let url =
            |url: &Option<String>| url.as_ref().map_or(String::new(), |url| format!(" {url}"));
        for log in &self.logs {
            writeln!(f, "log {}{}", log.key, url(&log.url))?;
        }
        for witness in &self.witnesses {
            let PolicyWitness { name, vkey, .. } = witness;
            writeln!(f, "witness {name} {vkey}{}", url(&witness.url))?;
        }
        for group in &self.groups {
            write!(f, "group {} {}", group.name, group.threshold)?;
            for member in &group.members {
                write!(f, " {}", self.name_of(*member))?;
            }
            writeln!(f)?;
        }
        let quorum = match self.quorum {
            Quorum::Nobody => NONE,
            Quorum::Of(member) => self.name_of(member),
        };
        writeln!(f, "quorum {quorum}")
    }
}

impl Policy {
    fn name_of(&self, member: Member) -> &str {
        match member {
            Member::Witness(at) => &self.witnesses[at].name,
            Member::Group(at) => &self.groups[at].name,
        }
    }
}

/// A checkpoint of a known log and who saw it; made by [`Policy::judge`] only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Witnessed {
    checkpoint: Verified<Checkpoint>,
    cosignatures: Vec<Verified<Cosignature>>,
    is_satisfied: bool,
}

impl Witnessed {
    /// What the log signed.
    pub fn checkpoint(&self) -> &Checkpoint {
        &self.checkpoint
    }

    /// The newest good cosignature of each witness of the policy that cosigned.
    pub fn cosignatures(&self) -> impl Iterator<Item = &Cosignature> {
        self.cosignatures.iter().map(|cosignature| &**cosignature)
    }

    /// Whether the quorum of the policy saw it.
    pub fn is_satisfied(&self) -> bool {
        self.is_satisfied
    }
}

/// Why a checkpoint is not believed under a policy.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum PolicyVerdict {
    /// The policy knows no log of this origin.
    #[error("policy has no log of origin {origin:?}")]
    UnknownLog {
        /// Origin claimed.
        origin: String,
    },
    /// The log did not sign it.
    #[error(transparent)]
    Log(CheckpointVerifyError),
    /// A known witness has a bad line in it.
    #[error(transparent)]
    Witness(CosignatureError),
}

#[derive(Default)]
struct Draft {
    logs: Vec<PolicyLog>,
    witnesses: Vec<PolicyWitness>,
    groups: Vec<Group>,
    quorum: Option<Quorum>,
}

impl Draft {
    fn add(&mut self, words: &[&str]) -> Result<(), LineFault> {
        match words {
            [] => Ok(()),
            ["log", vkey, rest @ ..] => self.add_log(vkey, optional_url(rest)?),
            ["witness", name, vkey, rest @ ..] => self.add_witness(name, vkey, optional_url(rest)?),
            ["group", name, threshold, members @ ..] => self.add_group(name, threshold, members),
            ["quorum", name] => self.set_quorum(name),
            [keyword @ ("log" | "witness" | "group" | "quorum"), ..] => Err(LineFault::Words {
                keyword: (*keyword).to_owned(),
            }),
            [keyword, ..] => Err(LineFault::Keyword {
                keyword: shortened(keyword),
            }),
        }
    }

    fn add_log(&mut self, vkey: &str, url: Option<String>) -> Result<(), LineFault> {
        let key: VerifyingKey = vkey.parse().map_err(LineFault::Key)?;
        if self.logs.iter().any(|log| log.key == key) {
            return Err(LineFault::LogTwice);
        }
        if self.logs.len() == POLICY_LOGS_MAX {
            return Err(LineFault::TooManyLogs {
                logs_max: POLICY_LOGS_MAX,
            });
        }
        self.logs.push(PolicyLog { key, url });
        Ok(())
    }

    fn add_witness(
        &mut self,
        name: &str,
        vkey: &str,
        url: Option<String>,
    ) -> Result<(), LineFault> {
        self.check_new(name)?;
        let key = match vkey.parse::<CosignerKey>() {
            Ok(key) => Some(key),
            Err(VerifyingKeyParseError::Algorithm { .. }) => {
                PublicText::parse(vkey).map_err(LineFault::Key)?;
                None
            }
            Err(error) => return Err(LineFault::Key(error)),
        };
        // The same key under two names would count twice.
        if self.witnesses.iter().any(|known| known.vkey == vkey) {
            return Err(LineFault::KeyTwice);
        }
        self.witnesses.push(PolicyWitness {
            name: name.to_owned(),
            key,
            vkey: vkey.to_owned(),
            url,
        });
        Ok(())
    }

    fn add_group(&mut self, name: &str, threshold: &str, names: &[&str]) -> Result<(), LineFault> {
        self.check_new(name)?;
        let mut members = Vec::with_capacity(names.len());
        for member in names {
            let found = self.find(member)?;
            if members.contains(&found) {
                return Err(LineFault::MemberTwice {
                    name: (*member).to_owned(),
                });
            }
            members.push(found);
        }
        let count = members.len();
        let threshold = match threshold {
            "any" => 1,
            "all" => count,
            number => number.parse().unwrap_or(0),
        };
        if !(1..=count).contains(&threshold) {
            return Err(LineFault::Threshold { members: count });
        }
        self.groups.push(Group {
            name: name.to_owned(),
            threshold,
            members,
        });
        Ok(())
    }

    fn set_quorum(&mut self, name: &str) -> Result<(), LineFault> {
        if self.quorum.is_some() {
            return Err(LineFault::QuorumTwice);
        }
        self.quorum = Some(if name == NONE {
            Quorum::Nobody
        } else {
            Quorum::Of(self.find(name)?)
        });
        Ok(())
    }

    fn find(&self, name: &str) -> Result<Member, LineFault> {
        let witness = self.witnesses.iter().position(|known| known.name == name);
        let group = self.groups.iter().position(|known| known.name == name);
        witness
            .map(Member::Witness)
            .or(group.map(Member::Group))
            .ok_or_else(|| LineFault::UnknownName {
                name: shortened(name),
            })
    }

    fn check_new(&self, name: &str) -> Result<(), LineFault> {
        if POLICY_NAME_CHARS_MAX < name.chars().count() {
            return Err(LineFault::NameTooLong {
                chars_max: POLICY_NAME_CHARS_MAX,
            });
        }
        if name == NONE || self.find(name).is_ok() {
            return Err(LineFault::NameTaken {
                name: name.to_owned(),
            });
        }
        if self.witnesses.len() + self.groups.len() == POLICY_MEMBERS_MAX {
            return Err(LineFault::TooManyMembers {
                members_max: POLICY_MEMBERS_MAX,
            });
        }
        Ok(())
    }

    fn finish(self) -> Result<Policy, PolicyError> {
        if self.logs.is_empty() {
            return Err(PolicyError::NoLog);
        }
        Ok(Policy {
            logs: self.logs,
            witnesses: self.witnesses,
            groups: self.groups,
            quorum: self.quorum.ok_or(PolicyError::NoQuorum)?,
        })
    }
}

fn optional_url(rest: &[&str]) -> Result<Option<String>, LineFault> {
    match rest {
        [] => Ok(None),
        [url] if url.starts_with("https://") || url.starts_with("http://") => {
            Ok(Some((*url).trim_end_matches('/').to_owned()))
        }
        [_] => Err(LineFault::Url),
        [_, word, ..] => Err(LineFault::Surplus {
            word: shortened(word),
        }),
    }
}

/// A word of a foreign file as it may stand in an error.
fn shortened(word: &str) -> String {
    word.chars().take(POLICY_NAME_CHARS_MAX).collect()
}

/// Why a text is not a policy.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum PolicyError {
    /// More bytes than any policy needs.
    #[error("policy of {len_bytes} bytes is over the limit of {len_bytes_max}")]
    TooLong {
        /// Length found.
        len_bytes: usize,
        /// Longest policy.
        len_bytes_max: usize,
    },
    /// A line is wrong.
    #[error("policy line {line}: {fault}")]
    Line {
        /// Line counted from one.
        line: usize,
        /// What is wrong with it.
        #[source]
        fault: LineFault,
    },
    /// No log is named.
    #[error("policy has no line `log <vkey>`")]
    NoLog,
    /// Nothing says how many witnesses are enough.
    #[error("policy has no line `quorum <name>`; `quorum none` asks for no witness")]
    NoQuorum,
}

/// What is wrong with a line of a policy.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum LineFault {
    /// A first word that means nothing.
    #[error("`{keyword}` is none of log, witness, group, quorum")]
    Keyword {
        /// Word found.
        keyword: String,
    },
    /// Too few or too many words for the keyword.
    #[error("`{keyword}` does not have the words it needs")]
    Words {
        /// First word of the line.
        keyword: String,
    },
    /// A word after the address.
    #[error("`{word}` follows where the line should end")]
    Surplus {
        /// Word found.
        word: String,
    },
    /// The key is malformed.
    #[error(transparent)]
    Key(VerifyingKeyParseError),
    /// The address is not one of HTTP.
    #[error("the address does not begin with https:// or http://")]
    Url,
    /// The same log again.
    #[error("this log is named twice")]
    LogTwice,
    /// The same witness key again, which would count twice.
    #[error("this witness key is named twice")]
    KeyTwice,
    /// A name that is taken already.
    #[error("the name `{name}` is taken")]
    NameTaken {
        /// Name found.
        name: String,
    },
    /// A name longer than we keep.
    #[error("the name has more than {chars_max} characters")]
    NameTooLong {
        /// Longest name.
        chars_max: usize,
    },
    /// A name that no line before defined.
    #[error("no line before defines `{name}`")]
    UnknownName {
        /// Name found.
        name: String,
    },
    /// A member is listed twice, which would count twice.
    #[error("`{name}` is listed twice")]
    MemberTwice {
        /// Name found.
        name: String,
    },
    /// The threshold cannot be reached or asks for nothing.
    #[error("the threshold must be any, all, or a number from 1 to the {members} members")]
    Threshold {
        /// Members listed.
        members: usize,
    },
    /// More than one quorum.
    #[error("there is a quorum already")]
    QuorumTwice,
    /// More logs than we keep.
    #[error("more than {logs_max} logs")]
    TooManyLogs {
        /// Most logs.
        logs_max: usize,
    },
    /// More witnesses and groups than we keep.
    #[error("more than {members_max} witnesses and groups")]
    TooManyMembers {
        /// Most of both together.
        members_max: usize,
    },
}

#[cfg(test)]
mod tests;
