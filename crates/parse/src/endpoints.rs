//! Addresses in sentences of firewalls, proxies and mail servers that know no names for them.
//!
//! Read are shapes that say which end is whose: an arrow from source to destination, a bracket
//! that names the client, a host with its address behind `from`, and the threat lines of PAN-OS.

use event::field;

use crate::draft::Draft;
use crate::field_type;

/// Bytes of a sentence that are looked at.
const SENTENCE_BYTES_MAX: usize = 1024;

/// Puts source and destination when the record has no source yet.
pub(crate) fn derive(draft: &mut Draft<'_>, text: &str) {
    if draft.has(field::SOURCE_IP) {
        return;
    }
    let text = crate::decode::prefix(text, SENTENCE_BYTES_MAX);
    if !(threat_line(draft, text) || arrow(draft, text) || client(draft, text)) {
        mail_peer(draft, text);
    }
}

/// `36.97.161.219:59388->80.82.202.145:23`
fn arrow(draft: &mut Draft<'_>, text: &str) -> bool {
    let Some((before, after)) = text.split_once("->") else {
        return false;
    };
    let is_border = |c: char| c.is_ascii_whitespace() || ",;()".contains(c);
    let source = before.rsplit(is_border).next().unwrap_or("");
    let destination = after.split(is_border).next().unwrap_or("");
    if field_type::endpoint(source).is_none() {
        return false;
    }
    let Some((address, port)) = field_type::endpoint(destination) else {
        return false;
    };
    draft.put_source(source);
    draft.put_str(field::DESTINATION_IP, &address);
    if let Some(port) = port {
        draft.put_int(field::DESTINATION_PORT, &port.to_string());
    }
    true
}

/// `[client: 192.0.2.1]`, `[client 192.0.2.1]`
fn client(draft: &mut Draft<'_>, text: &str) -> bool {
    let Some((_, rest)) = text.split_once("[client") else {
        return false;
    };
    let inside = rest.split(']').next().unwrap_or("");
    put(draft, inside.trim_start_matches([':', ' ']))
}

/// `RCPT from unknown[192.0.2.1]: 454 ...`
fn mail_peer(draft: &mut Draft<'_>, text: &str) -> bool {
    let Some((_, rest)) = text.split_once(" from ") else {
        return false;
    };
    let host = rest.split_ascii_whitespace().next().unwrap_or("");
    let Some((_, inside)) = host.split_once('[') else {
        return false;
    };
    put(draft, inside.split(']').next().unwrap_or(""))
}

/// `1,2023/07/06 08:11:40,SERIAL,THREAT,vulnerability,2561,TIME,SOURCE,DESTINATION,...`
fn threat_line(draft: &mut Draft<'_>, text: &str) -> bool {
    let mut cells = text.split(',').skip(3);
    if cells.next() != Some("THREAT") {
        return false;
    }
    let Some(source) = cells.nth(3) else {
        return false;
    };
    if !put(draft, source) {
        return false;
    }
    if let Some(destination) = cells
        .next()
        .filter(|text| field_type::endpoint(text).is_some())
    {
        draft.put_str(field::DESTINATION_IP, destination);
    }
    draft.put_str(field::EVENT_MODULE, "panos");
    draft.put_str(field::EVENT_DATASET, "panos.threat");
    true
}

fn put(draft: &mut Draft<'_>, text: &str) -> bool {
    let is_address = field_type::endpoint(text).is_some();
    if is_address {
        draft.put_source(text);
    }
    is_address
}
