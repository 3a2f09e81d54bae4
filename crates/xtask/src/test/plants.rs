//! The simulation of the query cache is worth something only if it finds what is wrong. Each patch in
//! `tests/plants` breaks a promise: applied to a copy of the crate, one at a time, each must be found.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, bail};

use super::Session;
use crate::output::say;
use crate::run::{self, RunError};

/// The crate that is simulated, and the test that does it.
const CRATE: &str = "query-cache";
const TEST: &str = "simulation";
/// Within these a planted bug must be found.
const SEEDS: &str = "0..2000";
/// The parts of the workspace's manifest that a crate may inherit from, or that say how it is built.
const INHERITED: [&str; 4] =
    ["[workspace.package]", "[workspace.dependencies]", "[workspace.lints", "[profile."];

/// Plants each bug, and has the simulation find it.
pub fn plants(session: &mut Session) -> anyhow::Result<()> {
    let copy = Copy::make(session)?;
    let patches = patches(&copy.original.join("tests/plants"))?;
    say(format_args!("Without any bug, on the seeds {SEEDS}:"));
    if let Some(found) = copy.simulate(session)? {
        bail!("the simulation fails without a planted bug: {found}");
    }
    say("ok      nothing is found");
    let mut missed = Vec::new();
    for patch in patches {
        let name = patch.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        copy.plant(session, &patch)?;
        match copy.simulate(session)? {
            Some(found) => say(format_args!("ok      {name}: {found}")),
            None => {
                say(format_args!("MISSED  {name}: the seeds {SEEDS} find nothing"));
                missed.push(name);
            }
        }
    }
    if !missed.is_empty() {
        bail!("not found by the simulation: {}", missed.join(", "));
    }
    Ok(())
}

fn patches(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder).with_context(|| format!("{} cannot be read", folder.display()))?;
    let mut patches = entries.map(|entry| Ok(entry?.path())).collect::<anyhow::Result<Vec<_>>>()?;
    patches.retain(|path| path.extension().is_some_and(|extension| extension == "patch"));
    patches.sort();
    if patches.is_empty() {
        bail!("there is no patch in {}", folder.display());
    }
    Ok(patches)
}

/// A copy of the crate in a workspace of its own, among what is built. It shares the folder of builds, so
/// that only the crate itself is compiled again.
struct Copy {
    original: PathBuf,
    root: PathBuf,
    folder: PathBuf,
}

impl Copy {
    fn make(session: &Session) -> anyhow::Result<Self> {
        let workspace = &session.tools.workspace;
        let package = workspace.packages.iter().find(|package| package.name == CRATE);
        let original = package.with_context(|| format!("there is no crate {CRATE}"))?.folder().to_owned();
        let root = workspace.target.join("xtask/plants");
        let folder = root.join(CRATE);
        if root.exists() {
            fs::remove_dir_all(&root).with_context(|| format!("{} cannot be emptied", root.display()))?;
        }
        copy_folder(&original, &folder)?;
        let manifest = fs::read_to_string(workspace.root.join("Cargo.toml"))?;
        fs::write(root.join("Cargo.toml"), workspace_of_one(&manifest))?;
        fs::write(root.join("Cargo.lock"), workspace.lock_file()?)?;
        Ok(Copy { original, root, folder })
    }

    /// The sources as they are, but for this patch.
    fn plant(&self, session: &Session, patch: &Path) -> anyhow::Result<()> {
        fs::remove_dir_all(self.folder.join("src"))?;
        copy_folder(&self.original.join("src"), &self.folder.join("src"))?;
        let mut git = session.tools.command("git");
        // The copy is no part of the repository it may lie in: Git would leave out what is not tracked.
        git.current_dir(&self.folder).env("GIT_CEILING_DIRECTORIES", &self.root).arg("apply").arg(patch);
        run::pulse("planting a bug", &mut git).map(drop).map_err(|error| match error {
            RunError::Failed { output, .. } => anyhow::anyhow!(
                "{} no longer applies to the sources: write it anew ({})",
                patch.display(),
                output.lines().next().unwrap_or_default()
            ),
            other => run::report(other),
        })
    }

    /// Runs the simulation; says what it found, if it found something.
    fn simulate(&self, session: &Session) -> anyhow::Result<Option<String>> {
        let test = || {
            let mut test: Command = session.tools.cargo();
            test.current_dir(&self.root).env("CARGO_TARGET_DIR", &session.tools.workspace.target);
            test.args(["test", "--offline", "--package", CRATE, "--test", TEST]);
            test.env("QUERY_CACHE_SEEDS", SEEDS).env("QUERY_CACHE_BRIEF", "1").env("RUST_BACKTRACE", "0");
            test
        };
        // What cannot be compiled is not found by the simulation.
        run::pulse("building the simulation", test().arg("--no-run")).map_err(run::report)?;
        match run::pulse("running the simulation", &mut test()) {
            Ok(_) => Ok(None),
            Err(RunError::Failed { output, .. }) => match told(&output) {
                Some(found) => Ok(Some(found.to_owned())),
                None => bail!("the simulation failed and named no seed: {output}"),
            },
            Err(error) => Err(run::report(error)),
        }
    }
}

/// The line by which the simulation says which seed found what.
fn told(output: &str) -> Option<&str> {
    output.lines().find(|line| line.starts_with("seed ") && line.contains(" breaks: "))
}

fn copy_folder(from: &Path, to: &Path) -> anyhow::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let to = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_folder(&entry.path(), &to)?;
        } else {
            // Written, not copied with its times: Cargo must see that it is new.
            fs::write(to, fs::read(entry.path())?)?;
        }
    }
    Ok(())
}

/// A manifest with one member, which inherits what it does here.
fn workspace_of_one(manifest: &str) -> String {
    let mut text = format!("[workspace]\nresolver = \"3\"\nmembers = [\"{CRATE}\"]\n");
    let mut kept = false;
    for line in manifest.lines() {
        if line.starts_with('[') {
            kept = INHERITED.iter().any(|section| line.starts_with(section));
        }
        if kept {
            text.push_str(line);
            text.push('\n');
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_copy_inherits_from_the_workspace_and_is_alone_in_it() {
        let manifest = "[workspace]\nmembers = [\"crates/*\"]\n\n[workspace.package]\nedition = \"2024\"\n\n\
                        [workspace.lints.rust]\nunsafe_code = \"deny\"\n\n[profile.dev]\ndebug = 1\n\n\
                        [package]\nname = \"app\"\n\n[dependencies]\nyew = \"1\"\n";
        let text = workspace_of_one(manifest);
        for kept in ["members = [\"query-cache\"]", "edition = \"2024\"", "unsafe_code", "debug = 1"] {
            assert!(text.contains(kept), "{text}");
        }
        for left in ["crates/*", "[package]", "yew"] {
            assert!(!text.contains(left), "{text}");
        }
    }

    #[test]
    fn a_seed_is_found_in_what_the_simulation_prints() {
        let output = "thread panicked at main.rs:1:1:\nseed 17 breaks: one fetch at a time (list/0)\nnote: …";
        assert_eq!(told(output), Some("seed 17 breaks: one fetch at a time (list/0)"));
        assert_eq!(told("error: could not compile"), None);
    }
}
