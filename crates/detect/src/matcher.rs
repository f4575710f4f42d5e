//! Runs the programs of a rule set over one event.
//!
//! The event's fields are laid out once by number; text is folded once per value; a predicate is
//! answered at most once per event and remembered by a stamp, so nothing is cleared between
//! events and nothing is allocated in steady state.
//!
//! Work per event is bounded by named limits: bytes of one value, values laid out, and steps spent
//! on predicates. What is not looked at is said in [`Spent`].

use event::{Event, Value};

use crate::bucket::{Bucket, RuleNumber, Show, ShowId};
use crate::derived::Deriver;
use crate::fields::{Layout, Local};
use crate::limits;
use crate::predicate::{Op, Shape, push_folded, push_plain};
use crate::program::{Node, NodeId, PredicateId, Programs};

/// Working memory that is kept from event to event; for one set of rules.
#[derive(Debug, Default)]
pub(crate) struct Scratch {
    cells: Vec<Cell<'static>>,
    heads: Vec<Head>,
    arena: String,
    deriver: Deriver,
    /// Ends of the values of one derived field in the arena.
    derived_ends: Vec<usize>,
    /// Per predicate: stamp * 2 + answer.
    answers: Vec<u64>,
    /// Per rule: stamp of the event it was last a candidate for.
    seen: Vec<u64>,
    stamp: u64,
    candidates: Vec<RuleNumber>,
    /// All text of the event, folded, and where each value ends.
    all_text: String,
    ends: Vec<usize>,
    all_text_stamp: u64,
}

/// What an event cost, and whether all of it was looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Spent {
    /// Rules whose program ran.
    pub(crate) candidates: u32,
    /// Something was not looked at: a value beyond its bytes, fields beyond their number, or
    /// predicates beyond their steps.
    pub(crate) is_truncated: bool,
}

/// The cells of one field of the rules.
#[derive(Clone, Copy, Debug, Default)]
struct Head {
    /// The event it was filled for.
    stamp: u64,
    /// Place of the name it was filled by.
    rank: u8,
    /// First and last cell, plus one.
    first: u32,
    last: u32,
}

/// One value of a field that rules name.
#[derive(Clone, Copy, Debug)]
struct Cell<'e> {
    value: Value<'e>,
    folded: Folded,
    /// Next cell of the same field, plus one.
    next: u32,
}

/// Where the lower-case text of a value is.
#[derive(Clone, Copy, Debug)]
enum Folded {
    /// In the arena.
    Arena { start: usize, end: usize },
    /// Not made yet.
    Unmade,
}

/// One event laid out for the programs.
pub(crate) struct Matcher<'s, 'e> {
    programs: &'s Programs,
    layout: &'s Layout,
    bucket: Option<&'s Bucket>,
    event: &'e Event,
    scratch: &'s mut Scratch,
    cells: Vec<Cell<'e>>,
    steps: usize,
    spent: Spent,
}

impl<'s, 'e> Matcher<'s, 'e> {
    /// Lays out `event` for all rules, without any index.
    pub(crate) fn plain(
        programs: &'s Programs,
        event: &'e Event,
        scratch: &'s mut Scratch,
    ) -> Self {
        Self::laid_out(programs, &programs.layout, None, event, scratch)
    }

    /// Lays out `event` for the rules of `bucket`.
    pub(crate) fn indexed(
        programs: &'s Programs,
        bucket: &'s Bucket,
        event: &'e Event,
        scratch: &'s mut Scratch,
    ) -> Self {
        Self::laid_out(programs, &bucket.layout, Some(bucket), event, scratch)
    }

    fn laid_out(
        programs: &'s Programs,
        layout: &'s Layout,
        bucket: Option<&'s Bucket>,
        event: &'e Event,
        scratch: &'s mut Scratch,
    ) -> Self {
        scratch.heads.resize(programs.fields.len(), Head::default());
        scratch.answers.resize(programs.predicates.len(), 0);
        scratch.arena.clear();
        scratch.stamp += 1;
        let cells = recycle(std::mem::take(&mut scratch.cells));
        let mut matcher = Self {
            programs,
            layout,
            bucket,
            event,
            scratch,
            cells,
            steps: limits::STEPS_EVENT_MAX,
            spent: Spent::default(),
        };
        matcher.lay_out();
        matcher
    }

