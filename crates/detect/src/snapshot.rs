//! The state of an engine as bytes, and back: `docs/format/detector-state.md`.
//!
//! A snapshot is a cache of what the entries before an index amount to. It names its ledger, its
//! rules and settings, and carries a checksum; whatever does not fit is refused, and the caller
//! replays the ledger instead. The same state always gives the same bytes.

use std::collections::VecDeque;

use crate::bell::Bell;
use crate::bytes::{In, Out};
use crate::deferred::{Deferred, Fold};
use crate::distinct::Distinct;
use crate::groups::{Group, Groups, Store};
use crate::ring::{Ring, Tally};
use crate::rough::{By, Rough};
use crate::window::{Carried, Point, Terms, Window};

/// Groups of a snapshot: (key, touched, used, serial, state).
type Restored = Vec<(Box<str>, i64, u64, u64, Group)>;

/// Writes the groups of one rule.
pub(crate) fn write_groups(out: &mut Out, groups: &Groups) {
    out.u64(groups.used);
    out.u64(groups.serials);
    let slots = groups.slots();
    out.len(slots.len());
    for slot in slots {
        out.text(&slot.key);
        out.i64(slot.touched);
        out.u64(slot.used);
        out.u64(slot.serial);
        write_bell(out, slot.group.bell.as_ref());
        match &slot.group.store {
            Store::Open(window) => {
                out.u8(0);
                write_window(out, window);
            }
            Store::Deferred(deferred) => {
                out.u8(1);
                write_deferred(out, deferred);
            }
        }
    }
}

/// Reads the groups of one rule into `groups`.
pub(crate) fn read_groups(input: &mut In<'_>, groups: &mut Groups, terms: Terms<'_>) -> Option<()> {
    let used = input.u64()?;
    let serials = input.u64()?;
    let len = input.len(32)?;
    let mut slots: Restored = Vec::with_capacity(len);
    for _ in 0..len {
        let key = input.text()?.into();
        let touched = input.i64()?;
        let slot_used = input.u64()?;
        let serial = input.u64()?;
        let mut bell = None;
        if input.bool()? {
            bell = Some(read_bell(input)?);
        }
        let store = match input.u8()? {
            0 => Store::Open(read_window(input, terms)?),
            1 => Store::Deferred(Box::new(read_deferred(input)?)),
            _ => return None,
        };
        slots.push((key, touched, slot_used, serial, Group { store, bell }));
    }
    groups.restore(slots, terms);
    groups.used = used;
    groups.serials = serials;
    Some(())
}

fn write_bell(out: &mut Out, bell: Option<&Bell>) {
    out.bool(bell.is_some());
    if let Some(bell) = bell {
        out.i64(bell.start);
        out.i64(bell.end);
        out.u64(bell.count);
        out.u64(bell.told);
    }
}

fn read_bell(input: &mut In<'_>) -> Option<Bell> {
    Some(Bell {
        start: input.i64()?,
        end: input.i64()?,
        count: input.u64()?,
        told: input.u64()?,
    })
}

fn write_window(out: &mut Out, window: &Window) {
    write_points(out, &window.points);
    out.option(window.cut_at);
    out.len(window.dropped.len());
    for at in &window.dropped {
        out.i64(*at);
    }
    out.bool(window.rough.is_some());
    if let Some(rough) = &window.rough {
        out.i64(rough.newest);
        out.i64(rough.first);
        out.len(rough.recent.len());
        for index in &rough.recent {
            out.u64(*index);
        }
        match &rough.by {
            By::Ring(ring) => {
                out.u8(0);
                write_ring(out, ring);
            }
            By::Distinct(distinct) => {
                out.u8(1);
                write_distinct(out, distinct);
            }
        }
    }
}

fn read_window(input: &mut In<'_>, terms: Terms<'_>) -> Option<Window> {
    let mut window = Window::default();
    window.points = read_points(input)?;
    input.option(&mut window.cut_at)?;
    for _ in 0..input.len(8)? {
        window.dropped.push(input.i64()?);
    }
    if input.bool()? {
        let (newest, first) = (input.i64()?, input.i64()?);
        let mut recent = VecDeque::new();
        for _ in 0..input.len(8)? {
            recent.push_back(input.u64()?);
        }
        let by = match input.u8()? {
            0 => By::Ring(read_ring(input)?),
            1 => By::Distinct(read_distinct(input)?),
            _ => return None,
        };
        window.rough = Some(Box::new(Rough {
            by,
            newest,
            first,
            recent,
        }));
    }
    window.recount(terms);
    Some(window)
}

