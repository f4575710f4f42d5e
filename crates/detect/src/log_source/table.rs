//! The table of memberships: read once, then looked up by hash for every event.

use std::collections::HashMap;
use std::sync::LazyLock;

use event::{Event, FieldId, Namer, Value};

/// (category, product, service); empty for none.
pub(super) type Triple<'a> = (&'a str, &'a str, &'a str);
/// Place of a membership in the table.
pub(super) type Membership = u16;

const TEXT: &str = include_str!("table.txt");

/// Bytes of a clue that are looked at; no name in the table is longer.
const CLUE_BYTES_MAX: usize = 96;
/// Values of clues that one event may show; what comes after is not looked at.
const CLUES_MAX: usize = 128;

/// Clues by which an event names its log source itself.
const NAMED: [(&str, &str); 3] = [
    ("named_category", "logsource.category"),
    ("named_product", "logsource.product"),
    ("named_service", "logsource.service"),
];

/// The table, compiled.
pub(super) struct Table {
    triples: Vec<Triple<'static>>,
    /// Clues by field slot: (slot, clue), sorted.
    clues: Vec<Vec<u8>>,
    /// Per clue: whether rows are found by its value.
    has_values: Vec<bool>,
    /// Rows by the whole value of a clue.
    by_value: HashMap<(u8, &'static str), Vec<u16>>,
    /// Rows by a clue that is there.
    by_presence: Vec<Vec<u16>>,
    /// Rows by a membership.
    by_membership: Vec<Vec<u16>>,
    rows: Vec<Row>,
    /// `event.module`, `event.dataset` and [`NAMED`].
    names: [u8; 5],
}

struct Row {
    gives: Membership,
    tests: Vec<Test>,
}

enum Test {
    Clue(u8, Vec<Wanted>),
    In(Membership),
}

enum Wanted {
    Whole(&'static str),
    Begins(&'static str),
    Ends(&'static str),
    There,
}

/// What one event says about itself; kept from event to event.
#[derive(Debug, Default)]
pub(crate) struct Clues {
    /// All values in lower case.
    text: String,
    said: Vec<Said>,
    belongs: Vec<Membership>,
}

#[derive(Clone, Copy, Debug)]
struct Said {
    clue: u8,
    start: u32,
    end: u32,
}

impl Clues {
    fn of(&self, clue: u8) -> impl Iterator<Item = &str> {
        let said = self.said.iter().filter(move |said| said.clue == clue);
        said.map(|said| &self.text[said.start as usize..said.end as usize])
    }

    fn first(&self, clue: u8) -> &str {
        self.of(clue).next().unwrap_or("")
    }
}

impl Table {
    /// The one table.
    pub(super) fn get() -> &'static Self {
        static TABLE: LazyLock<Table> = LazyLock::new(|| Reader::default().read(TEXT));
        &TABLE
    }

    /// How many memberships there are.
    pub(super) fn memberships(&self) -> usize {
        self.triples.len()
    }

    /// One of them.
    pub(super) fn triple(&self, place: usize) -> Triple<'static> {
        self.triples[place]
    }

    /// Reads what `event` says about itself and calls `give` for every membership that follows.
    pub(super) fn memberships_of(
        &self,
        event: &Event,
        clues: &mut Clues,
        mut give: impl FnMut(Membership),
    ) {
        self.read_clues(event, clues);
        let mut belongs = std::mem::take(&mut clues.belongs);
        belongs.clear();
        for said in &clues.said {
            self.follow(
                &self.by_presence[usize::from(said.clue)],
                clues,
                &mut belongs,
            );
            if self.has_values[usize::from(said.clue)] {
                let value = &clues.text[said.start as usize..said.end as usize];
                if let Some(rows) = self.by_value.get(&(said.clue, value)) {
                    self.follow(rows, clues, &mut belongs);
                }
            }
        }
        let mut at = 0;
        while let Some(membership) = belongs.get(at).copied() {
            self.follow(
                &self.by_membership[usize::from(membership)],
                clues,
                &mut belongs,
            );
            at += 1;
        }
        for membership in &belongs {
            give(*membership);
        }
        clues.belongs = belongs;
    }

    /// What the event read last names itself: up to four log sources. `key` is for caching them.
    pub(super) fn named<'c>(&self, clues: &'c Clues) -> Option<[Triple<'c>; 4]> {
        let [module, dataset, category, product, service] =
            self.names.map(|clue| clues.first(clue));
        let outright = (category, product, service);
        if module.is_empty() && outright == ("", "", "") {
            return None;
        }
        let outright = if outright == ("", "", "") {
            ("", module, dataset)
        } else {
            outright
        };
        let tail = dataset.rsplit('.').next().unwrap_or("");
        let tail = if tail.is_empty() { module } else { tail };
        Some([
            outright,
            ("", module, dataset),
            ("application", module, tail),
            (outright.0, module, module),
        ])
    }

