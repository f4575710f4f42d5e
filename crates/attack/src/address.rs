//! Addresses that only the server can reach: the authority of each URL in a value is parsed as a
//! resolver reads it, with numbers in decimal, octal and hexadecimal and short forms.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::text::{self, Text};
use crate::{Class, Hits, limits};

/// Schemes of URLs whose host is looked at.
const SCHEMES: [&str; 7] = ["http", "https", "ftp", "sftp", "tftp", "ws", "wss"];
/// Schemes that no parameter of a web application has a use for.
const ODD_SCHEMES: [&str; 8] = [
    "gopher", "dict", "netdoc", "ldap", "ldaps", "jar", "smb", "rmi",
];
/// Names of services that tell a machine its secrets.
const METADATA_NAMES: [&str; 5] = [
    "metadata.google.internal",
    "metadata.goog",
    "instance-data",
    "metadata.azure.internal",
    "rancher-metadata",
];
/// Names that resolve to whatever address stands in them.
const ECHO_NAMES: [&str; 6] = [
    ".nip.io",
    ".xip.io",
    ".sslip.io",
    ".localtest.me",
    ".lvh.me",
    ".1u.ms",
];
/// Names whose owner watches who asks.
const TRAP_NAMES: [&str; 9] = [
    ".burpcollaborator.net",
    ".oastify.com",
    ".oast.pro",
    ".oast.live",
    ".oast.site",
    ".oast.fun",
    ".oast.me",
    ".interact.sh",
    ".dnslog.cn",
];
/// Parameters that native applications fill with their own loopback address (RFC 8252).
const RETURN_NAMES: [&str; 10] = [
    "redirect",
    "return",
    "next",
    "callback",
    "continue",
    "goto",
    "origin",
    "referer",
    "back",
    "post_logout",
];

/// Looks for such addresses in `text`, the value of the parameter `name`.
pub(crate) fn look(text: &Text<'_>, name: &str, hits: &mut Hits) {
    if !text.has(text::SLASH | text::BACKSLASH) || text.is_prose() {
        return;
    }
    let mut add = |construct, confidence: u8| hits.add(Class::Ssrf, construct, confidence);
    let low = text.low;
    for at in text::find_all(low, "://").take(limits::URLS_MAX) {
        let start = low[..at]
            .iter()
            .rposition(|byte| !byte.is_ascii_alphanumeric())
            .map_or(0, |before| before + 1);
        let scheme = std::str::from_utf8(&low[start..at]).unwrap_or_default();
        // A URL in the middle of a text is a link that somebody wrote.
        let leads = text::trim(&low[..start]).is_empty()
            || low[..start].ends_with(b"url:")
            || low[..start].ends_with(b"jar:");
        if ODD_SCHEMES.contains(&scheme) && leads {
            add(
                "odd-scheme",
                if scheme.starts_with("ldap") { 76 } else { 90 },
            );
        } else if SCHEMES.contains(&scheme) || scheme.is_empty() {
            authority(&low[at + 3..], name, leads, &mut add);
        }
    }
    let bare = text::trim(low);
    if let Some(rest) = bare
        .strip_prefix(b"//")
        .or_else(|| bare.strip_prefix(b"\\\\"))
    {
        authority(rest, name, true, &mut add);
    }
    for odd in ["gopher:", "dict:", "netdoc:"] {
        if bare.starts_with(odd.as_bytes()) {
            add("odd-scheme", 88);
        }
    }
}

