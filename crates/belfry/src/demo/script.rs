//! The acts of the attackers as data: what happens, and exactly which alerts it must ring.

use super::attackers::{self, Scene};

/// One attack.
pub(crate) struct Act {
    /// Its name.
    pub(crate) name: &'static str,
    /// What happens, in one sentence.
    pub(crate) story: &'static str,
    /// Does it.
    pub(crate) play: fn(&Scene<'_>) -> anyhow::Result<()>,
    /// The alerts it must ring: no fewer, no others.
    pub(crate) rings: &'static [Ring],
}

/// One alert that must ring.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Ring {
    /// Code of the rule.
    pub(crate) rule: &'static str,
    /// The entity it is about, as `field=value`; a last `*` stands for what differs from run to
    /// run.
    pub(crate) entity: &'static str,
}

impl Ring {
    /// Whether it is about `entity`.
    pub(crate) fn is_about(&self, entity: &str) -> bool {
        match self.entity.strip_suffix('*') {
            Some(start) => entity.starts_with(start),
            None => entity == self.entity,
        }
    }
}

const fn ring(rule: &'static str, entity: &'static str) -> Ring {
    Ring { rule, entity }
}

/// The entity of the forged name: names are compared in lower case.
const FORGER: &str = "source.ip=203.0.113.90, user.name=eve\r\n[info] user login attempt: \
                      user=olga, ip=192.0.2.20, status=ok\u{1b}[2k";

/// The attacks in the order they are played.
pub(crate) const ACTS: &[Act] = &[
    Act {
        name: "brute force",
        story: "203.0.113.10 tries seven passwords on paula's account.",
        play: attackers::brute_force,
        rings: &[
            ring("D01", "user.name=paula"),
            ring("D02", "source.ip=203.0.113.10"),
        ],
    },
    Act {
        name: "password spraying",
        story: "203.0.113.20 tries one common password on twelve accounts.",
        play: attackers::spraying,
        rings: &[
            // Low when it begins, high when it goes on.
            ring("D02", "source.ip=203.0.113.20"),
            ring("D02", "source.ip=203.0.113.20"),
            ring("D03", "source.ip=203.0.113.20"),
            ring("D03", "source.ip=203.0.113.20"),
        ],
    },
    Act {
        name: "a lucky guess",
        story: "Three addresses fail six times on carol's account, a fourth gets in.",
        play: attackers::lucky_guess,
        rings: &[
            ring("D01", "user.name=carol"),
            ring("D05", "user.name=carol"),
        ],
    },
    Act {
        name: "walking through orders",
        story: "mallory, logged in, asks for orders 1000, 1001, 1002 and so on: other people's.",
        play: attackers::order_walk,
        rings: &[ring("D12", "user.name=mallory")],
    },
    Act {
        name: "SQL injection",
        story: "2001:db8:bad::50 puts quotes, UNION SELECT and DROP TABLE into the search box.",
        play: attackers::sql_injection,
        rings: &[
            ring("D18", "source.ip=2001:db8:bad::/64"),
            ring("D18", "source.net=2001:db8:bad::/64"),
        ],
    },
    Act {
        name: "cross-site scripting",
        story: "198.51.100.60 searches for a script that steals cookies.",
        play: attackers::cross_site_scripting,
        rings: &[ring("D18", "source.ip=198.51.100.60")],
    },
    Act {
        name: "a superuser is made",
        story: "203.0.113.70 wears olga's stolen session and creates the superuser \"backdoor\".",
        play: attackers::superuser,
        rings: &[
            ring("D13", "user.name=olga, user.target.name=backdoor"),
            ring("D22", "session=*"),
        ],
    },
    Act {
        name: "sudden riches",
        story: "trudy finds POST /update-balance and sets her balance to 9999999.",
        play: attackers::riches,
        rings: &[ring("D15", "user.name=trudy")],
    },
    Act {
        name: "a forged log line",
        story: "203.0.113.90 logs in as a name with line breaks, a fake entry and terminal codes.",
        play: attackers::log_forgery,
        rings: &[ring("D18", FORGER)],
    },
    Act {
        name: "secrets in a link",
        story: "198.51.100.100 follows a link with a password and a card number in its query.",
        play: attackers::secrets_in_url,
        rings: &[
            ring("D34", "belfry.source=shop, belfry.redaction.kinds=pan"),
            ring("D34", "belfry.source=shop, belfry.redaction.kinds=password"),
        ],
    },
];
