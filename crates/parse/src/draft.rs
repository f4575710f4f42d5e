//! The event under construction: every format puts its findings here, and here they become ECS
//! names within the limits.
//!
//! Two doors. `put` is for what a parser knows (the client address of an access log): first one
//! wins. `claim` is for names that the sender chose: reserved names are moved aside, aliases
//! become ECS names unless the record names the ECS field itself, clashing types go to `labels.*`.

use event::field::{self, FieldId};
use event::{Defect, DefectKind, Event, Namer, Origin, Timestamp, Value, encoding, limits};

use crate::alias::{self, Alias, Meaning};
use crate::field_type::{self, FieldType};
use crate::{Parsed, action, decode, owasp, time, url};

/// Fields kept free for what parsers find and derive, so that a record full of junk fields cannot
/// crowd out its own action.
const FOUND_FIELDS_MAX: usize = 64;
/// Fields kept free for stamps, derived lists and one entry for each kind of defect.
const STAMP_FIELDS_MAX: usize = 40;
/// Room for our own text beside the record's.
const OWN_BYTES: usize = 256;
/// Ranks of a time claim: the ECS name, aliases, then what a parser read in a header.
const TIME_RANK_ECS: u8 = 0;
const TIME_RANK_HEADER: u8 = 8;

/// An event under construction.
pub(crate) struct Draft<'o> {
    event: Event,
    origin: &'o Origin,
    defects: Vec<Defect>,
    present: Present,
    guesses: Vec<Guess>,
    /// The names the guesses came under, one after the other.
    guess_names: String,
    time: Option<(u8, time::Time)>,
    has_unreadable_time: bool,
    overflow: String,
    format: &'static str,
    inspect_all: bool,
    is_wrapped: bool,
    /// Action and parameters of the vocabulary, put when all fields are read.
    owasp: Option<(&'static str, String)>,
}

/// Where the draft stood before a format was tried.
pub(crate) struct Mark {
    event: Event,
    present: Present,
    time: Option<(u8, time::Time)>,
}

/// A field that an alias filled: it gives way to a better name.
struct Guess {
    id: FieldId,
    position: usize,
    rank: u8,
    name_start: usize,
    name_len: usize,
}

/// Which ids the event holds: exact for known ones, a filter for the others.
#[derive(Clone, Default)]
struct Present {
    known: [u64; 8],
    others: [u64; 16],
}

const _: () = assert!(field::NAMES.len() <= 8 * 64);

impl Present {
    fn has_known(&self, id: FieldId) -> bool {
        self.known[id.slot() / 64 % 8] >> (id.slot() % 64) & 1 == 1
    }

    fn add_known(&mut self, id: FieldId) {
        self.known[id.slot() / 64 % 8] |= 1 << (id.slot() % 64);
    }

    /// Marks `id`; true when it may have been marked before.
    fn add_other(&mut self, id: FieldId) -> bool {
        let word = &mut self.others[id.slot() / 64 % 16];
        let bit = 1 << (id.slot() % 64);
        let was = *word & bit != 0;
        *word |= bit;
        was
    }
}

impl<'o> Draft<'o> {
    pub(crate) fn new(origin: &'o Origin, frame_bytes: usize) -> Self {
        Self {
            event: Event::with_capacity(36, frame_bytes + OWN_BYTES),
            origin,
            defects: Vec::new(),
            present: Present::default(),
            guesses: Vec::new(),
            guess_names: String::new(),
            time: None,
            has_unreadable_time: false,
            overflow: String::new(),
            format: "plain",
            inspect_all: false,
            is_wrapped: false,
            owasp: None,
        }
    }

    /// Whether every value is looked through for forged records.
    pub(crate) fn inspect_all(&mut self, inspect: bool) {
        self.inspect_all = inspect;
    }

    /// Our clock when the record arrived, in nanoseconds since 1970.
    pub(crate) fn observed(&self) -> i64 {
        self.origin.observed_at.0
    }

    /// Names the format; the innermost one that understood the record stays.
    pub(crate) fn format(&mut self, name: &'static str) {
        self.format = name;
    }

    pub(crate) fn defect(&mut self, kind: DefectKind) {
        self.add_defect(Defect { kind, at: None });
    }

