//! Rule files compiled into one immutable set.
//!
//! Loading never stops at a bad rule: each one is a [`Problem`] with its file and line, and a
//! correlation that refers to it is another.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use event::{Event, RuleRef, Severity, Timestamp};

use crate::bucket::RuleNumber;
use crate::correlation::{self, Correlation};
use crate::digest;
use crate::exception::{self, Exception, ExceptionSummary, FilterDocument};
use crate::log_source::{self, LogSources, Mask, Reach, Sorter};
use crate::placeholder::Placeholders;
use crate::program::{NodeId, Programs};
use crate::rule::{Body, DetectionRule, Document, LogSource, Meta};
use crate::sample::{self, TestOutcome};
use crate::sigma;
use crate::spelling::GroupField;
use crate::tuning::{self, Tuning};

/// A rule file as the app read it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleFile {
    /// Name for problems and summaries.
    pub name: String,
    /// YAML, one or more documents.
    pub text: String,
}

/// Something wrong in a rule file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Name of the file.
    pub file: String,
    /// Line where it, or the rule that holds it, begins; 1-based.
    pub line: Option<u32>,
    /// What is wrong, lower case, without full stop.
    pub message: String,
}

/// The kinds of rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RuleKind {
    /// About one event.
    Detection,
    /// About several matches; with Sigma's name of the correlation type.
    Correlation(&'static str),
}

/// What a list of rules shows.
#[derive(Clone, Debug)]
pub struct RuleSummary {
    /// The rule as detections refer to it: id, code, title, severity, ATT&CK, playbook.
    pub rule: Arc<RuleRef>,
    /// Its level.
    pub severity: Severity,
    /// Its kind.
    pub kind: RuleKind,
    /// Name of the file it stands in.
    pub file: Arc<str>,
    /// Line of the file it begins at.
    pub line: u32,
    /// Logs it is written for; empty for correlations.
    pub log_source: LogSource,
    /// Whether it runs.
    pub enabled: bool,
    /// Whether it rings for itself, or only feeds correlations.
    pub rings: bool,
    /// Whether any log source that we recognise by what events hold satisfies it.
    pub reachable: bool,
    /// How far the events it asks for are known.
    pub reach: Reach,
}

/// Rules ready to run. Immutable; share it in an [`Arc`].
#[derive(Debug)]
pub struct RuleSet {
    pub(crate) rules: Vec<Rule>,
    pub(crate) programs: Programs,
    pub(crate) log_sources: LogSources,
    exceptions: Vec<ExceptionSummary>,
    notes: Vec<Problem>,
    placeholders: Placeholders,
    /// Files that carry samples.
    tested: Vec<RuleFile>,
}

/// One compiled rule.
#[derive(Debug)]
pub(crate) struct Rule {
    pub(crate) reference: Arc<RuleRef>,
    pub(crate) name: Option<String>,
    pub(crate) file: Arc<str>,
    pub(crate) line: u32,
    pub(crate) enabled: bool,
    /// Whether it rings for itself.
    pub(crate) rings: bool,
    /// Fields of the entity, for a rule about one event.
    pub(crate) entity: Vec<GroupField>,
    /// Fields of which the first one present names it when none of `entity` is.
    pub(crate) entity_else: Vec<GroupField>,
    /// How long one detection speaks for its group, ns; 0 for every match on its own.
    pub(crate) period_nanos: i64,
    /// Correlations it feeds: (rule number, step).
    pub(crate) feeds: Vec<(usize, usize)>,
    /// What decides the meaning of its state; zeros for a rule that has none.
    pub(crate) digest: [u8; 32],
    pub(crate) kind: Kind,
}

/// What a compiled rule does.
#[derive(Debug)]
pub(crate) enum Kind {
    Detection(Detector),
    Correlation(Correlation),
}

/// A compiled rule about one event.
#[derive(Debug)]
pub(crate) struct Detector {
    pub(crate) log_source: LogSource,
    /// Its log source among those of the set.
    pub(crate) place: u16,
    pub(crate) root: NodeId,
    /// What must hold beside it.
    pub(crate) exceptions: Vec<Exception>,
    /// Named selections, for explanations.
    pub(crate) selections: Vec<(String, NodeId)>,
}

