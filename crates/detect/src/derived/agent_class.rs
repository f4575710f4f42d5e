//! What kind of program a user agent claims to be, by its words.

/// Words of scanners and attack tools.
const SCANNERS: [&str; 44] = [
    "sqlmap",
    "nikto",
    "nmap",
    "masscan",
    "zgrab",
    "nuclei",
    "acunetix",
    "nessus",
    "openvas",
    "wpscan",
    "dirbuster",
    "gobuster",
    "feroxbuster",
    "ffuf",
    "wfuzz",
    "dirb",
    "arachni",
    "w3af",
    "burp",
    "zaproxy",
    "owasp zap",
    "havij",
    "hydra",
    "medusa",
    "metasploit",
    "commix",
    "xsser",
    "skipfish",
    "whatweb",
    "joomscan",
    "netsparker",
    "invicti",
    "qualys",
    "jaeles",
    "censys",
    "shodan",
    "expanse",
    "l9explore",
    "l9tcpid",
    "morfeus",
    "zmeu",
    "jorgee",
    "httpx",
    "fuzz faster",
];
/// Words of crawlers and monitors that name themselves.
const BOTS: [&str; 26] = [
    "bot",
    "crawl",
    "spider",
    "slurp",
    "mediapartners",
    "facebookexternalhit",
    "embedly",
    "quora link preview",
    "whatsapp",
    "telegram",
    "skypeuripreview",
    "pingdom",
    "uptime",
    "statuscake",
    "site24x7",
    "datadog",
    "newrelic",
    "monitoring",
    "feedfetcher",
    "feedly",
    "feedburner",
    "rss",
    "lighthouse",
    "pagespeed",
    "gptbot",
    "claude-web",
];
/// Words of programs a person runs by hand.
const TOOLS: [&str; 12] = [
    "curl/",
    "wget/",
    "httpie/",
    "postman",
    "insomnia",
    "powershell",
    "lynx/",
    "links (",
    "aria2",
    "xh/",
    "libwww-perl/",
    "fetch/",
];
/// Words of libraries that programs fetch with.
const LIBRARIES: [&str; 30] = [
    "python-requests",
    "python-urllib",
    "python-httpx",
    "aiohttp",
    "scrapy",
    "urllib3",
    "go-http-client",
    "java/",
    "okhttp",
    "apache-httpclient",
    "jakarta",
    "axios",
    "node-fetch",
    "undici",
    "got (",
    "node.js",
    "ruby",
    "faraday",
    "rest-client",
    "php/",
    "guzzlehttp",
    "symfony",
    "reqwest",
    "hyper/",
    "ureq",
    "dart/",
    "winhttp",
    "libcurl",
    "grpc-",
    "cfnetwork",
];
/// Words of browsers on telephones and tablets.
const MOBILES: [&str; 8] = [
    "mobile",
    "android",
    "iphone",
    "ipad",
    "ipod",
    "opera mini",
    "blackberry",
    "windows phone",
];
/// Words of browsers.
const BROWSERS: [&str; 6] = ["mozilla/", "opera/", "gecko", "webkit", "msie", "trident"];

/// The class of the user agent `agent`: `scanner`, `bot`, `tool`, `library`, `mobile`, `browser`,
/// `other`, or `none` for an empty one.
pub(super) fn class_of(agent: &str) -> &'static str {
    /// User agents are shorter; what is longer is judged by its beginning.
    const BYTES_MAX: usize = 512;
    let agent = agent.trim();
    if matches!(agent, "" | "-") {
        return "none";
    }
    let agent = agent[..agent.floor_char_boundary(BYTES_MAX)].to_ascii_lowercase();
    let has = |words: &[&str]| words.iter().any(|word| agent.contains(word));
    let is_browser = has(&BROWSERS);
    match () {
        () if has(&SCANNERS) => "scanner",
        () if has(&BOTS) => "bot",
        () if !is_browser && has(&TOOLS) => "tool",
        () if !is_browser && has(&LIBRARIES) => "library",
        () if is_browser && has(&MOBILES) => "mobile",
        () if is_browser => "browser",
        () if has(&MOBILES) => "mobile",
        () => "other",
    }
}

#[cfg(test)]
mod tests {
    use super::class_of;

    #[test]
    fn programs_are_told_apart() {
        let check = |agent: &str, class: &str| assert_eq!(class_of(agent), class, "{agent}");
        check(
            "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
            "browser",
        );
        check(
            "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1) AppleWebKit/605.1.15 Mobile/15E148",
            "mobile",
        );
        check(
            "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
            "bot",
        );
        check("python-requests/2.32.3", "library");
        check("Go-http-client/1.1", "library");
        check("curl/8.10.1", "tool");
        check("sqlmap/1.8#stable (https://sqlmap.org)", "scanner");
        check(
            "Mozilla/5.00 (Nikto/2.1.6) (Evasions:None) (Test:000001)",
            "scanner",
        );
        check("MyShop/3.2", "other");
        check("-", "none");
        check("", "none");
    }
}