    pub(crate) fn defect_at(&mut self, kind: DefectKind, at: usize) {
        let at = u32::try_from(at).ok();
        self.add_defect(Defect { kind, at });
    }

    fn add_defect(&mut self, defect: Defect) {
        if !self.defects.iter().any(|known| known.kind == defect.kind) {
            self.defects.push(defect);
        }
    }

    /// Whether the known field `id` is there.
    pub(crate) fn has(&self, id: FieldId) -> bool {
        self.present.has_known(id)
    }

    /// The text of the known field `id`.
    pub(crate) fn text(&self, id: FieldId) -> Option<&str> {
        self.has(id).then(|| self.event.text(id)).flatten()
    }

    /// The HTTP status code, if any.
    pub(crate) fn status_code(&self) -> Option<i64> {
        let id = field::HTTP_RESPONSE_STATUS_CODE;
        self.has(id).then(|| self.event.int(id)).flatten()
    }

    /// Where we stand, to come [back to](Self::back_to) when a format breaks off. Cheap at the
    /// start of a record, which is where formats are tried.
    pub(crate) fn mark(&self) -> Mark {
        Mark {
            event: self.event.clone(),
            present: self.present.clone(),
            time: self.time,
        }
    }

    /// Forgets every field since `mark`.
    pub(crate) fn back_to(&mut self, mark: Mark) {
        self.event = mark.event;
        self.present = mark.present;
        self.time = mark.time;
        self.guesses.clear();
        self.has_unreadable_time = false;
        self.overflow.clear();
        self.owasp = None;
    }

    /// Notes that a relay's header was taken off; false when one was before.
    pub(crate) fn enter_wrapped(&mut self) -> bool {
        !std::mem::replace(&mut self.is_wrapped, true)
    }

    /// Keeps the parameters of a vocabulary name until all fields are read.
    pub(crate) fn owasp_parameters(&mut self, action: &'static str, parameters: &str) {
        self.owasp = Some((action, parameters.to_owned()));
    }

    // --- what a parser knows ---------------------------------------------------------------

    /// Puts a value that has the field's type, unless the field is there already.
    pub(crate) fn put(&mut self, id: FieldId, value: Value<'_>) {
        let has_room = self.event.len() < limits::FIELDS_MAX - STAMP_FIELDS_MAX;
        if has_room && !self.present.has_known(id) {
            let value = self.bounded(value);
            self.event.push(id, value);
            self.present.add_known(id);
        }
    }

    /// Puts text unless it is empty or a lone `-`.
    pub(crate) fn put_str(&mut self, id: FieldId, text: &str) {
        if !matches!(text, "" | "-") {
            self.put(id, Value::Str(text));
        }
    }

    /// Puts a whole number written in `text`, if it is one.
    pub(crate) fn put_int(&mut self, id: FieldId, text: &str) {
        if let Ok(number) = text.parse() {
            self.put(id, Value::Int(number));
        }
    }

    /// Puts an address with or without port; a host name goes to `source.address`.
    pub(crate) fn put_source(&mut self, text: &str) {
        if let Some((address, port)) = field_type::endpoint(text) {
            self.put(field::SOURCE_IP, Value::Str(&address));
            if let Some(port) = port {
                self.put(field::SOURCE_PORT, Value::Int(i64::from(port)));
            }
        } else {
            self.put_str(field::SOURCE_ADDRESS, text);
        }
    }

    /// Puts a list unless the field is there.
    pub(crate) fn put_list(&mut self, id: FieldId, items: &[&str]) {
        if !self.present.has_known(id) {
            for item in items {
                self.event.push_item(id, Value::Str(item));
                self.present.add_known(id);
            }
        }
    }

    /// Puts text under an unknown name such as `labels.attempts`.
    pub(crate) fn label(&mut self, name: &str, value: Value<'_>) {
        if !matches!(value, Value::Str("" | "-")) {
            self.keep(name, value, false);
        }
    }

    /// Sets action and outcome of a line that a parser understands.
    pub(crate) fn act(&mut self, action: &str, outcome: &str) {
        self.put_str(field::EVENT_ACTION, action);
        self.put_str(field::EVENT_OUTCOME, outcome);
    }

    /// A time that stands in a header or at a fixed place; the first one wins.
    pub(crate) fn header_time(&mut self, time: time::Time) {
        self.offer_time(TIME_RANK_HEADER, time);
    }

