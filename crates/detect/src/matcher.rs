//! Runs the programs of a rule set over one event.
//!
//! The event's fields are laid out once by number; text is folded once per value; a predicate is
//! answered at most once per event and remembered by a stamp, so nothing is cleared between
//! events and nothing is allocated in steady state.

use event::{Event, Value};

use crate::bucket::{Bucket, RuleNumber};
use crate::derived::Deriver;
use crate::fields::Local;
use crate::limits;
use crate::predicate::{Op, is_folded, push_folded, push_plain};
use crate::program::{Node, NodeId, PredicateId, Programs};

/// Working memory that is kept from event to event.
#[derive(Debug, Default)]
pub(crate) struct Scratch {
    cells: Vec<Cell<'static>>,
    heads: Vec<Ends>,
    arena: String,
    deriver: Deriver,
    /// Ends of the values of one derived field in the arena.
    ends: Vec<usize>,
    /// Per predicate: stamp * 2 + answer.
    answers: Vec<u64>,
    /// Per rule: stamp of the event it was last a candidate for.
    seen: Vec<u64>,
    stamp: u64,
    candidates: Vec<RuleNumber>,
}

/// First and last cell of a field, plus one; 0 for none.
#[derive(Clone, Copy, Debug, Default)]
struct Ends {
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
    /// The value is its own.
    Itself,
    /// In the arena.
    Arena { start: usize, end: usize },
    /// Not made yet.
    Unmade,
}

/// One event laid out for the programs.
pub(crate) struct Matcher<'s, 'e> {
    programs: &'s Programs,
    bucket: Option<&'s Bucket>,
    event: &'e Event,
    scratch: &'s mut Scratch,
    cells: Vec<Cell<'e>>,
}

impl<'s, 'e> Matcher<'s, 'e> {
    /// Lays out `event`. With a bucket, its indexes are scanned first.
    pub(crate) fn new(
        programs: &'s Programs,
        bucket: Option<&'s Bucket>,
        event: &'e Event,
        scratch: &'s mut Scratch,
    ) -> Self {
        scratch.heads.clear();
        scratch.heads.resize(programs.fields.len(), Ends::default());
        scratch.answers.resize(programs.predicates.len(), 0);
        scratch.arena.clear();
        scratch.stamp += 1;
        let cells = recycle(std::mem::take(&mut scratch.cells));
        let mut matcher = Self {
            programs,
            bucket,
            event,
            scratch,
            cells,
        };
        matcher.lay_out();
        matcher
    }

    /// Gives the working memory back.
    pub(crate) fn finish(self) {
        self.scratch.cells = recycle(self.cells);
    }

    /// Numbers of the rules that match, ascending, appended to `matched`.
    pub(crate) fn matches(
        &mut self,
        rules: usize,
        root_of: impl Fn(RuleNumber) -> NodeId,
        matched: &mut Vec<RuleNumber>,
    ) {
        let Some(bucket) = self.bucket else {
            return;
        };
        self.scratch.seen.resize(rules, 0);
        let mut candidates = std::mem::take(&mut self.scratch.candidates);
        candidates.clear();
        candidates.extend_from_slice(&bucket.always);
        self.scan(bucket, &mut candidates);
        candidates.sort_unstable();
        for rule in &candidates {
            if self.holds(root_of(*rule)) {
                matched.push(*rule);
            }
        }
        self.scratch.candidates = candidates;
    }

