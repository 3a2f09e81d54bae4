//! Where things are looked for.
//!
//! | what | environment | else |
//! | --- | --- | --- |
//! | the built app | `E2E_DIST` | `dist` at the repository's root |
//! | the built lab, `tests/e2e/lab` | `E2E_LAB` | `target/xtask/lab` |
//! | `@clerk/clerk-js`, `@clerk/ui`, unpacked | `E2E_CLERK_JS`, `E2E_CLERK_UI` | the user's cache folder |
//! | chromedriver, Chromium | `E2E_CHROMEDRIVER`, `E2E_CHROMIUM` | `PATH` |
//! | `clerk-dev`, `foo-api` | `E2E_BIN`, their folder | beside the test |
//!
//! `E2E_BROWSERS` says how many browsers may run at once; default 2.

use std::env;
use std::path::{Path, PathBuf};

const HINT: &str = "run `cargo xtask test e2e`, which sets it up";

/// The repository's root.
pub fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().expect("the repository")
}

/// The folder that `trunk build` made.
pub fn dist() -> PathBuf {
    let folder = from_env("E2E_DIST").unwrap_or_else(|| repository().join("dist"));
    found(folder, "the built app", "index.html")
}

/// The lab, built: a page that a test drives from outside.
pub fn lab() -> PathBuf {
    let folder = from_env("E2E_LAB").unwrap_or_else(|| repository().join("target/xtask/lab"));
    found(folder, "the lab", "lab_bg.wasm")
}

/// The unpacked npm package `@clerk/clerk-js`, at the pinned version.
pub fn clerk_js() -> PathBuf {
    npm("E2E_CLERK_JS", "clerk-js", "dist/clerk.browser.js")
}

/// The unpacked npm package `@clerk/ui`, at the pinned version.
pub fn clerk_ui() -> PathBuf {
    npm("E2E_CLERK_UI", "clerk-ui", "dist/ui.browser.js")
}

/// The version `crates/xtask/tools.toml` pins: `clerk-js` or `clerk-ui`.
pub fn pinned_version(name: &str) -> String {
    let file = repository().join("crates/xtask/tools.toml");
    let text = std::fs::read_to_string(&file).expect("crates/xtask/tools.toml");
    let table: toml::Table = text.parse().expect("crates/xtask/tools.toml is TOML");
    let version = table["npm"][name]["version"].as_str().expect("a pinned version");
    version.to_owned()
}

/// chromedriver.
pub fn chromedriver() -> PathBuf {
    program("E2E_CHROMEDRIVER", &["chromedriver"])
}

/// Chromium.
pub fn chromium() -> PathBuf {
    program("E2E_CHROMIUM", &["chromium", "chromium-browser", "google-chrome"])
}

/// One of this repository's servers, built beside the running test.
pub fn server(name: &str) -> PathBuf {
    let folder = from_env("E2E_BIN").unwrap_or_else(|| {
        let test = env::current_exe().expect("the test's own path");
        test.parent().and_then(Path::parent).expect("target/{profile}/deps/{test}").to_owned()
    });
    let program = folder.join(name).with_extension(env::consts::EXE_EXTENSION);
    assert!(program.is_file(), "{name} is not at {}: {HINT}", program.display());
    program
}

fn npm(variable: &str, name: &str, file: &str) -> PathBuf {
    let folder = from_env(variable).unwrap_or_else(|| {
        let version = pinned_version(name);
        cache().join("yew-clerk/npm").join(format!("{name}-{version}")).join("package")
    });
    found(folder, name, file)
}

fn cache() -> PathBuf {
    if let Some(folder) = from_env("XDG_CACHE_HOME") {
        return folder;
    }
    let home = from_env("HOME").expect("HOME");
    home.join(if cfg!(target_os = "macos") { "Library/Caches" } else { ".cache" })
}

fn program(variable: &str, names: &[&str]) -> PathBuf {
    if let Some(program) = from_env(variable) {
        return program;
    }
    let path = env::var_os("PATH").unwrap_or_default();
    let everywhere =
        names.iter().flat_map(|name| env::split_paths(&path).map(move |folder| folder.join(name)));
    everywhere
        .into_iter()
        .find(|file| file.is_file())
        .unwrap_or_else(|| panic!("no {} on PATH: {HINT}", names[0]))
}

fn found(folder: PathBuf, what: &str, file: &str) -> PathBuf {
    assert!(folder.join(file).is_file(), "{what} is not at {}: {HINT}", folder.display());
    folder
}

fn from_env(variable: &str) -> Option<PathBuf> {
    env::var_os(variable).filter(|value| !value.is_empty()).map(PathBuf::from)
}
