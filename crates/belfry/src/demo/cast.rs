//! Who plays: the accounts of the shop, with passwords made for this run.

use stdx::Secret;

use super::planted::Planted;
use super::shop::{Person, Role};

/// Runs the shop.
pub(crate) const ADMIN: &str = "olga";
/// The account whose password is guessed at in vain.
pub(crate) const GUESSED_AT: &str = "paula";
/// The account whose password is guessed in the end.
pub(crate) const GUESSED: &str = "carol";
/// Has an account and is curious about other people's orders.
pub(crate) const NOSY: &str = "mallory";
/// Has an account and finds the hole in `/update-balance`.
pub(crate) const GREEDY: &str = "trudy";
/// Honest customers; two of the names look odd and are not.
pub(crate) const CUSTOMERS: &[&str] = &["alice", "bruno", "chen", "s.o'reilly", "zo\u{eb}"];

/// Money of an honest account.
const BALANCE: i64 = 120;

/// Every account of the shop. Customers come first, so the first orders are theirs.
pub(crate) fn people(planted: &Planted) -> anyhow::Result<Vec<Person>> {
    let customers = CUSTOMERS
        .iter()
        .copied()
        .chain([GUESSED_AT, GUESSED, NOSY, GREEDY]);
    let people = customers
        .map(|name| (name, Role::Customer))
        .chain([(ADMIN, Role::Admin)]);
    let mut made = Vec::new();
    for (name, role) in people {
        let password = Secret::new(planted.password("password of an account")?);
        made.push(Person {
            name,
            password,
            role,
            balance: BALANCE,
        });
    }
    Ok(made)
}