    /// Gives the working memory back.
    pub(crate) fn finish(self) -> Spent {
        self.scratch.cells = recycle(self.cells);
        self.spent
    }

    /// Numbers of the rules that match, ascending, appended to `matched`. `hits` counts what
    /// showed, by place in the bucket.
    pub(crate) fn matches(
        &mut self,
        rules: usize,
        root_of: impl Fn(RuleNumber) -> NodeId,
        hits: &mut [u32],
        matched: &mut Vec<RuleNumber>,
    ) {
        let Some(bucket) = self.bucket else {
            return;
        };
        self.scratch.seen.resize(rules, 0);
        let mut candidates = std::mem::take(&mut self.scratch.candidates);
        candidates.clear();
        candidates.extend_from_slice(&bucket.always);
        self.scan(bucket, hits, &mut candidates);
        candidates.sort_unstable();
        self.spent.candidates = u32::try_from(candidates.len()).unwrap_or(u32::MAX);
        for rule in &candidates {
            if self.holds(root_of(*rule)) {
                matched.push(*rule);
            }
        }
        self.scratch.candidates = candidates;
    }

    /// Whether the program at `node` holds. Recursion is bounded by `limits::PROGRAM_DEPTH_MAX`.
    pub(crate) fn holds(&mut self, node: NodeId) -> bool {
        let programs = self.programs;
        match &programs.nodes[node as usize] {
            Node::Test(predicate) => self.answer(*predicate),
            Node::Not(inner) => !self.holds(*inner),
            Node::All(parts) => parts.iter().all(|part| self.holds(*part)),
            Node::AtLeast(1, parts) => parts.iter().any(|part| self.holds(*part)),
            Node::AtLeast(count, parts) => {
                parts.iter().filter(|part| self.holds(**part)).count() >= *count
            }
        }
    }

    fn lay_out(&mut self) {
        let layout = self.layout;
        let event = self.event;
        for (position, (id, value)) in event.slots().enumerate() {
            for reader in layout.readers(event, position, id) {
                if self.cells.len() >= limits::CELLS_MAX {
                    self.spent.is_truncated = true;
                    return;
                }
                self.add(reader.number, reader.rank, value, Folded::Unmade);
            }
        }
        if layout.derived().is_empty() {
            return;
        }
        self.scratch.deriver.begin();
        let mut ends = std::mem::take(&mut self.scratch.derived_ends);
        for (derived, number) in layout.derived() {
            let scratch = &mut *self.scratch;
            let mut start = scratch.arena.len();
            ends.clear();
            let (deriver, arena) = (&mut scratch.deriver, &mut scratch.arena);
            derived.derive(self.event, deriver, arena, &mut ends);
            for end in ends.iter().copied() {
                self.add(*number, 0, Value::Str(""), Folded::Arena { start, end });
                start = end;
            }
        }
        self.scratch.derived_ends = ends;
    }

    fn add(&mut self, number: Local, rank: u8, value: Value<'e>, folded: Folded) {
        let head = &mut self.scratch.heads[usize::from(number)];
        if head.stamp != self.scratch.stamp || rank < head.rank {
            // Nothing yet, or under a lesser name.
            *head = Head {
                stamp: self.scratch.stamp,
                rank,
                first: 0,
                last: 0,
            };
        } else if rank > head.rank {
            return;
        }
        self.cells.push(Cell {
            value,
            folded,
            next: 0,
        });
        // At most CELLS_MAX.
        let place = u32::try_from(self.cells.len()).unwrap_or(u32::MAX);
        if head.first == 0 {
            head.first = place;
        } else {
            self.cells[head.last as usize - 1].next = place;
        }
        head.last = place;
    }

    /// The first cell of `field`, plus one; 0 when the event does not have it.
    #[inline]
    fn first(&self, field: Local) -> u32 {
        let head = &self.scratch.heads[usize::from(field)];
        if head.stamp == self.scratch.stamp {
            head.first
        } else {
            0
        }
    }

