//! The command line: what can be said, checked before anything is done.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// The security logbook that cannot be quietly rewritten, and that rings when something is wrong.
#[derive(Debug, Parser)]
#[command(name = "belfry", version, about, max_term_width = 100)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) common: Common,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What every command understands.
#[derive(Clone, Debug, Args)]
pub(crate) struct Common {
    /// Configuration file [default: ./belfry.toml if there is one]
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Data folder, over what the configuration says
    #[arg(long, global = true, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// How results are written to standard output
    #[arg(long, global = true, value_enum, default_value_t = Format::Text)]
    pub(crate) format: Format,
}

/// Shape of results.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people.
    Text,
    /// For programs: one JSON object, or one per line.
    Json,
}

/// The verbs.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Show the whole of it: a small shop, honest customers, attackers, alerts, tampering caught
    Demo {
        /// Keep everything running afterwards, to explore
        #[arg(long)]
        keep: bool,
    },
    /// Collect, seal, watch and alert until told to stop
    Run {
        /// Start although a witness knows a larger or another ledger; the act becomes an entry
        #[arg(long)]
        accept_rollback: bool,
    },
    /// Check configuration and rules and report every problem at once
    Check {
        /// Print the reference page of all settings instead
        #[arg(long, conflicts_with = "print_config")]
        print_reference: bool,
        /// Print a belfry.toml with every key and its default instead
        #[arg(long)]
        print_config: bool,
    },
    /// Take in files (or `-` for standard input), one record a line, also .gz and .zst
    Ingest(Ingest),
    /// Find entries: belfry search 'user.name:bob AND event.outcome:failure' --since 1h
    Search(Search),
    /// Show entries by their index, whole, as they are stored
    Show {
        /// Indices, such as an alert cites them
        #[arg(required = true)]
        indices: Vec<u64>,
    },
    /// Show the newest entries, with -f as they come
    Tail(Tail),
    /// Look at and test detection rules
    #[command(subcommand)]
    Rules(Rules),
    /// Look at and work on alerts
    #[command(subcommand)]
    Alerts(Alerts),
    /// Prove that the ledger is whole, or that a proof file holds
    Verify(Verify),
    /// Write a proof that an entry is in the ledger
    Prove {
        /// Index of the entry
        index: u64,
    },
    /// Manage the bearer tokens of sources
    #[command(subcommand)]
    Token(Token),
    /// Show what redaction does, test it, and look at stored entries again
    #[command(subcommand)]
    Redact(Redact),
    /// Records that leave the house in one file, and checking such a file
    #[command(subcommand)]
    Evidence(Evidence),
    /// Keys of the ledger: show them, keep a recovery key offline, go on after a loss
    #[command(subcommand)]
    Keys(Keys),
    /// Let other nodes watch this ledger, and watch theirs
    #[command(subcommand)]
    Witness(Witness),
    /// Look at this installation and say what is wrong with it
    Doctor,
}

/// `belfry ingest`
#[derive(Debug, Args)]
pub(crate) struct Ingest {
    /// Files to read, `-` for standard input (pipes too)
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    /// Name of the source the records are booked under
    #[arg(long, default_value = "import")]
    pub(crate) source: String,
    /// Write no progress to standard error
    #[arg(long)]
    pub(crate) quiet: bool,
}

/// `belfry search`
#[derive(Debug, Args)]
pub(crate) struct Search {
    /// Filter, such as user.name:bob AND NOT event.outcome:success; empty finds everything
    #[arg(default_value = "")]
    pub(crate) query: String,
    /// Only entries received this long ago or less (1h, 7d) or since this time (RFC 3339)
    #[arg(long)]
    pub(crate) since: Option<String>,
    /// Only entries received before this long ago or this time
    #[arg(long)]
    pub(crate) until: Option<String>,
    /// Most hits to show, newest last; up to 100000
    #[arg(long, default_value_t = 1000)]
    pub(crate) limit: usize,
}

/// `belfry tail`
#[derive(Debug, Args)]
pub(crate) struct Tail {
    /// Filter
    #[arg(default_value = "")]
    pub(crate) query: String,
    /// Go on with new entries until interrupted
    #[arg(short, long)]
    pub(crate) follow: bool,
    /// How many of the newest entries to start with
    #[arg(short = 'n', long, default_value_t = 10)]
    pub(crate) lines: usize,
}

