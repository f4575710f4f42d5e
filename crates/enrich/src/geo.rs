//! Country, city and network operator of `source.ip`.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use event::{Event, field};

use crate::limits;
use crate::mmdb::{Database, OpenError, Value};

/// What a database answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DatabaseKind {
    /// Country and city.
    City,
    /// Number and name of the network operator.
    Asn,
}

/// The databases in use. Without any, nothing is added.
#[derive(Debug, Default)]
pub struct Databases {
    city: Option<Database>,
    asn: Option<Database>,
    /// Answers by address, IPv6 by /64. Cleared when it is full: a database is fast, the cache only
    /// saves the busiest addresses from being looked up again.
    cache: Mutex<HashMap<u128, Arc<Answer>>>,
}

/// What is known of one address.
#[derive(Debug, Default)]
struct Answer {
    country: Option<String>,
    city: Option<String>,
    number: Option<i64>,
    operator: Option<String>,
}

impl Databases {
    /// Opens `bytes` as the database of `kind` in place of the one before.
    pub fn open(&mut self, kind: DatabaseKind, bytes: Vec<u8>) -> Result<(), OpenError> {
        let database = Database::open(bytes)?;
        match kind {
            DatabaseKind::City => self.city = Some(database),
            DatabaseKind::Asn => self.asn = Some(database),
        }
        self.cache = Mutex::default();
        Ok(())
    }

    /// What the open databases call themselves.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.city.iter().chain(&self.asn).map(Database::kind)
    }

    pub(crate) fn apply(&self, event: &mut Event) {
        if self.city.is_none() && self.asn.is_none() {
            return;
        }
        let address = event
            .text(field::SOURCE_IP)
            .and_then(|ip| ip.parse::<IpAddr>().ok());
        let Some(address) = address.map(|address| address.to_canonical()) else {
            return;
        };
        if !is_public(address) {
            return;
        }
        let answer = self.answer(address);
        let texts = [
            (field::SOURCE_GEO_COUNTRY_ISO_CODE, &answer.country),
            (field::SOURCE_GEO_CITY_NAME, &answer.city),
            (field::SOURCE_AS_ORGANIZATION_NAME, &answer.operator),
        ];
        for (id, text) in texts {
            if let Some(text) = text.as_deref().filter(|_| event.has_room()) {
                event.set(id, event::Value::Str(text));
            }
        }
        if let Some(number) = answer.number.filter(|_| event.has_room()) {
            event.set(field::SOURCE_AS_NUMBER, event::Value::Int(number));
        }
    }

    fn answer(&self, address: IpAddr) -> Arc<Answer> {
        let key = match address {
            IpAddr::V4(address) => u128::from(address.to_bits()),
            IpAddr::V6(address) => address.to_bits() >> 64 << 64 | 1,
        };
        let mut cache = self.cache.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(answer) = cache.get(&key) {
            return Arc::clone(answer);
        }
        if cache.len() >= limits::CACHE_ENTRIES_MAX {
            cache.clear();
        }
        let answer = Arc::new(self.look_up(address));
        cache.insert(key, Arc::clone(&answer));
        answer
    }

    fn look_up(&self, address: IpAddr) -> Answer {
        let mut answer = Answer::default();
        if let Some((database, record)) = found(self.city.as_ref(), address) {
            let text = |path: &[&str]| text(database, record, path);
            answer.country = text(&["country", "iso_code"])
                .or_else(|| text(&["registered_country", "iso_code"]));
            answer.city = text(&["city", "names", "en"]);
        }
        if let Some((database, record)) = found(self.asn.as_ref(), address) {
            if let Some(Value::Number(number)) =
                database.value(record, &["autonomous_system_number"])
            {
                answer.number = i64::try_from(number).ok();
            }
            answer.operator = text(database, record, &["autonomous_system_organization"]);
        }
        answer
    }
}

fn found(database: Option<&Database>, address: IpAddr) -> Option<(&Database, usize)> {
    let database = database?;
    Some((database, database.look_up(address)?))
}

fn text(database: &Database, record: usize, path: &[&str]) -> Option<String> {
    match database.value(record, path)? {
        Value::Text(text) if !text.is_empty() => {
            Some(text[..text.floor_char_boundary(limits::NAME_BYTES_MAX)].to_owned())
        }
        _ => None,
    }
}

/// Whether an address may be in a database at all.
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => {
            !(v4.is_private() || v4.is_loopback() || v4.is_link_local() || v4.is_unspecified())
        }
        IpAddr::V6(v6) => {
            !(v6.is_loopback()
                || v6.is_unspecified()
                || v6.is_unique_local()
                || v6.is_unicast_link_local())
        }
    }
}
