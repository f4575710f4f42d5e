//! `belfry token`: tokens of sources, shown once and stored hashed.

use serde_json::json;

use super::Ground;
use crate::cli::{self, Format};
use crate::exit_code::Outcome;
use crate::operate::{Request, actor};
use crate::{talk, tokens};

/// Runs the command.
pub(crate) fn run(ground: &Ground, say: &cli::Token, format: Format) -> anyhow::Result<Outcome> {
    match say {
        cli::Token::Create { source } => {
            let request = Request::MintToken {
                actor: actor(),
                source: source.clone(),
            };
            let made = ground.operate(request)?;
            match format {
                Format::Json => talk::data(&made.to_string()),
                Format::Text => {
                    talk::say("this token is shown once; it can write events and nothing else:");
                    talk::data(made["token"].as_str().unwrap_or_default())
                }
            };
        }
        cli::Token::List => {
            let disk = std::sync::Arc::clone(&ground.disk);
            let store = tokens::Store::load(disk, &ground.config.data_dir)?;
            for (id, source) in store.list() {
                match format {
                    Format::Json => talk::data(&json!({"id": id, "source": source}).to_string()),
                    Format::Text => talk::data(&format!("{id}  {source}")),
                };
            }
        }
        cli::Token::Revoke { id } => {
            let request = Request::RevokeToken {
                actor: actor(),
                id: id.clone(),
            };
            let gone = ground.operate(request)?;
            match format {
                Format::Json => talk::data(&gone.to_string()),
                Format::Text => talk::data(&format!("token {id} opens nothing any more")),
            };
        }
    }
    Ok(Outcome::Fine)
}
