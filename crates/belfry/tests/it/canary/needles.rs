//! Looks for secrets in bytes in the shapes a careless program would leave them in.

use std::collections::HashMap;
use std::path::Path;

use corpus::encode::{Form, base64_inside, hex};

/// Every needle is at least this long, so that its first bytes find it.
const HEAD_BYTES: usize = 8;
/// Digits that are no number of something else by chance.
const DIGITS_MIN: usize = 12;

struct Needle {
    bytes: Vec<u8>,
    /// What the secret is and in which shape.
    about: String,
}

/// All needles, found by their first bytes in one pass.
pub(super) struct Needles {
    all: Vec<Needle>,
    starts: Vec<bool>,
    by_head: HashMap<[u8; HEAD_BYTES], Vec<usize>>,
}

impl Needles {
    /// Needles for `secrets`, each with its kind. Eight bytes in a row of one are a find; digits
    /// only count whole. Shorter secrets are left to the exam, which looks at single lines.
    pub(super) fn of<'a>(secrets: impl Iterator<Item = (&'static str, &'a str)>) -> Self {
        let mut needles = Self {
            all: Vec::new(),
            starts: vec![false; 1 << 16],
            by_head: HashMap::new(),
        };
        for (kind, core) in secrets {
            let is_number = core
                .bytes()
                .all(|b| b.is_ascii_digit() || b == b' ' || b == b'-');
            if core.len() < if is_number { DIGITS_MIN } else { HEAD_BYTES } {
                continue;
            }
            let parts = if is_number { vec![core] } else { parts(core) };
            for part in parts {
                needles.add(kind, "as it is", part.as_bytes());
                for form in [Form::Json, Form::JsonHtml, Form::Percent, Form::FormUrl] {
                    let encoded = form.encode(part);
                    if encoded != part {
                        needles.add(kind, form.name(), encoded.as_bytes());
                    }
                }
            }
            for before in 0..3 {
                for url in [false, true] {
                    let text = base64_inside(core.as_bytes(), before, url);
                    needles.add(kind, "base64", text.as_bytes());
                }
            }
            needles.add(kind, "hex", hex(core.as_bytes()).as_bytes());
            let reversed: Vec<u8> = core.bytes().rev().collect();
            needles.add(kind, "reversed", &reversed);
        }
        needles
    }

    pub(super) fn len(&self) -> usize {
        self.all.len()
    }

    fn add(&mut self, kind: &str, shape: &str, bytes: &[u8]) {
        let Some(head) = bytes.first_chunk::<HEAD_BYTES>() else {
            return;
        };
        self.starts[start_of(head)] = true;
        self.by_head.entry(*head).or_default().push(self.all.len());
        self.all.push(Needle {
            bytes: bytes.to_vec(),
            about: format!("{kind} {shape}"),
        });
    }

    /// Nothing of any secret in `bytes`.
    pub(super) fn check(&self, place: &str, bytes: &[u8]) {
        let found = self.find(bytes);
        assert!(found.is_none(), "{} in {place}", found.unwrap_or_default());
    }

    fn find(&self, bytes: &[u8]) -> Option<String> {
        // The empty end of a preallocated file is long.
        let end = bytes
            .iter()
            .rposition(|byte| *byte != 0)
            .map_or(0, |at| at + 1);
        for (offset, window) in bytes[..end].windows(HEAD_BYTES).enumerate() {
            if !self.starts[start_of(window)] {
                continue;
            }
            let candidates = self.by_head.get(window).into_iter().flatten();
            for needle in candidates.map(|at| &self.all[*at]) {
                if bytes[offset..].starts_with(&needle.bytes) {
                    return Some(format!("{} at {offset}", needle.about));
                }
            }
        }
        None
    }

    /// The same for every file under `folder`; how many files hold `control`, and how many there
    /// are.
    pub(super) fn check_folder(&self, folder: &Path, control: &[u8]) -> (usize, usize) {
        let (mut with_control, mut all) = (0, 0);
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                let (inner, files) = self.check_folder(&path, control);
                with_control += inner;
                all += files;
                continue;
            }
            let bytes = std::fs::read(&path).unwrap();
            self.check(&path.display().to_string(), &bytes);
            with_control += usize::from(holds(&bytes, control));
            all += 1;
        }
        (with_control, all)
    }
}

/// Whether `wanted` is in `bytes`.
pub(super) fn holds(bytes: &[u8], wanted: &[u8]) -> bool {
    bytes.windows(wanted.len()).any(|window| window == wanted)
}

fn start_of(window: &[u8]) -> usize {
    usize::from(window[0]) << 8 | usize::from(window[1])
}

/// Pieces of eight bytes that lie one after the other, and the last eight: fifteen bytes in a row
/// hold one of them.
fn parts(core: &str) -> Vec<&str> {
    let starts = (0..core.len() - HEAD_BYTES).step_by(HEAD_BYTES);
    starts
        .chain([core.len() - HEAD_BYTES])
        .filter_map(|at| core.get(at..at + HEAD_BYTES))
        .collect()
}

#[test]
fn the_search_sees_every_shape() {
    let secret = "Gull&Tide-0123456789!";
    let needles = Needles::of([("password", secret)].into_iter());
    let sees = |text: String| needles.find(text.as_bytes()).is_some();
    assert!(sees(format!("a {secret} b")));
    assert!(sees("a ide-012345678 b".to_owned()), "a piece of it");
    for form in [Form::Percent, Form::JsonHtml, Form::Base64, Form::Base64Url] {
        for before in ["", "x", "xy"] {
            let whole = format!("{before}{secret} after");
            assert!(sees(form.encode(&whole)), "{}", form.name());
        }
    }
    assert!(sees(secret.chars().rev().collect()));
    assert!(sees(hex(secret.as_bytes())));
    assert!(!sees("Gull and Tide, 0123 times\0\0".to_owned()));
}
