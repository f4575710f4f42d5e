//! Everything the shop knows and answers, without the sockets.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::Value;
use stdx::{Clock, Secret};

use super::record::{Record, fresh_id, session_hash};
use super::{Answer, Visit};
use crate::demo::form;
use crate::demo::reporter::Reporter;

/// The number of the first order of the shop.
pub(crate) const FIRST_ORDER: u32 = 1000;
/// Orders of each account, one after the other in the order of the accounts.
pub(crate) const ORDERS_EACH: u32 = 2;
/// Products, numbered from 1.
const PRODUCTS: &[&str] = &["lamp", "rug", "kettle", "globe", "clock", "teapot"];
/// Sessions open at once; a session more ends all others, which no demo reaches.
const SESSIONS_MAX: usize = 10_000;

/// What an account may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// Sees its own orders.
    Customer,
    /// Makes accounts too.
    Admin,
}

/// An account as the shop opens with it.
#[derive(Debug)]
pub(crate) struct Person {
    /// The name it logs in with.
    pub(crate) name: &'static str,
    /// Its password.
    pub(crate) password: Secret<String>,
    /// What it may do.
    pub(crate) role: Role,
    /// Money in the account, whole units.
    pub(crate) balance: i64,
}

#[derive(Debug)]
struct Account {
    password: Secret<String>,
    roles: Vec<String>,
    balance: i64,
}

#[derive(Debug, Default)]
struct Books {
    accounts: HashMap<String, Account>,
    /// Who placed an order.
    orders: HashMap<String, String>,
    /// Whose session a token is.
    sessions: HashMap<String, String>,
}

/// Answers visits and reports them.
#[derive(Debug)]
pub(super) struct Clerk {
    books: Mutex<Books>,
    reporter: Reporter,
    clock: Arc<dyn Clock>,
}

/// An answer with the events it leaves in the log.
type Deed = (Answer, Vec<Record>);

impl Clerk {
    pub(super) fn new(people: &[Person], reporter: Reporter, clock: Arc<dyn Clock>) -> Self {
        let mut books = Books::default();
        let mut order = FIRST_ORDER;
        for person in people {
            let role = if person.role == Role::Admin {
                "admin"
            } else {
                "customer"
            };
            let account = Account {
                password: Secret::new(person.password.expose().clone()),
                roles: vec![role.to_owned()],
                balance: person.balance,
            };
            books.accounts.insert(person.name.to_owned(), account);
            for _ in 0..ORDERS_EACH {
                books
                    .orders
                    .insert(order.to_string(), person.name.to_owned());
                order += 1;
            }
        }
        Self {
            books: Mutex::new(books),
            reporter,
            clock,
        }
    }

    /// Answers one visit and reports it.
    pub(super) fn answer(&self, visit: &Visit) -> Answer {
        let mut books = self.books.lock().unwrap_or_else(PoisonError::into_inner);
        let (answer, records) = books.serve(visit);
        drop(books);
        for record in records {
            self.reporter.report(record.line(self.clock.unix_nanos()));
        }
        answer
    }
}

impl Books {
    fn serve(&mut self, visit: &Visit) -> Deed {
        let (path, query) = visit.target.split_once('?').unwrap_or((&visit.target, ""));
        let decoded: Vec<String> = path.split('/').skip(1).map(form::decoded).collect();
        let segments: Vec<&str> = decoded.iter().map(String::as_str).collect();
        match (visit.method.as_str(), segments.as_slice()) {
            ("GET", [""]) => self.seen(visit, "/", 200, "Welcome to the shop"),
            ("GET", ["search"]) => self.search(visit, query),
            ("GET", ["products", id]) => self.product(visit, id),
            ("POST", ["login"]) => self.log_in(visit),
            ("POST", ["logout"]) => self.log_out(visit),
            ("GET", ["profile"]) => self.profile(visit),
            ("GET", ["orders", id]) => self.order(visit, id),
            ("POST", ["admin", "users"]) => self.create_user(visit),
            ("POST", ["update-balance"]) => self.update_balance(visit),
            _ => self.seen(visit, "(none)", 404, "There is no such page"),
        }
    }

    /// Whose session the visit carries.
    fn visitor(&self, visit: &Visit) -> Option<&str> {
        self.sessions
            .get(visit.session.as_ref()?)
            .map(String::as_str)
    }

    /// A record with the account behind it, where there is one.
    fn record(&self, visit: &Visit, action: &str, route: &str, status: u16) -> Record {
        let record = Record::of(visit, action, route, status);
        let Some(name) = self.visitor(visit) else {
            return record;
        };
        let roles = self.accounts.get(name).map(|account| account.roles.clone());
        record
            .with("user.name", name)
            .with("user.roles", roles.unwrap_or_default())
    }

    /// An answer that is reported as nothing but an access.
    fn seen(&self, visit: &Visit, route: &str, status: u16, text: &str) -> Deed {
        (
            answer(status, text),
            vec![self.record(visit, "api_access", route, status)],
        )
    }

    /// A refusal, with what was asked for.
    fn denied(&self, visit: &Visit, route: &str, target: &str, reason: &str) -> Deed {
        let status = if self.visitor(visit).is_some() {
            403
        } else {
            401
        };
        let record = self.record(visit, "authz_fail", route, status);
        let record = record
            .with("labels.target_id", target)
            .with("event.reason", reason);
        (answer(status, reason), vec![record])
    }

    fn search(&self, visit: &Visit, query: &str) -> Deed {
        let words = form::value(query, "q").unwrap_or_default().to_lowercase();
        let found = PRODUCTS.iter().filter(|name| words.contains(**name));
        let found = found.copied().collect::<Vec<_>>().join(", ");
        self.seen(visit, "/search", 200, &format!("Found: {found}"))
    }

