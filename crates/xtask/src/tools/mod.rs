//! What is needed beyond Rust itself, found or set up.

mod browser;
mod cargo_tool;
mod integrity;
mod npm_package;
mod rustup;

use std::ffi::{OsStr, OsString};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

pub use npm_package::unpack;
pub use rustup::WASM;

use crate::cache::Cache;
use crate::versions::Versions;
use crate::workspace::{self, Workspace};

/// Finds and sets up tools, and starts programs that find them.
#[derive(Debug)]
pub struct Toolbox {
    pub workspace: Workspace,
    cache: Cache,
    versions: Versions,
    /// Folders that go before everything on PATH, for each program started from here.
    added: Vec<PathBuf>,
}

impl Toolbox {
    /// The tools of this checkout and this user. Sets nothing up yet.
    pub fn open() -> anyhow::Result<Self> {
        Ok(Self {
            workspace: Workspace::find()?,
            cache: Cache::of_user()?,
            versions: Versions::load()?,
            added: Vec::new(),
        })
    }

    /// A program, started at the root of the checkout.
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        self.prepare(Command::new(program))
    }

    /// Cargo, started at the root of the checkout.
    pub fn cargo(&self) -> Command {
        self.prepare(workspace::cargo())
    }

    fn prepare(&self, mut command: Command) -> Command {
        command.current_dir(&self.workspace.root).env("PATH", self.path());
        // What Cargo told *this* program about itself. Build scripts look at some of it, and would run
        // again each time a build is started from here after one that was started by hand.
        for (name, _) in std::env::vars_os() {
            let name = name.to_string_lossy();
            if ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_", "CARGO_CRATE_", "CARGO_PRIMARY_"]
                .iter()
                .any(|prefix| name.starts_with(prefix))
            {
                command.env_remove(&*name);
            }
        }
        // Programs are looked for where Cargo puts them when nobody asks for another target.
        command.env_remove("CARGO_BUILD_TARGET");
        command
    }

    /// PATH with our tools first.
    fn path(&self) -> OsString {
        let inherited = std::env::var_os("PATH").unwrap_or_default();
        let all = self.added.iter().cloned().chain(std::env::split_paths(&inherited));
        std::env::join_paths(all).unwrap_or(inherited)
    }

    fn add_to_path(&mut self, folder: PathBuf) {
        if !self.added.contains(&folder) {
            self.added.insert(0, folder);
        }
    }
}

/// The first program of that name on the user's PATH.
fn on_path(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(name)).find(|file| is_program(file))
}

fn is_program(file: &Path) -> bool {
    file.metadata().is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o111 != 0)
}
