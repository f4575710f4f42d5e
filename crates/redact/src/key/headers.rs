//! HTTP headers as fields: which are known to be harmless. Any other is masked, for nobody can list
//! the headers that services invent for their tokens.

/// Where senders keep headers; the name of the header follows.
const PLACES: [&str; 10] = [
    "http.request.headers.",
    "http.response.headers.",
    "http.request.header.",
    "http.response.header.",
    "http.headers.",
    "request.headers.",
    "response.headers.",
    "req.headers.",
    "res.headers.",
    "headers.",
];

/// Headers that say nothing secret, each between blanks. Their values are still scanned.
const PUBLIC: &str = "\
     \x20a-im accept accept-charset accept-encoding accept-language accept-patch accept-post \
     accept-ranges age allow alt-svc b3 cache-control cf-connecting-ip cf-ipcountry cf-ray \
     client-ip connection content-disposition content-encoding content-language \
     content-length content-location content-range content-security-policy \
     content-security-policy-report-only content-type correlation-id \
     cross-origin-embedder-policy cross-origin-opener-policy cross-origin-resource-policy \
     date device-memory dnt downlink dpr early-data ect etag expect expect-ct expires \
     fastly-client-ip forwarded from host http2-settings if-match if-modified-since \
     if-none-match if-range if-unmodified-since keep-alive last-modified link location \
     max-forwards nel origin permissions-policy pragma priority proxy-connection range \
     referer referrer referrer-policy refresh report-to request-id retry-after rtt save-data \
     server server-timing service-worker-allowed sourcemap strict-transport-security te \
     timing-allow-origin traceparent tracestate trailer transfer-encoding true-client-ip \
     upgrade upgrade-insecure-requests user-agent vary via viewport-width warning x-amz-cf-id \
     x-amz-date x-amz-request-id x-amzn-requestid x-amzn-trace-id x-b3-parentspanid \
     x-b3-sampled x-b3-spanid x-b3-traceid x-cache x-cache-hits x-client-ip \
     x-cloud-trace-context x-cluster-client-ip x-content-type-options x-correlation-id \
     x-dns-prefetch-control x-download-options x-envoy-expected-rq-timeout-ms x-forwarded \
     x-forwarded-by x-forwarded-for x-forwarded-host x-forwarded-port x-forwarded-prefix \
     x-forwarded-proto x-forwarded-server x-frame-options x-http-method-override \
     x-original-host x-permitted-cross-domain-policies x-powered-by x-ratelimit-limit \
     x-ratelimit-remaining x-ratelimit-reset x-real-ip x-request-id x-requested-with \
     x-response-time x-runtime x-scheme x-served-by x-timer x-trace-id x-transaction-id \
     x-ua-compatible x-xss-protection ";

/// Families of harmless headers.
const PUBLIC_PREFIXES: [&str; 3] = ["access-control-", "sec-ch-", "sec-fetch-"];

/// Whether the field `name` holds a header that is not known to be harmless.
pub(super) fn is_unknown(name: &[u8]) -> bool {
    let starts = |place: &&str| {
        let head = name.get(..place.len());
        head.is_some_and(|head| head.eq_ignore_ascii_case(place.as_bytes()))
    };
    let Some(place) = PLACES.iter().find(|place| starts(place)) else {
        return false;
    };
    let header: String = name[place.len()..]
        .iter()
        .map(|byte| match byte {
            b'_' => '-',
            byte => char::from(byte.to_ascii_lowercase()),
        })
        .collect();
    // Lists and maps of headers put a number or a `value` behind the name.
    let header = header.split('.').next().unwrap_or("");
    let known = PUBLIC.contains(&format!(" {header} "))
        || PUBLIC_PREFIXES
            .iter()
            .any(|prefix| header.starts_with(prefix));
    !known && !header.is_empty()
}