/// Entity fields of a rule about one event that names none, in order of preference.
const ENTITY_FIELDS: [&str; 4] = ["user.name", "source.ip", "host.name", "belfry.source"];

impl RuleSet {
    /// Compiles `files`. Everything wrong is listed; what is right runs.
    pub fn load(files: &[RuleFile]) -> (Self, Vec<Problem>) {
        Self::load_tuned(files, &Tuning::default(), "")
    }

    /// The same with an operator's changes, which stand in the file `tuning_file`.
    pub fn load_tuned(
        files: &[RuleFile],
        tuning: &Tuning,
        tuning_file: &str,
    ) -> (Self, Vec<Problem>) {
        let mut loader = Loader::default();
        for file in files {
            loader.read_placeholders(file);
        }
        Self::load_with(files, tuning, tuning_file, loader)
    }

    /// Compiles one file alone, with the placeholders of this set.
    pub(crate) fn load_alone(&self, file: &RuleFile) -> Self {
        let loader = Loader {
            placeholders: self.placeholders.clone(),
            ..Loader::default()
        };
        let files = std::slice::from_ref(file);
        Self::load_with(files, &Tuning::default(), "", loader).0
    }

    fn load_with(
        files: &[RuleFile],
        tuning: &Tuning,
        tuning_file: &str,
        mut loader: Loader,
    ) -> (Self, Vec<Problem>) {
        let mut documents = Vec::new();
        for file in files {
            loader.read_file(file, &mut documents);
        }
        for message in tuning.apply(&mut documents) {
            loader.problem(tuning_file, None, message);
        }
        for (_, document) in &documents {
            if let Body::Correlation(rule) = &document.body {
                loader.counted.extend(rule.rules.iter().cloned());
            }
        }
        for (file, document) in documents {
            if matches!(document.body, Body::Correlation(_)) {
                loader.waiting.push((file, document));
            } else {
                loader.add_detection(&file, document);
            }
        }
        loader.link();
        loader.add_exceptions();
        let mut tested = Vec::new();
        for file in files {
            if loader.tested.contains(&file.name) {
                tested.push(file.clone());
            }
        }
        loader.programs.seal();
        let set = Self {
            rules: loader.rules,
            programs: loader.programs,
            log_sources: loader.log_sources,
            exceptions: loader.exceptions,
            notes: loader.notes,
            placeholders: loader.placeholders,
            tested,
        };
        (set, loader.problems)
    }

    /// All rules in the order of their files, correlations after the rules they refer to.
    pub fn rules(&self) -> Vec<RuleSummary> {
        self.rules.iter().map(Rule::summary).collect()
    }

    /// The program of a rule about single events.
    pub(crate) fn root(&self, rule: RuleNumber) -> NodeId {
        match &self.rules[rule as usize].kind {
            Kind::Detection(detector) => detector.root,
            Kind::Correlation(_) => unreachable!("buckets index rules about one event only"),
        }
    }

    /// Whether `rule` is written for one of the log sources `belongs`.
    pub(crate) fn accepts(&self, rule: RuleNumber, belongs: &Mask) -> bool {
        match &self.rules[rule as usize].kind {
            Kind::Detection(detector) => belongs.has(detector.place),
            Kind::Correlation(_) => false,
        }
    }

    /// Only what is called `wanted` (id, code, title, name or file) and the rules that it counts,
    /// switched on; none when nothing is called so. Members ring only through what counts them.
    pub fn narrowed(mut self, wanted: &str) -> Option<Self> {
        let is_wanted = |rule: &Rule| {
            let reference = &rule.reference;
            reference.id == wanted
                || reference.code.as_deref() == Some(wanted)
                || reference.title == wanted
                || rule.name.as_deref() == Some(wanted)
                || *rule.file == *wanted
        };
        let mut runs: Vec<bool> = self.rules.iter().map(is_wanted).collect();
        let asked = runs.clone();
        // Correlations come after what they count, so one way back reaches every member.
        for place in (0..self.rules.len()).rev() {
            let feeds = &self.rules[place].feeds;
            runs[place] |= feeds.iter().any(|(fed, _)| runs[*fed]);
        }
        for (place, rule) in self.rules.iter_mut().enumerate() {
            rule.enabled = runs[place];
            // Of a file with a rule and its count, the count is what is asked about.
            let is_member = rule.feeds.iter().any(|(fed, _)| asked[*fed]);
            rule.rings = asked[place] && !is_member;
        }
        asked.contains(&true).then_some(self)
    }