    fn read_clues(&self, event: &Event, clues: &mut Clues) {
        clues.text.clear();
        clues.said.clear();
        for field in event.fields() {
            let Some(list) = field.id.and_then(|id| self.clues.get(id.slot())) else {
                continue;
            };
            if list.is_empty() || field.value == Value::Null || clues.said.len() >= CLUES_MAX {
                continue;
            }
            let start = clues.text.len();
            match field.value {
                Value::Str(text) if text.len() <= CLUE_BYTES_MAX => clues.text.push_str(text),
                Value::Str(text) => {
                    clues
                        .text
                        .push_str(&text[..text.floor_char_boundary(CLUE_BYTES_MAX)]);
                }
                value => crate::predicate::push_plain(&mut clues.text, value),
            }
            clues.text[start..].make_ascii_lowercase();
            // At most CLUES_MAX values of CLUE_BYTES_MAX.
            let (start, end) = (to_u32(start), to_u32(clues.text.len()));
            for clue in list {
                let clue = *clue;
                clues.said.push(Said { clue, start, end });
            }
        }
    }

    fn follow(&self, rows: &[u16], clues: &Clues, belongs: &mut Vec<Membership>) {
        for row in rows {
            let row = &self.rows[usize::from(*row)];
            let holds = |test: &Test| match test {
                Test::In(membership) => belongs.contains(membership),
                Test::Clue(clue, wanted) => clues
                    .of(*clue)
                    .any(|value| wanted.iter().any(|wanted| wanted.holds(value))),
            };
            if !belongs.contains(&row.gives) && row.tests.iter().all(holds) {
                belongs.push(row.gives);
            }
        }
    }
}

fn to_u32(value: usize) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}

impl Wanted {
    fn of(text: &'static str) -> Self {
        match text.as_bytes() {
            b"*" => Self::There,
            [b'^', ..] => Self::Begins(&text[1..]),
            [b'$', ..] => Self::Ends(&text[1..]),
            _ => Self::Whole(text),
        }
    }

    fn holds(&self, value: &str) -> bool {
        match self {
            Self::Whole(text) => value == *text,
            Self::Begins(text) => value.starts_with(text),
            Self::Ends(text) => value.ends_with(text),
            Self::There => true,
        }
    }
}

