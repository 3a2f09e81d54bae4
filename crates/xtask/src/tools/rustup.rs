//! What rustup adds to a toolchain.

use std::path::Path;

use anyhow::bail;

use super::Toolbox;
use crate::output::say;
use crate::run::{self, RunError};

/// The target a page runs.
pub const WASM: &str = "wasm32-unknown-unknown";

impl Toolbox {
    /// Makes sure that Rust can compile for a page.
    pub fn wasm_target(&self) -> anyhow::Result<()> {
        // Asked of rustc, so that a Rust that came without rustup will do.
        let mut rustc = self.command("rustc");
        let folder = run::ask(rustc.args(["--print", "target-libdir", "--target", WASM]));
        if folder.is_some_and(|folder| Path::new(folder.trim()).is_dir()) {
            return Ok(());
        }
        say(format_args!("Adding the {WASM} target to Rust: the app is compiled to it."));
        self.rustup(&["target", "add", WASM], &format!("the {WASM} target"))
    }

    /// Makes sure that `cargo <command>` works, which a component of that name brings.
    pub fn component(&self, command: &str, component: &str) -> anyhow::Result<()> {
        if run::ask(self.cargo().args([command, "--version"])).is_some() {
            return Ok(());
        }
        say(format_args!("Adding {component} to Rust: `cargo {command}` is one of the checks."));
        self.rustup(&["component", "add", component], component)
    }

    fn rustup(&self, arguments: &[&str], what: &str) -> anyhow::Result<()> {
        match run::pulse(&format!("adding {what}"), self.command("rustup").args(arguments)) {
            Ok(_) => Ok(()),
            Err(RunError::NotFound { .. }) => bail!(
                "Rust lacks {what} and rustup was not found: install it with your Rust's own packages, or use rustup"
            ),
            Err(error) if error.is_network() => {
                bail!("rustup could not download {what}: check the network and run this again")
            }
            Err(error) => Err(run::report(error)),
        }
    }
}