    /// Exceptions from its rules, in the order of their files.
    pub fn exceptions(&self) -> &[ExceptionSummary] {
        &self.exceptions
    }

    /// The rules about single events that run and are written for a log source of `event`.
    pub fn written_for(&self, event: &Event) -> Vec<Arc<RuleRef>> {
        let belongs = self.log_sources.of(event, &mut Sorter::default());
        let rules = self.rules.iter().filter(|rule| match &rule.kind {
            Kind::Detection(detector) => rule.enabled && belongs.has(detector.place),
            Kind::Correlation(_) => false,
        });
        rules.map(|rule| Arc::clone(&rule.reference)).collect()
    }

    /// What runs and hardly is what was meant: placeholders without values, filters that keep what
    /// they should leave out or that narrow no rule.
    pub fn notes(&self) -> &[Problem] {
        &self.notes
    }

    /// The exceptions of a rule about single events.
    pub(crate) fn exceptions_of(&self, rule: RuleNumber) -> &[Exception] {
        match &self.rules[rule as usize].kind {
            Kind::Detection(detector) => &detector.exceptions,
            Kind::Correlation(_) => &[],
        }
    }

    /// Runs the samples of every file that has some, each file alone and each sample through a
    /// fresh engine.
    pub fn run_tests(&self) -> Vec<TestOutcome> {
        let run = |file| sample::run(self, file);
        self.tested.iter().flat_map(run).collect()
    }
}

impl Rule {
    fn summary(&self) -> RuleSummary {
        let (kind, log_source, reach) = match &self.kind {
            Kind::Detection(detector) => (
                RuleKind::Detection,
                detector.log_source.clone(),
                log_source::reach(&detector.log_source),
            ),
            Kind::Correlation(correlation) => (
                RuleKind::Correlation(correlation.kind.name()),
                LogSource::default(),
                Reach::Recognised,
            ),
        };
        RuleSummary {
            rule: Arc::clone(&self.reference),
            severity: self.reference.severity,
            kind,
            file: Arc::clone(&self.file),
            line: self.line,
            log_source,
            enabled: self.enabled,
            rings: self.rings,
            reachable: reach == Reach::Recognised,
            reach,
        }
    }
}

#[derive(Default)]
struct Loader {
    rules: Vec<Rule>,
    programs: Programs,
    log_sources: LogSources,
    placeholders: Placeholders,
    filters: Vec<(Arc<str>, FilterDocument)>,
    exceptions: Vec<ExceptionSummary>,
    notes: Vec<Problem>,
    problems: Vec<Problem>,
    /// Correlations that wait for the rules they refer to.
    waiting: Vec<(Arc<str>, Document)>,
    /// Ids and names that correlations refer to.
    counted: HashSet<String>,
    /// Ids and names taken.
    places: HashMap<String, usize>,
    tested: Vec<String>,
}

impl Loader {
    fn read_file(&mut self, file: &RuleFile, documents: &mut Vec<tuning::Placed>) {
        let name: Arc<str> = file.name.as_str().into();
        if sigma::placeholders(&file.text).is_some() {
            return;
        }
        let read = sigma::read_with(&file.text, &self.placeholders);
        for (line, message) in read.notes {
            self.note(&name, line, message);
        }
        for filter in read.filters {
            self.filters.push((Arc::clone(&name), filter));
        }
        for (line, message) in read.problems {
            self.problem(&name, line, message);
        }
        for document in read.documents {
            if !document.samples.is_empty() && self.tested.last() != Some(&file.name) {
                self.tested.push(file.name.clone());
            }
            documents.push((Arc::clone(&name), document));
        }
    }