    /// Whether the program at `node` holds.
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
        for field in self.event.fields() {
            if let Some(number) = self.programs.fields.of_event(field.id, field.name) {
                self.add(number, field.value, Folded::Unmade);
            }
        }
        self.scratch.deriver.begin();
        let mut ends = std::mem::take(&mut self.scratch.ends);
        for (derived, number) in self.programs.fields.derived() {
            let scratch = &mut *self.scratch;
            let mut start = scratch.arena.len();
            ends.clear();
            let (deriver, arena) = (&mut scratch.deriver, &mut scratch.arena);
            derived.derive(self.event, deriver, arena, &mut ends);
            for end in ends.iter().copied() {
                self.add(*number, Value::Str(""), Folded::Arena { start, end });
                start = end;
            }
        }
        self.scratch.ends = ends;
    }

    fn add(&mut self, number: Local, value: Value<'e>, folded: Folded) {
        self.cells.push(Cell {
            value,
            folded,
            next: 0,
        });
        // An event has at most `event::limits::FIELDS_MAX` fields.
        let place = u32::try_from(self.cells.len()).unwrap_or(u32::MAX);
        let ends = &mut self.scratch.heads[usize::from(number)];
        if ends.first == 0 {
            ends.first = place;
        } else {
            self.cells[ends.last as usize - 1].next = place;
        }
        ends.last = place;
    }

    fn scan(&mut self, bucket: &'s Bucket, candidates: &mut Vec<RuleNumber>) {
        for index in &bucket.fields {
            let mut at = self.scratch.heads[usize::from(index.field)].first;
            if at == 0 {
                continue;
            }
            for rule in &index.presence {
                propose(
                    &mut self.scratch.seen,
                    self.scratch.stamp,
                    *rule,
                    candidates,
                );
            }
            while at != 0 && index.reads_text() {
                self.fold(at);
                let cell = &self.cells[at as usize - 1];
                at = cell.next;
                if cell.value == Value::Null {
                    continue;
                }
                let Scratch {
                    answers,
                    seen,
                    stamp,
                    arena,
                    ..
                } = &mut *self.scratch;
                index.scan(text(arena, cell), |predicate| {
                    if bucket.covers(predicate) {
                        answers[predicate as usize] = *stamp * 2 + 1;
                    }
                    for rule in bucket.rules_of(predicate) {
                        propose(seen, *stamp, *rule, candidates);
                    }
                });
            }
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

    fn evaluate(&mut self, id: PredicateId) -> bool {
        let programs = self.programs;
        let predicate = &programs.predicates[id as usize];
        let Some(field) = predicate.field else {
            return self.keyword(&predicate.op);
        };
        let first = self.scratch.heads[usize::from(field)].first;
        match &predicate.op {
            Op::Present => return first != 0,
            Op::Null => return self.all_null(first),
            Op::OtherField { shape, cased, .. } => {
                let other = predicate
                    .other
                    .map_or(0, |other| self.scratch.heads[usize::from(other)].first);
                return self.same(first, other, *shape, *cased);
            }
            _ => {}
        }
        let mut at = first;
        while at != 0 {
            self.fold(at);
            let cell = &self.cells[at as usize - 1];
            let folded = text(&self.scratch.arena, cell);
            // A derived value exists only as its text.
            let value = match cell.value {
                Value::Str("") => Value::Str(folded),
                value => value,
            };
            if predicate.op.holds(value, folded) {
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

    fn same(&mut self, left: u32, right: u32, shape: crate::predicate::Shape, cased: bool) -> bool {
        let mut at = left;
        while at != 0 {
            let mut beside = right;
            while beside != 0 {
                self.fold(at);
                self.fold(beside);
                let (a, b) = (
                    &self.cells[at as usize - 1],
                    &self.cells[beside as usize - 1],
                );
                let null = a.value == Value::Null || b.value == Value::Null;
                let arena = &self.scratch.arena;
                let holds = match (a.value, b.value) {
                    (Value::Str(a), Value::Str(b)) if cased => shape.holds(a, b),
                    _ => shape.holds(text(arena, a), text(arena, b)),
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
    fn keyword(&self, op: &Op) -> bool {
        let mut folded = String::new();
        self.event.fields().any(|field| {
            let Value::Str(text) = field.value else {
                return false;
            };
            if is_folded(text) {
                return op.holds(field.value, text);
            }
            folded.clear();
            push_folded(&mut folded, cut(text));
            op.holds(field.value, &folded)
        })
    }

    /// Makes the lower-case text of a cell if it is not there.
    fn fold(&mut self, place: u32) {
        let cell = &mut self.cells[place as usize - 1];
        if !matches!(cell.folded, Folded::Unmade) {
            return;
        }
        let arena = &mut self.scratch.arena;
        let start = arena.len();
        match cell.value {
            Value::Str(text) if is_folded(text) => {
                cell.folded = Folded::Itself;
                return;
            }
            Value::Str(text) => push_folded(arena, cut(text)),
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

fn propose(seen: &mut [u64], stamp: u64, rule: RuleNumber, candidates: &mut Vec<RuleNumber>) {
    let seen = &mut seen[rule as usize];
    if *seen != stamp {
        *seen = stamp;
        candidates.push(rule);
    }
}

fn text<'t>(arena: &'t str, cell: &Cell<'t>) -> &'t str {
    match (cell.folded, cell.value) {
        (Folded::Arena { start, end }, _) => &arena[start..end],
        (_, Value::Str(text)) => cut(text),
        _ => "",
    }
}

/// At most [`limits::MATCH_BYTES_MAX`] bytes, cut at a character.
fn cut(text: &str) -> &str {
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