/// `user@host:port/..`
fn authority(rest: &[u8], name: &str, leads: bool, add: &mut impl FnMut(&'static str, u8)) {
    let end = rest.iter().position(|byte| {
        matches!(
            byte,
            b'/' | b'?' | b'#' | b'\\' | b'"' | b'\'' | b'<' | b'>' | b')'
        ) || *byte <= b' '
    });
    let authority = &rest[..end.unwrap_or(rest.len())];
    let (user, host) = match authority.iter().rposition(|byte| *byte == b'@') {
        Some(at) => (&authority[..at], &authority[at + 1..]),
        None => (&authority[..0], authority),
    };
    let host = match host.first() {
        Some(b'[') => host.split(|byte| *byte == b']').next().unwrap_or(host),
        _ => host.split(|byte| *byte == b':').next().unwrap_or(host),
    };
    let host = String::from_utf8_lossy(host);
    let host = host.trim_start_matches('[').trim_end_matches('.');
    let drop = if leads { 0 } else { 12 };
    if let Some((construct, sure)) = host_of(host, name) {
        add(construct, sure - drop);
    }
    if !user.is_empty() && user.contains(&b'.') && leads {
        add("misleading-user", 74);
    }
}

/// What kind of host it is, if not one for everybody.
fn host_of(host: &str, name: &str) -> Option<(&'static str, u8)> {
    let returns = RETURN_NAMES.iter().any(|known| {
        let name = name.as_bytes();
        name.len() >= known.len()
            && name
                .windows(known.len())
                .any(|part| part.eq_ignore_ascii_case(known.as_bytes()))
    });
    if METADATA_NAMES.contains(&host) {
        return Some(("metadata-service", 96));
    }
    if TRAP_NAMES.iter().any(|name| host.ends_with(name)) {
        return Some(("out-of-band-host", 88));
    }
    if ECHO_NAMES.iter().any(|name| host.ends_with(name)) {
        return Some(("address-in-name", 80));
    }
    if host == "localhost"
        || host.ends_with(".localhost")
        || host == "localhost.localdomain"
        || host == "ip6-localhost"
    {
        return Some(("loopback-address", if returns { 55 } else { 84 }));
    }
    let mut labels = host.rsplit('.');
    if labels.next() == Some("svc")
        || host.ends_with(".svc.cluster.local")
        || host == "kubernetes.default"
    {
        return Some(("cluster-address", 84));
    }
    let (address, plain) = parse(host)?;
    let known = kind(address);
    match (known, plain) {
        (Some((construct, _)), false) => Some((construct, 97)),
        (Some(("loopback-address", _)), true) if returns => Some(("loopback-address", 55)),
        (Some(known), true) => Some(known),
        (None, false) => Some(("disguised-address", 82)),
        (None, true) => None,
    }
}

/// The address that `host` spells, and whether it is spelled as everybody does.
fn parse(host: &str) -> Option<(IpAddr, bool)> {
    if let Ok(address) = host.parse::<IpAddr>() {
        return Some((
            address.to_canonical(),
            !matches!(address, IpAddr::V6(v6) if v6.to_ipv4_mapped().is_some()),
        ));
    }
    if let Some((address, _)) = host.split_once('%')
        && let Ok(address) = address.parse::<IpAddr>()
    {
        return Some((address, true));
    }
    // What `inet_aton` takes: one to four numbers, the last filling the rest.
    let parts: Vec<&str> = host.split('.').collect();
    if parts.len() > 4 {
        return None;
    }
    let numbers: Vec<u64> = parts
        .iter()
        .map(|part| number(part))
        .collect::<Option<_>>()?;
    let (last, first) = numbers.split_last()?;
    let rest = u32::try_from(4 - first.len()).ok()?;
    if first.iter().any(|part| *part > 255) || *last >= 1_u64 << (8 * rest) {
        return None;
    }
    let head = first
        .iter()
        .fold(0_u64, |address, part| address << 8 | part);
    let address = u32::try_from(head << (8 * rest) | last).ok()?;
    // A short decimal number is more often a number than an address.
    (parts.len() > 1 || *last > 0x00ff_ffff || *last == 0 || host.starts_with("0x"))
        .then_some((IpAddr::V4(Ipv4Addr::from_bits(address)), false))
}

fn number(part: &str) -> Option<u64> {
    if let Some(hex) = part.strip_prefix("0x") {
        return u64::from_str_radix(hex, 16).ok();
    }
    if part.len() > 1 && part.starts_with('0') {
        return u64::from_str_radix(part, 8).ok();
    }
    part.parse().ok()
}

/// What only the server can reach at `address`, and how sure a plain spelling of it is an attack.
fn kind(address: IpAddr) -> Option<(&'static str, u8)> {
    match address {
        IpAddr::V4(address) => match address.octets() {
            [169, 254, 169, 254] | [100, 100, 100, 200] | [169, 254, 170, 2] | [192, 0, 0, 192] => {
                Some(("metadata-service", 97))
            }
            [127 | 0, ..] => Some(("loopback-address", 86)),
            [169, 254, ..] => Some(("link-local-address", 84)),
            [10, ..] | [192, 168, ..] | [172, 16..=31, ..] | [100, 64..=127, ..] => {
                Some(("private-address", 60))
            }
            _ => None,
        },
        IpAddr::V6(address) => {
            const EC2: Ipv6Addr = Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254);
            if address == EC2 {
                return Some(("metadata-service", 97));
            }
            if address.is_loopback() || address.is_unspecified() {
                return Some(("loopback-address", 90));
            }
            match address.segments()[0] {
                0xfe80..=0xfebf => Some(("link-local-address", 80)),
                0xfc00..=0xfdff => Some(("private-address", 72)),
                _ => None,
            }
        }
    }
}
