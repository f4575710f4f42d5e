//! The community's rules: all of them load, and we say which of them our events can reach.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::{Arc, LazyLock};

use event::testkit;

use super::repository;
use crate::{Engine, EngineConfig, Problem, Reach, RuleFile, RuleSet};

/// How many rules there are.
const RULES: usize = 3_757;

/// The rules of `fixtures/sigma`, loaded once for all tests.
pub(super) fn loaded() -> &'static (Arc<RuleSet>, Vec<Problem>) {
    static LOADED: LazyLock<(Arc<RuleSet>, Vec<Problem>)> = LazyLock::new(|| {
        let (set, problems) = RuleSet::load(&files());
        (Arc::new(set), problems)
    });
    &LOADED
}

fn files() -> Vec<RuleFile> {
    let packed = std::fs::read(repository().join("fixtures/sigma/rules.ndjson.zst")).unwrap();
    let text = String::from_utf8(zstd::decode_all(packed.as_slice()).unwrap()).unwrap();
    text.lines()
        .map(|line| {
            let (name, text) = serde_json::from_str(line).unwrap();
            RuleFile { name, text }
        })
        .collect()
}

#[test]
fn every_community_rule_loads() {
    let (set, problems) = loaded();
    assert_eq!(set.rules().len(), RULES);
    assert!(problems.is_empty(), "{problems:#?}");
    // The rules with placeholders say that theirs have no values.
    let notes = set.notes().iter();
    let other: Vec<&Problem> = notes
        .filter(|note| !note.message.contains("placeholder `%"))
        .collect();
    assert!(other.is_empty(), "{other:#?}");
}

#[test]
fn nearly_all_of_windows_linux_web_and_cloud_is_recognised() {
    let (set, _) = loaded();
    let mut named: BTreeMap<String, usize> = BTreeMap::new();
    let mut recognised = 0;
    for rule in set.rules() {
        if rule.reach == Reach::Recognised {
            recognised += 1;
            continue;
        }
        let part = |part: &Option<String>| part.clone().unwrap_or_else(|| "-".to_owned());
        let source = &rule.log_source;
        let (category, product) = (part(&source.category), part(&source.product));
        *named
            .entry(format!("{category}/{product}/{}", part(&source.service)))
            .or_default() += 1;
    }
    let rest = named
        .iter()
        .fold(String::new(), |mut text, (source, rules)| {
            writeln!(text, "{rules} {source}").unwrap();
            text
        });
    assert!(
        recognised >= 3_700,
        "{recognised} recognised; the rest:\n{rest}"
    );
    for product in [
        "windows", "linux", "aws", "gcp", "azure", "github", "okta", "m365",
    ] {
        assert!(!rest.contains(&format!("/{product}/")), "{rest}");
    }
}

/// Checks that the rule with `title` rings for the event in text; an empty title for silence.
fn check(line: &str, title: &str) {
    let (set, _) = loaded();
    let mut engine = Engine::new(Arc::clone(set), EngineConfig::default());
    let rang: Vec<String> = engine
        .apply(&testkit::entries(line))
        .iter()
        .map(|found| found.rule.title.clone())
        .collect();
    let expected = if title.is_empty() {
        rang.is_empty()
    } else {
        rang.iter().any(|rang| rang == title)
    };
    assert!(expected, "{line}: {rang:?} instead of {title:?}");
}

#[test]
fn community_rules_run_on_windows_events_of_every_shape() {
    let cleared = "Security Eventlog Cleared";
    let flat = "Channel=Security EventID=1102 Provider_Name=Microsoft-Windows-Eventlog";
    check(flat, cleared);
    check(&flat.replace("EventID", "event.id"), cleared);
    check(&flat.replace("1102", "1103"), "");
    check(&flat.replace("Channel=Security", "Channel=System"), "");
    let deleted = "Shadow Copies Deletion Using Operating Systems Utilities";
    for line in [
        r#"winlog.channel=Microsoft-Windows-Sysmon/Operational event.code=1
           process.executable="C:\Windows\System32\vssadmin.exe"
           process.command_line="vssadmin.exe delete shadows /all""#,
        r#"Event.System.Channel=Security Event.System.EventID=4688
           Event.EventData.NewProcessName="C:\Windows\System32\vssadmin.exe"
           Event.EventData.CommandLine="vssadmin.exe delete shadows /all""#,
        r#"SourceName=Microsoft-Windows-Sysmon EventID=1 Image="C:\vssadmin.exe"
           CommandLine="vssadmin delete shadows""#,
        r#"host.os.type=windows event.category=[process] event.type=[start]
           process.executable="C:\vssadmin.exe" process.command_line="delete shadows""#,
    ] {
        check(&line.replace('\n', " "), deleted);
    }
    check(
        "winlog.channel=Microsoft-Windows-Sysmon/Operational event.code=22 \
         winlog.event_data.QueryName=abc.onion",
        "DNS Query Tor .Onion Address - Sysmon",
    );
}

#[test]
fn community_rules_run_on_linux_web_and_cloud_events() {
    check(
        "host.os.type=linux event.category=[process] event.type=[start] \
         process.command_line=\"xmrig -o pool.example.com\"",
        "Linux Crypto Mining Indicators",
    );
    let web = "belfry.format=access_log http.request.method=GET http.response.status_code=200 ";
    check(
        &format!("{web} url.original=/x?f=../../../etc/passwd"),
        "Path Traversal Exploitation Attempts",
    );
    check(
        &format!("{web} url.original=\"/?q=1 UNION SELECT 2\""),
        "SQL Injection Strings In URI",
    );
    check(&format!("{web} url.original=/index.html"), "");
    check(
        "awsRegion=us-east-1 eventSource=cloudtrail.amazonaws.com event.action=StopLogging",
        "AWS CloudTrail Important Change",
    );
    check(
        "protoPayload.methodName=Dns.ManagedZones.Delete",
        "Google Cloud DNS Zone Modified or Deleted",
    );
    check(
        "category=SignInLogs properties.userAgent=azurehound/v1 resultType=0",
        "Discovery Using AzureHound",
    );
    check(
        "apiVersion=audit.k8s.io/v1 verb=delete objectRef.resource=deployments",
        "Deployment Deleted From Kubernetes Cluster",
    );
}
