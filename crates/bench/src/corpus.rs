//! Events as an application sends them, about 350 bytes each, the same on every run.

/// Events of one corpus.
pub(crate) const EVENTS: usize = 20_000;

/// A generator of numbers that look random (xorshift64*).
pub(crate) struct Numbers(u64);

impl Numbers {
    /// Starts at `seed`, which must not be 0.
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A number below `limit`.
    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 11) % limit
    }
}

/// JSON lines: half API calls, a quarter logins, the rest admin acts and money.
pub(crate) fn json_lines() -> Vec<String> {
    let mut numbers = Numbers::new(0x00be_1f4e);
    (0..EVENTS).map(|at| json_line(at, &mut numbers)).collect()
}

fn json_line(at: usize, numbers: &mut Numbers) -> String {
    let user = numbers.below(20_000);
    let (a, b) = (numbers.below(250), numbers.below(250));
    let order = numbers.below(1_000_000);
    let millis = at % 1000;
    let second = at / 1000 % 60;
    let head = format!(
        "{{\"@timestamp\":\"2026-11-21T10:00:{second:02}.{millis:03}Z\",\"service\":{{\"name\":\
         \"shop\",\"version\":\"4.2.1\"}},\"user\":{{\"name\":\"user{user}\",\"id\":\"{user}\"}},\
         \"source\":{{\"ip\":\"10.7.{a}.{b}\"}},"
    );
    let agent = "\"user_agent\":{\"original\":\"Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101\"}";
    match numbers.below(8) {
        0..4 => format!(
            "{head}\"event\":{{\"action\":\"api_access\",\"outcome\":\"success\"}},\"http\":{{\
             \"request\":{{\"method\":\"GET\"}},\"response\":{{\"status_code\":200}}}},\"url\":{{\
             \"original\":\"/orders/{order}?page=2\"}},{agent}}}"
        ),
        4..6 => format!(
            "{head}\"event\":{{\"action\":\"authn_login_success\",\"outcome\":\"success\"}},\
             \"http\":{{\"request\":{{\"method\":\"POST\"}}}},\"url\":{{\"original\":\"/login\"}},\
             \"labels\":{{\"route\":\"/login\",\"attempt\":1}},{agent}}}"
        ),
        6 => format!(
            "{head}\"event\":{{\"action\":\"user_updated\",\"outcome\":\"success\"}},\"labels\":{{\
             \"target_type\":\"profile\",\"target_id\":\"{order}\"}},\"message\":\"profile of \
             customer changed by themselves\",{agent}}}"
        ),
        _ => format!(
            "{head}\"event\":{{\"action\":\"txn_completed\",\"outcome\":\"success\"}},\"txn\":{{\
             \"id\":\"{order}\",\"amount\":{a}.5,\"currency\":\"EUR\"}},\"message\":\"order paid\",\
             {agent}}}"
        ),
    }
}

/// Combined access-log lines.
pub(crate) fn access_lines() -> Vec<String> {
    let mut numbers = Numbers::new(0x000a_cce5);
    (0..EVENTS)
        .map(|at| {
            let (a, b, path) = (numbers.below(250), numbers.below(250), numbers.below(5_000));
            let (minute, second) = (at / 60 % 60, at % 60);
            format!(
                "10.9.{a}.{b} - - [21/Nov/2026:10:{minute:02}:{second:02} +0000] \"GET /articles/\
                 {path}/summary.html HTTP/1.1\" 200 {path} \"https://www.example.org/articles/\" \
                 \"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like \
                 Gecko) Chrome/128.0 Safari/537.36\""
            )
        })
        .collect()
}
