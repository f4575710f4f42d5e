//! To which log sources an event belongs, and which a rule accepts.
//!
//! An event belongs to several log sources at once; a rule accepts an event when one of them has
//! every part the rule names. Strict: a part that the rule names and the event lacks is a
//! mismatch, because a rule for another product that happens to share a field name is noise.
//!
//! What gives a membership is data (`log_source/table.txt`, read by `log_source/table.rs`). Beside
//! it two doors are open to any log source, known or not: `event.module` with `event.dataset` name
//! product and service, and a sender may say it outright in `logsource.category`,
//! `logsource.product` and `logsource.service`. Category `any` is our own word for every event.
//! Belfry's own entries belong to nothing but that and `application/belfry`: they quote what rang
//! (a path, a status) and are about traffic, not traffic.

use std::collections::HashMap;

use event::{Event, field};

use crate::limits;
use crate::rule::LogSource;

mod table;

use table::{Clues, Table, Triple};

/// Words of a [`Mask`].
const WORDS: usize = limits::LOG_SOURCES_MAX / 64;

/// A set of log sources that rules name, by their place in [`LogSources`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Mask([u64; WORDS]);

impl Mask {
    /// Every log source.
    pub(crate) const ALL: Self = Self([u64::MAX; WORDS]);

    /// Whether `place` is in it.
    pub(crate) fn has(&self, place: u16) -> bool {
        self.0[usize::from(place) / 64] >> (place % 64) & 1 == 1
    }

    fn add(&mut self, place: usize) {
        self.0[place / 64] |= 1 << (place % 64);
    }

    fn join(&mut self, other: &Self) {
        for (word, more) in self.0.iter_mut().zip(&other.0) {
            *word |= more;
        }
    }
}

/// How far we know the events that a log source asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reach {
    /// Only events whose sender names the log source (`logsource.*`), or whose `event.module` and
    /// `event.dataset` do.
    Named,
    /// Events that are recognised by what they hold.
    Recognised,
}

/// The log sources that the rules of one set name.
#[derive(Debug, Default)]
pub(crate) struct LogSources {
    sources: Vec<LogSource>,
    places: HashMap<LogSource, u16>,
    /// Per row of the table of memberships: the sources it satisfies.
    by_membership: Vec<Mask>,
    /// Sources that accept every event.
    any: Mask,
    /// Sources that our own entries satisfy.
    own: Mask,
}

/// The source of Belfry's own entries, which no sender can claim.
const OWN_SOURCE: &str = "self";
/// What our own entries are.
const OWN: Triple<'static> = ("application", "belfry", "");

impl LogSources {
    /// The place of `source`.
    pub(crate) fn place(&mut self, source: &LogSource) -> Result<u16, String> {
        let source = lower_case(source);
        if let Some(place) = self.places.get(&source) {
            return Ok(*place);
        }
        let place = self.sources.len();
        if place >= limits::LOG_SOURCES_MAX {
            let max = limits::LOG_SOURCES_MAX;
            return Err(format!("rules name more than {max} log sources"));
        }
        let table = Table::get();
        self.by_membership
            .resize(table.memberships(), Mask::default());
        for (membership, mask) in self.by_membership.iter_mut().enumerate() {
            if accepts(&source, table.triple(membership)) {
                mask.add(place);
            }
        }
        if accepts(&source, ("any", "", "")) {
            self.any.add(place);
        }
        if accepts(&source, OWN) {
            self.own.add(place);
        }
        // Fits: the limit is far below 65,536.
        let number = u16::try_from(place).unwrap_or(u16::MAX);
        self.places.insert(source.clone(), number);
        self.sources.push(source);
        Ok(number)
    }

    /// The log sources that `event` belongs to.
    pub(crate) fn of(&self, event: &Event, sorter: &mut Sorter) -> Mask {
        let mut mask = self.any;
        if event.text(field::BELFRY_SOURCE) == Some(OWN_SOURCE) {
            if event.has(field::EVENT_ACTION) {
                mask.join(&self.own);
            }
            return mask;
        }
        let table = Table::get();
        table.memberships_of(event, &mut sorter.clues, |membership| {
            if let Some(more) = self.by_membership.get(usize::from(membership)) {
                mask.join(more);
            }
        });
        if let Some(named) = table.named(&sorter.clues) {
            mask.join(&self.named(&named, &mut sorter.key, &mut sorter.named));
        }
        mask
    }

    /// What an event calls itself; answers are kept, because few names come again and again.
    fn named(
        &self,
        named: &[Triple<'_>; 4],
        key: &mut String,
        known: &mut HashMap<String, Mask>,
    ) -> Mask {
        key.clear();
        for part in [named[0].0, named[0].1, named[0].2, named[1].1, named[1].2] {
            key.push_str(part);
            key.push('\n');
        }
        if let Some(mask) = known.get(key.as_str()) {
            return *mask;
        }
        let mut mask = Mask::default();
        for (place, source) in self.sources.iter().enumerate() {
            if named.iter().any(|triple| accepts(source, *triple)) {
                mask.add(place);
            }
        }
        if known.len() < limits::NAMED_SOURCES_MAX {
            known.insert(key.clone(), mask);
        }
        mask
    }
}

/// Working memory of [`LogSources::of`], kept from event to event; for one set of rules.
#[derive(Debug, Default)]
pub(crate) struct Sorter {
    clues: Clues,
    key: String,
    named: HashMap<String, Mask>,
}

/// How far the events that `source` asks for are known.
pub(crate) fn reach(source: &LogSource) -> Reach {
    let source = lower_case(source);
    let table = Table::get();
    let known = (0..table.memberships()).any(|place| accepts(&source, table.triple(place)));
    if known || accepts(&source, ("any", "", "")) {
        Reach::Recognised
    } else {
        Reach::Named
    }
}

fn lower_case(source: &LogSource) -> LogSource {
    let lower = |part: &Option<String>| part.as_ref().map(|part| part.to_ascii_lowercase());
    LogSource {
        category: lower(&source.category),
        product: lower(&source.product),
        service: lower(&source.service),
    }
}

/// Whether `has` shows every part that `wanted` (in lower case) names.
fn accepts(wanted: &LogSource, has: Triple<'_>) -> bool {
    let part = |wanted: &Option<String>, has: &str| {
        wanted
            .as_deref()
            .is_none_or(|wanted| wanted.eq_ignore_ascii_case(has))
    };
    part(&wanted.category, has.0) && part(&wanted.product, has.1) && part(&wanted.service, has.2)
}

#[cfg(test)]
mod tests;
