//! Which version of what: `tools.toml`, and Cargo.lock for what must follow it.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use anyhow::{Context, anyhow};
use serde::Deserialize;

/// What `tools.toml` says.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Versions {
    cargo: BTreeMap<String, CargoTool>,
    npm: BTreeMap<String, NpmPackage>,
}

/// A crate whose programs are needed.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CargoTool {
    pub version: Pin,
    /// The programs, the first of which tells its version.
    pub bins: Vec<String>,
    pub why: String,
}

/// Where a tool's version stands.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub enum Pin {
    /// Here. A later patch release will do.
    Version(Version),
    /// In Cargo.lock, at the package of this name. It must be that very version.
    Locked {
        #[serde(rename = "cargo-lock")]
        package: String,
    },
}

/// An npm package, and the hash of its tarball.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NpmPackage {
    pub package: String,
    pub version: Version,
    /// `sha512-` and the hash in base64, as npm writes it.
    pub integrity: String,
    pub why: String,
}

impl Versions {
    /// The table this program was built with.
    pub fn load() -> anyhow::Result<Self> {
        toml::from_str(include_str!("../tools.toml")).context("crates/xtask/tools.toml is malformed")
    }

    /// A tool by its crate's name.
    pub fn cargo_tool(&self, name: &str) -> anyhow::Result<&CargoTool> {
        self.cargo.get(name).with_context(|| format!("crates/xtask/tools.toml lacks [cargo.{name}]"))
    }

    /// An npm package by its name in the table.
    pub fn npm_package(&self, name: &str) -> anyhow::Result<&NpmPackage> {
        self.npm.get(name).with_context(|| format!("crates/xtask/tools.toml lacks [npm.{name}]"))
    }
}

impl Pin {
    /// The version to install.
    pub fn resolve(&self, cargo_lock: &str) -> anyhow::Result<Version> {
        match self {
            Self::Version(version) => Ok(version.clone()),
            Self::Locked { package } => locked(cargo_lock, package),
        }
    }

    /// Whether a version that is already there will do.
    pub fn accepts(&self, wanted: &Version, found: &Version) -> bool {
        match self {
            Self::Version(_) => found.replaces(wanted),
            Self::Locked { .. } => found == wanted,
        }
    }
}

/// A package's version in Cargo.lock.
pub fn locked(cargo_lock: &str, package: &str) -> anyhow::Result<Version> {
    #[derive(Deserialize)]
    struct Lock {
        package: Vec<Package>,
    }
    #[derive(Deserialize)]
    struct Package {
        name: String,
        version: String,
    }
    let lock: Lock = toml::from_str(cargo_lock).context("Cargo.lock is malformed: restore it from git")?;
    let mut versions = lock.package.iter().filter(|found| found.name == package);
    match (versions.next(), versions.next()) {
        (Some(found), None) => found.version.parse(),
        (None, _) => Err(anyhow!("Cargo.lock has no {package}: restore it from git")),
        (Some(_), Some(_)) => {
            Err(anyhow!("Cargo.lock has {package} twice: make the dependencies agree on one version"))
        }
    }
}

/// A version as tools print it. Parts after the third number are not looked at, but for a pre-release.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Version {
    numbers: [u64; 3],
    pre: String,
}

impl Version {
    /// The first version in a program's answer to `--version`.
    pub fn in_text(text: &str) -> Option<Self> {
        text.split_whitespace().find_map(|word| word.parse().ok())
    }

    /// The first number.
    pub fn major(&self) -> u64 {
        self.numbers[0]
    }

    /// Whether this one can stand in for `wanted`: the same but for a later patch.
    fn replaces(&self, wanted: &Self) -> bool {
        let ([major, minor, patch], [wanted_major, wanted_minor, wanted_patch]) =
            (self.numbers, wanted.numbers);
        (major, minor) == (wanted_major, wanted_minor) && patch >= wanted_patch && self.pre == wanted.pre
    }
}

