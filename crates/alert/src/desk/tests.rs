//! The desk is a projection: the same entries make the same desk, whatever happened meanwhile.

use std::os::unix::fs::PermissionsExt;

use event::{Event, ObservedAt, Value, encoding, field};

use super::*;
use crate::sink::{Format, SinkConfig, Target};
use crate::testkit::{
    Folder, NOON, SECOND, detection, entry, entry_of_body, open, picture, raised, trigger,
};
use crate::{Verdict, alert_id, raised_event, transition_event};

fn routes() -> Vec<Route> {
    let format = Format::JsonLine;
    let quiet = SinkConfig::new("quiet", Target::Stdout { format });
    let mut chatty = SinkConfig::new("chatty", Target::Stdout { format });
    chatty.lifecycle = true;
    vec![quiet.route(), chatty.route()]
}

fn id_of(user: &str) -> AlertId {
    alert_id(&detection(user, 5, 4))
}

fn moved(desk: &Desk, index: u64, user: &str, to: Transition) -> Result<Entry, String> {
    let alert = desk.show(id_of(user).as_str()).unwrap().unwrap();
    transition_event(&alert, to, "carol", Some("seen"), ObservedAt(NOON))
        .map(|event| entry(index, &event))
        .map_err(|error| error.to_string())
}

fn other() -> Entry {
    entry_of_body(
        0,
        r#"{"event.action":"authn_login_success","belfry.source":"shop"}"#,
    )
}

/// A life in entries: raised, grown, acknowledged, closed, reopened, and a second alert.
fn life() -> Vec<Entry> {
    let folder = Folder::new();
    let mut desk = open(&folder, &[], 0);
    let mut grown = detection("bob", 12, 30);
    grown.ongoing = true;
    let grown = raised_event(&grown, &trigger("bob"), None, ObservedAt(NOON));
    let mut entries = vec![
        other(),
        raised(1, "bob"),
        entry(2, &grown),
        raised(3, "eve"),
    ];
    desk.apply(&entries).unwrap();
    for (index, to) in [
        (4, Transition::Acknowledge),
        (5, Transition::Close(Verdict::FalsePositive)),
        (6, Transition::Reopen),
    ] {
        let entry = moved(&desk, index, "bob", to).unwrap();
        desk.apply(std::slice::from_ref(&entry)).unwrap();
        entries.push(entry);
    }
    entries
}

#[test]
fn an_alert_lives_from_open_to_closed_and_back() {
    let folder = Folder::new();
    let mut desk = open(&folder, &routes(), 0);
    assert_eq!(desk.cursor().unwrap(), None);
    assert_eq!(desk.knows(&id_of("bob")).unwrap(), None);
    let changes = desk.apply(&life()).unwrap();
    let kinds: Vec<String> = changes.iter().map(|c| format!("{:?}", c.kind)).collect();
    assert_eq!(
        kinds,
        [
            "Raised(High)",
            "Updated",
            "Raised(High)",
            "Moved(Acknowledged)",
            "Moved(Closed)",
            "Moved(Open)"
        ]
    );
    assert_eq!(desk.cursor().unwrap(), Some(Index(6)));
    let bob = desk.show(id_of("bob").as_str()).unwrap().unwrap();
    assert_eq!((bob.state, bob.verdict, bob.count), (State::Open, None, 12));
    assert_eq!(bob.evidence, [2, 3, 4, 28, 29, 30].map(Index));
    assert_eq!(bob.history.len(), 5);
    assert_eq!(bob.history[3].actor.as_deref(), Some("carol"));
    let counts = desk.outbox_counts().unwrap();
    assert_eq!(
        counts.due,
        2 + 5,
        "two raised for both, three moves for one"
    );
}

#[test]
fn illegal_moves_are_refused_in_clear_words() {
    let folder = Folder::new();
    let mut desk = open(&folder, &[], 0);
    desk.apply(&life()[..5]).unwrap();
    let bob = id_of("bob");
    assert_eq!(
        moved(&desk, 9, "bob", Transition::Acknowledge).unwrap_err(),
        format!("alert {bob} is acknowledged and cannot be acknowledged: close it")
    );
    let eve = id_of("eve");
    assert_eq!(
        moved(&desk, 9, "eve", Transition::Reopen).unwrap_err(),
        format!("alert {eve} is open and cannot be reopened: acknowledge or close it")
    );
    let alert = desk.show(eve.as_str()).unwrap().unwrap();
    let at = ObservedAt(NOON);
    let nobody = transition_event(&alert, Transition::Acknowledge, " ", None, at);
    assert!(nobody.unwrap_err().to_string().starts_with("actor must"));
    let long = "x".repeat(limits::NOTE_BYTES_MAX + 1);
    let note = transition_event(&alert, Transition::Acknowledge, "carol", Some(&long), at);
    let said = "note of 4097 bytes exceeds the limit of 4096";
    assert_eq!(note.unwrap_err().to_string(), said);
}