    /// A time was there and could not be read.
    pub(crate) fn unreadable_time(&mut self) {
        self.has_unreadable_time = true;
    }

    /// Takes a time when it ranks better than the one we have, which is then kept beside it.
    fn offer_time(&mut self, rank: u8, time: time::Time) -> bool {
        let wins = self.time.is_none_or(|(best, _)| rank < best);
        if wins && let Some((old_rank, old)) = self.time.replace((rank, time)) {
            let old_time = Value::Time(Timestamp(old.nanos));
            if old_rank == TIME_RANK_HEADER {
                self.put(field::EVENT_CREATED, old_time);
            } else {
                self.keep("labels.other_time", old_time, false);
            }
        }
        wins
    }

    // --- what the sender names -------------------------------------------------------------

    /// Takes a field under the sender's name.
    pub(crate) fn claim(&mut self, name: &str, value: Value<'_>, in_list: bool) {
        // Before anything looks at the name: thousands of fields may share a huge one.
        if name.len() > limits::NAME_BYTES_MAX || !self.has_room() {
            return self.overflow(name, value);
        }
        if self.is_reserved(name) {
            self.defect(DefectKind::ReservedField);
            return self.keep(&format!("labels.claimed.{name}"), value, in_list);
        }
        // Most dotted names are ECS names, which no alias is: one look-up settles them.
        let is_dotted = name.contains('.');
        if is_dotted && let Some(id) = FieldId::of(name).filter(|id| id.is_known()) {
            return self.keep_known(id, name, value, in_list);
        }
        let is_taken = alias::of(name).is_some_and(|alias| self.guess(alias, name, value, in_list));
        if !is_taken {
            self.keep(name, value, in_list);
        }
    }

    fn is_reserved(&self, name: &str) -> bool {
        match name.as_bytes().first() {
            Some(b'b') => name == "belfry" || name.starts_with("belfry."),
            Some(b'e') => name == "event.ingested",
            Some(b'l') => {
                name == "log.source.address"
                    || name == "log.file.path" && self.origin.file.is_some()
            }
            _ => false,
        }
    }

    /// Keeps a field under exactly this name: known ones are fitted to their type.
    fn keep(&mut self, name: &str, value: Value<'_>, in_list: bool) {
        if !self.has_room() || name.len() > limits::NAME_BYTES_MAX {
            return self.overflow(name, value);
        }
        match FieldId::intern(name, Namer::Event) {
            Some(id) if id.is_known() => self.keep_known(id, name, value, in_list),
            Some(id) => {
                let value = self.bounded(value);
                let was = self.present.add_other(id);
                if in_list {
                    return self.event.push_item(id, value);
                }
                if was && self.event.has(id) {
                    self.defect(DefectKind::DuplicateField);
                }
                self.event.push(id, value);
            }
            None => {
                let value = self.bounded(value);
                self.event.push_named(name, value, in_list);
            }
        }
    }

    fn keep_known(&mut self, id: FieldId, name: &str, value: Value<'_>, in_list: bool) {
        // Null is absence, as in ECS.
        if value == Value::Null {
            return;
        }
        if id == field::TIMESTAMP {
            return self.claim_time(name, value);
        }
        if id == field::EVENT_ACTION
            && let Value::Str(text) = value
            && owasp::read(self, text)
        {
            return;
        }
        let value = self.bounded(value);
        let Some(fitted) = field_type::fit(field_type::of(id), value, self.observed()) else {
            return self.conflict(name, value, in_list);
        };
        if self.present.has_known(id) && !self.demote(id) && !in_list {
            self.defect(DefectKind::DuplicateField);
        }
        self.present.add_known(id);
        if in_list {
            self.event.push_item(id, fitted.value());
        } else {
            self.event.push(id, fitted.value());
        }
    }

    /// A value that its known field cannot hold stays readable under `labels.<name>`.
    fn conflict(&mut self, name: &str, value: Value<'_>, in_list: bool) {
        self.defect(DefectKind::TypeConflict);
        self.keep(&format!("labels.{name}"), value, in_list);
    }

    fn claim_time(&mut self, name: &str, value: Value<'_>) {
        if let Some(read) = time::of_value(value, self.observed()) {
            if !self.offer_time(TIME_RANK_ECS, read) {
                self.defect(DefectKind::DuplicateField);
                self.keep(&format!("labels.{name}"), value, false);
            }
        } else {
            self.has_unreadable_time = true;
            self.keep(&format!("labels.{name}"), value, false);
        }
    }