/// Reads the table. It is our own text, compiled in, so a fault in it is a fault of ours: a test
/// reads every line, and a line that cannot be read gives nothing.
#[derive(Default)]
struct Reader {
    names: HashMap<&'static str, u8>,
    triples: Vec<Triple<'static>>,
    clues: Vec<Vec<u8>>,
    rows: Vec<Row>,
    by_value: HashMap<(u8, &'static str), Vec<u16>>,
    by_presence: Vec<(u8, u16)>,
    by_membership: Vec<(Membership, u16)>,
    unread: Vec<&'static str>,
}

impl Reader {
    fn read(mut self, text: &'static str) -> Table {
        for (name, field) in NAMED {
            self.add_clue(name, &[field]);
        }
        let lines = || {
            let lines = text.lines().map(str::trim);
            lines.filter(|line| !line.is_empty() && !line.starts_with('#'))
        };
        // Rows may use clues that are defined below them.
        for wants_clues in [true, false] {
            for line in lines().filter(|line| line.starts_with("clue ") == wants_clues) {
                if self.line(line).is_none() {
                    self.unread.push(line);
                }
            }
        }
        debug_assert!(self.unread.is_empty(), "{:?}", self.unread);
        let clues = self.names.len();
        let mut table = Table {
            has_values: vec![false; clues],
            by_presence: vec![Vec::new(); clues],
            by_membership: vec![Vec::new(); self.triples.len()],
            triples: self.triples,
            clues: self.clues,
            rows: self.rows,
            names: ["module", "dataset", NAMED[0].0, NAMED[1].0, NAMED[2].0]
                .map(|name| self.names.get(name).copied().unwrap_or(0)),
            by_value: self.by_value,
        };
        for (clue, _) in table.by_value.keys() {
            table.has_values[usize::from(*clue)] = true;
        }
        for (clue, row) in self.by_presence {
            table.by_presence[usize::from(clue)].push(row);
        }
        for (membership, row) in self.by_membership {
            table.by_membership[usize::from(membership)].push(row);
        }
        table
    }

    fn line(&mut self, line: &'static str) -> Option<()> {
        if let Some(clue) = line.strip_prefix("clue ") {
            let (name, fields) = clue.split_once('=')?;
            let fields: Vec<&str> = fields.split_whitespace().collect();
            return self.add_clue(name.trim(), &fields);
        }
        let (triple, tests) = line.split_once(" : ")?;
        let gives = self.membership(triple)?;
        let row = u16::try_from(self.rows.len()).ok()?;
        let tests: Vec<Test> = tests
            .split(';')
            .map(|test| self.test(test.trim()))
            .collect::<Option<_>>()?;
        match tests.first()? {
            Test::In(membership) => self.by_membership.push((*membership, row)),
            Test::Clue(clue, wanted) => {
                for wanted in wanted {
                    match wanted {
                        Wanted::Whole(text) => {
                            self.by_value.entry((*clue, text)).or_default().push(row);
                        }
                        Wanted::There => self.by_presence.push((*clue, row)),
                        Wanted::Begins(_) | Wanted::Ends(_) => return None,
                    }
                }
            }
        }
        self.rows.push(Row { gives, tests });
        Some(())
    }

    fn add_clue(&mut self, name: &'static str, fields: &[&str]) -> Option<()> {
        let number = u8::try_from(self.names.len()).ok()?;
        for field in fields {
            let slot = FieldId::intern(field, Namer::Rule)?.slot();
            if self.clues.len() <= slot {
                self.clues.resize(slot + 1, Vec::new());
            }
            self.clues[slot].push(number);
        }
        self.names.insert(name, number);
        Some(())
    }

    fn membership(&mut self, text: &'static str) -> Option<Membership> {
        let mut parts = text.trim().splitn(3, '/');
        let mut part = || parts.next().map(|part| if part == "-" { "" } else { part });
        let triple = (part()?, part()?, part()?);
        let place = self.triples.iter().position(|known| *known == triple);
        let place = place.unwrap_or_else(|| {
            self.triples.push(triple);
            self.triples.len() - 1
        });
        Membership::try_from(place).ok()
    }

    fn test(&mut self, text: &'static str) -> Option<Test> {
        let (name, wanted) = text.split_once('=')?;
        if name == "in" {
            return self.membership(wanted).map(Test::In);
        }
        let clue = *self.names.get(name)?;
        Some(Test::Clue(
            clue,
            wanted.split('|').map(Wanted::of).collect(),
        ))
    }
}
