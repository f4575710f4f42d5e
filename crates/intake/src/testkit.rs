//! The door of the tests: keeps what comes, and refuses or is busy when told to.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use event::{Defect, DefectKind, FrameBatch, Hint, Index, TreeSize};

use crate::door::{Busy, Door, Occurrence, Receipt, Refusal, Reply};

/// One frame as the door saw it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Got {
    pub(crate) text: String,
    pub(crate) len: usize,
    pub(crate) cut: bool,
    pub(crate) hint: Hint,
    pub(crate) source: Arc<str>,
}

/// What the door does with the next batch.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Mood {
    Busy(Duration),
    Refuse(Refusal),
    Silent,
}

#[derive(Debug, Default)]
pub(crate) struct FakeDoor {
    pub(crate) frames: Mutex<Vec<Got>>,
    pub(crate) notes: Mutex<Vec<Occurrence>>,
    pub(crate) moods: Mutex<VecDeque<Mood>>,
    /// Replies that are never given.
    kept: Mutex<Vec<KeptReply>>,
}

struct KeptReply {
    _reply: Reply,
}

impl std::fmt::Debug for KeptReply {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("KeptReply")
    }
}

impl FakeDoor {
    pub(crate) fn open() -> Arc<Self> {
        Arc::new(Self::default())
    }

    pub(crate) fn texts(&self) -> Vec<String> {
        let frames = self.frames.lock().unwrap();
        frames.iter().map(|got| got.text.clone()).collect()
    }

    pub(crate) fn notes(&self) -> Vec<Occurrence> {
        self.notes.lock().unwrap().clone()
    }

    pub(crate) fn be(&self, mood: Mood) {
        self.moods.lock().unwrap().push_back(mood);
    }

    /// Waits until `count` frames have come.
    pub(crate) fn wait_for(&self, count: usize) -> Vec<String> {
        self.wait_until(|door| count <= door.frames.lock().unwrap().len());
        self.texts()
    }

    pub(crate) fn wait_until(&self, is_done: impl Fn(&Self) -> bool) {
        let end = Instant::now() + Duration::from_secs(20);
        while !is_done(self) {
            assert!(
                Instant::now() < end,
                "waited in vain: {:?} {:?}",
                self.texts(),
                self.notes()
            );
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Door for FakeDoor {
    fn submit(&self, batch: FrameBatch, reply: Reply) -> Result<(), Box<Busy>> {
        let mood = self.moods.lock().unwrap().pop_front();
        match mood {
            Some(Mood::Busy(retry_after)) => return Err(Box::new(Busy { retry_after, batch })),
            Some(Mood::Refuse(refusal)) => {
                reply(Err(refusal));
                return Ok(());
            }
            Some(Mood::Silent) => {
                self.kept.lock().unwrap().push(KeptReply { _reply: reply });
                return Ok(());
            }
            None => {}
        }
        let mut frames = self.frames.lock().unwrap();
        let first = frames.len() as u64;
        let mut defects = Vec::new();
        for (position, frame) in batch.frames().enumerate() {
            if frame.hint == Hint::Json && !frame.bytes.ends_with(b"}") {
                let defect = Defect {
                    kind: DefectKind::JsonMalformed,
                    at: Some(0),
                };
                defects.push((position, vec![defect]));
            }
            frames.push(Got {
                text: String::from_utf8_lossy(&frame.bytes[..frame.bytes.len().min(400)]).into(),
                len: frame.bytes.len(),
                cut: frame.cut,
                hint: frame.hint,
                source: Arc::clone(&frame.origin.source),
            });
        }
        let receipt = Receipt {
            first: Some(Index(first)),
            count: batch.len() as u64,
            tree_size: TreeSize(frames.len() as u64),
            checkpoint: Some("note".into()),
            defects,
        };
        drop(frames);
        reply(Ok(receipt));
        Ok(())
    }

    fn note(&self, occurrence: Occurrence) {
        self.notes.lock().unwrap().push(occurrence);
    }
}
