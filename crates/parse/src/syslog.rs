//! Syslog headers: RFC 5424, RFC 3164, and the forms of the latter that really occur (ISO time
//! instead of `Mon dd`, no priority, no tag).

use event::{DefectKind, Value, field};

use crate::draft::Draft;
use crate::{content, time};

const SEVERITIES: [&str; 8] = [
    "emergency",
    "alert",
    "critical",
    "error",
    "warning",
    "notice",
    "informational",
    "debug",
];
const FACILITIES: [&str; 24] = [
    "kernel",
    "user-level",
    "mail",
    "system",
    "security/authorization1",
    "syslog",
    "printer",
    "network-news",
    "uucp",
    "clock1",
    "security/authorization2",
    "ftp",
    "ntp",
    "log-audit",
    "log-alert",
    "clock2",
    "local0",
    "local1",
    "local2",
    "local3",
    "local4",
    "local5",
    "local6",
    "local7",
];
/// Bytes of the longest host name (RFC 5424) and tag that a header without priority may have.
const HOST_BYTES_MAX: usize = 255;
const TAG_BYTES_MAX: usize = 64;

/// Whether `text` starts like a syslog message: a priority, or time, host and tag.
pub(crate) fn is_header(text: &str) -> bool {
    if priority(text).is_some() {
        return true;
    }
    match text.as_bytes().first() {
        Some(b'A'..=b'Z' | b'0'..=b'9') => {
            stamp(text, 0).is_some_and(|(_, rest)| host_and_tag(rest).is_some())
        }
        _ => false,
    }
}

/// Reads one syslog message; what breaks the format is kept as message.
pub(crate) fn read(draft: &mut Draft<'_>, text: &str) {
    let text = text.trim_matches(['\n', '\r', '\0', ' ']);
    if text.is_empty() {
        return draft.defect(DefectKind::Empty);
    }
    draft.format("syslog");
    let Some((number, rest)) = priority(text) else {
        if !bsd(draft, text, Tag::Required) {
            draft.defect(DefectKind::SyslogMalformed);
            content::body(draft, text, None);
        }
        return;
    };
    put_priority(draft, number);
    if let Some(after) = rest.strip_prefix("1 ") {
        if !rfc5424(draft, after) {
            draft.defect(DefectKind::SyslogMalformed);
            content::body(draft, after, None);
        }
    } else if !bsd(draft, rest.trim_start(), Tag::Optional) {
        // RFC 3164 4.3.3: a priority without a readable header; all of it is content.
        draft.defect(DefectKind::SyslogMalformed);
        inner(draft, rest, None);
    }
    put_level(draft, number);
}

/// The header's severity is the level, unless the content names one itself.
fn put_level(draft: &mut Draft<'_>, number: u8) {
    let level = match SEVERITIES[usize::from(number & 7)] {
        "informational" => "info",
        other => other,
    };
    draft.put(field::LOG_LEVEL, Value::Str(level));
}

/// `<PRI>` and the rest.
fn priority(text: &str) -> Option<(u8, &str)> {
    let (digits, rest) = text.strip_prefix('<')?.split_once('>')?;
    let is_number = (1..=3).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
    let number: u8 = digits
        .parse()
        .ok()
        .filter(|number| is_number && *number <= 191)?;
    Some((number, rest))
}

fn put_priority(draft: &mut Draft<'_>, number: u8) {
    let (facility, severity) = (number >> 3, number & 7);
    draft.put(field::LOG_SYSLOG_PRIORITY, Value::Int(i64::from(number)));
    draft.put(
        field::LOG_SYSLOG_FACILITY_CODE,
        Value::Int(i64::from(facility)),
    );
    draft.put(
        field::LOG_SYSLOG_SEVERITY_CODE,
        Value::Int(i64::from(severity)),
    );
    draft.put_str(
        field::LOG_SYSLOG_FACILITY_NAME,
        FACILITIES[usize::from(facility)],
    );
    draft.put_str(
        field::LOG_SYSLOG_SEVERITY_NAME,
        SEVERITIES[usize::from(severity)],
    );
}

// --- RFC 5424 --------------------------------------------------------------------------------

fn rfc5424(draft: &mut Draft<'_>, text: &str) -> bool {
    let mut parts = text.splitn(6, ' ');
    let mut next = || parts.next();
    let (Some(stamp), Some(host), Some(app), Some(procid), Some(msgid)) =
        (next(), next(), next(), next(), next())
    else {
        return false;
    };
    let rest = next().unwrap_or("");
    if stamp != "-" {
        match time::of_text(stamp, draft.observed()) {
            Some(read) => draft.header_time(read),
            None => draft.unreadable_time(),
        }
    }
    draft.put_str(field::LOG_SYSLOG_VERSION, "1");
    put_names(draft, host, app, procid);
    draft.put_str(field::LOG_SYSLOG_MSGID, msgid);
    let message = match rest.as_bytes().first() {
        Some(b'-') => Some(&rest[1..]),
        Some(b'[') => structured_data(draft, rest),
        _ => None,
    };
    let Some(message) = message else {
        draft.defect(DefectKind::SyslogMalformed);
        inner(draft, rest, Some(app));
        return true;
    };
    let message = message.strip_prefix(' ').unwrap_or(message);
    let message = message
        .trim_start()
        .strip_prefix('\u{feff}')
        .unwrap_or(message);
    inner(draft, message, Some(app));
    true
}