impl FromStr for Version {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || anyhow!("{text:?} is not a version like 1.2.3");
        let bare = text.strip_prefix('v').unwrap_or(text);
        let (bare, _build) = bare.split_once('+').unwrap_or((bare, ""));
        let (bare, pre) = bare.split_once('-').unwrap_or((bare, ""));
        let mut numbers = bare.split('.').map(str::parse);
        let mut next = || numbers.next().and_then(Result::ok).ok_or_else(wrong);
        Ok(Self { numbers: [next()?, next()?, next()?], pre: pre.to_owned() })
    }
}

impl TryFrom<String> for Version {
    type Error = anyhow::Error;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [major, minor, patch] = self.numbers;
        write!(f, "{major}.{minor}.{patch}")?;
        if self.pre.is_empty() { Ok(()) } else { write!(f, "-{}", self.pre) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(text: &str) -> Version {
        text.parse().unwrap()
    }

    #[test]
    fn the_table_is_complete() {
        let versions = Versions::load().unwrap();
        for name in ["trunk", "wasm-bindgen-cli", "cargo-deny"] {
            assert!(!versions.cargo_tool(name).unwrap().bins.is_empty());
        }
        for name in ["clerk-js", "clerk-ui", "binaryen"] {
            assert!(versions.npm_package(name).unwrap().integrity.starts_with("sha512-"));
        }
        assert!(versions.cargo_tool("wasm-pack").is_err());
    }

    #[test]
    fn versions_are_found_in_what_programs_print() {
        for (text, wanted) in [
            ("trunk 0.21.14\n", "0.21.14"),
            ("wasm-bindgen 0.2.126", "0.2.126"),
            ("wasm-bindgen 0.2.126 (abc123 2025-01-01)", "0.2.126"),
            ("Chromium 143.0.7499.40 built on Debian GNU/Linux 12", "143.0.7499"),
            ("ChromeDriver 143.0.7499.40 (5a5b-refs/branch-heads/7499@{#1})", "143.0.7499"),
            ("trunk 0.22.0-beta.1", "0.22.0-beta.1"),
        ] {
            assert_eq!(Version::in_text(text).unwrap().to_string(), wanted);
        }
        assert_eq!(Version::in_text("Command '/snap/bin/chromium' requires the snap"), None);
        assert_eq!(Version::in_text(""), None);
    }

    #[test]
    fn a_pinned_tool_may_be_a_patch_newer_and_a_locked_one_may_not() {
        let wanted = version("0.21.14");
        let pinned = Pin::Version(wanted.clone());
        assert!(pinned.accepts(&wanted, &version("0.21.14")));
        assert!(pinned.accepts(&wanted, &version("0.21.15")));
        assert!(!pinned.accepts(&wanted, &version("0.21.13")));
        assert!(!pinned.accepts(&wanted, &version("0.22.0")));
        assert!(!pinned.accepts(&wanted, &version("0.21.15-beta.1")));
        let locked = Pin::Locked { package: "wasm-bindgen".into() };
        assert!(locked.accepts(&version("0.2.126"), &version("0.2.126")));
        assert!(!locked.accepts(&version("0.2.126"), &version("0.2.127")));
    }

    #[test]
    fn the_lock_file_tells_wasm_bindgens_version() {
        let lock = "version = 4\n\
            [[package]]\nname = \"wasm-bindgen\"\nversion = \"0.2.126\"\n\
            [[package]]\nname = \"wasm-bindgen-macro\"\nversion = \"0.2.1\"\n";
        assert_eq!(locked(lock, "wasm-bindgen").unwrap(), version("0.2.126"));
        assert!(locked(lock, "yew").unwrap_err().to_string().contains("yew"));
        let twice = format!("{lock}[[package]]\nname = \"wasm-bindgen\"\nversion = \"0.1.0\"\n");
        assert!(locked(&twice, "wasm-bindgen").unwrap_err().to_string().contains("twice"));
        let real = include_str!("../../../Cargo.lock");
        assert_eq!(locked(real, "wasm-bindgen").unwrap().numbers[0], 0);
    }
}
