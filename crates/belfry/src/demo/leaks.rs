//! Looks for planted secrets in every file of the data folder, in the shapes a careless program
//! would leave them in: as they are, percent-encoded, in hex, in base64 of any surroundings.

use std::collections::HashMap;
use std::path::Path;

use anyhow::ensure;
use disk::Disk;
use serde_json::{Value, json};

use super::form;
use super::planted::Plant;
use super::scratch_folder::for_each_file;
use crate::keys;

/// Every needle is at least this long, so that its first bytes find it.
const HEAD_BYTES: usize = 8;

/// What was found.
#[derive(Debug, Default)]
pub(crate) struct Search {
    /// Secrets looked for.
    pub(crate) planted: usize,
    /// Files read.
    pub(crate) files: usize,
    /// Bytes read.
    pub(crate) bytes: u64,
    /// What was found where; never the secret.
    pub(crate) leaks: Vec<Leak>,
    /// Whether the control text was found: a search that misses it proves nothing.
    pub(crate) found_control: bool,
}

/// One secret in one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Leak {
    /// What the secret is.
    pub(crate) what: &'static str,
    /// In which shape it was found.
    pub(crate) shape: &'static str,
    /// File below the data folder.
    pub(crate) file: String,
    /// Offset of the first find in it.
    pub(crate) offset: usize,
}

impl Leak {
    /// For programs.
    pub(crate) fn json(&self) -> Value {
        json!({
            "what": self.what,
            "shape": self.shape,
            "file": self.file,
            "offset": self.offset,
        })
    }
}

/// Searches every file below `dir` for `plants`, and for `control`, which must be there.
pub(crate) fn search(
    disk: &dyn Disk,
    dir: &Path,
    plants: &[Plant],
    control: &str,
) -> anyhow::Result<Search> {
    let needles = Needles::of(plants, control)?;
    let mut search = Search {
        planted: plants.len(),
        ..Search::default()
    };
    for_each_file(disk, dir, &mut |path, bytes| {
        search.files += 1;
        search.bytes += bytes.len() as u64;
        let file = path.strip_prefix(dir).unwrap_or(path).display().to_string();
        let mut found = Vec::new();
        needles.find(bytes, &mut found);
        for (needle, offset) in found {
            match needle.what {
                Some(what) => {
                    search.leaks.push(Leak {
                        what,
                        shape: needle.shape,
                        file: file.clone(),
                        offset,
                    });
                }
                None => search.found_control = true,
            }
        }
        Ok(())
    })?;
    Ok(search)
}

#[derive(Debug)]
struct Needle {
    bytes: Vec<u8>,
    /// What the secret is; `None` for the control.
    what: Option<&'static str>,
    shape: &'static str,
}

/// All needles, found by their first bytes in one pass.
#[derive(Debug)]
struct Needles {
    all: Vec<Needle>,
    /// Whether any needle begins with these two bytes.
    starts: Vec<bool>,
    by_head: HashMap<[u8; HEAD_BYTES], Vec<usize>>,
}

impl Needles {
    fn of(plants: &[Plant], control: &str) -> anyhow::Result<Self> {
        let mut all = Vec::new();
        for plant in plants {
            let shapes = shapes(plant.secret.expose());
            all.extend(shapes.into_iter().map(|(shape, text)| Needle {
                bytes: text.into_bytes(),
                what: Some(plant.what),
                shape,
            }));
        }
        all.push(Needle {
            bytes: control.as_bytes().to_vec(),
            what: None,
            shape: "as it is",
        });
        let mut needles = Self {
            all: Vec::new(),
            starts: vec![false; 1 << 16],
            by_head: HashMap::new(),
        };
        for needle in all {
            ensure!(
                needle.bytes.len() > HEAD_BYTES,
                "a {} needle is too short",
                needle.shape
            );
            let mut head = [0; HEAD_BYTES];
            head.copy_from_slice(&needle.bytes[..HEAD_BYTES]);
            needles.starts[start_of(&head)] = true;
            needles
                .by_head
                .entry(head)
                .or_default()
                .push(needles.all.len());
            needles.all.push(needle);
        }
        Ok(needles)
    }