fn put_names(draft: &mut Draft<'_>, host: &str, app: &str, procid: &str) {
    draft.put_str(field::LOG_SYSLOG_HOSTNAME, host);
    draft.put_str(field::HOST_NAME, host);
    draft.put_str(field::LOG_SYSLOG_APPNAME, app);
    draft.put_str(field::PROCESS_NAME, app);
    draft.put_str(field::LOG_SYSLOG_PROCID, procid);
    draft.put_int(field::PROCESS_PID, procid);
}

/// Reads `[id name="value" ..]..`; returns what follows, `None` when it breaks off.
fn structured_data<'t>(draft: &mut Draft<'_>, text: &'t str) -> Option<&'t str> {
    let mut rest = text;
    let mut value = String::new();
    while let Some(element) = rest.strip_prefix('[') {
        let id_len = element.find([' ', ']'])?;
        let (id, mut params) = element.split_at(id_len);
        loop {
            params = params.trim_start_matches(' ');
            if let Some(after) = params.strip_prefix(']') {
                rest = after;
                break;
            }
            let (name, after) = params.split_once("=\"")?;
            params = param_value(after, &mut value)?;
            draft.inspect(&value);
            let name = format!("log.syslog.structured_data.{id}.{name}");
            draft.label(&name, Value::Str(&value));
        }
    }
    Some(rest)
}

/// Unescapes a value up to its closing quote (RFC 5424 6.3.3); returns what follows.
fn param_value<'t>(text: &'t str, value: &mut String) -> Option<&'t str> {
    value.clear();
    let mut from = 0;
    let bytes = text.as_bytes();
    loop {
        let at = from + memchr::memchr2(b'"', b'\\', &bytes[from..])?;
        value.push_str(&text[from..at]);
        if bytes[at] == b'"' {
            return Some(&text[at + 1..]);
        }
        let escaped = *bytes.get(at + 1)?;
        let is_escape = matches!(escaped, b'"' | b'\\' | b']');
        value.push(if is_escape { char::from(escaped) } else { '\\' });
        from = at + 1 + usize::from(is_escape);
    }
}

// --- RFC 3164 --------------------------------------------------------------------------------

#[derive(Clone, Copy, PartialEq, Eq)]
enum Tag {
    Required,
    Optional,
}

/// Reads time, host and tag. Without a priority in front the tag must be there, or any text that
/// starts with a time would count.
fn bsd(draft: &mut Draft<'_>, text: &str, tag: Tag) -> bool {
    let Some((read, rest)) = stamp(text, draft.observed()) else {
        return tag == Tag::Optional && tag_only(draft, text);
    };
    if let Some((host, program, pid, message)) = host_and_tag(rest) {
        draft.header_time(read);
        put_names(draft, host, program, pid);
        inner(draft, message, Some(program));
        return true;
    }
    if tag == Tag::Required {
        return false;
    }
    draft.header_time(read);
    // `logger` without a host name writes the tag first.
    if tag_only(draft, rest) {
        return true;
    }
    let (host, message) = rest.split_once(' ').unwrap_or((rest, ""));
    put_names(draft, host, "", "");
    inner(draft, message, None);
    true
}

/// `tag[pid]: message` without a host.
fn tag_only(draft: &mut Draft<'_>, text: &str) -> bool {
    let Some((program, pid, message)) = split_tag(text) else {
        return false;
    };
    put_names(draft, "", program, pid);
    inner(draft, message, Some(program));
    true
}

fn stamp(text: &str, observed: i64) -> Option<(time::Time, &str)> {
    let bytes = text.as_bytes();
    let (read, used) = match bytes.first()? {
        b'0'..=b'9' if bytes.get(4) == Some(&b'-') && bytes.get(10) == Some(&b'T') => {
            time::prefix(text, observed)?
        }
        b'A'..=b'Z' => time::month_day(bytes, observed)?,
        _ => return None,
    };
    let rest = text[used..].strip_prefix(':').unwrap_or(&text[used..]);
    Some((read, rest.strip_prefix(' ')?.trim_start()))
}

/// Host, program, process id and message of `host tag[pid]: message`.
fn host_and_tag(rest: &str) -> Option<(&str, &str, &str, &str)> {
    let (host, rest) = rest.split_once(' ')?;
    let is_host = (1..=HOST_BYTES_MAX).contains(&host.len())
        && host
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b".-_:%".contains(&b))
        && !host.ends_with(':');
    let (program, pid, message) = split_tag(rest).filter(|_| is_host)?;
    Some((host, program, pid, message))
}

/// `tag[pid]: message`, `tag: message`, `tag(note)[pid]: message`.
fn split_tag(text: &str) -> Option<(&str, &str, &str)> {
    let window = crate::decode::prefix(text, TAG_BYTES_MAX);
    let colon = window.find(':')?;
    let (tag, message) = (&text[..colon], &text[colon + 1..]);
    if !message.is_empty() && !message.starts_with(' ') {
        return None;
    }
    let (name, pid) = match tag.strip_suffix(']') {
        Some(open) => open.rsplit_once('[')?,
        None => (tag, ""),
    };
    let name = name.split_once('(').map_or(name, |(name, _)| name);
    let is_name = !name.is_empty()
        && name
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"./_-@".contains(&b));
    is_name.then(|| (name, pid, message.strip_prefix(' ').unwrap_or(message)))
}

/// Reads the content behind a header; relays wrap one syslog message in another.
fn inner(draft: &mut Draft<'_>, message: &str, program: Option<&str>) {
    let message = message.trim();
    let is_wrapped = program.is_none_or(|program| program == "-");
    if is_wrapped
        && draft.enter_wrapped()
        && is_header(message)
        && bsd(draft, message, Tag::Required)
    {
        return;
    }
    content::body(draft, message, program.filter(|program| *program != "-"));
}