/// Two people read the same open alert and both close it; the ledger holds both entries.
#[test]
fn the_second_of_two_moves_changes_nothing_and_is_kept() {
    let folder = Folder::new();
    let mut desk = open(&folder, &[], 0);
    desk.apply(&[raised(1, "bob")]).unwrap();
    let first = moved(&desk, 2, "bob", Transition::Close(Verdict::Benign)).unwrap();
    let to = Transition::Close(Verdict::TruePositive);
    let second = moved(&desk, 3, "bob", to).unwrap();
    let changes = desk.apply(&[first, second]).unwrap();
    assert_eq!(changes[1].kind, ChangeKind::Refused(to));
    let bob = desk.show(id_of("bob").as_str()).unwrap().unwrap();
    assert_eq!(bob.verdict, Some(Verdict::Benign));
    let effects: Vec<bool> = bob.history.iter().map(|step| step.took_effect).collect();
    assert_eq!(effects, [true, true, false]);
}

/// For every place where the process may die between ledger and desk: the batch comes again, whole
/// or cut differently, and nothing is lost or doubled.
#[test]
fn any_repetition_of_entries_gives_the_same_desk() {
    let entries = life();
    let expected = {
        let folder = Folder::new();
        let mut desk = open(&folder, &routes(), 0);
        desk.apply(&entries).unwrap();
        picture(&desk)
    };
    for cut in 0..=entries.len() {
        for again in 0..=cut {
            let folder = Folder::new();
            let mut desk = open(&folder, &routes(), 0);
            desk.apply(&entries[..cut]).unwrap();
            drop(desk);
            let mut desk = open(&folder, &routes(), 99);
            desk.apply(&entries[again..]).unwrap();
            assert_eq!(picture(&desk), expected, "cut {cut}, again from {again}");
        }
    }
}

#[test]
fn a_rebuilt_desk_is_the_same_and_rings_nobody_twice() {
    let entries = life();
    let folder = Folder::new();
    let mut desk = open(&folder, &[], 0);
    desk.apply(&entries).unwrap();
    let before = picture(&desk);
    drop(desk);
    for name in ["desk.sqlite", "desk.sqlite-wal", "desk.sqlite-shm"] {
        drop(std::fs::remove_file(folder.file(name)));
    }
    let mut desk = open(&folder, &routes(), 7);
    desk.apply(&entries).unwrap();
    assert_eq!(picture(&desk), before);
    assert_eq!(desk.outbox_counts().unwrap(), OutboxCounts::default());
    desk.apply(&[raised(7, "mallory")]).unwrap();
    assert_eq!(desk.outbox_counts().unwrap().due, 2);
}

/// A statement of the batch fails; nothing of the batch remains, and it succeeds later.
#[test]
fn a_failed_batch_leaves_nothing_behind() {
    let folder = Folder::new();
    let mut desk = open(&folder, &routes(), 0);
    desk.apply(&[raised(1, "bob")]).unwrap();
    let before = picture(&desk);
    let trap = "CREATE TRIGGER trap BEFORE INSERT ON outbox
                BEGIN SELECT RAISE(ABORT, 'disk full'); END";
    desk.connection.execute_batch(trap).unwrap();
    let entries = [raised(2, "eve"), raised(3, "mallory")];
    let error = desk.apply(&entries).unwrap_err().to_string();
    assert!(error.ends_with("disk full"), "{error}");
    assert_eq!(picture(&desk), before);
    desk.connection.execute_batch("DROP TRIGGER trap").unwrap();
    assert_eq!(desk.apply(&entries).unwrap().len(), 2);
}

/// A sender writes what Belfry would write; only the listener differs, which senders cannot choose.
#[test]
fn senders_cannot_forge_alerts() {
    let genuine = raised_event(
        &detection("bob", 5, 4),
        &trigger("bob"),
        None,
        ObservedAt(NOON),
    );
    let folder = Folder::new();
    let mut desk = open(&folder, &routes(), 0);
    for (listener, source) in [
        ("http", "self"),
        ("self", "shop"),
        ("http", "shop"),
        ("", ""),
    ] {
        let mut forged: Event = genuine.clone();
        forged.set(field::BELFRY_LISTENER, Value::Str(listener));
        forged.set(field::BELFRY_SOURCE, Value::Str(source));
        let index = desk.cursor().unwrap().map_or(0, |index| index.0 + 1);
        let changes = desk.apply(&[entry(index, &forged)]).unwrap();
        assert_eq!(changes, [], "{listener} {source}");
    }
    assert_eq!(desk.list(&Filter::default()).unwrap(), []);
    assert_eq!(desk.apply(&[entry(9, &genuine)]).unwrap().len(), 1);
}

/// Detection died between writing the alert and saving its cursor, and raised it again.
#[test]
fn an_alert_raised_twice_is_one() {
    let folder = Folder::new();
    let mut desk = open(&folder, &routes(), 0);
    desk.apply(&[raised(1, "bob"), raised(2, "bob")]).unwrap();
    assert_eq!(desk.list(&Filter::default()).unwrap().len(), 1);
    assert_eq!(desk.outbox_counts().unwrap().due, 2, "one for each sink");
}