    fn add_detection(&mut self, file: &Arc<str>, document: Document) {
        let digest = self.digest(&document);
        let Body::Detection(rule) = document.body else {
            return;
        };
        match self.detector(rule) {
            Ok(detector) => {
                let entity = group_fields(document.meta.entity.iter().map(String::as_str));
                let rule = compiled(
                    file,
                    document.line,
                    document.meta,
                    Kind::Detection(detector),
                );
                self.add(Rule {
                    digest,
                    entity,
                    entity_else: group_fields(ENTITY_FIELDS.into_iter()),
                    ..rule
                });
            }
            Err(message) => {
                let title = &document.meta.reference.title;
                self.problem(file, Some(document.line), format!("{title}: {message}"));
            }
        }
    }

    /// The digest of a rule about one event; of one whose matches leave no state behind, none.
    fn digest(&self, document: &Document) -> [u8; 32] {
        let meta = &document.meta;
        let name = meta.name.as_ref();
        let is_counted = self.counted.contains(&meta.reference.id)
            || name.is_some_and(|name| self.counted.contains(name));
        if is_counted || meta.cooldown.is_some() {
            digest::of(document, &[])
        } else {
            [0; 32]
        }
    }

    fn detector(&mut self, rule: DetectionRule) -> Result<Detector, String> {
        let mut selections = Vec::with_capacity(rule.selections.len());
        for (name, clause) in rule.selections {
            selections.push((name, self.programs.add_clause(clause)?));
        }
        let roots: Vec<NodeId> = selections.iter().map(|(_, root)| *root).collect();
        let root = self.programs.add_condition(&rule.condition, &roots)?;
        Ok(Detector {
            place: self.log_sources.place(&rule.log_source)?,
            log_source: rule.log_source,
            root,
            exceptions: Vec::new(),
            selections,
        })
    }

    /// Adds a rule unless another has its id or name.
    fn add(&mut self, rule: Rule) {
        let mut keys = vec![rule.reference.id.clone()];
        keys.extend(rule.name.clone().filter(|name| *name != rule.reference.id));
        for key in &keys {
            if let Some(other) = self.places.get(key) {
                let other = &self.rules[*other];
                let message = format!(
                    "{}: `{key}` is taken by the rule at {}:{}",
                    rule.reference.title, other.file, other.line
                );
                let file = Arc::clone(&rule.file);
                return self.problem(&file, Some(rule.line), message);
            }
        }
        let place = self.rules.len();
        self.places.extend(keys.into_iter().map(|key| (key, place)));
        self.rules.push(rule);
    }

    /// Adds correlations once all rules they refer to are there, so that a rule's number is
    /// always larger than the numbers of the rules that feed it.
    fn link(&mut self) {
        loop {
            let (ready, waiting): (Vec<_>, Vec<_>) = std::mem::take(&mut self.waiting)
                .into_iter()
                .partition(|(_, document)| self.is_ready(document));
            self.waiting = waiting;
            if ready.is_empty() {
                break;
            }
            for (file, document) in ready {
                self.add_correlation(&file, document);
            }
        }
        for (file, document) in std::mem::take(&mut self.waiting) {
            let title = &document.meta.reference.title;
            let message = match &document.body {
                Body::Correlation(rule) => {
                    let missing = rule
                        .rules
                        .iter()
                        .find(|name| !self.places.contains_key(*name));
                    let missing = missing.map_or("", String::as_str);
                    format!("{title}: refers to `{missing}`, which is no rule that loaded")
                }
                Body::Detection(_) => continue,
            };
            self.problem(&file, Some(document.line), message);
        }
        self.decide_who_rings();
    }

    fn is_ready(&self, document: &Document) -> bool {
        match &document.body {
            Body::Correlation(rule) => rule.rules.iter().all(|name| self.places.contains_key(name)),
            Body::Detection(_) => true,
        }
    }

    fn add_correlation(&mut self, file: &Arc<str>, document: Document) {
        let Body::Correlation(rule) = &document.body else {
            return;
        };
        let members: Vec<usize> = rule.rules.iter().map(|name| self.places[name]).collect();
        let digests: Vec<_> = members.iter().map(|at| self.rules[*at].digest).collect();
        let digest = digest::of(&document, &digests);
        let before = self.rules.len();
        match correlation::compile(rule, &members, &self.rules) {
            Ok(compiled_rule) => {
                let timespan = compiled_rule.timespan_nanos;
                let kind = Kind::Correlation(compiled_rule);
                let compiled = compiled(file, document.line, document.meta, kind);
                let period_nanos = compiled.period_nanos.max(timespan);
                self.add(Rule {
                    period_nanos,
                    digest,
                    ..compiled
                });
                if self.rules.len() > before {
                    for (step, member) in members.into_iter().enumerate() {
                        self.rules[member].feeds.push((before, step));
                    }
                }
            }
            Err(message) => {
                let title = &document.meta.reference.title;
                self.problem(file, Some(document.line), format!("{title}: {message}"));
            }
        }
    }

