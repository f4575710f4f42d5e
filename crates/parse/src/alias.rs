//! Names that loggers use in place of ECS names, as one table.
//!
//! A name is folded before the look-up: ASCII lower case without `_` and `-`, so `sourceIp`,
//! `source_ip` and `SOURCE-IP` are one row. Dots stay: `http.method` is another name than
//! `httpmethod`.

use std::sync::LazyLock;

use event::field::{self, FieldId};

/// What a foreign name means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Meaning {
    /// The value of an ECS field, when it fits the field's type.
    Field(FieldId),
    /// The event's own time.
    Time,
    /// A name of the OWASP vocabulary with parameters, a plain event name, or a sentence.
    EventName,
    /// A severity word or one of the numbers of the pino and bunyan loggers.
    Level,
    /// An HTTP status code or a word for the outcome.
    Status,
    /// A word for the outcome.
    Outcome,
    /// A truth value for the outcome.
    Success,
    /// An HTTP request method; other words stay under their own name.
    Method,
    /// A URL path, or path and query.
    Path,
    /// A request line, `GET /path HTTP/1.1`.
    RequestLine,
}

/// One foreign name.
#[derive(Debug)]
pub(crate) struct Alias {
    folded: &'static str,
    pub(crate) meaning: Meaning,
    /// Who wins when several aliases of one field come in one record: the lowest.
    pub(crate) rank: u8,
}

const fn to(folded: &'static str, field: FieldId, rank: u8) -> Alias {
    Alias {
        folded,
        meaning: Meaning::Field(field),
        rank,
    }
}

const fn as_a(folded: &'static str, meaning: Meaning, rank: u8) -> Alias {
    Alias {
        folded,
        meaning,
        rank,
    }
}

