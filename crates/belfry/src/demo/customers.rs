//! Honest people on an ordinary day: typing errors, apostrophes, a wrong order number, a dead link,
//! an admin at work. None of it may ring.

use anyhow::{Context, ensure};
use serde_json::json;

use super::browser::{Browser, Street};
use super::cast::{ADMIN, CUSTOMERS};
use super::shop::{FIRST_ORDER, ORDERS_EACH, Person};

/// One customer's day.
struct Day {
    address: &'static str,
    agent: &'static str,
    /// Wrong passwords before the right one.
    typing_errors: usize,
    searches: &'static [&'static str],
    /// A page that is asked for besides, with the answer it gets.
    also: Option<(&'static str, u16)>,
}

const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0";
const SAFARI: &str = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 \
                      (KHTML, like Gecko) Version/19.0 Safari/605.1.15";
const CHROME: &str = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 \
                      (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36";

/// The days of [`CUSTOMERS`], in their order.
const DAYS: [Day; 5] = [
    Day {
        address: "192.0.2.11",
        agent: FIREFOX,
        typing_errors: 1,
        searches: &["O'Reilly books", "select a gift for mum & dad"],
        also: None,
    },
    Day {
        address: "192.0.2.12",
        agent: SAFARI,
        typing_errors: 0,
        searches: &["drop off point", "rug 5' x 7'", "lamp <= 40 euro"],
        also: Some(("/spring-sale", 404)),
    },
    Day {
        address: "192.0.2.13",
        agent: CHROME,
        typing_errors: 2,
        searches: &["union jack teapot", "script for a school play"],
        also: None,
    },
    Day {
        address: "2001:db8:c0de::14",
        agent: FIREFOX,
        typing_errors: 0,
        searches: &["clock -- antique, brass", "50% off"],
        // A digit mistyped: somebody else's order, refused once.
        also: Some(("/orders/1001", 403)),
    },
    Day {
        address: "192.0.2.15",
        agent: CHROME,
        typing_errors: 1,
        searches: &["caf\u{e9} table", "password book for grandma"],
        also: None,
    },
];

/// All of it, customers at the same time as in life; then the admin, who stays logged in.
/// Returns the admin's session.
pub(crate) fn spend_the_day(street: &Street, people: &[Person]) -> anyhow::Result<String> {
    std::thread::scope(|scope| {
        let days = DAYS.iter().zip(CUSTOMERS).enumerate();
        let walks: Vec<_> = days
            .map(|(at, (day, name))| scope.spawn(move || shop_about(street, people, day, name, at)))
            .collect();
        walks.into_iter().try_for_each(|walk| {
            walk.join()
                .map_err(|_| anyhow::anyhow!("a customer panicked"))?
        })
    })?;
    administer(street, people)
}

fn shop_about(
    street: &Street,
    people: &[Person],
    day: &Day,
    name: &str,
    at: usize,
) -> anyhow::Result<()> {
    let mut browser = street.visitor(day.address, day.agent);
    expect(browser.look_at("/")?, 200, "the front page")?;
    for words in day.searches {
        expect(browser.search(words)?, 200, "a search")?;
    }
    expect(
        browser.look_at(&format!("/products/{}", at + 1))?,
        200,
        "a product",
    )?;
    for _ in 0..day.typing_errors {
        let wrong = street.planted.password("mistyped password")?;
        expect(browser.log_in(name, &wrong)?, 401, "a typing error")?;
    }
    log_in(&mut browser, people, name)?;
    expect(browser.look_at("/profile")?, 200, "the own profile")?;
    for order in orders_of(at) {
        expect(
            browser.look_at(&format!("/orders/{order}"))?,
            200,
            "an own order",
        )?;
    }
    if let Some((path, status)) = day.also {
        expect(browser.look_at(path)?, status, path)?;
    }
    expect(browser.log_out()?, 200, "the log-out")
}

/// The orders of the account at place `at`.
fn orders_of(at: usize) -> std::ops::Range<u32> {
    let first = FIRST_ORDER + u32::try_from(at).unwrap_or(0) * ORDERS_EACH;
    first..first + ORDERS_EACH
}

/// The admin gives a colleague an ordinary account and goes to lunch without logging out.
fn administer(street: &Street, people: &[Person]) -> anyhow::Result<String> {
    let mut browser = street.visitor("192.0.2.20", FIREFOX);
    log_in(&mut browser, people, ADMIN)?;
    let password = street.planted.password("password of a new account")?;
    let account = json!({ "name": "newcomer", "role": "customer", "password": password });
    expect(
        browser.send_json("/admin/users", &account)?,
        201,
        "a new account",
    )?;
    let correction = json!({ "user": "bruno", "balance": "95" });
    expect(
        browser.send_json("/update-balance", &correction)?,
        200,
        "a small correction",
    )?;
    Ok(browser
        .session()
        .context("the admin has no session")?
        .to_owned())
}

/// Logs in with the right password.
pub(crate) fn log_in(
    browser: &mut Browser<'_>,
    people: &[Person],
    name: &str,
) -> anyhow::Result<()> {
    let person = people.iter().find(|person| person.name == name);
    let person = person.with_context(|| format!("there is no account {name}"))?;
    expect(
        browser.log_in(name, person.password.expose())?,
        200,
        "the right password",
    )
}

/// The shop answered as the script needs it.
pub(crate) fn expect(status: u16, expected: u16, what: &str) -> anyhow::Result<()> {
    ensure!(
        status == expected,
        "{what}: the shop answered {status} instead of {expected}"
    );
    Ok(())
}