    /// A rule that feeds correlations rings for itself only when one of them says `generate`.
    fn decide_who_rings(&mut self) {
        for place in 0..self.rules.len() {
            let feeds = self.rules[place].feeds.iter();
            let mut fed = feeds
                .map(|(of, _)| &self.rules[*of])
                .filter(|of| of.enabled);
            let first = fed.next();
            let generated = first.into_iter().chain(fed).any(|of| match &of.kind {
                Kind::Correlation(correlation) => correlation.generate,
                Kind::Detection(_) => false,
            });
            self.rules[place].rings = first.is_none() || generated;
        }
    }

    fn read_placeholders(&mut self, file: &RuleFile) {
        match sigma::placeholders(&file.text) {
            None => {}
            Some(Ok(placeholders)) => self.placeholders.join(placeholders),
            Some(Err(message)) => self.problem(&file.name, None, message),
        }
    }

    /// Gives every rule the filters that narrow it.
    fn add_exceptions(&mut self) {
        for (file, filter) in std::mem::take(&mut self.filters) {
            // Files are bounded, so filters are.
            let number = u32::try_from(self.exceptions.len()).unwrap_or(u32::MAX);
            let mut compiler = exception::Compiler::new(&filter, number);
            let mut narrows = Vec::new();
            let mut wrong = None;
            for rule in &mut self.rules {
                let Kind::Detection(detector) = &mut rule.kind else {
                    continue;
                };
                let reference = &rule.reference;
                let names = [
                    Some(&reference.id),
                    rule.name.as_ref(),
                    reference.code.as_ref(),
                ];
                let names = names.into_iter().flatten().cloned();
                if !compiler.fits(names, &detector.log_source) {
                    continue;
                }
                match compiler.compile(&detector.log_source, &mut self.programs) {
                    Ok(exception) => detector.exceptions.push(exception),
                    Err(message) => wrong = Some(message),
                }
                narrows.push(reference.id.clone());
            }
            let line = Some(filter.line);
            if let Some(message) = wrong {
                self.problem(&file, line, format!("{}: {message}", filter.title));
            }
            if narrows.is_empty() {
                let message = format!("{}: narrows no rule that loaded", filter.title);
                self.note(&file, line, message);
            }
            self.exceptions.push(ExceptionSummary {
                name: filter.name,
                title: filter.title,
                file,
                line: filter.line,
                owner: filter.owner,
                reason: filter.reason,
                expires: filter.expires_nanos.map(Timestamp),
                rules: narrows,
            });
        }
    }

    fn note(&mut self, file: &str, line: Option<u32>, message: String) {
        self.notes.push(Problem {
            file: file.to_owned(),
            line,
            message,
        });
    }

    fn problem(&mut self, file: &str, line: Option<u32>, message: String) {
        self.problems.push(Problem {
            file: file.to_owned(),
            line,
            message,
        });
    }
}

fn compiled(file: &Arc<str>, line: u32, meta: Meta, kind: Kind) -> Rule {
    Rule {
        reference: meta.reference,
        name: meta.name,
        file: Arc::clone(file),
        line,
        enabled: meta.enabled,
        rings: true,
        entity: Vec::new(),
        entity_else: Vec::new(),
        period_nanos: meta.cooldown.map_or(0, nanos),
        feeds: Vec::new(),
        digest: [0; 32],
        kind,
    }
}

fn group_fields<'a>(names: impl Iterator<Item = &'a str>) -> Vec<GroupField> {
    names.filter_map(|name| GroupField::of(name).ok()).collect()
}

/// A duration in nanoseconds; 292 years at most.
pub(crate) fn nanos(duration: Duration) -> i64 {
    i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX)
}
