//! The two usual ways to redact, with rules that find about what ours find: keywords that gate
//! regular expressions, and a plain loop over them. Kept here so that the figures stay comparable.

use std::borrow::Cow;
use std::collections::BTreeSet;

use aho_corasick::{AhoCorasick, AhoCorasickBuilder, MatchKind};
use anyhow::Context;
use regex::bytes::{Regex, RegexBuilder};

/// Prefix, class of the rest and its length range, as the makers publish them.
const MAKERS: &str = "\
AKIA [A-Z0-9]{16}
ASIA [A-Z0-9]{16}
AIza [\\w-]{35}
ya29\\. [\\w.-]{20,}
GOCSPX- [\\w-]{28}
ghp_ [A-Za-z0-9]{36}
gho_ [A-Za-z0-9]{36}
ghu_ [A-Za-z0-9]{36}
ghs_ [A-Za-z0-9]{36}
ghr_ [A-Za-z0-9]{36}
github_pat_ \\w{40,}
npm_ [A-Za-z0-9]{36}
glpat- [\\w.-]{20,}
gldt- [\\w-]{20,}
glrt- [\\w-]{20,}
xoxb- [\\w-]{10,}
xoxa- [\\w-]{10,}
xoxp- [\\w-]{10,}
xoxs- [\\w-]{10,}
xapp- [\\w-]{20,}
sk_live_ [A-Za-z0-9]{16,}
rk_live_ [A-Za-z0-9]{16,}
sk_test_ [A-Za-z0-9]{16,}
whsec_ [\\w-]{24,}
SG\\. [\\w.-]{40,}
SK [0-9a-f]{32}
AC [0-9a-f]{32}
sk-ant- [\\w-]{20,}
sk- [\\w-]{32,}
hf_ [A-Za-z0-9]{30,}
dop_v1_ [0-9a-f]{64}
hvs\\. [\\w-]{20,}
pypi- [\\w-]{50,}
shpat_ [A-Za-z0-9]{32}
shpss_ [A-Za-z0-9]{32}
NRAK- [A-Z0-9]{27}
dckr_pat_ [\\w-]{27,}
lin_api_ [A-Za-z0-9]{40}
figd_ [\\w-]{36,}
PMAK- [\\w-]{59}
pul- [0-9a-f]{40}
rubygems_ [0-9a-f]{48}
sq0atp- [\\w-]{22}
sntrys_ [\\w+/=]{60,}
tskey- [\\w-]{20,}
glsa_ \\w{32,}
pscale_tkn_ [\\w.-]{32,}
dapi [0-9a-f]{32}
gsk_ [A-Za-z0-9]{40,}
nfp_ [A-Za-z0-9]{36}
xkeysib- [\\w-]{70,}
eyJ [\\w-]{10,}\\.eyJ[\\w-]{10,}\\.[\\w-]{10,}";

/// Last words of names whose values go.
const NAMES: &str = "password passwd pwd passphrase otp totp mfa_code pin token jwt session_id \
     sessionid jsessionid phpsessid api_key apikey client_secret secret secret_key access_key \
     authorization cookie credentials private_key connection_string dsn card_number cvv cvc iban \
     ssn account_number mnemonic signature";

/// One rule: its keywords in lower case, none where it must always run.
struct Rule {
    keywords: Vec<String>,
    regex: Regex,
    /// Which group goes.
    group: usize,
}

fn rules() -> anyhow::Result<Vec<Rule>> {
    let mut rules = Vec::new();
    let mut add = |keywords: &[&str], pattern: &str, group| {
        let regex = RegexBuilder::new(pattern).unicode(false).build();
        rules.push(Rule {
            keywords: keywords.iter().map(|word| word.to_lowercase()).collect(),
            regex: regex.context("a rival's rule")?,
            group,
        });
        anyhow::Ok(())
    };
    for maker in MAKERS.lines() {
        let (prefix, body) = maker.split_once(' ').context("a maker's row")?;
        let keyword = prefix.replace('\\', "");
        add(&[&keyword], &format!("\\b{prefix}{body}"), 0)?;
    }
    for name in NAMES.split_whitespace() {
        let spelt = name.replace('_', "[_.-]?");
        let pattern = format!(
            "(?i)[\\w.-]{{0,50}}{spelt}[\"']?\\s{{0,3}}[:=]\\s{{0,3}}[\"']?([^\\s\"'&,;]+)"
        );
        add(&[&name.replace('_', ""), name], &pattern, 1)?;
    }
    add(
        &["-----begin"],
        "-----BEGIN [A-Z ]*PRIVATE KEY-----[\\s\\S]*",
        0,
    )?;
    add(&["://"], "://[^\\s/:@]+:([^\\s/@]+)@", 1)?;
    add(
        &["basic", "bearer"],
        "(?i)\\b(?:basic|bearer) +([\\w.+/=~-]{8,})",
        1,
    )?;
    add(&[], "\\b(?:\\d[ -]?){12,18}\\d\\b", 0)?;
    add(&[], "\\b\\d{3}-\\d{2}-\\d{4}\\b", 0)?;
    add(&[], "\\b[A-Z]{2}\\d{2}[A-Z0-9]{11,30}\\b", 0)?;
    Ok(rules)
}

