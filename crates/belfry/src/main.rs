//! Belfry: the security logbook that cannot be quietly rewritten, and that rings when something is
//! wrong. This crate wires the stages together and owns the process: settings, clock, threads,
//! command line.
//!
//! Start at `pipeline.rs` (write path) and `follow.rs` (read path).

use std::process::ExitCode;

use clap::Parser;

use crate::cli::{Cli, Command};
use crate::command::Ground;
use crate::exit_code::Outcome;

mod accounts;
mod admin;
mod bulk;
mod cli;
mod clock;
mod command;
mod config;
mod degraded;
mod demo;
mod detector_state;
mod enrichment;
mod exit_code;
mod follow;
mod hardening;
mod heads;
mod house;
mod keys;
mod listeners;
mod metrics;
mod occurrences;
mod operate;
mod pipeline;
mod received;
mod reload;
mod rule_health;
mod rules;
mod self_audit;
mod sinks;
mod talk;
mod tokens;
mod tower;
mod tuning;
mod watchman;
mod witnessing;

/// What this binary calls itself.
pub(crate) const BUILD: &str = env!("CARGO_PKG_VERSION");

fn main() -> ExitCode {
    hardening::seal_memory();
    hardening::quiet_panics();
    let result = run(Cli::parse());
    if let Err(error) = &result {
        talk::say(&format!("belfry: {error:#}"));
    }
    exit_code::of(&result)
}

fn run(Cli { common, command }: Cli) -> anyhow::Result<Outcome> {
    let format = common.format;
    match command {
        Command::Demo { keep } => demo::run(format, keep),
        Command::Check {
            print_reference,
            print_config,
        } => Ok(command::check::run(&common, print_reference, print_config)),
        Command::Run { accept_rollback } => {
            command::run::run(Ground::of(&common)?, accept_rollback)
        }
        Command::Witness(say) => command::witness::run(&Ground::of(&common)?, &say, format),
        Command::Ingest(say) => command::ingest::run(&Ground::of(&common)?, &say, format),
        Command::Search(say) => command::search::run(&Ground::of(&common)?, &say, format),
        Command::Show { indices } => command::show::run(&Ground::of(&common)?, &indices, format),
        Command::Tail(say) => command::tail::run(&Ground::of(&common)?, &say, format),
        Command::Rules(say) => command::rules::run(&Ground::of(&common)?, &say, format),
        Command::Alerts(say) => command::alerts::run(&Ground::of(&common)?, &say, format),
        Command::Evidence(say) => command::evidence::run(&Ground::of(&common)?, &say, format),
        Command::Keys(say) => command::keys::run(&Ground::of(&common)?, &say, format),
        Command::Verify(say) => command::verify::run(&Ground::of(&common)?, &say, format),
        Command::Prove { index } => command::prove::run(&Ground::of(&common)?, index, format),
        Command::Token(say) => command::token::run(&Ground::of(&common)?, &say, format),
        Command::Redact(say) => command::redact::run(&Ground::of(&common)?, &say, format),
        Command::Doctor => command::doctor::run(&Ground::of(&common)?, format),
    }
}
