//! This checkout: its folders, and what Cargo knows about its crates.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context;
use serde::Deserialize;

/// The package of the app itself.
pub const APP: &str = "foo-app";

/// A checkout of this repository.
#[derive(Debug)]
pub struct Workspace {
    pub root: PathBuf,
    pub target: PathBuf,
    pub packages: Vec<Package>,
}

/// A crate of the workspace.
#[derive(Debug, Deserialize)]
pub struct Package {
    pub name: String,
    version: String,
    manifest_path: PathBuf,
    publish: Option<Vec<String>>,
    dependencies: Vec<Dependency>,
    targets: Vec<Target>,
}

#[derive(Debug, Deserialize)]
struct Target {
    name: String,
    kind: Vec<String>,
}

#[derive(Debug, Deserialize)]
struct Dependency {
    name: String,
    path: Option<PathBuf>,
    kind: Option<String>,
}

impl Workspace {
    /// Asks Cargo about the checkout this program was started in.
    pub fn find() -> anyhow::Result<Self> {
        #[derive(Deserialize)]
        struct Metadata {
            workspace_root: PathBuf,
            target_directory: PathBuf,
            packages: Vec<Package>,
        }
        // Cargo sets the variable when it runs this program; without it, the folder it was built in.
        let here = std::env::var_os("CARGO_MANIFEST_DIR")
            .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
        let output = cargo()
            .args(["metadata", "--no-deps", "--format-version=1"])
            .current_dir(&here)
            .output()
            .context("cargo could not be started: run this as `cargo xtask`")?;
        if !output.status.success() {
            let reason = String::from_utf8_lossy(&output.stderr);
            anyhow::bail!("cargo cannot read the workspace in {}: {}", here.display(), reason.trim());
        }
        let metadata: Metadata =
            serde_json::from_slice(&output.stdout).context("cargo metadata answered something unknown")?;
        Ok(Self {
            root: metadata.workspace_root,
            target: metadata.target_directory,
            packages: metadata.packages,
        })
    }

    /// The text of Cargo.lock.
    pub fn lock_file(&self) -> anyhow::Result<String> {
        std::fs::read_to_string(self.root.join("Cargo.lock"))
            .context("Cargo.lock cannot be read: restore it from git")
    }

    /// What belongs to this checkout's development server, out of git.
    pub fn dev_data(&self) -> PathBuf {
        self.root.join(".dev")
    }

    /// A program of this workspace, as `cargo build` leaves it.
    pub fn program(&self, name: &str) -> PathBuf {
        self.target.join("debug").join(name)
    }

    /// The app and the crates of this workspace that it is made of: what runs in a page.
    pub fn in_the_page(&self) -> Vec<&Package> {
        let mut names = BTreeSet::from([APP]);
        loop {
            let more: Vec<&str> = self
                .packages
                .iter()
                .filter(|package| names.contains(package.name.as_str()))
                .flat_map(|package| &package.dependencies)
                .filter(|needed| needed.path.is_some() && needed.kind.is_none())
                .map(|needed| needed.name.as_str())
                .filter(|name| !names.contains(name))
                .collect();
            if more.is_empty() {
                break;
            }
            names.extend(more);
        }
        self.packages.iter().filter(|package| names.contains(package.name.as_str())).collect()
    }
}

impl Package {
    /// The crate's folder.
    pub fn folder(&self) -> &Path {
        self.manifest_path.parent().unwrap_or(Path::new("."))
    }

    /// Name and version, as in the name of the package's archive.
    pub fn named_version(&self) -> String {
        format!("{}-{}", self.name, self.version)
    }

    /// Whether the crate is for a registry. Cargo gives an empty list for `publish = false`.
    pub fn is_published(&self) -> bool {
        self.publish.as_ref().is_none_or(|registries| !registries.is_empty())
    }

    /// Whether the crate has a file of tests whose name begins so.
    pub fn has_tests_named(&self, prefix: &str) -> bool {
        self.targets
            .iter()
            .any(|target| target.kind.iter().any(|kind| kind == "test") && target.name.starts_with(prefix))
    }

    /// Whether the crate has tests for a browser: a `webdriver.json` says how to start it.
    pub fn has_browser_tests(&self) -> bool {
        self.folder().join("webdriver.json").is_file()
    }
}

/// The Cargo that runs this program.
pub fn cargo() -> Command {
    Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names<'a>(packages: impl IntoIterator<Item = &'a Package>) -> Vec<&'a str> {
        packages.into_iter().map(|package| package.name.as_str()).collect()
    }

    #[test]
    fn the_page_holds_the_app_and_what_it_is_made_of_and_no_server() {
        let workspace = Workspace::find().unwrap();
        let page = names(workspace.in_the_page());
        for name in [APP, "yew-clerk", "clerk-core", "query-cache", "foo-types"] {
            assert!(page.contains(&name), "{page:?}");
        }
        for name in ["xtask", "clerk-dev", "foo-api", "clerk-verify", "e2e"] {
            assert!(!page.contains(&name), "{page:?}");
        }
    }

    #[test]
    fn what_says_publish_false_is_not_published() {
        let workspace = Workspace::find().unwrap();
        let published = names(workspace.packages.iter().filter(|package| package.is_published()));
        assert!(published.contains(&"query-cache") && published.contains(&"clerk-dev"), "{published:?}");
        assert!(!published.contains(&"xtask") && !published.contains(&APP), "{published:?}");
    }
}