    // --- aliases ---------------------------------------------------------------------------

    /// Takes `value` under the alias' meaning; false when it does not fit, so that it stays under
    /// its own name.
    fn guess(&mut self, alias: &Alias, name: &str, value: Value<'_>, in_list: bool) -> bool {
        // Null is absence, as in ECS.
        if value == Value::Null {
            return true;
        }
        match (alias.meaning, value) {
            (Meaning::Field(id), _) => self.guess_field(id, alias.rank, name, value, in_list),
            (Meaning::Time, _) => self.guess_time(alias.rank, value),
            (Meaning::EventName, Value::Str(text)) => {
                let position = self.event.len();
                if owasp::read(self, text) {
                    self.note_guess_at(field::EVENT_ACTION, alias.rank, name, position);
                    return true;
                }
                self.guess_event(alias.rank, name, text)
            }
            (Meaning::Level, Value::Str(text)) => {
                let lower = text.to_ascii_lowercase();
                let value = Value::Str(&lower);
                self.guess_field(field::LOG_LEVEL, alias.rank, name, value, in_list)
            }
            (Meaning::Level, Value::Int(number)) => level(number).is_some_and(|level| {
                let value = Value::Str(level);
                self.guess_field(field::LOG_LEVEL, alias.rank, name, value, in_list)
            }),
            (Meaning::Status, _) if is_status_code(value) => {
                let id = field::HTTP_RESPONSE_STATUS_CODE;
                self.guess_field(id, alias.rank, name, value, in_list)
            }
            (Meaning::Status | Meaning::Outcome | Meaning::Success, Value::Str(text)) => {
                outcome(text).is_some_and(|known| self.guess_outcome(alias.rank, name, known, text))
            }
            (Meaning::Success | Meaning::Outcome, Value::Bool(truth)) => {
                let outcome = if truth { "success" } else { "failure" };
                self.guess_outcome(alias.rank, name, outcome, outcome)
            }
            (Meaning::Method, Value::Str(text)) => url::method(text).is_some_and(|method| {
                let value = Value::Str(method);
                self.guess_field(field::HTTP_REQUEST_METHOD, alias.rank, name, value, false)
            }),
            (Meaning::RequestLine, Value::Str(text)) => {
                url::request_line(text).is_some_and(|(method, target, version)| {
                    self.put_str(field::HTTP_REQUEST_METHOD, method);
                    self.put_str(field::HTTP_VERSION, version);
                    let target = Value::Str(target);
                    self.guess_field(field::URL_ORIGINAL, alias.rank, name, target, false)
                })
            }
            (Meaning::Path, Value::Str(text)) if text.starts_with('/') => {
                let has_query = text.contains('?');
                let id = if has_query {
                    field::URL_ORIGINAL
                } else {
                    field::URL_PATH
                };
                self.guess_field(id, alias.rank, name, value, in_list)
            }
            _ => false,
        }
    }

    fn guess_time(&mut self, rank: u8, value: Value<'_>) -> bool {
        if let Some(read) = time::of_value(value, self.observed()) {
            return self.offer_time(rank, read);
        }
        // Short names such as `t` or `date` often hold something else.
        self.has_unreadable_time |= rank <= 2;
        false
    }

    fn guess_field(
        &mut self,
        id: FieldId,
        rank: u8,
        name: &str,
        value: Value<'_>,
        in_list: bool,
    ) -> bool {
        if self.present.has_known(id) && !self.outranks(id, rank, name, in_list) {
            return false;
        }
        let of = field_type::of(id);
        if of == FieldType::Ip {
            return self.guess_address(id, rank, name, value);
        }
        if of == FieldType::Text && !matches!(value, Value::Str(_) | Value::Int(_)) {
            return false;
        }
        let value = self.bounded(value);
        let Some(fitted) = field_type::fit(of, value, self.observed()) else {
            return false;
        };
        self.note_guess(id, rank, name);
        if in_list {
            self.event.push_item(id, fitted.value());
        } else {
            self.event.push(id, fitted.value());
        }
        true
    }

