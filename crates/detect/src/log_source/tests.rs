//! Log sources against events in text.

use super::*;

fn source(source: (&str, &str, &str)) -> LogSource {
    let part = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    LogSource {
        category: part(source.0),
        product: part(source.1),
        service: part(source.2),
    }
}

fn check(wanted: (&str, &str, &str), line: &str, expected: bool) {
    let mut sources = LogSources::default();
    sources.place(&source(("other", "", ""))).unwrap();
    let place = sources.place(&source(wanted)).unwrap();
    let event = event::testkit::event(line);
    // Twice: what was kept from the first time says the same.
    let mut sorter = Sorter::default();
    for _ in 0..2 {
        let has = sources.of(&event, &mut sorter).has(place);
        assert_eq!(has, expected, "{wanted:?} on {line}");
    }
}

#[test]
fn strict_and_several_at_once() {
    check(("webserver", "", ""), "event.category=[web,api]", true);
    check(
        ("webserver", "", ""),
        "url.path=/ http.response.status_code=200",
        true,
    );
    check(("webserver", "", ""), "url.path=/", false);
    let nginx = "event.category=[web] event.module=nginx";
    check(("webserver", "nginx", ""), nginx, true);
    check(("webserver", "nginx", ""), "event.category=[web]", false);
    check(("", "linux", "sshd"), "process.name=sshd", true);
    check(("", "linux", "auth"), "process.name=sshd", true);
    check(("", "linux", ""), "event.action=authn_login_fail", false);
    let both = "event.action=authn_login_fail process.name=sshd";
    check(("", "belfry", ""), both, true);
    check(("", "linux", "sshd"), both, true);
    check(("any", "", ""), "message=hello", true);
    check(("", "windows", "security"), "event.action=x", false);
    check(("", "zeek", ""), "message=hello", false);
    // A rule without any log source asks for nothing, so everything recognised has it.
    check(("", "", ""), "message=hello", true);
}

#[test]
fn windows_channels_are_services_and_codes_are_categories() {
    let sysmon = "winlog.channel=Microsoft-Windows-Sysmon/Operational event.code=13";
    for category in ["registry_set", "registry_event"] {
        check((category, "windows", ""), sysmon, true);
    }
    check(("", "windows", "sysmon"), sysmon, true);
    check(("process_creation", "windows", ""), sysmon, false);
    check(("registry_set", "linux", ""), sysmon, false);
    let flat = "Channel=Security EventID=4688";
    check(("process_creation", "windows", ""), flat, true);
    check(("", "windows", "security"), flat, true);
    check(("process_creation", "linux", ""), flat, false);
    let renamed = "Event.System.Channel=Security event.id=4688";
    check(("process_creation", "windows", ""), renamed, true);
    check(
        ("process_creation", "windows", ""),
        "Channel=System EventID=4688",
        false,
    );
    let ecs = "host.os.type=linux event.category=[process] event.type=[start]";
    check(("process_creation", "linux", ""), ecs, true);
    check(("process_creation", "windows", ""), ecs, false);
}

#[test]
fn an_event_may_name_its_log_source() {
    let aws = "event.module=aws event.dataset=aws.cloudtrail";
    check(("", "aws", "cloudtrail"), aws, true);
    check(("", "aws", "guardduty"), aws, false);
    check(
        ("", "gcp", "gcp.audit"),
        "event.module=gcp event.dataset=gcp.audit",
        true,
    );
    check(
        ("", "okta", "okta"),
        "event.module=okta event.dataset=okta.system",
        true,
    );
    let mine = "logsource.product=acme logsource.service=Vault";
    check(("", "acme", "vault"), mine, true);
    check(("", "acme", "door"), mine, false);
    check(("appliance", "acme", ""), mine, false);
}

#[test]
fn own_entries_belong_to_the_application_only() {
    let own = "belfry.source=self event.action=alert_raised url.path=/ \
               http.response.status_code=200 event.category=[web] logsource.product=aws";
    check(("webserver", "", ""), own, false);
    check(("", "aws", ""), own, false);
    check(("application", "belfry", ""), own, true);
    check(("any", "", ""), own, true);
}

#[test]
fn reach_tells_recognised_from_named() {
    assert_eq!(
        reach(&source(("process_creation", "windows", ""))),
        Reach::Recognised
    );
    assert_eq!(reach(&source(("", "acme", "door"))), Reach::Named);
}
