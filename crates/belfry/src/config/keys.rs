//! The table of every setting: path, kind, default and the text of its manual. The reader of the
//! file, the checker, the nearest-name hint and the reference page are all made from it.

use super::value::Kind;

/// One setting.
#[derive(Debug)]
pub(crate) struct Key {
    /// Dotted path; `[]` marks a table that may come many times.
    pub(crate) path: &'static str,
    /// What its value must look like.
    pub(crate) kind: Kind,
    /// Value when absent, as it would be written; empty means "none".
    pub(crate) default: &'static str,
    /// What it does.
    pub(crate) doc: &'static str,
}

const fn key(path: &'static str, kind: Kind, default: &'static str, doc: &'static str) -> Key {
    Key {
        path,
        kind,
        default,
        doc,
    }
}

/// Every setting, in the order of the reference page.
pub(crate) const KEYS: &[Key] = &[
    key(
        "data.dir",
        Kind::Path,
        "belfry-data",
        "Folder of the ledger and all other state. Created on first start, readable by its owner only.",
    ),
    key(
        "ledger.origin",
        Kind::Text,
        "belfry.local/ledger/1",
        "Name of this log in every checkpoint (C2SP origin): schema-less, like `ledger.example.org/prod/1`. Fixed at first start.",
    ),
    key(
        "ledger.checkpoint_interval",
        Kind::Duration,
        "1s",
        "Longest time between an entry and the signed checkpoint that covers it.",
    ),
    key(
        "ledger.segment_size_max",
        Kind::Size,
        "64MiB",
        "Size of one write-ahead segment.",
    ),
    key(
        "ledger.epoch",
        Kind::Duration,
        "1m",
        "How long one epoch key signs before it is replaced and erased. What lies in epochs that are over cannot be re-signed by a thief of the machine. At least 1s; each epoch costs an entry and about 600 bytes.",
    ),
    key(
        "ledger.recovery_vkey",
        Kind::Text,
        "",
        "Verifier key of an offline recovery key (`belfry keys recovery-key FILE`), written into the first entry: with the key out of the safe the ledger goes on after its epoch key was lost. Counts at first start only.",
    ),
    key(
        "ledger.queue_size_max",
        Kind::Size,
        "64MiB",
        "Bytes that may wait for the disk before senders are told to come back (503).",
    ),
    key(
        "pipeline.queue_size_max",
        Kind::Size,
        "64MiB",
        "Bytes of received records that may wait for parsing before senders are told to come back (503).",
    ),
    key(
        "pipeline.workers",
        Kind::Count,
        "2",
        "Threads that parse and redact.",
    ),
    key(
        "admin.listen",
        Kind::Address,
        "127.0.0.1:8425",
        "Address of the operator's API: health, metrics, commands. Keep it on loopback.",
    ),
    key(
        "publish.enabled",
        Kind::Truth,
        "false",
        "Whether checkpoint, tiles and entries are served to strangers (C2SP tlog-tiles). Entries hold commitments, no event.",
    ),
    key(
        "publish.listen",
        Kind::Address,
        "127.0.0.1:8428",
        "Address of `GET /checkpoint` and `GET /tile/...`.",
    ),
    key(
        "witness.policy",
        Kind::Path,
        "",
        "File that says which witnesses must have seen a checkpoint (C2SP tlog-policy); empty for the one that `belfry witness pair` writes.",
    ),
    key(
        "witness.interval",
        Kind::Duration,
        "5s",
        "Pause between two rounds to the witnesses; all get the same checkpoint.",
    ),
    key(
        "witness.grace",
        Kind::Duration,
        "5m",
        "How long the witnesses may be missing before D28 rings. Events are taken in all the while.",
    ),
    key(
        "witness.timeout",
        Kind::Duration,
        "5s",
        "Time for one question to a witness.",
    ),
    key(
        "witness.serve.enabled",
        Kind::Truth,
        "false",
        "Whether this node watches the logs of others.",
    ),
    key(
        "witness.serve.listen",
        Kind::Address,
        "127.0.0.1:8427",
        "Address of `POST /add-checkpoint`. Plain HTTP: what counts is signed.",
    ),
    key(
        "witness.serve.url",
        Kind::Text,
        "",
        "How other nodes reach that address, for example `https://tower.example.org`; empty for the address itself.",
    ),
    key(
        "intake.http.enabled",
        Kind::Truth,
        "true",
        "Whether events are taken over HTTP.",
    ),
    key(
        "intake.http.listen",
        Kind::Address,
        "127.0.0.1:8426",
        "Address of `POST /v1/events`.",
    ),
    key(
        "intake.syslog_udp[].source",
        Kind::Name,
        "",
        "Name of the source the datagrams are booked under.",
    ),
    key(
        "intake.syslog_udp[].listen",
        Kind::Address,
        "",
        "Address for syslog datagrams, for example `127.0.0.1:5514`.",
    ),
    key(
        "intake.syslog_tcp[].source",
        Kind::Name,
        "",
        "Name of the source the connections are booked under.",
    ),
    key(
        "intake.syslog_tcp[].listen",
        Kind::Address,
        "",
        "Address for syslog streams (octet counting and newline framing are told apart by themselves).",
    ),
    key(
        "intake.trusted_proxies",
        Kind::Texts,
        "[]",
        "Networks of your proxies, such as `10.0.0.0/8`. Only what they hand on in `X-Forwarded-For`, `Forwarded` or `X-Real-IP` changes `source.ip`.",
    ),
    key(
        "intake.file[].source",
        Kind::Name,
        "",
        "Name of the source the file is booked under.",
    ),
    key(
        "intake.file[].path",
        Kind::Path,
        "",
        "File to follow, through rotation and truncation.",
    ),
    key(
        "intake.file[].start",
        Kind::OneOf(&["beginning", "end"]),
        "beginning",
        "Where to start in a file that was never read before.",
    ),
    key(
        "enrich.city",
        Kind::Path,
        "",
        "MaxMind DB file that knows the country and city of an address; read at the start.",
    ),
    key(
        "enrich.asn",
        Kind::Path,
        "",
        "MaxMind DB file that knows the network operator (AS) of an address; read at the start.",
    ),
    key(
        "redact.key_id",
        Kind::Name,
        "k1",
        "Name of the key behind keyed hashes; it is written into each of them.",
    ),
    key(
        "redact.secret_keys",
        Kind::Texts,
        "[]",
        "Further key names whose values are dropped wherever they appear.",
    ),
    key(
        "redact.email",
        Kind::OneOf(&["keep", "hash"]),
        "keep",
        "Whether e-mail addresses are kept or replaced by a keyed hash.",
    ),
    key(
        "rules.shipped",
        Kind::Truth,
        "true",
        "Whether the shipped rules D01.. are loaded.",
    ),
    key(
        "rules.dir",
        Kind::Path,
        "",
        "Folder of your own Sigma rules and exceptions (`*.yml`), with the folders in it.",
    ),
    key(
        "rules.tuning",
        Kind::Path,
        "",
        "File with your thresholds, levels and scopes (docs/guide/tuning.md); it survives updates of the rules.",
    ),
    key(
        "detect.lateness",
        Kind::Duration,
        "5m",
        "How late by its own time an event may come and still be counted.",
    ),
    key(
        "detect.skew_future",
        Kind::Duration,
        "1m",
        "How far an event's own time may lie after its receipt before the receipt counts.",
    ),
    key(
        "detect.skew_past",
        Kind::Duration,
        "24h",
        "How far the time of an event from a live sender may lie before its receipt before the receipt counts.",
    ),
    key(
        "detect.state_size_max",
        Kind::Size,
        "16MiB",
        "Memory for the windows of one rule; beyond it groups far from their threshold are given up, and B01 rings.",
    ),
    key(
        "watch.silence",
        Kind::Duration,
        "15m",
        "How long a source that was heard may be silent before D27 rings.",
    ),
    key(
        "watch.defect_percent_max",
        Kind::Count,
        "5",
        "Share of unparseable records of a source above which D27 rings.",
    ),
    key(
        "alert.stdout.enabled",
        Kind::Truth,
        "true",
        "Whether alerts are shown on the terminal of `belfry run`.",
    ),
    key(
        "alert.stdout.format",
        Kind::OneOf(&["pretty", "json"]),
        "pretty",
        "How they are shown.",
    ),
    key(
        "alert.file.path",
        Kind::Path,
        "",
        "File that takes each alert as one JSON line; empty for none.",
    ),
    key(
        "alert.webhook[].name",
        Kind::Name,
        "",
        "Name of the receiver in delivery reports.",
    ),
    key(
        "alert.webhook[].url",
        Kind::Text,
        "",
        "HTTPS address that takes alerts (Standard Webhooks).",
    ),
    key(
        "alert.webhook[].secret_file",
        Kind::Path,
        "",
        "File with the signing secret, `whsec_` base64 or raw text.",
    ),
    key(
        "alert.webhook[].timeout",
        Kind::Duration,
        "10s",
        "Longest wait for an answer.",
    ),
];