    fn product(&self, visit: &Visit, id: &str) -> Deed {
        let number = id.parse().ok().and_then(|id: usize| id.checked_sub(1));
        match number.and_then(|number| PRODUCTS.get(number)) {
            Some(name) => self.seen(visit, "/products/{id}", 200, name),
            None => self.seen(visit, "/products/{id}", 404, "There is no such product"),
        }
    }

    fn log_in(&mut self, visit: &Visit) -> Deed {
        let name = form::value(&visit.body, "username").unwrap_or_default();
        let password = form::value(&visit.body, "password").unwrap_or_default();
        let account = self.accounts.get(&name);
        if account.is_none_or(|account| *account.password.expose() != password) {
            let reason = if account.is_some() {
                "wrong password"
            } else {
                "unknown account"
            };
            let record = Record::of(visit, "authn_login_fail", "/login", 401);
            let record = record.with("user.name", name).with("event.reason", reason);
            return (answer(401, "Name or password is wrong"), vec![record]);
        }
        if self.sessions.len() >= SESSIONS_MAX {
            self.sessions.clear();
        }
        let token = fresh_id();
        self.sessions.insert(token.clone(), name.clone());
        let records = ["authn_login_success", "session_created"].map(|action| {
            Record::of(visit, action, "/login", 200)
                .with("user.name", name.as_str())
                .with("labels.session_hash", session_hash(&token))
        });
        (
            Answer {
                cookie: Some(token),
                ..answer(200, "Hello")
            },
            records.into(),
        )
    }

    fn log_out(&mut self, visit: &Visit) -> Deed {
        let record = self.record(visit, "session_logout", "/logout", 200);
        if let Some(token) = &visit.session {
            self.sessions.remove(token);
        }
        (
            Answer {
                cookie: Some(String::new()),
                ..answer(200, "Good bye")
            },
            vec![record],
        )
    }

    fn profile(&self, visit: &Visit) -> Deed {
        match self.visitor(visit).and_then(|name| self.accounts.get(name)) {
            Some(account) => {
                let text = format!("Your balance: {}", account.balance);
                self.seen(visit, "/profile", 200, &text)
            }
            None => self.denied(visit, "/profile", "", "log in first"),
        }
    }

    /// Object level authorisation: an order is shown to the account that placed it.
    fn order(&self, visit: &Visit, id: &str) -> Deed {
        const ROUTE: &str = "/orders/{id}";
        let owner = self.orders.get(id).map(String::as_str);
        if owner.is_none() || owner != self.visitor(visit) {
            return self.denied(visit, ROUTE, id, "not your order");
        }
        let record = self
            .record(visit, "api_access", ROUTE, 200)
            .with("labels.target_id", id);
        (answer(200, &format!("Order {id}")), vec![record])
    }

    fn create_user(&mut self, visit: &Visit) -> Deed {
        const ROUTE: &str = "/admin/users";
        let visitor = self.visitor(visit).and_then(|name| self.accounts.get(name));
        if !visitor.is_some_and(|account| account.roles.iter().any(|role| role == "admin")) {
            return self.denied(visit, ROUTE, "users", "admins only");
        }
        let wanted: Value = serde_json::from_str(&visit.body).unwrap_or_default();
        let (Some(name), Some(role)) = (wanted["name"].as_str(), wanted["role"].as_str()) else {
            return self.malformed(visit, ROUTE, "name or role is missing");
        };
        let record = self.record(visit, "user_created", ROUTE, 201);
        let record = record
            .with("user.target.name", name)
            .with("user.target.roles", vec![role]);
        let password = Secret::new(wanted["password"].as_str().unwrap_or_default().to_owned());
        let account = Account {
            password,
            roles: vec![role.to_owned()],
            balance: 0,
        };
        self.accounts.insert(name.to_owned(), account);
        (answer(201, "Created"), vec![record])
    }

    /// The hole of the shop: whoever is logged in may set any balance.
    fn update_balance(&mut self, visit: &Visit) -> Deed {
        const ROUTE: &str = "/update-balance";
        if self.visitor(visit).is_none() {
            return self.denied(visit, ROUTE, "", "log in first");
        }
        let wanted: Value = serde_json::from_str(&visit.body).unwrap_or_default();
        let name = wanted["user"].as_str().unwrap_or_default();
        // Numbers arrive as text from some clients and as numbers from others.
        let after = wanted["balance"]
            .as_str()
            .and_then(|text| text.parse().ok());
        let after = after.or_else(|| wanted["balance"].as_i64());
        let (Some(account), Some(after)) = (self.accounts.get_mut(name), after) else {
            return self.malformed(visit, ROUTE, "user or balance is no good");
        };
        let before = std::mem::replace(&mut account.balance, after);
        let record = self.record(visit, "txn_balance_adjusted", ROUTE, 200);
        let record = record
            .with("txn.type", "balance_adjustment")
            .with("user.target.name", name)
            .with("txn.balance.before", before)
            .with("txn.balance.after", after)
            .with("labels.target_id", name);
        (answer(200, "Updated"), vec![record])
    }

    fn malformed(&self, visit: &Visit, route: &str, reason: &str) -> Deed {
        let record = self.record(visit, "input_validation_fail", route, 400);
        (
            answer(400, reason),
            vec![record.with("event.reason", reason)],
        )
    }
}

fn answer(status: u16, text: &str) -> Answer {
    Answer {
        status,
        text: text.to_owned(),
        cookie: None,
    }
}