/// `belfry rules`
#[derive(Debug, Subcommand)]
pub(crate) enum Rules {
    /// List the rules that would run
    List,
    /// Run the samples inside the rule files
    Test {
        /// Only rules whose code, id or file contains this
        only: Option<String>,
    },
    /// Look for what is missing, mistyped, out of reach or costly in the rules
    Lint {
        /// Only files whose name contains this
        only: Option<String>,
    },
    /// Show which techniques of MITRE ATT&CK the rules look for
    Coverage {
        /// Write a layer for the ATT&CK Navigator to this file
        #[arg(long, value_name = "FILE")]
        navigator: Option<PathBuf>,
        /// Version of ATT&CK to show; rules may be tagged in either
        #[arg(long, value_name = "VERSION", default_value_t = 19)]
        #[arg(value_parser = clap::value_parser!(u8).range(18..=19))]
        attack: u8,
    },
    /// Say which rules live, match nothing or cannot match, by the running process
    Status,
    /// Say which selections of a rule an entry satisfies, and why
    Explain {
        /// Code or id of the rule
        rule: String,
        /// Index of the entry
        index: u64,
    },
    /// Say what a rule would have found in stored entries: hits a day, alerts, top groups, cost
    Backtest(Backtest),
    /// Let the running process load its rules anew (also: SIGHUP)
    Reload,
}

/// `belfry rules backtest`
#[derive(Debug, Args)]
pub(crate) struct Backtest {
    /// Code, id or title of a rule, enabled or not, or a rule file
    pub(crate) rule: String,
    /// Only entries received this long ago or less (1h, 30d) or since this time (RFC 3339)
    #[arg(long, default_value = "30d")]
    pub(crate) since: String,
    /// Only entries received before this long ago or this time
    #[arg(long)]
    pub(crate) until: Option<String>,
    /// List the newest so many detections with the entries that show them; up to 100000
    #[arg(long, default_value_t = 0)]
    pub(crate) hits: usize,
}

/// `belfry alerts`
#[derive(Debug, Subcommand)]
pub(crate) enum Alerts {
    /// List alerts, newest last
    List {
        /// Only alerts in this state
        #[arg(long, value_enum)]
        state: Option<AlertState>,
        /// Most alerts to show
        #[arg(long, default_value_t = 100)]
        limit: usize,
    },
    /// Show one alert with its history
    Show {
        /// Id of the alert, or the start of it
        id: String,
    },
    /// Say that somebody works on it
    Ack {
        /// Id of the alert, or the start of it
        id: String,
        /// What you want to be remembered
        #[arg(long)]
        note: Option<String>,
    },
    /// Take a closed alert up again
    Reopen {
        /// Id of the alert, or the start of it
        id: String,
        /// What you want to be remembered
        #[arg(long)]
        note: Option<String>,
    },
    /// Close it with a verdict
    Close {
        /// Id of the alert, or the start of it
        id: String,
        /// What it turned out to be
        #[arg(long, value_enum)]
        verdict: Verdict,
        /// What you want to be remembered
        #[arg(long)]
        note: Option<String>,
    },
}

/// Life of an alert.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum AlertState {
    Open,
    Acknowledged,
    Closed,
}

/// What a closed alert turned out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Verdict {
    /// An attack or a breach
    TruePositive,
    /// The rule was wrong
    FalsePositive,
    /// It happened, and it was allowed
    Benign,
}

/// `belfry verify`
#[derive(Debug, Args)]
pub(crate) struct Verify {
    /// Check this proof file (from `belfry prove`) instead of the whole ledger
    #[arg(long, value_name = "FILE")]
    pub(crate) proof: Option<PathBuf>,
    /// A checkpoint remembered elsewhere (from an alert, an answer, a witness), which the ledger
    /// must extend
    #[arg(long, value_name = "FILE", conflicts_with = "proof")]
    pub(crate) checkpoint: Option<PathBuf>,
    /// Also demand a sign of life: a running ledger begins an epoch each minute (ledger.epoch)
    #[arg(long, conflicts_with = "proof")]
    pub(crate) alive: bool,
    /// The log's public key for --proof, when there is no data folder to read it from
    #[arg(long, value_name = "VKEY", requires = "proof")]
    pub(crate) vkey: Option<String>,
    /// Write no progress to standard error
    #[arg(long)]
    pub(crate) quiet: bool,
}