fn write_deferred(out: &mut Out, deferred: &Deferred) {
    write_points(out, &deferred.points);
    out.option(deferred.judged);
    out.i64(deferred.hold);
    out.bool(deferred.is_cut);
    out.bool(deferred.fold.is_some());
    if let Some(fold) = &deferred.fold {
        out.i64(fold.start);
        write_tally(out, &fold.tally);
        out.u32(fold.steps);
        out.bool(fold.distinct.is_some());
        if let Some(distinct) = &fold.distinct {
            write_distinct(out, distinct);
        }
    }
}

fn read_deferred(input: &mut In<'_>) -> Option<Deferred> {
    let mut deferred = Deferred {
        points: read_points(input)?,
        ..Deferred::default()
    };
    input.option(&mut deferred.judged)?;
    deferred.hold = input.i64()?;
    deferred.is_cut = input.bool()?;
    if input.bool()? {
        let mut fold = Fold {
            start: input.i64()?,
            tally: read_tally(input)?,
            steps: input.u32()?,
            distinct: None,
        };
        if input.bool()? {
            fold.distinct = Some(read_distinct(input)?);
        }
        deferred.fold = Some(Box::new(fold));
    }
    Some(deferred)
}

fn write_points(out: &mut Out, points: &VecDeque<Point>) {
    out.len(points.len());
    for point in points {
        out.i64(point.at);
        out.u64(point.index);
        out.u64(point.tag);
        out.bool(point.satisfied);
        out.bool(point.carried.is_some());
        if let Some(carried) = &point.carried {
            out.i64(carried.first);
            out.len(carried.evidence.len());
            for index in &carried.evidence {
                out.u64(*index);
            }
        }
    }
}

fn read_points(input: &mut In<'_>) -> Option<VecDeque<Point>> {
    let len = input.len(26)?;
    let mut points: VecDeque<Point> = VecDeque::with_capacity(len);
    for _ in 0..len {
        let mut point = Point {
            at: input.i64()?,
            index: input.u64()?,
            tag: input.u64()?,
            satisfied: input.bool()?,
            carried: None,
        };
        if input.bool()? {
            let first = input.i64()?;
            let mut evidence = Vec::new();
            for _ in 0..input.len(8)? {
                evidence.push(input.u64()?);
            }
            point.carried = Some(Box::new(Carried { first, evidence }));
        }
        // Windows rely on the order of their points.
        if points.back().is_some_and(|before| before.at > point.at) {
            return None;
        }
        points.push_back(point);
    }
    Some(points)
}

fn write_tally(out: &mut Out, tally: &Tally) {
    out.u64(tally.count);
    out.i128(tally.sum);
    out.len(tally.bins.len());
    for (bin, count) in &tally.bins {
        out.i64(i64::from(*bin));
        out.u32(*count);
    }
}

fn read_tally(input: &mut In<'_>) -> Option<Tally> {
    let mut tally = Tally {
        count: input.u64()?,
        sum: input.i128()?,
        bins: Vec::new(),
    };
    for _ in 0..input.len(12)? {
        let bin = i16::try_from(input.i64()?).ok()?;
        tally.bins.push((bin, input.u32()?));
    }
    tally.bins.is_sorted().then_some(tally)
}

fn write_ring(out: &mut Out, ring: &Ring) {
    write_tally(out, ring.total());
    out.len(ring.parts.len());
    for (part, tally) in &ring.parts {
        out.i64(*part);
        write_tally(out, tally);
    }
}

fn read_ring(input: &mut In<'_>) -> Option<Ring> {
    let total = read_tally(input)?;
    let len = input.len(36)?;
    let mut parts: VecDeque<(i64, Tally)> = VecDeque::with_capacity(len);
    for _ in 0..len {
        let part = input.i64()?;
        if parts.back().is_some_and(|(before, _)| *before >= part) {
            return None;
        }
        parts.push_back((part, read_tally(input)?));
    }
    Some(Ring::of_parts(parts, total))
}

fn write_distinct(out: &mut Out, distinct: &Distinct) {
    let (base, newest, pairs) = distinct.parts();
    out.i64(base);
    out.i64(newest);
    out.len(pairs.len());
    for pair in pairs.iter().flatten() {
        out.u32(*pair);
    }
}

fn read_distinct(input: &mut In<'_>) -> Option<Distinct> {
    let (base, newest) = (input.i64()?, input.i64()?);
    let len = input.len(32)?;
    let mut pairs = Vec::with_capacity(len);
    for _ in 0..len {
        let mut register = [0; 8];
        for pair in &mut register {
            *pair = input.u32()?;
        }
        pairs.push(register);
    }
    Distinct::of_parts(base, newest, pairs)
}
