//! Manifests: the arrow table, the kinds by dependency, inherited lints, reasons for everything
//! borrowed, and the budget of the lockfile.

use crate::allowed;
use crate::arrows::{self, HOUSE, Imports, RESERVED, Room};
use crate::metadata::Package;
use crate::tidy::{Findings, House};

/// Packages in the lockfile, ours included. Decision 0007 has the reasons.
const LOCKED_PACKAGES_MAX: usize = 300;

/// Where the table of rooms stands, for complaints about the table itself.
const TABLE: &str = "xtask/src/arrows.rs";

pub(super) fn check(house: &House, findings: &mut Findings) {
    for package in &house.packages {
        match arrows::find(&package.name) {
            Some(room) => check_room(package, room, findings),
            None => add_unknown_crate(package, findings),
        }
        add_lints_not_inherited(house, package, findings);
        add_reserved_dependency(package, findings);
        add_unnamed_dependency(house, package, findings);
    }
    add_missing_crates(house, findings);
    add_unreasoned_dependencies(house, findings);
    add_too_many_locked(house, findings);
}

fn check_room(package: &Package, room: &Room, findings: &mut Findings) {
    add_arrows_outside_table(package, room, findings);
    add_arrows_uphill(package, room, findings);
    add_stale_arrows(package, room, findings);
    add_dependency_against_kind(package, room, findings);
}

fn add_unknown_crate(package: &Package, findings: &mut Findings) {
    let message = format!("crate `{}` has no row in {TABLE}", package.name);
    findings.add(&package.manifest(), 0, message);
}

fn add_missing_crates(house: &House, findings: &mut Findings) {
    if house.packages.is_empty() {
        return;
    }
    for room in HOUSE {
        if !house
            .packages
            .iter()
            .any(|package| package.name == room.name)
        {
            findings.add(
                TABLE,
                0,
                format!("row `{}` names no crate of the workspace", room.name),
            );
        }
    }
}

fn add_arrows_outside_table(package: &Package, room: &Room, findings: &mut Findings) {
    for dependency in package
        .dependencies
        .iter()
        .filter(|dependency| dependency.ours)
    {
        let name = dependency.name.as_str();
        let allowed = match room.imports {
            Imports::These(names) => names.contains(&name),
            Imports::AllBut(names) => !names.contains(&name),
        };
        if !allowed {
            let message = format!("`{}` may not import `{name}` (see {TABLE})", package.name);
            findings.add(&package.manifest(), 0, message);
        }
    }
}

fn add_arrows_uphill(package: &Package, room: &Room, findings: &mut Findings) {
    for dependency in package
        .dependencies
        .iter()
        .filter(|dependency| dependency.ours)
    {
        if arrows::find(&dependency.name).is_some_and(|below| below.floor >= room.floor) {
            let message = format!(
                "`{}` on floor {} imports `{}`, which does not stand below it",
                package.name, room.floor, dependency.name
            );
            findings.add(&package.manifest(), 0, message);
        }
    }
}

fn add_stale_arrows(package: &Package, room: &Room, findings: &mut Findings) {
    let Imports::These(names) = room.imports else {
        return;
    };
    for name in names {
        let used = package
            .dependencies
            .iter()
            .any(|dependency| dependency.name == *name);
        if !used {
            let message = format!("row `{}` allows `{name}`, which is not imported", room.name);
            findings.add(TABLE, 0, message);
        }
    }
}

fn add_dependency_against_kind(package: &Package, room: &Room, findings: &mut Findings) {
    let forbidden = arrows::forbidden_dependencies(room.kind);
    for dependency in package
        .dependencies
        .iter()
        .filter(|dependency| !dependency.dev)
    {
        if forbidden.contains(&dependency.name.as_str()) {
            let message = format!(
                "`{}` is a {:?} crate and may not depend on `{}`",
                package.name, room.kind, dependency.name
            );
            findings.add(&package.manifest(), 0, message);
        }
    }
}

fn add_reserved_dependency(package: &Package, findings: &mut Findings) {
    for (name, rooms, reason) in RESERVED {
        let used = package
            .dependencies
            .iter()
            .any(|found| found.name == *name && !found.dev);
        if used && !rooms.contains(&package.name.as_str()) {
            let message = format!("`{name}` belongs to {}: {reason}", rooms.join(", "));
            findings.add(&package.manifest(), 0, message);
        }
    }
}

/// A dependency that no line of code names is build time without a use.
fn add_unnamed_dependency(house: &House, package: &Package, findings: &mut Findings) {
    let own: Vec<_> = house
        .sources
        .iter()
        .filter(|source| house.crate_of(&source.path) == Some(&package.name))
        .collect();
    if own.is_empty() {
        return;
    }
    for dependency in &package.dependencies {
        let word = dependency.name.replace('-', "_");
        let named = own
            .iter()
            .any(|source| source.find_word(&word).next().is_some());
        let entry = (package.name.as_str(), dependency.name.as_str());
        let excused = allowed::UNNAMED_DEPENDENCIES.contains(&entry);
        let message = match (named, excused) {
            (false, false) => "is declared but no code names it: remove it",
            (true, true) => "is named: remove it from UNNAMED_DEPENDENCIES",
            _ => continue,
        };
        findings.add(
            &package.manifest(),
            0,
            format!("`{}` {message}", dependency.name),
        );
    }
}

fn add_lints_not_inherited(house: &House, package: &Package, findings: &mut Findings) {
    let Some(text) = house.text_of(&package.manifest()) else {
        return;
    };
    let inherits = text
        .lines()
        .skip_while(|line| line.trim() != "[lints]")
        .nth(1)
        .is_some_and(|line| line.trim() == "workspace = true");
    if !inherits {
        let message = "add `[lints]` with `workspace = true`".to_owned();
        findings.add(&package.manifest(), 0, message);
    }
}

/// Borrowed crates carry their reason in the line above and bring no features by default.
fn add_unreasoned_dependencies(house: &House, findings: &mut Findings) {
    let Some(text) = house.text_of("Cargo.toml") else {
        return;
    };
    let lines: Vec<&str> = text.lines().collect();
    let start = lines
        .iter()
        .position(|line| line.trim() == "[workspace.dependencies]");
    let Some(start) = start else { return };
    for (offset, line) in lines[start + 1..].iter().enumerate() {
        if line.starts_with('[') {
            break;
        }
        let Some((name, value)) = line.split_once(" = ") else {
            continue;
        };
        if line.starts_with('#') || value.contains("path = ") {
            continue;
        }
        let number = start + 2 + offset;
        if !lines[number - 2].starts_with("# ") {
            let message = format!("`{name}` needs a comment above it: what we borrow it for");
            findings.add("Cargo.toml", number, message);
        }
        if !value.contains("default-features = false") {
            let message = format!("`{name}` needs `default-features = false`");
            findings.add("Cargo.toml", number, message);
        }
    }
}

fn add_too_many_locked(house: &House, findings: &mut Findings) {
    let Some(text) = house.text_of("Cargo.lock") else {
        return;
    };
    let count = text.lines().filter(|line| *line == "[[package]]").count();
    if count > LOCKED_PACKAGES_MAX {
        let message = format!("{count} locked packages, the budget is {LOCKED_PACKAGES_MAX}");
        findings.add("Cargo.lock", 0, message);
    }
}