    fn guess_address(&mut self, id: FieldId, rank: u8, name: &str, value: Value<'_>) -> bool {
        let Value::Str(text) = value else {
            return false;
        };
        let Some((address, port)) = field_type::endpoint(text) else {
            return false;
        };
        self.note_guess(id, rank, name);
        self.event.push_str(id, &address);
        if let Some(port) = port.filter(|_| id == field::SOURCE_IP) {
            self.put(field::SOURCE_PORT, Value::Int(i64::from(port)));
        }
        true
    }

    fn guess_event(&mut self, rank: u8, name: &str, text: &str) -> bool {
        let is_name = text.len() <= 96
            && text.bytes().all(|b| {
                b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.' | b':' | b'/')
            });
        let id = if is_name {
            field::EVENT_ACTION
        } else {
            field::MESSAGE
        };
        self.guess_field(id, rank + 1, name, Value::Str(text), false)
    }

    /// The outcome word is kept under the alias too when it says more than the outcome.
    fn guess_outcome(&mut self, rank: u8, name: &str, outcome: &str, text: &str) -> bool {
        let value = Value::Str(outcome);
        if !self.guess_field(field::EVENT_OUTCOME, rank, name, value, false) {
            return false;
        }
        if !text.eq_ignore_ascii_case(outcome) {
            self.keep(name, Value::Str(text), false);
        }
        true
    }

    fn note_guess(&mut self, id: FieldId, rank: u8, name: &str) {
        self.note_guess_at(id, rank, name, self.event.len());
    }

    fn note_guess_at(&mut self, id: FieldId, rank: u8, name: &str, position: usize) {
        self.present.add_known(id);
        self.guesses.push(Guess {
            id,
            position,
            rank,
            name_start: self.guess_names.len(),
            name_len: name.len(),
        });
        self.guess_names.push_str(name);
    }

    /// Whether a new alias of `id` may take the place: it is the next member of the same list, or
    /// it ranks better than the alias that holds it, which then goes back to its own name.
    fn outranks(&mut self, id: FieldId, rank: u8, name: &str, in_list: bool) -> bool {
        let Some(guess) = self.guesses.iter().find(|guess| guess.id == id) else {
            return false;
        };
        let span = guess.name_start..guess.name_start + guess.name_len;
        if in_list && self.guess_names.get(span) == Some(name) {
            return true;
        }
        rank < guess.rank && self.demote(id)
    }

    /// Gives the fields that aliases put at `id` their own names back; false when none did.
    fn demote(&mut self, id: FieldId) -> bool {
        let mut demoted = false;
        let (event, names) = (&mut self.event, &self.guess_names);
        self.guesses.retain(|guess| {
            if guess.id == id {
                let span = guess.name_start..guess.name_start + guess.name_len;
                event.rename(guess.position, names.get(span).unwrap_or("labels.unnamed"));
                demoted = true;
            }
            guess.id != id
        });
        demoted
    }

    // --- limits ----------------------------------------------------------------------------

    fn has_room(&self) -> bool {
        self.event.len() < limits::FIELDS_MAX - STAMP_FIELDS_MAX - FOUND_FIELDS_MAX
    }