    fn scan(&mut self, bucket: &'s Bucket, hits: &mut [u32], candidates: &mut Vec<RuleNumber>) {
        for index in &bucket.fields {
            let mut at = self.first(index.field);
            if at == 0 {
                continue;
            }
            for id in &index.presence {
                self.scratch.shown(bucket, *id, hits, candidates);
            }
            while at != 0 && index.reads_text() {
                self.fold(at);
                let cell = self.cells[at as usize - 1];
                at = cell.next;
                if cell.value == Value::Null {
                    continue;
                }
                let arena = std::mem::take(&mut self.scratch.arena);
                index.scan(text(&arena, &cell), |id| {
                    self.scratch.shown(bucket, id, hits, candidates);
                });
                self.scratch.arena = arena;
            }
        }
        if let Some(keywords) = &bucket.keywords {
            self.gather_text();
            let all_text = std::mem::take(&mut self.scratch.all_text);
            keywords.scan(&all_text, |id| {
                self.scratch.shown(bucket, id, hits, candidates);
            });
            self.scratch.all_text = all_text;
        }
    }

    fn answer(&mut self, id: PredicateId) -> bool {
        let known = self.scratch.answers[id as usize];
        if known / 2 == self.scratch.stamp {
            return known % 2 == 1;
        }
        let covered = self.bucket.is_some_and(|bucket| bucket.covers(id));
        let answer = !covered && self.evaluate(id);
        self.scratch.answers[id as usize] = self.scratch.stamp * 2 + u64::from(answer);
        answer
    }

    /// Takes the steps that a look at `bytes` costs; `false` when the event has none left.
    #[inline]
    fn spend(&mut self, bytes: usize) -> bool {
        let cost = 1 + bytes / limits::STEP_BYTES;
        let left = self.steps.checked_sub(cost);
        self.spent.is_truncated |= left.is_none();
        self.steps = left.unwrap_or(0);
        left.is_some()
    }

    fn evaluate(&mut self, id: PredicateId) -> bool {
        let programs = self.programs;
        let predicate = &programs.predicates[id as usize];
        let Some(field) = predicate.field else {
            return self.keyword(&predicate.op);
        };
        let first = self.first(field);
        match &predicate.op {
            Op::Present => return first != 0,
            Op::Null => return self.all_null(first),
            Op::OtherField { shape, cased, .. } => {
                let other = predicate.other.map_or(0, |other| self.first(other));
                return self.same(first, other, *shape, *cased);
            }
            _ => {}
        }
        let mut at = first;
        while at != 0 {
            self.fold(at);
            let cell = self.cells[at as usize - 1];
            if !self.spend(length(&cell)) {
                return false;
            }
            let folded = text(&self.scratch.arena, &cell);
            if predicate.op.holds(raw(&cell, folded), folded) {
                return true;
            }
            at = cell.next;
        }
        false
    }

    fn all_null(&self, first: u32) -> bool {
        let mut at = first;
        while at != 0 {
            let cell = &self.cells[at as usize - 1];
            if cell.value != Value::Null {
                return false;
            }
            at = cell.next;
        }
        true
    }

    fn same(&mut self, left: u32, right: u32, shape: Shape, cased: bool) -> bool {
        let mut at = left;
        while at != 0 {
            let mut beside = right;
            while beside != 0 {
                self.fold(at);
                self.fold(beside);
                let (a, b) = (self.cells[at as usize - 1], self.cells[beside as usize - 1]);
                if !self.spend(length(&a) + length(&b)) {
                    return false;
                }
                let null = a.value == Value::Null || b.value == Value::Null;
                let arena = &self.scratch.arena;
                let holds = match (a.value, b.value) {
                    (Value::Str(a), Value::Str(b)) if cased => shape.holds(cut(a), cut(b)),
                    _ => shape.holds(text(arena, &a), text(arena, &b)),
                };
                if holds && !null {
                    return true;
                }
                beside = b.next;
            }
            at = self.cells[at as usize - 1].next;
        }
        false
    }

