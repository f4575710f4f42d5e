//! Which rules about single events match an event: the buckets of one rule set at work.
//!
//! A bucket is built when the first event of its log sources comes, and again when enough events
//! have taught which witnesses are rare. Neither changes what matches.

use std::collections::HashMap;

use event::Event;

use crate::bucket::{Bucket, Knowledge, RuleNumber};
use crate::exception::Exception;
use crate::limits;
use crate::log_source::{Mask, Sorter};
use crate::matcher::{Matcher, Scratch, Spent};
use crate::rule_set::{Kind, RuleSet};

/// The buckets of one rule set.
#[derive(Debug, Default)]
pub(crate) struct Sieve {
    sorter: Sorter,
    buckets: HashMap<Mask, Lane>,
    scratch: Scratch,
    /// Per exception, how often it took a match away.
    suppressed: Vec<u64>,
}

/// A bucket with what its events teach.
#[derive(Debug)]
struct Lane {
    bucket: Bucket,
    knowledge: Knowledge,
    hits: Vec<u32>,
    events: u32,
    /// Events after which it is built anew.
    lesson: u32,
}

#[cfg(test)]
mod tests;

/// Events after which a bucket is built anew, first and last; each time eight times as many.
const LESSON_FIRST: u32 = 256;
const LESSON_LAST: u32 = 1 << 20;

impl Sieve {
    /// Numbers of the rules of `set` that match `event`, received at `received` (ns), ascending,
    /// appended to `matched`. Always call it with the same set.
    pub(crate) fn matches(
        &mut self,
        set: &RuleSet,
        event: &Event,
        received: i64,
        matched: &mut Vec<RuleNumber>,
    ) -> Spent {
        let exact = set.log_sources.of(event, &mut self.sorter);
        let mut mask = exact;
        if !self.buckets.contains_key(&mask) {
            if self.buckets.len() >= limits::BUCKETS_MAX {
                mask = Mask::ALL;
            }
            self.buckets
                .entry(mask)
                .or_insert_with(|| Lane::new(set, &mask));
        }
        let Some(lane) = self.buckets.get_mut(&mask) else {
            return Spent::default();
        };
        lane.learn(set, &mask);
        let mut matcher = Matcher::indexed(&set.programs, &lane.bucket, event, &mut self.scratch);
        matcher.matches(
            set.rules.len(),
            |rule| set.root(rule),
            &mut lane.hits,
            matched,
        );
        if mask != exact {
            matched.retain(|rule| set.accepts(*rule, &exact));
        }
        self.suppressed.resize(set.exceptions().len(), 0);
        let suppressed = &mut self.suppressed;
        matched.retain(|rule| {
            let applies = |exception: &&Exception| received < exception.expires_nanos;
            let exceptions = set.exceptions_of(*rule).iter();
            let taken = exceptions
                .filter(applies)
                .find(|exception| !matcher.holds(exception.root));
            if let Some(exception) = taken {
                suppressed[exception.number as usize] += 1;
            }
            taken.is_none()
        });
        matcher.finish()
    }
}

impl Sieve {
    /// How often each exception of the set took a match away.
    pub(crate) fn suppressed(&self) -> &[u64] {
        &self.suppressed
    }
}

impl Lane {
    fn new(set: &RuleSet, mask: &Mask) -> Self {
        let mut lane = Self {
            bucket: Bucket::default(),
            knowledge: Knowledge::default(),
            hits: Vec::new(),
            events: 0,
            lesson: LESSON_FIRST,
        };
        lane.build(set, mask);
        lane
    }

    fn build(&mut self, set: &RuleSet, mask: &Mask) {
        let rules = (0..)
            .zip(&set.rules)
            .filter_map(|(number, rule)| match &rule.kind {
                Kind::Detection(detector) if rule.enabled && mask.has(detector.place) => {
                    Some((number, detector.root, detector.exceptions.as_slice()))
                }
                _ => None,
            });
        self.bucket = Bucket::build(&set.programs, rules, &self.knowledge);
        self.hits.clear();
        self.hits.resize(self.bucket.shows(), 0);
    }

    /// Counts an event and builds anew when a lesson is full.
    fn learn(&mut self, set: &RuleSet, mask: &Mask) {
        self.events += 1;
        if self.events < self.lesson {
            return;
        }
        self.bucket
            .teach(&mut self.knowledge, &self.hits, self.events);
        self.build(set, mask);
        self.events = 0;
        self.lesson = self.lesson.saturating_mul(8).min(LESSON_LAST);
    }
}
