//! What cargo knows about packages, ours and borrowed, reduced to the few facts that tidy asks for.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};
use serde_json::Value;

use crate::step;

/// One package of the workspace.
#[derive(Clone, Debug)]
pub(crate) struct Package {
    pub(crate) name: String,
    /// Folder relative to the root of the repository, with `/` between names.
    pub(crate) folder: String,
    pub(crate) dependencies: Vec<Dependency>,
}

impl Package {
    /// Path of the manifest relative to the root of the repository.
    pub(crate) fn manifest(&self) -> String {
        format!("{}/Cargo.toml", self.folder)
    }
}

/// One line of a package's dependency tables.
#[derive(Clone, Debug)]
pub(crate) struct Dependency {
    pub(crate) name: String,
    /// Only for tests, examples and benches.
    pub(crate) dev: bool,
    /// A crate of this workspace.
    pub(crate) ours: bool,
}

/// A package of somebody else that this machine links.
#[derive(Clone, Debug)]
pub(crate) struct Borrowed {
    pub(crate) name: String,
    /// SPDX expression, empty when the package states none.
    pub(crate) licence: String,
}

/// Asks cargo about the workspace and about what it links on this machine.
pub(crate) fn read(root: &Path) -> Result<(Vec<Package>, Vec<Borrowed>)> {
    let mut command = Command::new(step::cargo_program());
    command
        .args(["metadata", "--format-version", "1", "--locked"])
        .args(["--filter-platform", &host()?])
        .current_dir(root);
    let text = step::output(&mut command)?;
    let value: Value = serde_json::from_str(&text).context("cargo metadata is not JSON")?;
    let list = value["packages"]
        .as_array()
        .context("cargo metadata lists no packages")?;
    let (borrowed, ours): (Vec<&Value>, Vec<&Value>) = list
        .iter()
        .partition(|package| package["source"].is_string());
    let ours = ours
        .into_iter()
        .map(|package| read_package(package, root))
        .collect::<Result<_>>()?;
    let borrowed = borrowed
        .into_iter()
        .map(read_borrowed)
        .collect::<Result<_>>()?;
    Ok((ours, borrowed))
}

/// The platform the compiler builds for when it is not told another.
fn host() -> Result<String> {
    let program = std::env::var("RUSTC").unwrap_or_else(|_| "rustc".to_owned());
    let text = step::output(Command::new(program).arg("-vV"))?;
    let host = text.lines().find_map(|line| line.strip_prefix("host: "));
    Ok(host.context("rustc names no host")?.to_owned())
}

fn read_borrowed(value: &Value) -> Result<Borrowed> {
    Ok(Borrowed {
        name: text(value, "name")?.to_owned(),
        licence: value["license"].as_str().unwrap_or_default().to_owned(),
    })
}

fn read_package(value: &Value, root: &Path) -> Result<Package> {
    let manifest = Path::new(text(value, "manifest_path")?);
    let folder = manifest.parent().unwrap_or(manifest);
    let folder = folder.strip_prefix(root).unwrap_or(folder);
    let dependencies = value["dependencies"]
        .as_array()
        .context("package without dependencies")?;
    Ok(Package {
        name: text(value, "name")?.to_owned(),
        folder: folder.to_string_lossy().replace('\\', "/"),
        dependencies: dependencies
            .iter()
            .map(read_dependency)
            .collect::<Result<_>>()?,
    })
}

fn read_dependency(value: &Value) -> Result<Dependency> {
    Ok(Dependency {
        name: text(value, "name")?.to_owned(),
        dev: value["kind"].as_str() == Some("dev"),
        ours: value["path"].is_string(),
    })
}

fn text<'a>(value: &'a Value, key: &str) -> Result<&'a str> {
    value[key]
        .as_str()
        .with_context(|| format!("cargo metadata has no text under `{key}`"))
}
