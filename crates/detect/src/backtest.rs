//! What rules would have said about stored entries: the same engine, told when to begin counting.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;

use event::{Detection, Entry, Timestamp};

use crate::engine::{Engine, EngineConfig};
use crate::limits;
use crate::rule_set::RuleSet;

/// Nanoseconds of a day.
const DAY_NANOS: i64 = 86_400 * 1_000_000_000;

/// Hits and alerts of a day or a group.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Matches: events, or satisfied windows of correlations.
    pub hits: u64,
    /// Alerts raised: what would have paged, after cooldown and deduplication.
    pub alerts: u64,
    /// "Still ongoing" updates of them.
    pub updates: u64,
}

/// What a backtest found.
#[derive(Clone, Debug, Default)]
pub struct BacktestReport {
    /// Entries counted.
    pub entries: u64,
    /// Everything together.
    pub total: Tally,
    /// By the UTC day on which it was received (its midnight).
    pub days: Vec<(Timestamp, Tally)>,
    /// By group, those with most alerts first; hits are what alerts counted.
    pub groups: Vec<(String, Tally)>,
    /// The newest alerts and updates, oldest first.
    pub found: Vec<Detection>,
    /// Matches that came too late to count.
    pub late: u64,
    /// Groups given up for want of room.
    pub evictions: u64,
}

/// Rules at work on stored entries.
#[derive(Debug)]
pub struct Backtest {
    engine: Engine,
    since: i64,
    list_max: usize,
    entries: u64,
    total: Tally,
    days: BTreeMap<i64, Tally>,
    groups: HashMap<String, Tally>,
    found: VecDeque<Detection>,
}

impl Backtest {
    /// Of `set` (see [`RuleSet::narrowed`]), counting what is received at or after `since`. What
    /// comes before only fills the windows. The newest `list_max` detections are kept whole.
    pub fn new(set: RuleSet, config: EngineConfig, since: Timestamp, list_max: usize) -> Self {
        Self {
            engine: Engine::new(Arc::new(set), config),
            since: since.0,
            list_max,
            entries: 0,
            total: Tally::default(),
            days: BTreeMap::new(),
            groups: HashMap::new(),
            found: VecDeque::new(),
        }
    }

    /// How far before the first entry that counts one must begin.
    pub fn window_max(&self) -> std::time::Duration {
        self.engine.window_max()
    }

    /// Takes entries in the order of the ledger.
    pub fn apply(&mut self, entries: &[Entry]) {
        for entry in entries {
            let before = self.engine.matched();
            let found = self.engine.apply(std::slice::from_ref(entry));
            if entry.received().0 < self.since {
                continue;
            }
            self.entries += 1;
            let hits = self.engine.matched() - before;
            if hits == 0 && found.is_empty() {
                continue;
            }
            let alerts = found.iter().filter(|found| !found.ongoing).count() as u64;
            let updates = found.len() as u64 - alerts;
            let day = entry.received().0.div_euclid(DAY_NANOS) * DAY_NANOS;
            for tally in [&mut self.total, self.days.entry(day).or_default()] {
                tally.hits += hits;
                tally.alerts += alerts;
                tally.updates += updates;
            }
            for detection in found {
                self.take(detection);
            }
        }
    }

    /// What was found.
    pub fn report(self) -> BacktestReport {
        let stats = self.engine.stats();
        let mut groups: Vec<(String, Tally)> = self.groups.into_iter().collect();
        groups.sort_by(|(a, x), (b, y)| (y.alerts, y.hits, a).cmp(&(x.alerts, x.hits, b)));
        BacktestReport {
            entries: self.entries,
            total: self.total,
            days: self
                .days
                .into_iter()
                .map(|(day, tally)| (Timestamp(day), tally))
                .collect(),
            groups,
            found: self.found.into(),
            late: stats.rules.iter().map(|rule| rule.dropped_late).sum(),
            evictions: stats.rules.iter().map(|rule| rule.evictions).sum(),
        }
    }

    fn take(&mut self, detection: Detection) {
        let parts = detection.group.iter();
        let parts: Vec<String> = parts
            .map(|part| format!("{}={}", part.field, part.value))
            .collect();
        let mut group = parts.join(" ");
        if self.groups.len() >= limits::BACKTEST_GROUPS_MAX && !self.groups.contains_key(&group) {
            "(others)".clone_into(&mut group);
        }
        let tally = self.groups.entry(group).or_default();
        tally.alerts += u64::from(!detection.ongoing);
        tally.updates += u64::from(detection.ongoing);
        tally.hits += detection.count;
        if self.found.len() >= self.list_max {
            self.found.pop_front();
        }
        if self.list_max > 0 {
            self.found.push_back(detection);
        }
    }
}

#[cfg(test)]
mod tests {
    use event::testkit;

    use super::*;
    use crate::RuleFile;

    const RULES: &str = "
title: Fail
id: fail
logsource: {category: any}
detection: {s: {event.action: fail}, condition: s}
---
title: Three
code: X1
correlation:
  type: event_count
  rules: [fail]
  group-by: [user.name]
  timespan: 60s
  condition: {gte: 3}
---
title: Off
enabled: false
logsource: {category: any}
detection: {s: {event.action: ok}, condition: s}
";

    fn backtest(wanted: &str, since: i64, lines: &str) -> Option<BacktestReport> {
        let file = RuleFile {
            name: "x.yml".into(),
            text: RULES.into(),
        };
        let (set, problems) = RuleSet::load(&[file]);
        assert_eq!(problems, []);
        let since = Timestamp(since * 1_000_000_000);
        let mut test = Backtest::new(set.narrowed(wanted)?, EngineConfig::default(), since, 5);
        test.apply(&testkit::entries(lines));
        Some(test.report())
    }

    fn lines(ats: &[i64]) -> String {
        let line = |at: &i64| format!("event.action=fail user.name=bob @t={at}s\n");
        ats.iter().map(line).collect()
    }

    #[test]
    fn hits_alerts_and_groups_are_told_apart() {
        let report = backtest("X1", 0, &lines(&[0, 1, 2, 3, 90_000, 90_001, 90_002])).unwrap();
        let tally = |hits, alerts| Tally {
            hits,
            alerts,
            updates: 0,
        };
        assert_eq!((report.entries, report.total), (7, tally(3, 2)));
        let days: Vec<Tally> = report.days.iter().map(|(_, tally)| *tally).collect();
        assert_eq!(days, [tally(2, 1), tally(1, 1)]);
        assert_eq!(report.groups, [("user.name=bob".to_owned(), tally(6, 2))]);
        assert_eq!(report.found.len(), 2);
    }

    #[test]
    fn what_comes_before_only_fills_the_windows() {
        let report = backtest("X1", 2, &lines(&[0, 1, 2])).unwrap();
        assert_eq!((report.entries, report.total.alerts), (1, 1));
        assert_eq!(
            backtest("X1", 3, &lines(&[0, 1, 2])).unwrap().total.alerts,
            0
        );
    }

    #[test]
    fn a_rule_that_is_off_or_only_counted_can_be_tried() {
        let ok = "event.action=ok @t=5s";
        assert_eq!(backtest("Off", 0, ok).unwrap().total.alerts, 1);
        assert_eq!(backtest("fail", 0, &lines(&[0, 1])).unwrap().total.hits, 2);
        assert_eq!(
            backtest("x.yml", 0, &lines(&[0, 1, 2]))
                .unwrap()
                .total
                .alerts,
            1
        );
        assert!(backtest("none", 0, ok).is_none());
    }
}