#[test]
fn news_about_a_known_alert_is_growth() {
    let folder = Folder::new();
    let mut desk = open(&folder, &[], 0);
    desk.apply(&[raised(1, "bob")]).unwrap();
    let known = desk.knows(&id_of("bob")).unwrap().unwrap();
    assert!(!known.is_outgrown_by(&detection("bob", 5, 4)), "a replay");
    assert!(
        !known.is_outgrown_by(&detection("bob", 9, 9)),
        "a little more"
    );
    assert!(
        known.is_outgrown_by(&detection("bob", 10, 9)),
        "twice as many"
    );
    let mut later = detection("bob", 6, 9);
    later.last.0 += 301 * SECOND;
    assert!(known.is_outgrown_by(&later), "still going on");
}

#[test]
fn questions_find_what_they_ask_for() {
    let folder = Folder::new();
    let mut desk = open(&folder, &[], 0);
    desk.apply(&life()).unwrap();
    let users = |filter: Filter| -> Vec<String> {
        let found = desk.list(&filter).unwrap().into_iter();
        found.map(|alert| alert.who["user.name"].clone()).collect()
    };
    let all = Filter::default();
    assert_eq!(users(all), ["eve", "bob"]);
    assert_eq!(
        users(Filter {
            limit: Some(1),
            ..all
        }),
        ["eve"]
    );
    let state = Some(State::Closed);
    assert_eq!(users(Filter { state, ..all }), Vec::<String>::new());
    let severity_min = Some(Severity::Critical);
    assert_eq!(
        users(Filter {
            severity_min,
            ..all
        }),
        Vec::<String>::new()
    );
    let since = Some(ObservedAt(NOON + 3 * SECOND));
    assert_eq!(users(Filter { since, ..all }), ["eve"]);

    let bob = id_of("bob");
    let short = &bob.as_str()[2..8];
    assert_eq!(desk.show(short).unwrap().unwrap().id, bob);
    assert_eq!(desk.show("a-%").unwrap(), None);
    assert_eq!(desk.show("").unwrap(), None);
}

#[test]
fn an_ambiguous_id_is_refused() {
    let folder = Folder::new();
    let mut desk = open(&folder, &[], 0);
    let entries: Vec<Entry> = (0..600).map(|n| raised(n, &format!("u{n}"))).collect();
    desk.apply(&entries).unwrap();
    let shared = id_of("u1").as_str()[..4].to_owned();
    let same = entries.iter().filter(|entry| {
        let id = entry.event().text(field::BELFRY_ALERT_ID).unwrap();
        id.starts_with(&shared)
    });
    let count = same.count();
    match desk.show(&shared) {
        Err(DeskError::Ambiguous { count: found, .. }) => assert_eq!(found, count as u64),
        Ok(Some(_)) => assert_eq!(count, 1),
        outcome => panic!("{outcome:?}"),
    }
}

#[test]
fn a_flooding_rule_gets_one_summary_an_hour() {
    let folder = Folder::new();
    let mut route = routes().remove(0);
    route.rule_hourly_max = 3;
    let mut desk = open(&folder, &[route], 0);
    let entries: Vec<Entry> = (0..50).map(|n| raised(n, &format!("u{n}"))).collect();
    desk.apply(&entries).unwrap();
    assert_eq!(desk.outbox_counts().unwrap().due, 3 + 1);
    assert_eq!(desk.list(&Filter::default()).unwrap().len(), 50);
    desk.apply(&[raised(3600, "later")]).unwrap();
    assert_eq!(desk.outbox_counts().unwrap().due, 3 + 1 + 1, "a new hour");
}

#[test]
fn what_is_written_reads_back_the_same() {
    let event = raised_event(
        &detection("bob", 5, 4),
        &trigger("bob"),
        None,
        ObservedAt(NOON),
    );
    let decoded = encoding::decode(&encoding::encode(&event)).unwrap();
    assert_eq!(encoding::encode(&decoded), encoding::encode(&event));
}

#[test]
fn files_are_private_and_versions_are_checked() {
    let folder = Folder::new();
    let mut desk = open(&folder, &[], 0);
    desk.apply(&[raised(1, "bob")]).unwrap();
    for name in ["desk.sqlite", "desk.sqlite-wal", "desk.sqlite-shm"] {
        let mode = std::fs::metadata(folder.file(name)).unwrap().permissions();
        assert_eq!(mode.mode() & 0o777, 0o600, "{name}");
    }
    desk.connection
        .execute_batch("PRAGMA user_version = 7")
        .unwrap();
    drop(desk);
    let config = DeskConfig {
        routes: Vec::new(),
        ledger_size: TreeSize(0),
    };
    let error = Desk::open(&folder.file("desk.sqlite"), config).unwrap_err();
    assert!(matches!(error, OpenError::SchemaVersion { found: 7, .. }));
    assert!(error.to_string().contains("delete the file"), "{error}");
}
