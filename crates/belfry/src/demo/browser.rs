//! A visitor of the shop with a real HTTP client: an address, a user agent and perhaps a session.

use anyhow::Context;
use serde_json::Value;

use super::form;
use super::planted::Planted;
use super::shop::SESSION_COOKIE;

/// One visitor.
#[derive(Debug)]
pub(crate) struct Browser<'a> {
    street: &'a Street,
    address: &'static str,
    agent: &'static str,
    session: Option<String>,
}

/// The way to the shop, shared by all visitors: the demo's internet.
#[derive(Debug)]
pub(crate) struct Street {
    http: ureq::Agent,
    /// `http://host:port` of the shop.
    shop: String,
    /// Where session tokens are remembered as secrets.
    pub(crate) planted: Planted,
}

impl Street {
    pub(crate) fn new(http: ureq::Agent, shop: String, planted: Planted) -> Self {
        Self {
            http,
            shop,
            planted,
        }
    }

    /// A visitor from `address` with this user agent.
    pub(crate) fn visitor(&self, address: &'static str, agent: &'static str) -> Browser<'_> {
        Browser {
            street: self,
            address,
            agent,
            session: None,
        }
    }
}

impl Browser<'_> {
    /// `GET path`; the status of the answer.
    pub(crate) fn look_at(&mut self, path: &str) -> anyhow::Result<u16> {
        let request = self.street.http.get(format!("{}{path}", self.street.shop));
        let request = self.dressed(request);
        let answer = request
            .call()
            .with_context(|| format!("asking the shop for {path}"))?;
        self.read(answer)
    }

    /// `GET /search` for `words`.
    pub(crate) fn search(&mut self, words: &str) -> anyhow::Result<u16> {
        self.look_at(&format!("/search?q={}", form::encoded(words)))
    }

    /// `POST /login`; the status of the answer.
    pub(crate) fn log_in(&mut self, name: &str, password: &str) -> anyhow::Result<u16> {
        let body = form::joined(&[("username", name), ("password", password)]);
        self.send("/login", "application/x-www-form-urlencoded", &body)
    }

    /// `POST /logout`.
    pub(crate) fn log_out(&mut self) -> anyhow::Result<u16> {
        self.send("/logout", "application/x-www-form-urlencoded", "")
    }

    /// `POST path` with a JSON body.
    pub(crate) fn send_json(&mut self, path: &str, body: &Value) -> anyhow::Result<u16> {
        self.send(path, "application/json", &body.to_string())
    }

    /// The token of the open session: what a thief takes.
    pub(crate) fn session(&self) -> Option<&str> {
        self.session.as_deref()
    }

    /// Goes on with a session that somebody else opened.
    pub(crate) fn wear(&mut self, session: &str) {
        self.session = Some(session.to_owned());
    }

    fn send(&mut self, path: &str, kind: &str, body: &str) -> anyhow::Result<u16> {
        let request = self.street.http.post(format!("{}{path}", self.street.shop));
        let request = self.dressed(request).header("content-type", kind);
        let answer = request
            .send(body)
            .with_context(|| format!("sending to {path} of the shop"))?;
        self.read(answer)
    }

    fn dressed<B>(&self, request: ureq::RequestBuilder<B>) -> ureq::RequestBuilder<B> {
        let request = request.header("x-forwarded-for", self.address);
        let request = request.header("user-agent", self.agent);
        match &self.session {
            Some(token) => request.header("cookie", format!("{SESSION_COOKIE}={token}")),
            None => request,
        }
    }

    /// Keeps the session that an answer sets, and reads the answer to its end.
    fn read(&mut self, mut answer: ureq::http::Response<ureq::Body>) -> anyhow::Result<u16> {
        let cookie = answer
            .headers()
            .get("set-cookie")
            .and_then(|value| value.to_str().ok());
        let pair = cookie.and_then(|cookie| cookie.split(';').next()?.split_once('='));
        if let Some((_, token)) = pair.filter(|(name, _)| *name == SESSION_COOKIE) {
            if !token.is_empty() {
                self.street.planted.remember("session token", token);
            }
            self.session = Some(token.to_owned()).filter(|token| !token.is_empty());
        }
        answer
            .body_mut()
            .read_to_string()
            .context("reading the shop's answer")?;
        Ok(answer.status().as_u16())
    }
}