fn cut<'a>(rule: &Rule, text: Cow<'a, [u8]>) -> Cow<'a, [u8]> {
    let mut out = Vec::new();
    let mut from = 0;
    for found in rule.regex.captures_iter(&text) {
        if let Some(span) = found.get(rule.group) {
            out.extend_from_slice(&text[from..span.start()]);
            out.extend_from_slice(b"[REDACTED]");
            from = span.end();
        }
    }
    if from == 0 {
        return text;
    }
    out.extend_from_slice(&text[from..]);
    Cow::Owned(out)
}

/// All keywords in one pass, then each rule whose keyword was seen over the whole text.
pub(crate) struct Gated {
    rules: Vec<Rule>,
    keywords: AhoCorasick,
    /// The rules of each keyword.
    of_keyword: Vec<Vec<usize>>,
    always: Vec<usize>,
}

impl Gated {
    pub(crate) fn new() -> anyhow::Result<Self> {
        let rules = rules()?;
        let words: BTreeSet<&String> = rules.iter().flat_map(|rule| &rule.keywords).collect();
        let of_keyword = words
            .iter()
            .map(|word| {
                let speaks = |(_, rule): &(usize, &Rule)| rule.keywords.contains(word);
                rules
                    .iter()
                    .enumerate()
                    .filter(speaks)
                    .map(|(at, _)| at)
                    .collect()
            })
            .collect();
        let keywords = AhoCorasickBuilder::new()
            .ascii_case_insensitive(true)
            .match_kind(MatchKind::Standard)
            .kind(Some(aho_corasick::AhoCorasickKind::DFA))
            .build(words.iter().map(|word| word.as_bytes()))
            .context("the keywords")?;
        let bare = |(_, rule): &(usize, &Rule)| rule.keywords.is_empty();
        let always = rules
            .iter()
            .enumerate()
            .filter(bare)
            .map(|(at, _)| at)
            .collect();
        Ok(Self {
            rules,
            keywords,
            of_keyword,
            always,
        })
    }

    pub(crate) fn rewrite<'a>(&self, text: &'a str) -> Cow<'a, [u8]> {
        let mut wanted = vec![false; self.rules.len()];
        for found in self.keywords.find_overlapping_iter(text) {
            for rule in &self.of_keyword[found.pattern().as_usize()] {
                wanted[*rule] = true;
            }
        }
        for rule in &self.always {
            wanted[*rule] = true;
        }
        let mut text = Cow::Borrowed(text.as_bytes());
        for (rule, _) in self.rules.iter().zip(wanted).filter(|(_, wanted)| *wanted) {
            text = cut(rule, text);
        }
        text
    }
}

/// Every rule over every text.
pub(crate) struct Loop(Vec<Rule>);

impl Loop {
    pub(crate) fn new() -> anyhow::Result<Self> {
        Ok(Self(rules()?))
    }

    pub(crate) fn rewrite<'a>(&self, text: &'a str) -> Cow<'a, [u8]> {
        self.0
            .iter()
            .fold(Cow::Borrowed(text.as_bytes()), |text, rule| cut(rule, text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A rule that does not compile would end the bench.
    #[test]
    fn both_rivals_find_the_usual() {
        let text = format!("x password=hunter2 y gh{}_{}", "p", "a1B2c3".repeat(6));
        let expected = "x password=[REDACTED] y [REDACTED]".as_bytes();
        assert_eq!(*Gated::new().unwrap().rewrite(&text), *expected);
        assert_eq!(*Loop::new().unwrap().rewrite(&text), *expected);
    }
}