#[rustfmt::skip]
const ALIASES: &[Alias] = &[
    // Time.
    as_a("datetime", Meaning::Time, 1), as_a("timestamp", Meaning::Time, 1),
    as_a("ts", Meaning::Time, 2), as_a("time", Meaning::Time, 2),
    as_a("eventtime", Meaning::Time, 2), as_a("t.$date", Meaning::Time, 2),
    as_a("date", Meaning::Time, 4), as_a("createdat", Meaning::Time, 5),
    as_a("t", Meaning::Time, 5), as_a("timeiso8601", Meaning::Time, 3),
    // What happened.
    as_a("event", Meaning::EventName, 1), as_a("eventname", Meaning::EventName, 2),
    as_a("event.name", Meaning::EventName, 2), as_a("action", Meaning::EventName, 3),
    as_a("eventtype", Meaning::EventName, 4), as_a("securityevent", Meaning::EventName, 2),
    as_a("level", Meaning::Level, 1), as_a("loglevel", Meaning::Level, 1),
    as_a("lvl", Meaning::Level, 2), as_a("levelname", Meaning::Level, 1),
    as_a("severity", Meaning::Level, 3), as_a("severitytext", Meaning::Level, 3),
    as_a("status", Meaning::Status, 3), as_a("outcome", Meaning::Outcome, 1),
    as_a("result", Meaning::Outcome, 2), as_a("success", Meaning::Success, 2),
    to("description", field::MESSAGE, 2), to("msg", field::MESSAGE, 1),
    to("text", field::MESSAGE, 4), to("eventmessage", field::MESSAGE, 3),
    to("logmessage", field::MESSAGE, 3),
    to("reason", field::EVENT_REASON, 1), to("eventid", field::EVENT_ID, 1),
    to("logger", field::LOG_LOGGER, 1), to("loggername", field::LOG_LOGGER, 1),
    to("error", field::ERROR_MESSAGE, 2), to("err", field::ERROR_MESSAGE, 3),
    to("errormessage", field::ERROR_MESSAGE, 1), to("errorcode", field::ERROR_CODE, 1),
    to("errortype", field::ERROR_TYPE, 1), to("stack", field::ERROR_STACK_TRACE, 2),
    to("stacktrace", field::ERROR_STACK_TRACE, 1), to("exception", field::ERROR_STACK_TRACE, 3),
    // Who.
    to("username", field::USER_NAME, 1), to("user", field::USER_NAME, 2),
    to("login", field::USER_NAME, 4), to("account", field::USER_NAME, 5),
    to("accountname", field::USER_NAME, 4), to("uname", field::USER_NAME, 4),
    to("usr", field::USER_NAME, 4), to("user.username", field::USER_NAME, 1),
    to("user.login", field::USER_NAME, 2), to("useridentity.username", field::USER_NAME, 2),
    to("acct", field::USER_NAME, 4), to("userlogin", field::USER_NAME, 3),
    to("userid", field::USER_ID, 1), to("user.userid", field::USER_ID, 1),
    to("enduser.id", field::USER_ID, 2), to("email", field::USER_EMAIL, 2),
    to("useremail", field::USER_EMAIL, 1), to("role", field::USER_ROLES, 2),
    to("roles", field::USER_ROLES, 1), to("userrole", field::USER_ROLES, 1),
    to("userroles", field::USER_ROLES, 1),
    to("onuserid", field::USER_TARGET_ID, 1), to("targetuserid", field::USER_TARGET_ID, 1),
    to("targetuser", field::USER_TARGET_NAME, 1), to("targetusername", field::USER_TARGET_NAME, 1),
    to("newuser", field::USER_TARGET_NAME, 2), to("newusername", field::USER_TARGET_NAME, 2),
    to("sessionid", field::SESSION_ID, 1), to("session", field::SESSION_ID, 2),
    // From where.
    to("sourceip", field::SOURCE_IP, 1), to("srcip", field::SOURCE_IP, 1),
    to("clientip", field::SOURCE_IP, 2), to("remoteip", field::SOURCE_IP, 2),
    to("remoteaddr", field::SOURCE_IP, 2), to("remoteaddress", field::SOURCE_IP, 2),
    to("sourceipaddress", field::SOURCE_IP, 1), to("sourceaddress", field::SOURCE_IP, 2),
    to("clientaddress", field::SOURCE_IP, 2), to("clientaddr", field::SOURCE_IP, 2),
    to("ip", field::SOURCE_IP, 3), to("ipaddress", field::SOURCE_IP, 3),
    to("ipaddr", field::SOURCE_IP, 3), to("userip", field::SOURCE_IP, 3),
    to("rhost", field::SOURCE_IP, 3), to("src", field::SOURCE_IP, 4),
    to("remotehost", field::SOURCE_IP, 4), to("remote", field::SOURCE_IP, 5),
    to("rip", field::SOURCE_IP, 5), to("addr", field::SOURCE_IP, 6),
    to("visitorip", field::SOURCE_IP, 4), to("attr.remote", field::SOURCE_IP, 5),
    to("addr.remote", field::SOURCE_IP, 5), to("eventdata.sourceip", field::SOURCE_IP, 4),
    to("net.peer.ip", field::SOURCE_IP, 4), to("req.remoteaddress", field::SOURCE_IP, 3),
    to("downstreamremoteaddress", field::SOURCE_IP, 5),
    to("sourceport", field::SOURCE_PORT, 1), to("srcport", field::SOURCE_PORT, 1),
    to("remoteport", field::SOURCE_PORT, 2), to("clientport", field::SOURCE_PORT, 2),
    to("req.remoteport", field::SOURCE_PORT, 3), to("spt", field::SOURCE_PORT, 4),
    // To where.
    to("hostip", field::HOST_IP, 1), to("hostname", field::HOST_NAME, 1),
    to("host", field::HOST_NAME, 2), to("port", field::SERVER_PORT, 2),
    to("serverport", field::SERVER_PORT, 1), to("serverip", field::SERVER_IP, 1),
    to("dstip", field::DESTINATION_IP, 1), to("destip", field::DESTINATION_IP, 1),
    to("destinationip", field::DESTINATION_IP, 1), to("dstport", field::DESTINATION_PORT, 1),
    to("destinationport", field::DESTINATION_PORT, 1),
    to("protocol", field::NETWORK_PROTOCOL, 1),
    // Request and answer.
    as_a("method", Meaning::Method, 2), as_a("requestmethod", Meaning::Method, 1),
    as_a("httpmethod", Meaning::Method, 1), as_a("http.method", Meaning::Method, 1),
    as_a("request.method", Meaning::Method, 1), as_a("req.method", Meaning::Method, 1),
    as_a("verb", Meaning::Method, 3),
    as_a("path", Meaning::Path, 2), as_a("requestpath", Meaning::Path, 1),
    as_a("httppath", Meaning::Path, 1), as_a("urlpath", Meaning::Path, 1),
    as_a("request.path", Meaning::Path, 1), as_a("http.path", Meaning::Path, 1),
    as_a("request", Meaning::RequestLine, 3), as_a("requestline", Meaning::RequestLine, 2),
    to("requesturi", field::URL_ORIGINAL, 1), to("uri", field::URL_ORIGINAL, 2),
    to("url", field::URL_ORIGINAL, 2), to("requesturl", field::URL_ORIGINAL, 1),
    to("http.url", field::URL_ORIGINAL, 2), to("http.target", field::URL_ORIGINAL, 1),
    to("request.uri", field::URL_ORIGINAL, 1), to("request.url", field::URL_ORIGINAL, 1),
    to("req.url", field::URL_ORIGINAL, 1), to("endpoint", field::URL_ORIGINAL, 4),
    to("query", field::URL_QUERY, 2), to("querystring", field::URL_QUERY, 1),
    to("route", field::LABELS_ROUTE, 1), to("http.route", field::LABELS_ROUTE, 1),
    to("statuscode", field::HTTP_RESPONSE_STATUS_CODE, 1),
    to("httpstatus", field::HTTP_RESPONSE_STATUS_CODE, 1),
    to("httpstatuscode", field::HTTP_RESPONSE_STATUS_CODE, 1),
    to("responsecode", field::HTTP_RESPONSE_STATUS_CODE, 1),
    to("responsestatus", field::HTTP_RESPONSE_STATUS_CODE, 1),
    to("http.statuscode", field::HTTP_RESPONSE_STATUS_CODE, 1),
    to("res.statuscode", field::HTTP_RESPONSE_STATUS_CODE, 1),
    to("response.status", field::HTTP_RESPONSE_STATUS_CODE, 1),
    to("response.statuscode", field::HTTP_RESPONSE_STATUS_CODE, 1),
    to("bytessent", field::HTTP_RESPONSE_BODY_BYTES, 2),
    to("bodybytessent", field::HTTP_RESPONSE_BODY_BYTES, 1),
    to("responsesize", field::HTTP_RESPONSE_BODY_BYTES, 1),
    to("responsebytes", field::HTTP_RESPONSE_BODY_BYTES, 1),
    to("referer", field::HTTP_REQUEST_REFERRER, 1),
    to("referrer", field::HTTP_REQUEST_REFERRER, 1),
    to("httpreferer", field::HTTP_REQUEST_REFERRER, 1),
    to("requestid", field::HTTP_REQUEST_ID, 1), to("reqid", field::HTTP_REQUEST_ID, 2),
    to("useragent", field::USER_AGENT_ORIGINAL, 1), to("ua", field::USER_AGENT_ORIGINAL, 3),
    to("httpuseragent", field::USER_AGENT_ORIGINAL, 1),
    to("agent", field::USER_AGENT_ORIGINAL, 4), to("http.useragent", field::USER_AGENT_ORIGINAL, 1),
    to("req.headers.useragent", field::USER_AGENT_ORIGINAL, 2),
    to("traceid", field::TRACE_ID, 1), to("spanid", field::SPAN_ID, 1),
    // Which service.
    to("appid", field::SERVICE_NAME, 1), to("service", field::SERVICE_NAME, 2),
    to("servicename", field::SERVICE_NAME, 1), to("app", field::SERVICE_NAME, 3),
    to("application", field::SERVICE_NAME, 3), to("appname", field::SERVICE_NAME, 2),
    to("environment", field::SERVICE_ENVIRONMENT, 1), to("env", field::SERVICE_ENVIRONMENT, 2),
    to("pid", field::PROCESS_PID, 1), to("comm", field::PROCESS_NAME, 3),
    to("exe", field::PROCESS_EXECUTABLE, 3),
    // Money.
    to("amount", field::TXN_AMOUNT, 1), to("currency", field::TXN_CURRENCY, 1),
    to("transactionid", field::TXN_ID, 1), to("txnid", field::TXN_ID, 1),
    to("payer", field::TXN_PAYER, 1), to("payee", field::TXN_PAYEE, 1),
    to("oldbalance", field::TXN_BALANCE_BEFORE, 1),
    to("balancebefore", field::TXN_BALANCE_BEFORE, 1),
    to("newbalance", field::TXN_BALANCE_AFTER, 1), to("balanceafter", field::TXN_BALANCE_AFTER, 1),
];

