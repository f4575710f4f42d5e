//! The real client behind trusted proxies.
//!
//! A request may carry `X-Forwarded-For`, `Forwarded` (RFC 7239) or `X-Real-IP`. Whoever sends the
//! request can write there what they like; only what a trusted proxy added is true. So the list is
//! walked from the right, from the address that the application saw: as long as that is a trusted
//! proxy, the one before it is believed. The first that is not trusted is the client.
//!
//! `source.ip` changes only that way, and then `labels.proxy_ip` says through whom. The leftmost
//! address, which anybody may have written, is kept as `client.claimed_ip`.

use std::net::IpAddr;

use event::{Event, Value, field};
use ipnet::IpNet;

use crate::limits;

/// Names under which records keep the headers; compared without case, `-`, `_` and what stands
/// before the last dot.
const LISTS: [&str; 3] = ["xforwardedfor", "forwardedfor", "forwardedip"];
const FORWARDED: &str = "forwarded";
const SINGLE: [&str; 2] = ["xrealip", "realip"];

/// Networks whose forwarding headers are believed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TrustedProxies {
    networks: Vec<IpNet>,
}

impl TrustedProxies {
    /// The networks `10.0.0.0/8`, `2001:db8::1`; or the first text that is none.
    pub fn parse<S: AsRef<str>>(texts: &[S]) -> Result<Self, String> {
        let mut networks = Vec::new();
        for text in texts.iter().take(limits::PROXIES_MAX) {
            let text = text.as_ref().trim();
            let network = text
                .parse::<IpNet>()
                .or_else(|_| text.parse::<IpAddr>().map(IpNet::from));
            networks.push(network.map_err(|_| text.to_owned())?);
        }
        Ok(Self { networks })
    }

    fn trusts(&self, address: IpAddr) -> bool {
        self.networks
            .iter()
            .any(|network| network.contains(&address))
    }

    pub(crate) fn apply(&self, event: &mut Event) {
        let hops = hops(event);
        let Some(claimed) = hops.first().copied() else {
            return;
        };
        if !event.has_room() {
            return;
        }
        let text = claimed.to_string();
        event.set(field::CLIENT_CLAIMED_IP, Value::Str(&text));
        let seen = event.text(field::SOURCE_IP).and_then(address);
        // A record that names no client came through whoever sent the record.
        let peer = seen.or_else(|| event.text(field::LOG_SOURCE_ADDRESS).and_then(address));
        let Some(peer) = peer.filter(|peer| self.trusts(*peer)) else {
            return;
        };
        let mut client = peer;
        for hop in hops.iter().rev() {
            if !self.trusts(client) {
                break;
            }
            client = *hop;
        }
        if client != peer && event.has_room() {
            let text = client.to_string();
            event.set(field::SOURCE_IP, Value::Str(&text));
            let text = peer.to_string();
            event.set(field::LABELS_PROXY_IP, Value::Str(&text));
        }
    }
}

/// The addresses of the forwarding header of an event, as written: the claimed client first. The
/// nearest [`limits::HOPS_MAX`] count, and a text that is no address ends the walk there.
fn hops(event: &Event) -> Vec<IpAddr> {
    let mut best: Option<(u8, Vec<IpAddr>)> = None;
    for found in event.fields() {
        let Value::Str(text) = found.value else {
            continue;
        };
        let Some(rank) = rank(found.name) else {
            continue;
        };
        if best.as_ref().is_some_and(|(known, _)| *known <= rank) && !found.in_list {
            continue;
        }
        let mut hops: Vec<IpAddr> = text
            .rsplit(',')
            .take(limits::HOPS_MAX)
            .map_while(|part| address(if rank == 1 { forwarded(part)? } else { part }))
            .collect();
        hops.reverse();
        match &mut best {
            // A list of values is one header, item by item.
            Some((known, so_far)) if found.in_list && *known == rank => {
                so_far.extend(hops);
                let over = so_far.len().saturating_sub(limits::HOPS_MAX);
                so_far.drain(..over);
            }
            Some((known, _)) if *known <= rank => {}
            _ if hops.is_empty() => {}
            _ => best = Some((rank, hops)),
        }
    }
    best.map_or_else(Vec::new, |(_, hops)| hops)
}

/// How good a source a field of this name is, the best first.
fn rank(name: &str) -> Option<u8> {
    // All names end so; a look at the last letter spares the rest.
    if !matches!(
        name.as_bytes().last()?,
        b'r' | b'R' | b'd' | b'D' | b'p' | b'P'
    ) || name == "source.ip"
    {
        return None;
    }
    let last = name.rsplit('.').next().unwrap_or(name);
    let mut squeezed = [0; 16];
    let mut len = 0;
    for byte in last.bytes().filter(|byte| !matches!(byte, b'-' | b'_')) {
        *squeezed.get_mut(len)? = byte.to_ascii_lowercase();
        len += 1;
    }
    let name = std::str::from_utf8(&squeezed[..len]).ok()?;
    if LISTS.contains(&name) {
        return Some(0);
    }
    if name == FORWARDED {
        return Some(1);
    }
    SINGLE.contains(&name).then_some(2)
}

/// The address in `for=192.0.2.60;proto=http`.
fn forwarded(element: &str) -> Option<&str> {
    let pair = element.split(';').find_map(|pair| {
        let (name, value) = pair.split_once('=')?;
        name.trim().eq_ignore_ascii_case("for").then_some(value)
    })?;
    Some(pair.trim().trim_matches('"'))
}

/// An address with or without port and brackets.
fn address(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    if let Ok(address) = text.parse::<IpAddr>() {
        return Some(address.to_canonical());
    }
    let host = match text.strip_prefix('[') {
        Some(rest) => rest.split(']').next()?,
        None => text.rsplit_once(':')?.0,
    };
    host.parse::<IpAddr>()
        .ok()
        .map(|address| address.to_canonical())
}