/// `belfry evidence`
#[derive(Debug, Subcommand)]
pub(crate) enum Evidence {
    /// Write entries with their proofs into one file that people read and anybody can check
    Export(EvidenceExport),
    /// Check such a file, offline
    Verify {
        /// The file
        #[arg(value_name = "FILE")]
        file: PathBuf,
        /// Verifier key of the log, from somewhere else than the file
        #[arg(long, value_name = "VKEY")]
        vkey: Option<String>,
    },
}

/// `belfry evidence export`
#[derive(Debug, Args)]
pub(crate) struct EvidenceExport {
    /// The entries that an alert cites
    #[arg(long, value_name = "ID", conflicts_with_all = ["query", "from", "to"])]
    pub(crate) alert: Option<String>,
    /// The entries that a search finds
    #[arg(long, conflicts_with_all = ["from", "to"])]
    pub(crate) query: Option<String>,
    /// With --query: only entries received this long ago or less, or since this time
    #[arg(long, requires = "query")]
    pub(crate) since: Option<String>,
    /// With --query: only entries received before
    #[arg(long, requires = "query")]
    pub(crate) until: Option<String>,
    /// The entries from this index on
    #[arg(long, value_name = "INDEX", requires = "to")]
    pub(crate) from: Option<u64>,
    /// The last index
    #[arg(long, value_name = "INDEX", requires = "from")]
    pub(crate) to: Option<u64>,
    /// File to write, which must not exist
    #[arg(long, value_name = "FILE", default_value = "evidence.html")]
    pub(crate) out: PathBuf,
}

/// `belfry keys`
#[derive(Debug, Subcommand)]
pub(crate) enum Keys {
    /// Show the verifier key of the ledger and its fingerprint in words, to compare over the phone
    Show,
    /// Make an offline recovery key; its verifier key goes into ledger.recovery_vkey
    RecoveryKey {
        /// File to write the key to, which must not exist; move it off this machine
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
    /// Go on with a new epoch key after the file of the old one was lost
    Recover {
        /// The key that `recovery-key` made
        #[arg(long, value_name = "FILE")]
        recovery_key: PathBuf,
    },
}

/// `belfry token`
#[derive(Debug, Subcommand)]
pub(crate) enum Token {
    /// Make a token for a source and print it, once
    Create {
        /// Name of the source
        source: String,
    },
    /// List tokens by id and source
    List,
    /// Make a token worthless
    Revoke {
        /// Id of the token
        id: String,
    },
}

/// `belfry redact`
#[derive(Debug, Subcommand)]
pub(crate) enum Redact {
    /// Show what would be stored of a record, and why; the value itself is never shown
    Explain {
        /// A file of records, one a line, `-` for standard input, or one record itself (which the
        /// shell then remembers)
        #[arg(default_value = "-", value_name = "FILE|-|RECORD")]
        input: String,
    },
    /// Run policy tests: TOML files of records and what must become of them
    Test {
        /// Files of tests
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
    },
    /// Look at stored entries under today's policy and list what it would take out now
    Scan {
        /// Only entries received this long ago or less (1h, 7d) or since this time (RFC 3339)
        #[arg(long)]
        since: Option<String>,
        /// Only entries received before this long ago or this time
        #[arg(long)]
        until: Option<String>,
        /// Write no progress to standard error
        #[arg(long)]
        quiet: bool,
    },
}

/// `belfry witness`
#[derive(Debug, Subcommand)]
pub(crate) enum Witness {
    /// Pair this node with another: without CARD show our own, with it watch each other
    Pair {
        /// The line that `belfry witness pair` shows on the other node
        #[arg(num_args = 1..)]
        card: Option<Vec<String>>,
    },
    /// Who watches this ledger and what they know; whom this node watches
    Status,
    /// Watch one more log, given by its verifier key
    AddLog {
        /// The log's public key
        vkey: String,
    },
    /// Only watch other logs, without a ledger of our own, until told to stop
    Serve,
}
