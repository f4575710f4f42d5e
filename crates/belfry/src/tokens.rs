//! The tokens of this installation: records in a file of the data folder, the book that the door
//! asks, and the making of new ones. Only hashes are stored.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Context;
use disk::Disk;
use intake::{Minted, TokenBook, TokenRecord};
use serde::{Deserialize, Serialize};
use stdx::Secret;

use crate::exit_code::bad_input;
use crate::keys;

/// Bytes of the file of records.
const FILE_BYTES_MAX: u64 = 4 << 20;
/// Tokens of one installation.
const TOKENS_MAX: usize = 4096;
/// Random bytes of a token's public name.
const ID_BYTES: usize = 4;
/// Random bytes of a token.
const RANDOM_BYTES: usize = intake::TOKEN_RANDOM_BYTES;

/// One line of the file.
#[derive(Serialize, Deserialize)]
struct Line {
    id: String,
    source: String,
    sha256: String,
}

/// The records and the book made from them.
#[derive(Debug)]
pub(crate) struct Store {
    disk: Arc<dyn Disk>,
    path: PathBuf,
    book: Arc<TokenBook>,
    /// Held while the file is rewritten, so that two requests cannot lose each other's token.
    records: Mutex<Vec<TokenRecord>>,
}

impl Store {
    /// Reads the records of the data folder `data`; none when there is no file yet.
    pub(crate) fn load(disk: Arc<dyn Disk>, data: &Path) -> anyhow::Result<Self> {
        let path = data.join("tokens.jsonl");
        let records = match disk.stat(&path).context("looking for tokens")? {
            Some(_) => read(disk.as_ref(), &path)?,
            None => Vec::new(),
        };
        let book = Arc::new(TokenBook::new(records.clone()));
        Ok(Self {
            disk,
            path,
            book,
            records: Mutex::new(records),
        })
    }

    /// What the door asks.
    pub(crate) fn book(&self) -> Arc<TokenBook> {
        Arc::clone(&self.book)
    }

    /// Id and source of every token.
    pub(crate) fn list(&self) -> Vec<(String, String)> {
        let records = self.records.lock().unwrap_or_else(PoisonError::into_inner);
        records
            .iter()
            .map(|record| (record.id.to_string(), record.source.to_string()))
            .collect()
    }

    /// Makes a token for `source`; its text is not kept.
    pub(crate) fn mint(&self, source: &str) -> anyhow::Result<Minted> {
        let mut records = self.records.lock().unwrap_or_else(PoisonError::into_inner);
        if records.len() >= TOKENS_MAX {
            return Err(bad_input(format!(
                "there are {TOKENS_MAX} tokens already; revoke some"
            )));
        }
        let (mut id, mut random) = ([0; ID_BYTES], [0; RANDOM_BYTES]);
        keys::random(&mut id)?;
        keys::random(&mut random)?;
        let minted = intake::mint(&keys::hex(&id), source, &Secret::new(random))?;
        let mut next = records.clone();
        next.push(minted.record.clone());
        self.replace(&mut records, next)?;
        Ok(minted)
    }

    /// Forgets the token `id`; the source it spoke for, or `None` when there was none.
    pub(crate) fn revoke(&self, id: &str) -> anyhow::Result<Option<String>> {
        let mut records = self.records.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(gone) = records.iter().find(|record| &*record.id == id).cloned() else {
            return Ok(None);
        };
        let next = records
            .iter()
            .filter(|record| &*record.id != id)
            .cloned()
            .collect();
        self.replace(&mut records, next)?;
        Ok(Some(gone.source.to_string()))
    }

    /// Durable first, then in force.
    fn replace(
        &self,
        records: &mut Vec<TokenRecord>,
        next: Vec<TokenRecord>,
    ) -> anyhow::Result<()> {
        let mut text = String::new();
        for record in &next {
            let line = Line {
                id: record.id.to_string(),
                source: record.source.to_string(),
                sha256: keys::hex(&record.sha256),
            };
            text.push_str(&serde_json::to_string(&line).context("writing a token record")?);
            text.push('\n');
        }
        self.disk
            .write_atomic(&self.path, text.as_bytes())
            .context("writing token records")?;
        self.book.replace(next.clone());
        *records = next;
        Ok(())
    }
}

fn read(disk: &dyn Disk, path: &Path) -> anyhow::Result<Vec<TokenRecord>> {
    let shown = path.display();
    let bytes = disk
        .read(path, FILE_BYTES_MAX)
        .with_context(|| format!("reading {shown}"))?;
    let text = String::from_utf8(bytes);
    let text = text.map_err(|_| bad_input(format!("{shown} is not text")))?;
    let mut records = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        let line: Line = serde_json::from_str(line)
            .map_err(|_| bad_input(format!("{shown}:{number}: not a token record")))?;
        let sha256 = keys::unhex(line.sha256.as_bytes());
        let sha256 = sha256.ok_or_else(|| bad_input(format!("{shown}:{number}: not a SHA-256")))?;
        records.push(TokenRecord {
            id: line.id.into(),
            source: line.source.into(),
            sha256,
        });
    }
    Ok(records)
}
