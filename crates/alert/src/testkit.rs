//! Detections and entries for the tests of this crate.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use event::{
    Attack, Detection, Entry, Event, GroupValue, Index, ObservedAt, RuleRef, Severity, Timestamp,
    TreeSize, encoding, field, testkit,
};

use crate::{Alert, Desk, DeskConfig, Filter, Route, raised_event};

pub(crate) const SECOND: i64 = 1_000_000_000;
/// 2026-11-21T10:30:00Z.
pub(crate) const NOON: i64 = 1_795_257_000 * SECOND;

pub(crate) fn rule() -> RuleRef {
    let attack = ["T1110.001", "TA0006", "credential-access"];
    RuleRef {
        id: "rule-1".to_owned(),
        code: Some("D01".to_owned()),
        title: "Brute force against one account".to_owned(),
        description: "Five failed logins of one account within ten minutes.".to_owned(),
        severity: Severity::High,
        attack: attack.map(|id| Attack { id: id.to_owned() }).to_vec(),
        playbook: Some("playbooks/d01.md".to_owned()),
        false_positives: vec!["service account with a stale secret".to_owned()],
    }
}

/// `count` failures of the account `user`, the newest at index `trigger`.
pub(crate) fn detection(user: &str, count: u64, trigger: u64) -> Detection {
    let step = |back: u64| Timestamp(NOON - i64::try_from(back).unwrap() * SECOND);
    Detection {
        rule: Arc::new(rule()),
        group: vec![GroupValue {
            field: "user.name".to_owned(),
            value: user.to_owned(),
        }],
        first: step(count),
        last: step(0),
        window_start: Timestamp(NOON - 600 * SECOND),
        count,
        approximate: false,
        evidence: (trigger.saturating_sub(2)..=trigger).map(Index).collect(),
        trigger: Index(trigger),
        ongoing: false,
    }
}

pub(crate) fn trigger(user: &str) -> Entry {
    let line = "event.action=authn_login_fail event.outcome=failure user.roles=[customer,admin] \
                source.ip=203.0.113.9 http.response.status_code=401 service.name=shop \
                url.path=/login belfry.source=shop";
    let mut event = testkit::event(line);
    event.push_str(field::USER_NAME, user);
    entry(0, &event)
}

/// `event` as the ledger hands it back at `index`.
pub(crate) fn entry(index: u64, event: &Event) -> Entry {
    entry_of_body(index, &encoding::encode(event))
}

pub(crate) fn entry_of_body(index: u64, body: &str) -> Entry {
    let at = ObservedAt(NOON + i64::try_from(index).unwrap() * SECOND);
    Entry::restored(Index(index), at, body).unwrap()
}

/// The entry at `index` that raises the alert about `user`.
pub(crate) fn raised(index: u64, user: &str) -> Entry {
    let detection = detection(user, 5, 4);
    let event = raised_event(
        &detection,
        &trigger(user),
        Some(CHECKPOINT),
        ObservedAt(NOON),
    );
    entry(index, &event)
}

pub(crate) const CHECKPOINT: &str = "belfry.test/log\n5\naGFzaA==\n\n\u{2014} belfry.test sig\n";

/// A folder that goes with its value.
#[derive(Debug)]
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new() -> Self {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let number = NUMBER.fetch_add(1, Ordering::SeqCst);
        let name = format!("belfry-alert-{}-{number}", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.0).unwrap();
    }
}

pub(crate) fn open(folder: &Folder, routes: &[Route], ledger_size: u64) -> Desk {
    let config = DeskConfig {
        routes: routes.to_vec(),
        ledger_size: TreeSize(ledger_size),
    };
    Desk::open(&folder.file("desk.sqlite"), config).unwrap()
}

/// Everything that the desk shows, as text.
pub(crate) fn picture(desk: &Desk) -> String {
    let listed = desk.list(&Filter::default()).unwrap();
    let mut out = format!("cursor {:?}\n", desk.cursor().unwrap());
    for Alert { id, .. } in &listed {
        let alert = desk.show(id.as_str()).unwrap().unwrap();
        out.push_str(&crate::render::json(&alert));
        writeln!(out, "\n{:?}", desk.deliveries(id).unwrap()).unwrap();
    }
    out
}
