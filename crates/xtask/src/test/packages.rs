//! What is to be published can be: each package's archive is unpacked and compiled, against the others' archives.
//!
//! `cargo package` can verify archives itself, but it puts them into a registry of its own, and neither the sources
//! it unpacks nor what it compiles from them are made anew while the version stays the same: a second run compiles a
//! changed package against its neighbours as they were in the first.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::Context;

use super::Session;
use super::steps::{select, show};
use crate::tools::unpack;
use crate::workspace::Package;

/// Packs every crate that is published, and compiles what was packed.
pub fn packages(session: &mut Session) -> anyhow::Result<()> {
    let workspace = &session.tools.workspace;
    let published: Vec<&Package> =
        workspace.packages.iter().filter(|package| package.is_published()).collect();
    let mut package = session.tools.cargo();
    // Nothing is published from here, so uncommitted work is no reason to refuse.
    package.args(["package", "--locked", "--offline", "--allow-dirty", "--no-verify"]);
    package.env("CARGO_TARGET_DIR", &workspace.target);
    select(&mut package, published.iter().copied());
    show("packaging", &mut package)?;

    let root = workspace.target.join("xtask/packages");
    if root.exists() {
        fs::remove_dir_all(&root).with_context(|| format!("{} cannot be emptied", root.display()))?;
    }
    for package in &published {
        let archive = workspace.target.join("package").join(format!("{}.crate", package.named_version()));
        take_out(&archive, &root)?;
    }
    fs::write(root.join("Cargo.toml"), workspace_of(&published))?;
    fs::write(root.join("Cargo.lock"), workspace.lock_file()?)?;
    let mut check = session.tools.cargo();
    check.current_dir(&root).env("CARGO_TARGET_DIR", &workspace.target);
    show("compiling the packages", check.args(["check", "--offline", "--workspace"]))
}

fn take_out(archive: &Path, into: &Path) -> anyhow::Result<()> {
    let bytes = fs::read(archive).with_context(|| format!("{} cannot be read", archive.display()))?;
    unpack(&bytes, into).with_context(|| format!("{} could not be unpacked", archive.display()))
}

/// A workspace in which the packages, which name each other by version, find each other's archives.
fn workspace_of(packages: &[&Package]) -> String {
    let mut text = "[workspace]\nresolver = \"3\"\nmembers = [\"*-*\"]\n\n[patch.crates-io]\n".to_owned();
    for package in packages {
        let _ = writeln!(text, "{} = {{ path = \"{}\" }}", package.name, package.named_version());
    }
    text
}