    /// Cuts text to its limit and looks through it when the frame holds control characters.
    fn bounded<'v>(&mut self, value: Value<'v>) -> Value<'v> {
        match value {
            Value::Str(text) => Value::Str(self.bounded_text(text)),
            other => other,
        }
    }

    fn bounded_text<'v>(&mut self, text: &'v str) -> &'v str {
        if self.inspect_all {
            self.inspect(text);
        }
        if text.len() <= limits::VALUE_BYTES_MAX {
            return text;
        }
        self.defect(DefectKind::ValueCut);
        decode::cut(text, limits::VALUE_BYTES_MAX)
    }

    /// Marks the event when `text` holds a forged record or a terminal code.
    pub(crate) fn inspect(&mut self, text: &str) {
        if decode::suspects_injection(text) {
            self.defect(DefectKind::SuspectInjection);
        }
    }

    /// Keeps a field that found no place as JSON text.
    fn overflow(&mut self, name: &str, value: Value<'_>) {
        self.defect(DefectKind::TooManyFields);
        if self.overflow.len() >= limits::VALUE_BYTES_MAX {
            return self.defect(DefectKind::ValueCut);
        }
        self.overflow
            .push(if self.overflow.is_empty() { '{' } else { ',' });
        encoding::push_string(&mut self.overflow, name);
        self.overflow.push(':');
        let value = self.bounded(value);
        encoding::push_value(&mut self.overflow, value);
    }

    // --- the end ---------------------------------------------------------------------------

    /// Derives what follows from the fields, stamps the event and closes it.
    pub(crate) fn finish(mut self) -> Parsed {
        if let Some((action, parameters)) = self.owasp.take() {
            owasp::put_parameters(&mut self, action, &parameters);
        }
        self.derive_source();
        url::derive(&mut self);
        action::derive(&mut self);
        if !self.overflow.is_empty() {
            let mut text = std::mem::take(&mut self.overflow);
            text.push('}');
            let text = self.bounded_text(&text).to_owned();
            self.event.push_str(field::LABELS_OVERFLOW, &text);
        }
        self.stamp();
        Parsed {
            event: self.event,
            defects: self.defects,
        }
    }

    /// `client.ip` and a numeric `source.address` are source addresses that the record names.
    fn derive_source(&mut self) {
        if self.has(field::SOURCE_IP) {
            return;
        }
        for id in [
            field::CLIENT_IP,
            field::SOURCE_ADDRESS,
            field::CLIENT_ADDRESS,
        ] {
            if let Some(text) = self.text(id)
                && let Some((address, _)) = field_type::endpoint(text)
            {
                let address = address.into_owned();
                return self.put(field::SOURCE_IP, Value::Str(&address));
            }
        }
    }

    fn stamp(&mut self) {
        let observed = self.origin.observed_at.as_timestamp();
        let mut time = observed;
        if let Some((_, read)) = self.time {
            if !read.is_certain {
                self.defect(DefectKind::TimeUncertain);
            }
            time = Timestamp(read.nanos);
        } else if self.has_unreadable_time {
            self.defect(DefectKind::TimeUnreadable);
        }
        let event = &mut self.event;
        event.push(field::TIMESTAMP, Value::Time(time));
        event.push(field::EVENT_INGESTED, Value::Time(observed));
        event.push_str(field::BELFRY_SOURCE, &self.origin.source);
        event.push_str(field::BELFRY_LISTENER, self.origin.listener.name());
        event.push_str(field::BELFRY_FORMAT, self.format);
        if let Some(peer) = self.origin.peer {
            event.push_str(field::LOG_SOURCE_ADDRESS, &peer.to_string());
        }
        if let Some(file) = &self.origin.file {
            event.push_str(field::LOG_FILE_PATH, file);
        }
        for defect in &self.defects {
            event.push_item(field::BELFRY_DEFECTS, Value::Str(defect.kind.name()));
        }
    }
}

/// Numbers of the pino and bunyan loggers.
fn level(number: i64) -> Option<&'static str> {
    let name = match number {
        10 => "trace",
        20 => "debug",
        30 => "info",
        40 => "warn",
        50 => "error",
        60 => "fatal",
        _ => return None,
    };
    Some(name)
}

fn is_status_code(value: Value<'_>) -> bool {
    let code = match value {
        Value::Int(code) => code,
        Value::Str(text) if text.len() == 3 => text.parse().unwrap_or(0),
        _ => 0,
    };
    (100..600).contains(&code)
}

/// The ECS outcome that a word stands for.
pub(crate) fn outcome(word: &str) -> Option<&'static str> {
    const WORDS: [(&str, &str); 23] = [
        ("success", "success"),
        ("succeeded", "success"),
        ("successful", "success"),
        ("ok", "success"),
        ("passed", "success"),
        ("allowed", "success"),
        ("granted", "success"),
        ("accepted", "success"),
        ("true", "success"),
        ("yes", "success"),
        ("failure", "failure"),
        ("failed", "failure"),
        ("fail", "failure"),
        ("denied", "failure"),
        ("blocked", "failure"),
        ("rejected", "failure"),
        ("invalid", "failure"),
        ("error", "failure"),
        ("unauthorized", "failure"),
        ("forbidden", "failure"),
        ("false", "failure"),
        ("no", "failure"),
        ("unknown", "unknown"),
    ];
    let found = WORDS
        .iter()
        .find(|(known, _)| word.eq_ignore_ascii_case(known));
    found.map(|(_, outcome)| *outcome)
}