/// Bytes of the longest folded name.
const FOLDED_BYTES_MAX: usize = 24;
const SLOTS: usize = 1024;
const _: () = assert!(ALIASES.len() * 2 < SLOTS);

/// The row of `name`, if it is an alias.
pub(crate) fn of(name: &str) -> Option<&'static Alias> {
    static TABLE: LazyLock<Vec<Option<&'static Alias>>> = LazyLock::new(|| {
        let mut table: Vec<Option<&'static Alias>> = vec![None; SLOTS];
        for alias in ALIASES {
            let mut at = slot(alias.folded.as_bytes());
            while table[at].is_some() {
                at = (at + 1) % SLOTS;
            }
            table[at] = Some(alias);
        }
        table
    });
    let mut buffer = [0; FOLDED_BYTES_MAX];
    let folded = fold(name, &mut buffer)?;
    let mut at = slot(folded);
    while let Some(alias) = TABLE[at] {
        if alias.folded.as_bytes() == folded {
            return Some(alias);
        }
        at = (at + 1) % SLOTS;
    }
    None
}

fn fold<'b>(name: &str, buffer: &'b mut [u8; FOLDED_BYTES_MAX]) -> Option<&'b [u8]> {
    let mut len = 0;
    for byte in name.bytes() {
        if matches!(byte, b'_' | b'-') {
            continue;
        }
        *buffer.get_mut(len)? = byte.to_ascii_lowercase();
        len += 1;
    }
    Some(&buffer[..len])
}

/// FNV-1a, folded to the table size.
fn slot(folded: &[u8]) -> usize {
    let hash = folded.iter().fold(0x811c_9dc5_u32, |hash, byte| {
        (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193)
    });
    ((hash ^ (hash >> 15)) as usize) % SLOTS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_found_once_and_hides_no_known_field() {
        for alias in ALIASES {
            let found = of(alias.folded).map(|found| found.folded);
            assert_eq!(found, Some(alias.folded));
            let rows = ALIASES.iter().filter(|other| other.folded == alias.folded);
            assert_eq!(rows.count(), 1, "{}", alias.folded);
        }
        for name in field::NAMES {
            assert!(of(name).is_none(), "{name}");
        }
        for spelling in ["sourceIp", "source_ip", "SOURCE-IP"] {
            assert_eq!(of(spelling).map(|a| a.folded), Some("sourceip"));
        }
        assert!(of("").is_none());
        assert!(of(&"x".repeat(99)).is_none());
    }
}
