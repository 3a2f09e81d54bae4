//! Programs that come as crates.
//!
//! What is on PATH is used if its version fits, else what an earlier run built into the cache folder,
//! else it is built there, once. Trunk would download a wasm-bindgen by itself, but unchecked, and
//! without the test runner the browser tests need; whoever has a prebuilt one puts it on PATH.

use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::bail;

use super::{Toolbox, is_program, on_path};
use crate::output::say;
use crate::run::{self, RunError};
use crate::versions::{CargoTool, Version};
use crate::workspace::cargo;

/// A tool is waited for once and runs for seconds: quick to build counts for more than quick. On two
/// cores this builds trunk in three minutes instead of ten.
const QUICK_BUILD: [(&str, &str); 4] = [
    ("CARGO_PROFILE_RELEASE_LTO", "off"),
    ("CARGO_PROFILE_RELEASE_OPT_LEVEL", "1"),
    ("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "16"),
    ("CARGO_PROFILE_RELEASE_DEBUG", "0"),
];

impl Toolbox {
    /// Puts the programs of a crate on PATH.
    pub fn cargo_tool(&mut self, name: &str) -> anyhow::Result<()> {
        let tool = self.versions.cargo_tool(name)?;
        let wanted = tool.version.resolve(&self.workspace.lock_file()?)?;
        let folder = match self.fitting_on_path(tool, &wanted) {
            Some(folder) => folder,
            None => self.cached_or_built(name, tool, &wanted)?,
        };
        self.add_to_path(folder);
        Ok(())
    }

    /// The folder on PATH that has all of the tool's programs, in a version that will do.
    fn fitting_on_path(&self, tool: &CargoTool, wanted: &Version) -> Option<PathBuf> {
        let first = on_path(tool.bins.first()?)?;
        let folder = first.parent()?.to_owned();
        if !tool.bins.iter().all(|bin| is_program(&folder.join(bin))) {
            return None;
        }
        let found = Version::in_text(&run::ask(self.command(&first).arg("--version"))?)?;
        tool.version.accepts(wanted, &found).then_some(folder)
    }

    fn cached_or_built(&self, name: &str, tool: &CargoTool, wanted: &Version) -> anyhow::Result<PathBuf> {
        let folder = self.cache.get_or_fill(&format!("tools/{name}-{wanted}"), |work| {
            say(format_args!(
                "Building {name} {wanted}: {}. PATH has none that fits, so it is built once, for all clones, into {}; this takes minutes.",
                tool.why,
                self.cache.path("tools").display()
            ));
            let started = Instant::now();
            self.build(name, wanted, work)?;
            say(format_args!("  {name} is ready ({} s).", started.elapsed().as_secs()));
            Ok(work.join("root"))
        })?;
        Ok(folder.join("bin"))
    }

    fn build(&self, name: &str, version: &Version, work: &Path) -> anyhow::Result<()> {
        let install = |locked: &[&str]| {
            let mut install = cargo();
            // Started in the cache, so that no settings of this checkout apply.
            install
                .current_dir(work)
                .args(["install", name, "--version", &format!("={version}"), "--root"])
                .arg(work.join("root"))
                .args(locked)
                .env("CARGO_TARGET_DIR", work.join("target"))
                .envs(QUICK_BUILD)
                .env_remove("CARGO_BUILD_TARGET");
            run::pulse(&format!("building {name}"), &mut install)
        };
        let built = match install(&["--locked"]) {
            // The versions a tool was released with may not build with today's Rust; newer ones may.
            Err(error @ RunError::Failed { .. }) if !error.is_network() => {
                say("  That did not build; trying once more with newer versions of what it is made of.");
                install(&[])
            }
            other => other,
        };
        match built {
            Ok(_) => Ok(()),
            Err(error) if error.is_network() => {
                bail!("cargo could not download {name} {version}: check the network and run this again")
            }
            Err(error) => Err(run::report(error)),
        }
    }
}
