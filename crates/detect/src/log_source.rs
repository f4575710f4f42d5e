//! To which log sources an event belongs, and which a rule accepts.
//!
//! An event belongs to several log sources at once; a rule accepts an event when one of them has
//! every part the rule names. Strict: a part that the rule names and the event lacks is a
//! mismatch, because a rule for another product that happens to share a field name is noise.
//!
//! - category `any`: every event; our own way to say so.
//! - Belfry's own entries (`belfry.source: self`) belong to the next one only.
//! - product `belfry`, category `application`: it has `event.action`.
//! - category `webserver`: `event.category` has `web`, or `belfry.format` is `access_log`, or it
//!   has a status code beside a path. Product `apache` or `nginx` too when `event.module` says so.
//! - product `linux`, service S: the program (`process.name`, syslog app name) is S or of its
//!   family.
//! - products `aws`, `github`, `okta`, `azure`, `gcp`, `kubernetes`, `m365` with their services:
//!   `event.module` and `event.dataset` say so.

use event::{Event, Value, field};

use crate::rule::LogSource;

/// A set of places in [`MEMBERSHIPS`].
pub(crate) type Mask = u64;

/// What an event may belong to: (category, product, service); empty means it has none.
const MEMBERSHIPS: [(&str, &str, &str); 22] = [
    ("any", "", ""),
    ("application", "belfry", ""),
    ("webserver", "", ""),
    ("webserver", "apache", "apache"),
    ("webserver", "nginx", "nginx"),
    ("", "linux", ""),
    ("", "linux", "sshd"),
    ("", "linux", "sudo"),
    ("", "linux", "auth"),
    ("", "linux", "syslog"),
    ("", "linux", "auditd"),
    ("", "linux", "cron"),
    ("", "aws", "cloudtrail"),
    ("", "github", "audit"),
    ("", "okta", "okta"),
    ("", "azure", "activitylogs"),
    ("", "azure", "auditlogs"),
    ("", "azure", "signinlogs"),
    ("", "gcp", "gcp.audit"),
    ("application", "kubernetes", "audit"),
    ("", "m365", "audit"),
    ("", "modsecurity", ""),
];

/// The source of Belfry's own entries, which no sender can claim.
const OWN_SOURCE: &str = "self";

const ANY: usize = 0;
const BELFRY: usize = 1;
const WEB: usize = 2;
const LINUX: usize = 5;
const SYSLOG: usize = 9;
const AUTH: usize = 8;

const _: () = assert!(MEMBERSHIPS.len() <= Mask::BITS as usize);

/// The memberships that satisfy a rule; 0 when no event of ours ever will.
pub(crate) fn accepted(source: &LogSource) -> Mask {
    let part = |wanted: &Option<String>, has: &str| {
        wanted
            .as_deref()
            .is_none_or(|wanted| wanted.eq_ignore_ascii_case(has))
    };
    let mut mask = 0;
    for (place, (category, product, service)) in MEMBERSHIPS.iter().enumerate() {
        if part(&source.category, category)
            && part(&source.product, product)
            && part(&source.service, service)
        {
            mask |= 1 << place;
        }
    }
    mask
}

/// The memberships of an event.
pub(crate) fn of(event: &Event) -> Mask {
    let mut mask: Mask = 1 << ANY;
    if event.has(field::EVENT_ACTION) {
        mask |= 1 << BELFRY;
    }
    // Our own entries quote what rang (a path, a status): they are about traffic, not traffic.
    if event.text(field::BELFRY_SOURCE) == Some(OWN_SOURCE) {
        return mask;
    }
    let module = event.text(field::EVENT_MODULE).unwrap_or("");
    if is_web(event) {
        mask |= 1 << WEB;
        mask |= matching(|(category, product, _)| *category == "webserver" && *product == module);
    }
    let program = event
        .text(field::PROCESS_NAME)
        .or_else(|| event.text(field::LOG_SYSLOG_APPNAME));
    if let Some(program) = program {
        mask |= linux(program);
    }
    if !module.is_empty() {
        mask |= cloud(module, event.text(field::EVENT_DATASET).unwrap_or(""));
    }
    mask
}

fn is_web(event: &Event) -> bool {
    event.text(field::BELFRY_FORMAT) == Some("access_log")
        || event
            .values(field::EVENT_CATEGORY)
            .any(|value| value == Value::Str("web"))
        || event.has(field::HTTP_RESPONSE_STATUS_CODE)
            && (event.has(field::URL_PATH) || event.has(field::URL_ORIGINAL))
}

fn linux(program: &str) -> Mask {
    let family: Mask = match program {
        "sshd" | "sshd-session" => matching(|(_, _, service)| *service == "sshd") | 1 << AUTH,
        "sudo" => matching(|(_, _, service)| *service == "sudo") | 1 << AUTH,
        "su" | "login" | "passwd" | "useradd" | "usermod" | "userdel" | "groupadd" | "chage"
        | "systemd-logind" | "polkitd" | "pam" => 1 << AUTH,
        "auditd" | "audisp" | "audit" => matching(|(_, _, service)| *service == "auditd"),
        "cron" | "CRON" | "crond" | "crontab" | "anacron" => {
            matching(|(_, _, service)| *service == "cron")
        }
        "kernel" | "systemd" | "rsyslogd" | "syslog-ng" => 0,
        _ => return 0,
    };
    family | 1 << LINUX | 1 << SYSLOG
}

fn cloud(module: &str, dataset: &str) -> Mask {
    let dataset = dataset.rsplit('.').next().unwrap_or(dataset);
    matching(|(_, product, service)| {
        let named =
            *product == module && !matches!(*product, "" | "linux" | "apache" | "nginx" | "belfry");
        named
            && (dataset.is_empty()
                || service.is_empty()
                || service.rsplit('.').next() == Some(dataset)
                || *service == module)
    })
}

fn matching(wanted: impl Fn(&(&str, &str, &str)) -> bool) -> Mask {
    let mut mask = 0;
    for (place, membership) in MEMBERSHIPS.iter().enumerate() {
        if wanted(membership) {
            mask |= 1 << place;
        }
    }
    mask
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(source: (&str, &str, &str), line: &str, expected: bool) {
        let part = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        let source = LogSource {
            category: part(source.0),
            product: part(source.1),
            service: part(source.2),
        };
        let event = event::testkit::event(line);
        assert_eq!(
            accepted(&source) & of(&event) != 0,
            expected,
            "{source:?} on {line}"
        );
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
        check(
            ("webserver", "nginx", ""),
            "event.category=[web] event.module=nginx",
            true,
        );
        check(("webserver", "nginx", ""), "event.category=[web]", false);
        check(("", "linux", "sshd"), "process.name=sshd", true);
        check(("", "linux", "auth"), "process.name=sshd", true);
        check(("", "linux", ""), "event.action=authn_login_fail", false);
        check(
            ("", "belfry", ""),
            "event.action=authn_login_fail process.name=sshd",
            true,
        );
        check(("any", "", ""), "message=hello", true);
        check(("", "windows", "security"), "event.action=x", false);
        check(("", "zeek", ""), "message=hello", false);
        check(("", "", ""), "message=hello", true);
        check(
            ("", "aws", "cloudtrail"),
            "event.module=aws event.dataset=aws.cloudtrail",
            true,
        );
    }
}