    /// The first place of every needle in `bytes`.
    fn find<'a>(&'a self, bytes: &[u8], found: &mut Vec<(&'a Needle, usize)>) {
        let mut seen = vec![false; self.all.len()];
        for (offset, window) in bytes.windows(HEAD_BYTES).enumerate() {
            if !self.starts[start_of(window)] {
                continue;
            }
            let Some(candidates) = self.by_head.get(window) else {
                continue;
            };
            for &at in candidates {
                let needle = &self.all[at];
                if !seen[at] && bytes[offset..].starts_with(&needle.bytes) {
                    seen[at] = true;
                    found.push((needle, offset));
                }
            }
        }
    }
}

fn start_of(window: &[u8]) -> usize {
    usize::from(window[0]) << 8 | usize::from(window[1])
}

/// `secret` in every shape it is looked for.
fn shapes(secret: &str) -> Vec<(&'static str, String)> {
    let encoded = form::encoded(secret);
    let mut shapes = vec![
        ("as it is", secret.to_owned()),
        ("hex", keys::hex(secret.as_bytes())),
    ];
    for text in [lower_escapes(&encoded), encoded] {
        if shapes.iter().all(|(_, known)| *known != text) {
            shapes.push(("percent-encoded", text));
        }
    }
    for before in 0..3 {
        let text = base64_inside(secret.as_bytes(), before);
        let for_url = text.replace('+', "-").replace('/', "_");
        if for_url != text {
            shapes.push(("base64url", for_url));
        }
        shapes.push(("base64", text));
    }
    shapes
}

/// `%2F` as `%2f`.
fn lower_escapes(encoded: &str) -> String {
    let mut out = String::with_capacity(encoded.len());
    let mut escape = 0;
    for c in encoded.chars() {
        out.push(if escape > 0 {
            c.to_ascii_lowercase()
        } else {
            c
        });
        escape = if c == '%' {
            2_u32
        } else {
            escape.saturating_sub(1)
        };
    }
    out
}

/// The base64 characters (RFC 4648) that `bytes` alone decide when `before` other bytes stand
/// before them, modulo 3, and anything after them.
fn base64_inside(bytes: &[u8], before: usize) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let bits = |at: usize| -> u8 {
        let bit = |at: usize| bytes[at / 8 - before] >> (7 - at % 8) & 1;
        (at..at + 6).fold(0, |value, at| value << 1 | bit(at))
    };
    let first = (before * 8).div_ceil(6);
    let end = (before + bytes.len()) * 8 / 6;
    (first..end)
        .map(|at| char::from(ALPHABET[usize::from(bits(at * 6))]))
        .collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use disk::RealDisk;
    use stdx::Secret;

    use super::*;
    use crate::demo::scratch_folder::ScratchFolder;

    #[test]
    fn base64_is_known_in_any_surroundings() {
        // "??secret sauce??" in base64 with 0, 1 and 2 bytes before it.
        assert_eq!(base64_inside(b"secret sauce", 0), "c2VjcmV0IHNhdWNl");
        assert!("LXNlY3JldCBzYXVjZS0=".contains(&base64_inside(b"secret sauce", 1)));
        assert!("LS1zZWNyZXQgc2F1Y2U=".contains(&base64_inside(b"secret sauce", 2)));
    }

    fn check(content: &str, leaks: &[&str]) {
        let disk: Arc<dyn Disk> = Arc::new(RealDisk::default());
        let folder = ScratchFolder::make(Arc::clone(&disk), "belfry-leaks").unwrap();
        let inner = folder.path().join("inner");
        disk.create_dir_all(&inner).unwrap();
        disk.write_derived(&inner.join("file"), content.as_bytes())
            .unwrap();
        let secret = Secret::new("Gull&Tide-0123456789!".to_owned());
        let plants = [Plant {
            what: "password",
            secret,
        }];
        let search = search(disk.as_ref(), folder.path(), &plants, "controlling").unwrap();
        let found: Vec<&str> = search.leaks.iter().map(|leak| leak.shape).collect();
        assert_eq!(found, leaks, "{content}");
        assert_eq!(
            search.found_control,
            content.contains("controlling"),
            "{content}"
        );
        assert_eq!(search.files, 1);
    }

    #[test]
    fn secrets_are_found_in_every_shape() {
        check("controlling [REDACTED:password] and so on", &[]);
        check("..Gull&Tide-0123456789!", &["as it is"]);
        check("a=Gull%26Tide-0123456789%21&b", &["percent-encoded"]);
        check(
            "x47756c6c26546964652d3031323334353637383921 controlling",
            &["hex"],
        );
        check("eHh4R3VsbCZUaWRlLTAxMjM0NTY3ODkh", &["base64"]);
    }
}