    /// A keyword looks at every text of the event, named by rules or not.
    fn keyword(&mut self, op: &Op) -> bool {
        self.gather_text();
        let event = self.event;
        let mut place = 0;
        let mut start = 0;
        for (_, value) in event.slots() {
            let Value::Str(raw) = value else {
                continue;
            };
            let Some(end) = self.scratch.ends.get(place).copied() else {
                return false;
            };
            if !self.spend(end - start) {
                return false;
            }
            let folded = &self.scratch.all_text[start..end];
            if op.holds(Value::Str(cut(raw)), folded) {
                return true;
            }
            start = end + 1;
            place += 1;
        }
        false
    }

    /// Makes the folded text of all values, divided by NUL, unless it is there.
    fn gather_text(&mut self) {
        let scratch = &mut *self.scratch;
        if scratch.all_text_stamp == scratch.stamp {
            return;
        }
        scratch.all_text_stamp = scratch.stamp;
        scratch.all_text.clear();
        scratch.ends.clear();
        for (_, value) in self.event.slots() {
            let Value::Str(raw) = value else {
                continue;
            };
            if scratch.all_text.len() + raw.len() > limits::ALL_TEXT_BYTES_MAX {
                self.spent.is_truncated = true;
                return;
            }
            push_folded(&mut scratch.all_text, cut(raw));
            scratch.ends.push(scratch.all_text.len());
            scratch.all_text.push('\0');
        }
    }

    /// Makes the lower-case text of a cell if it is not there.
    #[inline]
    fn fold(&mut self, place: u32) {
        let cell = &mut self.cells[place as usize - 1];
        if !matches!(cell.folded, Folded::Unmade) {
            return;
        }
        let arena = &mut self.scratch.arena;
        let start = arena.len();
        match cell.value {
            Value::Str(text) => {
                self.spent.is_truncated |= text.len() > limits::MATCH_BYTES_MAX;
                push_folded(arena, cut(text));
            }
            value => {
                push_plain(arena, value);
                arena[start..].make_ascii_lowercase();
            }
        }
        cell.folded = Folded::Arena {
            start,
            end: arena.len(),
        };
    }
}

impl Scratch {
    /// A witness showed: its predicate is proved, its rules become candidates.
    #[inline]
    fn shown(
        &mut self,
        bucket: &Bucket,
        id: ShowId,
        hits: &mut [u32],
        candidates: &mut Vec<RuleNumber>,
    ) {
        let show: &Show = bucket.show(id);
        if let Some(hits) = hits.get_mut(id as usize) {
            *hits = hits.saturating_add(1);
        }
        if let Some(predicate) = show.proves {
            self.answers[predicate as usize] = self.stamp * 2 + 1;
        }
        for rule in bucket.rules_of(show) {
            let seen = &mut self.seen[*rule as usize];
            if *seen != self.stamp {
                *seen = self.stamp;
                candidates.push(*rule);
            }
        }
    }
}

fn text<'t>(arena: &'t str, cell: &Cell<'_>) -> &'t str {
    match cell.folded {
        Folded::Arena { start, end } => &arena[start..end],
        Folded::Unmade => "",
    }
}

fn length(cell: &Cell<'_>) -> usize {
    match cell.folded {
        Folded::Arena { start, end } => end - start,
        Folded::Unmade => 0,
    }
}

/// The value as the event has it; a derived value exists only as its text.
fn raw<'v>(cell: &Cell<'v>, folded: &'v str) -> Value<'v> {
    match cell.value {
        Value::Str("") => Value::Str(folded),
        Value::Str(text) => Value::Str(cut(text)),
        value => value,
    }
}

/// At most [`limits::MATCH_BYTES_MAX`] bytes, cut at a character.
fn cut(text: &str) -> &str {
    if text.len() <= limits::MATCH_BYTES_MAX {
        return text;
    }
    &text[..text.floor_char_boundary(limits::MATCH_BYTES_MAX)]
}

/// An empty vector of cells for another event in the same allocation.
fn recycle<'a>(mut cells: Vec<Cell<'_>>) -> Vec<Cell<'a>> {
    cells.clear();
    cells
        .into_iter()
        .map(|_| Cell {
            value: Value::Null,
            folded: Folded::Unmade,
            next: 0,
        })
        .collect()
}
