//! The reference page and the annotated file, made from the table of keys.

use std::fmt::Write as _;

use super::keys::KEYS;

/// How the page begins.
const PREFACE: &str = "# Settings

Made from the program by `belfry check --print-reference`; a test fails when the two differ.

One file `belfry.toml` (or `--config FILE`), then `conf.d/*.toml` beside it in order of name, then
environment variables `BELFRY__SECTION__KEY`, then the command line. Unknown keys are errors.
`[[table]]` marks a table that may come many times.
";

/// `docs/guide/config.md`.
pub(crate) fn reference_page() -> String {
    let mut page = String::from(PREFACE);
    let mut section = "";
    for key in KEYS {
        let (table, name) = key.path.rsplit_once('.').unwrap_or(("", key.path));
        if table != section {
            section = table;
            let shown = match table.strip_suffix("[]") {
                Some(repeated) => format!("[[{repeated}]]"),
                None => format!("[{table}]"),
            };
            write!(
                page,
                "\n## `{shown}`\n\n| key | default | value | meaning |\n|---|---|---|---|\n"
            )
            .expect("a String takes any text");
        }
        let default = if key.default.is_empty() {
            "-".to_owned()
        } else {
            format!("`{}`", key.default)
        };
        writeln!(
            page,
            "| `{name}` | {default} | {} | {} |",
            key.kind.expected(),
            key.doc
        )
        .expect("a String takes any text");
    }
    page
}

/// A `belfry.toml` with every key, its default and its text, commented out.
pub(crate) fn annotated_file() -> String {
    let mut file = String::from("# Belfry settings; every line shows its default.\n");
    let mut section = "";
    for key in KEYS {
        let (table, name) = key.path.rsplit_once('.').unwrap_or(("", key.path));
        if table != section {
            section = table;
            let shown = match table.strip_suffix("[]") {
                Some(repeated) => format!("# [[{repeated}]]"),
                None => format!("[{table}]"),
            };
            write!(file, "\n{shown}\n").expect("a String takes any text");
        }
        let quoted = match key.kind {
            super::value::Kind::Count | super::value::Kind::Truth | super::value::Kind::Texts => {
                key.default.to_owned()
            }
            _ => format!("\"{}\"", key.default),
        };
        write!(file, "# {}\n# {name} = {quoted}\n", key.doc).expect("a String takes any text");
    }
    file
}
